/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/metric.h"

static int reset(void **state)
{
	(void)state;
	metric_reset();
	return 0;
}

static void text_format(void **state)
{
	static const double bounds[] = { 0.01, 0.5, 2 };
	struct metric *a = metric_counter("calls_total", "dir=\"in\"",
					  "Calls so far.");
	struct metric *b, *g, *h;
	struct buf out;

	(void)state;
	g = metric_gauge("calls", NULL, "Calls now.");
	b = metric_counter("calls_total", "dir=\"out\"", "Calls so far.");
	assert_ptr_equal(metric_counter("calls_total", "dir=\"in\"", ""), a);
	h = metric_histogram("setup_seconds", NULL, "Time to answer.", bounds,
			     COUNT(bounds));
	metric_inc(a);
	metric_add(b, UINT64_C(1) << 53);
	metric_gauge_add(g, 3);
	metric_gauge_add(g, -5);
	metric_observe(h, 0.01);
	metric_observe(h, 1);
	metric_observe(h, 7.5);
	assert_int_equal(metric_value(a), 1);
	assert_int_equal(metric_gauge_value(g), -2);
	buf_init(&out, 1 << 20);
	metric_print(&out);
	assert_string_equal(buf_str(&out),
		"# HELP riptide_calls_total Calls so far.\n"
		"# TYPE riptide_calls_total counter\n"
		"riptide_calls_total{dir=\"in\"} 1\n"
		"riptide_calls_total{dir=\"out\"} 9007199254740992\n"
		"# HELP riptide_calls Calls now.\n"
		"# TYPE riptide_calls gauge\n"
		"riptide_calls -2\n"
		"# HELP riptide_setup_seconds Time to answer.\n"
		"# TYPE riptide_setup_seconds histogram\n"
		"riptide_setup_seconds_bucket{le=\"0.01\"} 1\n"
		"riptide_setup_seconds_bucket{le=\"0.5\"} 1\n"
		"riptide_setup_seconds_bucket{le=\"2\"} 2\n"
		"riptide_setup_seconds_bucket{le=\"+Inf\"} 3\n"
		"riptide_setup_seconds_sum 8.51\n"
		"riptide_setup_seconds_count 3\n");
	buf_free(&out);
	metric_gauge_set(g, 17);
	assert_int_equal(metric_gauge_value(g), 17);
}

static struct metric *counter;
static struct metric *histogram;

static void *count(void *arg)
{
	uintptr_t index = (uintptr_t)arg;
	int i;

	/* Two named workers, one beyond the rows, one unnamed. */
	if (index < 3)
		loop_enter(LOOP_WORKER, index < 2 ? (unsigned)index : 1000);
	for (i = 0; i < 10000; i++) {
		metric_inc(counter);
		metric_observe(histogram, 1);
	}
	return NULL;
}

static void threads_lose_nothing(void **state)
{
	static const double bound = 0.5;
	pthread_t thread[4];
	struct buf out;
	uintptr_t i;

	(void)state;
	counter = metric_counter("packets_total", NULL, "Packets.");
	histogram = metric_histogram("delay", "a=\"b\"", "Delay.", &bound, 1);
	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, count, (void *)i);
	for (i = 0; i < 10; i++) {
		buf_init(&out, 1 << 20);
		metric_print(&out);	/* while they count */
		buf_free(&out);
	}
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(metric_value(counter), 40000);
	buf_init(&out, 1 << 20);
	metric_print(&out);
	assert_non_null(strstr(buf_str(&out),
			       "riptide_delay_bucket{a=\"b\",le=\"+Inf\"} "
			       "40000\nriptide_delay_sum{a=\"b\"} 40000\n"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(text_format, reset),
		cmocka_unit_test_teardown(threads_lose_nothing, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
