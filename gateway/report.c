/* SPDX-License-Identifier: MIT */
#include "gateway/report.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "config.h"
#include "gateway/admin.h"
#include "gateway/gateway.h"
#include "gateway/history.h"
#include "gateway/session.h"
#include "media/rtp_port.h"
#include "ript/ript.h"
#include "ript/worker.h"
#include "sip/root.h"
#include "store/store.h"

/* Workers tell the packets of their lines in a turn or two. */
#define COUNTERS_MS 30

/* A question that waits for the workers' counters. */
struct waiting {
	struct le le;
	struct inquiry *inquiry;
};

struct report {
	struct gateway *gateway;
	bool open;
	struct list waiting;
	struct timer timer;
};

/* ---- small JSON ---- */

static void put_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key,
			       json_object_new_string(text ? text : ""));
}

static void put_number(struct json_object *to, const char *key,
		       uint64_t number)
{
	json_object_object_add(to, key,
			       json_object_new_int64((int64_t)number));
}

static void put_flag(struct json_object *to, const char *key, bool flag)
{
	json_object_object_add(to, key, json_object_new_boolean(flag));
}

static void put_addr(struct json_object *to, const char *key,
		     const struct addr *addr)
{
	char text[ADDR_TEXT_LEN];

	addr_print(text, addr);
	put_text(to, key, text);
}

static void answer(struct inquiry *inquiry, int status,
		   struct json_object *json)
{
	char *text = xasprintf("%s\n", json_object_to_json_string_ext(
					       json, JSON_C_TO_STRING_PLAIN));

	inquiry_answer(inquiry, status, NULL, text);
	free(text);
	json_object_put(json);
}

static void answer_error(struct inquiry *inquiry, int status,
			 const char *sentence)
{
	struct json_object *json = json_object_new_object();

	put_text(json, "error", sentence);
	answer(inquiry, status, json);
}

/* ---- status ---- */

static struct json_object *trunks_json(const struct gateway *gw, bool *whole)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < gw->conf->trunk_cnt; i++) {
		const struct gw_trunk *trunk = &gw->trunk[i];
		struct json_object *json = json_object_new_object();
		uint64_t rtt = trunk_rtt_us(trunk->trunk);

		put_text(json, "name", trunk->conf->name);
		put_addr(json, "host", &trunk->conf->host[0]);
		put_text(json, "transport", trunk->conf->tcp ? "tcp" : "udp");
		put_flag(json, "up", trunk->up);
		if (!trunk->up)
			put_text(json, "why", trunk->why);
		if (rtt != UINT64_MAX)
			put_number(json, "options_us", rtt);
		put_number(json, "calls", trunk->admit.living);
		put_number(json, "limit", trunk->conf->calls);
		json_object_array_add(array, json);
		*whole = *whole && trunk->up;
	}
	return array;
}

static struct json_object *peers_json(const struct gateway *gw, bool *whole)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < gw->conf->peer_cnt; i++) {
		const struct gw_peer *peer = &gw->peer[i];
		struct json_object *json = json_object_new_object();
		const char *why = "";
		bool up;
		int err;

		put_text(json, "name", peer->conf->name);
		put_text(json, "role",
			 peer->ript && peer->tg ? "provider and customer"
			 : peer->ript		? "provider"
						: "customer");
		if (peer->ript) {
			put_text(json, "domain", peer->conf->domain);
			err = ript_peer_connection(peer->ript, &why);
			up = peer->up && !err;
			put_flag(json, "up", up);
			if (!up)
				put_text(json, "why", err ? why : peer->why);
			put_number(json, "terminal_groups",
				   ript_peer_tg_cnt(peer->ript));
			*whole = *whole && up;
		}
		put_number(json, "calls", peer->admit.living);
		if (peer->tg)
			put_number(json, "limit", peer->conf->calls);
		json_object_array_add(array, json);
	}
	return array;
}

static struct json_object *ports_json(unsigned used, unsigned resting,
				      unsigned unused)
{
	struct json_object *json = json_object_new_object();

	put_number(json, "used", used);
	put_number(json, "resting", resting);
	put_number(json, "free", unused);
	return json;
}

/* Each network, and the port pairs of all of them. */
static struct json_object *networks_json(const struct gateway *gw,
					 struct json_object **ports)
{
	struct json_object *array = json_object_new_array();
	unsigned all_used = 0, all_resting = 0, all_unused = 0;

	for (unsigned i = 0; i < gw->conf->network_cnt; i++) {
		const struct conf_network *network = &gw->conf->network[i];
		struct json_object *json = json_object_new_object();
		unsigned used, resting, unused;
		struct addr sip = network->address;

		rtp_range_count(gw->range[i], &used, &resting, &unused);
		addr_set_port(&sip, siproot_port(gw->root, network->name));
		put_text(json, "name", network->name);
		put_addr(json, "sip", &sip);
		if (network->advertise.len)
			put_addr(json, "advertise", &network->advertise);
		json_object_object_add(json, "rtp_ports",
				       ports_json(used, resting, unused));
		json_object_array_add(array, json);
		all_used += used;
		all_resting += resting;
		all_unused += unused;
	}
	*ports = ports_json(all_used, all_resting, all_unused);
	return array;
}

static struct json_object *calls_count_json(const struct gateway *gw)
{
	struct json_object *json = json_object_new_object();
	struct sessions_stats stats;

	sessions_stats(gw->sessions, &stats);
	put_number(json, "living", stats.living);
	put_number(json, "answered", stats.answered);
	put_number(json, "peak", stats.peak);
	put_number(json, "begun", stats.begun);
	put_number(json, "refused", stats.refused);
	put_number(json, "unprotected", stats.unprotected);
	json_object_object_add(json, "per_second",
			       json_object_new_double(stats.per_second));
	return json;
}

static struct json_object *store_json(const struct gateway *gw, bool *whole)
{
	struct json_object *json = json_object_new_object();
	struct store_stats stats;

	store_stats(gw->store, &stats);
	put_text(json, "kind", "sqlite");
	put_text(json, "file", gw->conf->sqlite);
	put_number(json, "p50_us", stats.p50_us);
	put_number(json, "p99_us", stats.p99_us);
	put_number(json, "queued", stats.queued);
	put_number(json, "writes", stats.writes);
	put_number(json, "failures", stats.failures);
	*whole = *whole && stats.failures == 0;
	return json;
}

static const char *state_of(const struct gateway *gw, bool whole)
{
	switch (sessions_phase(gw->sessions)) {
	case PHASE_STARTING:
		return "starting";
	case PHASE_DRAINING:
		return "draining";
	case PHASE_READY:
		break;
	}
	return whole ? "ready" : "degraded";
}

static void answer_status(struct report *report, struct inquiry *inquiry)
{
	const struct gateway *gw = report->gateway;
	struct json_object *json = json_object_new_object();
	struct json_object *trunks, *peers, *store, *ports;
	bool whole = true;

	trunks = trunks_json(gw, &whole);
	peers = peers_json(gw, &whole);
	store = store_json(gw, &whole);
	put_text(json, "program", "riptide");
	put_text(json, "version", PACKAGE_VERSION);
	put_text(json, "node", gw->conf->node);
	put_text(json, "state", state_of(gw, whole));
	put_number(json, "uptime_s",
		   (loop_now_ns(gw->loop) - gw->started_ns) / NS_PER_S);
	json_object_object_add(json, "calls", calls_count_json(gw));
	json_object_object_add(json, "trunks", trunks);
	json_object_object_add(json, "peers", peers);
	json_object_object_add(json, "networks", networks_json(gw, &ports));
	json_object_object_add(json, "rtp_ports", ports);
	if (gw->server)
		put_addr(json, "ript", ript_net_bound(gw->net));
	if (gw->conf->metrics.len)
		put_addr(json, "metrics", admin_bound(gw->admin));
	put_number(json, "workers", gw->worker_cnt);
	json_object_object_add(json, "store", store);
	answer(inquiry, 200, json);
}

/* ---- calls ---- */

static void add_call(struct record *record, void *arg)
{
	struct json_object *call = record_call(record);

	if (call)
		json_object_array_add(arg, json_object_get(call));
}

static void answer_calls(struct report *report, struct inquiry *inquiry)
{
	struct json_object *json = json_object_new_object();
	struct json_object *array = json_object_new_array();
	bool all = strstr(inquiry_query(inquiry), "all") != NULL;

	history_each(report->gateway->history, !all, add_call, array);
	json_object_object_add(json, "calls", array);
	answer(inquiry, 200, json);
}

/* The call behind "verb/ID", or the question is answered and NULL. */
static struct record *asked_record(struct report *report,
				   struct inquiry *inquiry)
{
	const char *id = strchr(inquiry_path(inquiry), '/');
	struct record *record = NULL;

	switch (id ? history_find(&record, report->gateway->history, id + 1)
		   : ENOENT) {
	case 0:
		return record;
	case EEXIST:
		answer_error(inquiry, 409,
			     "more than one call begins like that; give more "
			     "of its ID");
		return NULL;
	default:
		answer_error(inquiry, 404,
			     "no living or recent call begins like that; see "
			     "riptidectl calls --all");
		return NULL;
	}
}

static void answer_record(struct report *report, struct inquiry *inquiry)
{
	struct record *record = asked_record(report, inquiry);
	struct json_object *json;

	if (!record)
		return;
	json = json_object_new_object();
	put_text(json, "id", record_id(record));
	put_flag(json, "living", record_living(record));
	json_object_object_add(json, "call",
			       json_object_get(record_call(record)));
	json_object_object_add(json, "ladder", record_ladder_json(record));
	json_object_object_add(json, "steps", record_steps_json(record));
	answer(inquiry, 200, json);
}

static void answer_hangup(struct report *report, struct inquiry *inquiry)
{
	struct record *record = asked_record(report, inquiry);
	struct json_object *json;

	if (!record)
		return;
	if (sessions_hangup(report->gateway->sessions, record_id(record))) {
		answer_error(inquiry, 410, "that call has ended already");
		return;
	}
	json = json_object_new_object();
	put_text(json, "id", record_id(record));
	put_text(json, "state", "closing");
	answer(inquiry, 200, json);
}

/* ---- questions ---- */

static void answer_ready(struct report *report, struct inquiry *inquiry)
{
	enum phase phase = sessions_phase(report->gateway->sessions);

	if (phase == PHASE_READY)
		inquiry_answer(inquiry, 200, "text/plain", "ready\n");
	else
		inquiry_answer(inquiry, 503, "text/plain",
			       phase == PHASE_STARTING ? "starting\n"
						       : "draining\n");
}

static void answer_healthz(struct report *report, struct inquiry *inquiry)
{
	(void)report;
	/* That the control loop says so is the news. */
	inquiry_answer(inquiry, 200, "text/plain", "ok\n");
}

static const struct question {
	const char *verb;	/* first segment of the path */
	bool acts;
	bool counters;		/* wait for the workers' counters */
	void (*fn)(struct report *report, struct inquiry *inquiry);
} questions[] = {
	{ "status", false, false, answer_status },
	{ "calls", false, true, answer_calls },
	{ "call", false, true, answer_record },
	{ "ladder", false, true, answer_record },
	{ "explain", false, true, answer_record },
	{ "hangup", true, false, answer_hangup },
	{ "ready", false, false, answer_ready },
	{ "healthz", false, false, answer_healthz },
	{ NULL, false, false, NULL },
};

static const struct question *question_of(const struct inquiry *inquiry)
{
	const char *path = inquiry_path(inquiry);
	size_t len = strcspn(path, "/");
	const struct question *q;

	for (q = questions; q->verb; q++)
		if (strlen(q->verb) == len && strncmp(q->verb, path, len) == 0)
			return q;
	return NULL;
}

static void on_counters(void *arg)
{
	struct report *report = arg;
	struct le *le;

	sessions_publish(report->gateway->sessions);
	while ((le = list_pop(&report->waiting))) {
		struct waiting *w = list_entry(le, struct waiting, le);

		question_of(w->inquiry)->fn(report, w->inquiry);
		free(w);
	}
}

void report_ask(struct inquiry *inquiry, void *arg)
{
	const struct question *q = question_of(inquiry);
	struct report *report = arg;
	struct waiting *w;

	if (!q) {
		answer_error(inquiry, 404, "no such question");
		return;
	}
	if (!report->open) {
		answer_error(inquiry, 503, "riptide is starting");
		return;
	}
	if (q->acts != inquiry_acts(inquiry)) {
		answer_error(inquiry, 405, q->acts ? "this needs POST"
						   : "this needs GET");
		return;
	}
	if (!q->counters) {
		q->fn(report, inquiry);
		return;
	}
	w = xzalloc(sizeof(*w));
	w->inquiry = inquiry;
	list_append(&report->waiting, &w->le);
	if (timer_running(&report->timer))
		return;
	sessions_refresh(report->gateway->sessions);
	timer_start(&report->timer, report->gateway->loop, COUNTERS_MS,
		    on_counters, report);
}

struct report *report_new(struct gateway *gateway)
{
	struct report *report = xzalloc(sizeof(*report));

	report->gateway = gateway;
	return report;
}

void report_open(struct report *report)
{
	report->open = true;
}

void report_free(struct report **reportp)
{
	struct report *report = *reportp;
	struct le *le;

	if (!report)
		return;
	*reportp = NULL;
	timer_stop(&report->timer);
	while ((le = list_pop(&report->waiting))) {
		struct waiting *w = list_entry(le, struct waiting, le);

		answer_error(w->inquiry, 503, "stopping");
		free(w);
	}
	free(report);
}
