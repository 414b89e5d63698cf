/* SPDX-License-Identifier: MIT */
/* HTTP/3 between two endpoints: requests, replies, bodies, refusals. */
#include "tests/unit/h3_pair.h"

#include "base/mem.h"
#include "ript/h3_int.h"
#include "ript/quic_int.h"

/* ---- a server that does what the path says ---- */

#define BIG (1024 * 1024)

struct serving {
	struct h3_stream *stream;
	struct server *server;
	char path[32];
	size_t got, written, size;
	bool hold;		/* consume nothing */
	struct serving *next;
};

struct server {
	unsigned requests, ends, closed, conn_closed;
	int last_err, conn_err;
	size_t got;
	char conn_reason[200];
	struct h3_conn *conn;
	struct serving *streams;	/* all, freed at the end */
	struct serving *last;
};

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 31 + at / 251);
}

static void pump(struct serving *s)
{
	uint8_t part[8192];
	size_t len;

	while (s->written < s->size) {
		len = s->size - s->written < sizeof(part)
			      ? s->size - s->written
			      : sizeof(part);
		for (size_t i = 0; i < len; i++)
			part[i] = pattern(s->written + i);
		if (h3_stream_write(s->stream, part, len,
				    s->written + len == s->size) != 0)
			return;
		s->written += len;
	}
}

static void on_server_data(struct h3_stream *stream, const uint8_t *data,
			   size_t len, void *arg)
{
	struct serving *s = arg;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], pattern(s->got + i));
	s->got += len;
	s->server->got += len;
	if (strcmp(s->path, "/echo") == 0)
		assert_int_equal(h3_stream_write(stream, data, len, false), 0);
	if (!s->hold)
		h3_stream_consumed(stream, len);
}

static void on_server_end(struct h3_stream *stream, void *arg)
{
	struct serving *s = arg;

	s->server->ends++;
	if (strcmp(s->path, "/echo") == 0)
		h3_stream_write(stream, NULL, 0, true);
	else if (strcmp(s->path, "/sink") == 0)
		h3_reply(stream, 204, NULL, 0, NULL, 0, true);
}

static void on_server_closed(struct h3_stream *stream, int err, void *arg)
{
	struct serving *s = arg;

	(void)stream;
	s->stream = NULL;
	s->server->closed++;
	s->server->last_err = err;
}

static const struct h3_stream_handlers serving_handlers = {
	.data = on_server_data,
	.end = on_server_end,
	.closed = on_server_closed,
};

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	static const struct h3_field fields[] = {
		{ "content-type", "text/plain" },
		{ "x-long", "0123456789012345678901234567890123456789" },
	};
	struct server *server = arg;
	struct serving *s;

	server->requests++;
	server->conn = conn;
	assert_string_equal(head->scheme, "https");
	assert_string_equal(head->authority, PAIR_HOST);
	if (strcmp(head->path, "/now") == 0) {
		assert_string_equal(head->method, "GET");
		assert_string_equal(h3_field(head, "x-test"), "yes");
		assert_null(h3_field(head, "x-absent"));
		assert_false(head->early);
		h3_reply(stream, 200, fields, 2, "hello", 5, true);
		return;
	}
	s = xzalloc(sizeof(*s));
	s->server = server;
	s->stream = stream;
	s->next = server->streams;
	server->streams = server->last = s;
	snprintf(s->path, sizeof(s->path), "%s", head->path);
	h3_stream_handle(stream, &serving_handlers, s);
	if (strcmp(head->path, "/echo") == 0) {
		h3_reply(stream, 200, fields, 1, NULL, 0, false);
	} else if (strcmp(head->path, "/big") == 0) {
		s->size = BIG;
		h3_reply(stream, 200, NULL, 0, NULL, 0, false);
		pump(s);
	} else if (strcmp(head->path, "/hold") == 0) {
		s->hold = true;
		h3_reply(stream, 200, NULL, 0, NULL, 0, false);
	} else if (strcmp(head->path, "/early") == 0) {
		h3_reply(stream, 413, NULL, 0, "no", 2, true);
		h3_stream_stop_reading(stream);
	} else if (strcmp(head->path, "/reset") == 0) {
		h3_stream_reset(stream, 0x10c);
	}
}

static void on_server_conn_closed(struct h3_conn *conn, int err,
				  const char *reason, void *arg)
{
	struct server *server = arg;

	(void)conn;
	server->conn_closed++;
	server->conn_err = err;
	snprintf(server->conn_reason, sizeof(server->conn_reason), "%s",
		 reason);
}

static const struct h3_conn_handlers server_handlers = {
	.request = on_request,
	.closed = on_server_conn_closed,
};

static void server_clean(struct server *server)
{
	struct serving *s, *next;

	for (s = server->streams; s; s = next) {
		next = s->next;
		free(s);
	}
	server->streams = NULL;
}

/* ---- a client that counts ---- */

struct client {
	struct pair *pair;
	struct h3_conn *conn;
	unsigned ready, conn_closed;
	int conn_err;
	char reason[200];
	unsigned heads, ends, closed;
	int status, last_err;
	size_t got;
	bool hold;
	char field[64];
};

static void on_ready(struct h3_conn *conn, void *arg)
{
	struct client *c = arg;

	assert_ptr_equal(conn, c->conn);
	c->ready++;
}

static void on_conn_closed(struct h3_conn *conn, int err, const char *reason,
			   void *arg)
{
	struct client *c = arg;

	(void)conn;
	c->conn_closed++;
	c->conn_err = err;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	c->conn = NULL;
}

static const struct h3_conn_handlers client_handlers = {
	.ready = on_ready,
	.closed = on_conn_closed,
};

static void on_head(struct h3_stream *stream, const struct h3_head *head,
		    void *arg)
{
	struct client *c = arg;

	(void)stream;
	c->heads++;
	c->status = head->status;
	if (h3_field(head, "content-type"))
		snprintf(c->field, sizeof(c->field), "%s",
			 h3_field(head, "content-type"));
}

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct client *c = arg;

	if (c->status == 200 && !*c->field)
		for (size_t i = 0; i < len; i++)
			assert_int_equal(data[i], pattern(c->got + i));
	c->got += len;
	if (!c->hold)
		h3_stream_consumed(stream, len);
}

static void on_end(struct h3_stream *stream, void *arg)
{
	struct client *c = arg;

	(void)stream;
	c->ends++;
}

static void on_closed(struct h3_stream *stream, int err, void *arg)
{
	struct client *c = arg;

	(void)stream;
	c->closed++;
	c->last_err = err;
}

static const struct h3_stream_handlers stream_handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

static void client_open(struct client *c, struct pair *pair)
{
	memset(c, 0, sizeof(*c));
	c->pair = pair;
	assert_int_equal(h3_connect(&c->conn, pair->client, &pair->connect,
				    &client_handlers, c), 0);
	if (!pair_until(pair, &c->ready, 1, 5000))
		fail_msg("not ready: %s", c->reason);
}

static struct h3_stream *client_send(struct client *c, const char *method,
				     const char *path, const void *body,
				     size_t len, bool fin)
{
	static const struct h3_field fields[] = { { "x-test", "yes" } };
	struct h3_head head = {
		.method = method, .path = path, .field = fields,
		.field_cnt = 1,
	};
	struct h3_stream *stream = NULL;

	assert_int_equal(h3_request(&stream, c->conn, &head, body, len, fin,
				    &stream_handlers, c), 0);
	return stream;
}

/* Longer alive than the endpoints, whatever a test does. */
static struct server server;
static struct client c, other, idle, late;

static int setup(void **state)
{
	memset(&server, 0, sizeof(server));
	memset(&late, 0, sizeof(late));
	return pair_setup(state);
}

static int teardown(void **state)
{
	int res = pair_teardown(state);

	server_clean(&server);
	return res;
}

/* ---- tests ---- */

static void test_get(void **state)
{
	struct pair *pair = *state;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	assert_true(h3_conn_client(c.conn));
	assert_true(h3_conn_webtransport(c.conn));
	assert_true(addr_equal(h3_conn_peer(c.conn), &pair->at));
	assert_true(h3_conn_streams_left(c.conn) > 100);

	client_send(&c, "GET", "/now", NULL, 0, true);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.status, 200);
	assert_int_equal(c.got, 5);
	assert_int_equal(c.ends, 1);
	assert_int_equal(c.last_err, 0);
	assert_string_equal(c.field, "text/plain");
}

static void test_post(void **state)
{
	struct pair *pair = *state;
	uint8_t body[3000];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = pattern(i);
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	client_send(&c, "POST", "/sink", body, sizeof(body), true);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.status, 204);
	assert_int_equal(server.got, sizeof(body));
	assert_int_equal(server.ends, 1);
	assert_true(pair_until(pair, &server.closed, 1, 2000));
	assert_int_equal(server.last_err, 0);
}

/* A body in both directions at once, written in pieces. */
static void test_streaming(void **state)
{
	struct pair *pair = *state;
	struct h3_stream *stream;
	uint8_t part[1000];
	size_t sent = 0;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	stream = client_send(&c, "PUT", "/echo", NULL, 0, false);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	assert_int_equal(c.status, 200);
	*c.field = '\0';	/* compare with the pattern */
	while (sent < 300 * sizeof(part)) {
		for (size_t i = 0; i < sizeof(part); i++)
			part[i] = pattern(sent + i);
		if (h3_stream_write(stream, part, sizeof(part), false) == 0)
			sent += sizeof(part);
		else
			pair_run(pair, 1);
	}
	assert_int_equal(h3_stream_write(stream, NULL, 0, true), 0);
	assert_true(pair_until(pair, &c.closed, 1, 5000));
	assert_int_equal(c.got, sent);
	assert_int_equal(server.got, sent);
	assert_int_equal(c.last_err, 0);
}

/* A socket that cannot segment (here: for want of a checksum) gets its packets
 * one by one. */
static void test_no_segmentation(void **state)
{
	struct pair *pair = *state;
	uint64_t before = pair_counter("quic_dropped_total",
				       "reason=\"send-error\"");
	int on = 1;

	assert_int_equal(setsockopt(pair->fd, SOL_SOCKET, SO_NO_CHECK, &on,
				    sizeof(on)), 0);
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	client_send(&c, "GET", "/big", NULL, 0, true);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	for (int i = 0; i < 2000 && !c.closed; i++) {
		if (server.last->stream)
			pump(server.last);
		pair_run(pair, 1);
	}
	assert_int_equal(c.got, BIG);
	assert_int_equal(c.last_err, 0);
	assert_false(pair->server->quic->listen->gso);
	assert_int_equal(pair_counter("quic_dropped_total",
				      "reason=\"send-error\""), before);
}

/* The client does not read: the server's body stops at the window and goes on
 * when it reads; a second stream is not held up. */
static void test_back_pressure_reply(void **state)
{
	struct pair *pair = *state;
	struct h3_stream *stream;
	size_t seen;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	c.hold = true;
	stream = client_send(&c, "GET", "/big", NULL, 0, true);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	for (int i = 0; i < 20; i++) {
		pump(server.last);
		pair_run(pair, 5);
	}
	assert_in_range(c.got, 100000, 131072);
	/* Window, and what waits on the server's side. */
	assert_in_range(server.last->written, 131072, 131072 + 300000);
	seen = c.got;

	other = c;
	other.hold = false;
	other.got = other.closed = 0;
	assert_non_null(stream);
	{
		struct h3_head head = { .method = "POST", .path = "/sink" };
		struct h3_stream *second;

		assert_int_equal(h3_request(&second, c.conn, &head, "", 0,
					    true, &stream_handlers, &other),
				 0);
		assert_true(pair_until(pair, &other.closed, 1, 2000));
		assert_int_equal(other.status, 204);
	}
	assert_int_equal(c.got, seen);

	c.hold = false;
	h3_stream_consumed(stream, seen);
	for (int i = 0; i < 2000 && !c.closed; i++) {
		struct serving *s = server.streams;

		while (s && strcmp(s->path, "/big") != 0)
			s = s->next;
		if (s && s->stream)
			pump(s);
		pair_run(pair, 1);
	}
	assert_int_equal(c.got, BIG);
	assert_int_equal(c.closed, 1);
	assert_int_equal(c.last_err, 0);
}

/* The server does not read: the client's writes meet ENOBUFS. */
static void test_back_pressure_request(void **state)
{
	struct pair *pair = *state;
	struct h3_stream *stream;
	uint8_t part[8192];
	size_t sent = 0;
	int err = 0;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	stream = client_send(&c, "PUT", "/hold", NULL, 0, false);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	for (int i = 0; i < 200; i++) {
		for (size_t n = 0; n < sizeof(part); n++)
			part[n] = pattern(sent + n);
		err = h3_stream_write(stream, part, sizeof(part), false);
		if (err)
			break;
		sent += sizeof(part);
		pair_run(pair, 1);
	}
	assert_int_equal(err, ENOBUFS);
	assert_in_range(server.got, 100000, 131072);

	server.last->hold = false;
	h3_stream_consumed(server.last->stream, server.last->got);
	assert_int_equal(h3_stream_write(stream, NULL, 0, true), 0);
	assert_true(pair_until(pair, &server.ends, 1, 5000));
	assert_int_equal(server.got, sent);
	assert_int_equal(h3_stream_write(server.last->stream, NULL, 0, true),
			 0);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.last_err, 0);
}

static void test_fields_too_large(void **state)
{
	struct pair *pair = *state;
	char value[17000];
	struct h3_field field = { "x-much", value };
	struct h3_head head = {
		.method = "GET", .path = "/now", .field = &field,
		.field_cnt = 1,
	};
	struct h3_stream *stream;
	uint64_t before;

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	before = pair_counter("h3_refused_total",
			      "reason=\"fields-too-large\"");
	assert_int_equal(h3_request(&stream, c.conn, &head, NULL, 0, true,
				    &stream_handlers, &c), 0);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.status, 431);
	assert_int_equal(server.requests, 0);
	assert_int_equal(pair_counter("h3_refused_total",
				      "reason=\"fields-too-large\""),
			 before + 1);

	/* With an endless body behind it, the same. */
	assert_int_equal(h3_request(&stream, c.conn, &head, NULL, 0, false,
				    &stream_handlers, &c), 0);
	assert_true(pair_until(pair, &c.closed, 2, 2000));
	assert_int_equal(c.status, 431);
	/* The connection is none the worse. */
	client_send(&c, "GET", "/now", NULL, 0, true);
	assert_true(pair_until(pair, &c.closed, 3, 2000));
	assert_int_equal(c.status, 200);
}

static void test_many_streams(void **state)
{
	struct pair *pair = *state;
	uint8_t body[5000];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = pattern(i);
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	for (unsigned i = 0; i < 64; i++)
		client_send(&c, "POST", "/sink", body, sizeof(body), true);
	assert_true(pair_until(pair, &c.closed, 64, 5000));
	assert_int_equal(server.requests, 64);
	assert_int_equal(server.got, 64 * sizeof(body));
	assert_int_equal(c.status, 204);
	assert_int_equal(c.last_err, 0);
}

/* As fast as it goes, thousands in flight: no library's list overflows. */
static void test_flood(void **state)
{
	static char token[600];
	struct pair *pair = *state;
	struct h3_field fields[2] = {
		{ "x-test", "yes" }, { "authorization", token },
	};
	struct h3_head head = {
		.method = "GET", .path = "/now", .field = fields,
		.field_cnt = 2,
	};
	const unsigned all = 6000;
	struct h3_stream *stream;
	unsigned sent = 0, stalls = 0;
	int err;

	memset(token, 'x', sizeof(token) - 1);
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	while (sent < all) {
		err = h3_request(&stream, c.conn, &head, NULL, 0, true,
				 &stream_handlers, &c);
		if (!err) {
			sent++;
			continue;
		}
		assert_int_equal(err, EAGAIN);
		assert_int_equal(h3_conn_streams_left(c.conn), 0);
		stalls++;
		assert_true(pair_until(pair, &c.closed, c.closed + 1, 2000));
	}
	assert_true(pair_until(pair, &c.closed, all, 5000));
	assert_int_equal(c.status, 200);
	assert_int_equal(c.last_err, 0);
	assert_int_equal(server.requests, all);
	assert_true(stalls > 0);
}

/* More than the server allows at once: EAGAIN, and again when one is done. */
static void test_stream_limit(void **state)
{
	struct pair *pair = *state;
	struct h3_stream *stream[4];
	struct h3_head head = { .method = "GET", .path = "/now" };
	struct h3_stream *more;

	pair->config.max_streams = 4;
	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	for (unsigned i = 0; i < 4; i++)
		stream[i] = client_send(&c, "PUT", "/sink", NULL, 0, false);
	assert_int_equal(h3_conn_streams_left(c.conn), 0);
	assert_int_equal(h3_request(&more, c.conn, &head, NULL, 0, true,
				    &stream_handlers, &c), EAGAIN);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(h3_stream_write(stream[i], NULL, 0, true), 0);
	assert_true(pair_until(pair, &c.closed, 4, 2000));
	for (int i = 0; i < 100 && !h3_conn_streams_left(c.conn); i++)
		pair_run(pair, 5);
	assert_int_equal(h3_conn_streams_left(c.conn), 4);
	client_send(&c, "GET", "/now", NULL, 0, true);
	assert_true(pair_until(pair, &c.closed, 5, 2000));
}

static void test_resets(void **state)
{
	struct pair *pair = *state;
	struct h3_stream *stream;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);

	/* The server resets. */
	client_send(&c, "PUT", "/reset", NULL, 0, false);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.last_err, ECONNRESET);
	assert_int_equal(server.last_err, ECANCELED);

	/* The client does, in the middle of its body; within the call. */
	stream = client_send(&c, "PUT", "/echo", "\0", 1, false);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	h3_stream_reset(stream, 0x10c);
	assert_int_equal(c.closed, 2);
	assert_int_equal(c.last_err, ECANCELED);
	assert_true(pair_until(pair, &server.closed, 2, 2000));
	assert_int_equal(server.last_err, ECONNRESET);

	/* The server has heard enough: the reply arrives all the same. */
	stream = client_send(&c, "PUT", "/early", "\0", 1, false);
	assert_true(pair_until(pair, &c.ends, 1, 2000));
	assert_int_equal(c.status, 413);
	assert_int_equal(h3_stream_write(stream, "more", 4, true), 0);
	assert_true(pair_until(pair, &c.closed, 3, 2000));
	assert_int_equal(c.last_err, 0);

	/* Of a reply that the client gave up, the server learns. */
	*c.field = '\0';
	c.got = 0;
	stream = client_send(&c, "GET", "/big", NULL, 0, true);
	assert_true(pair_until(pair, &c.heads, 3, 2000));
	h3_stream_reset(stream, 0x10c);
	assert_true(pair_until(pair, &server.closed, 4, 2000));
	assert_int_equal(server.last_err, ECONNRESET);
	assert_int_equal(c.conn_closed, 0);
}

/* ---- the end of connections ---- */

static void test_client_closes(void **state)
{
	struct pair *pair = *state;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	client_send(&c, "PUT", "/echo", NULL, 0, false);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	h3_conn_close(c.conn);
	assert_int_equal(c.conn_closed, 1);
	assert_int_equal(c.conn_err, 0);
	assert_int_equal(c.closed, 1);
	assert_int_equal(c.last_err, ECONNABORTED);
	assert_true(pair_until(pair, &server.conn_closed, 1, 2000));
	assert_int_equal(server.conn_err, 0);
	assert_string_equal(server.conn_reason, "the peer closed the "
			    "connection: HTTP/3 code 0x100, closed by us");
	assert_int_equal(server.last_err, ECONNABORTED);
}

static void test_server_goes(void **state)
{
	struct pair *pair = *state;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	client_send(&c, "PUT", "/echo", NULL, 0, false);
	assert_true(pair_until(pair, &c.heads, 1, 2000));
	h3_endpoint_free(&pair->server);
	assert_int_equal(server.conn_closed, 1);
	assert_true(pair_until(pair, &c.conn_closed, 1, 2000));
	assert_int_equal(c.conn_err, 0);
	assert_int_equal(c.closed, 1);
	assert_int_equal(c.last_err, ECONNABORTED);
	assert_non_null(strstr(c.reason, "the peer closed the connection"));
}

static void test_drain(void **state)
{
	struct pair *pair = *state;
	struct h3_head head = { .method = "GET", .path = "/now" };
	struct h3_stream *stream, *more;

	pair_start(pair, &server_handlers, &server);
	client_open(&c, pair);
	client_open(&idle, pair);
	stream = client_send(&c, "PUT", "/sink", NULL, 0, false);
	assert_true(pair_until(pair, &server.requests, 1, 2000));
	h3_endpoint_drain(pair->server);

	/* Idle: closed in order.  Busy: no new requests, the old one ends. */
	assert_true(pair_until(pair, &idle.conn_closed, 1, 3000));
	assert_int_equal(idle.conn_err, 0);
	for (int i = 0; i < 100 && h3_conn_streams_left(c.conn); i++)
		pair_run(pair, 5);
	assert_int_equal(c.conn_closed, 0);
	assert_int_equal(h3_conn_streams_left(c.conn), 0);
	assert_int_equal(h3_request(&more, c.conn, &head, NULL, 0, true,
				    &stream_handlers, &c), ENOTCONN);
	assert_int_equal(h3_stream_write(stream, NULL, 0, true), 0);
	assert_true(pair_until(pair, &c.closed, 1, 2000));
	assert_int_equal(c.status, 204);
	assert_int_equal(c.last_err, 0);
	assert_true(pair_until(pair, &c.conn_closed, 1, 2000));
	assert_int_equal(c.conn_err, 0);

	/* And nobody new. */
	late.pair = pair;
	assert_int_equal(h3_connect(&late.conn, pair->client, &pair->connect,
				    &client_handlers, &late), 0);
	assert_true(pair_until(pair, &late.conn_closed, 1, 3000));
	assert_int_equal(late.conn_err, ECONNREFUSED);
}

#define PAIR_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	PAIR_TEST(test_get),
	PAIR_TEST(test_post),
	PAIR_TEST(test_streaming),
	PAIR_TEST(test_no_segmentation),
	PAIR_TEST(test_back_pressure_reply),
	PAIR_TEST(test_back_pressure_request),
	PAIR_TEST(test_fields_too_large),
	PAIR_TEST(test_many_streams),
	PAIR_TEST(test_flood),
	PAIR_TEST(test_stream_limit),
	PAIR_TEST(test_resets),
	PAIR_TEST(test_client_closes),
	PAIR_TEST(test_server_goes),
	PAIR_TEST(test_drain),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
