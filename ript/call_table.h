/* SPDX-License-Identifier: MIT */
/*
 * ript/call_table.h - what a worker knows of the calls whose {call}/media it
 * may be asked for: path -> tokens, home; and the tombstones of those that
 * have ended, for an hour.
 *
 * Owner:  the worker; entries come and go by message from control.
 * Loop:   worker.
 * Spec:   architecture "Placement"; Q62, Q75, Q78.
 */
#ifndef RIPTIDE_RIPT_CALL_TABLE_H
#define RIPTIDE_RIPT_CALL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "ript/byway_msg.h"

#define CALL_TOKENS 8
#define CALL_TOMBSTONES 16384		/* on one worker; then the oldest go */
#define CALL_TOMBSTONE_MS (3600u * 1000)

struct ript_worker;

struct call_entry {
	struct table_node by_path;
	struct table_node by_id;
	struct ript_worker *w;
	uint64_t id;			/* the byway's */
	unsigned home;
	char *path;			/* of the call */
	uint8_t token_hash[CALL_TOKENS][32];
	unsigned token_cnt;
	struct byway_port *port;	/* on the home, while it lives */
	struct list flows;		/* PUTs and GETs open on this worker */
	struct list sessions;		/* WebTransport on this worker */

	struct le le;			/* of the tombstones */
	bool ended;
	uint64_t ended_ns;
	struct blob *problem;
};

struct call_entry *call_table_install(struct ript_worker *w,
				      const struct bmsg *m);
/* By the first @len characters of @path; ended ones too. */
struct call_entry *call_table_find(struct ript_worker *w, const char *path,
				   size_t len);
struct call_entry *call_table_by_id(struct ript_worker *w, uint64_t id);

void call_entry_add_token(struct call_entry *entry, const uint8_t hash[32]);
/* In constant time for each token. */
bool call_entry_admits(const struct call_entry *entry,
		       const uint8_t hash[32]);

/* It becomes a tombstone with @problem as body (taken). */
void call_entry_end(struct call_entry *entry, struct blob *problem);

void call_table_free_all(struct ript_worker *w);

#endif
