/* SPDX-License-Identifier: MIT */
#include "base/dns_order.h"

#include "base/text.h"

static void swap(struct dns_target *a, struct dns_target *b)
{
	struct dns_target c = *a;

	*a = *b;
	*b = c;
}

/* The one of @count targets of equal priority that comes first. */
static unsigned pick(const struct dns_target *target, unsigned count)
{
	uint64_t total = 0, at;
	unsigned i;

	/* Weight 0 has a very small chance, not none: counts as one part of
	 * what 65536 parts are for the others. */
	for (i = 0; i < count; i++)
		total += target[i].weight ? (uint64_t)target[i].weight << 16
					  : 1;
	random_bytes(&at, sizeof(at));
	at %= total;
	for (i = 0; i + 1 < count; i++) {
		uint64_t part = target[i].weight
					? (uint64_t)target[i].weight << 16
					: 1;

		if (at < part)
			break;
		at -= part;
	}
	return i;
}

void dns_order(struct dns_target *target, unsigned count)
{
	unsigned i, k, same;

	for (i = 0; i < count; i++) {
		/* Everything of the lowest priority to the front. */
		for (k = i + 1; k < count; k++)
			if (target[k].priority < target[i].priority)
				swap(&target[i], &target[k]);
		same = i + 1;
		for (k = i + 1; k < count; k++)
			if (target[k].priority == target[i].priority)
				swap(&target[same++], &target[k]);
		swap(&target[i], &target[i + pick(target + i, same - i)]);
	}
}
