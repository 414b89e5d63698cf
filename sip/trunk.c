/* SPDX-License-Identifier: MIT */
/*
 * Trunks: who may talk to us, where calls go, and who is alive.
 *
 *   probe: OPTIONS -> any final answer but 503 within 4 s = alive
 *          down-after failures in a row = host down; no host up = trunk down
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "sip/inside.h"

#define PROBE_WAIT_MS 4000
#define PROBE_DOWN_AFTER 3
#define NO_ANSWER_MS 180000

static void probe_send(void *arg);

static void trunk_judge(struct trunk *trunk, const char *why)
{
	bool up = false;
	unsigned i;

	for (i = 0; i < trunk->host_cnt; i++)
		up = up || trunk->host[i].up;
	if (up == trunk->up)
		return;
	trunk->up = up;
	if (up)
		log_info(trunk->log, "sip: trunk is up");
	else
		log_reason(trunk->log, LOG_ERROR, "trunk-down",
			   "sip: trunk is down: %s", why);
	if (trunk->root->events.trunk_state && !trunk->closing)
		trunk->root->events.trunk_state(trunk, up, why,
						trunk->root->arg);
}

static void probe_end(struct probe *probe)
{
	if (probe->nh)
		nua_handle_destroy(probe->nh);
	probe->nh = NULL;
}

static void probe_result(struct probe *probe, bool alive, const char *why)
{
	struct trunk *trunk = probe->trunk;
	uint64_t spent_ms;

	probe_end(probe);
	spent_ms = (clock_mono_ns() - probe->sent_ns) / NS_PER_MS;
	timer_start(&probe->timer, trunk->root->loop,
		    trunk->probe_ms > spent_ms ? trunk->probe_ms - spent_ms
					       : 1,
		    probe_send, probe);
	probe->failures = alive ? 0 : probe->failures + 1;
	if (alive)
		probe->up = true;
	else if (probe->failures >= trunk->down_after)
		probe->up = false;
	trunk_judge(trunk, why);
}

static void probe_on(struct nuauser *user, const struct nuaevent *ev)
{
	struct probe *probe = (struct probe *)user;
	char why[96];

	if (ev->event != nua_r_options || ev->status < 200)
		return;
	/* Without a message the answer is the library's own: nothing came. */
	if (ev->sip && ev->status != 503) {
		probe->trunk->rtt_us =
			(clock_mono_ns() - probe->sent_ns) / 1000;
		probe_result(probe, true, "OPTIONS was answered");
		return;
	}
	snprintf(why, sizeof(why), "OPTIONS: %d %s", ev->status,
		 ev->phrase ? ev->phrase : "");
	probe_result(probe, false, why);
}

static void probe_silent(void *arg)
{
	probe_result(arg, false, "OPTIONS was not answered");
}

static void probe_send(void *arg)
{
	struct probe *probe = arg;
	struct trunk *trunk = probe->trunk;
	uint64_t wait_ms = trunk->probe_ms < PROBE_WAIT_MS ? trunk->probe_ms
							   : PROBE_WAIT_MS;

	probe->sent_ns = clock_mono_ns();
	probe->nh = nua_handle(trunk->net->nua, &probe->user,
			       SIPTAG_TO_STR(probe->uri), TAG_END());
	if (!probe->nh) {
		probe_silent(probe);
		return;
	}
	nua_options(probe->nh, NUTAG_URL(probe->uri),
		    SIPTAG_MAX_FORWARDS_STR("70"), TAG_END());
	timer_start(&probe->timer, trunk->root->loop, wait_ms, probe_silent,
		    probe);
}

/* ---- finding ---- */

int trunk_host_at(const struct trunk *trunk, const struct addr *addr)
{
	unsigned i;

	for (i = 0; i < trunk->host_cnt; i++)
		if (addr_equal(&trunk->host[i].host, addr))
			return (int)i;
	for (i = 0; i < trunk->host_cnt; i++)
		if (addr_same_host(&trunk->host[i].host, addr))
			return (int)i;
	return -1;
}

struct trunk *trunk_by_source(struct siproot *root, const struct network *net,
			      const struct addr *from)
{
	struct trunk *trunk, *same_host = NULL;
	struct le *le;
	int i;

	for (le = root->trunks.head; le; le = le->next) {
		trunk = list_entry(le, struct trunk, le);
		if (trunk->net != net || (i = trunk_host_at(trunk, from)) < 0)
			continue;
		if (addr_equal(&trunk->host[i].host, from))
			return trunk;
		if (!same_host)
			same_host = trunk;
	}
	return same_host;
}

int trunk_host_from(const struct trunk *trunk, unsigned first)
{
	unsigned i;

	for (i = first; i < trunk->host_cnt; i++)
		if (trunk->host[i].up)
			return (int)i;
	return -1;
}

/* ---- life ---- */

static void trunk_destroy(struct trunk *trunk)
{
	unsigned i;

	trunk_quiet(trunk);
	list_unlink(&trunk->le);
	for (i = 0; i < trunk->host_cnt; i++)
		free(trunk->host[i].uri);
	log_ctx_free(&trunk->log);
	free(trunk->name);
	free(trunk);
}

void trunk_hold(struct trunk *trunk)
{
	trunk->users++;
}

void trunk_release(struct trunk *trunk)
{
	if (--trunk->users == 0 && trunk->closing)
		trunk_destroy(trunk);
}

void trunk_quiet(struct trunk *trunk)
{
	unsigned i;

	for (i = 0; i < trunk->host_cnt; i++) {
		timer_stop(&trunk->host[i].timer);
		probe_end(&trunk->host[i]);
	}
}

static void add_host(struct trunk *trunk, const struct addr *addr)
{
	struct probe *probe = &trunk->host[trunk->host_cnt++];
	char text[ADDR_TEXT_LEN];

	probe->user.on = probe_on;
	probe->trunk = trunk;
	probe->host = *addr;
	if (!addr_port(addr))
		addr_set_port(&probe->host, 5060);
	probe->up = true;
	addr_print(text, &probe->host);
	probe->uri = xasprintf("sip:%s;transport=%s", text,
			       trunk->tcp ? "tcp" : "udp");
	if (trunk->probe_ms)
		timer_start(&probe->timer, trunk->root->loop, 0, probe_send,
			    probe);
}

int trunk_new(struct trunk **trunkp, struct siproot *root,
	      const struct trunk_config *config, char **why)
{
	struct network *net = root_network(root, config->network);
	struct trunk *trunk;
	unsigned i;

	loop_assert(LOOP_CONTROL);
	*why = NULL;
	if (!net)
		*why = xasprintf("trunk %s: there is no network %s",
				 config->name, config->network);
	else if (!config->host_cnt || config->host_cnt > TRUNK_HOSTS)
		*why = xasprintf("trunk %s: needs 1 to %d hosts", config->name,
				 TRUNK_HOSTS);
	else if (config->tcp ? !net->tcp : !net->udp)
		*why = xasprintf("trunk %s: network %s has no %s",
				 config->name, net->name,
				 config->tcp ? "TCP" : "UDP");
	for (i = 0; !*why && i < config->host_cnt; i++)
		if (config->host[i].ss.ss_family != net->address.ss.ss_family)
			*why = xasprintf("trunk %s: a host is not of the "
					 "address family of network %s",
					 config->name, net->name);
	if (*why)
		return EINVAL;

	trunk = xzalloc(sizeof(*trunk));
	trunk->root = root;
	trunk->net = net;
	trunk->name = xstrdup(config->name);
	trunk->tcp = config->tcp;
	trunk->probe_ms = config->probe_ms;
	trunk->down_after = config->probe_down_after ? config->probe_down_after
						     : PROBE_DOWN_AFTER;
	trunk->no_answer_ms = config->no_answer_ms ? config->no_answer_ms
						   : NO_ANSWER_MS;
	trunk->up = true;	/* until a probe says otherwise */
	trunk->rtt_us = UINT64_MAX;
	trunk->log = log_ctx_new(log_root(), "trunk", trunk->name);
	for (i = 0; i < config->host_cnt; i++)
		add_host(trunk, &config->host[i]);
	list_append(&root->trunks, &trunk->le);
	*trunkp = trunk;
	return 0;
}

void trunk_free(struct trunk **trunkp)
{
	struct trunk *trunk = *trunkp;

	if (!trunk)
		return;
	loop_assert(LOOP_CONTROL);
	*trunkp = NULL;
	trunk->closing = true;
	trunk_quiet(trunk);
	if (!trunk->users)
		trunk_destroy(trunk);
}

const char *trunk_name(const struct trunk *trunk)
{
	return trunk->name;
}

bool trunk_up(const struct trunk *trunk)
{
	return trunk->up;
}

uint64_t trunk_rtt_us(const struct trunk *trunk)
{
	return trunk->rtt_us;
}
