/* SPDX-License-Identifier: MIT */
#include "media/phone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "media/player.h"
#include "media/recorder.h"
#include "media/wav.h"
#include "media/wire.h"

#define BODY_MAX 4096
#define TICK_NS (PLAYER_TICK_MS * NS_PER_MS)
#define BURST 10	/* ticks sent at once after the loop was held up */
#define RECORD_MAX_S 3600

struct phone {
	struct loop *loop;
	struct bridge_out out;
	struct phone_config config;
	char *record_file;
	struct player player;
	struct recorder said, heard;
	struct wire wire;
	struct timer pace;		/* the next 20 ms */
	struct timer acks;

	bool ready;			/* phone_set_ript() was called */
	uint32_t tx_codecs;
	bool speaking;
	uint64_t tick_zero_ns;		/* loop time of tick 0 ... */
	uint64_t tick_zero_ms;		/* ... and Unix time */
	uint64_t ticks;			/* passed since then */
	uint64_t next_seq;
	uint64_t bodies;

	void (*on_done)(void *arg);
	void *on_done_arg;
	uint64_t fate[FATE_CNT];
	uint64_t not_sent;
	uint64_t first_heard_ns;
};

static struct wire_when when(const struct phone *phone)
{
	return (struct wire_when){ loop_now_ns(phone->loop),
				   loop_wall_ms(phone->loop) };
}

/* ---- acks ---- */

static void send_acks(struct phone *phone)
{
	uint8_t body[BODY_MAX];
	size_t room = phone->out.room(phone->out.arg), len;
	int err = 0;

	if (phone->out.acks_in_reply(phone->out.arg))
		return;
	if (room > sizeof(body))
		room = sizeof(body);
	while (!err && (len = wire_acks(&phone->wire, body, room)) > 0) {
		err = phone->config.faults & PHONE_NO_ACKS
			      ? 0
			      : phone->out.send(body, len, false,
						phone->out.arg);
		wire_sent(&phone->wire, err == 0);
	}
	/* What could not leave waits as long again. */
	phone->wire.owed_since_ns = loop_now_ns(phone->loop);
}

static void on_acks(void *arg)
{
	struct phone *phone = arg;

	if (wire_acks_due_ns(&phone->wire) <= loop_now_ns(phone->loop))
		send_acks(phone);
	if (phone->wire.owed_cnt &&
	    !phone->out.acks_in_reply(phone->out.arg))
		timer_start_at(&phone->acks, phone->loop,
			       wire_acks_due_ns(&phone->wire), on_acks,
			       phone);
}

/* ---- speaking ---- */

/* Build one body; with PHONE_TWO_CHUNKS the chunk is in it twice, under two
 * numbers. */
static size_t build(struct phone *phone, uint8_t *body, size_t room,
		    struct chunk *chunk, uint64_t time_ms)
{
	struct wire_when now = when(phone);
	unsigned faults = phone->config.faults;
	bool acks = !(faults & PHONE_NO_ACKS) &&
		    !phone->out.acks_in_reply(phone->out.arg);
	size_t len = 0;

	if (faults & PHONE_ALWAYS_FULL)
		stream_tx_renew(&phone->wire.tx);
	if (faults & PHONE_ALWAYS_SHORT) {
		phone->wire.tx.proven = true;
		phone->wire.tx.last_ns = now.now_ns;
	}
	if (faults & PHONE_TWO_CHUNKS) {
		len = wire_media(&phone->wire, body, room, chunk,
				 phone->next_seq++, time_ms, false, &now);
		wire_sent(&phone->wire, true);
	}
	return len + wire_media(&phone->wire, body + len, room - len, chunk,
				phone->next_seq, time_ms, acks, &now);
}

static void send_packet(struct phone *phone,
			const struct player_packet *packet, enum codec codec)
{
	uint64_t time_ms = phone->tick_zero_ms +
			   packet->tick * PLAYER_TICK_MS;
	struct chunk chunk = {
		.env = CHUNK_BIT(CHUNK_PAYLOAD_TYPE),
		.pkg = CHUNK_BIT(CHUNK_MEDIA),
		.payload_type = codec_info(codec)->ript_pt,
		.media = packet->data,
		.media_len = packet->len,
	};
	uint8_t body[BODY_MAX];
	size_t room = phone->out.room(phone->out.arg), len;
	int err;

	if (packet->marker)
		chunk.env |= CHUNK_BIT(CHUNK_RTP_MARKER);
	if (phone->config.faults & PHONE_WRONG_CODEC)
		chunk.payload_type = codec_info(CODEC_GSM)->ript_pt;
	if (!phone->next_seq)
		phone->next_seq = loop_wall_ms(phone->loop);
	len = build(phone, body, room < sizeof(body) ? room : sizeof(body),
		    &chunk, time_ms);
	if (phone->config.faults & PHONE_BAD_CHUNK && phone->bodies % 10 == 9)
		body[1] ^= 0x3f;
	phone->bodies++;
	err = len ? phone->out.send(body, len, true, phone->out.arg)
		  : EMSGSIZE;
	wire_sent(&phone->wire, err == 0);
	if (phone->config.faults & PHONE_TWICE && !err)
		phone->out.send(body, len, true, phone->out.arg);
	if (err)
		phone->not_sent++;
	else
		recorder_take(&phone->said, codec, phone->next_seq, time_ms,
			      packet->data, packet->len);
	phone->next_seq++;
}

/* The packet as the directive allows it. */
static void say(struct phone *phone, struct player_packet *packet)
{
	enum codec codec = packet->codec;

	if (phone->tx_codecs & 1u << codec) {
		send_packet(phone, packet, codec);
		return;
	}
	/* A peer without CN hears silence; one without events no keys. */
	if (codec == CODEC_CN &&
	    phone->tx_codecs & 1u << phone->player.codec) {
		int16_t silence[G711_FRAME] = { 0 };

		packet->len = G711_FRAME;
		g711_encode(packet->data, silence, G711_FRAME,
			    phone->player.codec);
		send_packet(phone, packet, phone->player.codec);
	}
}

static void tell_done(struct phone *phone)
{
	void (*fn)(void *arg) = phone->on_done;

	phone->on_done = NULL;
	if (fn)
		fn(phone->on_done_arg);
}

/* The clock of a phone: @tick ticks since its zero are due. */
static void on_pace(void *arg)
{
	struct phone *phone = arg;
	uint64_t due = (loop_now_ns(phone->loop) - phone->tick_zero_ns) /
			       TICK_NS +
		       1;
	struct player_packet packet;
	bool done;

	/* Held up for long: what was not said stays unsaid. */
	if (due - phone->ticks > BURST) {
		phone->player.tick += due - phone->ticks - BURST;
		phone->ticks = due - BURST;
	}
	for (; phone->ticks < due; phone->ticks++)
		if (player_next(&phone->player, &packet) &&
		    !(phone->config.faults & PHONE_SILENT))
			say(phone, &packet);
	timer_start_at(&phone->pace, phone->loop,
		       phone->tick_zero_ns + phone->ticks * TICK_NS, on_pace,
		       phone);
	done = player_done(&phone->player);
	if (done && phone->on_done)
		tell_done(phone);
}

void phone_start(struct phone *phone)
{
	phone->speaking = true;
	if (!phone->ready || timer_running(&phone->pace))
		return;
	/* Tick numbers go on over a pause, time does not stand still. */
	phone->tick_zero_ns = loop_now_ns(phone->loop);
	phone->tick_zero_ms = loop_wall_ms(phone->loop) -
			      phone->player.tick * PLAYER_TICK_MS;
	phone->ticks = 0;
	on_pace(phone);
}

void phone_stop(struct phone *phone)
{
	phone->speaking = false;
	timer_stop(&phone->pace);
}

int phone_press(struct phone *phone, const char *digits)
{
	return player_press(&phone->player, digits) ? EINVAL : 0;
}

void phone_on_done(struct phone *phone, void (*fn)(void *arg), void *arg)
{
	phone->on_done = fn;
	phone->on_done_arg = arg;
}

/* ---- hearing ---- */

static enum bridge_fate on_media(const struct wire_chunk *chunk, void *arg)
{
	struct phone *phone = arg;
	enum codec codec = codec_by_ript_pt(chunk->payload_type);

	if (codec == CODEC_NONE)
		return FATE_UNKNOWN_PT;
	if (codec == CODEC_PCMU || codec == CODEC_PCMA) {
		if (!phone->first_heard_ns)
			phone->first_heard_ns = loop_now_ns(phone->loop);
	} else if (codec_info(codec)->audio) {
		return FATE_NOT_NEGOTIATED;
	}
	recorder_take(&phone->heard, codec, chunk->seq, chunk->time_ms,
		      chunk->media, chunk->media_len);
	return FATE_FORWARDED;
}

static void on_acks_full(void *arg)
{
	send_acks(arg);
}

static void on_fate(enum bridge_fate fate, void *arg)
{
	((struct phone *)arg)->fate[fate]++;
}

int phone_chunks(struct phone *phone, const uint8_t *body, size_t len,
		 uint64_t connection, uint8_t *reply, size_t reply_max,
		 size_t *reply_len)
{
	struct wire_handlers handlers = { on_media, on_acks_full, on_fate,
					  phone };
	struct wire_body in = {
		.data = body,
		.len = len,
		.connection = connection,
		.reply = reply,
		.reply_max = reply_max,
		.when = when(phone),
	};
	int err = wire_read(&phone->wire, &in, &handlers);

	if (phone->config.faults & PHONE_NO_ACKS)
		in.reply_len = 0;
	if (reply_len)
		*reply_len = in.reply_len;
	if (phone->wire.owed_cnt && !timer_running(&phone->acks))
		timer_start_at(&phone->acks, phone->loop,
			       wire_acks_due_ns(&phone->wire), on_acks,
			       phone);
	return err;
}

void phone_way_changed(struct phone *phone)
{
	wire_renew(&phone->wire);
	on_acks(phone);
}

/* ---- settings and life ---- */

void phone_set_ript(struct phone *phone, const struct bridge_ript *ript)
{
	struct wire_direct direct = {
		.client = ript->client,
		.tx_source = ript->tx_source,
		.tx_sink = ript->tx_sink,
		.rx_source = ript->rx_source,
		.rx_sink = ript->rx_sink,
	};

	if (phone->config.faults & PHONE_WRONG_SINK)
		direct.tx_sink ^= 0x40;
	wire_direct(&phone->wire, &direct);
	phone->tx_codecs = ript->tx_codecs;
	phone->player.codec = phone->config.codec;
	if (phone->player.codec == CODEC_NONE)
		phone->player.codec = ript->tx_codecs & 1u << CODEC_PCMU ||
						      !(ript->tx_codecs &
							1u << CODEC_PCMA)
					      ? CODEC_PCMU
					      : CODEC_PCMA;
	phone->ready = true;
	if (phone->speaking)
		phone_start(phone);
}

int phone_new(struct phone **phonep, struct loop *loop,
	      const struct phone_config *config,
	      const struct bridge_out *out, char **why)
{
	struct phone *phone;
	int16_t *samples = NULL;
	size_t count = 0;
	unsigned max_s = config->record_max_s ? config->record_max_s
					      : RECORD_MAX_S;
	int err;

	if (config->play) {
		err = wav_read(&samples, &count, config->play, why);
		if (err)
			return err;
	}
	phone = xzalloc(sizeof(*phone));
	phone->loop = loop;
	phone->config = *config;
	phone->config.play = phone->config.record = NULL;	/* borrowed */
	phone->record_file = xstrdup(config->record);
	phone->out = *out;
	wire_init(&phone->wire);
	player_init(&phone->player, samples, count, config->digit_ms);
	phone->player.repeat = config->repeat;
	recorder_init(&phone->said, max_s);
	recorder_init(&phone->heard, max_s);
	*phonep = phone;
	return 0;
}

void phone_report(struct phone *phone, struct phone_report *report)
{
	memset(report, 0, sizeof(*report));
	recorder_stream(&phone->said, &report->sent);
	recorder_stream(&phone->heard, &report->heard);
	report->heard.lost = wire_lost(&phone->wire);
	report->heard.duplicates = phone->fate[FATE_DUPLICATE];
	report->acks_sent = phone->wire.acks_sent;
	report->acks_received = phone->wire.acks_received;
	report->loss = phone->wire.tx.loss;
	memcpy(report->fate, phone->fate, sizeof(report->fate));
	report->not_sent = phone->not_sent;
	report->played = phone->player.at == phone->player.sample_cnt;
	report->first_heard_ns = phone->first_heard_ns;
}

int phone_save(struct phone *phone, char **why)
{
	int16_t *samples;
	size_t count;
	int err;

	if (!phone->record_file)
		return 0;
	samples = recorder_samples(&phone->heard, &count);
	err = wav_write(phone->record_file, samples, count, why);
	free(samples);
	return err;
}

void phone_free(struct phone **phonep)
{
	struct phone *phone = *phonep;

	if (!phone)
		return;
	*phonep = NULL;
	timer_stop(&phone->pace);
	timer_stop(&phone->acks);
	player_free(&phone->player);
	recorder_free(&phone->said);
	recorder_free(&phone->heard);
	free(phone->record_file);
	free(phone);
}
