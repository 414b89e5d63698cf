/* SPDX-License-Identifier: MIT */
#include "media/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "media/g711.h"

#define SAMPLES_PER_MS (G711_RATE / 1000)

struct recorder_packet {
	uint64_t seq;
	uint64_t time_ms;
	size_t at;		/* in speech */
	uint32_t len;
	enum codec codec;
};

void recorder_init(struct recorder *recorder, unsigned max_s)
{
	memset(recorder, 0, sizeof(*recorder));
	buf_init(&recorder->speech, (size_t)max_s * G711_RATE);
}

static void take_speech(struct recorder *recorder, enum codec codec,
			uint64_t seq, uint64_t time_ms, const uint8_t *media,
			size_t len)
{
	struct recorder_packet *packet;

	recorder->stream.speech++;
	recorder->stream.octets += len;
	recorder->stream.codec = codec;
	if (recorder->packet_cnt == recorder->packet_cap) {
		recorder->packet_cap = recorder->packet_cap
					       ? recorder->packet_cap * 2
					       : 256;
		recorder->packet = xrealloc(recorder->packet,
					    recorder->packet_cap *
						    sizeof(*packet));
	}
	packet = &recorder->packet[recorder->packet_cnt];
	packet->seq = seq;
	packet->time_ms = time_ms;
	packet->at = recorder->speech.len;
	packet->len = (uint32_t)len;
	packet->codec = codec;
	if (buf_add(&recorder->speech, media, len) != 0)
		recorder->full = true;
	else
		recorder->packet_cnt++;
}

/* Packets of one timestamp are one digit; its length is the longest told. */
static void take_event(struct recorder *recorder, uint64_t time_ms,
		       const uint8_t *media, size_t len)
{
	static const char keys[] = "0123456789*#ABCD";
	struct phone_stream *stream = &recorder->stream;
	uint32_t ms;

	if (len < 4 || media[0] >= sizeof(keys) - 1)
		return;
	if (recorder->in_digit && time_ms < recorder->digit_time_ms)
		return;		/* overtaken by the next digit */
	if (!recorder->in_digit || time_ms != recorder->digit_time_ms) {
		if (stream->digit_cnt == PHONE_DIGITS)
			return;
		stream->digit[stream->digit_cnt++] = keys[media[0]];
	}
	recorder->in_digit = true;
	recorder->digit_time_ms = time_ms;
	ms = (uint32_t)(media[2] << 8 | media[3]) / SAMPLES_PER_MS;
	if (ms > stream->digit_ms[stream->digit_cnt - 1])
		stream->digit_ms[stream->digit_cnt - 1] = ms;
}

void recorder_take(struct recorder *recorder, enum codec codec, uint64_t seq,
		   uint64_t time_ms, const uint8_t *media, size_t len)
{
	recorder->stream.chunks++;
	switch (codec) {
	case CODEC_PCMU:
	case CODEC_PCMA:
		take_speech(recorder, codec, seq, time_ms, media, len);
		break;
	case CODEC_TELEPHONE_EVENT:
		take_event(recorder, time_ms, media, len);
		break;
	case CODEC_CN:
		recorder->stream.noise++;
		break;
	default:
		break;
	}
}

static int by_seq(const void *a, const void *b)
{
	const struct recorder_packet *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void sort(struct recorder *recorder)
{
	if (recorder->packet_cnt)
		qsort(recorder->packet, recorder->packet_cnt,
		      sizeof(recorder->packet[0]), by_seq);
}

void recorder_stream(struct recorder *recorder, struct phone_stream *out)
{
	uint8_t hash[SHA256_LEN], *all;
	size_t i, len = 0;

	*out = recorder->stream;
	if (recorder->full)
		return;
	sort(recorder);
	all = xzalloc(recorder->speech.len + 1);
	for (i = 0; i < recorder->packet_cnt; i++) {
		const struct recorder_packet *p = &recorder->packet[i];

		if (p->len)
			memcpy(all + len, recorder->speech.data + p->at,
			       p->len);
		len += p->len;
	}
	sha256(hash, all, len);
	hex_encode(out->sha256, hash, sizeof(hash));
	free(all);
}

int16_t *recorder_samples(struct recorder *recorder, size_t *countp)
{
	size_t max = recorder->speech.max, count = 0, at, i;
	uint64_t base = UINT64_MAX, off;
	int16_t *samples;

	for (i = 0; i < recorder->packet_cnt; i++)
		if (recorder->packet[i].time_ms < base)
			base = recorder->packet[i].time_ms;
	for (i = 0; i < recorder->packet_cnt; i++) {
		const struct recorder_packet *p = &recorder->packet[i];

		off = (p->time_ms - base) * SAMPLES_PER_MS + p->len;
		if (off <= max && off > count)
			count = off;
	}
	samples = xcalloc(count + 1, sizeof(*samples));
	for (i = 0; i < recorder->packet_cnt; i++) {
		const struct recorder_packet *p = &recorder->packet[i];

		off = (p->time_ms - base) * SAMPLES_PER_MS;
		if (off + p->len > count || !p->len)
			continue;
		at = (size_t)off;
		g711_decode(samples + at, recorder->speech.data + p->at,
			    p->len, p->codec);
	}
	*countp = count;
	return samples;
}

void recorder_free(struct recorder *recorder)
{
	free(recorder->packet);
	recorder->packet = NULL;
	buf_free(&recorder->speech);
}
