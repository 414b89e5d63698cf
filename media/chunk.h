/* SPDX-License-Identifier: MIT */
/*
 * media/chunk.h - the octets of RIPT media: records, chunks, TLVs.
 *
 *   body     = 1*record              record = varint(L) chunk
 *   chunk    = varint(E) envelope [auth-tag] package
 *   envelope = *tlv   package = *tlv        tlv = varint(tag) varint(len) value
 *
 * The same octets are a WebTransport datagram, a PUT body, a GET reply and a
 * PUT reply.  Sans I/O, no state, no allocation; parsed octet strings point
 * into the body.
 *
 * Owner:  plain structs of the caller; a parsed chunk is valid as long as
 *         its body.
 * Loop:   any.
 * Spec:   profile section 1, Q48 to Q50, Q53, Q55; rows MC, CC.
 */
#ifndef RIPTIDE_MEDIA_CHUNK_H
#define RIPTIDE_MEDIA_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_tag {
	CHUNK_SEQUENCE = 1,
	CHUNK_TIMESTAMP = 2,
	CHUNK_PAYLOAD_TYPE = 3,
	CHUNK_MEDIA = 4,
	CHUNK_CONTROL = 5,
	CHUNK_SOURCE = 6,
	CHUNK_SINK = 7,
	CHUNK_REFERENCE_FRAME = 8,
	CHUNK_SPATIAL_LAYER = 9,
	CHUNK_TEMPORAL_LAYER = 10,
	CHUNK_AUDIO_LEVEL = 11,
	CHUNK_CONTROL_TYPE = 12,
	CHUNK_KEY_ID = 13,
	CHUNK_DIRECTION = 14,
	CHUNK_RECEIVE_TIME = 15,
	CHUNK_RTP_TIMESTAMP = 16,
	CHUNK_RTP_MARKER = 17,
	CHUNK_RTP_CLOCK = 18,
	CHUNK_TAG_CNT
};

#define CHUNK_BIT(tag) (1u << (tag))
#define CHUNK_FULL 8		/* octets of a full number */
#define CHUNK_SHORT 2		/* of a truncated one in steady state */
#define CHUNK_CONTROL_ACK 1	/* the one control type there is */

enum chunk_direction { CHUNK_C2S = 0, CHUNK_S2C = 1 };

/* A number of which only the low @width octets travel (tags 1, 2, 15). */
struct chunk_number {
	uint64_t value;
	uint8_t width;		/* 1 to 8 */
};

/*
 * One chunk.  A field counts when the bit of its tag is set in @env (tags of
 * the envelope) or in @pkg (tags of the package); the rest is undefined.
 * Flags are their bit.
 */
struct chunk {
	uint32_t env;
	uint32_t pkg;

	struct chunk_number seq;
	struct chunk_number time;	/* Unix ms */
	uint32_t payload_type;
	uint8_t source;
	uint8_t sink;
	uint8_t spatial_layer;
	uint8_t temporal_layer;
	uint8_t audio_level;		/* RFC 6464 */
	uint16_t control_type;
	uint32_t rtp_timestamp;
	uint32_t rtp_clock;
	const uint8_t *key_id;		/* parsed only: we send in clear */
	size_t key_id_len;

	const uint8_t *media;
	size_t media_len;
	struct chunk_number acked_seq;
	uint8_t acked_source;
	uint8_t acked_sink;
	uint8_t acked_direction;
	struct chunk_number receive_time;
};

/* ---- parsing ---- */

struct chunk_reader {
	const uint8_t *at;
	const uint8_t *end;
};

enum chunk_result {
	CHUNK_OK,
	CHUNK_END,		/* nothing is left */
	CHUNK_BAD,		/* this record is broken; read on */
	CHUNK_CUT,		/* the framing is broken; nothing follows */
};

static inline void chunk_reader_init(struct chunk_reader *reader,
				     const void *body, size_t len)
{
	reader->at = body;
	reader->end = reader->at + len;
}

/* The next record of a body; *@chunk is written on CHUNK_OK only.  With
 * CHUNK_KEY_ID the package stays unparsed. */
enum chunk_result chunk_next(struct chunk_reader *reader,
			     struct chunk *chunk);

/* ---- writing ---- */

/* Octets that any record needs beside its media, at most. */
#define CHUNK_OVERHEAD_MAX 128

/*
 * Write one record to @out, tags ascending, integers and lengths shortest.
 * Returns its length; 0: it does not fit into @room octets.
 */
size_t chunk_write(uint8_t *out, size_t room, const struct chunk *chunk);

/* ---- truncated numbers ---- */

/* The value nearest to @expected (highest seen + 1) whose low octets are
 * @number's (RFC 9000, A.3, widened to 64 bits). */
uint64_t chunk_rebuild(const struct chunk_number *number, uint64_t expected);

/* RFC 9000, section 16.  Returns the octets read; 0: cut short. */
size_t varint_read(uint64_t *valuep, const uint8_t *data, size_t len);
/* Shortest form of @value (below 2^62); returns the octets written. */
size_t varint_write(uint8_t *out, uint64_t value);

#endif
