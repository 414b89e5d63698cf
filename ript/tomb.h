/* SPDX-License-Identifier: MIT */
/*
 * ript/tomb.h - what stays of a call that has ended: an hour of 404
 * call-ended with how it ended.
 *
 * Owner:  the server.
 * Loop:   control.
 * Spec:   LC-06, LC-07; Q62, Q75, Q83; profile section 5 problem-ended.
 */
#ifndef RIPTIDE_RIPT_TOMB_H
#define RIPTIDE_RIPT_TOMB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ript/event.h"

struct ript_server;

/* How a call ended. */
struct ending {
	uint64_t at_ms;			/* Unix time */
	enum ript_by by;
	struct ript_cause cause;
	bool has_cause;
};

/* The problem body. */
void ending_print(struct buf *out, const struct ending *ending);

/* Remember that call @uuid of @tg ended so. */
void tomb_add(struct ript_server *server, const char *tg, const char *uuid,
	      const struct ending *ending, uint64_t now_ns);
/* Whether it is remembered; fills *@ending. */
bool tomb_find(struct ript_server *server, const char *tg, const char *uuid,
	       uint64_t now_ns, struct ending *ending);
void tomb_free_all(struct ript_server *server);

#endif
