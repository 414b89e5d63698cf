/* SPDX-License-Identifier: MIT */
/*
 * Every state of a call meets every event, in any order that a peer or a
 * bug could bring: no crash, a timer in every state, and in the end nothing
 * is left.
 */
#include "tests/unit/unit.h"

#include "base/log.h"
#include "base/loop.h"
#include "tests/unit/fake_gateway.h"
#include "gateway/worker.h"

#define US "+14085551000"
#define THEM "+14089529999"
#define ALL (1u << CODEC_PCMU | 1u << CODEC_PCMA | \
	     1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)

static void dial_until(enum state state)
{
	struct leg *leg = fake_invite(0, US, THEM, true);

	sessions_on_leg(fake.sessions, leg);
	if (state == ST_OUT_CALLING)
		return;
	fake_accept(fake_call(), ALL);
	if (state == ST_OUT_PROCEEDING)
		return;
	if (state == ST_OUT_EARLY) {
		fake_line()->events.first_chunk(fake_line()->arg);
		return;
	}
	fake_event(fake_call(), RIPT_EV_ALERTING, 0, NULL);
	if (state == ST_OUT_RINGING)
		return;
	fake_event(fake_call(), RIPT_EV_ANSWERED, 0, NULL);
	if (state == ST_OUT_STORING)
		return;
	fake_store_ack(0);
	if (state == ST_OUT_ANSWERED)
		return;
	leg->handlers->confirmed(leg, NULL, leg->arg);
	if (state == ST_TALKING)
		return;
	if (state == ST_PROBING) {
		fake_advance(61000);
		fake_line()->events.stats(&fake_line()->stats,
					  fake_line()->arg);
		return;
	}
	session_cause(fake_session(), REASON_OPERATOR, "x");
	session_post(fake_session(), EV_HANGUP);
}

static void ring_until(enum state state)
{
	sessions_on_call(fake.sessions, fake_post(0, THEM, US, ALL));
	if (state == ST_IN_STORING)
		return;
	fake_store_ack(0);
	if (state == ST_IN_CALLING)
		return;
	fake_leg_progress(fake_leg(), 180, false);
	if (state == ST_IN_RINGING)
		return;
	fake_leg_answered(fake_leg(), ALL);
}

/* Bring a session into @state. */
static struct session *reach(enum state state)
{
	struct session *s;

	switch (state) {
	case ST_IN_STORING:
	case ST_IN_CALLING:
	case ST_IN_RINGING:
	case ST_IN_ANSWERED:
		ring_until(state);
		break;
	case ST_OUT_ROUTING:
		/* Left within the same act: put back there. */
		dial_until(ST_OUT_CALLING);
		fake_session()->state = state;
		break;
	case ST_IN_ROUTING:
		ring_until(ST_IN_STORING);
		fake_session()->state = state;
		break;
	default:
		dial_until(state);
		break;
	}
	s = fake_session();
	assert_non_null(s);
	if (s->state != state)
		fail_msg("in %s instead of %s", state_name(s->state),
			 state_name(state));
	return s;
}

/* Internal events are posted by acts alone, when one side is away. */
static void prepare(struct session *s, enum event event)
{
	bool far_away = event == EV_NEXT || event == EV_FAILED ||
			event == EV_ROUTED;
	bool both = event == EV_BOTH_GONE;

	if (event == EV_BOTH_GONE && s->state != ST_CLOSING)
		return;
	if ((both || (far_away && !s->sip_caller)) && s->leg) {
		s->leg->living = false;
		s->leg = NULL;
	}
	if ((both || (far_away && s->sip_caller)) && s->call) {
		s->call->living = false;
		s->call = NULL;
		line_close(&s->line);
	}
	if (both)
		fake_store_ack(0);
}

static void deliver(struct session *s, enum event event)
{
	struct leg *leg = s->leg;
	struct ript_call *call = s->call;

	prepare(s, event);
	if (event == EV_SIP_ENDED && leg && leg->living) {
		fake_leg_ended(leg, 0, true);
		return;
	}
	if (event == EV_RIPT_ACCEPTED && call && call->living && s->sip_caller) {
		fake_accept(call, ALL);
		return;
	}
	if (event == EV_RIPT_CLOSED && call && call->living &&
	    call->handlers) {
		fake_close(call, "signalling-lost", 0, NULL);
		return;
	}
	if ((event == EV_STORED || event == EV_STORE_FAILED) &&
	    fake.write_cnt) {
		fake_store_ack(event == EV_STORED ? 0 : EIO);
		return;
	}
	if (fake_session() == s)
		session_post(s, event);
}

/* Whatever state it is in now, hanging up frees everything. */
static void wind_up(void)
{
	for (unsigned round = 0; round < 8 && fake_session(); round++) {
		sessions_hangup_all(fake.sessions, REASON_SHUTDOWN);
		fake_settle();
	}
	fake_all_free();
}

static bool timer_due(const struct session *s)
{
	return timer_running(&s->timer);
}

static void test_every_pair(void **state)
{
	unsigned pairs = 0, expected = 0;

	(void)state;
	for (int st = ST_IDLE + 1; st < ST_CLOSED; st++) {
		for (int ev = 0; ev < EV_CNT; ev++) {
			struct session *s;

			fake_setup(NULL);
			s = reach((enum state)st);
			expected += session_expects((enum state)st,
						    (enum event)ev);
			deliver(s, (enum event)ev);
			s = fake_session();
			if (s && !timer_due(s))
				fail_msg("%s on %s: no timer in %s",
					 state_name((enum state)st),
					 event_name((enum event)ev),
					 state_name(s->state));
			wind_up();
			fake_teardown(NULL);
			pairs++;
		}
	}
	print_message("    %u pairs, %u with a row\n", pairs, expected);
	assert_true(expected > 120);
}

/* Without a word from anybody, each state ends by its own timer. */
static void test_every_state_ends(void **state)
{
	(void)state;
	for (int st = ST_IDLE + 1; st < ST_CLOSED; st++) {
		uint64_t limit_ms = UINT64_C(2) * 3600 * 1000;

		row_name(state_name((enum state)st));
		fake_setup(NULL);
		reach((enum state)st);
		while (fake_session() && limit_ms) {
			fake_advance(100000);
			limit_ms -= 100000;
			fake_settle();
		}
		fake_all_free();
		fake_teardown(NULL);
	}
}

/* A side that never says goodbye is complained about, not forgotten. */
static void test_stuck_side(void **state)
{
	struct session *s;

	(void)state;
	fake_setup(NULL);
	s = reach(ST_CLOSING);
	fake_advance(100000);
	assert_ptr_equal(fake_session(), s);
	assert_int_equal(s->state, ST_CLOSING);
	assert_int_equal(fake.lines_open, 0);
	assert_int_equal(fake.trunks[0].admit.living, 0);
	fake_settle();
	fake_all_free();
	fake_teardown(NULL);
}

/* The two that only begin. */
static void test_idle_row(void **state)
{
	(void)state;
	fake_setup(NULL);
	for (int ev = 0; ev < EV_CNT; ev++)
		assert_int_equal(session_expects(ST_IDLE, (enum event)ev),
				 ev == EV_SIP_INVITE || ev == EV_RIPT_CALL);
	for (int ev = 0; ev < EV_CNT; ev++)
		assert_false(session_expects(ST_CLOSED, (enum event)ev));
	for (int st = 0; st < ST_CNT; st++)
		assert_string_not_equal(state_name((enum state)st), "?");
	for (int ev = 0; ev < EV_CNT; ev++)
		assert_non_null(event_name((enum event)ev));
	fake_teardown(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_every_state_ends),
		cmocka_unit_test(test_stuck_side),
		cmocka_unit_test(test_idle_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
