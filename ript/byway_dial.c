/* SPDX-License-Identifier: MIT */
#include "ript/byway_dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ript/byway_msg.h"
#include "ript/byway_port.h"
#include "ript/h3.h"
#include "ript/link.h"
#include "ript/worker_private.h"

#define GETS_DEFAULT 20
#define EARLY_204_NS (20 * NS_PER_S)	/* Q56: this soon is displacement */
#define HOLD_MS 5000
#define OPENING_MS 2000			/* then without WebTransport */
#define CREDIT_MS 20
#define SETTLE_MS 200			/* after the server closed a session */
#define RETRY_MS 100
#define RETRY_MAX_MS 5000
#define SPARE_TRIPS 64
#define SPARE_BODY 4096			/* octets kept with a spare one */
#define H3_REQUEST_CANCELLED 0x10c

enum dialer_state {
	DIAL_WANT_SESSION,	/* waits for a connection */
	DIAL_OPENING,
	DIAL_SESSION,
	DIAL_WANT_GETS,		/* waits for a connection */
	DIAL_GETS,
	DIAL_ENDED,		/* the call is gone over there */
};

struct dialer {
	enum dialer_state state;
	struct byway_port *port;
	struct ript_worker *w;
	uint64_t peer;
	struct link_user user;
	uint64_t connection;
	bool webtransport;
	unsigned gets;			/* wanted */
	char *path;			/* of the media */
	char *authority;
	char *bearer;
	char *cookie;			/* NULL if none */
	struct h3_session *session;
	struct timer opening;
	struct list get_trips;
	struct list put_trips;
	struct list other_trips;	/* answered, or on a connection left */
	uint64_t held_ns[GETS_MAX];	/* displaced GETs, to be asked again */
	unsigned held;
	struct timer hold;
	unsigned failures;		/* of GETs, in a row */
	struct timer retry;
	struct timer restart;
	struct list spare;
};

/* One GET or PUT under way. */
struct trip {
	struct le le;
	struct dialer *d;		/* NULL: nobody waits for it */
	struct h3_stream *stream;
	bool get;
	bool over;			/* end() was seen */
	int status;
	uint64_t connection;
	uint64_t opened_ns;
	struct buf body;		/* of the reply */
	struct buf sent;		/* PUT: until it is answered */
};

static void dialer_start(struct dialer *d);
static void dialer_fill(struct dialer *d);

/* ---- trips ---- */

static struct trip *trip_new(struct dialer *d, bool get)
{
	struct le *le = list_pop(&d->spare);
	struct trip *trip = le ? list_entry(le, struct trip, le)
			       : xzalloc(sizeof(*trip));

	trip->d = d;
	trip->get = get;
	trip->over = false;
	trip->status = 0;
	trip->stream = NULL;
	trip->connection = d->connection;
	trip->opened_ns = loop_now_ns(d->w->loop);
	trip->body.max = BYWAY_BODY_MAX;
	trip->sent.max = BYWAY_BODY_MAX;
	buf_clear(&trip->body);
	buf_clear(&trip->sent);
	return trip;
}

static void trip_free(struct trip *trip)
{
	struct dialer *d = trip->d;

	list_unlink(&trip->le);
	if (d && d->spare.count < SPARE_TRIPS &&
	    trip->body.cap <= SPARE_BODY && trip->sent.cap <= SPARE_BODY) {
		list_append(&d->spare, &trip->le);
		return;
	}
	buf_free(&trip->body);
	buf_free(&trip->sent);
	free(trip);
}

static void orphan_all(struct list *trips)
{
	struct le *le;

	while ((le = list_pop(trips)))
		list_entry(le, struct trip, le)->d = NULL;
}

/* What is under way on a connection that is being left still counts when it
 * comes, but not towards what is to be kept open. */
static void set_aside(struct dialer *d)
{
	struct le *le;

	while ((le = list_pop(&d->get_trips)) ||
	       (le = list_pop(&d->put_trips)))
		list_append(&d->other_trips, le);
	d->held = 0;
	timer_stop(&d->hold);
	timer_stop(&d->retry);
}

/* ---- states ---- */

static void set_state(struct dialer *d, enum dialer_state state)
{
	d->state = state;
	if (state != DIAL_OPENING)
		timer_stop(&d->opening);
	d->port->direct = state == DIAL_SESSION ? d->session : NULL;
}

enum byway_kind dialer_kind(const struct dialer *d)
{
	return d->state == DIAL_SESSION ? BYWAY_WEBTRANSPORT
	       : d->state == DIAL_GETS  ? BYWAY_HTTP
					: BYWAY_NONE;
}

static void close_session(struct dialer *d)
{
	if (d->session)
		h3_session_close(d->session);	/* on_session_closed() */
}

static void dialer_ended(struct dialer *d)
{
	set_state(d, DIAL_ENDED);
	link_leave(&d->user);
	timer_stop(&d->retry);
	timer_stop(&d->hold);
	timer_stop(&d->restart);
	port_choose(d->port, false);
}

static void want(struct dialer *d, enum dialer_state state)
{
	struct link *link = link_find(d->w, d->peer);

	link_leave(&d->user);
	if (!link) {
		dialer_ended(d);
		return;
	}
	if (!d->authority)
		d->authority = xstrdup(link_authority(link));
	set_state(d, state);
	d->user.call = state == DIAL_WANT_GETS;
	link_want(link, &d->user);
}

static void on_restart(void *arg)
{
	struct dialer *d = arg;

	link_leave(&d->user);
	set_aside(d);
	dialer_start(d);
	port_choose(d->port, false);
}

/* The connection takes no more requests: move, but never inside a call of
 * somebody who uses it. */
static void conn_refuses(struct dialer *d)
{
	if (d->user.conn)
		link_retire(d->user.conn);
	if (!timer_running(&d->restart))
		timer_start(&d->restart, d->w->loop, 0, on_restart, d);
}

static void dialer_start(struct dialer *d)
{
	timer_stop(&d->restart);
	want(d, d->webtransport ? DIAL_WANT_SESSION : DIAL_WANT_GETS);
}

/* ---- GETs ---- */

/* The oldest ones that have waited their 5 s are asked again. */
static void on_hold_over(void *arg)
{
	struct dialer *d = arg;
	uint64_t now = loop_now_ns(d->w->loop);
	unsigned i = 0;

	while (i < d->held && now - d->held_ns[i] >= HOLD_MS * NS_PER_MS)
		i++;
	d->held -= i;
	memmove(d->held_ns, d->held_ns + i, d->held * sizeof(d->held_ns[0]));
	if (d->held > 0)
		timer_start_at(&d->hold, d->w->loop,
			       d->held_ns[0] + HOLD_MS * NS_PER_MS,
			       on_hold_over, d);
	dialer_fill(d);
}

static void get_hold(struct dialer *d, uint64_t now)
{
	if (d->held == GETS_MAX)
		return;
	d->held_ns[d->held++] = now;
	if (d->held == 1)
		timer_start(&d->hold, d->w->loop, HOLD_MS, on_hold_over, d);
}

static void on_retry(void *arg)
{
	dialer_fill(arg);
}

static void get_failed(struct dialer *d)
{
	uint64_t delay = RETRY_MS;
	unsigned i;

	if (timer_running(&d->retry))
		return;
	d->failures++;
	if (d->failures == 1)
		return;		/* either side may end a byway: LC-02 */
	for (i = 2; i < d->failures && delay < RETRY_MAX_MS; i++)
		delay *= 2;
	timer_start(&d->retry, d->w->loop,
		    delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS, on_retry, d);
}

static void get_over(struct trip *trip)
{
	struct dialer *d = trip->d;
	uint64_t now = loop_now_ns(d->w->loop);

	if (trip->status == 200) {
		d->held = 0;
		timer_stop(&d->hold);
		/* Replies with nothing in them must not turn in a circle. */
		if (port_chunks(d->port, trip->body.data, trip->body.len,
				BYWAY_HTTP, trip->connection, NULL, 0,
				NULL) != 0)
			get_failed(d);
		else
			d->failures = 0;
	} else if (trip->status == 204) {
		d->failures = 0;
		if (now - trip->opened_ns < EARLY_204_NS)
			get_hold(d, now);
	} else {
		get_failed(d);
	}
}

static void put_over(struct trip *trip)
{
	struct dialer *d = trip->d;

	if (trip->status != 200)
		net_dropped(d->w->net, DROP_REFUSED);
	else if (trip->body.len > 0)
		port_chunks(d->port, trip->body.data, trip->body.len,
			    BYWAY_HTTP, trip->connection, NULL, 0, NULL);
}

/* ---- stream callbacks ---- */

static void on_head(struct h3_stream *stream, const struct h3_head *head,
		    void *arg)
{
	struct trip *trip = arg;

	(void)stream;
	trip->status = head->status;
}

static void on_data(struct h3_stream *stream, const uint8_t *data, size_t len,
		    void *arg)
{
	struct trip *trip = arg;

	if (buf_add(&trip->body, data, len) != 0) {
		h3_stream_reset(stream, H3_REQUEST_CANCELLED);
		return;
	}
	h3_stream_consumed(stream, len);
}

/* Answered: the place of a GET is free for the next one. */
static void on_end(struct h3_stream *stream, void *arg)
{
	struct trip *trip = arg;
	struct dialer *d = trip->d;

	(void)stream;
	if (trip->over)
		return;
	trip->over = true;
	if (!d)
		return;
	list_unlink(&trip->le);
	list_append(&d->other_trips, &trip->le);
	if (trip->get)
		get_over(trip);
	else
		put_over(trip);
	if (d->state == DIAL_ENDED || d->port->closed)
		return;
	if (trip->status == 404 || trip->status == 401) {
		dialer_ended(d);
		return;
	}
	if (trip->get)
		dialer_fill(d);
	else
		port_drain(d->port);
}

static void on_closed(struct h3_stream *stream, int err, void *arg)
{
	struct trip *trip = arg;
	struct dialer *d = trip->d;
	bool cut = d && !trip->over;	/* it was never answered */
	bool get = trip->get;

	(void)stream;
	if (cut && !get && err == ECONNABORTED)
		port_again(d->port, trip->sent.data, trip->sent.len);
	else if (cut && !get)
		net_dropped(d->w->net, DROP_REFUSED);
	trip_free(trip);
	if (cut && get && err != ECONNABORTED) {
		get_failed(d);
		dialer_fill(d);
	}
}

static const struct h3_stream_handlers handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

static int trip_send(struct trip *trip, const char *method, const void *body,
		     size_t len)
{
	struct dialer *d = trip->d;
	struct h3_field field[3] = { { "authorization", d->bearer } };
	struct h3_head head = {
		.method = method,
		.scheme = "https",
		.authority = d->authority,
		.path = d->path,
		.field = field,
		.field_cnt = 1,
		.fin = body == NULL,
	};

	if (body)
		field[head.field_cnt++] = (struct h3_field){
			"content-type", "application/ript-chunks"
		};
	if (d->cookie)
		field[head.field_cnt++] = (struct h3_field){ "cookie",
							     d->cookie };
	return h3_request(&trip->stream, d->user.conn->h3, &head, body, len,
			  true, &handlers, trip);
}

static void dialer_fill(struct dialer *d)
{
	struct trip *trip;
	int err;

	if (d->state != DIAL_GETS || timer_running(&d->retry) ||
	    timer_running(&d->restart) || d->port->closed)
		return;
	while (d->get_trips.count + d->held < d->gets) {
		trip = trip_new(d, true);
		err = trip_send(trip, "GET", NULL, 0);
		if (err) {
			trip_free(trip);
			if (err == ENOTCONN)
				conn_refuses(d);
			else
				timer_start(&d->retry, d->w->loop, CREDIT_MS,
					    on_retry, d);
			return;
		}
		list_append(&d->get_trips, &trip->le);
	}
}

int dialer_put(struct dialer *d, const void *body, size_t len,
	       unsigned in_flight)
{
	struct trip *trip;
	int err;

	if ((d->state != DIAL_GETS && d->state != DIAL_SESSION) ||
	    timer_running(&d->restart))
		return EAGAIN;
	if (d->put_trips.count >= in_flight)
		return EBUSY;
	trip = trip_new(d, false);
	err = trip_send(trip, "PUT", body, len);
	if (err) {
		trip_free(trip);
		if (err == ENOTCONN)
			conn_refuses(d);
		return EAGAIN;
	}
	buf_add(&trip->sent, body, len);
	list_append(&d->put_trips, &trip->le);
	return 0;
}

/* ---- session callbacks ---- */

static void on_session_ready(struct h3_session *session, int status,
			     void *arg)
{
	struct dialer *d = arg;

	(void)session;
	if (d->state != DIAL_OPENING)
		return;
	if (status == 0) {
		set_state(d, DIAL_SESSION);
		port_choose(d->port, true);
		port_drain(d->port);
	} else if (status == 404 || status == 401) {
		dialer_ended(d);
	} else {
		want(d, DIAL_WANT_GETS);
	}
}

static void on_session_datagram(struct h3_session *session,
				const uint8_t *data, size_t len, void *arg)
{
	struct dialer *d = arg;

	(void)session;
	/* The first ones may overtake the 200 that opens the session. */
	if (d->state == DIAL_SESSION || d->state == DIAL_OPENING)
		port_chunks(d->port, data, len, BYWAY_WEBTRANSPORT,
			    d->connection, NULL, 0, NULL);
}

static void on_settled(void *arg)
{
	struct dialer *d = arg;

	if (d->state == DIAL_WANT_GETS)
		want(d, DIAL_WANT_GETS);
}

static void on_session_closed(struct h3_session *session, int err, void *arg)
{
	struct dialer *d = arg;
	bool open = d->state == DIAL_SESSION || d->state == DIAL_OPENING;

	if (session != d->session)
		return;		/* of a connection that was lost before it */
	d->session = NULL;
	d->port->direct = NULL;
	if (!open || d->port->closed)
		return;
	if (err == ECONNABORTED) {
		set_state(d, DIAL_WANT_SESSION);	/* on_lost() follows */
	} else if (err == 0 && d->state == DIAL_SESSION) {
		/* Most often the call is over and the word of it is on its
		 * way: 20 GETs now would fetch as many 404s. */
		set_state(d, DIAL_WANT_GETS);
		timer_start(&d->restart, d->w->loop, SETTLE_MS, on_settled, d);
	} else {
		want(d, DIAL_WANT_GETS);
	}
	port_choose(d->port, false);
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_session_datagram,
	.closed = on_session_closed,
};

static void on_opening_over(void *arg)
{
	struct dialer *d = arg;

	set_state(d, DIAL_WANT_GETS);
	close_session(d);
	want(d, DIAL_WANT_GETS);
}

static int session_open(struct dialer *d, struct link_conn *conn)
{
	const struct h3_field field[2] = {
		{ "authorization", d->bearer },
		{ "cookie", d->cookie },
	};
	const struct h3_head head = {
		.method = "CONNECT",
		.scheme = "https",
		.authority = d->authority,
		.path = d->path,
		.protocol = "webtransport",
		.field = field,
		.field_cnt = d->cookie ? 2 : 1,
	};

	if (d->session || !h3_conn_webtransport(conn->h3))
		return ENOTSUP;
	return h3_session_open(&d->session, conn->h3, &head,
			       &session_handlers, d);
}

static void open_now(struct dialer *d, struct link_conn *conn)
{
	switch (session_open(d, conn)) {
	case 0:
		set_state(d, DIAL_OPENING);
		timer_start(&d->opening, d->w->loop, OPENING_MS,
			    on_opening_over, d);
		break;
	case EAGAIN:	/* no stream now: GETs would find none either */
		timer_start(&d->restart, d->w->loop, CREDIT_MS, on_restart,
			    d);
		break;
	case ENOTCONN:
		conn_refuses(d);
		break;
	default:
		want(d, DIAL_WANT_GETS);
	}
}

/* ---- the connection ---- */

static void on_ready(struct link_user *user, struct link_conn *conn)
{
	struct dialer *d = list_entry(user, struct dialer, user);

	d->connection = conn->id;
	d->failures = 0;
	if (d->state == DIAL_WANT_SESSION) {
		open_now(d, conn);
		return;
	}
	set_state(d, DIAL_GETS);
	dialer_fill(d);
	port_choose(d->port, true);
	port_drain(d->port);
}

static void on_lost(struct link_user *user, int err)
{
	struct dialer *d = list_entry(user, struct dialer, user);

	(void)err;
	set_aside(d);
	d->session = NULL;
	if (d->port->closed || d->state == DIAL_ENDED)
		return;
	dialer_start(d);
	port_choose(d->port, false);
}

/* ---- life ---- */

void dialer_new(struct byway_port *port, const struct bmsg *m)
{
	struct dialer *d = xzalloc(sizeof(*d));

	d->port = port;
	d->w = port->w;
	d->peer = m->peer;
	d->gets = m->gets ? m->gets : GETS_DEFAULT;
	if (d->gets > GETS_MAX)
		d->gets = GETS_MAX;
	d->webtransport = m->webtransport;
	d->path = xasprintf("%s/media", m->path);
	d->bearer = xasprintf("Bearer %s", m->token ? m->token : "");
	d->cookie = xstrdup(m->cookie);
	d->user.ready = on_ready;
	d->user.lost = on_lost;
	port->dialer = d;
	dialer_start(d);
}

static void dialer_free_mem(void *ptr)
{
	struct dialer *d = ptr;
	struct le *le;

	while ((le = list_pop(&d->spare))) {
		struct trip *trip = list_entry(le, struct trip, le);

		trip->d = NULL;
		trip_free(trip);
	}
	free(d->path);
	free(d->authority);
	mem_wipe_text(&d->bearer);
	free(d->cookie);
	free(d);
}

void dialer_free(struct dialer **dialerp)
{
	struct dialer *d = *dialerp;

	if (!d)
		return;
	*dialerp = NULL;
	d->state = DIAL_ENDED;
	timer_stop(&d->opening);
	timer_stop(&d->hold);
	timer_stop(&d->retry);
	timer_stop(&d->restart);
	while (d->get_trips.head) {
		struct trip *trip = list_entry(d->get_trips.head, struct trip,
					       le);

		list_unlink(&trip->le);
		trip->d = NULL;
		h3_stream_reset(trip->stream, H3_REQUEST_CANCELLED);
	}
	orphan_all(&d->put_trips);
	orphan_all(&d->other_trips);
	close_session(d);
	link_leave(&d->user);
	loop_defer_free(d->w->loop, d, dialer_free_mem);
}
