/* SPDX-License-Identifier: MIT */
/* POST {TG}/calls: every check, and what a call that passes looks like. */
#include "tests/unit/ript_lab.h"

#include "base/text.h"
#include "media/chunk.h"

#define CALLS LAB_TG "/calls"

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

/* The members of a body; NULL leaves one out, text is put in as it is. */
struct wish {
	const char *handler, *destination, *passport, *more;
};

static struct exchange *post(struct lab *lab, const char *tg,
			     const struct wish *wish)
{
	struct buf json;
	const char *comma = "";
	struct exchange *x;
	char path[128];

	buf_init(&json, 1u << 20);
	buf_add_str(&json, "{");
	if (wish->handler) {
		buf_printf(&json, "\"handler\":%s", wish->handler);
		comma = ",";
	}
	if (wish->destination) {
		buf_printf(&json, "%s\"destination\":%s", comma,
			   wish->destination);
		comma = ",";
	}
	if (wish->passport) {
		buf_printf(&json, "%s\"passport\":%s", comma, wish->passport);
		comma = ",";
	}
	if (wish->more)
		buf_printf(&json, "%s%s", comma, wish->more);
	buf_add_str(&json, "}");
	snprintf(path, sizeof(path), LAB_ROOT "/providertgs/%s/calls", tg);
	x = lab_ask(lab, "POST", path, buf_str(&json));
	buf_free(&json);
	lab_turn(lab);
	return x;
}

static const char *quoted(const char *text)
{
	static char out[64][700];
	static unsigned next;

	next = (next + 1) % 64;
	snprintf(out[next], sizeof(out[next]), "\"%s\"", text);
	return out[next];
}

/* A wish that is granted, with a handler of TG 123. */
static struct wish good(struct lab *lab)
{
	return (struct wish){
		.handler = quoted(lab_handler(lab)),
		.destination = quoted(LAB_TO),
		.passport = quoted(lab_passport(LAB_FROM, LAB_TO)),
	};
}

static void assert_refused(struct lab *lab, const char *tg,
			   const struct wish *wish, int status,
			   const char *problem)
{
	unsigned before = lab->incoming_cnt, refused = lab->refused_cnt;
	struct exchange *x = post(lab, tg, wish);
	char want[128];

	assert_problem(x, status, problem);
	assert_int_equal(lab->incoming_cnt, before);
	assert_int_equal(lab->refused_cnt, refused + 1);
	snprintf(want, sizeof(want), "%s %d %s ", tg, status, problem);
	assert_memory_equal(lab->refused, want, strlen(want));
	assert_string_equal(lab_text(x, "instance") + strlen(LAB_ROOT) + 13,
			    strcmp(tg, "123") == 0 ? "123/calls"
						   : "intl/calls");
}

/* ---- the body ---- */

static void takes_only_json_objects(void **state)
{
	static const char *const bodies[] = {
		NULL, "", "{", "[]", "null", "7", "\"x\"", "{} {}",
		"{\"handler\":1,}", "{'handler':1}",
		"{\"destination\":\"+1\",\"destination\":\"+1\"}",
	};
	struct lab *lab = *state;
	struct exchange *x;
	char *deep;
	size_t i;

	for (i = 0; i < COUNT(bodies); i++) {
		row_name(bodies[i] ? bodies[i] : "(none)");
		x = lab_ask(lab, "POST", CALLS, bodies[i]);
		assert_problem(x, 400, "bad-request");
	}
	deep = calloc(1, 200);
	memset(deep, '[', 40);
	x = lab_ask(lab, "POST", CALLS, deep);
	assert_problem(x, 400, "bad-request");
	free(deep);
	assert_int_equal(lab->incoming_cnt, 0);
	shows("RIPT-CA-01");
}

static void wants_every_member(void **state)
{
	struct lab *lab = *state;
	static const char *const wrong[] = { NULL, "7", "null", "{}",
					     "\"\"", "[\"x\"]" };
	const struct wish fine = good(lab);
	struct wish wish;
	size_t i;

	for (i = 0; i < COUNT(wrong); i++) {
		row_name(wrong[i] ? wrong[i] : "(dropped)");
		wish = fine;
		wish.handler = wrong[i];
		assert_refused(lab, "123", &wish, 400, "bad-request");
		wish = fine;
		wish.destination = wrong[i];
		assert_refused(lab, "123", &wish, 400, "bad-request");
		wish = fine;
		wish.passport = wrong[i];
		assert_refused(lab, "123", &wish, 400, "bad-request");
	}
	shows("RIPT-CA-02");
}

/* ---- handler ---- */

static void wants_an_active_handler_of_its_own(void **state)
{
	struct lab *lab = *state;
	struct wish wish = good(lab);
	const char *id = strrchr(wish.handler, '/') + 1;
	char uri[8][256];
	struct exchange *theirs;
	size_t i;

	theirs = fake_json(lab->net, "POST",
			   LAB_ROOT "/providertgs/b1/handlers", LAB_OTHER,
			   "{\"handler-id\":\"x\"}");
	snprintf(uri[0], 256, LAB_URI "/handlers/none");
	snprintf(uri[1], 256, "https://other.example" LAB_TG "/handlers/%.16s",
		 id);
	snprintf(uri[2], 256, "http://" LAB_AUTHORITY LAB_TG
		 "/handlers/%.16s", id);
	snprintf(uri[3], 256, LAB_TG "/handlers/%.16s", id);
	snprintf(uri[4], 256, "https://" LAB_AUTHORITY LAB_ROOT
		 "/providertgs/intl/handlers/%.16s", id);
	snprintf(uri[5], 256, "%s", fake_field(theirs, "location"));
	snprintf(uri[6], 256, "nonsense");
	snprintf(uri[7], 256, LAB_URI "/handlers/%.16s/x", id);
	for (i = 0; i < COUNT(uri); i++) {
		row_name(uri[i]);
		wish.handler = quoted(uri[i]);
		assert_refused(lab, "123", &wish, 500, "handler-unknown");
		if (i == 1)
			shows("RIPT-CA-03");
	}
	shows("RIPT-CA-04");
	/* the same authority, written in another way */
	snprintf(uri[0], 256, "HTTPS://ComCast.Example:443" LAB_TG
		 "/handlers/%.16s", id);
	wish.handler = quoted(uri[0]);
	assert_int_equal(fake_status(post(lab, "123", &wish)), 201);
}

/* ---- destination ---- */

static void reads_destinations(void **state)
{
	static const struct {
		const char *destination;
		int status;		/* 201, 400, 403 */
		const char *row;
	} rows[] = {
		{ "+14089529999", 201, NULL },
		{ "bob", 400, NULL },
		{ "14089529999", 400, NULL },
		{ "+0123", 400, NULL },
		{ "+1234567890123456", 400, NULL },
		{ "tel:+14089529999", 400, NULL },
		{ "+1-408-952-9999", 400, NULL },
		{ "alice@acme.example", 201, "RIPT-CA-05" },
		{ "1234@acme.example", 201, "RIPT-CA-08" },
		{ "+14089529999@acme.example", 400, "RIPT-CA-09" },
		{ "1234@other.example", 403, NULL },
		{ "+442079460000", 403, NULL },
		{ "+19005550000", 403, "RIPT-CA-07" },
		{ "+19015550000", 201, "RIPT-TD-09" },
	};
	struct lab *lab = *state;
	struct wish wish = good(lab);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].destination);
		wish.destination = quoted(rows[i].destination);
		wish.passport = quoted(lab_passport(LAB_FROM,
						    rows[i].destination));
		if (rows[i].status == 201) {
			struct exchange *x = post(lab, "123", &wish);

			assert_int_equal(fake_status(x), 201);
			assert_string_equal(lab_text(x, "destination"),
					    rows[i].destination);
		} else {
			assert_refused(lab, "123", &wish, rows[i].status,
				       rows[i].status == 400
					       ? "bad-request"
					       : "destination-not-allowed");
		}
		if (rows[i].row)
			shows(rows[i].row);
	}
}

static void enforces_each_policy_on_its_own(void **state)
{
	struct lab *lab = *state;
	struct wish wish = good(lab), intl;
	struct exchange *x;

	x = lab_ask(lab, "POST", LAB_ROOT "/providertgs/intl/handlers",
		    "{\"handler-id\":\"x\"}");
	intl.handler = quoted(fake_field(x, "location"));
	intl.destination = quoted("+442079460000");
	intl.passport = quoted(lab_passport(LAB_FROM, "+442079460000"));
	intl.more = NULL;
	assert_int_equal(fake_status(post(lab, "intl", &intl)), 201);
	intl.destination = wish.destination;
	intl.passport = wish.passport;
	assert_refused(lab, "intl", &intl, 403, "destination-not-allowed");
	assert_int_equal(fake_status(post(lab, "123", &wish)), 201);
	shows("RIPT-ARC-01");
}

/* ---- hops ---- */

static void counts_hops(void **state)
{
	static const struct {
		const char *more;
		int status;
		int hops;
	} rows[] = {
		{ NULL, 201, -1 },
		{ "\"hops\":1", 201, 1 },
		{ "\"hops\":10", 201, 10 },
		{ "\"hops\":100000", 201, 255 },
		{ "\"hops\":0", 403, 0 },
		{ "\"hops\":-1", 400, 0 },
		{ "\"hops\":\"5\"", 400, 0 },
		{ "\"hops\":1.5", 400, 0 },
	};
	struct lab *lab = *state;
	struct ript_call_info info;
	struct wish wish = good(lab);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].more ? rows[i].more : "(absent)");
		wish.more = rows[i].more;
		if (rows[i].status != 201) {
			assert_refused(lab, "123", &wish, rows[i].status,
				       rows[i].status == 403 ? "loop"
							     : "bad-request");
			continue;
		}
		lab->accept = false;
		post(lab, "123", &wish);
		ript_call_info(lab->incoming, &info);
		assert_int_equal(info.hops, rows[i].hops);
		ript_call_refuse(lab->incoming, 403, "policy", NULL, 0);
	}
}

/* ---- PASSporT ---- */

static void verifies_the_passport(void **state)
{
	static const struct {
		const char *passport;
		const char *detail;
	} rows[] = {
		{ "no jws at all", "passport-unparsable" },
		{ "!bad signature>" LAB_TO, "passport-signature" },
		{ "!stale>" LAB_TO, "passport-stale" },
		{ LAB_FROM ">+14085550000", "passport-dest" },
	};
	struct lab *lab = *state;
	struct wish wish = good(lab);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].passport);
		wish.passport = quoted(rows[i].passport);
		assert_refused(lab, "123", &wish, 403, "bad-passport");
		assert_non_null(strstr(lab->refused, rows[i].detail));
	}
	/* TD-03, CA-11: a caller outside the group's origins */
	wish.passport = quoted(lab_passport("+12125550100", LAB_TO));
	assert_refused(lab, "123", &wish, 403, "bad-passport");
	shows("RIPT-TD-03");
	wish.destination = quoted("+19005550000");
	wish.passport = quoted(lab_passport(LAB_FROM, "+19005550000"));
	assert_refused(lab, "123", &wish, 403, "destination-not-allowed");
	shows("RIPT-CA-11");
}

static void cannot_do_without_a_passport(void **state)
{
	struct lab *lab = *state;
	struct wish wish = good(lab);
	struct ript_tg_config config;

	wish.passport = NULL;
	assert_refused(lab, "123", &wish, 400, "bad-request");
	/* a group that trusts nobody admits nobody */
	lab_tg_config(&config);
	config.trust = NULL;
	assert_int_equal(ript_tg_update(lab->tg, &config), 0);
	lab_tg_config_free(&config);
	wish = good(lab);
	assert_refused(lab, "123", &wish, 403, "bad-passport");
	assert_non_null(strstr(lab->refused, "passport-chain"));
	shows("RIPT-REQ-10");
}

static void knows_the_caller_by_the_passport_only(void **state)
{
	struct lab *lab = *state;
	struct wish wish = good(lab);
	struct exchange *x;

	wish.more = "\"from\":\"+12125550100\",\"caller\":\"x\","
		    "\"identity\":\"+12125550100\","
		    "\"p-asserted-identity\":\"+12125550100\"";
	x = post(lab, "123", &wish);
	assert_int_equal(fake_status(x), 201);
	assert_string_equal(lab_text(x, "from"), LAB_FROM);
	assert_null(strstr(fake_text(x, NULL), "+12125550100"));
	shows("RIPT-CA-12");
	shows("RIPT-REQ-13");
}

/* ---- 201 ---- */

static void replace(char *text, size_t size, const char *from, const char *to)
{
	char out[4096] = "";
	const char *at;

	while ((at = strstr(text, from))) {
		snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text,
			 to, at + strlen(from));
		snprintf(text, size, "%s", out);
		if (strstr(to, from))
			break;
	}
}

/* The line `call-201` of profile section 5, with its own identifiers. */
static void answers_as_the_profile_does(void **state)
{
	static const char uuid[] = "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f";
	static const char line[] =
		"{\"uri\":\"https://comcast.example/.well-known/ript/v1/"
		"providertgs/123/calls/0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f\","
		"\"state\":\"proceeding\",\"direction\":\"outbound\","
		"\"handler\":\"https://comcast.example/.well-known/ript/v1/"
		"providertgs/123/handlers/abc\",\"from\":\"+14085551000\","
		"\"to\":\"+14089529999\",\"destination\":\"+14089529999\","
		"\"passport\":\"eyJ...\",\"directives\":{\"client\":"
		"{\"stream\":{\"source\":{\"id\":0},\"sink\":{\"id\":1},"
		"\"param-sets\":{\"PCMU\":1,\"opus\":0,\"telephone-event\":1,"
		"\"CN\":1,\"sr\":8000,\"ptime\":20}}},\"server\":{\"stream\":"
		"{\"source\":{\"id\":0},\"sink\":{\"id\":1},\"param-sets\":"
		"{\"PCMU\":1,\"telephone-event\":1,\"CN\":1,\"sr\":8000,"
		"\"ptime\":20}}}}}";
	struct lab *lab = *state;
	struct ript_handler_row row = { "123", "abc",
					"{\"handler-id\":\"982\"}" };
	const struct wish wish = {
		.handler = quoted(LAB_URI "/handlers/abc"),
		.destination = quoted(LAB_TO),
		.passport = quoted(lab_passport(LAB_FROM, LAB_TO)),
	};
	struct json_object *got, *want;
	char text[4096];
	struct exchange *x;
	const char *id;

	assert_int_equal(ript_server_load_handler(lab->server, &row), 0);
	x = post(lab, "123", &wish);
	assert_int_equal(fake_status(x), 201);
	id = strrchr(fake_field(x, "location"), '/') + 1;
	assert_true(uuid_valid(id, strlen(id)));
	snprintf(text, sizeof(text), "%s", fake_text(x, NULL));
	replace(text, sizeof(text), id, uuid);
	replace(text, sizeof(text), lab_passport(LAB_FROM, LAB_TO),
		"eyJ...");
	got = json_tokener_parse(text);
	want = json_tokener_parse(line);
	assert_non_null(got);
	if (!json_object_equal(got, want))
		fail_msg("%s\nis not\n%s", text, line);
	json_object_put(got);
	json_object_put(want);
}

static void answers_with_what_a_client_needs(void **state)
{
	static const char *const members[] = { "handler", "direction", "from",
					       "to", "directives", "state",
					       "uri" };
	struct lab *lab = *state;
	struct exchange *x = lab_post(lab, lab_handler(lab));
	struct json_object *json, *d;
	const char *location;
	size_t i;

	assert_int_equal(fake_status(x), 201);
	location = fake_field(x, "location");
	assert_memory_equal(location, "https://", 8);
	shows("RIPT-CA-14");
	assert_true(uuid_valid(strrchr(location, '/') + 1, UUID_LEN));
	shows("RIPT-CA-15");
	json = lab_json(x);
	for (i = 0; i < COUNT(members); i++)
		assert_true(json_object_object_get_ex(json, members[i],
						      NULL));
	json_object_object_get_ex(json, "directives", &d);
	assert_true(json_object_object_get_ex(d, "client", NULL));
	assert_true(json_object_object_get_ex(d, "server", NULL));
	assert_string_equal(lab_text(x, "uri"), location);
	shows("RIPT-CA-16");
	json_object_put(json);
}

static void answers_a_client_of_the_text_form_in_it(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	struct wish wish;

	x = lab_ask(lab, "POST", LAB_TG "/handlers",
		    "{\"handler-id\":\"go\",\"advertisement\":"
		    "\"1 in: opus; PCMU; 2 out: opus; PCMU;\"}");
	assert_int_equal(fake_status(x), 201);
	wish = good(lab);
	wish.handler = quoted(fake_field(x, "location"));
	x = post(lab, "123", &wish);
	assert_int_equal(fake_status(x), 201);
	assert_non_null(strstr(lab_text(x, "clientDirectives"), "PCMU"));
	assert_non_null(strstr(lab_text(x, "serverDirectives"), "PCMU"));
}

/* The 201 leaves only when every worker knows the call. */
static void answers_after_the_workers_know(void **state)
{
	struct lab *lab = *state;
	const char *handler = lab_handler(lab);
	char json[1024];
	struct exchange *x;
	struct fake_byway *byway;

	snprintf(json, sizeof(json),
		 "{\"handler\":\"%s\",\"destination\":\"" LAB_TO "\","
		 "\"passport\":\"%s\"}", handler,
		 lab_passport(LAB_FROM, LAB_TO));
	x = lab_ask(lab, "POST", CALLS, json);
	assert_int_equal(lab->incoming_cnt, 1);
	assert_int_equal(fake_status(x), 0);
	byway = fake_byway_last();
	assert_int_equal(byway->token_cnt, 2);	/* both of the customer */
	fake_byway_run();
	assert_int_equal(fake_status(x), 201);
	assert_string_equal(byway->uuid,
			    strrchr(fake_field(x, "location"), '/') + 1);
	assert_string_equal(byway->path, fake_field(x, "location") +
			    strlen("https://" LAB_AUTHORITY));
}

/* DR-13: a chunk says its codec by a fixed number; nothing of the call is
 * needed to read it. */
static void names_no_payload_types(void **state)
{
	static const uint8_t octets[] = { 1, 2, 3 };
	struct lab *lab = *state;
	struct exchange *x = lab_post(lab, lab_handler(lab));
	const char *text = fake_text(x, NULL);
	unsigned c;

	assert_null(strstr(text, "\"pt\""));
	assert_null(strstr(text, "payload"));
	for (c = CODEC_PCMU; c < CODEC_OTHER; c++) {
		const struct chunk out = {
			.env = CHUNK_BIT(CHUNK_SEQUENCE) |
			       CHUNK_BIT(CHUNK_TIMESTAMP) |
			       CHUNK_BIT(CHUNK_PAYLOAD_TYPE) |
			       CHUNK_BIT(CHUNK_SOURCE) |
			       CHUNK_BIT(CHUNK_SINK),
			.pkg = CHUNK_BIT(CHUNK_MEDIA),
			.seq = { 7, CHUNK_FULL },
			.time = { 9, CHUNK_FULL },
			.payload_type = codec_info((enum codec)c)->ript_pt,
			.media = octets,
			.media_len = sizeof(octets),
		};
		struct chunk_reader reader;
		struct chunk in;
		uint8_t body[64];
		size_t len;

		row_name(codec_info((enum codec)c)->name);
		len = chunk_write(body, sizeof(body), &out);
		chunk_reader_init(&reader, body, len);
		assert_int_equal(chunk_next(&reader, &in), CHUNK_OK);
		assert_int_equal(codec_by_ript_pt(in.payload_type), c);
		assert_memory_equal(in.media, octets, sizeof(octets));
	}
	shows("RIPT-DR-13");
}

/* ---- the gateway's word ---- */

static void lets_the_gateway_refuse(void **state)
{
	static const struct {
		int status;
		const char *name;
		unsigned retry_s;
		const char *row;
	} rows[] = {
		{ 404, "unreachable", 0, "RIPT-CA-17" },
		{ 403, "policy", 0, "RIPT-CA-18" },
		{ 429, "slow-down", 7, NULL },
		{ 503, "unavailable", 5, NULL },
		{ 403, "loop", 0, "RIPT-CA-13" },
	};
	struct lab *lab = *state;
	const struct wish wish = good(lab);
	struct exchange *x;
	size_t i;

	lab->accept = false;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		x = post(lab, "123", &wish);
		assert_int_equal(fake_status(x), 0);
		ript_call_refuse(lab->incoming, rows[i].status, rows[i].name,
				 "because", rows[i].retry_s);
		assert_problem(x, rows[i].status, rows[i].name);
		assert_string_equal(lab_text(x, "detail"), "because");
		if (rows[i].retry_s)
			assert_int_equal(atoi(fake_field(x, "retry-after")),
					 rows[i].retry_s);
		if (rows[i].row)
			shows(rows[i].row);
	}
	x = lab_ask(lab, "GET", CALLS, NULL);
	assert_string_equal(fake_text(x, NULL), "{\"calls\":[]}");
	/* the gateway has its own records of these */
	assert_int_equal(lab->refused_cnt, 0);
}

/* Records of refused calls are few: nothing else may push them out. */
static void tells_of_refused_calls_only(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	x = lab_ask(lab, "GET", LAB_TG "/handlers/x", NULL);
	assert_problem(x, 404, "not-found");
	x = lab_ask(lab, "DELETE", CALLS, NULL);
	assert_problem(x, 405, "method-not-allowed");
	x = lab_ask(lab, "POST", LAB_ROOT "/providertgs/none/calls", "{}");
	assert_problem(x, 404, "not-found");
	assert_int_equal(lab->refused_cnt, 0);
	x = lab_ask(lab, "POST", CALLS, "{}");
	assert_problem(x, 400, "bad-request");
	assert_int_equal(lab->refused_cnt, 1);
}

static void refuses_while_not_ready(void **state)
{
	struct lab *lab = *state;
	const struct wish wish = good(lab);
	struct exchange *x;

	ript_server_set_ready(lab->server, false);
	x = post(lab, "123", &wish);
	assert_problem(x, 503, "unavailable");
	assert_true(atoi(fake_field(x, "retry-after")) > 0);
	ript_server_set_ready(lab->server, true);
	assert_int_equal(fake_status(post(lab, "123", &wish)), 201);
}

static void gives_the_gateway_all_it_knows(void **state)
{
	struct lab *lab = *state;
	struct wish wish = good(lab);
	struct ript_call_info info;

	lab->accept = false;
	wish.more = "\"hops\":4";
	post(lab, "123", &wish);
	ript_call_info(lab->incoming, &info);
	assert_true(uuid_valid(info.uuid, strlen(info.uuid)));
	assert_memory_equal(info.uri, LAB_URI "/calls/",
			    strlen(LAB_URI "/calls/"));
	assert_ptr_equal(info.tg, lab->tg);
	assert_string_equal(info.from, LAB_FROM);
	assert_string_equal(info.to, LAB_TO);
	assert_string_equal(info.destination, LAB_TO);
	assert_string_equal(info.passport, lab_passport(LAB_FROM, LAB_TO));
	assert_non_null(strstr(info.handler, LAB_URI "/handlers/"));
	assert_int_equal(info.advert->source_cnt, 1);
	assert_int_equal(info.hops, 4);
	assert_false(info.client);
	assert_int_equal(info.byway, 0);
	assert_int_equal(ript_call_accept(lab->incoming, &lab->directives,
					  &lab_handlers, lab), 0);
	ript_call_info(lab->incoming, &info);
	assert_int_not_equal(info.byway, 0);
	assert_int_equal(info.byway, fake_byway_last()->id);
	assert_int_equal(info.state, RIPT_ST_PROCEEDING);
	assert_int_equal(info.directives->client.stream_cnt, 1);
	assert_int_equal(ript_call_accept(lab->incoming, &lab->directives,
					  &lab_handlers, lab), EINVAL);
}

/* A client that leaves before the 201 never learns of the call. */
static void gives_abandoned_calls_up(void **state)
{
	struct lab *lab = *state;
	const struct wish wish = good(lab);
	struct exchange *x;

	lab->accept = false;
	x = post(lab, "123", &wish);
	fake_drop(x, ECONNRESET);
	assert_int_equal(ript_call_accept(lab->incoming, &lab->directives,
					  &lab_handlers, lab), 0);
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "closed abandoned\n");
	/* refused instead: nobody is answered, nothing leaks */
	x = post(lab, "123", &wish);
	fake_drop(x, ECONNRESET);
	ript_call_refuse(lab->incoming, 404, "unreachable", NULL, 0);
	/* between accept and 201 */
	lab->accept = true;
	x = lab_ask(lab, "POST", CALLS, "{}");
	assert_problem(x, 400, "bad-request");
	assert_true(fake_byway_last()->closed);
}

static void forgets_unanswered_calls_at_the_end(void **state)
{
	struct lab *lab = *state;
	const struct wish wish = good(lab);

	lab->accept = false;
	post(lab, "123", &wish);
	post(lab, "123", &wish);
	/* the teardown frees the server: nothing may leak */
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(takes_only_json_objects),
		LAB_TEST(wants_every_member),
		LAB_TEST(wants_an_active_handler_of_its_own),
		LAB_TEST(reads_destinations),
		LAB_TEST(enforces_each_policy_on_its_own),
		LAB_TEST(counts_hops),
		LAB_TEST(verifies_the_passport),
		LAB_TEST(cannot_do_without_a_passport),
		LAB_TEST(knows_the_caller_by_the_passport_only),
		LAB_TEST(answers_as_the_profile_does),
		LAB_TEST(answers_with_what_a_client_needs),
		LAB_TEST(answers_a_client_of_the_text_form_in_it),
		LAB_TEST(answers_after_the_workers_know),
		LAB_TEST(names_no_payload_types),
		LAB_TEST(lets_the_gateway_refuse),
		LAB_TEST(tells_of_refused_calls_only),
		LAB_TEST(refuses_while_not_ready),
		LAB_TEST(gives_the_gateway_all_it_knows),
		LAB_TEST(gives_abandoned_calls_up),
		LAB_TEST(forgets_unanswered_calls_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
