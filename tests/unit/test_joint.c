/* SPDX-License-Identifier: MIT */
/*
 * The whole joint with real sockets and threads: requests, streams, and the
 * media of one call between two workers.
 */
#include <stdatomic.h>

#include "base/mem.h"
#include "tests/unit/joint.h"
#include "tests/unit/shows.h"

#define CALL "/.well-known/ript/v1/providertgs/t/calls/" \
	     "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"
#define TOKEN "sesame"

static struct joint joint;

static int set_up(void **state)
{
	(void)state;
	joint_start(&joint, NULL);
	return 0;
}

static int set_up_byways(void **state)
{
	const struct ript_net_config config = { .no_webtransport = true };

	(void)state;
	joint_start(&joint, &config);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	joint_stop(&joint);
	return 0;
}

/* ---- one request at a time ---- */

struct client {
	struct exchange *x;
	unsigned heads, ends, closes;
	int status;
	int err;
	char type[64];
	char body[4096];
	size_t len;
};

static void on_head(struct exchange *x, const struct exchange_reply *reply,
		    void *arg)
{
	struct client *c = arg;
	const char *type = exchange_field(reply->field, reply->field_cnt,
					  "content-type");

	(void)x;
	c->heads++;
	c->status = reply->status;
	snprintf(c->type, sizeof(c->type), "%s", type ? type : "");
}

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	struct client *c = arg;

	assert_true(c->len + len < sizeof(c->body));
	memcpy(c->body + c->len, data, len);
	c->len += len;
	exchange_consumed(x, len);
}

static void on_end(struct exchange *x, void *arg)
{
	struct client *c = arg;

	(void)x;
	c->ends++;
}

static void on_closed(struct exchange *x, int err, void *arg)
{
	struct client *c = arg;

	(void)x;
	c->closes++;
	c->err = err;
	c->x = NULL;
}

static const struct exchange_handlers handlers = { on_head, on_data, on_end,
						   on_closed };

static void ask(struct client *c, unsigned worker, const char *method,
		const char *path, const char *body, bool finish)
{
	const struct exchange_field field[] = {
		{ "authorization", "Bearer " TOKEN },
		{ "content-type", "application/json" },
	};
	const struct exchange_request request = {
		.method = method,
		.path = path,
		.field = field,
		.field_cnt = body ? 2 : 1,
		.body = (const uint8_t *)body,
		.body_len = body ? strlen(body) : 0,
		.worker = worker,
	};

	memset(c, 0, sizeof(*c));
	assert_int_equal(exchange_send(&c->x, joint.peer, &request, finish,
				       &handlers, c), 0);
}

/* ---- the server's half ---- */

struct server {
	unsigned requests;
	char method[16], path[256], query[64], body[256];
	bool streamed;
	struct exchange *stream;	/* PUT {call}/events */
	struct client put;		/* what came on it */
	struct exchange *get;
	unsigned get_closes;
};

static void on_get_closed(struct exchange *x, int err, void *arg)
{
	struct server *s = arg;

	(void)x;
	(void)err;
	s->get_closes++;
	s->get = NULL;
}

static void serve(struct exchange *x, const struct exchange_request *r,
		  void *arg)
{
	static const struct exchange_handlers get_handlers = {
		.closed = on_get_closed
	};
	static const struct exchange_field json = { "content-type",
						    "application/json" };
	struct server *s = arg;

	s->requests++;
	s->streamed = r->streamed;
	snprintf(s->method, sizeof(s->method), "%s", r->method);
	snprintf(s->path, sizeof(s->path), "%s", r->path);
	snprintf(s->query, sizeof(s->query), "%s", r->query ? r->query : "");
	snprintf(s->body, sizeof(s->body), "%s",
		 r->body ? (const char *)r->body : "");
	if (r->streamed) {
		s->stream = x;
		exchange_handle(x, &handlers, &s->put);
		exchange_reply_begin(x, 200, NULL, 0);
	} else if (strcmp(r->method, "GET") == 0) {
		s->get = x;
		exchange_handle(x, &get_handlers, s);
		exchange_reply_begin(x, 200, &json, 1);
		assert_int_equal(exchange_write(x, "[\n", 2), 0);
	} else {
		exchange_reply(x, 201, &json, 1, "{\"ok\":1}", 8);
	}
}

static void test_request(void **state)
{
	struct server server = { 0 };
	struct client c;
	unsigned worker;

	(void)state;
	exchange_serve(joint.net, serve, &server);
	for (worker = 0; worker < JOINT_WORKERS; worker++) {
		ask(&c, worker, "POST", "/a/b?c=d", "{\"x\":2}", true);
		assert_true(joint_until(&joint, &c.closes, 1));
		assert_int_equal(c.err, 0);
		assert_int_equal(c.status, 201);
		assert_string_equal(c.type, "application/json");
		assert_memory_equal(c.body, "{\"ok\":1}", 8);
		assert_int_equal(c.ends, 1);
		assert_string_equal(server.method, "POST");
		assert_string_equal(server.path, "/a/b");
		assert_string_equal(server.query, "c=d");
		assert_string_equal(server.body, "{\"x\":2}");
	}
	assert_int_equal(server.requests, JOINT_WORKERS);
}

struct length {
	const size_t *len;
	size_t want;
};

static bool is_shorter(void *arg)
{
	struct length *length = arg;

	return *length->len < length->want;
}

static void until_len(const size_t *len, size_t want)
{
	struct length length = { len, want };

	assert_true(joint_while(&joint, is_shorter, &length));
}

static void test_streams(void **state)
{
	struct server server = { 0 };
	struct client put, get;

	(void)state;
	exchange_serve(joint.net, serve, &server);
	ask(&put, 0, "PUT", CALL "/events", NULL, false);
	assert_true(joint_until(&joint, &put.heads, 1));
	assert_int_equal(put.status, 200);
	assert_true(server.streamed);
	assert_int_equal(exchange_write(put.x, "[\n{}\n", 5), 0);
	until_len(&server.put.len, 5);
	assert_memory_equal(server.put.body, "[\n{}\n", 5);

	ask(&get, 0, "GET", CALL "/events", NULL, true);
	until_len(&get.len, 2);
	assert_memory_equal(get.body, "[\n", 2);
	assert_int_equal(get.ends, 0);
	assert_int_equal(exchange_write(server.get, "{}\n", 3), 0);
	until_len(&get.len, 5);

	/* The client ends its half; the server answers in kind. */
	exchange_finish(put.x);
	assert_true(joint_until(&joint, &server.put.ends, 1));
	exchange_finish(server.stream);
	assert_true(joint_until(&joint, &put.closes, 1));
	assert_true(joint_until(&joint, &server.put.closes, 1));
	assert_int_equal(put.err, 0);
	assert_int_equal(server.put.err, 0);

	/* A client that goes away is heard of. */
	exchange_abort(get.x);
	assert_true(joint_until(&joint, &server.get_closes, 1));
	assert_int_equal(get.closes, 0);
}

/* ---- media ---- */

struct end {
	uint64_t id;			/* of the byway */
	bool server;
	struct byway_port *port;
	atomic_uint bodies;
	atomic_uint octets;
	atomic_uint acks;		/* replies given */
	atomic_uint opens;
	atomic_int kind;
	atomic_int err;
};

static int on_chunks(const uint8_t *body, size_t len, enum byway_kind kind,
		     uint64_t connection, uint8_t *reply, size_t reply_max,
		     size_t *reply_len, void *arg)
{
	struct end *end = arg;

	(void)kind;
	(void)connection;
	if (len > 0 && body[0] == 'a')
		atomic_fetch_add(&end->acks, 1);
	else
		atomic_fetch_add(&end->bodies, 1);
	atomic_fetch_add(&end->octets, (unsigned)len);
	if (reply && reply_max > 3) {
		memcpy(reply, "ack", 3);
		*reply_len = 3;
	}
	return len > 0 && body[0] == '?' ? EINVAL : 0;
}

static void on_open(enum byway_kind kind, void *arg)
{
	struct end *end = arg;

	atomic_store(&end->kind, (int)kind);
	atomic_fetch_add(&end->opens, 1);
}

static const struct byway_handlers media = { on_chunks, on_open };

static void bind_end(struct joint_worker *w, void *arg)
{
	struct end *end = arg;

	if (byway_bind(&end->port, w->ript, end->id, &media, end) != 0)
		abort();
}

static void unbind_end(struct joint_worker *w, void *arg)
{
	struct end *end = arg;

	(void)w;
	byway_unbind(&end->port);
}

static void send_ten(struct joint_worker *w, void *arg)
{
	struct end *end = arg;
	uint8_t body[172] = "m";
	unsigned i;

	(void)w;
	for (i = 0; i < 10; i++)
		atomic_store(&end->err,
			     byway_send(end->port, body, sizeof(body), true));
}

/* ---- control's view of a byway ---- */

struct view {
	unsigned installed;
	unsigned opens;
	enum byway_kind kind;
	uint64_t dropped;
	unsigned panics;
};

static void on_installed(void *arg)
{
	((struct view *)arg)->installed++;
}

static void on_view_open(enum byway_kind kind, void *arg)
{
	struct view *view = arg;

	view->opens++;
	view->kind = kind;
}

static void on_panic(uint64_t dropped, void *arg)
{
	struct view *view = arg;

	view->panics++;
	view->dropped += dropped;
}

static const struct byway_events events = { on_view_open, on_panic };

struct call {
	struct byway *server, *client;
	struct view server_view, client_view;
	struct end server_end, client_end;
	unsigned server_home, client_home;
};

static void call_begin(struct call *call, unsigned server_home,
		       unsigned client_home, bool webtransport)
{
	struct byway_server server = { .uuid = strrchr(CALL, '/') + 1,
				       .path = CALL, .home = server_home };
	struct byway_client client = { .peer = joint.peer,
				       .home = client_home, .path = CALL,
				       .token = TOKEN,
				       .webtransport = webtransport };

	memset(call, 0, sizeof(*call));
	call->server_home = server_home;
	call->client_home = client_home;
	sha256(server.token_hash, TOKEN, strlen(TOKEN));
	assert_int_equal(byway_serve(&call->server, joint.net, &server,
				     &events, on_installed,
				     &call->server_view), 0);
	assert_int_equal(call->server_view.installed, 0);
	assert_true(joint_until(&joint, &call->server_view.installed, 1));
	call->server_end.server = true;
	call->server_end.id = byway_id(call->server);
	joint_on_worker(&joint, server_home, bind_end, &call->server_end);

	assert_int_equal(byway_dial(&call->client, joint.net, &client,
				    &events, &call->client_view), 0);
	call->client_end.id = byway_id(call->client);
	joint_on_worker(&joint, client_home, bind_end, &call->client_end);
	assert_true(joint_until(&joint, &call->client_view.opens, 1));
	assert_true(joint_until(&joint, &call->server_view.opens, 1));
}

static void call_end(struct call *call)
{
	byway_close(&call->client, NULL);
	byway_close(&call->server, "{\"gone\":1}");
	joint_on_worker(&joint, call->client_home, unbind_end,
			&call->client_end);
	joint_on_worker(&joint, call->server_home, unbind_end,
			&call->server_end);
}

static bool has_less(struct end *end, unsigned bodies)
{
	return atomic_load(&end->bodies) < bodies;
}

static bool wants_ten(void *arg)
{
	return has_less(arg, 10);
}

static bool wants_ten_acks(void *arg)
{
	return atomic_load(&((struct end *)arg)->acks) < 10;
}

static void talk(struct call *call)
{
	joint_on_worker(&joint, call->client_home, send_ten,
			&call->client_end);
	assert_int_equal(atomic_load(&call->client_end.err), 0);
	assert_true(joint_while(&joint, wants_ten, &call->server_end));
	joint_on_worker(&joint, call->server_home, send_ten,
			&call->server_end);
	assert_int_equal(atomic_load(&call->server_end.err), 0);
	assert_true(joint_while(&joint, wants_ten, &call->client_end));
	assert_int_equal(atomic_load(&call->server_end.octets), 1720);
}

/* Each home with each worker of the client: one of two is never the worker
 * where the connection arrives, so media crosses. */
static void talk_everywhere(bool webtransport, enum byway_kind kind)
{
	struct call call;
	unsigned server, client;

	for (client = 0; client < JOINT_WORKERS; client++) {
		for (server = 0; server < JOINT_WORKERS; server++) {
			call_begin(&call, server, client, webtransport);
			assert_int_equal(call.client_view.kind, kind);
			assert_int_equal(call.server_view.kind, kind);
			talk(&call);
			if (kind == BYWAY_HTTP)
				assert_true(joint_while(&joint, wants_ten_acks,
							&call.client_end));
			call_end(&call);
		}
	}
}

static void test_webtransport(void **state)
{
	uint64_t before = pair_counter("byway_crossings_total",
				       "what=\"datagram-in\"");

	(void)state;
	talk_everywhere(true, BYWAY_WEBTRANSPORT);
	assert_true(pair_counter("byway_crossings_total",
				 "what=\"datagram-in\"") > before);
}

static void test_byways(void **state)
{
	uint64_t puts = pair_counter("byway_crossings_total", "what=\"put\"");
	uint64_t gets = pair_counter("byway_crossings_total", "what=\"get\"");

	(void)state;
	talk_everywhere(false, BYWAY_HTTP);
	assert_true(pair_counter("byway_crossings_total", "what=\"put\"") >
		    puts);
	assert_true(pair_counter("byway_crossings_total", "what=\"get\"") >
		    gets);
	shows("RIPT-MB-15");
}

static void test_refused_webtransport(void **state)
{
	(void)state;
	talk_everywhere(true, BYWAY_HTTP);
	shows("RIPT-MB-02");
}

static void test_media_after_end(void **state)
{
	struct server server = { 0 };
	struct client c;
	struct call call;

	(void)state;
	exchange_serve(joint.net, serve, &server);
	call_begin(&call, 0, 0, true);
	call_end(&call);
	ask(&c, 1, "GET", CALL "/media", NULL, true);
	assert_true(joint_until(&joint, &c.closes, 1));
	assert_int_equal(c.status, 404);
	assert_memory_equal(c.body, "{\"gone\":1}", c.len);
	ask(&c, 1, "PUT", CALL "/media", "xx", true);
	assert_true(joint_until(&joint, &c.closes, 1));
	assert_int_equal(c.status, 404);
	assert_int_equal(server.requests, 0);
	shows("RIPT-LC-07");
}

/* ---- many requests at once, some of them given up ---- */

#define STORM 400

static struct storm {
	struct exchange *x[STORM];
	unsigned closes[STORM];
	unsigned over;			/* closed, or aborted by us */
	unsigned served;
	struct exchange *held[STORM];
	unsigned held_cnt;
} storm;

static void on_storm_closed(struct exchange *x, int err, void *arg)
{
	unsigned i = (unsigned)((unsigned *)arg - storm.closes);

	(void)err;
	assert_ptr_equal(storm.x[i], x);
	storm.x[i] = NULL;
	storm.closes[i]++;
	storm.over++;
}

static void on_held_closed(struct exchange *x, int err, void *arg)
{
	unsigned i;

	(void)err;
	(void)arg;
	for (i = 0; i < storm.held_cnt; i++)
		if (storm.held[i] == x)
			storm.held[i] = NULL;
}

static const struct exchange_handlers storm_handlers = {
	.closed = on_storm_closed
};
static const struct exchange_handlers held_handlers = {
	.closed = on_held_closed
};

static void serve_storm(struct exchange *x, const struct exchange_request *r,
			void *arg)
{
	unsigned kind = storm.served++ % 4;

	(void)r;
	(void)arg;
	if (kind == 0) {
		exchange_abort(x);
	} else if (kind == 1) {
		exchange_handle(x, &held_handlers, NULL);
		storm.held[storm.held_cnt++] = x;
	} else {
		exchange_reply(x, 200, NULL, 0, "y", 1);
	}
}

static void test_storm(void **state)
{
	static const struct exchange_field field = { "authorization", "x" };
	struct exchange_request request = { .method = "GET", .path = "/a",
					    .field = &field, .field_cnt = 1 };
	unsigned i, round;

	(void)state;
	memset(&storm, 0, sizeof(storm));
	exchange_serve(joint.net, serve_storm, NULL);
	for (i = 0; i < STORM; i++) {
		request.worker = i % JOINT_WORKERS;
		assert_int_equal(exchange_send(&storm.x[i], joint.peer,
					       &request, true,
					       &storm_handlers,
					       &storm.closes[i]), 0);
	}
	for (round = 0; storm.over < STORM && round < 1000; round++) {
		joint_run(&joint, 1);
		i = (round * 37) % STORM;
		if (storm.x[i] && i % 5 == 0) {
			exchange_abort(storm.x[i]);
			storm.x[i] = NULL;
			storm.over++;
		}
		i = round % STORM;
		if (storm.held[i]) {
			exchange_reply(storm.held[i], 200, NULL, 0, "z", 1);
			storm.held[i] = NULL;
		}
	}
	assert_int_equal(storm.over, STORM);
	for (i = 0; i < STORM; i++)
		assert_true(storm.closes[i] <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_streams, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_storm, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_webtransport, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_byways, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_refused_webtransport,
						set_up_byways, tear_down),
		cmocka_unit_test_setup_teardown(test_media_after_end, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
