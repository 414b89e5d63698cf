/* SPDX-License-Identifier: MIT */
#include "sip/root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "config.h"
#include "sip/filter.h"
#include "sip/inside.h"
#include "sip/interpose.h"
#include "sip/loop.h"

#define ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK"
#define DAY_MS 86400000
#define LEGS_WAIT_MS 5000	/* for farewells that nobody answers */

/* ---- what the library says ---- */

/* Lines come in pieces and garbage makes lines too: a bucket of 20, refilled
 * one a 100 ms, at debug level only. */
static void on_library_log(void *arg, const char *fmt, va_list ap)
{
	static char line[512];
	static size_t len;
	static unsigned tokens = 20;
	static uint64_t refilled_ns;
	uint64_t now_ns;
	int n;

	(void)arg;
	if (log_level() < LOG_DEBUG)
		return;
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	if (n < 0)
		return;
	len += (size_t)n;
	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	if (!len || (line[len - 1] != '\n' && len < sizeof(line) - 1))
		return;
	if (line[len - 1] == '\n')
		line[len - 1] = '\0';
	len = 0;
	now_ns = clock_mono_ns();
	if (now_ns - refilled_ns > 100 * NS_PER_MS) {
		uint64_t more = (now_ns - refilled_ns) / (100 * NS_PER_MS);

		tokens = more > 20 - tokens ? 20 : tokens + (unsigned)more;
		refilled_ns = now_ns;
	}
	if (!tokens)
		return;
	tokens--;
	log_debug(NULL, "sofia: %s", line);
}

const char *root_phrase(int status)
{
	const char *phrase = sip_status_phrase(status);

	return phrase ? phrase : "Refused";
}

void root_note(struct siproot *root, struct trunk *trunk, bool in,
	       const char *call_id, const char *start)
{
	if (root->events.message)
		root->events.message(trunk, in, call_id, start, root->arg);
}

static const char *const refusals[] = {
	"bad-contact",	 "bad-sdp",	      "body-not-sdp",
	"sdp-too-large", "header-too-long",   "no-audio-in-offer",
	"stopping",	 "unknown-source",
};
#define REFUSALS (sizeof(refusals) / sizeof(*refusals))
static struct metric *refused[REFUSALS];

void root_refused(const char *code)
{
	size_t i;

	for (i = 0; i < REFUSALS; i++)
		if (strcmp(refusals[i], code) == 0)
			metric_inc(refused[i]);
}

static void root_metrics(void)
{
	char labels[96];
	size_t i;

	for (i = 0; i < REFUSALS; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 refusals[i]);
		refused[i] = metric_counter("sip_refused_total", labels,
					    "INVITEs refused before a call "
					    "began");
	}
	interpose_count_stun(metric_counter(
		"sip_dropped_total", "reason=\"stun\"",
		"SIP messages dropped unanswered"));
	leg_metrics();
}

/* ---- events ---- */

static void answer_options(struct network *net, const struct nuaevent *ev)
{
	bool ready = net->root->ready && !net->root->stopping;

	nua_respond(ev->nh, ready ? 200 : 503, root_phrase(ready ? 200 : 503),
		    NUTAG_WITH_THIS(net->nua), SIPTAG_ALLOW_STR(ALLOW),
		    SIPTAG_ACCEPT_STR("application/sdp"),
		    TAG_IF(!ready, SIPTAG_RETRY_AFTER_STR("5")), TAG_END());
	nua_handle_destroy(ev->nh);
}

static bool library_stopped(const struct siproot *root)
{
	unsigned i;

	for (i = 0; i < root->network_cnt; i++)
		if (!root->network[i].stopped)
			return false;
	return true;
}

static void root_destroy(struct siproot *root)
{
	struct network *net;
	struct trunk *trunk;
	unsigned i;

	for (i = 0; i < root->network_cnt; i++) {
		net = &root->network[i];
		if (net->nua)
			nua_destroy(net->nua);
		filter_free(&net->filter);
		free(net->name);
	}
	while (root->legs.head)
		leg_discard(root->legs.head);
	while (root->trunks.head) {
		trunk = list_entry(root->trunks.head, struct trunk, le);
		trunk_free(&trunk);
	}
	interpose_count_stun(NULL);
	free(root->network);
	free(root);
}

/* Whether every leg is in the list: one that went in this turn holds its
 * trunk until the turn ends. */
static bool legs_settled(const struct siproot *root)
{
	const struct le *le;
	size_t users = 0;

	for (le = root->trunks.head; le; le = le->next)
		users += list_entry(le, const struct trunk, le)->users;
	return users == root->legs.count;
}

static void on_all_stopped(void *arg)
{
	struct siproot *root = arg;

	if (!legs_settled(root)) {
		timer_start(&root->timer, root->loop, 0, on_all_stopped,
			    root);
		return;
	}
	if (root->done)
		root->done(root->done_arg);
	root_destroy(root);
}

static void on_shutdown(struct network *net, int status)
{
	struct siproot *root = net->root;

	if (status < 200)
		return;
	net->stopped = true;
	/* Not under the library's feet. */
	if (library_stopped(root))
		timer_start(&root->timer, root->loop, 0, on_all_stopped, root);
}

static void on_event(nua_event_t event, int status, const char *phrase,
		     nua_t *nua, struct network *net, nua_handle_t *nh,
		     struct nuauser *user, const sip_t *sip, tagi_t tags[])
{
	struct nuaevent ev = { event, status, phrase, nh, sip, tags };

	(void)nua;
	/* Time-outs and send errors come dressed as answers. */
	if (sip && nta_sip_is_internal(sip))
		ev.sip = NULL;
	siploop_enter(net->root->loop);
	if (event == nua_r_shutdown)
		on_shutdown(net, status);
	else if (user)
		user->on(user, &ev);
	else if (event == nua_i_options)
		answer_options(net, &ev);
	else if (event == nua_i_invite)
		leg_on_invite(net, &ev);
	else if (nh && nua_event_is_incoming_request(event))
		nua_handle_destroy(nh);
}

static bool source_known(const struct addr *from, void *arg)
{
	struct network *net = arg;

	return trunk_by_source(net->root, net, from) != NULL;
}

/* ---- one network ---- */

/* "sip:shown:port;maddr=bound;transport=udp".  No transport means both; a
 * list of them would crash the library. */
static char *bind_uri(const struct siproot_network *config)
{
	bool shown = config->advertise.len != 0;
	bool six = config->address.ss.ss_family == AF_INET6;
	char bound[ADDR_TEXT_LEN], host[ADDR_TEXT_LEN];

	addr_print_host(bound, &config->address);
	addr_print_host(host, shown ? &config->advertise : &config->address);
	return xasprintf("sip:%s%s%s:%u%s%s%s", six ? "[" : "", host,
			 six ? "]" : "", addr_port(&config->address),
			 shown ? ";maddr=" : "", shown ? bound : "",
			 config->udp && config->tcp ? ""
			 : config->tcp		    ? ";transport=tcp"
						    : ";transport=udp");
}

/* The port that the library really bound, the same for UDP and TCP. */
static int learn_port(struct network *net)
{
	tport_t *tp;
	long port = 0, found;

	for (tp = tport_primaries(nta_agent_tports(net->agent)); tp;
	     tp = tport_next(tp)) {
		found = strtol(tport_name(tp)->tpn_port, NULL, 10);
		if (found < 1 || found > 65535 || (port && port != found))
			return EINVAL;
		port = found;
	}
	if (!port)
		return EINVAL;
	addr_set_port(&net->address, (uint16_t)port);
	addr_set_port(&net->advertise, (uint16_t)port);
	return 0;
}

static nua_t *create(struct network *net, const char *uri)
{
	return nua_create(
		siploop_root(net->root->loop), on_event, net, NUTAG_URL(uri),
		NTATAG_MCLASS(filter_class(net->filter)),
		/* Never the library's SDP, nor its own ideas of a call. */
		NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0),
		NUTAG_AUTOACK(1), NUTAG_AUTO302(0), NUTAG_MAX_RETRY_AFTER(0),
		NUTAG_INVITE_TIMER(0),
		/* Session timer: the peer refreshes if it wants one. */
		NUTAG_SESSION_TIMER(0), NUTAG_MIN_SE(90),
		NUTAG_SESSION_REFRESHER(nua_remote_refresher),
		NUTAG_UPDATE_REFRESH(1),
		SIPTAG_ALLOW_STR(ALLOW), NUTAG_APPL_METHOD("UPDATE, OPTIONS"),
		SIPTAG_SUPPORTED_STR("100rel, timer"),
		SIPTAG_USER_AGENT_STR("Riptide/" PACKAGE_VERSION),
		/* Addresses only, never the library's resolver. */
		NTATAG_USE_NAPTR(0), NTATAG_USE_SRV(0),
		NTATAG_MAXSIZE(65536), NTATAG_UDP_MTU(65535),
		NTATAG_MAX_PROCEEDING(5000), NTATAG_TIMER_C(DAY_MS),
		TPTAG_UDP_RMEM(8 << 20), TPTAG_IDLE(600000),
		TPTAG_TIMEOUT(30000), TPTAG_QUEUESIZE(500), TAG_END());
}

/* Whether the address is free: the library leaks when its own bind fails, and
 * says less. */
static int try_bind(const struct addr *addr, int type)
{
	int fd = socket(addr->ss.ss_family, type | SOCK_CLOEXEC, 0), one = 1;
	int err = 0;

	if (fd < 0)
		return errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&addr->ss, addr->len) < 0)
		err = errno;
	close(fd);
	return err;
}

static int network_open(struct network *net, struct siproot *root,
			const struct siproot_network *config, char **why)
{
	char *uri = NULL, text[ADDR_TEXT_LEN];
	int err = 0;

	net->root = root;
	net->name = xstrdup(config->name);
	net->address = config->address;
	net->advertise = config->advertise.len ? config->advertise
					       : config->address;
	net->udp = config->udp;
	net->tcp = config->tcp;
	net->filter = filter_new(source_known, net);
	if (config->udp)
		err = try_bind(&config->address, SOCK_DGRAM);
	if (config->tcp && !err)
		err = try_bind(&config->address, SOCK_STREAM);
	if (err) {
		addr_print(text, &config->address);
		*why = xasprintf("network %s: cannot bind %s: %s", net->name,
				 text, strerror(err));
		return err;
	}
	uri = bind_uri(config);
	interpose_take_agent();
	errno = 0;
	net->nua = create(net, uri);
	net->agent = interpose_take_agent();
	if (!net->nua) {
		err = errno ? errno : EADDRNOTAVAIL;
		*why = xasprintf("network %s: cannot bind %s: %s", net->name,
				 uri, strerror(err));
	} else if (!net->agent) {
		err = ENOTSUP;
		*why = xasprintf("the program was linked without -rdynamic or "
				 "sip/interpose.c: the SIP library would run "
				 "unshielded");
	} else if (learn_port(net) != 0) {
		err = EADDRNOTAVAIL;
		*why = xasprintf("network %s: UDP and TCP were bound to "
				 "different ports; name one", net->name);
	}
	free(uri);
	return err;
}

static int network_check(const struct siproot_network *config, char **why)
{
	uint16_t shown = config->advertise.len ? addr_port(&config->advertise)
					       : 0;

	if (!config->udp && !config->tcp)
		*why = xasprintf("network %s: neither UDP nor TCP",
				 config->name);
	else if (shown && shown != addr_port(&config->address))
		*why = xasprintf("network %s: the advertised port %u is not "
				 "the bound one", config->name, shown);
	else
		return 0;
	return EINVAL;
}

/* ---- shutdown: legs, then the library, then its memory ---- */

static void stop_library(struct siproot *root)
{
	struct network *net;
	struct le *le;
	unsigned i;

	/* The library would repeat their farewells for half a minute. */
	for (le = root->legs.head; le; le = le->next)
		leg_forsake(le);
	for (i = 0; i < root->network_cnt; i++) {
		net = &root->network[i];
		net->stopped = !net->nua;
		if (net->nua)
			nua_shutdown(net->nua);
	}
	if (library_stopped(root))
		timer_start(&root->timer, root->loop, 0, on_all_stopped, root);
}

static void wait_for_legs(void *arg)
{
	struct siproot *root = arg;

	if (list_empty(&root->legs) ||
	    loop_now_ns(root->loop) >= root->give_up_ns)
		stop_library(root);
	else
		timer_start(&root->timer, root->loop, 20, wait_for_legs, root);
}

void siproot_shutdown(struct siproot **rootp, void (*done)(void *arg),
		      void *arg)
{
	struct siproot *root = *rootp;
	struct le *le;

	if (!root)
		return;
	loop_assert(LOOP_CONTROL);
	*rootp = NULL;
	root->stopping = true;
	root->done = done;
	root->done_arg = arg;
	root->give_up_ns = loop_now_ns(root->loop) + LEGS_WAIT_MS * NS_PER_MS;
	for (le = root->trunks.head; le; le = le->next)
		trunk_quiet(list_entry(le, struct trunk, le));
	timer_start(&root->timer, root->loop, 0, wait_for_legs, root);
}

/* siproot_new() failed: the caller may never run the loop, so the library
 * gets its turns here.  It has had no traffic and stops at once. */
static void root_abandon(struct siproot *root)
{
	unsigned turns = 0;

	stop_library(root);
	while (!library_stopped(root) && turns++ < 200)
		su_root_step(siploop_root(root->loop), 5);
	timer_stop(&root->timer);
	root_destroy(root);
}

/* ---- life ---- */

int siproot_new(struct siproot **rootp, struct loop *loop,
		const struct siproot_network *network, unsigned network_cnt,
		const struct siproot_events *events, void *arg, char **why)
{
	struct siproot *root;
	unsigned i;
	int err = 0;

	loop_assert(LOOP_CONTROL);
	*why = NULL;
	if (!siploop_root(loop)) {
		*why = xasprintf("not a loop of siproot_loop_new()");
		return EINVAL;
	}
	for (i = 0; i < network_cnt && !err; i++)
		err = network_check(&network[i], why);
	if (err)
		return err;
	su_log_redirect(NULL, on_library_log, NULL);
	root = xzalloc(sizeof(*root));
	root->loop = loop;
	root->events = *events;
	root->arg = arg;
	root->network = xcalloc(network_cnt ? network_cnt : 1,
				sizeof(*root->network));
	root_metrics();
	for (i = 0; i < network_cnt && !err; i++) {
		root->network_cnt++;
		err = network_open(&root->network[i], root, &network[i], why);
	}
	if (err)
		root_abandon(root);
	else
		*rootp = root;
	return err;
}

void siproot_set_ready(struct siproot *root, bool ready)
{
	loop_assert(LOOP_CONTROL);
	root->ready = ready;
}

struct network *root_network(const struct siproot *root, const char *name)
{
	unsigned i;

	for (i = 0; i < root->network_cnt; i++)
		if (strcmp(root->network[i].name, name) == 0)
			return &root->network[i];
	return NULL;
}

uint16_t siproot_port(const struct siproot *root, const char *network)
{
	struct network *net = root_network(root, network);

	return net ? addr_port(&net->address) : 0;
}
