/* SPDX-License-Identifier: MIT */
/*
 * ript/half.h - the worker's half of an exchange: one HTTP/3 stream, joined
 * by messages to struct exchange on control.
 *
 *   server:  COLLECTING -> PASSED  -> replied -> closed
 *   client:  WAITING for a connection -> SENT -> closed
 *
 * Owner:  itself; freed when its stream has closed and control was told.
 * Loop:   worker.
 */
#ifndef RIPTIDE_RIPT_HALF_H
#define RIPTIDE_RIPT_HALF_H

#include <stdbool.h>

struct h3_head;
struct h3_stream;
struct ript_worker;

/* Server role: a request for control, whose body is collected, or passed on
 * as it comes (@streamed). */
void half_serve(struct ript_worker *w, struct h3_stream *stream,
		const struct h3_head *head, bool streamed);

/* Tell control what had no room before. */
void half_flush(void *worker);

/* The worker ends: frees what is left, after every stream has closed. */
void half_free_all(struct ript_worker *w);

#endif
