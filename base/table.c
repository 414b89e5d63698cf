/* SPDX-License-Identifier: MIT */
#include "base/table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define FIRST_SLOTS 16u

/* One secret for the process: tables never leave it. */
static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void secret_make(void)
{
	random_bytes(secret, sizeof(secret));
}

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein). */
uint64_t table_siphash(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *p = data;
	uint64_t last = (uint64_t)len << 56;
	uint64_t word;
	size_t i;

	for (; len >= 8; p += 8, len -= 8) {
		word = 0;
		for (i = 0; i < 8; i++)
			word |= (uint64_t)p[i] << (8 * i);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	for (i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash(const void *key, size_t key_len)
{
	pthread_once(&secret_once, secret_make);
	return table_siphash(secret, key, key_len);
}

static struct table_node *find(const struct table *table, uint64_t h,
			       const void *key, size_t key_len)
{
	struct table_node *node;

	if (!table->slot_cnt)
		return NULL;
	node = table->slots[h & (table->slot_cnt - 1)];
	for (; node; node = node->next)
		if (node->hash == h && node->key_len == key_len &&
		    (!key_len || memcmp(node->key, key, key_len) == 0))
			return node;
	return NULL;
}

static void grow(struct table *table)
{
	size_t cnt = table->slot_cnt ? table->slot_cnt * 2 : FIRST_SLOTS;
	struct table_node **slots = xcalloc(cnt, sizeof(struct table_node *));
	struct table_node *node, *next;
	size_t i, to;

	for (i = 0; i < table->slot_cnt; i++)
		for (node = table->slots[i]; node; node = next) {
			next = node->next;
			to = node->hash & (cnt - 1);
			node->next = slots[to];
			slots[to] = node;
		}
	free(table->slots);
	table->slots = slots;
	table->slot_cnt = cnt;
}

int table_insert(struct table *table, struct table_node *node,
		 const void *key, size_t key_len)
{
	uint64_t h = hash(key, key_len);
	size_t to;

	if (find(table, h, key, key_len))
		return EEXIST;
	if (table->count >= table->slot_cnt)
		grow(table);
	node->hash = h;
	node->key = key;
	node->key_len = key_len;
	to = h & (table->slot_cnt - 1);
	node->next = table->slots[to];
	table->slots[to] = node;
	table->count++;
	return 0;
}

struct table_node *table_find(const struct table *table, const void *key,
			      size_t key_len)
{
	if (!table->count)
		return NULL;
	return find(table, hash(key, key_len), key, key_len);
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **link;

	if (!table->slot_cnt)
		return;
	link = &table->slots[node->hash & (table->slot_cnt - 1)];
	while (*link && *link != node)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = node->next;
	node->next = NULL;
	table->count--;
}

void table_each(struct table *table,
		void (*fn)(struct table_node *node, void *arg), void *arg)
{
	struct table_node *node, *next;
	size_t i;

	for (i = 0; i < table->slot_cnt; i++)
		for (node = table->slots[i]; node; node = next) {
			next = node->next;
			fn(node, arg);
		}
}

void table_free(struct table *table)
{
	free(table->slots);
	memset(table, 0, sizeof(*table));
}
