/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/text.h"

static void uuids(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f", true },
		{ "0B8FF3C4-6A1E-4F0E-9D57-5A4F1C1D2E3F", true },
		{ "0b8ff3c4-6a1e-1f0e-9d57-5a4f1c1d2e3f", false },
		{ "0b8ff3c4-6a1e-4f0e-cd57-5a4f1c1d2e3f", false },
		{ "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3", false },
		{ "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3g", false },
		{ "0b8ff3c406a1e-4f0e-9d57-5a4f1c1d2e3f", false },
		{ "987", false },
		{ "", false },
	};
	char a[UUID_LEN + 1], b[UUID_LEN + 1];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		assert_int_equal(uuid_valid(rows[i].text,
					    strlen(rows[i].text)),
				 rows[i].want);
	}
	for (i = 0; i < 100; i++) {
		uuid_make(a);
		uuid_make(b);
		assert_true(uuid_valid(a, strlen(a)));
		assert_string_not_equal(a, b);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t ms;
	} rows[] = {
		{ "2020-02-07T19:22:21.120Z", 0, UINT64_C(1581103341120) },
		{ "2020-02-07T19:22:21Z", 0, UINT64_C(1581103341000) },
		{ "2020-02-07t19:22:21.1z", 0, UINT64_C(1581103341100) },
		{ "2020-02-07 19:22:21.123456789Z", 0,
		  UINT64_C(1581103341123) },
		{ "2020-02-07T20:22:21.120+01:00", 0,
		  UINT64_C(1581103341120) },
		{ "2020-02-07T14:22:21.120-05:00", 0,
		  UINT64_C(1581103341120) },
		{ "1970-01-01T00:00:00.000Z", 0, 0 },
		{ "2020-02-29T00:00:00Z", 0, UINT64_C(1582934400000) },
		{ "2000-02-29T00:00:00Z", 0, UINT64_C(951782400000) },
		{ "2016-12-31T23:59:60Z", 0, UINT64_C(1483228800000) },
		{ "2019-02-29T00:00:00Z", EINVAL, 0 },
		{ "2100-02-29T00:00:00Z", EINVAL, 0 },
		{ "1970-01-01T00:00:00+00:01", EINVAL, 0 },
		{ "1969-12-31T23:59:59Z", EINVAL, 0 },
		{ "2020-13-07T19:22:21Z", EINVAL, 0 },
		{ "2020-00-07T19:22:21Z", EINVAL, 0 },
		{ "2020-02-07T24:22:21Z", EINVAL, 0 },
		{ "2020-02-07T19:60:21Z", EINVAL, 0 },
		{ "2020-02-07T19:22:61Z", EINVAL, 0 },
		{ "2020-02-07T19:22:21.Z", EINVAL, 0 },
		{ "2020-02-07T19:22:21", EINVAL, 0 },
		{ "2020-02-07T19:22:21Zx", EINVAL, 0 },
		{ "2020-02-07T19:22:21+1:00", EINVAL, 0 },
		{ "2020-2-07T19:22:21Z", EINVAL, 0 },
		{ "", EINVAL, 0 },
	};
	char out[RFC3339_LEN + 1];
	uint64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		ms = 0;
		assert_int_equal(rfc3339_parse(&ms, rows[i].text),
				 rows[i].err);
		assert_int_equal(ms, rows[i].ms);
	}
	rfc3339_print(out, UINT64_C(1581103341120));
	assert_string_equal(out, "2020-02-07T19:22:21.120Z");
	rfc3339_print(out, 0);
	assert_string_equal(out, "1970-01-01T00:00:00.000Z");
	rfc3339_print(out, UINT64_MAX);
	assert_string_equal(out, "9999-12-31T23:59:59.999Z");
}

static void base64url_texts(void **state)
{
	static const struct {
		const char *plain;
		const char *text;
	} rows[] = {	/* RFC 4648, 10, without padding */
		{ "", "" },	      { "f", "Zg" },	   { "fo", "Zm8" },
		{ "foo", "Zm9v" },    { "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xef\xbe", "_---" },
	};
	static const char *const bad[] = { "Z", "Zg==", "Zh", "Zm9", "Zm+v",
					   "Zm/v", "Z m9", "Zm9vY" };
	uint8_t *data;
	size_t i, len;
	char *text;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		text = base64url_encode(rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(text, rows[i].text);
		free(text);
		assert_int_equal(base64url_decode(&data, &len, rows[i].text,
						  strlen(rows[i].text)), 0);
		assert_int_equal(len, strlen(rows[i].plain));
		assert_memory_equal(data, rows[i].plain, len);
		free(data);
	}
	for (i = 0; i < COUNT(bad); i++) {
		row_name(bad[i]);
		assert_int_equal(base64url_decode(&data, &len, bad[i],
						  strlen(bad[i])), EINVAL);
	}
}

static void hex_and_digest(void **state)
{
	uint8_t out[SHA256_LEN], raw[2];
	char text[2 * SHA256_LEN + 1];

	(void)state;
	sha256(out, "abc", 3);
	hex_encode(text, out, sizeof(out));
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad");
	sha256(out, NULL, 0);
	hex_encode(text, out, sizeof(out));
	assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb924"
				  "27ae41e4649b934ca495991b7852b855");
	assert_int_equal(hex_decode(raw, 2, "A0f9"), 0);
	assert_memory_equal(raw, "\xa0\xf9", 2);
	assert_int_equal(hex_decode(raw, 2, "a0f"), EINVAL);
	assert_int_equal(hex_decode(raw, 2, "a0f9a"), EINVAL);
	assert_int_equal(hex_decode(raw, 2, "a0fg"), EINVAL);
	assert_true(secret_equal("abc", "abc", 3));
	assert_false(secret_equal("abc", "abd", 3));
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *out;
		const char *host;
		uint16_t port;
	} rows[] = {
		{ "192.0.2.1:5060", 0, "192.0.2.1:5060", "192.0.2.1", 5060 },
		{ "192.0.2.1", 0, "192.0.2.1", "192.0.2.1", 0 },
		{ "[::1]:443", 0, "[::1]:443", "::1", 443 },
		{ "[2001:db8::1]", 0, "2001:db8::1", "2001:db8::1", 0 },
		{ "2001:db8::1", 0, "2001:db8::1", "2001:db8::1", 0 },
		{ "[::ffff:192.0.2.1]:1", 0, "[::ffff:192.0.2.1]:1",
		  "::ffff:192.0.2.1", 1 },
		{ "0.0.0.0:65535", 0, "0.0.0.0:65535", "0.0.0.0", 65535 },
		{ "192.0.2.1:65536", EINVAL, NULL, NULL, 0 },
		{ "192.0.2.1:", EINVAL, NULL, NULL, 0 },
		{ "192.0.2.1:-1", EINVAL, NULL, NULL, 0 },
		{ "192.0.2.1:5060x", EINVAL, NULL, NULL, 0 },
		{ "[192.0.2.1]:1", EINVAL, NULL, NULL, 0 },
		{ "[::1", EINVAL, NULL, NULL, 0 },
		{ "[::1]x", EINVAL, NULL, NULL, 0 },
		{ "host.example", EINVAL, NULL, NULL, 0 },
		{ "", EINVAL, NULL, NULL, 0 },
	};
	char out[ADDR_TEXT_LEN];
	struct addr addr, other;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].text);
		assert_int_equal(addr_parse(&addr, rows[i].text),
				 rows[i].err);
		if (rows[i].err)
			continue;
		addr_print(out, &addr);
		assert_string_equal(out, rows[i].out);
		addr_print_host(out, &addr);
		assert_string_equal(out, rows[i].host);
		assert_int_equal(addr_port(&addr), rows[i].port);
	}
	assert_int_equal(addr_parse(&addr, "192.0.2.1:1"), 0);
	assert_int_equal(addr_parse(&other, "192.0.2.1:2"), 0);
	assert_true(addr_same_host(&addr, &other));
	assert_false(addr_equal(&addr, &other));
	addr_set_port(&other, 1);
	assert_true(addr_equal(&addr, &other));
	assert_int_equal(addr_parse(&other, "[::1]:1"), 0);
	assert_false(addr_same_host(&addr, &other));
}

static void amounts(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t want;
	} durations[] = {
		{ "250ms", 0, 250 },	 { "10s", 0, 10000 },
		{ "3m", 0, 180000 },	 { "4h", 0, 14400000 },
		{ "2d", 0, 172800000 },	 { "0s", 0, 0 },
		{ "10", EINVAL, 0 },	 { "s", EINVAL, 0 },
		{ "-1s", EINVAL, 0 },	 { "10 s", EINVAL, 0 },
		{ "1.5s", EINVAL, 0 },	 { "10sx", EINVAL, 0 },
		{ "", EINVAL, 0 },	 { "18446744073709551615d", EINVAL, 0 },
		{ "99999999999999999999ms", EINVAL, 0 },
	}, sizes[] = {
		{ "17", 0, 17 },	 { "64K", 0, 65536 },
		{ "1M", 0, 1048576 },	 { "2G", 0, UINT64_C(2147483648) },
		{ "64k", EINVAL, 0 },	 { "K", EINVAL, 0 },
		{ "64KB", EINVAL, 0 },	 { "", EINVAL, 0 },
		{ "18446744073709551615K", EINVAL, 0 },
	};
	uint64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(durations); i++) {
		row_name(durations[i].text);
		value = 0;
		assert_int_equal(duration_parse(&value, durations[i].text),
				 durations[i].err);
		assert_int_equal(value, durations[i].want);
	}
	for (i = 0; i < COUNT(sizes); i++) {
		row_name(sizes[i].text);
		value = 0;
		assert_int_equal(size_parse(&value, sizes[i].text),
				 sizes[i].err);
		assert_int_equal(value, sizes[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuids),
		cmocka_unit_test(times),
		cmocka_unit_test(base64url_texts),
		cmocka_unit_test(hex_and_digest),
		cmocka_unit_test(addresses),
		cmocka_unit_test(amounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
