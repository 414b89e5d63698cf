/* SPDX-License-Identifier: MIT */
/* The parsers and the queue of WebTransport, and the SETTINGS shim. */
#include "tests/unit/unit.h"

#include "ript/h3_settings.h"
#include "ript/wt.h"

/* ---- integers ---- */

static void test_varint(void **state)
{
	/* RFC 9000, A.1, and the edges. */
	static const struct {
		const char *name;
		uint64_t value;
		size_t len;
		uint8_t wire[8];
	} rows[] = {
		{ "RFC: 8 octets", UINT64_C(151288809941952652), 8,
		  { 0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c } },
		{ "RFC: 4 octets", 494878333, 4, { 0x9d, 0x7f, 0x3e, 0x7d } },
		{ "RFC: 2 octets", 15293, 2, { 0x7b, 0xbd } },
		{ "RFC: 1 octet", 37, 1, { 0x25 } },
		{ "zero", 0, 1, { 0 } },
		{ "largest of 1", 63, 1, { 0x3f } },
		{ "smallest of 2", 64, 2, { 0x40, 0x40 } },
		{ "smallest of 4", 16384, 4, { 0x80, 0, 0x40, 0 } },
		{ "smallest of 8", 1073741824, 8,
		  { 0xc0, 0, 0, 0, 0x40, 0, 0, 0 } },
		{ "largest", (UINT64_C(1) << 62) - 1, 8,
		  { 255, 255, 255, 255, 255, 255, 255, 255 } },
	};
	uint8_t out[8];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		assert_int_equal(varint_put(out, rows[i].value), rows[i].len);
		assert_memory_equal(out, rows[i].wire, rows[i].len);
		assert_int_equal(varint_get(&value, rows[i].wire,
					    rows[i].len), rows[i].len);
		assert_int_equal(value, rows[i].value);
		for (size_t cut = 0; cut < rows[i].len; cut++)
			assert_int_equal(varint_get(&value, rows[i].wire,
						    cut), 0);
	}
	/* Longer than needed is allowed (RFC 9000, 16). */
	assert_int_equal(varint_get(&value, (const uint8_t *)"\x40\x25", 2),
			 2);
	assert_int_equal(value, 37);
}

/* ---- SETTINGS ---- */

/* What nghttp3 1.8 writes first: type, SETTINGS, three pairs. */
static const uint8_t plain[] = { 0x00, 0x04, 0x07, 0x06, 0x80, 0x00,
				 0x40, 0x00, 0x33, 0x01 };

static void test_extend(void **state)
{
	uint8_t out[sizeof(plain) + SETTINGS_EXTRA];
	struct settings_reader r;
	size_t len;

	(void)state;
	len = settings_extend(out, plain, sizeof(plain));
	assert_in_range(len, sizeof(plain) + 20,
			sizeof(plain) + SETTINGS_EXTRA);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 4);
	assert_int_equal(out[2], len - 3);
	assert_memory_equal(out + 3, plain + 3, sizeof(plain) - 3);

	/* And what comes out is what we would accept. */
	memset(&r, 0, sizeof(r));
	settings_read(&r, out, len);
	assert_true(r.done);
	assert_true(r.datagram);
	assert_true(r.webtransport);
	assert_false(r.connect_protocol);

	/* Other forms go as they are. */
	assert_int_equal(settings_extend(out, plain, 2), 0);
	assert_int_equal(settings_extend(out, plain, sizeof(plain) - 1), 0);
	assert_int_equal(settings_extend(out, plain + 1, sizeof(plain) - 1),
			 0);
}

static void test_settings_read(void **state)
{
	static const struct {
		const char *name;
		uint8_t wire[48];
		size_t len;
		bool done, connect, datagram, webtransport;
	} rows[] = {
		{ "nothing", { 0 }, 0, false, false, false, false },
		{ "type only", { 0 }, 1, false, false, false, false },
		{ "empty SETTINGS", { 0, 4, 0 }, 3, true, false, false,
		  false },
		{ "incomplete", { 0, 4, 4, 0x08, 1 }, 5, false, false, false,
		  false },
		{ "connect", { 0, 4, 2, 0x08, 1 }, 5, true, true, false,
		  false },
		{ "connect off", { 0, 4, 2, 0x08, 0 }, 5, true, false, false,
		  false },
		{ "datagram", { 0, 4, 2, 0x33, 1 }, 5, true, false, true,
		  false },
		{ "draft datagram", { 0, 4, 5, 0x80, 0xff, 0xd2, 0x77, 1 }, 8,
		  true, false, true, false },
		{ "draft 2", { 0, 4, 5, 0xab, 0x60, 0x37, 0x42, 1 }, 8, true,
		  false, false, true },
		{ "draft 7, 4 sessions", { 0, 4, 9, 0xc0, 0, 0, 0, 0xc6, 0x71,
					   0x70, 0x6a, 4 }, 12, true, false,
		  false, true },
		{ "draft 7, no session", { 0, 4, 9, 0xc0, 0, 0, 0, 0xc6, 0x71,
					   0x70, 0x6a, 0 }, 12, true, false,
		  false, false },
		{ "draft 13", { 0, 4, 5, 0x94, 0xe9, 0xcd, 0x29, 1 }, 8, true,
		  false, false, true },
		{ "draft 15", { 0, 4, 5, 0xac, 0x7c, 0xf0, 0x00, 1 }, 8, true,
		  false, false, true },
		{ "grease around", { 0, 4, 6, 0x21, 5, 0x08, 1, 0x3f, 7 }, 9,
		  true, true, false, false },
		{ "value missing", { 0, 4, 3, 0x08, 1, 0x33 }, 6, true, true,
		  false, false },
		{ "not a control stream", { 2, 4, 2, 0x08, 1 }, 5, true,
		  false, false, false },
		{ "another frame first", { 0, 7, 1, 0 }, 4, true, false,
		  false, false },
		{ "larger than we keep", { 0, 4, 0x7f, 0xff }, 4, true, false,
		  false, false },
		{ "more frames behind", { 0, 4, 2, 0x08, 1, 7, 1, 0 }, 8,
		  true, true, false, false },
	};
	struct settings_reader r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		/* At once, and octet by octet. */
		for (int way = 0; way < 2; way++) {
			memset(&r, 0, sizeof(r));
			if (way == 0)
				settings_read(&r, rows[i].wire, rows[i].len);
			for (size_t n = 0; way && n < rows[i].len; n++)
				settings_read(&r, rows[i].wire + n, 1);
			assert_int_equal(r.done, rows[i].done);
			assert_int_equal(r.connect_protocol, rows[i].connect);
			assert_int_equal(r.datagram, rows[i].datagram);
			assert_int_equal(r.webtransport,
					 rows[i].webtransport);
		}
	}
}

/* ---- prefixes ---- */

static void test_prefix(void **state)
{
	static const struct {
		const char *name;
		bool bidi;
		uint8_t wire[16];
		size_t len;
		enum wt_prefix want;
		uint64_t session;
		size_t used;
	} rows[] = {
		{ "nothing", true, { 0 }, 0, WT_PREFIX_MORE, 0, 0 },
		{ "HEADERS", true, { 0x01, 0x20 }, 2, WT_PREFIX_HTTP, 0, 0 },
		{ "half of 0x41", true, { 0x40 }, 1, WT_PREFIX_MORE, 0, 0 },
		{ "0x41 alone", true, { 0x40, 0x41 }, 2, WT_PREFIX_MORE, 0,
		  0 },
		{ "bidi, session 4", true, { 0x40, 0x41, 0x04, 'x' }, 4,
		  WT_PREFIX_STREAM, 4, 3 },
		{ "bidi, long forms", true,
		  { 0xc0, 0, 0, 0, 0, 0, 0, 0x41, 0xc0, 0, 0, 0, 0, 0, 1, 0 },
		  16, WT_PREFIX_STREAM, 256, 16 },
		{ "0x54 is no bidi", true, { 0x40, 0x54, 4 }, 3,
		  WT_PREFIX_HTTP, 0, 0 },
		{ "uni, session 0", false, { 0x40, 0x54, 0 }, 3,
		  WT_PREFIX_STREAM, 0, 3 },
		{ "0x41 is no uni", false, { 0x40, 0x41, 4 }, 3,
		  WT_PREFIX_HTTP, 0, 0 },
		{ "control", false, { 0x00, 0x04 }, 2, WT_PREFIX_CONTROL, 0,
		  0 },
		{ "a bidi that begins with DATA", true, { 0x00, 0x04 }, 2,
		  WT_PREFIX_HTTP, 0, 0 },
		{ "QPACK", false, { 0x02 }, 1, WT_PREFIX_HTTP, 0, 0 },
	};
	uint64_t session;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		assert_int_equal(wt_prefix_read(rows[i].wire, rows[i].len,
						rows[i].bidi, &session, &used),
				 rows[i].want);
		if (rows[i].want != WT_PREFIX_STREAM)
			continue;
		assert_int_equal(session, rows[i].session);
		assert_int_equal(used, rows[i].used);
	}
}

/* ---- capsules ---- */

static void test_capsules(void **state)
{
	static const struct {
		const char *name;
		uint8_t wire[32];
		size_t len;
		enum wt_capsule want;
		uint32_t code;
	} rows[] = {
		{ "nothing", { 0 }, 0, WT_CAPSULE_MORE, 0 },
		{ "grease", { 0x17, 3, 1, 2, 3 }, 5, WT_CAPSULE_MORE, 0 },
		{ "empty one, then a close", { 0x17, 0, 0x68, 0x43, 4, 0, 0,
					       1, 2 }, 9, WT_CAPSULE_CLOSE,
		  258 },
		{ "close with text", { 0x68, 0x43, 7, 0, 0, 0, 9, 'b', 'y',
				       'e' }, 10, WT_CAPSULE_CLOSE, 9 },
		{ "close without its text yet", { 0x68, 0x43, 7, 0, 0, 0, 9 },
		  7, WT_CAPSULE_CLOSE, 9 },
		{ "half a close", { 0x68, 0x43, 4, 0, 0, 0 }, 6,
		  WT_CAPSULE_MORE, 0 },
		{ "close without a code", { 0x68, 0x43, 0 }, 3,
		  WT_CAPSULE_BROKEN, 0 },
		{ "close, code too short", { 0x68, 0x43, 3, 0, 0, 0 }, 6,
		  WT_CAPSULE_BROKEN, 0 },
		{ "close, text too long", { 0x68, 0x43, 0x44, 0x05 }, 4,
		  WT_CAPSULE_BROKEN, 0 },
		{ "unknown one of any length", { 0x17, 0xff, 0xff, 0xff, 0xff,
						 0xff, 0xff, 0xff, 0xff, 1,
						 2 }, 11, WT_CAPSULE_MORE, 0 },
	};
	struct wt_capsules c;
	enum wt_capsule got;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].name);
		memset(&c, 0, sizeof(c));
		assert_int_equal(wt_capsules_read(&c, rows[i].wire,
						  rows[i].len), rows[i].want);
		if (rows[i].want == WT_CAPSULE_CLOSE)
			assert_int_equal(c.code, rows[i].code);
		/* Octet by octet it comes to the same. */
		memset(&c, 0, sizeof(c));
		got = WT_CAPSULE_MORE;
		for (size_t n = 0; n < rows[i].len && got == WT_CAPSULE_MORE;
		     n++)
			got = wt_capsules_read(&c, rows[i].wire + n, 1);
		assert_int_equal(got, rows[i].want);
	}
	{
		uint8_t out[WT_CLOSE_LEN];

		wt_close_write(out);
		memset(&c, 0, sizeof(c));
		assert_int_equal(wt_capsules_read(&c, out, sizeof(out)),
				 WT_CAPSULE_CLOSE);
		assert_int_equal(c.code, 0);
	}
}

/* ---- the queue ---- */

static void test_queue(void **state)
{
	struct wt_queue q = { 0 };
	const uint8_t *data;
	uint8_t body[WT_QUEUE_OCTETS + 1] = { 0 };
	uint64_t put;
	size_t len;

	(void)state;
	assert_false(wt_queue_peek(&q, &data, &len, &put));
	wt_queue_pop(&q);
	assert_int_equal(wt_queue_put(&q, 5, (const uint8_t *)"\1\2", 2, "abc",
				      3), 0);
	assert_int_equal(wt_queue_put(&q, 6, (const uint8_t *)"\1", 1, "", 0),
			 0);
	assert_true(wt_queue_peek(&q, &data, &len, &put));
	assert_int_equal(len, 5);
	assert_memory_equal(data, "\1\2abc", 5);
	assert_int_equal(put, 5);
	wt_queue_pop(&q);
	assert_true(wt_queue_peek(&q, &data, &len, &put));
	assert_int_equal(len, 1);
	assert_int_equal(put, 6);
	wt_queue_pop(&q);
	assert_false(wt_queue_peek(&q, &data, &len, &put));
	assert_int_equal(wt_queue_put(&q, 7, body, 1, body,
				      WT_QUEUE_OCTETS), -1);
	/* The largest takes everything else's place. */
	assert_int_equal(wt_queue_put(&q, 7, body, 1, "x", 1), 0);
	assert_int_equal(wt_queue_put(&q, 8, body, 1, body,
				      WT_QUEUE_OCTETS - 17), 1);
	assert_true(wt_queue_peek(&q, &data, &len, &put));
	assert_int_equal(put, 8);
	wt_queue_free(&q);
}

/* Against a plain model: sizes at random, in and out at random. */
static void test_queue_model(void **state)
{
	static struct {
		uint32_t no;
		size_t len;
	} model[WT_QUEUE_OCTETS];
	struct wt_queue q = { 0 };
	uint8_t body[4000], prefix[4];
	uint32_t seed = 1, no = 0;
	size_t head = 0, tail = 0, len;
	const uint8_t *data;
	uint64_t put;
	int dropped;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		if ((seed >> 24) % 5 < 3) {
			len = (seed >> 8) % ((seed >> 30) ? 300 : 4000);
			memset(body, (uint8_t)no, len);
			memcpy(prefix, &no, 4);
			dropped = wt_queue_put(&q, no, prefix, 4, body, len);
			assert_true(dropped >= 0);
			/* Never more than needed: half of it stays. */
			head += (size_t)dropped;
			model[tail % COUNT(model)].no = no++;
			model[tail++ % COUNT(model)].len = len + 4;
		} else if (head < tail) {
			assert_true(wt_queue_peek(&q, &data, &len, &put));
			assert_int_equal(put, model[head % COUNT(model)].no);
			assert_int_equal(len, model[head % COUNT(model)].len);
			for (size_t i = 4; i < len; i++)
				assert_int_equal(data[i], (uint8_t)put);
			wt_queue_pop(&q);
			head++;
		}
		assert_int_equal(q.cnt, tail - head);
	}
	wt_queue_free(&q);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_varint),
	cmocka_unit_test(test_extend),
	cmocka_unit_test(test_settings_read),
	cmocka_unit_test(test_prefix),
	cmocka_unit_test(test_capsules),
	cmocka_unit_test(test_queue),
	cmocka_unit_test(test_queue_model),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
