/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/event_impl.h"
#include "ript/json.h"

/*
 *   [ {...} , {...} ...            BEFORE -> BETWEEN <-> INSIDE
 *                                              |
 *                                  ] -> CLOSED (only white space follows)
 *
 * Objects are found by their braces; commas and white space between them are
 * skipped (Q35).  The `[` may be missing: a single event is fine too.
 */
enum place { BEFORE, BETWEEN, INSIDE, CLOSED, BROKEN };

struct ript_event_reader {
	ript_event_h *fn;
	void *arg;
	enum place place;
	unsigned depth;		/* open braces and brackets of the object */
	bool in_text;
	bool escaped;
	struct buf object;	/* what of it has come */
	bool busy;		/* @fn runs ... */
	bool freed;		/* ... and has freed the reader */
	struct ript_directives directives;
};

struct ript_event_reader *ript_event_reader_new(ript_event_h *fn, void *arg)
{
	struct ript_event_reader *reader = xzalloc(sizeof(*reader));

	reader->fn = fn;
	reader->arg = arg;
	buf_init(&reader->object, RIPT_EVENT_LEN);
	return reader;
}

static void destroy(struct ript_event_reader *reader)
{
	buf_free(&reader->object);
	free(reader);
}

void ript_event_reader_free(struct ript_event_reader **readerp)
{
	struct ript_event_reader *reader = *readerp;

	if (!reader)
		return;
	*readerp = NULL;
	if (reader->busy)
		reader->freed = true;
	else
		destroy(reader);
}

bool ript_event_reader_closed(const struct ript_event_reader *reader)
{
	return reader->place == CLOSED;
}

static int broken(struct ript_event_reader *reader, int err, const char **why,
		  const char *text)
{
	reader->place = BROKEN;
	buf_clear(&reader->object);
	*why = text;
	return err;
}

/* A whole object is there. */
static int emit(struct ript_event_reader *reader, const char **why)
{
	struct json_object *json;
	struct ript_event event;
	int err;

	err = ript_json_parse(&json, reader->object.data, reader->object.len,
			      RIPT_EVENT_LEN, why);
	if (err)
		return broken(reader, err, why, *why);
	buf_clear(&reader->object);
	ript_event_decode(&event, &reader->directives, json);
	reader->busy = true;
	reader->fn(&event, reader->arg);
	reader->busy = false;
	json_object_put(json);
	return 0;
}

/*
 * The octets of @data that belong to the object which has begun, up to its
 * end (*@whole) or that of @data.
 */
static size_t scan(struct ript_event_reader *reader, const char *data,
		   size_t len, bool *whole)
{
	size_t i;

	*whole = false;
	for (i = 0; i < len; i++) {
		char c = data[i];

		if (reader->in_text) {
			if (reader->escaped)
				reader->escaped = false;
			else if (c == '\\')
				reader->escaped = true;
			else if (c == '"')
				reader->in_text = false;
			continue;
		}
		if (c == '"') {
			reader->in_text = true;
		} else if (c == '{' || c == '[') {
			if (++reader->depth > RIPT_JSON_DEPTH)
				return i + 1;
		} else if ((c == '}' || c == ']') && --reader->depth == 0) {
			*whole = true;
			return i + 1;
		}
	}
	return len;
}

/* Read some of @data, the length of which is left in *@usedp. */
static int inside(struct ript_event_reader *reader, const char *data,
		  size_t len, size_t *usedp, const char **why)
{
	bool whole;

	*usedp = scan(reader, data, len, &whole);
	if (reader->depth > RIPT_JSON_DEPTH)
		return broken(reader, EINVAL, why,
			      "An event is nested deeper than 32.");
	if (buf_add(&reader->object, data, *usedp) != 0)
		return broken(reader, EMSGSIZE, why,
			      "An event is longer than 16 KiB.");
	if (!whole)
		return 0;
	reader->place = BETWEEN;
	return emit(reader, why);
}

/* One octet outside of objects; *@usedp is 0 when an object begins. */
static int outside(struct ript_event_reader *reader, char c, size_t *usedp,
		   const char **why)
{
	*usedp = 1;
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return 0;
	if (reader->place == CLOSED)
		return broken(reader, EINVAL, why,
			      "Something follows the end of the array.");
	if (c == '{') {
		reader->place = INSIDE;
		*usedp = 0;
		return 0;
	}
	if (reader->place == BEFORE && c == '[') {
		reader->place = BETWEEN;
		return 0;
	}
	if (reader->place == BETWEEN && c == ',')
		return 0;
	if (reader->place == BETWEEN && c == ']') {
		reader->place = CLOSED;
		return 0;
	}
	return broken(reader, EINVAL, why,
		      "The stream is no JSON array of objects.");
}

int ript_event_read(struct ript_event_reader *reader, const void *data,
		    size_t len, const char **why)
{
	const char *p = data;
	size_t used;
	int err = 0;

	if (reader->place == BROKEN)
		return broken(reader, EINVAL, why,
			      "The stream was given up before.");
	for (; !err && len; p += used, len -= used) {
		if (reader->place == INSIDE)
			err = inside(reader, p, len, &used, why);
		else
			err = outside(reader, *p, &used, why);
		if (reader->freed) {
			destroy(reader);
			return 0;
		}
	}
	return err;
}
