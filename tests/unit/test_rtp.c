/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "media/rtp.h"
#include "tests/unit/unit.h"

static void parsing(void **state)
{
	static const struct {
		const char *name;
		const char *hex;
		int payload;	/* octets; -1: refused */
	} rows[] = {
		{ "plain", "8000000a000000a0deadbeefff", 1 },
		{ "no payload", "8000000a000000a0deadbeef", 0 },
		{ "empty", "", -1 },
		{ "11 octets", "8000000a000000a0deadbe", -1 },
		{ "version 1", "4000000a000000a0deadbeefff", -1 },
		{ "one CSRC", "8100000a000000a0deadbeef00000001ffff", 2 },
		{ "CSRCs cut", "8f00000a000000a0deadbeef00000001", -1 },
		{ "extension", "9000000a000000a0deadbeefbede0001"
			       "10ff0000aa", 1 },
		{ "extension of none", "9000000a000000a0deadbeefbede0000aa",
		  1 },
		{ "extension cut", "9000000a000000a0deadbeefbede", -1 },
		{ "extension too long", "9000000a000000a0deadbeefbedeffffaa",
		  -1 },
		{ "padding", "a000000a000000a0deadbeefaa000003", 1 },
		{ "all padding", "a000000a000000a0deadbeef000003", 0 },
		{ "padding of none", "a000000a000000a0deadbeefaa00", -1 },
		{ "too much padding", "a000000a000000a0deadbeefaa0004", -1 },
		{ "padding, no octet", "a000000a000000a0deadbeef", -1 },
	};
	uint8_t data[64];
	struct rtp rtp;
	size_t i, len;
	int err;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		len = strlen(rows[i].hex) / 2;
		assert_int_equal(hex_decode(data, len, rows[i].hex), 0);
		err = rtp_parse(&rtp, data, len);
		if (rows[i].payload < 0 ? err != EBADMSG
					: err != 0 ||
						  rtp.payload_len !=
							  (size_t)rows[i]
								  .payload)
			fail_msg("%s", rows[i].name);
	}
}

static void round_trip(void **state)
{
	struct rtp in = {
		.marker = true, .pt = 101, .seq = 65535,
		.timestamp = 0x89abcdef, .ssrc = 0xfedcba98,
	};
	uint8_t data[RTP_HEADER];
	struct rtp out;

	(void)state;
	rtp_write(data, &in);
	assert_int_equal(rtp_parse(&out, data, sizeof(data)), 0);
	assert_true(out.marker);
	assert_int_equal(out.pt, 101);
	assert_int_equal(out.seq, 65535);
	assert_int_equal(out.timestamp, 0x89abcdef);
	assert_int_equal(out.ssrc, 0xfedcba98);
	assert_int_equal(out.payload_len, 0);
}

static void extended(void **state)
{
	static const struct {
		uint16_t seq;
		uint64_t high, want;
	} rows[] = {
		{ 11, 65536 + 10, 65536 + 11 },
		{ 0, 65536 + 65535, 131072 },
		{ 65535, 131072, 131071 },
		{ 32767, 65536, 65536 + 32767 },
		{ 32769, 65536, 65536 - 32767 },
		{ 5, 65536 + 5, 65536 + 5 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_true(rtp_extend(rows[i].seq, rows[i].high) ==
			    rows[i].want);
}

static void shared_port(void **state)
{
	static const uint8_t rtcp[8] = { 0x80, 200 }, marked[8] = { 0x80, 0x80 },
			     rtp[8] = { 0x80, 8 };

	(void)state;
	assert_true(rtp_is_rtcp(rtcp, 8));
	assert_false(rtp_is_rtcp(rtcp, 7));
	assert_false(rtp_is_rtcp(marked, 8));
	assert_false(rtp_is_rtcp(rtp, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(extended),
		cmocka_unit_test(shared_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
