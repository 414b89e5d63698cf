/* SPDX-License-Identifier: MIT */
#include "ript/claims.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "ript/json.h"

#define JSON_LEN 8192

static int refuse(const char **reason, const char *code)
{
	*reason = code;
	return EACCES;
}

static int parse_object(struct json_object **out, const void *json,
			size_t len)
{
	const char *why;

	*out = NULL;
	if (ript_json_parse(out, json, len, JSON_LEN, &why) != 0)
		return EINVAL;
	return json_object_is_type(*out, json_type_object) ? 0 : EINVAL;
}

/* Whether the text member @key is @want. */
static bool text_is(struct json_object *object, const char *key,
		    const char *want)
{
	const char *text;

	return ript_json_get_text(&text, object, key, 64) == 0 &&
	       strcmp(text, want) == 0;
}

static bool has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

/* ---- the header ---- */

static int check_head(struct claims_head *out, struct json_object *head,
		      const char **reason)
{
	const char *x5u, *p;

	/* We know no extension, so none may be critical (RFC 7515, 4.1.11). */
	if (has(head, "crit"))
		return refuse(reason, "passport-crit");
	if (!text_is(head, "alg", "ES256"))
		return refuse(reason, "passport-algorithm");
	if (!text_is(head, "typ", "passport"))
		return refuse(reason, "passport-type");
	out->shaken = text_is(head, "ppt", "shaken");
	if (has(head, "ppt") && !out->shaken)
		return refuse(reason, "passport-type");
	if (ript_json_get_text(&x5u, head, "x5u", CLAIMS_X5U_LEN) != 0 ||
	    strncmp(x5u, "https://", 8) != 0)
		return refuse(reason, "passport-x5u");
	for (p = x5u; *p; p++)
		if (*p <= ' ' || *p > '~')
			return refuse(reason, "passport-x5u");
	snprintf(out->x5u, sizeof(out->x5u), "%s", x5u);
	return 0;
}

int claims_parse_head(struct claims_head *out, const void *json, size_t len,
		      const char **reason)
{
	struct json_object *head;
	int err;

	memset(out, 0, sizeof(*out));
	if (parse_object(&head, json, len) != 0)
		err = refuse(reason, "passport-unparsable");
	else
		err = check_head(out, head, reason);
	json_object_put(head);
	return err;
}

/* ---- the claims ---- */

/* A member of @object that is a telephone number without "+". */
static bool is_tn(const char *text, const char *letters)
{
	size_t len = strlen(text);

	return len > 0 && len <= 15 && !text[strspn(text, letters)];
}

/* The address in a SIP URI without parameters; NULL: it is none. */
static const char *uri_address(const char *uri)
{
	const char *address = NULL;

	if (strncasecmp(uri, "sip:", 4) == 0)
		address = uri + 4;
	else if (strncasecmp(uri, "sips:", 5) == 0)
		address = uri + 5;
	return address && *address != '+' && number_is_destination(address)
		       ? address
		       : NULL;
}

/* The one identity of "orig". */
static int read_orig(struct passport_claims *out, struct json_object *claims)
{
	struct json_object *orig;
	const char *text, *address;

	if (ript_json_get_object(&orig, claims, "orig") != 0 ||
	    has(orig, "tn") == has(orig, "uri"))
		return EINVAL;
	if (has(orig, "tn")) {
		if (ript_json_get_text(&text, orig, "tn", 15) != 0 ||
		    !is_tn(text, "0123456789"))
			return EINVAL;
		snprintf(out->orig, sizeof(out->orig), "+%s", text);
		return number_is_e164(out->orig) ? 0 : EINVAL;
	}
	if (ript_json_get_text(&text, orig, "uri", NUMBER_LEN) != 0)
		return EINVAL;
	address = uri_address(text);
	if (!address)
		return EINVAL;
	snprintf(out->orig, sizeof(out->orig), "%s", address);
	return 0;
}

static bool same_address(const char *a, const char *b)
{
	const char *at = strchr(a, '@');
	size_t user;

	if (!at)
		return false;
	user = (size_t)(at - a) + 1;
	return strncmp(a, b, user) == 0 && strcasecmp(a + user, b + user) == 0;
}

/* Read the list @key of "dest"; *@found when one of it is @destination. */
static int read_dests(struct json_object *dest, const char *key,
		      const char *destination, size_t *count, bool *found)
{
	struct json_object *list;
	const char *text, *address;
	size_t n, i;

	if (!has(dest, key))
		return 0;
	if (ript_json_get_array(&list, dest, key) != 0)
		return EINVAL;
	n = json_object_array_length(list);
	*count += n;
	if (*count > CLAIMS_DESTS)
		return EINVAL;
	for (i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string))
			return EINVAL;
		text = json_object_get_string(item);
		if (key[0] == 't') {
			if (!is_tn(text, "0123456789#*"))
				return EINVAL;
			*found |= destination[0] == '+' &&
				  strcmp(destination + 1, text) == 0;
		} else {
			address = uri_address(text);
			*found |= address && same_address(destination, address);
		}
	}
	return 0;
}

static int read_dest(struct passport_claims *out, struct json_object *claims,
		     const char *destination, bool *found)
{
	struct json_object *dest;
	size_t count = 0;

	*found = false;
	if (ript_json_get_object(&dest, claims, "dest") != 0 ||
	    read_dests(dest, "tn", destination, &count, found) != 0 ||
	    read_dests(dest, "uri", destination, &count, found) != 0 || !count)
		return EINVAL;
	snprintf(out->dest, sizeof(out->dest), "%s", destination);
	return 0;
}

/* RFC 8588: ppt shaken brings attest and origid. */
static int read_shaken(struct passport_claims *out,
		       struct json_object *claims)
{
	const char *attest, *origid;

	if (ript_json_get_text(&attest, claims, "attest", 1) != 0 ||
	    !*attest || !strchr("ABC", *attest) ||
	    ript_json_get_text(&origid, claims, "origid", 255) != 0)
		return EINVAL;
	out->attest = *attest;
	return 0;
}

static int read_claims(struct passport_claims *out,
		       const struct claims_head *head,
		       struct json_object *claims, const char *destination,
		       bool *found)
{
	if (ript_json_get_u64(&out->iat_s, claims, "iat") != 0 ||
	    read_orig(out, claims) != 0 ||
	    read_dest(out, claims, destination, found) != 0)
		return EINVAL;
	return head->shaken ? read_shaken(out, claims) : 0;
}

int claims_parse(struct passport_claims *out, const struct claims_head *head,
		 const void *json, size_t len, const char *destination,
		 uint64_t now_s, const char **reason)
{
	struct json_object *claims;
	uint64_t age;
	bool found = false;
	int err;

	memset(out, 0, sizeof(*out));
	err = parse_object(&claims, json, len);
	if (!err)
		err = read_claims(out, head, claims, destination, &found);
	json_object_put(claims);
	if (err)
		return refuse(reason, "passport-unparsable");
	age = now_s > out->iat_s ? now_s - out->iat_s : out->iat_s - now_s;
	if (age > CLAIMS_FRESH_S)
		return refuse(reason, "passport-stale");
	if (!found)
		return refuse(reason, "passport-dest");
	return 0;
}

/* ---- printing ---- */

static void add_text(struct buf *out, const char *text)
{
	buf_add_str(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_str(out, "\\");
		buf_add(out, text, 1);
	}
	buf_add_str(out, "\"");
}

/* "tn":X or "uri":X, as a list for "dest". */
static void add_identity(struct buf *out, const char *number, bool list)
{
	bool tn = *number == '+';

	buf_printf(out, "{\"%s\":%s", tn ? "tn" : "uri", list ? "[" : "");
	if (tn) {
		add_text(out, number + 1);
	} else {
		struct buf uri;

		buf_init(&uri, SIZE_MAX);
		buf_printf(&uri, "sip:%s", number);
		add_text(out, buf_str(&uri));
		buf_free(&uri);
	}
	buf_add_str(out, list ? "]}" : "}");
}

char *claims_print_head(const char *x5u)
{
	struct buf out;
	char *text;

	buf_init(&out, SIZE_MAX);
	buf_add_str(&out, "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":");
	add_text(&out, x5u);
	buf_add_str(&out, "}");
	text = buf_steal(&out);
	return text;
}

char *claims_print(const char *orig, const char *dest, uint64_t iat_s)
{
	struct buf out;
	char *text;

	buf_init(&out, SIZE_MAX);
	buf_add_str(&out, "{\"dest\":");
	add_identity(&out, dest, true);
	buf_printf(&out, ",\"iat\":%llu,\"orig\":",
		   (unsigned long long)iat_s);
	add_identity(&out, orig, false);
	buf_add_str(&out, "}");
	text = buf_steal(&out);
	return text;
}
