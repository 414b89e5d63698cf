/* SPDX-License-Identifier: MIT */
/*
 * riptcall serve: a RIPT provider with one terminal group (and that of the
 * lab's second customer), whose numbers all ring here.
 *
 *   incoming() -> refuse, or accept: handset -> alerting -> --ring
 *   -> answered: play -> end, by either side -> closed -> result
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "ript/call.h"
#include "ript/ript.h"
#include "riptcall/command.h"
#include "riptcall/edge.h"
#include "riptcall/endpoint.h"
#include "riptcall/gauge.h"
#include "riptcall/handset.h"
#include "riptcall/options.h"
#include "riptcall/provider.h"
#include "riptcall/refusal.h"
#include "riptcall/report.h"

#define LINGER_MS 300
#define STOP_MS 3000		/* calls that do not end on their own */

struct server {
	const struct options *options;
	struct endpoint ep;
	struct provider provider;
	struct gauge gauge;
	struct list calls;		/* struct served */
	unsigned call_cnt;		/* that were taken */
	struct json_object *told;	/* what became of each */
	struct json_object *refusals;
	struct timer stop;
	bool stopping;
	bool bad;			/* a call did not go as asked */
};

struct served {
	struct le le;
	struct server *server;
	struct ript_call *call;
	struct handset *handset;
	struct report report;
	struct timer timer;		/* ringing, then talking */
};

/* ---- the end of a call ---- */

static void quit_if_done(struct server *server)
{
	if (server->calls.count > 0)
		return;
	if (server->stopping ||
	    (server->options->calls &&
	     server->call_cnt >= server->options->calls))
		endpoint_quit(&server->ep);
}

static void served_free(struct served *served)
{
	list_unlink(&served->le);
	timer_stop(&served->timer);
	report_free(&served->report);
	free(served);
}

static void served_over(struct served *served)
{
	struct server *server = served->server;

	json_object_array_add(server->told, report_json(&served->report));
	if (!server->options->json)
		report_print(&served->report);
	if (!served->report.ok)
		server->bad = true;
	served_free(served);
	quit_if_done(server);
}

static void on_done(struct handset_result *result, void *arg)
{
	struct served *served = arg;

	report_media(&served->report, result);
	served_over(served);
}

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	struct served *served = arg;
	struct report *report = &served->report;
	bool asked = report->answered_ms || served->server->options->refuse;

	(void)call;
	(void)refusal;
	served->call = NULL;
	timer_stop(&served->timer);
	if (strcmp(reason, "signalling-lost") == 0)
		report_end(report, "failed", "the client was lost");
	else
		report_end(report, "ended",
			   asked ? NULL : "it ended before the answer");
	handset_close(served->handset);
}

/* ---- states ---- */

/* Our own event, told as one that came. */
static void tell_state(struct served *served, enum ript_event_type type,
		       const struct ript_cause *cause)
{
	struct ript_event event = { .type = type };

	if (cause) {
		event.cause = *cause;
		event.has_cause = true;
	}
	report_event(&served->report, &event);
	ript_call_state(served->call, type, cause);
}

static void on_hang_up(void *arg)
{
	static const struct ript_cause cause = {
		.sip = 200, .q850 = 16, .text = "Normal call clearing"
	};
	struct served *served = arg;
	struct ript_event event = { .type = RIPT_EV_END, .by = RIPT_BY_PEER,
				    .cause = cause, .has_cause = true };

	if (!served->call)
		return;
	report_event(&served->report, &event);
	ript_call_end(served->call, RIPT_BY_PEER, &cause);
}

static void on_rung(void *arg)
{
	struct served *served = arg;
	const struct options *o = served->server->options;
	const struct refusal *way = refusal_find(o->refuse);

	if (way) {
		tell_state(served, way->type, &way->cause);
		return;
	}
	tell_state(served, RIPT_EV_ANSWERED, NULL);
	if (!o->early)
		handset_play(served->handset);
	if (o->has_seconds)
		timer_start(&served->timer, served->server->ep.loop,
			    o->seconds_ms, on_hang_up, served);
}

static void on_event(struct ript_call *call, const struct ript_event *event,
		     void *arg)
{
	struct served *served = arg;
	struct ript_event told = *event;

	(void)call;
	told.by = RIPT_BY_CLIENT;
	report_event(&served->report, &told);
}

static void on_byway(struct ript_call *call, enum byway_kind kind, void *arg)
{
	static const char *const names[] = { "no way of media is open",
					     "media go by WebTransport",
					     "media go by PUT and GET" };
	struct served *served = arg;

	(void)call;
	report_line(&served->report, "%s", names[kind]);
}

static const struct ript_call_handlers call_handlers = {
	.event = on_event,
	.byway = on_byway,
	.closed = on_closed,
};

/* ---- media ---- */

static void on_digit(char digit, void *arg)
{
	struct served *served = arg;

	report_line(&served->report, "digit %c", digit);
}

static void on_played(void *arg)
{
	struct served *served = arg;
	const struct options *o = served->server->options;

	if (o->play || o->dtmf || o->noise)
		report_line(&served->report, "all is played");
}

static const struct handset_events handset_events = {
	.digit = on_digit,
	.played = on_played,
	.done = on_done,
};

/* ---- a call comes ---- */

static uint32_t own_codecs(const struct options *o)
{
	return o->codecs | 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN;
}

/* "heard.wav", then "heard-2.wav". */
static char *record_name(const struct options *o, unsigned number)
{
	const char *dot;

	if (!o->record || number == 1)
		return xstrdup(o->record);
	dot = strrchr(o->record, '.');
	if (!dot || strchr(dot, '/'))
		dot = o->record + strlen(o->record);
	return xasprintf("%.*s-%u%s", (int)(dot - o->record), o->record,
			 number, dot);
}

static struct served *served_new(struct server *server,
				 struct ript_call *call)
{
	const struct options *o = server->options;
	struct served *served = xzalloc(sizeof(*served));
	char *record = record_name(o, ++server->call_cnt), *why = NULL;
	const struct phone_config phone = {
		.play = o->play,
		.record = record,
	};

	served->server = server;
	served->call = call;
	report_init(&served->report, false, o->json);
	if (handset_new(&served->handset, &server->ep, &phone, o->dtmf,
			&handset_events, served, &why) != 0) {
		fprintf(stderr, "riptcall: %s\n", why);
		free(why);
		free(record);
		report_free(&served->report);
		free(served);
		return NULL;
	}
	free(record);
	list_append(&server->calls, &served->le);
	return served;
}

static void choose_directives(struct ript_directives *out,
			      const struct ript_call_info *info,
			      const struct options *o)
{
	static const enum codec prefer[] = { CODEC_PCMU, CODEC_PCMA,
					     CODEC_TELEPHONE_EVENT, CODEC_CN,
					     CODEC_NONE };
	struct ript_advert own;

	ript_advert_voice(&own, own_codecs(o), 0);
	ript_directives_make(out, info->advert, &own, prefer);
}

static void take(struct server *server, struct ript_call *call,
		 const struct ript_call_info *asked)
{
	struct ript_directives directives;
	struct ript_call_info info;
	struct served *served = served_new(server, call);

	if (!served) {
		ript_call_refuse(call, 503, "unavailable",
				 "there is nothing to play", 1);
		return;
	}
	choose_directives(&directives, asked, server->options);
	report_line(&served->report, "%s calls %s", asked->from,
		    asked->destination);
	if (ript_call_accept(call, &directives, &call_handlers, served)) {
		served->call = NULL;
		ript_call_refuse(call, 503, "unavailable", NULL, 1);
		report_end(&served->report, "failed", "it was not accepted");
		handset_close(served->handset);
		return;
	}
	report_call(&served->report, call);
	ript_call_info(call, &info);
	handset_direct(served->handset, false, &directives);
	handset_bind(served->handset, info.byway, false);
	served->report.created_ms = report_ms(&served->report);
	tell_state(served, RIPT_EV_ALERTING, NULL);
	if (server->options->early)
		handset_play(served->handset);
	timer_start(&served->timer, server->ep.loop, server->options->ring_ms,
		    on_rung, served);
}

static void on_incoming(struct ript_call *call, void *arg)
{
	struct server *server = arg;
	const struct refusal *way =
		refusal_find(server->options->refuse);
	struct ript_call_info info;

	ript_call_info(call, &info);
	if (!way || !way->status) {
		take(server, call, &info);
		return;
	}
	server->call_cnt++;
	if (!server->options->json)
		printf("%s calls %s: refused, %d %s\n", info.from,
		       info.destination, way->status, way->name);
	ript_call_refuse(call, way->status, way->name, way->cause.text, 0);
	quit_if_done(server);
}

static void on_refused(const char *tg, int status, const char *problem,
		       const char *detail, void *arg)
{
	struct server *server = arg;
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "status", json_object_new_int(status));
	json_object_object_add(json, "problem",
			       json_object_new_string(problem));
	json_object_object_add(json, "detail", json_object_new_string(
						       detail ? detail : ""));
	json_object_array_add(server->refusals, json);
	if (!server->options->json)
		printf("refused %s%s%d %s%s%s\n", tg ? tg : "", tg ? ": " : "",
		       status, problem, detail && *detail ? ": " : "",
		       detail ? detail : "");
	fflush(stdout);
}

/* ---- the command ---- */

static void on_stop_late(void *arg)
{
	struct server *server = arg;

	endpoint_quit(&server->ep);
}

static void on_stopped(void *arg)
{
	struct server *server = arg;
	struct le *le, *next;

	server->stopping = true;
	for (le = server->calls.head; le; le = next) {
		next = le->next;
		on_hang_up(list_entry(le, struct served, le));
	}
	timer_start(&server->stop, server->ep.loop, STOP_MS, on_stop_late,
		    server);
	quit_if_done(server);
}

static int prepare(struct server *server, char **why)
{
	const struct options *o = server->options;
	const struct endpoint_config config = {
		.listen = &o->listen,
		.cert = o->server_cert,
		.key = o->server_key,
		.no_webtransport = o->byway,
		.stopped = on_stopped,
		.arg = server,
	};
	const struct ript_server_events events = {
		.incoming = on_incoming,
		.refused = on_refused,
	};
	int err;

	err = endpoint_start(&server->ep, &config, why);
	if (!err)
		err = provider_start(&server->provider, &server->ep, o,
				     &events, server, why);
	return err;
}

static void print(struct server *server)
{
	struct edge_counts counts;
	struct json_object *json = json_object_new_object();

	edge_counts(&counts);
	json_object_object_add(json, "ok",
			       json_object_new_boolean(!server->bad));
	json_object_object_add(json, "authority", json_object_new_string(
					server->options->authority));
	json_object_object_add(json, "calls", json_object_get(server->told));
	json_object_object_add(json, "refusals",
			       json_object_get(server->refusals));
	json_object_object_add(json, "requests", edge_requests());
	json_object_object_add(json, "pongs", json_object_new_int64(
					(int64_t)counts.pongs));
	json_object_object_add(json, "events_begin",
			       json_object_new_string(counts.first));
	json_object_object_add(json, "gets_most", json_object_new_int64(
					server->gauge.most));
	json_object_object_add(json, "gets_least", json_object_new_int64(
					server->gauge.least));
	print_json(json);
}

static void run(struct server *server)
{
	const struct options *o = server->options;
	char at[ADDR_TEXT_LEN];

	addr_print(at, &o->listen);
	if (!o->json) {
		printf("%s answers on UDP %s; ctrl-C ends it\n",
		       o->authority, at);
		fflush(stdout);
	}
	gauge_start(&server->gauge, server->ep.loop);
	endpoint_run(&server->ep);
	endpoint_linger(&server->ep, LINGER_MS);
	if (o->json)
		print(server);
}

int command_serve(const struct options *options)
{
	struct server server = { .options = options };
	char *why = NULL;
	int code;

	server.told = json_object_new_array();
	server.refusals = json_object_new_array();
	if (prepare(&server, &why) != 0) {
		code = command_failed(options, why ? why : "it cannot start");
		free(why);
	} else {
		run(&server);
		code = server.bad ? EXIT_FAILED : EXIT_FINE;
	}
	gauge_stop(&server.gauge);
	timer_stop(&server.stop);
	provider_stop(&server.provider);
	endpoint_stop(&server.ep);
	while (server.calls.head)
		served_free(list_entry(server.calls.head, struct served, le));
	json_object_put(server.told);
	json_object_put(server.refusals);
	return code;
}
