/* SPDX-License-Identifier: MIT */
/*
 * media/phone.h - a player and a recorder at the RIPT end of a call: what
 * stands behind a byway where a gateway has RTP (riptcall).
 *
 *   WAV -> G.711 --20 ms pace--> wire -> byway      digits, CN in between
 *   WAV <- placed by timestamp <- wire <- byway     digits, CN counted
 *
 * Its functions are those of media/bridge, so that the same glue joins either
 * to a byway.
 *
 * Owner:  whoever places or answers the call.
 * Loop:   one; riptcall has a single thread for everything.
 * Spec:   RFC 3551 (G.711), 4733 (events, three end packets), 3389 (CN);
 *         MC-08: the timestamp is when the first sample was "recorded".
 */
#ifndef RIPTIDE_MEDIA_PHONE_H
#define RIPTIDE_MEDIA_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/bridge.h"

struct loop;
struct phone;

#define PHONE_DIGITS 64		/* kept of those heard, and sent at most */

/* Ways to misbehave, for the tests of a peer: a set of bits. */
enum phone_fault {
	PHONE_NO_ACKS = 1,		/* CC, MB-08 */
	PHONE_ALWAYS_FULL = 2,		/* MC-05 */
	PHONE_ALWAYS_SHORT = 4,		/* MC-04 */
	PHONE_WRONG_SINK = 8,		/* DR-02, MC-11 */
	PHONE_TWICE = 16,		/* each body again */
	PHONE_TWO_CHUNKS = 32,		/* MB-07: two media chunks a body */
	PHONE_WRONG_CODEC = 64,		/* DR-09: GSM's number */
	PHONE_SILENT = 128,		/* no media at all */
	PHONE_BAD_CHUNK = 256,		/* every tenth one is broken */
};

struct phone_config {
	const char *play;	/* WAV file of any rate; NULL: comfort noise */
	bool repeat;		/* play it again and again */
	const char *record;	/* WAV file to write, 16 bit, 8000 Hz, one
				   channel; NULL: none */
	enum codec codec;	/* CODEC_PCMU or CODEC_PCMA; CODEC_NONE: the
				   first of the two that the directive
				   allows, PCMU preferred */
	unsigned digit_ms;	/* length of a digit sent; 0: 100 */
	unsigned record_max_s;	/* 0: 3600 */
	unsigned faults;	/* enum phone_fault */
};

/* One direction, for the summary. */
struct phone_stream {
	uint64_t chunks;	/* media, all kinds; duplicates not counted */
	uint64_t speech;	/* of these G.711 */
	uint64_t noise;		/* CN */
	uint64_t octets;	/* of speech */
	uint64_t lost;		/* gaps in the sequence */
	uint64_t duplicates;
	enum codec codec;	/* of the last speech */
	unsigned digit_cnt;
	char digit[PHONE_DIGITS + 1];	/* "123#" */
	uint32_t digit_ms[PHONE_DIGITS];
	char sha256[65];	/* of all speech payloads in order, hex */
};

struct phone_report {
	struct phone_stream sent, heard;
	uint64_t acks_sent, acks_received;
	struct stream_loss loss;	/* what the acks say of our chunks */
	uint64_t fate[FATE_CNT];	/* of what came */
	uint64_t not_sent;		/* no way was open */
	bool played;			/* the file is through */
	uint64_t first_heard_ns;	/* loop time of the first speech; 0 */
};

/* Reads the file to play.  Returns 0; ENOENT or EINVAL with @why, one
 * sentence, malloc'ed. */
int phone_new(struct phone **phonep, struct loop *loop,
	      const struct phone_config *config,
	      const struct bridge_out *out, char **why);

/* As the bridge's. */
void phone_set_ript(struct phone *phone, const struct bridge_ript *ript);
int phone_chunks(struct phone *phone, const uint8_t *body, size_t len,
		 uint64_t connection, uint8_t *reply, size_t reply_max,
		 size_t *reply_len);
void phone_way_changed(struct phone *phone);

/* Speak from now on, or stop; stopped at first.  Hearing needs no start. */
void phone_start(struct phone *phone);
void phone_stop(struct phone *phone);
/* Press keys, one after the other: 0-9 * # A-D, and ',' a pause of 500 ms.
 * Returns 0; EINVAL: another character, or more than PHONE_DIGITS. */
int phone_press(struct phone *phone, const char *digits);
/* Called when the file is through and all keys are pressed. */
void phone_on_done(struct phone *phone, void (*fn)(void *arg), void *arg);

void phone_report(struct phone *phone, struct phone_report *report);
/* Write the recording; once, at the end.  Returns 0 or errno with @why. */
int phone_save(struct phone *phone, char **why);
void phone_free(struct phone **phonep);

#endif
