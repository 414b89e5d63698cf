/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "gateway/history.h"

static uint64_t clock_us;

static uint64_t now_us(void)
{
	return clock_us;
}

static struct history *new_history(unsigned keep)
{
	clock_us = 1581103341120000;
	return history_new(keep, now_us);
}

static const char *at(struct json_object *array, size_t index, const char *key)
{
	struct json_object *line = json_object_array_get_idx(array, index);

	assert_non_null(line);
	return json_object_get_string(json_object_object_get(line, key));
}

static void test_ladder_of_both(void **state)
{
	struct history *history = new_history(10);
	struct record *record, *found;
	struct json_object *ladder, *steps;

	(void)state;
	/* The INVITE is there before anybody knows the call. */
	history_sip(history, "abc@pbx", true, "INVITE");
	clock_us += 1500;
	history_sip(history, "abc@pbx", false, "100 Trying");
	record = history_begin(history, "0b8ff3c4-6a1e");
	record_claim_sip(record, "abc@pbx");
	assert_int_equal(history_waiting(history), 0);
	clock_us += 1500;
	record_ript(record, false, "POST calls, %s", "passport");
	record_step(record, "rule %d", 2);
	clock_us += 1000;
	history_sip(history, "abc@pbx", false, "180 Ringing");
	record_set_uri(record, "https://x.example/calls/77d0-88");

	ladder = record_ladder_json(record);
	assert_int_equal(json_object_array_length(ladder), 4);
	assert_string_equal(at(ladder, 0, "message"), "INVITE");
	assert_string_equal(at(ladder, 0, "dir"), "in");
	assert_string_equal(at(ladder, 0, "protocol"), "sip");
	assert_string_equal(at(ladder, 2, "message"), "POST calls, passport");
	assert_string_equal(at(ladder, 2, "protocol"), "ript");
	assert_string_equal(at(ladder, 1, "time_ms"), "1581103341121.500");
	json_object_put(ladder);
	steps = record_steps_json(record);
	assert_int_equal(json_object_array_length(steps), 1);
	assert_string_equal(at(steps, 0, "text"), "rule 2");
	json_object_put(steps);

	/* Found by each of its names, and by the beginning of one. */
	assert_int_equal(history_find(&found, history, "0b8f"), 0);
	assert_ptr_equal(found, record);
	assert_int_equal(history_find(&found, history, "abc@"), 0);
	assert_int_equal(history_find(&found, history, "77d0"), 0);
	assert_int_equal(history_find(&found, history, "nobody"), ENOENT);
	assert_int_equal(history_find(&found, history, ""), ENOENT);
	history_free(&history);
}

static void test_late_claim_keeps_order(void **state)
{
	struct history *history = new_history(10);
	struct record *record = history_begin(history, "id");
	struct json_object *ladder;

	(void)state;
	record_ript(record, true, "POST calls");
	clock_us += 10;
	history_sip(history, "out@us", false, "INVITE");
	clock_us += 10;
	record_ript(record, false, "201");
	record_claim_sip(record, "out@us");
	record_claim_sip(record, "out@us");	/* again changes nothing */
	record_claim_sip(record, "");
	record_claim_sip(record, NULL);
	ladder = record_ladder_json(record);
	assert_int_equal(json_object_array_length(ladder), 3);
	assert_string_equal(at(ladder, 0, "message"), "POST calls");
	assert_string_equal(at(ladder, 1, "message"), "INVITE");
	assert_string_equal(at(ladder, 2, "message"), "201");
	json_object_put(ladder);
	history_free(&history);
}

static void test_two_begin_alike(void **state)
{
	struct history *history = new_history(10);
	struct record *one = history_begin(history, "aaa1"), *found;

	(void)state;
	history_begin(history, "aaa2");
	assert_int_equal(history_find(&found, history, "aaa"), EEXIST);
	assert_int_equal(history_find(&found, history, "aaa1"), 0);
	assert_ptr_equal(found, one);
	history_free(&history);
}

static void count(struct record *record, void *arg)
{
	(void)record;
	++*(unsigned *)arg;
}

static void test_bounds(void **state)
{
	struct history *history = new_history(5);
	struct record *record, *living, *found;
	struct json_object *ladder;
	unsigned seen = 0;
	char id[32];

	(void)state;
	/* Ended calls: the last five. */
	living = history_begin(history, "living");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "call-%02u", i);
		record = history_begin(history, id);
		snprintf(id, sizeof(id), "sip-%02u", i);
		record_claim_sip(record, id);
		history_end(&record);
		assert_null(record);
	}
	assert_int_equal(history_ended(history), 5);
	assert_int_equal(history_find(&found, history, "call-00"), ENOENT);
	assert_int_equal(history_find(&found, history, "call-19"), 0);
	assert_false(record_living(found));
	history_each(history, false, count, &seen);
	assert_int_equal(seen, 6);
	seen = 0;
	history_each(history, true, count, &seen);
	assert_int_equal(seen, 1);

	/* Call-IDs that nobody claims. */
	for (unsigned i = 0; i < 3 * HISTORY_WAITING; i++) {
		snprintf(id, sizeof(id), "stray-%u", i);
		history_sip(history, id, true, "INVITE");
		history_sip(history, id, false, "403 Forbidden");
	}
	assert_int_equal(history_waiting(history), HISTORY_WAITING);
	/* A probe is no call. */
	history_sip(history, "probe", false, "OPTIONS");
	assert_int_equal(history_waiting(history), HISTORY_WAITING);

	/* One call's lines, and one line. */
	for (unsigned i = 0; i < 10000; i++)
		record_ript(living, true, "%0500d", 7);
	ladder = record_ladder_json(living);
	assert_true(json_object_array_length(ladder) < 60);
	assert_true(strlen(at(ladder, 0, "message")) <= 400);
	json_object_put(ladder);
	history_free(&history);
}

static void test_lines_after_the_end(void **state)
{
	struct history *history = new_history(5);
	struct record *record = history_begin(history, "a"), *found;
	struct json_object *ladder;

	(void)state;
	record_claim_sip(record, "x");
	record_set_call(record, json_object_new_object());
	history_end(&record);
	history_sip(history, "x", true, "200 OK");
	assert_int_equal(history_find(&found, history, "a"), 0);
	assert_non_null(record_call(found));
	ladder = record_ladder_json(found);
	assert_int_equal(json_object_array_length(ladder), 1);
	json_object_put(ladder);
	history_end(&record);	/* NULL is fine */
	history_free(&history);
	history_free(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladder_of_both),
		cmocka_unit_test(test_late_claim_keeps_order),
		cmocka_unit_test(test_two_begin_alike),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_lines_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
