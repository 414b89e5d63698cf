/* SPDX-License-Identifier: MIT */
/*
 * A call of the client role: choose the terminal group, have a handler there,
 * POST once, read the 201, then listen.
 *
 * The POST is never sent again once its octets are out, but for the one 500
 * handler-unknown of Q92.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/client_impl.h"

#define CONNECT_MS 2000		/* GW-06: the PBX takes its other line */
#define REPLY_MS 5000		/* connected, the server thinks */
#define ENDING_MS 5000		/* for the echo of our `end` */

static struct client_call *of(struct ript_call *call)
{
	return list_entry(call, struct client_call, call);
}

/* ---- over ---- */

static void client_call_free(void *ptr)
{
	struct client_call *cc = ptr;

	jar_free(&cc->jar);
	free(cc->sig.end_event);
	call_fini(&cc->call);
	free(cc);
}

void client_call_over(struct client_call *cc, const char *reason,
		      const struct ript_refusal *refusal)
{
	if (cc->stage == CLIENT_OVER)
		return;
	cc->stage = CLIENT_OVER;
	timer_stop(&cc->deadline);
	inquiry_cancel(&cc->post);
	list_unlink(&cc->wait.le);
	signal_close(cc);
	byway_close(&cc->call.byway, "");
	list_unlink(&cc->le);
	peer_tg_release(cc->tg);
	cc->tg = NULL;
	cc->handler = NULL;
	log_debug(cc->call.log, "ript: call over, %s", reason);
	if (strcmp(reason, "no-connection") == 0)
		peer_lost(cc->peer);
	call_tell_closed(&cc->call, reason, refusal);
	loop_defer_free(cc->call.loop, cc, client_call_free);
}

void client_calls_end_all(struct ript_peer *peer)
{
	while (peer->calls.head)
		client_call_over(list_entry(peer->calls.head,
					    struct client_call, le),
				 "shutdown", NULL);
	signal_free_all(peer);
}

static void on_over_later(void *arg)
{
	struct client_call *cc = arg;

	client_call_over(cc, cc->call.reason, NULL);
}

/* closed() never runs inside a function of ript/call.h. */
static void over_later(struct client_call *cc, const char *reason)
{
	cc->call.reason = reason;
	timer_start(&cc->call.tell, cc->call.loop, 0, on_over_later, cc);
}

static void over_refused(struct client_call *cc,
			 const struct inquiry_reply *reply)
{
	char problem[64], detail[256];
	struct ript_refusal refusal = {
		.status = reply->status,
		.problem = problem,
		.detail = detail,
		.retry_after_s = inquiry_retry_after(reply),
	};

	inquiry_problem(reply, problem, sizeof(problem), detail,
			sizeof(detail));
	if (refusal.retry_after_s &&
	    (reply->status == 429 || reply->status == 503))
		cc->tg->retry_after_ns = loop_now_ns(cc->call.loop) +
					 refusal.retry_after_s * NS_PER_S;
	client_call_over(cc, "refused", &refusal);
}

static const char *reason_of(int err)
{
	switch (err) {
	case EACCES:
		return "certificate";
	case ETIMEDOUT:
		return "timeout";
	default:
		return "no-connection";
	}
}

/* ---- events ---- */

static enum ript_event_type type_of(enum ript_state state)
{
	static const enum ript_event_type types[] = {
		[RIPT_ST_PROCEEDING] = RIPT_EV_PROCEEDING,
		[RIPT_ST_ALERTING] = RIPT_EV_ALERTING,
		[RIPT_ST_ANSWERED] = RIPT_EV_ANSWERED,
		[RIPT_ST_DECLINED] = RIPT_EV_DECLINED,
		[RIPT_ST_FAILED] = RIPT_EV_FAILED,
		[RIPT_ST_NOANSWER] = RIPT_EV_NOANSWER,
		[RIPT_ST_ENDED] = RIPT_EV_END,
	};

	return types[state];
}

static void hand_over(struct client_call *cc, const struct ript_event *event)
{
	const struct ript_call_handlers *handlers = cc->call.handlers;

	/* an ended call that waits for its echo has nothing more to say */
	if (cc->stage == CLIENT_OPEN && handlers && handlers->event)
		handlers->event(&cc->call, event, cc->call.arg);
}

void client_call_event(struct client_call *cc,
		       const struct ript_event *event)
{
	enum ript_state state = ript_event_state(event->type);
	struct ript_event missed = *event;
	bool final;

	if (event->type == RIPT_EV_DIRECTIVE && event->directives)
		call_direct(&cc->call, event->directives);
	if (state == RIPT_ST_NONE)
		state = event->state;
	if (state != RIPT_ST_NONE && state != cc->call.state) {
		/* SB-12: the latest event alone says the state; the one that
		 * brought it may have been lost */
		missed.type = type_of(state);
		call_set_state(&cc->call, state);
		if (missed.type != event->type)
			hand_over(cc, &missed);
	}
	final = ript_event_final(type_of(cc->call.state));
	if (event->type != RIPT_EV_PONG &&
	    (!final || ript_event_final(event->type)))
		hand_over(cc, event);
	if (final)
		client_call_over(cc, "ended", NULL);
}

/* The final event that a 404 stands for. */
static enum ript_event_type type_of_ending(const struct client_call *cc,
					   const struct ending *ending)
{
	int sip = ending->has_cause ? ending->cause.sip : 0;

	if (cc->call.state == RIPT_ST_ANSWERED || sip < 300 ||
	    ending->by == RIPT_BY_CLIENT)
		return RIPT_EV_END;
	switch (sip) {
	case 486:
	case 600:
	case 603:
	case 606:
	case 607:
	case 608:
		return RIPT_EV_DECLINED;
	case 408:
	case 480:
		return RIPT_EV_NOANSWER;
	default:
		return RIPT_EV_FAILED;
	}
}

void client_call_gone(struct client_call *cc, const struct ending *ending)
{
	struct ript_event event = {
		.type = type_of_ending(cc, ending),
		.timestamp_ms = ending->at_ms,
		.call = cc->call.uri,
		.by = ending->by,
		.cause = ending->cause,
		.has_cause = ending->has_cause,
	};

	event.state = ript_event_state(event.type);
	client_call_event(cc, &event);
}

/* ---- 201 ---- */

/* The call URI of a 201, on the peer's authority; NULL if there is none. */
static char *call_uri(const struct ript_peer *peer,
		      const struct inquiry_reply *reply,
		      struct json_object *body)
{
	const char *location = inquiry_field(reply, "location");
	const char *uri = body_text(body, "uri");

	if (uri && peer_path(peer, uri))
		return xstrdup(uri);
	if (location && peer_path(peer, location))
		return xstrdup(location);
	if (location && location[0] == '/' && location[1] != '/')
		return xasprintf("https://%s%s", peer->authority, location);
	return NULL;
}

static void read_directives(struct client_call *cc, struct json_object *body)
{
	struct ript_directives *d = &cc->call.directives;
	struct json_object *both;
	const char *why = "";

	memset(d, 0, sizeof(*d));
	if (!json_object_object_get_ex(body, "directives", &both) ||
	    ript_directives_parse(d, both, &why) == 0)
		return;
	memset(d, 0, sizeof(*d));
	log_reason(cc->call.log, LOG_WARN, "bad-directives",
		   "ript: directives not understood: %s", why);
}

static void keep_text(char **textp, struct json_object *body,
		      const char *key)
{
	const char *text = body_text(body, key);

	if (!text)
		return;
	free(*textp);
	*textp = xstrdup(text);
}

static void on_byway(enum byway_kind kind, void *arg)
{
	struct client_call *cc = arg;

	if (cc->call.handlers && cc->call.handlers->byway)
		cc->call.handlers->byway(&cc->call, kind, cc->call.arg);
}

static const struct byway_events byway_events = { .open = on_byway };

static int dial(struct client_call *cc)
{
	const struct byway_client params = {
		.peer = cc->peer->x,
		.home = cc->call.worker,
		.path = cc->call.path,
		.token = cc->peer->token,
		.cookie = jar_text(&cc->jar),
		.gets = cc->tg->reverse_byways,
		.webtransport = cc->peer->webtransport,
	};

	return byway_dial(&cc->call.byway, cc->peer->net, &params,
			  &byway_events, cc);
}

static void on_created(struct client_call *cc,
		       const struct inquiry_reply *reply)
{
	const struct exchange_reply head = {
		reply->status, reply->field, reply->field_cnt
	};
	struct json_object *body = NULL;
	const char *why = "";
	char *uri = NULL;

	if (body_parse(&body, reply->body, reply->len, &why) == 0)
		uri = call_uri(cc->peer, reply, body);
	if (!uri) {
		log_reason(cc->call.log, LOG_WARN, "bad-reply",
			   "ript: a 201 without a call URI: %s", why);
		json_object_put(body);
		client_call_over(cc, "bad-reply", NULL);
		return;
	}
	call_set_uri(&cc->call, uri);
	free(uri);
	keep_text(&cc->call.from, body, "from");
	keep_text(&cc->call.to, body, "to");
	read_directives(cc, body);
	json_object_put(body);
	jar_take(&cc->jar, &head);
	call_set_state(&cc->call, RIPT_ST_PROCEEDING);
	if (cc->ending) {
		cc->stage = CLIENT_ENDING;
		timer_start(&cc->deadline, cc->call.loop, ENDING_MS,
			    on_over_later, cc);
		signal_end(cc, cc->has_end_cause ? &cc->end_cause : NULL);
		return;
	}
	cc->stage = CLIENT_OPEN;
	timer_stop(&cc->deadline);
	if (dial(cc) != 0) {
		client_call_over(cc, "no-connection", NULL);
		return;
	}
	signal_open(cc);
	if (cc->call.handlers && cc->call.handlers->accepted)
		cc->call.handlers->accepted(&cc->call, cc->call.arg);
}

/* ---- POST ---- */

static void want_handler(struct client_call *cc);

static bool handler_unknown(const struct inquiry_reply *reply)
{
	char problem[64], detail[8];

	if (reply->status != 500)
		return false;
	inquiry_problem(reply, problem, sizeof(problem), detail,
			sizeof(detail));
	return strcmp(problem, "handler-unknown") == 0;
}

static void on_posted(const struct inquiry_reply *reply, void *arg)
{
	struct client_call *cc = arg;

	cc->post = NULL;
	if (reply->err) {
		client_call_over(cc, reason_of(reply->err), NULL);
	} else if (reply->status == 201) {
		on_created(cc, reply);
	} else if (handler_unknown(reply) && !cc->reposted && !cc->ending) {
		cc->reposted = true;
		peer_handler_forget(cc->handler);
		want_handler(cc);
	} else {
		over_refused(cc, reply);
	}
}

static char *post_body(const struct client_call *cc)
{
	struct buf json;

	buf_init(&json, EXCHANGE_BODY_MAX);
	buf_add_str(&json, "{\"handler\":");
	body_add_text(&json, cc->handler->uri);
	buf_add_str(&json, ",\"destination\":");
	body_add_text(&json, cc->call.destination);
	buf_add_str(&json, ",\"passport\":");
	body_add_text(&json, cc->call.passport);
	if (cc->call.hops >= 0)
		buf_printf(&json, ",\"hops\":%d", cc->call.hops);
	buf_add_str(&json, "}");
	return buf_steal(&json);
}

static void post(struct client_call *cc)
{
	char *path = xasprintf("%s/calls", cc->tg->path);
	char *json = post_body(cc);
	const struct inquiry_params params = {
		.method = "POST",
		.path = path,
		.json = json,
		.worker = cc->call.worker,
	};

	cc->stage = CLIENT_POST;
	if (peer_inquire(cc->peer, &cc->post, &params, on_posted, cc) != 0)
		over_later(cc, "no-connection");
	free(path);
	free(json);
}

static void on_handler(struct handler_wait *wait,
		       const struct inquiry_reply *reply)
{
	struct client_call *cc = list_entry(wait, struct client_call, wait);

	if (!reply)
		post(cc);
	else if (reply->err)
		client_call_over(cc, reason_of(reply->err), NULL);
	else
		over_refused(cc, reply);
}

static void want_handler(struct client_call *cc)
{
	cc->stage = CLIENT_HANDLER;
	if (cc->handler->state == HANDLER_ACTIVE)
		post(cc);
	else
		peer_handler_register(cc->handler, &cc->wait);
}

/* No 201 yet: soon, if there is no connection at all. */
static void on_deadline(void *arg)
{
	struct client_call *cc = arg;
	const char *why = "";
	bool connected = false;

	exchange_peer_state(cc->peer->x, &connected, &why);
	if (connected && !cc->extended) {
		cc->extended = true;
		timer_start(&cc->deadline, cc->call.loop,
			    REPLY_MS - CONNECT_MS, on_deadline, cc);
		return;
	}
	client_call_over(cc, connected ? "timeout" : "no-connection", NULL);
}

/* ---- ript/call.h, client role ---- */

/* The one whose pattern fits longest (TG-07) and that may be asked now. */
static int choose_tg(struct peer_tg **tgp, const struct ript_peer *peer,
		     const char *destination)
{
	uint64_t now = loop_now_ns(peer->loop);
	size_t length, best = 0;
	struct le *le;
	int err = ENOTCONN;

	*tgp = NULL;
	for (le = peer->tgs.head; le; le = le->next) {
		struct peer_tg *tg = list_entry(le, struct peer_tg, le);

		if (!tg->documented || !tg->listed)
			continue;
		if (err == ENOTCONN)
			err = EACCES;
		if (!peer_tg_admits(tg, destination, &length))
			continue;
		if (tg->retry_after_ns > now) {
			err = EBUSY;
			continue;
		}
		if (!*tgp || length > best) {
			*tgp = tg;
			best = length;
		}
	}
	return *tgp ? 0 : err;
}

int ript_call_open(struct ript_call **callp, struct ript_peer *peer,
		   const struct ript_call_open *params)
{
	struct peer_handler *handler;
	struct client_call *cc;
	struct peer_tg *tg;
	int err;

	loop_assert(LOOP_CONTROL);
	if (strlen(params->passport) > EXCHANGE_BODY_MAX / 2 ||
	    strlen(params->destination) > NUMBER_LEN)
		return EMSGSIZE;
	if (!peer->usable)
		return ENOTCONN;
	err = choose_tg(&tg, peer, params->destination);
	if (err)
		return err;
	handler = peer_handler_for(tg, params->codecs, params->ptime_ms);
	if (!handler)
		return ENOTCONN;
	cc = xzalloc(sizeof(*cc));
	call_init(&cc->call, peer->loop, true);
	cc->call.handlers = params->handlers;
	cc->call.arg = params->arg;
	cc->call.destination = xstrdup(params->destination);
	cc->call.passport = xstrdup(params->passport);
	cc->call.hops = params->hops;
	cc->call.worker = params->worker;
	cc->peer = peer;
	cc->tg = tg;
	cc->handler = handler;
	cc->wait.done = on_handler;
	peer_tg_hold(tg);
	list_append(&peer->calls, &cc->le);
	timer_start(&cc->deadline, peer->loop, CONNECT_MS, on_deadline, cc);
	want_handler(cc);
	*callp = &cc->call;
	return 0;
}

void client_call_end(struct ript_call *call, const struct ript_cause *cause)
{
	struct client_call *cc = of(call);

	if (cc->ending || cc->stage == CLIENT_OVER)
		return;
	cc->ending = true;
	if (cause) {
		cc->end_cause = *cause;
		cc->has_end_cause = true;
	}
	switch (cc->stage) {
	case CLIENT_HANDLER:
		list_unlink(&cc->wait.le);
		over_later(cc, "ended");
		break;
	case CLIENT_OPEN:
		cc->stage = CLIENT_ENDING;
		cc->call.reason = "ended";
		byway_close(&cc->call.byway, "");
		timer_start(&cc->deadline, cc->call.loop, ENDING_MS,
			    on_over_later, cc);
		signal_end(cc, cause);
		break;
	default:
		/* CLIENT_POST: the 201 tells where to send it */
		cc->call.reason = "ended";
		break;
	}
}

void client_call_info(const struct ript_call *call,
		      struct ript_call_info *out)
{
	const struct client_call *cc =
		list_entry(call, const struct client_call, call);
	const char *cookie = jar_text(&cc->jar);

	if (cc->handler) {
		out->handler = cc->handler->uri ? cc->handler->uri : "";
		out->advert = &cc->handler->advert;
	}
	out->cookie = cookie ? cookie : "";
}
