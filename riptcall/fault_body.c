/* SPDX-License-Identifier: MIT */
/* Faults in chunks: a body is parsed, changed and written again. */
#include <string.h>

#include "media/chunk.h"
#include "riptcall/fault.h"

#define BODY_MAX 4096
#define TAG_UNKNOWN 20		/* reserved for our registry: nobody has it */

/* Put a TLV that nobody knows behind the envelope of the record at @out. */
static size_t add_unknown(uint8_t *out, size_t len)
{
	static const uint8_t tlv[] = { TAG_UNKNOWN, 2, 0xca, 0xfe };
	uint8_t copy[BODY_MAX];
	uint64_t record, envelope;
	size_t at, n;

	at = varint_read(&record, out, len);
	n = varint_read(&envelope, out + at, len - at);
	if (!at || !n || len + 8 > sizeof(copy))
		return len;
	memcpy(copy, out, len);
	at += n;
	n = varint_write(out, record - n + sizeof(tlv) +
				      (envelope + sizeof(tlv) < 64 ? 1 : 2));
	n += varint_write(out + n, envelope + sizeof(tlv));
	memcpy(out + n, copy + at, envelope);
	memcpy(out + n + envelope, tlv, sizeof(tlv));
	memcpy(out + n + envelope + sizeof(tlv), copy + at + envelope,
	       len - at - envelope);
	return n + len - at + sizeof(tlv);
}

/* The body with what the fault changes in each media chunk. */
static size_t rewrite(uint8_t *out, size_t max, const void *body, size_t len)
{
	struct chunk_reader reader;
	struct chunk chunk;
	size_t used = 0, one;
	bool media;

	chunk_reader_init(&reader, body, len);
	while (chunk_next(&reader, &chunk) == CHUNK_OK) {
		media = !(chunk.env & CHUNK_BIT(CHUNK_CONTROL));
		if (media && fault_is(FAULT_WRONG_SOURCE))
			chunk.source = 7;
		one = chunk_write(out + used, max - used, &chunk);
		if (media && one && fault_is(FAULT_UNKNOWN_TAG) &&
		    used + one + 8 <= max)
			one = add_unknown(out + used, one);
		used += one;
	}
	return used;
}

/* Every second body waits for the next one, which overtakes it. */
static int send_swapped(struct fault_body *state, const uint8_t *body,
			size_t len, fault_send_h *send, void *arg)
{
	int err;

	if (state->kept_len == 0) {
		memcpy(state->kept, body, len);
		state->kept_len = len;
		return 0;
	}
	err = send(body, len, true, arg);
	send(state->kept, state->kept_len, true, arg);
	state->kept_len = 0;
	return err;
}

int fault_send(struct fault_body *state, const void *body, size_t len,
	       bool media, fault_send_h *send, void *arg)
{
	uint8_t out[BODY_MAX];

	if (!media || len > sizeof(state->kept) || len > sizeof(out) / 2)
		return send(body, len, media, arg);
	if (fault_is(FAULT_WRONG_SOURCE) || fault_is(FAULT_UNKNOWN_TAG)) {
		len = rewrite(out, sizeof(out), body, len);
		return send(out, len, true, arg);
	}
	if (fault_is(FAULT_DROP_CHUNKS) && ++state->cnt % 10 == 0)
		return 0;
	if (fault_is(FAULT_SWAP_CHUNKS))
		return send_swapped(state, body, len, send, arg);
	return send(body, len, true, arg);
}
