/* SPDX-License-Identifier: MIT */
/*
 * ript/ring.h - media bodies that wait for a way: a ring of octets, oldest
 * first, bounded by octets and by age.
 *
 *   [ at_ns | len | body ][ at_ns | len | body ] ... wrap ... [ ... ]
 *
 * Owner:  the port that made it.
 * Loop:   worker.
 * Spec:   LC-04, Q59.
 */
#ifndef RIPTIDE_RIPT_RING_H
#define RIPTIDE_RIPT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* A ring of @octets; a body takes 16 more than its length. */
struct ring *ring_new(size_t octets);

/* Copy @body in.  What does not fit pushes out the oldest; returns how many
 * bodies were lost by that, the new one itself if it can never fit. */
unsigned ring_put(struct ring *ring, uint64_t now_ns, const void *body,
		  size_t len);

/* The oldest body, valid until the next change; NULL when empty. */
const uint8_t *ring_peek(const struct ring *ring, size_t *lenp);
void ring_pop(struct ring *ring);

/* Drop what came before @limit_ns; returns how many. */
unsigned ring_expire(struct ring *ring, uint64_t limit_ns);

unsigned ring_count(const struct ring *ring);
void ring_free(struct ring **ringp);

#endif
