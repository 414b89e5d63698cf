/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/metric.h"
#include "gateway/cause.h"
#include "ript/call.h"
#include "sip/leg.h"
#include "tests/unit/shows.h"

static void test_sip_to_event(void **state)
{
	static const struct {
		int first, last;
		enum ript_event_type want;
	} rows[] = {
		{ 100, 100, RIPT_EV_PROCEEDING },
		{ 180, 180, RIPT_EV_ALERTING },
		{ 181, 183, RIPT_EV_PROCEEDING },
		{ 200, 299, RIPT_EV_ANSWERED },
		{ 300, 407, RIPT_EV_FAILED },
		{ 408, 408, RIPT_EV_NOANSWER },
		{ 409, 479, RIPT_EV_FAILED },
		{ 480, 480, RIPT_EV_NOANSWER },
		{ 481, 485, RIPT_EV_FAILED },
		{ 486, 486, RIPT_EV_DECLINED },
		{ 487, 599, RIPT_EV_FAILED },
		{ 600, 600, RIPT_EV_DECLINED },
		{ 601, 602, RIPT_EV_FAILED },
		{ 603, 603, RIPT_EV_DECLINED },
		{ 604, 605, RIPT_EV_FAILED },
		{ 606, 608, RIPT_EV_DECLINED },
		{ 609, 699, RIPT_EV_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int st = rows[i].first; st <= rows[i].last; st++)
			assert_int_equal(cause_event(st), rows[i].want);
	shows("RIPT-GW-05");
}

static void test_leg_to_verdict(void **state)
{
	static const struct {
		const char *name;
		int status, q850;
		enum reason reason;
		int sip, want_q850;
		enum ript_event_type event;
	} rows[] = {
		{ "BYE", 0, 0, REASON_ENDED, 200, 16, RIPT_EV_FAILED },
		{ "BYE with Q.850", 0, 31, REASON_ENDED, 200, 31,
		  RIPT_EV_FAILED },
		{ "busy", 486, 0, REASON_DECLINED, 486, 17, RIPT_EV_DECLINED },
		{ "busy, Q.850 34", 486, 34, REASON_DECLINED, 486, 34,
		  RIPT_EV_DECLINED },
		{ "not there", 480, 0, REASON_NO_ANSWER, 480, 18,
		  RIPT_EV_NOANSWER },
		{ "unknown", 404, 0, REASON_FAILED, 404, 1, RIPT_EV_FAILED },
		{ "moved", 302, 0, REASON_FAILED, 302, 127, RIPT_EV_FAILED },
		{ "broken", 500, 0, REASON_FAILED, 500, 41, RIPT_EV_FAILED },
		{ "newer 4xx", 469, 0, REASON_FAILED, 469, 127,
		  RIPT_EV_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct leg_cause in = { .status = rows[i].status,
					.q850 = rows[i].q850 };
		struct cause out;

		row_name(rows[i].name);
		cause_from_leg(&out, &in);
		assert_int_equal(out.reason, rows[i].reason);
		assert_int_equal(out.sip, rows[i].sip);
		assert_int_equal(out.q850, rows[i].want_q850);
		assert_int_equal(cause_event_of(&out), rows[i].event);
	}
	shows("RIPT-GW-05");
}

static void test_event_to_sip(void **state)
{
	static const struct {
		const char *name;
		enum ript_event_type type;
		int sip, q850;
		const char *text;
		int want, want_q850;
		enum reason reason;
	} rows[] = {
		{ "declined", RIPT_EV_DECLINED, 0, 0, "", 603, 21,
		  REASON_DECLINED },
		{ "declined 486", RIPT_EV_DECLINED, 486, 17, "", 486, 17,
		  REASON_DECLINED },
		{ "declined nonsense", RIPT_EV_DECLINED, 200, 999, "", 603, 21,
		  REASON_DECLINED },
		{ "noanswer", RIPT_EV_NOANSWER, 0, 0, "", 480, 19,
		  REASON_NO_ANSWER },
		{ "noanswer 408", RIPT_EV_NOANSWER, 408, 19, "", 480, 19,
		  REASON_NO_ANSWER },
		{ "failed", RIPT_EV_FAILED, 0, 0, "", 500, 41, REASON_FAILED },
		{ "failed 503", RIPT_EV_FAILED, 503, 34, "", 503, 34,
		  REASON_FAILED },
		{ "failed 302", RIPT_EV_FAILED, 302, 0, "", 500, 41,
		  REASON_FAILED },
		{ "failed 483", RIPT_EV_FAILED, 483, 0, "", 483, 25,
		  REASON_LOOP },
		{ "end", RIPT_EV_END, 200, 16, "", 200, 16, REASON_ENDED },
		{ "end, ours", RIPT_EV_END, 408, 102, "rtp-timeout", 200, 102,
		  REASON_RTP_TIMEOUT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_event ev = { .type = rows[i].type };
		struct cause out;

		row_name(rows[i].name);
		ev.cause.sip = rows[i].sip;
		ev.cause.q850 = rows[i].q850;
		strcpy(ev.cause.text, rows[i].text);
		cause_from_event(&out, &ev);
		assert_int_equal(out.sip, rows[i].want);
		assert_int_equal(out.q850, rows[i].want_q850);
		assert_int_equal(out.reason, rows[i].reason);
	}
	shows("RIPT-GW-06");
}

static void test_http_to_sip(void **state)
{
	static const struct {
		int status;
		const char *problem;
		int want;
		const char *code;
		bool next;
	} rows[] = {
		{ 0, "", 503, "peer-unreachable", true },
		{ 400, "bad-request", 503, "peer-error", false },
		{ 401, "unauthorized", 503, "peer-unauthorized", false },
		{ 403, "policy", 403, "policy", false },
		{ 403, "bad-passport", 403, "bad-passport", false },
		{ 403, "destination-not-allowed", 403,
		  "destination-not-allowed", false },
		{ 403, "loop", 483, "loop", false },
		{ 403, "something-new", 403, "policy", false },
		/* A name of ours that means something else here. */
		{ 403, "operator", 403, "policy", false },
		{ 404, "unreachable", 404, "unreachable", false },
		{ 429, "slow-down", 503, "slow-down", true },
		{ 500, "handler-unknown", 500, "handler-unknown", false },
		{ 503, "unavailable", 503, "unavailable", true },
		{ 504, "", 503, "peer-error", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_refusal refusal = { .status = rows[i].status,
						.problem = rows[i].problem,
						.detail = "d",
						.retry_after_s = 3 };
		struct cause out;

		row_name(rows[i].code);
		cause_from_closed(&out, "refused", &refusal);
		assert_int_equal(out.sip, rows[i].want);
		assert_string_equal(reason_info(out.reason)->code,
				    rows[i].code);
		assert_int_equal(cause_try_next(&out), rows[i].next);
		if (rows[i].status)
			assert_int_equal(out.retry_after_s, 3);
	}
	shows("RIPT-GW-06");
}

static void test_closed_without_refusal(void **state)
{
	static const struct {
		const char *code;
		enum reason want;
	} rows[] = {
		{ "ended", REASON_ENDED },
		{ "signalling-lost", REASON_SIGNALLING_LOST },
		{ "no-connection", REASON_PEER_UNREACHABLE },
		{ "certificate", REASON_PEER_UNREACHABLE },
		{ "timeout", REASON_SETUP_TIMEOUT },
		{ "abandoned", REASON_CANCELLED },
		{ "bad-reply", REASON_PEER_ERROR },
		{ "shutdown", REASON_SHUTDOWN },
		{ "something-new", REASON_PEER_ERROR },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cause out;

		row_name(rows[i].code);
		cause_from_closed(&out, rows[i].code, NULL);
		assert_int_equal(out.reason, rows[i].want);
	}
}

/* Every reason has what each side needs, and a code of its own. */
static void test_rows_are_whole(void **state)
{
	(void)state;
	cause_metrics();
	for (int i = REASON_NONE + 1; i < REASON_CNT; i++) {
		const struct reason_info *info = reason_info((enum reason)i);
		char labels[64];

		assert_non_null(info->code);
		row_name(info->code);
		assert_in_range(info->sip, 400, 699);
		assert_in_range(info->http, 400, 599);
		assert_in_range(info->q850, 1, 127);
		assert_true(info->problem[0] != '\0');
		assert_int_equal(reason_by_code(info->code), i);
		assert_int_equal(strspn(info->code,
					"abcdefghijklmnopqrstuvwxyz-"),
				 strlen(info->code));
		/* Metric label and Reason code are one. */
		cause_count((enum reason)i);
		snprintf(labels, sizeof(labels), "reason=\"%s\"", info->code);
		assert_int_equal(metric_value(metric_counter("rejects_total",
							     labels, "")),
				 1);
	}
	assert_int_equal(reason_by_code("no such thing"), REASON_NONE);
	metric_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sip_to_event),
		cmocka_unit_test(test_leg_to_verdict),
		cmocka_unit_test(test_event_to_sip),
		cmocka_unit_test(test_http_to_sip),
		cmocka_unit_test(test_closed_without_refusal),
		cmocka_unit_test(test_rows_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
