/* SPDX-License-Identifier: MIT */
#include "gateway/admit.h"

#include <string.h>

#define TOKEN 1000u		/* millitokens of one call */

void admit_init(struct admit *admit, unsigned calls, unsigned per_second)
{
	memset(admit, 0, sizeof(*admit));
	admit->calls = calls;
	admit->per_second = per_second;
	admit->millitokens = (uint64_t)per_second * TOKEN;
}

static void fill(struct admit *admit, uint64_t now_ns)
{
	uint64_t full = (uint64_t)admit->per_second * TOKEN;
	uint64_t elapsed_us, more;

	if (now_ns <= admit->filled_ns)
		return;
	elapsed_us = (now_ns - admit->filled_ns) / 1000;
	if (elapsed_us >= 1000000) {
		admit->millitokens = full;
		admit->filled_ns = now_ns;
		return;
	}
	more = elapsed_us * full / 1000000;
	if (!more)
		return;		/* leave the fraction to the next time */
	admit->millitokens += more;
	if (admit->millitokens > full)
		admit->millitokens = full;
	admit->filled_ns = now_ns;
}

enum admit_verdict admit_take(struct admit *admit, uint64_t now_ns)
{
	if (admit->calls && admit->living >= admit->calls)
		return ADMIT_CALLS;
	if (admit->per_second) {
		fill(admit, now_ns);
		if (admit->millitokens < TOKEN)
			return ADMIT_RATE;
		admit->millitokens -= TOKEN;
	}
	admit->living++;
	return ADMIT_OK;
}

void admit_give(struct admit *admit)
{
	if (admit->living)
		admit->living--;
}
