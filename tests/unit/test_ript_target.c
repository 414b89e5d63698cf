/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "ript/target.h"

#define R "/.well-known/ript/v1"

static const struct {
	const char *path;
	enum target_kind kind;
	const char *tg, *id;
} paths[] = {
	{ "/", TARGET_FOREIGN, "", "" },
	{ "", TARGET_FOREIGN, "", "" },
	{ "/.well-known/ript-oauth", TARGET_FOREIGN, "", "" },
	{ "/.well-known/riptide/v1", TARGET_FOREIGN, "", "" },
	{ "/.well-known/ript", TARGET_UNKNOWN, "", "" },
	{ "/.well-known/ript/", TARGET_UNKNOWN, "", "" },
	{ "/.well-known/ript/providertgs", TARGET_UNVERSIONED, "", "" },
	{ "/.well-known/ript/v", TARGET_UNVERSIONED, "", "" },
	{ "/.well-known/ript/v2/providertgs", TARGET_UNKNOWN, "", "" },
	{ "/.well-known/ript/v10", TARGET_UNKNOWN, "", "" },
	{ "/.well-known/ript/v1x/providertgs", TARGET_UNVERSIONED, "", "" },
	{ R, TARGET_UNKNOWN, "", "" },
	{ R "/", TARGET_UNKNOWN, "", "" },
	{ R "/providertgs", TARGET_PROVIDERTGS, "", "" },
	{ R "/providertgs/", TARGET_UNKNOWN, "", "" },
	{ R "/providertgsx", TARGET_UNKNOWN, "", "" },
	{ R "/providertgs/123", TARGET_TG, "123", "" },
	{ R "/providertgs/a%41", TARGET_UNKNOWN, "", "" },
	{ R "/providertgs/..", TARGET_UNKNOWN, "", "" },
	{ R "/providertgs/123/", TARGET_UNKNOWN, "123", "" },
	{ R "/providertgs/123/handlers", TARGET_HANDLERS, "123", "" },
	{ R "/providertgs/123/handlers/h", TARGET_HANDLER, "123", "h" },
	{ R "/providertgs/123/handlers/h/x", TARGET_UNKNOWN, "123", "h" },
	{ R "/providertgs/123/calls", TARGET_CALLS, "123", "" },
	{ R "/providertgs/123/calls/u", TARGET_CALL, "123", "u" },
	{ R "/providertgs/123/calls/u/events", TARGET_CALL_EVENTS, "123",
	  "u" },
	{ R "/providertgs/123/calls/u/media", TARGET_CALL_MEDIA, "123", "u" },
	{ R "/providertgs/123/calls/u/other", TARGET_UNKNOWN, "123", "u" },
	{ R "/providertgs/123/calls/u/media/x", TARGET_UNKNOWN, "", "" },
	{ R "/providertgs/123/events", TARGET_UNKNOWN, "123", "" },
	{ R "/problems/not-found", TARGET_PROBLEM, "", "not-found" },
	{ R "/problems", TARGET_UNKNOWN, "", "" },
};

static void parses_paths(void **state)
{
	struct target target;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		row_name(paths[i].path);
		target_parse(&target, paths[i].path);
		assert_int_equal(target.kind, paths[i].kind);
		if (paths[i].kind != TARGET_UNKNOWN) {
			assert_string_equal(target.tg, paths[i].tg);
			assert_string_equal(target.id, paths[i].id);
		}
	}
}

static void refuses_long_segments(void **state)
{
	char path[512] = R "/providertgs/";
	struct target target;
	size_t len = strlen(path);

	(void)state;
	memset(path + len, 'a', RIPT_ID_LEN);
	target_parse(&target, path);
	assert_int_equal(target.kind, TARGET_TG);
	path[len + RIPT_ID_LEN] = 'a';
	target_parse(&target, path);
	assert_int_equal(target.kind, TARGET_UNKNOWN);
}

static const struct {
	const char *uri, *authority, *path;
	int err;
} uris[] = {
	{ "https://a.example/x", "a.example", "/x", 0 },
	{ "HTTPS://a.example:8443/x/y", "a.example:8443", "/x/y", 0 },
	{ "http://a.example/x", NULL, NULL, EINVAL },
	{ "https:///x", NULL, NULL, EINVAL },
	{ "https://a.example", NULL, NULL, EINVAL },
	{ "https://a.example?x", NULL, NULL, EINVAL },
	{ "https://u@a.example/x", NULL, NULL, EINVAL },
	{ "/x", NULL, NULL, EINVAL },
};

static void parses_uris(void **state)
{
	struct https_uri uri;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(uris); i++) {
		row_name(uris[i].uri);
		assert_int_equal(https_uri_parse(&uri, uris[i].uri),
				 uris[i].err);
		if (uris[i].err)
			continue;
		assert_int_equal(uri.authority_len,
				 strlen(uris[i].authority));
		assert_memory_equal(uri.authority, uris[i].authority,
				    uri.authority_len);
		assert_string_equal(uri.path, uris[i].path);
	}
}

static void compares_authorities(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "a.example", "A.Example", true },
		{ "a.example:443", "a.example", true },
		{ "a.example:4433", "a.example", false },
		{ "a.example:4433", "a.example:4433", true },
		{ "a.example", "b.example", false },
		{ "a.example", "a.example.b", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].a);
		assert_int_equal(authority_equal(rows[i].a, strlen(rows[i].a),
						 rows[i].b,
						 strlen(rows[i].b)),
				 rows[i].equal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_paths),
		cmocka_unit_test(refuses_long_segments),
		cmocka_unit_test(parses_uris),
		cmocka_unit_test(compares_authorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
