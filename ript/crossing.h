/* SPDX-License-Identifier: MIT */
/*
 * ript/crossing.h - media of one call that arrived on another worker than
 * the call's home: bodies, GETs and sessions cross by message, counted.
 *
 *   where it arrived  --PUT, GET, SESSION, DATAGRAM_IN-->  home
 *   where it arrived  <--ANSWER, DATAGRAM_OUT, ...-------  home
 *
 * Chunks cross a bounded mailbox and are dropped when it is full; what opens
 * and closes is never dropped.
 *
 * Owner:  the mailbox of the worker that reads.
 * Loop:   made on one worker, read on another.
 * Spec:   architecture "Placement"; MB-14, MB-15.
 */
#ifndef RIPTIDE_RIPT_CROSSING_H
#define RIPTIDE_RIPT_CROSSING_H

#include <stddef.h>
#include <stdint.h>

struct flow;
struct ript_worker;
struct byway_session;

/* ---- from where it arrived to the home ---- */

/* Returns 0 or EAGAIN: no room. */
int crossing_put(struct flow *flow);
void crossing_get(struct flow *flow);
void crossing_get_gone(const struct flow *flow);
void crossing_session(const struct byway_session *session);
void crossing_session_gone(const struct byway_session *session);
void crossing_datagram_in(const struct byway_session *session, const void *data,
			  size_t len);

/* ---- from the home ---- */

void crossing_get_answer(struct ript_worker *w, unsigned worker,
			 uint64_t flow, int status, const void *body,
			 size_t len);
/* Returns 0 or ENOBUFS: no room, dropped and counted. */
int crossing_datagram_out(const struct byway_session *session, const void *data,
			  size_t len);
void crossing_session_close(const struct byway_session *session);

#endif
