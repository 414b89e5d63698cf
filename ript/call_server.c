/* SPDX-License-Identifier: MIT */
/*
 * A call of the server role: from the POST that wants it to the tomb that
 * remembers it.
 *
 *   PENDING -accept-> INSTALLING -installed-> LIVE -final-> HELD -> OVER
 *      \-refuse-> gone                           \--fetched--------^
 *
 * HELD: a final event that found no GET open waits 5 s for one (LC-04); the
 * description is call-ended already.  A client that said `end` itself has
 * nothing to fetch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "ript/body.h"
#include "ript/call_impl.h"
#include "ript/problem.h"

#define HOLD_MS 5000
#define DESCRIPTION_MAX 65536

static struct metric *calls_total, *calls_open, *events_repeated,
	*events_unknown, *events_wrong;

void call_server_metrics(void)
{
	calls_total = metric_counter("ript_server_calls_total", NULL,
				     "RIPT calls accepted");
	calls_open = metric_gauge("ript_server_calls", NULL,
				  "RIPT calls that live, server role");
	events_repeated = metric_counter(
		"ript_server_events_ignored_total", "reason=\"repeated\"",
		"RIPT events of clients without effect");
	events_unknown = metric_counter("ript_server_events_ignored_total",
					"reason=\"unknown\"", "");
	events_wrong = metric_counter("ript_server_events_ignored_total",
				      "reason=\"wrong\"", "");
}

static struct server_call *of(struct ript_call *call)
{
	return list_entry(call, struct server_call, call);
}

/* ---- life ---- */

static void on_post_gone(void *owner)
{
	struct server_call *sc = owner;
	struct ending ending = {
		.at_ms = loop_wall_ms(sc->call.loop),
		.by = RIPT_BY_CLIENT,
	};

	/* The client never learned the URI: nobody can reach the call. */
	sc->abandoned = true;
	if (sc->stage == STAGE_INSTALLING)
		server_call_final(sc, RIPT_EV_END, &ending, "abandoned");
}

struct server_call *server_call_new(const struct ask *ask,
				    struct ript_handler *handler)
{
	struct ript_server *server = ask->server;
	struct server_call *sc = xzalloc(sizeof(*sc));
	char uuid[UUID_LEN + 1], *uri;

	call_init(&sc->call, server->loop, false);
	uuid_make(uuid);
	uri = xasprintf("%s/calls/%s", ask->tg->uri, uuid);
	call_set_uri(&sc->call, uri);
	free(uri);
	sc->call.worker = ask->request->worker;
	sc->server = server;
	sc->tg = ask->tg;
	sc->handler = handler;
	handler->calls++;
	memcpy(sc->token_hash, ask->token->hash, SHA256_LEN);
	streams_init(sc);
	list_append(&server->pending, &sc->le);
	sc->post = wait_new(server, ask->x, ask->request->path, on_post_gone,
			    sc);
	return sc;
}

static void server_call_free(void *ptr)
{
	struct server_call *sc = ptr;

	timer_stop(&sc->timer);
	list_unlink(&sc->le);
	feed_free(&sc->feed);
	call_fini(&sc->call);
	free(sc);
}

static void release_handler(struct server_call *sc)
{
	if (sc->handler)
		sc->handler->calls--;
	sc->handler = NULL;
}

/* Freed once it is buried and its owner has been told.  Its own stream may
 * still be on the stack. */
static void free_if_done(struct server_call *sc)
{
	if (sc->stage != STAGE_OVER || timer_running(&sc->call.tell))
		return;
	list_unlink(&sc->le);
	loop_defer_free(sc->call.loop, sc, server_call_free);
}

static void bury(struct server_call *sc)
{
	struct ript_server *server = sc->server;

	sc->stage = STAGE_OVER;
	timer_stop(&sc->timer);
	streams_end(sc);
	table_remove(&server->calls, &sc->node);
	list_unlink(&sc->le);
	list_append(&server->over, &sc->le);
	release_handler(sc);
	tomb_add(server, sc->tg->id, sc->call.uuid, &sc->ending,
		 loop_now_ns(server->loop));
	metric_gauge_add(calls_open, -1);
	free_if_done(sc);
}

void server_call_fetched(struct server_call *sc)
{
	bury(sc);
}

static void on_hold_over(void *arg)
{
	bury(arg);
}

static void on_tell(void *arg)
{
	struct server_call *sc = arg;

	call_tell_closed(&sc->call, sc->call.reason, NULL);
	free_if_done(sc);
}

static void close_byway(struct server_call *sc)
{
	struct buf problem;

	buf_init(&problem, 4096);
	ending_print(&problem, &sc->ending);
	byway_close(&sc->call.byway, buf_str(&problem));
	buf_free(&problem);
}

static void answer_post(struct server_call *sc);

void server_call_final(struct server_call *sc, enum ript_event_type type,
		       const struct ending *ending, const char *reason)
{
	struct ript_event event = { .type = type };
	bool fetched;

	if (sc->stage != STAGE_INSTALLING && sc->stage != STAGE_LIVE)
		return;
	if (sc->stage == STAGE_INSTALLING)
		answer_post(sc);
	sc->stage = STAGE_HELD;
	sc->ending = *ending;
	sc->call.reason = reason;
	call_set_state(&sc->call, ript_event_state(type));
	event.by = type == RIPT_EV_END ? ending->by : RIPT_BY_NONE;
	event.cause = ending->cause;
	event.has_cause = ending->has_cause;
	fetched = server_call_emit(sc, &event);
	streams_end(sc);
	close_byway(sc);
	timer_start(&sc->call.tell, sc->call.loop, 0, on_tell, sc);
	if (fetched || ending->by == RIPT_BY_CLIENT)
		bury(sc);
	else
		timer_start(&sc->timer, sc->call.loop, HOLD_MS, on_hold_over,
			    sc);
}

static void end_call(struct table_node *node, void *arg)
{
	struct server_call *sc = table_entry(node, struct server_call, node);
	struct ending ending = {
		.at_ms = loop_wall_ms(sc->call.loop),
		.by = RIPT_BY_SERVER,
	};

	(void)arg;
	server_call_final(sc, RIPT_EV_END, &ending, "shutdown");
	if (sc->stage == STAGE_HELD)
		bury(sc);
}

void call_server_end_all(struct ript_server *server)
{
	table_each(&server->calls, end_call, NULL);
	table_free(&server->calls);
	while (server->over.head) {
		struct server_call *sc = list_entry(server->over.head,
						    struct server_call, le);

		call_tell_closed(&sc->call, sc->call.reason, NULL);
		free_if_done(sc);
	}
	while (server->pending.head) {
		struct server_call *sc = list_entry(server->pending.head,
						    struct server_call, le);

		release_handler(sc);
		server_call_free(sc);
	}
	streams_free_all(server);
	tomb_free_all(server);
}

/* ---- events ---- */

bool server_call_emit(struct server_call *sc, struct ript_event *event)
{
	event->call = sc->call.uri;
	event->state = sc->call.state;
	event->timestamp_ms = loop_wall_ms(sc->call.loop);
	return feed_emit(&sc->feed, event, loop_now_ns(sc->call.loop));
}

static void on_client_end(struct server_call *sc,
			  const struct ript_event *event)
{
	const struct ript_call_handlers *handlers = sc->call.handlers;
	struct ending ending = {
		.at_ms = loop_wall_ms(sc->call.loop),
		.by = RIPT_BY_CLIENT,
		.cause = event->cause,
		.has_cause = event->has_cause,
	};

	struct ript_event end = *event;

	end.by = RIPT_BY_CLIENT;
	server_call_final(sc, RIPT_EV_END, &ending, "ended");
	if (handlers && handlers->event)
		handlers->event(&sc->call, &end, sc->call.arg);
}

void server_call_command(struct server_call *sc,
			 const struct ript_event *event)
{
	struct ript_event pong = { .type = RIPT_EV_PONG,
				   .nonce = event->nonce };

	if (sc->stage != STAGE_LIVE && sc->stage != STAGE_INSTALLING)
		return;
	if (event->type == RIPT_EV_UNKNOWN) {
		metric_inc(events_unknown);
		return;
	}
	if (seen_before(&sc->seen, event)) {
		metric_inc(events_repeated);
		return;
	}
	switch (event->type) {
	case RIPT_EV_PING:
		server_call_emit(sc, &pong);
		break;
	case RIPT_EV_END:
		on_client_end(sc, event);
		break;
	default:
		/* Q47: the wrong side, or the wrong state */
		metric_inc(events_wrong);
		log_debug(sc->call.log, "ript: event %s of the client ignored",
			  ript_event_name(event->type));
		feed_repeat(&sc->feed);
	}
}

/* ---- description ---- */

/* Q1: a client of the text form reads these. */
static void add_text_form(struct buf *out, const struct ript_directives *d)
{
	char *client = ript_directive_text(&d->client);
	char *server = ript_directive_text(&d->server);

	buf_add_str(out, ",\"clientDirectives\":");
	body_add_text(out, client);
	buf_add_str(out, ",\"serverDirectives\":");
	body_add_text(out, server);
	free(client);
	free(server);
}

static void describe(struct buf *out, const struct server_call *sc)
{
	const struct ript_call *call = &sc->call;
	struct json_object *directives =
		ript_directives_json(&call->directives);

	buf_add_str(out, "{\"uri\":");
	body_add_text(out, call->uri);
	buf_printf(out, ",\"state\":\"%s\",\"direction\":\"outbound\","
		   "\"handler\":", ript_state_name(call->state));
	body_add_text(out, sc->handler->uri);
	buf_add_str(out, ",\"from\":");
	body_add_text(out, call->from);
	buf_add_str(out, ",\"to\":");
	body_add_text(out, call->to);
	buf_add_str(out, ",\"destination\":");
	body_add_text(out, call->destination);
	buf_add_str(out, ",\"passport\":");
	body_add_text(out, call->passport);
	buf_add_str(out, ",\"directives\":");
	body_add_json(out, directives);
	if (sc->handler->advert->text)
		add_text_form(out, &call->directives);
	buf_add_str(out, "}");
	json_object_put(directives);
}

static void answer_post(struct server_call *sc)
{
	const struct exchange_field location = { "location", sc->call.uri };
	struct buf json;

	buf_init(&json, DESCRIPTION_MAX);
	describe(&json, sc);
	wait_json(&sc->post, 201, (const char *)json.data, json.len,
		  &location, 1);
	buf_free(&json);
}

/* Q70: the state is the validator. */
static void etag_of(char out[32], const struct server_call *sc)
{
	snprintf(out, 32, "\"%s\"", ript_state_name(sc->call.state));
}

static void answer_description(const struct ask *ask,
			       const struct server_call *sc)
{
	char etag[32];
	const struct exchange_field field = { "etag", etag };
	struct buf json;

	etag_of(etag, sc);
	buf_init(&json, DESCRIPTION_MAX);
	describe(&json, sc);
	reply_json(ask->x, 200, (const char *)json.data, json.len, &field, 1);
	buf_free(&json);
}

/* ---- requests ---- */

static void answer_ended(const struct ask *ask, const struct ending *ending)
{
	static const struct exchange_field field[] = {
		{ "content-type", "application/problem+json" },
		{ "cache-control", "no-store" },
	};
	struct buf body;

	server_count_refusal(ask->server, "call-ended");
	buf_init(&body, 4096);
	ending_print(&body, ending);
	exchange_reply(ask->x, 404, field, 2, body.data, body.len);
	buf_free(&body);
}

struct server_call *ask_call(const struct ask *ask, bool held)
{
	struct ript_server *server = ask->server;
	const char *uuid = ask->target.id;
	struct table_node *node = table_find(&server->calls, uuid,
					     strlen(uuid));
	struct server_call *sc;
	struct ending ending;

	sc = node ? table_entry(node, struct server_call, node) : NULL;
	if (sc && sc->tg == ask->tg) {
		if (sc->stage != STAGE_HELD || held)
			return sc;
		answer_ended(ask, &sc->ending);
	} else if (tomb_find(server, ask->tg->id, uuid,
			     loop_now_ns(server->loop), &ending)) {
		answer_ended(ask, &ending);
	} else {
		ask_refuse(ask, "not-found", NULL);
	}
	return NULL;
}

void call_answer_list(const struct ask *ask)
{
	const struct le *le;
	struct buf json;
	bool first = true;

	buf_init(&json, SIZE_MAX);
	buf_add_str(&json, "{\"calls\":[");
	for (le = ask->tg->calls.head; le; le = le->next) {
		const struct server_call *sc =
			list_entry(le, const struct server_call, le);

		if (sc->stage != STAGE_LIVE)
			continue;
		if (!first)
			buf_add_str(&json, ",");
		first = false;
		body_add_text(&json, sc->call.uri);
	}
	buf_add_str(&json, "]}");
	reply_json(ask->x, 200, (const char *)json.data, json.len, NULL, 0);
	buf_free(&json);
}

void call_answer_get(const struct ask *ask)
{
	const struct server_call *sc = ask_call(ask, false);

	if (sc)
		answer_description(ask, sc);
}

/* The workers answer media of living calls; here it is about no call. */
void call_answer_media(const struct ask *ask)
{
	if (ask_call(ask, false))
		ask_refuse(ask, "not-here", "media goes to the call's worker");
}

static bool still_matches(const struct ask *ask, const struct server_call *sc)
{
	const char *want = exchange_field(ask->request->field,
					  ask->request->field_cnt,
					  "if-match");
	char etag[32];

	etag_of(etag, sc);
	return !want || strcmp(want, "*") == 0 || strstr(want, etag);
}

static void change_handler(struct server_call *sc,
			   struct ript_handler *handler)
{
	struct ript_event event = { .type = RIPT_EV_HANDLER_CHANGED,
				    .handler = handler->uri };

	if (handler == sc->handler)
		return;
	release_handler(sc);
	sc->handler = handler;
	handler->calls++;
	server_call_emit(sc, &event);
}

/* An empty POST asks for a fresh directive, one with a handler moves the
 * call to it. */
void call_answer_take(const struct ask *ask)
{
	struct server_call *sc = ask_call(ask, false);
	struct ript_handler *handler = NULL;
	struct json_object *body;
	const char *uri;

	if (!sc || !ask_body(ask, true, &body))
		return;
	uri = body ? body_text(body, "handler") : NULL;
	if (uri)
		handler = handler_by_uri(sc->tg, uri);
	if (body && json_object_object_length(body) > 0 && !uri)
		ask_refuse(ask, "bad-request",
			   "handler must be the URI of a handler");
	else if (uri && !handler)
		ask_refuse(ask, "handler-unknown", NULL);
	else if (!still_matches(ask, sc))
		ask_refuse(ask, "precondition-failed", NULL);
	else {
		if (handler)
			change_handler(sc, handler);
		if (sc->call.handlers && sc->call.handlers->refresh)
			sc->call.handlers->refresh(&sc->call, sc->call.arg);
		if (sc->stage == STAGE_LIVE)
			answer_description(ask, sc);
		else
			answer_ended(ask, &sc->ending);
	}
	json_object_put(body);
}

/* ---- ript/call.h, server role ---- */

static void on_byway_open(enum byway_kind kind, void *arg)
{
	struct server_call *sc = arg;

	if (sc->call.handlers && sc->call.handlers->byway)
		sc->call.handlers->byway(&sc->call, kind, sc->call.arg);
}

static void on_byway_panic(uint64_t dropped, void *arg)
{
	struct ript_event event = { .type = RIPT_EV_MEDIA_PANIC,
				    .dropped = dropped };

	server_call_emit(arg, &event);
}

static const struct byway_events byway_events = {
	.open = on_byway_open,
	.panic = on_byway_panic,
};

/* Every worker knows the call: the client may. */
static void on_installed(void *arg)
{
	struct server_call *sc = arg;
	const struct ript_directives *d = &sc->call.directives;
	struct ending ending = {
		.at_ms = loop_wall_ms(sc->call.loop),
		.by = RIPT_BY_SERVER,
		.has_cause = true,
		.cause = { .sip = 488, .q850 = 88,
			   .text = "No media in common" },
	};

	if (sc->stage != STAGE_INSTALLING)
		return;
	answer_post(sc);
	sc->stage = STAGE_LIVE;
	streams_changed(sc);
	if (d->client.stream_cnt == 0 && d->server.stream_cnt == 0)
		server_call_final(sc, RIPT_EV_FAILED, &ending,
				  "no-media-in-common");	/* Q82 */
}

static int install(struct server_call *sc)
{
	struct byway_server params = {
		.uuid = sc->call.uuid,
		.path = sc->call.path,
		.home = sc->call.worker,
	};
	unsigned i;
	int err;

	memcpy(params.token_hash, sc->token_hash, SHA256_LEN);
	err = byway_serve(&sc->call.byway, sc->server->net, &params,
			  &byway_events, on_installed, sc);
	if (err)
		return err;
	for (i = 0; i < sc->tg->token_cnt; i++)
		if (memcmp(sc->tg->token_hash[i], sc->token_hash,
			   SHA256_LEN) != 0)
			byway_add_token(sc->call.byway,
					sc->tg->token_hash[i]);
	return 0;
}

int ript_call_accept(struct ript_call *call,
		     const struct ript_directives *directives,
		     const struct ript_call_handlers *handlers, void *arg)
{
	struct server_call *sc = of(call);
	struct ript_event event = { .type = RIPT_EV_PROCEEDING };
	int err;

	loop_assert(LOOP_CONTROL);
	if (call->client || sc->stage != STAGE_PENDING)
		return EINVAL;
	err = install(sc);
	if (err)
		return err;
	sc->stage = STAGE_INSTALLING;
	list_unlink(&sc->le);
	list_append(&sc->tg->calls, &sc->le);
	table_insert(&sc->server->calls, &sc->node, call->uuid,
		     strlen(call->uuid));
	call->handlers = handlers;
	call->arg = arg;
	call->directives = *directives;
	metric_inc(calls_total);
	metric_gauge_add(calls_open, 1);
	call_set_state(call, RIPT_ST_PROCEEDING);
	server_call_emit(sc, &event);
	if (sc->abandoned)
		on_post_gone(sc);
	return 0;
}

void ript_call_refuse(struct ript_call *call, int status, const char *name,
		      const char *detail, unsigned retry_after_s)
{
	struct server_call *sc = of(call);
	const struct refusal r = {
		.status = status,
		.name = name,
		.detail = detail,
		.retry_after_s = retry_after_s,
		.tg = sc->tg->id,
	};

	loop_assert(LOOP_CONTROL);
	if (sc->stage != STAGE_PENDING)
		return;
	wait_refusal(&sc->post, &r);
	release_handler(sc);
	server_call_free(sc);
}

void ript_call_state(struct ript_call *call, enum ript_event_type type,
		     const struct ript_cause *cause)
{
	struct server_call *sc = of(call);
	struct ript_event event = { .type = type };
	enum ript_state state = ript_event_state(type);
	struct ending ending = {
		.at_ms = loop_wall_ms(call->loop),
		.by = RIPT_BY_PEER,
	};

	loop_assert(LOOP_CONTROL);
	if (call->client ||
	    (sc->stage != STAGE_INSTALLING && sc->stage != STAGE_LIVE))
		return;
	if (cause) {
		ending.cause = *cause;
		ending.has_cause = true;
	}
	if (ript_event_final(type)) {
		server_call_final(sc, type, &ending, "ended");
		return;
	}
	/* forward only: proceeding, alerting, answered */
	if (state == RIPT_ST_NONE || state <= call->state)
		return;
	call_set_state(call, state);
	if (type == RIPT_EV_ANSWERED)
		event.handler = sc->handler->uri;
	server_call_emit(sc, &event);
}

void ript_call_direct(struct ript_call *call,
		      const struct ript_directives *directives,
		      const char *reason)
{
	struct server_call *sc = of(call);
	struct ript_event event = {
		.type = RIPT_EV_DIRECTIVE,
		.directives = directives,
		.reason = reason,
	};

	loop_assert(LOOP_CONTROL);
	if (call->client ||
	    (sc->stage != STAGE_INSTALLING && sc->stage != STAGE_LIVE))
		return;
	call_direct(call, directives);
	server_call_emit(sc, &event);
}

void server_call_end(struct ript_call *call, enum ript_by by,
		     const struct ript_cause *cause)
{
	struct ending ending = {
		.at_ms = loop_wall_ms(call->loop),
		.by = by == RIPT_BY_NONE ? RIPT_BY_SERVER : by,
	};

	if (cause) {
		ending.cause = *cause;
		ending.has_cause = true;
	}
	server_call_final(of(call), RIPT_EV_END, &ending, "ended");
}

void server_call_info(const struct ript_call *call,
		      struct ript_call_info *out)
{
	const struct server_call *sc =
		list_entry(call, const struct server_call, call);

	out->tg = sc->tg;
	if (sc->handler) {
		out->handler = sc->handler->uri;
		out->advert = sc->handler->advert;
	}
}
