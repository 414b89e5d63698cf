/* SPDX-License-Identifier: MIT */
#include "gateway/tally.h"

#include <stdio.h>

#include "base/loop.h"
#include "base/metric.h"
#include "gateway/session_impl.h"

enum result { RESULT_ANSWERED, RESULT_REFUSED, RESULT_CANCELLED, RESULT_CNT };

static const char *const result_names[RESULT_CNT] = { "answered", "refused",
						      "cancelled" };
static const char *const dir_names[2] = { "ript-to-sip", "sip-to-ript" };

static struct {
	struct metric *living, *total[RESULT_CNT], *setup, *duration;
} of_dir[2];
static struct metric *one_way, *silent;

static void make_dir(unsigned dir)
{
	static const double setup[] = { 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
					0.5,   1,    2,	   5,	 10 };
	static const double duration[] = { 1,  5,   10,	 30,   60,
					   180, 600, 1800, 3600, 14400 };
	char labels[80];

	for (unsigned i = 0; i < RESULT_CNT; i++) {
		snprintf(labels, sizeof(labels), "dir=\"%s\",result=\"%s\"",
			 dir_names[dir], result_names[i]);
		of_dir[dir].total[i] = metric_counter(
			"calls_total", labels, "Calls that have ended.");
	}
	snprintf(labels, sizeof(labels), "dir=\"%s\"", dir_names[dir]);
	of_dir[dir].living = metric_gauge("calls_active", labels,
					  "Calls that live now.");
	of_dir[dir].setup = metric_histogram(
		"call_setup_seconds", labels,
		"From the caller's request until ringing, or the answer.",
		setup, sizeof(setup) / sizeof(setup[0]));
	of_dir[dir].duration = metric_histogram(
		"call_duration_seconds", labels,
		"From the answer to the end.", duration,
		sizeof(duration) / sizeof(duration[0]));
}

void tally_calls(void)
{
	make_dir(0);
	make_dir(1);
	one_way = metric_counter("one_way_calls_total", NULL,
				 "Answered calls with media from one side "
				 "alone.");
	silent = metric_counter("silent_calls_total", NULL,
				"Answered calls without any media.");
}

static unsigned dir_of(const struct session *s)
{
	return s->sip_caller ? 1 : 0;
}

void tally_begun(const struct session *s)
{
	metric_gauge_add(of_dir[dir_of(s)].living, 1);
}

static void observe_setup(const struct session *s)
{
	uint64_t ns = loop_now_ns(s->owner->config.loop) - s->begun_ns;

	metric_observe(of_dir[dir_of(s)].setup, (double)ns / 1e9);
}

void tally_ringing(const struct session *s)
{
	observe_setup(s);
}

void tally_answered(const struct session *s)
{
	if (!s->ringing_ms)
		observe_setup(s);
}

static enum result result_of(const struct session *s)
{
	if (s->answered_ms)
		return RESULT_ANSWERED;
	return s->cause.reason == REASON_CANCELLED ? RESULT_CANCELLED
						   : RESULT_REFUSED;
}

void tally_ended(const struct session *s)
{
	bool heard_sip = s->stats.from_rtp.packets > 0;
	bool heard_ript = s->stats.from_ript.packets > 0;
	unsigned dir = dir_of(s);

	metric_gauge_add(of_dir[dir].living, -1);
	metric_inc(of_dir[dir].total[result_of(s)]);
	if (!s->answered_ms)
		return;
	if (s->ended_ms >= s->answered_ms)
		metric_observe(of_dir[dir].duration,
			       (double)(s->ended_ms - s->answered_ms) / 1000);
	if (!heard_sip && !heard_ript)
		metric_inc(silent);
	else if (!heard_sip || !heard_ript)
		metric_inc(one_way);
}
