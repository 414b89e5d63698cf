/* SPDX-License-Identifier: MIT */
/*
 * The server role of a byway: open GETs, PUTs, sessions, the ring, panic,
 * and media that arrives on another worker than the call's home.
 */
#include "base/mem.h"
#include "base/metric.h"
#include "tests/unit/byway_lab.h"

static struct lab lab;
static struct byway *byway;
static struct eater eater;
static struct h3_conn *home, *far;	/* on the home, and elsewhere */

static int set_up(void **state)
{
	(void)state;
	lab_start(&lab, NULL, 0);
	byway = lab_serve(&lab, 0);
	lab_bind(&lab, 0, byway, &eater);
	home = fake_h3_guest(0);
	far = fake_h3_guest(1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
	lab_run(&lab);
	lab_stop(&lab);
	return 0;
}

static void set_listening(bool listening)
{
	byway_set_listening(byway, listening);
	lab_run(&lab);
}

static int send_text(const char *text)
{
	return byway_send(eater.port, text, strlen(text), true);
}

static void expect_chunk(const struct h3_stream *stream, const char *text)
{
	assert_int_equal(fake_h3_status(stream), 200);
	assert_string_equal(fake_h3_field(stream, "content-type"),
			    "application/ript-chunks");
	assert_string_equal(fake_h3_text(stream, NULL), text);
	assert_true(fake_h3_finished(stream));
}

/* ---- entries ---- */

static void test_installed(void **state)
{
	struct byway_server params = { .uuid = "u", .path = "/x/calls/u",
				       .home = 1 };
	static const struct byway_events events;
	struct byway_port *port = NULL;
	static const struct byway_handlers none;
	struct byway *other;

	(void)state;
	assert_int_equal(lab.installed, 1);
	assert_int_equal(byway_home(byway), 0);
	assert_int_equal(byway_bind(&port, lab.worker[1], byway_id(byway),
				    &none, NULL), ENOENT);	/* no home */
	assert_int_equal(byway_bind(&port, lab.worker[0], byway_id(byway),
				    &none, NULL), ENOENT);	/* twice */
	assert_int_equal(byway_serve(&other, lab.net, &params, &events, NULL,
				     NULL), 0);
	assert_true(byway_id(other) != byway_id(byway));
	/* What is posted to the home later finds it, before installed(). */
	lab_run_workers(&lab);
	assert_int_equal(byway_bind(&port, lab.worker[1], byway_id(other),
				    &none, NULL), 0);
	byway_unbind(&port);
	byway_unbind(&port);
	byway_close(&other, NULL);
	byway_close(&other, NULL);
}

static void test_least_loaded(void **state)
{
	unsigned a, b;

	(void)state;
	assert_int_equal(ript_net_least_loaded(lab.net), 1);
	assert_int_equal(ript_net_least_loaded(lab.net), 1);
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
	a = ript_net_least_loaded(lab.net);
	b = ript_net_least_loaded(lab.net);
	assert_true(a != b);			/* equals in turn */
}

/* ---- PUTs ---- */

static void test_put(void **state)
{
	struct h3_stream *stream = lab_put(home, "chunk");

	(void)state;
	/* At once, with the acks. */
	expect_chunk(stream, "ack");
	assert_int_equal(eater.bodies, 1);
	assert_memory_equal(eater.last, "chunk", 5);
	assert_int_equal(eater.last_kind, BYWAY_HTTP);
	assert_true(eater.reply_asked);
}

static void test_put_crosses(void **state)
{
	struct h3_stream *stream = lab_put(far, "chunk");
	uint64_t connection;

	(void)state;
	assert_int_equal(fake_h3_status(stream), 0);
	lab_run(&lab);
	expect_chunk(stream, "ack");
	assert_memory_equal(eater.last, "chunk", 5);
	connection = eater.last_connection;
	lab_put(home, "chunk");
	assert_true(eater.last_connection != connection);
	assert_int_equal(eater.bodies, 2);
	assert_int_equal(lab_counter("byway_crossings_total",
				     "what=\"put\""), 1);
	stream = lab_put(far, "?");
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 400);
}

/* The PUT closes while its chunk crosses; the mailbox is full. */
static void test_put_crossing_races(void **state)
{
	struct h3_stream *stream = lab_put(far, "chunk");
	unsigned i;

	(void)state;
	fake_h3_stream_lost(stream, ECONNRESET);
	lab_run(&lab);
	assert_int_equal(eater.bodies, 1);
	for (i = 0; i < 4096; i++)
		lab_put(far, "chunk");
	stream = lab_put(far, "chunk");
	assert_int_equal(fake_h3_status(stream), 503);
	lab_run(&lab);
	assert_int_equal(eater.bodies, 4097);
	assert_int_equal(lab_counter("worker_refusals_total",
				     "reason=\"crossing-full\""), 1);
}

/* ---- GETs ---- */

static void test_thirty_gets(void **state)
{
	struct h3_stream *get[31];
	unsigned i;

	(void)state;
	for (i = 0; i < 30; i++) {
		get[i] = lab_get(home);
		assert_int_equal(fake_h3_status(get[i]), 0);
	}
	lab_pass(&lab, 1000);
	for (i = 0; i < 30; i++)
		assert_int_equal(fake_h3_status(get[i]), 0);
	shows("RIPT-MB-04");

	/* The 31st ends the oldest. */
	get[30] = lab_get(home);
	assert_int_equal(fake_h3_status(get[0]), 204);
	for (i = 1; i < 31; i++)
		assert_int_equal(fake_h3_status(get[i]), 0);
	assert_int_equal(lab_counter("byway_gets_displaced_total", NULL), 1);

	/* Newest first, one chunk each, and the reply ends. */
	assert_int_equal(send_text("a"), 0);
	expect_chunk(get[30], "a");
	assert_int_equal(fake_h3_status(get[29]), 0);
	assert_int_equal(send_text("b"), 0);
	expect_chunk(get[29], "b");
	assert_int_equal(fake_h3_status(get[28]), 0);
	shows("RIPT-MB-12");
}

static void test_newer_client_first(void **state)
{
	struct h3_conn *client = fake_h3_guest(0);
	struct h3_stream *old[3], *new[3];
	unsigned i, opens;

	(void)state;
	for (i = 0; i < 3; i++)
		old[i] = lab_get(home);
	opens = eater.opens;
	lab_pass(&lab, 10);
	for (i = 0; i < 3; i++)
		new[i] = lab_get(client);
	/* Another connection: full values again, told before it is used. */
	assert_int_equal(eater.opens, opens + 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(send_text("x"), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(fake_h3_status(new[i]), 200);
		assert_int_equal(fake_h3_status(old[i]), 0);
	}
	assert_int_equal(send_text("x"), 0);
	assert_int_equal(fake_h3_status(old[2]), 200);
	shows("RIPT-MB-10");
}

static void test_lapse(void **state)
{
	struct h3_stream *first = lab_get(home), *second;

	(void)state;
	lab_pass(&lab, 10000);
	second = lab_get(home);
	lab_pass(&lab, 14990);
	assert_int_equal(fake_h3_status(first), 0);
	lab_pass(&lab, 20);
	assert_int_equal(fake_h3_status(first), 204);
	assert_null(fake_h3_field(first, "content-type"));
	assert_int_equal(fake_h3_status(second), 0);
	lab_pass(&lab, 10000);
	assert_int_equal(fake_h3_status(second), 204);
}

static void test_get_closes(void **state)
{
	struct h3_stream *a = lab_get(home), *b = lab_get(home);

	(void)state;
	fake_h3_stream_lost(b, ECONNRESET);
	assert_int_equal(send_text("x"), 0);
	expect_chunk(a, "x");
	shows("RIPT-LC-02");
}

static void test_gets_cross(void **state)
{
	struct h3_stream *a = lab_get(far), *b, *c;

	(void)state;
	lab_run(&lab);
	b = lab_get(home);
	assert_int_equal(lab_counter("byway_crossings_total",
				     "what=\"get\""), 1);
	assert_int_equal(send_text("1"), 0);
	assert_int_equal(send_text("2"), 0);
	lab_run(&lab);
	expect_chunk(b, "1");
	expect_chunk(a, "2");

	/* Any byway of the direction, in any order. */
	shows("RIPT-MB-15");

	c = lab_get(far);
	lab_run(&lab);
	fake_h3_stream_lost(c, ECONNRESET);
	lab_run(&lab);
	set_listening(true);
	assert_int_equal(send_text("3"), EAGAIN);

	/* It closes while the chunk is on its way: counted. */
	c = lab_get(far);
	lab_run(&lab);
	assert_int_equal(send_text("4"), 0);
	fake_h3_stream_lost(c, ECONNRESET);
	lab_run(&lab);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"get-gone\""), 1);
}

/* ---- no GET ---- */

static void test_panic(void **state)
{
	struct h3_stream *get;

	(void)state;
	set_listening(true);
	get = lab_get(home);
	assert_int_equal(send_text("1"), 0);
	expect_chunk(get, "1");
	assert_int_equal(lab.panics, 0);
	assert_int_equal(send_text("2"), EAGAIN);
	lab_run(&lab);
	assert_int_equal(lab.panics, 1);
	assert_int_equal(lab.dropped, 1);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"no-get\""), 1);

	/* At most one a second, with what was dropped since. */
	assert_int_equal(send_text("3"), EAGAIN);
	assert_int_equal(send_text("4"), EAGAIN);
	lab_pass(&lab, 900);
	assert_int_equal(lab.panics, 1);
	lab_pass(&lab, 200);
	assert_int_equal(lab.panics, 2);
	assert_int_equal(lab.dropped, 3);
	lab_pass(&lab, 5000);
	assert_int_equal(lab.panics, 2);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"no-get\""), 3);

	/* What was dropped does not come later. */
	get = lab_get(home);
	assert_int_equal(fake_h3_status(get), 0);
	shows("RIPT-MB-13");
	shows("RIPT-EV-11");
}

static void test_ring_at_start(void **state)
{
	struct h3_stream *get[3];
	unsigned i;
	char text[8];

	(void)state;
	set_listening(true);		/* before a way has ever come */
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(send_text(text), 0);
	}
	assert_int_equal(lab.panics, 0);
	get[0] = lab_get(home);
	expect_chunk(get[0], "0");		/* oldest first */
	get[1] = lab_get(home);
	expect_chunk(get[1], "1");
	assert_int_equal(send_text("3"), 0);	/* behind what waits */
	get[2] = lab_get(home);
	expect_chunk(get[2], "2");
	expect_chunk(lab_get(home), "3");
	assert_int_equal(fake_h3_status(lab_get(home)), 0);
}

static void test_ring_while_nobody_listens(void **state)
{
	struct h3_stream *get = lab_get(home);

	(void)state;
	set_listening(true);
	assert_int_equal(send_text("a"), 0);
	expect_chunk(get, "a");
	set_listening(false);
	assert_int_equal(send_text("b"), 0);
	/* Listening alone does not end it: a way does. */
	set_listening(true);
	assert_int_equal(send_text("c"), 0);
	lab_pass(&lab, 4900);
	expect_chunk(lab_get(home), "b");
	expect_chunk(lab_get(home), "c");
	assert_int_equal(send_text("d"), EAGAIN);
	lab_run(&lab);
	assert_int_equal(lab.panics, 1);
}

static void test_ring_age(void **state)
{
	(void)state;
	assert_int_equal(send_text("old"), 0);
	lab_pass(&lab, 4000);
	assert_int_equal(send_text("new"), 0);
	lab_pass(&lab, 1200);
	expect_chunk(lab_get(home), "new");
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"ring-old\""), 1);
	lab_pass(&lab, 10000);
}

static void test_ack_waits_for_nothing(void **state)
{
	(void)state;
	assert_int_equal(byway_send(eater.port, "a", 1, false), EAGAIN);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"no-way\""), 1);
	assert_int_equal(lab.panics, 0);
	assert_int_equal(fake_h3_status(lab_get(home)), 0);
}

/* ---- sessions ---- */

static void test_session(void **state)
{
	struct h3_stream *stream = lab_connect(home);
	struct h3_session *session = fake_h3_session(stream);
	size_t len;

	(void)state;
	assert_non_null(session);
	assert_int_equal(eater.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(byway_kind(eater.port), BYWAY_WEBTRANSPORT);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(byway_room(eater.port), 1200);
	fake_h3_datagram(session, "in", 2);
	assert_memory_equal(eater.last, "in", 2);
	assert_int_equal(eater.last_kind, BYWAY_WEBTRANSPORT);
	assert_false(eater.reply_asked);
	assert_int_equal(send_text("out"), 0);
	assert_memory_equal(fake_h3_last_datagram(session, &len), "out", 3);
	assert_int_equal(byway_send(eater.port, "ack", 3, false), 0);
	assert_int_equal(fake_h3_datagram_cnt(session), 2);

	/* GETs beside it stay open. */
	stream = lab_get(home);
	assert_int_equal(send_text("out"), 0);
	assert_int_equal(fake_h3_status(stream), 0);
	assert_int_equal(fake_h3_datagram_cnt(session), 3);

	/* What does not fit goes there. */
	fake_h3_set_room(session, 5);
	assert_int_equal(send_text("longer"), 0);
	expect_chunk(stream, "longer");
	set_listening(true);
	assert_int_equal(send_text("longer"), EAGAIN);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"over-room\""), 1);

	fake_h3_session_lost(session, 0);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_HTTP);	/* a GET 0 s ago */
	lab_pass(&lab, 5100);
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(eater.kind, BYWAY_NONE);
}

static void test_session_drains(void **state)
{
	struct h3_session *session;
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(send_text("x"), 0);
	session = fake_h3_session(lab_connect(home));
	assert_int_equal(fake_h3_datagram_cnt(session), 40);	/* a burst */
	lab_pass(&lab, 15);
	assert_int_equal(fake_h3_datagram_cnt(session), 40);
	lab_pass(&lab, 10);
	assert_int_equal(fake_h3_datagram_cnt(session), 80);
	lab_pass(&lab, 25);
	assert_int_equal(fake_h3_datagram_cnt(session), 100);
	assert_int_equal(send_text("x"), 0);
	assert_int_equal(fake_h3_datagram_cnt(session), 101);
}

static void test_session_crosses(void **state)
{
	struct h3_stream *stream = lab_connect(far);
	struct h3_session *session = fake_h3_session(stream);

	(void)state;
	lab_run(&lab);
	assert_int_equal(eater.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(byway_room(eater.port), 1200);
	fake_h3_datagram(session, "in", 2);
	lab_run(&lab);
	assert_int_equal(eater.bodies, 1);
	assert_int_equal(send_text("out"), 0);
	lab_run(&lab);
	assert_int_equal(fake_h3_datagram_cnt(session), 1);
	assert_int_equal(lab_counter("byway_crossings_total",
				     "what=\"datagram-in\""), 1);
	assert_int_equal(lab_counter("byway_crossings_total",
				     "what=\"datagram-out\""), 1);

	/* Gone while a datagram crosses to it. */
	assert_int_equal(send_text("out"), 0);
	fake_h3_session_lost(session, ECONNRESET);
	lab_run(&lab);
	assert_int_equal(eater.kind, BYWAY_NONE);
}

static void test_newest_session(void **state)
{
	struct h3_session *session[5];
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		session[i] = fake_h3_session(lab_connect(i == 2 ? far : home));
		lab_run(&lab);
		assert_int_equal(send_text("x"), 0);
		lab_run(&lab);
		assert_int_equal(fake_h3_datagram_cnt(session[i]), 1);
	}
	assert_true(fake_h3_session_closed(session[0]));	/* the fifth */
	fake_h3_session_lost(session[4], 0);
	fake_h3_session_lost(session[3], 0);
	assert_int_equal(send_text("x"), 0);
	lab_run(&lab);
	assert_int_equal(fake_h3_datagram_cnt(session[2]), 2);
	fake_h3_session_lost(session[2], 0);
	lab_run(&lab);
	assert_int_equal(send_text("x"), 0);
	assert_int_equal(fake_h3_datagram_cnt(session[1]), 2);
}

/* A client that moved without a word: its session is open but silent, and
 * GETs come from elsewhere. */
static void test_silent_session(void **state)
{
	struct h3_session *session = fake_h3_session(lab_connect(home));
	struct h3_stream *get;

	(void)state;
	lab_pass(&lab, 500);
	fake_h3_datagram(session, "x", 1);
	lab_pass(&lab, 100);
	get = lab_get(far);
	lab_run(&lab);
	assert_int_equal(send_text("x"), 0);
	assert_int_equal(fake_h3_datagram_cnt(session), 1);
	lab_pass(&lab, 1200);
	assert_int_equal(send_text("y"), 0);
	lab_run(&lab);
	expect_chunk(get, "y");
	assert_int_equal(eater.kind, BYWAY_HTTP);
	fake_h3_datagram(session, "x", 1);		/* back again */
	assert_int_equal(send_text("z"), 0);
	assert_int_equal(fake_h3_datagram_cnt(session), 2);
	assert_int_equal(eater.kind, BYWAY_WEBTRANSPORT);
}

static void test_no_webtransport(void **state)
{
	const struct ript_net_config config = { .no_webtransport = true };

	(void)state;
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
	lab_stop(&lab);
	lab_start(&lab, &config, 0);
	byway = lab_serve(&lab, 0);
	assert_int_equal(fake_h3_status(lab_connect(fake_h3_guest(1))), 501);
}

/* ---- the end ---- */

static void test_close(void **state)
{
	static const char problem[] = "{\"type\":\"call-ended\",\"by\":1}";
	struct h3_stream *get = lab_get(home), *away = lab_get(far);
	struct h3_head head = { .method = "PUT", .path = LAB_MEDIA,
				.field = &(const struct h3_field){
					"authorization",
					"Bearer " LAB_TOKEN },
				.field_cnt = 1 };
	struct h3_stream *put = fake_h3_request(home, &head, "x", 1, false);
	struct h3_session *session = fake_h3_session(lab_connect(home));
	struct h3_session *other = fake_h3_session(lab_connect(far));
	struct h3_stream *stream;

	(void)state;
	lab_run(&lab);
	byway_close(&byway, problem);
	assert_null(byway);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(get), 404);
	assert_string_equal(fake_h3_text(get, NULL), problem);
	assert_string_equal(fake_h3_field(get, "content-type"),
			    "application/problem+json");
	assert_int_equal(fake_h3_status(away), 404);
	assert_string_equal(fake_h3_text(away, NULL), problem);
	assert_int_equal(fake_h3_status(put), 404);
	assert_true(fake_h3_session_closed(session));
	assert_true(fake_h3_session_closed(other));
	assert_int_equal(send_text("x"), ENOTCONN);
	assert_int_equal(byway_kind(eater.port), BYWAY_NONE);

	/* For an hour, to who may know. */
	lab_pass(&lab, 3590000);
	stream = lab_put(far, "x");
	assert_int_equal(fake_h3_status(stream), 404);
	assert_string_equal(fake_h3_text(stream, NULL), problem);
	stream = lab_connect(home);
	assert_string_equal(fake_h3_text(stream, NULL), problem);
	stream = lab_ask(home, "GET", LAB_MEDIA, "another", NULL);
	assert_null(strstr(fake_h3_text(stream, NULL), "call-ended"));
	lab_pass(&lab, 20000);
	stream = lab_put(far, "x");
	assert_int_equal(fake_h3_status(stream), 404);
	assert_non_null(strstr(fake_h3_text(stream, NULL), "not-found"));
	shows("RIPT-LC-07");
}

static void test_tombstones_are_bounded(void **state)
{
	struct byway_server params = { .uuid = "x" };
	static const struct byway_events events;
	struct byway *other;
	char path[64];
	unsigned i;

	(void)state;
	for (i = 0; i < 16400; i++) {
		snprintf(path, sizeof(path),
			 "/.well-known/ript/v1/t/calls/%u", i);
		params.path = path;
		assert_int_equal(byway_serve(&other, lab.net, &params,
					     &events, NULL, NULL), 0);
		byway_close(&other, "{}");
		if (i % 1000 == 0)
			lab_run(&lab);
	}
	lab_run(&lab);
	assert_int_equal(metric_gauge_value(metric_gauge("byway_tombstones",
							 NULL, "x")),
			 2 * 16384);
}

static void test_second_token(void **state)
{
	uint8_t hash[32];
	struct h3_stream *stream;

	(void)state;
	stream = lab_ask(home, "GET", LAB_MEDIA, "second", NULL);
	assert_int_equal(fake_h3_status(stream), 404);
	sha256(hash, "second", 6);
	byway_add_token(byway, hash);
	lab_run(&lab);
	stream = lab_ask(home, "GET", LAB_MEDIA, "second", NULL);
	assert_int_equal(fake_h3_status(stream), 0);
	stream = lab_ask(far, "GET", LAB_MEDIA, "second", NULL);
	assert_int_equal(fake_h3_status(stream), 0);
	stream = lab_get(far);
	assert_int_equal(fake_h3_status(stream), 0);
}

/* Events that crossed with byway_close() tell nobody. */
static void test_events_after_close(void **state)
{
	unsigned opens;

	(void)state;
	lab_run(&lab);
	opens = lab.opens;
	lab_get(home);
	byway_close(&byway, NULL);
	lab_run(&lab);
	assert_int_equal(lab.opens, opens);
}

static void test_unbound(void **state)
{
	struct h3_stream *stream;

	(void)state;
	byway_unbind(&eater.port);
	stream = lab_put(home, "x");
	assert_int_equal(fake_h3_status(stream), 200);
	assert_int_equal(eater.bodies, 0);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"unbound\""), 1);
	/* A way that is open already is told when somebody binds. */
	lab_get(home);
	lab_bind(&lab, 0, byway, &eater);
	assert_int_equal(eater.kind, BYWAY_HTTP);
}

static void test_connection_lost(void **state)
{
	struct h3_stream *get;

	(void)state;
	get = lab_get(home);
	lab_get(home);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	fake_h3_conn_lost(home, ETIMEDOUT);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(get), 0);
	assert_int_equal(lab.kind, BYWAY_NONE);
	home = fake_h3_guest(0);
	lab_get(home);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	assert_int_equal(send_text("x"), 0);
	shows("RIPT-LC-02");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
		T(test_installed),
		T(test_least_loaded),
		T(test_put),
		T(test_put_crosses),
		T(test_put_crossing_races),
		T(test_thirty_gets),
		T(test_newer_client_first),
		T(test_lapse),
		T(test_get_closes),
		T(test_gets_cross),
		T(test_panic),
		T(test_ring_at_start),
		T(test_ring_while_nobody_listens),
		T(test_ring_age),
		T(test_ack_waits_for_nothing),
		T(test_session),
		T(test_session_drains),
		T(test_session_crosses),
		T(test_newest_session),
		T(test_silent_session),
		T(test_no_webtransport),
		T(test_close),
		T(test_tombstones_are_bounded),
		T(test_second_token),
		T(test_events_after_close),
		T(test_unbound),
		T(test_connection_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
