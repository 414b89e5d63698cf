/* SPDX-License-Identifier: MIT */
/* Whole calls between a fake phone and a fake RIPT peer, both directions. */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "gateway/history.h"
#include "tests/unit/fake_gateway.h"
#include "tests/unit/shows.h"

#define US "+14085551000"
#define THEM "+14089529999"

#define SPEECH (1u << CODEC_PCMU | 1u << CODEC_PCMA)
#define ALL (SPEECH | 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)
#define PCMU_ONLY (ALL & ~(1u << CODEC_PCMA))
#define PCMA_ONLY (ALL & ~(1u << CODEC_PCMU))

/* ---- steps that many tests share ---- */

/* A SIP phone calls; POST is out. */
static struct leg *dial(void)
{
	struct leg *leg = fake_invite(0, US, THEM, true);

	sessions_on_leg(fake.sessions, leg);
	return leg;
}

static struct leg *dial_answered(void)
{
	struct leg *leg = dial();

	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	leg->handlers->confirmed(leg, NULL, leg->arg);
	return leg;
}

/* A RIPT peer calls; the INVITE is out. */
static struct ript_call *ring(void)
{
	struct ript_call *call = fake_post(0, THEM, US, ALL);

	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	return call;
}

static struct ript_call *ring_answered(void)
{
	struct ript_call *call = ring();

	fake_leg_progress(fake_leg(), 180, false);
	fake_leg_answered(fake_leg(), ALL);
	fake_store_ack(0);
	return call;
}

static void all_gone(void)
{
	fake_settle();
	fake_all_free();
}

static const char *code_of(enum reason reason)
{
	return reason_info(reason)->code;
}

/* ---- a SIP caller ---- */

static void test_sip_to_ript(void **state)
{
	struct leg *leg;
	struct ript_call *call;
	struct line *line;

	(void)state;
	leg = dial();
	call = fake_call();
	line = fake_line();
	assert_int_equal(fake_session()->state, ST_OUT_CALLING);
	assert_string_equal(call->destination, THEM);
	assert_int_equal(call->codecs, ALL);
	assert_int_equal(leg->progress_cnt, 0);

	/* 201: the 100 stays, nothing else is said to the phone. */
	fake_accept(call, PCMA_ONLY);
	assert_int_equal(leg->progress_cnt, 0);
	assert_int_equal(line->bound, 42);
	assert_true(line->ript.client);
	assert_true(line->side.ready);

	fake_event(call, RIPT_EV_ALERTING, 0, NULL);
	assert_int_equal(leg->progress[0], 180);
	fake_event(call, RIPT_EV_ANSWERED, 0, NULL);
	assert_false(leg->answered);
	fake_store_ack(0);
	assert_true(leg->answered);
	/* Answered from the directive: PCMA, though PCMU was offered first. */
	assert_int_equal(media_desc_audio(&leg->said)->codec, CODEC_PCMA);
	assert_int_equal(media_desc_codecs(&leg->said), PCMA_ONLY);
	assert_int_equal(addr_port(&leg->said.rtp), line->port);
	fake_expect("call.open comcast +14089529999 hops 69|line.bind|"
		    "leg.progress 180|store.put|leg.answer");
	shows("RIPT-GW-02");

	leg->handlers->confirmed(leg, NULL, leg->arg);
	assert_int_equal(fake_session()->state, ST_TALKING);
	/* Two dialogs, two identifiers. */
	assert_string_not_equal(leg->call_id, call->uuid);
	assert_string_not_equal(fake_session()->id, call->uuid);
	assert_string_not_equal(fake_session()->id, leg->call_id);
	shows("RIPT-GW-01");

	fake_leg_ended(leg, 0, true);
	assert_true(call->ended);
	assert_int_equal(call->by, RIPT_BY_CLIENT);
	assert_int_equal(call->cause.sip, 200);
	all_gone();
	assert_string_equal(fake.record_reason, "ended");
	assert_string_equal(fake.record_by, "caller");
}

static void test_late_offer(void **state)
{
	struct leg *leg = fake_invite(0, US, THEM, false);
	struct media_desc answer = fake_desc(PCMU_ONLY);

	(void)state;
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(fake_call()->codecs, ALL);
	fake_accept(fake_call(), PCMU_ONLY);
	/* No address yet: no early media. */
	fake_line()->events.first_chunk(fake_line()->arg);
	assert_int_equal(leg->progress_cnt, 0);
	assert_false(fake_line()->side.ready);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	assert_true(leg->answered);
	assert_int_equal(media_desc_codecs(&leg->said), PCMU_ONLY);
	leg->handlers->confirmed(leg, &answer, leg->arg);
	assert_true(fake_line()->side.ready);
	assert_int_equal(fake_session()->state, ST_TALKING);
	shows("RIPT-GW-02");
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	assert_true(leg->ended);
	all_gone();
}

static void test_late_offer_without_answer(void **state)
{
	struct leg *leg = fake_invite(0, US, THEM, false);

	(void)state;
	sessions_on_leg(fake.sessions, leg);
	fake_accept(fake_call(), PCMU_ONLY);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	leg->handlers->confirmed(leg, NULL, leg->arg);
	assert_true(leg->ended);
	assert_string_equal(leg->code, "no-codec");
	all_gone();
}

static void test_early_media(void **state)
{
	struct leg *leg = dial();

	(void)state;
	fake_accept(fake_call(), PCMU_ONLY);
	fake_line()->events.first_chunk(fake_line()->arg);
	assert_int_equal(leg->progress[0], 183);
	assert_int_equal(media_desc_audio(&leg->said)->codec, CODEC_PCMU);
	/* A 180 now would drown it in the phone's own tone. */
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	assert_int_equal(leg->progress_cnt, 1);
	/* The answer repeats what the 183 said. */
	fake_directives(&fake_call()->directives, PCMA_ONLY);
	fake_event(fake_call(), RIPT_EV_DIRECTIVE, 0, NULL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	assert_int_equal(media_desc_audio(&leg->said)->codec, CODEC_PCMU);
	fake_leg_ended(leg, 0, true);
	all_gone();
}

static void test_directive_before_answer(void **state)
{
	struct leg *leg = dial();

	(void)state;
	fake_accept(fake_call(), PCMU_ONLY);
	fake_directives(&fake_call()->directives, PCMA_ONLY);
	fake_event(fake_call(), RIPT_EV_DIRECTIVE, 0, NULL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	assert_int_equal(media_desc_audio(&leg->said)->codec, CODEC_PCMA);
	assert_true(fake_line()->ript.tx_codecs & 1u << CODEC_PCMA);
	fake_leg_ended(leg, 0, true);
	all_gone();
}

/* What the phone hears when the call fails, GW-06 with the Reason code. */
static void test_refusals_to_the_phone(void **state)
{
	static const struct {
		const char *name;
		enum ript_event_type event;	/* or */
		int http;
		const char *problem;
		int cause_sip;
		int want;
		const char *code;
		unsigned retry_after_s;
	} rows[] = {
		{ "declined", RIPT_EV_DECLINED, 0, NULL, 0, 603, "declined", 0 },
		{ "busy", RIPT_EV_DECLINED, 0, NULL, 486, 486, "declined", 0 },
		{ "no answer", RIPT_EV_NOANSWER, 0, NULL, 408, 480,
		  "no-answer", 0 },
		{ "failed", RIPT_EV_FAILED, 0, NULL, 0, 500, "failed", 0 },
		{ "failed 404", RIPT_EV_FAILED, 0, NULL, 404, 404, "failed", 0 },
		{ "loop far away", RIPT_EV_FAILED, 0, NULL, 483, 483, "loop",
		  0 },
		{ "403", 0, 403, "policy", 0, 403, "policy", 0 },
		{ "403 passport", 0, 403, "bad-passport", 0, 403,
		  "bad-passport", 0 },
		{ "403 loop", 0, 403, "loop", 0, 483, "loop", 0 },
		{ "404", 0, 404, "unreachable", 0, 404, "unreachable", 0 },
		{ "429", 0, 429, "slow-down", 0, 503, "slow-down", 0 },
		{ "503", 0, 503, "unavailable", 0, 503, "unavailable", 7 },
		{ "500", 0, 500, "handler-unknown", 0, 500, "handler-unknown",
		  0 },
		{ "401", 0, 401, "unauthorized", 0, 503, "peer-unauthorized",
		  0 },
		{ "418", 0, 418, "teapot", 0, 503, "peer-error", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct leg *leg = dial();

		row_name(rows[i].name);
		if (rows[i].http) {
			fake_close(fake_call(), "refused", rows[i].http,
				   rows[i].problem);
		} else {
			fake_accept(fake_call(), ALL);
			fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
			fake_event(fake_call(), rows[i].event,
				   rows[i].cause_sip, NULL);
		}
		assert_int_equal(leg->refused, rows[i].want);
		assert_string_equal(leg->code, rows[i].code);
		assert_int_equal(leg->retry_after_s, rows[i].retry_after_s);
		all_gone();
	}
	shows("RIPT-GW-06");
}

/* Failures of our own: 503 within 2 s, so that the PBX takes another line. */
static void test_own_failures_are_503(void **state)
{
	struct leg *leg;

	(void)state;
	fake.peer[0].open_err = ENOTCONN;
	leg = dial();
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "peer-unreachable");
	all_gone();

	fake.peer[0].open_err = EBUSY;
	fake.peer[0].retry_after_s = 9;
	leg = dial();
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "peer-busy");
	assert_int_equal(leg->retry_after_s, 9);
	all_gone();

	fake.peer[0].open_err = 0;
	fake.no_ports = true;
	leg = dial();
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "no-ports");
	all_gone();
	fake.no_ports = false;

	leg = dial();
	fake_close(fake_call(), "no-connection", 0, NULL);
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "peer-unreachable");
	all_gone();

	/* A peer that takes the POST and says nothing. */
	leg = dial();
	fake_advance(2000);
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "setup-timeout");
	assert_true(fake_call()->ended);
	all_gone();
	shows("RIPT-GW-06");
}

/* Each refusal before anything is placed, with its code. */
static void test_refused_at_once(void **state)
{
	static const struct {
		const char *name, *from, *to;
		int max_forwards;
		int want;
		const char *code;
	} rows[] = {
		{ "no route", US, "+49891234", 70, 404, "no-route" },
		{ "refusing route", US, "+19005551234", 70, 403,
		  "route-refuses" },
		{ "no number", US, "bob", 70, 484, "bad-number" },
		{ "emergency", US, "911", 70, 503, "route-refuses" },
		{ "no hops", US, THEM, 0, 483, "loop" },
		{ "last hop", US, THEM, 1, 483, "loop" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct leg *leg = fake_invite(0, rows[i].from, rows[i].to,
					      true);

		row_name(rows[i].name);
		leg->max_forwards = rows[i].max_forwards;
		sessions_on_leg(fake.sessions, leg);
		assert_int_equal(leg->refused, rows[i].want);
		assert_string_equal(leg->code, rows[i].code);
		assert_int_equal(fake.call_cnt, 0);
		all_gone();
	}
	assert_int_equal(fake.records, 0);
}

static void test_no_codec_in_common(void **state)
{
	struct leg *leg = fake_invite(0, US, THEM, true);

	(void)state;
	leg->offer = fake_desc(1u << CODEC_G729 | 1u << CODEC_TELEPHONE_EVENT);
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 488);
	assert_string_equal(leg->code, "no-codec");
	all_gone();
}

static void test_phases(void **state)
{
	struct ript_call *call;
	struct leg *leg;

	(void)state;
	sessions_set_phase(fake.sessions, PHASE_STARTING);
	leg = dial();
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "not-ready");
	all_gone();
	sessions_set_phase(fake.sessions, PHASE_DRAINING);
	leg = dial();
	assert_string_equal(leg->code, "draining");
	all_gone();
	call = fake_post(0, THEM, US, ALL);
	sessions_on_call(fake.sessions, call);
	assert_int_equal(call->status, 503);
	assert_true(call->retry_after_s > 0);
	all_gone();
}

static void test_next_via(void **state)
{
	struct leg *leg = fake_invite(0, US, "+442071234567", true);
	unsigned first;

	(void)state;
	/* Two vias: the first is not there. */
	fake.peer[0].open_err = ENOTCONN;
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 0);
	assert_string_equal(fake_call()->peer->name, "other");
	fake.peer[0].open_err = 0;
	fake_leg_ended(leg, 487, true);
	all_gone();

	/* The first says 503: by HTTP, and by an event. */
	leg = fake_invite(0, US, "+442071234567", true);
	first = fake.call_cnt;
	sessions_on_leg(fake.sessions, leg);
	fake_close(fake_call(), "refused", 503, "unavailable");
	assert_int_equal(fake.call_cnt, first + 2);
	assert_string_equal(fake_call()->peer->name, "other");
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_FAILED, 503, NULL);
	fake_close(fake_call(), "ended", 0, NULL);
	/* None left: the route's own answer. */
	assert_int_equal(leg->refused, 502);
	all_gone();

	/* However late the 503 comes, the next via has time to answer. */
	leg = fake_invite(0, US, "+442071234567", true);
	sessions_on_leg(fake.sessions, leg);
	fake_accept(fake_call(), ALL);
	fake_advance(5000);
	fake_event(fake_call(), RIPT_EV_FAILED, 503, NULL);
	fake_close(fake_call(), "ended", 0, NULL);
	assert_string_equal(fake_call()->peer->name, "other");
	fake_advance(1000);
	assert_int_equal(leg->refused, 0);
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	assert_string_equal(state_name(fake_session()->state), "out-ringing");
	fake_leg_ended(leg, 487, true);
	all_gone();

	/* What rang is not tried elsewhere. */
	leg = fake_invite(0, US, "+442071234567", true);
	first = fake.call_cnt;
	sessions_on_leg(fake.sessions, leg);
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	fake_event(fake_call(), RIPT_EV_FAILED, 503, NULL);
	assert_int_equal(leg->refused, 503);
	assert_int_equal(fake.call_cnt, first + 1);
	all_gone();
}

static void test_cancel(void **state)
{
	struct leg *leg = dial();

	(void)state;
	/* Before the 201. */
	fake_leg_ended(leg, 487, true);
	assert_true(fake_call()->ended);
	assert_int_equal(fake_call()->cause.sip, 487);
	/* The 201 crosses: it is ended once more. */
	fake_clear();
	fake_accept(fake_call(), ALL);
	fake_expect("call.end");
	all_gone();
	assert_string_equal(fake.record_reason, "cancelled");

	/* While it rings, and `answered` crosses. */
	leg = dial();
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	fake_leg_ended(leg, 487, true);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	assert_true(fake_call()->ended);
	assert_int_equal(fake_call()->by, RIPT_BY_CLIENT);
	all_gone();

	/* While its row is written. */
	leg = dial();
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_leg_ended(leg, 487, true);
	fake_store_ack(0);
	assert_false(leg->answered);
	all_gone();
	shows("RIPT-GW-07");
}

static void test_no_answer(void **state)
{
	struct leg *leg = dial();

	(void)state;
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	fake_advance(29000);
	assert_int_equal(leg->refused, 0);
	fake_advance(1500);
	assert_int_equal(leg->refused, 480);
	assert_string_equal(leg->code, "no-answer");
	assert_true(fake_call()->ended);
	all_gone();
}

static void test_no_ack(void **state)
{
	struct leg *leg = dial();

	(void)state;
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(0);
	fake_advance(35000);
	assert_true(leg->ended);
	assert_string_equal(leg->code, "no-ack");
	all_gone();
}

static void test_disk_fails_at_the_answer(void **state)
{
	struct sessions_stats stats;
	struct leg *leg = dial();

	(void)state;
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_store_ack(EIO);
	assert_true(leg->answered);
	sessions_stats(fake.sessions, &stats);
	assert_int_equal(stats.unprotected, 1);
	fake_leg_ended(leg, 0, true);
	all_gone();

	/* A disk that never says a word. */
	leg = dial();
	fake_accept(fake_call(), ALL);
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	fake_advance(1100);
	assert_true(leg->answered);
	fake_leg_ended(leg, 0, true);
	all_gone();
}

/* ---- identity ---- */

static void test_identity(void **state)
{
	struct leg *leg;

	(void)state;
	/* Unsigned, within our certificate: signed by us. */
	leg = dial();
	assert_string_equal(fake_call()->passport, "aGVhZA.14085551000.c2ln");
	fake_leg_ended(leg, 487, true);
	all_gone();

	/* P-Asserted-Identity goes before From. */
	leg = fake_invite(0, "anonymous", THEM, true);
	strcpy(leg->pai, "+14085551234");
	sessions_on_leg(fake.sessions, leg);
	assert_string_equal(fake_call()->passport, "aGVhZA.14085551234.c2ln");
	fake_leg_ended(leg, 487, true);
	all_gone();

	/* Identity header: its PASSporT as it is. */
	leg = fake_invite(0, US, THEM, true);
	strcpy(leg->identity, "aGU.bG8.d29ybGQ;info=<https://x.example/c.pem>"
			      ";alg=ES256;ppt=shaken");
	sessions_on_leg(fake.sessions, leg);
	assert_string_equal(fake_call()->passport, "aGU.bG8.d29ybGQ");
	fake_leg_ended(leg, 487, true);
	all_gone();

	/* Another From and P-Asserted-Identity beside it change nothing. */
	leg = fake_invite(0, "+12125550100", THEM, true);
	strcpy(leg->pai, "+12125550101");
	strcpy(leg->identity, "aGU.bG8.d29ybGQ;info=<https://x.example/c.pem>");
	sessions_on_leg(fake.sessions, leg);
	assert_string_equal(fake_call()->passport, "aGU.bG8.d29ybGQ");
	assert_string_equal(fake_call()->destination, THEM);
	fake_leg_ended(leg, 487, true);
	all_gone();
	shows("RIPT-REQ-13");

	/* Compact form, or rubbish. */
	leg = fake_invite(0, US, THEM, true);
	strcpy(leg->identity, "..sig;info=<https://x.example/c.pem>");
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 438);
	assert_string_equal(leg->code, "bad-identity");
	all_gone();

	/* A number that our certificate does not cover. */
	fake.sign_refuses = true;
	leg = dial();
	assert_int_equal(leg->refused, 403);
	assert_string_equal(leg->code, "caller-not-covered");
	assert_int_equal(fake_call()->living, false);
	all_gone();

	/* No number at all, and no fallback on this trunk. */
	fake.sign_refuses = false;
	leg = fake_invite(1, "anonymous", THEM, true);
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 403);
	assert_string_equal(leg->code, "no-caller-id");
	all_gone();

	/* And back: the PASSporT becomes the phone's Identity. */
	ring();
	assert_non_null(strstr(fake_leg()->identity, ".c2ln;info=<https://"
			       "certs.example/1.pem>;alg=ES256"));
	assert_string_equal(fake_leg()->from, THEM);
	fake_event(fake_call(), RIPT_EV_END, 487, NULL);
	all_gone();
	shows("RIPT-GW-15");
}

/* ---- a RIPT caller ---- */

static void test_ript_to_sip(void **state)
{
	struct ript_call *call = fake_post(0, THEM, US, PCMA_ONLY);
	struct leg *leg;

	(void)state;
	sessions_on_call(fake.sessions, call);
	/* The row goes first; then 201 before the INVITE. */
	assert_false(call->accepted);
	assert_int_equal(fake.leg_cnt, 0);
	fake_store_ack(0);
	assert_true(call->accepted);
	leg = fake_leg();
	fake_expect("store.put|call.accept|line.bind|leg.call pbx");
	/* The offer stays inside the client's handler. */
	assert_int_equal(media_desc_codecs(&leg->offer), PCMA_ONLY);
	assert_int_equal(leg->max_forwards, 9);
	assert_int_equal(addr_port(&leg->offer.rtp), fake_line()->port);
	assert_false(fake_line()->ript.client);
	shows("RIPT-GW-03");

	fake_leg_progress(leg, 183, false);
	assert_int_equal(call->state, 0);
	fake_leg_progress(leg, 180, false);
	assert_int_equal(call->state, RIPT_EV_ALERTING);
	fake_leg_answered(leg, PCMA_ONLY);
	assert_int_equal(call->state, RIPT_EV_ALERTING);
	fake_store_ack(0);
	assert_int_equal(call->state, RIPT_EV_ANSWERED);
	fake_expect("call.state alerting|store.put|call.state answered");
	assert_int_equal(call->directs, 0);
	assert_true(fake_line()->side.ready);
	assert_string_not_equal(leg->call_id, fake_session()->id);
	shows("RIPT-GW-01");

	fake_event(call, RIPT_EV_END, 200, NULL);
	assert_true(leg->ended);
	assert_int_equal(leg->q850, 16);
	all_gone();
	assert_string_equal(fake.record.direction, "ript-to-sip");
}

static void test_callee_answers_the_other_codec(void **state)
{
	struct ript_call *call = ring();

	(void)state;
	/* Both are offered, the directed one first. */
	assert_int_equal(media_desc_audio(&fake_leg()->offer)->codec,
			 CODEC_PCMU);
	assert_non_null(media_desc_codec(&fake_leg()->offer, CODEC_PCMA));
	fake_leg_answered(fake_leg(), PCMA_ONLY);
	fake_store_ack(0);
	assert_int_equal(call->directs, 1);
	assert_int_equal(ript_directive_codecs(&call->directives.client) &
			 SPEECH, 1u << CODEC_PCMA);
	fake_expect("call.direct answer|call.state answered");
	assert_int_equal(fake_line()->ript.tx_codecs & SPEECH,
			 1u << CODEC_PCMA);
	fake_event(call, RIPT_EV_END, 200, NULL);
	all_gone();
}

static void test_callee_answers_without_events(void **state)
{
	struct ript_call *call = ring();

	(void)state;
	fake_leg_answered(fake_leg(), 1u << CODEC_PCMU);
	fake_store_ack(0);
	assert_int_equal(call->directs, 1);
	assert_false(ript_directive_codecs(&call->directives.client) &
		     1u << CODEC_TELEPHONE_EVENT);
	fake_event(call, RIPT_EV_END, 200, NULL);
	all_gone();
}

static void test_callee_answers_nonsense(void **state)
{
	struct ript_call *call = ring();

	(void)state;
	fake_leg_answered(fake_leg(), 1u << CODEC_TELEPHONE_EVENT);
	assert_true(fake_leg()->ended);
	assert_int_equal(call->state, RIPT_EV_FAILED);
	assert_int_equal(call->cause.sip, 488);
	all_gone();
}

static void test_refresh(void **state)
{
	struct ript_call *call = ring();

	(void)state;
	/* The handler learns PCMA only; the phone has not answered yet. */
	ript_advert_voice(&call->advert, PCMA_ONLY, 0);
	call->handlers->refresh(call, call->arg);
	assert_int_equal(call->directs, 1);
	assert_int_equal(ript_directive_codecs(&call->directives.client) &
			 SPEECH, 1u << CODEC_PCMA);
	call->handlers->refresh(call, call->arg);
	assert_int_equal(call->directs, 1);
	fake_event(call, RIPT_EV_END, 200, NULL);
	all_gone();
}

static void test_handler_without_speech(void **state)
{
	struct ript_call *call = fake_post(0, THEM, US, 1u << CODEC_OPUS);

	(void)state;
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	/* Q82: 201 first, then `failed` with 488 and 88. */
	assert_true(call->accepted);
	assert_int_equal(call->state, RIPT_EV_FAILED);
	assert_int_equal(call->cause.sip, 488);
	assert_int_equal(call->cause.q850, 88);
	assert_int_equal(fake.leg_cnt, 0);
	all_gone();
}

/* What the RIPT caller is told when the phone refuses: GW-05. */
static void test_refusals_to_the_peer(void **state)
{
	static const struct {
		int status;
		enum ript_event_type want;
	} rows[] = {
		{ 486, RIPT_EV_DECLINED }, { 600, RIPT_EV_DECLINED },
		{ 603, RIPT_EV_DECLINED }, { 606, RIPT_EV_DECLINED },
		{ 607, RIPT_EV_DECLINED }, { 608, RIPT_EV_DECLINED },
		{ 408, RIPT_EV_NOANSWER }, { 480, RIPT_EV_NOANSWER },
		{ 404, RIPT_EV_FAILED },   { 302, RIPT_EV_FAILED },
		{ 500, RIPT_EV_FAILED },   { 401, RIPT_EV_FAILED },
	};
	char name[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_call *call = ring();

		snprintf(name, sizeof(name), "%d", rows[i].status);
		row_name(name);
		fake_leg_progress(fake_leg(), 180, false);
		fake_leg_ended(fake_leg(), rows[i].status, true);
		assert_int_equal(call->state, rows[i].want);
		assert_int_equal(call->cause.sip, rows[i].status);
		all_gone();
	}
	shows("RIPT-EV-04");
	shows("RIPT-EV-05");
	shows("RIPT-EV-06");
}

/* 1xx and 2xx as events. */
static void test_progress_to_the_peer(void **state)
{
	struct ript_call *call = ring();

	(void)state;
	/* `proceeding` went out with the 201; 100, 181, 182, 183 repeat it. */
	assert_true(call->accepted);
	fake_leg_progress(fake_leg(), 100, false);
	fake_leg_progress(fake_leg(), 181, false);
	fake_leg_progress(fake_leg(), 182, false);
	fake_leg_progress(fake_leg(), 183, true);
	assert_int_equal(call->state, 0);
	shows("RIPT-EV-01");
	/* SDP in the 183 opened the way for early media. */
	assert_true(fake_line()->side.ready);
	fake_leg_progress(fake_leg(), 180, false);
	assert_int_equal(call->state, RIPT_EV_ALERTING);
	shows("RIPT-EV-02");
	fake_leg_answered(fake_leg(), ALL);
	fake_store_ack(0);
	assert_int_equal(call->state, RIPT_EV_ANSWERED);
	shows("RIPT-EV-03");
	fake_leg_ended(fake_leg(), 0, true);
	assert_true(call->ended);
	assert_int_equal(call->by, RIPT_BY_PEER);
	shows("RIPT-EV-07");
	all_gone();
}

static void test_post_refused(void **state)
{
	static const struct {
		const char *name, *to;
		int hops;
		int status;
		const char *problem;
	} rows[] = {
		{ "no route", "+14085551777", -1, 404, "unreachable" },
		{ "policy", "+14085551666", -1, 403, "policy" },
		{ "loop", US, 0, 403, "loop" },
		{ "not its number", "+33123456789", -1, 403,
		  "destination-not-allowed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_call *call = fake_post(0, THEM, rows[i].to, ALL);

		row_name(rows[i].name);
		call->info.hops = rows[i].hops;
		sessions_on_call(fake.sessions, call);
		assert_int_equal(call->status, rows[i].status);
		assert_string_equal(call->problem, rows[i].problem);
		all_gone();
	}
	/* Full, and the trunk down: 503 with Retry-After. */
	fake.trunks[0].up = false;
	sessions_on_call(fake.sessions, fake_post(0, THEM, US, ALL));
	assert_int_equal(fake_call()->status, 503);
	assert_true(fake_call()->retry_after_s > 0);
	fake.trunks[0].up = true;
	all_gone();
	fake.no_ports = true;
	sessions_on_call(fake.sessions, fake_post(0, THEM, US, ALL));
	assert_int_equal(fake_call()->status, 503);
	fake.no_ports = false;
	all_gone();
}

static void test_hops(void **state)
{
	struct ript_call *call = fake_post(0, THEM, US, ALL);

	(void)state;
	/* The peer's own limit caps what it asks for. */
	call->info.hops = 60;
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	assert_int_equal(fake_leg()->max_forwards, 9);
	fake_event(call, RIPT_EV_END, 487, NULL);
	all_gone();
	call = fake_post(0, THEM, US, ALL);
	call->info.hops = 3;
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	assert_int_equal(fake_leg()->max_forwards, 2);
	fake_event(call, RIPT_EV_END, 487, NULL);
	all_gone();
}

static void test_next_trunk(void **state)
{
	struct ript_call *call = fake_post(0, THEM, "+14085552000", ALL);
	struct line *line;

	(void)state;
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	assert_string_equal(fake_leg()->trunk->name, "pbx");
	line = fake_line();
	fake_leg_ended(fake_leg(), 503, true);
	assert_string_equal(fake_leg()->trunk->name, "pbx2");
	/* Another network: another port, on the same byway. */
	assert_ptr_not_equal(fake_line(), line);
	assert_false(line->open);
	assert_int_equal(fake_line()->bound, 42);
	fake_leg_ended(fake_leg(), 503, true);
	assert_int_equal(call->state, RIPT_EV_FAILED);
	assert_int_equal(call->cause.sip, 503);
	all_gone();

	/* Silence of every host is no answer of a phone. */
	call = fake_post(0, THEM, "+14085552000", ALL);
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	fake_leg_ended(fake_leg(), 408, false);
	assert_string_equal(fake_leg()->trunk->name, "pbx2");
	fake_leg_answered(fake_leg(), ALL);
	fake_store_ack(0);
	fake_leg_ended(fake_leg(), 0, true);
	all_gone();

	/* leg_call() fails at once. */
	fake.trunk[0].call_err = ENOTCONN;
	call = fake_post(0, THEM, "+14085552000", ALL);
	sessions_on_call(fake.sessions, call);
	fake_store_ack(0);
	assert_string_equal(fake_leg()->trunk->name, "pbx2");
	fake_event(call, RIPT_EV_END, 487, NULL);
	all_gone();
}

static void test_disk_fails_at_admission(void **state)
{
	struct ript_call *call = fake_post(0, THEM, US, ALL);

	(void)state;
	sessions_on_call(fake.sessions, call);
	fake_store_ack(EIO);
	assert_int_equal(call->status, 503);
	assert_int_equal(fake.leg_cnt, 0);
	all_gone();
	call = fake_post(0, THEM, US, ALL);
	sessions_on_call(fake.sessions, call);
	fake_advance(1100);
	assert_int_equal(call->status, 503);
	all_gone();
}

static void test_client_cancels(void **state)
{
	struct ript_call *call = ring();
	struct leg *leg = fake_leg();

	(void)state;
	fake_event(call, RIPT_EV_END, 487, NULL);
	assert_true(leg->ended);
	/* 200 crosses the CANCEL: ended again, and nobody stays. */
	fake_leg_answered(leg, ALL);
	assert_int_equal(leg->ends, 2);
	all_gone();
	shows("RIPT-GW-07");
}

/* ---- the row ---- */

static void row_is_whole(const struct leg *leg, const struct ript_call *call)
{
	const struct store_call *row = &fake.row;

	assert_string_equal(row->sip_call_id, leg->call_id);
	assert_string_equal(row->sip_local, "<sip:us@gw>;tag=1");
	assert_string_equal(row->sip_remote, "<sip:them@pbx>;tag=2");
	assert_int_equal(row->sip_local_cseq, 7);
	assert_int_equal(row->sip_remote_cseq, 8);
	assert_string_equal(row->sip_route, "<sip:proxy;lr>");
	assert_string_equal(row->sip_target, "sip:them@10.0.0.5");
	assert_string_equal(row->sip_remote_sdp, "v=0 theirs");
	assert_string_equal(row->ript_uri, call->uri);
	assert_non_null(strstr(row->ript_tg, "/providertgs/123"));
	assert_null(strstr(row->ript_tg, "/calls"));
	assert_string_equal(row->ript_address, "comcast.example");
	assert_string_equal(row->ript_cookie, "node=7");
	assert_string_equal(row->ript_handler,
			    "https://comcast.example/handlers/abc");
	assert_non_null(strstr(row->ript_directives, "PCMU"));
}

static void test_row_before_the_answer(void **state)
{
	struct leg *leg = dial();
	struct ript_call *call = fake_call();

	(void)state;
	fake_accept(call, ALL);
	fake_clear();
	fake_event(call, RIPT_EV_ANSWERED, 0, NULL);
	assert_false(leg->answered);
	row_is_whole(leg, call);
	assert_true(fake.row.ript_client);
	assert_true(fake.row.answered_ms > 0);
	fake_store_ack(0);
	assert_true(leg->answered);
	fake_expect("store.put|leg.answer");
	fake_leg_ended(leg, 0, true);
	all_gone();

	fake_clear();
	call = fake_post(0, THEM, US, ALL);
	sessions_on_call(fake.sessions, call);
	assert_false(call->accepted);
	assert_string_equal(fake.row.ript_uri, call->uri);
	fake_store_ack(0);
	fake_leg_answered(fake_leg(), ALL);
	assert_int_not_equal(call->state, RIPT_EV_ANSWERED);
	row_is_whole(fake_leg(), call);
	fake_store_ack(0);
	assert_int_equal(call->state, RIPT_EV_ANSWERED);
	fake_expect("store.put|call.accept|leg.call|store.put|"
		    "call.state answered");
	fake_leg_ended(fake_leg(), 0, true);
	all_gone();
	shows("RIPT-GW-18");
}

/* ---- ends ---- */

static void test_each_side_hangs_up(void **state)
{
	struct leg *leg;

	(void)state;
	leg = dial_answered();		/* the calling phone */
	fake_leg_ended(leg, 0, true);
	assert_true(fake_call()->ended);
	all_gone();
	assert_string_equal(fake.record_by, "caller");

	leg = dial_answered();		/* the far phone */
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	assert_true(leg->ended);
	assert_int_equal(leg->q850, 16);
	all_gone();
	assert_string_equal(fake.record_by, "callee");

	dial_answered();		/* this gateway */
	assert_int_equal(sessions_hangup(fake.sessions, fake_session()->id),
			 0);
	assert_true(fake_leg()->ended && fake_call()->ended);
	assert_string_equal(fake_leg()->code, "operator");
	all_gone();
	assert_string_equal(fake.record_by, "server");

	ring_answered();		/* the called phone */
	fake_leg_ended(fake_leg(), 0, true);
	assert_int_equal(fake_call()->by, RIPT_BY_PEER);
	all_gone();
	assert_string_equal(fake.record_by, "callee");
	assert_int_equal(sessions_hangup(fake.sessions, "nobody"), ENOENT);
	shows("RIPT-EV-07");
	shows("RIPT-GW-07");
}

static void test_ends_cross(void **state)
{
	struct leg *leg = dial_answered();

	(void)state;
	fake_leg_ended(leg, 0, true);
	/* Their `end` is on the way already. */
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	all_gone();
	leg = dial_answered();
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	fake_leg_ended(leg, 0, true);
	all_gone();
	ring_answered();
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	fake_leg_ended(fake_leg(), 0, true);
	all_gone();
	shows("RIPT-GW-07");
}

static void test_signalling_lost(void **state)
{
	struct leg *leg = dial_answered();

	(void)state;
	fake_close(fake_call(), "signalling-lost", 0, NULL);
	assert_true(leg->ended);
	assert_int_equal(leg->q850, 41);
	assert_string_equal(leg->code, "signalling-lost");
	all_gone();
}

static void test_duration(void **state)
{
	struct leg *leg = dial_answered();

	(void)state;
	/* The phone talks all the time. */
	for (unsigned minute = 0; minute < 59; minute++) {
		struct line *line = fake_line();

		fake_advance(60000 - 1);
		line->stats.last_media_ns = fake.now_ns;
		line->events.stats(&line->stats, line->arg);
		assert_false(leg->ended);
	}
	fake_advance(61000);
	assert_true(leg->ended);
	assert_string_equal(leg->code, "call-duration");
	all_gone();
}

static void test_change_is_refused(void **state)
{
	struct leg *leg = dial_answered();

	(void)state;
	leg->handlers->change(leg, &leg->offer, leg->arg);
	assert_int_equal(leg->changes_refused, 1);
	assert_false(leg->ended);
	assert_int_equal(fake_session()->state, ST_TALKING);
	fake_leg_ended(leg, 0, true);
	all_gone();
}

/* ---- silence ---- */

/* The phone has been silent for its trunk's 60 s. */
static void fall_silent(void)
{
	struct line *line = fake_line();

	fake_advance(30000);
	line->stats.last_media_ns = fake.now_ns;
	line->events.stats(&line->stats, line->arg);
	fake_advance(59000);
	line->events.stats(&line->stats, line->arg);
	assert_int_equal(fake_leg()->asked_alive, 0);
	fake_advance(1500);
	/* Chunks from RIPT, comfort noise of ours: no RTP from the phone. */
	line->stats.from_ript.packets += 100;
	line->stats.from_ript.last_ns = fake.now_ns;
	line->events.stats(&line->stats, line->arg);
	assert_int_equal(fake_leg()->asked_alive, 1);
	assert_int_equal(fake_session()->state, ST_PROBING);
}

static void test_silence_ends(void **state)
{
	struct leg *leg = dial_answered();

	(void)state;
	assert_true(fake_line()->asked == 0);
	fall_silent();
	assert_true(fake_line()->asked > 10);
	leg->handlers->alive(leg, false, leg->arg);
	assert_true(leg->ended);
	assert_string_equal(leg->code, "rtp-timeout");
	assert_true(fake_call()->ended);
	assert_string_equal(fake_call()->cause.text, "rtp-timeout");
	all_gone();
	assert_string_equal(fake.record_reason, "rtp-timeout");

	/* Nobody answers the OPTIONS. */
	leg = dial_answered();
	fall_silent();
	fake_advance(6000);
	assert_string_equal(leg->code, "rtp-timeout");
	all_gone();

	/* 481: the dialog is gone there. */
	ring_answered();
	fall_silent();
	fake_leg_ended(fake_leg(), 481, false);
	assert_true(fake_call()->ended);
	assert_string_equal(fake_call()->cause.text, "rtp-timeout");
	all_gone();

	/* The other gateway said so: its reason is ours. */
	leg = dial_answered();
	fake_event(fake_call(), RIPT_EV_END, 408, "rtp-timeout");
	assert_string_equal(leg->code, "rtp-timeout");
	all_gone();
}

static void test_silence_was_none(void **state)
{
	struct leg *leg = dial_answered();
	struct line *line = fake_line();

	(void)state;
	fall_silent();
	leg->handlers->alive(leg, true, leg->arg);
	assert_int_equal(fake_session()->state, ST_TALKING);
	/* It is asked again only after another such time. */
	fake_advance(30000);
	line->events.stats(&line->stats, line->arg);
	assert_int_equal(leg->asked_alive, 1);
	fake_advance(31000);
	line->events.stats(&line->stats, line->arg);
	assert_int_equal(leg->asked_alive, 2);
	/* RTP comes back while we wait. */
	line->stats.last_media_ns = fake.now_ns;
	line->events.stats(&line->stats, line->arg);
	assert_int_equal(fake_session()->state, ST_TALKING);
	fake_leg_ended(leg, 0, true);
	all_gone();
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct leg *first, *leg;

	(void)state;
	/* pbx2: one call at once, and the bucket holds ten. */
	first = fake_invite(1, US, THEM, true);
	sessions_on_leg(fake.sessions, first);
	leg = fake_invite(1, US, THEM, true);
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 503);
	assert_string_equal(leg->code, "trunk-calls");
	fake_leg_ended(first, 487, true);
	all_gone();
	for (unsigned i = 0; i < 8; i++) {
		leg = fake_invite(1, US, THEM, true);
		sessions_on_leg(fake.sessions, leg);
		fake_leg_ended(leg, 487, true);
		all_gone();
	}
	leg = fake_invite(1, US, THEM, true);
	sessions_on_leg(fake.sessions, leg);
	fake_leg_ended(leg, 487, true);
	all_gone();
	leg = fake_invite(1, US, THEM, true);
	sessions_on_leg(fake.sessions, leg);
	assert_string_equal(leg->code, "trunk-rate");
	all_gone();
	fake_advance(1000);
	leg = fake_invite(1, US, THEM, true);
	sessions_on_leg(fake.sessions, leg);
	assert_int_equal(leg->refused, 0);
	fake_leg_ended(leg, 487, true);
	all_gone();
}

/* ---- what people see ---- */

static const char *json_at(struct json_object *json, const char *key)
{
	struct json_object *value = json_object_object_get(json, key);

	assert_non_null(value);
	return json_object_get_string(value);
}

static void test_view_and_history(void **state)
{
	struct record *record;
	struct json_object *call, *steps, *media;
	struct leg *leg = dial_answered();
	char id[UUID_LEN + 1];

	(void)state;
	snprintf(id, sizeof(id), "%s", fake_session()->id);
	sessions_publish(fake.sessions);
	id[8] = '\0';	/* a prefix is enough */
	assert_int_equal(history_find(&record, fake.history, id), 0);
	call = record_call(record);
	assert_string_equal(json_at(call, "state"), "answered");
	assert_string_equal(json_at(call, "trunk"), "pbx");
	assert_string_equal(json_at(call, "peer"), "comcast");
	assert_string_equal(json_at(call, "route"), "outward");
	media = json_object_object_get(call, "media");
	assert_string_equal(json_at(media, "codec"), "PCMU");
	assert_string_equal(json_at(media, "negotiated"), "192.0.2.9:4000");

	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	all_gone();
	(void)leg;
	/* By the SIP Call-ID and by the RIPT UUID too, after the end. */
	assert_int_equal(history_find(&record, fake.history,
				      fake_leg()->call_id), 0);
	assert_int_equal(history_find(&record, fake.history,
				      fake_call()->uuid), 0);
	call = record_call(record);
	assert_string_equal(json_at(call, "state"), "ended");
	assert_string_equal(json_at(call, "reason"), "ended");
	assert_false(record_living(record));

	leg = fake_invite(0, US, "+49891234", true);
	sessions_on_leg(fake.sessions, leg);
	all_gone();
	assert_int_equal(history_find(&record, fake.history, leg->call_id), 0);
	steps = record_steps_json(record);
	assert_non_null(strstr(json_object_to_json_string(steps),
			       "What to do"));
	json_object_put(steps);
	assert_string_equal(json_at(record_call(record), "reason"),
			    code_of(REASON_NO_ROUTE));
}

static uint64_t calls_total(const char *dir, const char *result)
{
	char labels[80];

	snprintf(labels, sizeof(labels), "dir=\"%s\",result=\"%s\"", dir,
		 result);
	return metric_value(metric_counter("calls_total", labels, ""));
}

static void test_tally(void **state)
{
	struct metric *living =
		metric_gauge("calls_active", "dir=\"sip-to-ript\"", "");
	struct leg *leg = dial_answered();
	struct line *line = fake_line();

	(void)state;
	assert_int_equal(metric_gauge_value(living), 1);
	line->stats.from_rtp.packets = 7;
	line->events.stats(&line->stats, line->arg);
	fake_leg_ended(leg, 0, true);
	all_gone();
	leg = dial();
	fake_leg_ended(leg, 487, true);
	all_gone();
	dial();
	fake_close(fake_call(), "refused", 404, "unreachable");
	all_gone();
	ring_answered();
	fake_event(fake_call(), RIPT_EV_END, 200, NULL);
	all_gone();
	assert_int_equal(metric_gauge_value(living), 0);
	assert_int_equal(calls_total("sip-to-ript", "answered"), 1);
	assert_int_equal(calls_total("sip-to-ript", "cancelled"), 1);
	assert_int_equal(calls_total("sip-to-ript", "refused"), 1);
	assert_int_equal(calls_total("ript-to-sip", "answered"), 1);
	assert_int_equal(metric_value(metric_counter("one_way_calls_total",
						     NULL, "")), 1);
	assert_int_equal(metric_value(metric_counter("silent_calls_total",
						     NULL, "")), 1);
}

static void on_idle(void *arg)
{
	++*(unsigned *)arg;
}

static void test_idle_is_told(void **state)
{
	unsigned idle = 0;

	(void)state;
	sessions_when_idle(fake.sessions, on_idle, &idle);
	assert_int_equal(idle, 1);
	dial_answered();
	ring_answered();
	sessions_when_idle(fake.sessions, on_idle, &idle);
	assert_int_equal(idle, 1);
	sessions_hangup_all(fake.sessions, REASON_SHUTDOWN);
	fake_settle();
	fake_advance(0);
	fake_all_free();
	assert_int_equal(idle, 2);
}

static struct {
	unsigned idle;
	bool busy;	/* inside a callback of the last side */
} quiet;

static void on_idle_outside(void *arg)
{
	(void)arg;
	assert_false(quiet.busy);
	quiet.idle++;
}

/* Who is told frees the sides: never inside a callback of one of them. */
static void test_idle_is_told_outside_of_callbacks(void **state)
{
	struct leg *leg;

	(void)state;
	memset(&quiet, 0, sizeof(quiet));
	leg = fake_invite(0, US, "+49891234", true);
	sessions_on_leg(fake.sessions, leg);
	sessions_when_idle(fake.sessions, on_idle_outside, NULL);
	quiet.busy = true;
	fake_leg_ended(leg, leg->refused, false);
	quiet.busy = false;
	fake_all_free();
	assert_int_equal(quiet.idle, 0);
	fake_advance(0);
	assert_int_equal(quiet.idle, 1);
}

/* A start that failed half way: what the calls hold is given back. */
static void test_freed_with_a_call(void **state)
{
	(void)state;
	dial_answered();
	assert_int_equal(fake.lines_open, 1);
	sessions_free(&fake.sessions);
	assert_null(fake.sessions);
	assert_int_equal(fake.lines_open, 0);
	assert_int_equal(fake.trunks[0].admit.living, 0);
	fake.sessions = sessions_new(&(struct sessions_config){
		.conf = fake.conf,
		.loop = fake.loop,
		.history = fake.history,
	});
}

#define CALL(test) \
	cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL(test_sip_to_ript),
		CALL(test_late_offer),
		CALL(test_late_offer_without_answer),
		CALL(test_early_media),
		CALL(test_directive_before_answer),
		CALL(test_refusals_to_the_phone),
		CALL(test_own_failures_are_503),
		CALL(test_refused_at_once),
		CALL(test_no_codec_in_common),
		CALL(test_phases),
		CALL(test_next_via),
		CALL(test_cancel),
		CALL(test_no_answer),
		CALL(test_no_ack),
		CALL(test_disk_fails_at_the_answer),
		CALL(test_identity),
		CALL(test_ript_to_sip),
		CALL(test_callee_answers_the_other_codec),
		CALL(test_callee_answers_without_events),
		CALL(test_callee_answers_nonsense),
		CALL(test_refresh),
		CALL(test_handler_without_speech),
		CALL(test_refusals_to_the_peer),
		CALL(test_progress_to_the_peer),
		CALL(test_post_refused),
		CALL(test_hops),
		CALL(test_next_trunk),
		CALL(test_disk_fails_at_admission),
		CALL(test_client_cancels),
		CALL(test_row_before_the_answer),
		CALL(test_each_side_hangs_up),
		CALL(test_ends_cross),
		CALL(test_signalling_lost),
		CALL(test_duration),
		CALL(test_change_is_refused),
		CALL(test_silence_ends),
		CALL(test_silence_was_none),
		CALL(test_limits),
		CALL(test_view_and_history),
		CALL(test_tally),
		CALL(test_idle_is_told),
		CALL(test_idle_is_told_outside_of_callbacks),
		CALL(test_freed_with_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
