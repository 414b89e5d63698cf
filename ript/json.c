/* SPDX-License-Identifier: MIT */
#include "ript/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* A json-c object is some hundred octets large, its text can be two: so the
 * text has to pay for its arrays and objects. */
#define CONTAINERS(len) ((len) / 16 + 64)

struct parser {
	const unsigned char *p;
	const unsigned char *end;
	unsigned depth;
	size_t containers;	/* that may still come */
	struct buf text;	/* of the string just read */
	const char *why;
};

static int bad(struct parser *ps, const char *why)
{
	if (!ps->why)
		ps->why = why;
	return EINVAL;
}

static void skip_space(struct parser *ps)
{
	while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\t' ||
				   *ps->p == '\n' || *ps->p == '\r'))
		ps->p++;
}

static bool take(struct parser *ps, char c)
{
	if (ps->p == ps->end || *ps->p != (unsigned char)c)
		return false;
	ps->p++;
	return true;
}

/* ---- strings ---- */

/* The UTF-8 sequence at ps->p (RFC 3629), which moves on. */
static int read_utf8(struct parser *ps)
{
	const unsigned char *p = ps->p;
	size_t left = (size_t)(ps->end - p), len, i;

	if (p[0] < 0x80)
		len = 1;
	else if (p[0] >= 0xc2 && p[0] < 0xe0)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		len = 4;
	else
		return bad(ps, "A text is not UTF-8.");
	if (len > left)
		return bad(ps, "A text is not UTF-8.");
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return bad(ps, "A text is not UTF-8.");
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return bad(ps, "A text is not UTF-8.");
	ps->p += len;
	return buf_add(&ps->text, p, len);
}

static int read_hex4(struct parser *ps, unsigned *valuep)
{
	unsigned value = 0, digit;
	int i;

	if (ps->end - ps->p < 4)
		return bad(ps, "A \\u escape is cut.");
	for (i = 0; i < 4; i++) {
		unsigned char c = *ps->p++;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10u;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10u;
		else
			return bad(ps, "A \\u escape has no hex digits.");
		value = value << 4 | digit;
	}
	*valuep = value;
	return 0;
}

static int add_code_point(struct parser *ps, unsigned c)
{
	unsigned char out[4];
	size_t len = 0;

	if (c < 0x80) {
		out[len++] = (unsigned char)c;
	} else if (c < 0x800) {
		out[len++] = (unsigned char)(0xc0 | c >> 6);
		out[len++] = (unsigned char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		out[len++] = (unsigned char)(0xe0 | c >> 12);
		out[len++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[len++] = (unsigned char)(0x80 | (c & 0x3f));
	} else {
		out[len++] = (unsigned char)(0xf0 | c >> 18);
		out[len++] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		out[len++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[len++] = (unsigned char)(0x80 | (c & 0x3f));
	}
	return buf_add(&ps->text, out, len);
}

static int read_unicode(struct parser *ps)
{
	unsigned c, low;
	int err;

	err = read_hex4(ps, &c);
	if (err)
		return err;
	if (c == 0)
		return bad(ps, "A text contains NUL.");
	if (c >= 0xdc00 && c < 0xe000)
		return bad(ps, "A text contains half a surrogate pair.");
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(ps, '\\') || !take(ps, 'u'))
			return bad(ps,
				   "A text contains half a surrogate pair.");
		err = read_hex4(ps, &low);
		if (err)
			return err;
		if (low < 0xdc00 || low >= 0xe000)
			return bad(ps,
				   "A text contains half a surrogate pair.");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return add_code_point(ps, c);
}

static int read_escape(struct parser *ps)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (ps->p == ps->end)
		return bad(ps, "A text is cut.");
	if (take(ps, 'u'))
		return read_unicode(ps);
	at = *ps->p ? strchr(from, *ps->p) : NULL;
	if (!at)
		return bad(ps, "A text contains an unknown escape.");
	ps->p++;
	return buf_add(&ps->text, to + (at - from), 1);
}

/* What stands for itself, as much as there is. */
static int read_plain(struct parser *ps)
{
	const unsigned char *start = ps->p;

	while (ps->p < ps->end && *ps->p >= 0x20 && *ps->p < 0x7f &&
	       *ps->p != '"' && *ps->p != '\\')
		ps->p++;
	return buf_add(&ps->text, start, (size_t)(ps->p - start));
}

/* Behind the opening quote; the text is in ps->text. */
static int read_string(struct parser *ps)
{
	int err = 0;

	buf_clear(&ps->text);
	while (!err) {
		err = read_plain(ps);
		if (err)
			break;
		if (ps->p == ps->end)
			return bad(ps, "A text is cut.");
		if (take(ps, '"'))
			return 0;
		if (take(ps, '\\'))
			err = read_escape(ps);
		else if (*ps->p < 0x20)
			err = bad(ps, "A text contains a control character.");
		else
			err = read_utf8(ps);
	}
	return err;
}

/* ---- values ---- */

static int read_value(struct parser *ps, struct json_object **valuep);

static bool digits(struct parser *ps)
{
	const unsigned char *start = ps->p;

	while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9')
		ps->p++;
	return ps->p > start;
}

static int read_number(struct parser *ps, struct json_object **valuep)
{
	const unsigned char *start = ps->p;
	bool whole = true;
	long long integer;
	double real;
	char *text;
	int err = 0;

	(void)take(ps, '-');
	if (!take(ps, '0') && !digits(ps))
		return bad(ps, "This is no JSON value.");
	if (take(ps, '.')) {
		whole = false;
		if (!digits(ps))
			return bad(ps, "A number lacks its digits.");
	}
	if (take(ps, 'e') || take(ps, 'E')) {
		whole = false;
		if (!take(ps, '+'))
			(void)take(ps, '-');
		if (!digits(ps))
			return bad(ps, "A number lacks its digits.");
	}
	text = xstrndup((const char *)start, (size_t)(ps->p - start));
	errno = 0;
	integer = whole ? strtoll(text, NULL, 10) : 0;
	if (whole && !errno) {
		*valuep = json_object_new_int64(integer);
	} else {
		real = strtod(text, NULL);
		if (isfinite(real))
			*valuep = json_object_new_double_s(real, text);
		else
			err = bad(ps, "A number is too large.");
	}
	free(text);
	return err;
}

static int read_word(struct parser *ps, struct json_object **valuep)
{
	static const char *const words[] = { "null", "false", "true" };
	size_t i, len;

	for (i = 0; i < 3; i++) {
		len = strlen(words[i]);
		if ((size_t)(ps->end - ps->p) < len ||
		    memcmp(ps->p, words[i], len) != 0)
			continue;
		ps->p += len;
		*valuep = i ? json_object_new_boolean(i == 2) : NULL;
		return 0;
	}
	return bad(ps, "This is no JSON value.");
}

static int enter(struct parser *ps)
{
	if (ps->depth == RIPT_JSON_DEPTH)
		return bad(ps, "Arrays and objects are nested deeper than 32.");
	if (!ps->containers)
		return bad(ps, "There are too many arrays and objects.");
	ps->depth++;
	ps->containers--;
	return 0;
}

static int read_array(struct parser *ps, struct json_object **valuep)
{
	struct json_object *array, *value;
	int err;

	err = enter(ps);
	if (err)
		return err;
	array = json_object_new_array();
	skip_space(ps);
	if (take(ps, ']'))
		goto done;
	do {
		value = NULL;
		err = read_value(ps, &value);
		if (err)
			goto out;
		json_object_array_add(array, value);
		skip_space(ps);
	} while (take(ps, ','));
	if (!take(ps, ']')) {
		err = bad(ps, "An array lacks a comma or its end.");
		goto out;
	}
done:
	ps->depth--;
	*valuep = array;
	array = NULL;
out:
	json_object_put(array);
	return err;
}

/* Members that the drafts repeat in one object. */
static bool gathered(const char *key)
{
	return strcmp(key, "source") == 0 || strcmp(key, "sink") == 0 ||
	       strcmp(key, "stream") == 0;
}

/* Append @value, or the elements of it. */
static void gather(struct json_object *array, struct json_object *value)
{
	size_t i;

	if (!json_object_is_type(value, json_type_array)) {
		json_object_array_add(array, value);
		return;
	}
	for (i = 0; i < json_object_array_length(value); i++)
		json_object_array_add(array,
				      json_object_get(json_object_array_get_idx(
					      value, i)));
	json_object_put(value);
}

/* Takes @value in any case. */
static int add_member(struct parser *ps, struct json_object *object,
		      const char *key, struct json_object *value)
{
	struct json_object *old, *array;

	if (!json_object_object_get_ex(object, key, &old)) {
		json_object_object_add(object, key, value);
		return 0;
	}
	if (!gathered(key)) {
		json_object_put(value);
		return bad(ps, "An object has a member twice.");
	}
	array = old;
	if (!json_object_is_type(old, json_type_array)) {
		array = json_object_new_array();
		json_object_array_add(array, json_object_get(old));
		json_object_object_add(object, key, array);
	}
	gather(array, value);
	return 0;
}

static int read_member(struct parser *ps, struct json_object *object)
{
	struct json_object *value = NULL;
	char *key;
	int err;

	skip_space(ps);
	if (!take(ps, '"'))
		return bad(ps, "An object lacks a member's name.");
	err = read_string(ps);
	if (err)
		return err;
	key = xstrdup(buf_str(&ps->text));
	skip_space(ps);
	if (take(ps, ':'))
		err = read_value(ps, &value);
	else
		err = bad(ps, "A member lacks its colon.");
	if (!err)
		err = add_member(ps, object, key, value);
	free(key);
	return err;
}

static int read_object(struct parser *ps, struct json_object **valuep)
{
	struct json_object *object;
	int err;

	err = enter(ps);
	if (err)
		return err;
	object = json_object_new_object();
	skip_space(ps);
	if (take(ps, '}'))
		goto done;
	do {
		err = read_member(ps, object);
		if (err)
			goto out;
		skip_space(ps);
	} while (take(ps, ','));
	if (!take(ps, '}')) {
		err = bad(ps, "An object lacks a comma or its end.");
		goto out;
	}
done:
	ps->depth--;
	*valuep = object;
	object = NULL;
out:
	json_object_put(object);
	return err;
}

static int read_value(struct parser *ps, struct json_object **valuep)
{
	int err;

	skip_space(ps);
	if (ps->p == ps->end)
		return bad(ps, "The text is cut.");
	if (take(ps, '{'))
		return read_object(ps, valuep);
	if (take(ps, '['))
		return read_array(ps, valuep);
	if (take(ps, '"')) {
		err = read_string(ps);
		if (!err)
			*valuep = json_object_new_string_len(
				buf_str(&ps->text), (int)ps->text.len);
		return err;
	}
	if (*ps->p == '-' || (*ps->p >= '0' && *ps->p <= '9'))
		return read_number(ps, valuep);
	return read_word(ps, valuep);
}

int ript_json_parse(struct json_object **jsonp, const void *text, size_t len,
		    size_t max_len, const char **why)
{
	struct parser ps = { .p = text, .containers = CONTAINERS(len) };
	struct json_object *value = NULL;
	int err;

	if (len > max_len) {
		*why = "The text is longer than allowed.";
		return EMSGSIZE;
	}
	if (!len) {
		*why = "The text is empty.";
		return EINVAL;
	}
	ps.end = ps.p + len;
	buf_init(&ps.text, len);
	err = read_value(&ps, &value);
	if (!err) {
		skip_space(&ps);
		if (ps.p != ps.end)
			err = bad(&ps, "Something follows the JSON value.");
	}
	buf_free(&ps.text);
	if (err) {
		json_object_put(value);
		*why = ps.why ? ps.why : "This is no JSON value.";
		return err;
	}
	*jsonp = value;
	return 0;
}

/* ---- writing and reading members ---- */

char *ript_json_text(struct json_object *json)
{
	return xstrdup(json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Absent and null are the same; so is a member of what is no object. */
static int member(struct json_object **valuep, struct json_object *json,
		  const char *key)
{
	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, key, valuep) || !*valuep)
		return ENOENT;
	return 0;
}

static int typed(struct json_object **valuep, struct json_object *json,
		 const char *key, enum json_type type)
{
	struct json_object *value;
	int err = member(&value, json, key);

	if (err)
		return err;
	if (!json_object_is_type(value, type))
		return EINVAL;
	*valuep = value;
	return 0;
}

int ript_json_get_text(const char **textp, struct json_object *json,
		       const char *key, size_t max_len)
{
	struct json_object *value;
	int err = typed(&value, json, key, json_type_string);

	if (err)
		return err;
	if ((size_t)json_object_get_string_len(value) > max_len)
		return EINVAL;
	*textp = json_object_get_string(value);
	return 0;
}

int ript_json_get_int(int64_t *valuep, struct json_object *json,
		      const char *key)
{
	struct json_object *value;
	int err = typed(&value, json, key, json_type_int);

	if (err)
		return err;
	*valuep = json_object_get_int64(value);
	return 0;
}

int ript_json_get_u64(uint64_t *valuep, struct json_object *json,
		      const char *key)
{
	int64_t value;
	int err = ript_json_get_int(&value, json, key);

	if (err)
		return err;
	if (value < 0)
		return EINVAL;
	*valuep = (uint64_t)value;
	return 0;
}

int ript_json_get_object(struct json_object **valuep, struct json_object *json,
			 const char *key)
{
	return typed(valuep, json, key, json_type_object);
}

int ript_json_get_array(struct json_object **valuep, struct json_object *json,
			const char *key)
{
	return typed(valuep, json, key, json_type_array);
}

struct ript_json_list ript_json_get_list(struct json_object *json,
					 const char *key)
{
	struct ript_json_list list = { NULL, 0 };

	if (member(&list.value, json, key) != 0)
		return list;
	list.count = json_object_is_type(list.value, json_type_array)
			     ? json_object_array_length(list.value)
			     : 1;
	return list;
}

struct json_object *ript_json_at(const struct ript_json_list *list,
				 size_t index)
{
	if (json_object_is_type(list->value, json_type_array))
		return json_object_array_get_idx(list->value, index);
	return index ? NULL : list->value;
}

void ript_json_add_text(struct json_object *json, const char *key,
			const char *text)
{
	if (text)
		json_object_object_add(json, key,
				       json_object_new_string(text));
}

void ript_json_add_int(struct json_object *json, const char *key,
		       int64_t value)
{
	if (value > RIPT_JSON_INT_MAX)
		value = RIPT_JSON_INT_MAX;
	if (value < -RIPT_JSON_INT_MAX)
		value = -RIPT_JSON_INT_MAX;
	json_object_object_add(json, key, json_object_new_int64(value));
}

void ript_json_add_u64(struct json_object *json, const char *key,
		       uint64_t value)
{
	ript_json_add_int(json, key,
			  value > (uint64_t)RIPT_JSON_INT_MAX
				  ? RIPT_JSON_INT_MAX
				  : (int64_t)value);
}
