/* SPDX-License-Identifier: MIT */
/*
 * conf/reader.h - one reading of a configuration: the tree becomes struct
 * conf, and whatever is wrong is gathered with its line.
 *
 * Owner:  conf_load_text(), for its own time.
 * Loop:   any.
 */
#ifndef RIPTIDE_CONF_READER_H
#define RIPTIDE_CONF_READER_H

#include <stdbool.h>

#include "conf/conf.h"

struct tree;

struct reader {
	struct conf *conf;
	const char *name;	/* of the file, for messages */
	char *dir;		/* where relative paths start */
	bool files;		/* look at files */
	struct problem *problem;
	unsigned problem_cnt;
	struct place *place;	/* lines of what was written */
	unsigned place_cnt;
};

void reader_init(struct reader *r, struct conf *conf, const char *name,
		 bool files);
/* Read @root into conf: keys, types, limits, defaults, needed keys. */
void reader_walk(struct reader *r, const struct tree *root);
/* The problems in the order of their lines. */
void reader_report(const struct reader *r, struct conf_problems *out);
void reader_free(struct reader *r);

/* Something is wrong with @path ("": the whole file) in @line. */
void problem(struct reader *r, unsigned line, const char *path,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same where only the path is known: the line of the nearest thing above
 * it that was written. */
void problem_at(struct reader *r, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what should be there: silent when @path was written, because
 * then what is wrong with it was said. */
void missing(struct reader *r, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of a scalar with ${...} put in, malloc'ed; NULL: a problem was
 * said. */
char *reader_text(struct reader *r, const struct tree *node,
		  const char *path);
/* What stands in messages behind the path: "trunks.pbx: value". */
const char *reader_shown(const struct tree *node, bool secret);

/* conf/verify.c: what more than one key must agree on. */
void reader_verify(struct reader *r);

#endif
