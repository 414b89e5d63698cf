/* SPDX-License-Identifier: MIT */
#include "media/chunk.h"

#include <endian.h>
#include <string.h>

#define ENVELOPE_MAX 96	/* every tag that we write at its longest, and the
			   8 octets that put_number() may write too many */

/* ---- varints and numbers ---- */

size_t varint_read(uint64_t *valuep, const uint8_t *data, size_t len)
{
	uint64_t value;
	size_t width, i;

	if (len == 0)
		return 0;
	width = (size_t)1 << (data[0] >> 6);
	if (width > len)
		return 0;
	value = data[0] & 0x3f;
	for (i = 1; i < width; i++)
		value = value << 8 | data[i];
	*valuep = value;
	return width;
}

size_t varint_write(uint8_t *out, uint64_t value)
{
	unsigned log, width, i;

	if (value < 0x40) {
		out[0] = (uint8_t)value;
		return 1;
	}
	log = value < 0x4000 ? 1 : value < 0x40000000 ? 2 : 3;
	width = 1u << log;
	for (i = 0; i < width; i++)
		out[i] = (uint8_t)(value >> 8 * (width - 1 - i));
	out[0] |= (uint8_t)(log << 6);
	return width;
}

uint64_t chunk_rebuild(const struct chunk_number *number, uint64_t expected)
{
	uint64_t window, mask, candidate;

	if (number->width >= CHUNK_FULL)
		return number->value;
	window = UINT64_C(1) << 8 * number->width;
	mask = window - 1;
	candidate = (expected & ~mask) | number->value;
	if (candidate < expected && expected - candidate >= window / 2 &&
	    candidate <= UINT64_MAX - window)
		return candidate + window;
	if (candidate > expected && candidate - expected > window / 2 &&
	    candidate >= window)
		return candidate - window;
	return candidate;
}

/* ---- parsing ---- */

static inline int get_number(struct chunk_number *out, const uint8_t *value,
		      size_t len)
{
	uint64_t number = 0;
	size_t i;

	if (len == CHUNK_SHORT) {
		out->value = (uint64_t)value[0] << 8 | value[1];
		out->width = CHUNK_SHORT;
		return 0;
	}
	if (len == 0 || len > CHUNK_FULL)
		return -1;
	for (i = 0; i < len; i++)
		number = number << 8 | value[i];
	out->value = number;
	out->width = (uint8_t)len;
	return 0;
}

/* An integer of at most @max (not below 255), leading zeros accepted. */
static inline int get_uint(uint32_t *out, const uint8_t *value, size_t len,
			   uint32_t max)
{
	uint64_t number = 0;
	size_t i;

	if (len <= 1) {
		*out = len ? value[0] : 0;
		return 0;
	}
	for (i = 0; i < len; i++) {
		number = number << 8 | value[i];
		if (number > max)
			return -1;
	}
	*out = (uint32_t)number;
	return 0;
}

static inline int get_u8(uint8_t *out, const uint8_t *value, size_t len)
{
	uint32_t number = 0;

	if (get_uint(&number, value, len, UINT8_MAX) != 0)
		return -1;
	*out = (uint8_t)number;
	return 0;
}

/* Returns 0: understood; 1: not of the envelope; -1: malformed. */
static inline int envelope_tlv(struct chunk *chunk, unsigned tag,
			const uint8_t *value, size_t len)
{
	uint32_t number = 0;

	switch ((enum chunk_tag)tag) {
	case CHUNK_SEQUENCE:
		return get_number(&chunk->seq, value, len);
	case CHUNK_TIMESTAMP:
		return get_number(&chunk->time, value, len);
	case CHUNK_PAYLOAD_TYPE:
		return get_uint(&chunk->payload_type, value, len, UINT32_MAX);
	case CHUNK_SOURCE:
		return get_u8(&chunk->source, value, len);
	case CHUNK_SINK:
		return get_u8(&chunk->sink, value, len);
	case CHUNK_CONTROL:
	case CHUNK_REFERENCE_FRAME:
	case CHUNK_RTP_MARKER:
		return 0;
	case CHUNK_SPATIAL_LAYER:
		return get_u8(&chunk->spatial_layer, value, len);
	case CHUNK_TEMPORAL_LAYER:
		return get_u8(&chunk->temporal_layer, value, len);
	case CHUNK_AUDIO_LEVEL:
		return get_u8(&chunk->audio_level, value, len);
	case CHUNK_CONTROL_TYPE:
		if (get_uint(&number, value, len, UINT16_MAX) != 0)
			return -1;
		chunk->control_type = (uint16_t)number;
		return 0;
	case CHUNK_KEY_ID:
		chunk->key_id = value;
		chunk->key_id_len = len;
		return 0;
	case CHUNK_RTP_TIMESTAMP:
		return get_uint(&chunk->rtp_timestamp, value, len,
				UINT32_MAX);
	case CHUNK_RTP_CLOCK:
		return get_uint(&chunk->rtp_clock, value, len, UINT32_MAX);
	default:
		return 1;
	}
}

static inline int package_tlv(struct chunk *chunk, unsigned tag,
		       const uint8_t *value, size_t len)
{
	switch ((enum chunk_tag)tag) {
	case CHUNK_MEDIA:
		chunk->media = value;
		chunk->media_len = len;
		return 0;
	case CHUNK_SEQUENCE:
		return get_number(&chunk->acked_seq, value, len);
	case CHUNK_SOURCE:
		return get_u8(&chunk->acked_source, value, len);
	case CHUNK_SINK:
		return get_u8(&chunk->acked_sink, value, len);
	case CHUNK_DIRECTION:
		return get_u8(&chunk->acked_direction, value, len);
	case CHUNK_RECEIVE_TIME:
		return get_number(&chunk->receive_time, value, len);
	default:
		return 1;
	}
}

typedef int tlv_h(struct chunk *chunk, unsigned tag, const uint8_t *value,
		  size_t len);

/* Returns the set of tags understood, or -1: malformed. */
static inline __attribute__((always_inline)) int64_t
tlvs(struct chunk *chunk, const uint8_t *at, const uint8_t *end, tlv_h *fn)
{
	uint64_t tag, len, next_tag = 0;
	uint32_t seen = 0;
	size_t width;
	int rc;

	while (at < end) {
		/* One octet each is all that steady state has. */
		if (end - at >= 2 && at[0] < 0x40 && at[1] < 0x40) {
			tag = at[0];
			len = at[1];
			at += 2;
		} else {
			width = varint_read(&tag, at, (size_t)(end - at));
			if (width == 0)
				return -1;
			at += width;
			width = varint_read(&len, at, (size_t)(end - at));
			if (width == 0)
				return -1;
			at += width;
		}
		if (len > (uint64_t)(end - at) || tag < next_tag)
			return -1;
		next_tag = tag + 1;
		if (tag < CHUNK_TAG_CNT) {
			rc = fn(chunk, (unsigned)tag, at, (size_t)len);
			if (rc < 0)
				return -1;
			if (rc == 0)
				seen |= CHUNK_BIT(tag);
		}
		at += len;
	}
	return seen;
}

static enum chunk_result parse(struct chunk *chunk, const uint8_t *at,
			       const uint8_t *end)
{
	uint64_t env_len;
	size_t width;
	int64_t seen;

	width = varint_read(&env_len, at, (size_t)(end - at));
	if (width == 0 || env_len > (uint64_t)(end - at) - width)
		return CHUNK_BAD;
	at += width;
	seen = tlvs(chunk, at, at + env_len, envelope_tlv);
	if (seen < 0)
		return CHUNK_BAD;
	chunk->env = (uint32_t)seen;
	chunk->pkg = 0;
	if (chunk->env & CHUNK_BIT(CHUNK_KEY_ID))
		return CHUNK_OK;
	seen = tlvs(chunk, at + env_len, end, package_tlv);
	if (seen < 0)
		return CHUNK_BAD;
	chunk->pkg = (uint32_t)seen;
	return CHUNK_OK;
}

enum chunk_result chunk_next(struct chunk_reader *reader,
			     struct chunk *chunk)
{
	const uint8_t *record;
	uint64_t len;
	size_t width;

	if (reader->at >= reader->end)
		return CHUNK_END;
	width = varint_read(&len, reader->at,
			    (size_t)(reader->end - reader->at));
	if (width == 0 ||
	    len > (uint64_t)(reader->end - reader->at) - width) {
		reader->at = reader->end;
		return CHUNK_CUT;
	}
	record = reader->at + width;
	reader->at = record + len;
	return parse(chunk, record, reader->at);
}

/* ---- writing ---- */

/* Always stores 8 octets, of which those that count come first: what follows
 * writes over the rest, and the buffers have room for it. */
static inline uint8_t *put_number(uint8_t *at, enum chunk_tag tag,
				  const struct chunk_number *number)
{
	uint64_t be = htobe64(number->value << (64 - 8 * number->width));

	at[0] = (uint8_t)tag;
	at[1] = number->width;
	memcpy(at + 2, &be, sizeof(be));
	return at + 2 + number->width;
}

/* Shortest form: zero is no octet at all. */
static inline uint8_t *put_uint(uint8_t *at, enum chunk_tag tag,
				uint32_t value)
{
	unsigned width = 0;

	at[0] = (uint8_t)tag;
	at += 2;
	if (value <= UINT8_MAX) {
		width = value != 0;
		at[-1] = (uint8_t)width;
		at[0] = (uint8_t)value;
		return at + width;
	}
	while (width < 4 && value >> 8 * width)
		width++;
	at[-1] = (uint8_t)width;
	while (width > 0)
		*at++ = (uint8_t)(value >> 8 * --width);
	return at;
}

static uint8_t *put_flag(uint8_t *at, enum chunk_tag tag)
{
	at[0] = (uint8_t)tag;
	at[1] = 0;
	return at + 2;
}

static uint8_t *put_rare(uint8_t *at, const struct chunk *chunk)
{
	uint32_t env = chunk->env;

	if (env & CHUNK_BIT(CHUNK_REFERENCE_FRAME))
		at = put_flag(at, CHUNK_REFERENCE_FRAME);
	if (env & CHUNK_BIT(CHUNK_SPATIAL_LAYER))
		at = put_uint(at, CHUNK_SPATIAL_LAYER, chunk->spatial_layer);
	if (env & CHUNK_BIT(CHUNK_TEMPORAL_LAYER))
		at = put_uint(at, CHUNK_TEMPORAL_LAYER,
			      chunk->temporal_layer);
	if (env & CHUNK_BIT(CHUNK_AUDIO_LEVEL))
		at = put_uint(at, CHUNK_AUDIO_LEVEL, chunk->audio_level);
	if (env & CHUNK_BIT(CHUNK_CONTROL_TYPE))
		at = put_uint(at, CHUNK_CONTROL_TYPE, chunk->control_type);
	if (env & CHUNK_BIT(CHUNK_RTP_TIMESTAMP))
		at = put_uint(at, CHUNK_RTP_TIMESTAMP, chunk->rtp_timestamp);
	if (env & CHUNK_BIT(CHUNK_RTP_MARKER))
		at = put_flag(at, CHUNK_RTP_MARKER);
	if (env & CHUNK_BIT(CHUNK_RTP_CLOCK))
		at = put_uint(at, CHUNK_RTP_CLOCK, chunk->rtp_clock);
	return at;
}

static uint8_t *put_envelope(uint8_t *at, const struct chunk *chunk)
{
	uint32_t env = chunk->env;

	if (env & CHUNK_BIT(CHUNK_SEQUENCE))
		at = put_number(at, CHUNK_SEQUENCE, &chunk->seq);
	if (env & CHUNK_BIT(CHUNK_TIMESTAMP))
		at = put_number(at, CHUNK_TIMESTAMP, &chunk->time);
	if (env & CHUNK_BIT(CHUNK_PAYLOAD_TYPE))
		at = put_uint(at, CHUNK_PAYLOAD_TYPE, chunk->payload_type);
	if (env & CHUNK_BIT(CHUNK_CONTROL))
		at = put_flag(at, CHUNK_CONTROL);
	if (env & CHUNK_BIT(CHUNK_SOURCE))
		at = put_uint(at, CHUNK_SOURCE, chunk->source);
	if (env & CHUNK_BIT(CHUNK_SINK))
		at = put_uint(at, CHUNK_SINK, chunk->sink);
	if (env >> CHUNK_REFERENCE_FRAME)
		at = put_rare(at, chunk);
	return at;
}

/* The package but for the octets of the media themselves. */
static uint8_t *put_package(uint8_t *at, const struct chunk *chunk)
{
	uint32_t pkg = chunk->pkg;

	if (pkg & CHUNK_BIT(CHUNK_SEQUENCE))
		at = put_number(at, CHUNK_SEQUENCE, &chunk->acked_seq);
	if (pkg & CHUNK_BIT(CHUNK_SOURCE))
		at = put_uint(at, CHUNK_SOURCE, chunk->acked_source);
	if (pkg & CHUNK_BIT(CHUNK_SINK))
		at = put_uint(at, CHUNK_SINK, chunk->acked_sink);
	if (pkg & CHUNK_BIT(CHUNK_DIRECTION))
		at = put_uint(at, CHUNK_DIRECTION, chunk->acked_direction);
	if (pkg & CHUNK_BIT(CHUNK_RECEIVE_TIME))
		at = put_number(at, CHUNK_RECEIVE_TIME, &chunk->receive_time);
	return at;
}

size_t chunk_write(uint8_t *out, size_t room, const struct chunk *chunk)
{
	uint8_t env[ENVELOPE_MAX], pkg[ENVELOPE_MAX], *end = pkg;
	size_t env_len, pkg_len, media_len = 0, len;
	uint8_t *at = out;

	env_len = (size_t)(put_envelope(env, chunk) - env);
	if (chunk->pkg & CHUNK_BIT(CHUNK_MEDIA)) {
		media_len = chunk->media_len;
		*end++ = CHUNK_MEDIA;
		end += varint_write(end, media_len);
	} else {
		end = put_package(end, chunk);
	}
	pkg_len = (size_t)(end - pkg);
	if (room < CHUNK_OVERHEAD_MAX + media_len) {
		/* Close to the limit: count exactly. */
		uint8_t head[16];

		len = varint_write(head, env_len) + env_len + pkg_len +
		      media_len;
		if (varint_write(head, len) + len > room)
			return 0;
	}
	at += varint_write(at, (env_len < 0x40 ? 1 : 2) + env_len + pkg_len +
				       media_len);
	at += varint_write(at, env_len);
	memcpy(at, env, env_len);
	at += env_len;
	memcpy(at, pkg, pkg_len);
	at += pkg_len;
	if (media_len)
		memcpy(at, chunk->media, media_len);
	return (size_t)(at + media_len - out);
}
