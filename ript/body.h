/* SPDX-License-Identifier: MIT */
/*
 * ript/body.h - JSON bodies: reading members with their types checked, and
 * printing texts.
 *
 * Owner:  the caller owns parsed objects (json_object_put()).
 * Loop:   any.
 * Spec:   profile section 5, Q2, Q87.
 */
#ifndef RIPTIDE_RIPT_BODY_H
#define RIPTIDE_RIPT_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json_object;

/* Parse a whole body that must be one object.
 * Returns 0; EMSGSIZE: above EXCHANGE_BODY_MAX; EINVAL with *@why a literal
 * sentence. */
int body_parse(struct json_object **out, const void *data, size_t len,
	       const char **why);

/* The same with an array allowed at the top, and as long as it is. */
int body_parse_any(struct json_object **out, const void *data, size_t len,
		   const char **why);

/* The text of member @key, borrowed; NULL if absent, no string, or with a
 * NUL inside. */
const char *body_text(struct json_object *object, const char *key);
/* The integer @key in @min to @max.  Returns 0; ENOENT: absent; EINVAL. */
int body_int(struct json_object *object, const char *key, int64_t min,
	     int64_t max, int64_t *out);

/* Append "text" with quotes and escapes; the second form joins two texts.
 * Errors of the buffer's limit are the caller's to see in its length. */
void body_add_text(struct buf *out, const char *text);
void body_add_text2(struct buf *out, const char *a, const char *b);
/* Append @object, plain. */
void body_add_json(struct buf *out, struct json_object *object);

#endif
