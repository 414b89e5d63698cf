/* SPDX-License-Identifier: MIT */
/* HTTP/3 and WebTransport over bad roads. */
#include "tests/unit/h3_pair.h"

#include "ript/h3_int.h"
#include "tests/sim/lossy.h"

#define SESSIONS 40		/* calls on one connection */
#define CHUNK 172		/* PCMU, 20 ms, with its chunk header */

struct end {
	struct h3_session *session[SESSIONS];
	unsigned ready, closed, sessions, got, heads, ends;
	size_t body;
	int err;
	char reason[200];
	struct h3_conn *conn;
	/* One-way times in ms, by the sender's clock: it is ours. */
	unsigned late[400];
};

/* Longer alive than the endpoints, whatever a test does. */
static struct end server, client;
static struct lossy *road;

static void on_datagram(struct h3_session *session, const uint8_t *data,
			size_t len, void *arg)
{
	struct end *end = arg;
	uint64_t sent, ms;

	(void)session;
	assert_int_equal(len, CHUNK);
	memcpy(&sent, data, sizeof(sent));
	ms = (clock_mono_ns() - sent) / NS_PER_MS;
	end->late[ms < COUNT(end->late) ? ms : COUNT(end->late) - 1]++;
	end->got++;
}

static void on_session_ready(struct h3_session *session, int status, void *arg)
{
	(void)session;
	assert_int_equal(status, 0);
	((struct end *)arg)->ready++;
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_datagram,
};

/* Echo of a body. */
static void on_body(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	(void)arg;
	assert_int_equal(h3_stream_write(stream, data, len, false), 0);
	h3_stream_consumed(stream, len);
}

static void on_body_end(struct h3_stream *stream, void *arg)
{
	(void)arg;
	assert_int_equal(h3_stream_write(stream, NULL, 0, true), 0);
}

static const struct h3_stream_handlers echo_handlers = {
	.data = on_body,
	.end = on_body_end,
};

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	struct end *end = arg;

	end->conn = conn;
	if (head->protocol) {
		assert_true(end->sessions < SESSIONS);
		assert_int_equal(h3_session_accept(
					 &end->session[end->sessions++],
					 stream, &session_handlers, end), 0);
		return;
	}
	h3_stream_handle(stream, &echo_handlers, end);
	h3_reply(stream, 200, NULL, 0, NULL, 0, false);
}

static void on_closed(struct h3_conn *conn, int err, const char *reason,
		      void *arg)
{
	struct end *end = arg;

	(void)conn;
	end->closed++;
	end->err = err;
	snprintf(end->reason, sizeof(end->reason), "%s", reason);
}

static const struct h3_conn_handlers server_handlers = {
	.request = on_request,
	.closed = on_closed,
};

static void on_ready(struct h3_conn *conn, void *arg)
{
	struct end *end = arg;

	end->conn = conn;
	end->ready++;
}

static const struct h3_conn_handlers client_handlers = {
	.ready = on_ready,
	.closed = on_closed,
};

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct end *end = arg;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], (uint8_t)((end->body + i) * 7));
	end->body += len;
	h3_stream_consumed(stream, len);
}

static void on_end(struct h3_stream *stream, void *arg)
{
	(void)stream;
	((struct end *)arg)->ends++;
}

static const struct h3_stream_handlers client_stream = {
	.data = on_data,
	.end = on_end,
};

static int setup(void **state)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	return pair_setup(state);
}

static int teardown(void **state)
{
	lossy_free(&road);
	return pair_teardown(state);
}

static void connect_over(struct pair *pair, const struct lossy_road *params)
{
	pair_start(pair, &server_handlers, &server);
	road = lossy_new(pair->loop, &pair->at, params, &pair->connect.to);
	assert_int_equal(h3_connect(&client.conn, pair->client,
				    &pair->connect, &client_handlers,
				    &client), 0);
	if (!pair_until(pair, &client.ready, 1, 10000))
		fail_msg("not ready: %s", client.reason);
}

/* ---- everything goes wrong, and every octet arrives ---- */

static void test_body(void **state)
{
	static const struct lossy_road params = {
		.delay_ms = 2, .jitter_ms = 4, .loss_permille = 30,
		.twice_permille = 20, .broken_permille = 20, .seed = 7,
	};
	struct h3_head head = { .method = "PUT", .path = "/" };
	struct pair *pair = *state;
	struct h3_stream *stream;
	const size_t all = 400000;
	uint8_t part[4000];
	size_t sent = 0;

	connect_over(pair, &params);
	assert_int_equal(h3_request(&stream, client.conn, &head, NULL, 0,
				    false, &client_stream, &client), 0);
	while (sent < all) {
		for (size_t i = 0; i < sizeof(part); i++)
			part[i] = (uint8_t)((sent + i) * 7);
		if (h3_stream_write(stream, part, sizeof(part),
				    sent + sizeof(part) == all) == 0)
			sent += sizeof(part);
		else
			pair_run(pair, 2);
	}
	assert_true(pair_until(pair, &client.ends, 1, 20000));
	assert_int_equal(client.body, all);
	assert_int_equal(client.closed, 0);
	assert_true(lossy_lost(road) > 0);
}

/* ---- voice ---- */

struct ticker {
	struct pair *pair;
	struct timer timer;
	uint64_t next_ns;
	unsigned round;
	unsigned sent;
};

/* A fourth of the calls each 5 ms: 50 chunks a second of each. */
static void on_tick(void *arg)
{
	struct ticker *t = arg;
	uint8_t chunk[CHUNK] = { 0 };
	uint64_t now = clock_mono_ns();

	memcpy(chunk, &now, sizeof(now));
	while (t->next_ns <= now) {
		for (unsigned i = t->round % 4; i < SESSIONS; i += 4) {
			h3_datagram_send(client.session[i], chunk, CHUNK);
			h3_datagram_send(server.session[i], chunk, CHUNK);
			t->sent++;
		}
		t->round++;
		t->next_ns += 5 * NS_PER_MS;
	}
	timer_start_at(&t->timer, t->pair->loop, t->next_ns, on_tick, t);
}

/* Permille of @all that came within @ms. */
static unsigned within(const struct end *end, unsigned ms, unsigned all)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i <= ms; i++)
		cnt += end->late[i];
	return cnt * 1000 / all;
}

static void test_voice(void **state)
{
	static const struct lossy_road good = { .delay_ms = 20, .seed = 3 };
	static const struct lossy_road bad = {
		.delay_ms = 20, .loss_permille = 20, .seed = 3,
	};
	struct pair *pair = *state;
	struct ticker ticker = { .pair = pair };
	struct h3_head head = { .path = "/" };
	unsigned there = 0, back = 0;

	connect_over(pair, &good);
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_int_equal(h3_session_open(&client.session[i],
						 client.conn, &head,
						 &session_handlers, &client),
				 0);
	assert_true(pair_until(pair, &client.ready, SESSIONS + 1, 5000));

	ticker.next_ns = clock_mono_ns();
	on_tick(&ticker);
	pair_run(pair, 700);		/* the start is another's subject */
	lossy_set(road, &bad);
	/* 2 % are lost on the road; congestion control may not take as much
	 * again.  In one of three runs: the machine may be busy. */
	for (int run = 0; run < 3 && there + back < 2 * 940; run++) {
		memset(client.late, 0, sizeof(client.late));
		memset(server.late, 0, sizeof(server.late));
		ticker.sent = 0;
		pair_run(pair, 2000);
		there = within(&server, 120, ticker.sent);
		back = within(&client, 120, ticker.sent);
		print_message("    of 1000 within 120 ms: %u there, %u "
			      "back\n", there, back);
	}
	assert_true(there + back >= 2 * 940);
	timer_stop(&ticker.timer);
	assert_int_equal(client.closed, 0);
	h3_endpoint_free(&pair->client);
	h3_endpoint_free(&pair->server);
}

#define LOSSY_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	LOSSY_TEST(test_body),
	LOSSY_TEST(test_voice),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
