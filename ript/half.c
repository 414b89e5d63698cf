/* SPDX-License-Identifier: MIT */
#include "ript/half.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ript/exchange_msg.h"
#include "ript/h3.h"
#include "ript/link.h"
#include "ript/refuse.h"
#include "ript/worker_private.h"

#define WAIT_MS 5000		/* for a connection */
#define COLLECT_MS 10000	/* for the whole body of a request */
#define CREDIT_MS 20		/* for stream credit */
#define FLUSH_MS 5		/* for room towards control */
#define BACKLOG_MAX (1024u * 1024)
#define WRITTEN_STEP (32u * 1024)
#define H3_REQUEST_CANCELLED 0x10c

enum half_state {
	HALF_COLLECTING,	/* server: body not whole yet */
	HALF_PASSED,		/* server: control has it */
	HALF_WAITING,		/* client: no stream yet */
	HALF_SENT,		/* client */
	HALF_OVER,		/* nobody cares any more */
};

struct half {
	struct table_node node;		/* of worker->halves */
	uint64_t id;
	struct ript_worker *w;
	enum half_state state;
	struct h3_stream *stream;
	bool streamed;
	bool peer_end;
	bool silent;			/* control wants to hear nothing */
	struct head *head;		/* server: until passed; client: sent */
	struct buf body;		/* server: collected; client: unsent */
	bool fin;			/* client: the body is whole */
	bool early;
	size_t written;			/* not yet told to control */

	struct timer wait;		/* for the body; for a connection */

	/* Client role. */
	uint64_t peer;
	struct link_user user;
	struct timer credit;

	/* What control had no room for. */
	struct le blocked;
	struct msg *backlog;
	struct msg **backlog_end;
	size_t backlog_len;
};

static struct half *half_find(struct ript_worker *w, uint64_t id)
{
	struct table_node *node = table_find(&w->halves, &id, sizeof(id));

	return node ? table_entry(node, struct half, node) : NULL;
}

static struct half *half_new(struct ript_worker *w, uint64_t id,
			     enum half_state state)
{
	struct half *h = xzalloc(sizeof(*h));

	h->w = w;
	h->id = id;
	h->state = state;
	h->backlog_end = &h->backlog;
	buf_init(&h->body, EXCHANGE_BODY_MAX);
	if (table_insert(&w->halves, &h->node, &h->id, sizeof(h->id)) != 0)
		abort();	/* IDs are never used twice */
	return h;
}

static void body_drop(struct half *h)
{
	if (h->state == HALF_COLLECTING)
		h->w->collecting -= h->body.len;
	buf_free(&h->body);
}

static void half_free_mem(void *ptr)
{
	free(ptr);
}

static void half_free(struct half *h)
{
	struct msg *msg;

	body_drop(h);
	link_leave(&h->user);
	timer_stop(&h->wait);
	timer_stop(&h->credit);
	list_unlink(&h->blocked);
	while ((msg = h->backlog)) {
		h->backlog = msg->next;
		msg->drop(msg);
	}
	free(h->head);
	h->head = NULL;
	table_remove(&h->w->halves, &h->node);
	loop_defer_free(h->w->loop, h, half_free_mem);
}

/* ---- towards control ---- */

static bool is_bounded(const struct xmsg *m)
{
	return m->kind == XMSG_DATA;
}

static int tell_now(struct half *h, struct xmsg *m)
{
	if (is_bounded(m))
		return net_tell(h->w->net, &m->msg);
	net_tell_always(h->w->net, &m->msg);
	return 0;
}

/* In order: behind what waits already. */
static void tell(struct half *h, struct xmsg *m)
{
	if (!h->backlog && tell_now(h, m) == 0)
		return;
	m->msg.next = NULL;
	*h->backlog_end = &m->msg;
	h->backlog_end = &m->msg.next;
	h->backlog_len += m->len;
	if (!h->blocked.list)
		list_append(&h->w->blocked, &h->blocked);
	if (!timer_running(&h->w->flush))
		timer_start(&h->w->flush, h->w->loop, FLUSH_MS, half_flush,
			    h->w);
}

static struct xmsg *half_msg(const struct half *h, enum xmsg_kind kind)
{
	return xmsg_new(h->w->net, kind, h->w->index, h->id);
}

static void flush_one(struct half *h)
{
	struct msg *msg;

	while ((msg = h->backlog)) {
		struct xmsg *m = list_entry(msg, struct xmsg, msg);
		struct msg *next = msg->next;
		size_t len = m->len;

		if (tell_now(h, m) != 0)
			return;
		h->backlog = next;
		h->backlog_len -= len;
	}
	h->backlog_end = &h->backlog;
	list_unlink(&h->blocked);
	if (h->state == HALF_OVER && !h->stream)
		half_free(h);
}

void half_flush(void *worker)
{
	struct ript_worker *w = worker;
	struct le *le, *next;

	for (le = w->blocked.head; le; le = next) {
		next = le->next;
		flush_one(list_entry(le, struct half, blocked));
	}
	if (w->blocked.head)
		timer_start(&w->flush, w->loop, FLUSH_MS, half_flush, w);
}

/* The half is over: say so, once, unless nobody wants to know. */
static void half_over(struct half *h, int err)
{
	struct xmsg *m;

	if (h->state != HALF_OVER && h->state != HALF_COLLECTING &&
	    !h->silent) {
		m = half_msg(h, XMSG_CLOSED);
		m->err = err == ECANCELED ? ECONNABORTED : err;
		tell(h, m);
	}
	body_drop(h);
	timer_stop(&h->wait);
	h->state = HALF_OVER;
	if (!h->stream && (!h->backlog || h->silent))
		half_free(h);
}

/* ---- stream callbacks, both roles ---- */

static void pass_request(struct half *h);

static void on_head(struct h3_stream *stream, const struct h3_head *head,
		    void *arg)
{
	struct half *h = arg;
	struct xmsg *m;

	(void)stream;
	if (h->state != HALF_SENT || h->silent)
		return;
	m = half_msg(h, XMSG_HEAD);
	m->status = head->status;
	m->head = head_of_h3(head);
	tell(h, m);
}

static void collect(struct half *h, const uint8_t *data, size_t len)
{
	enum net_refusal why = REFUSE_TOO_LARGE;

	if (h->w->collecting + len > WORKER_COLLECTING_MAX)
		why = REFUSE_BODIES_FULL;
	else if (buf_add(&h->body, data, len) == 0) {
		h->w->collecting += len;
		h3_stream_consumed(h->stream, len);
		return;
	}
	worker_refuse(h->w->net, h->stream, false, why);
	half_over(h, 0);
}

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct half *h = arg;
	struct xmsg *m;

	switch (h->state) {
	case HALF_COLLECTING:
		collect(h, data, len);
		return;
	case HALF_PASSED:
		if (!h->streamed || h->silent)
			break;
		/* fall through */
	case HALF_SENT:
		if (h->backlog_len + len > BACKLOG_MAX) {
			metric_inc(h->w->net->metric.stalled);
			h3_stream_reset(stream, H3_REQUEST_CANCELLED);
			return;
		}
		m = half_msg(h, XMSG_DATA);
		xmsg_set_data(m, data, len);
		tell(h, m);
		return;
	case HALF_WAITING:
	case HALF_OVER:
		break;
	}
	h3_stream_consumed(stream, len);	/* a rest nobody wants */
}

static void on_end(struct h3_stream *stream, void *arg)
{
	struct half *h = arg;

	(void)stream;
	if (h->peer_end)
		return;
	h->peer_end = true;
	if (h->state == HALF_COLLECTING)
		pass_request(h);
	else if ((h->state == HALF_SENT ||
		  (h->state == HALF_PASSED && h->streamed)) && !h->silent)
		tell(h, half_msg(h, XMSG_END));
}

static void on_closed(struct h3_stream *stream, int err, void *arg)
{
	struct half *h = arg;

	(void)stream;
	h->stream = NULL;
	half_over(h, err);
}

static const struct h3_stream_handlers handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

/* ---- server role ---- */

static void pass_request(struct half *h)
{
	struct xmsg *m = half_msg(h, XMSG_REQUEST);

	m->head = h->head;
	m->streamed = h->streamed;
	m->early = h->early;
	m->from = *h3_conn_peer(h3_stream_conn(h->stream));
	if (!h->streamed)
		xmsg_set_data(m, h->body.data, h->body.len);
	if (net_tell(h->w->net, &m->msg) != 0) {
		m->head = NULL;
		xmsg_free(m);
		worker_refuse(h->w->net, h->stream, h->peer_end,
		       REFUSE_CONTROL_FULL);
		half_over(h, 0);
		return;
	}
	h->head = NULL;
	metric_inc(h->w->net->metric.requests);
	body_drop(h);
	timer_stop(&h->wait);
	h->state = HALF_PASSED;
}

/* Nobody has seen a token yet: a stranger that sends slowly must not hold
 * what others need. */
static void on_collect_over(void *arg)
{
	struct half *h = arg;

	metric_inc(h->w->net->metric.stalled);
	h3_stream_reset(h->stream, H3_REQUEST_CANCELLED);
}

void half_serve(struct ript_worker *w, struct h3_stream *stream,
		const struct h3_head *head, bool streamed)
{
	struct half *h = half_new(w, worker_id(w), HALF_COLLECTING);

	h->stream = stream;
	h->head = head_of_h3(head);
	h->early = head->early;
	h->streamed = streamed && !head->fin;
	h3_stream_handle(stream, &handlers, h);
	if (h->streamed)
		pass_request(h);
	else if (head->fin)
		on_end(stream, h);
	else
		timer_start(&h->wait, w->loop, COLLECT_MS, on_collect_over,
			    h);
}

static void half_reply(struct half *h, struct xmsg *m)
{
	struct h3_field field[H3_MAX_FIELDS];
	unsigned cnt = head_fields(field, m->head);

	h->silent = h->silent || m->silent;
	if (!h->stream || h->state != HALF_PASSED)
		return;
	if (m->admitted)
		worker_knows(h3_stream_conn(h->stream));
	if (h3_reply(h->stream, m->status, field, cnt, m->data, m->len,
		     m->fin) != 0) {
		h3_stream_reset(h->stream, H3_REQUEST_CANCELLED);
		return;
	}
	if (m->fin && !h->peer_end)
		h3_stream_stop_reading(h->stream);
}

/* ---- client role ---- */

static void on_lost(struct link_user *user, int err)
{
	half_over(list_entry(user, struct half, user), err);
}

static void on_credit(void *arg)
{
	struct half *h = arg;
	struct link *link = link_find(h->w, h->peer);

	if (link)
		link_want(link, &h->user);
	else
		half_over(h, ECONNABORTED);
}

static void on_wait_over(void *arg)
{
	struct half *h = arg;
	struct link *link = link_find(h->w, h->peer);
	int err = link ? link_error(link) : 0;

	link_leave(&h->user);
	timer_stop(&h->credit);
	half_over(h, err ? err : ETIMEDOUT);
}

static void written(struct half *h, size_t len)
{
	struct xmsg *m;

	h->written += len;
	if (h->written < WRITTEN_STEP || h->silent)
		return;
	m = half_msg(h, XMSG_WRITTEN);
	m->len = h->written;
	h->written = 0;
	net_tell_always(h->w->net, &m->msg);
}

static void on_ready(struct link_user *user, struct link_conn *conn)
{
	struct half *h = list_entry(user, struct half, user);
	struct h3_field field[H3_MAX_FIELDS];
	char *path = NULL;
	struct h3_head head = {
		.method = h->head->method,
		.scheme = "https",
		.authority = h->head->authority,
		.path = h->head->path,
		.field = field,
		.field_cnt = head_fields(field, h->head),
		.fin = h->fin && h->body.len == 0,
	};
	int err;

	if (h->head->query) {
		path = xasprintf("%s?%s", h->head->path, h->head->query);
		head.path = path;
	}
	link_leave(user);
	err = h3_request(&h->stream, conn->h3, &head,
			 h->body.len ? h->body.data : NULL, h->body.len,
			 h->fin, &handlers, h);
	free(path);
	if (err == 0) {
		h->state = HALF_SENT;
		timer_stop(&h->wait);
		written(h, h->body.len);
		buf_free(&h->body);
		free(h->head);
		h->head = NULL;
		return;
	}
	if (err == ENOTCONN)
		link_retire(conn);
	/* Never at once: link_want() may be what called. */
	timer_start(&h->credit, h->w->loop, err == ENOTCONN ? 0 : CREDIT_MS,
		    on_credit, h);
}

static void half_send(struct ript_worker *w, struct xmsg *m)
{
	struct link *link = link_find(w, m->peer);
	struct half *h = half_new(w, m->id, HALF_WAITING);

	h->body.max = EXCHANGE_UNSENT_MAX * 2;
	h->head = m->head;
	m->head = NULL;
	h->fin = m->fin;
	h->peer = m->peer;
	h->user.ready = on_ready;
	h->user.lost = on_lost;
	buf_add(&h->body, m->data, m->len);
	if (!link) {
		half_over(h, ECONNABORTED);
		return;
	}
	timer_start(&h->wait, w->loop, WAIT_MS, on_wait_over, h);
	link_want(link, &h->user);
}

/* ---- from control ---- */

static void half_write(struct half *h, const struct xmsg *m)
{
	int err = 0;

	if (h->state == HALF_WAITING) {
		h->fin = h->fin || m->fin;
		err = buf_add(&h->body, m->data, m->len);
		if (err) {
			link_leave(&h->user);
			half_over(h, ECONNABORTED);
		}
		return;
	}
	if (!h->stream || h->state == HALF_OVER)
		return;
	h->silent = h->silent || m->silent;
	err = h3_stream_write(h->stream, m->data, m->len, m->fin);
	if (err) {
		metric_inc(h->w->net->metric.stalled);
		h3_stream_reset(h->stream, H3_REQUEST_CANCELLED);
		return;
	}
	written(h, m->len);
}

static void half_abort(struct half *h)
{
	h->silent = true;
	if (h->stream) {
		h3_stream_reset(h->stream, H3_REQUEST_CANCELLED);
		return;
	}
	link_leave(&h->user);
	half_free(h);
}

void half_on_msg(struct msg *msg)
{
	struct xmsg *m = list_entry(msg, struct xmsg, msg);
	struct ript_worker *w = m->net->worker[m->worker].self;
	struct half *h = w ? half_find(w, m->id) : NULL;

	if (w && m->kind == XMSG_SEND)
		half_send(w, m);
	else if (!h)
		;	/* closed meanwhile: control hears so, or knows */
	else if (m->kind == XMSG_REPLY)
		half_reply(h, m);
	else if (m->kind == XMSG_WRITE)
		half_write(h, m);
	else if (m->kind == XMSG_CONSUMED && h->stream)
		h3_stream_consumed(h->stream, m->len);
	else if (m->kind == XMSG_ABORT)
		half_abort(h);
	xmsg_free(m);
}

static void free_one(struct table_node *node, void *arg)
{
	(void)arg;
	half_free(table_entry(node, struct half, node));
}

void half_free_all(struct ript_worker *w)
{
	timer_stop(&w->flush);
	table_each(&w->halves, free_one, NULL);
	table_free(&w->halves);
}
