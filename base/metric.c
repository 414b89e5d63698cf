/* SPDX-License-Identifier: MIT */
#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

/*
 *            cell 0   cell 1   cell 2 ...     a series has one cell (counter,
 * thread 0 [        |        |        |  ]    gauge) or several (histogram:
 * thread 1 [        |        |        |  ]    buckets, then the sum); its
 *   ...                                       value is the sum of a column
 *
 * Rows lie on pages of their own: writers never share a cache line.
 */
#define CELLS 8192u

enum type { COUNTER, GAUGE, HISTOGRAM };

struct metric {
	struct metric *next;	/* of the same family */
	char *labels;		/* NULL: none */
	unsigned cell;
	const double *bounds;	/* the family's */
	unsigned bound_cnt;
};

struct family {
	struct family *next;
	char *name;
	char *help;
	enum type type;
	double *bounds;
	unsigned bound_cnt;
	struct metric *first;
	struct metric **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families;			/* LOCK: lock */
static struct family **families_end = &families; /* LOCK: lock */
static unsigned cells_used;			/* LOCK: lock */
static _Atomic uint64_t *cells;			/* set once */

/* Rows: the fixed threads, the unnamed ones together, then the workers. */
enum { ROW_CONTROL, ROW_STORE, ROW_ADMIN, ROW_FETCH, ROW_SHARED, ROW_WORKER };

static unsigned row(void)
{
	unsigned index;

	switch (loop_kind()) {
	case LOOP_CONTROL:
		return ROW_CONTROL;
	case LOOP_STORE:
		return ROW_STORE;
	case LOOP_ADMIN:
		return ROW_ADMIN;
	case LOOP_FETCH:
		return ROW_FETCH;
	case LOOP_WORKER:
		index = ROW_WORKER + loop_index();
		return index < METRIC_THREADS ? index : ROW_SHARED;
	case LOOP_ANY:
		break;
	}
	return ROW_SHARED;
}

static _Atomic uint64_t *cell_of(unsigned r, unsigned cell)
{
	return &cells[(size_t)r * CELLS + cell];
}

static void cell_add(unsigned cell, uint64_t n)
{
	unsigned r = row();
	_Atomic uint64_t *c = cell_of(r, cell);

	if (r == ROW_SHARED) {
		atomic_fetch_add_explicit(c, n, memory_order_relaxed);
		return;
	}
	atomic_store_explicit(
		c, atomic_load_explicit(c, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static uint64_t cell_sum(unsigned cell)
{
	uint64_t sum = 0;
	unsigned r;

	for (r = 0; r < METRIC_THREADS; r++)
		sum += atomic_load_explicit(cell_of(r, cell),
					    memory_order_relaxed);
	return sum;
}

static double as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t as_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void cell_add_double(unsigned cell, double n)
{
	_Atomic uint64_t *c = cell_of(row(), cell);
	uint64_t old = atomic_load_explicit(c, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(
		c, &old, as_bits(as_double(old) + n), memory_order_relaxed,
		memory_order_relaxed))
		;
}

static double cell_sum_double(unsigned cell)
{
	double sum = 0;
	unsigned r;

	for (r = 0; r < METRIC_THREADS; r++)
		sum += as_double(atomic_load_explicit(cell_of(r, cell),
						      memory_order_relaxed));
	return sum;
}

/* ---- making ---- */

static void cells_make(void)
{
	size_t len = sizeof(*cells) * CELLS * METRIC_THREADS;
	void *mem;

	if (cells)
		return;
	/* Pages that no thread counts in stay untouched. */
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED) {
		log_error(NULL, "metric: out of memory");
		abort();
	}
	cells = mem;
}

static struct family *family_get(const char *name, const char *help,
				 enum type type)
{
	struct family *family;

	for (family = families; family; family = family->next)
		if (strcmp(family->name, name) == 0)
			return family;
	family = xzalloc(sizeof(*family));
	family->name = xstrdup(name);
	family->help = xstrdup(help ? help : "");
	family->type = type;
	family->last = &family->first;
	*families_end = family;
	families_end = &family->next;
	return family;
}

static bool same_labels(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct metric *series_get(struct family *family, const char *labels)
{
	/* +Inf and the sum of a histogram */
	unsigned need = family->type == HISTOGRAM ? family->bound_cnt + 2 : 1;
	struct metric *metric;

	for (metric = family->first; metric; metric = metric->next)
		if (same_labels(metric->labels, labels))
			return metric;
	if (cells_used + need > CELLS) {
		log_error(NULL, "metric: more than %u series", CELLS);
		abort();
	}
	metric = xzalloc(sizeof(*metric));
	metric->labels = xstrdup(labels);
	metric->cell = cells_used;
	metric->bounds = family->bounds;
	metric->bound_cnt = family->bound_cnt;
	cells_used += need;
	*family->last = metric;
	family->last = &metric->next;
	return metric;
}

static struct metric *make(const char *name, const char *labels,
			   const char *help, enum type type)
{
	struct metric *metric;

	if (labels && !*labels)
		labels = NULL;
	pthread_mutex_lock(&lock);
	cells_make();
	metric = series_get(family_get(name, help, type), labels);
	pthread_mutex_unlock(&lock);
	return metric;
}

struct metric *metric_counter(const char *name, const char *labels,
			      const char *help)
{
	return make(name, labels, help, COUNTER);
}

struct metric *metric_gauge(const char *name, const char *labels,
			    const char *help)
{
	return make(name, labels, help, GAUGE);
}

struct metric *metric_histogram(const char *name, const char *labels,
				const char *help, const double *bounds,
				unsigned count)
{
	struct family *family;
	struct metric *metric;

	if (labels && !*labels)
		labels = NULL;
	pthread_mutex_lock(&lock);
	cells_make();
	family = family_get(name, help, HISTOGRAM);
	if (!family->bounds) {
		family->bounds = xmemdup(bounds, count * sizeof(*bounds));
		family->bound_cnt = count;
	}
	metric = series_get(family, labels);
	pthread_mutex_unlock(&lock);
	return metric;
}

/* ---- counting ---- */

void metric_add(struct metric *metric, uint64_t n)
{
	cell_add(metric->cell, n);
}

void metric_gauge_add(struct metric *metric, int64_t n)
{
	cell_add(metric->cell, (uint64_t)n);
}

void metric_gauge_set(struct metric *metric, int64_t value)
{
	atomic_store_explicit(cell_of(ROW_SHARED, metric->cell),
			      (uint64_t)value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, double value)
{
	unsigned i = 0;

	while (i < metric->bound_cnt && value > metric->bounds[i])
		i++;
	cell_add(metric->cell + i, 1);
	cell_add_double(metric->cell + metric->bound_cnt + 1, value);
}

uint64_t metric_value(const struct metric *metric)
{
	return cell_sum(metric->cell);
}

int64_t metric_gauge_value(const struct metric *metric)
{
	return (int64_t)cell_sum(metric->cell);
}

/* ---- printing ---- */

static void print_histogram(struct buf *out, const struct family *family,
			    const struct metric *metric)
{
	const char *labels = metric->labels ? metric->labels : "";
	const char *comma = metric->labels ? "," : "";
	const char *open = metric->labels ? "{" : "";
	const char *shut = metric->labels ? "}" : "";
	uint64_t count = 0;
	unsigned i;

	for (i = 0; i < metric->bound_cnt; i++) {
		count += cell_sum(metric->cell + i);
		(void)buf_printf(out, "riptide_%s_bucket{%s%sle=\"%g\"} %llu\n",
				 family->name, labels, comma,
				 metric->bounds[i], (unsigned long long)count);
	}
	count += cell_sum(metric->cell + i);
	(void)buf_printf(out, "riptide_%s_bucket{%s%sle=\"+Inf\"} %llu\n",
			 family->name, labels, comma,
			 (unsigned long long)count);
	(void)buf_printf(out, "riptide_%s_sum%s%s%s %.9g\n", family->name,
			 open, labels, shut,
			 cell_sum_double(metric->cell + i + 1));
	(void)buf_printf(out, "riptide_%s_count%s%s%s %llu\n", family->name,
			 open, labels, shut, (unsigned long long)count);
}

static void print_series(struct buf *out, const struct family *family,
			 const struct metric *metric)
{
	(void)buf_printf(out, "riptide_%s%s%s%s ", family->name,
			 metric->labels ? "{" : "",
			 metric->labels ? metric->labels : "",
			 metric->labels ? "}" : "");
	if (family->type == GAUGE)
		(void)buf_printf(out, "%lld\n",
				 (long long)metric_gauge_value(metric));
	else
		(void)buf_printf(out, "%llu\n",
				 (unsigned long long)metric_value(metric));
}

void metric_print(struct buf *out)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	const struct family *family;
	const struct metric *metric;

	pthread_mutex_lock(&lock);
	for (family = families; family; family = family->next) {
		(void)buf_printf(out,
				 "# HELP riptide_%s %s\n"
				 "# TYPE riptide_%s %s\n",
				 family->name, family->help, family->name,
				 types[family->type]);
		for (metric = family->first; metric; metric = metric->next) {
			if (family->type == HISTOGRAM)
				print_histogram(out, family, metric);
			else
				print_series(out, family, metric);
		}
	}
	pthread_mutex_unlock(&lock);
}

void metric_reset(void)
{
	struct family *family;
	struct metric *metric;
	unsigned r;

	pthread_mutex_lock(&lock);
	while ((family = families)) {
		families = family->next;
		while ((metric = family->first)) {
			family->first = metric->next;
			free(metric->labels);
			free(metric);
		}
		free(family->name);
		free(family->help);
		free(family->bounds);
		free(family);
	}
	families_end = &families;
	for (r = 0; cells && r < METRIC_THREADS; r++)
		memset((void *)cell_of(r, 0), 0, cells_used * sizeof(*cells));
	cells_used = 0;
	pthread_mutex_unlock(&lock);
}
