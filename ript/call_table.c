/* SPDX-License-Identifier: MIT */
#include "ript/call_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "ript/worker_private.h"

static void entry_free_mem(void *ptr)
{
	struct call_entry *entry = ptr;

	blob_unref(&entry->problem);
	free(entry->path);
	free(entry);
}

static void entry_remove(struct call_entry *entry)
{
	struct ript_worker *w = entry->w;

	if (entry->le.list) {
		list_unlink(&entry->le);
		metric_gauge_add(w->net->metric.tombstones, -1);
	}
	table_remove(&w->calls, &entry->by_path);
	table_remove(&w->calls_by_id, &entry->by_id);
	loop_defer_free(w->loop, entry, entry_free_mem);
}

struct call_entry *call_table_install(struct ript_worker *w,
				      const struct bmsg *m)
{
	struct call_entry *entry =
		call_table_find(w, m->path, strlen(m->path));

	/* The same UUID again is a call taken back after a restart of its
	 * resource: the newer entry counts. */
	if (entry && entry->ended)
		entry_remove(entry);
	else if (entry)
		return NULL;
	entry = xzalloc(sizeof(*entry));
	entry->w = w;
	entry->id = m->id;
	entry->home = m->home;
	entry->path = xstrdup(m->path);
	call_entry_add_token(entry, m->token_hash);
	if (table_insert(&w->calls, &entry->by_path, entry->path,
			 strlen(entry->path)) != 0 ||
	    table_insert(&w->calls_by_id, &entry->by_id, &entry->id,
			 sizeof(entry->id)) != 0)
		abort();	/* neither was there a moment ago */
	return entry;
}

struct call_entry *call_table_find(struct ript_worker *w, const char *path,
				   size_t len)
{
	struct table_node *node = table_find(&w->calls, path, len);

	return node ? table_entry(node, struct call_entry, by_path) : NULL;
}

struct call_entry *call_table_by_id(struct ript_worker *w, uint64_t id)
{
	struct table_node *node = table_find(&w->calls_by_id, &id, sizeof(id));

	return node ? table_entry(node, struct call_entry, by_id) : NULL;
}

void call_entry_add_token(struct call_entry *entry, const uint8_t hash[32])
{
	unsigned slot = entry->token_cnt;

	if (call_entry_admits(entry, hash))
		return;
	if (slot < CALL_TOKENS)
		entry->token_cnt++;
	else		/* the first is the caller's: it stays */
		slot = CALL_TOKENS - 1;
	memcpy(entry->token_hash[slot], hash, sizeof(entry->token_hash[0]));
}

bool call_entry_admits(const struct call_entry *entry, const uint8_t hash[32])
{
	bool admits = false;
	unsigned i;

	for (i = 0; i < entry->token_cnt; i++)
		admits |= secret_equal(entry->token_hash[i], hash,
				       sizeof(entry->token_hash[i]));
	return admits;
}

/* ---- tombstones ---- */

static void on_bury(void *arg)
{
	struct ript_worker *w = arg;
	uint64_t now = loop_now_ns(w->loop);
	struct le *le;

	while ((le = w->tombstones.head)) {
		struct call_entry *entry =
			list_entry(le, struct call_entry, le);
		uint64_t end = entry->ended_ns +
			       CALL_TOMBSTONE_MS * NS_PER_MS;

		if (end > now) {
			timer_start_at(&w->bury, w->loop, end, on_bury, w);
			return;
		}
		entry_remove(entry);
	}
}

void call_entry_end(struct call_entry *entry, struct blob *problem)
{
	struct ript_worker *w = entry->w;

	entry->ended = true;
	entry->ended_ns = loop_now_ns(w->loop);
	entry->problem = problem;
	list_append(&w->tombstones, &entry->le);
	metric_gauge_add(w->net->metric.tombstones, 1);
	if (w->tombstones.count > CALL_TOMBSTONES)
		entry_remove(list_entry(w->tombstones.head, struct call_entry,
					le));
	if (!timer_running(&w->bury))
		on_bury(w);
}

static void free_one(struct table_node *node, void *arg)
{
	(void)arg;
	entry_remove(table_entry(node, struct call_entry, by_path));
}

void call_table_free_all(struct ript_worker *w)
{
	timer_stop(&w->bury);
	table_each(&w->calls, free_one, NULL);
	table_free(&w->calls);
	table_free(&w->calls_by_id);
}
