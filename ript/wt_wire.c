/* SPDX-License-Identifier: MIT */
/* The sans-I/O half of WebTransport: prefixes, capsules, the queue. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/h3_settings.h"
#include "ript/wt.h"

#define STREAM_CONTROL 0x00
#define STREAM_WT_BIDI 0x41
#define STREAM_WT_UNI 0x54
#define CAPSULE_CLOSE 0x2843
#define CLOSE_MAX (4 + 1024)

/* ---- prefixes ---- */

enum wt_prefix wt_prefix_read(const uint8_t *data, size_t len, bool bidi,
			      uint64_t *session, size_t *used)
{
	uint64_t type;
	size_t n, m;

	n = varint_get(&type, data, len);
	if (!n)
		return WT_PREFIX_MORE;
	if (type != (bidi ? STREAM_WT_BIDI : STREAM_WT_UNI))
		return !bidi && type == STREAM_CONTROL ? WT_PREFIX_CONTROL
						       : WT_PREFIX_HTTP;
	m = varint_get(session, data + n, len - n);
	if (!m)
		return WT_PREFIX_MORE;
	*used = n + m;
	return WT_PREFIX_STREAM;
}

/* ---- capsules ---- */

static enum wt_capsule value_read(struct wt_capsules *c, const uint8_t *data,
				  size_t len)
{
	if (!c->closing)
		return WT_CAPSULE_MORE;
	while (len && c->code_len < 4) {
		c->code = c->code << 8 | *data++;
		c->code_len++;
		len--;
	}
	/* The text behind the code is for people who can see the peer. */
	return c->code_len == 4 ? WT_CAPSULE_CLOSE : WT_CAPSULE_MORE;
}

/* Take one octet of type and length; true: both are complete. */
static bool head_read(struct wt_capsules *c, uint8_t octet, uint64_t *type)
{
	size_t n, m;

	c->head[c->head_len++] = octet;
	n = varint_get(type, c->head, c->head_len);
	m = n ? varint_get(&c->left, c->head + n, c->head_len - n) : 0;
	if (!m)
		return false;
	c->head_len = 0;
	return true;
}

enum wt_capsule wt_capsules_read(struct wt_capsules *c, const uint8_t *data,
				 size_t len)
{
	enum wt_capsule res;
	uint64_t type;
	size_t part;

	while (len) {
		if (!c->left) {
			len--;
			if (!head_read(c, *data++, &type))
				continue;
			c->closing = type == CAPSULE_CLOSE;
			if (c->closing && (c->left < 4 || c->left > CLOSE_MAX))
				return WT_CAPSULE_BROKEN;
			continue;
		}
		part = c->left < len ? (size_t)c->left : len;
		c->left -= part;
		res = value_read(c, data, part);
		if (res != WT_CAPSULE_MORE)
			return res;
		data += part;
		len -= part;
	}
	return WT_CAPSULE_MORE;
}

void wt_close_write(uint8_t out[WT_CLOSE_LEN])
{
	static const uint8_t capsule[WT_CLOSE_LEN] = { 0x68, 0x43, 4 };

	memcpy(out, capsule, WT_CLOSE_LEN);
}

/* ---- queue ---- */

struct record {
	uint64_t put_ns;
	uint32_t len;
	uint32_t size;		/* of the record, padded */
	uint8_t data[];
};

static struct record *record_at(const struct wt_queue *q, size_t at)
{
	return (struct record *)(void *)(q->ring + at);
}

/* Where @size octets fit now; WT_QUEUE_OCTETS: nowhere. */
static size_t place_find(struct wt_queue *q, size_t size)
{
	if (!q->cnt)
		q->head = q->tail = q->wrap = 0;
	if (q->tail >= q->head && (q->cnt == 0 || q->tail > q->head)) {
		if (q->tail + size <= WT_QUEUE_OCTETS)
			return q->tail;
		if (size <= q->head)
			return 0;	/* wrap */
	} else if (q->tail + size <= q->head) {
		return q->tail;
	}
	return WT_QUEUE_OCTETS;
}

int wt_queue_put(struct wt_queue *q, uint64_t now_ns, const uint8_t *prefix,
		 size_t prefix_len, const void *data, size_t len)
{
	size_t all = prefix_len + len, size, at;
	struct record *r;
	int dropped = 0;

	size = (sizeof(*r) + all + 7) & ~(size_t)7;
	if (all > WT_QUEUE_OCTETS || size > WT_QUEUE_OCTETS)
		return -1;
	if (!q->ring)
		q->ring = xrealloc(NULL, WT_QUEUE_OCTETS);
	while ((at = place_find(q, size)) == WT_QUEUE_OCTETS) {
		wt_queue_pop(q);
		dropped++;
	}
	if (at == 0 && q->tail != 0)
		q->wrap = q->tail;
	r = record_at(q, at);
	r->put_ns = now_ns;
	r->len = (uint32_t)all;
	r->size = (uint32_t)size;
	memcpy(r->data, prefix, prefix_len);
	memcpy(r->data + prefix_len, data, len);
	q->tail = at + size;
	q->cnt++;
	return dropped;
}

bool wt_queue_peek(const struct wt_queue *q, const uint8_t **datap,
		   size_t *lenp, uint64_t *put_nsp)
{
	struct record *r;

	if (!q->cnt)
		return false;
	r = record_at(q, q->head);
	*datap = r->data;
	*lenp = r->len;
	*put_nsp = r->put_ns;
	return true;
}

void wt_queue_pop(struct wt_queue *q)
{
	if (!q->cnt)
		return;
	q->head += record_at(q, q->head)->size;
	q->cnt--;
	if (q->wrap && q->head >= q->wrap) {
		q->head = 0;
		q->wrap = 0;
	}
}

void wt_queue_free(struct wt_queue *q)
{
	free(q->ring);
	memset(q, 0, sizeof(*q));
}
