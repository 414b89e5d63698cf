/* SPDX-License-Identifier: MIT */
#include "bench/print.h"

#include <stdio.h>

static void print_way(const char *name, const struct meter *meter)
{
	printf("\"%s_p50_us\":%.0f,\"%s_p99_us\":%.0f,\"%s_max_us\":%.0f,",
	       name, meter_us(meter, 0.5), name, meter_us(meter, 0.99), name,
	       (double)meter->max_ns / 1000);
}

static struct meter sum(const struct meter *a, const struct meter *b)
{
	struct meter both = *a;
	unsigned i;

	for (i = 0; i < METER_BUCKETS; i++)
		both.bucket[i] += b->bucket[i];
	both.count += b->count;
	if (b->max_ns > both.max_ns)
		both.max_ns = b->max_ns;
	return both;
}

void print_report(const char *side, unsigned calls,
		  const struct load_report *r, const struct usage *idle)
{
	struct meter both = sum(&r->a_to_b, &r->b_to_a);
	uint64_t lost = r->sent > r->received ? r->sent - r->received : 0;

	printf("{\"side\":\"%s\",\"calls\":%u,\"seconds\":%.3f,", side, calls,
	       r->seconds);
	printf("\"sent\":%llu,\"received\":%llu,\"lost\":%llu,"
	       "\"duplicates\":%llu,\"foreign\":%llu,\"send_errors\":%llu,",
	       (unsigned long long)r->sent, (unsigned long long)r->received,
	       (unsigned long long)lost, (unsigned long long)r->duplicates,
	       (unsigned long long)r->foreign,
	       (unsigned long long)r->send_errors);
	printf("\"loss\":%.6f,",
	       r->sent ? (double)lost / (double)r->sent : 0.0);
	print_way("a_to_b", &r->a_to_b);
	print_way("b_to_a", &r->b_to_a);
	print_way("both", &both);
	printf("\"user_s\":%.2f,\"system_s\":%.2f,\"cpu_us_per_packet\":%.3f,",
	       r->used.user_s, r->used.system_s,
	       r->sent ? (r->used.user_s + r->used.system_s) * 1e6 /
				 (double)r->sent
		       : 0.0);
	printf("\"pss_idle_kb\":%llu,\"pss_kb\":%llu,\"kb_per_call\":%.1f,",
	       (unsigned long long)idle->pss_kb,
	       (unsigned long long)r->used.pss_kb,
	       ((double)r->used.pss_kb - (double)idle->pss_kb) /
		       (double)calls);
	printf("\"overruns\":%llu,\"late\":%llu,\"late_max_ms\":%.1f,"
	       "\"fell_behind\":%s}\n",
	       (unsigned long long)r->overruns, (unsigned long long)r->late,
	       r->late_max_ms, r->fell_behind ? "true" : "false");
}
