/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "media/rtcp.h"
#include "tests/unit/unit.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define WALL UINT64_C(1581103341120)	/* 2020-02-07T19:22:21.120Z */

static struct rtcp_tx tx_of(uint32_t ssrc)
{
	struct rtcp_tx tx = { .ssrc = ssrc, .cname = "0123456789abcdef" };

	return tx;
}

static void heard(struct rtcp_rx *rx, uint32_t ssrc, uint16_t seq,
		  uint32_t ts, uint64_t now_ns)
{
	struct rtp rtp = { .ssrc = ssrc, .seq = seq, .timestamp = ts };

	rtcp_rx_packet(rx, &rtp, 8000, now_ns);
}

static void silent_member(void **state)
{
	struct rtcp_tx tx = tx_of(0x01020304);
	struct rtcp_rx rx = { 0 };
	struct rtcp_seen seen;
	uint8_t packet[RTCP_MAX];
	char hex[2 * RTCP_MAX + 1];
	size_t len;

	(void)state;
	len = rtcp_write(packet, &tx, &rx, false, S, WALL);
	hex_encode(hex, packet, len);
	assert_string_equal(hex, "80c9000101020304" "81ca0006" "01020304"
				 "0110" "30313233343536373839616263646566"
				 "0000");
	assert_int_equal(rtcp_parse(&seen, packet, len, 9), 0);
	assert_false(seen.sr || seen.bye || seen.report);
	assert_int_equal(seen.sender_ssrc, 0x01020304);

	len = rtcp_write(packet, &tx, &rx, true, S, WALL);
	assert_int_equal(rtcp_parse(&seen, packet, len, 9), 0);
	assert_true(seen.bye);
}

/* a sends and hears b; b's parser reads what a wrote. */
static void sender_report(void **state)
{
	struct rtcp_tx a = tx_of(1);
	struct rtcp_rx rx = { 0 };
	struct rtcp_seen seen;
	uint8_t packet[RTCP_MAX];
	size_t len, i;

	(void)state;
	a.packets = 50;
	a.octets = 8000;
	a.last_ts = 16000;
	a.last_ns = 10 * S;
	a.clock_hz = 8000;
	for (i = 0; i < 101; i++)	/* every fifth of 2 lost */
		if (i % 5 != 2)
			heard(&rx, 2, (uint16_t)(65500 + i),
			      160 * (uint32_t)i, 8 * S + i * 20 * MS);
	len = rtcp_write(packet, &a, &rx, false, 10 * S + 500 * MS, WALL);
	assert_true(len <= RTCP_MAX);
	assert_int_equal(rtcp_parse(&seen, packet, len, 2), 0);
	assert_true(seen.sr && seen.report);
	assert_int_equal(seen.lost, 20);
	assert_int_equal(seen.fraction_lost, 20 * 256 / 101);
	assert_int_equal(seen.jitter, 0);
	assert_int_equal(seen.last_sr, 0);
	/* RTP timestamp 500 ms after the last packet. */
	assert_int_equal((uint32_t)packet[16] << 24 | packet[17] << 16 |
				 packet[18] << 8 | packet[19],
			 16000 + 4000);
	/* NTP: whole seconds, and 120 ms as a fraction. */
	assert_int_equal(seen.ntp_mid,
			 (uint32_t)((WALL / 1000 + 2208988800u) << 16) |
				 120 * 65536 / 1000);

	/* Nothing was lost since: the fraction is 0, the count stays. */
	heard(&rx, 2, (uint16_t)(65500 + 101), 160 * 101, 11 * S);
	len = rtcp_write(packet, &a, &rx, false, 11 * S, WALL);
	assert_int_equal(rtcp_parse(&seen, packet, len, 2), 0);
	assert_int_equal(seen.lost, 20);
	assert_int_equal(seen.fraction_lost, 0);

	/* A new SSRC begins anew. */
	heard(&rx, 3, 7, 0, 12 * S);
	len = rtcp_write(packet, &a, &rx, false, 12 * S, WALL);
	assert_int_equal(rtcp_parse(&seen, packet, len, 2), 0);
	assert_false(seen.report);
	assert_int_equal(rtcp_parse(&seen, packet, len, 3), 0);
	assert_true(seen.report);
	assert_int_equal(seen.lost, 0);
}

static void jitter(void **state)
{
	struct rtcp_rx rx = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 500; i++)	/* 10 ms to and fro: 80 units */
		heard(&rx, 2, (uint16_t)i, 160 * i,
		      S + i * 20 * MS + (i % 2) * 10 * MS);
	assert_in_range(rx.jitter16 / 16, 78, 80);
}

/* SR from a, answered by b 300 ms later, read by a after 40 ms of way. */
static void round_trip(void **state)
{
	struct rtcp_tx a = tx_of(1), b = tx_of(2);
	struct rtcp_rx rx_a = { 0 }, rx_b = { 0 };
	struct rtcp_seen seen;
	uint8_t packet[RTCP_MAX];
	size_t len;

	(void)state;
	a.packets = 1;
	a.clock_hz = 8000;
	heard(&rx_b, 1, 1, 0, S);
	len = rtcp_write(packet, &a, &rx_a, false, S, WALL);
	assert_int_equal(rtcp_parse(&seen, packet, len, 2), 0);
	rtcp_rx_sr(&rx_b, &seen, 2 * S);
	len = rtcp_write(packet, &b, &rx_b, false, 2 * S + 300 * MS, 0);
	assert_int_equal(rtcp_parse(&seen, packet, len, 1), 0);
	assert_in_range(rtcp_round_trip_ms(&seen, WALL + 340), 38, 41);
	assert_int_equal(rtcp_round_trip_ms(&seen, WALL - 5000), 0);
	seen.last_sr = 0;
	assert_int_equal(rtcp_round_trip_ms(&seen, WALL + 340), 0);
}

static void bad_packets(void **state)
{
	static const struct {
		const char *hex;
		int err;
	} rows[] = {
		{ "", EBADMSG },
		{ "80c90001010203", EBADMSG },
		{ "40c9000101020304", EBADMSG },
		{ "80c9000201020304", EBADMSG },	/* longer than it is */
		{ "80c9000101020304", 0 },
		{ "81c9000101020304", 0 },	/* the block is missing */
		{ "80c8000101020304", 0 },	/* SR without its body */
		{ "80c900010102030480cb0000", 0 },
		{ "80c900010102030480cb00", EBADMSG },
		{ "80cc000101020304", 0 },	/* APP: skipped */
		{ "80c9ffff01020304", EBADMSG },
	};
	struct rtcp_seen seen;
	uint8_t data[64];
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		len = strlen(rows[i].hex) / 2;
		assert_int_equal(hex_decode(data, len, rows[i].hex), 0);
		assert_int_equal(rtcp_parse(&seen, data, len, 1),
				 rows[i].err);
		assert_false(seen.sr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_member),
		cmocka_unit_test(sender_report),
		cmocka_unit_test(jitter),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(bad_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
