/* SPDX-License-Identifier: MIT */
/*
 * Signalling byways of the server role: GET {call}/events is fed by the
 * call's feed, PUT {call}/events brings commands.
 *
 *   GET --> [ , event , event ... ]      PUT --> reader -> seen -> command
 *
 * Both get their head at once.  The 30 s of LC-05 run while neither is open.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "ript/call_impl.h"

#define STREAMS_MAX 64		/* of one call, each kind */
#define EVENTS_PER_S 200	/* on one PUT: nobody presses keys so fast */
#define LOST_MS 30000		/* LC-05 */
#define LINGER_MS 5000		/* a client that does not end its half */

static void stream_free(struct stream *stream)
{
	timer_stop(&stream->linger);
	list_unlink(&stream->le);
	list_unlink(&stream->get.le);
	ript_event_reader_free(&stream->reader);
	free(stream);
}

static void on_lost(void *arg)
{
	struct server_call *sc = arg;
	struct ending ending = {
		.at_ms = loop_wall_ms(sc->call.loop),
		.by = RIPT_BY_SERVER,
		.has_cause = true,
		.cause = { .q850 = 41, .text = "Signalling lost" },
	};

	server_call_final(sc, RIPT_EV_END, &ending, "signalling-lost");
}

void streams_changed(struct server_call *sc)
{
	bool listening = !list_empty(&sc->feed.gets);

	if (sc->stage != STAGE_LIVE)
		return;
	if (sc->call.byway)
		byway_set_listening(sc->call.byway, listening);
	if (listening || !list_empty(&sc->puts))
		timer_stop(&sc->timer);
	else if (!timer_running(&sc->timer))
		timer_start(&sc->timer, sc->call.loop, LOST_MS, on_lost, sc);
}

static void on_linger(void *arg)
{
	struct stream *stream = arg;

	exchange_abort(stream->x);
	stream_free(stream);
}

/* The call lets go of @stream, whose exchange closes soon. */
static void let_go(struct stream *stream)
{
	list_unlink(&stream->le);
	list_unlink(&stream->get.le);
	list_append(&stream->server->streams, &stream->le);
	timer_start(&stream->linger, stream->server->loop, LINGER_MS,
		    on_linger, stream);
	stream->call = NULL;
}

static void on_get_done(struct feed_get *get)
{
	struct stream *stream = list_entry(get, struct stream, get);

	stream->finished = true;
	let_go(stream);
}

static void on_give_up(struct feed_get *get)
{
	struct stream *stream = list_entry(get, struct stream, get);
	struct server_call *sc = stream->call;

	log_reason(sc->call.log, LOG_WARN, "events-not-read",
		   "ript: a GET of events was given up");
	exchange_abort(stream->x);
	stream_free(stream);
	streams_changed(sc);
}

void streams_init(struct server_call *sc)
{
	feed_init(&sc->feed, on_give_up);
}

void streams_end(struct server_call *sc)
{
	feed_close(&sc->feed, on_get_done);
	while (sc->puts.head) {
		struct stream *stream =
			list_entry(sc->puts.head, struct stream, le);

		if (!stream->finished)
			exchange_finish(stream->x);
		stream->finished = true;
		let_go(stream);
	}
}

void streams_free_all(struct ript_server *server)
{
	while (server->streams.head) {
		struct stream *stream =
			list_entry(server->streams.head, struct stream, le);

		/* the final event may still be on its way */
		reply_forget(stream->x);
		stream_free(stream);
	}
}

/* ---- exchanges ---- */

static void on_stream_closed(struct exchange *x, int err, void *arg)
{
	struct stream *stream = arg;
	struct server_call *sc = stream->call;

	(void)x;
	(void)err;
	stream_free(stream);
	if (sc)
		streams_changed(sc);
}

static bool too_fast(struct stream *stream)
{
	uint64_t second = loop_now_ns(stream->server->loop) / NS_PER_S;

	if (stream->second != second)
		stream->events = 0;
	stream->second = second;
	return stream->events > EVENTS_PER_S;
}

static void on_put_event(const struct ript_event *event, void *arg)
{
	struct stream *stream = arg;

	if (!stream->call || too_fast(stream))
		return;
	stream->events++;
	server_call_command(stream->call, event);
}

/* This PUT is reset, the call goes on. */
static void reset_put(struct stream *stream, const char *problem,
		      const char *reason, const char *why)
{
	struct server_call *sc = stream->call;

	server_count_refusal(stream->server, problem);
	if (sc)
		log_reason(sc->call.log, LOG_WARN, reason,
			   "ript: a PUT of events was reset: %s", why);
	exchange_abort(stream->x);
	stream_free(stream);
	if (sc)
		streams_changed(sc);
}

static void on_put_data(struct exchange *x, const uint8_t *data, size_t len,
			void *arg)
{
	struct stream *stream = arg;
	const char *why = "";

	exchange_consumed(x, len);
	if (!stream->call)
		return;
	if (ript_event_read(stream->reader, data, len, &why) != 0)
		reset_put(stream, "bad-request", "events-unreadable", why);
	else if (too_fast(stream))
		reset_put(stream, "slow-down", "events-too-fast",
			  "too many events in a second");
}

static void on_put_end(struct exchange *x, void *arg)
{
	struct stream *stream = arg;

	if (!stream->finished)
		exchange_finish(x);
	stream->finished = true;
}

static const struct exchange_handlers get_handlers = {
	.closed = on_stream_closed,
};

static const struct exchange_handlers put_handlers = {
	.data = on_put_data,
	.end = on_put_end,
	.closed = on_stream_closed,
};

static struct stream *stream_new(const struct ask *ask,
				 struct server_call *sc, bool put)
{
	struct stream *stream = xzalloc(sizeof(*stream));

	stream->server = ask->server;
	stream->call = sc;
	stream->x = stream->get.x = ask->x;
	stream->put = put;
	exchange_handle(ask->x, put ? &put_handlers : &get_handlers, stream);
	return stream;
}

static bool room(const struct ask *ask, const struct list *list)
{
	if (list->count < STREAMS_MAX)
		return true;
	ask_refuse(ask, "slow-down", "too many byways of one call");
	return false;
}

void call_answer_events(const struct ask *ask)
{
	static const struct exchange_field field[] = {
		{ "content-type", "application/json" },
		{ "cache-control", "no-store" },
	};
	struct server_call *sc = ask_call(ask, true);
	struct stream *stream;

	if (!sc || !room(ask, &sc->feed.gets))
		return;
	stream = stream_new(ask, sc, false);
	exchange_reply_begin(ask->x, 200, field, 2);
	feed_open(&sc->feed, &stream->get, loop_now_ns(ask->server->loop));
	streams_changed(sc);
	if (sc->stage == STAGE_HELD)
		server_call_fetched(sc);
}

/* A body that came whole: a finished array (Q35). */
static void take_whole(struct stream *stream, const struct ask *ask)
{
	const char *why;

	if (ript_event_read(stream->reader, ask->request->body,
			    ask->request->body_len, &why) != 0)
		server_count_refusal(ask->server, "bad-request");
	on_put_end(ask->x, stream);
}

void call_answer_put_events(const struct ask *ask)
{
	static const struct exchange_field field = { "cache-control",
						     "no-store" };
	struct server_call *sc = ask_call(ask, true);
	struct stream *stream;

	if (!sc || !room(ask, &sc->puts))
		return;
	stream = stream_new(ask, sc, true);
	stream->reader = ript_event_reader_new(on_put_event, stream);
	list_append(&sc->puts, &stream->le);
	exchange_reply_begin(ask->x, 200, &field, 1);
	streams_changed(sc);
	if (!ask->request->streamed)
		take_whole(stream, ask);
}
