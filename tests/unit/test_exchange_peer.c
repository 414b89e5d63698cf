/* SPDX-License-Identifier: MIT */
/* The client role: requests, and the connections that they travel on. */
#include "base/dns.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/byway_lab.h"

static struct lab lab;

struct client {
	struct exchange *x;
	unsigned heads, ends, closes;
	int status, err;
	char field[64];
	char body[256];
	size_t len;
};

static void on_head(struct exchange *x, const struct exchange_reply *reply,
		    void *arg)
{
	struct client *c = arg;
	const char *field = exchange_field(reply->field, reply->field_cnt,
					   "location");

	(void)x;
	c->heads++;
	c->status = reply->status;
	snprintf(c->field, sizeof(c->field), "%s", field ? field : "");
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
		const char *body, bool finish)
{
	const struct exchange_field field = { "authorization", "Bearer t" };
	const struct exchange_request request = {
		.method = method, .path = "/a", .query = "b=c",
		.field = &field, .field_cnt = 1,
		.body = (const uint8_t *)body,
		.body_len = body ? strlen(body) : 0, .worker = worker,
	};

	memset(c, 0, sizeof(*c));
	assert_int_equal(exchange_send(&c->x, lab.peer, &request, finish,
				       &handlers, c), 0);
	assert_int_equal(c->closes, 0);
	lab_run(&lab);
}

static int set_up(void **state)
{
	(void)state;
	lab_start(&lab, NULL, 0);
	lab_peer(&lab);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_stop(&lab);
	return 0;
}

static struct h3_conn *conn_at(unsigned index)
{
	struct h3_conn *conn = fake_h3_connected(index);

	assert_non_null(conn);
	return conn;
}

/* ---- requests ---- */

/* Clients are static: exchanges that are still open close at tear-down. */

static void test_get(void **state)
{
	const struct h3_field location = { "location", "/x" };
	struct h3_stream *stream;
	static struct client c;

	(void)state;
	lab_run(&lab);
	assert_int_equal(fake_h3_connected_cnt(), 0);	/* when needed */
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	assert_string_equal(fake_h3_params(conn_at(0))->host, "gw.example");
	assert_int_equal(fake_h3_params(conn_at(0))->keepalive_ms, 10000);
	assert_int_equal(fake_h3_open_cnt(conn_at(0), NULL), 0);
	fake_h3_ready(conn_at(0), true);
	stream = fake_h3_open(conn_at(0), "GET", 0);
	assert_non_null(stream);
	/* No body: the stream ends with the head. */
	assert_true(fake_h3_head(stream)->fin);
	assert_true(fake_h3_finished(stream));
	assert_string_equal(fake_h3_head(stream)->path, "/a?b=c");
	assert_string_equal(fake_h3_head(stream)->authority,
			    "gw.example:4433");
	assert_string_equal(h3_field(fake_h3_head(stream), "authorization"),
			    "Bearer t");
	shows("RIPT-SB-02");

	fake_h3_answer(stream, 201, &location, 1, "body", 4, false);
	lab_run(&lab);
	assert_int_equal(c.status, 201);
	assert_string_equal(c.field, "/x");
	assert_int_equal(c.len, 4);
	assert_int_equal(fake_h3_consumed(stream), 4);
	assert_int_equal(c.ends, 0);
	fake_h3_fin(stream);
	lab_run(&lab);
	assert_int_equal(c.ends, 1);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, 0);

	/* The same connection again, another one for another worker. */
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	assert_int_equal(fake_h3_open_cnt(conn_at(0), NULL), 1);
	ask(&c, 1, "GET", NULL, true);
	assert_int_equal(fake_h3_connected_cnt(), 2);
}

static void test_body(void **state)
{
	struct h3_stream *stream;
	static struct client c;

	(void)state;
	ask(&c, 0, "PUT", "one ", false);
	assert_int_equal(exchange_write(c.x, "two ", 4), 0);	/* too early */
	lab_run(&lab);
	fake_h3_ready(conn_at(0), false);
	stream = fake_h3_open(conn_at(0), "PUT", 0);
	assert_string_equal(fake_h3_text(stream, NULL), "one two ");
	assert_false(fake_h3_finished(stream));
	assert_int_equal(exchange_write(c.x, "three", 5), 0);
	lab_run(&lab);
	assert_string_equal(fake_h3_text(stream, NULL), "one two three");
	exchange_finish(c.x);
	lab_run(&lab);
	assert_true(fake_h3_finished(stream));
	fake_h3_answer(stream, 200, NULL, 0, NULL, 0, true);
	lab_run(&lab);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, 0);
}

static void test_abort(void **state)
{
	static struct client c;
	struct h3_stream *stream;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	exchange_abort(c.x);		/* before there is a connection */
	lab_run(&lab);
	fake_h3_ready(conn_at(0), false);
	lab_run(&lab);
	assert_int_equal(fake_h3_open_cnt(conn_at(0), NULL), 0);
	ask(&c, 0, "GET", NULL, true);
	stream = fake_h3_open(conn_at(0), "GET", 0);
	exchange_abort(c.x);
	fake_h3_answer(stream, 200, NULL, 0, "x", 1, false);
	lab_run(&lab);
	assert_true(fake_h3_was_reset(stream));
	assert_int_equal(c.heads, 0);
	assert_int_equal(c.closes, 0);
}

static void test_reset(void **state)
{
	static struct client c;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	fake_h3_ready(conn_at(0), false);
	fake_h3_stream_lost(fake_h3_open(conn_at(0), "GET", 0), ECONNRESET);
	lab_run(&lab);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, ECONNRESET);
}

static void test_no_credit(void **state)
{
	static struct client c;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	fake_h3_set_credit(conn_at(0), 0);
	fake_h3_ready(conn_at(0), false);
	lab_pass(&lab, 100);
	assert_int_equal(c.closes, 0);
	fake_h3_set_credit(conn_at(0), 1);
	lab_pass(&lab, 50);
	assert_int_equal(fake_h3_open_cnt(conn_at(0), "GET"), 1);
}

/* ---- connections ---- */

static void test_wait(void **state)
{
	static struct client c;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	lab_pass(&lab, 4900);
	assert_int_equal(c.closes, 0);
	lab_pass(&lab, 200);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, ETIMEDOUT);
}

static void test_refused(void **state)
{
	static const int errs[] = { ECONNREFUSED, EACCES, ETIMEDOUT };
	static struct client c;
	const char *why;
	bool connected;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(errs); i++) {
		ask(&c, 0, "GET", NULL, true);
		lab_pass(&lab, 4900);	/* the rest after the last failure */
		assert_int_equal(c.closes, 0);
		fake_h3_conn_lost(conn_at(i), errs[i]);
		lab_run(&lab);
		assert_int_equal(c.closes, 1);
		assert_int_equal(c.err, errs[i]);
		assert_int_equal(exchange_peer_state(lab.peer, &connected,
						     &why), errs[i]);
		assert_false(connected);
		assert_string_equal(why, "as the test says");
	}
	assert_int_equal(lab_counter("peer_connect_failures_total", NULL), 3);
}

/* The first retry comes at once, the next ones rest longer and longer, and
 * nothing is tried that nobody wants. */
static void test_rest(void **state)
{
	static struct client c;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	fake_h3_conn_lost(conn_at(0), ECONNREFUSED);
	lab_pass(&lab, 60000);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	fake_h3_conn_lost(conn_at(1), ECONNREFUSED);
	lab_run(&lab);
	ask(&c, 0, "GET", NULL, true);
	lab_pass(&lab, 1400);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	lab_pass(&lab, 1200);			/* 2 s, a quarter off or on */
	assert_int_equal(fake_h3_connected_cnt(), 3);
	fake_h3_ready(conn_at(2), false);
	lab_run(&lab);
	assert_int_equal(fake_h3_open_cnt(conn_at(2), "GET"), 1);
	assert_int_equal(c.closes, 0);
}

static void test_lost(void **state)
{
	static struct client c, d;
	bool connected;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	fake_h3_ready(conn_at(0), false);
	lab_run(&lab);
	assert_int_equal(exchange_peer_state(lab.peer, &connected, NULL), 0);
	assert_true(connected);
	lab_pass(&lab, 5000);
	fake_h3_conn_lost(conn_at(0), ETIMEDOUT);
	lab_run(&lab);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, ECONNABORTED);
	assert_int_equal(exchange_peer_state(lab.peer, &connected, NULL),
			 ETIMEDOUT);
	assert_false(connected);
	assert_int_equal(fake_h3_connected_cnt(), 1);
	ask(&d, 0, "GET", NULL, true);		/* at once when needed */
	assert_int_equal(fake_h3_connected_cnt(), 2);
}

static void test_goaway(void **state)
{
	static struct client c, d;

	(void)state;
	ask(&c, 0, "GET", NULL, true);
	fake_h3_ready(conn_at(0), false);
	fake_h3_goaway(conn_at(0));
	ask(&d, 0, "GET", NULL, true);
	lab_run(&lab);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	fake_h3_ready(conn_at(1), false);
	assert_int_equal(fake_h3_open_cnt(conn_at(1), "GET"), 1);
	/* What is under way on the old one goes on. */
	fake_h3_answer(fake_h3_open(conn_at(0), "GET", 0), 200, NULL, 0,
		       NULL, 0, true);
	lab_run(&lab);
	fake_h3_conn_lost(conn_at(0), 0);
	lab_run(&lab);
	assert_int_equal(c.status, 200);
	assert_int_equal(c.err, 0);
	assert_int_equal(d.closes, 0);
}

static void test_several_addresses(void **state)
{
	struct addr addr[3];
	const struct exchange_peer_config config = {
		.authority = "gw.example", .addr = addr, .addr_cnt = 3 };
	static struct client c;
	char text[ADDR_TEXT_LEN];

	(void)state;
	exchange_peer_free(&lab.peer);
	assert_int_equal(addr_parse(&addr[0], "192.0.2.1:443"), 0);
	assert_int_equal(addr_parse(&addr[1], "192.0.2.2:443"), 0);
	assert_int_equal(addr_parse(&addr[2], "192.0.2.3:443"), 0);
	assert_int_equal(exchange_peer_new(&lab.peer, lab.net, &config), 0);
	ask(&c, 0, "GET", NULL, true);
	assert_true(fake_h3_params(conn_at(0))->handshake_ms < 5000);
	fake_h3_conn_lost(conn_at(0), ECONNREFUSED);
	fake_h3_conn_lost(conn_at(1), ETIMEDOUT);
	lab_run(&lab);
	assert_int_equal(c.closes, 0);
	addr_print(text, &fake_h3_params(conn_at(2))->to);
	assert_string_equal(text, "192.0.2.3:443");
	fake_h3_ready(conn_at(2), false);
	assert_int_equal(fake_h3_open_cnt(conn_at(2), "GET"), 1);
}

/* ---- names ---- */

static void test_names(void **state)
{
	static const struct {
		const char *authority;
		int err;
		const char *host;
		const char *to;		/* NULL: cannot be resolved here */
	} rows[] = {
		{ "192.0.2.9", 0, "192.0.2.9", "192.0.2.9:443" },
		{ "192.0.2.9:4433", 0, "192.0.2.9", "192.0.2.9:4433" },
		{ "[2001:db8::1]:4433", 0, "2001:db8::1",
		  "[2001:db8::1]:4433" },
		{ "gw.example", 0, "gw.example", NULL },
		{ "", EINVAL, NULL, NULL },
		{ ":443", EINVAL, NULL, NULL },
		{ "gw.example:", EINVAL, NULL, NULL },
		{ "gw.example:0", EINVAL, NULL, NULL },
		{ "gw.example:65536", EINVAL, NULL, NULL },
		{ "gw.example:44x", EINVAL, NULL, NULL },
		{ "[2001:db8::1", EINVAL, NULL, NULL },
	};
	unsigned i, made = 0;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct exchange_peer_config config = {
			.authority = rows[i].authority };
		char text[ADDR_TEXT_LEN];
		static struct client c;
		const char *why;

		row_name(rows[i].authority);
		exchange_peer_free(&lab.peer);
		assert_int_equal(exchange_peer_new(&lab.peer, lab.net,
						   &config), rows[i].err);
		if (rows[i].err)
			continue;
		ask(&c, 0, "GET", NULL, true);
		if (!rows[i].to) {
			assert_int_equal(c.closes, 1);
			assert_int_equal(c.err, ENOTCONN);
			assert_int_equal(exchange_peer_state(lab.peer, NULL,
							     &why), ENOTCONN);
			assert_string_equal(why, "gw.example: the name "
						 "cannot be resolved");
			continue;
		}
		assert_int_equal(fake_h3_connected_cnt(), ++made);
		addr_print(text, &fake_h3_params(conn_at(made - 1))->to);
		assert_string_equal(text, rows[i].to);
		assert_string_equal(fake_h3_params(conn_at(made - 1))->host,
				    rows[i].host);
	}
}

/* ---- DNS, played by the test ---- */

static struct {
	unsigned asked, cancelled;
	char host[64];
	uint16_t port;
	dns_h *done;
	void *arg;
	int err;			/* of dns_resolve_host() */
} dns;

int dns_resolve_host(struct dns_query **queryp, struct dns *resolver,
		     const char *host, uint16_t port, dns_h *done, void *arg)
{
	(void)resolver;
	dns.asked++;
	if (dns.err)
		return dns.err;
	snprintf(dns.host, sizeof(dns.host), "%s", host);
	dns.port = port;
	dns.done = done;
	dns.arg = arg;
	*queryp = (struct dns_query *)&dns;
	return 0;
}

void dns_cancel(struct dns_query **queryp)
{
	if (!*queryp)
		return;
	dns.cancelled++;
	*queryp = NULL;
}

static void resolve(const char *first, const char *second, uint32_t ttl_s)
{
	struct dns_answer answer = { .ttl_s = ttl_s };

	assert_int_equal(addr_parse(&answer.addr[answer.count++], first), 0);
	if (second)
		assert_int_equal(addr_parse(&answer.addr[answer.count++],
					    second), 0);
	dns.done(0, &answer, dns.arg);
	lab_run(&lab);
}

static void start_with_dns(void)
{
	const struct ript_net_config config = {
		.dns = (struct dns *)&dns };
	const struct exchange_peer_config peer = {
		.authority = "gw.example:4433" };

	memset(&dns, 0, sizeof(dns));
	lab_stop(&lab);
	lab_start(&lab, &config, 0);
	assert_int_equal(exchange_peer_new(&lab.peer, lab.net, &peer), 0);
}

static void test_resolved(void **state)
{
	static struct client a, b, c;
	char text[ADDR_TEXT_LEN];

	(void)state;
	start_with_dns();
	ask(&a, 0, "GET", NULL, true);
	ask(&b, 1, "GET", NULL, true);
	assert_int_equal(dns.asked, 1);		/* for both workers */
	assert_string_equal(dns.host, "gw.example");
	assert_int_equal(dns.port, 4433);
	assert_int_equal(fake_h3_connected_cnt(), 0);
	resolve("192.0.2.1:4433", "192.0.2.2:4433", 60);
	assert_int_equal(fake_h3_connected_cnt(), 2);
	fake_h3_conn_lost(conn_at(0), ECONNREFUSED);
	lab_run(&lab);
	addr_print(text, &fake_h3_params(conn_at(2))->to);
	assert_string_equal(text, "192.0.2.2:4433");
	fake_h3_ready(conn_at(2), false);
	lab_pass(&lab, 5000);

	/* Known for its TTL, then asked for again. */
	fake_h3_conn_lost(conn_at(2), ETIMEDOUT);
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(dns.asked, 1);
	fake_h3_ready(conn_at(3), false);
	lab_pass(&lab, 60000);
	fake_h3_conn_lost(conn_at(3), ETIMEDOUT);
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(dns.asked, 2);
}

static void test_not_resolved(void **state)
{
	static struct client c;

	(void)state;
	start_with_dns();
	ask(&c, 0, "GET", NULL, true);
	dns.done(ENOENT, NULL, dns.arg);
	lab_run(&lab);
	assert_int_equal(c.closes, 1);
	assert_int_equal(c.err, ENOTCONN);
	lab_pass(&lab, 200);
	dns.err = ENOMEM;
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(c.closes, 1);
	lab_pass(&lab, 5000);
	dns.err = 0;
	ask(&c, 0, "GET", NULL, true);
	assert_int_equal(c.closes, 0);
	exchange_peer_free(&lab.peer);
	assert_int_equal(dns.cancelled, 1);
	assert_int_equal(c.closes, 1);
}

static void ignore_line(const char *line, void *arg)
{
	(void)line;
	(*(unsigned *)arg)++;
}

static void test_ca_file(void **state)
{
	const struct exchange_peer_config config = {
		.authority = "gw.example", .ca_file = "missing.pem" };
	unsigned lines = 0;

	(void)state;
	exchange_peer_free(&lab.peer);
	log_capture(ignore_line, &lines);
	assert_int_equal(exchange_peer_new(&lab.peer, lab.net, &config),
			 ENOENT);
	log_capture(NULL, NULL);
	assert_int_equal(lines, 1);
	assert_null(lab.peer);
}

/* ---- the end ---- */

static void test_peer_freed(void **state)
{
	static struct client waiting, sent;

	(void)state;
	ask(&sent, 0, "GET", NULL, true);
	fake_h3_ready(conn_at(0), false);
	lab_run(&lab);
	ask(&waiting, 1, "GET", NULL, true);
	exchange_peer_free(&lab.peer);
	assert_int_equal(sent.closes, 1);	/* before it returns */
	assert_int_equal(sent.err, ECONNABORTED);
	assert_int_equal(waiting.closes, 1);
	lab_run(&lab);
	assert_true(fake_h3_conn_closed(conn_at(0)));
	assert_true(fake_h3_conn_closed(conn_at(1)));
	assert_int_equal(sent.closes + waiting.closes, 2);
	lab_pass(&lab, 10000);
	assert_int_equal(fake_h3_connected_cnt(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
		T(test_get),
		T(test_body),
		T(test_abort),
		T(test_reset),
		T(test_no_credit),
		T(test_wait),
		T(test_refused),
		T(test_rest),
		T(test_lost),
		T(test_goaway),
		T(test_several_addresses),
		T(test_names),
		T(test_resolved),
		T(test_not_resolved),
		T(test_ca_file),
		T(test_peer_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
