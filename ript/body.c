/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "ript/body.h"
#include "ript/exchange.h"
#include "ript/json.h"

int body_parse(struct json_object **out, const void *data, size_t len,
	       const char **why)
{
	struct json_object *object = NULL;
	int err = ript_json_parse(&object, data, len, EXCHANGE_BODY_MAX,
				  why);

	if (err)
		return err;
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		*why = "The body is no JSON object.";
		return EINVAL;
	}
	*out = object;
	return 0;
}

int body_parse_any(struct json_object **out, const void *data, size_t len,
		   const char **why)
{
	*out = NULL;
	return ript_json_parse(out, data, len, len, why);
}

const char *body_text(struct json_object *object, const char *key)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		return NULL;
	return text;
}

int body_int(struct json_object *object, const char *key, int64_t min,
	     int64_t max, int64_t *out)
{
	struct json_object *value;
	int64_t n;

	if (!json_object_object_get_ex(object, key, &value))
		return ENOENT;
	if (!json_object_is_type(value, json_type_int))
		return EINVAL;
	n = json_object_get_int64(value);
	if (n < min || n > max)
		return EINVAL;
	*out = n;
	return 0;
}

static void add_escaped(struct buf *out, const char *text)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *run = text;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		const char *at;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, run, (size_t)(text - run));
		run = text + 1;
		at = strchr(from, c);
		if (at)
			buf_printf(out, "\\%c", to[at - from]);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_add(out, run, (size_t)(text - run));
}

void body_add_text(struct buf *out, const char *text)
{
	buf_add(out, "\"", 1);
	add_escaped(out, text);
	buf_add(out, "\"", 1);
}

void body_add_text2(struct buf *out, const char *a, const char *b)
{
	buf_add(out, "\"", 1);
	add_escaped(out, a);
	add_escaped(out, b);
	buf_add(out, "\"", 1);
}

void body_add_json(struct buf *out, struct json_object *object)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN |
			JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	buf_add(out, text, len);
}
