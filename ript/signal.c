/* SPDX-License-Identifier: MIT */
/*
 * Signalling byways of the client role: PUT and GET {call}/events, opened at
 * once after the 201, kept open until the call is over, opened again when
 * lost.
 *
 *   lost -> again at once -> after 2, 4, 8 ... s -> 30 s after the first
 *   failure that followed: the call is over (Q66)
 *
 * A byway that lived for 2 s was good: the next loss begins anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/client_impl.h"

#define GOOD_NS (2 * NS_PER_S)
#define GIVE_UP_MS 30000
#define BACKOFF_MAX_MS 32000
#define LINGER_MS 5000
#define ENDED_WAIT_MS 20
#define GONE_WAIT_MS 1000	/* for the final event on the other byway */
#define PROBLEM_MAX 8192

static void lost(struct client_call *cc, struct client_stream *stream);

/* ---- streams ---- */

static void stream_free(struct client_stream *stream)
{
	timer_stop(&stream->linger);
	list_unlink(&stream->le);
	ript_event_reader_free(&stream->reader);
	buf_free(&stream->problem);
	free(stream);
}

static void stream_free_later(void *ptr)
{
	stream_free(ptr);
}

static struct client_stream **slot(struct client_stream *stream)
{
	struct signalling *sig = &stream->call->sig;

	return stream->put ? &sig->put : &sig->get;
}

/* Ends it now.  Its own data() may be on the stack. */
static void stream_abort(struct client_stream *stream)
{
	exchange_abort(stream->x);
	stream->x = NULL;
	if (stream->call)
		*slot(stream) = NULL;
	stream->call = NULL;
	timer_stop(&stream->linger);
	list_unlink(&stream->le);
	loop_defer_free(stream->peer->loop, stream, stream_free_later);
}

static void on_linger(void *arg)
{
	stream_abort(arg);
}

/* The call is over; the exchange closes on its own, or is closed. */
static void let_go(struct client_stream *stream)
{
	if (stream->put && !stream->finished) {
		if (exchange_write(stream->x, "]\n", 2) != 0) {
			stream_abort(stream);
			return;
		}
		exchange_finish(stream->x);
		stream->finished = true;
	}
	*slot(stream) = NULL;
	stream->call = NULL;
	list_append(&stream->peer->streams, &stream->le);
	timer_start(&stream->linger, stream->peer->loop, LINGER_MS, on_linger,
		    stream);
}

void signal_close(struct client_call *cc)
{
	struct signalling *sig = &cc->sig;

	timer_stop(&sig->ping);
	timer_stop(&sig->retry);
	timer_stop(&sig->give_up);
	if (sig->put)
		let_go(sig->put);
	if (sig->get)
		let_go(sig->get);
}

void signal_free_all(struct ript_peer *peer)
{
	while (peer->streams.head)
		stream_abort(list_entry(peer->streams.head,
					struct client_stream, le));
}

/* ---- events out ---- */

/* Print @event with its number; @text is to be freed. */
static int print(struct client_call *cc, struct ript_event *event,
		 struct buf *text)
{
	event->from_client = true;
	event->timestamp_ms = loop_wall_ms(cc->call.loop);
	event->call = cc->call.uri;
	event->state = cc->call.state;
	if (event->type == RIPT_EV_END)
		event->state = RIPT_ST_ENDED;
	event->seq = cc->sig.seq++;
	event->has_seq = true;
	buf_init(text, RIPT_EVENT_LEN);
	return ript_event_print(text, event, true);
}

/* Write one event, of @len octets and without a separator. */
static void put_write(struct client_call *cc, const void *text, size_t len)
{
	struct client_stream *put = cc->sig.put;

	if (!put || put->finished)
		return;
	if ((put->any && exchange_write(put->x, ",\n", 2) != 0) ||
	    exchange_write(put->x, text, len) != 0) {
		stream_abort(put);
		lost(cc, NULL);
		return;
	}
	put->any = true;
}

static void on_ping(void *arg)
{
	struct client_call *cc = arg;
	struct signalling *sig = &cc->sig;
	uint64_t now = loop_now_ns(cc->call.loop);
	struct ript_event ping = { .type = RIPT_EV_PING };
	char nonce[17];
	uint64_t random;
	struct buf text;

	timer_start(&sig->ping, cc->call.loop, cc->tg->keepalive_interval_ms,
		    on_ping, cc);
	if (sig->unanswered_ns &&
	    now - sig->unanswered_ns >=
		    cc->tg->keepalive_timeout_ms * NS_PER_MS) {
		log_reason(cc->call.log, LOG_WARN, "no-pong",
			   "ript: pings stay without answer, byways are "
			   "opened again");
		sig->unanswered_ns = 0;
		if (sig->put)
			stream_abort(sig->put);
		if (sig->get)
			stream_abort(sig->get);
		lost(cc, NULL);
		return;
	}
	if (!sig->put)
		return;
	random_bytes(&random, sizeof(random));
	snprintf(nonce, sizeof(nonce), "%llx", (unsigned long long)random);
	ping.nonce = nonce;
	if (print(cc, &ping, &text) == 0) {
		if (!sig->unanswered_ns)
			sig->unanswered_ns = now;
		put_write(cc, text.data, text.len);
	}
	buf_free(&text);
}

void signal_end(struct client_call *cc, const struct ript_cause *cause)
{
	struct ript_event end = { .type = RIPT_EV_END, .by = RIPT_BY_CLIENT };
	struct signalling *sig = &cc->sig;
	struct buf text;

	if (cause) {
		end.cause = *cause;
		end.has_cause = true;
	}
	timer_stop(&sig->ping);
	if (print(cc, &end, &text) == 0) {
		sig->end_len = text.len;
		sig->end_event = buf_steal(&text);
	}
	buf_free(&text);
	if (sig->put)
		put_write(cc, sig->end_event, sig->end_len);
	else
		signal_open(cc);
}

/* ---- events in ---- */

static void on_event(const struct ript_event *event, void *arg)
{
	struct client_stream *stream = arg;
	struct client_call *cc = stream->call;

	if (!cc || event->from_client || event->type == RIPT_EV_UNKNOWN)
		return;
	if (seen_before(&cc->sig.seen, event))
		return;
	if (event->type == RIPT_EV_PONG)
		cc->sig.unanswered_ns = 0;
	client_call_event(cc, event);
}

/* ---- refusals ---- */

static void read_cause(struct ending *ending, struct json_object *body)
{
	struct json_object *cause;
	int64_t n = 0;
	const char *text;

	if (!json_object_object_get_ex(body, "cause", &cause) ||
	    !json_object_is_type(cause, json_type_object))
		return;
	ending->has_cause = true;
	if (body_int(cause, "sip", 100, 699, &n) == 0)
		ending->cause.sip = (int)n;
	if (body_int(cause, "q850", 1, 127, &n) == 0)
		ending->cause.q850 = (int)n;
	text = body_text(cause, "text");
	if (text)
		snprintf(ending->cause.text, sizeof(ending->cause.text), "%s",
			 text);
}

/* problem-ended of profile section 5. */
static void read_ending(struct ending *ending, const struct buf *problem,
			uint64_t now_ms)
{
	struct json_object *body;
	const char *why, *by;

	memset(ending, 0, sizeof(*ending));
	ending->at_ms = now_ms;
	ending->by = RIPT_BY_SERVER;
	if (problem->len == 0 ||
	    body_parse(&body, problem->data, problem->len, &why) != 0)
		return;
	by = body_text(body, "by");
	if (by && strcmp(by, "client") == 0)
		ending->by = RIPT_BY_CLIENT;
	else if (by && strcmp(by, "peer") == 0)
		ending->by = RIPT_BY_PEER;
	read_cause(ending, body);
	json_object_put(body);
}

static void on_gone(void *arg)
{
	struct client_call *cc = arg;

	client_call_gone(cc, &cc->sig.ending);
}

/* 404: the server has ended the call.  The final event may still come on the
 * GET, when it was the PUT that was refused. */
static void refused_404(struct client_call *cc, struct client_stream *stream)
{
	struct signalling *sig = &cc->sig;
	bool put = stream->put;

	read_ending(&sig->ending, &stream->problem,
		    loop_wall_ms(cc->call.loop));
	if (put && sig->get) {
		sig->put_gone = true;
		timer_stop(&sig->ping);
		timer_start(&sig->give_up, cc->call.loop, GONE_WAIT_MS,
			    on_gone, cc);
		return;
	}
	client_call_gone(cc, &sig->ending);
}

/* ---- losses ---- */

static bool working(const struct client_stream *stream)
{
	return stream && stream->status == 200;
}

static void on_retry(void *arg)
{
	signal_open(arg);
}

static void on_give_up(void *arg)
{
	struct client_call *cc = arg;

	if (working(cc->sig.put) && working(cc->sig.get))
		return;
	client_call_over(cc, "signalling-lost", NULL);
}

static uint64_t retry_delay_ms(const struct client_call *cc)
{
	uint64_t delay = cc->tg->retry_backoff_ms;
	uint8_t random;
	unsigned i;

	if (delay < RETRY_FLOOR_MS)
		delay = RETRY_FLOOR_MS;
	for (i = 2; i < cc->sig.retries && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	random_bytes(&random, 1);
	return delay + delay * random / 1024;	/* up to a quarter more */
}

/* A byway is gone; @stream says how long it lived, NULL: long enough, unless
 * the end is near already: silence is no sign of life. */
static void lost(struct client_call *cc, struct client_stream *stream)
{
	struct signalling *sig = &cc->sig;
	uint64_t now = loop_now_ns(cc->call.loop);
	bool good = stream ? stream->status == 200 &&
				     now - stream->since_ns >= GOOD_NS
			   : !timer_running(&sig->give_up);
	/* A PUT that the server ended: mostly the final event is just behind
	 * on the GET. */
	uint64_t first_ms = stream && stream->ended ? ENDED_WAIT_MS : 0;

	if (cc->stage != CLIENT_OPEN && cc->stage != CLIENT_ENDING)
		return;
	if (sig->put_gone) {
		client_call_gone(cc, &sig->ending);
		return;
	}
	if (timer_running(&sig->retry))
		return;
	if (good) {
		sig->retries = 0;
		timer_stop(&sig->give_up);
	}
	sig->retries++;
	if (sig->retries == 1) {
		timer_start(&sig->retry, cc->call.loop, first_ms, on_retry,
			    cc);
		return;
	}
	if (!timer_running(&sig->give_up))
		timer_start(&sig->give_up, cc->call.loop, GIVE_UP_MS,
			    on_give_up, cc);
	timer_start(&sig->retry, cc->call.loop, retry_delay_ms(cc), on_retry,
		    cc);
}

/* ---- exchanges ---- */

static void on_head(struct exchange *x, const struct exchange_reply *reply,
		    void *arg)
{
	struct client_stream *stream = arg;

	(void)x;
	stream->status = reply->status;
	if (stream->call)
		jar_take(&stream->call->jar, reply);
}

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	struct client_stream *stream = arg;
	struct client_call *cc = stream->call;
	const char *why = "";

	exchange_consumed(x, len);
	if (!cc)
		return;
	if (stream->status != 200) {
		buf_add(&stream->problem, data, len);
		return;
	}
	if (stream->put ||
	    ript_event_read(stream->reader, data, len, &why) == 0)
		return;
	log_reason(cc->call.log, LOG_WARN, "events-unreadable",
		   "ript: the event stream is given up: %s", why);
	if (!stream->call)
		return;
	stream_abort(stream);
	lost(cc, stream);
}

/* The server has finished its half: so do we, and it closes. */
static void on_end(struct exchange *x, void *arg)
{
	struct client_stream *stream = arg;

	stream->ended = stream->put && stream->status == 200;
	if (!stream->finished)
		exchange_finish(x);
	stream->finished = true;
}

static void on_closed(struct exchange *x, int err, void *arg)
{
	struct client_stream *stream = arg;
	struct client_call *cc = stream->call;

	(void)x;
	if (cc) {
		*slot(stream) = NULL;
		if (err == 0 && stream->status == 404)
			refused_404(cc, stream);
		else
			lost(cc, stream);
	}
	stream_free(stream);
}

static const struct exchange_handlers handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

static struct client_stream *stream_open(struct client_call *cc, bool put)
{
	const char *cookie = jar_text(&cc->jar);
	char *path = xasprintf("%s/events", cc->call.path);
	char *bearer = xasprintf("Bearer %s", cc->peer->token);
	struct exchange_field field[3] = {
		{ "authorization", bearer },
		{ put ? "content-type" : "accept", "application/json" },
		{ "cookie", cookie },
	};
	const struct exchange_request request = {
		.method = put ? "PUT" : "GET",
		.authority = cc->peer->authority,
		.path = path,
		.field = field,
		.field_cnt = cookie ? 3 : 2,
		.streamed = put,
		.worker = cc->call.worker,
	};
	struct client_stream *stream = xzalloc(sizeof(*stream));
	int err;

	stream->peer = cc->peer;
	stream->call = cc;
	stream->put = put;
	stream->finished = !put;
	stream->since_ns = loop_now_ns(cc->call.loop);
	buf_init(&stream->problem, PROBLEM_MAX);
	if (!put)
		stream->reader = ript_event_reader_new(on_event, stream);
	err = exchange_send(&stream->x, cc->peer->x, &request, !put,
			    &handlers, stream);
	if (!err && put)
		exchange_write(stream->x, "[\n", 2);
	free(path);
	mem_wipe_text(&bearer);
	if (err) {
		stream_free(stream);
		stream = NULL;
	}
	return stream;
}

void signal_open(struct client_call *cc)
{
	struct signalling *sig = &cc->sig;

	if (!sig->put && !sig->put_gone) {
		sig->unanswered_ns = 0;		/* that was another one's */
		sig->put = stream_open(cc, true);
		if (sig->end_event)
			put_write(cc, sig->end_event, sig->end_len);
	}
	if (!sig->get)
		sig->get = stream_open(cc, false);
	if (!sig->end_event && !timer_running(&sig->ping))
		timer_start(&sig->ping, cc->call.loop,
			    cc->tg->keepalive_interval_ms, on_ping, cc);
}
