/* SPDX-License-Identifier: MIT */
/* Signalling byways of the client role: what is opened, sent, read, and what
 * happens when they are lost. */
#include "tests/unit/ript_client_lab.h"

#include "base/text.h"

static int setup(void **state)
{
	struct lab *lab = lab_new();

	*state = lab;
	peer_ready(lab);
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	lab_free(&lab);
	return 0;
}

static struct exchange *put_of(struct lab *lab)
{
	return fake_sent_last(lab->net, "PUT", CALL_PATH "/events");
}

static struct exchange *get_of(struct lab *lab)
{
	return fake_sent_last(lab->net, "GET", CALL_PATH "/events");
}

/* A call whose byways were answered. */
static struct ript_call *talking(struct lab *lab)
{
	struct ript_call *call = peer_call(lab);

	fake_reply_begin(put_of(lab), 200, NULL, 0);
	fake_reply_begin(get_of(lab), 200, NULL, 0);
	lab_log(lab);
	return call;
}

static void tell(struct exchange *get, const char *text)
{
	fake_reply_data(get, text, strlen(text));
}

#define EV(type, seq, state, more)                                       \
	"{\"type\":\"" type "\",\"direction\":\"s2c\",\"timestamp\":"    \
	"\"2020-02-07T19:22:21.120Z\",\"call\":\"" CALL_URI "\",\"seq\":" \
	seq ",\"state\":\"" state "\"" more "}\n"

static enum ript_state state_of(const struct ript_call *call)
{
	struct ript_call_info info;

	ript_call_info(call, &info);
	return info.state;
}

/* ---- opening ---- */

static void opens_both_at_once(void **state)
{
	struct lab *lab = *state;
	const struct exchange_request *put, *get;

	peer_call(lab);
	assert_non_null(put_of(lab));
	assert_non_null(get_of(lab));
	put = fake_sent_head(put_of(lab));
	get = fake_sent_head(get_of(lab));
	assert_string_equal(put->method, "PUT");
	assert_string_equal(get->method, "GET");
	assert_int_equal(put->worker, 1);
	assert_int_equal(get->worker, 1);
	shows("RIPT-SB-01");
	assert_true(fake_finished(get_of(lab)));
	assert_string_equal(fake_text(get_of(lab), NULL), "");
	shows("RIPT-SB-02");
	assert_string_equal(fake_text(put_of(lab), NULL), "[\n");
	shows("RIPT-SB-05");
	assert_string_equal(exchange_field(put->field, put->field_cnt,
					   "content-type"),
			    "application/json");
	assert_string_equal(exchange_field(get->field, get->field_cnt,
					   "authorization"),
			    "Bearer " PEER_TOKEN);
	assert_string_equal(exchange_field(put->field, put->field_cnt,
					   "cookie"), "node=7");
	assert_string_equal(lab_log(lab), "accepted\n");
}

/* Media as well, before anybody answers: early media. */
static void dials_media_at_once(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = peer_call(lab);
	struct fake_byway *byway = fake_byway_last();
	struct ript_call_info info;

	assert_non_null(byway);
	assert_true(byway->client);
	assert_string_equal(byway->path, CALL_PATH);
	assert_string_equal(byway->token, PEER_TOKEN);
	assert_string_equal(byway->cookie, "node=7");
	assert_int_equal(byway->gets, 20);
	assert_int_equal(byway->home, 1);
	assert_true(byway->webtransport);
	ript_call_info(call, &info);
	assert_int_equal(info.byway, byway->id);
	assert_string_equal(info.cookie, "node=7");
	assert_string_equal(info.uuid, CALL_UUID);
	assert_string_equal(info.uri, CALL_URI);
	assert_string_equal(info.from, LAB_FROM);
	assert_string_equal(info.handler, PEER_URI "/handlers/abc");
	assert_true(info.client);
	assert_null(info.tg);
	assert_int_equal(info.hops, 9);
	fake_byway_open(byway, BYWAY_WEBTRANSPORT);
	fake_byway_open(byway, BYWAY_NONE);
	assert_string_equal(lab_log(lab), "accepted\nbyway 1\nbyway 0\n");
}

static void keeps_them_open(void **state)
{
	struct lab *lab = *state;
	struct exchange *put, *get;
	unsigned sent;
	int i;

	talking(lab);
	put = put_of(lab);
	get = get_of(lab);
	tell(get, "[\n" EV("proceeding", "0", "proceeding", ""));
	sent = fake_sent_cnt(lab->net);
	for (i = 0; i < 20; i++) {
		tell(get, ",\n{\"type\":\"pong\"}\n");
		lab_wait(lab, 3000);
	}
	assert_false(fake_finished(put));
	assert_false(fake_aborted(put));
	assert_false(fake_aborted(get));
	assert_ptr_equal(put_of(lab), put);
	assert_int_equal(fake_sent_cnt(lab->net), sent);
	tell(get, ",\n" EV("end", "1", "ended", ",\"by\":\"peer\"") "]\n");
	assert_true(fake_finished(put));
	shows("RIPT-SB-04");
}

/* ---- directives ---- */

static struct ript_call *call_with(struct lab *lab, const char *directives)
{
	struct ript_call *call;
	char json[1024];

	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	snprintf(json, sizeof(json), "{\"uri\":\"" CALL_URI "\"%s}",
		 directives);
	fake_reply(fake_sent_last(lab->net, "POST", "/calls"), 201, json);
	return call;
}

static void follows_the_client_directive(void **state)
{
	struct lab *lab = *state;
	const struct ript_stream *stream;
	struct ript_call_info info;

	ript_call_info(peer_call(lab), &info);
	stream = ript_directive_audio(&info.directives->client);
	assert_non_null(stream);
	assert_int_equal(stream->source, 0);
	assert_int_equal(stream->sink, 1);
	assert_int_equal(stream->params.ptime, 20);
	assert_int_equal(ript_directive_codecs(&info.directives->client),
			 1u << CODEC_PCMU | VOICE_EXTRAS);
	shows("RIPT-DR-09");
}

#define CLIENT "\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":" \
	"{\"id\":1},\"param-sets\":{\"PCMA\":1}}}"

static void does_not_need_the_server_directive(void **state)
{
	static const char *const rows[] = {
		",\"directives\":{" CLIENT "}",
		",\"directives\":{" CLIENT ",\"server\":7}",
		",\"directives\":{" CLIENT ",\"server\":{\"stream\":"
		"[{\"source\":\"x\"}]}}",
		",\"directives\":{" CLIENT ",\"server\":{\"stream\":"
		"{\"source\":{\"id\":999},\"sink\":[],\"param-sets\":7}}}",
	};
	struct lab *lab = *state;
	struct ript_call_info info;
	struct ript_call *call;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i]);
		call = call_with(lab, rows[i]);
		assert_string_equal(lab_log(lab), "accepted\n");
		ript_call_info(call, &info);
		assert_true(ript_directive_codecs(&info.directives->client) &
			    1u << CODEC_PCMA);
		ript_call_end(call, RIPT_BY_CLIENT, NULL);
		fake_reply(get_of(lab), 404, ENDED_BY_CLIENT);
		lab_log(lab);
	}
	shows("RIPT-DR-10");
	/* without one of its own it sends nothing, and lives */
	call = call_with(lab, ",\"directives\":7");
	assert_string_equal(lab_log(lab), "accepted\n");
	ript_call_info(call, &info);
	assert_int_equal(info.directives->client.stream_cnt, 0);
}

/* What it listens for is its own advertisement, whatever the server chose. */
static void is_ready_for_all_that_it_advertised(void **state)
{
	struct lab *lab = *state;
	struct ript_call_info info;

	ript_call_info(peer_call(lab), &info);
	assert_int_equal(info.advert->sink_cnt, 1);
	assert_int_equal(ript_params_codecs(&info.advert->sink[0].set[0]),
			 1u << CODEC_PCMU | 1u << CODEC_PCMA | VOICE_EXTRAS);
	assert_int_equal(ript_directive_codecs(&info.directives->server) &
			 1u << CODEC_PCMA, 0);
	shows("RIPT-DR-11");
}

static void takes_new_directives(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);
	struct ript_call_info info;

	tell(get_of(lab), "[\n" EV("directive", "0", "proceeding",
	     ",\"reason\":\"hold\",\"directives\":{\"client\":"
	     "{\"stream\":[]}}"));
	ript_call_info(call, &info);
	assert_int_equal(info.directives->client.stream_cnt, 0);
	assert_int_equal(info.directives->server.stream_cnt, 1);
	assert_string_equal(lab_log(lab), "event directive 0 0 hold\n");
}

/* ---- events in ---- */

static void reads_each_event(void **state)
{
	static const struct {
		const char *events, *log;
		enum ript_state state;
	} rows[] = {
		{ EV("proceeding", "0", "proceeding", ""),
		  "event proceeding 0 0\n", RIPT_ST_PROCEEDING },
		{ EV("alerting", "1", "alerting", ""),
		  "event alerting 0 0\n", RIPT_ST_ALERTING },
		{ EV("answered", "1", "answered", ",\"handler\":\"x\""),
		  "event answered 0 0\n", RIPT_ST_ANSWERED },
		{ EV("declined", "1", "declined", ",\"cause\":{\"sip\":603}"),
		  "event declined 0 603\nclosed ended\n",
		  RIPT_ST_DECLINED },
		{ EV("failed", "1", "failed", ",\"cause\":{\"sip\":503}"),
		  "event failed 0 503\nclosed ended\n", RIPT_ST_FAILED },
		{ EV("noanswer", "1", "noanswer", ",\"cause\":{\"sip\":480}"),
		  "event noanswer 0 480\nclosed ended\n",
		  RIPT_ST_NOANSWER },
		{ EV("end", "1", "ended", ",\"by\":\"peer\",\"cause\":"
		     "{\"sip\":200,\"q850\":16}"),
		  "event end 2 200\nclosed ended\n", RIPT_ST_ENDED },
		{ EV("ended", "1", "ended", ",\"by\":\"server\""),
		  "event end 3 0\nclosed ended\n", RIPT_ST_ENDED },
		{ EV("media-panic", "1", "proceeding", ",\"dropped\":3"),
		  "event media-panic 0 0\n", RIPT_ST_PROCEEDING },
		{ EV("migrate", "1", "proceeding", ""),
		  "event migrate 0 0\n", RIPT_ST_PROCEEDING },
		{ EV("handler-changed", "1", "proceeding",
		     ",\"handler\":\"x\""),
		  "event handler-changed 0 0\n", RIPT_ST_PROCEEDING },
		{ EV("pong", "1", "proceeding", ""), "",
		  RIPT_ST_PROCEEDING },
		{ EV("x-unheard-of", "1", "answered", ""), "",
		  RIPT_ST_PROCEEDING },
		{ "{\"type\":\"answered\",\"direction\":\"c2s\",\"seq\":1,"
		  "\"state\":\"answered\"}\n", "", RIPT_ST_PROCEEDING },
	};
	struct lab *lab = *state;
	struct ript_call *call;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].events);
		call = talking(lab);
		tell(get_of(lab), "[\n");
		tell(get_of(lab), rows[i].events);
		assert_string_equal(lab_log(lab), rows[i].log);
		if (!strstr(rows[i].log, "closed")) {
			assert_int_equal(state_of(call), rows[i].state);
			ript_call_end(call, RIPT_BY_CLIENT, NULL);
			fake_reply(put_of(lab), 404, ENDED_BY_CLIENT);
			fake_reply_end(get_of(lab));
			lab_wait(lab, 1000);
			lab_log(lab);
		}
	}
}

/* SB-12: the event that brought the state may have been lost. */
static void knows_the_state_from_the_last_event_alone(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);

	tell(get_of(lab), "[\n" EV("proceeding", "0", "proceeding", ""));
	lab_log(lab);
	tell(get_of(lab), ",\n" EV("pong", "7", "answered", ""));
	assert_int_equal(state_of(call), RIPT_ST_ANSWERED);
	assert_string_equal(lab_log(lab), "event answered 0 0\n");
	tell(get_of(lab), ",\n" EV("media-panic", "9", "ended", ""));
	assert_string_equal(lab_log(lab), "event end 0 0\nclosed ended\n");
	shows("RIPT-SB-12");
}

static void ignores_what_it_has_seen(void **state)
{
	struct lab *lab = *state;

	talking(lab);
	tell(get_of(lab), "[\n" EV("proceeding", "0", "proceeding", ""));
	tell(get_of(lab), ",\n" EV("alerting", "1", "alerting", ""));
	tell(get_of(lab), ",\n" EV("alerting", "1", "alerting", ""));
	tell(get_of(lab), ",\n" EV("proceeding", "0", "proceeding", ""));
	assert_string_equal(lab_log(lab), "event proceeding 0 0\n"
			    "event alerting 0 0\n");
}

static void reads_a_stream_in_pieces(void **state)
{
	static const char text[] =
		"[\n" EV("proceeding", "0", "proceeding", "") ",\n"
		EV("answered", "1", "answered", "") ",\n"
		EV("end", "2", "ended", ",\"by\":\"peer\"") "]\n";
	struct lab *lab = *state;
	struct exchange *get;
	size_t i;

	talking(lab);
	get = get_of(lab);
	for (i = 0; i < strlen(text); i++)
		fake_reply_data(get, text + i, 1);
	fake_reply_end(get);
	assert_string_equal(lab_log(lab), "event proceeding 0 0\n"
			    "event answered 0 0\nevent end 2 0\n"
			    "closed ended\n");
	assert_int_equal(fake_consumed(get), strlen(text));
	shows("RIPT-SB-03");
}

/* ---- events out ---- */

static void sends_pings(void **state)
{
	struct lab *lab = *state;
	struct json_object *all, *ping, *value;
	struct exchange *put;
	uint64_t at_ms;
	size_t i;

	talking(lab);
	put = put_of(lab);
	lab_wait(lab, 4990);
	assert_string_equal(fake_text(put, NULL), "[\n");
	lab_wait(lab, 10);
	assert_int_equal(lab_times(fake_text(put, NULL), "ping"), 1);
	tell(get_of(lab), "[" EV("pong", "1", "proceeding", ""));
	lab_wait(lab, 5000);
	assert_int_equal(lab_times(fake_text(put, NULL), "ping"), 2);
	shows("RIPT-EV-15");
	tell(get_of(lab), "," EV("end", "2", "ended", ""));
	/* one document, each event whole */
	all = json_tokener_parse(fake_text(put, NULL));
	assert_int_equal(json_object_array_length(all), 2);
	for (i = 0; i < 2; i++) {
		char seq[8];

		ping = json_object_array_get_idx(all, i);
		json_object_object_get_ex(ping, "type", &value);
		assert_string_equal(json_object_get_string(value), "ping");
		assert_true(json_object_object_get_ex(ping, "nonce",
						      &value));
		json_object_object_get_ex(ping, "direction", &value);
		assert_string_equal(json_object_get_string(value), "c2s");
		json_object_object_get_ex(ping, "call", &value);
		assert_string_equal(json_object_get_string(value), CALL_URI);
		json_object_object_get_ex(ping, "timestamp", &value);
		assert_int_equal(rfc3339_parse(&at_ms, json_object_get_string(
						       value)), 0);
		json_object_object_get_ex(ping, "seq", &value);
		snprintf(seq, sizeof(seq), "%zu", i);
		assert_string_equal(json_object_get_string(value), seq);
	}
	json_object_put(all);
	shows("RIPT-EV-09");
	shows("RIPT-SB-11");
}

static void ends_a_call(void **state)
{
	const struct ript_cause cause = { 200, 16, "Normal call clearing" };
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);
	struct fake_byway *byway = fake_byway_last();
	struct exchange *put = put_of(lab), *get = get_of(lab);
	const char *text;

	tell(get, "[\n" EV("answered", "0", "answered", ""));
	lab_log(lab);
	ript_call_end(call, RIPT_BY_CLIENT, &cause);
	/* the line `ev-end` of profile section 5 */
	text = strchr(fake_text(put, NULL), '{');
	assert_memory_equal(text, "{\"type\":\"end\",\"direction\":\"c2s\",",
			    32);
	assert_non_null(strstr(text, "\"state\":\"ended\",\"by\":\"client\","
			       "\"cause\":{\"sip\":200,\"q850\":16,\"text\":"
			       "\"Normal call clearing\"}}"));
	assert_true(byway->closed);
	assert_string_equal(lab_log(lab), "");
	/* its echo */
	tell(get, ",\n" EV("end", "1", "ended", ",\"by\":\"client\"") "]\n");
	assert_string_equal(lab_log(lab), "closed ended\n");
	assert_true(fake_finished(put));
	shows("RIPT-EV-07");
}

static void does_not_wait_for_ever_for_the_echo(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);

	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	lab_wait(lab, 4990);
	assert_string_equal(lab_log(lab), "");
	lab_wait(lab, 10);
	assert_string_equal(lab_log(lab), "closed ended\n");
	/* what was let go of is ended in time */
	lab_wait(lab, 5010);
	assert_true(fake_aborted(put_of(lab)));
	assert_true(fake_aborted(get_of(lab)));
}

/* ---- 404 ---- */

static const struct {
	const char *body, *log;
} endings[] = {
	{ "{\"by\":\"peer\",\"cause\":{\"sip\":486,\"q850\":17,\"text\":"
	  "\"Busy\"}}", "event declined 2 486\nclosed ended\n" },
	{ "{\"by\":\"peer\",\"cause\":{\"sip\":480}}",
	  "event noanswer 2 480\nclosed ended\n" },
	{ "{\"by\":\"server\",\"cause\":{\"sip\":503}}",
	  "event failed 3 503\nclosed ended\n" },
	{ "{\"by\":\"peer\",\"cause\":{\"sip\":200}}",
	  "event end 2 200\nclosed ended\n" },
	{ "{\"by\":\"client\",\"cause\":{\"sip\":486}}",
	  "event end 1 486\nclosed ended\n" },
	{ "{\"by\":7,\"cause\":7}", "event end 3 0\nclosed ended\n" },
	{ "{\"cause\":{\"sip\":\"x\",\"q850\":1000,\"text\":7}}",
	  "event end 3 0\nclosed ended\n" },
	{ "nonsense", "event end 3 0\nclosed ended\n" },
	{ NULL, "event end 3 0\nclosed ended\n" },
};

static void learns_the_end_from_a_404(void **state)
{
	struct lab *lab = *state;
	size_t i;

	for (i = 0; i < COUNT(endings); i++) {
		row_name(endings[i].body ? endings[i].body : "(none)");
		peer_call(lab);
		lab_log(lab);
		fake_reply(get_of(lab), 404, endings[i].body);
		assert_string_equal(lab_log(lab), endings[i].log);
		assert_true(fake_byway_last()->closed);
	}
}

static void waits_for_the_get_when_the_put_is_refused(void **state)
{
	struct lab *lab = *state;

	peer_call(lab);
	lab_log(lab);
	fake_reply(put_of(lab), 404, "{\"by\":\"peer\"}");
	assert_string_equal(lab_log(lab), "");
	fake_reply_begin(get_of(lab), 200, NULL, 0);
	tell(get_of(lab), "[\n" EV("proceeding", "0", "proceeding", "") ",\n"
	     EV("declined", "1", "declined", ",\"cause\":{\"sip\":486}")
	     "]\n");
	assert_string_equal(lab_log(lab), "event proceeding 0 0\n"
			    "event declined 0 486\nclosed ended\n");
	/* in vain */
	peer_call(lab);
	lab_log(lab);
	fake_reply(put_of(lab), 404, endings[0].body);
	lab_wait(lab, 1000);
	assert_string_equal(lab_log(lab), endings[0].log);
}

/* ---- losses ---- */

static void opens_again_at_once(void **state)
{
	struct lab *lab = *state;
	struct exchange *put, *get;

	talking(lab);
	put = put_of(lab);
	get = get_of(lab);
	lab_wait(lab, 3000);
	fake_drop(get, ECONNRESET);
	fake_drop(put, ECONNRESET);
	lab_turn(lab);
	assert_ptr_not_equal(put_of(lab), put);
	assert_ptr_not_equal(get_of(lab), get);
	assert_string_equal(fake_text(put_of(lab), NULL), "[\n");
	assert_string_equal(exchange_field(
				    fake_sent_head(put_of(lab))->field,
				    fake_sent_head(put_of(lab))->field_cnt,
				    "cookie"), "node=7");
	assert_string_equal(lab_log(lab), "");
	shows("RIPT-LC-03");
	/* one alone as well */
	fake_reply_begin(put_of(lab), 200, NULL, 0);
	fake_reply_begin(get_of(lab), 200, NULL, 0);
	lab_wait(lab, 3000);
	put = put_of(lab);
	get = get_of(lab);
	fake_drop(get, ECONNRESET);
	lab_turn(lab);
	assert_ptr_equal(put_of(lab), put);
	assert_ptr_not_equal(get_of(lab), get);
	shows("RIPT-LC-02");
}

static void backs_off_and_gives_up(void **state)
{
	struct lab *lab = *state;
	unsigned sent, tries = 0;
	uint64_t waited;

	talking(lab);
	lab_wait(lab, 3000);
	fake_drop(get_of(lab), ECONNRESET);
	fake_drop(put_of(lab), ECONNRESET);
	lab_turn(lab);
	for (waited = 0; waited < 40000; waited += 10) {
		sent = fake_sent_cnt(lab->net);
		if (!fake_closed(put_of(lab))) {
			fake_drop(get_of(lab), ENOTCONN);
			fake_drop(put_of(lab), ENOTCONN);
			tries++;
			/* 2, 4, 8 s and a quarter at most */
			lab_wait(lab, tries == 1 ? 1990
				    : tries == 2 ? 3990 : 7990);
			waited += tries == 1 ? 1990 : tries == 2 ? 3990 : 7990;
			if (lab->log.len)
				break;
			assert_int_equal(fake_sent_cnt(lab->net), sent);
		}
		lab_wait(lab, 10);
		if (lab->log.len)
			break;
	}
	assert_string_equal(lab_log(lab), "closed signalling-lost\n");
	assert_in_range(waited, 29000, 31000);
	assert_in_range(tries, 4, 5);
	assert_true(fake_byway_last()->closed);
}

/* A server that does not even refuse: pings that nobody answers begin nothing
 * anew. */
static void gives_up_on_silence(void **state)
{
	struct lab *lab = *state;
	unsigned waited;

	talking(lab);
	lab_wait(lab, 3000);
	fake_drop(get_of(lab), ECONNRESET);
	fake_drop(put_of(lab), ECONNRESET);
	lab_turn(lab);
	for (waited = 0; waited < 60000 && !lab->log.len; waited += 4000) {
		lab_wait(lab, 4000);
		if (!lab->log.len && waited == 0)
			fake_drop(put_of(lab), ETIMEDOUT);
	}
	assert_in_range(waited, 32000, 40000);
	assert_string_equal(lab_log(lab), "closed signalling-lost\n");
}

/* A terminal group may ask for more than 2 s, not for less. */
static void backs_off_as_the_group_asks(void **state)
{
	static const struct {
		const char *doc;
		unsigned least_ms, most_ms;
	} rows[] = {
		{ "{\"outbound\":{},\"retry-backoff\":100}", 2000, 2500 },
		{ "{\"outbound\":{}}", 2000, 2500 },
		{ "{\"outbound\":{},\"retry-backoff\":6000}", 6000, 7500 },
	};
	struct lab *lab = *state;
	struct exchange *put;
	unsigned round;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].doc);
		ript_peer_free(&lab->peer);
		peer_ready_with(lab, rows[i].doc);
		talking(lab);
		lab_wait(lab, 3000);
		fake_drop(get_of(lab), ECONNRESET);
		fake_drop(put_of(lab), ECONNRESET);
		lab_turn(lab);
		/* the gap, and twice the gap */
		for (round = 1; round <= 2; round++) {
			put = put_of(lab);
			fake_drop(get_of(lab), ENOTCONN);
			fake_drop(put, ENOTCONN);
			lab_wait(lab, rows[i].least_ms * round - 20);
			assert_ptr_equal(put_of(lab), put);
			lab_wait(lab, (rows[i].most_ms - rows[i].least_ms) *
				 round + 30);
			assert_ptr_not_equal(put_of(lab), put);
		}
		lab_log(lab);
		if (i == 0)
			shows("RIPT-TD-11");
	}
	shows("RIPT-TD-10");
}

static void does_not_spin_when_it_is_refused(void **state)
{
	struct lab *lab = *state;
	unsigned sent;
	int i;

	talking(lab);
	/* accepted and dropped at once, again and again */
	for (i = 0; i < 100; i++) {
		if (!fake_closed(get_of(lab))) {
			fake_reply_begin(get_of(lab), 200, NULL, 0);
			fake_drop(get_of(lab), ECONNRESET);
		}
		lab_wait(lab, 10);
	}
	sent = fake_sent_cnt(lab->net);
	lab_wait(lab, 500);
	assert_int_equal(fake_sent_cnt(lab->net), sent);
	assert_true(sent < 10);
}

static void recovers_in_time(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);

	lab_wait(lab, 3000);
	fake_drop(get_of(lab), ECONNRESET);
	fake_drop(put_of(lab), ECONNRESET);
	lab_turn(lab);
	fake_drop(get_of(lab), ENOTCONN);
	fake_drop(put_of(lab), ENOTCONN);
	lab_wait(lab, 2600);
	fake_reply_begin(put_of(lab), 200, NULL, 0);
	fake_reply_begin(get_of(lab), 200, NULL, 0);
	lab_wait(lab, 4000);
	tell(get_of(lab), "[\n" EV("answered", "4", "answered", ""));
	lab_wait(lab, 10000);
	tell(get_of(lab), ",\n" EV("pong", "5", "answered", ""));
	lab_wait(lab, 14000);
	tell(get_of(lab), ",\n" EV("pong", "6", "answered", ""));
	lab_wait(lab, 14000);
	assert_string_equal(lab_log(lab), "event answered 0 0\n");
	assert_int_equal(state_of(call), RIPT_ST_ANSWERED);
}

static void notices_missing_pongs(void **state)
{
	struct lab *lab = *state;
	struct exchange *put, *get;

	talking(lab);
	put = put_of(lab);
	get = get_of(lab);
	lab_wait(lab, 19990);
	assert_false(fake_aborted(put));
	lab_wait(lab, 20);
	/* 15 s after the first ping without answer */
	assert_true(fake_aborted(put));
	assert_true(fake_aborted(get));
	assert_ptr_not_equal(put_of(lab), put);
	assert_ptr_not_equal(get_of(lab), get);
	assert_string_equal(lab_log(lab), "");
}

static void says_the_end_again_after_a_loss(void **state)
{
	struct lab *lab = *state;
	struct ript_call *call = talking(lab);
	struct exchange *put = put_of(lab);
	char first[1024];

	lab_wait(lab, 3000);
	ript_call_end(call, RIPT_BY_CLIENT, NULL);
	snprintf(first, sizeof(first), "%s",
		 strchr(fake_text(put, NULL), '{'));
	fake_drop(put, ECONNRESET);
	lab_turn(lab);
	assert_ptr_not_equal(put_of(lab), put);
	/* octet for octet, so that the server knows it as a repeat */
	assert_string_equal(strchr(fake_text(put_of(lab), NULL), '{'), first);
	fake_reply(put_of(lab), 404, ENDED_BY_CLIENT);
	fake_drop(get_of(lab), ECONNRESET);
	assert_string_equal(lab_log(lab), "closed ended\n");
}

static void gives_an_unreadable_stream_up(void **state)
{
	struct lab *lab = *state;
	struct exchange *get;

	talking(lab);
	get = get_of(lab);
	lab_wait(lab, 3000);
	tell(get, "[7");
	assert_true(fake_aborted(get));
	lab_turn(lab);
	assert_ptr_not_equal(get_of(lab), get);
	assert_string_equal(lab_log(lab), "");
}

static void gives_a_full_put_up(void **state)
{
	struct lab *lab = *state;
	struct exchange *put;

	talking(lab);
	put = put_of(lab);
	fake_set_full(put, true);
	lab_wait(lab, 5010);
	assert_true(fake_aborted(put));
	assert_ptr_not_equal(put_of(lab), put);
}

/* The server may end a byway at any time; the call goes on. */
static void opens_again_what_the_server_ended(void **state)
{
	struct lab *lab = *state;
	struct exchange *put, *get;

	talking(lab);
	lab_wait(lab, 3000);
	put = put_of(lab);
	get = get_of(lab);
	fake_reply_end(put);
	assert_true(fake_finished(put));
	lab_wait(lab, 20);
	assert_ptr_not_equal(put_of(lab), put);
	fake_reply_begin(put_of(lab), 200, NULL, 0);
	tell(get, "[\n]\n");
	fake_reply_end(get);
	lab_wait(lab, 10);
	assert_ptr_not_equal(get_of(lab), get);
	assert_string_equal(lab_log(lab), "");
	shows("RIPT-LC-01");
}

/* Handlers may end the call in their own callbacks. */
static struct ript_call *victim;

static void end_in_event(struct ript_call *call, const struct ript_event *ev,
			 void *arg)
{
	(void)ev;
	lab_handlers.event(call, ev, arg);
	ript_call_end(victim, RIPT_BY_CLIENT, NULL);
}

static void may_be_ended_in_an_event(void **state)
{
	struct ript_call_handlers handlers = lab_handlers;
	struct lab *lab = *state;
	const struct ript_call_open params = {
		.destination = "+14089529999",
		.passport = "x",
		.codecs = 1u << CODEC_PCMU | 1u << CODEC_PCMA | VOICE_EXTRAS,
		.hops = -1,
		.handlers = &handlers,
		.arg = lab,
	};

	handlers.event = end_in_event;
	assert_int_equal(ript_call_open(&victim, lab->peer, &params), 0);
	peer_reply_created(fake_sent_last(lab->net, "POST", "/calls"),
			   CALL_URI);
	assert_null(strstr(fake_text(fake_sent_last(lab->net, "POST",
						    "/calls"), NULL),
			   "hops"));
	fake_reply_begin(put_of(lab), 200, NULL, 0);
	fake_reply_begin(get_of(lab), 200, NULL, 0);
	tell(get_of(lab), "[\n" EV("answered", "0", "answered", "") ",\n"
	     EV("end", "1", "ended", ",\"by\":\"peer\"") "]\n");
	assert_string_equal(lab_log(lab), "accepted\nevent answered 0 0\n"
			    "closed ended\n");
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(opens_both_at_once),
		LAB_TEST(dials_media_at_once),
		LAB_TEST(keeps_them_open),
		LAB_TEST(follows_the_client_directive),
		LAB_TEST(does_not_need_the_server_directive),
		LAB_TEST(is_ready_for_all_that_it_advertised),
		LAB_TEST(takes_new_directives),
		LAB_TEST(reads_each_event),
		LAB_TEST(knows_the_state_from_the_last_event_alone),
		LAB_TEST(ignores_what_it_has_seen),
		LAB_TEST(reads_a_stream_in_pieces),
		LAB_TEST(sends_pings),
		LAB_TEST(ends_a_call),
		LAB_TEST(does_not_wait_for_ever_for_the_echo),
		LAB_TEST(learns_the_end_from_a_404),
		LAB_TEST(waits_for_the_get_when_the_put_is_refused),
		LAB_TEST(opens_again_at_once),
		LAB_TEST(backs_off_and_gives_up),
		LAB_TEST(gives_up_on_silence),
		LAB_TEST(backs_off_as_the_group_asks),
		LAB_TEST(does_not_spin_when_it_is_refused),
		LAB_TEST(recovers_in_time),
		LAB_TEST(notices_missing_pongs),
		LAB_TEST(says_the_end_again_after_a_loss),
		LAB_TEST(gives_an_unreadable_stream_up),
		LAB_TEST(gives_a_full_put_up),
		LAB_TEST(opens_again_what_the_server_ended),
		LAB_TEST(may_be_ended_in_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
