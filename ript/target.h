/* SPDX-License-Identifier: MIT */
/*
 * ript/target.h - names of resources: which one a path means, and how a URI
 * of ours is taken apart.  Pure functions.
 *
 * Owner:  plain structs.
 * Loop:   any.
 * Spec:   C/n "Bootstrapping"; profile section 4, Q4.
 */
#ifndef RIPTIDE_RIPT_TARGET_H
#define RIPTIDE_RIPT_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define RIPT_WELL_KNOWN "/.well-known/ript"
#define RIPT_ROOT RIPT_WELL_KNOWN "/v1"
#define RIPT_TGS RIPT_ROOT "/providertgs"
#define RIPT_ID_LEN 128		/* longest path segment of ours */

enum target_kind {
	TARGET_FOREIGN,		/* not below RIPT_WELL_KNOWN */
	TARGET_UNVERSIONED,	/* below it, but no version: moved */
	TARGET_PROBLEM,		/* id */
	TARGET_UNKNOWN,		/* below RIPT_ROOT, but nothing */
	TARGET_PROVIDERTGS,
	TARGET_TG,		/* tg */
	TARGET_HANDLERS,	/* tg */
	TARGET_HANDLER,		/* tg, id */
	TARGET_CALLS,		/* tg */
	TARGET_CALL,		/* tg, id */
	TARGET_CALL_EVENTS,	/* tg, id */
	TARGET_CALL_MEDIA,	/* tg, id */
};

struct target {
	enum target_kind kind;
	char tg[RIPT_ID_LEN + 1];
	char id[RIPT_ID_LEN + 1];
};

void target_parse(struct target *out, const char *path);

/* Whether @id may be a segment: unreserved characters of RFC 3986 only. */
bool target_id_valid(const char *id);

/* The parts of "https://authority/path"; borrowed from the text. */
struct https_uri {
	const char *authority;
	size_t authority_len;
	const char *path;
};

/* Returns 0; EINVAL: not https, no authority, no path, user information. */
int https_uri_parse(struct https_uri *out, const char *text);
/* Same host without case, same port, 443 where none is given. */
bool authority_equal(const char *a, size_t a_len, const char *b,
		     size_t b_len);

#endif
