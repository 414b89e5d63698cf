/* SPDX-License-Identifier: MIT */
/* The client role of a byway: WebTransport first, else GETs and PUTs. */
#include "base/mem.h"
#include "base/metric.h"
#include "tests/unit/byway_lab.h"

static struct lab lab;
static struct byway *byway;
static struct eater eater;

static int set_up(void **state)
{
	(void)state;
	lab_start(&lab, NULL, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	byway_close(&byway, NULL);
	lab_run(&lab);
	byway_unbind(&eater.port);
	lab_stop(&lab);
	return 0;
}

static struct h3_conn *conn_at(unsigned index)
{
	struct h3_conn *conn = fake_h3_connected(index);

	assert_non_null(conn);
	return conn;
}

static struct h3_conn *dial(unsigned gets, bool webtransport, bool announced)
{
	byway = lab_dial(&lab, 0, gets, webtransport);
	lab_bind(&lab, 0, byway, &eater);
	fake_h3_ready(conn_at(0), announced);
	lab_run(&lab);
	return conn_at(0);
}

static unsigned gets(struct h3_conn *conn)
{
	return fake_h3_open_cnt(conn, "GET");
}

static unsigned puts_open(struct h3_conn *conn)
{
	return fake_h3_open_cnt(conn, "PUT");
}

static int send_text(const char *text)
{
	return byway_send(eater.port, text, strlen(text), true);
}

static void answer(struct h3_stream *stream, int status, const char *body)
{
	fake_h3_answer(stream, status, NULL, 0, body,
		       body ? strlen(body) : 0, true);
	lab_run(&lab);
}

/* ---- GETs ---- */

static void test_twenty_gets(void **state)
{
	struct h3_conn *conn = dial(0, false, false);
	const struct h3_head *head;
	unsigned i;

	(void)state;
	/* At once, before any answer to the call. */
	assert_int_equal(gets(conn), 20);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	assert_int_equal(eater.kind, BYWAY_HTTP);
	assert_int_equal(byway_room(eater.port), BYWAY_BODY_MAX);
	shows("RIPT-MB-03");

	head = fake_h3_head(fake_h3_open(conn, "GET", 0));
	assert_string_equal(head->path, LAB_MEDIA);
	assert_string_equal(head->authority, "gw.example:4433");
	assert_string_equal(h3_field(head, "authorization"),
			    "Bearer " LAB_TOKEN);
	assert_string_equal(h3_field(head, "cookie"), "a=b");
	for (i = 0; i < 20; i++) {
		assert_true(fake_h3_head(fake_h3_open(conn, "GET", i))->fin);
		assert_true(fake_h3_finished(fake_h3_open(conn, "GET", i)));
	}
	shows("RIPT-MB-05");

	/* Each one that ends is replaced at once. */
	for (i = 0; i < 50; i++) {
		fake_h3_answer(fake_h3_open(conn, "GET", 3), 200, NULL, 0,
			       "chunk", 5, true);
		assert_int_equal(eater.bodies, i + 1);
		lab_run(&lab);
		assert_int_equal(gets(conn), 20);
	}
	assert_memory_equal(eater.last, "chunk", 5);
	assert_int_equal(eater.last_kind, BYWAY_HTTP);
	assert_false(eater.reply_asked);
	shows("RIPT-MB-06");
}

static void test_number_of_gets(void **state)
{
	(void)state;
	assert_int_equal(gets(dial(100, false, false)), 30);
}

static void test_late_204(void **state)
{
	struct h3_conn *conn = dial(2, false, false);

	(void)state;
	lab_pass(&lab, 20100);
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	assert_int_equal(gets(conn), 2);
	assert_int_equal(eater.bodies, 0);
}

/* Replies in which not one record can be framed. */
static void test_empty_replies(void **state)
{
	struct h3_conn *conn = dial(3, false, false);
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		answer(fake_h3_open(conn, "GET", 0), 200, "?");
	assert_true(gets(conn) < 3);
	lab_pass(&lab, 300);
	assert_int_equal(gets(conn), 3);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"unframed\""), 3);
}

/* Displaced by another client: not asked again at round-trip rate (Q56). */
static void test_early_204(void **state)
{
	struct h3_conn *conn = dial(3, false, false);

	(void)state;
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	assert_int_equal(gets(conn), 1);
	lab_pass(&lab, 4900);
	assert_int_equal(gets(conn), 1);
	lab_pass(&lab, 200);
	assert_int_equal(gets(conn), 3);	/* 5 s have gone */

	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	assert_int_equal(gets(conn), 1);
	lab_pass(&lab, 100);
	answer(fake_h3_open(conn, "GET", 0), 200, "chunk");
	assert_int_equal(gets(conn), 3);	/* media has come */
}

/* Each waits its own 5 s. */
static void test_early_204_in_turn(void **state)
{
	struct h3_conn *conn = dial(3, false, false);

	(void)state;
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	lab_pass(&lab, 3000);
	answer(fake_h3_open(conn, "GET", 0), 204, NULL);
	lab_pass(&lab, 2100);
	assert_int_equal(gets(conn), 2);
	lab_pass(&lab, 3000);
	assert_int_equal(gets(conn), 3);
}

/* Either side may end a byway: asked again, but not in a circle. */
static void test_gets_fail(void **state)
{
	struct h3_conn *conn = dial(3, false, false);
	unsigned i, before;

	(void)state;
	fake_h3_stream_lost(fake_h3_open(conn, "GET", 0), ECONNRESET);
	assert_int_equal(gets(conn), 3);
	shows("RIPT-LC-02");
	for (i = 0; i < 3; i++)
		answer(fake_h3_open(conn, "GET", 0), 503, "busy");
	before = gets(conn);
	assert_true(before < 3);
	lab_pass(&lab, 150);
	assert_int_equal(gets(conn), 3);
	assert_int_equal(eater.bodies, 0);
	answer(fake_h3_open(conn, "GET", 0), 200, "chunk");
	assert_int_equal(gets(conn), 3);
}

static void test_no_credit(void **state)
{
	struct h3_conn *conn;

	(void)state;
	byway = lab_dial(&lab, 0, 20, false);
	lab_bind(&lab, 0, byway, &eater);
	conn = conn_at(0);
	fake_h3_set_credit(conn, 5);
	fake_h3_ready(conn, false);
	lab_run(&lab);
	assert_int_equal(gets(conn), 5);
	assert_int_equal(send_text("kept"), 0);
	fake_h3_set_credit(conn, 100);
	lab_pass(&lab, 150);
	assert_int_equal(gets(conn), 20);
	assert_int_equal(puts_open(conn), 1);
}

/* ---- PUTs ---- */

static void test_put(void **state)
{
	struct h3_conn *conn = dial(2, false, false);
	struct h3_stream *put;
	unsigned i;

	(void)state;
	/* One for each chunk, ended at once. */
	for (i = 0; i < 50; i++)
		assert_int_equal(send_text("chunk"), 0);
	assert_int_equal(puts_open(conn), 50);
	for (i = 0; i < 50; i++) {
		put = fake_h3_open(conn, "PUT", i);
		assert_string_equal(fake_h3_text(put, NULL), "chunk");
		assert_true(fake_h3_finished(put));
		assert_string_equal(h3_field(fake_h3_head(put),
					     "content-type"),
				    "application/ript-chunks");
		assert_string_equal(fake_h3_head(put)->path, LAB_MEDIA);
	}
	shows("RIPT-MB-07");

	/* The acks in the reply are chunks. */
	answer(fake_h3_open(conn, "PUT", 0), 200, "acks");
	assert_int_equal(eater.bodies, 1);
	assert_memory_equal(eater.last, "acks", 4);
	answer(fake_h3_open(conn, "PUT", 0), 200, NULL);
	assert_int_equal(eater.bodies, 1);
	answer(fake_h3_open(conn, "PUT", 0), 503, "busy");
	assert_int_equal(eater.bodies, 1);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"refused\""), 1);

	/* Acks alone travel the same way. */
	assert_int_equal(byway_send(eater.port, "a", 1, false), 0);
	assert_int_equal(puts_open(conn), 48);
}

static void test_put_is_not_answered(void **state)
{
	struct h3_conn *conn = dial(1, false, false);
	unsigned i;

	(void)state;
	for (i = 0; i < 256; i++)
		assert_int_equal(send_text("x"), 0);
	assert_int_equal(send_text("x"), EAGAIN);
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"puts-full\""), 1);
	assert_int_equal(lab.panics, 0);
	answer(fake_h3_open(conn, "PUT", 0), 200, NULL);
	assert_int_equal(send_text("x"), 0);
}

static void test_ring(void **state)
{
	struct h3_conn *conn;
	unsigned i;
	char text[8];

	(void)state;
	byway = lab_dial(&lab, 0, 1, false);
	lab_bind(&lab, 0, byway, &eater);
	for (i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(send_text(text), 0);
	}
	lab_pass(&lab, 1000);
	conn = conn_at(0);
	fake_h3_ready(conn, false);
	assert_int_equal(puts_open(conn), 40);		/* in flight */
	lab_pass(&lab, 1000);
	assert_int_equal(puts_open(conn), 40);
	assert_string_equal(fake_h3_text(fake_h3_open(conn, "PUT", 0), NULL),
			    "0");
	for (i = 0; i < 60; i++)
		answer(fake_h3_open(conn, "PUT", 0), 200, NULL);
	assert_int_equal(puts_open(conn), 0);
	assert_int_equal(send_text("live"), 0);
	assert_int_equal(puts_open(conn), 1);
}

/* ---- the connection goes ---- */

static void test_reconnect(void **state)
{
	struct h3_conn *conn = dial(5, false, false), *next;

	(void)state;
	lab_pass(&lab, 5000);
	assert_int_equal(send_text("under way"), 0);
	fake_h3_conn_lost(conn, ETIMEDOUT);
	/* Made again at once, though no request wants it. */
	next = conn_at(1);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(eater.kind, BYWAY_NONE);
	assert_int_equal(send_text("meanwhile"), 0);
	lab_pass(&lab, 4000);
	fake_h3_ready(next, false);
	lab_run(&lab);
	assert_int_equal(gets(next), 5);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	assert_int_equal(puts_open(next), 2);
	assert_string_equal(fake_h3_text(fake_h3_open(next, "PUT", 0), NULL),
			    "under way");
	assert_string_equal(fake_h3_text(fake_h3_open(next, "PUT", 1), NULL),
			    "meanwhile");
	shows("RIPT-LC-03");
}

static void test_cannot_reconnect(void **state)
{
	unsigned i;

	(void)state;
	byway = lab_dial(&lab, 0, 5, false);
	lab_bind(&lab, 0, byway, &eater);
	for (i = 0; i < 4; i++) {
		fake_h3_conn_lost(conn_at(i), ECONNREFUSED);
		lab_pass(&lab, 11000);
		assert_int_equal(fake_h3_connected_cnt(), i + 2);
	}
	fake_h3_ready(conn_at(4), false);
	lab_run(&lab);
	assert_int_equal(gets(conn_at(4)), 5);
}

static void test_goaway(void **state)
{
	struct h3_conn *conn = dial(3, false, false), *next;

	(void)state;
	lab_pass(&lab, 2000);
	fake_h3_goaway(conn);
	answer(fake_h3_open(conn, "GET", 0), 200, "chunk");
	next = conn_at(1);
	fake_h3_ready(next, false);
	lab_run(&lab);
	assert_int_equal(gets(next), 3);
	/* What still comes on the old one counts. */
	answer(fake_h3_open(conn, "GET", 0), 200, "chunk");
	assert_int_equal(eater.bodies, 2);
	assert_int_equal(gets(next), 3);
	fake_h3_conn_lost(conn, 0);
	lab_run(&lab);
	assert_int_equal(gets(next), 3);
	assert_int_equal(lab.kind, BYWAY_HTTP);
}

/* Fifty calls on PUT and GET fill a connection (Q58). */
static void test_fifty_calls(void **state)
{
	struct byway *more[50];
	unsigned i;

	(void)state;
	dial(1, false, false);
	for (i = 0; i < 49; i++)
		more[i] = lab_dial(&lab, 0, 1, false);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	assert_int_equal(gets(conn_at(0)), 50);
	more[49] = lab_dial(&lab, 0, 1, false);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	assert_int_equal(gets(conn_at(0)), 50);
	fake_h3_ready(conn_at(1), false);
	lab_run(&lab);
	assert_int_equal(gets(conn_at(1)), 1);

	/* A place that is free again is used. */
	byway_close(&more[0], NULL);
	lab_run(&lab);
	more[0] = lab_dial(&lab, 0, 1, false);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	assert_int_equal(gets(conn_at(0)), 50);
	for (i = 0; i < 50; i++)
		byway_close(&more[i], NULL);
}

/* ---- WebTransport ---- */

static struct h3_session *open_session(struct h3_conn *conn)
{
	struct h3_stream *stream = fake_h3_open(conn, "CONNECT", 0);

	assert_non_null(stream);
	fake_h3_answer(stream, 200, NULL, 0, NULL, 0, false);
	lab_run(&lab);
	return fake_h3_session(stream);
}

static void test_webtransport(void **state)
{
	struct h3_conn *conn = dial(20, true, true);
	const struct h3_head *head =
		fake_h3_head(fake_h3_open(conn, "CONNECT", 0));
	struct h3_session *session;
	unsigned i;

	(void)state;
	assert_string_equal(head->path, LAB_MEDIA);
	assert_string_equal(head->protocol, "webtransport");
	assert_string_equal(h3_field(head, "authorization"),
			    "Bearer " LAB_TOKEN);
	assert_string_equal(h3_field(head, "cookie"), "a=b");
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(send_text("kept"), 0);
	session = open_session(conn);
	assert_int_equal(lab.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(fake_h3_datagram_cnt(session), 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(send_text("chunk"), 0);
	fake_h3_datagram(session, "in", 2);
	assert_int_equal(eater.bodies, 1);
	assert_int_equal(eater.last_kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(fake_h3_datagram_cnt(session), 101);
	/* No PUT, no GET beside it. */
	assert_int_equal(gets(conn) + puts_open(conn), 0);
	shows("RIPT-MB-01");

	/* Only what does not fit into a datagram. */
	fake_h3_set_room(session, 4);
	assert_int_equal(byway_room(eater.port), 4);
	assert_int_equal(send_text("longer"), 0);
	assert_int_equal(puts_open(conn), 1);
	assert_int_equal(fake_h3_connected_cnt(), 1);
}

/* The server speaks before the 200 of its session has come, and before
 * anybody listens here. */
static void test_early_chunks(void **state)
{
	struct h3_conn *conn;
	struct h3_session *session;
	struct h3_stream *stream;

	(void)state;
	byway = lab_dial(&lab, 0, 20, true);
	lab_run(&lab);
	conn = conn_at(0);
	fake_h3_ready(conn, true);
	lab_run(&lab);
	stream = fake_h3_open(conn, "CONNECT", 0);
	session = fake_h3_session(stream);
	fake_h3_datagram(session, "one", 3);
	open_session(conn);
	fake_h3_datagram(session, "two", 3);
	lab_bind(&lab, 0, byway, &eater);
	assert_int_equal(eater.bodies, 2);
	assert_memory_equal(eater.last, "two", 3);
	assert_int_equal(eater.kind, BYWAY_WEBTRANSPORT);
	fake_h3_datagram(session, "three", 5);
	assert_int_equal(eater.bodies, 3);
	/* Not kept for a second one. */
	byway_unbind(&eater.port);
	fake_h3_datagram(session, "four", 4);
	lab_bind(&lab, 0, byway, &eater);
	assert_int_equal(eater.bodies, 0);
}

static void test_not_announced(void **state)
{
	struct h3_conn *conn = dial(20, true, false);

	(void)state;
	assert_int_equal(fake_h3_open_cnt(conn, "CONNECT"), 0);
	assert_int_equal(gets(conn), 20);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	shows("RIPT-MB-02");
}

static void test_session_refused(void **state)
{
	struct h3_conn *conn = dial(20, true, true), *next;

	(void)state;
	answer(fake_h3_open(conn, "CONNECT", 0), 501, NULL);
	assert_int_equal(gets(conn), 20);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	assert_int_equal(fake_h3_open_cnt(conn, "CONNECT"), 0);

	/* Tried again only on the next connection. */
	lab_pass(&lab, 10000);
	assert_int_equal(fake_h3_open_cnt(conn, "CONNECT"), 0);
	fake_h3_conn_lost(conn, ETIMEDOUT);
	next = conn_at(1);
	fake_h3_ready(next, true);
	lab_run(&lab);
	open_session(next);
	assert_int_equal(lab.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(gets(next), 0);
}

/* Many calls share the connection: a stream is free only later. */
static void test_session_waits_for_credit(void **state)
{
	struct h3_conn *conn;

	(void)state;
	byway = lab_dial(&lab, 0, 20, true);
	lab_bind(&lab, 0, byway, &eater);
	conn = conn_at(0);
	fake_h3_set_credit(conn, 0);
	fake_h3_ready(conn, true);
	lab_run(&lab);
	lab_pass(&lab, 1000);
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(send_text("kept"), 0);
	fake_h3_set_credit(conn, 100);
	lab_pass(&lab, 100);
	assert_int_equal(gets(conn), 0);
	assert_int_equal(fake_h3_datagram_cnt(open_session(conn)), 1);
	assert_int_equal(lab.kind, BYWAY_WEBTRANSPORT);
}

static void test_session_not_answered(void **state)
{
	struct h3_conn *conn = dial(20, true, true);

	(void)state;
	lab_pass(&lab, 1900);
	assert_int_equal(gets(conn), 0);
	lab_pass(&lab, 200);
	assert_int_equal(gets(conn), 20);
	assert_int_equal(fake_h3_open_cnt(conn, "CONNECT"), 0);
}

static void test_session_closes(void **state)
{
	struct h3_conn *conn = dial(20, true, true);
	struct h3_session *session = open_session(conn);

	(void)state;
	fake_h3_session_lost(session, 0);
	lab_run(&lab);
	/* Is the call over?  The word of it would come now. */
	assert_int_equal(gets(conn), 0);
	lab_pass(&lab, 250);
	assert_int_equal(gets(conn), 20);
	assert_int_equal(lab.kind, BYWAY_HTTP);
	assert_int_equal(send_text("x"), 0);
	assert_int_equal(puts_open(conn), 1);
}

static void test_session_lost_with_connection(void **state)
{
	struct h3_conn *conn = dial(20, true, true), *next;
	struct h3_session *session;

	(void)state;
	open_session(conn);
	lab_pass(&lab, 2000);
	fake_h3_conn_lost(conn, ETIMEDOUT);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(send_text("a"), 0);
	assert_int_equal(send_text("b"), 0);
	next = conn_at(1);
	fake_h3_ready(next, true);
	session = open_session(next);
	assert_int_equal(lab.kind, BYWAY_WEBTRANSPORT);
	assert_int_equal(fake_h3_datagram_cnt(session), 2);
	shows("RIPT-LC-03");
}

/* ---- the end ---- */

static void test_call_is_gone(void **state)
{
	struct h3_conn *conn = dial(2, false, false);

	(void)state;
	answer(fake_h3_open(conn, "GET", 0), 404, "{}");
	assert_int_equal(lab.kind, BYWAY_NONE);
	assert_int_equal(gets(conn), 1);
	answer(fake_h3_open(conn, "GET", 0), 404, "{}");
	lab_pass(&lab, 10000);
	assert_int_equal(gets(conn), 0);
	assert_int_equal(eater.bodies, 0);
	lab_pass(&lab, 10000);
	assert_int_equal(fake_h3_connected_cnt(), 1);
}

static void test_session_for_a_gone_call(void **state)
{
	struct h3_conn *conn = dial(2, true, true);

	(void)state;
	answer(fake_h3_open(conn, "CONNECT", 0), 404, NULL);
	lab_pass(&lab, 10000);
	assert_int_equal(gets(conn), 0);
	assert_int_equal(fake_h3_connected_cnt(), 1);
}

static void test_close(void **state)
{
	struct h3_conn *conn = dial(4, false, false);
	struct h3_stream *get = fake_h3_open(conn, "GET", 0);

	(void)state;
	assert_int_equal(send_text("x"), 0);
	byway_close(&byway, NULL);
	lab_run(&lab);
	assert_true(fake_h3_was_reset(get));
	assert_int_equal(gets(conn), 0);
	assert_int_equal(puts_open(conn), 1);		/* is let go */
	assert_int_equal(send_text("x"), ENOTCONN);
	answer(fake_h3_open(conn, "PUT", 0), 200, "acks");
	assert_int_equal(eater.bodies, 0);
}

static void test_close_session(void **state)
{
	struct h3_conn *conn = dial(4, true, true);
	struct h3_session *session = open_session(conn);

	(void)state;
	byway_close(&byway, NULL);
	lab_run(&lab);
	assert_true(fake_h3_session_closed(session));
	assert_int_equal(gets(conn), 0);
	assert_int_equal(send_text("x"), ENOTCONN);
}

static void test_close_before_ready(void **state)
{
	struct h3_conn *conn;

	(void)state;
	byway = lab_dial(&lab, 0, 4, true);
	lab_bind(&lab, 0, byway, &eater);
	conn = conn_at(0);
	byway_close(&byway, NULL);
	lab_run(&lab);
	fake_h3_ready(conn, true);
	lab_run(&lab);
	assert_int_equal(fake_h3_open_cnt(conn, NULL), 0);
}

static void test_peer_is_freed(void **state)
{
	struct h3_conn *conn = dial(4, true, true);

	(void)state;
	open_session(conn);
	exchange_peer_free(&lab.peer);
	lab_run(&lab);
	assert_int_equal(lab.kind, BYWAY_NONE);
	lab_pass(&lab, 10000);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	assert_int_equal(send_text("x"), 0);		/* waits in vain */
	lab_pass(&lab, 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
		T(test_twenty_gets),
		T(test_number_of_gets),
		T(test_late_204),
		T(test_empty_replies),
		T(test_early_204),
		T(test_early_204_in_turn),
		T(test_gets_fail),
		T(test_no_credit),
		T(test_put),
		T(test_put_is_not_answered),
		T(test_ring),
		T(test_reconnect),
		T(test_cannot_reconnect),
		T(test_goaway),
		T(test_fifty_calls),
		T(test_webtransport),
		T(test_early_chunks),
		T(test_not_announced),
		T(test_session_refused),
		T(test_session_waits_for_credit),
		T(test_session_not_answered),
		T(test_session_closes),
		T(test_session_lost_with_connection),
		T(test_call_is_gone),
		T(test_session_for_a_gone_call),
		T(test_close),
		T(test_close_session),
		T(test_close_before_ready),
		T(test_peer_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
