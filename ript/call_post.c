/* SPDX-License-Identifier: MIT */
/*
 * POST {TG}/calls: every check, in the order in which a refusal is told.
 *
 *   ready (503) -> body (415, 413, 400) -> members (400) -> handler (500)
 *   -> destination (403) -> hops (403) -> PASSporT (403) -> incoming()
 */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "ript/body.h"
#include "ript/call_impl.h"

#define HOPS_MAX 255

/* The members, borrowed from the body. */
struct wish {
	const char *handler;
	const char *destination;
	const char *passport;
	int64_t hops;			/* -1: absent */
};

static const char *read_members(struct wish *out, struct json_object *body)
{
	out->handler = body_text(body, "handler");
	if (!out->handler || !*out->handler)
		return "handler must be the URI of a handler";
	out->destination = body_text(body, "destination");
	if (!out->destination)
		return "destination must be a text";
	if (!number_is_destination(out->destination))
		return "destination must be + and digits, or user@domain";
	out->passport = body_text(body, "passport");
	if (!out->passport || !*out->passport)
		return "passport must be a compact JWS";
	out->hops = -1;
	switch (body_int(body, "hops", 0, INT64_MAX, &out->hops)) {
	case 0:
		if (out->hops > HOPS_MAX)
			out->hops = HOPS_MAX;
		return NULL;
	case ENOENT:
		return NULL;
	default:
		return "hops must be an integer from 0";
	}
}

/* Q28: the caller is the one whom the PASSporT vouches for. */
static const char *check_passport(const struct ask *ask,
				  const struct wish *wish,
				  struct passport_claims *claims)
{
	const struct ript_tg *tg = ask->tg;
	const char *reason = "passport-chain";

	if (!tg->trust ||
	    passport_verify(claims, tg->trust, wish->passport,
			    wish->destination,
			    loop_wall_ms(ask->server->loop), &reason) != 0)
		return reason;
	if (!number_set_match(&tg->origins, claims->orig))
		return "passport-orig-not-allowed";
	return NULL;
}

static void take(const struct ask *ask, const struct wish *wish,
		 struct ript_handler *handler,
		 const struct passport_claims *claims)
{
	struct server_call *sc = server_call_new(ask, handler);
	struct ript_call *call = &sc->call;

	call->from = xstrdup(claims->orig);
	call->to = xstrdup(claims->dest);
	call->destination = xstrdup(wish->destination);
	call->passport = xstrdup(wish->passport);
	call->hops = (int)wish->hops;
	ask->server->events.incoming(call, ask->server->arg);
}

static void check(const struct ask *ask, struct json_object *body)
{
	struct passport_claims claims;
	struct ript_handler *handler;
	struct wish wish;
	const char *why = read_members(&wish, body);

	if (why) {
		ask_refuse(ask, "bad-request", why);
		return;
	}
	handler = handler_by_uri(ask->tg, wish.handler);
	if (!handler) {
		ask_refuse(ask, "handler-unknown",
			   "Register a handler on this authority, then "
			   "retry.");
		return;
	}
	if (!number_set_match(&ask->tg->destinations, wish.destination)) {
		ask_refuse(ask, "destination-not-allowed", NULL);
		return;
	}
	if (wish.hops == 0) {
		ask_refuse(ask, "loop", NULL);
		return;
	}
	why = check_passport(ask, &wish, &claims);
	if (why)
		ask_refuse(ask, "bad-passport", why);
	else
		take(ask, &wish, handler, &claims);
}

void call_answer_post(const struct ask *ask)
{
	struct json_object *body;

	if (!ask->server->ready) {
		ask_refuse(ask, "unavailable", NULL);
		return;
	}
	if (!ask_body(ask, false, &body))
		return;
	check(ask, body);
	json_object_put(body);
}
