/* SPDX-License-Identifier: MIT */
/*
 * Both roles in one process over real HTTP/3 on 127.0.0.1: what the fakes
 * leave out.
 */
#include "base/mem.h"
#include "base/text.h"
#include "ript/call.h"
#include "ript/ript.h"
#include "tests/unit/joint.h"
#include "tests/unit/shows.h"
#include "tests/unit/stir_made.h"

#define TOKEN "sesame"
#define CALLED "+14089529999"
#define VOICE (1u << CODEC_PCMU | 1u << CODEC_PCMA | \
	       1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)

/* One side of a call, as its owner sees it. */
struct side {
	struct ript_call *call;		/* NULL before and after */
	unsigned accepted, alerting, answered, final, byway, closed;
	enum byway_kind kind;
	enum ript_by by;
	int sip;
	char reason[64];
	int status;			/* of a refusal */
};

struct pair_test {
	struct joint joint;
	struct stir stir;
	struct ript_server *server;
	struct ript_tg *tg;
	struct ript_peer *peer;
	unsigned usable, incoming;
	struct side *callee;		/* of the next incoming() */
	int refuse;			/* answer it so */
	enum ript_event_type at_once;	/* the callee says this at once */
};

static struct pair_test t;

/* ---- owners ---- */

static void on_accepted(struct ript_call *call, void *arg)
{
	struct side *side = arg;

	(void)call;
	side->accepted++;
}

static void on_event(struct ript_call *call, const struct ript_event *ev,
		     void *arg)
{
	struct side *side = arg;

	(void)call;
	if (ev->type == RIPT_EV_ALERTING)
		side->alerting++;
	if (ev->type == RIPT_EV_ANSWERED)
		side->answered++;
	if (ript_event_final(ev->type)) {
		side->final++;
		side->by = ev->by;
		side->sip = ev->has_cause ? ev->cause.sip : 0;
	}
}

static void on_byway(struct ript_call *call, enum byway_kind kind, void *arg)
{
	struct side *side = arg;

	(void)call;
	side->byway++;
	side->kind = kind;
}

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	struct side *side = arg;

	(void)call;
	side->closed++;
	side->call = NULL;
	side->status = refusal ? refusal->status : 0;
	snprintf(side->reason, sizeof(side->reason), "%s", reason);
}

static const struct ript_call_handlers handlers = {
	.accepted = on_accepted,
	.event = on_event,
	.byway = on_byway,
	.closed = on_closed,
};

static void on_incoming(struct ript_call *call, void *arg)
{
	static const enum codec prefer[] = { CODEC_PCMU, CODEC_NONE };
	struct ript_call_info info;
	struct ript_directives d;
	struct ript_advert ours;

	(void)arg;
	t.incoming++;
	if (t.refuse) {
		ript_call_refuse(call, t.refuse, "unreachable", "", 0);
		return;
	}
	ript_call_info(call, &info);
	ript_advert_voice(&ours, VOICE, 0);
	ript_directives_make(&d, info.advert, &ours, prefer);
	t.callee->call = call;
	assert_int_equal(ript_call_accept(call, &d, &handlers, t.callee), 0);
	if (t.at_once != RIPT_EV_UNKNOWN) {
		const struct ript_cause busy = { 486, 17, "Busy Here" };

		ript_call_state(call, t.at_once, &busy);
	}
}

static void on_state(struct ript_peer *peer, int err, const char *why,
		     void *arg)
{
	(void)peer;
	(void)arg;
	if (err)
		print_message("    %s\n", why);
	else
		t.usable++;
}

static int set_up(void **state)
{
	static const struct ript_server_events server_events = {
		.incoming = on_incoming,
	};
	static const struct ript_peer_events peer_events = {
		.state = on_state,
	};
	uint8_t token[1][32];
	char authority[64];
	struct ript_server_config server = { .authority = authority };
	struct ript_tg_config tg = { .id = "123", .token_cnt = 1 };
	struct ript_peer_config peer = { .authority = authority };

	(void)state;
	memset(&t, 0, sizeof(t));
	t.at_once = RIPT_EV_UNKNOWN;
	joint_start(&t.joint, NULL);
	stir_make(&t.stir);
	snprintf(authority, sizeof(authority), PAIR_HOST ":%u",
		 addr_port(&t.joint.at));
	server.net = peer.net = t.joint.net;
	server.loop = peer.loop = t.joint.loop;
	assert_int_equal(ript_server_new(&t.server, &server, &server_events,
					 NULL), 0);
	sha256(token[0], TOKEN, strlen(TOKEN));
	tg.token_hash = (const uint8_t (*)[32])token;
	tg.trust = t.stir.trust;
	number_set_allow(&tg.origins, "*");
	number_set_allow(&tg.destinations, "+1*");
	assert_int_equal(ript_server_add_tg(&t.tg, t.server, &tg), 0);
	number_set_free(&tg.origins);
	number_set_free(&tg.destinations);
	peer.ca_file = t.joint.certs.ca;
	peer.addr = &t.joint.at;
	peer.token = TOKEN;
	peer.handler_id = "gw1";
	peer.webtransport = true;
	assert_int_equal(ript_peer_new(&t.peer, &peer, &peer_events, NULL),
			 0);
	assert_true(joint_until(&t.joint, &t.usable, 1));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ript_peer_free(&t.peer);
	ript_server_free(&t.server);
	joint_run(&t.joint, 20);
	joint_stop(&t.joint);
	stir_remove(&t.stir);
	return 0;
}

static void open_call(struct side *caller, struct side *callee)
{
	struct ript_call_open params = {
		.destination = CALLED,
		.codecs = VOICE,
		.hops = -1,
		.worker = 1,
		.handlers = &handlers,
		.arg = caller,
	};
	char *jws;

	memset(caller, 0, sizeof(*caller));
	memset(callee, 0, sizeof(*callee));
	t.callee = callee;
	assert_int_equal(passport_sign(&jws, t.stir.signer, STIR_CALLER,
				       CALLED, loop_wall_ms(t.joint.loop)),
			 0);
	params.passport = jws;
	assert_int_equal(ript_call_open(&caller->call, t.peer, &params), 0);
	free(jws);
}

/* ---- calls ---- */

static void talks_and_the_callee_hangs_up(void **state)
{
	const struct ript_cause cause = { 200, 16, "Normal call clearing" };
	struct side caller, callee;
	struct ript_call_info info;

	(void)state;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.accepted, 1));
	ript_call_info(caller.call, &info);
	assert_true(uuid_valid(info.uuid, strlen(info.uuid)));
	assert_string_equal(info.from, STIR_CALLER);
	assert_int_equal(ript_directive_codecs(&info.directives->client) &
			 (1u << CODEC_PCMU | 1u << CODEC_PCMA),
			 1u << CODEC_PCMU);
	/* media is there before the answer */
	assert_true(joint_until(&t.joint, &caller.byway, 1));
	assert_int_equal(caller.kind, BYWAY_WEBTRANSPORT);
	assert_true(joint_until(&t.joint, &callee.byway, 1));
	ript_call_state(callee.call, RIPT_EV_ALERTING, NULL);
	assert_true(joint_until(&t.joint, &caller.alerting, 1));
	ript_call_state(callee.call, RIPT_EV_ANSWERED, NULL);
	assert_true(joint_until(&t.joint, &caller.answered, 1));
	ript_call_end(callee.call, RIPT_BY_PEER, &cause);
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_true(joint_until(&t.joint, &callee.closed, 1));
	assert_int_equal(caller.final, 1);
	assert_int_equal(caller.by, RIPT_BY_PEER);
	assert_int_equal(caller.sip, 200);
	assert_string_equal(caller.reason, "ended");
	assert_string_equal(callee.reason, "ended");
}

static void talks_and_the_caller_hangs_up(void **state)
{
	const struct ript_cause cause = { 200, 16, "Normal call clearing" };
	struct side caller, callee;

	(void)state;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.accepted, 1));
	ript_call_state(callee.call, RIPT_EV_ANSWERED, NULL);
	assert_true(joint_until(&t.joint, &caller.answered, 1));
	ript_call_end(caller.call, RIPT_BY_CLIENT, &cause);
	assert_true(joint_until(&t.joint, &callee.closed, 1));
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_int_equal(callee.final, 1);
	assert_int_equal(callee.by, RIPT_BY_CLIENT);
	assert_int_equal(callee.sip, 200);
	assert_int_equal(caller.final, 0);
}

/* The final event is there before the caller could listen for it. */
static void hears_of_a_callee_that_is_busy_at_once(void **state)
{
	struct side caller, callee;

	(void)state;
	t.at_once = RIPT_EV_DECLINED;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_int_equal(caller.final, 1);
	assert_int_equal(caller.sip, 486);
	assert_string_equal(caller.reason, "ended");
	assert_true(joint_until(&t.joint, &callee.closed, 1));
}

static void is_refused(void **state)
{
	struct side caller, callee;

	(void)state;
	t.refuse = 404;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_string_equal(caller.reason, "refused");
	assert_int_equal(caller.status, 404);
}

static void gives_up_before_the_201(void **state)
{
	struct side caller, callee;

	(void)state;
	open_call(&caller, &callee);
	ript_call_end(caller.call, RIPT_BY_CLIENT, NULL);
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_int_equal(caller.accepted, 0);
	assert_true(joint_until(&t.joint, &callee.closed, 1));
	assert_string_equal(callee.reason, "ended");
}

static void hangs_up_on_both_sides_at_once(void **state)
{
	struct side caller, callee;

	(void)state;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.accepted, 1));
	ript_call_state(callee.call, RIPT_EV_ANSWERED, NULL);
	assert_true(joint_until(&t.joint, &caller.answered, 1));
	ript_call_end(caller.call, RIPT_BY_CLIENT, NULL);
	ript_call_end(callee.call, RIPT_BY_PEER, NULL);
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_true(joint_until(&t.joint, &callee.closed, 1));
	assert_int_equal(caller.closed, 1);
	assert_int_equal(callee.closed, 1);
}

#define MANY 50

static bool any_open(void *arg)
{
	const struct side *sides = arg;
	unsigned i;

	for (i = 0; i < MANY; i++)
		if (!sides[i].closed)
			return true;
	return false;
}

static bool any_unanswered(void *arg)
{
	const struct side *sides = arg;
	unsigned i;

	for (i = 0; i < MANY; i++)
		if (!sides[i].answered)
			return true;
	return false;
}

static void carries_many_calls(void **state)
{
	static struct side caller[MANY], callee[MANY];
	unsigned i, before;

	(void)state;
	t.at_once = RIPT_EV_ANSWERED;
	for (i = 0; i < MANY; i++) {
		before = t.incoming;
		open_call(&caller[i], &callee[i]);
		assert_true(joint_until(&t.joint, &t.incoming, before + 1));
	}
	assert_true(joint_while(&t.joint, any_unanswered, caller));
	for (i = 0; i < MANY; i++) {
		if (i % 2)
			ript_call_end(caller[i].call, RIPT_BY_CLIENT, NULL);
		else
			ript_call_end(callee[i].call, RIPT_BY_PEER, NULL);
	}
	assert_true(joint_while(&t.joint, any_open, caller));
	assert_true(joint_while(&t.joint, any_open, callee));
}

/* Calls end with their server and their peer; nothing is left behind. */
static void ends_in_the_middle(void **state)
{
	struct side caller, callee;

	(void)state;
	open_call(&caller, &callee);
	assert_true(joint_until(&t.joint, &caller.accepted, 1));
	ript_call_state(callee.call, RIPT_EV_ALERTING, NULL);
	assert_true(joint_until(&t.joint, &caller.alerting, 1));
	ript_server_free(&t.server);
	assert_string_equal(callee.reason, "shutdown");
	assert_true(joint_until(&t.joint, &caller.closed, 1));
	assert_int_equal(caller.by, RIPT_BY_SERVER);
}

int main(void)
{
#define PAIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PAIR_TEST(talks_and_the_callee_hangs_up),
		PAIR_TEST(talks_and_the_caller_hangs_up),
		PAIR_TEST(hears_of_a_callee_that_is_busy_at_once),
		PAIR_TEST(is_refused),
		PAIR_TEST(gives_up_before_the_201),
		PAIR_TEST(hangs_up_on_both_sides_at_once),
		PAIR_TEST(carries_many_calls),
		PAIR_TEST(ends_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
