/* SPDX-License-Identifier: MIT */
/*
 * ript/problem.h - the problems that a RIPT server answers with: names,
 * statuses, titles, bodies, and the page behind each `type`.
 *
 * Owner:  a constant table.
 * Loop:   any.
 * Spec:   RFC 9457; profile section 4, Q29, Q77.
 */
#ifndef RIPTIDE_RIPT_PROBLEM_H
#define RIPTIDE_RIPT_PROBLEM_H

#include "base/buf.h"

struct problem {
	const char *name;	/* last segment of `type` */
	int status;
	const char *title;
	const char *text;	/* for the page: what it means, what to do */
};

/* The row called @name; NULL if there is none. */
const struct problem *problem_find(const char *name);
/* All rows, ended by a NULL name. */
const struct problem *problem_table(void);

/* Append the body.  @name may be one that the table does not know; @detail
 * and @instance may be NULL. */
void problem_print(struct buf *out, int status, const char *name,
		   const char *detail, const char *instance);
/* Append the page of @problem, text/plain. */
void problem_page(struct buf *out, const struct problem *problem);

#endif
