/* SPDX-License-Identifier: MIT */
/*
 * media/recorder.h - what a phone heard, or said: speech placed by its
 * timestamps, so that gaps stay gaps; digits; a hash of every octet.
 *
 * Owner:  media/phone.
 * Loop:   that of its phone.
 */
#ifndef RIPTIDE_MEDIA_RECORDER_H
#define RIPTIDE_MEDIA_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "media/phone.h"

struct recorder_packet;

struct recorder {
	struct phone_stream stream;	/* but for what phone.c adds */
	struct recorder_packet *packet;	/* speech, in order of arrival */
	size_t packet_cnt, packet_cap;
	struct buf speech;		/* its octets */
	bool full;			/* something was not kept */
	bool in_digit;
	uint64_t digit_time_ms;
};

/* Keep at most @max_s seconds. */
void recorder_init(struct recorder *recorder, unsigned max_s);
/* One chunk, each of them once; any order. */
void recorder_take(struct recorder *recorder, enum codec codec, uint64_t seq,
		   uint64_t time_ms, const uint8_t *media, size_t len);
/* The stream so far, with its hash ("" when something was not kept). */
void recorder_stream(struct recorder *recorder, struct phone_stream *out);
/* The speech as samples of 8000 Hz, silence in gaps; the caller frees. */
int16_t *recorder_samples(struct recorder *recorder, size_t *countp);
void recorder_free(struct recorder *recorder);

#endif
