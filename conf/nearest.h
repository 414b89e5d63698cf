/* SPDX-License-Identifier: MIT */
/*
 * conf/nearest.h - "did you mean": the known word that is nearest to a
 * misspelt one.
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_CONF_NEAREST_H
#define RIPTIDE_CONF_NEAREST_H

struct nearest {
	const char *word;	/* as it was written */
	const char *best;	/* nearest so far; NULL: none is near */
	unsigned distance;
};

void nearest_init(struct nearest *nearest, const char *word);
/* Offer a known word; it must live as long as @nearest. */
void nearest_offer(struct nearest *nearest, const char *known);

#endif
