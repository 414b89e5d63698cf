/* SPDX-License-Identifier: MIT */
/*
 *   control                            worker
 *   struct line  --- open, bind, ---->  struct half: port, bridge, byway
 *                    sip, ript, ask,
 *                    close
 *                <-- first, stats, ---
 *                    gone
 *
 * Messages of one direction keep their order, so `gone` is the last that a
 * line gets: it frees the line, however early line_close() came.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/metric.h"
#include "gateway/worker_private.h"
#include "media/rtp_port.h"
#include "ript/byway.h"

struct half {
	struct worker *worker;
	struct line *line;
	struct rtp_port *port;		/* until the bridge takes it */
	struct bridge *bridge;
	struct byway_port *byway;
	bool client;			/* role */
};

struct line {
	struct worker *worker;
	struct half *half;		/* the worker's: only passed on */
	const struct line_events *events;	/* NULL once closed */
	void *arg;
	uint16_t rtp_port;
};

struct line_msg {
	struct msg msg;
	struct line *line;
	struct half *half;
	union {
		uint64_t byway_id;
		struct bridge_side sip;
		struct bridge_ript ript;
		struct bridge_stats stats;
	} u;
};

/* ---- worker: what the bridge needs ---- */

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	struct half *half = arg;

	return half->byway ? byway_send(half->byway, body, len, media)
			   : ENOTCONN;
}

static bool on_acks_in_reply(void *arg)
{
	struct half *half = arg;

	return half->byway && !half->client &&
	       byway_kind(half->byway) == BYWAY_HTTP;
}

static size_t on_room(void *arg)
{
	struct half *half = arg;

	return half->byway ? byway_room(half->byway) : BYWAY_BODY_MAX;
}

static int on_byway_chunks(const uint8_t *body, size_t len,
			   enum byway_kind kind, uint64_t connection,
			   uint8_t *reply, size_t reply_max,
			   size_t *reply_len, void *arg)
{
	struct half *half = arg;

	(void)kind;
	return bridge_chunks(half->bridge, body, len, connection, reply,
			     reply_max, reply_len);
}

static void on_byway_open(enum byway_kind kind, void *arg)
{
	struct half *half = arg;

	(void)kind;
	bridge_way_changed(half->bridge);
}

static const struct byway_handlers byway_handlers = {
	.chunks = on_byway_chunks,
	.open = on_byway_open,
};

/* ---- messages ---- */

static void drop_msg(struct msg *msg)
{
	free(msg);
}

static struct line_msg *msg_new(struct line *line, struct half *half,
				void (*deliver)(struct msg *msg))
{
	struct line_msg *m = xzalloc(sizeof(*m));

	m->msg.deliver = deliver;
	m->msg.drop = drop_msg;
	m->line = line;
	m->half = half;
	return m;
}

static void to_worker(struct line *line, struct line_msg *m)
{
	mailbox_post_always(line->worker->inbox, &m->msg);
}

static void to_control(struct worker *worker, struct line_msg *m)
{
	mailbox_post_always(worker->workers->to_control, &m->msg);
}

/* ---- control: what comes back ---- */

static void deliver_first(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct line *line = m->line;

	free(m);
	if (line->events && line->events->first_chunk)
		line->events->first_chunk(line->arg);
}

static void deliver_stats(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct line *line = m->line;

	if (line->events && line->events->stats)
		line->events->stats(&m->u.stats, line->arg);
	free(m);
}

static void deliver_gone(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;

	free(m->line);
	free(m);
}

/* ---- worker: what control says ---- */

static void on_first_chunk(void *arg)
{
	struct half *half = arg;

	to_control(half->worker, msg_new(half->line, NULL, deliver_first));
}

static void deliver_open(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct half *half = m->half;
	const struct bridge_out out = {
		.send = on_send,
		.acks_in_reply = on_acks_in_reply,
		.room = on_room,
		.arg = half,
	};

	free(m);
	half->bridge = bridge_new(half->worker->loop, half->port, &out);
	half->port = NULL;
	bridge_on_first_chunk(half->bridge, on_first_chunk, half);
	metric_gauge_add(half->worker->lines, 1);
}

static void deliver_bind(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct half *half = m->half;

	if (half->byway ||
	    byway_bind(&half->byway, half->worker->ript, m->u.byway_id,
		       &byway_handlers, half) != 0)
		metric_inc(half->worker->workers->unbound);
	free(m);
}

static void deliver_sip(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;

	bridge_set_sip(m->half->bridge, &m->u.sip);
	free(m);
}

static void deliver_ript(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;

	m->half->client = m->u.ript.client;
	bridge_set_ript(m->half->bridge, &m->u.ript);
	free(m);
}

static void deliver_ask(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct line_msg *reply = msg_new(m->line, NULL, deliver_stats);

	bridge_stats(m->half->bridge, &reply->u.stats);
	to_control(m->half->worker, reply);
	free(m);
}

static void half_free(struct half *half)
{
	byway_unbind(&half->byway);
	bridge_free(&half->bridge);
	rtp_port_close(&half->port);
	free(half);
}

static void deliver_close(struct msg *msg)
{
	struct line_msg *m = (struct line_msg *)msg;
	struct worker *worker = m->half->worker;

	metric_gauge_add(worker->lines, -1);
	half_free(m->half);
	/* The message goes back as the last one. */
	m->msg.deliver = deliver_gone;
	m->msg.drop = deliver_gone;
	to_control(worker, m);
}

/* ---- control ---- */

int line_open(struct line **linep, struct workers *workers, unsigned worker,
	      struct rtp_range *range, const struct line_events *events,
	      void *arg)
{
	struct rtp_port *port = NULL;
	struct line *line;
	int err;

	loop_assert(LOOP_CONTROL);
	err = rtp_port_open(&port, range);
	if (err)
		return err;
	line = xzalloc(sizeof(*line));
	line->worker = &workers->worker[worker % workers->count];
	line->events = events;
	line->arg = arg;
	line->rtp_port = rtp_port_number(port);
	line->half = xzalloc(sizeof(*line->half));
	line->half->worker = line->worker;
	line->half->line = line;
	line->half->port = port;
	to_worker(line, msg_new(line, line->half, deliver_open));
	*linep = line;
	return 0;
}

uint16_t line_rtp_port(const struct line *line)
{
	return line->rtp_port;
}

void line_bind(struct line *line, uint64_t byway_id)
{
	struct line_msg *m = msg_new(line, line->half, deliver_bind);

	loop_assert(LOOP_CONTROL);
	m->u.byway_id = byway_id;
	to_worker(line, m);
}

void line_set_sip(struct line *line, const struct bridge_side *side)
{
	struct line_msg *m = msg_new(line, line->half, deliver_sip);

	loop_assert(LOOP_CONTROL);
	m->u.sip = *side;
	to_worker(line, m);
}

void line_set_ript(struct line *line, const struct bridge_ript *ript)
{
	struct line_msg *m = msg_new(line, line->half, deliver_ript);

	loop_assert(LOOP_CONTROL);
	m->u.ript = *ript;
	to_worker(line, m);
}

void line_ask_stats(struct line *line)
{
	loop_assert(LOOP_CONTROL);
	to_worker(line, msg_new(line, line->half, deliver_ask));
}

void line_close(struct line **linep)
{
	struct line *line = *linep;

	if (!line)
		return;
	loop_assert(LOOP_CONTROL);
	*linep = NULL;
	line->events = NULL;
	to_worker(line, msg_new(line, line->half, deliver_close));
}
