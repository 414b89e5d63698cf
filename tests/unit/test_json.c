/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "base/buf.h"
#include "ript/json.h"

static void texts(void **state)
{
	static const struct {
		const char *text;
		const char *want;	/* printed again; NULL: EINVAL */
	} rows[] = {
		{ "{}", "{}" },
		{ " [ 1 , -2, true,false ,null, \"x\" ]\r\n",
		  "[1,-2,true,false,null,\"x\"]" },
		{ "{\"a\":{\"b\":[{}]}}", "{\"a\":{\"b\":[{}]}}" },
		{ "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		  "\"\xc3\xa9\xf0\x9f\x98\x80\\\"\\\\/\\b\\f\\n\\r\\t\"" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "9223372036854775808", "9223372036854775808" },
		{ "1.50", "1.50" },
		{ "-0.5e-3", "-0.5e-3" },
		{ "1E+2", "1E+2" },
		{ "0", "0" },
		{ "null", "null" },
		/* gathered (Q16) */
		{ "{\"source\":{\"id\":0},\"source\":{\"id\":1}}",
		  "{\"source\":[{\"id\":0},{\"id\":1}]}" },
		{ "{\"sink\":[1,2],\"sink\":3,\"sink\":[4]}",
		  "{\"sink\":[1,2,3,4]}" },
		{ "{\"stream\":[],\"a\":0,\"stream\":{}}",
		  "{\"stream\":[{}],\"a\":0}" },
		/* not I-JSON */
		{ "{\"a\":1,\"a\":1}", NULL },
		{ "{\"a\":1,\"\\u0061\":1}", NULL },
		{ "{\"x\":{\"Source\":1,\"Source\":2}}", NULL },
		{ "\"\\ud800\"", NULL },
		{ "\"\\ud800\\u0041\"", NULL },
		{ "\"\\udc00\"", NULL },
		{ "\"a\\u0000b\"", NULL },
		{ "\"\xff\"", NULL },
		{ "\"\xc0\xaf\"", NULL },
		{ "\"\xed\xa0\x80\"", NULL },
		{ "\"\xf4\x90\x80\x80\"", NULL },
		{ "\"\xc3", NULL },
		{ "1e999", NULL },
		/* no JSON */
		{ "", NULL },
		{ " ", NULL },
		{ "{", NULL },
		{ "[1,]", NULL },
		{ "[1 2]", NULL },
		{ "{\"a\"}", NULL },
		{ "{\"a\":}", NULL },
		{ "{\"a\":1,}", NULL },
		{ "{a:1}", NULL },
		{ "{'a':1}", NULL },
		{ "[1]]", NULL },
		{ "{}x", NULL },
		{ "01", NULL },
		{ "+1", NULL },
		{ "-", NULL },
		{ ".5", NULL },
		{ "1.", NULL },
		{ "1e", NULL },
		{ "NaN", NULL },
		{ "Infinity", NULL },
		{ "tru", NULL },
		{ "nullx", NULL },
		{ "// x\n1", NULL },
		{ "\"a\nb\"", NULL },
		{ "\"\\x\"", NULL },
		{ "\"\\u12\"", NULL },
		{ "\"\\u12g4\"", NULL },
		{ "\"", NULL },
		{ "\"\\", NULL },
		{ "\xef\xbb\xbf{}", NULL },
	};
	struct json_object *json;
	const char *why;
	char *text;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		json = NULL;
		why = NULL;
		err = ript_json_parse(&json, rows[i].text,
				      strlen(rows[i].text), RIPT_JSON_LEN,
				      &why);
		assert_int_equal(err, rows[i].want ? 0 : EINVAL);
		if (err) {
			assert_non_null(why);
			assert_null(json);
			continue;
		}
		text = ript_json_text(json);
		assert_string_equal(text, rows[i].want);
		free(text);
		json_object_put(json);
	}
}

/* The text without its NUL and with nothing behind it. */
static int parse(const struct buf *text, size_t max_len)
{
	struct json_object *json = NULL;
	const char *why = NULL;
	int err = ript_json_parse(&json, text->data, text->len, max_len,
				  &why);

	assert_int_equal(err != 0, why != NULL);
	json_object_put(json);
	return err;
}

static int nested(unsigned depth)
{
	struct buf text;
	unsigned i;
	int err;

	buf_init(&text, SIZE_MAX);
	for (i = 0; i < depth; i++)
		buf_add_str(&text, i % 2 ? "[" : "{\"a\":");
	buf_add_str(&text, "1");
	while (i--)
		buf_add_str(&text, i % 2 ? "]" : "}");
	err = parse(&text, RIPT_JSON_LEN);
	buf_free(&text);
	return err;
}

static void bounded(void **state)
{
	struct buf text;
	int i;

	(void)state;
	assert_int_equal(nested(RIPT_JSON_DEPTH), 0);
	assert_int_equal(nested(RIPT_JSON_DEPTH + 1), EINVAL);
	assert_int_equal(nested(20000), EMSGSIZE);

	buf_init(&text, SIZE_MAX);
	buf_add_str(&text, "\"12345678\"");
	assert_int_equal(parse(&text, 10), 0);
	assert_int_equal(parse(&text, 9), EMSGSIZE);
	buf_clear(&text);
	/* A short text does not become a large tree. */
	buf_add_str(&text, "[{}");
	for (i = 0; i < 20000; i++)
		buf_add_str(&text, ",{}");
	buf_add_str(&text, "]");
	assert_int_equal(parse(&text, RIPT_JSON_LEN), EINVAL);
	buf_free(&text);
}

static void members(void **state)
{
	static const char text[] =
		"{\"t\":\"text\",\"i\":-5,\"b\":true,\"o\":{},\"a\":[1,2],"
		"\"n\":null,\"r\":1.5,\"big\":9223372036854775808}";
	struct json_object *json, *value;
	struct ript_json_list list;
	const char *why, *t = NULL;
	uint64_t u = 7;
	int64_t i = 7;

	(void)state;
	assert_int_equal(ript_json_parse(&json, text, strlen(text),
					 RIPT_JSON_LEN, &why), 0);
	assert_int_equal(ript_json_get_text(&t, json, "t", 4), 0);
	assert_string_equal(t, "text");
	assert_int_equal(ript_json_get_text(&t, json, "t", 3), EINVAL);
	assert_int_equal(ript_json_get_text(&t, json, "x", 9), ENOENT);
	assert_int_equal(ript_json_get_text(&t, json, "n", 9), ENOENT);
	assert_int_equal(ript_json_get_text(&t, json, "i", 9), EINVAL);
	assert_int_equal(ript_json_get_u64(&u, json, "i"), EINVAL);
	assert_int_equal(ript_json_get_int(&i, json, "r"), EINVAL);
	assert_int_equal(ript_json_get_int(&i, json, "big"), EINVAL);
	assert_int_equal(ript_json_get_int(&i, json, "t"), EINVAL);
	assert_int_equal(i, 7);
	assert_int_equal(u, 7);
	assert_int_equal(ript_json_get_int(&i, json, "i"), 0);
	assert_int_equal(i, -5);
	assert_int_equal(ript_json_get_object(&value, json, "o"), 0);
	assert_int_equal(ript_json_get_object(&value, json, "a"), EINVAL);
	assert_int_equal(ript_json_get_array(&value, json, "a"), 0);
	assert_int_equal(ript_json_get_array(&value, json, "x"), ENOENT);
	assert_int_equal(ript_json_get_array(&value, value, "x"), ENOENT);
	assert_int_equal(ript_json_get_array(&value, NULL, "x"), ENOENT);
	list = ript_json_get_list(json, "a");
	assert_int_equal(list.count, 2);
	assert_int_equal(json_object_get_int(ript_json_at(&list, 1)), 2);
	list = ript_json_get_list(json, "i");
	assert_int_equal(list.count, 1);
	assert_int_equal(json_object_get_int(ript_json_at(&list, 0)), -5);
	assert_null(ript_json_at(&list, 1));
	assert_int_equal(ript_json_get_list(json, "n").count, 0);
	json_object_put(json);
}

static void numbers_every_reader_keeps(void **state)
{
	struct json_object *json = json_object_new_object();
	char *text;

	(void)state;
	ript_json_add_int(json, "a", INT64_MAX);
	ript_json_add_int(json, "b", INT64_MIN);
	ript_json_add_u64(json, "c", UINT64_MAX);
	ript_json_add_u64(json, "d", 17);
	ript_json_add_text(json, "e", NULL);
	ript_json_add_text(json, "f", "a/b");
	text = ript_json_text(json);
	assert_string_equal(text, "{\"a\":9007199254740991,"
				  "\"b\":-9007199254740991,"
				  "\"c\":9007199254740991,\"d\":17,"
				  "\"f\":\"a/b\"}");
	free(text);
	json_object_put(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(bounded),
		cmocka_unit_test(members),
		cmocka_unit_test(numbers_every_reader_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
