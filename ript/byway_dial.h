/* SPDX-License-Identifier: MIT */
/*
 * ript/byway_dial.h - the client's side of a byway: a WebTransport session
 * if the peer has it, else N open GETs and a PUT for each body.
 *
 *   WANT_SESSION -> OPENING -> SESSION
 *        |             | refused
 *        v             v
 *   WANT_GETS ----> GETS          connection lost: from the start again
 *                     404: ENDED
 *
 * Owner:  the port.
 * Loop:   worker.
 * Spec:   MB-01 to 08, LC-03; Q56 to Q58, Q84.
 */
#ifndef RIPTIDE_RIPT_BYWAY_DIAL_H
#define RIPTIDE_RIPT_BYWAY_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "ript/byway.h"

struct bmsg;
struct byway_port;
struct dialer;

void dialer_new(struct byway_port *port, const struct bmsg *m);
/* Aborts what is open; no callback follows. */
void dialer_free(struct dialer **dialerp);

/*
 * Send one body by PUT, if fewer than @in_flight are unanswered.
 * Returns 0; EAGAIN: no connection or no stream now, it may wait;
 * EBUSY: @in_flight are unanswered.
 */
int dialer_put(struct dialer *d, const void *body, size_t len,
	       unsigned in_flight);
/* Which way is open. */
enum byway_kind dialer_kind(const struct dialer *d);

#endif
