/* SPDX-License-Identifier: MIT */
/*
 * ript/claims.h - the two JSON halves of a PASSporT, without its signature.
 *
 *   header  {"alg":"ES256","typ":"passport","x5u":"https://..."}
 *   claims  {"dest":{"tn":["14089529999"]},"iat":1581103341,
 *            "orig":{"tn":"14085551000"}}
 *
 * We print the canonical form of RFC 8225 section 9: members sorted, no
 * white space.  What we read may be ordered in any way.
 *
 * Owner:  the caller.
 * Loop:   any; no state.
 * Spec:   RFC 7515, 8225, 8588; Q25, Q79.
 */
#ifndef RIPTIDE_RIPT_CLAIMS_H
#define RIPTIDE_RIPT_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ript/passport.h"

#define CLAIMS_X5U_LEN 1024
#define CLAIMS_DESTS 100
#define CLAIMS_FRESH_S 60

struct claims_head {
	char x5u[CLAIMS_X5U_LEN + 1];
	bool shaken;		/* ppt shaken: attest and origid are needed */
};

/* Returns 0, or EACCES with a stable *@reason: "passport-unparsable",
 * "passport-crit", "passport-algorithm", "passport-type", "passport-x5u". */
int claims_parse_head(struct claims_head *out, const void *json, size_t len,
		      const char **reason);

/* Claims that must be for @destination and fresh at @now_s.  Returns 0, or
 * EACCES with *@reason: "passport-unparsable", "passport-stale",
 * "passport-dest". */
int claims_parse(struct passport_claims *out, const struct claims_head *head,
		 const void *json, size_t len, const char *destination,
		 uint64_t now_s, const char **reason);

/* Canonical texts, malloc'ed.  @orig and @dest are "+digits" or addresses. */
char *claims_print_head(const char *x5u);
char *claims_print(const char *orig, const char *dest, uint64_t iat_s);

#endif
