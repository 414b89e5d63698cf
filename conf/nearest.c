/* SPDX-License-Identifier: MIT */
#include "conf/nearest.h"

#include <string.h>

#define NEAREST_LEN 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Edits that turn @a into @b: insert, delete, replace, swap neighbours. */
static unsigned distance(const char *a, size_t a_len, const char *b,
			 size_t b_len)
{
	unsigned row[3][NEAREST_LEN + 1];
	size_t i, k;

	for (k = 0; k <= b_len; k++)
		row[0][k] = (unsigned)k;
	for (i = 1; i <= a_len; i++) {
		unsigned *now = row[i % 3], *last = row[(i - 1) % 3];

		now[0] = (unsigned)i;
		for (k = 1; k <= b_len; k++) {
			now[k] = min3(last[k] + 1, now[k - 1] + 1,
				      last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] &&
			    row[(i - 2) % 3][k - 2] + 1 < now[k])
				now[k] = row[(i - 2) % 3][k - 2] + 1;
		}
	}
	return row[a_len % 3][b_len];
}

void nearest_init(struct nearest *nearest, const char *word)
{
	nearest->word = word;
	nearest->best = NULL;
	nearest->distance = 0;
}

void nearest_offer(struct nearest *nearest, const char *known)
{
	size_t a = strlen(nearest->word), b = strlen(known);
	unsigned d;

	if (a > NEAREST_LEN || b > NEAREST_LEN)
		return;
	d = distance(nearest->word, a, known, b);
	/* A third of the letters may differ, a single one always. */
	if (d > 1 && d > a / 3)
		return;
	if (!nearest->best || d < nearest->distance) {
		nearest->best = known;
		nearest->distance = d;
	}
}
