/* SPDX-License-Identifier: MIT */
/* Values that are one text. */
#include "conf/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "conf/emit.h"
#include "conf/expand.h"
#include "conf/nearest.h"
#include "conf/reader.h"
#include "conf/tree.h"

#define FIELD(type, key, item) ((type *)(void *)((char *)(item) + (key)->at))
#define CONST_FIELD(type, key, item) \
	((const type *)(const void *)((const char *)(item) + (key)->at))

/* ---- texts ---- */

static bool text_is_set(const struct key *key, const void *item)
{
	return *CONST_FIELD(char *, key, item) != NULL;
}

static void text_print(struct emit *out, const struct key *key,
		       const void *item)
{
	const char *text = *CONST_FIELD(char *, key, item);

	if ((key->flags & KEY_SECRET) && !out->secrets)
		text = "(hidden)";
	emit_text(out, text);
}

static void text_free(const struct key *key, void *item)
{
	mem_wipe_text(FIELD(char *, key, item));
}

/* Why @text is not one of its kind; NULL: it is. */
typedef const char *text_check(const struct key *key, const char *text);

static bool read_checked(struct reader *r, const struct key *key, void *item,
			 const struct tree *node, const char *path,
			 text_check *check)
{
	char *text = reader_text(r, node, path);
	const char *why;

	if (!text)
		return false;
	why = check(key, text);
	if (why) {
		problem(r, node->line, path, "%s%s",
			reader_shown(node, key->flags & KEY_SECRET), why);
		mem_wipe_text(&text);
		return false;
	}
	*FIELD(char *, key, item) = text;
	return true;
}

#define TEXT_TYPE(noun, shown)                                              \
	static bool noun##_read(struct reader *r, const struct key *key,    \
				void *item, const struct tree *node,        \
				const char *path)                           \
	{                                                                   \
		return read_checked(r, key, item, node, path, noun##_why);  \
	}                                                                   \
	const struct value_type value_##noun = { shown, noun##_read,        \
						 text_is_set, text_print,   \
						 text_free }

static const char *text_why(const struct key *key, const char *text)
{
	(void)key;
	return strlen(text) > 255 ? "longer than 255 octets" : NULL;
}
TEXT_TYPE(text, "text");

static const char *name_why(const struct key *key, const char *text)
{
	const char *p;

	(void)key;
	if (strlen(text) > 64)
		return "longer than 64 letters";
	for (p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return "a name has letters, digits, \".\", \"_\" and "
			       "\"-\"";
	return isalnum((unsigned char)*text)
		       ? NULL
		       : "a name begins with a letter or digit";
}
TEXT_TYPE(name, "name");

static const char *digits_why(const struct key *key, const char *text)
{
	if (text[strspn(text, "0123456789")])
		return "digits only";
	return strlen(text) > key->max ? "too many digits" : NULL;
}
TEXT_TYPE(digits, "digits");

static const char *number_why(const struct key *key, const char *text)
{
	(void)key;
	return number_is_e164(text)
		       ? NULL
		       : "write a number as \"+\", country code and digits";
}
TEXT_TYPE(number, "number");

/* The length of the host part of "host", "host:port", "[v6]:port"; 0: bad. */
static size_t host_len(const char *text)
{
	const char *p;

	if (*text == '[') {
		p = strchr(text, ']');
		return p && p - text > 2 ? (size_t)(p - text) + 1 : 0;
	}
	for (p = text; *p && *p != ':'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return 0;
	return *text == '.' || *text == '-' ? 0 : (size_t)(p - text);
}

static const char *authority_why(const struct key *key, const char *text)
{
	size_t len = host_len(text);
	struct addr addr;
	char *end;
	long port;

	(void)key;
	if (!len || len > 253 || (*text == '[' && addr_parse(&addr, text)))
		return "write a host name, and :PORT if it is not 443";
	if (!text[len])
		return NULL;
	if (text[len] != ':' || !isdigit((unsigned char)text[len + 1]) ||
	    strlen(text + len + 1) > 5)
		return "write a host name, and :PORT if it is not 443";
	port = strtol(text + len + 1, &end, 10);
	return *end || port < 1 || port > 65535 ? "the port is not 1 to 65535"
						: NULL;
}
TEXT_TYPE(authority, "host[:port]");

static const char *url_why(const struct key *key, const char *text)
{
	const char *p;

	(void)key;
	if (strncmp(text, "https://", 8) != 0 || !text[8] || text[8] == '/')
		return "write https:// and host and path";
	if (strlen(text) > 1024)
		return "longer than 1024 octets";
	for (p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"\\<>", *p))
			return "a URL has no such characters";
	return NULL;
}
TEXT_TYPE(url, "https URL");

static const char *token_why(const struct key *key, const char *text)
{
	const char *p;

	(void)key;
	if (strlen(text) > 4096)
		return "longer than 4096 octets";
	for (p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return "a token has neither spaces nor control "
			       "characters";
	return NULL;
}
TEXT_TYPE(token, "token");

/* ---- one of several words ---- */

/* Which of @choices @word is; -1: none. */
static int choice_index(const char *choices, const char *word)
{
	size_t len = strlen(word);
	int i = 0;

	while (*choices) {
		size_t n = strcspn(choices, "|");

		if (n == len && strncmp(choices, word, n) == 0)
			return i;
		choices += n + (choices[n] == '|');
		i++;
	}
	return -1;
}

int value_choice(struct reader *r, const struct key *key,
		 const struct tree *node, const char *path)
{
	char *text = reader_text(r, node, path), *words, *word, *save;
	struct nearest nearest;
	int i;

	if (!text)
		return -1;
	i = choice_index(key->choices, text);
	if (i < 0) {
		words = xstrdup(key->choices);
		nearest_init(&nearest, text);
		for (word = strtok_r(words, "|", &save); word;
		     word = strtok_r(NULL, "|", &save))
			nearest_offer(&nearest, word);
		if (nearest.best)
			problem(r, node->line, path,
				"%sdid you mean \"%s\"?",
				reader_shown(node, false), nearest.best);
		else
			problem(r, node->line, path, "%sone of %s",
				reader_shown(node, false), key->choices);
		free(words);
	}
	free(text);
	return i;
}

static bool word_read(struct reader *r, const struct key *key, void *item,
		      const struct tree *node, const char *path)
{
	if (value_choice(r, key, node, path) < 0)
		return false;
	*FIELD(char *, key, item) = reader_text(r, node, path);
	return true;
}
const struct value_type value_word = { "one", word_read, text_is_set,
				       text_print, text_free };

static bool either_read(struct reader *r, const struct key *key, void *item,
			const struct tree *node, const char *path)
{
	int i = value_choice(r, key, node, path);

	*FIELD(bool, key, item) = i == 1;
	return i >= 0;
}

static bool always_set(const struct key *key, const void *item)
{
	(void)key;
	(void)item;
	return true;
}

static void either_print(struct emit *out, const struct key *key,
			 const void *item)
{
	const char *bar = strchr(key->choices, '|');

	if (*CONST_FIELD(bool, key, item))
		emit_text(out, bar + 1);
	else
		emit_format(out, "%.*s", (int)(bar - key->choices),
			    key->choices);
}
const struct value_type value_either = { "one", either_read, always_set,
					 either_print, NULL };

/* ---- files ---- */

/* Whether @file is there for us, and for us alone if it is a key. */
static bool file_good(struct reader *r, unsigned flags, const char *file,
		      unsigned line, const char *path)
{
	struct stat st;

	if (!r->files)
		return true;
	if (stat(file, &st) != 0) {
		problem(r, line, path, "%s: %m", file);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		problem(r, line, path, "%s: not a file", file);
		return false;
	}
	if (access(file, R_OK) != 0) {
		problem(r, line, path, "%s: %m", file);
		return false;
	}
	if ((flags & KEY_PRIVATE) && (st.st_mode & 077)) {
		problem(r, line, path,
			"%s: others can read this key; chmod 600 %s", file,
			file);
		return false;
	}
	return true;
}

char *value_file_name(struct reader *r, unsigned flags,
		      const struct tree *node, const char *path)
{
	char *text = reader_text(r, node, path), *file;

	if (!text)
		return NULL;
	file = expand_path(r->dir, text);
	free(text);
	if (!file_good(r, flags, file, node->line, path)) {
		free(file);
		return NULL;
	}
	return file;
}

static bool file_read(struct reader *r, const struct key *key, void *item,
		      const struct tree *node, const char *path)
{
	char *file = value_file_name(r, key->flags, node, path);

	*FIELD(char *, key, item) = file;
	return file != NULL;
}
const struct value_type value_file = { "file", file_read, text_is_set,
				       text_print, text_free };

static bool path_read(struct reader *r, const struct key *key, void *item,
		      const struct tree *node, const char *path)
{
	char *text = reader_text(r, node, path), *file;

	if (!text)
		return false;
	file = expand_path(r->dir, text);
	free(text);
	if (key->max && strlen(file) > key->max) {
		problem(r, node->line, path,
			"%s: longer than the %u octets of a socket's name",
			file, (unsigned)key->max);
		free(file);
		return false;
	}
	*FIELD(char *, key, item) = file;
	return true;
}
const struct value_type value_path = { "path", path_read, text_is_set,
				       text_print, text_free };

/* ---- numbers ---- */

static bool parse_digits(uint64_t *valuep, const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 12)
		return false;
	*valuep = strtoull(text, &end, 10);
	return !*end;
}

/* A number within the limits of @key. */
static bool read_number(struct reader *r, const struct key *key,
			const struct tree *node, const char *path,
			uint64_t *valuep)
{
	char *text = reader_text(r, node, path);
	bool good;

	if (!text)
		return false;
	good = parse_digits(valuep, text) && *valuep >= key->min &&
	       *valuep <= key->max;
	if (!good)
		problem(r, node->line, path, "%sa number from %llu to %llu",
			reader_shown(node, false),
			(unsigned long long)key->min,
			(unsigned long long)key->max);
	free(text);
	return good;
}

static bool count_read(struct reader *r, const struct key *key, void *item,
		       const struct tree *node, const char *path)
{
	uint64_t value;

	if (!read_number(r, key, node, path, &value))
		return false;
	*FIELD(unsigned, key, item) = (unsigned)value;
	return true;
}

static void count_print(struct emit *out, const struct key *key,
			const void *item)
{
	emit_format(out, "%u", *CONST_FIELD(unsigned, key, item));
}
const struct value_type value_count = { "number", count_read, always_set,
					count_print, NULL };

static bool status_read(struct reader *r, const struct key *key, void *item,
			const struct tree *node, const char *path)
{
	uint64_t value;

	if (!read_number(r, key, node, path, &value))
		return false;
	*FIELD(int, key, item) = (int)value;
	return true;
}

static bool status_is_set(const struct key *key, const void *item)
{
	return *CONST_FIELD(int, key, item) != 0;
}

static void status_print(struct emit *out, const struct key *key,
			 const void *item)
{
	emit_format(out, "%d", *CONST_FIELD(int, key, item));
}
const struct value_type value_status = { "SIP status", status_read,
					 status_is_set, status_print, NULL };

static bool port_read(struct reader *r, const struct key *key, void *item,
		      const struct tree *node, const char *path)
{
	uint64_t value;

	if (!read_number(r, key, node, path, &value))
		return false;
	*FIELD(uint16_t, key, item) = (uint16_t)value;
	return true;
}

static void port_print(struct emit *out, const struct key *key,
		       const void *item)
{
	emit_format(out, "%u", *CONST_FIELD(uint16_t, key, item));
}
const struct value_type value_port = { "port", port_read, always_set,
				       port_print, NULL };

/* "10000-19999". */
static const char *range_why(const struct key *key, char *text,
			     uint64_t *first, uint64_t *last)
{
	char *dash = strchr(text, '-');

	if (!dash)
		return "write FIRST-LAST";
	*dash = '\0';
	if (!parse_digits(first, text) || !parse_digits(last, dash + 1))
		return "write FIRST-LAST";
	if (*last < *first)
		return "the range ends before it begins";
	if (*first < key->min || *last > key->max)
		return "ports are 1024 to 65535";
	if (*first + *first % 2 + 1 > *last)
		return "no even port with the odd one behind it is within";
	return NULL;
}

static bool ports_read(struct reader *r, const struct key *key, void *item,
		       const struct tree *node, const char *path)
{
	char *text = reader_text(r, node, path);
	uint64_t first, last;
	const char *why;

	if (!text)
		return false;
	why = range_why(key, text, &first, &last);
	free(text);
	if (why) {
		problem(r, node->line, path, "%s%s",
			reader_shown(node, false), why);
		return false;
	}
	*FIELD(uint16_t, key, item) = (uint16_t)first;
	*(uint16_t *)(void *)((char *)item + key->at2) = (uint16_t)last;
	return true;
}

static void ports_print(struct emit *out, const struct key *key,
			const void *item)
{
	emit_format(out, "%u-%u", *CONST_FIELD(uint16_t, key, item),
		    *(const uint16_t *)(const void *)((const char *)item +
						      key->at2));
}
const struct value_type value_ports = { "ports FIRST-LAST", ports_read,
					always_set, ports_print, NULL };

static bool duration_read(struct reader *r, const struct key *key, void *item,
			  const struct tree *node, const char *path)
{
	char *text = reader_text(r, node, path);
	uint64_t *ms = FIELD(uint64_t, key, item);
	const char *why = NULL;

	if (!text)
		return false;
	if ((key->flags & KEY_OFF) && strcmp(text, "off") == 0)
		*ms = 0;
	else if (duration_parse(ms, text) != 0)
		why = "write a duration with its unit: 250ms, 10s, 5m, 4h, "
		      "2d";
	else if (*ms < key->min)
		why = "too short";
	else if (*ms > key->max)
		why = "too long";
	free(text);
	if (why)
		problem(r, node->line, path, "%s%s",
			reader_shown(node, false), why);
	return !why;
}

static void duration_print(struct emit *out, const struct key *key,
			   const void *item)
{
	uint64_t ms = *CONST_FIELD(uint64_t, key, item);

	if (!ms && (key->flags & KEY_OFF))
		emit_text(out, "off");
	else if (ms % 1000)
		emit_format(out, "%llums", (unsigned long long)ms);
	else if (!ms || ms % 3600000)
		emit_format(out, "%llus", (unsigned long long)(ms / 1000));
	else
		emit_format(out, "%lluh", (unsigned long long)(ms / 3600000));
}
const struct value_type value_duration = { "duration", duration_read,
					   always_set, duration_print, NULL };

/* ---- a section that is there or not ---- */

static bool present_is_set(const struct key *key, const void *item)
{
	return *CONST_FIELD(bool, key, item);
}
const struct value_type value_present = { "section", NULL, present_is_set,
					  NULL, NULL };
