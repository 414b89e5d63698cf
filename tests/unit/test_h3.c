/* SPDX-License-Identifier: MIT */
/* HTTP/3 between two endpoints: requests, replies, bodies, refusals. */
#include "tests/unit/h3_pair.h"

#include "base/mem.h"

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

/* ---- tests ---- */

static void test_get(void **state)
{
	struct pair *pair = *state;
	struct server server = { 0 };
	struct client c;

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
	server_clean(&server);
}

static void test_post(void **state)
{
	struct pair *pair = *state;
	struct server server = { 0 };
	struct client c;
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
	server_clean(&server);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_get, pair_setup, pair_teardown),
	cmocka_unit_test_setup_teardown(test_post, pair_setup, pair_teardown),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
