/* SPDX-License-Identifier: MIT */
#include "ript/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/byway_get.h"
#include "ript/byway_port.h"
#include "ript/call_table.h"
#include "ript/crossing.h"
#include "ript/h3.h"
#include "ript/refuse.h"
#include "ript/worker_private.h"

#define SPARE_BODY 4096		/* kept with a spare flow */

static struct flow *flow_new(struct ript_worker *w, struct call_entry *entry,
			     struct h3_stream *stream, uint64_t connection)
{
	struct le *le = list_pop(&w->spare);
	struct flow *flow = le ? list_entry(le, struct flow, le)
			       : xzalloc(sizeof(*flow));

	flow->id = worker_id(w);
	flow->w = w;
	flow->entry = entry;
	flow->stream = stream;
	flow->connection = connection;
	flow->put = false;
	flow->crossed = false;
	flow->ended = false;
	flow->get = NULL;
	flow->body.max = BYWAY_BODY_MAX;
	list_append(&entry->flows, &flow->le);
	return flow;
}

static void body_drop(struct flow *flow)
{
	flow->w->bodies -= flow->body.len;
	if (flow->body.cap > SPARE_BODY)
		buf_free(&flow->body);
	else
		buf_clear(&flow->body);
}

/* It is answered, or has closed: nobody looks for it any more. */
static void flow_leave(struct flow *flow)
{
	if (!flow->entry)
		return;
	if (!flow->put)
		metric_gauge_add(flow->w->net->metric.gets, -1);
	if (flow->crossed)
		table_remove(&flow->w->flows, &flow->node);
	flow->crossed = false;
	flow->entry = NULL;
	flow->get = NULL;
	list_unlink(&flow->le);
	body_drop(flow);
}

static void flow_refuse(struct flow *flow, enum net_refusal why)
{
	flow_leave(flow);
	worker_refuse(flow->w->net, flow->stream, flow->ended, why);
}

void flow_answer(struct flow *flow, int status, const void *body, size_t len)
{
	static const struct h3_field field[] = {
		{ "cache-control", "no-store" },
		{ "content-type", "application/ript-chunks" },
	};

	if (!flow->entry)
		return;
	flow_leave(flow);
	h3_reply(flow->stream, status, field, status == 200 ? 2 : 1, body,
		 len, true);
	if (!flow->ended)
		h3_stream_stop_reading(flow->stream);
}

bool flow_answer_away(struct ript_worker *w, uint64_t id, int status,
		      const void *body, size_t len)
{
	struct table_node *node = table_find(&w->flows, &id, sizeof(id));
	struct flow *flow;

	if (!node)
		return false;
	flow = table_entry(node, struct flow, node);
	if (status == 400)
		flow_refuse(flow, REFUSE_BAD_CHUNKS);
	else if (status == 404)
		flow_refuse(flow, REFUSE_CALL_ENDED);
	else
		flow_answer(flow, status, body, len);
	return true;
}

static void cross(struct flow *flow)
{
	flow->crossed = true;
	if (table_insert(&flow->w->flows, &flow->node, &flow->id,
			 sizeof(flow->id)) != 0)
		abort();	/* IDs are never used twice */
}

static void put_done(struct flow *flow)
{
	struct ript_worker *w = flow->w;
	struct byway_port *port = flow->entry->port;
	size_t len = 0;

	if (!port) {
		cross(flow);
		if (crossing_put(flow) != 0)
			flow_refuse(flow, REFUSE_CROSSING_FULL);
		return;
	}
	if (port_chunks(port, flow->body.data, flow->body.len, BYWAY_HTTP,
			flow->connection, w->reply, sizeof(w->reply),
			&len) != 0)
		flow_refuse(flow, REFUSE_BAD_CHUNKS);
	else
		flow_answer(flow, 200, w->reply, len);
}

/* ---- stream callbacks ---- */

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct flow *flow = arg;
	struct ript_worker *w = flow->w;

	if (flow->entry && flow->put) {
		if (w->bodies + len > WORKER_BODIES_MAX)
			flow_refuse(flow, REFUSE_BODIES_FULL);
		else if (buf_add(&flow->body, data, len) != 0)
			flow_refuse(flow, REFUSE_TOO_LARGE);
		else
			w->bodies += len;
	}
	h3_stream_consumed(stream, len);
}

static void on_end(struct h3_stream *stream, void *arg)
{
	struct flow *flow = arg;

	(void)stream;
	if (flow->ended)
		return;
	flow->ended = true;
	if (flow->entry && flow->put)
		put_done(flow);
}

static void on_closed(struct h3_stream *stream, int err, void *arg)
{
	struct flow *flow = arg;

	(void)stream;
	(void)err;
	if (flow->get)
		gets_gone(flow->get);
	else if (flow->crossed && !flow->put)
		crossing_get_gone(flow);
	flow_leave(flow);
	flow->stream = NULL;
	list_append(&flow->w->spare, &flow->le);
}

static const struct h3_stream_handlers handlers = {
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

/* ---- calls ---- */

static bool is_chunks(const struct h3_head *head)
{
	const char *type = h3_field(head, "content-type");

	return !type || strcmp(type, "application/ript-chunks") == 0 ||
	       strcmp(type, "application/octet-stream") == 0;
}

static bool is_too_long(const struct h3_head *head)
{
	const char *len = h3_field(head, "content-length");

	return len && strtoull(len, NULL, 10) > BYWAY_BODY_MAX;
}

static void serve_get(struct flow *flow)
{
	struct call_entry *entry = flow->entry;

	metric_gauge_add(flow->w->net->metric.gets, 1);
	if (entry->port) {
		gets_add(entry->port, flow, flow->w->index, flow->id,
			 flow->connection);
	} else {
		cross(flow);
		crossing_get(flow);
	}
}

void flow_serve(struct ript_worker *w, struct call_entry *entry,
		struct h3_stream *stream, const struct h3_head *head,
		uint64_t connection)
{
	bool put = strcmp(head->method, "PUT") == 0;
	struct flow *flow;

	if (put && is_too_long(head)) {
		worker_refuse(w->net, stream, head->fin, REFUSE_TOO_LARGE);
		return;
	}
	if (put && !is_chunks(head)) {
		worker_refuse(w->net, stream, head->fin, REFUSE_TYPE);
		return;
	}
	flow = flow_new(w, entry, stream, connection);
	flow->put = put;
	h3_stream_handle(stream, &handlers, flow);
	if (!put)
		serve_get(flow);
	if (head->fin)
		on_end(stream, flow);
}

void flow_end_all(struct call_entry *entry)
{
	struct le *le;

	while ((le = entry->flows.head)) {
		struct flow *flow = list_entry(le, struct flow, le);

		flow_leave(flow);
		worker_refuse_ended(flow->w->net, flow->stream, flow->ended,
			     entry->problem ? entry->problem->text : NULL);
	}
}

void flow_free_all(struct ript_worker *w)
{
	struct le *le;

	while ((le = list_pop(&w->spare))) {
		struct flow *flow = list_entry(le, struct flow, le);

		buf_free(&flow->body);
		free(flow);
	}
	table_free(&w->flows);
}
