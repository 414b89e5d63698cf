/* SPDX-License-Identifier: MIT */
/*
 * ript/refuse.h - what a worker says no to, with constant problem bodies.
 *
 * Owner:  no state but the counters.
 * Loop:   worker.
 * Spec:   profile section 4, Q29, Q75, Q77, Q78, Q84 to Q87.
 */
#ifndef RIPTIDE_RIPT_REFUSE_H
#define RIPTIDE_RIPT_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "ript/net.h"

/* The body for @why, malloc'ed; made once, at start. */
char *worker_refusal_body(enum net_refusal why);

/* Answer @stream, stop reading its body unless @whole, and count. */
void worker_refuse(struct exchange_net *net, struct h3_stream *stream,
		   bool whole, enum net_refusal why);
/* 404 call-ended with @problem as body (NULL: a constant one). */
void worker_refuse_ended(struct exchange_net *net, struct h3_stream *stream,
			 bool whole, const char *problem);

#endif
