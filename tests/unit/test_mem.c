/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/mem.h"

static void blocks_are_zeroed(void **state)
{
	unsigned char *p = xzalloc(64);
	unsigned char *q = xcalloc(0, 0);
	size_t i;

	(void)state;
	for (i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	p = xrealloc(p, 0);
	free(p);
	free(q);
}

static void texts_are_copied(void **state)
{
	char *p;

	(void)state;
	assert_null(xstrdup(NULL));
	p = xstrdup("riptide");
	assert_string_equal(p, "riptide");
	free(p);
	p = xstrndup("riptide", 3);
	assert_string_equal(p, "rip");
	free(p);
	p = xstrndup("rip", 7);
	assert_string_equal(p, "rip");
	free(p);
	p = xmemdup("a\0b", 3);
	assert_memory_equal(p, "a\0b", 3);
	free(p);
	p = xasprintf("%s-%d", "x", 42);
	assert_string_equal(p, "x-42");
	free(p);
}

static void secrets_are_wiped(void **state)
{
	char raw[] = "secret";
	char *text = xstrdup("secret");
	char *none = NULL;

	(void)state;
	mem_wipe(raw, sizeof(raw));
	assert_memory_equal(raw, "\0\0\0\0\0\0", sizeof(raw));
	mem_wipe_text(&text);
	assert_null(text);
	mem_wipe_text(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_zeroed),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(secrets_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
