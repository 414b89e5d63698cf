/* SPDX-License-Identifier: MIT */
/* The client role: discovery, handlers, POST calls, refusals. */
#include "tests/unit/ript_client_lab.h"

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

static bool has_field(const struct exchange *x, const char *name,
		      const char *value)
{
	const struct exchange_request *head = fake_sent_head(x);
	const char *have = exchange_field(head->field, head->field_cnt, name);

	return have && strcmp(have, value) == 0;
}

/* ---- discovery ---- */

static void discovers_before_anything_else(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	peer_start(lab);
	assert_int_equal(fake_sent_cnt(lab->net), 1);
	x = fake_sent(lab->net, 0);
	assert_string_equal(fake_sent_head(x)->method, "GET");
	assert_string_equal(fake_sent_head(x)->path,
			    LAB_ROOT "/providertgs");
	assert_true(has_field(x, "authorization", "Bearer " PEER_TOKEN));
	shows("RIPT-TG-01");
	shows("RIPT-OA-03");
	assert_false(ript_peer_usable(lab->peer));
	fake_reply(x, 200, PEER_LIST);
	assert_int_equal(fake_sent_cnt(lab->net), 2);
	x = fake_sent(lab->net, 1);
	assert_string_equal(fake_sent_head(x)->path, PEER_TG);
	fake_reply(x, 200, PEER_DOC);
	x = fake_sent(lab->net, 2);
	assert_string_equal(fake_sent_head(x)->method, "POST");
	assert_string_equal(fake_sent_head(x)->path, PEER_TG "/handlers");
	assert_int_equal(lab->peer_err, -1);
	peer_reply_created(x, PEER_URI "/handlers/abc");
	assert_int_equal(lab->peer_err, 0);
	assert_true(ript_peer_usable(lab->peer));
	assert_string_equal(lab->handler_id, "gw1");
	assert_string_equal(lab->handler_uri, PEER_URI "/handlers/abc");
	/* every request asks for JSON of the one authority that was set */
	assert_string_equal(fake_sent_head(x)->authority, PEER_AUTHORITY);
}

/* Two entries, one source and one sink, ids 0 and 1 (HD-09). */
static void registers_as_a_voice_gateway(void **state)
{
	struct lab *lab = *state;
	struct json_object *body, *advert, *end, *id;
	struct exchange *x;

	peer_start(lab);
	fake_reply(fake_sent(lab->net, 0), 200, PEER_LIST);
	fake_reply(fake_sent(lab->net, 1), 200, PEER_DOC);
	x = fake_sent(lab->net, 2);
	body = json_tokener_parse(fake_text(x, NULL));
	assert_true(json_object_object_get_ex(body, "handler-id", &id));
	assert_string_equal(json_object_get_string(id), "gw1");
	assert_true(json_object_object_get_ex(body, "advertisement",
					      &advert));
	assert_int_equal(json_object_object_length(advert), 2);
	assert_true(json_object_object_get_ex(advert, "source", &end));
	assert_true(json_object_is_type(end, json_type_object));
	assert_int_equal(json_object_get_int(
				 json_object_object_get(end, "id")), 0);
	assert_true(json_object_object_get_ex(advert, "sink", &end));
	assert_true(json_object_is_type(end, json_type_object));
	assert_int_equal(json_object_get_int(
				 json_object_object_get(end, "id")), 1);
	json_object_put(body);
	shows("RIPT-HD-09");
	shows("RIPT-AD-04");
}

static void takes_a_bare_array(void **state)
{
	struct lab *lab = *state;

	peer_start(lab);
	fake_reply(fake_sent(lab->net, 0), 200,
		   "[{\"uri\":\"" PEER_URI "\"}]");
	fake_reply(fake_sent(lab->net, 1), 200, PEER_DOC);
	peer_reply_created(fake_sent(lab->net, 2), PEER_URI "/handlers/abc");
	assert_true(ript_peer_usable(lab->peer));
	assert_int_equal(ript_peer_tg_cnt(lab->peer), 1);
}

static void tells_what_it_found(void **state)
{
	struct lab *lab = *state;
	struct ript_tg_info info;

	peer_ready(lab);
	assert_string_equal(ript_peer_name(lab->peer), "comcast");
	assert_int_equal(ript_peer_tg_cnt(lab->peer), 1);
	ript_peer_tg(lab->peer, 0, &info);
	assert_string_equal(info.uri, PEER_URI);
	assert_string_equal(info.name, "domestic");
	assert_string_equal(info.description, "calls to +1 numbers");
	assert_string_equal(info.origins_pem, LAB_PEM);
	assert_true(number_set_match(info.destinations, "+14085550000"));
	assert_false(number_set_match(info.destinations, "+19005550000"));
	ript_peer_tg(lab->peer, 1, &info);
	assert_null(info.uri);
}

static const struct {
	const char *name;
	int status;
	const char *body;
	int err;
	const char *why;
} bad_lists[] = {
	{ "401", 401, "{\"type\":\"/p/unauthorized\"}", EACCES,
	  "it answers 401 unauthorized" },
	{ "no-tg", 403, "{\"type\":\"/p/no-tg\",\"detail\":\"x\"}", EACCES,
	  "it answers 403 no-tg: x" },
	{ "500", 500, NULL, EPROTO, "it answers 500" },
	{ "no JSON", 200, "<html>", EPROTO,
	  "its list of terminal groups is not understood" },
	{ "no list", 200, "{\"tgs\":7}", EPROTO,
	  "its list of terminal groups is not understood" },
	{ "empty", 200, "{\"tgs\":[]}", ENOENT,
	  "it lists no terminal group of its own authority" },
	{ "elsewhere", 200,
	  "{\"tgs\":[{\"uri\":\"https://evil.example" LAB_TG "\"},7,{}]}",
	  ENOENT, "it lists no terminal group of its own authority" },
};

static void says_why_discovery_failed(void **state)
{
	struct lab *lab = *state;
	size_t i;

	for (i = 0; i < COUNT(bad_lists); i++) {
		row_name(bad_lists[i].name);
		peer_start(lab);
		fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"),
			   bad_lists[i].status, bad_lists[i].body);
		assert_int_equal(lab->peer_err, bad_lists[i].err);
		assert_string_equal(lab->peer_why, bad_lists[i].why);
		assert_false(ript_peer_usable(lab->peer));
		ript_peer_free(&lab->peer);
	}
}

static void says_why_it_cannot_connect(void **state)
{
	struct lab *lab = *state;

	peer_start(lab);
	fake_peer_state(peer_exchange(lab),
			EACCES, "the certificate is of another CA");
	fake_drop(fake_sent(lab->net, 0), EACCES);
	assert_int_equal(lab->peer_err, EACCES);
	assert_non_null(strstr(lab->peer_why, "another CA"));
}

/* TD-10's doubling, TD-11's floor. */
static void tries_again_after_a_while(void **state)
{
	static const unsigned gaps_s[] = { 2, 4, 8, 16, 32, 60, 60 };
	struct lab *lab = *state;
	size_t i;

	peer_start(lab);
	for (i = 0; i < COUNT(gaps_s); i++) {
		fake_drop(fake_sent(lab->net, (unsigned)i), ENOTCONN);
		lab_wait(lab, gaps_s[i] * 1000 - 10);
		assert_int_equal(fake_sent_cnt(lab->net), i + 1);
		lab_wait(lab, 10);
		assert_int_equal(fake_sent_cnt(lab->net), i + 2);
	}
	fake_reply(fake_sent(lab->net, (unsigned)i), 200, PEER_LIST);
	assert_int_equal(fake_sent_cnt(lab->net), i + 2);
}

static void does_not_wait_for_ever(void **state)
{
	struct lab *lab = *state;

	peer_start(lab);
	lab_wait(lab, 10000);
	assert_int_equal(lab->peer_err, ETIMEDOUT);
	assert_true(fake_aborted(fake_sent(lab->net, 0)));
	lab_wait(lab, 2000);
	assert_int_equal(fake_sent_cnt(lab->net), 2);
}

/* ---- documents ---- */

static const struct {
	const char *name, *doc;
	bool usable;
	const char *row;
} docs[] = {
	{ "as the profile's", PEER_DOC, true, NULL },
	{ "outbound alone", "{\"outbound\":{}}", true, "RIPT-TD-13" },
	{ "no outbound", "{}", false, NULL },
	{ "outbound is no object", "{\"outbound\":7}", false, NULL },
	{ "one pattern", "{\"outbound\":{\"destinations\":\"+1*\"}}", true,
	  NULL },
	{ "bad pattern", "{\"outbound\":{\"destinations\":[\"**1\"]}}", false,
	  NULL },
	{ "no pattern", "{\"outbound\":{\"destinations\":[7]}}", false,
	  NULL },
	{ "odd values", "{\"outbound\":{},\"retry-backoff\":\"soon\","
	  "\"reverse-byways\":-3,\"keepalive-interval\":0,\"x\":{}}", true,
	  NULL },
};

static void reads_documents(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;
	size_t i;

	for (i = 0; i < COUNT(docs); i++) {
		row_name(docs[i].name);
		peer_start(lab);
		lab->peer_err = -1;
		fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"),
			   200, PEER_LIST);
		fake_reply(fake_sent_last(lab->net, "GET", "/123"), 200,
			   docs[i].doc);
		x = fake_sent_last(lab->net, "POST", "/handlers");
		if (docs[i].usable) {
			peer_reply_created(x, PEER_URI "/handlers/abc");
			assert_int_equal(lab->peer_err, 0);
		} else {
			assert_int_equal(lab->peer_err, EPROTO);
		}
		ript_peer_free(&lab->peer);
		if (docs[i].row)
			shows(docs[i].row);
	}
}

static int try_call(struct lab *lab, const char *destination)
{
	struct ript_call *call = NULL;
	int err = peer_open(lab, &call, destination);

	if (!err)
		ript_call_end(call, RIPT_BY_CLIENT, NULL);
	lab_turn(lab);
	return err;
}

static void keeps_to_the_destinations(void **state)
{
	static const struct {
		const char *destination;
		int err;
	} rows[] = {
		{ "+14085550000", 0 },	{ "+442079460000", EACCES },
		{ "+19005550000", EACCES },
		{ "1234@acme.example", EACCES },
	};
	struct lab *lab = *state;
	size_t i;

	peer_ready(lab);
	for (i = 0; i < COUNT(rows); i++) {
		unsigned before = fake_sent_cnt(lab->net);

		row_name(rows[i].destination);
		assert_int_equal(try_call(lab, rows[i].destination),
				 rows[i].err);
		/* refused here: nothing goes out */
		assert_int_equal(fake_sent_cnt(lab->net) > before,
				 rows[i].err == 0);
	}
	shows("RIPT-CA-06");
}

static void dials_anything_without_destinations(void **state)
{
	struct lab *lab = *state;

	peer_ready_with(lab, "{\"outbound\":{}}");
	assert_int_equal(try_call(lab, "+442079460000"), 0);
	assert_int_equal(try_call(lab, "anybody@any.example"), 0);
	shows("RIPT-TD-08");
}

static void follows_changes_of_policy(void **state)
{
	struct lab *lab = *state;
	struct exchange_field field[] = {
		{ "etag", "\"1\"" },
		{ "cache-control", "private, max-age=60" },
	};
	struct exchange *x;

	peer_start(lab);
	fake_reply_fields(fake_sent(lab->net, 0), 200, field, 2, PEER_LIST,
			  strlen(PEER_LIST));
	fake_reply_fields(fake_sent(lab->net, 1), 200, field, 2, PEER_DOC,
			  strlen(PEER_DOC));
	peer_reply_created(fake_sent(lab->net, 2), PEER_URI "/handlers/abc");
	lab_wait(lab, 59000);
	assert_int_equal(fake_sent_cnt(lab->net), 3);
	lab_wait(lab, 1000);
	/* cached for as long as allowed, then asked with the ETag */
	x = fake_sent(lab->net, 3);
	assert_string_equal(fake_sent_head(x)->path,
			    LAB_ROOT "/providertgs");
	assert_true(has_field(x, "if-none-match", "\"1\""));
	fake_reply(x, 304, NULL);
	x = fake_sent(lab->net, 4);
	assert_string_equal(fake_sent_head(x)->path, PEER_TG);
	assert_true(has_field(x, "if-none-match", "\"1\""));
	assert_int_equal(try_call(lab, "+442079460000"), EACCES);
	fake_reply(x, 200, "{\"outbound\":{\"destinations\":\"+44*\"}}");
	assert_int_equal(try_call(lab, "+442079460000"), 0);
	assert_int_equal(try_call(lab, "+14085550000"), EACCES);
	shows("RIPT-TG-08");
}

/* ---- several terminal groups ---- */

#define TWO "{\"tgs\":[{\"uri\":\"" PEER_URI "\"},{\"uri\":\"https://" \
	PEER_AUTHORITY LAB_ROOT "/providertgs/intl\"}]}"

static void two_groups(struct lab *lab, const char *a, const char *b)
{
	peer_start(lab);
	fake_reply(fake_sent(lab->net, 0), 200, TWO);
	fake_reply(fake_sent_last(lab->net, "GET", "/123"), 200, a);
	fake_reply(fake_sent_last(lab->net, "GET", "/intl"), 200, b);
	peer_reply_created(fake_sent_last(lab->net, "POST",
					  "/123/handlers"),
			   PEER_URI "/handlers/abc");
	peer_reply_created(fake_sent_last(lab->net, "POST",
					  "/intl/handlers"),
			   "https://" PEER_AUTHORITY LAB_ROOT
			   "/providertgs/intl/handlers/xyz");
}

static const char *posted_to(struct lab *lab, const char *destination)
{
	struct ript_call *call;
	struct exchange *x;

	assert_int_equal(peer_open(lab, &call, destination), 0);
	x = fake_sent_last(lab->net, "POST", "/calls");
	return fake_sent_head(x)->path;
}

static void chooses_by_destination(void **state)
{
	struct lab *lab = *state;

	two_groups(lab, "{\"outbound\":{\"destinations\":[\"*\"]}}",
		   "{\"outbound\":{\"destinations\":[\"+44*\"]}}");
	assert_string_equal(posted_to(lab, "+14085550000"),
			    PEER_TG "/calls");
	assert_string_equal(posted_to(lab, "+442079460000"),
			    LAB_ROOT "/providertgs/intl/calls");
	assert_string_equal(posted_to(lab, "a@b.example"), PEER_TG "/calls");
	shows("RIPT-TG-07");
}

/* The same handler-id at every terminal group that is used. */
static void registers_at_every_group(void **state)
{
	struct lab *lab = *state;
	const char *a, *b;

	two_groups(lab, "{\"outbound\":{}}", "{\"outbound\":{}}");
	a = fake_text(fake_sent_last(lab->net, "POST", "/123/handlers"),
		      NULL);
	b = fake_text(fake_sent_last(lab->net, "POST", "/intl/handlers"),
		      NULL);
	assert_memory_equal(a, "{\"handler-id\":\"gw1\",", 20);
	assert_string_equal(a, b);
	assert_int_equal(lab->handler_cnt, 2);
	shows("RIPT-HD-07");
	/* and the database can tell them apart */
	assert_string_equal(lab->handler_id, "gw1@intl");
	ript_peer_free(&lab->peer);
	peer_make(lab);
	ript_peer_load_handler(lab->peer, "gw1@123",
			       PEER_URI "/handlers/abc");
	ript_peer_load_handler(lab->peer, "gw1@intl",
			       "https://" PEER_AUTHORITY LAB_ROOT
			       "/providertgs/intl/handlers/xyz");
	lab_turn(lab);
	fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"), 200, TWO);
	fake_reply(fake_sent_last(lab->net, "GET", "/123"), 200, PEER_DOC);
	fake_reply(fake_sent_last(lab->net, "GET", "/intl"), 200, PEER_DOC);
	assert_non_null(fake_sent_last(lab->net, "PUT", "/handlers/abc"));
	assert_non_null(fake_sent_last(lab->net, "PUT", "/handlers/xyz"));
}

static void uses_the_only_group_for_everything(void **state)
{
	struct lab *lab = *state;

	peer_ready(lab);
	assert_string_equal(posted_to(lab, "+14085550000"),
			    PEER_TG "/calls");
	assert_string_equal(posted_to(lab, "+12125550000"),
			    PEER_TG "/calls");
	shows("RIPT-TG-06");
}

static void drops_a_group_that_is_gone(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;

	two_groups(lab, "{\"outbound\":{}}", "{\"outbound\":{\"destinations\""
					     ":\"+44*\"}}");
	assert_int_equal(peer_open(lab, &call, "+442079460000"), 0);
	lab_wait(lab, 1000);
	peer_reply_created(fake_sent_last(lab->net, "POST", "intl/calls"),
			   "https://" PEER_AUTHORITY LAB_ROOT
			   "/providertgs/intl/calls/" CALL_UUID);
	lab_wait(lab, 299000);
	fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"), 200,
		   PEER_LIST);
	/* the call goes on; a new one goes elsewhere */
	assert_int_equal(ript_peer_tg_cnt(lab->peer), 2);
	assert_string_equal(posted_to(lab, "+442079460000"),
			    PEER_TG "/calls");
}

/* ---- handlers ---- */

static void keeps_its_handler_over_restarts(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	peer_make(lab);
	ript_peer_load_handler(lab->peer, "gw1", PEER_URI "/handlers/abc");
	ript_peer_load_handler(lab->peer, "gw1",
			       "https://" PEER_AUTHORITY LAB_ROOT
			       "/providertgs/1234/handlers/no");
	lab_turn(lab);
	fake_reply(fake_sent(lab->net, 0), 200, PEER_LIST);
	fake_reply(fake_sent(lab->net, 1), 200, PEER_DOC);
	x = fake_sent(lab->net, 2);
	assert_string_equal(fake_sent_head(x)->method, "PUT");
	assert_string_equal(fake_sent_head(x)->path, PEER_TG "/handlers/abc");
	fake_reply(x, 200, "{}");
	assert_int_equal(lab->peer_err, 0);
	assert_int_equal(lab->handler_cnt, 0);	/* known already */
	posted_to(lab, "+14085550000");
	assert_non_null(strstr(fake_text(fake_sent_last(lab->net, "POST",
							"/calls"), NULL),
			       "\"handler\":\"" PEER_URI "/handlers/abc\""));
	shows("RIPT-HD-05");
}

static void registers_anew_when_the_server_forgot(void **state)
{
	struct lab *lab = *state;
	struct exchange *x;

	peer_make(lab);
	ript_peer_load_handler(lab->peer, "gw1", PEER_URI "/handlers/old");
	lab_turn(lab);
	fake_reply(fake_sent(lab->net, 0), 200, PEER_LIST);
	fake_reply(fake_sent(lab->net, 1), 200, PEER_DOC);
	fake_reply(fake_sent(lab->net, 2), 404, NULL);
	x = fake_sent(lab->net, 3);
	assert_string_equal(fake_sent_head(x)->method, "POST");
	peer_reply_created(x, PEER_URI "/handlers/new");
	assert_string_equal(lab->handler_uri, PEER_URI "/handlers/new");
	assert_int_equal(lab->peer_err, 0);
}

static void is_unusable_without_a_handler(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	unsigned cnt;

	peer_start(lab);
	fake_reply(fake_sent(lab->net, 0), 200, PEER_LIST);
	fake_reply(fake_sent(lab->net, 1), 200, PEER_DOC);
	fake_reply(fake_sent(lab->net, 2), 400,
		   "{\"type\":\"/p/bad-advertisement\"}");
	assert_int_equal(lab->peer_err, EPROTO);
	cnt = fake_sent_cnt(lab->net);
	assert_int_equal(peer_open(lab, &call, "+14085550000"), ENOTCONN);
	assert_int_equal(fake_sent_cnt(lab->net), cnt);	/* no POST calls */
	/* it is asked again with the next discovery */
	lab_wait(lab, 2000);
	fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"), 200,
		   PEER_LIST);
	fake_reply(fake_sent_last(lab->net, "GET", "/123"), 200, PEER_DOC);
	peer_reply_created(fake_sent_last(lab->net, "POST", "/handlers"),
			   PEER_URI "/handlers/abc");
	assert_int_equal(lab->peer_err, 0);
	posted_to(lab, "+14085550000");
	shows("RIPT-HD-01");
}

/* A server chooses any codec that a handler lists. */
static void has_a_handler_for_each_set_of_codecs(void **state)
{
	static const struct {
		uint32_t codecs;
		uint16_t ptime_ms;
		const char *id;
	} rows[] = {
		{ 1u << CODEC_PCMA | VOICE_EXTRAS, 0, "gw1-pcma" },
		{ 1u << CODEC_PCMU | VOICE_EXTRAS, 0, "gw1-pcmu" },
		{ 1u << CODEC_PCMU | 1u << CODEC_PCMA, 0, "gw1-nodtmf-nocn" },
		{ 1u << CODEC_PCMU | VOICE_EXTRAS, 20, "gw1-pcmu-p20" },
		{ 1u << CODEC_PCMU | 1u << CODEC_OPUS | VOICE_EXTRAS, 0,
		  "gw1-pcmu-opus" },
	};
	struct lab *lab = *state;
	struct ript_call *call, *again;
	struct exchange *x;
	char uri[128], want[160];
	size_t i;

	peer_ready(lab);
	for (i = 0; i < COUNT(rows); i++) {
		unsigned before;

		row_name(rows[i].id);
		peer_open_with(lab, &call, "+14085550000", rows[i].codecs,
			       rows[i].ptime_ms);
		x = fake_sent_last(lab->net, "POST", "/handlers");
		snprintf(want, sizeof(want), "{\"handler-id\":\"%s\",",
			 rows[i].id);
		assert_memory_equal(fake_text(x, NULL), want, strlen(want));
		/* a second call waits for the same registration */
		before = fake_sent_cnt(lab->net);
		peer_open_with(lab, &again, "+14085550000", rows[i].codecs,
			       rows[i].ptime_ms);
		assert_int_equal(fake_sent_cnt(lab->net), before);
		snprintf(uri, sizeof(uri), PEER_URI "/handlers/h%zu", i);
		peer_reply_created(x, uri);
		assert_int_equal(fake_sent_cnt(lab->net), before + 2);
		x = fake_sent_last(lab->net, "POST", "/calls");
		assert_non_null(strstr(fake_text(x, NULL), uri));
		assert_string_equal(lab->handler_id, rows[i].id);
		/* and the third finds it */
		peer_open_with(lab, &again, "+14085550000", rows[i].codecs,
			       rows[i].ptime_ms);
		assert_int_equal(fake_sent_cnt(lab->net), before + 3);
	}
}

static void limits_sets_of_codecs(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	uint32_t codecs;

	peer_ready(lab);
	/* the default set is there */
	for (codecs = 1; codecs < 128; codecs++)
		assert_int_equal(peer_open_with(lab, &call, "+14085550000",
						codecs, 0), 0);
	assert_int_equal(peer_open_with(lab, &call, "+14085550000", 128, 0),
			 ENOTCONN);
}

/* What a phone writes into its SDP cannot use the sets up. */
static void odd_packet_lengths_share_a_handler(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	unsigned before;
	uint16_t ms;

	peer_ready(lab);
	before = fake_sent_cnt(lab->net);
	for (ms = 1; ms < 500; ms++)
		assert_int_equal(peer_open_with(lab, &call, "+14085550000",
						1u << CODEC_PCMU, ms), 0);
	/* 10, 20, 30, 40, 60 ms, and any */
	assert_int_equal(fake_sent_cnt(lab->net), before + 6);
}

/* The group leaves the list while its handler is being registered for its
 * last call. */
static void survives_a_group_that_vanishes(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	struct exchange *list, *x;

	peer_ready(lab);
	lab_wait(lab, 300000);
	list = fake_sent_last(lab->net, "GET", "/providertgs");
	assert_int_equal(peer_open_with(lab, &call, "+14085550000",
					1u << CODEC_PCMU, 0), 0);
	x = fake_sent_last(lab->net, "POST", "/handlers");
	fake_reply(list, 200, "{\"tgs\":[{\"uri\":\"https://" PEER_AUTHORITY
		   LAB_ROOT "/providertgs/intl\"}]}");
	fake_reply(x, 500, NULL);
	lab_turn(lab);
	assert_int_equal(ript_peer_tg_cnt(lab->peer), 1);
}

/* ---- POST calls ---- */

static void posts_as_the_profile_does(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	struct exchange *x;

	peer_ready(lab);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	x = fake_sent_last(lab->net, "POST", "/calls");
	assert_true(has_field(x, "content-type", "application/json"));
	assert_true(fake_finished(x));
	/* the line `call-post` of profile section 5 and Q91's hops */
	assert_string_equal(
		fake_text(x, NULL),
		"{\"handler\":\"https://comcast.example/.well-known/ript/v1/"
		"providertgs/123/handlers/abc\",\"destination\":"
		"\"+14089529999\",\"passport\":\"eyJhbGciOiJFUzI1NiJ9.x.y\","
		"\"hops\":9}");
	assert_int_equal(fake_sent_head(x)->worker, 1);
	shows("RIPT-CA-01");
	shows("RIPT-CA-02");
	shows("RIPT-CA-03");
	shows("RIPT-ARC-03");
}

static const struct {
	int status;
	const char *problem;
	unsigned retry_s;
} refusals[] = {
	{ 400, "bad-request", 0 },
	{ 401, "unauthorized", 0 },
	{ 403, "policy", 0 },
	{ 403, "destination-not-allowed", 0 },
	{ 403, "bad-passport", 0 },
	{ 404, "unreachable", 0 },
	{ 500, "internal", 0 },
};

static void hands_refusals_over(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	char json[256];
	unsigned posts;
	size_t i;

	peer_ready(lab);
	for (i = 0; i < COUNT(refusals); i++) {
		row_name(refusals[i].problem);
		assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
		posts = fake_sent_cnt(lab->net);
		snprintf(json, sizeof(json), "{\"type\":\"" LAB_ROOT
			 "/problems/%s\",\"detail\":\"because\"}",
			 refusals[i].problem);
		fake_reply(fake_sent_last(lab->net, "POST", "/calls"),
			   refusals[i].status, json);
		assert_string_equal(lab_log(lab), "closed refused\n");
		assert_int_equal(lab->refusal.status, refusals[i].status);
		assert_string_equal(lab->refusal.problem,
				    refusals[i].problem);
		assert_string_equal(lab->refusal.detail, "because");
		/* never again */
		lab_wait(lab, 10000);
		assert_int_equal(fake_sent_cnt(lab->net), posts);
	}
}

static void respects_retry_after(void **state)
{
	static const struct exchange_field field = { "retry-after", "7" };
	struct lab *lab = *state;
	struct ript_call *call;

	peer_ready(lab);
	assert_int_equal(ript_peer_retry_after(lab->peer), 0);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	fake_reply_fields(fake_sent_last(lab->net, "POST", "/calls"), 503,
			  &field, 1, NULL, 0);
	assert_int_equal(lab->refusal.status, 503);
	assert_int_equal(lab->refusal.retry_after_s, 7);
	assert_int_equal(ript_peer_retry_after(lab->peer), 7);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), EBUSY);
	lab_wait(lab, 6500);
	assert_int_equal(ript_peer_retry_after(lab->peer), 1);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), EBUSY);
	lab_wait(lab, 500);
	assert_int_equal(ript_peer_retry_after(lab->peer), 0);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
}

static void takes_the_next_group_meanwhile(void **state)
{
	static const struct exchange_field field = { "retry-after", "7" };
	struct lab *lab = *state;

	two_groups(lab, "{\"outbound\":{\"destinations\":\"+1*\"}}",
		   "{\"outbound\":{}}");
	assert_string_equal(posted_to(lab, "+14089529999"),
			    PEER_TG "/calls");
	fake_reply_fields(fake_sent_last(lab->net, "POST", "/calls"), 429,
			  &field, 1, NULL, 0);
	assert_string_equal(posted_to(lab, "+14089529999"),
			    LAB_ROOT "/providertgs/intl/calls");
	assert_int_equal(ript_peer_retry_after(lab->peer), 0);
}

#define UNKNOWN "{\"type\":\"" LAB_ROOT "/problems/handler-unknown\"}"

static void registers_again_and_posts_once_more(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	struct exchange *x;

	peer_ready(lab);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	fake_reply(fake_sent_last(lab->net, "POST", "/calls"), 500, UNKNOWN);
	x = fake_sent(lab->net, fake_sent_cnt(lab->net) - 1);
	assert_string_equal(fake_sent_head(x)->path, PEER_TG "/handlers");
	peer_reply_created(x, PEER_URI "/handlers/new");
	x = fake_sent(lab->net, fake_sent_cnt(lab->net) - 1);
	assert_string_equal(fake_sent_head(x)->path, PEER_TG "/calls");
	assert_non_null(strstr(fake_text(x, NULL), "/handlers/new"));
	/* once */
	fake_reply(x, 500, UNKNOWN);
	assert_string_equal(lab_log(lab), "closed refused\n");
	assert_string_equal(lab->refusal.problem, "handler-unknown");
	assert_int_equal(lab->refusal.status, 500);
}

static void never_posts_again_otherwise(void **state)
{
	static const struct {
		int err;
		const char *log;
	} rows[] = {
		{ ECONNRESET, "closed no-connection\n" },
		{ ECONNABORTED, "closed no-connection\n" },
		{ ENOTCONN, "closed no-connection\n" },
		{ ECONNREFUSED, "closed no-connection\n" },
		{ ETIMEDOUT, "closed timeout\n" },
		{ EACCES, "closed certificate\n" },
	};
	struct lab *lab = *state;
	struct ript_call *call;
	unsigned posts;
	size_t i;

	peer_ready(lab);
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
		posts = fake_sent_cnt(lab->net);
		fake_drop(fake_sent_last(lab->net, "POST", "/calls"),
			  rows[i].err);
		assert_string_equal(lab_log(lab), rows[i].log);
		lab_wait(lab, 5000);
		/* Discovery may look whether the peer is back; no POST. */
		for (unsigned k = posts; k < fake_sent_cnt(lab->net); k++)
			assert_string_equal(
				fake_sent_head(fake_sent(lab->net, k))->method,
				"GET");
	}
}

static void follows_one_move_on_the_same_authority(void **state)
{
	struct exchange_field field = { "location", NULL };
	struct lab *lab = *state;
	struct ript_call *call;
	struct exchange *first, *x;

	peer_ready(lab);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	first = fake_sent_last(lab->net, "POST", "/calls");
	field.value = "https://" PEER_AUTHORITY "/elsewhere/calls";
	fake_reply_fields(first, 308, &field, 1, NULL, 0);
	x = fake_sent_last(lab->net, "POST", "/elsewhere/calls");
	assert_non_null(x);
	assert_string_equal(fake_text(x, NULL), fake_text(first, NULL));
	/* not twice */
	fake_reply_fields(x, 308, &field, 1, NULL, 0);
	assert_string_equal(lab_log(lab), "closed refused\n");
	assert_int_equal(lab->refusal.status, 308);
	/* and the token goes nowhere else */
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	field.value = "https://evil.example/calls";
	first = fake_sent_last(lab->net, "POST", "/calls");
	fake_reply_fields(first, 308, &field, 1, NULL, 0);
	assert_string_equal(lab_log(lab), "closed refused\n");
	assert_ptr_equal(fake_sent_last(lab->net, "POST", "/calls"), first);
}

/* GW-06: within 2 s without a connection, 5 s with one. */
static void does_not_wait_long_for_the_201(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;

	peer_ready(lab);
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	fake_peer_state(peer_exchange(lab), ECONNREFUSED, "refused");
	lab_wait(lab, 1990);
	assert_string_equal(lab_log(lab), "");
	lab_wait(lab, 10);
	assert_string_equal(lab_log(lab), "closed no-connection\n");
	assert_true(fake_aborted(fake_sent_last(lab->net, "POST",
						"/calls")));
	fake_peer_state(peer_exchange(lab), 0, "");
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	lab_wait(lab, 4990);
	assert_string_equal(lab_log(lab), "");
	lab_wait(lab, 10);
	assert_string_equal(lab_log(lab), "closed timeout\n");
}

static void refuses_a_201_without_a_call(void **state)
{
	static const char *const bodies[] = {
		"{}", "[]", "x", "{\"uri\":7}",
		"{\"uri\":\"https://evil.example" LAB_TG "/calls/x\"}",
		"{\"uri\":\"http://" PEER_AUTHORITY LAB_TG "/calls/x\"}",
	};
	struct lab *lab = *state;
	struct ript_call *call;
	size_t i;

	peer_ready(lab);
	for (i = 0; i < COUNT(bodies); i++) {
		row_name(bodies[i]);
		assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
		fake_reply(fake_sent_last(lab->net, "POST", "/calls"), 201,
			   bodies[i]);
		assert_string_equal(lab_log(lab), "closed bad-reply\n");
	}
}

static void may_be_given_up_at_any_time(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;
	struct exchange *x, *put;

	peer_ready(lab);
	/* while a handler is being registered: nothing was sent */
	assert_int_equal(peer_open_with(lab, &call, "+14089529999",
					1u << CODEC_PCMA, 0), 0);
	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	assert_string_equal(lab_log(lab), "");
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "closed ended\n");
	peer_reply_created(fake_sent_last(lab->net, "POST", "/handlers"),
			   PEER_URI "/handlers/pcma");
	assert_null(fake_sent_last(lab->net, "POST", "/calls"));
	/* while the POST is out: the 201 says where `end` goes */
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "");
	x = fake_sent_last(lab->net, "POST", "/calls");
	peer_reply_created(x, CALL_URI);
	put = fake_sent_last(lab->net, "PUT", "/events");
	assert_int_equal(lab_times(fake_text(put, NULL),
				   "\"type\":\"end\""), 1);
	assert_int_equal(fake_byway_cnt(), 0);	/* no media for it */
	fake_reply(fake_sent_last(lab->net, "GET", "/events"), 404,
		   ENDED_BY_CLIENT);
	assert_string_equal(lab_log(lab), "closed ended\n");
	/* a refusal instead */
	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	fake_reply(fake_sent_last(lab->net, "POST", "/calls"), 500, UNKNOWN);
	assert_string_equal(lab_log(lab), "closed refused\n");
}

static void checks_what_it_is_given(void **state)
{
	struct lab *lab = *state;
	struct ript_peer_config config = { .authority = "a", .token = "t",
					   .handler_id = "a/b" };
	const struct ript_peer_events events = { NULL, NULL };
	struct ript_call_open open = { .destination = "+14089529999",
				       .handlers = &lab_handlers };
	struct ript_peer *peer;
	struct ript_call *call;
	char *large = malloc(70000);

	assert_int_equal(ript_peer_new(&peer, &config, &events, NULL),
			 EINVAL);
	config.handler_id = "gw";
	config.token = NULL;
	assert_int_equal(ript_peer_new(&peer, &config, &events, NULL),
			 EINVAL);
	peer_make(lab);
	open.passport = "x";
	assert_int_equal(ript_call_open(&call, lab->peer, &open), ENOTCONN);
	memset(large, 'a', 69999);
	large[69999] = '\0';
	open.passport = large;
	assert_int_equal(ript_call_open(&call, lab->peer, &open), EMSGSIZE);
	free(large);
}

static void ends_its_calls_with_the_peer(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call;

	peer_ready(lab);
	peer_open(lab, &call, "+14089529999");
	peer_call(lab);
	lab_log(lab);
	ript_peer_free(&lab->peer);
	assert_string_equal(lab_log(lab),
			    "closed shutdown\nclosed shutdown\n");
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(discovers_before_anything_else),
		LAB_TEST(registers_as_a_voice_gateway),
		LAB_TEST(takes_a_bare_array),
		LAB_TEST(tells_what_it_found),
		LAB_TEST(says_why_discovery_failed),
		LAB_TEST(says_why_it_cannot_connect),
		LAB_TEST(tries_again_after_a_while),
		LAB_TEST(does_not_wait_for_ever),
		LAB_TEST(reads_documents),
		LAB_TEST(keeps_to_the_destinations),
		LAB_TEST(dials_anything_without_destinations),
		LAB_TEST(follows_changes_of_policy),
		LAB_TEST(chooses_by_destination),
		LAB_TEST(registers_at_every_group),
		LAB_TEST(uses_the_only_group_for_everything),
		LAB_TEST(drops_a_group_that_is_gone),
		LAB_TEST(keeps_its_handler_over_restarts),
		LAB_TEST(registers_anew_when_the_server_forgot),
		LAB_TEST(is_unusable_without_a_handler),
		LAB_TEST(has_a_handler_for_each_set_of_codecs),
		LAB_TEST(limits_sets_of_codecs),
		LAB_TEST(odd_packet_lengths_share_a_handler),
		LAB_TEST(survives_a_group_that_vanishes),
		LAB_TEST(posts_as_the_profile_does),
		LAB_TEST(hands_refusals_over),
		LAB_TEST(respects_retry_after),
		LAB_TEST(takes_the_next_group_meanwhile),
		LAB_TEST(registers_again_and_posts_once_more),
		LAB_TEST(never_posts_again_otherwise),
		LAB_TEST(follows_one_move_on_the_same_authority),
		LAB_TEST(does_not_wait_long_for_the_201),
		LAB_TEST(refuses_a_201_without_a_call),
		LAB_TEST(may_be_given_up_at_any_time),
		LAB_TEST(checks_what_it_is_given),
		LAB_TEST(ends_its_calls_with_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
