/* SPDX-License-Identifier: MIT */
#include "ript/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/exchange_msg.h"
#include "ript/h3.h"
#include "ript/worker_private.h"

#define KEEPALIVE_MS 10000
#define HANDSHAKE_MS 5000
#define HANDSHAKE_ONE_OF_MANY_MS 2000
#define REST_FIRST_MS 100		/* "at once" without a busy loop */
#define REST_MS 2000			/* Q66 */
#define REST_MAX_MS 32000
#define YOUNG_NS NS_PER_S		/* lost this soon: a failure, too */

enum link_state { LINK_IDLE, LINK_RESOLVING, LINK_CONNECTING, LINK_REST };

struct link {
	struct table_node node;		/* of worker->links */
	uint64_t peer;
	struct ript_worker *w;
	enum link_state state;
	char *authority;
	char *host;
	struct tls_client *tls;
	struct list conns;
	struct list waiting;		/* users */
	struct list told;		/* users being told that it failed */
	struct link_conn *making;
	bool fixed;			/* addr is configured, no DNS */
	struct addr addr[PEER_ADDRS];
	unsigned addr_cnt;
	unsigned addr_next;
	uint64_t addr_until_ns;
	unsigned failures;		/* in a row */
	int err;			/* of the last failure */
	char *why;
	struct timer rest;
	bool pumping;
	bool again;
};

static void link_pump(struct link *link);
static void connect_next(struct link *link);

struct link *link_find(struct ript_worker *w, uint64_t peer)
{
	struct table_node *node = table_find(&w->links, &peer, sizeof(peer));

	return node ? table_entry(node, struct link, node) : NULL;
}

const char *link_authority(const struct link *link)
{
	return link->authority;
}

int link_error(const struct link *link)
{
	return link->err;
}

/* ---- news for control ---- */

static void tell_state(struct link *link, int err, const char *why)
{
	struct pmsg *m = pmsg_new(link->w->net, PMSG_STATE, link->w->index,
				  link->peer);
	struct le *le;

	link->err = err;
	free(link->why);
	link->why = xstrdup(why ? why : "");
	for (le = link->conns.head; le; le = le->next)
		if (list_entry(le, struct link_conn, le)->ready)
			m->connected = true;
	m->err = err;
	m->text = xstrdup(link->why);
	net_tell_always(link->w->net, &m->msg);
}

/* ---- users ---- */

static struct link_conn *conn_for(struct link *link, bool call)
{
	struct le *le;

	for (le = link->conns.head; le; le = le->next) {
		struct link_conn *conn = list_entry(le, struct link_conn, le);

		if (conn->ready && !conn->retired &&
		    (!call || conn->calls < LINK_CALLS))
			return conn;
	}
	return NULL;
}

void link_want(struct link *link, struct link_user *user)
{
	user->link = link;
	user->conn = NULL;
	list_append(&link->waiting, &user->le);
	link_pump(link);
}

void link_leave(struct link_user *user)
{
	if (user->conn && user->call)
		user->conn->calls--;
	list_unlink(&user->le);
	user->conn = NULL;
}

/* @list empties; each of its users hears @err and may want again. */
static void users_lost(struct link *link, struct list *users, int err)
{
	struct le *le;

	while ((le = list_pop(users)))
		list_append(&link->told, le);
	while ((le = link->told.head)) {
		struct link_user *user =
			list_entry(le, struct link_user, le);

		link_leave(user);
		user->lost(user, err);
	}
}

void link_retire(struct link_conn *conn)
{
	conn->retired = true;
}

/* Begin to make a connection unless that is under way. */
static void link_need(struct link *link)
{
	uint64_t now = loop_now_ns(link->w->loop);

	if (link->state != LINK_IDLE)
		return;
	if (!link->fixed && (link->addr_cnt == 0 ||
			     now >= link->addr_until_ns)) {
		link->state = LINK_RESOLVING;
		net_tell_always(link->w->net,
				&pmsg_new(link->w->net, PMSG_NEED,
					  link->w->index, link->peer)->msg);
		return;
	}
	link->addr_next = 0;
	connect_next(link);
}

/* Serve who waits; a user may leave, want again or close meanwhile. */
static void link_pump(struct link *link)
{
	bool need = false;
	struct le *le, *next;

	link->again = true;
	if (link->pumping)
		return;
	link->pumping = true;
	while (link->again) {
		link->again = false;
		need = false;
		for (le = link->waiting.head; le; le = next) {
			struct link_user *user =
				list_entry(le, struct link_user, le);
			struct link_conn *conn = conn_for(link, user->call);

			next = le->next;
			if (!conn) {
				need = true;
				continue;
			}
			list_unlink(&user->le);
			list_append(&conn->users, &user->le);
			user->conn = conn;
			if (user->call)
				conn->calls++;
			link->again = true;
			user->ready(user, conn);
			break;		/* the list may have changed */
		}
	}
	link->pumping = false;
	if (need && !link->w->ending)
		link_need(link);
}

/* ---- connecting ---- */

static void on_rest_over(void *arg)
{
	struct link *link = arg;

	link->state = LINK_IDLE;
	link_pump(link);
}

/* Whoever waits now hears @err; the next attempt comes after a rest. */
static void round_failed(struct link *link, int err, const char *why)
{
	uint64_t rest = REST_FIRST_MS;
	uint32_t jitter;
	unsigned i;

	link->failures++;
	for (i = 1; i < link->failures && rest < REST_MAX_MS; i++)
		rest = i == 1 ? REST_MS : rest * 2;
	random_bytes(&jitter, sizeof(jitter));
	rest = rest * 3 / 4 + jitter % (rest / 2 + 1);
	link->state = LINK_REST;
	timer_start(&link->rest, link->w->loop, rest, on_rest_over, link);
	tell_state(link, err, why);
	metric_inc(link->w->net->metric.connect_fails);
	users_lost(link, &link->waiting, err);
}

static void on_conn_ready(struct h3_conn *h3, void *arg)
{
	struct link_conn *conn = arg;
	struct link *link = conn->link;

	(void)h3;
	conn->ready = true;
	conn->ready_ns = loop_now_ns(link->w->loop);
	link->making = NULL;
	link->state = LINK_IDLE;
	tell_state(link, 0, NULL);
	link_pump(link);
}

static void conn_free(void *ptr)
{
	free(ptr);
}

static void on_conn_closed(struct h3_conn *h3, int err, const char *reason,
			   void *arg)
{
	struct link_conn *conn = arg;
	struct link *link = conn->link;
	uint64_t now = loop_now_ns(link->w->loop);
	bool failed = !conn->ready;
	bool young = conn->ready && now - conn->ready_ns < YOUNG_NS;

	(void)h3;
	list_unlink(&conn->le);
	loop_defer_free(link->w->loop, conn, conn_free);
	conn->ready = false;
	if (link->w->ending)
		return;
	if (failed) {
		link->making = NULL;
		link->err = err ? err : ECONNREFUSED;
		free(link->why);
		link->why = xstrdup(reason ? reason : strerror(link->err));
		if (link->addr_next < link->addr_cnt) {
			connect_next(link);
		} else {
			char *why = xstrdup(link->why);

			round_failed(link, link->err, why);
			free(why);
		}
		return;
	}
	if (!young) {
		link->failures = 0;
	} else if (link->state == LINK_IDLE) {
		link->failures++;
		link->state = LINK_REST;
		timer_start(&link->rest, link->w->loop,
			    link->failures > 1 ? REST_MS : REST_FIRST_MS,
			    on_rest_over, link);
	}
	tell_state(link, err, reason);
	users_lost(link, &conn->users, err ? err : ECONNABORTED);
	link_pump(link);
}

static const struct h3_conn_handlers conn_handlers = {
	.ready = on_conn_ready,
	.closed = on_conn_closed,
};

static void connect_next(struct link *link)
{
	struct h3_connect params = {
		.host = link->host,
		.tls = link->tls,
		.handshake_ms = link->addr_cnt > 1 ? HANDSHAKE_ONE_OF_MANY_MS
						   : HANDSHAKE_MS,
		.keepalive_ms = KEEPALIVE_MS,
	};
	struct link_conn *conn;
	int err = EHOSTUNREACH;

	link->state = LINK_CONNECTING;
	while (link->addr_next < link->addr_cnt) {
		params.to = link->addr[link->addr_next++];
		conn = xzalloc(sizeof(*conn));
		conn->link = link;
		conn->id = worker_id(link->w);
		metric_inc(link->w->net->metric.connects);
		err = h3_connect(&conn->h3, link->w->ep, &params,
				 &conn_handlers, conn);
		if (err == 0) {
			list_append(&link->conns, &conn->le);
			link->making = conn;
			return;
		}
		free(conn);
	}
	round_failed(link, err, strerror(err));
}

/* ---- from control ---- */

static void link_open(struct ript_worker *w, struct pmsg *m)
{
	struct link *link = xzalloc(sizeof(*link));

	link->w = w;
	link->peer = m->peer;
	link->authority = m->authority;
	link->host = m->host;
	m->authority = NULL;
	m->host = NULL;
	link->tls = m->tls;
	link->fixed = m->addr_cnt > 0;
	link->addr_cnt = m->addr_cnt;
	memcpy(link->addr, m->addr, sizeof(link->addr));
	if (table_insert(&w->links, &link->node, &link->peer,
			 sizeof(link->peer)) != 0)
		abort();	/* IDs are never used twice */
}

static void link_addrs(struct link *link, const struct pmsg *m)
{
	uint64_t ttl_s = m->ttl_s < 5 ? 5 : m->ttl_s;

	if (link->state != LINK_RESOLVING)
		return;
	if (m->err) {
		round_failed(link, ENOTCONN, m->text);
		return;
	}
	memcpy(link->addr, m->addr, sizeof(link->addr));
	link->addr_cnt = m->addr_cnt;
	link->addr_next = 0;
	link->addr_until_ns = loop_now_ns(link->w->loop) + ttl_s * NS_PER_S;
	connect_next(link);
}

static void link_free(void *ptr)
{
	struct link *link = ptr;

	free(link->authority);
	free(link->host);
	free(link->why);
	free(link);
}

/* Connections first: their streams tell who used them. */
static void link_close(struct link *link)
{
	struct ript_worker *w = link->w;
	struct le *le;

	table_remove(&w->links, &link->node);
	timer_stop(&link->rest);
	link->state = LINK_REST;	/* nothing new is made */
	link->addr_next = link->addr_cnt;
	while ((le = link->conns.head)) {
		struct link_conn *conn = list_entry(le, struct link_conn, le);

		conn->retired = true;
		h3_conn_close(conn->h3);
	}
	timer_stop(&link->rest);
	users_lost(link, &link->waiting, ECONNABORTED);
	timer_stop(&link->rest);
	loop_defer_free(w->loop, link, link_free);
}

void link_on_msg(struct msg *msg)
{
	struct pmsg *m = list_entry(msg, struct pmsg, msg);
	struct ript_worker *w = m->net->worker[m->worker].self;
	struct link *link = w ? link_find(w, m->peer) : NULL;

	if (w && m->kind == PMSG_OPEN)
		link_open(w, m);
	else if (link && m->kind == PMSG_ADDRS)
		link_addrs(link, m);
	else if (link && m->kind == PMSG_CLOSE)
		link_close(link);
	pmsg_free(m);
}

static void free_one(struct table_node *node, void *arg)
{
	struct link *link = table_entry(node, struct link, node);
	struct ript_worker *w = arg;

	timer_stop(&link->rest);
	table_remove(&w->links, node);
	link_free(link);
}

void link_free_all(struct ript_worker *w)
{
	table_each(&w->links, free_one, w);
	table_free(&w->links);
}
