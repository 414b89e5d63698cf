/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "tests/unit/fake_exchange.h"

#define FAKE_BODY_MAX (16u * 1024 * 1024)

struct exchange {
	struct le le;
	struct exchange_net *net;
	struct exchange_peer *peer;	/* client role */
	struct exchange_request request;	/* owned copies */
	struct exchange_field *field;	/* of the reply, server role */
	unsigned field_cnt;
	int status;
	const struct exchange_handlers *handlers;
	void *arg;
	struct buf text;
	size_t consumed;
	size_t given;			/* octets handed to data() */
	bool full;
	bool admitted;			/* exchange_admit() */
	bool our_end;			/* code under test has finished */
	bool peer_end;			/* the test has finished */
	bool end_told;
	bool gone;			/* the pointer is no longer valid */
	bool aborted;
	bool closed;
};

struct exchange_net {
	struct list all;		/* struct exchange, both roles */
	struct list peers;
	exchange_request_h *serve;
	void *serve_arg;
};

struct exchange_peer {
	struct le le;
	struct exchange_net *net;
	int err;
	bool connected;
	char *why;
};

static void misuse(const char *what)
{
	fprintf(stderr, "fake_exchange: %s\n", what);
	abort();
}

static void use(const struct exchange *x, const char *fn)
{
	if (x->gone) {
		fprintf(stderr, "fake_exchange: %s() on an exchange that is "
			"gone (%s %s)\n", fn, x->request.method,
			x->request.path);
		abort();
	}
}

/* ---- copies ---- */

static struct exchange_field *copy_fields(const struct exchange_field *field,
					  unsigned cnt)
{
	struct exchange_field *copy = xcalloc(cnt ? cnt : 1, sizeof(*copy));
	unsigned i;

	for (i = 0; i < cnt; i++) {
		copy[i].name = xstrdup(field[i].name);
		copy[i].value = xstrdup(field[i].value);
	}
	return copy;
}

static void free_fields(const struct exchange_field *field, unsigned cnt)
{
	unsigned i;

	for (i = 0; i < cnt; i++) {
		free((void *)(uintptr_t)field[i].name);
		free((void *)(uintptr_t)field[i].value);
	}
	free((void *)(uintptr_t)field);
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void copy_request(struct exchange_request *to,
			 const struct exchange_request *from)
{
	*to = *from;
	to->method = xstrdup(from->method ? from->method : "GET");
	to->authority = xstrdup(from->authority ? from->authority
						: "localhost");
	to->path = xstrdup(from->path ? from->path : "/");
	to->query = xstrdup(from->query);
	to->field = copy_fields(from->field, from->field_cnt);
	to->body = NULL;
	if (from->body)
		to->body = (uint8_t *)xstrndup((const char *)from->body,
					       from->body_len);
	else
		to->body_len = 0;
}

static struct exchange *exchange_new(struct exchange_net *net,
				     const struct exchange_request *request)
{
	struct exchange *x = xzalloc(sizeof(*x));

	x->net = net;
	copy_request(&x->request, request);
	buf_init(&x->text, FAKE_BODY_MAX);
	list_append(&net->all, &x->le);
	return x;
}

static void exchange_free(struct exchange *x)
{
	list_unlink(&x->le);
	free_text(x->request.method);
	free_text(x->request.authority);
	free_text(x->request.path);
	free_text(x->request.query);
	free_text((const char *)x->request.body);
	free_fields(x->request.field, x->request.field_cnt);
	free_fields(x->field, x->field_cnt);
	buf_free(&x->text);
	free(x);
}

/* ---- the test's side ---- */

struct exchange_net *fake_net_new(void)
{
	return xzalloc(sizeof(struct exchange_net));
}

void fake_net_free(struct exchange_net **netp)
{
	struct exchange_net *net = *netp;

	if (!net)
		return;
	while (net->all.head)
		exchange_free(list_entry(net->all.head, struct exchange, le));
	if (net->peers.head)
		misuse("an exchange_peer was never freed");
	free(net);
	*netp = NULL;
}

static void close_exchange(struct exchange *x, int err)
{
	if (x->gone)
		return;
	x->gone = true;
	x->closed = true;
	if (x->handlers && x->handlers->closed)
		x->handlers->closed(x, err, x->arg);
}

void fake_run(struct exchange_net *net)
{
	struct le *le;

	for (le = net->all.head; le; le = le->next) {
		struct exchange *x = list_entry(le, struct exchange, le);

		if (x->our_end && x->peer_end)
			close_exchange(x, 0);
	}
}

static void tell_end(struct exchange *x)
{
	if (x->end_told || x->gone || !x->handlers)
		return;
	x->end_told = true;
	if (x->handlers->end)
		x->handlers->end(x, x->arg);
}

struct exchange *fake_request(struct exchange_net *net,
			      const struct exchange_request *request)
{
	struct exchange *x = exchange_new(net, request);

	if (!net->serve)
		misuse("exchange_serve() was not called");
	x->peer_end = !request->streamed;
	net->serve(x, &x->request, net->serve_arg);
	if (x->peer_end)
		tell_end(x);
	fake_run(net);
	return x;
}

struct exchange *fake_json(struct exchange_net *net, const char *method,
			   const char *path, const char *token,
			   const char *json)
{
	struct exchange_field field[2];
	struct exchange_request request = { .method = method, .path = path };
	char *bearer = NULL;
	struct exchange *x;
	unsigned cnt = 0;

	if (token) {
		bearer = xasprintf("Bearer %s", token);
		field[cnt].name = "authorization";
		field[cnt++].value = bearer;
	}
	if (json) {
		field[cnt].name = "content-type";
		field[cnt++].value = "application/json";
		request.body = (const uint8_t *)json;
		request.body_len = strlen(json);
	}
	request.field = field;
	request.field_cnt = cnt;
	x = fake_request(net, &request);
	free(bearer);
	return x;
}

static void give_data(struct exchange *x, const void *data, size_t len)
{
	if (x->gone)
		return;
	x->given += len;
	if (x->handlers && x->handlers->data)
		x->handlers->data(x, data, len, x->arg);
	fake_run(x->net);
}

void fake_body(struct exchange *x, const void *data, size_t len)
{
	if (!x->request.streamed || x->peer_end)
		misuse("fake_body() on a request that is whole");
	give_data(x, data, len);
}

void fake_body_end(struct exchange *x)
{
	x->peer_end = true;
	tell_end(x);
	fake_run(x->net);
}

int fake_status(const struct exchange *x)
{
	return x->status;
}

const char *fake_field(const struct exchange *x, const char *name)
{
	return exchange_field(x->field, x->field_cnt, name);
}

unsigned fake_sent_cnt(const struct exchange_net *net)
{
	const struct le *le;
	unsigned cnt = 0;

	for (le = net->all.head; le; le = le->next)
		if (list_entry(le, const struct exchange, le)->peer)
			cnt++;
	return cnt;
}

struct exchange *fake_sent(struct exchange_net *net, unsigned index)
{
	struct le *le;

	for (le = net->all.head; le; le = le->next) {
		struct exchange *x = list_entry(le, struct exchange, le);

		if (x->peer && index-- == 0)
			return x;
	}
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

struct exchange *fake_sent_last(struct exchange_net *net, const char *method,
				const char *path_end)
{
	struct le *le;

	for (le = net->all.tail; le; le = le->prev) {
		struct exchange *x = list_entry(le, struct exchange, le);

		if (x->peer && ends_with(x->request.path, path_end) &&
		    (!method || strcmp(x->request.method, method) == 0))
			return x;
	}
	return NULL;
}

const struct exchange_request *fake_sent_head(const struct exchange *x)
{
	return &x->request;
}

void fake_reply_begin(struct exchange *x, int status,
		      const struct exchange_field *field, unsigned field_cnt)
{
	const struct exchange_reply reply = { status, field, field_cnt };

	if (!x->peer)
		misuse("fake_reply() on a request of the server role");
	if (x->gone)
		return;
	x->status = status;
	if (x->handlers && x->handlers->head)
		x->handlers->head(x, &reply, x->arg);
	fake_run(x->net);
}

void fake_reply_data(struct exchange *x, const void *data, size_t len)
{
	give_data(x, data, len);
}

void fake_reply_end(struct exchange *x)
{
	x->peer_end = true;
	tell_end(x);
	fake_run(x->net);
}

void fake_reply_fields(struct exchange *x, int status,
		       const struct exchange_field *field, unsigned field_cnt,
		       const void *body, size_t len)
{
	fake_reply_begin(x, status, field, field_cnt);
	if (len > 0)
		fake_reply_data(x, body, len);
	fake_reply_end(x);
}

void fake_reply(struct exchange *x, int status, const char *json)
{
	const struct exchange_field field = {
		"content-type",
		status >= 400 ? "application/problem+json"
			      : "application/json",
	};

	fake_reply_fields(x, status, &field, json ? 1 : 0, json,
			  json ? strlen(json) : 0);
}

void fake_peer_state(struct exchange_peer *peer, int err, const char *why)
{
	free(peer->why);
	peer->err = err;
	peer->connected = err == 0;
	peer->why = xstrdup(why ? why : "");
}

void fake_drop(struct exchange *x, int err)
{
	close_exchange(x, err);
}

const char *fake_text(const struct exchange *x, size_t *lenp)
{
	struct buf *text = (struct buf *)(uintptr_t)&x->text;

	if (lenp)
		*lenp = x->text.len;
	return buf_str(text);
}

void fake_text_clear(struct exchange *x)
{
	buf_clear(&x->text);
}

bool fake_open(const struct exchange *x)
{
	return !x->gone && !x->peer_end;
}

bool fake_finished(const struct exchange *x)
{
	return x->our_end;
}

bool fake_aborted(const struct exchange *x)
{
	return x->aborted;
}

bool fake_closed(const struct exchange *x)
{
	return x->closed;
}

size_t fake_consumed(const struct exchange *x)
{
	return x->consumed;
}

void fake_set_full(struct exchange *x, bool full)
{
	x->full = full;
}

/* ---- ript/exchange.h ---- */

const char *exchange_field(const struct exchange_field *field,
			   unsigned field_cnt, const char *name)
{
	unsigned i;

	for (i = 0; i < field_cnt; i++)
		if (strcmp(field[i].name, name) == 0)
			return field[i].value;
	return NULL;
}

void exchange_serve(struct exchange_net *net, exchange_request_h *fn,
		    void *arg)
{
	net->serve = fn;
	net->serve_arg = arg;
}

void exchange_admit(struct exchange *x)
{
	use(x, __func__);
	x->admitted = true;
}

void exchange_handle(struct exchange *x,
		     const struct exchange_handlers *handlers, void *arg)
{
	use(x, __func__);
	if (x->peer)
		misuse("exchange_handle() in the client role");
	x->handlers = handlers;
	x->arg = arg;
}

static void add_text(struct exchange *x, const void *data, size_t len)
{
	if (len > 0 && buf_add(&x->text, data, len) != 0)
		misuse("more than 16 MiB of body");
}

void exchange_reply_begin(struct exchange *x, int status,
			  const struct exchange_field *field,
			  unsigned field_cnt)
{
	use(x, __func__);
	if (x->peer)
		misuse("a reply in the client role");
	if (x->status)
		misuse("a second reply");
	x->status = status;
	x->field = copy_fields(field, field_cnt);
	x->field_cnt = field_cnt;
}

void exchange_reply(struct exchange *x, int status,
		    const struct exchange_field *field, unsigned field_cnt,
		    const void *body, size_t len)
{
	exchange_reply_begin(x, status, field, field_cnt);
	add_text(x, body, len);
	x->our_end = true;
	x->peer_end = true;	/* a rest of the body is read and forgotten */
	if (!x->handlers)
		x->gone = true;
}

int exchange_write(struct exchange *x, const void *data, size_t len)
{
	use(x, __func__);
	if (!x->peer && !x->status)
		misuse("exchange_write() before the reply's head");
	if (x->our_end)
		misuse("exchange_write() after the end");
	if (x->full)
		return ENOBUFS;
	add_text(x, data, len);
	return 0;
}

void exchange_finish(struct exchange *x)
{
	use(x, __func__);
	if (x->our_end)
		misuse("exchange_finish() twice");
	x->our_end = true;
	if (!x->peer && !x->handlers)
		x->gone = true;
}

void exchange_abort(struct exchange *x)
{
	use(x, __func__);
	x->aborted = true;
	x->gone = true;
}

void exchange_consumed(struct exchange *x, size_t len)
{
	use(x, __func__);
	x->consumed += len;
	if (x->consumed > x->given)
		misuse("more consumed than was given");
}

unsigned exchange_worker(const struct exchange *x)
{
	use(x, __func__);
	return x->request.worker;
}

int exchange_peer_new(struct exchange_peer **peerp, struct exchange_net *net,
		      const struct exchange_peer_config *config)
{
	struct exchange_peer *peer = xzalloc(sizeof(*peer));

	if (!config->authority)
		misuse("exchange_peer_new() without an authority");
	peer->net = net;
	peer->connected = true;
	peer->why = xstrdup("");
	list_append(&net->peers, &peer->le);
	*peerp = peer;
	return 0;
}

void exchange_peer_free(struct exchange_peer **peerp)
{
	struct exchange_peer *peer = *peerp;
	struct le *le;

	if (!peer)
		return;
	for (le = peer->net->all.head; le; le = le->next) {
		struct exchange *x = list_entry(le, struct exchange, le);

		if (x->peer == peer)
			close_exchange(x, ECONNABORTED);
	}
	list_unlink(&peer->le);
	free(peer->why);
	free(peer);
	*peerp = NULL;
}

int exchange_peer_state(const struct exchange_peer *peer, bool *connected,
			const char **why)
{
	if (connected)
		*connected = peer->connected;
	if (why)
		*why = peer->why;
	return peer->err;
}

int exchange_send(struct exchange **xp, struct exchange_peer *peer,
		  const struct exchange_request *request, bool finish,
		  const struct exchange_handlers *handlers, void *arg)
{
	struct exchange *x;

	if (!request->method || !request->path)
		misuse("exchange_send() without method or path");
	x = exchange_new(peer->net, request);
	x->peer = peer;
	x->handlers = handlers;
	x->arg = arg;
	x->our_end = finish;
	add_text(x, request->body, request->body ? request->body_len : 0);
	*xp = x;
	return 0;
}
