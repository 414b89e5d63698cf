/* SPDX-License-Identifier: MIT */
/*
 * base/number.h - telephone numbers and the patterns that name sets of them.
 *
 * A pattern is an exact number, a prefix and '*', a lone '*', or '*@domain'
 * (decision Q14 of the profile, Q30 for what a number is).
 *
 * Owner:  number_set_free() by whoever filled it.
 * Loop:   any; a set is read-only once filled.
 */
#ifndef RIPTIDE_BASE_NUMBER_H
#define RIPTIDE_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_LEN 255		/* longest destination that is accepted */

/* Whether @text is E.164 with '+': ^\+[1-9][0-9]{1,14}$ */
bool number_is_e164(const char *text);
/* E.164 or something with a user and a domain around one '@'; a "+digits"
 * user part is not allowed (CA-09). */
bool number_is_destination(const char *text);

struct number_set {
	char **allow;
	size_t allow_cnt;
	char **except;
	size_t except_cnt;
};

/* Whether @pattern is well formed. */
bool number_pattern_valid(const char *pattern);
bool number_pattern_match(const char *pattern, const char *number);

/* Add a pattern (copied).  Returns 0 or EINVAL. */
int number_set_allow(struct number_set *set, const char *pattern);
int number_set_except(struct number_set *set, const char *pattern);
/* In the set: an allow pattern matches and no except pattern does. */
bool number_set_match(const struct number_set *set, const char *number);
/* Whether everything that @inner can match lies within @outer. */
bool number_set_within(const struct number_set *inner,
		       const struct number_set *outer);
void number_set_copy(struct number_set *to, const struct number_set *from);
void number_set_free(struct number_set *set);

#endif
