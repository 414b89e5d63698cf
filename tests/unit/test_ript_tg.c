/* SPDX-License-Identifier: MIT */
/* Bootstrapping, tokens, the list of terminal groups and their documents. */
#include "tests/unit/ript_lab.h"

#include "base/metric.h"
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

static void assert_json(const struct exchange *x, const char *want)
{
	struct json_object *a = lab_json(x);
	struct json_object *b = json_tokener_parse(want);

	assert_non_null(b);
	if (!json_object_equal(a, b))
		fail_msg("%s\nis not\n%s", json_object_to_json_string(a),
			 want);
	json_object_put(a);
	json_object_put(b);
}

/* ---- bootstrapping ---- */

static void lives_below_the_root(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	x = lab_ask(lab, "GET", "/.well-known/ript/v1/providertgs", NULL);
	assert_int_equal(fake_status(x), 200);
	assert_string_equal(fake_field(x, "content-type"),
			    "application/json");
	x = lab_ask(lab, "GET", "/v1/providertgs", NULL);
	assert_problem(x, 404, "not-found");
	shows("RIPT-BS-02");
	shows("RIPT-BS-03");
	shows("RIPT-TG-02");
}

static void moves_the_unversioned_path(void **state)
{
	struct lab *lab = *state;
	const struct exchange_request request = {
		.method = "POST",
		.path = "/.well-known/ript/providertgs/123/calls",
		.query = "a=b",
	};
	struct exchange *x;

	x = fake_request(lab->net, &request);
	assert_int_equal(fake_status(x), 308);
	assert_string_equal(fake_field(x, "location"),
			    LAB_URI "/calls?a=b");
}

/* ---- tokens ---- */

static void wants_a_token(void **state)
{
	static const char *const paths[] = {
		LAB_ROOT "/providertgs", LAB_TG, LAB_TG "/handlers",
		LAB_TG "/calls", LAB_TG "/calls/x", LAB_TG "/calls/x/events",
		LAB_ROOT "/providertgs/no-such-tg", LAB_ROOT "/nothing",
		LAB_TG "/handlers/none",
	};
	struct lab *lab = *state;
	struct exchange *x;
	size_t i;

	for (i = 0; i < COUNT(paths); i++) {
		row_name(paths[i]);
		x = fake_json(lab->net, "GET", paths[i], NULL, NULL);
		assert_problem(x, 401, "unauthorized");
		assert_non_null(strstr(fake_field(x, "www-authenticate"),
				       "Bearer"));
		x = fake_json(lab->net, "GET", paths[i], "guess", NULL);
		assert_problem(x, 401, "unauthorized");
		assert_string_equal(fake_field(x, "www-authenticate"),
				    "Bearer error=\"invalid_token\"");
	}
	shows("RIPT-OA-03");
	shows("RIPT-TG-09");
	shows("RIPT-REQ-10");
}

static void takes_only_bearer_tokens(void **state)
{
	static const struct {
		const char *field;
		int status;
	} rows[] = {
		{ "Bearer " LAB_TOKEN, 200 },
		{ "bearer  " LAB_TOKEN, 200 },
		{ "Basic " LAB_TOKEN, 401 },
		{ "Bearer", 401 },
		{ "Bearer ", 401 },
		{ LAB_TOKEN, 401 },
		{ "Bearer " LAB_TOKEN "x", 401 },
	};
	struct lab *lab = *state;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct exchange_field field = { "authorization",
						      rows[i].field };
		const struct exchange_request request = {
			.method = "GET",
			.path = LAB_TG,
			.field = &field,
			.field_cnt = 1,
		};

		row_name(rows[i].field);
		assert_int_equal(fake_status(fake_request(lab->net,
							  &request)),
				 rows[i].status);
	}
}

static void hides_what_belongs_to_others(void **state)
{
	static const char *const below[] = { "", "/handlers", "/calls",
					     "/handlers/x", "/calls/x" };
	struct lab *lab = *state;
	struct exchange *theirs, *nothing;
	char path[128];
	size_t i;

	for (i = 0; i < COUNT(below); i++) {
		snprintf(path, sizeof(path), LAB_ROOT "/providertgs/b1%s",
			 below[i]);
		theirs = lab_ask(lab, "GET", path, NULL);
		assert_problem(theirs, 404, "not-found");
		snprintf(path, sizeof(path), LAB_ROOT "/providertgs/none%s",
			 below[i]);
		nothing = lab_ask(lab, "GET", path, NULL);
		assert_problem(nothing, 404, "not-found");
	}
	theirs = lab_ask(lab, "DELETE", LAB_ROOT "/providertgs/b1", NULL);
	assert_problem(theirs, 404, "not-found");
}

static struct exchange *from(struct lab *lab, const char *token,
			     const char *address)
{
	char bearer[64];
	const struct exchange_field field = { "authorization", bearer };
	struct exchange_request request = {
		.method = "GET",
		.path = LAB_TG,
		.field = &field,
		.field_cnt = 1,
	};

	snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	assert_int_equal(addr_parse(&request.from, address), 0);
	return fake_request(lab->net, &request);
}

static void locks_guessers_out(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	unsigned i;

	for (i = 0; i < 100; i++) {
		x = from(lab, "guess", "192.0.2.1:4000");
		assert_int_equal(fake_status(x), 401);
	}
	x = from(lab, "guess", "192.0.2.1:4001");
	assert_problem(x, 429, "slow-down");
	assert_int_equal(atoi(fake_field(x, "retry-after")), 60);
	/* neither other addresses nor valid tokens are touched */
	assert_int_equal(fake_status(from(lab, "guess", "192.0.2.2:4000")),
			 401);
	assert_int_equal(fake_status(from(lab, LAB_TOKEN, "192.0.2.1:4000")),
			 200);
	lab_wait(lab, 59000);
	assert_int_equal(fake_status(from(lab, "guess", "192.0.2.1:4000")),
			 429);
	lab_wait(lab, 1000);
	assert_int_equal(fake_status(from(lab, "guess", "192.0.2.1:4000")),
			 401);
}

static void forgets_old_guessers(void **state)
{
	struct lab *lab = *state;
	char address[64];
	unsigned i;

	/* more addresses than are remembered: bounded, and still answered */
	for (i = 0; i < 5000; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u:1", i >> 8,
			 i & 0xff);
		assert_int_equal(fake_status(from(lab, "guess", address)),
				 401);
	}
	/* one IPv6 network counts as one address */
	for (i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "[2001:db8::%x]:1", i + 1);
		assert_int_equal(fake_status(from(lab, "guess", address)),
				 401);
	}
	assert_int_equal(fake_status(from(lab, "guess", "[2001:db8::ff]:1")),
			 429);
}

/* ---- the list ---- */

static void lists_the_terminal_groups_of_a_token(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	x = lab_ask(lab, "GET", LAB_ROOT "/providertgs", NULL);
	assert_json(x, "{\"tgs\":[{\"uri\":\"" LAB_URI "\","
		    "\"name\":\"domestic\","
		    "\"description\":\"calls to +1 numbers\"},"
		    "{\"uri\":\"https://comcast.example/.well-known/ript/v1/"
		    "providertgs/intl\",\"name\":\"international\","
		    "\"description\":\"calls to +44 numbers\"}]}");
	shows("RIPT-TG-03");
	shows("RIPT-TG-05");
	x = fake_json(lab->net, "GET", LAB_ROOT "/providertgs", LAB_OTHER,
		      NULL);
	assert_json(x, "{\"tgs\":[{\"uri\":\"https://comcast.example/"
		    ".well-known/ript/v1/providertgs/b1\",\"name\":\"all\","
		    "\"description\":\"calls to +44 numbers\"}]}");
	shows("RIPT-OA-04");
}

/* The line of profile section 5, octet for octet. */
static void lists_as_the_profile_does(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	x = fake_json(lab->net, "GET", LAB_ROOT "/providertgs", LAB_SECOND,
		      NULL);
	assert_string_equal(
		fake_text(x, NULL),
		"{\"tgs\":[{\"uri\":\"https://comcast.example/.well-known/"
		"ript/v1/providertgs/123\",\"name\":\"domestic\","
		"\"description\":\"calls to +1 numbers\"}]}");
}

static void never_lists_nothing(void **state)
{
	struct lab *lab = *state;
	uint8_t hash[32];
	struct exchange *x;

	sha256(hash, "third", 5);
	ript_server_add_token(lab->server, hash);
	x = fake_json(lab->net, "GET", LAB_ROOT "/providertgs", "third",
		      NULL);
	assert_problem(x, 403, "no-tg");
	x = fake_json(lab->net, "GET", LAB_TG, "third", NULL);
	assert_problem(x, 404, "not-found");
}

static struct exchange *ask_again(struct lab *lab, const char *path,
				  const char *etag)
{
	const struct exchange_field field[] = {
		{ "authorization", "Bearer " LAB_TOKEN },
		{ "if-none-match", etag },
	};
	const struct exchange_request request = {
		.method = "GET",
		.path = path,
		.field = field,
		.field_cnt = 2,
	};

	return fake_request(lab->net, &request);
}

static void may_be_cached(void **state)
{
	static const char *const paths[] = { LAB_ROOT "/providertgs",
					     LAB_TG };
	struct lab *lab = *state;
	struct exchange *x, *again;
	size_t i;

	for (i = 0; i < COUNT(paths); i++) {
		x = lab_ask(lab, "GET", paths[i], NULL);
		assert_non_null(strstr(fake_field(x, "cache-control"),
				       "max-age="));
		again = ask_again(lab, paths[i], fake_field(x, "etag"));
		assert_int_equal(fake_status(again), 304);
		assert_string_equal(fake_text(again, NULL), "");
		again = ask_again(lab, paths[i], "\"other\"");
		assert_int_equal(fake_status(again), 200);
	}
	shows("RIPT-TG-04");
}

/* ---- documents ---- */

static struct json_object *document(struct lab *lab, const char *tg)
{
	char path[128];
	struct exchange *x;

	snprintf(path, sizeof(path), LAB_ROOT "/providertgs/%s", tg);
	x = fake_json(lab->net, "GET", path,
		      strcmp(tg, "b1") == 0 ? LAB_OTHER : LAB_TOKEN, NULL);
	assert_int_equal(fake_status(x), 200);
	return lab_json(x);
}

static bool has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

static void has_a_document(void **state)
{
	struct lab *lab = *state;
	struct json_object *doc = document(lab, "123"), *out, *list;

	assert_true(json_object_object_get_ex(doc, "outbound", &out));
	shows("RIPT-TD-01");
	shows("RIPT-TD-02");
	assert_true(json_object_object_get_ex(out, "origins", &list));
	assert_string_equal(json_object_get_string(list), LAB_PEM);
	shows("RIPT-TD-04");
	assert_true(json_object_object_get_ex(out, "destinations", &list));
	assert_int_equal(json_object_array_length(list), 2);
	assert_true(json_object_object_get_ex(out, "destinations-except",
					      &list));
	assert_int_equal(json_object_array_length(list), 1);
	shows("RIPT-TD-07");
	/* what has its default is left out */
	assert_false(has(doc, "retry-backoff"));
	assert_false(has(doc, "media-timeout"));
	assert_false(has(doc, "reverse-byways"));
	json_object_put(doc);
	/* a carrier that vouches for nobody */
	doc = document(lab, "b1");
	assert_true(json_object_object_get_ex(doc, "outbound", &out));
	assert_false(has(out, "origins"));
	assert_false(has(out, "destinations"));
	json_object_put(doc);
	shows("RIPT-TD-06");
}

/* The line of profile section 5 without what this server does not offer
 * (inbound, features). */
static void documents_as_the_profile_does(void **state)
{
	struct lab *lab = *state;
	struct ript_tg_config config;
	struct exchange *x;

	lab_tg_config(&config);
	number_set_free(&config.destinations);
	memset(&config.destinations, 0, sizeof(config.destinations));
	number_set_allow(&config.destinations, "+1*");
	number_set_except(&config.destinations, "+1900*");
	config.retry_backoff_ms = 2000;
	config.media_timeout_ms = 1000;
	config.keepalive_interval_ms = 5000;
	config.keepalive_timeout_ms = 15000;
	config.reverse_byways = 20;
	assert_int_equal(ript_tg_update(lab->tg, &config), 0);
	lab_tg_config_free(&config);
	x = lab_ask(lab, "GET", LAB_TG, NULL);
	assert_string_equal(
		fake_text(x, NULL),
		"{\"uri\":\"https://comcast.example/.well-known/ript/v1/"
		"providertgs/123\",\"outbound\":{\"origins\":"
		"\"-----BEGIN CERTIFICATE-----\\nMIIB...\\n"
		"-----END CERTIFICATE-----\\n\",\"destinations\":[\"+1*\"],"
		"\"destinations-except\":[\"+1900*\"]},"
		"\"retry-backoff\":2000,\"media-timeout\":1000,"
		"\"keepalive-interval\":5000,\"keepalive-timeout\":15000,"
		"\"reverse-byways\":20}");
}

static void changes_its_policy(void **state)
{
	struct lab *lab = *state;
	struct ript_tg_config config;
	struct exchange *x = lab_ask(lab, "GET", LAB_TG, NULL), *again;
	char etag[64];

	snprintf(etag, sizeof(etag), "%s", fake_field(x, "etag"));
	lab_tg_config(&config);
	number_set_allow(&config.destinations, "+49*");
	config.token_cnt = 1;
	assert_int_equal(ript_tg_update(lab->tg, &config), 0);
	again = ask_again(lab, LAB_TG, etag);
	assert_int_equal(fake_status(again), 200);
	assert_non_null(strstr(fake_text(again, NULL), "+49*"));
	/* the second token is no longer valid at all */
	x = fake_json(lab->net, "GET", LAB_TG, LAB_SECOND, NULL);
	assert_problem(x, 401, "unauthorized");
	config.id = "other";
	assert_int_equal(ript_tg_update(lab->tg, &config), EINVAL);
	lab_tg_config_free(&config);
}

static void refuses_bad_terminal_groups(void **state)
{
	static const char *const ids[] = { "", "a/b", "..", "a b", "%41" };
	struct lab *lab = *state;
	struct ript_tg_config config;
	struct ript_tg *tg;
	size_t i;

	lab_tg_config(&config);
	assert_int_equal(ript_server_add_tg(&tg, lab->server, &config),
			 EEXIST);
	for (i = 0; i < COUNT(ids); i++) {
		config.id = ids[i];
		assert_int_equal(ript_server_add_tg(&tg, lab->server,
						    &config), EINVAL);
	}
	lab_tg_config_free(&config);
	assert_string_equal(ript_tg_id(lab->tg), "123");
	assert_string_equal(ript_tg_peer(lab->tg), "acme");
}

/* ---- methods, problems, certificates ---- */

static void says_which_methods_it_takes(void **state)
{
	static const struct {
		const char *method, *path, *allow;
	} rows[] = {
		{ "POST", LAB_ROOT "/providertgs", "GET" },
		{ "DELETE", LAB_TG, "GET" },
		{ "PUT", LAB_TG "/handlers", "GET, POST" },
		{ "POST", LAB_TG "/handlers/x", "GET, PUT, DELETE" },
		{ "PUT", LAB_TG "/calls", "GET, POST" },
		{ "DELETE", LAB_TG "/calls/x", "GET, POST" },
		{ "POST", LAB_TG "/calls/x/events", "GET, PUT" },
		{ "POST", LAB_TG "/calls/x/media", "GET, PUT, CONNECT" },
		{ "POST", LAB_ROOT "/problems/not-found", "GET" },
	};
	struct lab *lab = *state;
	struct exchange *x;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].path);
		x = lab_ask(lab, rows[i].method, rows[i].path, NULL);
		assert_problem(x, 405, "method-not-allowed");
		assert_string_equal(fake_field(x, "allow"), rows[i].allow);
	}
}

static void refuses_early_data(void **state)
{
	struct lab *lab = *state;
	const struct exchange_field field = { "authorization",
					      "Bearer " LAB_TOKEN };
	struct exchange_request request = {
		.method = "POST",
		.path = LAB_TG "/calls",
		.field = &field,
		.field_cnt = 1,
		.early = true,
	};

	assert_problem(fake_request(lab->net, &request), 425, "too-early");
	request.method = "GET";
	assert_int_equal(fake_status(fake_request(lab->net, &request)), 200);
}

/* The line `problem` of profile section 5 has these members. */
static void explains_problems(void **state)
{
	struct lab *lab = *state;
	struct exchange *x, *page;
	struct json_object *json;
	const char *type;

	x = lab_ask(lab, "GET", LAB_TG "/calls/nothing", NULL);
	assert_string_equal(
		fake_text(x, NULL),
		"{\"type\":\"/.well-known/ript/v1/problems/not-found\","
		"\"title\":\"Not found\",\"status\":404,\"instance\":"
		"\"/.well-known/ript/v1/providertgs/123/calls/nothing\"}");
	json = lab_json(x);
	type = json_object_get_string(json_object_object_get(json, "type"));
	page = fake_json(lab->net, "GET", type, NULL, NULL);
	assert_int_equal(fake_status(page), 200);
	assert_non_null(strstr(fake_text(page, NULL), "not-found"));
	json_object_put(json);
	page = fake_json(lab->net, "GET", LAB_ROOT "/problems/made-up", NULL,
			 NULL);
	assert_problem(page, 404, "not-found");
}

static void counts_refusals(void **state)
{
	struct lab *lab = *state;
	struct metric *metric = metric_counter(
		"ript_refused_total", "problem=\"not-found\"", "");
	uint64_t before = metric_value(metric);

	lab_ask(lab, "GET", LAB_TG "/nothing", NULL);
	assert_int_equal(metric_value(metric), before + 1);
}

static void serves_certificates_to_everybody(void **state)
{
	static const char path[] = LAB_ROOT "/certs/acme.pem";
	struct lab *lab = *state;
	struct exchange *x;

	assert_int_equal(ript_server_add_cert(lab->server, path, LAB_PEM),
			 0);
	assert_int_equal(ript_server_add_cert(lab->server, path, LAB_PEM),
			 EEXIST);
	assert_int_equal(ript_server_add_cert(lab->server, "x", LAB_PEM),
			 EINVAL);
	x = fake_json(lab->net, "GET", path, NULL, NULL);
	assert_int_equal(fake_status(x), 200);
	assert_string_equal(fake_text(x, NULL), LAB_PEM);
	assert_string_equal(fake_field(x, "content-type"),
			    "application/pem-certificate-chain");
	assert_non_null(strstr(fake_field(x, "cache-control"), "max-age="));
	x = fake_json(lab->net, "PUT", path, NULL, NULL);
	assert_problem(x, 405, "method-not-allowed");
	x = fake_json(lab->net, "GET", LAB_ROOT "/certs/other.pem", NULL,
		      NULL);
	assert_problem(x, 401, "unauthorized");
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(lives_below_the_root),
		LAB_TEST(moves_the_unversioned_path),
		LAB_TEST(wants_a_token),
		LAB_TEST(takes_only_bearer_tokens),
		LAB_TEST(hides_what_belongs_to_others),
		LAB_TEST(locks_guessers_out),
		LAB_TEST(forgets_old_guessers),
		LAB_TEST(lists_the_terminal_groups_of_a_token),
		LAB_TEST(lists_as_the_profile_does),
		LAB_TEST(never_lists_nothing),
		LAB_TEST(may_be_cached),
		LAB_TEST(has_a_document),
		LAB_TEST(documents_as_the_profile_does),
		LAB_TEST(changes_its_policy),
		LAB_TEST(refuses_bad_terminal_groups),
		LAB_TEST(says_which_methods_it_takes),
		LAB_TEST(refuses_early_data),
		LAB_TEST(explains_problems),
		LAB_TEST(counts_refusals),
		LAB_TEST(serves_certificates_to_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
