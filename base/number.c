/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

bool number_is_e164(const char *text)
{
	size_t digits;

	if (text[0] != '+' || text[1] < '1' || text[1] > '9')
		return false;
	digits = strspn(text + 1, "0123456789");
	return digits >= 2 && digits <= 15 && text[1 + digits] == '\0';
}

/* Visible ASCII or UTF-8, none of which ends a URI or a header field. */
static bool plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == 0x7f || strchr("<>\"\\@*", c))
			return false;
	}
	return len > 0;
}

static bool is_domain(const char *text)
{
	const char *p;

	if (!*text || *text == '.' || strstr(text, ".."))
		return false;
	for (p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".-_:[]", *p) &&
		    !((unsigned char)*p & 0x80))
			return false;
	return true;
}

bool number_is_destination(const char *text)
{
	const char *at;
	size_t user;

	if (strlen(text) > NUMBER_LEN)
		return false;
	if (number_is_e164(text))
		return true;
	at = strchr(text, '@');
	if (!at)
		return false;
	user = (size_t)(at - text);
	if (!plain(text, user) || !is_domain(at + 1))
		return false;
	/* A number in another's clothes: "+1408@x" is neither (CA-09). */
	return text[0] != '+' || strspn(text + 1, "0123456789") + 1 < user;
}

bool number_pattern_valid(const char *pattern)
{
	size_t len = strlen(pattern);

	if (!len || len > NUMBER_LEN)
		return false;
	if (strcmp(pattern, "*") == 0)
		return true;
	if (strncmp(pattern, "*@", 2) == 0)
		return is_domain(pattern + 2);
	if (pattern[len - 1] == '*')
		return plain(pattern, len - 1);
	return plain(pattern, len) || number_is_destination(pattern);
}

/* Two destinations are the same: domains match without case. */
static bool same_number(const char *a, const char *b)
{
	const char *at = strchr(a, '@');
	size_t user;

	if (!at)
		return strcmp(a, b) == 0;
	user = (size_t)(at - a) + 1;
	return strncmp(a, b, user) == 0 && strcasecmp(a + user, b + user) == 0;
}

/* "+1408*" names telephone numbers: nothing with a domain is in it. */
static bool number_prefix(const char *pattern)
{
	size_t digits = strspn(pattern + 1, "0123456789");

	return pattern[0] == '+' && strcmp(pattern + 1 + digits, "*") == 0;
}

bool number_pattern_match(const char *pattern, const char *number)
{
	size_t len = strlen(pattern);
	const char *at = strchr(number, '@');

	if (!len || !*number)
		return false;
	if (strncmp(pattern, "*@", 2) == 0)
		return at && at != number && strcasecmp(at, pattern + 1) == 0;
	if (pattern[len - 1] == '*')
		return strncmp(pattern, number, len - 1) == 0 &&
		       !(at && number_prefix(pattern));
	return same_number(pattern, number);
}

/* Whether whatever @inner matches is matched by @outer too. */
static bool pattern_within(const char *inner, const char *outer)
{
	size_t inner_len = strlen(inner), outer_len = strlen(outer);

	if (strcmp(outer, "*") == 0)
		return true;
	if (strncmp(inner, "*@", 2) == 0)
		return strcasecmp(inner, outer) == 0;
	if (inner[inner_len - 1] != '*')
		return number_pattern_match(outer, inner);
	/* A prefix lies only within a prefix that is no longer. */
	return strncmp(outer, "*@", 2) != 0 && outer[outer_len - 1] == '*' &&
	       strncmp(inner, outer, outer_len - 1) == 0 &&
	       inner_len >= outer_len &&
	       (number_prefix(inner) || !number_prefix(outer));
}

/* Whether some number may match both. */
static bool pattern_overlap(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t shorter;

	if (pattern_within(a, b) || pattern_within(b, a))
		return true;
	if (strncmp(a, "*@", 2) == 0 && strncmp(b, "*@", 2) == 0)
		return false;
	if (strncmp(a, "*@", 2) == 0)
		return b[b_len - 1] == '*' && !number_prefix(b);
	if (strncmp(b, "*@", 2) == 0)
		return a[a_len - 1] == '*' && !number_prefix(a);
	if (a[a_len - 1] != '*' || b[b_len - 1] != '*')
		return false;
	shorter = a_len < b_len ? a_len - 1 : b_len - 1;
	return strncmp(a, b, shorter) == 0;
}

static int add(char ***listp, size_t *cntp, const char *pattern)
{
	if (!number_pattern_valid(pattern))
		return EINVAL;
	*listp = xrealloc(*listp, (*cntp + 1) * sizeof(**listp));
	(*listp)[(*cntp)++] = xstrdup(pattern);
	return 0;
}

int number_set_allow(struct number_set *set, const char *pattern)
{
	return add(&set->allow, &set->allow_cnt, pattern);
}

int number_set_except(struct number_set *set, const char *pattern)
{
	return add(&set->except, &set->except_cnt, pattern);
}

static bool any_match(char *const *list, size_t cnt, const char *number)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (number_pattern_match(list[i], number))
			return true;
	return false;
}

bool number_set_match(const struct number_set *set, const char *number)
{
	return any_match(set->allow, set->allow_cnt, number) &&
	       !any_match(set->except, set->except_cnt, number);
}

static bool any_holds(char *const *list, size_t cnt, const char *pattern)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (pattern_within(pattern, list[i]))
			return true;
	return false;
}

/* Whether @inner excludes all that @pattern and @allow have in common. */
static bool excluded(const struct number_set *inner, const char *allow,
		     const char *pattern)
{
	return !pattern_overlap(allow, pattern) ||
	       any_holds(inner->except, inner->except_cnt, pattern);
}

bool number_set_within(const struct number_set *inner,
		       const struct number_set *outer)
{
	size_t i, k;

	for (i = 0; i < inner->allow_cnt; i++) {
		const char *allow = inner->allow[i];

		if (any_holds(inner->except, inner->except_cnt, allow))
			continue;
		if (!any_holds(outer->allow, outer->allow_cnt, allow))
			return false;
		for (k = 0; k < outer->except_cnt; k++)
			if (!excluded(inner, allow, outer->except[k]))
				return false;
	}
	return true;
}

static char **copy(char *const *list, size_t cnt)
{
	char **out;
	size_t i;

	if (!cnt)
		return NULL;
	out = xcalloc(cnt, sizeof(*out));
	for (i = 0; i < cnt; i++)
		out[i] = xstrdup(list[i]);
	return out;
}

void number_set_copy(struct number_set *to, const struct number_set *from)
{
	to->allow = copy(from->allow, from->allow_cnt);
	to->allow_cnt = from->allow_cnt;
	to->except = copy(from->except, from->except_cnt);
	to->except_cnt = from->except_cnt;
}

static void free_list(char **list, size_t cnt)
{
	while (cnt)
		free(list[--cnt]);
	free(list);
}

void number_set_free(struct number_set *set)
{
	free_list(set->allow, set->allow_cnt);
	free_list(set->except, set->except_cnt);
	memset(set, 0, sizeof(*set));
}
