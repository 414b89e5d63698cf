/* SPDX-License-Identifier: MIT */
/* Handlers: registered, stored, changed, deleted. */
#include "tests/unit/ript_lab.h"

#define HANDLERS LAB_TG "/handlers"
#define URI_PREFIX LAB_URI "/handlers/"
/* The line `handler` of profile section 5. */
#define ADVERT "{\"source\":{\"id\":0,\"media\":\"audio\",\"param-sets\":" \
	"{\"PCMU\":1,\"PCMA\":1,\"opus\":1,\"telephone-event\":1,\"CN\":1}}," \
	"\"sink\":{\"id\":1,\"media\":\"audio\",\"param-sets\":" \
	"{\"PCMU\":1,\"PCMA\":1,\"opus\":1,\"telephone-event\":1,\"CN\":1}}}"
#define HANDLER "{\"handler-id\":\"982akca99283\",\"advertisement\":" ADVERT \
	"}"

static int setup(void **state)
{
	*state = lab_new();
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	lab_free(&lab);
	return 0;
}

static const char *path_of(const char *uri)
{
	return uri + strlen("https://" LAB_AUTHORITY);
}

/* ---- POST ---- */

static void registers_a_handler(void **state)
{
	struct lab *lab = *state;
	struct exchange *x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	struct json_object *body, *uri, *want;

	assert_int_equal(fake_status(x), 201);
	assert_memory_equal(fake_field(x, "location"), URI_PREFIX,
			    strlen(URI_PREFIX));
	shows("RIPT-HD-02");
	shows("RIPT-HD-03");
	body = lab_json(x);
	assert_true(json_object_object_get_ex(body, "uri", &uri));
	assert_string_equal(json_object_get_string(uri),
			    fake_field(x, "location"));
	json_object_object_del(body, "uri");
	want = json_tokener_parse(HANDLER);
	assert_true(json_object_equal(body, want));
	json_object_put(want);
	json_object_put(body);
	/* a uri of the client's own making is replaced */
	x = lab_ask(lab, "POST", HANDLERS,
		    "{\"uri\":\"https://evil.example/\",\"handler-id\":\"u\","
		    "\"x-new\":[1,2]}");
	assert_int_equal(fake_status(x), 201);
	assert_string_equal(lab_text(x, "uri"), fake_field(x, "location"));
	assert_string_equal(lab_text(x, "x-new"), "[ 1, 2 ]");
	shows("RIPT-HD-04");
}

static void takes_a_handler_without_advertisement(void **state)
{
	struct lab *lab = *state;
	struct ript_call_info info;
	struct exchange *x;

	x = lab_ask(lab, "POST", HANDLERS, "{\"handler-id\":\"bare\"}");
	assert_int_equal(fake_status(x), 201);
	lab->accept = false;
	lab_post(lab, fake_field(x, "location"));
	assert_non_null(lab->incoming);
	ript_call_info(lab->incoming, &info);
	assert_int_equal(info.advert->source_cnt, 1);
	assert_int_equal(info.advert->sink_cnt, 1);
	ript_call_refuse(lab->incoming, 403, "policy", NULL, 0);
	shows("RIPT-AD-11");
}

static void refuses_bad_descriptions(void **state)
{
	static const struct {
		const char *json;
		int status;
		const char *problem;
	} rows[] = {
		{ NULL, 400, "bad-request" },
		{ "{", 400, "bad-request" },
		{ "[]", 400, "bad-request" },
		{ "{}", 400, "bad-request" },
		{ "{\"handler-id\":7}", 400, "bad-request" },
		{ "{\"handler-id\":\"\"}", 400, "bad-request" },
		{ "{\"handler-id\":\"a\",\"handler-id\":\"b\"}", 400,
		  "bad-request" },
		{ "{\"handler-id\":\"a\",\"advertisement\":7}", 400,
		  "bad-advertisement" },
		{ "{\"handler-id\":\"a\",\"advertisement\":{\"source\":"
		  "{\"id\":0,\"media\":\"audio\",\"param-sets\":[]}}}", 400,
		  "bad-advertisement" },
		{ "{\"handler-id\":\"a\",\"advertisement\":{\"sink\":["
		  "{\"id\":1,\"media\":\"audio\",\"param-sets\":{}},"
		  "{\"id\":1,\"media\":\"audio\",\"param-sets\":{}}]}}", 400,
		  "bad-advertisement" },
		{ "{\"handler-id\":\"a\",\"advertisement\":{\"sink\":"
		  "{\"id\":1,\"media\":\"audio\",\"param-sets\":{\"ss\":4}}}}",
		  400, "bad-advertisement" },
		{ "{\"handler-id\":\"a\",\"advertisement\":{\"sink\":"
		  "{\"id\":1,\"media\":\"audio\",\"param-sets\":{\"sr\":1.5}}}}",
		  400, "bad-advertisement" },
	};
	struct lab *lab = *state;
	struct exchange *x;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].json ? rows[i].json : "(none)");
		x = lab_ask(lab, "POST", HANDLERS, rows[i].json);
		assert_problem(x, rows[i].status, rows[i].problem);
	}
	assert_int_equal(lab->stored_cnt, 0);
	shows("RIPT-HD-02");
	shows("RIPT-AD-03");
	shows("RIPT-AD-05");
	shows("RIPT-AD-10");
	shows("RIPT-AD-13");
}

static void refuses_other_media_types(void **state)
{
	struct lab *lab = *state;
	static const struct {
		const char *type;
		int status;
	} rows[] = {
		{ "application/json", 201 },
		{ "Application/JSON; charset=utf-8", 201 },
		{ "text/plain", 415 },
		{ "application/x-www-form-urlencoded", 415 },
		{ "application/json5", 415 },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct exchange_field field[] = {
			{ "authorization", "Bearer " LAB_TOKEN },
			{ "content-type", rows[i].type },
		};
		const struct exchange_request request = {
			.method = "POST",
			.path = HANDLERS,
			.field = field,
			.field_cnt = 2,
			.body = (const uint8_t *)HANDLER,
			.body_len = strlen(HANDLER),
		};
		struct exchange *x = fake_request(lab->net, &request);

		row_name(rows[i].type);
		assert_int_equal(fake_status(x), rows[i].status);
		if (rows[i].status == 415)
			assert_string_equal(lab_problem(x),
					    "unsupported-type");
	}
}

static void refuses_large_bodies(void **state)
{
	struct lab *lab = *state;
	char *json = malloc(EXCHANGE_BODY_MAX + 2);
	struct exchange *x;

	memset(json, ' ', EXCHANGE_BODY_MAX + 1);
	json[EXCHANGE_BODY_MAX + 1] = '\0';
	memcpy(json, HANDLER, strlen(HANDLER));
	x = lab_ask(lab, "POST", HANDLERS, json);
	assert_problem(x, 413, "too-large");
	json[EXCHANGE_BODY_MAX] = '\0';
	x = lab_ask(lab, "POST", HANDLERS, json);
	assert_int_equal(fake_status(x), 201);
	free(json);
}

/* A client that lost its state gets its handler back. */
static void knows_the_same_description_again(void **state)
{
	struct lab *lab = *state;
	struct exchange *first = lab_ask(lab, "POST", HANDLERS, HANDLER);
	struct exchange *again = lab_ask(lab, "POST", HANDLERS, HANDLER);
	struct exchange *other = lab_ask(lab, "POST", HANDLERS,
					 "{\"handler-id\":\"2\"}");

	assert_int_equal(fake_status(again), 201);
	assert_string_equal(fake_field(first, "location"),
			    fake_field(again, "location"));
	assert_string_not_equal(fake_field(first, "location"),
				fake_field(other, "location"));
	assert_int_equal(lab->stored_cnt, 2);
}

static void limits_handlers(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char json[64];
	unsigned i;

	for (i = 0; i < 1000; i++) {
		snprintf(json, sizeof(json), "{\"handler-id\":\"%u\"}", i);
		x = lab_ask(lab, "POST", HANDLERS, json);
		assert_int_equal(fake_status(x), 201);
	}
	x = lab_ask(lab, "POST", HANDLERS, "{\"handler-id\":\"more\"}");
	assert_problem(x, 403, "policy");
}

/* ---- the database ---- */

static void answers_after_the_row_is_written(void **state)
{
	struct lab *lab = *state;
	struct exchange *x, *call;
	char uri[256];

	lab->slow_store = true;
	x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	assert_int_equal(fake_status(x), 0);
	assert_memory_equal(lab->stored, "123 ", 4);
	assert_non_null(strstr(lab->stored, "\"uri\":\"" URI_PREFIX));
	/* not usable before */
	snprintf(uri, sizeof(uri), URI_PREFIX "%.16s", lab->stored + 4);
	call = lab_post(lab, uri);
	assert_problem(call, 500, "handler-unknown");
	ript_handler_stored(lab->server, lab->ticket, 0);
	assert_int_equal(fake_status(x), 201);
	assert_string_equal(fake_field(x, "location"), uri);
	call = lab_post(lab, uri);
	assert_int_equal(fake_status(call), 201);
}

static void says_when_the_row_was_not_written(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char path[256];

	lab->store_err = EIO;
	x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	assert_problem(x, 503, "unavailable");
	assert_non_null(fake_field(x, "retry-after"));
	lab->store_err = 0;
	x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	snprintf(path, sizeof(path), "%s", path_of(fake_field(x,
							     "location")));
	lab->store_err = EIO;
	assert_problem(lab_ask(lab, "PUT", path, "{\"handler-id\":\"b\"}"),
		       503, "unavailable");
	assert_problem(lab_ask(lab, "DELETE", path, NULL), 503,
		       "unavailable");
	/* nothing has changed */
	x = lab_ask(lab, "GET", path, NULL);
	assert_string_equal(lab_text(x, "handler-id"), "982akca99283");
}

static void ignores_stale_tickets(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	lab->slow_store = true;
	x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	ript_handler_stored(lab->server, lab->ticket + 1, 0);
	assert_int_equal(fake_status(x), 0);
	/* the client leaves before the row is written */
	fake_drop(x, ECONNRESET);
	ript_handler_stored(lab->server, lab->ticket, 0);
	ript_handler_stored(lab->server, lab->ticket, 0);
	lab->slow_store = false;
	x = lab_ask(lab, "GET", HANDLERS, NULL);
	assert_non_null(strstr(fake_text(x, NULL), "982akca99283"));
}

static void waits_for_a_slow_database(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char json[64];
	unsigned i;

	lab->slow_store = true;
	for (i = 0; i < 1000; i++) {
		snprintf(json, sizeof(json), "{\"handler-id\":\"%u\"}", i);
		x = lab_ask(lab, "POST", HANDLERS, json);
		assert_int_equal(fake_status(x), 0);
	}
	x = lab_ask(lab, "POST", HANDLERS, "{\"handler-id\":\"more\"}");
	assert_problem(x, 503, "unavailable");
	for (i = 0; i < 1000; i++)
		ript_handler_stored(lab->server, lab->ticket - i, 0);
	x = lab_ask(lab, "GET", HANDLERS, NULL);
	assert_int_equal(lab_times(fake_text(x, NULL), "handler-id"), 1000);
}

static void goes_with_changes_unstored(void **state)
{
	struct lab *lab = *state;

	lab->slow_store = true;
	lab_ask(lab, "POST", HANDLERS, HANDLER);
	/* the teardown frees the server: nothing may leak */
}

static void is_loaded_at_start(void **state)
{
	struct lab *lab = *state;
	struct ript_handler_row row = { "123", "abc", HANDLER };
	struct exchange *x;

	assert_int_equal(ript_server_load_handler(lab->server, &row), 0);
	assert_int_equal(ript_server_load_handler(lab->server, &row), EEXIST);
	x = lab_ask(lab, "GET", HANDLERS "/abc", NULL);
	assert_int_equal(fake_status(x), 200);
	assert_string_equal(lab_text(x, "uri"), URI_PREFIX "abc");
	/* idle for a day, still usable: no refresh */
	lab->now_ns += 86400 * NS_PER_S;
	lab_turn(lab);
	x = lab_post(lab, URI_PREFIX "abc");
	assert_int_equal(fake_status(x), 201);
	row.tg = "none";
	assert_int_equal(ript_server_load_handler(lab->server, &row), ENOENT);
	row.tg = "123";
	row.id = "a/b";
	assert_int_equal(ript_server_load_handler(lab->server, &row), EINVAL);
	row.id = "def";
	row.json = "{";
	assert_int_equal(ript_server_load_handler(lab->server, &row), EINVAL);
	row.json = "{}";
	assert_int_equal(ript_server_load_handler(lab->server, &row), EINVAL);
}

/* ---- members ---- */

static void reads_changes_and_deletes_one(void **state)
{
	struct lab *lab = *state;
	struct exchange *x = lab_ask(lab, "POST", HANDLERS, HANDLER);
	char path[256];

	snprintf(path, sizeof(path), "%s", path_of(fake_field(x,
							     "location")));
	x = lab_ask(lab, "GET", path, NULL);
	assert_int_equal(fake_status(x), 200);
	x = lab_ask(lab, "PUT", path, "{\"handler-id\":\"new\"}");
	assert_int_equal(fake_status(x), 200);
	x = lab_ask(lab, "GET", path, NULL);
	assert_string_equal(lab_text(x, "handler-id"), "new");
	x = lab_ask(lab, "PUT", path, "{\"handler-id\":[]}");
	assert_problem(x, 400, "bad-request");
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_int_equal(fake_status(x), 204);
	assert_string_equal(fake_text(x, NULL), "");
	assert_non_null(strstr(lab->stored, "(null)"));
	x = lab_ask(lab, "GET", path, NULL);
	assert_problem(x, 404, "not-found");
	x = lab_ask(lab, "PUT", path, HANDLER);
	assert_problem(x, 404, "not-found");
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_problem(x, 404, "not-found");
	shows("RIPT-HD-05");
}

static void lists_them(void **state)
{
	struct lab *lab = *state;
	struct json_object *json, *list;
	struct exchange *x;

	x = lab_ask(lab, "GET", HANDLERS, NULL);
	assert_string_equal(fake_text(x, NULL), "{\"handlers\":[]}");
	lab_ask(lab, "POST", HANDLERS, HANDLER);
	lab_ask(lab, "POST", HANDLERS, "{\"handler-id\":\"2\"}");
	x = lab_ask(lab, "GET", HANDLERS, NULL);
	json = lab_json(x);
	assert_true(json_object_object_get_ex(json, "handlers", &list));
	assert_int_equal(json_object_array_length(list), 2);
	json_object_put(json);
	/* the other terminal group has none of them */
	x = lab_ask(lab, "GET", LAB_ROOT "/providertgs/intl/handlers", NULL);
	assert_string_equal(fake_text(x, NULL), "{\"handlers\":[]}");
}

static void keeps_a_handler_in_use(void **state)
{
	struct lab *lab = *state;
	const char *uri = lab_handler(lab);
	char path[256], call[256], json[512];
	struct exchange *x;

	snprintf(path, sizeof(path), "%s", path_of(uri));
	x = lab_post(lab, uri);
	snprintf(call, sizeof(call), "%s", path_of(fake_field(x,
							     "location")));
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_problem(x, 409, "handler-in-use");
	/* it may change under the call */
	x = lab_ask(lab, "PUT", path, HANDLER);
	assert_int_equal(fake_status(x), 200);
	snprintf(json, sizeof(json), "%s/events", call);
	x = lab_put_events(lab, call);
	fake_body(x, "[{\"type\":\"end\"}]", 16);
	lab_turn(lab);
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_int_equal(fake_status(x), 204);
}

static void is_not_usable_while_it_goes(void **state)
{
	struct lab *lab = *state;
	const char *uri = lab_handler(lab);
	struct exchange *x, *call;

	lab->slow_store = true;
	x = lab_ask(lab, "DELETE", path_of(uri), NULL);
	call = lab_post(lab, uri);
	assert_problem(call, 500, "handler-unknown");
	ript_handler_stored(lab->server, lab->ticket, EIO);
	assert_problem(x, 503, "unavailable");
	call = lab_post(lab, uri);
	assert_int_equal(fake_status(call), 201);
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(registers_a_handler),
		LAB_TEST(takes_a_handler_without_advertisement),
		LAB_TEST(refuses_bad_descriptions),
		LAB_TEST(refuses_other_media_types),
		LAB_TEST(refuses_large_bodies),
		LAB_TEST(knows_the_same_description_again),
		LAB_TEST(limits_handlers),
		LAB_TEST(answers_after_the_row_is_written),
		LAB_TEST(says_when_the_row_was_not_written),
		LAB_TEST(ignores_stale_tickets),
		LAB_TEST(waits_for_a_slow_database),
		LAB_TEST(goes_with_changes_unstored),
		LAB_TEST(is_loaded_at_start),
		LAB_TEST(reads_changes_and_deletes_one),
		LAB_TEST(lists_them),
		LAB_TEST(keeps_a_handler_in_use),
		LAB_TEST(is_not_usable_while_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
