/* SPDX-License-Identifier: MIT */
/*
 * ript/feed.h - the events of one call from server to client: numbered,
 * written to every open GET, and kept while none is open.
 *
 *   feed_emit() -> {...} --> GET, GET, GET
 *                        \-> kept (no GET open), last (state changes)
 *
 * Owner:  embedded in a call of the server role; feed_free() at its end.
 * Loop:   control.
 * Spec:   C/n "Signaling and Media Byway Establishment"; SB-05 to SB-08;
 *         Q35, Q44, Q47; LC-04 (5 s).
 */
#ifndef RIPTIDE_RIPT_FEED_H
#define RIPTIDE_RIPT_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct exchange;
struct ript_event;

/* One open GET; embedded in whatever owns the exchange. */
struct feed_get {
	struct le le;
	struct exchange *x;
	bool any;		/* an event was written */
};

struct feed {
	struct list gets;
	struct list kept;	/* delivered on no GET yet */
	char *last;		/* the last state-changing one, as written */
	size_t last_len;
	uint64_t seq;		/* of the next event */
	/* @get does not read; it is out of the list, abort its exchange. */
	void (*give_up)(struct feed_get *get);
};

void feed_init(struct feed *feed, void (*give_up)(struct feed_get *get));
void feed_free(struct feed *feed);

/* Number and print @event and write it to every GET; kept if there is none.
 * Returns whether a GET took it. */
bool feed_emit(struct feed *feed, const struct ript_event *event,
	       uint64_t now_ns);
/* Q47: the last state-changing event once more, octet for octet. */
void feed_repeat(struct feed *feed);

/* A new GET: `[`, then what no GET has had, or else the last state-changing
 * event. */
void feed_open(struct feed *feed, struct feed_get *get, uint64_t now_ns);
/* Writes `]` and finishes every GET; the list is empty then, @done gets
 * each. */
void feed_close(struct feed *feed, void (*done)(struct feed_get *get));

#endif
