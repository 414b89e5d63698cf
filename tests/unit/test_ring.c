/* SPDX-License-Identifier: MIT */
#include "ript/ring.h"
#include "tests/unit/unit.h"

static void put(struct ring *ring, uint64_t now_ns, size_t len, uint8_t mark,
		unsigned lost)
{
	uint8_t body[512];

	memset(body, mark, sizeof(body));
	assert_int_equal(ring_put(ring, now_ns, body, len), lost);
}

static void expect(struct ring *ring, size_t want_len, uint8_t mark)
{
	size_t len = 0;
	const uint8_t *body = ring_peek(ring, &len);

	assert_non_null(body);
	assert_int_equal(len, want_len);
	if (len > 0) {
		assert_int_equal(body[0], mark);
		assert_int_equal(body[len - 1], mark);
	}
	ring_pop(ring);
}

static void test_order(void **state)
{
	struct ring *ring = ring_new(1024);
	size_t len;

	(void)state;
	assert_null(ring_peek(ring, &len));
	ring_pop(ring);
	put(ring, 1, 100, 1, 0);
	put(ring, 2, 1, 2, 0);
	put(ring, 3, 0, 3, 0);
	assert_int_equal(ring_count(ring), 3);
	expect(ring, 100, 1);
	expect(ring, 1, 2);
	expect(ring, 0, 3);
	assert_null(ring_peek(ring, &len));
	ring_free(&ring);
	assert_null(ring);
}

static void test_full(void **state)
{
	struct ring *ring = ring_new(512);
	uint8_t body[512] = { 0 };
	unsigned lost = 0;
	uint8_t mark;

	(void)state;
	for (mark = 1; mark <= 40; mark++) {
		memset(body, mark, 104);
		lost += ring_put(ring, mark, body, 104);
		assert_int_equal(ring_count(ring), mark - lost);
		assert_true(mark < 3 || ring_count(ring) >= 2);
	}
	put(ring, 50, 500, 50, 1);		/* never fits: itself */
	assert_int_equal(ring_count(ring), 40 - lost);
	for (mark = (uint8_t)(lost + 1); mark <= 40; mark++)
		expect(ring, 104, mark);
	ring_free(&ring);
}

static void test_expire(void **state)
{
	struct ring *ring = ring_new(4096);
	unsigned i;

	(void)state;
	for (i = 1; i <= 10; i++)
		put(ring, i * 100, 20, (uint8_t)i, 0);
	assert_int_equal(ring_expire(ring, 400), 3);
	assert_int_equal(ring_expire(ring, 400), 0);
	expect(ring, 20, 4);
	assert_int_equal(ring_expire(ring, UINT64_MAX), 6);
	assert_int_equal(ring_count(ring), 0);
	ring_free(&ring);
}

/* Any sizes, against a plain queue. */
static void test_random(void **state)
{
	struct ring *ring = ring_new(2000);
	uint8_t marks[100000];
	size_t lens[100000], head = 0, tail = 0;
	uint32_t seed = 1;
	unsigned i, lost;
	uint8_t body[512];

	(void)state;
	for (i = 0; i < 100000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 30 == 0 && head < tail) {
			expect(ring, lens[head], marks[head]);
			head++;
			continue;
		}
		lens[tail] = (seed >> 8) % 400;
		marks[tail] = (uint8_t)(seed >> 16);
		memset(body, marks[tail], sizeof(body));
		lost = ring_put(ring, i, body, lens[tail]);
		tail++;
		head += lost;
		assert_int_equal(ring_count(ring), tail - head);
	}
	while (head < tail) {
		expect(ring, lens[head], marks[head]);
		head++;
	}
	assert_int_equal(ring_count(ring), 0);
	ring_free(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
