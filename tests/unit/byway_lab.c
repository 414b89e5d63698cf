/* SPDX-License-Identifier: MIT */
#include "tests/unit/byway_lab.h"

#include <poll.h>

#include "base/mem.h"
#include "base/metric.h"

#define STEP_MS 5

/* ---- loops that wait for nothing ---- */

struct watch {
	struct le le;
	struct loop_fd *fd_watch;
	int fd;
};

static void *backend_watch(void *self, struct loop_fd *fd_watch, int fd,
			   unsigned events)
{
	struct lab_loop *l = self;
	struct watch *watch = xzalloc(sizeof(*watch));

	(void)events;
	watch->fd_watch = fd_watch;
	watch->fd = fd;
	list_append(&l->watches, &watch->le);
	return watch;
}

static void backend_rewatch(void *self, void *handle, unsigned events)
{
	(void)self;
	(void)handle;
	(void)events;
}

static void backend_unwatch(void *self, void *handle)
{
	struct watch *watch = handle;

	(void)self;
	list_unlink(&watch->le);
	free(watch);
}

static void backend_wake_in(void *self, uint64_t delay_ns)
{
	(void)self;
	(void)delay_ns;
}

static void backend_none(void *self)
{
	(void)self;
}

static const struct loop_backend backend = {
	backend_watch, backend_rewatch, backend_unwatch, backend_wake_in,
	backend_none, backend_none, backend_none,
};

static bool turn(struct lab_loop *l, uint64_t now_ns)
{
	struct le *le, *next;
	bool some = false;

	loop_turn_begin(l->loop, now_ns);
	for (le = l->watches.head; le; le = next) {
		struct watch *watch = list_entry(le, struct watch, le);
		struct pollfd pfd = { watch->fd, POLLIN, 0 };

		next = le->next;
		if (poll(&pfd, 1, 0) == 1) {
			some = true;
			loop_fd_ready(watch->fd_watch, LOOP_READ);
		}
	}
	loop_turn_end(l->loop);
	return some;
}

static bool turn_all(struct lab *lab, bool control)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < LAB_WORKERS; i++)
		some |= turn(&lab->loop[i], lab->now_ns);
	if (control)
		some |= turn(&lab->control_loop, lab->now_ns);
	some |= fake_h3_settle();
	return some;
}

/* Twice: a timer started with no delay runs in the turn after. */
void lab_run(struct lab *lab)
{
	unsigned quiet = 0;

	while (quiet < 2)
		quiet = turn_all(lab, true) ? 0 : quiet + 1;
}

void lab_run_workers(struct lab *lab)
{
	unsigned quiet = 0;

	while (quiet < 2)
		quiet = turn_all(lab, false) ? 0 : quiet + 1;
}

void lab_pass(struct lab *lab, uint64_t ms)
{
	uint64_t end = lab->now_ns + ms * NS_PER_MS;

	while (lab->now_ns < end) {
		uint64_t left = end - lab->now_ns;
		uint64_t step = STEP_MS * NS_PER_MS;

		if (ms > 60000)
			step *= 1000;	/* nobody looks closely */
		lab->now_ns += left < step ? left : step;
		lab_run(lab);
	}
}

/* ---- life ---- */

void lab_start(struct lab *lab, const struct ript_net_config *extra,
	       size_t credit)
{
	struct ript_net_config config = { 0 };
	char *why = NULL;
	struct addr any;
	unsigned i;

	memset(lab, 0, sizeof(*lab));
	metric_reset();
	lab->control_loop.loop = loop_new_on(&backend, &lab->control_loop);
	lab->now_ns = loop_now_ns(lab->control_loop.loop) + NS_PER_S;
	lab->to_control = mailbox_new(lab->control_loop.loop, credit);
	if (extra)
		config = *extra;
	assert_int_equal(addr_parse(&any, "127.0.0.1:0"), 0);
	config.worker_cnt = LAB_WORKERS;
	config.control = lab->control_loop.loop;
	config.to_control = lab->to_control;
	config.listen = &any;
	assert_int_equal(ript_net_new(&lab->net, &config, &why), 0);
	for (i = 0; i < LAB_WORKERS; i++) {
		lab->loop[i].loop = loop_new_on(&backend, &lab->loop[i]);
		lab->inbox[i] = mailbox_new(lab->loop[i].loop, 0);
		assert_int_equal(ript_worker_new(&lab->worker[i], lab->net, i,
						 lab->loop[i].loop,
						 lab->inbox[i]), 0);
	}
	lab_run(lab);
}

void lab_stop(struct lab *lab)
{
	unsigned i;

	exchange_peer_free(&lab->peer);
	for (i = 0; i < LAB_WORKERS; i++) {
		ript_worker_free(&lab->worker[i]);
		mailbox_free(&lab->inbox[i]);
		loop_free(&lab->loop[i].loop);
	}
	ript_net_free(&lab->net);
	mailbox_free(&lab->to_control);
	loop_free(&lab->control_loop.loop);
	fake_h3_forget();
}

/* ---- byways ---- */

static void on_installed(void *arg)
{
	((struct lab *)arg)->installed++;
}

static void on_open(enum byway_kind kind, void *arg)
{
	struct lab *lab = arg;

	lab->opens++;
	lab->kind = kind;
}

static void on_panic(uint64_t dropped, void *arg)
{
	struct lab *lab = arg;

	lab->panics++;
	lab->dropped += dropped;
}

static const struct byway_events events = { on_open, on_panic };

void lab_peer(struct lab *lab)
{
	struct addr addr;
	const struct exchange_peer_config config = {
		.authority = "gw.example:4433",
		.addr = &addr,
		.addr_cnt = 1,
	};

	assert_int_equal(addr_parse(&addr, "192.0.2.1:4433"), 0);
	assert_int_equal(exchange_peer_new(&lab->peer, lab->net, &config), 0);
}

struct byway *lab_serve(struct lab *lab, unsigned home)
{
	struct byway_server params = { .uuid = LAB_UUID, .path = LAB_CALL,
				       .home = home };
	struct byway *byway;

	sha256(params.token_hash, LAB_TOKEN, strlen(LAB_TOKEN));
	assert_int_equal(byway_serve(&byway, lab->net, &params, &events,
				     on_installed, lab), 0);
	lab_run(lab);
	return byway;
}

struct byway *lab_dial(struct lab *lab, unsigned home, unsigned gets,
		       bool webtransport)
{
	struct byway_client params = { .home = home, .path = LAB_CALL,
				       .token = LAB_TOKEN, .cookie = "a=b",
				       .gets = gets,
				       .webtransport = webtransport };
	struct byway *byway;

	if (!lab->peer)
		lab_peer(lab);
	params.peer = lab->peer;
	assert_int_equal(byway_dial(&byway, lab->net, &params, &events, lab),
			 0);
	lab_run(lab);
	return byway;
}

static int on_chunks(const uint8_t *body, size_t len, enum byway_kind kind,
		     uint64_t connection, uint8_t *reply, size_t reply_max,
		     size_t *reply_len, void *arg)
{
	struct eater *eater = arg;

	eater->bodies++;
	eater->last_len = len;
	memcpy(eater->last, body, len);
	eater->last_kind = kind;
	eater->last_connection = connection;
	eater->reply_asked = reply != NULL;
	if (len > 0 && body[0] == '?')
		return EINVAL;
	if (reply) {
		assert_true(reply_max >= 3);
		memcpy(reply, "ack", 3);
		*reply_len = 3;
	}
	return 0;
}

static void on_way(enum byway_kind kind, void *arg)
{
	struct eater *eater = arg;

	eater->opens++;
	eater->kind = kind;
}

void lab_bind(struct lab *lab, unsigned worker, struct byway *byway,
	      struct eater *eater)
{
	static const struct byway_handlers handlers = { on_chunks, on_way };

	memset(eater, 0, sizeof(*eater));
	assert_int_equal(byway_bind(&eater->port, lab->worker[worker],
				    byway_id(byway), &handlers, eater), 0);
}

/* ---- requests ---- */

struct h3_stream *lab_ask(struct h3_conn *conn, const char *method,
			  const char *path, const char *token,
			  const char *body)
{
	struct h3_field field;
	struct h3_head head = { .method = method, .scheme = "https",
				.authority = "gw.example", .path = path,
				.field = &field };
	struct h3_stream *stream;
	char *bearer = NULL;

	if (token) {
		bearer = xasprintf("Bearer %s", token);
		field.name = "authorization";
		field.value = bearer;
		head.field_cnt = 1;
	}
	stream = fake_h3_request(conn, &head, body, body ? strlen(body) : 0,
				 true);
	free(bearer);
	return stream;
}

struct h3_stream *lab_get(struct h3_conn *conn)
{
	return lab_ask(conn, "GET", LAB_MEDIA, LAB_TOKEN, NULL);
}

struct h3_stream *lab_put(struct h3_conn *conn, const char *body)
{
	return lab_ask(conn, "PUT", LAB_MEDIA, LAB_TOKEN, body);
}

struct h3_stream *lab_connect(struct h3_conn *conn)
{
	const struct h3_field field = { "authorization",
					"Bearer " LAB_TOKEN };
	const struct h3_head head = { .method = "CONNECT", .scheme = "https",
				      .authority = "gw.example",
				      .path = LAB_MEDIA,
				      .protocol = "webtransport",
				      .field = &field, .field_cnt = 1 };

	return fake_h3_request(conn, &head, NULL, 0, false);
}

uint64_t lab_counter(const char *name, const char *labels)
{
	return metric_value(metric_counter(name, labels, "x"));
}
