/* SPDX-License-Identifier: MIT */
/*
 * ript/flow.h - one PUT or GET on {call}/media in the server role, on the
 * worker where it arrived; the home answers it, here or by message.
 *
 * Owner:  itself, kept for the next one when its stream has closed.
 * Loop:   worker.
 * Spec:   MB-07 to 12, Q54, Q75, Q87.
 */
#ifndef RIPTIDE_RIPT_FLOW_H
#define RIPTIDE_RIPT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"

struct call_entry;
struct get;
struct h3_head;
struct h3_stream;
struct ript_worker;

struct flow {
	struct le le;			/* of entry->flows, or worker->spare */
	struct table_node node;		/* of worker->flows, when it crossed */
	uint64_t id;
	struct ript_worker *w;
	struct call_entry *entry;	/* NULL: answered */
	struct h3_stream *stream;
	bool put;
	bool crossed;			/* its home knows it by ID */
	bool ended;			/* the peer's half is finished */
	struct get *get;		/* GET on its home */
	struct buf body;		/* PUT */
	uint64_t connection;
};

/* A PUT or GET that may use the call: take it over. */
void flow_serve(struct ript_worker *w, struct call_entry *entry,
		struct h3_stream *stream, const struct h3_head *head,
		uint64_t connection);

/* Answer a GET or a PUT and be done: 200 with a body, or 204. */
void flow_answer(struct flow *flow, int status, const void *body, size_t len);
/* The same by ID, from the home; false: it has closed meanwhile. */
bool flow_answer_away(struct ript_worker *w, uint64_t id, int status,
		      const void *body, size_t len);

/* Every flow of the call gets 404 call-ended. */
void flow_end_all(struct call_entry *entry);

void flow_free_all(struct ript_worker *w);

#endif
