/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/table.h"

struct item {
	struct table_node node;
	char key[16];
};

/* Vectors of the SipHash paper's reference implementation: key 00..0f, data
 * the first n octets of 00 01 02 ... */
static void siphash_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	const uint64_t key[2] = { UINT64_C(0x0706050403020100),
				  UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t data[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (i = 0; i < COUNT(rows); i++)
		assert_true(table_siphash(key, data, rows[i].len) ==
			    rows[i].want);
}

static void remove_even(struct table_node *node, void *arg)
{
	struct item *item = table_entry(node, struct item, node);

	if ((item->key[strlen(item->key) - 1] - '0') % 2 == 0)
		table_remove(arg, node);
}

static void insert_find_remove(void **state)
{
	static struct item items[1000];
	struct table table = { 0 };
	struct item twin = { .key = "k7" };
	struct table_node *node;
	int i;

	(void)state;
	assert_null(table_find(&table, "k", 1));
	for (i = 0; i < 1000; i++) {
		snprintf(items[i].key, sizeof(items[i].key), "k%d", i);
		assert_int_equal(table_insert(&table, &items[i].node,
					      items[i].key,
					      strlen(items[i].key)), 0);
	}
	assert_int_equal(table.count, 1000);
	assert_int_equal(table_insert(&table, &twin.node, twin.key, 2),
			 EEXIST);
	for (i = 0; i < 1000; i++) {
		node = table_find(&table, items[i].key, strlen(items[i].key));
		assert_ptr_equal(node, &items[i].node);
	}
	assert_null(table_find(&table, "k1000", 5));
	table_each(&table, remove_even, &table);
	assert_int_equal(table.count, 500);
	assert_null(table_find(&table, "k42", 3));
	assert_non_null(table_find(&table, "k43", 3));
	table_remove(&table, &items[43].node);
	assert_null(table_find(&table, "k43", 3));
	table_free(&table);
	assert_null(table_find(&table, "k45", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vectors),
		cmocka_unit_test(insert_find_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
