/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/number.h"

static void kinds(void **state)
{
	static const struct {
		const char *text;
		bool e164, destination;
	} rows[] = {
		{ "+14085551000", true, true },
		{ "+12", true, true },
		{ "+1", false, false },
		{ "+123456789012345", true, true },
		{ "+1234567890123456", false, false },
		{ "+04085551000", false, false },
		{ "14085551000", false, false },
		{ "+1408555-1000", false, false },
		{ "+1408555100a", false, false },
		{ "alice@example.com", false, true },
		{ "4711@pbx.example", false, true },	/* private number */
		{ "+14085551000@example.com", false, false },
		{ "+@example.com", false, false },
		{ "+1408alice@example.com", false, true },
		{ "alice", false, false },
		{ "@example.com", false, false },
		{ "alice@", false, false },
		{ "al ice@example.com", false, false },
		{ "alice@exa mple.com", false, false },
		{ "alice@b@example.com", false, false },
		{ "a\r\nb@example.com", false, false },
		{ "*@example.com", false, false },
		{ "", false, false },
	};
	char longest[NUMBER_LEN + 2];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		assert_int_equal(number_is_e164(rows[i].text), rows[i].e164);
		assert_int_equal(number_is_destination(rows[i].text),
				 rows[i].destination);
	}
	memset(longest, 'a', sizeof(longest));
	longest[1] = '@';
	longest[NUMBER_LEN + 1] = '\0';
	assert_false(number_is_destination(longest));
	longest[NUMBER_LEN] = '\0';
	assert_true(number_is_destination(longest));
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *number;
		bool want;
	} rows[] = {
		{ "+14085551000", "+14085551000", true },
		{ "+14085551000", "+140855510001", false },
		{ "+1408*", "+14085551000", true },
		{ "+1408*", "+1408", true },
		{ "+1408*", "+1409", false },
		{ "+1*", "+1eve@evil.example", false },
		{ "*", "+1", true },
		{ "*", "alice@example.com", true },
		{ "*@example.com", "alice@EXAMPLE.com", true },
		{ "*@example.com", "alice@sub.example.com", false },
		{ "*@example.com", "+14085551000", false },
		{ "alice*", "alice.b@example.com", true },
		{ "alice@Example.com", "alice@example.com", true },
		{ "Alice@example.com", "alice@example.com", false },
		{ "", "+1", false },
		{ "*", "", false },
	};
	static const struct {
		const char *pattern;
		bool want;
	} valid[] = {
		{ "*", true },		 { "+1*", true },
		{ "*@example.com", true }, { "4711", true },
		{ "a@b", true },	 { "", false },
		{ "**", false },	 { "+1*2", false },
		{ "*@", false },	 { "*@a*", false },
		{ "a b", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].pattern);
		assert_int_equal(number_pattern_match(rows[i].pattern,
						      rows[i].number),
				 rows[i].want);
	}
	for (i = 0; i < COUNT(valid); i++) {
		row_name(valid[i].pattern);
		assert_int_equal(number_pattern_valid(valid[i].pattern),
				 valid[i].want);
	}
}

/* "a b !c": allow a, b, except c. */
static void fill(struct number_set *set, const char *text)
{
	char copy[128], *save = NULL, *word;

	memset(set, 0, sizeof(*set));
	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		assert_int_equal(*word == '!'
					 ? number_set_except(set, word + 1)
					 : number_set_allow(set, word), 0);
}

static void sets(void **state)
{
	static const struct {
		const char *inner, *outer;
		bool want;
	} rows[] = {
		{ "+1408*", "+1*", true },
		{ "+1*", "+1408*", false },
		{ "+1*", "*", true },
		{ "*", "+1*", false },
		{ "*", "*", true },
		{ "", "+1*", true },
		{ "+1*", "", false },
		{ "+1* !+1900*", "+1* !+1900*", true },
		{ "+1*", "+1* !+1900*", false },
		{ "+1* !+19*", "+1* !+1900*", true },
		{ "+1408*", "+1* !+1900*", true },
		{ "+1408* +1900*", "+1* !+1900*", false },
		{ "+1408* +1900* !+1900*", "+1* !+1900*", true },
		{ "*@a.example", "*", true },
		{ "*@a.example", "*@A.example", true },
		{ "*@a.example", "*@b.example", false },
		{ "*@a.example", "* !+1900*", true },
		{ "*@a.example", "* !eve*", false },
		{ "*@a.example", "* !*@b.example", true },
		{ "*@a.example", "* !eve@a.example", false },
		{ "eve@a.example", "*@a.example", true },
		{ "eve@a.example", "*@a.example !eve@a.example", false },
		{ "+14085551000", "+14085551000", true },
	};
	struct number_set inner, outer, copy;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].inner);
		fill(&inner, rows[i].inner);
		fill(&outer, rows[i].outer);
		number_set_copy(&copy, &inner);
		assert_int_equal(number_set_within(&inner, &outer),
				 rows[i].want);
		assert_int_equal(number_set_within(&copy, &outer),
				 rows[i].want);
		number_set_free(&inner);
		number_set_free(&outer);
		number_set_free(&copy);
	}
	fill(&inner, "+1* !+1900* alice@a.example");
	assert_true(number_set_match(&inner, "+14085551000"));
	assert_false(number_set_match(&inner, "+19005551000"));
	assert_true(number_set_match(&inner, "alice@A.example"));
	assert_false(number_set_match(&inner, "+44"));
	assert_int_equal(number_set_allow(&inner, "+1*2"), EINVAL);
	number_set_free(&inner);
	assert_false(number_set_match(&inner, "+14085551000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(patterns),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
