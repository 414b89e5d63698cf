/* SPDX-License-Identifier: MIT */
/*
 * Messages of one direction keep their order: `done` is the last that a
 * handset gets, and frees it.
 */
#include "riptcall/handset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "media/chunk.h"
#include "riptcall/endpoint.h"
#include "riptcall/fault.h"

/* The worker's half. */
struct half {
	struct handset *handset;
	struct endpoint *ep;
	struct phone *phone;
	struct byway_port *byway;
	bool client;
	bool wanted;			/* to play, once there is a way */
	bool event_heard;
	uint16_t event_ms;		/* low bits of its time */
	struct handset_bodies bodies;
	struct fault_body fault;
};

struct handset {
	struct endpoint *ep;
	struct half *half;		/* the worker's: only passed on */
	struct handset_events events;
	void *arg;
	bool closed;
};

struct handset_msg {
	struct msg msg;
	struct handset *handset;
	struct half *half;
	union {
		struct {
			uint64_t id;
			bool client;
		} byway;
		struct bridge_ript ript;
		char digit;
		struct handset_result result;
	} u;
};

static void drop_msg(struct msg *msg)
{
	free(msg);
}

static struct handset_msg *msg_new(struct handset *handset,
				   void (*deliver)(struct msg *msg))
{
	struct handset_msg *m = xzalloc(sizeof(*m));

	m->msg.deliver = deliver;
	m->msg.drop = drop_msg;
	m->handset = handset;
	return m;
}

/* ---- control: what comes back ---- */

static void deliver_digit(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;
	struct handset *handset = m->handset;
	char digit = m->u.digit;

	free(m);
	if (!handset->closed)
		handset->events.digit(digit, handset->arg);
}

static void deliver_played(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;
	struct handset *handset = m->handset;

	free(m);
	if (!handset->closed)
		handset->events.played(handset->arg);
}

static void deliver_done(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;
	struct handset *handset = m->handset;

	handset->events.done(&m->u.result, handset->arg);
	free(handset);
	free(m);
}

/* Nobody is there to hear the result. */
static void drop_done(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;

	free(m->u.result.why);
	free(m->handset);
	free(m);
}

/* ---- worker: what the phone needs ---- */

static void to_control(struct half *half, void (*deliver)(struct msg *msg),
		       char digit)
{
	struct handset_msg *m = msg_new(half->handset, deliver);

	m->u.digit = digit;
	mailbox_post_always(half->ep->to_control, &m->msg);
}

static void on_played(void *arg)
{
	to_control(arg, deliver_played, 0);
}

static int send_body(const void *body, size_t len, bool media, void *arg)
{
	struct half *half = arg;
	int err = half->byway ? byway_send(half->byway, body, len, media)
			      : ENOTCONN;

	if (!err)
		half->bodies.sent++;
	return err;
}

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	struct half *half = arg;

	return fault_send(&half->fault, body, len, media, send_body, half);
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

/* One body: how many media chunks, and whether a digit begins. */
static unsigned look_at(struct half *half, const uint8_t *body, size_t len)
{
	struct chunk_reader reader;
	enum chunk_result result;
	struct chunk chunk;
	unsigned media = 0;

	chunk_reader_init(&reader, body, len);
	while ((result = chunk_next(&reader, &chunk)) == CHUNK_OK ||
	       result == CHUNK_BAD) {
		if (result == CHUNK_BAD ||
		    chunk.env & CHUNK_BIT(CHUNK_CONTROL) ||
		    !(chunk.pkg & CHUNK_BIT(CHUNK_MEDIA)))
			continue;
		media++;
		if (codec_by_ript_pt(chunk.payload_type) !=
			    CODEC_TELEPHONE_EVENT ||
		    chunk.media_len < 4 || chunk.media[0] > 15 ||
		    (half->event_heard &&
		     half->event_ms == (uint16_t)chunk.time.value))
			continue;
		/* All packets of an event carry the time of its beginning. */
		half->event_heard = true;
		half->event_ms = (uint16_t)chunk.time.value;
		to_control(half, deliver_digit,
			   "0123456789*#ABCD"[chunk.media[0]]);
	}
	return media;
}

static int on_chunks(const uint8_t *body, size_t len, enum byway_kind kind,
		     uint64_t connection, uint8_t *reply, size_t reply_max,
		     size_t *reply_len, void *arg)
{
	struct half *half = arg;
	unsigned media = look_at(half, body, len);

	half->bodies.received[kind]++;
	if (media > half->bodies.media_most)
		half->bodies.media_most = media;
	return phone_chunks(half->phone, body, len, connection, reply,
			    reply_max, reply_len);
}

static void play_if_ready(struct half *half)
{
	if (half->wanted && half->byway &&
	    byway_kind(half->byway) != BYWAY_NONE)
		phone_start(half->phone);
}

static void on_open(enum byway_kind kind, void *arg)
{
	struct half *half = arg;

	if (kind != BYWAY_NONE)
		half->bodies.way = kind;
	phone_way_changed(half->phone);
	play_if_ready(half);
}

static const struct byway_handlers byway_handlers = {
	.chunks = on_chunks,
	.open = on_open,
};

/* ---- worker: what control says ---- */

static void deliver_bind(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;
	struct half *half = m->half;

	half->client = m->u.byway.client;
	if (!half->byway)
		byway_bind(&half->byway, half->ep->ript, m->u.byway.id,
			   &byway_handlers, half);
	play_if_ready(half);
	free(m);
}

static void deliver_direct(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;

	phone_set_ript(m->half->phone, &m->u.ript);
	free(m);
}

static void deliver_play(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;

	m->half->wanted = true;
	play_if_ready(m->half);
	free(m);
}

static void deliver_close(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;
	struct half *half = m->half;
	struct endpoint *ep = half->ep;

	byway_unbind(&half->byway);
	phone_report(half->phone, &m->u.result.phone);
	m->u.result.bodies = half->bodies;
	phone_save(half->phone, &m->u.result.why);
	phone_free(&half->phone);
	free(half);
	m->msg.deliver = deliver_done;
	m->msg.drop = drop_done;
	mailbox_post_always(ep->to_control, &m->msg);
}

/* The worker has ended before it heard of the close. */
static void drop_close(struct msg *msg)
{
	struct handset_msg *m = (struct handset_msg *)msg;

	phone_free(&m->half->phone);
	free(m->half);
	free(m->handset);
	free(m);
}

/* ---- control ---- */

static void to_worker(struct handset *handset, struct handset_msg *m)
{
	m->half = handset->half;
	mailbox_post_always(handset->ep->inbox, &m->msg);
}

static void half_prepare(struct half *half, const char *digits)
{
	phone_on_done(half->phone, on_played, half);
	if (digits)
		phone_press(half->phone, digits);
}

int handset_new(struct handset **handsetp, struct endpoint *ep,
		const struct phone_config *config, const char *digits,
		const struct handset_events *events, void *arg, char **why)
{
	struct handset *handset = xzalloc(sizeof(*handset));
	struct half *half = xzalloc(sizeof(*half));
	const struct bridge_out out = {
		.send = on_send,
		.acks_in_reply = on_acks_in_reply,
		.room = on_room,
		.arg = half,
	};
	struct phone_config phone = *config;
	int err;

	loop_assert(LOOP_CONTROL);
	phone.faults = fault_phone();
	/* It reads the file here; the worker gets it with the first message. */
	err = phone_new(&half->phone, ep->worker_loop, &phone, &out, why);
	if (err) {
		free(half);
		free(handset);
		return err;
	}
	half->handset = handset;
	half->ep = ep;
	half_prepare(half, digits);
	handset->ep = ep;
	handset->events = *events;
	handset->arg = arg;
	handset->half = half;
	*handsetp = handset;
	return 0;
}

void handset_bind(struct handset *handset, uint64_t id, bool client)
{
	struct handset_msg *m = msg_new(handset, deliver_bind);

	m->u.byway.id = id;
	m->u.byway.client = client;
	to_worker(handset, m);
}

/* One direction of media each: what we send, and what we get. */
void handset_direct(struct handset *handset, bool client,
		    const struct ript_directives *directives)
{
	const struct ript_directive *tx = client ? &directives->client
						 : &directives->server;
	const struct ript_directive *rx = client ? &directives->server
						 : &directives->client;
	const struct ript_stream *out = ript_directive_audio(tx);
	const struct ript_stream *in = ript_directive_audio(rx);
	struct handset_msg *m = msg_new(handset, deliver_direct);
	struct bridge_ript *ript = &m->u.ript;

	ript->client = client;
	if (out) {
		ript->tx_source = out->source;
		ript->tx_sink = out->sink;
		ript->tx_codecs = ript_directive_codecs(tx);
	}
	if (in) {
		ript->rx_source = in->source;
		ript->rx_sink = in->sink;
		ript->rx_codecs = ript_directive_codecs(rx);
	}
	/* A client hears its sink whether or not it understands the server's
	 * directive (DR-10, DR-11); ours is 1 (AD-04). */
	if (client && !in)
		ript->rx_sink = 1;
	to_worker(handset, m);
}

void handset_play(struct handset *handset)
{
	to_worker(handset, msg_new(handset, deliver_play));
}

void handset_close(struct handset *handset)
{
	struct handset_msg *m = msg_new(handset, deliver_close);

	loop_assert(LOOP_CONTROL);
	handset->closed = true;
	m->msg.drop = drop_close;
	to_worker(handset, m);
}
