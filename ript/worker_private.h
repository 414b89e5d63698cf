/* SPDX-License-Identifier: MIT */
/*
 * ript/worker_private.h - struct ript_worker, for the files that make up the
 * worker's half of ript/: worker, half, link, call_table, flow, byway_port,
 * byway_get, byway_dial, crossing.
 *
 * Owner:  ript_worker_new() and ript_worker_free().
 * Loop:   worker.
 */
#ifndef RIPTIDE_RIPT_WORKER_PRIVATE_H
#define RIPTIDE_RIPT_WORKER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "ript/net.h"

/* Acks of one PUT: a body of 64 KiB has room for less than 400 chunks, an
 * ack takes at most 40 octets. */
#define WORKER_REPLY_MAX 16384

/* Octets of bodies that are being collected, over all streams: media of
 * calls, and requests, whose tokens nobody has looked at yet. */
#define WORKER_BODIES_MAX (64u * 1024 * 1024)
#define WORKER_COLLECTING_MAX (32u * 1024 * 1024)

struct ript_worker {
	struct exchange_net *net;
	unsigned index;
	struct loop *loop;
	struct mailbox *crossing;
	struct h3_endpoint *ep;
	uint64_t next_id;
	size_t bodies;			/* octets of media being collected */
	size_t collecting;		/* octets of requests */
	bool ending;

	struct table halves;		/* ript/half.c, by ID */
	struct list blocked;		/* halves that wait for control */
	struct timer flush;
	struct table links;		/* ript/link.c, by peer */
	struct table calls;		/* ript/call_table.c, by UUID */
	struct table calls_by_id;
	struct list tombstones;		/* oldest first */
	struct timer bury;
	struct table flows;		/* ript/flow.c: those that crossed */
	struct list spare;		/* flows to use again */
	struct table sessions;		/* WebTransport away from its home */
	struct table ports;		/* ript/byway_port.c, by byway ID */
	uint8_t reply[WORKER_REPLY_MAX];
};

/* An ID that nobody else in the process makes. */
static inline uint64_t worker_id(struct ript_worker *w)
{
	return ((uint64_t)w->index + 1) << 48 | ++w->next_id;
}

/* A good token came on @conn, an incoming one: it may stay. */
void worker_knows(struct h3_conn *conn);

#endif
