/* SPDX-License-Identifier: MIT */
#include "gateway/admin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/metric.h"

#define PATH_MAX_LEN 256	/* of a question */
#define HEAD_MAX 8192
#define BODY_MAX 1024
#define QUIET_S 30		/* a connection that says nothing */
#define QUESTIONS 64		/* waiting for control at once */

/* A question on its way to control and back; then the admin thread's. */
struct inquiry {
	struct msg msg;			/* first */
	struct admin *admin;
	struct evhttp_request *request;	/* admin thread; NULL: gave up */
	char *path, *query;
	bool acts;
	int status;
	const char *type;
	char *body;
};

struct admin {
	struct admin_config config;
	struct mailbox *to_control;
	struct mailbox *inbox;
	struct loop *loop;
	struct evhttp *local, *monitor;
	char *socket;
	struct addr bound;
	pthread_t thread;
};

/* ---- questions ---- */

static void inquiry_free(struct inquiry *inquiry)
{
	free(inquiry->path);
	free(inquiry->query);
	free(inquiry->body);
	free(inquiry);
}

static void drop_inquiry(struct msg *msg)
{
	inquiry_free((struct inquiry *)msg);
}

/* Loop: control. */
static void on_question(struct msg *msg)
{
	struct inquiry *inquiry = (struct inquiry *)msg;
	struct admin *admin = inquiry->admin;

	admin->config.ask(inquiry, admin->config.arg);
}

/* Loop: admin.  The asker has gone: evhttp frees the request. */
static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct inquiry *inquiry = arg;

	(void)connection;
	inquiry->request = NULL;
}

static void reply(struct evhttp_request *request, int status, const char *type,
		  const char *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evbuffer_new();

	evhttp_add_header(headers, "Content-Type",
			  type ? type : "application/json");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evbuffer_add(buffer, body, strlen(body));
	evhttp_send_reply(request, status, NULL, buffer);
	evbuffer_free(buffer);
}

/* Loop: admin. */
static void on_answer(struct msg *msg)
{
	struct inquiry *inquiry = (struct inquiry *)msg;
	struct evhttp_request *request = inquiry->request;

	if (request) {
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(request), NULL, NULL);
		reply(request, inquiry->status, inquiry->type, inquiry->body);
	}
	inquiry_free(inquiry);
}

void inquiry_answer(struct inquiry *inquiry, int status, const char *type,
		    const char *body)
{
	inquiry->status = status;
	inquiry->type = type;
	inquiry->body = xstrdup(body);
	inquiry->msg.deliver = on_answer;
	mailbox_post_always(inquiry->admin->inbox, &inquiry->msg);
}

const char *inquiry_path(const struct inquiry *inquiry)
{
	return inquiry->path;
}

const char *inquiry_query(const struct inquiry *inquiry)
{
	return inquiry->query;
}

bool inquiry_acts(const struct inquiry *inquiry)
{
	return inquiry->acts;
}

/* ---- requests (admin thread) ---- */

static void answer_metrics(struct evhttp_request *request)
{
	struct buf text;

	buf_init(&text, 4 << 20);
	metric_print(&text);
	reply(request, 200, "text/plain; version=0.0.4", buf_str(&text));
	buf_free(&text);
}

/* Pass the question on to control. */
static void ask_control(struct admin *admin, struct evhttp_request *request,
			const char *path)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *query = evhttp_uri_get_query(uri);
	struct inquiry *inquiry = xzalloc(sizeof(*inquiry));
	char *decoded;

	inquiry->msg.deliver = on_question;
	inquiry->msg.drop = drop_inquiry;
	inquiry->admin = admin;
	inquiry->request = request;
	decoded = evhttp_uridecode(path, 0, NULL);
	inquiry->path = xstrdup(decoded ? decoded : "");
	free(decoded);
	inquiry->query = xstrdup(query ? query : "");
	inquiry->acts = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
	if (mailbox_post(admin->to_control, &inquiry->msg)) {
		inquiry_free(inquiry);
		reply(request, 503, NULL,
		      "{\"error\":\"too many questions at once\"}\n");
		return;
	}
	evhttp_connection_set_closecb(evhttp_request_get_connection(request),
				      on_gone, inquiry);
}

/* The path without its slash; NULL: refused already. */
static const char *request_path(struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	if (path && path[0] == '/' && strlen(path) <= PATH_MAX_LEN)
		return path + 1;
	reply(request, 404, NULL, "{\"error\":\"no such thing\"}\n");
	return NULL;
}

static void on_local(struct evhttp_request *request, void *arg)
{
	const char *path = request_path(request);

	if (!path)
		return;
	if (strcmp(path, "metrics") == 0)
		answer_metrics(request);
	else
		ask_control(arg, request, path);
}

/* Monitoring may read three pages and change nothing. */
static void on_monitor(struct evhttp_request *request, void *arg)
{
	const char *path = request_path(request);

	if (!path)
		return;
	if (evhttp_request_get_command(request) == EVHTTP_REQ_POST)
		reply(request, 405, "text/plain", "only GET\n");
	else if (strcmp(path, "metrics") == 0)
		answer_metrics(request);
	else if (strcmp(path, "healthz") == 0 || strcmp(path, "ready") == 0)
		ask_control(arg, request, path);
	else
		reply(request, 404, "text/plain",
		      "/metrics, /healthz and /ready are here\n");
}

/* ---- doors ---- */

/* A socket file that nobody listens on is left from a crash. */
static int clear_stale(const char *path, const struct sockaddr_un *un)
{
	int fd, err = 0;
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0)
		err = EADDRINUSE;
	close(fd);
	return err ? err : unlink(path) ? errno : 0;
}

static int listen_unix(int *fdp, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd = -1, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path));
	err = clear_stale(path, &un);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	/* Never open to others, not even for a moment. */
	mask = umask(0117);
	err = bind(fd, (const struct sockaddr *)&un, sizeof(un)) ? errno : 0;
	umask(mask);
	if (!err && listen(fd, 16) != 0)
		err = errno;
	if (err) {
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

static int listen_tcp(int *fdp, const struct addr *addr, struct addr *bound)
{
	int fd, err = 0, one = 1;

	fd = socket(addr->ss.ss_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bound->len = sizeof(bound->ss);
	if (bind(fd, (const struct sockaddr *)&addr->ss, addr->len) != 0 ||
	    listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&bound->ss, &bound->len) != 0)
		err = errno;
	if (err) {
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

static struct evhttp *serve(struct admin *admin, int fd,
			    void (*fn)(struct evhttp_request *request,
				       void *arg))
{
	struct evhttp *http = evhttp_new(loop_event_base(admin->loop));

	evhttp_set_timeout(http, QUIET_S);
	evhttp_set_max_headers_size(http, HEAD_MAX);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(http, fn, admin);
	evhttp_accept_socket(http, fd);
	return http;
}

static int open_doors(struct admin *admin, char **why)
{
	char text[ADDR_TEXT_LEN];
	int err, fd = -1;

	err = listen_unix(&fd, admin->config.socket);
	if (err) {
		*why = xasprintf(
			"cannot open the admin socket %s: %s%s",
			admin->config.socket, strerror(err),
			err == EADDRINUSE
				? "; another riptide runs with this file"
			: err == ENOENT ? "; create its folder"
					: "");
		return err;
	}
	admin->socket = xstrdup(admin->config.socket);
	admin->local = serve(admin, fd, on_local);
	if (!admin->config.metrics)
		return 0;
	err = listen_tcp(&fd, admin->config.metrics, &admin->bound);
	if (err) {
		addr_print(text, admin->config.metrics);
		*why = xasprintf("cannot listen on %s for admin.metrics: %s",
				 text, strerror(err));
		return err;
	}
	admin->monitor = serve(admin, fd, on_monitor);
	return 0;
}

/* ---- life ---- */

static void *admin_main(void *arg)
{
	struct admin *admin = arg;

	loop_enter(LOOP_ADMIN, 0);
	loop_run(admin->loop);
	return NULL;
}

static void on_quit(struct msg *msg)
{
	struct inquiry *quit = (struct inquiry *)msg;

	loop_stop(quit->admin->loop);
	inquiry_free(quit);
}

static void admin_free(struct admin *admin)
{
	if (!admin)
		return;
	if (admin->local)
		evhttp_free(admin->local);
	if (admin->monitor)
		evhttp_free(admin->monitor);
	if (admin->socket)
		unlink(admin->socket);
	mailbox_free(&admin->to_control);
	mailbox_free(&admin->inbox);
	loop_free(&admin->loop);
	free(admin->socket);
	free(admin);
}

int admin_start(struct admin **adminp, const struct admin_config *config,
		char **why)
{
	struct admin *admin = xzalloc(sizeof(*admin));
	int err;

	loop_assert(LOOP_CONTROL);
	admin->config = *config;
	admin->loop = loop_new();
	admin->inbox = mailbox_new(admin->loop, 0);
	admin->to_control = mailbox_new(config->control, QUESTIONS);
	err = open_doors(admin, why);
	if (err)
		goto out;
	err = pthread_create(&admin->thread, NULL, admin_main, admin);
	if (err) {
		*why = xasprintf("cannot start the admin thread: %s",
				 strerror(err));
		goto out;
	}
	*adminp = admin;
	admin = NULL;
out:
	admin_free(admin);
	return err;
}

void admin_stop(struct admin **adminp)
{
	struct admin *admin = *adminp;
	struct inquiry *quit;

	if (!admin)
		return;
	loop_assert(LOOP_CONTROL);
	*adminp = NULL;
	quit = xzalloc(sizeof(*quit));
	quit->admin = admin;
	quit->msg.deliver = on_quit;
	mailbox_post_always(admin->inbox, &quit->msg);
	mailbox_flush();
	pthread_join(admin->thread, NULL);
	admin_free(admin);
}

const struct addr *admin_bound(const struct admin *admin)
{
	return &admin->bound;
}
