/* SPDX-License-Identifier: MIT */
#include "ript/byway_port.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ript/byway_dial.h"
#include "ript/byway_msg.h"
#include "ript/h3.h"
#include "ript/ring.h"
#include "ript/byway_session.h"
#include "ript/worker_private.h"

#define PANIC_MS 1000		/* Q41 */
#define DRAIN_MS 20		/* between two bursts */
#define EXPIRE_MS 100		/* looks what waits in vain */
#define PUTS_MAX 256		/* unanswered, when nothing was kept */

/* ---- life ---- */

struct byway_port *port_new(struct ript_worker *w, uint64_t id, bool client)
{
	struct byway_port *port = xzalloc(sizeof(*port));

	port->w = w;
	port->id = id;
	port->client = client;
	port->keep = true;
	if (table_insert(&w->ports, &port->node, &port->id,
			 sizeof(port->id)) != 0)
		abort();	/* IDs are never used twice */
	return port;
}

struct byway_port *port_find(struct ript_worker *w, uint64_t id)
{
	struct table_node *node = table_find(&w->ports, &id, sizeof(id));

	return node ? table_entry(node, struct byway_port, node) : NULL;
}

static void port_free_mem(void *ptr)
{
	free(ptr);
}

static void port_free(struct byway_port *port)
{
	table_remove(&port->w->ports, &port->node);
	loop_defer_free(port->w->loop, port, port_free_mem);
}

void port_close(struct byway_port *port)
{
	if (port->closed)
		return;
	port->closed = true;
	port->kind = BYWAY_NONE;
	port->direct = NULL;
	timer_stop(&port->drain);
	timer_stop(&port->panic);
	timer_stop(&port->stale);
	dialer_free(&port->dialer);
	gets_close(port);
	byway_session_forget_all(port);
	ring_free(&port->ring);
	ring_free(&port->early);
	if (!port->handlers)
		port_free(port);
}

static void free_one(struct table_node *node, void *arg)
{
	struct byway_port *port = table_entry(node, struct byway_port, node);

	(void)arg;
	port->handlers = NULL;
	if (port->closed)
		port_free(port);
	else
		port_close(port);
}

void port_free_all(struct ript_worker *w)
{
	table_each(&w->ports, free_one, NULL);
	table_free(&w->ports);
}

/* A server may speak before control has told who listens: the first chunks
 * of an early announcement shall not be lost to that. */
static void keep_early(struct byway_port *port, const uint8_t *body,
		       size_t len, enum byway_kind kind, uint64_t connection)
{
	if (!port->early)
		port->early = ring_new(PORT_EARLY_OCTETS);
	port->early_kind = kind;
	port->early_connection = connection;
	ring_put(port->early, loop_now_ns(port->w->loop), body, len);
}

static void take_early(struct byway_port *port)
{
	struct ring *early = port->early;
	const uint8_t *body;
	size_t len;

	port->early = NULL;
	while (early && port->handlers && (body = ring_peek(early, &len))) {
		port_chunks(port, body, len, port->early_kind,
			    port->early_connection, NULL, 0, NULL);
		ring_pop(early);
	}
	ring_free(&early);
}

int byway_bind(struct byway_port **portp, struct ript_worker *worker,
	       uint64_t id, const struct byway_handlers *handlers, void *arg)
{
	struct byway_port *port = port_find(worker, id);

	loop_assert(LOOP_WORKER);
	if (!port || port->closed || port->handlers)
		return ENOENT;
	port->handlers = handlers;
	port->arg = arg;
	port->bound = true;
	*portp = port;
	if (port->kind != BYWAY_NONE && handlers->open)
		handlers->open(port->kind, arg);
	take_early(port);
	return 0;
}

void byway_unbind(struct byway_port **portp)
{
	struct byway_port *port = *portp;

	if (!port)
		return;
	loop_assert(LOOP_WORKER);
	*portp = NULL;
	port->handlers = NULL;
	if (port->closed)
		port_free(port);
}

enum byway_kind byway_kind(const struct byway_port *port)
{
	return port->kind;
}

size_t byway_room(const struct byway_port *port)
{
	struct le *le = port->sessions.head;

	if (port->direct)
		return h3_datagram_room(port->direct);
	if (port->kind == BYWAY_WEBTRANSPORT && le)
		return byway_session_of(le)->room;
	return BYWAY_BODY_MAX;
}

/* ---- which way is open ---- */

static struct byway_session *best_session(const struct byway_port *port)
{
	struct le *le;

	for (le = port->sessions.head; le; le = le->next) {
		struct byway_session *session = byway_session_of(le);

		if (!session->stale)
			return session;
	}
	return NULL;
}

static void on_stale(void *arg)
{
	port_choose(arg, false);
}

/* A session whose client has fallen silent gives way to newer GETs. */
static void mark_stale(struct byway_port *port)
{
	uint64_t now = loop_now_ns(port->w->loop);
	uint64_t get_ns = gets_newest_ns(port);
	bool look_again = false;
	struct le *le;

	for (le = port->sessions.head; le; le = le->next) {
		struct byway_session *session = byway_session_of(le);
		bool newer = get_ns > session->heard_ns;

		session->stale = newer && now - session->heard_ns >=
						  SESSION_STALE_NS;
		look_again |= newer && !session->stale;
	}
	if (look_again && !timer_running(&port->stale))
		timer_start(&port->stale, port->w->loop,
			    SESSION_STALE_NS / NS_PER_MS, on_stale, port);
}

static void set_kind(struct byway_port *port, enum byway_kind kind,
		     bool fresh)
{
	bool changed = kind != port->kind;
	struct bmsg *m;

	port->kind = kind;
	if (port->handlers && port->handlers->open && (changed || fresh))
		port->handlers->open(kind, port->arg);
	if (!changed)
		return;
	m = bmsg_new(port->w->net, BMSG_OPEN, port->w->index, port->id);
	m->way = kind;
	net_tell_always(port->w->net, &m->msg);
}

void port_choose(struct byway_port *port, bool fresh)
{
	struct byway_session *session;
	enum byway_kind kind;

	if (port->closed)
		return;
	if (port->client) {
		kind = dialer_kind(port->dialer);
	} else {
		mark_stale(port);
		session = best_session(port);
		port->direct = session ? session->h3 : NULL;
		kind = session ? BYWAY_WEBTRANSPORT
		       : gets_alive(port) ? BYWAY_HTTP
					  : BYWAY_NONE;
	}
	set_kind(port, kind, fresh);
}

void port_set_listening(struct byway_port *port, bool listening)
{
	if (port->listening && !listening)
		port->keep = true;
	port->listening = listening;
}

/* ---- in ---- */

int port_chunks(struct byway_port *port, const uint8_t *body, size_t len,
		enum byway_kind kind, uint64_t connection, uint8_t *reply,
		size_t reply_max, size_t *reply_len)
{
	int err;

	if (reply_len)
		*reply_len = 0;
	if (!port->handlers && port->client && !port->bound) {
		keep_early(port, body, len, kind, connection);
		return 0;
	}
	if (!port->handlers) {
		net_dropped(port->w->net, DROP_UNBOUND);
		return 0;
	}
	err = port->handlers->chunks(len ? body : (const uint8_t *)"", len,
				     kind, connection, reply, reply_max,
				     reply_len, port->arg);
	if (err)
		net_dropped(port->w->net, DROP_UNFRAMED);
	return err;
}

/* ---- panic ---- */

static void panic_tell(struct byway_port *port)
{
	struct bmsg *m = bmsg_new(port->w->net, BMSG_PANIC, port->w->index,
				  port->id);

	m->dropped = port->dropped;
	port->dropped = 0;
	metric_inc(port->w->net->metric.panics);
	net_tell_always(port->w->net, &m->msg);
}

static void on_panic_over(void *arg)
{
	struct byway_port *port = arg;

	if (port->dropped == 0)
		return;
	panic_tell(port);
	timer_start(&port->panic, port->w->loop, PANIC_MS, on_panic_over,
		    port);
}

/* The first drop is told at once, what follows within a second with it. */
static void panic(struct byway_port *port)
{
	port->dropped++;
	if (timer_running(&port->panic))
		return;
	panic_tell(port);
	timer_start(&port->panic, port->w->loop, PANIC_MS, on_panic_over,
		    port);
}

/* ---- out ---- */

/* Returns 0; EAGAIN: no way now; EMSGSIZE: over the datagram's room and no
 * GET or PUT beside; EBUSY: the client's PUTs are not answered. */
static int send_now(struct byway_port *port, const void *body, size_t len,
		    unsigned in_flight)
{
	struct byway_session *session;
	int err = EAGAIN;

	if (port->direct) {
		err = h3_datagram_send(port->direct, body, len);
	} else if (port->kind == BYWAY_WEBTRANSPORT && !port->client) {
		session = best_session(port);
		if (session)
			err = byway_session_send(session, body, len);
	}
	if (err == 0)
		return 0;
	if (!port->client)
		return gets_send(port, body, len) ? 0 : err;
	if (port->kind == BYWAY_HTTP || err == EMSGSIZE)
		return dialer_put(port->dialer, body, len, in_flight);
	return EAGAIN;
}

static void on_drain(void *arg)
{
	port_drain(arg);
}

void port_drain(struct byway_port *port)
{
	uint64_t now = loop_now_ns(port->w->loop);
	struct exchange_net *net = port->w->net;
	unsigned budget = PORT_BURST;
	const uint8_t *body;
	size_t len;
	int err = 0;

	if (!port->ring || port->closed)
		return;
	if (now > PORT_RING_NS)
		metric_add(net->metric.dropped[DROP_RING_OLD],
			   ring_expire(port->ring, now - PORT_RING_NS));
	while (budget > 0 && (body = ring_peek(port->ring, &len))) {
		err = send_now(port, body, len, PORT_BURST);
		if (err == EAGAIN || err == EBUSY)
			break;
		if (err == EMSGSIZE)
			net_dropped(net, DROP_OVER_ROOM);
		ring_pop(port->ring);
		budget--;
	}
	if (ring_count(port->ring) == 0) {
		ring_free(&port->ring);
		timer_stop(&port->drain);
	} else {
		timer_start(&port->drain, port->w->loop,
			    budget == 0 ? DRAIN_MS : EXPIRE_MS, on_drain,
			    port);
	}
}

static void ring_keep(struct byway_port *port, const void *body, size_t len)
{
	if (!port->ring)
		port->ring = ring_new(PORT_RING_OCTETS);
	metric_add(port->w->net->metric.dropped[DROP_RING_FULL],
		   ring_put(port->ring, loop_now_ns(port->w->loop), body,
			    len));
}

void port_again(struct byway_port *port, const void *body, size_t len)
{
	if (!port->closed)
		ring_keep(port, body, len);
}

static int send_slow(struct byway_port *port, const void *body, size_t len,
		     bool media)
{
	struct exchange_net *net = port->w->net;
	int err;

	if (port->ring && media) {		/* the oldest goes first */
		ring_keep(port, body, len);
		port_drain(port);
		return 0;
	}
	err = send_now(port, body, len, PUTS_MAX);
	if (err == 0)
		return 0;
	if (!media) {
		if (err != ENOBUFS)
			net_dropped(net, DROP_NO_WAY);
		return EAGAIN;
	}
	if (err == EAGAIN &&
	    (port->client || port->keep || !port->listening)) {
		ring_keep(port, body, len);
		if (!timer_running(&port->drain))
			timer_start(&port->drain, port->w->loop, EXPIRE_MS,
				    on_drain, port);
		return 0;
	}
	if (err == ENOBUFS)
		return EAGAIN;			/* counted where it happened */
	net_dropped(net, err == EMSGSIZE  ? DROP_OVER_ROOM
			 : err == EBUSY ? DROP_PUTS_FULL
					: DROP_NO_GET);
	if (!port->client)
		panic(port);
	return EAGAIN;
}

int byway_send(struct byway_port *port, const void *body, size_t len,
	       bool media)
{
	if (port->closed)
		return ENOTCONN;
	if (port->direct && !port->ring &&
	    h3_datagram_send(port->direct, body, len) == 0)
		return 0;
	return send_slow(port, body, len, media);
}
