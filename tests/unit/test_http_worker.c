/* SPDX-License-Identifier: MIT */
/*
 * What a worker answers by itself, and how a request, its reply and their
 * streams cross between worker and control (ript/worker, half, exchange).
 */
#include "base/mem.h"
#include "tests/unit/byway_lab.h"

static struct lab lab;

/* ---- control's half ---- */

static struct served {
	unsigned requests;
	struct exchange *x;		/* the last one */
	char method[16], path[256], query[64], body[70000], field[64];
	size_t body_len;
	bool streamed, early;
	unsigned worker;
	bool admit;			/* the token is good */
	bool handle;			/* take the callbacks */
	bool hold;			/* do not answer */
	unsigned datas, ends, closes;
	int err;
	char data[4096];
	size_t data_len;
} served;

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	(void)x;
	(void)arg;
	assert_true(served.data_len + len <= sizeof(served.data));
	memcpy(served.data + served.data_len, data, len);
	served.data_len += len;
	served.datas++;
}

static void on_end(struct exchange *x, void *arg)
{
	(void)x;
	(void)arg;
	served.ends++;
}

static void on_closed(struct exchange *x, int err, void *arg)
{
	(void)arg;
	assert_ptr_equal(x, served.x);
	served.closes++;
	served.err = err;
}

static const struct exchange_handlers handlers = {
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

static const struct exchange_field json = { "content-type",
					    "application/json" };

static void serve(struct exchange *x, const struct exchange_request *r,
		  void *arg)
{
	const char *field = exchange_field(r->field, r->field_cnt,
					   "authorization");

	(void)arg;
	served.requests++;
	served.x = x;
	served.streamed = r->streamed;
	served.early = r->early;
	served.worker = r->worker;
	served.body_len = r->body_len;
	snprintf(served.method, sizeof(served.method), "%s", r->method);
	snprintf(served.path, sizeof(served.path), "%s", r->path);
	snprintf(served.query, sizeof(served.query), "%s",
		 r->query ? r->query : "-");
	snprintf(served.field, sizeof(served.field), "%s", field ? field : "");
	if (r->body) {
		assert_int_equal(r->body[r->body_len], 0);
		memcpy(served.body, r->body, r->body_len + 1);
	}
	if (served.admit)
		exchange_admit(x);
	if (served.handle)
		exchange_handle(x, &handlers, NULL);
	if (!served.hold)
		exchange_reply(x, 200, &json, 1, "{}", 2);
}

static int set_up(void **state)
{
	(void)state;
	lab_start(&lab, NULL, 0);
	memset(&served, 0, sizeof(served));
	exchange_serve(lab.net, serve, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_stop(&lab);
	return 0;
}

/* ---- requests ---- */

static void expect_problem(const struct h3_stream *stream, int status,
			   const char *name)
{
	char want[64];

	assert_int_equal(fake_h3_status(stream), status);
	assert_string_equal(fake_h3_field(stream, "content-type"),
			    "application/problem+json");
	snprintf(want, sizeof(want), "/problems/%s\"", name);
	if (!strstr(fake_h3_text(stream, NULL), want))
		fail_msg("%s is not in %s", want, fake_h3_text(stream, NULL));
	assert_true(fake_h3_finished(stream));
}

static void test_request(void **state)
{
	struct h3_conn *conn = fake_h3_guest(1);
	struct h3_stream *stream;

	(void)state;
	stream = lab_ask(conn, "POST", "/.well-known/ript/v1/x?y=z", "t",
			 "{\"a\":1}");
	assert_int_equal(fake_h3_consumed(stream), 7);
	lab_run(&lab);
	assert_int_equal(served.requests, 1);
	assert_string_equal(served.method, "POST");
	assert_string_equal(served.path, "/.well-known/ript/v1/x");
	assert_string_equal(served.query, "y=z");
	assert_string_equal(served.field, "Bearer t");
	assert_string_equal(served.body, "{\"a\":1}");
	assert_int_equal(served.worker, 1);
	assert_false(served.streamed);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_string_equal(fake_h3_field(stream, "content-type"),
			    "application/json");
	assert_string_equal(fake_h3_text(stream, NULL), "{}");
	assert_true(fake_h3_finished(stream));
	assert_true(fake_h3_closed(stream));
}

static void test_body_limit(void **state)
{
	struct h3_conn *conn = fake_h3_guest(0);
	char *body = xzalloc(65538);
	struct h3_field length = { "content-length", "65537" };
	struct h3_head head = { .method = "POST", .path = "/a",
				.field = &length, .field_cnt = 1 };
	struct h3_stream *stream;

	(void)state;
	memset(body, 'x', 65537);
	stream = lab_ask(conn, "POST", "/a", "t", body);
	lab_run(&lab);
	expect_problem(stream, 413, "too-large");
	assert_true(fake_h3_stopped(stream));
	assert_int_equal(served.requests, 0);

	/* Said beforehand: not one octet is read. */
	stream = fake_h3_request(conn, &head, NULL, 0, false);
	expect_problem(stream, 413, "too-large");
	assert_int_equal(fake_h3_consumed(stream), 0);

	body[65536] = '\0';
	stream = lab_ask(conn, "POST", "/a", "t", body);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_int_equal(served.body_len, 65536);
	free(body);
	assert_int_equal(lab_counter("worker_refusals_total",
				     "reason=\"too-large\""), 2);
}

static void test_early(void **state)
{
	struct h3_conn *conn = fake_h3_guest(0);
	struct h3_head head = { .method = "POST", .path = "/a",
				.early = true };
	struct h3_stream *stream;

	(void)state;
	stream = fake_h3_request(conn, &head, "{}", 2, true);
	lab_run(&lab);
	expect_problem(stream, 425, "too-early");
	assert_int_equal(served.requests, 0);
	head.method = "GET";
	stream = fake_h3_request(conn, &head, NULL, 0, true);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_true(served.early);
}

static void test_rate(void **state)
{
	const struct ript_net_config config = { .requests_per_s = 10 };
	struct h3_conn *conn, *other;
	struct h3_stream *stream;
	unsigned i;

	(void)state;
	lab_stop(&lab);
	lab_start(&lab, &config, 0);
	exchange_serve(lab.net, serve, NULL);
	conn = fake_h3_guest(0);
	other = fake_h3_guest(0);
	for (i = 0; i < 10; i++)
		lab_ask(conn, "GET", "/a", "t", NULL);
	stream = lab_ask(conn, "GET", "/a", "t", NULL);
	expect_problem(stream, 429, "slow-down");
	assert_string_equal(fake_h3_field(stream, "retry-after"), "1");
	lab_ask(other, "GET", "/a", "t", NULL);		/* not affected */
	lab_run(&lab);
	assert_int_equal(served.requests, 11);
	lab_pass(&lab, 110);
	stream = lab_ask(conn, "GET", "/a", "t", NULL);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
	stream = lab_ask(conn, "GET", "/a", "t", NULL);
	assert_int_equal(fake_h3_status(stream), 429);
}

static void test_control_full(void **state)
{
	struct h3_conn *conn;
	struct h3_stream *stream;
	unsigned i;

	(void)state;
	lab_stop(&lab);
	lab_start(&lab, NULL, 3);
	exchange_serve(lab.net, serve, NULL);
	conn = fake_h3_guest(0);
	for (i = 0; i < 3; i++) {
		stream = lab_ask(conn, "GET", "/a", "t", NULL);
		assert_int_equal(fake_h3_status(stream), 0);
	}
	stream = lab_ask(conn, "GET", "/a", "t", NULL);
	expect_problem(stream, 503, "unavailable");
	assert_string_equal(fake_h3_field(stream, "retry-after"), "1");
	lab_run(&lab);
	assert_int_equal(served.requests, 3);
	stream = lab_ask(conn, "GET", "/a", "t", NULL);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_int_equal(lab_counter("worker_refusals_total",
				     "reason=\"control-full\""), 1);
}

/* ---- streams ---- */

static struct h3_stream *begin_put(struct h3_conn *conn)
{
	struct h3_head head = { .method = "PUT", .path = LAB_CALL "/events" };
	struct h3_stream *stream;

	served.handle = true;
	served.hold = true;
	stream = fake_h3_request(conn, &head, NULL, 0, false);
	lab_run(&lab);
	assert_true(served.streamed);
	return stream;
}

static void test_streamed_put(void **state)
{
	struct h3_stream *stream = begin_put(fake_h3_guest(0));

	(void)state;
	exchange_reply_begin(served.x, 200, NULL, 0);
	fake_h3_data(stream, "[\n", 2);
	fake_h3_data(stream, "{}", 2);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_false(fake_h3_finished(stream));
	assert_int_equal(served.datas, 2);
	assert_memory_equal(served.data, "[\n{}", 4);

	/* The window opens only when control has read. */
	assert_int_equal(fake_h3_consumed(stream), 0);
	exchange_consumed(served.x, 4);
	lab_run(&lab);
	assert_int_equal(fake_h3_consumed(stream), 4);

	fake_h3_fin(stream);
	lab_run(&lab);
	assert_int_equal(served.ends, 1);
	assert_int_equal(served.closes, 0);
	exchange_finish(served.x);
	lab_run(&lab);
	assert_true(fake_h3_finished(stream));
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, 0);
}

/* Data that has no room towards control waits, in order, and nothing that
 * ends is lost. */
static void test_streamed_put_full(void **state)
{
	struct h3_stream *stream;
	unsigned i;
	char text[8];

	(void)state;
	lab_stop(&lab);
	lab_start(&lab, NULL, 4);
	exchange_serve(lab.net, serve, NULL);
	stream = begin_put(fake_h3_guest(0));
	exchange_reply_begin(served.x, 200, NULL, 0);
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%02u", i);
		fake_h3_data(stream, text, 2);
	}
	fake_h3_fin(stream);
	lab_run_workers(&lab);
	assert_int_equal(mailbox_depth(lab.to_control), 4);
	fake_h3_stream_lost(stream, ECONNRESET);
	lab_pass(&lab, 100);
	assert_int_equal(served.data_len, 40);
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%02u", i);
		assert_memory_equal(served.data + 2 * i, text, 2);
	}
	assert_int_equal(served.ends, 1);
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, ECONNRESET);
}

static void test_streamed_get(void **state)
{
	struct h3_stream *stream;

	(void)state;
	served.handle = true;
	served.hold = true;
	stream = lab_ask(fake_h3_guest(0), "GET", LAB_CALL "/events", "t",
			 NULL);
	lab_run(&lab);
	assert_int_equal(served.ends, 1);
	exchange_reply_begin(served.x, 200, &json, 1);
	assert_int_equal(exchange_write(served.x, "[\n", 2), 0);
	lab_run(&lab);
	assert_string_equal(fake_h3_text(stream, NULL), "[\n");
	assert_int_equal(exchange_write(served.x, "]\n", 2), 0);
	exchange_finish(served.x);
	assert_int_equal(served.closes, 0);	/* never inside a call */
	lab_run(&lab);
	assert_string_equal(fake_h3_text(stream, NULL), "[\n]\n");
	assert_true(fake_h3_finished(stream));
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, 0);
}

/* A peer that does not read: exchange_write() refuses at 256 KiB, and a
 * stream whose octets cannot be written is given up. */
static void test_peer_does_not_read(void **state)
{
	static char block[16384];
	struct h3_stream *stream;
	size_t taken = 0;

	(void)state;
	served.handle = true;
	served.hold = true;
	stream = lab_ask(fake_h3_guest(0), "GET", LAB_CALL "/events", "t",
			 NULL);
	lab_run(&lab);
	exchange_reply_begin(served.x, 200, &json, 1);
	while (exchange_write(served.x, block, sizeof(block)) == 0) {
		taken += sizeof(block);
		assert_true(taken <= 256 * 1024);
	}
	assert_int_equal(taken, 256 * 1024);
	lab_run(&lab);
	assert_int_equal(exchange_write(served.x, block, sizeof(block)), 0);
	lab_run(&lab);
	fake_h3_set_full(stream, true);
	assert_int_equal(exchange_write(served.x, block, sizeof(block)), 0);
	lab_run(&lab);
	assert_true(fake_h3_was_reset(stream));
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, ECONNABORTED);
	assert_int_equal(lab_counter("exchange_stalls_total", NULL), 1);
}

/* ---- races ---- */

static void test_client_goes_before_the_reply(void **state)
{
	struct h3_conn *conn = fake_h3_guest(0);
	struct h3_stream *stream;

	(void)state;
	served.hold = true;		/* not handled, not answered */
	stream = lab_ask(conn, "POST", "/a", "t", "{}");
	lab_run(&lab);
	fake_h3_stream_lost(stream, ECONNRESET);
	lab_run(&lab);
	exchange_reply(served.x, 200, NULL, 0, NULL, 0);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 0);

	/* Both at the same time. */
	stream = lab_ask(conn, "POST", "/a", "t", "{}");
	lab_run(&lab);
	fake_h3_conn_lost(conn, ETIMEDOUT);
	exchange_reply(served.x, 200, NULL, 0, NULL, 0);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 0);

	/* Gone before control has even heard of it. */
	conn = fake_h3_guest(0);
	served.handle = true;
	stream = lab_ask(conn, "POST", "/a", "t", "{}");
	fake_h3_stream_lost(stream, ECONNRESET);
	lab_run(&lab);
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, ECONNRESET);
}

static void test_handled_late(void **state)
{
	struct h3_stream *stream;
	struct h3_head head = { .method = "PUT", .path = LAB_CALL "/events" };

	(void)state;
	served.hold = true;
	stream = fake_h3_request(fake_h3_guest(0), &head, NULL, 0, false);
	fake_h3_data(stream, "abc", 3);
	fake_h3_stream_lost(stream, ECONNRESET);
	lab_run(&lab);
	exchange_handle(served.x, &handlers, NULL);
	assert_int_equal(served.closes, 0);	/* never inside a call */
	lab_run(&lab);
	assert_memory_equal(served.data, "abc", 3);
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, ECONNRESET);
}

static void test_abort(void **state)
{
	struct h3_stream *stream = begin_put(fake_h3_guest(0));

	(void)state;
	exchange_abort(served.x);
	fake_h3_data(stream, "abc", 3);
	lab_run(&lab);
	assert_true(fake_h3_was_reset(stream));
	assert_int_equal(served.datas, 0);
	assert_int_equal(served.closes, 0);
}

static void test_connection_goes(void **state)
{
	struct h3_conn *conn = fake_h3_guest(0);

	(void)state;
	begin_put(conn);
	fake_h3_conn_lost(conn, ETIMEDOUT);
	lab_run(&lab);
	assert_int_equal(served.closes, 1);
	assert_int_equal(served.err, ECONNABORTED);
}

/* A reply ends the exchange also when the body is still coming. */
static void test_reply_before_the_end(void **state)
{
	struct h3_stream *stream = begin_put(fake_h3_guest(0));

	(void)state;
	exchange_reply(served.x, 401, NULL, 0, "x", 1);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 401);
	assert_true(fake_h3_stopped(stream));
	assert_int_equal(served.closes, 1);
}

/* Whoever begins requests and does not end them holds nothing for long. */
static void test_body_that_never_ends(void **state)
{
	struct h3_head head = { .method = "POST", .path = LAB_CALL };
	struct h3_stream *stream =
		fake_h3_request(fake_h3_guest(0), &head, "{", 1, false);

	(void)state;
	served.requests = 0;
	lab_pass(&lab, 9900);
	fake_h3_data(stream, "\n", 1);
	assert_false(fake_h3_was_reset(stream));
	lab_pass(&lab, 200);
	assert_true(fake_h3_was_reset(stream));
	assert_int_equal(served.requests, 0);

	/* One that has ended waits for control as long as it takes. */
	served.handle = served.hold = true;
	stream = fake_h3_request(fake_h3_guest(0), &head, "{", 1, false);
	fake_h3_data(stream, "}", 1);
	fake_h3_fin(stream);
	lab_pass(&lab, 20000);
	assert_false(fake_h3_was_reset(stream));
	assert_int_equal(served.requests, 1);
	exchange_reply(served.x, 200, NULL, 0, NULL, 0);
	lab_run(&lab);
	assert_int_equal(fake_h3_status(stream), 200);
}

/* Places for connections are for those who have a token. */
static void test_strangers_leave(void **state)
{
	struct h3_conn *stranger = fake_h3_guest(0), *known = fake_h3_guest(0),
		       *caller = fake_h3_guest(1);
	struct byway *byway = lab_serve(&lab, 0);
	struct eater eater;
	unsigned i;

	(void)state;
	lab_bind(&lab, 0, byway, &eater);
	for (i = 0; i < 59; i++) {
		lab_ask(stranger, "GET", "/x", "guess", NULL);
		lab_pass(&lab, 1000);
		if (i > 1)
			continue;
		served.admit = i == 0;
		lab_ask(known, "GET", "/x", LAB_TOKEN, NULL);
		lab_ask(caller, "PUT", LAB_MEDIA, LAB_TOKEN, "x");
		lab_run(&lab);
		served.admit = false;
	}
	assert_false(fake_h3_conn_closed(stranger));
	lab_pass(&lab, 3000);
	assert_true(fake_h3_conn_closed(stranger));
	lab_pass(&lab, 86400000);
	assert_false(fake_h3_conn_closed(known));
	assert_false(fake_h3_conn_closed(caller));
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
}

/* ---- what is media's ---- */

static void test_media_alone(void **state)
{
	struct byway *byway = lab_serve(&lab, 0);
	struct h3_conn *conn = fake_h3_guest(1);
	struct eater eater;
	struct h3_stream *stream;
	static const char *const elsewhere =
		"/.well-known/ript/v1/providertgs/t/calls/"
		"11111111-2222-4333-8444-555555555555/media";

	(void)state;
	lab_bind(&lab, 0, byway, &eater);
	stream = lab_ask(conn, "GET", LAB_MEDIA, NULL, NULL);
	expect_problem(stream, 401, "unauthorized");
	assert_non_null(fake_h3_field(stream, "www-authenticate"));
	/* A stranger learns nothing: 401 for what does not exist, too. */
	stream = lab_ask(conn, "GET", elsewhere, NULL, NULL);
	expect_problem(stream, 401, "unauthorized");
	/* Another customer's token is as good as no such call (Q78). */
	stream = lab_ask(conn, "GET", LAB_MEDIA, "another", NULL);
	expect_problem(stream, 404, "not-found");
	stream = lab_ask(conn, "PUT", elsewhere, LAB_TOKEN, "x");
	expect_problem(stream, 404, "not-found");
	stream = lab_ask(conn, "DELETE", LAB_MEDIA, LAB_TOKEN, NULL);
	expect_problem(stream, 405, "method-not-allowed");
	assert_string_equal(fake_h3_field(stream, "allow"),
			    "GET, PUT, CONNECT");
	stream = lab_ask(conn, "CONNECT", LAB_MEDIA, LAB_TOKEN, NULL);
	expect_problem(stream, 501, "no-webtransport");
	stream = lab_ask(conn, "CONNECT", "/elsewhere", LAB_TOKEN, NULL);
	expect_problem(stream, 404, "not-found");
	lab_run(&lab);
	assert_int_equal(served.requests, 0);	/* control heard nothing */
	assert_int_equal(eater.bodies, 0);
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
}

static void test_media_limits(void **state)
{
	struct byway *byway = lab_serve(&lab, 0);
	struct h3_conn *conn = fake_h3_guest(0);
	const struct h3_field fields[] = {
		{ "authorization", "Bearer " LAB_TOKEN },
		{ "content-type", "text/html" },
		{ "content-length", "65537" },
	};
	struct h3_head head = { .method = "PUT", .path = LAB_MEDIA,
				.field = fields, .field_cnt = 2 };
	char *body = xzalloc(65538);
	struct eater eater;
	struct h3_stream *stream;

	(void)state;
	lab_bind(&lab, 0, byway, &eater);
	memset(body, 'x', 65537);
	stream = lab_put(conn, body);
	expect_problem(stream, 413, "too-large");
	stream = fake_h3_request(conn, &head, NULL, 0, false);
	expect_problem(stream, 415, "unsupported-type");
	head.field_cnt = 3;
	stream = fake_h3_request(conn, &head, NULL, 0, false);
	expect_problem(stream, 413, "too-large");
	assert_int_equal(eater.bodies, 0);
	body[65536] = '\0';
	stream = lab_put(conn, body);
	assert_int_equal(fake_h3_status(stream), 200);
	assert_int_equal(eater.last_len, 65536);
	stream = lab_put(conn, "?");		/* no record in it */
	expect_problem(stream, 400, "bad-request");
	assert_int_equal(lab_counter("byway_drops_total",
				     "reason=\"unframed\""), 1);
	free(body);
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
}

/* Chunks of a living call are no requests to count. */
static void test_media_has_no_rate(void **state)
{
	const struct ript_net_config config = { .requests_per_s = 10 };
	struct byway *byway;
	struct h3_conn *conn;
	struct eater eater;
	unsigned i;

	(void)state;
	lab_stop(&lab);
	lab_start(&lab, &config, 0);
	byway = lab_serve(&lab, 0);
	lab_bind(&lab, 0, byway, &eater);
	conn = fake_h3_guest(0);
	for (i = 0; i < 100; i++)
		lab_put(conn, "m");
	assert_int_equal(eater.bodies, 100);
	for (i = 0; i < 10; i++)
		lab_ask(conn, "GET", LAB_MEDIA, "wrong", NULL);
	assert_int_equal(fake_h3_status(lab_ask(conn, "GET", LAB_MEDIA,
						"wrong", NULL)), 429);
	byway_unbind(&eater.port);
	byway_close(&byway, NULL);
}

static void test_drain(void **state)
{
	(void)state;
	ript_net_drain(lab.net);
	lab_run(&lab);
	assert_true(fake_h3_drained(fake_h3_endpoint(0)));
	assert_true(fake_h3_drained(fake_h3_endpoint(1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
		T(test_request),
		T(test_body_limit),
		T(test_early),
		T(test_rate),
		T(test_control_full),
		T(test_streamed_put),
		T(test_streamed_put_full),
		T(test_streamed_get),
		T(test_peer_does_not_read),
		T(test_client_goes_before_the_reply),
		T(test_handled_late),
		T(test_abort),
		T(test_connection_goes),
		T(test_reply_before_the_end),
		T(test_body_that_never_ends),
		T(test_strangers_leave),
		T(test_media_alone),
		T(test_media_limits),
		T(test_media_has_no_rate),
		T(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
