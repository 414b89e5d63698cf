/* SPDX-License-Identifier: MIT */
#include "riptcall/lab.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/expand.h"
#include "ript/json.h"
#include "riptcall/options.h"

#define TEXT_MAX 4096
#define NUMBER_DIGITS 12	/* "+" and eleven digits */
#define CALLER "+14085551000"

static void take(char **textp, struct json_object *json, const char *key)
{
	const char *text;

	if (!*textp && ript_json_get_text(&text, json, key, TEXT_MAX) == 0)
		*textp = xstrdup(text);
}

static void take_patterns(struct number_set *set, struct json_object *json,
			  const char *key)
{
	struct ript_json_list list = ript_json_get_list(json, key);
	size_t i;

	for (i = 0; i < list.count; i++)
		number_set_allow(set, json_object_get_string(
					      ript_json_at(&list, i)));
}

/* DIR/OTHER for the file DIR/NAME. */
static char *beside(const char *file, const char *other)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!file)
		return NULL;
	return xasprintf("%.*s%s", slash ? (int)(slash + 1 - file) : 0, file,
			 other);
}

/* A lab's files that lab.json does not name lie beside those that it does. */
static void take_server(struct options *options)
{
	if (!options->server_cert)
		options->server_cert = beside(options->ca, "server.pem");
	if (!options->server_key)
		options->server_key = beside(options->ca, "server.key");
	if (!options->stir_ca)
		options->stir_ca = beside(options->cert, "ca.pem");
}

static void take_all(struct options *options, struct json_object *lab)
{
	struct json_object *part;
	char *address = NULL;

	take(&options->authority, lab, "authority");
	take(&options->ca, lab, "ca");
	take(&options->token, lab, "token");
	take(&options->tg, lab, "tg");
	take(&address, lab, "address");
	if (!options->address.len && address)
		addr_parse(&options->address, address);
	free(address);
	take_patterns(&options->numbers, lab, "numbers");
	take_patterns(&options->origins, lab, "origins");
	if (ript_json_get_object(&part, lab, "stir") == 0) {
		take(&options->key, part, "key");
		take(&options->cert, part, "cert");
		take(&options->x5u, part, "x5u");
	}
	if (ript_json_get_object(&part, lab, "other") == 0) {
		take(&options->other_token, part, "token");
		take(&options->other_tg, part, "tg");
	}
	take_server(options);
}

int lab_options(struct options *options, const char *file, char **why)
{
	struct json_object *lab = NULL;
	const char *at = "";
	char *text;
	size_t len;
	int err = expand_read_file(&text, &len, file, EXPAND_MAX);

	if (err) {
		*why = xasprintf("%s: %s", file, strerror(err));
		return EINVAL;
	}
	err = ript_json_parse(&lab, text, len, len, &at);
	if (!err && !json_object_is_type(lab, json_type_object))
		err = EINVAL;
	if (err)
		*why = xasprintf("%s is no lab.json: %s", file, at);
	else
		take_all(options, lab);
	json_object_put(lab);
	free(text);
	return err;
}

char *lab_caller(const struct options *options)
{
	static const char fill[] = "00000001000";
	const char *pattern;
	size_t len;

	if (!options->origins.allow_cnt)
		return xstrdup(CALLER);
	pattern = options->origins.allow[0];
	len = strcspn(pattern, "*");
	if (!pattern[len])
		return xstrdup(pattern);
	if (pattern[0] != '+')
		return xstrdup(CALLER);
	if (len >= NUMBER_DIGITS)
		return xasprintf("%.*s0", (int)len, pattern);
	return xasprintf("%.*s%s", (int)len, pattern,
			 fill + (sizeof(fill) - 1) - (NUMBER_DIGITS - len));
}
