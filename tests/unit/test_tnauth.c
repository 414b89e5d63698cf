/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/tnauth.h"

static struct tnauth *from_hex(const char *hex, int want)
{
	uint8_t der[256];
	struct tnauth *auth = NULL;
	size_t len = strlen(hex) / 2;

	assert_int_equal(hex_decode(der, len, hex), 0);
	assert_int_equal(tnauth_parse(&auth, der, len), want);
	return auth;
}

static void test_parse(void **state)
{
	struct tnauth *auth;
	struct buf text;

	(void)state;
	/* A service provider code, as SHAKEN certificates have it. */
	auth = from_hex("3008a00616043730394a", 0);
	assert_false(tnauth_has_numbers(auth));
	assert_false(tnauth_covers(auth, "+14085551000"));
	buf_init(&text, SIZE_MAX);
	tnauth_print(&text, auth);
	assert_string_equal(buf_str(&text), "provider 709J");
	buf_free(&text);
	tnauth_free(&auth);
	/* One number, then a range of two. */
	auth = from_hex("3021"
			"a20d160b3134303835353531303030"
			"a110300e1609313231323535353039020102", 0);
	assert_true(tnauth_has_numbers(auth));
	assert_true(tnauth_covers(auth, "+14085551000"));
	assert_false(tnauth_covers(auth, "+14085551001"));
	assert_true(tnauth_covers(auth, "+121255509"));
	assert_true(tnauth_covers(auth, "+121255510"));
	assert_false(tnauth_covers(auth, "+121255511"));
	assert_false(tnauth_covers(auth, "+121255508"));
	assert_false(tnauth_covers(auth, "14085551000"));
	assert_false(tnauth_covers(auth, "+"));
	assert_false(tnauth_covers(auth, "+14085551000x"));
	tnauth_free(&auth);
	tnauth_free(&auth);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *hex, *what;
	} rows[] = {
		{ "", "nothing" },
		{ "30", "no length" },
		{ "3000", "no entry" },
		{ "3008a00616043730394a00", "something behind" },
		{ "3008a0061604373039", "too short" },
		{ "3080a00616043730394a0000", "indefinite length" },
		{ "300680043730394a", "an implicit tag" },
		{ "3008a30616043730394a", "an unknown choice" },
		{ "3008a0060c043730394a", "UTF8String" },
		{ "3009a00716043730394a00", "something behind the code" },
		{ "3008a0061604373000ff", "not printable" },
		{ "3006a20416023141", "a letter in a number" },
		{ "3004a2021600", "an empty number" },
		{ "3014a212161031323334353637383930313233343536",
		  "16 digits" },
		{ "300ba109300716023131020101", "a count of one" },
		{ "300ba1093007160231310201ff", "a negative count" },
		{ "3013a111300f160231310209010000000000000000",
		  "a count beyond 64 bits" },
		{ "300ea10c300a16023131020102020100", "a third element" },
		{ "3008a106300416023131", "no count" },
		{ "3006a10416023131", "no sequence" },
		{ "30023000", "no choice" },
	};
	struct tnauth *auth;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].what);
		auth = from_hex(rows[i].hex, EINVAL);
		assert_null(auth);
	}
}

static struct tnauth *from_pattern(const char *pattern)
{
	struct tnauth *auth = tnauth_new(), *read = NULL;
	uint8_t *der;
	size_t len;

	assert_int_equal(tnauth_add_pattern(auth, pattern), 0);
	tnauth_encode(auth, &der, &len);
	assert_int_equal(tnauth_parse(&read, der, len), 0);
	free(der);
	tnauth_free(&auth);
	return read;
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *number;
		bool covers;
	} rows[] = {
		{ "+14085551000", "+14085551000", true },
		{ "+14085551000", "+14085551001", false },
		{ "+1408555*", "+14085550000", true },
		{ "+1408555*", "+14085559999", true },
		{ "+1408555*", "+14085560000", false },
		{ "+1408555*", "+14085549999", false },
		{ "+1408555*", "+140855500000", false },
		{ "+1*", "+19999999999", true },
		{ "+44*", "+44", true },
		{ "+44*", "+442071234567", true },
		{ "+44*", "+449999999999999", true },
		{ "+44*", "+452071234567", false },
		{ "+44*", "+4", false },
		{ "+442071234567*", "+442071234567", true },
		{ "+442071234567*", "+4420712345678", true },
		{ "*", "+14085551000", true },
		{ "*", "+10", true },
		{ "*", "+999999999999999", true },
		{ "+*", "+4912", true },
		{ "*", "+0123", false },
	};
	static const char *const bad[] = { "",	      "+",	  "911",
					   "9*",      "*@a.example", "+1x*",
					   "+0*",     "+1408**",  "+1234567890123456",
					   "+140855512345*" };
	struct tnauth *auth;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		auth = from_pattern(rows[i].pattern);
		if (tnauth_covers(auth, rows[i].number) != rows[i].covers)
			fail_msg("%s %s", rows[i].pattern, rows[i].number);
		tnauth_free(&auth);
	}
	auth = tnauth_new();
	for (i = 0; i < COUNT(bad); i++)
		if (tnauth_add_pattern(auth, bad[i]) != EINVAL)
			fail_msg("%s", bad[i]);
	tnauth_free(&auth);
}

/* What openssl makes of it. */
static void test_openssl_reads_it(void **state)
{
	struct tnauth *auth = tnauth_new();
	BIO *out = BIO_new(BIO_s_mem());
	uint8_t *der;
	char *data, text[1024];
	size_t len;
	long n;

	(void)state;
	assert_int_equal(tnauth_add_pattern(auth, "+1408555*"), 0);
	assert_int_equal(tnauth_add_pattern(auth, "+14155551212"), 0);
	tnauth_encode(auth, &der, &len);
	assert_int_equal(ASN1_parse_dump(out, der, (long)len, 0, 0), 1);
	n = BIO_get_mem_data(out, &data);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	memcpy(text, data, (size_t)n);
	text[n] = '\0';
	assert_non_null(strstr(text, "cont [ 1 ]"));
	assert_non_null(strstr(text, "IA5STRING         :14085550000"));
	assert_non_null(strstr(text, "INTEGER           :2710"));
	assert_non_null(strstr(text, "cont [ 2 ]"));
	assert_non_null(strstr(text, "IA5STRING         :14155551212"));
	BIO_free(out);
	free(der);
	tnauth_free(&auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_openssl_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
