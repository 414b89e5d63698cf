/* SPDX-License-Identifier: MIT */
/*
 * riptcall/lab.h - lab.json of `riptide init --lab` as options.
 *
 * Owner:  the options.
 * Loop:   none.
 */
#ifndef RIPTIDE_RIPTCALL_LAB_H
#define RIPTIDE_RIPTCALL_LAB_H

struct options;

/* Fill what the command line has left open.  Returns 0 or EINVAL, *@why a
 * sentence (malloc'ed). */
int lab_options(struct options *options, const char *file, char **why);
/* A number of the first pattern of @origins, malloc'ed. */
char *lab_caller(const struct options *options);

#endif
