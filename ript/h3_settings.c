/* SPDX-License-Identifier: MIT */
#include "ript/h3_settings.h"

#include <string.h>

#define STREAM_CONTROL 0x00
#define FRAME_SETTINGS 0x04

#define CONNECT_PROTOCOL 0x08
#define H3_DATAGRAM 0x33
#define H3_DATAGRAM_DRAFT 0xffd277
#define WT_DRAFT_02 0x2b603742
#define WT_DRAFT_07 0xc671706a		/* value: sessions */
#define WT_DRAFT_13 0x14e9cd29
#define WT_DRAFT_15 0x2c7cf000

#define WT_SESSIONS 4096

static const struct {
	uint64_t id, value;
} extra[] = {
	{ H3_DATAGRAM_DRAFT, 1 },
	{ WT_DRAFT_02, 1 },
	{ WT_DRAFT_07, WT_SESSIONS },
	{ WT_DRAFT_13, 1 },
	{ WT_DRAFT_15, 1 },
};

size_t varint_get(uint64_t *valuep, const uint8_t *data, size_t len)
{
	size_t need;
	uint64_t value;

	if (!len)
		return 0;
	need = (size_t)1 << (data[0] >> 6);
	if (len < need)
		return 0;
	value = data[0] & 0x3f;
	for (size_t i = 1; i < need; i++)
		value = value << 8 | data[i];
	*valuep = value;
	return need;
}

size_t varint_put(uint8_t *out, uint64_t value)
{
	unsigned power = value < 0x40 ? 0 : value < 0x4000 ? 1
		       : value < 0x40000000 ? 2 : 3;
	size_t len = (size_t)1 << power;

	for (size_t i = len; i--; value >>= 8)
		out[i] = (uint8_t)value;
	out[0] = (uint8_t)(out[0] | power << 6);
	return len;
}

size_t settings_extend(uint8_t *out, const uint8_t *in, size_t in_len)
{
	uint8_t more[SETTINGS_EXTRA];
	size_t more_len = 0, at, n, len;
	uint64_t payload;

	if (in_len < 3 || in[0] != STREAM_CONTROL || in[1] != FRAME_SETTINGS)
		return 0;
	n = varint_get(&payload, in + 2, in_len - 2);
	at = 2 + n;
	if (!n || payload != in_len - at)
		return 0;
	for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
		more_len += varint_put(more + more_len, extra[i].id);
		more_len += varint_put(more + more_len, extra[i].value);
	}
	out[0] = STREAM_CONTROL;
	out[1] = FRAME_SETTINGS;
	len = 2 + varint_put(out + 2, payload + more_len);
	memcpy(out + len, in + at, (size_t)payload);
	len += (size_t)payload;
	memcpy(out + len, more, more_len);
	return len + more_len;
}

static void setting_take(struct settings_reader *r, uint64_t id,
			 uint64_t value)
{
	switch (id) {
	case CONNECT_PROTOCOL:
		r->connect_protocol = value == 1;
		break;
	case H3_DATAGRAM:
	case H3_DATAGRAM_DRAFT:
		r->datagram = r->datagram || value == 1;
		break;
	case WT_DRAFT_02:
	case WT_DRAFT_07:
	case WT_DRAFT_13:
	case WT_DRAFT_15:
		r->webtransport = r->webtransport || value > 0;
		break;
	default:
		break;
	}
}

static void frame_read(struct settings_reader *r, const uint8_t *data,
		       size_t len)
{
	uint64_t id, value;
	size_t n, m;

	while (len) {
		n = varint_get(&id, data, len);
		m = n ? varint_get(&value, data + n, len - n) : 0;
		if (!m)
			return;
		setting_take(r, id, value);
		data += n + m;
		len -= n + m;
	}
}

void settings_read(struct settings_reader *r, const uint8_t *data, size_t len)
{
	size_t room = sizeof(r->buf) - r->len, at = 0, n;
	uint64_t value = 0;

	if (r->done || !len)
		return;
	if (len > room)
		len = room;
	memcpy(r->buf + r->len, data, len);
	r->len += len;

	n = varint_get(&value, r->buf, r->len);
	if (!n)
		return;
	at += n;
	if (value != STREAM_CONTROL)
		goto broken;
	n = varint_get(&value, r->buf + at, r->len - at);
	if (!n)
		return;
	at += n;
	if (value != FRAME_SETTINGS)
		goto broken;
	n = varint_get(&value, r->buf + at, r->len - at);
	if (!n)
		return;
	at += n;
	if (value > sizeof(r->buf) - at)
		goto broken;
	if (value > r->len - at)
		return;
	frame_read(r, r->buf + at, (size_t)value);
broken:
	r->done = true;
}
