/* SPDX-License-Identifier: MIT */
/* WebTransport between two endpoints: sessions, datagrams, closing. */
#include "tests/unit/h3_pair.h"

#include <sys/socket.h>

#include "ript/h3_int.h"


struct side {
	struct h3_session *session;
	unsigned requests, ready, got, closed;
	int status, err;
	uint64_t sum;
	size_t bad;
	bool echo;
	int answer;		/* server: other than 0 refuses */
	struct h3_conn *conn;
};

static void on_datagram(struct h3_session *session, const uint8_t *data,
			size_t len, void *arg)
{
	struct side *side = arg;
	uint32_t no = 0;

	side->got++;
	if (len >= sizeof(no))
		memcpy(&no, data, sizeof(no));
	side->sum += no;
	for (size_t i = sizeof(no); i < len; i++)
		if (data[i] != (uint8_t)(no + i))
			side->bad++;
	if (side->echo)
		h3_datagram_send(session, data, len);
}

static void on_session_ready(struct h3_session *session, int status, void *arg)
{
	struct side *side = arg;

	(void)session;
	side->ready++;
	side->status = status;
}

static void on_session_closed(struct h3_session *session, int err, void *arg)
{
	struct side *side = arg;

	(void)session;
	side->closed++;
	side->err = err;
	side->session = NULL;
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_datagram,
	.closed = on_session_closed,
};

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	struct side *side = arg;

	(void)conn;
	side->requests++;
	assert_string_equal(head->method, "CONNECT");
	assert_string_equal(head->protocol, "webtransport");
	assert_false(head->fin);
	if (side->answer)
		h3_reply(stream, side->answer, NULL, 0, NULL, 0, true);
	else
		assert_int_equal(h3_session_accept(&side->session, stream,
						   &session_handlers, side),
				 0);
}

static void on_conn_ready(struct h3_conn *conn, void *arg)
{
	struct side *side = arg;
	struct h3_head head = { .path = "/media" };

	assert_true(h3_conn_webtransport(conn));
	assert_int_equal(h3_session_open(&side->session, conn, &head,
					 &session_handlers, side), 0);
}

static void on_conn_closed(struct h3_conn *conn, int err, const char *reason,
			   void *arg)
{
	(void)conn;
	if (err)
		print_message("    closed: %s\n", reason);
	((struct side *)arg)->conn = NULL;
}

static const struct h3_conn_handlers server_handlers = {
	.request = on_request,
};

static const struct h3_conn_handlers client_handlers = {
	.ready = on_conn_ready,
	.closed = on_conn_closed,
};

/* Longer alive than the endpoints, whatever a test does. */
static struct side server, client;

static int setup(void **state)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	return pair_setup(state);
}

static void open_session(struct pair *pair)
{
	pair_start(pair, &server_handlers, &server);
	assert_int_equal(h3_connect(&client.conn, pair->client, &pair->connect,
				    &client_handlers, &client), 0);
	assert_true(pair_until(pair, &client.ready, 1, 5000));
}

static void chunk_make(uint8_t *out, size_t len, uint32_t no)
{
	memcpy(out, &no, sizeof(no));
	for (size_t i = sizeof(no); i < len; i++)
		out[i] = (uint8_t)(no + i);
}

/* ---- tests ---- */

static void test_echo(void **state)
{
	struct pair *pair = *state;
	const uint32_t all = 1000;
	uint8_t chunk[180];
	uint64_t sum = 0;

	server.echo = true;
	open_session(pair);
	assert_int_equal(client.status, 0);
	for (uint32_t no = 0; no < all; no++) {
		chunk_make(chunk, 160 + no % 20, no);
		assert_int_equal(h3_datagram_send(client.session, chunk,
						  160 + no % 20), 0);
		sum += no;
		if (no % 50 == 49)
			assert_true(pair_until(pair, &client.got, no + 1,
					       2000));
	}
	assert_int_equal(server.got, all);
	assert_int_equal(server.sum, sum);
	assert_int_equal(server.bad, 0);
	assert_int_equal(client.sum, sum);
	assert_int_equal(client.bad, 0);
	assert_int_equal(h3_datagram_dropped(client.session), 0);
	assert_int_equal(h3_datagram_dropped(server.session), 0);
}

/* What fits goes through, one octet more is refused; both ways. */
static void test_size(void **state)
{
	struct pair *pair = *state;
	uint8_t chunk[65536];
	size_t room;

	server.echo = true;
	open_session(pair);
	room = h3_datagram_room(client.session);
	assert_in_range(room, 1130, 1452);
	chunk_make(chunk, sizeof(chunk), 7);
	assert_int_equal(h3_datagram_send(client.session, chunk, room), 0);
	assert_true(pair_until(pair, &client.got, 1, 2000));
	assert_int_equal(client.bad, 0);

	/* The path is found to take more, and then so do we. */
	for (int i = 0; i < 100 && h3_datagram_room(client.session) < 1370;
	     i++)
		pair_run(pair, 10);
	assert_in_range(h3_datagram_room(client.session), 1370, 1452);
	room = h3_datagram_room(client.session);
	assert_int_equal(h3_datagram_send(client.session, chunk, room + 1),
			 EMSGSIZE);
	assert_int_equal(h3_datagram_send(client.session, chunk,
					  sizeof(chunk)), EMSGSIZE);
	assert_int_equal(h3_datagram_send(client.session, chunk, room), 0);
	assert_true(pair_until(pair, &client.got, 2, 2000));
	assert_int_equal(h3_datagram_send(client.session, "", 0), 0);
	assert_true(pair_until(pair, &client.got, 3, 2000));
}

/* Faster than anything leaves: the oldest go, and are counted. */
static void test_overflow(void **state)
{
	struct pair *pair = *state;
	const uint32_t all = 2000;
	uint8_t chunk[180];
	uint64_t dropped, counted;

	open_session(pair);
	counted = pair_counter("h3_datagrams_dropped_total",
			       "reason=\"queue-full\"");
	for (uint32_t no = 0; no < all; no++) {
		chunk_make(chunk, sizeof(chunk), no);
		assert_int_equal(h3_datagram_send(client.session, chunk,
						  sizeof(chunk)), 0);
	}
	dropped = h3_datagram_dropped(client.session);
	assert_in_range(dropped, all - 200, all - 100);
	assert_int_equal(pair_counter("h3_datagrams_dropped_total",
				      "reason=\"queue-full\"") - counted,
			 dropped);
	for (int i = 0; i < 1000 && server.got +
			h3_datagram_dropped(client.session) < all; i++)
		pair_run(pair, 2);
	assert_int_equal(server.got + h3_datagram_dropped(client.session),
			 all);
	assert_int_equal(server.bad, 0);
	/* The newest are those that arrived; on a busy machine some of them
	 * may have become too old. */
	if (h3_datagram_dropped(client.session) == dropped)
		assert_int_equal(server.sum, (uint64_t)(all - dropped) *
						     (dropped + all - 1) / 2);
}

static void test_refused(void **state)
{
	struct pair *pair = *state;

	server.answer = 404;
	open_session(pair);
	assert_int_equal(client.status, 404);
	assert_int_equal(client.closed, 1);
	assert_int_equal(client.err, 0);
	assert_null(client.session);
	assert_non_null(client.conn);
}

static void test_client_closes(void **state)
{
	struct pair *pair = *state;

	open_session(pair);
	h3_session_close(client.session);
	assert_int_equal(client.closed, 1);
	assert_int_equal(client.err, 0);
	assert_true(pair_until(pair, &server.closed, 1, 2000));
	assert_int_equal(server.err, 0);
	pair_run(pair, 50);
	assert_non_null(client.conn);
	/* The stream went with it: the client may open as many again. */
	assert_int_equal(ngtcp2_conn_get_streams_bidi_left(
				 quic_conn_native(client.conn->quic)), 4096);
}

static void test_server_closes(void **state)
{
	struct pair *pair = *state;

	open_session(pair);
	h3_session_close(server.session);
	assert_int_equal(server.closed, 1);
	assert_true(pair_until(pair, &client.closed, 1, 2000));
	assert_int_equal(client.err, 0);
	assert_non_null(client.conn);
}

static void test_no_session(void **state)
{
	static const uint8_t other[] = { 0x10, 'x' };
	struct pair *pair = *state;
	uint64_t lost;

	open_session(pair);
	lost = pair_counter("h3_datagrams_dropped_total",
			    "reason=\"no-session\"");
	assert_int_equal(h3_session_datagram_in(client.conn, other,
						sizeof(other)), 0);
	assert_int_equal(client.got, 0);
	assert_int_equal(pair_counter("h3_datagrams_dropped_total",
				      "reason=\"no-session\""), lost + 1);
}

static void test_connection_goes(void **state)
{
	struct pair *pair = *state;

	open_session(pair);
	h3_conn_close(client.conn);
	assert_int_equal(client.closed, 1);
	assert_int_equal(client.err, ECONNABORTED);
	assert_true(pair_until(pair, &server.closed, 1, 2000));
	assert_int_equal(server.err, ECONNABORTED);
}

/* ---- many sessions on one connection ---- */

#define SESSIONS 100

struct many {
	struct side server[SESSIONS], client[SESSIONS];
	unsigned opened, accepted;
	struct h3_conn *conn;
};

static void on_many_request(struct h3_conn *conn, struct h3_stream *stream,
			    const struct h3_head *head, void *arg)
{
	struct many *many = arg;
	struct side *side = &many->server[atoi(head->path + 1)];

	(void)conn;
	side->echo = true;
	many->accepted++;
	assert_int_equal(h3_session_accept(&side->session, stream,
					   &session_handlers, side), 0);
}

static void on_many_ready(struct h3_conn *conn, void *arg)
{
	struct many *many = arg;
	char path[16];
	struct h3_head head = { .path = path };

	for (unsigned i = 0; i < SESSIONS; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		assert_int_equal(h3_session_open(&many->client[i].session,
						 conn, &head,
						 &session_handlers,
						 &many->client[i]), 0);
	}
	many->opened++;
}

static const struct h3_conn_handlers many_server = {
	.request = on_many_request,
};

static const struct h3_conn_handlers many_client = {
	.ready = on_many_ready,
};

static void test_many_sessions(void **state)
{
	struct pair *pair = *state;
	struct many *many = calloc(1, sizeof(*many));
	uint8_t chunk[172];

	pair_start(pair, &many_server, many);
	assert_int_equal(h3_connect(&many->conn, pair->client, &pair->connect,
				    &many_client, many), 0);
	assert_true(pair_until(pair, &many->client[SESSIONS - 1].ready, 1,
			       5000));
	for (uint32_t round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < SESSIONS; i++) {
			chunk_make(chunk, sizeof(chunk), i);
			assert_int_equal(
				h3_datagram_send(many->client[i].session,
						 chunk, sizeof(chunk)), 0);
		}
		for (unsigned i = 0; i < SESSIONS; i++)
			assert_true(pair_until(pair, &many->client[i].got,
					       round + 1, 2000));
	}
	/* Each got its own and only that. */
	for (uint32_t i = 0; i < SESSIONS; i++) {
		assert_int_equal(many->client[i].sum, i * 10);
		assert_int_equal(many->server[i].sum, i * 10);
		assert_int_equal(many->client[i].bad, 0);
	}
	h3_endpoint_free(&pair->client);
	h3_endpoint_free(&pair->server);
	free(many);
}

/* ---- streams of WebTransport that the peer opens ---- */

/* Octets on a stream of our own choice, past nghttp3. */
static void raw_stream(struct pair *pair, struct h3_conn *conn, bool bidi,
		       const uint8_t *data, size_t len)
{
	ngtcp2_conn *ng = quic_conn_native(conn->quic);
	ngtcp2_path_storage ps;
	ngtcp2_pkt_info pi;
	ngtcp2_ssize n, taken;
	uint8_t buf[1452];
	int64_t id;

	if (bidi)
		assert_int_equal(ngtcp2_conn_open_bidi_stream(ng, &id, NULL),
				 0);
	else
		assert_int_equal(ngtcp2_conn_open_uni_stream(ng, &id, NULL),
				 0);
	ngtcp2_path_storage_zero(&ps);
	while ((n = ngtcp2_conn_write_stream(
			ng, &ps.path, &pi, buf, sizeof(buf), &taken,
			NGTCP2_WRITE_STREAM_FLAG_FIN, id, data, len,
			quic_conn_now_ns(conn->quic))) == 0)
		pair_run(pair, 1);	/* paced */
	assert_true(n > 0);
	assert_int_equal(taken, len);
	/* Its socket is the one whose peer is the server. */
	for (int fd = 3; fd < 100; fd++) {
		struct addr peer = { .len = sizeof(peer.ss) };

		if (getpeername(fd, (struct sockaddr *)&peer.ss, &peer.len) ==
			    0 &&
		    addr_equal(&peer, quic_conn_peer(conn->quic)))
			assert_int_equal(send(fd, buf, (size_t)n, 0), n);
	}
	quic_conn_touch(conn->quic);
}

static void test_peer_streams(void **state)
{
	static const uint8_t bidi[] = { 0x40, 0x41, 0x00, 'd', 'a', 't', 'a' };
	static const uint8_t uni[] = { 0x40, 0x54, 0x00, 'd', 'a', 't', 'a' };
	static const uint8_t half[] = { 0x40 };
	struct pair *pair = *state;

	server.echo = true;
	open_session(pair);
	for (int i = 0; i < 100; i++) {
		/* More than the windows allow at once: they are given back. */
		raw_stream(pair, client.conn, true, bidi, sizeof(bidi));
		raw_stream(pair, client.conn, false, uni, sizeof(uni));
		pair_run(pair, 2);
	}
	raw_stream(pair, client.conn, false, half, sizeof(half));
	assert_int_equal(h3_datagram_send(client.session, "still there", 11),
			 0);
	assert_non_null(client.conn);
	assert_true(pair_until(pair, &client.got, 1, 2000));
	assert_int_equal(server.requests, 1);
	assert_int_equal(client.closed, 0);
}

#define PAIR_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, setup, pair_teardown)

static const struct CMUnitTest tests[] = {
	PAIR_TEST(test_echo),
	PAIR_TEST(test_size),
	PAIR_TEST(test_overflow),
	PAIR_TEST(test_refused),
	PAIR_TEST(test_client_closes),
	PAIR_TEST(test_server_closes),
	PAIR_TEST(test_no_session),
	PAIR_TEST(test_connection_goes),
	PAIR_TEST(test_many_sessions),
	PAIR_TEST(test_peer_streams),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
