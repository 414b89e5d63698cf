/* SPDX-License-Identifier: MIT */
#include "media/latch.h"
#include "tests/unit/unit.h"

static struct addr at(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text), 0);
	return addr;
}

static enum latch_verdict check(struct latch *latch, const char *text)
{
	struct addr from = at(text);

	return latch_check(latch, &from);
}

static void negotiate(struct latch *latch, const char *text)
{
	struct addr addr = at(text);

	latch_negotiate(latch, &addr);
}

static void take(struct latch *latch, const char *text)
{
	struct addr addr = at(text);

	latch_take(latch, &addr);
}

static void assert_target(const struct latch *latch, const char *want)
{
	char text[ADDR_TEXT_LEN] = "";

	if (latch_target(latch))
		addr_print(text, latch_target(latch));
	assert_string_equal(text, want);
}

#define PHONE "192.0.2.1:4000"
#define NAT "198.51.100.7:61000"
#define THIEF "203.0.113.9:5000"

static void negotiated_first(void **state)
{
	struct latch latch = { 0 };

	(void)state;
	assert_int_equal(check(&latch, THIEF), LATCH_REFUSE);
	assert_target(&latch, "");
	negotiate(&latch, PHONE);
	assert_target(&latch, PHONE);
	assert_int_equal(check(&latch, PHONE), LATCH_ACCEPT);
	/* Heard: nobody else from now on, not even another port. */
	assert_int_equal(check(&latch, NAT), LATCH_REFUSE);
	assert_int_equal(check(&latch, "192.0.2.1:4002"), LATCH_REFUSE);
	assert_int_equal(check(&latch, PHONE), LATCH_ACCEPT);
	assert_target(&latch, PHONE);
}

static void latched_once(void **state)
{
	struct latch latch = { 0 };

	(void)state;
	negotiate(&latch, PHONE);
	assert_int_equal(check(&latch, NAT), LATCH_CANDIDATE);
	/* Not valid, so not taken: the next may try. */
	assert_int_equal(check(&latch, THIEF), LATCH_CANDIDATE);
	assert_target(&latch, PHONE);
	take(&latch, NAT);
	assert_target(&latch, NAT);
	assert_int_equal(check(&latch, NAT), LATCH_ACCEPT);
	assert_int_equal(check(&latch, THIEF), LATCH_REFUSE);
	/* The same address in signalling changes nothing. */
	negotiate(&latch, PHONE);
	assert_int_equal(check(&latch, THIEF), LATCH_REFUSE);
	assert_target(&latch, NAT);
	/* Another one opens the latch. */
	negotiate(&latch, "192.0.2.1:4006");
	assert_target(&latch, "192.0.2.1:4006");
	assert_int_equal(check(&latch, NAT), LATCH_CANDIDATE);
}

/* Who was faster than the phone is put out by it, for good. */
static void thief_is_put_out(void **state)
{
	struct latch latch = { 0 };

	(void)state;
	negotiate(&latch, PHONE);
	take(&latch, THIEF);
	assert_int_equal(check(&latch, PHONE), LATCH_ACCEPT);
	assert_target(&latch, PHONE);
	assert_int_equal(check(&latch, THIEF), LATCH_REFUSE);
}

static void families(void **state)
{
	struct latch latch = { 0 };

	(void)state;
	negotiate(&latch, "[2001:db8::1]:4000");
	assert_int_equal(check(&latch, "[2001:db8::1]:4000"), LATCH_ACCEPT);
	assert_int_equal(check(&latch, "[2001:db8::2]:4000"), LATCH_REFUSE);
	assert_int_equal(check(&latch, PHONE), LATCH_REFUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiated_first),
		cmocka_unit_test(latched_once),
		cmocka_unit_test(thief_is_put_out),
		cmocka_unit_test(families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
