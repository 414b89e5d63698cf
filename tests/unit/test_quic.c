/* SPDX-License-Identifier: MIT */
/* QUIC below HTTP/3: who may connect, what strangers get, how connections
 * survive and end. */
#include "tests/unit/h3_pair.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ript/h3_int.h"

/* ---- both sides, counting ---- */

struct end {
	struct h3_conn *conn;
	struct h3_session *session;
	unsigned ready, closed, got, session_ready;
	int err;
	char reason[200];
};

/* Longer alive than the endpoints, whatever a test does. */
static struct end server, client, other;

static void on_closed(struct h3_conn *conn, int err, const char *reason,
		      void *arg)
{
	struct end *end = arg;

	(void)conn;
	end->closed++;
	end->err = err;
	end->conn = NULL;
	snprintf(end->reason, sizeof(end->reason), "%s", reason);
}

static void on_datagram(struct h3_session *session, const uint8_t *data,
			size_t len, void *arg)
{
	struct end *end = arg;

	end->got++;
	if (end == &server)
		h3_datagram_send(session, data, len);
}

static void on_session_ready(struct h3_session *session, int status, void *arg)
{
	(void)session;
	assert_int_equal(status, 0);
	((struct end *)arg)->session_ready++;
}

static void on_session_closed(struct h3_session *session, int err, void *arg)
{
	(void)session;
	(void)err;
	((struct end *)arg)->session = NULL;
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_datagram,
	.closed = on_session_closed,
};

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	struct end *end = arg;
	struct h3_session *session;

	end->conn = conn;
	if (head->protocol) {
		h3_session_accept(&session, stream, &session_handlers, end);
		end->session = session;
	} else {
		h3_reply(stream, 204, NULL, 0, NULL, 0, true);
	}
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

static int setup(void **state)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	memset(&other, 0, sizeof(other));
	return pair_setup(state);
}

static void dial(struct pair *pair, struct end *end)
{
	assert_int_equal(h3_connect(&end->conn, pair->client, &pair->connect,
				    &client_handlers, end), 0);
}

static void dial_ok(struct pair *pair, struct end *end)
{
	dial(pair, end);
	if (!pair_until(pair, &end->ready, 1, 5000))
		fail_msg("not ready: %s", end->reason);
}

static void dial_session(struct pair *pair)
{
	struct h3_head head = { .path = "/" };

	dial_ok(pair, &client);
	assert_int_equal(h3_session_open(&client.session, client.conn, &head,
					 &session_handlers, &client), 0);
	assert_true(pair_until(pair, &client.session_ready, 1, 2000));
}

static void echo(struct pair *pair, unsigned cnt)
{
	unsigned want = client.got;

	for (unsigned i = 0; i < cnt; i++) {
		assert_int_equal(h3_datagram_send(client.session, "echo", 4),
				 0);
		want++;
		assert_true(pair_until(pair, &client.got, want, 2000));
	}
}

/* ---- certificates ---- */

static void test_wrong_ca(void **state)
{
	struct pair *pair = *state;
	struct tls_client *trust = NULL;
	char *why = NULL;

	pair_start(pair, &server_handlers, &server);
	assert_int_equal(tls_client_new(&trust, pair->certs.other_ca, &why),
			 0);
	pair->connect.tls = trust;
	dial(pair, &client);
	assert_true(pair_until(pair, &client.closed, 1, 5000));
	assert_int_equal(client.err, EACCES);
	assert_int_equal(client.ready, 0);
	assert_non_null(strstr(client.reason, "certificate of " PAIR_HOST));
	assert_non_null(strstr(client.reason, "issuer is unknown"));
	/* The server hears why, too. */
	assert_true(pair_until(pair, &server.closed, 1, 5000));
	assert_int_equal(server.err, EACCES);
	h3_endpoint_free(&pair->client);
	tls_client_free(&trust);
}

static void test_wrong_host(void **state)
{
	struct pair *pair = *state;

	pair_start(pair, &server_handlers, &server);
	pair->connect.host = "other.example";
	dial(pair, &client);
	assert_true(pair_until(pair, &client.closed, 1, 5000));
	assert_int_equal(client.err, EACCES);
	assert_non_null(strstr(client.reason, "does not match"));

	/* Names with a port, and addresses that the certificate has. */
	pair->connect.host = PAIR_HOST ":443";
	memset(&client, 0, sizeof(client));
	dial_ok(pair, &client);
	pair->connect.host = "127.0.0.1";
	dial_ok(pair, &other);
	pair->connect.host = "127.0.0.2";
	memset(&client, 0, sizeof(client));
	dial(pair, &client);
	assert_true(pair_until(pair, &client.closed, 1, 5000));
	assert_int_equal(client.err, EACCES);
}

static void test_credentials(void **state)
{
	struct pair *pair = *state;
	struct tls_server *tls = NULL;
	struct tls_client *trust = NULL;
	char *why = NULL;

	assert_int_equal(tls_server_new(&tls, "/nonexistent.pem", NULL, &why),
			 ENOENT);
	assert_null(tls);
	assert_non_null(strstr(why, "/nonexistent.pem"));
	free(why);
	why = NULL;
	assert_int_equal(tls_server_new(&tls, pair->certs.ca, pair->certs.key,
					&why), EINVAL);
	free(why);
	why = NULL;
	assert_int_equal(chmod(pair->certs.key, 0640), 0);
	assert_int_equal(tls_server_new(&tls, pair->certs.cert,
					pair->certs.key, &why), EACCES);
	assert_non_null(strstr(why, "chmod 600"));
	free(why);
	why = NULL;
	/* A reload that fails leaves the old ones in place. */
	assert_int_equal(tls_server_reload(pair->tls, &why), EACCES);
	free(why);
	why = NULL;
	assert_int_equal(chmod(pair->certs.key, 0600), 0);
	pair_start(pair, &server_handlers, &server);
	dial_ok(pair, &client);
	assert_int_equal(tls_server_reload(pair->tls, &why), 0);
	dial_ok(pair, &other);
	assert_int_equal(tls_client_new(&trust, "/nonexistent.pem", &why),
			 ENOENT);
	free(why);
	why = NULL;
	assert_int_equal(tls_client_new(&trust, pair->certs.key, &why),
			 EINVAL);
	free(why);
}

/* ---- nobody there ---- */

static void test_nobody(void **state)
{
	struct pair *pair = *state;
	struct addr bound;
	int fd;

	pair_start(pair, &server_handlers, &server);
	/* A port that was free a moment ago. */
	assert_int_equal(h3_listen(&fd, 1, &pair->at, &bound), EADDRINUSE);
	assert_int_equal(addr_parse(&bound, "127.0.0.1:0"), 0);
	assert_int_equal(h3_listen(&fd, 1, &bound, &pair->connect.to), 0);
	close(fd);
	dial(pair, &client);
	assert_true(pair_until(pair, &client.closed, 1, 3000));
	assert_int_equal(client.err, ECONNREFUSED);
	assert_non_null(strstr(client.reason, "nobody listens at 127.0.0.1:"));
}

static void test_silence(void **state)
{
	struct pair *pair = *state;
	struct addr any;
	int fd;

	pair_start(pair, &server_handlers, &server);
	assert_int_equal(addr_parse(&any, "127.0.0.1:0"), 0);
	assert_int_equal(h3_listen(&fd, 1, &any, &pair->connect.to), 0);
	pair->connect.handshake_ms = 100;
	dial(pair, &client);
	assert_true(pair_until(pair, &client.closed, 1, 3000));
	assert_int_equal(client.err, ETIMEDOUT);
	assert_string_equal(client.reason, "no handshake within 100 ms");
	close(fd);
}

static void test_idle(void **state)
{
	struct pair *pair = *state;

	pair->config.idle_ms = 400;
	pair_start(pair, &server_handlers, &server);
	dial_ok(pair, &client);
	pair->connect.keepalive_ms = 100;
	dial_ok(pair, &other);
	assert_true(pair_until(pair, &client.closed, 1, 3000));
	assert_int_equal(client.err, ETIMEDOUT);
	assert_string_equal(client.reason,
			    "nothing was heard of the peer for 400 ms");
	assert_true(pair_until(pair, &server.closed, 1, 3000));
	assert_int_equal(server.err, ETIMEDOUT);
	pair_run(pair, 800);
	/* Kept alive. */
	assert_int_equal(other.closed, 0);
	assert_int_equal(server.closed, 1);
}

/* ---- a server that forgot ---- */

static void test_stateless_reset(void **state)
{
	struct pair *pair = *state;
	struct h3_conn_handlers none = server_handlers;
	struct h3_endpoint *old;
	uint64_t before = pair_counter("quic_resets_total", NULL);
	struct addr at;
	int fds[2];

	pair_start(pair, &server_handlers, &server);
	dial_session(pair);
	echo(pair, 3);
	/* As after a crash: the old endpoint never says good-bye, because its
	 * socket is taken away; the new one has the same secrets. */
	old = pair->server;
	fds[0] = dup(pair->fd);
	fds[1] = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(addr_parse(&at, "127.0.0.1:9"), 0);
	connect(fds[1], (struct sockaddr *)&at.ss, at.len);
	pair->config.listen_fd = fds[0];
	dup2(fds[1], pair->fd);
	pair_start_server(pair, &none, &other);
	assert_int_equal(h3_datagram_send(client.session, "who", 3), 0);
	assert_true(pair_until(pair, &client.closed, 1, 3000));
	assert_int_equal(client.err, ECONNRESET);
	assert_non_null(strstr(client.reason, "stateless reset"));
	assert_true(pair_counter("quic_resets_total", NULL) > before);
	h3_endpoint_free(&old);
	h3_endpoint_free(&pair->server);
	close(fds[0]);
	close(fds[1]);
}

/* ---- the door ---- */

static void test_retry(void **state)
{
	struct pair *pair = *state;
	uint64_t before = pair_counter("quic_retries_total", NULL);
	static struct end ends[4];

	memset(ends, 0, sizeof(ends));
	pair->config.handshakes_per_s = 1;
	pair_start(pair, &server_handlers, &server);
	for (unsigned i = 0; i < COUNT(ends); i++)
		dial(pair, &ends[i]);
	for (unsigned i = 0; i < COUNT(ends); i++)
		assert_true(pair_until(pair, &ends[i].ready, 1, 5000));
	/* Of four, one or two (another second) came in without. */
	assert_true(pair_counter("quic_retries_total", NULL) >= before + 2);
	h3_endpoint_free(&pair->client);
	h3_endpoint_free(&pair->server);
}

static void test_full(void **state)
{
	struct pair *pair = *state;

	pair->config.max_conns = 1;
	pair_start(pair, &server_handlers, &server);
	dial_ok(pair, &client);
	dial(pair, &other);
	assert_true(pair_until(pair, &other.closed, 1, 3000));
	assert_int_equal(other.err, ECONNREFUSED);
	assert_string_equal(other.reason, "the peer takes no new connections");
	/* One goes, one may come. */
	h3_conn_close(client.conn);
	assert_true(pair_until(pair, &server.closed, 1, 2000));
	memset(&other, 0, sizeof(other));
	dial_ok(pair, &other);
}

struct stray {
	const char *name;
	uint8_t head[32];
	size_t head_len, len;	/* zeros behind the head */
	const char *counter, *labels;
	size_t answer_max;	/* 0: none */
};

static void test_strays(void **state)
{
	static const struct stray strays[] = {
		{ "one octet", { 0x40 }, 1, 1, "quic_dropped_total",
		  "reason=\"garbage\"", 0 },
		{ "short header of nobody", { 0x40, 1, 2, 3, 4, 5, 6, 7, 8 },
		  9, 60, "quic_resets_total", NULL, 59 },
		{ "short header, too short for a reset",
		  { 0x40, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 25,
		  "quic_dropped_total", "reason=\"unknown-connection\"", 0 },
		{ "version 0", { 0x80, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
				 0 }, 15, 1200, "quic_dropped_total",
		  "reason=\"unknown-connection\"", 0 },
		{ "version 0, IDs of 255 octets", { 0x80, 0, 0, 0, 0, 255 },
		  6, 1200, "quic_dropped_total",
		  "reason=\"unknown-connection\"", 0 },
		{ "unknown version", { 0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2,
				       3, 4, 5, 6, 7, 8, 0 }, 15, 1200,
		  "quic_version_negotiations_total", NULL, 100 },
		{ "unknown version, small", { 0xc0, 0xba, 0xba, 0xba, 0xba, 8,
					      1, 2, 3, 4, 5, 6, 7, 8, 0 }, 15,
		  1199, "quic_dropped_total", "reason=\"garbage\"", 0 },
		{ "handshake packet of nobody", { 0xe0, 0, 0, 0, 1, 8, 1, 2,
						  3, 4, 5, 6, 7, 8, 0, 0x40,
						  0x20 }, 17, 1200,
		  "quic_dropped_total", "reason=\"unknown-connection\"", 0 },
		{ "initial of noise", { 0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6,
					7, 8, 0, 0, 0x44, 0x9e }, 18, 1200,
		  "quic_closed_total", "reason=\"error\"", 0 },
		{ "initial with a small ID", { 0xc0, 0, 0, 0, 1, 2, 1, 2, 0,
					       0, 0x44, 0xa4 }, 12, 1200,
		  "quic_dropped_total", "reason=\"unknown-connection\"", 0 },
		{ "initial with noise as token",
		  { 0xc0, 0, 0, 0, 1, 8, 9, 2, 3, 4, 5, 6, 7, 8, 0, 4, 0xb7,
		    1, 2, 3, 0x44, 0x9a }, 22, 1200, "quic_closed_total",
		  "reason=\"error\"", 0 },
	};
	struct pair *pair = *state;
	uint8_t buf[1500];
	uint64_t before;
	ssize_t n;
	int fd;

	pair_start(pair, &server_handlers, &server);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&pair->at.ss,
				 pair->at.len), 0);
	for (unsigned i = 0; i < COUNT(strays); i++) {
		const struct stray *s = &strays[i];

		row_name(s->name);
		memset(buf, 0, sizeof(buf));
		memcpy(buf, s->head, s->head_len);
		before = pair_counter(s->counter, s->labels);
		assert_int_equal(send(fd, buf, s->len, 0), s->len);
		for (int t = 0; t < 100 && pair_counter(s->counter,
							s->labels) == before;
		     t++)
			pair_run(pair, 2);
		assert_int_equal(pair_counter(s->counter, s->labels),
				 before + 1);
		n = recv(fd, buf, sizeof(buf), 0);
		if (s->answer_max)
			assert_in_range(n, 21, s->answer_max);
		else
			assert_int_equal(n, -1);
	}
	close(fd);
	/* And the door still opens. */
	dial_ok(pair, &client);
}

/* Noise of any size, some of it towards a living connection. */
static void test_noise(void **state)
{
	struct pair *pair = *state;
	uint8_t buf[1500];
	uint32_t len;
	int fd;

	pair_start(pair, &server_handlers, &server);
	dial_session(pair);
	echo(pair, 1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&pair->at.ss,
				 pair->at.len), 0);
	for (int i = 0; i < 500; i++) {
		random_bytes(&len, sizeof(len));
		len = len % 1400;
		random_bytes(buf, sizeof(buf));
		if (i % 3 == 0 && len > 10) {
			/* The server's own connection ID. */
			ngtcp2_conn *ng = quic_conn_native(client.conn->quic);

			buf[0] = (uint8_t)(0x40 | (buf[0] & 0x3f));
			memcpy(buf + 1, ngtcp2_conn_get_dcid(ng)->data, 8);
		}
		send(fd, buf, len, 0);
		if (i % 50 == 0)
			echo(pair, 1);
	}
	close(fd);
	echo(pair, 1);
	assert_int_equal(client.closed, 0);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
	static const struct {
		const char *name, *listen, *connect;
	} rows[] = {
		/* The answer must come from the address that was asked. */
		{ "any IPv4", "0.0.0.0:0", "127.0.0.2:0" },
		{ "IPv6", "[::1]:0", "[::1]:0" },
		{ "any IPv6", "[::]:0", "[::1]:0" },
		{ "IPv4 at an IPv6 socket", "[::]:0", "127.0.0.2:0" },
	};
	struct pair *pair = *state;
	struct addr at, bound;
	int fd, err;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		assert_int_equal(addr_parse(&at, rows[i].listen), 0);
		err = h3_listen(&fd, 1, &at, &bound);
		if (err == EAFNOSUPPORT || err == EADDRNOTAVAIL) {
			print_message("    no IPv6 here\n");
			continue;
		}
		assert_int_equal(err, 0);
		pair->config.listen_fd = fd;
		assert_int_equal(addr_parse(&pair->connect.to,
					    rows[i].connect), 0);
		addr_set_port(&pair->connect.to, addr_port(&bound));
		memset(&client, 0, sizeof(client));
		pair_start(pair, &server_handlers, &server);
		dial_session(pair);
		echo(pair, 10);
		h3_endpoint_free(&pair->client);
		h3_endpoint_free(&pair->server);
		pair_run(pair, 1);
		close(fd);
	}
}

/* ---- living on ---- */

static void test_key_update(void **state)
{
	struct pair *pair = *state;

	pair_start(pair, &server_handlers, &server);
	dial_session(pair);
	for (int round = 0; round < 3; round++) {
		int err = EAGAIN;

		for (int i = 0; i < 500 && err; i++) {
			err = quic_conn_update_keys(client.conn->quic);
			echo(pair, 1);
			pair_run(pair, 2);
		}
		assert_int_equal(err, 0);
		echo(pair, 10);
	}
	/* The server's turn. */
	assert_int_equal(client.closed, 0);
}

static void test_rebind(void **state)
{
	struct pair *pair = *state;
	uint64_t before;
	struct addr old, now;
	int err = EAGAIN;

	pair_start(pair, &server_handlers, &server);
	dial_session(pair);
	echo(pair, 5);
	old = *h3_conn_peer(server.conn);
	before = pair_counter("quic_migrations_total", NULL);
	for (int i = 0; i < 100 && err; i++) {
		err = quic_conn_rebind(client.conn->quic);
		pair_run(pair, 2);
	}
	assert_int_equal(err, 0);
	echo(pair, 20);
	for (int i = 0; i < 100; i++) {
		if (pair_counter("quic_migrations_total", NULL) >= before + 2)
			break;
		pair_run(pair, 5);
	}
	now = *h3_conn_peer(server.conn);
	assert_false(addr_equal(&old, &now));
	assert_int_equal(client.closed, 0);
	assert_int_equal(server.closed, 0);
}

#define PAIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, pair_teardown)

static const struct CMUnitTest tests[] = {
	PAIR_TEST(test_wrong_ca),
	PAIR_TEST(test_wrong_host),
	PAIR_TEST(test_credentials),
	PAIR_TEST(test_nobody),
	PAIR_TEST(test_silence),
	PAIR_TEST(test_idle),
	PAIR_TEST(test_stateless_reset),
	PAIR_TEST(test_retry),
	PAIR_TEST(test_full),
	PAIR_TEST(test_strays),
	PAIR_TEST(test_noise),
	PAIR_TEST(test_addresses),
	PAIR_TEST(test_key_update),
	PAIR_TEST(test_rebind),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
