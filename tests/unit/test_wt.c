/* SPDX-License-Identifier: MIT */
/* WebTransport between two endpoints: sessions, datagrams, closing. */
#include "tests/unit/h3_pair.h"


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
	uint32_t no;

	side->got++;
	if (len < sizeof(no)) {
		side->bad++;
		return;
	}
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
	(void)err;
	(void)reason;
	((struct side *)arg)->conn = NULL;
}

static const struct h3_conn_handlers server_handlers = {
	.request = on_request,
};

static const struct h3_conn_handlers client_handlers = {
	.ready = on_conn_ready,
	.closed = on_conn_closed,
};

static void open_session(struct pair *pair, struct side *server,
			 struct side *client)
{
	pair_start(pair, &server_handlers, server);
	assert_int_equal(h3_connect(&client->conn, pair->client,
				    &pair->connect, &client_handlers, client),
			 0);
	assert_true(pair_until(pair, &client->ready, 1, 5000));
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
	struct side server = { .echo = true }, client = { 0 };
	const uint32_t all = 1000;
	uint8_t chunk[180];
	uint64_t sum = 0;

	open_session(pair, &server, &client);
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_echo, pair_setup, pair_teardown),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
