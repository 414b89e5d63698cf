/* SPDX-License-Identifier: MIT */
/* Signalling byways of the server role: PUT and GET {call}/events. */
#include "tests/unit/ript_lab.h"

#include "base/metric.h"
#include "base/text.h"
#include "ript/event.h"

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

static void say(struct exchange *put, const char *text)
{
	fake_body(put, text, strlen(text));
}

static unsigned types(const struct exchange *get, const char *type)
{
	char word[64];

	snprintf(word, sizeof(word), "\"type\":\"%s\"", type);
	return lab_times(fake_text(get, NULL), word);
}

/* The @index-th event that a GET got; to be put, NULL: not so many. */
static struct json_object *event_at(const struct exchange *get,
				    unsigned index)
{
	const char *at = fake_text(get, NULL);

	while ((at = strchr(at, '\n'))) {
		if (*++at == '{' && index-- == 0) {
			const char *end = strchr(at, '\n');
			struct json_tokener *tok = json_tokener_new();
			struct json_object *json = json_tokener_parse_ex(
				tok, at, (int)(end - at));

			json_tokener_free(tok);
			assert_non_null(json);
			return json;
		}
	}
	return NULL;
}

static const char *member(struct json_object *json, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(json, key, &value)
		       ? json_object_get_string(value)
		       : "";
}

/* ---- GET ---- */

static void begins_with_proceeding(void **state)
{
	struct lab *lab = *state;
	struct exchange *get;
	char path[256], want[512];
	const char *text;
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	assert_int_equal(fake_status(get), 200);
	assert_string_equal(fake_field(get, "content-type"),
			    "application/json");
	assert_string_equal(fake_field(get, "cache-control"), "no-store");
	assert_false(fake_finished(get));
	text = fake_text(get, NULL);
	assert_memory_equal(text, "[\n", 2);
	shows("RIPT-SB-05");
	/* the line `ev` of profile section 5 */
	assert_memory_equal(text + 2, "{\"type\":\"proceeding\","
			    "\"direction\":\"s2c\",\"timestamp\":\"", 52);
	snprintf(want, sizeof(want), "\",\"call\":\"https://" LAB_AUTHORITY
		 "%s\",\"seq\":0,\"state\":\"proceeding\"}\n", path);
	assert_string_equal(text + 2 + 52 + RFC3339_LEN, want);
	shows("RIPT-SB-07");
	shows("RIPT-EV-01");
	(void)call;
}

/* Even where the callee answered at once. */
static void begins_with_proceeding_after_an_instant_answer(void **state)
{
	struct lab *lab = *state;
	struct json_object *ev;
	struct exchange *get;
	char path[256];
	struct ript_call *call = taken(lab, path);

	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	get = lab_get_events(lab, path);
	ev = event_at(get, 0);
	assert_string_equal(member(ev, "type"), "proceeding");
	json_object_put(ev);
	ev = event_at(get, 1);
	assert_string_equal(member(ev, "type"), "answered");
	json_object_put(ev);
}

static void catches_up_late(void **state)
{
	struct lab *lab = *state;
	struct json_object *ev;
	struct exchange *get, *late;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	late = lab_get_events(lab, path);
	/* all was delivered: the last state-changing one, as it was */
	ev = event_at(late, 0);
	assert_string_equal(member(ev, "type"), "answered");
	assert_string_equal(member(ev, "seq"), "2");
	json_object_put(ev);
	assert_null(event_at(late, 1));
	ev = event_at(get, 2);
	assert_string_equal(member(ev, "seq"), "2");
	json_object_put(ev);
	shows("RIPT-SB-06");
}

/* ---- states ---- */

static const struct {
	enum ript_event_type type;
	const char *name, *state;
	struct ript_cause cause;
	bool final;
	const char *row;
} changes[] = {
	{ RIPT_EV_ALERTING, "alerting", "alerting", { 0, 0, "" }, false,
	  "RIPT-EV-02" },
	{ RIPT_EV_ANSWERED, "answered", "answered", { 0, 0, "" }, false,
	  "RIPT-EV-03" },
	{ RIPT_EV_DECLINED, "declined", "declined", { 603, 21, "Decline" },
	  true, "RIPT-EV-04" },
	{ RIPT_EV_FAILED, "failed", "failed", { 503, 34, "No circuit" },
	  true, "RIPT-EV-05" },
	{ RIPT_EV_NOANSWER, "noanswer", "noanswer",
	  { 408, 19, "No answer" }, true, "RIPT-EV-06" },
	{ RIPT_EV_END, "end", "ended", { 200, 16, "Normal call clearing" },
	  true, NULL },
};

static void sends_each_change_of_state(void **state)
{
	struct lab *lab = *state;
	struct json_object *ev, *cause;
	struct exchange *get;
	struct ript_call *call;
	char path[256];
	size_t i;

	for (i = 0; i < COUNT(changes); i++) {
		row_name(changes[i].name);
		call = taken(lab, path);
		get = lab_get_events(lab, path);
		ript_call_state(call, changes[i].type,
				changes[i].cause.sip ? &changes[i].cause
						     : NULL);
		ev = event_at(get, 1);
		assert_non_null(ev);
		assert_string_equal(member(ev, "type"), changes[i].name);
		assert_string_equal(member(ev, "state"), changes[i].state);
		assert_string_equal(member(ev, "direction"), "s2c");
		assert_string_equal(member(ev, "seq"), "1");
		if (changes[i].cause.sip) {
			assert_true(json_object_object_get_ex(ev, "cause",
							      &cause));
			assert_int_equal(atoi(member(cause, "sip")),
					 changes[i].cause.sip);
			assert_int_equal(atoi(member(cause, "q850")),
					 changes[i].cause.q850);
			assert_string_equal(member(cause, "text"),
					    changes[i].cause.text);
		}
		if (changes[i].type == RIPT_EV_ANSWERED)
			assert_non_null(strstr(member(ev, "handler"),
					       "/handlers/"));
		json_object_put(ev);
		lab_turn(lab);
		assert_int_equal(fake_finished(get), changes[i].final);
		if (changes[i].final) {
			const char *text = fake_text(get, NULL);

			assert_string_equal(text + strlen(text) - 2, "]\n");
			assert_int_equal(fake_status(lab_ask(
				lab, "GET", path, NULL)), 404);
		}
		if (changes[i].row)
			shows(changes[i].row);
	}
}

static void moves_forward_only(void **state)
{
	struct lab *lab = *state;
	struct exchange *get;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	ript_call_state(call, RIPT_EV_PROCEEDING, NULL);
	assert_int_equal(types(get, "alerting"), 1);
	assert_int_equal(types(get, "answered"), 1);
	assert_int_equal(types(get, "proceeding"), 1);
}

static void ends_from_either_side(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	struct json_object *ev;
	char path[256];
	const char *text;

	/* the client */
	taken(lab, path);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[\n{\"type\":\"end\",\"direction\":\"c2s\",\"seq\":0,"
	    "\"state\":\"ended\",\"by\":\"client\",\"cause\":{\"sip\":200,"
	    "\"q850\":16}}\n");
	ev = event_at(get, 1);
	assert_string_equal(member(ev, "type"), "end");
	assert_string_equal(member(ev, "by"), "client");
	assert_string_equal(member(ev, "state"), "ended");
	json_object_put(ev);
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "event end 1 200\nclosed ended\n");
	assert_true(fake_finished(put));
	/* the far party */
	ript_call_end(taken(lab, path), RIPT_BY_PEER, NULL);
	get = lab_get_events(lab, path);
	text = fake_text(get, NULL);
	assert_non_null(strstr(text, "\"by\":\"peer\""));
	/* the operator */
	ript_call_end(taken(lab, path), RIPT_BY_SERVER, NULL);
	get = lab_get_events(lab, path);
	assert_non_null(strstr(fake_text(get, NULL), "\"by\":\"server\""));
	shows("RIPT-EV-07");
}

/* ---- everybody hears everything ---- */

static void feeds_every_get(void **state)
{
	struct lab *lab = *state;
	struct exchange *get[3], *put;
	char path[256];
	struct ript_call *call = taken(lab, path);
	unsigned i;

	get[0] = lab_get_events(lab, path);
	get[1] = lab_get_events(lab, path);
	get[2] = lab_get_events(lab, path);
	for (i = 0; i < 3; i++)
		fake_text_clear(get[i]);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	put = lab_put_events(lab, path);
	say(put, "[{\"type\":\"ping\",\"nonce\":\"1\",\"seq\":0}");
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	assert_int_equal(types(get[0], "alerting"), 1);
	assert_int_equal(types(get[0], "pong"), 1);
	assert_int_equal(types(get[0], "end"), 1);
	for (i = 1; i < 3; i++)
		assert_string_equal(fake_text(get[0], NULL),
				    fake_text(get[i], NULL));
	shows("RIPT-SB-08");
}

static void takes_commands_from_any_put(void **state)
{
	static const char *const order[] = {
		"\"nonce\":\"a1\"", "\"nonce\":\"b1\"", "\"nonce\":\"a2\"",
		"\"nonce\":\"a3\"", "\"nonce\":\"b2\"",
	};
	struct lab *lab = *state;
	struct exchange *get, *a, *b;
	char path[256];
	size_t i;

	taken(lab, path);
	get = lab_get_events(lab, path);
	a = lab_put_events(lab, path);
	b = lab_put_events(lab, path);
	fake_text_clear(get);
	say(a, "[\n{\"type\":\"ping\",\"nonce\":\"a1\",\"seq\":0}\n");
	say(b, "[{\"type\":\"ping\",\"nonce\":\"b1\",\"seq\":0},");
	say(a, ",\n{\"type\":\"ping\",\"nonce\":\"a2\",\"seq\":1}\n");
	say(b, "{\"type\":\"pi");
	say(a, ",{\"type\":\"ping\",\"nonce\":\"a3\",\"seq\":2}");
	say(b, "ng\",\"nonce\":\"b2\",\"seq\":1}");
	assert_int_equal(types(get, "pong"), 5);
	for (i = 1; i < COUNT(order); i++)
		assert_true(strstr(fake_text(get, NULL), order[i - 1]) <
			    strstr(fake_text(get, NULL), order[i]));
	say(b, ",{\"type\":\"end\",\"seq\":2}");
	assert_true(fake_finished(a));
	assert_true(fake_finished(b));
	assert_true(fake_finished(get));
	shows("RIPT-SB-09");
}

/* ---- ping, pong ---- */

static void answers_pings(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	struct json_object *ev;
	char path[256];

	taken(lab, path);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	assert_int_equal(fake_status(put), 200);
	assert_false(fake_finished(put));
	say(put, "[\n");
	say(put, "{\"type\":\"ping\",\"direction\":\"c2s\",\"seq\":0,"
	    "\"nonce\":\"9f3a\"}\n");
	ev = event_at(get, 1);
	assert_string_equal(member(ev, "type"), "pong");
	assert_string_equal(member(ev, "nonce"), "9f3a");
	assert_string_equal(member(ev, "state"), "proceeding");
	json_object_put(ev);
	/* the nonce is optional */
	say(put, ",{\"type\":\"ping\",\"seq\":1}");
	ev = event_at(get, 2);
	assert_string_equal(member(ev, "type"), "pong");
	json_object_put(ev);
	shows("RIPT-EV-10");
}

static void ignores_repeats(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	char path[256];

	taken(lab, path);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[{\"type\":\"ping\",\"seq\":5,\"nonce\":\"a\"}");
	say(put, ",{\"type\":\"ping\",\"seq\":5,\"nonce\":\"a\"}");
	assert_int_equal(types(get, "pong"), 1);
	/* another nonce, a lower seq, no seq: no repeats */
	say(put, ",{\"type\":\"ping\",\"seq\":5,\"nonce\":\"b\"}");
	say(put, ",{\"type\":\"ping\",\"seq\":4,\"nonce\":\"a\"}");
	say(put, ",{\"type\":\"ping\",\"nonce\":\"a\"}");
	say(put, ",{\"type\":\"ping\",\"nonce\":\"a\"}");
	assert_int_equal(types(get, "pong"), 5);
}

/* ---- what every event has ---- */

static void has_the_common_members(void **state)
{
	static const char *const keys[] = { "type", "direction", "timestamp",
					    "call", "seq", "state" };
	struct lab *lab = *state;
	struct exchange *get, *put;
	struct json_object *ev;
	char path[256], uri[300];
	uint64_t at_ms;
	unsigned i;
	size_t k;
	struct ript_call *call = taken(lab, path);

	snprintf(uri, sizeof(uri), "https://" LAB_AUTHORITY "%s", path);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[{\"type\":\"ping\",\"seq\":0}");
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	fake_byway_panic(fake_byway_last(), 3);
	ript_call_direct(call, &lab->directives, "hold");
	ript_call_end(call, RIPT_BY_PEER, NULL);
	for (i = 0; (ev = event_at(get, i)); i++) {
		char seq[16];

		for (k = 0; k < COUNT(keys); k++)
			assert_true(json_object_object_get_ex(ev, keys[k],
							      NULL));
		assert_int_equal(rfc3339_parse(&at_ms,
					       member(ev, "timestamp")), 0);
		assert_in_range(at_ms, loop_wall_ms(lab->loop) - 1000,
				loop_wall_ms(lab->loop));
		assert_string_equal(member(ev, "direction"), "s2c");
		assert_string_equal(member(ev, "call"), uri);
		snprintf(seq, sizeof(seq), "%u", i);
		assert_string_equal(member(ev, "seq"), seq);
		json_object_put(ev);
	}
	assert_int_equal(i, 6);
	shows("RIPT-SB-11");
}

/* Each event alone says the state. */
static void says_the_state_in_every_event(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	struct json_object *ev;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	say(put, "[{\"type\":\"ping\",\"seq\":0}");
	ev = event_at(get, 2);
	assert_string_equal(member(ev, "type"), "pong");
	assert_string_equal(member(ev, "state"), "answered");
	json_object_put(ev);
	fake_byway_panic(fake_byway_last(), 1);
	ev = event_at(get, 3);
	assert_string_equal(member(ev, "state"), "answered");
	json_object_put(ev);
	shows("RIPT-SB-12");
}

static void tells_of_media_panic(void **state)
{
	struct lab *lab = *state;
	struct exchange *get;
	struct json_object *ev;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	fake_byway_panic(fake_byway_last(), 3);
	ev = event_at(get, 1);
	assert_string_equal(member(ev, "type"), "media-panic");
	assert_string_equal(member(ev, "dropped"), "3");
	assert_string_equal(member(ev, "state"), "proceeding");
	json_object_put(ev);
	/* no change of state: a late GET does not see it */
	get = lab_get_events(lab, path);
	assert_int_equal(types(get, "media-panic"), 0);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	shows("RIPT-EV-11");
}

static void tells_new_directives(void **state)
{
	struct lab *lab = *state;
	struct ript_directives hold = { .server_absent = true };
	struct exchange *get, *x;
	struct json_object *ev;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	ript_call_direct(call, &hold, "hold");
	/* the line `ev-directive` of profile section 5 */
	ev = event_at(get, 1);
	assert_string_equal(member(ev, "type"), "directive");
	assert_string_equal(member(ev, "reason"), "hold");
	assert_string_equal(member(ev, "directives"),
			    "{ \"client\": { \"stream\": [ ] } }");
	json_object_put(ev);
	x = lab_ask(lab, "GET", path, NULL);
	assert_non_null(strstr(fake_text(x, NULL),
			       "\"client\":{\"stream\":[]},\"server\":"
			       "{\"stream\":{"));
}

/* ---- the wrong side ---- */

static void is_the_one_that_knows_the_state(void **state)
{
	static const char *const wrong[] = {
		"proceeding", "alerting", "answered", "declined", "failed",
		"noanswer", "migrate", "pong", "media-panic", "directive",
		"handler-changed", "transfer-and-takeback",
	};
	struct lab *lab = *state;
	struct metric *metric = metric_counter(
		"ript_server_events_ignored_total", "reason=\"wrong\"", "");
	uint64_t before = metric_value(metric);
	struct exchange *get, *put;
	struct ript_call_info info;
	char path[256], text[256], last[1024];
	struct json_object *ev;
	size_t i;
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	ev = event_at(get, 1);
	snprintf(last, sizeof(last), "%s",
		 json_object_to_json_string_ext(
			 ev, JSON_C_TO_STRING_PLAIN |
				     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(ev);
	say(put, "[");
	for (i = 0; i < COUNT(wrong); i++) {
		row_name(wrong[i]);
		fake_text_clear(get);
		snprintf(text, sizeof(text), "%s{\"type\":\"%s\",\"seq\":%zu,"
			 "\"state\":\"answered\"}", i ? "," : "", wrong[i],
			 i);
		say(put, text);
		/* the last one again, octet for octet */
		snprintf(text, sizeof(text), ",\n%.200s", last);
		assert_memory_equal(fake_text(get, NULL), text, 200);
		assert_non_null(strstr(fake_text(get, NULL), last));
		ript_call_info(call, &info);
		assert_int_equal(info.state, RIPT_ST_ALERTING);
	}
	assert_int_equal(metric_value(metric), before + COUNT(wrong));
	/* what nobody knows is ignored */
	fake_text_clear(get);
	say(put, ",{\"type\":\"x-new\",\"seq\":99}");
	assert_string_equal(fake_text(get, NULL), "");
	assert_string_equal(lab_log(lab), "");
	shows("RIPT-SB-14");
}

/* ---- framing ---- */

static void carries_an_unending_document(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	struct json_object *all;
	char path[256];
	size_t sent = 1;
	unsigned i;
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[");
	for (i = 0; i < 50; i++) {
		char text[128];
		size_t k, len;

		/* octet by octet: whatever comes is a part */
		snprintf(text, sizeof(text), "%s\n{\"type\":\"ping\","
			 "\"seq\":%u,\"x\":\"]}[{\\\"\"}\n", i ? "," : "", i);
		len = strlen(text);
		sent += len;
		for (k = 0; k < len; k++)
			fake_body(put, text + k, 1);
		lab_wait(lab, 1000);
	}
	assert_int_equal(types(get, "pong"), 50);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	all = json_tokener_parse(fake_text(get, NULL));
	assert_int_equal(json_object_array_length(all), 52);
	json_object_put(all);
	assert_int_equal(fake_consumed(put), sent);
	shows("RIPT-SB-03");
}

/* As `curl -N` and `curl -T` do: a whole array in a PUT, lines in a GET. */
static void works_with_curl(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *x;
	char path[256], events[300], line[1024];
	const char *at;
	unsigned lines = 0;
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	snprintf(events, sizeof(events), "%s/events", path);
	x = lab_ask(lab, "PUT", events,
		    "[{\"type\":\"ping\",\"nonce\":\"curl\"}]");
	assert_int_equal(fake_status(x), 200);
	assert_true(fake_finished(x));
	assert_true(fake_closed(x));
	assert_int_equal(types(get, "pong"), 1);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	/* each object is a line of its own, complete when it happens */
	for (at = fake_text(get, NULL); *at; at = strchr(at, '\n') + 1) {
		snprintf(line, sizeof(line), "%.*s",
			 (int)strcspn(at, "\n"), at);
		if (line[0] == '{') {
			struct json_object *ev = json_tokener_parse(line);

			assert_non_null(ev);
			json_object_put(ev);
			lines++;
		}
	}
	assert_int_equal(lines, 3);
	/* `end` in the same way; the description is gone at once */
	x = lab_ask(lab, "PUT", events, "[{\"type\":\"end\"}]");
	assert_int_equal(fake_status(x), 200);
	assert_problem(lab_ask(lab, "GET", path, NULL), 404, "call-ended");
	shows("RIPT-SB-13");
}

static void resets_what_it_cannot_read(void **state)
{
	static const char *const bad[] = {
		"[7]", "[{]", "{\"type\":\"ping\"}x", "[[]]", "nonsense",
	};
	struct lab *lab = *state;
	struct exchange *get, *put;
	char path[256], *large;
	struct ript_call *call = taken(lab, path);
	size_t i;

	get = lab_get_events(lab, path);
	for (i = 0; i < COUNT(bad); i++) {
		row_name(bad[i]);
		put = lab_put_events(lab, path);
		say(put, bad[i]);
		assert_true(fake_aborted(put));
	}
	large = malloc(20000);
	memset(large, 'a', 20000);
	memcpy(large, "[{\"type\":\"", 10);
	put = lab_put_events(lab, path);
	fake_body(put, large, 20000);
	assert_true(fake_aborted(put));
	free(large);
	/* the call goes on */
	put = lab_put_events(lab, path);
	fake_text_clear(get);
	say(put, "[{\"type\":\"ping\",\"nonce\":\"after\"}");
	assert_int_equal(types(get, "pong"), 1);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	assert_int_equal(types(get, "answered"), 1);
}

static void resets_a_put_that_floods(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	char path[256], text[64];
	unsigned i;

	taken(lab, path);
	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[");
	/* 200 a second, for ever */
	for (i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"ping\",\"seq\":%u}",
			 i);
		say(put, text);
		lab_wait(lab, 5);
	}
	assert_false(fake_aborted(put));
	for (i = 0; i < 202 && !fake_aborted(put); i++) {
		snprintf(text, sizeof(text), "{\"type\":\"ping\",\"seq\":%u}",
			 600 + i);
		say(put, text);
	}
	assert_true(fake_aborted(put));
	/* the call goes on */
	fake_text_clear(get);
	put = lab_put_events(lab, path);
	say(put, "[{\"type\":\"ping\",\"nonce\":\"after\"}");
	assert_int_equal(types(get, "pong"), 1);
}

/* ---- byways come and go ---- */

static void keeps_events_while_nobody_listens(void **state)
{
	struct lab *lab = *state;
	struct exchange *get, *put;
	char path[256];
	struct ript_call *call = taken(lab, path);

	get = lab_get_events(lab, path);
	put = lab_put_events(lab, path);
	assert_true(fake_byway_last()->listening);
	fake_drop(get, ECONNRESET);
	assert_false(fake_byway_last()->listening);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	say(put, "[{\"type\":\"ping\",\"seq\":0}");
	lab_wait(lab, 4900);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	get = lab_get_events(lab, path);
	assert_true(fake_byway_last()->listening);
	/* nothing lost, in order */
	assert_int_equal(types(get, "alerting"), 1);
	assert_int_equal(types(get, "pong"), 1);
	assert_int_equal(types(get, "answered"), 1);
	assert_true(strstr(fake_text(get, NULL), "\"seq\":1") <
		    strstr(fake_text(get, NULL), "\"seq\":3"));
	/* what only mattered then is not kept for ever */
	fake_drop(get, ECONNRESET);
	say(put, ",{\"type\":\"ping\",\"seq\":1}");
	lab_wait(lab, 5100);
	get = lab_get_events(lab, path);
	assert_int_equal(types(get, "pong"), 0);
	assert_int_equal(types(get, "answered"), 1);
	shows("RIPT-LC-02");
}

static void delivers_the_final_event_late(void **state)
{
	const struct ript_cause cause = { 486, 17, "Busy Here" };
	struct lab *lab = *state;
	struct exchange *get;
	char path[256];
	struct ript_call *call = taken(lab, path);

	/* the callee is busy before the client could open its GET */
	ript_call_state(call, RIPT_EV_DECLINED, &cause);
	lab_turn(lab);
	assert_string_equal(lab_log(lab), "closed ended\n");
	assert_problem(lab_ask(lab, "GET", path, NULL), 404, "call-ended");
	lab_wait(lab, 100);
	get = lab_get_events(lab, path);
	assert_int_equal(fake_status(get), 200);
	assert_int_equal(types(get, "proceeding"), 1);
	assert_int_equal(types(get, "declined"), 1);
	assert_true(fake_finished(get));
	get = lab_get_events(lab, path);
	assert_problem(get, 404, "call-ended");
	/* but not for ever */
	call = taken(lab, path);
	ript_call_state(call, RIPT_EV_DECLINED, &cause);
	lab_wait(lab, 5100);
	get = lab_get_events(lab, path);
	assert_problem(get, 404, "call-ended");
}

static void gives_up_who_does_not_read(void **state)
{
	struct lab *lab = *state;
	struct exchange *deaf, *get;
	char path[256];
	struct ript_call *call = taken(lab, path);

	deaf = lab_get_events(lab, path);
	get = lab_get_events(lab, path);
	fake_set_full(deaf, true);
	ript_call_state(call, RIPT_EV_ALERTING, NULL);
	assert_true(fake_aborted(deaf));
	assert_int_equal(types(get, "alerting"), 1);
	fake_set_full(get, true);
	ript_call_state(call, RIPT_EV_ANSWERED, NULL);
	assert_true(fake_aborted(get));
	/* kept for the next one */
	get = lab_get_events(lab, path);
	assert_int_equal(types(get, "answered"), 1);
	fake_set_full(get, true);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	lab_turn(lab);
	assert_true(fake_aborted(get));
	assert_string_equal(lab_log(lab), "closed ended\n");
}

static void limits_byways_of_a_call(void **state)
{
	struct lab *lab = *state;
	char path[256];
	unsigned i;

	taken(lab, path);
	for (i = 0; i < 64; i++) {
		assert_int_equal(fake_status(lab_get_events(lab, path)), 200);
		assert_int_equal(fake_status(lab_put_events(lab, path)), 200);
	}
	assert_problem(lab_get_events(lab, path), 429, "slow-down");
	assert_problem(lab_put_events(lab, path), 429, "slow-down");
}

/* A client that never ends its PUT does not keep memory. */
static void ends_lingering_byways(void **state)
{
	struct lab *lab = *state;
	struct exchange *put;
	char path[256];
	struct ript_call *call = taken(lab, path);

	put = lab_put_events(lab, path);
	ript_call_end(call, RIPT_BY_PEER, NULL);
	lab_turn(lab);
	assert_true(fake_finished(put));
	assert_false(fake_closed(put));
	say(put, "[{\"type\":\"end\"}");	/* too late, harmless */
	lab_wait(lab, 4900);
	assert_false(fake_aborted(put));
	lab_wait(lab, 200);
	assert_true(fake_aborted(put));
}

static void ends_the_reply_with_the_body(void **state)
{
	struct lab *lab = *state;
	struct exchange *put;
	char path[256];

	taken(lab, path);
	put = lab_put_events(lab, path);
	say(put, "[\n]\n");
	fake_body_end(put);
	assert_true(fake_finished(put));
	assert_true(fake_closed(put));
	assert_int_equal(fake_status(lab_ask(lab, "GET", path, NULL)), 200);
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(begins_with_proceeding),
		LAB_TEST(begins_with_proceeding_after_an_instant_answer),
		LAB_TEST(catches_up_late),
		LAB_TEST(sends_each_change_of_state),
		LAB_TEST(moves_forward_only),
		LAB_TEST(ends_from_either_side),
		LAB_TEST(feeds_every_get),
		LAB_TEST(takes_commands_from_any_put),
		LAB_TEST(answers_pings),
		LAB_TEST(ignores_repeats),
		LAB_TEST(has_the_common_members),
		LAB_TEST(says_the_state_in_every_event),
		LAB_TEST(tells_of_media_panic),
		LAB_TEST(tells_new_directives),
		LAB_TEST(is_the_one_that_knows_the_state),
		LAB_TEST(carries_an_unending_document),
		LAB_TEST(works_with_curl),
		LAB_TEST(resets_what_it_cannot_read),
		LAB_TEST(resets_a_put_that_floods),
		LAB_TEST(keeps_events_while_nobody_listens),
		LAB_TEST(delivers_the_final_event_late),
		LAB_TEST(gives_up_who_does_not_read),
		LAB_TEST(limits_byways_of_a_call),
		LAB_TEST(ends_lingering_byways),
		LAB_TEST(ends_the_reply_with_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
