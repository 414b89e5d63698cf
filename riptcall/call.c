/* SPDX-License-Identifier: MIT */
/*
 * riptcall call: discovery -> handler -> POST -> events -> end.
 *
 *   peer usable -> ript_call_open() -> accepted: handset -> answered: play
 *   -> played, or --seconds: end -> closed -> handset's result -> summary
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/call.h"
#include "ript/passport.h"
#include "ript/ript.h"
#include "riptcall/command.h"
#include "riptcall/edge.h"
#include "riptcall/endpoint.h"
#include "riptcall/fault.h"
#include "riptcall/handset.h"
#include "riptcall/options.h"
#include "riptcall/report.h"

#define HANDLER_ID "riptcall"
#define HOPS 10			/* Q91 */
#define AFTER_MS 500		/* from the last sound to the end */
#define LINGER_MS 50

struct caller {
	const struct options *options;
	struct endpoint ep;
	struct ript_peer *peer;
	struct ript_call *call;
	struct passport_signer *signer;
	struct handset *handset;
	struct report report;
	struct timer hang_up;
	bool placed;
};

/* ---- the end ---- */

static void close_handset(struct caller *caller)
{
	if (!caller->handset)
		return;
	handset_close(caller->handset);
	caller->handset = NULL;		/* on_done() is the last of it */
}

static void fail(struct caller *caller, char *why)
{
	report_end(&caller->report, "failed", why);
	free(why);
	close_handset(caller);
}

static void on_hang_up(void *arg)
{
	static const struct ript_cause cause = {
		.sip = 200, .q850 = 16, .text = "Normal call clearing"
	};
	struct caller *caller = arg;
	const struct ript_event event = { .type = RIPT_EV_END,
					  .by = RIPT_BY_CLIENT,
					  .cause = cause, .has_cause = true };

	if (!caller->call)
		return;
	report_event(&caller->report, &event);
	ript_call_end(caller->call, RIPT_BY_CLIENT, &cause);
}

static void on_stopped(void *arg)
{
	struct caller *caller = arg;

	if (caller->call)
		on_hang_up(caller);
	else
		fail(caller, xstrdup("it was stopped"));
}

/* ---- media ---- */

static void on_digit(char digit, void *arg)
{
	struct caller *caller = arg;

	report_line(&caller->report, "digit %c", digit);
}

static void on_played(void *arg)
{
	struct caller *caller = arg;
	const struct options *o = caller->options;

	if (!o->play && !o->dtmf && !o->noise)
		return;
	report_line(&caller->report, "all is played");
	if (!o->has_seconds)
		timer_start(&caller->hang_up, caller->ep.loop,
			    AFTER_MS + (o->noise ? o->noise - 1 : 0) *
					       HANDSET_NOISE_MS,
			    on_hang_up, caller);
}

static void on_done(struct handset_result *result, void *arg)
{
	struct caller *caller = arg;

	if (caller->report.created_ms)
		report_media(&caller->report, result);
	else
		free(result->why);
	endpoint_quit(&caller->ep);
}

static const struct handset_events handset_events = {
	.digit = on_digit,
	.played = on_played,
	.done = on_done,
};

static uint32_t own_codecs(const struct options *o)
{
	return o->codecs | 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN;
}

/* ---- the call ---- */

static void on_accepted(struct ript_call *call, void *arg)
{
	struct caller *caller = arg;
	struct ript_call_info info;

	ript_call_info(call, &info);
	caller->report.created_ms = report_ms(&caller->report);
	report_call(&caller->report, call);
	report_line(&caller->report, "created %s", info.uri);
	handset_direct(caller->handset, true, info.directives);
	handset_bind(caller->handset, info.byway, true);
}

static void on_answered(struct caller *caller)
{
	handset_play(caller->handset);
	if (caller->options->has_seconds)
		timer_start(&caller->hang_up, caller->ep.loop,
			    caller->options->seconds_ms, on_hang_up, caller);
}

static void on_event(struct ript_call *call, const struct ript_event *event,
		     void *arg)
{
	struct caller *caller = arg;
	struct ript_call_info info;

	report_event(&caller->report, event);
	if (event->type == RIPT_EV_ANSWERED && caller->handset)
		on_answered(caller);
	if ((event->type == RIPT_EV_DIRECTIVE || event->directives) &&
	    caller->handset) {
		ript_call_info(call, &info);
		handset_direct(caller->handset, true, info.directives);
	}
}

static void on_byway(struct ript_call *call, enum byway_kind kind, void *arg)
{
	static const char *const names[] = { "no way of media is open",
					     "media go by WebTransport",
					     "media go by PUT and GET" };
	struct caller *caller = arg;

	(void)call;
	report_line(&caller->report, "%s", names[kind]);
}

/* The connection, or what else ended it, in words. */
static char *why_closed(struct caller *caller, const char *reason,
			const struct ript_refusal *refusal)
{
	struct report *report = &caller->report;

	if (refusal) {
		report->status = refusal->status;
		report->problem = xstrdup(refusal->problem);
		return xasprintf("the provider answers %d %s%s%s",
				 refusal->status, refusal->problem,
				 *refusal->detail ? ": " : "",
				 refusal->detail);
	}
	if (strcmp(reason, "no-connection") == 0)
		return xasprintf("there is no connection to %s",
				 caller->options->authority);
	if (strcmp(reason, "signalling-lost") == 0)
		return xstrdup("the provider was lost and did not come back");
	if (strcmp(reason, "timeout") == 0)
		return xstrdup("the provider does not answer the POST");
	if (strcmp(reason, "bad-reply") == 0)
		return xstrdup("the provider's 201 is not understood");
	if (report->answered_ms)
		return NULL;
	return *report->cause.text
		       ? xasprintf("%s: %s", reason, report->cause.text)
		       : xstrdup(reason);
}

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	struct caller *caller = arg;
	struct report *report = &caller->report;
	char *why = why_closed(caller, reason, refusal);

	(void)call;
	caller->call = NULL;
	timer_stop(&caller->hang_up);
	report_end(report, refusal ? "refused" : why ? "failed" : "ended",
		   why);
	free(why);
	close_handset(caller);
}

static const struct ript_call_handlers call_handlers = {
	.accepted = on_accepted,
	.event = on_event,
	.byway = on_byway,
	.closed = on_closed,
};

/* ---- placing it ---- */

static bool is_listed(const struct caller *caller, const char *uri)
{
	struct ript_tg_info info;
	unsigned i;

	for (i = 0; i < ript_peer_tg_cnt(caller->peer); i++) {
		ript_peer_tg(caller->peer, i, &info);
		if (strcmp(info.uri, uri) == 0)
			return true;
	}
	return false;
}

static char *sign(struct caller *caller, char **why)
{
	const struct options *o = caller->options;
	char *jws = NULL;
	int err;

	err = passport_sign(&jws, caller->signer, o->from,
			    fault_passport_dest(o->number),
			    fault_passport_ms(loop_wall_ms(caller->ep.loop)));
	if (err == EACCES)
		*why = xasprintf("the certificate %s does not vouch for %s",
				 o->cert, o->from);
	else if (err)
		*why = xasprintf("the caller cannot be signed: %s",
				 strerror(err));
	else
		fault_passport(jws);
	return jws;
}

static char *why_not_open(const struct caller *caller, int err)
{
	const struct options *o = caller->options;

	switch (err) {
	case EACCES:
		return xasprintf("no terminal group of %s leads to %s",
				 o->authority, o->number);
	case EBUSY:
		return xasprintf("%s takes no calls for the next %u s",
				 o->authority,
				 ript_peer_retry_after(caller->peer));
	default:
		return xasprintf("no call can be placed at %s: %s",
				 o->authority, strerror(err));
	}
}

static void place(struct caller *caller)
{
	const struct options *o = caller->options;
	struct ript_call_open params = {
		.destination = o->number,
		.codecs = own_codecs(o),
		.hops = HOPS,
		.handlers = &call_handlers,
		.arg = caller,
	};
	char *jws, *why = NULL;
	int err;

	if (o->tg && !is_listed(caller, o->tg)) {
		fail(caller, xasprintf("%s does not list the terminal group "
				       "%s", o->authority, o->tg));
		return;
	}
	jws = sign(caller, &why);
	if (!jws) {
		fail(caller, why);
		return;
	}
	params.passport = jws;
	report_line(&caller->report, "calling %s from %s", o->number,
		    o->from);
	err = ript_call_open(&caller->call, caller->peer, &params);
	free(jws);
	if (err)
		fail(caller, why_not_open(caller, err));
}

static void on_peer_state(struct ript_peer *peer, int err, const char *why,
			  void *arg)
{
	struct caller *caller = arg;

	(void)peer;
	if (caller->placed)
		return;
	caller->placed = true;
	if (err)
		fail(caller, xasprintf("%s: %s", caller->options->authority,
				       why));
	else
		place(caller);
}

/* ---- the command ---- */

static int prepare(struct caller *caller, char **why)
{
	const struct options *o = caller->options;
	const struct endpoint_config config = {
		.stopped = on_stopped,
		.arg = caller,
	};
	const struct ript_peer_events events = { .state = on_peer_state };
	const struct phone_config phone = {
		.play = o->play,
		.record = o->record,
	};
	struct ript_peer_config peer = {
		.authority = o->authority,
		.addr = o->address.len ? &o->address : NULL,
		.ca_file = o->ca,
		.token = o->token,
		.handler_id = HANDLER_ID,
		.webtransport = !o->byway,
	};
	int err;

	err = endpoint_start(&caller->ep, &config, why);
	if (err)
		return err;
	err = passport_signer_new(&caller->signer, o->key, o->cert, o->x5u,
				  why);
	if (err)
		return err;
	err = handset_new(&caller->handset, &caller->ep, &phone, o->dtmf,
			  &handset_events, caller, why);
	if (err)
		return err;
	peer.net = caller->ep.net;
	peer.loop = caller->ep.loop;
	err = ript_peer_new(&caller->peer, &peer, &events, caller);
	if (err)
		*why = xasprintf("%s: %s", o->authority, strerror(err));
	return err;
}

static void print(struct caller *caller)
{
	struct edge_counts counts;
	struct json_object *json;

	if (!caller->options->json) {
		report_print(&caller->report);
		return;
	}
	edge_counts(&counts);
	json = report_json(&caller->report);
	json_object_object_add(json, "pings", json_object_new_int64(
					(int64_t)counts.pings));
	json_object_object_add(json, "pongs", json_object_new_int64(
					(int64_t)counts.pongs));
	json_object_object_add(json, "events_begin",
			       json_object_new_string(counts.first));
	json_object_object_add(json, "ping_gaps_ms", edge_ping_gaps());
	json_object_object_add(json, "created", edge_created());
	json_object_object_add(json, "requests", edge_requests());
	print_json(json);
}

int command_call(const struct options *options)
{
	struct caller caller = { .options = options };
	char *why = NULL;
	int code = EXIT_FAILED;

	report_init(&caller.report, true, options->json);
	if (prepare(&caller, &why) != 0) {
		report_end(&caller.report, "failed",
			   why ? why : "it cannot start");
		free(why);
	} else {
		endpoint_run(&caller.ep);
		endpoint_linger(&caller.ep, LINGER_MS);
		if (!caller.report.result)
			report_end(&caller.report, "failed",
				   "it was stopped");
	}
	print(&caller);
	if (caller.report.ok)
		code = EXIT_FINE;
	timer_stop(&caller.hang_up);
	close_handset(&caller);
	ript_peer_free(&caller.peer);
	endpoint_stop(&caller.ep);
	passport_signer_free(&caller.signer);
	report_free(&caller.report);
	return code;
}
