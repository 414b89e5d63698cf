/* SPDX-License-Identifier: MIT */
#include "ript/net.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ript/byway_msg.h"
#include "ript/exchange_private.h"
#include "ript/refuse.h"
#include "ript/tls.h"

#define REQUESTS_PER_S 1000	/* Q90 */

struct tls_kept {
	struct le le;
	char *ca_file;			/* NULL: the system's roots */
	struct timespec mtime;
	off_t size;
	struct tls_client *tls;
};

static const char *const refusal_name[REFUSE_CNT] = {
	[REFUSE_BAD_CHUNKS] = "bad-chunks",
	[REFUSE_UNAUTHORIZED] = "unauthorized",
	[REFUSE_NOT_FOUND] = "not-found",
	[REFUSE_CALL_ENDED] = "call-ended",
	[REFUSE_METHOD] = "method-not-allowed",
	[REFUSE_TOO_LARGE] = "too-large",
	[REFUSE_TYPE] = "unsupported-type",
	[REFUSE_EARLY] = "too-early",
	[REFUSE_SLOW_DOWN] = "slow-down",
	[REFUSE_NO_WEBTRANSPORT] = "no-webtransport",
	[REFUSE_CONTROL_FULL] = "control-full",
	[REFUSE_CROSSING_FULL] = "crossing-full",
	[REFUSE_BODIES_FULL] = "bodies-full",
};

static const char *const drop_name[DROP_CNT] = {
	[DROP_NO_GET] = "no-get",
	[DROP_OVER_ROOM] = "over-room",
	[DROP_RING_FULL] = "ring-full",
	[DROP_RING_OLD] = "ring-old",
	[DROP_PUTS_FULL] = "puts-full",
	[DROP_CROSSING_FULL] = "crossing-full",
	[DROP_GET_GONE] = "get-gone",
	[DROP_UNBOUND] = "unbound",
	[DROP_UNFRAMED] = "unframed",
	[DROP_NO_WAY] = "no-way",
	[DROP_REFUSED] = "refused",
};

static const char *const crossing_name[CROSSED_CNT] = {
	[CROSSED_PUT] = "put",
	[CROSSED_GET] = "get",
	[CROSSED_DATAGRAM_IN] = "datagram-in",
	[CROSSED_DATAGRAM_OUT] = "datagram-out",
};

/* One counter for each name, as the label @key. */
static void counters_make(struct metric **metrics, const char *const *names,
			  unsigned cnt, const char *series, const char *key,
			  const char *help)
{
	char labels[64];
	struct buf text;
	unsigned i;

	for (i = 0; i < cnt; i++) {
		buf_init(&text, sizeof(labels));
		buf_printf(&text, "%s=\"%s\"", key, names[i]);
		metrics[i] = metric_counter(series, buf_str(&text), help);
		buf_free(&text);
	}
}

static void metrics_make(struct net_metrics *m)
{
	counters_make(m->refused, refusal_name, REFUSE_CNT,
		      "worker_refusals_total", "reason",
		      "Requests that a worker refused by itself.");
	counters_make(m->dropped, drop_name, DROP_CNT, "byway_drops_total",
		      "reason", "Media bodies that did not get through.");
	counters_make(m->crossed, crossing_name, CROSSED_CNT,
		      "byway_crossings_total", "what",
		      "Media that crossed from worker to worker.");
	m->requests = metric_counter("worker_requests_total", NULL,
				     "Requests passed to control.");
	m->stalled = metric_counter("exchange_stalls_total", NULL,
				    "Streams given up because the peer does "
				    "not read, or not end its request.");
	m->strangers = metric_counter("worker_strangers_closed_total", NULL,
				      "Connections closed because no good "
				      "token came in time.");
	m->gets = metric_gauge("byway_gets", NULL, "Open GET {call}/media.");
	m->displaced = metric_counter("byway_gets_displaced_total", NULL,
				      "GETs answered 204 for a newer one.");
	m->sessions = metric_gauge("byway_sessions", NULL,
				   "WebTransport sessions of calls.");
	m->tombstones = metric_gauge("byway_tombstones", NULL,
				     "Ended calls that still answer 404 "
				     "call-ended, over all workers.");
	m->panics = metric_counter("byway_panics_total", NULL,
				   "Reports of media without an open GET.");
	m->connects = metric_counter("peer_connects_total", NULL,
				     "Connections begun to RIPT peers.");
	m->connect_fails = metric_counter("peer_connect_failures_total", NULL,
					  "Connections to RIPT peers that "
					  "were not made.");
}

int ript_net_new(struct exchange_net **netp,
		 const struct ript_net_config *config, char **why)
{
	struct exchange_net *net = xzalloc(sizeof(*net));
	int *fds = xcalloc(config->worker_cnt, sizeof(*fds));
	unsigned i;
	int err = 0;

	loop_assert(LOOP_CONTROL);
	net->worker_cnt = config->worker_cnt;
	net->control = config->control;
	net->to_control = config->to_control;
	net->dns = config->dns;
	net->requests_per_s = config->requests_per_s ? config->requests_per_s
						     : REQUESTS_PER_S;
	net->no_webtransport = config->no_webtransport;
	random_bytes(&net->secrets, sizeof(net->secrets));
	metrics_make(&net->metric);
	for (i = 0; i < REFUSE_CNT; i++)
		net->refusal_body[i] = worker_refusal_body(i);
	net->worker = xcalloc(config->worker_cnt, sizeof(*net->worker));
	for (i = 0; i < config->worker_cnt; i++) {
		pthread_mutex_init(&net->worker[i].lock, NULL);
		net->worker[i].early_end = &net->worker[i].early;
		net->worker[i].listen_fd = -1;
	}

	if (config->listen) {
		err = tls_server_new(&net->tls, config->cert_file,
				     config->key_file, why);
		if (err)
			goto out;
		err = h3_listen(fds, config->worker_cnt, config->listen,
				&net->bound);
		if (err) {
			char at[ADDR_TEXT_LEN];

			addr_print(at, config->listen);
			*why = xasprintf("cannot listen on %s: %s", at,
					 strerror(err));
			goto out;
		}
		for (i = 0; i < config->worker_cnt; i++)
			net->worker[i].listen_fd = fds[i];
	}
	*netp = net;
	net = NULL;
out:
	free(fds);
	ript_net_free(&net);
	return err;
}

const struct addr *ript_net_bound(const struct exchange_net *net)
{
	return &net->bound;
}

int ript_net_reload(struct exchange_net *net, char **why)
{
	loop_assert(LOOP_CONTROL);
	return net->tls ? tls_server_reload(net->tls, why) : 0;
}

void ript_net_free(struct exchange_net **netp)
{
	struct exchange_net *net = *netp;
	struct msg *msg;
	struct le *le;
	unsigned i;

	if (!net)
		return;
	*netp = NULL;
	exchange_net_close(net);
	for (i = 0; i < net->worker_cnt; i++) {
		struct net_worker *w = &net->worker[i];

		while ((msg = w->early)) {
			w->early = msg->next;
			msg->drop(msg);
		}
		if (w->listen_fd >= 0)
			close(w->listen_fd);
		pthread_mutex_destroy(&w->lock);
	}
	while ((le = list_pop(&net->tls_clients))) {
		struct tls_kept *kept = list_entry(le, struct tls_kept, le);

		tls_client_free(&kept->tls);
		free(kept->ca_file);
		free(kept);
	}
	for (i = 0; i < REFUSE_CNT; i++)
		free(net->refusal_body[i]);
	tls_server_free(&net->tls);
	mem_wipe(&net->secrets, sizeof(net->secrets));
	free(net->worker);
	free(net);
}

/* Among equals in turn: calls being set up have no byway yet. */
unsigned ript_net_least_loaded(const struct exchange_net *net)
{
	struct exchange_net *turn = (struct exchange_net *)(uintptr_t)net;
	unsigned best = net->next_home % net->worker_cnt;
	unsigned i;

	loop_assert(LOOP_CONTROL);
	for (i = 1; i < net->worker_cnt; i++) {
		unsigned at = (net->next_home + i) % net->worker_cnt;

		if (net->worker[at].homes < net->worker[best].homes)
			best = at;
	}
	turn->next_home = best + 1;
	return best;
}

void ript_net_drain(struct exchange_net *net)
{
	unsigned i;

	loop_assert(LOOP_CONTROL);
	for (i = 0; i < net->worker_cnt; i++)
		net_post(net, i, &bmsg_new(net, BMSG_DRAIN, i, 0)->msg);
}

/* ---- doors ---- */

void net_post(struct exchange_net *net, unsigned worker, struct msg *msg)
{
	struct net_worker *w = &net->worker[worker];

	assert(worker < net->worker_cnt);
	msg->next = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->inbox) {
		mailbox_post_always(w->inbox, msg);
	} else if (w->ended) {
		msg->drop(msg);
	} else {
		*w->early_end = msg;
		w->early_end = &msg->next;
	}
	pthread_mutex_unlock(&w->lock);
}

int net_tell(struct exchange_net *net, struct msg *msg)
{
	return mailbox_post(net->to_control, msg);
}

void net_tell_always(struct exchange_net *net, struct msg *msg)
{
	mailbox_post_always(net->to_control, msg);
}

int net_cross(struct exchange_net *net, unsigned worker, struct msg *msg)
{
	struct net_worker *w = &net->worker[worker];
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->crossing ? mailbox_post(w->crossing, msg) : EAGAIN;
	pthread_mutex_unlock(&w->lock);
	return err;
}

void net_cross_always(struct exchange_net *net, unsigned worker,
		      struct msg *msg)
{
	struct net_worker *w = &net->worker[worker];

	pthread_mutex_lock(&w->lock);
	if (w->crossing)
		mailbox_post_always(w->crossing, msg);
	else
		msg->drop(msg);
	pthread_mutex_unlock(&w->lock);
}

void net_worker_begin(struct exchange_net *net, unsigned index,
		      struct mailbox *inbox, struct mailbox *crossing)
{
	struct net_worker *w = &net->worker[index];
	struct msg *msg;

	pthread_mutex_lock(&w->lock);
	while ((msg = w->early)) {
		w->early = msg->next;
		mailbox_post_always(inbox, msg);
	}
	w->early_end = &w->early;
	w->inbox = inbox;
	w->crossing = crossing;
	pthread_mutex_unlock(&w->lock);
}

void net_worker_end(struct exchange_net *net, unsigned index)
{
	struct net_worker *w = &net->worker[index];

	pthread_mutex_lock(&w->lock);
	w->inbox = NULL;
	w->crossing = NULL;
	w->ended = true;
	pthread_mutex_unlock(&w->lock);
}

/* ---- trust ---- */

int net_tls_client(struct exchange_net *net, const char *ca_file,
		   struct tls_client **tlsp, char **why)
{
	struct stat st = { 0 };
	struct tls_kept *kept;
	struct le *le;
	int err;

	if (ca_file && stat(ca_file, &st) != 0)
		st.st_size = -1;	/* tls_client_new() says why */
	for (le = net->tls_clients.head; le; le = le->next) {
		kept = list_entry(le, struct tls_kept, le);
		if (!ca_file != !kept->ca_file ||
		    (ca_file && strcmp(ca_file, kept->ca_file) != 0))
			continue;
		if (kept->size != st.st_size ||
		    kept->mtime.tv_sec != st.st_mtim.tv_sec ||
		    kept->mtime.tv_nsec != st.st_mtim.tv_nsec)
			continue;
		*tlsp = kept->tls;
		return 0;
	}
	kept = xzalloc(sizeof(*kept));
	err = tls_client_new(&kept->tls, ca_file, why);
	if (err) {
		free(kept);
		return err;
	}
	kept->ca_file = xstrdup(ca_file);
	kept->mtime = st.st_mtim;
	kept->size = st.st_size;
	list_append(&net->tls_clients, &kept->le);
	*tlsp = kept->tls;
	return 0;
}
