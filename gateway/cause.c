/* SPDX-License-Identifier: MIT */
#include "gateway/cause.h"

#include <stdio.h>
#include <string.h>

#include "base/metric.h"
#include "ript/call.h"
#include "sip/leg.h"

static const struct reason_info rows[REASON_CNT] = {
	/* reason	code, SIP, HTTP, problem, Q.850, advice */
	[REASON_NONE] = { "none", 500, 500, "unavailable", 41, "" },

	[REASON_ENDED] = { "ended", 480, 404, "call-ended", 16, "" },
	[REASON_CANCELLED] = { "cancelled", 487, 404, "call-ended", 16, "" },
	[REASON_DECLINED] = { "declined", 603, 503, "unavailable", 21, "" },
	[REASON_FAILED] = { "failed", 500, 503, "unavailable", 41,
		"read the ladder of this call: the far side's own status says "
		"why" },
	[REASON_NO_ANSWER] = { "no-answer", 480, 503, "unavailable", 19, "" },
	[REASON_RTP_TIMEOUT] = { "rtp-timeout", 408, 503, "unavailable", 102,
		"look for a phone that lost power or its network, or a "
		"firewall that drops RTP; the trunk's rtp-timeout is the "
		"limit" },
	[REASON_CALL_DURATION] = { "call-duration", 503, 503, "unavailable",
		31, "the trunk's limits.call-duration ended it" },
	[REASON_OPERATOR] = { "operator", 503, 503, "unavailable", 31,
		"somebody ran riptidectl hangup" },
	[REASON_SHUTDOWN] = { "shutdown", 503, 503, "unavailable", 41,
		"the gateway was stopped" },
	[REASON_SIGNALLING_LOST] = { "signalling-lost", 503, 503,
		"unavailable", 41, "the RIPT peer was gone for 30 s: look at "
		"its connection in riptidectl status" },
	[REASON_NO_ACK] = { "no-ack", 408, 503, "unavailable", 102,
		"the SIP caller never sent ACK: look for a firewall that "
		"drops it, or a wrong networks.*.advertise" },
	[REASON_NODE_LOST] = { "node-lost", 503, 503, "unavailable", 41,
		"the gateway died in this call" },

	[REASON_BAD_NUMBER] = { "bad-number", 484, 400, "bad-request", 28,
		"dial an E.164 number, or give the trunk a dial-plan" },
	[REASON_NO_CALLER_ID] = { "no-caller-id", 403, 403, "bad-passport",
		21, "send From or P-Asserted-Identity with a number, or set "
		"the trunk's caller-id.otherwise" },
	[REASON_ORIGIN_NOT_ALLOWED] = { "origin-not-allowed", 403, 403,
		"bad-passport", 21, "let a route or the peer's origins admit "
		"this caller, or set the trunk's caller-id.otherwise" },
	[REASON_DESTINATION_NOT_ALLOWED] = { "destination-not-allowed", 403,
		403, "destination-not-allowed", 21,
		"the destination is outside what this side may call; look at "
		"the peer's accept.numbers or the terminal group's "
		"destinations" },
	[REASON_NO_ROUTE] = { "no-route", 404, 404, "unreachable", 3,
		"add a route whose `from` and `to` match; try riptide "
		"route-test" },
	[REASON_ROUTE_REFUSES] = { "route-refuses", 403, 403, "policy", 21,
		"a route with `refuse` matched first; see riptide "
		"route-test" },
	[REASON_SAME_SIDE] = { "same-side", 501, 404, "unreachable", 79,
		"a route joins SIP with RIPT; this one leads back to the same "
		"kind" },
	[REASON_LOOP] = { "loop", 483, 403, "loop", 25,
		"two gateways route this number to each other; narrow the "
		"route on one of them" },
	[REASON_CALLER_NOT_COVERED] = { "caller-not-covered", 403, 403,
		"bad-passport", 21, "our certificate does not vouch for this "
		"caller: get one that does, or set the trunk's "
		"caller-id.otherwise to a number within it" },
	[REASON_BAD_IDENTITY] = { "bad-identity", 438, 403, "bad-passport",
		21, "the Identity header holds no full PASSporT" },
	[REASON_TRUNK_CALLS] = { "trunk-calls", 503, 503, "unavailable", 42,
		"the trunk's limits.calls is reached" },
	[REASON_TRUNK_RATE] = { "trunk-rate", 503, 503, "unavailable", 42,
		"the trunk's limits.calls-per-second is reached" },
	[REASON_PEER_CALLS] = { "peer-calls", 503, 503, "unavailable", 42,
		"the peer's limits.calls is reached" },
	[REASON_PEER_RATE] = { "peer-rate", 503, 429, "slow-down", 42,
		"the peer's limits.calls-per-second is reached" },
	[REASON_NO_PORTS] = { "no-ports", 503, 503, "unavailable", 34,
		"every port of the network's rtp-ports is in use: widen the "
		"range" },
	[REASON_NOT_READY] = { "not-ready", 503, 503, "unavailable", 41,
		"the gateway is still starting" },
	[REASON_DRAINING] = { "draining", 503, 503, "unavailable", 41,
		"the gateway is being stopped and takes no new call" },
	[REASON_STORE_FAILED] = { "store-failed", 503, 503, "unavailable", 41,
		"the database could not be written: look at the disk behind "
		"store.sqlite" },
	[REASON_NO_CODEC] = { "no-codec", 488, 503, "unavailable", 88,
		"both sides must share PCMU or PCMA" },
	[REASON_CHANGE] = { "change-refused", 488, 503, "unavailable", 79,
		"the call goes on as it was" },

	[REASON_TRUNK_DOWN] = { "trunk-down", 503, 503, "unavailable", 38,
		"no host of the trunk answers: look at riptidectl status" },
	[REASON_PEER_UNREACHABLE] = { "peer-unreachable", 503, 503,
		"unavailable", 38, "no connection to the RIPT peer: look at "
		"riptidectl status for what failed" },
	[REASON_PEER_BUSY] = { "peer-busy", 503, 503, "unavailable", 42,
		"the RIPT peer asked us to wait (Retry-After)" },
	[REASON_SETUP_TIMEOUT] = { "setup-timeout", 503, 503, "unavailable",
		102, "the RIPT peer took the call's request and did not "
		"answer in time" },

	[REASON_PEER_UNAUTHORIZED] = { "peer-unauthorized", 503, 503,
		"unavailable", 41, "the peer does not accept our token: "
		"renew the peer's `token`" },
	[REASON_BAD_PASSPORT] = { "bad-passport", 403, 403, "bad-passport",
		21, "the peer does not accept our signature for this caller: "
		"ask it to vouch for the number, and check clock and "
		"certificate" },
	[REASON_POLICY] = { "policy", 403, 403, "policy", 21,
		"the peer's policy forbids this call: ask the peer" },
	[REASON_UNREACHABLE] = { "unreachable", 404, 404, "unreachable", 3,
		"the peer has no route to this number" },
	[REASON_HANDLER_UNKNOWN] = { "handler-unknown", 500, 503,
		"unavailable", 41, "the peer forgot our handler twice in a "
		"row: look at its log" },
	[REASON_SLOW_DOWN] = { "slow-down", 503, 503, "unavailable", 42,
		"the peer limits our calls per second" },
	[REASON_UNAVAILABLE] = { "unavailable", 503, 503, "unavailable", 41,
		"the peer takes no calls just now" },
	[REASON_PEER_ERROR] = { "peer-error", 503, 503, "unavailable", 41,
		"the peer answered with a status that we do not expect; see "
		"the ladder" },
	[REASON_INTERNAL] = { "internal", 500, 503, "unavailable", 41,
		"this should not happen: please report it with the log" },
};

const struct reason_info *reason_info(enum reason reason)
{
	return &rows[reason < REASON_CNT ? reason : REASON_INTERNAL];
}

enum reason reason_by_code(const char *code)
{
	for (int i = 0; i < REASON_CNT; i++)
		if (strcmp(rows[i].code, code) == 0)
			return (enum reason)i;
	return REASON_NONE;
}

static void set_text(struct cause *cause, const char *text)
{
	snprintf(cause->text, sizeof(cause->text), "%s", text ? text : "");
}

void cause_set(struct cause *out, enum reason reason, const char *text)
{
	const struct reason_info *info = reason_info(reason);

	memset(out, 0, sizeof(*out));
	out->reason = reason;
	out->sip = info->sip;
	out->q850 = info->q850;
	set_text(out, text);
}

/* ---- SIP status and Q.850 (RFC 3398, 8.2.6.1) ---- */

int cause_q850(int sip_status)
{
	static const struct {
		short sip, q850;
	} map[] = {
		{ 400, 41 },  { 401, 21 },  { 402, 21 },  { 403, 21 },
		{ 404, 1 },   { 405, 63 },  { 406, 79 },  { 407, 21 },
		{ 408, 102 }, { 410, 22 },  { 413, 127 }, { 414, 127 },
		{ 415, 79 },  { 416, 127 }, { 420, 127 }, { 421, 127 },
		{ 423, 127 }, { 433, 21 },  { 480, 18 },  { 481, 41 },
		{ 482, 25 },  { 483, 25 },  { 484, 28 },  { 485, 1 },
		{ 486, 17 },  { 487, 16 },  { 488, 88 },  { 500, 41 },
		{ 501, 79 },  { 502, 38 },  { 503, 41 },  { 504, 102 },
		{ 505, 127 }, { 513, 127 }, { 600, 17 },  { 603, 21 },
		{ 604, 1 },   { 606, 88 },  { 607, 21 },  { 608, 21 },
	};

	if (sip_status < 300)
		return 16;
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].sip == sip_status)
			return map[i].q850;
	return sip_status < 500 ? 127 : 41;
}

enum ript_event_type cause_event(int sip_status)
{
	switch (sip_status) {
	case 180:
		return RIPT_EV_ALERTING;
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
		break;
	}
	if (sip_status < 200)
		return RIPT_EV_PROCEEDING;
	if (sip_status < 300)
		return RIPT_EV_ANSWERED;
	return RIPT_EV_FAILED;
}

enum ript_event_type cause_event_of(const struct cause *cause)
{
	switch (cause->reason) {
	case REASON_NO_ANSWER:
		return RIPT_EV_NOANSWER;
	case REASON_DECLINED:
		return RIPT_EV_DECLINED;
	default:
		return RIPT_EV_FAILED;
	}
}

void cause_from_leg(struct cause *out, const struct leg_cause *in)
{
	static const enum reason of_event[] = {
		[RIPT_EV_DECLINED] = REASON_DECLINED,
		[RIPT_EV_NOANSWER] = REASON_NO_ANSWER,
		[RIPT_EV_FAILED] = REASON_FAILED,
	};

	if (in->status < 300) {
		cause_set(out, REASON_ENDED, in->text);
		out->sip = 200;
		out->q850 = in->q850 ? in->q850 : 16;
		return;
	}
	cause_set(out, of_event[cause_event(in->status)], in->text);
	out->sip = in->status;
	out->q850 = in->q850 ? in->q850 : cause_q850(in->status);
	if (in->status == 483)
		out->reason = REASON_LOOP;
}

/* ---- RIPT events and refusals ---- */

static bool is_refusal(int sip_status)
{
	return sip_status >= 400 && sip_status <= 699;
}

void cause_from_event(struct cause *out, const struct ript_event *ev)
{
	const struct ript_cause *cause = &ev->cause;
	enum reason reason;

	switch (ev->type) {
	case RIPT_EV_DECLINED:
		cause_set(out, REASON_DECLINED, cause->text);
		break;
	case RIPT_EV_NOANSWER:
		cause_set(out, REASON_NO_ANSWER, cause->text);
		break;
	case RIPT_EV_END:
		/* A gateway on the far side says why by our own codes. */
		reason = reason_by_code(cause->text);
		cause_set(out, reason ? reason : REASON_ENDED, cause->text);
		out->sip = 200;
		break;
	default:
		cause_set(out, REASON_FAILED, cause->text);
		break;
	}
	if ((ev->type == RIPT_EV_DECLINED || ev->type == RIPT_EV_FAILED) &&
	    is_refusal(cause->sip)) {
		out->sip = cause->sip;
		out->q850 = cause_q850(cause->sip);
	}
	if (cause->q850 > 0 && cause->q850 < 128)
		out->q850 = cause->q850;
	if (out->sip == 483)
		out->reason = REASON_LOOP;
}

static enum reason reason_of_http(const struct ript_refusal *refusal)
{
	enum reason named = reason_by_code(refusal->problem);

	switch (refusal->status) {
	case 0:
		return REASON_PEER_UNREACHABLE;
	case 401:
		return REASON_PEER_UNAUTHORIZED;
	case 403:
		if (named == REASON_BAD_PASSPORT || named == REASON_LOOP ||
		    named == REASON_DESTINATION_NOT_ALLOWED)
			return named;
		return REASON_POLICY;
	case 404:
		return REASON_UNREACHABLE;
	case 429:
		return REASON_SLOW_DOWN;
	case 500:
		return REASON_HANDLER_UNKNOWN;
	case 503:
		return REASON_UNAVAILABLE;
	default:
		return REASON_PEER_ERROR;
	}
}

/* What ript/call says where no final event and no HTTP status does. */
static enum reason reason_of_closed(const char *code)
{
	static const struct {
		const char *code;
		enum reason reason;
	} map[] = {
		{ "no-connection", REASON_PEER_UNREACHABLE },
		{ "certificate", REASON_PEER_UNREACHABLE },
		{ "timeout", REASON_SETUP_TIMEOUT },
		{ "abandoned", REASON_CANCELLED },
		{ "bad-reply", REASON_PEER_ERROR },
	};
	enum reason reason = reason_by_code(code);

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (strcmp(map[i].code, code) == 0)
			return map[i].reason;
	return reason ? reason : REASON_PEER_ERROR;
}

void cause_from_closed(struct cause *out, const char *code,
		       const struct ript_refusal *refusal)
{
	if (refusal) {
		cause_set(out, reason_of_http(refusal), refusal->detail);
		out->retry_after_s = refusal->retry_after_s;
		return;
	}
	cause_set(out, reason_of_closed(code), code);
	if (out->reason == REASON_ENDED)
		out->sip = 200;
}

void cause_to_ript(struct ript_cause *out, const struct cause *cause)
{
	memset(out, 0, sizeof(*out));
	out->sip = cause->sip;
	out->q850 = cause->q850;
	snprintf(out->text, sizeof(out->text), "%s",
		 cause->text[0] ? cause->text
				: reason_info(cause->reason)->code);
}

bool cause_try_next(const struct cause *cause)
{
	switch (cause->reason) {
	case REASON_PEER_UNREACHABLE:
	case REASON_PEER_BUSY:
	case REASON_PEER_CALLS:
	case REASON_PEER_RATE:
	case REASON_SLOW_DOWN:
	case REASON_UNAVAILABLE:
	case REASON_TRUNK_DOWN:
	case REASON_TRUNK_CALLS:
	case REASON_TRUNK_RATE:
		return true;
	default:
		return cause->reason == REASON_FAILED && cause->sip == 503;
	}
}

/* ---- counting ---- */

static struct metric *rejects[REASON_CNT];

void cause_metrics(void)
{
	for (int i = REASON_NONE + 1; i < REASON_CNT; i++) {
		char labels[64];

		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 rows[i].code);
		rejects[i] = metric_counter("rejects_total", labels,
					    "Calls refused or ended by "
					    "something else than a party.");
	}
}

void cause_count(enum reason reason)
{
	if (reason < REASON_CNT && rejects[reason])
		metric_inc(rejects[reason]);
}
