/* SPDX-License-Identifier: MIT */
/*
 * "Callbacks may call any function here": they do, at random, on both sides,
 * their own object's end included.  What is shown is what the sanitizers do
 * not say, and that each object is told of its end exactly once.
 */
#include "tests/unit/h3_pair.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/metric.h"

#define CONNS 60
#define STREAMS 12

static uint32_t seed;
static struct pair *pair;
static unsigned conns_opened, conns_closed, accepted_closed;
static unsigned streams_opened, streams_closed;
static unsigned sessions_opened, sessions_closed;
static struct list live_conns;

static unsigned draw(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* What a user keeps of each object; freed when it is told of the end. */
struct toy {
	struct le le;
	struct h3_conn *conn;
	struct h3_stream *stream;
	struct h3_session *session;
};

static const struct h3_stream_handlers stream_handlers;
static const struct h3_session_handlers session_handlers;

static void open_something(struct h3_conn *conn);

/* Something to do with a stream; it may be gone afterwards. */
static void play_stream(struct toy *toy)
{
	uint8_t body[3000] = { 0 };

	switch (draw(8)) {
	case 0:
		h3_stream_reset(toy->stream, 0x10c);
		return;
	case 1:
		h3_stream_stop_reading(toy->stream);
		return;
	case 2:
	case 3:
		h3_stream_write(toy->stream, body, draw(sizeof(body)), false);
		return;
	case 4:
		h3_stream_write(toy->stream, NULL, 0, true);
		return;
	case 5:
		if (draw(20) == 0)
			h3_conn_close(toy->conn);
		return;
	default:
		return;
	}
}

static void on_head(struct h3_stream *stream, const struct h3_head *head,
		    void *arg)
{
	(void)stream;
	(void)head;
	play_stream(arg);
}

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	(void)data;
	if (draw(4))
		h3_stream_consumed(stream, len);
	play_stream(arg);
}

static void on_end(struct h3_stream *stream, void *arg)
{
	struct toy *toy = arg;

	if (draw(3))
		h3_stream_write(stream, NULL, 0, true);
	else
		play_stream(toy);
}

static void on_stream_closed(struct h3_stream *stream, int err, void *arg)
{
	struct toy *toy = arg;
	struct h3_conn *conn = toy->conn;

	assert_ptr_equal(toy->stream, stream);
	streams_closed++;
	free(toy);
	if (err != ECONNABORTED && h3_conn_client(conn) && draw(2))
		open_something(conn);
	else if (draw(30) == 0)
		h3_conn_close(conn);
}

static const struct h3_stream_handlers stream_handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_stream_closed,
};

/* ---- sessions ---- */

static void play_session(struct toy *toy)
{
	uint8_t body[200] = { 0 };

	switch (draw(6)) {
	case 0:
		h3_session_close(toy->session);
		return;
	case 1:
		if (draw(20) == 0)
			h3_conn_close(toy->conn);
		return;
	default:
		for (unsigned i = draw(10); i; i--)
			h3_datagram_send(toy->session, body, draw(200));
	}
}

static void on_session_ready(struct h3_session *session, int status, void *arg)
{
	struct toy *toy = arg;

	(void)status;
	assert_ptr_equal(toy->session, session);
	play_session(toy);
}

static void on_datagram(struct h3_session *session, const uint8_t *data,
			size_t len, void *arg)
{
	(void)session;
	(void)data;
	(void)len;
	if (draw(3) == 0)
		play_session(arg);
}

static void on_session_closed(struct h3_session *session, int err, void *arg)
{
	struct toy *toy = arg;
	struct h3_conn *conn = toy->conn;

	(void)session;
	sessions_closed++;
	free(toy);
	if (err != ECONNABORTED && draw(30) == 0)
		h3_conn_close(conn);
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_datagram,
	.closed = on_session_closed,
};

/* ---- both roles ---- */

static struct toy *toy_new(struct h3_conn *conn)
{
	struct toy *toy = xzalloc(sizeof(*toy));

	toy->conn = conn;
	return toy;
}

static void open_something(struct h3_conn *conn)
{
	uint8_t body[3000] = { 0 };
	struct h3_head head = { .method = "PUT", .path = "/monkey" };
	struct toy *toy = toy_new(conn);
	int err;

	if (draw(3) == 0) {
		err = h3_session_open(&toy->session, conn, &head,
				      &session_handlers, toy);
		if (!err)
			sessions_opened++;
	} else {
		err = h3_request(&toy->stream, conn, &head, body,
				 draw(sizeof(body)), draw(2) == 0,
				 &stream_handlers, toy);
		if (!err)
			streams_opened++;
	}
	if (err)
		free(toy);
}

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	static const uint8_t body[5000];
	struct toy *toy;

	(void)arg;
	if (draw(10) == 0) {
		h3_reply(stream, 403, NULL, 0, body, draw(100), true);
		return;
	}
	if (draw(60) == 0) {
		h3_conn_close(conn);
		return;
	}
	toy = toy_new(conn);
	toy->stream = stream;
	if (head->protocol) {
		assert_int_equal(h3_session_accept(&toy->session, stream,
						   &session_handlers, toy), 0);
		sessions_opened++;
		play_session(toy);
		return;
	}
	streams_opened++;
	h3_stream_handle(stream, &stream_handlers, toy);
	h3_reply(stream, 200, NULL, 0, body, draw(sizeof(body)),
		 draw(3) == 0);
	if (draw(2))
		play_stream(toy);
}

static void on_accepted_closed(struct h3_conn *conn, int err,
			       const char *reason, void *arg)
{
	(void)conn;
	(void)err;
	(void)arg;
	assert_true(*reason != '\0');
	accepted_closed++;
}

static const struct h3_conn_handlers server_handlers = {
	.request = on_request,
	.closed = on_accepted_closed,
};

static void on_ready(struct h3_conn *conn, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < STREAMS; i++)
		open_something(conn);
	if (draw(20) == 0)
		h3_conn_close(conn);
}

static void on_closed(struct h3_conn *conn, int err, const char *reason,
		      void *arg)
{
	struct toy *toy = arg;

	(void)conn;
	(void)err;
	assert_true(*reason != '\0');
	conns_closed++;
	list_unlink(&toy->le);
	free(toy);
}

static const struct h3_conn_handlers client_handlers = {
	.ready = on_ready,
	.closed = on_closed,
};

static void dial(void)
{
	struct toy *toy = toy_new(NULL);

	assert_int_equal(h3_connect(&toy->conn, pair->client, &pair->connect,
				    &client_handlers, toy), 0);
	list_append(&live_conns, &toy->le);
	conns_opened++;
}

static void run(void **state, uint32_t with_seed)
{
	struct toy *toy;

	pair = *state;
	seed = with_seed;
	conns_opened = conns_closed = accepted_closed = 0;
	streams_opened = streams_closed = 0;
	sessions_opened = sessions_closed = 0;
	memset(&live_conns, 0, sizeof(live_conns));
	pair->config.handshakes_per_s = 30;	/* a Retry now and then */
	pair->config.idle_ms = 2000;
	pair_start(pair, &server_handlers, NULL);
	for (unsigned i = 0; i < CONNS; i++) {
		dial();
		pair_run(pair, draw(4));
		if (draw(8) == 0 && live_conns.head) {
			toy = list_entry(live_conns.head, struct toy, le);
			h3_conn_close(toy->conn);
		}
	}
	pair_run(pair, 100);
	if (draw(2))
		h3_endpoint_drain(pair->server);
	pair_run(pair, 50);
	h3_endpoint_free(&pair->client);
	assert_int_equal(conns_closed, conns_opened);
	assert_true(list_empty(&live_conns));
	if (draw(2))
		pair_run(pair, 20);
	h3_endpoint_free(&pair->server);
	assert_int_equal(streams_closed, streams_opened);
	assert_int_equal(sessions_closed, sessions_opened);
	assert_true(accepted_closed > 0);
	assert_true(streams_opened > CONNS);
	assert_true(sessions_opened > CONNS / 2);
	assert_int_equal(metric_gauge_value(metric_gauge("quic_connections",
							 NULL, "x")), 0);
	assert_int_equal(metric_gauge_value(metric_gauge("h3_sessions", NULL,
							 "x")), 0);
	/* What was freed late goes with the loop's next turn. */
	pair_run(pair, 1);
}

static uint32_t first_seed = 1;

static void test_monkey(void **state)
{
	run(state, first_seed++);
}

#define MONKEY \
	cmocka_unit_test_setup_teardown(test_monkey, pair_setup, pair_teardown)

static const struct CMUnitTest tests[] = { MONKEY, MONKEY, MONKEY };

/* With a number: other seeds. */
int main(int argc, char **argv)
{
	if (argc > 1)
		first_seed = (uint32_t)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
