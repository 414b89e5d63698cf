/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "base/buf.h"
#include "ript/directive.h"
#include "ript/json.h"
#include "ript/params.h"
#include "tests/unit/shows.h"

#define BIT(codec) (1u << (codec))
#define ALWAYS (BIT(CODEC_TELEPHONE_EVENT) | BIT(CODEC_CN))
#define G711 (BIT(CODEC_PCMU) | BIT(CODEC_PCMA))

static struct json_object *json_of(const char *text)
{
	struct json_object *json;
	const char *why;

	assert_int_equal(ript_json_parse(&json, text, strlen(text),
					 RIPT_JSON_LEN, &why), 0);
	return json;
}

static int advert_of(struct ript_advert *advert, const char *text)
{
	struct json_object *json = text ? json_of(text) : NULL;
	const char *why = NULL;
	int err = ript_advert_parse(advert, json, &why);

	assert_int_equal(err != 0, why != NULL);
	json_object_put(json);
	return err;
}

/* Takes @json. */
static void assert_json(struct json_object *json, const char *want)
{
	char *text = ript_json_text(json);

	assert_string_equal(text, want);
	free(text);
	json_object_put(json);
}

/* ---- advertisements ---- */

#define SET(params) \
	"{\"sink\":{\"id\":1,\"media\":\"audio\",\"param-sets\":" params "}}"

static void refused(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "no object", "[]" },
		{ "number", "17" },
		{ "source is no object", "{\"source\":17}" },
		{ "no id", "{\"source\":{\"media\":\"audio\","
			   "\"param-sets\":{}}}" },
		{ "id too large", "{\"source\":{\"id\":256,\"media\":"
				  "\"audio\",\"param-sets\":{}}}" },
		{ "id negative", "{\"source\":{\"id\":-1,\"media\":\"audio\","
				 "\"param-sets\":{}}}" },
		{ "id no digits", "{\"source\":{\"id\":\"1a\",\"media\":"
				  "\"audio\",\"param-sets\":{}}}" },
		{ "id empty", "{\"source\":{\"id\":\"\",\"media\":\"audio\","
			      "\"param-sets\":{}}}" },
		{ "no media", "{\"source\":{\"id\":0,\"param-sets\":{}}}" },
		{ "other media", "{\"source\":{\"id\":0,\"media\":\"smell\","
				 "\"param-sets\":{}}}" },
		{ "id twice", "{\"source\":[{\"id\":0,\"media\":\"audio\","
			      "\"param-sets\":{}},{\"id\":\"0\",\"media\":"
			      "\"audio\",\"param-sets\":{}}]}" },
		{ "no param-sets", "{\"source\":{\"id\":0,\"media\":"
				   "\"audio\"}}" },
		{ "empty param-sets", SET("[]") },
		{ "param-set no object", SET("[7]") },
		{ "nine param-sets", SET("[{},{},{},{},{},{},{},{},{}]") },
		{ "real", SET("{\"sr\":1.5}") },
		{ "text", SET("{\"sr\":\"1\"}") },
		{ "codec real", SET("{\"PCMU\":1.0}") },
		{ "codec text", SET("{\"pcmu\":\"1\"}") },
		{ "codec 2", SET("{\"PCMU\":2}") },
		{ "codec -1", SET("{\"opus\":-1}") },
		{ "beyond int64", SET("{\"br\":9223372036854775808}") },
		{ "-2^63", SET("{\"sr\":-9223372036854775808}") },
		{ "ss 4", SET("{\"ss\":4}") },
		{ "sr 0", SET("{\"sr\":0}") },
		{ "ptime -20", SET("{\"ptime\":-20}") },
		{ "ch -1", SET("{\"ch\":-1}") },
		{ "null", SET("{\"sr\":null}") },
		{ "text form: empty", "\"\"" },
		{ "text form: no entry", "\"opus; PCMU;\"" },
		{ "text form: nothing in it", "\"1 in:\"" },
		{ "text form: direction", "\"1 up: opus;\"" },
		{ "text form: id", "\"256 in: opus;\"" },
		{ "text form: id twice", "\"1 in: opus; 1 in: PCMU;\"" },
		{ "text form: no colon", "\"1 in opus;\"" },
		{ "text form: value", "\"1 in: opus, sr=x;\"" },
		{ "text form: range", "\"1 in: opus, ss=4;\"" },
	};
	struct ript_advert advert;
	struct json_object *json;
	const char *why;
	char many[4096];
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		assert_int_equal(advert_of(&advert, rows[i].text), EINVAL);
	}
	/* 16 of a kind are the limit. */
	for (i = 0, len = 0; i < 17; i++)
		len += (size_t)snprintf(many + len, sizeof(many) - len,
					"%s{\"id\":%zu,\"media\":\"audio\","
					"\"param-sets\":{}}",
					i ? "," : "{\"sink\":[", i);
	snprintf(many + len, sizeof(many) - len, "]}");
	assert_int_equal(advert_of(&advert, many), EINVAL);
	snprintf(strstr(many, ",{\"id\":16"), 3, "]}");
	assert_int_equal(advert_of(&advert, many), 0);
	assert_int_equal(advert.sink_cnt, 16);
	/* -2^63+1 to 2^63-1 */
	json = json_of(SET("{\"br\":9223372036854775807,"
			   "\"x\":-9223372036854775807}"));
	assert_int_equal(ript_advert_parse(&advert, json, &why), 0);
	assert_int_equal(advert.sink[0].set[0].br, INT64_MAX);
	json_object_put(json);
	shows("RIPT-AD-01");
	shows("RIPT-AD-03");
	shows("RIPT-AD-05");
	shows("RIPT-AD-10");
	shows("RIPT-AD-13");
}

static void codecs_of_a_set(void **state)
{
	static const struct {
		const char *set;
		uint32_t want;
	} rows[] = {
		{ "{}", G711 | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"sr\":8000}", G711 | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"x-unknown\":1}", G711 | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"x-unknown\":\"a\"}", G711 | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"CN\":1}", G711 | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"CN\":0}", G711 | BIT(CODEC_OPUS) |
					BIT(CODEC_TELEPHONE_EVENT) },
		{ "{\"PCMU\":1}", BIT(CODEC_PCMU) | ALWAYS },
		{ "{\"pcmu\":1,\"audio/Opus\":1}",
		  BIT(CODEC_PCMU) | BIT(CODEC_OPUS) | ALWAYS },
		{ "{\"PCMU\":0}", ALWAYS },
		{ "{\"PCMU\":1,\"telephone-event\":0,\"CN\":0}",
		  BIT(CODEC_PCMU) },
		{ "{\"EVS\":1}", ALWAYS },
		{ "{\"audio/x-mine\":1}", ALWAYS },
		{ "{\"G722\":1,\"EVS\":1}", BIT(CODEC_G722) | ALWAYS },
	};
	struct ript_advert advert;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].set);
		snprintf(text, sizeof(text), SET("%s"), rows[i].set);
		assert_int_equal(advert_of(&advert, text), 0);
		assert_int_equal(advert.sink_cnt, 1);
		assert_int_equal(advert.source_cnt, 0);
		assert_int_equal(ript_params_codecs(&advert.sink[0].set[0]),
				 rows[i].want);
	}
	shows("RIPT-AD-24");
}

static void absent_is_default(void **state)
{
	static const char *const rows[] = {
		NULL, "null", "{}", "{\"x\":1}",
		"{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":{}},"
		"\"sink\":{\"id\":1,\"media\":\"audio\",\"param-sets\":{}}}",
	};
	const struct ript_params *params;
	struct ript_advert advert;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(advert_of(&advert, rows[i]), 0);
		assert_int_equal(advert.source_cnt, 1);
		assert_int_equal(advert.source[0].id, 0);
		assert_int_equal(advert.source[0].media, RIPT_AUDIO);
		assert_int_equal(advert.sink_cnt, 1);
		assert_int_equal(advert.sink[0].id, 1);
		params = &advert.sink[0].set[0];
		assert_int_equal(ript_params_codecs(params),
				 G711 | BIT(CODEC_OPUS) | ALWAYS);
		assert_int_equal(params->sr, RIPT_ABSENT);
		assert_int_equal(params_sr(params), 48000);
		assert_int_equal(params_ss(params), 16);
		assert_int_equal(params_ptime(params), 30);
		assert_false(params_cbr(params));
		assert_true(params_ch(params));
	}
	shows("RIPT-AD-11");
}

static void both_forms(void **state)
{
	struct ript_advert advert;

	(void)state;
	/* Alternatives, entries as array, ids as texts and apart (Q17). */
	assert_int_equal(advert_of(&advert,
		"{\"source\":[{\"id\":\"0\",\"media\":\"audio\",\"param-sets\""
		":{\"opus\":1}},{\"id\":2,\"media\":\"video\",\"param-sets\":"
		"[{\"H264\":1,\"max-width\":3840,\"max-height\":2160,"
		"\"max-fps\":60},{\"AV1\":1,\"max-res\":1920,\"fps\":30,"
		"\"pr\":5,\"depth\":10,\"tlay\":2,\"slay\":3,\"br\":64000}]},"
		"{\"id\":3,\"media\":\"video\",\"param-sets\":{}}],"
		"\"sink\":{\"id\":0,\"media\":\"audio\",\"param-sets\":"
		"[{\"opus\":1,\"sr\":16000,\"ch\":2,\"cbr\":1},{\"G722\":1,"
		"\"ptime\":20,\"ss\":8}]}}"), 0);
	assert_false(advert.text);
	assert_int_equal(advert.source_cnt, 3);
	assert_int_equal(advert.source[1].set_cnt, 2);
	assert_int_equal(advert.source[1].set[0].max_res, 3840);
	assert_int_equal(advert.source[1].set[0].max_height, 2160);
	assert_int_equal(advert.source[1].set[0].fps, 60);
	assert_int_equal(advert.source[1].set[1].slay, 3);
	assert_int_equal(advert.source[1].set[1].br, 64000);
	assert_int_equal(advert.sink[0].set_cnt, 2);
	assert_int_equal(advert.sink[0].set[0].sr, 16000);
	assert_int_equal(advert.sink[0].set[0].ch, 1);
	assert_int_equal(advert.sink[0].set[0].cbr, 1);
	assert_int_equal(advert.sink[0].set[1].ss, 8);
	assert_int_equal(advert.sink[0].set[1].ptime, 20);
	/* Gathered (Q16): two members of one name. */
	assert_int_equal(advert_of(&advert,
		"{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":{}},"
		"\"source\":{\"id\":1,\"media\":\"audio\",\"param-sets\":{}},"
		"\"source\":{\"id\":2,\"media\":\"video\",\"param-sets\":{}}"
		"}"), 0);
	assert_int_equal(advert.source_cnt, 3);
	assert_int_equal(advert.source[2].id, 2);
	assert_int_equal(advert.source[2].media, RIPT_VIDEO);
	assert_int_equal(advert.sink_cnt, 0);
	shows("RIPT-AD-02");
	shows("RIPT-AD-06");
}

static void text_form(void **state)
{
	static const struct {
		const char *text, *again;
		unsigned sinks, sources;
	} rows[] = {
		{ "\"1 in: opus; PCMU; 2 out: opus;\"",
		  "1 in: PCMU; opus; telephone-event; CN; "
		  "2 out: opus; telephone-event; CN;", 1, 1 },
		{ "\"1 in: opus; PCMU; PCMA; 2 out: opus; PCMU; PCMA;\"",
		  "1 in: PCMU; PCMA; opus; telephone-event; CN; "
		  "2 out: PCMU; PCMA; opus; telephone-event; CN;", 1, 1 },
		{ "\"1in:opus\"", "1 in: opus; telephone-event; CN;", 1, 0 },
		{ "\" 3  out : PCMU , sr=8000 , ptime=20 ; opus ; \"",
		  "3 out: PCMU, sr=8000, ptime=20; telephone-event; CN; "
		  "opus; telephone-event; CN;", 0, 1 },
		{ "\"1 in: opus=0; PCMU;\"",
		  "1 in: telephone-event; CN; PCMU; telephone-event; CN;",
		  1, 0 },
	};
	struct ript_advert advert, again;
	char quoted[512];
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		assert_int_equal(advert_of(&advert, rows[i].text), 0);
		assert_true(advert.text);
		assert_int_equal(advert.sink_cnt, rows[i].sinks);
		assert_int_equal(advert.source_cnt, rows[i].sources);
		text = ript_advert_text(&advert);
		assert_string_equal(text, rows[i].again);
		snprintf(quoted, sizeof(quoted), "\"%s\"", text);
		assert_int_equal(advert_of(&again, quoted), 0);
		assert_int_equal(again.sink_cnt, advert.sink_cnt);
		free(text);
	}
	assert_int_equal(advert_of(&advert, "\"1 in: H264, max-width=1920; "
					    "2 out: PCMU;\""), 0);
	assert_int_equal(advert.sink[0].media, RIPT_VIDEO);
	assert_int_equal(advert.sink[0].set[0].max_res, 1920);
	assert_int_equal(advert.source[0].media, RIPT_AUDIO);
}

static void voice_gateway(void **state)
{
	struct ript_advert advert;

	(void)state;
	ript_advert_voice(&advert, G711 | ALWAYS, 20);
	assert_json(ript_advert_json(&advert),
		    "{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":"
		    "{\"PCMU\":1,\"PCMA\":1,\"telephone-event\":1,\"CN\":1,"
		    "\"sr\":8000,\"ptime\":20}},"
		    "\"sink\":{\"id\":1,\"media\":\"audio\",\"param-sets\":"
		    "{\"PCMU\":1,\"PCMA\":1,\"telephone-event\":1,\"CN\":1,"
		    "\"sr\":8000,\"ptime\":20}}}");
	shows("RIPT-AD-08");
	shows("RIPT-AD-04");
	/* The profile's own example: nothing that is a default. */
	ript_advert_voice(&advert, G711 | BIT(CODEC_OPUS), 30);
	assert_json(ript_advert_json(&advert),
		    "{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":"
		    "{\"PCMU\":1,\"PCMA\":1,\"opus\":1,\"telephone-event\":1,"
		    "\"CN\":1}},\"sink\":{\"id\":1,\"media\":\"audio\","
		    "\"param-sets\":{\"PCMU\":1,\"PCMA\":1,\"opus\":1,"
		    "\"telephone-event\":1,\"CN\":1}}}");
	assert_int_equal(advert_of(&advert, SET(
		"{\"sr\":48000,\"ss\":16,\"cbr\":0,\"ch\":1,\"ptime\":30,"
		"\"fps\":30,\"depth\":8,\"tlay\":1,\"slay\":1}")), 0);
	assert_json(ript_advert_json(&advert),
		    "{\"source\":[],\"sink\":{\"id\":1,\"media\":\"audio\","
		    "\"param-sets\":{}}}");
	shows("RIPT-AD-09");
	ript_advert_voice(&advert, BIT(CODEC_G722), 0);
	assert_int_equal(advert.sink[0].set[0].sr, 16000);
	assert_int_equal(advert_of(&advert,
		"{\"source\":{\"id\":7,\"media\":\"video\",\"param-sets\":"
		"[{\"max-fps\":60,\"max-width\":1920},{\"sr\":8000}]}}"), 0);
	assert_json(ript_advert_json(&advert),
		    "{\"source\":{\"id\":7,\"media\":\"video\",\"param-sets\":"
		    "[{\"fps\":60,\"max-fps\":60,\"max-res\":1920,"
		    "\"max-width\":1920},{\"sr\":8000}]},\"sink\":[]}");
}

/* ---- directives ---- */

static const enum codec prefer[] = { CODEC_PCMU, CODEC_OPUS, CODEC_NONE };

static void example_of_the_profile(void **state)
{
	struct ript_advert client, server;
	struct ript_directives d;

	(void)state;
	assert_int_equal(advert_of(&client, NULL), 0);
	ript_advert_voice(&server, G711 | BIT(CODEC_OPUS), 20);
	ript_directives_make(&d, &client, &server, prefer);
	assert_json(ript_directives_json(&d),
		    "{\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		    "{\"id\":1},\"param-sets\":{\"PCMU\":1,\"PCMA\":0,"
		    "\"opus\":0,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		    "\"ptime\":20}}},"
		    "\"server\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		    "{\"id\":1},\"param-sets\":{\"PCMU\":1,\"PCMA\":0,"
		    "\"opus\":0,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		    "\"ptime\":20}}}}");
	assert_int_equal(ript_directive_codecs(&d.client),
			 BIT(CODEC_PCMU) | ALWAYS);
	assert_ptr_equal(ript_directive_audio(&d.client),
			 &d.client.stream[0]);
	shows("RIPT-DR-01");
	shows("RIPT-DR-03");
	shows("RIPT-DR-04");
	shows("RIPT-DR-08");
	shows("RIPT-DR-14");
}

/* One source and one sink on each side with these sets. */
static void make(struct ript_directives *d, const char *client_set,
		 const char *server_set)
{
	struct ript_advert client, server;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"source\":{\"id\":4,\"media\":\"audio\",\"param-sets\":%s}"
		 ",\"sink\":{\"id\":5,\"media\":\"audio\",\"param-sets\":%s}}",
		 client_set, client_set);
	assert_int_equal(advert_of(&client, text), 0);
	snprintf(text, sizeof(text),
		 "{\"source\":{\"id\":6,\"media\":\"audio\",\"param-sets\":%s}"
		 ",\"sink\":{\"id\":7,\"media\":\"audio\",\"param-sets\":%s}}",
		 server_set, server_set);
	assert_int_equal(advert_of(&server, text), 0);
	ript_directives_make(d, &client, &server, prefer);
}

static void choices(void **state)
{
	static const struct {
		const char *client, *server;
		const char *set;	/* NULL: no stream */
	} rows[] = {
		{ "{\"PCMA\":1}", "{\"PCMA\":1}",
		  "{\"PCMA\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		  "\"ptime\":20}" },
		{ "{\"PCMA\":1,\"CN\":0}", "{\"PCMA\":1}",
		  "{\"PCMA\":1,\"telephone-event\":1,\"CN\":0,\"sr\":8000,"
		  "\"ptime\":20}" },
		{ "{\"opus\":1}", "{\"opus\":1}",
		  "{\"opus\":1,\"telephone-event\":1,\"CN\":1,"
		  "\"ptime\":20}" },
		{ "{\"opus\":1,\"sr\":20000,\"ptime\":15,\"ch\":0,\"cbr\":1,"
		  "\"br\":32000}", "{\"opus\":1,\"br\":64000,\"ss\":24}",
		  "{\"opus\":1,\"telephone-event\":1,\"CN\":1,\"sr\":16000,"
		  "\"cbr\":1,\"ch\":0,\"ptime\":10,\"br\":32000}" },
		{ "{\"G722\":1,\"sr\":16000}", "{\"G722\":1}",
		  "{\"G722\":1,\"telephone-event\":1,\"CN\":1,\"sr\":16000,"
		  "\"ptime\":20}" },
		{ "{\"PCMU\":1,\"ss\":8,\"ptime\":60}", "{\"PCMU\":1}",
		  "{\"PCMU\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		  "\"ss\":8,\"ptime\":20}" },
		{ "{\"PCMU\":1,\"ptime\":7}", "{\"PCMU\":1}",
		  "{\"PCMU\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		  "\"ptime\":7}" },
		{ "{\"PCMU\":1,\"sr\":4000}", "{}", NULL },
		{ "{\"G722\":1,\"sr\":8000}", "{\"G722\":1}", NULL },
		{ "{\"opus\":1,\"ptime\":3}", "{\"opus\":1}", NULL },
		{ "{\"GSM\":1,\"ptime\":10}", "{\"GSM\":1}", NULL },
		{ "{\"G729\":1,\"ptime\":10}", "{\"G729\":1}",
		  "{\"G729\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		  "\"ptime\":10}" },
		/* the first alternative that works */
		{ "[{\"PCMU\":1,\"sr\":4000},{\"PCMU\":1,\"ptime\":10}]",
		  "{}",
		  "{\"PCMU\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		  "\"ptime\":10}" },
		{ "{\"PCMU\":1}", "{\"PCMA\":1}", NULL },
		{ "{\"PCMU\":0}", "{}", NULL },
		{ "{\"EVS\":1}", "{\"EVS\":1}", NULL },
	};
	struct ript_directives d;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct json_object *json;

		row_name(rows[i].client);
		make(&d, rows[i].client, rows[i].server);
		if (!rows[i].set) {
			assert_json(ript_directives_json(&d),
				    "{\"client\":{\"stream\":[]},\"server\":"
				    "{\"stream\":[]}}");
			assert_null(ript_directive_audio(&d.client));
			assert_int_equal(ript_directive_codecs(&d.client), 0);
			continue;
		}
		assert_int_equal(d.client.stream_cnt, 1);
		assert_int_equal(d.client.stream[0].source, 4);
		assert_int_equal(d.client.stream[0].sink, 7);
		assert_int_equal(d.server.stream[0].source, 6);
		assert_int_equal(d.server.stream[0].sink, 5);
		json = params_json(&d.client.stream[0].params, RIPT_AUDIO);
		assert_json(json, rows[i].set);
	}
	shows("RIPT-AD-12");
	shows("RIPT-AD-15");
	shows("RIPT-DR-02");
	make(&d, "{\"PCMU\":1}", "{}");
	text = ript_directive_text(&d.client);
	assert_string_equal(text, "4 to 7: PCMU, sr=8000, ptime=20; "
				  "telephone-event; CN;");
	free(text);
}

static void only_media_with_a_sink(void **state)
{
	struct ript_advert client, server;
	struct ript_directives d;

	(void)state;
	assert_int_equal(advert_of(&client, NULL), 0);
	assert_int_equal(advert_of(&server,
		"{\"source\":[{\"id\":0,\"media\":\"video\",\"param-sets\":"
		"{\"H264\":1}},{\"id\":1,\"media\":\"video\",\"param-sets\":"
		"{}},{\"id\":2,\"media\":\"audio\",\"param-sets\":{}}],"
		"\"sink\":{\"id\":9,\"media\":\"video\",\"param-sets\":{}}"
		"}"), 0);
	ript_directives_make(&d, &client, &server, prefer);
	assert_int_equal(d.client.stream_cnt, 0);	/* Q82 */
	assert_int_equal(d.server.stream_cnt, 1);
	assert_int_equal(d.server.stream[0].source, 2);
	assert_int_equal(d.server.stream[0].media, RIPT_AUDIO);
	/* Two sources never share a sink. */
	assert_int_equal(advert_of(&server,
		"{\"source\":[{\"id\":0,\"media\":\"audio\",\"param-sets\":{}}"
		",{\"id\":1,\"media\":\"audio\",\"param-sets\":{}}]}"), 0);
	ript_directives_make(&d, &client, &server, prefer);
	assert_int_equal(d.server.stream_cnt, 1);
}

static void directives_are_read(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned client, server;
		bool client_absent, server_absent;
	} rows[] = {
		{ "{\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		  "{\"id\":1},\"param-sets\":{\"PCMU\":1,\"opus\":0}}},"
		  "\"server\":{\"stream\":[]}}", 0, 1, 0, false, false },
		{ "{\"client\":{\"stream\":[]}}", 0, 0, 0, false, true },
		{ "{\"client\":{}}", 0, 0, 0, false, true },
		{ "{}", 0, 0, 0, true, true },
		/* two members of one name; ids alone; one set as array */
		{ "{\"client\":{\"stream\":{\"source\":0,\"sink\":\"1\"},"
		  "\"stream\":{\"source\":{\"id\":2},\"sink\":{\"id\":3},"
		  "\"param-sets\":[{}]}}}", 0, 2, 0, false, true },
		/* nobody has to understand the server's (DR-10) */
		{ "{\"client\":{\"stream\":[]},\"server\":17}", 0, 0, 0,
		  false, true },
		{ "{\"client\":{\"stream\":[]},\"server\":{\"stream\":"
		  "[{\"source\":{\"id\":0},\"sink\":{\"id\":1}},7]}}", 0, 0,
		  0, false, true },
		{ "{\"client\":17}", EINVAL, 0, 0, false, false },
		{ "{\"client\":{\"stream\":7}}", EINVAL, 0, 0, false, false },
		{ "{\"client\":{\"stream\":{\"source\":{\"id\":0}}}}", EINVAL,
		  0, 0, false, false },
		{ "{\"client\":{\"stream\":{\"source\":{\"id\":300},\"sink\":"
		  "{\"id\":0}}}}", EINVAL, 0, 0, false, false },
		{ "{\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		  "{\"id\":1},\"param-sets\":[{},{}]}}}", EINVAL, 0, 0,
		  false, false },
		{ "{\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		  "{\"id\":1},\"param-sets\":{\"PCMU\":\"1\"}}}}", EINVAL, 0,
		  0, false, false },
		{ "[]", EINVAL, 0, 0, false, false },
	};
	struct ript_directives d;
	struct json_object *json;
	const char *why;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		json = json_of(rows[i].text);
		why = NULL;
		err = ript_directives_parse(&d, json, &why);
		json_object_put(json);
		assert_int_equal(err, rows[i].err);
		if (err) {
			assert_non_null(why);
			continue;
		}
		assert_int_equal(d.client.stream_cnt, rows[i].client);
		assert_int_equal(d.server.stream_cnt, rows[i].server);
		assert_int_equal(d.client_absent, rows[i].client_absent);
		assert_int_equal(d.server_absent, rows[i].server_absent);
	}
	json = json_of("{\"client\":{\"stream\":[{\"source\":{\"id\":3},"
		       "\"sink\":{\"id\":4},\"param-sets\":{\"VP8\":1}},"
		       "{\"source\":{\"id\":1},\"sink\":{\"id\":2},"
		       "\"param-sets\":{\"PCMU\":1,\"CN\":0,\"ptime\":10}}]}}");
	assert_int_equal(ript_directives_parse(&d, json, &why), 0);
	json_object_put(json);
	assert_int_equal(d.client.stream[0].media, RIPT_VIDEO);
	assert_ptr_equal(ript_directive_audio(&d.client),
			 &d.client.stream[1]);
	assert_int_equal(ript_directive_codecs(&d.client),
			 BIT(CODEC_PCMU) | BIT(CODEC_TELEPHONE_EVENT));
	assert_int_equal(d.client.stream[1].params.ptime, 10);
	shows("RIPT-DR-10");
}

/* ---- properties over random advertisements ---- */

static uint64_t seed;

static uint32_t pseudo(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

static int64_t pick(const int64_t *values, uint32_t cnt)
{
	return pseudo(3) ? RIPT_ABSENT : values[pseudo(cnt)];
}

static void random_params(struct ript_params *params)
{
	static const int64_t sr[] = { 4000, 8000, 11025, 16000, 44100, 48000,
				      96000 };
	static const int64_t ss[] = { 8, 12, 16, 24 };
	static const int64_t ptime[] = { 1, 5, 10, 15, 20, 30, 40, 60, 200 };
	static const int64_t flag[] = { 0, 1 };
	static const int64_t br[] = { 1, 6000, 64000, INT64_MAX };

	params_init(params);
	params->sr = pick(sr, COUNT(sr));
	params->ss = pick(ss, COUNT(ss));
	params->ptime = pick(ptime, COUNT(ptime));
	params->cbr = pick(flag, COUNT(flag));
	params->ch = pick(flag, COUNT(flag));
	params->br = pick(br, COUNT(br));
	if (pseudo(3) == 0)
		return;
	params->codecs = pseudo(1u << CODEC_OTHER) & ~1u;
	params->refused = pseudo(1u << CODEC_OTHER) & ~1u & ~params->codecs;
	if (pseudo(2))
		params->refused &= pseudo(1u << CODEC_OTHER);
	params->other_codec = pseudo(8) == 0;
}

static unsigned random_ends(struct ript_end *end, uint8_t first_id)
{
	unsigned cnt = pseudo(4), i, k;

	if (pseudo(3))
		cnt = cnt ? 1 : 0;
	for (i = 0; i < cnt; i++) {
		memset(&end[i], 0, sizeof(end[i]));
		end[i].id = (uint8_t)(first_id + i);
		end[i].media = pseudo(4) ? RIPT_AUDIO : RIPT_VIDEO;
		end[i].set_cnt = 1 + pseudo(pseudo(2) ? 1 : RIPT_PARAM_SETS);
		for (k = 0; k < end[i].set_cnt; k++)
			random_params(&end[i].set[k]);
	}
	return cnt;
}

static void random_advert(struct ript_advert *advert)
{
	memset(advert, 0, sizeof(*advert));
	advert->source_cnt = random_ends(advert->source, (uint8_t)pseudo(9));
	advert->sink_cnt = random_ends(advert->sink, (uint8_t)pseudo(9));
}

static const struct ript_end *find(const struct ript_end *end, unsigned cnt,
				   uint8_t id)
{
	unsigned i;

	for (i = 0; i < cnt; i++)
		if (end[i].id == id)
			return &end[i];
	return NULL;
}

/* Whether @sent stays within @max, written apart from what is tested. */
static bool within(const struct ript_params *sent,
		   const struct ript_params *max)
{
	int64_t sr = max->sr == RIPT_ABSENT ? 48000 : max->sr;
	int64_t ss = max->ss == RIPT_ABSENT ? 16 : max->ss;
	int64_t ptime = max->ptime == RIPT_ABSENT ? 30 : max->ptime;
	int64_t ch = max->ch == RIPT_ABSENT ? 1 : max->ch;

	return (sent->sr == RIPT_ABSENT ? 48000 : sent->sr) <= sr &&
	       (sent->ss == RIPT_ABSENT ? 16 : sent->ss) <= ss &&
	       (sent->ptime == RIPT_ABSENT ? 30 : sent->ptime) <= ptime &&
	       (sent->ch == RIPT_ABSENT ? 1 : sent->ch) <= ch &&
	       (max->br == RIPT_ABSENT ||
		(sent->br != RIPT_ABSENT && sent->br <= max->br)) &&
	       (max->cbr != 1 || sent->cbr == 1) &&
	       (sent->codecs & ~ript_params_codecs(max)) == 0;
}

static unsigned speech_codecs(uint32_t codecs)
{
	return (unsigned)__builtin_popcount(codecs & ~ALWAYS);
}

static void check_stream(const struct ript_stream *stream,
			 const struct ript_end *source,
			 const struct ript_end *sink)
{
	bool fits = false;
	unsigned i, k;

	assert_non_null(source);
	assert_non_null(sink);
	assert_int_equal(source->media, stream->media);
	assert_int_equal(sink->media, stream->media);
	assert_int_equal(speech_codecs(stream->params.codecs), 1);
	assert_int_equal(stream->params.codecs & stream->params.refused, 0);
	assert_int_equal(ript_params_codecs(&stream->params),
			 stream->params.codecs);
	for (i = 0; i < source->set_cnt; i++)
		for (k = 0; k < sink->set_cnt; k++)
			fits = fits || (within(&stream->params,
					       &source->set[i]) &&
					within(&stream->params,
					       &sink->set[k]));
	assert_true(fits);
}

static void check_directive(const struct ript_directive *d,
			    const struct ript_end *source, unsigned sources,
			    const struct ript_end *sink, unsigned sinks)
{
	unsigned i, k;

	assert_true(d->stream_cnt <= sources && d->stream_cnt <= sinks);
	for (i = 0; i < d->stream_cnt; i++) {
		check_stream(&d->stream[i],
			     find(source, sources, d->stream[i].source),
			     find(sink, sinks, d->stream[i].sink));
		for (k = 0; k < i; k++) {
			assert_int_not_equal(d->stream[k].source,
					     d->stream[i].source);
			assert_int_not_equal(d->stream[k].sink,
					     d->stream[i].sink);
		}
	}
}

static void check_round_trip(const struct ript_advert *advert,
			     const struct ript_directives *d)
{
	struct ript_advert advert2;
	struct ript_directives d2;
	struct json_object *a = ript_advert_json(advert), *b;
	char *text = ript_json_text(a);
	const char *why;

	assert_int_equal(ript_advert_parse(&advert2, a, &why), 0);
	assert_json(ript_advert_json(&advert2), text);
	free(text);
	json_object_put(a);

	b = ript_directives_json(d);
	text = ript_json_text(b);
	assert_int_equal(ript_directives_parse(&d2, b, &why), 0);
	assert_json(ript_directives_json(&d2), text);
	free(text);
	json_object_put(b);
}

static void never_above_either_maximum(void **state)
{
	static struct ript_advert client, server;
	struct ript_directives d;
	unsigned round, streams = 0;

	(void)state;
	seed = 20200207;
	for (round = 0; round < 5000; round++) {
		random_advert(&client);
		random_advert(&server);
		ript_directives_make(&d, &client, &server,
				     pseudo(2) ? prefer : NULL);
		check_directive(&d.client, client.source, client.source_cnt,
				server.sink, server.sink_cnt);
		check_directive(&d.server, server.source, server.source_cnt,
				client.sink, client.sink_cnt);
		check_round_trip(&client, &d);
		streams += d.client.stream_cnt + d.server.stream_cnt;
	}
	/* Not everything was incompatible. */
	assert_true(streams > 1000);
	shows("RIPT-AD-07");
	shows("RIPT-DR-05");
	shows("RIPT-DR-06");
	shows("RIPT-DR-07");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(codecs_of_a_set),
		cmocka_unit_test(absent_is_default),
		cmocka_unit_test(both_forms),
		cmocka_unit_test(text_form),
		cmocka_unit_test(voice_gateway),
		cmocka_unit_test(example_of_the_profile),
		cmocka_unit_test(choices),
		cmocka_unit_test(only_media_with_a_sink),
		cmocka_unit_test(directives_are_read),
		cmocka_unit_test(never_above_either_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
