/* SPDX-License-Identifier: MIT */
/*
 * ript/json.h - strict JSON for everything that a peer sends, as json-c
 * objects.
 *
 * The parser is ours: json-c's own keeps the last of two members of one name
 * and reads much that is no JSON.  I-JSON (RFC 7493) is required: UTF-8, no
 * lone surrogates, no NUL in a text, no member twice - but for source, sink
 * and stream, which the drafts repeat: these are gathered into an array.
 *
 * Owner:  the caller puts (json_object_put) what is returned.
 * Loop:   any.
 * Spec:   Q2, Q16, Q18, Q87.
 */
#ifndef RIPTIDE_RIPT_JSON_H
#define RIPTIDE_RIPT_JSON_H

#include <json-c/json_object.h>
#include <json-c/json_object_iterator.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIPT_JSON_LEN 65536	/* octets of a body (Q87) */
#define RIPT_JSON_DEPTH 32
#define RIPT_JSON_INT_MAX ((INT64_C(1) << 53) - 1)	/* we emit no more */

/*
 * Parse one value, nothing but white space around it.
 * Returns 0; EMSGSIZE: longer than @max_len, answer 413; EINVAL: answer 400.
 * *@why is a literal sentence then.  A lone `null` gives *@jsonp NULL.
 */
int ript_json_parse(struct json_object **jsonp, const void *text, size_t len,
		    size_t max_len, const char **why);

/* As compact text, malloc'ed. */
char *ript_json_text(struct json_object *json);

/*
 * Member @key of @json.  Returns 0; ENOENT: not there, or null; EINVAL: of
 * another type or out of range.  Texts are borrowed from @json; @max_len is
 * the most octets allowed.
 */
int ript_json_get_text(const char **textp, struct json_object *json,
		       const char *key, size_t max_len);
int ript_json_get_int(int64_t *valuep, struct json_object *json,
		      const char *key);
int ript_json_get_u64(uint64_t *valuep, struct json_object *json,
		      const char *key);
int ript_json_get_object(struct json_object **valuep, struct json_object *json,
			 const char *key);
int ript_json_get_array(struct json_object **valuep, struct json_object *json,
			const char *key);

/*
 * Member @key as a list: an array as it is, anything else as one element
 * (Q16).  @count 0 when it is not there.
 */
struct ript_json_list {
	struct json_object *value;	/* borrowed */
	size_t count;
};
struct ript_json_list ript_json_get_list(struct json_object *json,
					 const char *key);
struct json_object *ript_json_at(const struct ript_json_list *list,
				 size_t index);

/* Add a member; @text NULL adds nothing, numbers are cut to what every
 * reader keeps exactly (Q18). */
void ript_json_add_text(struct json_object *json, const char *key,
			const char *text);
void ript_json_add_int(struct json_object *json, const char *key,
		       int64_t value);
void ript_json_add_u64(struct json_object *json, const char *key,
		       uint64_t value);

#endif
