/* SPDX-License-Identifier: MIT */
/*
 * media/player.h - what a phone says, 20 ms at a time: a file as G.711, keys
 * as telephone events, comfort noise where there is nothing.
 *
 * Sans I/O: whoever owns the clock asks for the next 20 ms.
 *
 * Owner:  media/phone.
 * Loop:   that of its phone.
 * Spec:   RFC 4733: the timestamp of an event is its start, three end
 *         packets; RFC 3389.
 */
#ifndef RIPTIDE_MEDIA_PLAYER_H
#define RIPTIDE_MEDIA_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/desc.h"
#include "media/g711.h"

#define PLAYER_TICK_MS 20
#define PLAYER_KEYS 64

struct player_packet {
	enum codec codec;	/* PCMU, PCMA, TELEPHONE_EVENT, CN */
	bool marker;
	uint64_t tick;		/* when its first sample was taken */
	size_t len;
	uint8_t data[G711_FRAME];
};

struct player {
	int16_t *samples;	/* NULL: comfort noise only */
	size_t sample_cnt;
	size_t at;		/* next sample */
	bool repeat;
	enum codec codec;
	unsigned digit_ticks;

	uint64_t tick;
	bool speaking;		/* the last packet was speech */
	uint64_t noise_tick;	/* of the last CN; valid when noise_sent */
	bool noise_sent;

	char keys[PLAYER_KEYS + 1];
	unsigned key_cnt, key_at;
	uint64_t key_tick;	/* when the key went down */
	unsigned key_step;	/* packets of it so far; 0: up */
	unsigned rest;		/* ticks until the next key */
};

/* Takes @samples (may be NULL), malloc'ed. */
void player_init(struct player *player, int16_t *samples, size_t count,
		 unsigned digit_ms);
/* Returns 0; EINVAL: not a key or ','; E2BIG: too many. */
int player_press(struct player *player, const char *keys);
/* The packet of the next 20 ms.  Returns false: none is due. */
bool player_next(struct player *player, struct player_packet *packet);
/* The file is through, every key pressed and released. */
bool player_done(const struct player *player);
void player_free(struct player *player);

#endif
