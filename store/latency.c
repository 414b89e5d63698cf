/* SPDX-License-Identifier: MIT */
#include "store/latency.h"

#include <string.h>

#define HALF_MINUTE_NS UINT64_C(30000000000)

/* Four buckets to a power of two: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16 */
static unsigned bucket_of(uint64_t us)
{
	unsigned log2, bucket;

	if (us < 4)
		return (unsigned)us;
	log2 = 63u - (unsigned)__builtin_clzll(us);
	bucket = (log2 - 1) * 4 + (unsigned)(us >> (log2 - 2) & 3);
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The largest value in @bucket. */
static uint64_t bucket_top(unsigned bucket)
{
	unsigned shift;

	if (bucket < 8)
		return bucket;
	shift = bucket / 4 - 1;
	return ((4 + (uint64_t)(bucket & 3) + 1) << shift) - 1;
}

static void roll(struct latency *latency, uint64_t now_ns)
{
	uint64_t age = now_ns - latency->since_ns;

	if (now_ns < latency->since_ns || age < HALF_MINUTE_NS)
		return;
	if (age < 2 * HALF_MINUTE_NS)
		memcpy(latency->before, latency->now, sizeof(latency->now));
	else
		memset(latency->before, 0, sizeof(latency->before));
	memset(latency->now, 0, sizeof(latency->now));
	latency->since_ns = now_ns;
}

void latency_add(struct latency *latency, uint64_t us, uint64_t now_ns)
{
	roll(latency, now_ns);
	latency->now[bucket_of(us)]++;
}

uint64_t latency_percentile(struct latency *latency, unsigned percent,
			    uint64_t now_ns)
{
	uint64_t total = 0, below = 0, want;
	unsigned i;

	roll(latency, now_ns);
	for (i = 0; i < LATENCY_BUCKETS; i++)
		total += (uint64_t)latency->now[i] + latency->before[i];
	if (!total)
		return 0;
	want = (total * percent + 99) / 100;
	for (i = 0; i < LATENCY_BUCKETS - 1; i++) {
		below += (uint64_t)latency->now[i] + latency->before[i];
		if (below >= want)
			break;
	}
	return bucket_top(i);
}
