/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "ript/target.h"

#define SEGMENTS 5	/* providertgs, tg, calls, id, events */

struct segment {
	const char *text;
	size_t len;
};

static bool is(const struct segment *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->text, text, s->len) == 0;
}

static bool unreserved(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

bool target_id_valid(const char *id)
{
	size_t len = strlen(id), i;

	if (len == 0 || len > RIPT_ID_LEN || id[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!unreserved(id[i]))
			return false;
	return true;
}

static bool take(char out[RIPT_ID_LEN + 1], const struct segment *s)
{
	if (s->len > RIPT_ID_LEN)
		return false;
	memcpy(out, s->text, s->len);
	out[s->len] = '\0';
	return target_id_valid(out);
}

/* Below {TG}. */
static enum target_kind below_tg(struct target *out, const struct segment *s,
				 unsigned cnt)
{
	bool calls;

	if (cnt == 2)
		return TARGET_TG;
	calls = is(&s[2], "calls");
	if (!calls && !is(&s[2], "handlers"))
		return TARGET_UNKNOWN;
	if (cnt == 3)
		return calls ? TARGET_CALLS : TARGET_HANDLERS;
	if (!take(out->id, &s[3]))
		return TARGET_UNKNOWN;
	if (cnt == 4)
		return calls ? TARGET_CALL : TARGET_HANDLER;
	if (calls && is(&s[4], "events"))
		return TARGET_CALL_EVENTS;
	if (calls && is(&s[4], "media"))
		return TARGET_CALL_MEDIA;
	return TARGET_UNKNOWN;
}

static enum target_kind below_root(struct target *out,
				   const struct segment *s, unsigned cnt)
{
	if (is(&s[0], "providertgs")) {
		if (cnt == 1)
			return TARGET_PROVIDERTGS;
		return take(out->tg, &s[1]) ? below_tg(out, s, cnt)
					    : TARGET_UNKNOWN;
	}
	if (cnt == 2 && is(&s[0], "problems") && take(out->id, &s[1]))
		return TARGET_PROBLEM;
	return TARGET_UNKNOWN;
}

/* Whether @path begins with @prefix as whole segments; *@rest is behind. */
static bool below(const char *path, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);

	if (strncmp(path, prefix, len) != 0)
		return false;
	*rest = path + len;
	return **rest == '\0' || **rest == '/';
}

/* "/v2", "/v10": a version of its own, not an unversioned path. */
static bool version(const char *rest)
{
	if (rest[0] != '/' || rest[1] != 'v' ||
	    !isdigit((unsigned char)rest[2]))
		return false;
	for (rest += 3; isdigit((unsigned char)*rest); rest++)
		;
	return *rest == '\0' || *rest == '/';
}

void target_parse(struct target *out, const char *path)
{
	struct segment s[SEGMENTS];
	unsigned cnt = 0;
	const char *outer, *rest;

	memset(out, 0, sizeof(*out));
	if (!below(path, RIPT_WELL_KNOWN, &outer)) {
		out->kind = TARGET_FOREIGN;
		return;
	}
	out->kind = TARGET_UNKNOWN;
	if (!below(path, RIPT_ROOT, &rest)) {
		if (outer[0] == '/' && outer[1] && !version(outer))
			out->kind = TARGET_UNVERSIONED;
		return;
	}
	while (*rest == '/') {
		if (cnt == SEGMENTS)
			return;
		s[cnt].text = ++rest;
		s[cnt].len = strcspn(rest, "/");
		rest += s[cnt++].len;
	}
	if (cnt > 0)
		out->kind = below_root(out, s, cnt);
}

int https_uri_parse(struct https_uri *out, const char *text)
{
	if (strncasecmp(text, "https://", 8) != 0)
		return EINVAL;
	text += 8;
	out->authority = text;
	out->authority_len = strcspn(text, "/?#");
	out->path = text + out->authority_len;
	if (out->authority_len == 0 || out->path[0] != '/' ||
	    memchr(text, '@', out->authority_len))
		return EINVAL;
	return 0;
}

static size_t without_port_443(const char *text, size_t len)
{
	if (len > 4 && memcmp(text + len - 4, ":443", 4) == 0)
		return len - 4;
	return len;
}

bool authority_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	a_len = without_port_443(a, a_len);
	b_len = without_port_443(b, b_len);
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}
