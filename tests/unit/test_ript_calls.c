/* SPDX-License-Identifier: MIT */
/* The call URI: description, take, how long it lives, what stays of it. */
#include "tests/unit/ript_lab.h"

#include "base/text.h"

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

/* A call that the test holds as the gateway does. */
static struct ript_call *taken(struct lab *lab, char path[256])
{
	struct ript_call *call;
	struct ript_call_info info;

	lab->accept = false;
	lab_post(lab, lab_handler(lab));
	call = lab->incoming;
	assert_int_equal(ript_call_accept(call, &lab->directives,
					  &lab_handlers, lab), 0);
	lab_turn(lab);
	ript_call_info(call, &info);
	snprintf(path, 256, "%s",
		 info.uri + strlen("https://" LAB_AUTHORITY));
	return call;
}

static struct exchange *take(struct lab *lab, const char *path,
			     const char *if_match, const char *json)
{
	struct exchange_field field[] = {
		{ "authorization", "Bearer " LAB_TOKEN },
		{ "if-match", if_match },
	};
	const struct exchange_request request = {
		.method = "POST",
		.path = path,
		.field = field,
		.field_cnt = if_match ? 2 : 1,
		.body = (const uint8_t *)json,
		.body_len = json ? strlen(json) : 0,
	};

	return fake_request(lab->net, &request);
}

/* ---- description ---- */

static void describes_itself_at_any_time(void **state)
{
	struct lab *lab = *state;
	struct json_object *json, *d, *stream;
	struct ript_call *call;
	struct exchange *x;
	char path[256];

	call = taken(lab, path);
	x = lab_ask(lab, "GET", path, NULL);
	assert_int_equal(fake_status(x), 200);
	assert_string_equal(lab_text(x, "state"), "proceeding");
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	x = lab_ask(lab, "GET", path, NULL);
	assert_string_equal(lab_text(x, "state"), "alerting");
	assert_string_equal(fake_field(x, "etag"), "\"alerting\"");
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	x = lab_ask(lab, "GET", path, NULL);
	assert_string_equal(lab_text(x, "state"), "answered");
	assert_string_equal(lab_text(x, "direction"), "outbound");
	assert_string_equal(lab_text(x, "from"), LAB_FROM);
	assert_string_equal(lab_text(x, "to"), LAB_TO);
	json = lab_json(x);
	json_object_object_get_ex(json, "directives", &d);
	json_object_object_get_ex(d, "client", &d);
	assert_true(json_object_object_get_ex(d, "stream", &stream));
	/* one handler, as a text */
	assert_true(json_object_object_get_ex(json, "handler", &d));
	assert_true(json_object_is_type(d, json_type_string));
	json_object_put(json);
	shows("RIPT-CA-19");
	shows("RIPT-ARC-02");
}

static void lists_living_calls(void **state)
{
	struct lab *lab = *state;
	char first[256], second[256], want[1024];
	struct ript_call *a = taken(lab, first), *b = taken(lab, second);
	struct exchange *x;

	x = lab_ask(lab, "GET", LAB_TG "/calls", NULL);
	snprintf(want, sizeof(want), "{\"calls\":[\"https://" LAB_AUTHORITY
		 "%s\",\"https://" LAB_AUTHORITY "%s\"]}", first, second);
	assert_string_equal(fake_text(x, NULL), want);
	ript_call_end(a, RIPT_BY_PEER, NULL);
	x = lab_ask(lab, "GET", LAB_TG "/calls", NULL);
	snprintf(want, sizeof(want), "{\"calls\":[\"https://" LAB_AUTHORITY
		 "%s\"]}", second);
	assert_string_equal(fake_text(x, NULL), want);
	/* a call is of one terminal group only */
	x = lab_ask(lab, "GET", LAB_ROOT "/providertgs/intl/calls", NULL);
	assert_string_equal(fake_text(x, NULL), "{\"calls\":[]}");
	snprintf(want, sizeof(want), LAB_ROOT "/providertgs/intl/calls/%s",
		 strrchr(second, '/') + 1);
	x = lab_ask(lab, "GET", want, NULL);
	assert_problem(x, 404, "not-found");
	ript_call_end(b, RIPT_BY_PEER, NULL);
}

static void cannot_be_deleted(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char path[256];
	struct ript_call *call = taken(lab, path);

	x = lab_ask(lab, "DELETE", path, NULL);
	assert_problem(x, 405, "method-not-allowed");
	assert_string_equal(fake_field(x, "allow"), "GET, POST");
	x = lab_ask(lab, "GET", path, NULL);
	assert_int_equal(fake_status(x), 200);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	lab_turn(lab);
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_int_equal(fake_status(x), 405);
	shows("RIPT-CA-20");
}

/* ---- POST on the call ---- */

static void gives_a_fresh_directive(void **state)
{
	struct lab *lab = *state;
	struct ript_call_info info;
	struct exchange *x, *get;
	char path[256], handler[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	x = take(lab, path, NULL, NULL);
	assert_int_equal(fake_status(x), 200);
	assert_null(strstr(fake_text(x, NULL), "PCMA"));
	ript_call_info(call, &info);
	snprintf(handler, sizeof(handler), "%s",
		 info.handler + strlen("https://" LAB_AUTHORITY));
	x = lab_ask(lab, "PUT", handler,
		    "{\"handler-id\":\"982akca99283\",\"advertisement\":"
		    "{\"source\":{\"id\":0,\"media\":\"audio\","
		    "\"param-sets\":{\"PCMA\":1}},\"sink\":{\"id\":1,"
		    "\"media\":\"audio\",\"param-sets\":{\"PCMA\":1}}}}");
	assert_int_equal(fake_status(x), 200);
	lab->renew = true;
	x = take(lab, path, NULL, "{}");
	assert_int_equal(fake_status(x), 200);
	assert_non_null(strstr(fake_text(x, NULL), "\"PCMA\":1"));
	x = lab_ask(lab, "GET", path, NULL);
	assert_non_null(strstr(fake_text(x, NULL), "\"PCMA\":1"));
	/* and everybody hears of it */
	assert_int_equal(lab_times(fake_text(get, NULL),
				   "\"type\":\"directive\""), 1);
	shows("RIPT-CA-21");
}

static void moves_to_another_handler(void **state)
{
	struct lab *lab = *state;
	struct exchange *x, *get;
	char path[256], json[512], old[256];
	struct ript_call_info info;
	struct ript_call *call = taken(lab, path);

	ript_call_info(call, &info);
	snprintf(old, sizeof(old), "%s",
		 info.handler + strlen("https://" LAB_AUTHORITY));
	get = lab_get_events(lab, path);
	x = lab_ask(lab, "POST", LAB_TG "/handlers",
		    "{\"handler-id\":\"phone-b\"}");
	snprintf(json, sizeof(json), "{\"handler\":\"%s\"}",
		 fake_field(x, "location"));
	x = take(lab, path, NULL, json);
	assert_int_equal(fake_status(x), 200);
	assert_non_null(strstr(json, lab_text(x, "handler")));
	assert_int_equal(lab_times(fake_text(get, NULL),
				   "\"type\":\"handler-changed\""), 1);
	/* the old one is free again */
	x = lab_ask(lab, "DELETE", old, NULL);
	assert_int_equal(fake_status(x), 204);
	/* again the same: no event */
	x = take(lab, path, NULL, json);
	assert_int_equal(lab_times(fake_text(get, NULL),
				   "\"type\":\"handler-changed\""), 1);
}

static void refuses_a_bad_take(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char path[256];
	struct ript_call *call = taken(lab, path);

	x = take(lab, path, NULL, "[]");
	assert_problem(x, 400, "bad-request");
	x = take(lab, path, NULL, "{\"handler\":7}");
	assert_problem(x, 400, "bad-request");
	x = take(lab, path, NULL, "{\"handler\":\"" LAB_URI
		 "/handlers/none\"}");
	assert_problem(x, 500, "handler-unknown");
	x = take(lab, path, "\"answered\"", NULL);
	assert_problem(x, 412, "precondition-failed");
	x = take(lab, path, "\"proceeding\"", NULL);
	assert_int_equal(fake_status(x), 200);
	x = take(lab, path, "*", NULL);
	assert_int_equal(fake_status(x), 200);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	x = take(lab, path, "\"proceeding\", \"alerting\"", NULL);
	assert_problem(x, 412, "precondition-failed");
}

/* Each further status of CA-22 as problem+json with its name. */
static void has_a_problem_for_every_status(void **state)
{
	struct lab *lab = *state;
	struct ript_call_info info;
	struct exchange_field field[] = {
		{ "authorization", "Bearer " LAB_TOKEN },
		{ "content-type", "text/plain" },
	};
	const struct exchange_request plain = {
		.method = "POST",
		.path = LAB_TG "/calls",
		.field = field,
		.field_cnt = 2,
		.body = (const uint8_t *)"{}",
		.body_len = 2,
	};
	char path[256], handler[256];
	struct ript_call *call = taken(lab, path);
	struct exchange *x;

	ript_call_info(call, &info);
	snprintf(handler, sizeof(handler), "%s",
		 info.handler + strlen("https://" LAB_AUTHORITY));
	x = lab_ask(lab, "POST", LAB_TG "/calls", "{");
	assert_problem(x, 400, "bad-request");
	x = fake_json(lab->net, "GET", path, NULL, NULL);
	assert_problem(x, 401, "unauthorized");
	x = lab_ask(lab, "DELETE", path, NULL);
	assert_problem(x, 405, "method-not-allowed");
	x = lab_ask(lab, "DELETE", handler, NULL);
	assert_problem(x, 409, "handler-in-use");
	x = take(lab, path, "\"answered\"", NULL);
	assert_problem(x, 412, "precondition-failed");
	assert_problem(fake_request(lab->net, &plain), 415,
		       "unsupported-type");
	lab_post(lab, info.handler);
	ript_call_refuse(lab->incoming, 429, "slow-down", NULL, 1);
	ript_server_set_ready(lab->server, false);
	x = lab_ask(lab, "POST", LAB_TG "/calls", "{}");
	assert_problem(x, 503, "unavailable");
	assert_non_null(fake_field(x, "retry-after"));
	shows("RIPT-CA-22");
}

/* ---- the end ---- */

static void ends_without_signalling_byways(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	char path[256];

	taken(lab, path);
	lab_wait(lab, 29000);
	x = lab_ask(lab, "GET", path, NULL);
	assert_int_equal(fake_status(x), 200);
	shows("RIPT-LC-01");
	shows("RIPT-SB-10");
	lab_wait(lab, 2000);
	x = lab_ask(lab, "GET", path, NULL);
	assert_problem(x, 404, "call-ended");
	assert_string_equal(lab_text(x, "by"), "server");
	assert_string_equal(lab_log(lab), "closed signalling-lost\n");
	shows("RIPT-LC-05");
}

static void counts_from_the_last_byway(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	char path[256];

	taken(lab, path);
	lab_wait(lab, 20000);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	lab_wait(lab, 60000);
	fake_drop(get, ECONNRESET);
	lab_wait(lab, 60000);
	assert_string_equal(lab_log(lab), "");
	fake_drop(put, ECONNRESET);
	lab_wait(lab, 29000);
	assert_int_equal(fake_status(lab_ask(lab, "GET", path, NULL)), 200);
	/* another one in time: the call goes on */
	get = lab_get_events(lab, path);
	lab_wait(lab, 40000);
	assert_int_equal(fake_status(lab_ask(lab, "GET", path, NULL)), 200);
	fake_drop(get, ETIMEDOUT);
	lab_wait(lab, 31000);
	assert_string_equal(lab_log(lab), "closed signalling-lost\n");
	/* nobody was ever called back */
	assert_int_equal(fake_sent_cnt(lab->net), 0);
	shows("RIPT-LC-08");
	shows("RIPT-ARC-03");
}

static void assert_gone(struct lab *lab, const char *path)
{
	static const char *const below[] = { "", "/events", "/media" };
	char at[300];
	struct exchange *x;
	size_t i;

	for (i = 0; i < COUNT(below); i++) {
		snprintf(at, sizeof(at), "%s%s", path, below[i]);
		x = lab_ask(lab, "GET", at, NULL);
		assert_problem(x, 404, "call-ended");
		if (i == 0)
			continue;
		x = lab_ask(lab, "PUT", at, NULL);
		assert_problem(x, 404, "call-ended");
	}
	x = take(lab, path, NULL, NULL);
	assert_problem(x, 404, "call-ended");
}

static void leaves_a_tomb_for_an_hour(void **state)
{
	static const char want[] =
		"{\"type\":\"/.well-known/ript/v1/problems/call-ended\","
		"\"title\":\"Call has ended\",\"status\":404,\"ended-at\":\"";
	const struct ript_cause cause = { 200, 16, "Normal call clearing" };
	struct lab *lab = *state;
	struct exchange *get, *x;
	char path[256], text[2048], at[300];
	struct ript_call *call = taken(lab, path);
	struct fake_byway *byway = fake_byway_last();
	const char *rest;

	get = lab_get_events(lab, path);
	ript_call_end(call, RIPT_BY_PEER, &cause);
	lab_turn(lab);
	assert_true(fake_finished(get));
	/* the line `problem-ended` of profile section 5 */
	x = lab_ask(lab, "GET", path, NULL);
	snprintf(text, sizeof(text), "%s", fake_text(x, NULL));
	assert_memory_equal(text, want, strlen(want));
	rest = text + strlen(want) + RFC3339_LEN;
	assert_string_equal(rest, "\",\"by\":\"peer\",\"cause\":{\"sip\":200,"
			    "\"q850\":16,\"text\":\"Normal call clearing\"}}");
	assert_string_equal(byway->problem, text);
	assert_gone(lab, path);
	shows("RIPT-LC-07");
	/* another customer learns nothing */
	snprintf(at, sizeof(at), LAB_ROOT "/providertgs/b1/calls/%s",
		 strrchr(path, '/') + 1);
	x = fake_json(lab->net, "GET", at, LAB_OTHER, NULL);
	assert_problem(x, 404, "not-found");
	lab->now_ns += 3590 * NS_PER_S;
	lab_turn(lab);
	assert_gone(lab, path);
	lab->now_ns += 20 * NS_PER_S;
	lab_turn(lab);
	x = lab_ask(lab, "GET", path, NULL);
	assert_problem(x, 404, "not-found");
	shows("RIPT-LC-06");
}

static void tells_the_gateway_once(void **state)
{
	struct lab *lab = *state;
	struct exchange *put;
	char path[256];
	struct ript_call *call = taken(lab, path);

	put = lab_put_events(lab, path);
	/* both sides at once */
	fake_body(put, "[{\"type\":\"end\",\"seq\":0}", 24);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	ript_call_direct(call, &lab->directives, "hold");
	lab_turn(lab);
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "event end 1 0\nclosed ended\n");
}

static void ends_with_the_server(void **state)
{
	struct lab *lab = *state;
	char path[256];
	struct exchange *get;

	taken(lab, path);
	get = lab_get_events(lab, path);
	taken(lab, path);
	ript_server_free(&lab->server);
	assert_string_equal(lab_log(lab),
			    "closed shutdown\nclosed shutdown\n");
	assert_non_null(strstr(fake_text(get, NULL), "\"by\":\"server\""));
}

static void fails_without_media_in_common(void **state)
{
	struct lab *lab = *state;
	struct exchange *get;
	char path[256];

	lab->directives.client.stream_cnt = 0;
	lab->directives.server.stream_cnt = 0;
	taken(lab, path);
	assert_string_equal(lab_log(lab), "closed no-media-in-common\n");
	get = lab_get_events(lab, path);
	assert_int_equal(fake_status(get), 200);
	assert_non_null(strstr(fake_text(get, NULL),
			       "\"type\":\"failed\""));
	assert_non_null(strstr(fake_text(get, NULL), "\"sip\":488"));
	assert_non_null(strstr(fake_text(get, NULL), "\"q850\":88"));
}

static void passes_the_way_of_media_on(void **state)
{
	struct lab *lab = *state;
	char path[256];

	taken(lab, path);
	fake_byway_open(fake_byway_last(), BYWAY_HTTP);
	fake_byway_open(fake_byway_last(), BYWAY_WEBTRANSPORT);
	fake_byway_open(fake_byway_last(), BYWAY_NONE);
	assert_string_equal(lab_log(lab), "byway 2\nbyway 1\nbyway 0\n");
}

/* A thousand calls: memory of ended ones is small, nothing is quadratic. */
static void carries_many_calls(void **state)
{
	struct lab *lab = *state;
	const char *handler = lab_handler(lab);
	struct exchange *x;
	char path[256];
	unsigned i;

	for (i = 0; i < 1000; i++) {
		x = lab_post(lab, handler);
		assert_int_equal(fake_status(x), 201);
		snprintf(path, sizeof(path), "%s", fake_field(x, "location") +
			 strlen("https://" LAB_AUTHORITY));
		x = lab_put_events(lab, path);
		fake_body(x, "[{\"type\":\"end\"}", 15);
	}
	lab_turn(lab);
	x = lab_ask(lab, "GET", LAB_TG "/calls", NULL);
	assert_string_equal(fake_text(x, NULL), "{\"calls\":[]}");
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(describes_itself_at_any_time),
		LAB_TEST(lists_living_calls),
		LAB_TEST(cannot_be_deleted),
		LAB_TEST(gives_a_fresh_directive),
		LAB_TEST(moves_to_another_handler),
		LAB_TEST(refuses_a_bad_take),
		LAB_TEST(has_a_problem_for_every_status),
		LAB_TEST(ends_without_signalling_byways),
		LAB_TEST(counts_from_the_last_byway),
		LAB_TEST(leaves_a_tomb_for_an_hour),
		LAB_TEST(tells_the_gateway_once),
		LAB_TEST(ends_with_the_server),
		LAB_TEST(fails_without_media_in_common),
		LAB_TEST(passes_the_way_of_media_on),
		LAB_TEST(carries_many_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
