/* SPDX-License-Identifier: MIT */
#include "ript/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "ript/exchange_msg.h"
#include "ript/exchange_private.h"
#include "ript/net.h"

struct exchange {
	struct table_node node;		/* of net->exchanges */
	uint64_t id;
	struct exchange_net *net;
	struct le le;			/* client role: of the peer */
	bool client;
	unsigned worker;
	const struct exchange_handlers *handlers;
	void *arg;
	bool streamed;			/* body comes by data() */
	bool admitted;
	bool replied;
	bool finished;			/* our half */
	size_t unwritten;		/* octets on the way to the worker */
	bool gone;			/* no callback any more */
	bool dead;			/* the worker's half has closed */
	int dead_err;
	struct msg *backlog;		/* came before exchange_handle() */
	struct msg **backlog_end;
	struct timer due;		/* delivers it, never in a call */
};

/* ---- life ---- */

static struct exchange *exchange_new(struct exchange_net *net, uint64_t id,
				     unsigned worker)
{
	struct exchange *x = xzalloc(sizeof(*x));

	x->net = net;
	x->id = id;
	x->worker = worker;
	x->backlog_end = &x->backlog;
	if (table_insert(&net->exchanges, &x->node, &x->id,
			 sizeof(x->id)) != 0)
		abort();	/* IDs are never used twice */
	return x;
}

static void exchange_free_mem(void *ptr)
{
	free(ptr);
}

static void exchange_drop(struct exchange *x)
{
	struct msg *msg;

	if (x->gone)
		return;
	x->gone = true;
	timer_stop(&x->due);
	list_unlink(&x->le);
	while ((msg = x->backlog)) {
		x->backlog = msg->next;
		msg->drop(msg);
	}
	table_remove(&x->net->exchanges, &x->node);
	loop_defer_free(x->net->control, x, exchange_free_mem);
}

static void exchange_close(struct exchange *x, int err)
{
	const struct exchange_handlers *handlers = x->handlers;

	if (x->gone)
		return;
	exchange_drop(x);
	if (handlers && handlers->closed)
		handlers->closed(x, err, x->arg);
}

void exchange_close_all(struct list *exchanges, int err)
{
	struct le *le;

	while ((le = exchanges->head)) {
		struct exchange *x = list_entry(le, struct exchange, le);

		/* The worker closes its half by itself, with the peer. */
		exchange_close(x, err);
	}
}

static void free_one(struct table_node *node, void *arg)
{
	(void)arg;
	exchange_drop(table_entry(node, struct exchange, node));
}

void exchange_net_close(struct exchange_net *net)
{
	byway_net_close(net);
	exchange_peer_net_close(net);
	table_each(&net->exchanges, free_one, NULL);
	table_free(&net->exchanges);
}

const char *exchange_field(const struct exchange_field *field,
			   unsigned field_cnt, const char *name)
{
	unsigned i;

	for (i = 0; i < field_cnt; i++)
		if (strcmp(field[i].name, name) == 0)
			return field[i].value;
	return NULL;
}

/* ---- from the worker ---- */

static void on_due(void *arg);

static void take(struct exchange *x, const struct xmsg *m)
{
	const struct exchange_handlers *h = x->handlers;
	struct exchange_reply reply = { 0 };

	switch (m->kind) {
	case XMSG_HEAD:
		reply.status = m->status;
		reply.field = m->head->field;
		reply.field_cnt = m->head->field_cnt;
		if (h->head)
			h->head(x, &reply, x->arg);
		break;
	case XMSG_DATA:
		if (h->data)
			h->data(x, m->data, m->len, x->arg);
		else
			exchange_consumed(x, m->len);
		break;
	case XMSG_END:
		if (h->end)
			h->end(x, x->arg);
		break;
	case XMSG_CLOSED:
		exchange_close(x, m->err);
		break;
	default:
		break;
	}
}

static void serve(struct exchange_net *net, const struct xmsg *m)
{
	struct exchange *x = exchange_new(net, m->id, m->worker);
	const struct head *head = m->head;
	const struct exchange_request request = {
		.method = head->method,
		.authority = head->authority ? head->authority : "",
		.path = head->path ? head->path : "",
		.query = head->query,
		.field = head->field,
		.field_cnt = head->field_cnt,
		.body = m->data,
		.body_len = m->len,
		.streamed = m->streamed,
		.early = m->early,
		.worker = m->worker,
		.from = m->from,
	};

	x->streamed = m->streamed;
	if (!net->serve) {
		exchange_reply(x, 503, NULL, 0, NULL, 0);
		return;
	}
	net->serve(x, &request, net->serve_arg);
	if (!x->gone && !x->streamed && x->handlers && x->handlers->end)
		x->handlers->end(x, x->arg);
}

/* A request that nobody has handled yet keeps what comes, so that
 * exchange_handle() may follow later. */
static void keep(struct exchange *x, struct xmsg *m)
{
	if (m->kind == XMSG_CLOSED) {
		x->dead = true;
		x->dead_err = m->err;
		if (!x->backlog) {
			xmsg_free(m);
			return;
		}
	}
	m->msg.next = NULL;
	*x->backlog_end = &m->msg;
	x->backlog_end = &m->msg.next;
}

void exchange_on_msg(struct msg *msg)
{
	struct xmsg *m = list_entry(msg, struct xmsg, msg);
	struct exchange_net *net = m->net;
	struct table_node *node =
		table_find(&net->exchanges, &m->id, sizeof(m->id));
	struct exchange *x = node ? table_entry(node, struct exchange, node)
				  : NULL;

	if (m->kind == XMSG_REQUEST) {
		serve(net, m);
	} else if (!x) {
		;	/* aborted, or done with */
	} else if (m->kind == XMSG_WRITTEN) {
		x->unwritten -= m->len < x->unwritten ? m->len
						      : x->unwritten;
	} else if (!x->handlers || timer_running(&x->due)) {
		keep(x, m);
		return;
	} else {
		take(x, m);
	}
	xmsg_free(m);
}

static void on_due(void *arg)
{
	struct exchange *x = arg;
	struct msg *msg;

	while ((msg = x->backlog)) {
		struct xmsg *m = list_entry(msg, struct xmsg, msg);

		x->backlog = msg->next;
		if (!x->backlog)
			x->backlog_end = &x->backlog;
		take(x, m);
		xmsg_free(m);
		if (x->gone)
			return;
	}
	if (x->dead)
		exchange_close(x, x->dead_err);
}

/* ---- calls ---- */

void exchange_serve(struct exchange_net *net, exchange_request_h *fn,
		    void *arg)
{
	loop_assert(LOOP_CONTROL);
	net->serve = fn;
	net->serve_arg = arg;
}

void exchange_handle(struct exchange *x,
		     const struct exchange_handlers *handlers, void *arg)
{
	loop_assert(LOOP_CONTROL);
	assert(!x->client);
	x->handlers = handlers;
	x->arg = arg;
	if (x->backlog || x->dead)
		timer_start(&x->due, x->net->control, 0, on_due, x);
}

void exchange_admit(struct exchange *x)
{
	loop_assert(LOOP_CONTROL);
	assert(!x->client && !x->replied);
	x->admitted = true;
}

static struct xmsg *to_worker(const struct exchange *x, enum xmsg_kind kind)
{
	return xmsg_new(x->net, kind, x->worker, x->id);
}

static void post(struct exchange *x, struct xmsg *m)
{
	net_post(x->net, x->worker, &m->msg);
}

/* Our half ends; an exchange without handlers ends with it. */
static void finish(struct exchange *x, struct xmsg *m)
{
	m->fin = true;
	m->silent = !x->handlers;
	x->finished = true;
	post(x, m);
	if (!x->handlers)
		exchange_drop(x);
}

void exchange_reply(struct exchange *x, int status,
		    const struct exchange_field *field, unsigned field_cnt,
		    const void *body, size_t len)
{
	struct xmsg *m = to_worker(x, XMSG_REPLY);

	loop_assert(LOOP_CONTROL);
	assert(!x->client && !x->replied && field_cnt <= H3_MAX_FIELDS);
	x->replied = true;
	m->status = status;
	m->admitted = x->admitted;
	m->head = head_of_fields(field, field_cnt);
	xmsg_set_data(m, body, len);
	finish(x, m);
}

void exchange_reply_begin(struct exchange *x, int status,
			  const struct exchange_field *field,
			  unsigned field_cnt)
{
	struct xmsg *m = to_worker(x, XMSG_REPLY);

	loop_assert(LOOP_CONTROL);
	assert(!x->client && !x->replied && field_cnt <= H3_MAX_FIELDS);
	x->replied = true;
	m->status = status;
	m->admitted = x->admitted;
	m->head = head_of_fields(field, field_cnt);
	post(x, m);
}

int exchange_write(struct exchange *x, const void *data, size_t len)
{
	struct xmsg *m;

	loop_assert(LOOP_CONTROL);
	assert(!x->finished && (x->client || x->replied));
	if (len == 0)
		return 0;
	if (x->unwritten + len > EXCHANGE_UNSENT_MAX)
		return ENOBUFS;
	m = to_worker(x, XMSG_WRITE);
	xmsg_set_data(m, data, len);
	x->unwritten += len;
	post(x, m);
	return 0;
}

void exchange_finish(struct exchange *x)
{
	loop_assert(LOOP_CONTROL);
	assert(!x->finished);
	finish(x, to_worker(x, XMSG_WRITE));
}

void exchange_abort(struct exchange *x)
{
	loop_assert(LOOP_CONTROL);
	if (!x->dead)
		post(x, to_worker(x, XMSG_ABORT));
	exchange_drop(x);
}

void exchange_consumed(struct exchange *x, size_t len)
{
	struct xmsg *m;

	loop_assert(LOOP_CONTROL);
	if (len == 0 || x->gone)
		return;
	m = to_worker(x, XMSG_CONSUMED);
	m->len = len;
	post(x, m);
}

unsigned exchange_worker(const struct exchange *x)
{
	return x->worker;
}

int exchange_send(struct exchange **xp, struct exchange_peer *peer,
		  const struct exchange_request *request, bool finish_it,
		  const struct exchange_handlers *handlers, void *arg)
{
	struct exchange_net *net = exchange_peer_net(peer);
	struct list *exchanges = exchange_peer_exchanges(peer);
	struct exchange *x;
	struct xmsg *m;

	loop_assert(LOOP_CONTROL);
	assert(request->field_cnt <= H3_MAX_FIELDS);
	if (!exchanges)
		return ENOTCONN;
	x = exchange_new(net, ++net->next_id,
			 request->worker % net->worker_cnt);
	x->client = true;
	x->handlers = handlers;
	x->arg = arg;
	x->finished = finish_it;
	list_append(exchanges, &x->le);
	m = to_worker(x, XMSG_SEND);
	m->peer = exchange_peer_id(peer);
	m->head = head_of_request(request, exchange_peer_authority(peer));
	m->fin = finish_it;
	xmsg_set_data(m, request->body, request->body_len);
	x->unwritten = request->body_len;
	post(x, m);
	*xp = x;
	return 0;
}
