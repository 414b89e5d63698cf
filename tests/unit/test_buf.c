/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/buf.h"

static void limit_is_exact(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_string_equal(buf_str(&buf), "");
	assert_int_equal(buf_add_str(&buf, "abc"), 0);
	assert_int_equal(buf_add_str(&buf, "def"), EMSGSIZE);
	assert_string_equal(buf_str(&buf), "abc");
	assert_int_equal(buf_printf(&buf, "%d", 45), 0);
	assert_string_equal(buf_str(&buf), "abc45");
	assert_int_equal(buf_add(&buf, "", 0), 0);
	assert_int_equal(buf_printf(&buf, "%d", 6), EMSGSIZE);
	assert_string_equal(buf_str(&buf), "abc45");
	buf_free(&buf);
	assert_int_equal(buf.len, 0);
}

static void grows_and_shrinks(void **state)
{
	struct buf buf;
	char *text;
	int i;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	for (i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&buf, "%03d,", i), 0);
	assert_int_equal(buf.len, 4000);
	buf_consume(&buf, 3992);
	assert_string_equal(buf_str(&buf), "998,999,");
	buf_consume(&buf, 4);
	assert_string_equal(buf_str(&buf), "999,");
	buf_consume(&buf, 100);
	assert_string_equal(buf_str(&buf), "");
	assert_int_equal(buf_add_str(&buf, "x"), 0);
	text = buf_steal(&buf);
	assert_string_equal(text, "x");
	free(text);
	assert_int_equal(buf.len, 0);
	text = buf_steal(&buf);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(buf_add_str(&buf, "again"), 0);
	buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_is_exact),
		cmocka_unit_test(grows_and_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
