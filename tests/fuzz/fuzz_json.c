/* SPDX-License-Identifier: MIT */
/*
 * The JSON of a body, and what is in it if it is an advertisement, a handler
 * or directives: whatever is understood is printed, read and printed again
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ript/directive.h"
#include "ript/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int ok)
{
	if (!ok)
		abort();
}

/* Takes @again; *@text is what it must print, and is freed. */
static void same(char *text, struct json_object *again)
{
	char *second = ript_json_text(again);

	require(strcmp(text, second) == 0);
	free(second);
	free(text);
	json_object_put(again);
}

static void try_json(struct json_object *json)
{
	struct json_object *again = NULL;
	char *text = ript_json_text(json);
	const char *why;

	/* Escapes may make it longer than it was. */
	if (strlen(text) > RIPT_JSON_LEN) {
		free(text);
		return;
	}
	require(ript_json_parse(&again, text, strlen(text), RIPT_JSON_LEN,
				&why) == 0);
	same(text, again);
}

static void try_directives(const struct ript_directives *d)
{
	struct json_object *json = ript_directives_json(d);
	char *text = ript_json_text(json);
	static struct ript_directives again;
	const char *why;

	require(ript_directives_parse(&again, json, &why) == 0);
	json_object_put(json);
	same(text, ript_directives_json(&again));
	free(ript_directive_text(&d->client));
}

static void try_advert(const struct ript_advert *advert)
{
	static const enum codec prefer[] = { CODEC_OPUS, CODEC_NONE };
	static struct ript_advert again, voice;
	static struct ript_directives d;
	struct json_object *json = ript_advert_json(advert);
	char *text = ript_json_text(json);
	const char *why;

	require(ript_advert_parse(&again, json, &why) == 0);
	json_object_put(json);
	same(text, ript_advert_json(&again));
	free(ript_advert_text(advert));
	ript_advert_voice(&voice, 1u << CODEC_PCMU | 1u << CODEC_OPUS, 20);
	ript_directives_make(&d, advert, &voice, prefer);
	try_directives(&d);
	ript_directives_make(&d, &voice, advert, NULL);
	try_directives(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ript_advert advert;
	static struct ript_directives directives;
	struct json_object *json = NULL, *member = NULL;
	const char *why = NULL;

	if (ript_json_parse(&json, data, len, RIPT_JSON_LEN, &why) != 0) {
		require(why != NULL);
		return 0;
	}
	try_json(json);
	if (ript_json_get_object(&member, json, "advertisement") != 0)
		member = json;
	if (member && ript_advert_parse(&advert, member, &why) == 0)
		try_advert(&advert);
	if (ript_json_get_object(&member, json, "directives") != 0)
		member = json;
	if (member && ript_directives_parse(&directives, member, &why) == 0)
		try_directives(&directives);
	json_object_put(json);
	return 0;
}
