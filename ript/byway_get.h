/* SPDX-License-Identifier: MIT */
/*
 * ript/byway_get.h - the open GETs of one call in the server role: at most
 * 30, the newest is answered first, the 31st ends the oldest with 204, and
 * after 25 s each ends so.
 *
 * Owner:  the port on the call's home.
 * Loop:   worker (the home), for GETs of every worker.
 * Spec:   MB-04, MB-10 to 13; Q56.
 */
#ifndef RIPTIDE_RIPT_BYWAY_GET_H
#define RIPTIDE_RIPT_BYWAY_GET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"

#define GETS_MAX 30
#define GETS_MS 25000

struct byway_port;
struct flow;

struct get {
	struct le le;
	struct byway_port *port;
	struct flow *flow;		/* NULL: on another worker, */
	unsigned worker;		/* which has it */
	uint64_t flow_id;		/* under this ID */
	uint64_t connection;
	uint64_t opened_ns;
};

struct gets {
	struct list open;		/* newest first */
	struct list spare;
	struct get *slots;		/* NULL before the first GET */
	uint64_t connection;		/* of the last one */
	bool seen;			/* one came within the last 5 s */
	struct timer lapse;		/* of the oldest one */
	struct timer silence;		/* none came for 5 s */
};

/* A GET came: @flow on this worker, or @flow_id on @worker. */
void gets_add(struct byway_port *port, struct flow *flow, unsigned worker,
	      uint64_t flow_id, uint64_t connection);
/* It closed. */
void gets_gone(struct get *get);
/* The same for one of another worker. */
void gets_gone_away(struct byway_port *port, unsigned worker,
		    uint64_t flow_id);
/* Answer the newest one.  Returns false: none is open. */
bool gets_send(struct byway_port *port, const void *body, size_t len);
/* When the newest one came; 0: none is open. */
uint64_t gets_newest_ns(const struct byway_port *port);
/* Whether GETs are a way now: one is open, or was 5 s ago. */
bool gets_alive(const struct byway_port *port);
/* The port is closed: their streams are answered by ript/flow.c. */
void gets_close(struct byway_port *port);

#endif
