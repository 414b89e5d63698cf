/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/loop.h"
#include "gateway/admit.h"

static void test_calls_at_once(void **state)
{
	struct admit admit;

	(void)state;
	admit_init(&admit, 2, 0);
	assert_int_equal(admit_take(&admit, 0), ADMIT_OK);
	assert_int_equal(admit_take(&admit, 0), ADMIT_OK);
	assert_int_equal(admit_take(&admit, 0), ADMIT_CALLS);
	admit_give(&admit);
	assert_int_equal(admit_take(&admit, 0), ADMIT_OK);
	admit_give(&admit);
	admit_give(&admit);
	admit_give(&admit);
	assert_int_equal(admit.living, 0);
}

static void test_no_limit(void **state)
{
	struct admit admit;

	(void)state;
	admit_init(&admit, 0, 0);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(admit_take(&admit, 0), ADMIT_OK);
}

/* Takes per second, over time, at a given demand. */
static void test_rate(void **state)
{
	static const struct {
		const char *name;
		unsigned per_second;
		uint64_t every_us, for_us;
		unsigned want_min, want_max;
	} rows[] = {
		{ "below the limit", 10, 200000, 10000000, 50, 50 },
		{ "at the limit", 10, 100000, 10000000, 100, 100 },
		/* One second's burst, then the rate. */
		{ "above the limit", 10, 10000, 10000000, 109, 110 },
		{ "tiny steps", 3, 1, 2000000, 8, 9 },
		{ "fast and many", 5000, 50, 2000000, 14990, 15000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned taken = 0;
		struct admit admit;

		row_name(rows[i].name);
		admit_init(&admit, 0, rows[i].per_second);
		for (uint64_t us = 0; us < rows[i].for_us;
		     us += rows[i].every_us)
			if (admit_take(&admit, NS_PER_S * 1000 + us * 1000) ==
			    ADMIT_OK)
				taken++;
		assert_in_range(taken, rows[i].want_min, rows[i].want_max);
	}
}

static void test_refused_takes_no_place(void **state)
{
	struct admit admit;

	(void)state;
	admit_init(&admit, 5, 1);
	assert_int_equal(admit_take(&admit, NS_PER_S), ADMIT_OK);
	assert_int_equal(admit_take(&admit, NS_PER_S), ADMIT_RATE);
	assert_int_equal(admit.living, 1);
	/* A clock that stands still or goes back gives nothing. */
	assert_int_equal(admit_take(&admit, 0), ADMIT_RATE);
	assert_int_equal(admit_take(&admit, 2 * NS_PER_S), ADMIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_at_once),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_refused_takes_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
