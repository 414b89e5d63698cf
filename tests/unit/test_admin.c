/* SPDX-License-Identifier: MIT */
/* The two doors, over real sockets: threads, so also for TSan. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/metric.h"
#include "gateway/admin.h"

struct fixture {
	char dir[64];
	char socket[96];
	struct addr metrics;
	struct loop *loop;
	struct admin *admin;
	char seen[64], query[64];
	bool acts;
	unsigned asked;
};

static void on_ask(struct inquiry *inquiry, void *arg)
{
	struct fixture *f = arg;

	f->asked++;
	snprintf(f->seen, sizeof(f->seen), "%s", inquiry_path(inquiry));
	snprintf(f->query, sizeof(f->query), "%s", inquiry_query(inquiry));
	f->acts = inquiry_acts(inquiry);
	inquiry_answer(inquiry, strcmp(f->seen, "gone") == 0 ? 410 : 200, NULL,
		       "{\"answer\":42}\n");
}

static void config_of(struct fixture *f, struct admin_config *config)
{
	*config = (struct admin_config){
		.control = f->loop,
		.socket = f->socket,
		.metrics = &f->metrics,
		.ask = on_ask,
		.arg = f,
	};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct admin_config config;
	char *why = NULL;

	assert_non_null(f);
	strcpy(f->dir, "/tmp/riptide-admin.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/s.sock", f->dir);
	assert_int_equal(addr_parse(&f->metrics, "127.0.0.1:0"), 0);
	metric_inc(metric_counter("test_total", NULL, "A test."));
	f->loop = loop_new();
	config_of(f, &config);
	assert_int_equal(admin_start(&f->admin, &config, &why), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_stop(&f->admin);
	assert_int_equal(access(f->socket, F_OK), -1);
	loop_free(&f->loop);
	rmdir(f->dir);
	metric_reset();
	free(f);
	return 0;
}

/* A client on a thread of its own, while control turns. */
struct client {
	struct fixture *f;
	bool monitor;
	const char *request;
	char reply[65536];
};

static int client_connect(const struct client *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct addr *bound = admin_bound(c->f->admin);
	int fd = socket(c->monitor ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
	int rv;

	strcpy(un.sun_path, c->f->socket);
	if (c->monitor)
		rv = connect(fd, (const struct sockaddr *)&bound->ss,
			     bound->len);
	else
		rv = connect(fd, (const struct sockaddr *)&un, sizeof(un));
	return rv == 0 ? fd : -1;
}

/* loop_stop() is not for other threads: the client ends control's run by a
 * timer that looks at it. */
struct watcher {
	struct timer timer;
	struct fixture *f;
	bool *done;
};

static void on_look(void *arg)
{
	struct watcher *w = arg;

	if (__atomic_load_n(w->done, __ATOMIC_ACQUIRE))
		loop_stop(w->f->loop);
	else
		timer_start(&w->timer, w->f->loop, 1, on_look, w);
}

struct job {
	struct client *client;
	bool done;
};

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct client *c = job->client;
	int fd = client_connect(c);
	size_t len = 0;
	ssize_t n;

	if (fd >= 0 && write(fd, c->request, strlen(c->request)) > 0)
		while ((n = read(fd, c->reply + len,
				 sizeof(c->reply) - 1 - len)) > 0)
			len += (size_t)n;
	if (fd >= 0)
		close(fd);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void talk(struct fixture *f, struct client *c, bool monitor,
		 const char *request)
{
	struct job job = { c, false };
	struct watcher watcher = { .f = f, .done = &job.done };
	pthread_t thread;

	memset(c, 0, sizeof(*c));
	c->f = f;
	c->monitor = monitor;
	c->request = request;
	assert_int_equal(pthread_create(&thread, NULL, job_main, &job), 0);
	timer_start(&watcher.timer, f->loop, 1, on_look, &watcher);
	loop_run(f->loop);
	pthread_join(thread, NULL);
	timer_stop(&watcher.timer);
}

static void starts(const char *reply, const char *status)
{
	if (strncmp(reply + strlen("HTTP/1.x "), status, 3) != 0)
		fail_msg("not %s: %s", status, reply);
}

static void test_questions(void **state)
{
	struct fixture *f = *state;
	struct client *c = xzalloc(sizeof(*c));
	struct stat st;

	assert_int_equal(stat(f->socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);

	talk(f, c, false, "GET /calls?all HTTP/1.0\r\n\r\n");
	starts(c->reply, "200");
	assert_non_null(strstr(c->reply, "{\"answer\":42}"));
	assert_string_equal(f->seen, "calls");
	assert_string_equal(f->query, "all");
	assert_false(f->acts);

	talk(f, c, false, "POST /hangup/a%40b%3Ac HTTP/1.0\r\n"
			  "Content-Length: 0\r\n\r\n");
	starts(c->reply, "200");
	assert_string_equal(f->seen, "hangup/a@b:c");
	assert_true(f->acts);

	talk(f, c, false, "GET /gone HTTP/1.0\r\n\r\n");
	starts(c->reply, "410");
	talk(f, c, false, "GET /metrics HTTP/1.0\r\n\r\n");
	starts(c->reply, "200");
	assert_non_null(strstr(c->reply, "riptide_test_total 1"));
	assert_int_equal(f->asked, 3);
	free(c);
}

static void test_bad_requests(void **state)
{
	struct fixture *f = *state;
	struct client *c = xzalloc(sizeof(*c));
	char *huge = xzalloc(20000);

	talk(f, c, false, "DELETE /calls HTTP/1.0\r\n\r\n");
	assert_int_not_equal(strncmp(c->reply + 9, "200", 3), 0);
	memset(huge, 'a', 19000);
	memcpy(huge, "GET /", 5);
	strcpy(huge + 19000, " HTTP/1.0\r\n\r\n");
	talk(f, c, false, huge);
	assert_int_not_equal(strncmp(c->reply + 9, "200", 3), 0);
	strcpy(huge + 400, " HTTP/1.0\r\n\r\n");
	talk(f, c, false, huge);
	starts(c->reply, "404");
	talk(f, c, false, "rubbish\r\n\r\n");
	assert_int_equal(f->asked, 0);
	talk(f, c, false, "GET /calls HTTP/1.0\r\n\r\n");
	starts(c->reply, "200");
	free(huge);
	free(c);
}

/* Monitoring sees three pages and changes nothing. */
static void test_monitor(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "GET /metrics HTTP/1.0\r\n\r\n", "200" },
		{ "GET /healthz HTTP/1.0\r\n\r\n", "200" },
		{ "GET /ready HTTP/1.0\r\n\r\n", "200" },
		{ "GET /calls HTTP/1.0\r\n\r\n", "404" },
		{ "POST /hangup/x HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
		  "405" },
		{ "GET /explain/x HTTP/1.0\r\n\r\n", "404" },
	};
	struct fixture *f = *state;
	struct client *c = xzalloc(sizeof(*c));

	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("    row %zu\n", i);
		talk(f, c, true, rows[i].request);
		starts(c->reply, rows[i].status);
	}
	assert_int_equal(f->asked, 2);
	free(c);
}

/* A question whose asker has left is answered into nothing. */
static struct inquiry *kept;

static void keep(struct inquiry *inquiry, void *arg)
{
	kept = inquiry;
	loop_stop(((struct fixture *)arg)->loop);
}

static void test_asker_leaves(void **state)
{
	struct fixture *f = *state;
	struct client c = { .f = f };
	struct admin_config config;
	char *why = NULL;
	int fd;

	admin_stop(&f->admin);
	config_of(f, &config);
	config.ask = keep;
	assert_int_equal(admin_start(&f->admin, &config, &why), 0);
	fd = client_connect(&c);
	assert_true(fd >= 0);
	assert_true(write(fd, "GET /calls HTTP/1.0\r\n\r\n", 23) == 23);
	loop_run(f->loop);
	close(fd);
	inquiry_answer(kept, 200, NULL, "{}");
}

static void test_doors_that_do_not_open(void **state)
{
	struct fixture *f = *state;
	struct admin *second = NULL;
	struct admin_config config;
	struct addr taken = *admin_bound(f->admin);
	char *why = NULL, path[128];

	/* The same socket: somebody listens there. */
	config_of(f, &config);
	assert_int_equal(admin_start(&second, &config, &why), EADDRINUSE);
	assert_non_null(strstr(why, "another riptide runs"));
	free(why);
	/* A folder that is not there. */
	snprintf(path, sizeof(path), "%s/none/s.sock", f->dir);
	config.socket = path;
	assert_int_equal(admin_start(&second, &config, &why), ENOENT);
	assert_non_null(strstr(why, "create its folder"));
	free(why);
	/* A port that is taken. */
	snprintf(path, sizeof(path), "%s/t.sock", f->dir);
	config.metrics = &taken;
	assert_int_equal(admin_start(&second, &config, &why), EADDRINUSE);
	assert_non_null(strstr(why, "admin.metrics"));
	free(why);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(second);
}

#define DOORS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOORS(test_questions),
		DOORS(test_bad_requests),
		DOORS(test_monitor),
		DOORS(test_asker_leaves),
		DOORS(test_doors_that_do_not_open),
	};

	signal(SIGPIPE, SIG_IGN);	/* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
