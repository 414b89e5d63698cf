/* SPDX-License-Identifier: MIT */
#include "gateway/gateway.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/dns.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "gateway/admin.h"
#include "gateway/customers.h"
#include "gateway/gauges.h"
#include "gateway/history.h"
#include "gateway/providers.h"
#include "gateway/report.h"
#include "gateway/worker.h"
#include "media/bridge.h"
#include "media/rtp_port.h"
#include "ript/ript.h"
#include "ript/worker.h"
#include "sip/leg.h"
#include "sip/root.h"
#include "store/store.h"

#define FROM_WORKERS 65536	/* places in the mailbox of all workers */
#define BEAT_MS 1000
#define TRUNK_PATIENCE_MS 5000	/* our own no-answer comes before SIP's */

/* ---- store ---- */

/* A call of a process that died: nobody can take it over yet, so its row
 * becomes the record of its end. */
static void on_left_call(const struct store_call *row, void *arg)
{
	struct gateway *gw = arg;
	const struct reason_info *info = reason_info(REASON_NODE_LOST);
	struct store_cdr cdr = {
		.node = row->node,
		.from = row->from,
		.to = row->to,
		.trunk = row->trunk,
		.peer = row->peer,
		.route = row->route,
		.direction = row->ript_client ? "sip-to-ript" : "ript-to-sip",
		.created_ms = row->created_ms,
		.answered_ms = row->answered_ms,
		.ended_ms = clock_wall_ms(),
		.sip_status = row->answered_ms ? 200 : info->sip,
		.q850 = info->q850,
		.ended_by = "server",
		.reason = info->code,
	};

	log_reason(log_root(), LOG_WARN, info->code,
		   "call %s was cut by the end of the last process", row->id);
	store_end_call(gw->store, row->id, &cdr);
}

static int start_store(struct gateway *gw, char **why)
{
	int err = store_open(&gw->store, gw->loop, gw->conf->sqlite, why);

	if (!err && store_each_call(gw->store, on_left_call, gw)) {
		*why = xasprintf("cannot read the calls in %s",
				 gw->conf->sqlite);
		err = EIO;
	}
	return err;
}

/* ---- networks, RTP, SIP ---- */

static void on_incoming_leg(struct leg *leg, void *arg)
{
	struct gateway *gw = arg;

	/* SIP's library may take turns before the rest is up. */
	if (gw->sessions)
		sessions_on_leg(gw->sessions, leg);
	else
		leg_refuse(leg, reason_info(REASON_NOT_READY)->sip,
			   reason_info(REASON_NOT_READY)->code, 5);
}

static void on_trunk_state(struct trunk *trunk, bool up, const char *why,
			   void *arg)
{
	struct gateway *gw = arg;

	for (unsigned i = 0; i < gw->conf->trunk_cnt; i++) {
		struct gw_trunk *t = &gw->trunk[i];

		if (t->trunk != trunk)
			continue;
		t->up = up;
		snprintf(t->why, sizeof(t->why), "%s", why ? why : "");
		log_write(NULL, up ? LOG_INFO : LOG_WARN, "trunk %s is %s%s%s",
			  t->conf->name, up ? "up" : "down", t->why[0] ? ": "
								       : "",
			  t->why);
	}
}

static void on_sip_message(struct trunk *trunk, bool in, const char *call_id,
			   const char *start, void *arg)
{
	struct gateway *gw = arg;

	(void)trunk;
	history_sip(gw->history, call_id, in, start);
}

static void make_ranges(struct gateway *gw)
{
	gw->range = xcalloc(gw->conf->network_cnt, sizeof(*gw->range));
	for (unsigned i = 0; i < gw->conf->network_cnt; i++) {
		const struct conf_network *n = &gw->conf->network[i];

		gw->range[i] = rtp_range_new(&n->address, n->rtp_first,
					     n->rtp_last, RTP_QUARANTINE_MS);
	}
}

static int start_root(struct gateway *gw, char **why)
{
	static const struct siproot_events events = {
		.incoming = on_incoming_leg,
		.trunk_state = on_trunk_state,
		.message = on_sip_message,
	};
	const struct conf *conf = gw->conf;
	struct siproot_network *network =
		xcalloc(conf->network_cnt, sizeof(*network));
	int err;

	for (unsigned i = 0; i < conf->network_cnt; i++) {
		const struct conf_network *from = &conf->network[i];

		network[i].name = from->name;
		network[i].address = from->address;
		addr_set_port(&network[i].address, from->sip_port);
		network[i].advertise = from->advertise.len ? from->advertise
							   : from->address;
		addr_set_port(&network[i].advertise, 0);
		network[i].udp = from->udp;
		network[i].tcp = from->tcp;
	}
	err = siproot_new(&gw->root, gw->loop, network, conf->network_cnt,
			  &events, gw, why);
	free(network);
	return err;
}

static int start_trunk(struct gateway *gw, struct gw_trunk *trunk,
		       const struct conf_trunk *conf, char **why)
{
	struct trunk_config config = {
		.name = conf->name,
		.network = conf->network->name,
		.tcp = conf->tcp,
		.probe_ms = conf->probe_every_ms,
		.probe_down_after = conf->probe_down_after,
		.no_answer_ms = conf->no_answer_ms
					? conf->no_answer_ms +
						  TRUNK_PATIENCE_MS
					: 0,
	};

	for (unsigned i = 0; i < conf->host_cnt && i < TRUNK_HOSTS; i++)
		config.host[config.host_cnt++] = conf->host[i];
	trunk->conf = conf;
	trunk->range = gw->range[conf->network - gw->conf->network];
	trunk->media = conf->network->advertise.len ? conf->network->advertise
						    : conf->network->address;
	trunk->up = true;
	admit_init(&trunk->admit, conf->calls, conf->calls_per_second);
	return trunk_new(&trunk->trunk, gw->root, &config, why);
}

static int start_sip(struct gateway *gw, char **why)
{
	int err = start_root(gw, why);

	for (unsigned i = 0; !err && i < gw->conf->trunk_cnt; i++)
		err = start_trunk(gw, &gw->trunk[i], &gw->conf->trunk[i], why);
	return err;
}

/* ---- RIPT and its workers ---- */

/* One worker a core that this process may use (taskset, cgroup cpuset). */
static unsigned worker_count(const struct conf *conf)
{
	cpu_set_t mine;
	int cores;

	if (conf->workers)
		return conf->workers;
	if (sched_getaffinity(0, sizeof(mine), &mine) != 0)
		return 1;
	cores = CPU_COUNT(&mine);
	return cores < 1 ? 1 : cores > 48 ? 48 : (unsigned)cores;
}

static int start_net(struct gateway *gw, char **why)
{
	const struct conf *conf = gw->conf;
	struct ript_net_config config = {
		.worker_cnt = gw->worker_cnt,
		.control = gw->loop,
		.to_control = gw->from_workers,
		.dns = gw->dns,
		.requests_per_s = conf->requests_per_second,
	};

	if (conf->listen.len) {
		config.listen = &conf->listen;
		config.cert_file = conf->certificate;
		config.key_file = conf->certificate_key;
	}
	return ript_net_new(&gw->net, &config, why);
}

static void on_incoming_call(struct ript_call *call, void *arg)
{
	struct gateway *gw = arg;

	sessions_on_call(gw->sessions, call);
}

static void start_sessions(struct gateway *gw)
{
	struct sessions_config config = {
		.conf = gw->conf,
		.loop = gw->loop,
		.store = gw->store,
		.workers = gw->workers,
		.net = gw->net,
		.root = gw->root,
		.history = gw->history,
		.trunk = gw->trunk,
		.peer = gw->peer,
	};

	gw->sessions = sessions_new(&config);
}

static int start_admin(struct gateway *gw, char **why)
{
	struct admin_config config = {
		.control = gw->loop,
		.socket = gw->conf->admin_socket,
		.metrics = gw->conf->metrics.len ? &gw->conf->metrics : NULL,
		.ask = report_ask,
	};

	gw->report = report_new(gw);
	config.arg = gw->report;
	return admin_start(&gw->admin, &config, why);
}

static uint64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void on_beat(void *arg)
{
	struct gateway *gw = arg;

	gauges_refresh(gw);
	timer_start(&gw->beat, gw->loop, BEAT_MS, on_beat, gw);
}

/* ---- start ---- */

static int start_all(struct gateway *gw, char **why)
{
	int err;

	err = dns_new(&gw->dns, gw->loop, NULL);
	if (err) {
		*why = xasprintf("cannot start the resolver: %s",
				 strerror(err));
		return err;
	}
	/* The admin door first: it also keeps a second process away. */
	err = start_admin(gw, why);
	if (!err)
		err = start_store(gw, why);
	if (!err)
		err = start_net(gw, why);
	if (!err)
		err = start_sip(gw, why);
	if (!err)
		err = workers_start(&gw->workers, gw->loop, gw->net,
				    gw->worker_cnt, why);
	if (err)
		return err;
	start_sessions(gw);
	err = customers_start(gw, on_incoming_call, why);
	if (!err)
		err = providers_start(gw, why);
	return err;
}

int gateway_start(struct gateway **gatewayp, struct conf *conf,
		  struct loop *loop, char **why)
{
	struct gateway *gw = xzalloc(sizeof(*gw));
	int err;

	loop_assert(LOOP_CONTROL);
	gw->conf = conf;
	gw->loop = loop;
	gw->started_ns = loop_now_ns(loop);
	gw->worker_cnt = worker_count(conf);
	gw->history = history_new(HISTORY_KEEP, wall_us);
	gw->trunk = xcalloc(conf->trunk_cnt, sizeof(*gw->trunk));
	gw->peer = xcalloc(conf->peer_cnt, sizeof(*gw->peer));
	for (unsigned i = 0; i < conf->peer_cnt; i++)
		gw->peer[i].conf = &conf->peer[i];
	gw->from_workers = mailbox_new(loop, FROM_WORKERS);
	bridge_setup();
	make_ranges(gw);
	err = start_all(gw, why);
	if (err) {
		gateway_free(&gw);
		return err;
	}
	gauges_make(gw);
	on_beat(gw);
	report_open(gw->report);
	sessions_set_phase(gw->sessions, PHASE_READY);
	siproot_set_ready(gw->root, true);
	if (gw->server)
		ript_server_set_ready(gw->server, true);
	*gatewayp = gw;
	return 0;
}

/* ---- stop ---- */

static void on_sip_stopped(void *arg)
{
	struct gateway *gw = arg;

	if (gw->stopped)
		gw->stopped(gw->stopped_arg);
}

/* No call lives: the sides go, SIP last, since its library takes turns. */
static void on_idle(void *arg)
{
	struct gateway *gw = arg;

	timer_stop(&gw->drain);
	timer_stop(&gw->beat);
	providers_stop(gw);
	ript_server_free(&gw->server);
	report_free(&gw->report);
	admin_stop(&gw->admin);
	siproot_shutdown(&gw->root, on_sip_stopped, gw);
}

static void on_drained(void *arg)
{
	struct gateway *gw = arg;

	sessions_hangup_all(gw->sessions, REASON_SHUTDOWN);
}

void gateway_stop(struct gateway *gw, uint64_t ms, void (*stopped)(void *arg),
		  void *arg)
{
	bool first = sessions_phase(gw->sessions) != PHASE_DRAINING;

	loop_assert(LOOP_CONTROL);
	if (!first && !timer_running(&gw->drain))
		return;		/* calls are being ended already */
	gw->stopped = stopped;
	gw->stopped_arg = arg;
	timer_start(&gw->drain, gw->loop, ms, on_drained, gw);
	if (!first)
		return;
	sessions_set_phase(gw->sessions, PHASE_DRAINING);
	siproot_set_ready(gw->root, false);
	if (gw->server)
		ript_server_set_ready(gw->server, false);
	ript_net_drain(gw->net);
	sessions_when_idle(gw->sessions, on_idle, gw);
}

/* Started half: SIP's library needs turns to stop. */
static void on_half_stopped(void *arg)
{
	loop_stop(arg);
}

static void stop_root(struct gateway *gw)
{
	if (!gw->root)
		return;
	siproot_shutdown(&gw->root, on_half_stopped, gw->loop);
	loop_run(gw->loop);
}

void gateway_free(struct gateway **gatewayp)
{
	struct gateway *gw = *gatewayp;

	if (!gw)
		return;
	*gatewayp = NULL;
	timer_stop(&gw->drain);
	timer_stop(&gw->beat);
	providers_stop(gw);
	ript_server_free(&gw->server);
	report_free(&gw->report);
	admin_stop(&gw->admin);
	stop_root(gw);
	/* Nobody calls back any more; their lines still need the workers. */
	sessions_free(&gw->sessions);
	workers_stop(&gw->workers);
	ript_net_free(&gw->net);
	customers_free(gw);
	store_close(&gw->store);
	mailbox_free(&gw->from_workers);
	dns_free(&gw->dns);
	history_free(&gw->history);
	for (unsigned i = 0; i < gw->conf->network_cnt; i++)
		rtp_range_free(&gw->range[i]);
	free(gw->range);
	free(gw->trunk);
	free(gw->peer);
	conf_free(&gw->conf);
	free(gw);
}

/* ---- what people read ---- */

static void describe_network(const struct gateway *gw, struct buf *out,
			     const struct conf_network *network)
{
	char address[ADDR_TEXT_LEN], advertise[ADDR_TEXT_LEN];
	struct addr sip = network->address;

	addr_set_port(&sip, siproot_port(gw->root, network->name));
	addr_print(address, &sip);
	addr_print_host(advertise, network->advertise.len
					   ? &network->advertise
					   : &network->address);
	buf_printf(out,
		   "SIP on %s (%s%s%s), RTP ports %u to %u, network %s; peers "
		   "are told %s\n",
		   address, network->udp ? "udp" : "",
		   network->udp && network->tcp ? ", " : "",
		   network->tcp ? "tcp" : "", network->rtp_first,
		   network->rtp_last, network->name, advertise);
}

void gateway_describe(const struct gateway *gw, struct buf *out)
{
	char text[ADDR_TEXT_LEN];

	for (unsigned i = 0; i < gw->conf->network_cnt; i++)
		describe_network(gw, out, &gw->conf->network[i]);
	if (gw->server) {
		addr_print(text, ript_net_bound(gw->net));
		buf_printf(out, "RIPT on %s (udp, HTTP/3) as %s, %u worker%s\n",
			   text, gw->conf->authority, gw->worker_cnt,
			   gw->worker_cnt == 1 ? "" : "s");
	} else {
		buf_add_str(out, "RIPT as a client only: no ript.listen\n");
	}
	buf_printf(out, "riptidectl on %s", gw->conf->admin_socket);
	if (gw->conf->metrics.len) {
		addr_print(text, admin_bound(gw->admin));
		buf_printf(out, ", metrics on http://%s/metrics", text);
	}
	buf_add_str(out, "\n");
}

int gateway_reload(struct gateway *gw, char **why)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	int err;

	/* A mistake in the file is told now, not at the next start. */
	err = conf_load(&conf, gw->conf->file, &problems);
	if (err)
		*why = xstrdup(buf_str(&problems.text));
	conf_problems_free(&problems);
	conf_free(&conf);
	if (err)
		return err;
	return ript_net_reload(gw->net, why);
}
