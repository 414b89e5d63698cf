/* SPDX-License-Identifier: MIT */
/*
 * ript/seen.h - tells a repeated event from a new one: the same type, seq and
 * nonce seen before, nothing else.  A lower seq is no repeat.
 *
 * Owner:  embedded in a call; zeroed is empty.
 * Loop:   control.
 * Spec:   Q44.
 */
#ifndef RIPTIDE_RIPT_SEEN_H
#define RIPTIDE_RIPT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct ript_event;

#define SEEN_MAX 16	/* events remembered */

struct seen {
	struct {
		uint64_t seq;
		uint64_t nonce;
		int type;
	} slot[SEEN_MAX];
	unsigned next;
	unsigned cnt;
};

/* Whether @event is a repeat; a new one is remembered. */
bool seen_before(struct seen *seen, const struct ript_event *event);

#endif
