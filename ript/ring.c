/* SPDX-License-Identifier: MIT */
#include "ript/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Before each body.  A body never wraps: the rest of the ring that is too
 * small for it is skipped, marked by SKIP or by being too small for a head. */
struct slot {
	uint64_t at_ns;
	uint64_t len;
};

#define SKIP UINT64_MAX

struct ring {
	size_t size;
	size_t head;		/* where the oldest slot begins */
	size_t tail;		/* where the next one will */
	unsigned count;
	uint8_t data[];
};

static size_t slot_size(size_t len)
{
	return sizeof(struct slot) + ((len + 7) & ~(size_t)7);
}

struct ring *ring_new(size_t octets)
{
	struct ring *ring = xzalloc(sizeof(*ring) + octets);

	ring->size = octets & ~(size_t)7;
	return ring;
}

static struct slot slot_at(const struct ring *ring, size_t at)
{
	struct slot slot;

	memcpy(&slot, ring->data + at, sizeof(slot));
	return slot;
}

/* Where the oldest slot really is: behind a skipped rest. */
static size_t first_slot(const struct ring *ring)
{
	if (ring->size - ring->head < sizeof(struct slot) ||
	    slot_at(ring, ring->head).len == SKIP)
		return 0;
	return ring->head;
}

void ring_pop(struct ring *ring)
{
	size_t at;

	if (ring->count == 0)
		return;
	at = first_slot(ring);
	ring->head = at + slot_size(slot_at(ring, at).len);
	if (--ring->count == 0)
		ring->head = ring->tail = 0;
}

/* Room for @need octets in one piece at tail, after a wrap if it must be.
 * An empty place between tail and head is never filled up entirely, so that
 * head == tail means empty. */
static bool make_room(struct ring *ring, size_t need)
{
	const struct slot skip = { 0, SKIP };

	if (ring->count == 0 || ring->tail > ring->head) {
		if (ring->size - ring->tail >= need)
			return true;
		if (ring->count > 0 && ring->head <= need)
			return false;
		if (ring->count == 0)
			return false;
		if (ring->size - ring->tail >= sizeof(skip))
			memcpy(ring->data + ring->tail, &skip, sizeof(skip));
		ring->tail = 0;
		return true;
	}
	return ring->head - ring->tail > need;
}

unsigned ring_put(struct ring *ring, uint64_t now_ns, const void *body,
		  size_t len)
{
	struct slot slot = { now_ns, len };
	unsigned lost = 0;

	if (len > ring->size || slot_size(len) > ring->size)
		return 1;
	while (!make_room(ring, slot_size(len))) {
		ring_pop(ring);
		lost++;
	}
	memcpy(ring->data + ring->tail, &slot, sizeof(slot));
	memcpy(ring->data + ring->tail + sizeof(slot), body, len);
	ring->tail += slot_size(len);
	ring->count++;
	return lost;
}

const uint8_t *ring_peek(const struct ring *ring, size_t *lenp)
{
	size_t at;

	if (ring->count == 0)
		return NULL;
	at = first_slot(ring);
	*lenp = (size_t)slot_at(ring, at).len;
	return ring->data + at + sizeof(struct slot);
}

unsigned ring_expire(struct ring *ring, uint64_t limit_ns)
{
	unsigned lost = 0;

	while (ring->count > 0 &&
	       slot_at(ring, first_slot(ring)).at_ns < limit_ns) {
		ring_pop(ring);
		lost++;
	}
	return lost;
}

unsigned ring_count(const struct ring *ring)
{
	return ring->count;
}

void ring_free(struct ring **ringp)
{
	free(*ringp);
	*ringp = NULL;
}
