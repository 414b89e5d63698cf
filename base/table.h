/* SPDX-License-Identifier: MIT */
/*
 * base/table.h - intrusive hash table over octet keys, safe against chosen
 * keys (SipHash with a random secret).
 *
 * Owner:  the elements' owners; the key must live as long as the element is
 *         in the table.
 * Loop:   one at a time.
 */
#ifndef RIPTIDE_BASE_TABLE_H
#define RIPTIDE_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint64_t hash;
	const void *key;
	size_t key_len;
};

struct table {
	struct table_node **slots;
	size_t slot_cnt;	/* power of two; 0 before the first insert */
	size_t count;
};

/* Insert; returns 0 or EEXIST (the old element stays). */
int table_insert(struct table *table, struct table_node *node,
		 const void *key, size_t key_len);
struct table_node *table_find(const struct table *table, const void *key,
			      size_t key_len);
/* Take @node out; it must be in @table. */
void table_remove(struct table *table, struct table_node *node);

/* Call @fn for each; @fn may remove the node that it was called for. */
void table_each(struct table *table,
		void (*fn)(struct table_node *node, void *arg), void *arg);

/* Free the slots; the elements are the caller's. */
void table_free(struct table *table);

/* SipHash-2-4 of @data, for tests and for keys that need a stable hash. */
uint64_t table_siphash(const uint64_t key[2], const void *data, size_t len);

#define table_entry(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#endif
