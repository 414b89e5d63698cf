/* SPDX-License-Identifier: MIT */
/* A web server of a few lines on 127.0.0.1 answers on the control loop. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"

static struct loop *loop;
static struct fetch *fetch;
static int sock;
static struct loop_fd *watch;
static unsigned port;
static char request[2048];

struct client {
	struct le le;
	int fd;
	struct loop_fd *watch;
};

static struct list clients;

static void client_close(struct client *client)
{
	list_unlink(&client->le);
	loop_unwatch(&client->watch);
	close(client->fd);
	free(client);
}

static const struct {
	const char *path, *answer;
} pages[] = {
	{ "/key", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
		  "Cache-Control: public, max-age=600\r\n\r\nkey" },
	{ "/now", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
		  "cache-control: max-age=600, no-store\r\n\r\nnow" },
	{ "/none", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" },
	{ "/moved", "HTTP/1.1 302 Found\r\nLocation: /key\r\n"
		    "Content-Length: 0\r\n\r\n" },
	{ "/long", "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n"
		   "01234567890123456" },
	{ "/bad", "SSH-2.0-x\r\n\r\n" },
};

static void on_request(unsigned events, void *arg)
{
	struct client *client = arg;
	char text[2048];
	ssize_t n = read(client->fd, text, sizeof(text) - 1);
	size_t i, len;

	(void)events;
	if (n <= 0) {
		client_close(client);
		return;
	}
	text[n] = '\0';
	strcpy(request, text);
	for (i = 0; i < COUNT(pages); i++) {
		len = strlen(pages[i].path);
		if (strncmp(strchr(text, ' ') + 1, pages[i].path, len) == 0)
			assert_true(write(client->fd, pages[i].answer,
					  strlen(pages[i].answer)) > 0);
	}
}

static void on_connect(unsigned events, void *arg)
{
	struct client *client = xzalloc(sizeof(*client));

	(void)events;
	(void)arg;
	client->fd = accept(sock, NULL, NULL);
	client->watch = loop_watch(loop, client->fd, LOOP_READ, on_request,
				   client);
	list_append(&clients, &client->le);
}

static int setup(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loop = loop_new();
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(sock, 64), 0);
	assert_int_equal(getsockname(sock, (struct sockaddr *)&at, &len), 0);
	port = ntohs(at.sin_port);
	watch = loop_watch(loop, sock, LOOP_READ, on_connect, NULL);
	assert_int_equal(fetch_new(&fetch, loop), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fetch_free(&fetch);
	assert_null(fetch);
	while (clients.head)
		client_close(list_entry(clients.head, struct client, le));
	loop_unwatch(&watch);
	close(sock);
	loop_free(&loop);
	return 0;
}

static struct fetch_result got;
static char body[64];
static unsigned done_cnt;

static void on_done(const struct fetch_result *result, void *arg)
{
	(void)arg;
	got = *result;
	assert_non_null(result->reason);
	got.reason = NULL;
	assert_true(result->body_len < sizeof(body));
	memcpy(body, result->body, result->body_len);
	body[result->body_len] = '\0';
	done_cnt++;
	loop_stop(loop);
}

static void answers(void **state)
{
	static const struct {
		const char *path;
		int err;
		long status;
		const char *body;
		uint64_t max_age_s;
	} rows[] = {
		{ "/key", 0, 200, "key", 600 },
		{ "/now", 0, 200, "now", 0 },
		{ "/none", 0, 404, "", 0 },
		{ "/moved", 0, 302, "", 0 },	/* not followed */
		{ "/long", EMSGSIZE, 200, "", 0 },
		{ "/bad", EPROTO, 0, "", 0 },
		{ "/silent", ETIMEDOUT, 0, "", 0 },
	};
	struct fetch_request req = { .max_len = 16, .allow_http = 1 };
	char url[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].path);
		snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port,
			 rows[i].path);
		req.url = url;
		req.deadline_ms = rows[i].err == ETIMEDOUT ? 50 : 5000;
		assert_int_equal(fetch_start(fetch, &req, on_done, NULL), 0);
		loop_run(loop);
		assert_int_equal(got.err, rows[i].err);
		assert_int_equal(got.status, rows[i].status);
		if (!rows[i].err)
			assert_string_equal(body, rows[i].body);
		assert_int_equal(got.max_age_s, rows[i].max_age_s);
	}
}

static void requests(void **state)
{
	static const char *const headers[] = {
		"Authorization: Bearer x", "Content-Type: text/plain", NULL
	};
	struct fetch_request req = { .max_len = 16, .allow_http = 1,
				     .headers = headers, .body = "a=b",
				     .body_len = 3, .deadline_ms = 5000 };
	char url[128];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/key", port);
	req.url = url;
	assert_int_equal(fetch_start(fetch, &req, on_done, NULL), 0);
	loop_run(loop);
	assert_int_equal(got.err, 0);
	assert_memory_equal(request, "POST /key HTTP/1.1\r\n", 20);
	assert_non_null(strstr(request, "\r\nAuthorization: Bearer x\r\n"));
	assert_non_null(strstr(request, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(request, "\r\n\r\na=b"));
	req.method = "PUT";
	assert_int_equal(fetch_start(fetch, &req, on_done, NULL), 0);
	loop_run(loop);
	assert_memory_equal(request, "PUT /key HTTP/1.1\r\n", 19);
}

static void unreachable(void **state)
{
	struct fetch_request req = { .max_len = 16, .deadline_ms = 5000 };
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[128];

	(void)state;
	/* Bound, never listening: nobody else gets the port meanwhile. */
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(closed, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(closed, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
		 ntohs(at.sin_port));
	req.url = url;
	assert_int_equal(fetch_start(fetch, &req, on_done, NULL), 0);
	loop_run(loop);
	assert_int_equal(got.err, EHOSTUNREACH);
	close(closed);
}

static void urls_are_checked(void **state)
{
	static const char *const bad[] = {
		"", "http://127.0.0.1/", "ftp://127.0.0.1/",
		"file:///etc/passwd", "https://user@127.0.0.1/", "/key",
		"https:///key", "127.0.0.1",
	};
	struct fetch_request req = { .max_len = 16 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		row_name(bad[i]);
		req.url = bad[i];
		assert_int_equal(fetch_start(fetch, &req, on_done, NULL),
				 EINVAL);
	}
}

static void bounded_and_silent_after_free(void **state)
{
	struct fetch_request req = { .max_len = 16, .allow_http = 1,
				     .deadline_ms = 60000 };
	char url[128];
	int i;

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/silent", port);
	req.url = url;
	done_cnt = 0;
	for (i = 0; i < 64; i++)
		assert_int_equal(fetch_start(fetch, &req, on_done, NULL), 0);
	assert_int_equal(fetch_start(fetch, &req, on_done, NULL), EAGAIN);
	fetch_free(&fetch);
	assert_int_equal(done_cnt, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers, setup, teardown),
		cmocka_unit_test_setup_teardown(requests, setup, teardown),
		cmocka_unit_test_setup_teardown(unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(urls_are_checked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(bounded_and_silent_after_free,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
