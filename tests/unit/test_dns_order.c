/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/dns_order.h"

static void priority_first_then_weight(void **state)
{
	unsigned heavy_first = 0, round, i;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct dns_target t[] = {
			{ .host = "d", .priority = 30, .weight = 0 },
			{ .host = "b", .priority = 20, .weight = 30 },
			{ .host = "a", .priority = 10, .weight = 0 },
			{ .host = "c", .priority = 20, .weight = 10 },
		};

		dns_order(t, COUNT(t));
		assert_string_equal(t[0].host, "a");
		assert_string_equal(t[3].host, "d");
		heavy_first += t[1].host[0] == 'b';
		for (i = 1; i < 3; i++)
			assert_int_equal(t[i].priority, 20);
	}
	/* 3 of 4; far beyond any chance would be outside of this. */
	assert_in_range(heavy_first, 1300, 1700);
	dns_order(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priority_first_then_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
