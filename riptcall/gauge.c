/* SPDX-License-Identifier: MIT */
#include "riptcall/gauge.h"

#include "base/metric.h"

#define LOOK_MS 20
#define FULL 20

/* Only what lies between two looks at a full house is a low: before the call
 * and after it none is open anyway. */
static void on_look(void *arg)
{
	struct gauge *gauge = arg;
	int64_t now = metric_gauge_value(gauge->gets);

	if (now > gauge->most)
		gauge->most = now;
	if (gauge->most >= FULL && now < gauge->low)
		gauge->low = now;
	if (now >= FULL) {
		if (gauge->low < gauge->least || gauge->least == 0)
			gauge->least = gauge->low < now ? gauge->low : now;
		gauge->low = now;
	}
	timer_start(&gauge->timer, gauge->loop, LOOK_MS, on_look, gauge);
}

void gauge_start(struct gauge *gauge, struct loop *loop)
{
	gauge->loop = loop;
	gauge->low = FULL;
	gauge->gets = metric_gauge("byway_gets", NULL, "");
	on_look(gauge);
}

void gauge_stop(struct gauge *gauge)
{
	timer_stop(&gauge->timer);
}
