/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "base/mem.h"
#include "ript/event.h"
#include "ript/json.h"
#include "tests/unit/shows.h"

#define CALL "https://comcast.example/.well-known/ript/v1/providertgs/123/" \
	     "calls/0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"
#define AT UINT64_C(1581103341120)
#define AT_TEXT "2020-02-07T19:22:21.120Z"

/* ---- collecting what a reader finds ---- */

struct got {
	struct ript_event ev;
	char *call, *uri, *handler, *nonce, *destination, *reason, *call_dir;
	struct ript_directives directives;
};

static struct got got[64];
static unsigned got_cnt;

static void on_event(const struct ript_event *ev, void *arg)
{
	struct got *g = &got[got_cnt++];

	(void)arg;
	assert_true(got_cnt <= COUNT(got));
	g->ev = *ev;
	g->ev.call = g->call = xstrdup(ev->call);
	g->ev.uri = g->uri = xstrdup(ev->uri);
	g->ev.handler = g->handler = xstrdup(ev->handler);
	g->ev.nonce = g->nonce = xstrdup(ev->nonce);
	g->ev.destination = g->destination = xstrdup(ev->destination);
	g->ev.reason = g->reason = xstrdup(ev->reason);
	g->ev.call_direction = g->call_dir = xstrdup(ev->call_direction);
	if (ev->directives) {
		g->directives = *ev->directives;
		g->ev.directives = &g->directives;
	}
}

static void forget(void)
{
	while (got_cnt) {
		struct got *g = &got[--got_cnt];

		free(g->call);
		free(g->uri);
		free(g->handler);
		free(g->nonce);
		free(g->destination);
		free(g->reason);
		free(g->call_dir);
		memset(g, 0, sizeof(*g));
	}
}

static int teardown(void **state)
{
	(void)state;
	forget();
	return 0;
}

/* Feed @text in pieces of @step octets to a new reader. */
static int read_all(const char *text, size_t step, bool *closed)
{
	struct ript_event_reader *reader = ript_event_reader_new(on_event,
								 NULL);
	size_t len = strlen(text), at, piece;
	const char *why = NULL;
	char *copy;
	int err = 0;

	for (at = 0; !err && at < len; at += piece) {
		piece = len - at < step ? len - at : step;
		/* On its own, so that a sanitizer sees an overrun. */
		copy = xmemdup(text + at, piece);
		err = ript_event_read(reader, copy, piece, &why);
		free(copy);
	}
	assert_int_equal(err != 0, why != NULL);
	if (closed)
		*closed = ript_event_reader_closed(reader);
	if (err)	/* given up, and so it stays */
		assert_int_equal(ript_event_read(reader, "{}", 2, &why),
				 EINVAL);
	ript_event_reader_free(&reader);
	assert_null(reader);
	ript_event_reader_free(&reader);
	return err;
}

/* ---- framing ---- */

static void framing_in(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned count;
		bool closed;
	} rows[] = {
		{ "", 0, 0, false },
		{ "[", 0, 0, false },
		{ "[\n", 0, 0, false },
		{ "[\n{\"type\":\"ping\"}\n", 0, 1, false },
		{ "[\n{\"type\":\"ping\"}\n,\n{\"type\":\"pong\"}\n]", 0, 2,
		  true },
		{ "[{\"type\":\"ping\"} {\"type\":\"pong\"}", 0, 2, false },
		{ "[{\"type\":\"end\"}]", 0, 1, true },	/* plain curl */
		{ "{\"type\":\"end\"}\n", 0, 1, false },
		{ "  [ ]  \r\n\t", 0, 0, true },
		{ "[{\"a\":\"}]{[\\\"\"}]", 0, 1, true },
		{ "[{\"a\":\"\\\\\"},{\"b\":[{},[]]}", 0, 2, false },
		{ "[{}{}{}", 0, 3, false },
		{ "[,,{},,{},", 0, 2, false },
		{ "[{\"a\":1", 0, 0, false },
		{ "[1]", EINVAL, 0, false },
		{ "[\"ping\"]", EINVAL, 0, false },
		{ "[[{}]]", EINVAL, 0, false },
		{ "[{}]x", EINVAL, 1, false },
		{ "[{}],", EINVAL, 1, false },
		{ "x", EINVAL, 0, false },
		{ ",", EINVAL, 0, false },
		{ "]", EINVAL, 0, false },
		{ "[{]", EINVAL, 0, false },
		{ "[{\"a\":1,\"a\":2}]", EINVAL, 0, false },
		{ "[{\"a\" 1}]", EINVAL, 0, false },
		{ "[{},{\"a\":\xff}]", EINVAL, 1, false },
	};
	static const size_t steps[] = { 1, 2, 3, 7, 1000 };
	size_t i, k;
	bool closed;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		for (k = 0; k < COUNT(steps); k++) {
			row_name(rows[i].text);
			forget();
			assert_int_equal(read_all(rows[i].text, steps[k],
						  &closed), rows[i].err);
			assert_int_equal(got_cnt, rows[i].count);
			assert_int_equal(closed, rows[i].closed);
		}
	shows("RIPT-SB-03");
}

static int read_long(size_t len, const char *head, char fill,
		     const char *tail)
{
	char *text = xzalloc(len + 1);
	size_t head_len = strlen(head), tail_len = strlen(tail);
	int err;

	memset(text, fill, len);
	memcpy(text, head, head_len);
	memcpy(text + len - tail_len, tail, tail_len);
	forget();
	err = read_all(text, 1000, NULL);
	free(text);
	return err;
}

static void bounded_before_parsed(void **state)
{
	(void)state;
	assert_int_equal(read_long(RIPT_EVENT_LEN, "{\"a\":\"", 'x', "\"}"),
			 0);
	assert_int_equal(got_cnt, 1);
	assert_int_equal(read_long(RIPT_EVENT_LEN + 1, "{\"a\":\"", 'x',
				   "\"}"), EMSGSIZE);
	assert_int_equal(got_cnt, 0);
	assert_int_equal(read_long(100000, "{\"a\":\"", 'x', ""), EMSGSIZE);
	assert_int_equal(read_long(100, "{\"a\":", '[', ""), EINVAL);
	assert_int_equal(got_cnt, 0);
}

static void free_self(const struct ript_event *ev, void *arg)
{
	struct ript_event_reader **readerp = arg;

	got_cnt++;
	assert_int_equal(ev->type, RIPT_EV_END);
	ript_event_reader_free(readerp);
}

static void reader_may_go_in_its_callback(void **state)
{
	static const char text[] = "[{\"type\":\"end\"},{\"type\":\"end\"}";
	struct ript_event_reader *reader;
	const char *why;

	(void)state;
	got_cnt = 0;
	reader = ript_event_reader_new(free_self, &reader);
	assert_int_equal(ript_event_read(reader, text, strlen(text), &why),
			 0);
	assert_null(reader);
	assert_int_equal(got_cnt, 1);
	got_cnt = 0;
}

/* What we send is one JSON array of whole events, and each event is there
 * with its own line. */
static void framing_out(void **state)
{
	struct ript_event a = { .type = RIPT_EV_PROCEEDING, .call = CALL,
				.timestamp_ms = AT, .has_seq = true };
	struct ript_event b = { .type = RIPT_EV_ALERTING, .call = CALL,
				.timestamp_ms = AT + 1, .has_seq = true,
				.seq = 1, .state = RIPT_ST_ALERTING };
	struct json_object *json;
	const char *why;
	struct buf out;
	bool closed;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(buf_add_str(&out, "[\n"), 0);
	assert_int_equal(ript_event_print(&out, &a, true), 0);
	assert_string_equal(buf_str(&out),
		"[\n{\"type\":\"proceeding\",\"direction\":\"s2c\","
		"\"timestamp\":\"" AT_TEXT "\",\"call\":\"" CALL "\","
		"\"seq\":0,\"state\":\"proceeding\"}\n");
	assert_int_equal(ript_event_print(&out, &b, false), 0);
	assert_non_null(strstr(buf_str(&out),
			       "\"state\":\"proceeding\"}\n,\n{\"type\":"
			       "\"alerting\","));
	assert_int_equal(out.data[out.len - 1], '\n');
	assert_int_equal(read_all(buf_str(&out), 1, &closed), 0);
	assert_int_equal(got_cnt, 2);
	assert_false(closed);
	assert_int_equal(buf_add_str(&out, "]\n"), 0);
	assert_int_equal(ript_json_parse(&json, out.data, out.len,
					 RIPT_JSON_LEN, &why), 0);
	assert_int_equal(json_object_array_length(json), 2);
	json_object_put(json);
	buf_free(&out);

	/* Whole or not at all. */
	buf_init(&out, 100);
	assert_int_equal(ript_event_print(&out, &a, true), EMSGSIZE);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	shows("RIPT-SB-05");
}

/* ---- meaning ---- */

/* Every event of profile section 5, and what else is accepted. */
static void decodes(void **state)
{
	static const struct {
		const char *text;
		enum ript_event_type type;
		enum ript_state state;
	} rows[] = {
		{ "{\"type\":\"proceeding\",\"state\":\"proceeding\"}",
		  RIPT_EV_PROCEEDING, RIPT_ST_PROCEEDING },
		{ "{\"type\":\"alerting\",\"state\":\"alerting\"}",
		  RIPT_EV_ALERTING, RIPT_ST_ALERTING },
		{ "{\"type\":\"answered\",\"state\":\"answered\"}",
		  RIPT_EV_ANSWERED, RIPT_ST_ANSWERED },
		{ "{\"type\":\"declined\",\"state\":\"declined\"}",
		  RIPT_EV_DECLINED, RIPT_ST_DECLINED },
		{ "{\"type\":\"failed\",\"state\":\"failed\"}",
		  RIPT_EV_FAILED, RIPT_ST_FAILED },
		{ "{\"type\":\"noanswer\",\"state\":\"noanswer\"}",
		  RIPT_EV_NOANSWER, RIPT_ST_NOANSWER },
		{ "{\"type\":\"end\",\"state\":\"ended\"}", RIPT_EV_END,
		  RIPT_ST_ENDED },
		{ "{\"type\":\"migrate\",\"state\":\"answered\"}",
		  RIPT_EV_MIGRATE, RIPT_ST_ANSWERED },
		{ "{\"type\":\"ping\",\"direction\":\"c2s\"}", RIPT_EV_PING,
		  RIPT_ST_NONE },
		{ "{\"type\":\"pong\",\"state\":\"answered\"}", RIPT_EV_PONG,
		  RIPT_ST_ANSWERED },
		{ "{\"type\":\"media-panic\",\"state\":\"answered\"}",
		  RIPT_EV_MEDIA_PANIC, RIPT_ST_ANSWERED },
		{ "{\"type\":\"handler-changed\",\"state\":\"answered\"}",
		  RIPT_EV_HANDLER_CHANGED, RIPT_ST_ANSWERED },
		{ "{\"type\":\"directive\",\"state\":\"answered\"}",
		  RIPT_EV_DIRECTIVE, RIPT_ST_ANSWERED },
		{ "{\"type\":\"transfer-and-takeback\"}",
		  RIPT_EV_TRANSFER_AND_TAKEBACK, RIPT_ST_NONE },
		{ "{\"type\":\"call\"}", RIPT_EV_CALL, RIPT_ST_NONE },
		{ "{\"type\":\"handler\"}", RIPT_EV_HANDLER, RIPT_ST_NONE },
		/* Q36, Q37, Q39, Q42 */
		{ "{\"event\":\"alerting\"}", RIPT_EV_ALERTING,
		  RIPT_ST_ALERTING },
		{ "{\"name\":\"answered\"}", RIPT_EV_ANSWERED,
		  RIPT_ST_ANSWERED },
		{ "{\"type\":\"ended\"}", RIPT_EV_END, RIPT_ST_ENDED },
		{ "{\"type\":\"ping\",\"state\":\"end\"}", RIPT_EV_PING,
		  RIPT_ST_ENDED },
		{ "{\"type\":\"handler changed\"}", RIPT_EV_HANDLER_CHANGED,
		  RIPT_ST_NONE },
		{ "{\"type\":\"moved\",\"handler\":\"https://x/h\"}",
		  RIPT_EV_HANDLER_CHANGED, RIPT_ST_NONE },
		{ "{\"type\":\"moved\"}", RIPT_EV_UNKNOWN, RIPT_ST_NONE },
		/* to be ignored and counted (Q47) */
		{ "{\"type\":\"reconnecting\",\"state\":\"answered\"}",
		  RIPT_EV_UNKNOWN, RIPT_ST_ANSWERED },
		{ "{\"type\":\"unknown\"}", RIPT_EV_UNKNOWN, RIPT_ST_NONE },
		{ "{\"type\":17}", RIPT_EV_UNKNOWN, RIPT_ST_NONE },
		{ "{\"type\":\"end\",\"state\":\"gone\"}", RIPT_EV_END,
		  RIPT_ST_ENDED },
		{ "{}", RIPT_EV_UNKNOWN, RIPT_ST_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		forget();
		assert_int_equal(read_all(rows[i].text, 1000, NULL), 0);
		assert_int_equal(got_cnt, 1);
		assert_int_equal(got[0].ev.type, rows[i].type);
		assert_int_equal(got[0].ev.state, rows[i].state);
	}
	for (i = 0; i < RIPT_EV_UNKNOWN; i++)
		assert_string_not_equal(
			ript_event_name((enum ript_event_type)i), "unknown");
	shows("RIPT-EV-12");
	shows("RIPT-EV-16");
}

static void members(void **state)
{
	(void)state;
	assert_int_equal(read_all(
		"[{\"type\":\"end\",\"direction\":\"c2s\",\"timestamp\":\""
		AT_TEXT "\",\"call\":\"" CALL "\",\"seq\":12,\"by\":"
		"\"client\",\"cause\":{\"sip\":200,\"q850\":16,\"text\":"
		"\"Normal\\r\\nVia: x\"}},"
		"{\"type\":\"migrate\",\"uri\":\"" CALL "\",\"timestamp\":"
		"1581103341120},"
		"{\"type\":\"directive\",\"directives\":{\"client\":"
		"{\"stream\":[]}},\"reason\":\"hold\"},"
		"{\"type\":\"media-panic\",\"dropped\":3},"
		"{\"type\":\"ping\",\"nonce\":\"9f3a\"},"
		"{\"type\":\"call\",\"call\":\"" CALL "\","
		"\"call-direction\":\"inbound\"},"
		"{\"type\":\"transfer-and-takeback\",\"destination\":"
		"\"+14085550111\",\"timestamp\":\"yesterday\",\"seq\":-1,"
		"\"cause\":{\"sip\":99,\"q850\":\"x\"},\"by\":\"me\","
		"\"directives\":{\"client\":7}}]", 1000, NULL), 0);
	assert_int_equal(got_cnt, 7);
	assert_true(got[0].ev.from_client);
	assert_int_equal(got[0].ev.timestamp_ms, AT);
	assert_string_equal(got[0].ev.call, CALL);
	assert_true(got[0].ev.has_seq);
	assert_int_equal(got[0].ev.seq, 12);
	assert_int_equal(got[0].ev.by, RIPT_BY_CLIENT);
	assert_true(got[0].ev.has_cause);
	assert_int_equal(got[0].ev.cause.sip, 200);
	assert_int_equal(got[0].ev.cause.q850, 16);
	assert_string_equal(got[0].ev.cause.text, "Normal  Via: x");
	assert_string_equal(got[1].ev.uri, CALL);
	assert_int_equal(got[1].ev.timestamp_ms, AT);
	assert_false(got[1].ev.has_seq);
	assert_false(got[1].ev.has_cause);
	assert_non_null(got[2].ev.directives);
	assert_false(got[2].directives.client_absent);
	assert_int_equal(got[2].directives.client.stream_cnt, 0);
	assert_true(got[2].directives.server_absent);
	assert_string_equal(got[2].ev.reason, "hold");
	assert_int_equal(got[3].ev.dropped, 3);
	assert_string_equal(got[4].ev.nonce, "9f3a");
	assert_string_equal(got[5].ev.call_direction, "inbound");
	assert_string_equal(got[6].ev.destination, "+14085550111");
	assert_int_equal(got[6].ev.timestamp_ms, 0);
	assert_false(got[6].ev.has_seq);
	assert_true(got[6].ev.has_cause);
	assert_int_equal(got[6].ev.cause.sip, 0);
	assert_int_equal(got[6].ev.cause.q850, 0);
	assert_int_equal(got[6].ev.by, RIPT_BY_NONE);
	assert_null(got[6].ev.directives);
}

/* A text of @len octets 'x', then @tail, as member @key of one event. */
static const struct ript_event *read_member(const char *key, size_t len,
					    const char *tail)
{
	char *fill = xzalloc(len + 1);
	char *text;

	memset(fill, 'x', len);
	text = xasprintf("{\"type\":\"ping\",\"nonce\":\"n\",\"cause\":"
			 "{\"text\":\"t\"},\"%s\":\"%s%s\"}",
			 key, fill, tail);
	if (strcmp(key, "nonce") == 0 || strcmp(key, "text") == 0) {
		free(text);
		text = xasprintf("{\"type\":\"ping\",\"cause\":{\"text\":"
				 "\"%s%s\"},\"nonce\":\"%s%s\"}",
				 fill, tail, fill, tail);
	}
	forget();
	assert_int_equal(read_all(text, 1000, NULL), 0);
	assert_int_equal(got_cnt, 1);
	free(text);
	free(fill);
	return &got[0].ev;
}

static void limits(void **state)
{
	const struct ript_event *ev;

	(void)state;
	assert_non_null(read_member("nonce", RIPT_NONCE_LEN, "")->nonce);
	assert_null(read_member("nonce", RIPT_NONCE_LEN + 1, "")->nonce);
	assert_non_null(read_member("uri", RIPT_URI_LEN, "")->uri);
	assert_null(read_member("uri", RIPT_URI_LEN + 1, "")->uri);
	ev = read_member("text", RIPT_CAUSE_TEXT_LEN - 1, "");
	assert_int_equal(strlen(ev->cause.text), RIPT_CAUSE_TEXT_LEN - 1);
	/* cut at a character, not within */
	ev = read_member("text", RIPT_CAUSE_TEXT_LEN - 2, "\xc3\xa9");
	assert_int_equal(strlen(ev->cause.text), RIPT_CAUSE_TEXT_LEN - 2);
	ev = read_member("text", RIPT_CAUSE_TEXT_LEN - 3, "\xc3\xa9");
	assert_int_equal(strlen(ev->cause.text), RIPT_CAUSE_TEXT_LEN - 1);
}

/* Each with all that it may carry; printed, read, printed: the same. */
static void round_trips(void **state)
{
	static const struct ript_directives hold = { .server_absent = true };
	struct ript_event base = {
		.call = CALL, .timestamp_ms = AT, .seq = 41, .has_seq = true,
		.state = RIPT_ST_ANSWERED, .handler = "https://x/h\"\\\n",
		.uri = CALL, .nonce = "9f3a", .destination = "+14085550111",
		.reason = "hold", .by = RIPT_BY_PEER, .has_cause = true,
		.cause = { 503, 34, "No circuit \xe2\x82\xac" },
		.directives = &hold,
	};
	struct json_object *json, *value;
	struct buf a, b;
	unsigned type;
	size_t i;
	const char *why;

	(void)state;
	buf_init(&a, 65536);
	buf_init(&b, 65536);
	for (type = 0; type < RIPT_EV_UNKNOWN; type++) {
		static const char *const common[] = { "type", "direction",
						      "timestamp", "call",
						      "seq", "state" };

		base.type = (enum ript_event_type)type;
		base.from_client = type % 2;
		base.dropped = base.type == RIPT_EV_MEDIA_PANIC ? 5 : 0;
		row_name(ript_event_name(base.type));
		forget();
		buf_clear(&a);
		buf_clear(&b);
		assert_int_equal(ript_event_print(&a, &base, true), 0);
		assert_int_equal(read_all(buf_str(&a), 11, NULL), 0);
		assert_int_equal(got_cnt, 1);
		assert_int_equal(ript_event_print(&b, &got[0].ev, true), 0);
		assert_string_equal(buf_str(&a), buf_str(&b));
		if (type == RIPT_EV_CALL || type == RIPT_EV_HANDLER)
			continue;
		assert_int_equal(ript_json_parse(&json, a.data, a.len,
						 RIPT_JSON_LEN, &why), 0);
		for (i = 0; i < COUNT(common); i++)
			assert_true(json_object_object_get_ex(json, common[i],
							      &value));
		json_object_put(json);
	}
	buf_free(&a);
	buf_free(&b);
	shows("RIPT-SB-11");
}

static void numbers_are_exact_everywhere(void **state)
{
	struct ript_event ev = { .type = RIPT_EV_PING, .call = CALL,
				 .timestamp_ms = AT, .seq = UINT64_MAX,
				 .has_seq = true, .state = RIPT_ST_NONE };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(ript_event_print(&out, &ev, true), 0);
	assert_non_null(strstr(buf_str(&out), "\"seq\":9007199254740991}"));
	buf_free(&out);
}

/* Each stream ends with an event that names no state by its type: what it
 * says is enough. */
static void last_event_tells_the_state(void **state)
{
	static const enum ript_event_type last[] = {
		RIPT_EV_PONG, RIPT_EV_MIGRATE, RIPT_EV_MEDIA_PANIC,
		RIPT_EV_DIRECTIVE, RIPT_EV_HANDLER_CHANGED,
	};
	enum ript_state at;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 65536);
	for (at = RIPT_ST_PROCEEDING; at < RIPT_ST_NONE; at++)
		for (i = 0; i < COUNT(last); i++) {
			struct ript_event ev = { .type = last[i],
						 .state = at };

			forget();
			buf_clear(&out);
			assert_int_equal(ript_event_print(&out, &ev, true),
					 0);
			assert_int_equal(read_all(buf_str(&out), 9, NULL), 0);
			assert_int_equal(got[0].ev.state, at);
			assert_string_equal(ript_state_name(at),
					    ript_state_name(got[0].ev.state));
		}
	buf_free(&out);
	assert_true(ript_event_final(RIPT_EV_END));
	assert_true(ript_event_final(RIPT_EV_FAILED));
	assert_true(ript_event_final(RIPT_EV_DECLINED));
	assert_true(ript_event_final(RIPT_EV_NOANSWER));
	assert_false(ript_event_final(RIPT_EV_ANSWERED));
	assert_false(ript_event_final(RIPT_EV_MIGRATE));
	shows("RIPT-SB-12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(framing_in, teardown),
		cmocka_unit_test_teardown(bounded_before_parsed, teardown),
		cmocka_unit_test(reader_may_go_in_its_callback),
		cmocka_unit_test_teardown(framing_out, teardown),
		cmocka_unit_test_teardown(decodes, teardown),
		cmocka_unit_test_teardown(members, teardown),
		cmocka_unit_test_teardown(limits, teardown),
		cmocka_unit_test_teardown(round_trips, teardown),
		cmocka_unit_test(numbers_are_exact_everywhere),
		cmocka_unit_test_teardown(last_event_tells_the_state,
					  teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
