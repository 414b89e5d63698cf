/* SPDX-License-Identifier: MIT */
/*
 * base/metric.h - counters and gauges, per thread, summed when read.
 *
 * Every series is made at start, so that it exists before it first counts.
 * A counter is a slot per thread: adding is one plain store of the owning
 * thread (relaxed atomic), no lock and no shared cache line on the way of a
 * packet.
 *
 * Owner:  the process; nothing is freed before metric_reset().
 * Loop:   making at start on one thread; adding anywhere; printing anywhere.
 */
#ifndef RIPTIDE_BASE_METRIC_H
#define RIPTIDE_BASE_METRIC_H

#include <stdint.h>

struct buf;
struct metric;

#define METRIC_THREADS 64	/* worker index and the fixed threads */

/*
 * The series @name{@labels} of a counter or a gauge; the same one again when
 * it exists.  @name without the prefix "riptide_"; counters end in _total.
 * @labels is `reason="x",dir="in"` or NULL.  All texts are copied.
 */
struct metric *metric_counter(const char *name, const char *labels,
			      const char *help);
struct metric *metric_gauge(const char *name, const char *labels,
			    const char *help);

/* A histogram with the upper bounds @bounds (@count of them, ascending). */
struct metric *metric_histogram(const char *name, const char *labels,
				const char *help, const double *bounds,
				unsigned count);

void metric_add(struct metric *metric, uint64_t n);
static inline void metric_inc(struct metric *metric)
{
	metric_add(metric, 1);
}
void metric_gauge_add(struct metric *metric, int64_t n);
void metric_gauge_set(struct metric *metric, int64_t value); /* one writer */
void metric_observe(struct metric *metric, double value);

/* Sum over the threads. */
uint64_t metric_value(const struct metric *metric);
int64_t metric_gauge_value(const struct metric *metric);

/* Everything in the Prometheus text format 0.0.4. */
void metric_print(struct buf *out);

/* For tests: forget all series. */
void metric_reset(void);

#endif
