/* SPDX-License-Identifier: MIT */
/* What becomes of a packet: fates, payloads, directions, sources. */
#include "base/metric.h"
#include "media/rtcp.h"
#include "tests/unit/bridge_world.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

static struct world w;

static uint64_t from_rtp(enum bridge_fate fate)
{
	return world_fate(&w, false, fate);
}

static uint64_t from_ript(enum bridge_fate fate)
{
	return world_fate(&w, true, fate);
}

/* Every packet has met exactly one fate. */
static void assert_total(bool ript, uint64_t packets)
{
	uint64_t sum = 0;
	unsigned fate;

	for (fate = 0; fate < FATE_CNT; fate++)
		sum += world_fate(&w, ript, (enum bridge_fate)fate);
	assert_int_equal(sum, packets);
}

static void packet(const char *from, uint16_t seq, uint8_t pt)
{
	static const uint8_t media[160];
	struct rtp rtp = {
		.seq = seq, .timestamp = 160u * seq, .pt = pt, .ssrc = 9,
		.payload = media, .payload_len = sizeof(media),
	};

	world_rtp(&w, from, &rtp);
}

static void fates_from_rtp(void **state)
{
	struct bridge_ript ript;
	struct addr phone;

	(void)state;
	world_open_bare(&w);
	packet(NULL, 1, 0);
	assert_int_equal(from_rtp(FATE_NOT_READY), 1);	/* no SIP side */
	world_close(&w);

	world_open(&w, true);
	assert_int_equal(addr_parse(&phone, PHONE), 0);
	fake_rtp_port_in(w.port, "\x40\0\0\0\0\0\0\0\0\0\0\0", 12, &phone,
			 false);
	fake_rtp_port_in(w.port, "", 0, &phone, false);
	assert_int_equal(from_rtp(FATE_BAD_RTP), 2);
	packet(NULL, 1, 0);
	assert_int_equal(from_rtp(FATE_FORWARDED), 1);
	packet("192.0.2.1:4002", 2, 0);
	assert_int_equal(from_rtp(FATE_WRONG_SOURCE), 1);
	packet(NULL, 2, 77);
	assert_int_equal(from_rtp(FATE_UNKNOWN_PT), 1);
	packet(NULL, 1, 0);
	assert_int_equal(from_rtp(FATE_DUPLICATE), 1);

	/* The directive allows PCMU alone: nothing else leaves. */
	ript = w.ript;
	ript.tx_codecs = 1u << CODEC_PCMU;
	bridge_set_ript(w.bridge, &ript);
	packet(NULL, 2, 8);
	packet(NULL, 3, PT_EVENT);
	packet(NULL, 4, 13);
	assert_int_equal(from_rtp(FATE_NOT_DIRECTED), 3);
	packet(NULL, 5, 0);
	assert_int_equal(from_rtp(FATE_FORWARDED), 2);
	assert_int_equal(w.body_cnt, 2);
	world_parse(&w, 1);
	assert_int_equal(w.chunk[0].payload_type, 0);
	ript.tx_codecs = 0;
	bridge_set_ript(w.bridge, &ript);
	packet(NULL, 6, 0);
	assert_int_equal(from_rtp(FATE_NOT_DIRECTED), 4);
	assert_int_equal(w.body_cnt, 2);
	shows("RIPT-DR-09");
	bridge_set_ript(w.bridge, &w.ript);

	w.send_err = EAGAIN;
	packet(NULL, 7, 0);
	w.send_err = ENOTCONN;
	packet(NULL, 8, 0);
	assert_int_equal(from_rtp(FATE_NO_WAY), 2);
	w.send_err = EMSGSIZE;
	packet(NULL, 9, 0);
	w.send_err = ENOBUFS;
	packet(NULL, 10, 0);
	assert_int_equal(from_rtp(FATE_NO_ROOM), 2);
	w.send_err = EIO;
	packet(NULL, 11, 0);
	assert_int_equal(from_rtp(FATE_SEND_FAILED), 1);
	w.send_err = 0;

	packet(NULL, 900, 0);
	packet(NULL, 400, 0);
	assert_int_equal(from_rtp(FATE_LATE), 1);

	w.sip.local.dir = MEDIA_SENDONLY;
	bridge_set_sip(w.bridge, &w.sip);
	packet(NULL, 901, 0);
	assert_int_equal(from_rtp(FATE_NOT_NEGOTIATED), 1);
	assert_total(false, 19);
	world_close(&w);
}

/* A packet larger than a datagram's room is refused, acks or not. */
static void no_room(void **state)
{
	static const uint8_t media[1400];
	struct rtp rtp = { .seq = 1, .payload = media };

	(void)state;
	world_open(&w, true);
	w.room = 1200;
	rtp.payload_len = 1400;
	world_rtp(&w, NULL, &rtp);
	assert_int_equal(from_rtp(FATE_NO_ROOM), 1);
	rtp.seq = 2;
	rtp.payload_len = 1100;
	world_rtp(&w, NULL, &rtp);
	assert_int_equal(from_rtp(FATE_FORWARDED), 1);
	w.room = 65536;
	rtp.seq = 3;
	rtp.payload_len = 1400;
	world_rtp(&w, NULL, &rtp);
	assert_int_equal(from_rtp(FATE_FORWARDED), 2);
	world_close(&w);
}

static void in(uint64_t seq, enum codec codec)
{
	static const uint8_t media[160];
	struct chunk c = world_chunk(WALL_MS + seq, WALL_MS + 20 * seq, codec,
				     media, 160);

	assert_int_equal(world_chunk_in(&w, &c), 0);
}

static void fates_from_ript(void **state)
{
	static const uint8_t media[1600];
	struct chunk c;

	(void)state;
	world_open_bare(&w);
	in(0, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_NOT_READY), 1);	/* no directive */
	bridge_set_ript(w.bridge, &(struct bridge_ript){ .rx_sink = 1 });
	in(1, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_NOT_READY), 2);	/* no SIP side */
	world_close(&w);

	world_open(&w, false);
	c = world_chunk(WALL_MS, WALL_MS, CODEC_PCMU, media, 160);
	c.seq.value &= 0xffff;
	c.seq.width = 2;
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_UNREBUILT), 1);
	in(1, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_FORWARDED), 1);
	in(1, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_DUPLICATE), 1);
	in(2, CODEC_GSM);	/* in no SDP */
	assert_int_equal(from_ript(FATE_NOT_NEGOTIATED), 1);
	c = world_chunk(WALL_MS + 3, WALL_MS, CODEC_PCMU, media, 160);
	c.payload_type = 55;
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_UNKNOWN_PT), 1);
	c = world_chunk(WALL_MS + 4, WALL_MS, CODEC_PCMU, media, 1500);
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_NO_ROOM), 1);
	c = world_chunk(WALL_MS + 5, WALL_MS, CODEC_PCMU, media, 160);
	c.sink = 2;
	assert_int_equal(world_chunk_in(&w, &c), 0);
	c.sink = 1;
	c.source = 3;
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_WRONG_STREAM), 2);
	c = world_chunk(WALL_MS + 5, WALL_MS, CODEC_TELEPHONE_EVENT, media,
			4);
	c.env |= CHUNK_BIT(CHUNK_RTP_CLOCK);
	c.rtp_clock = 48000;	/* the SDP says 8000 */
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_NOT_NEGOTIATED), 2);

	c.env &= ~CHUNK_BIT(CHUNK_TIMESTAMP);
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_BAD_CHUNK), 1);
	assert_int_equal(world_body_in(&w, "\x01", 1), EINVAL);
	assert_int_equal(world_body_in(&w, "\x03\x02\x01\x00", 4), EINVAL);
	assert_int_equal(from_ript(FATE_BAD_CHUNK), 3);
	assert_int_equal(world_body_in(&w, "", 0), EINVAL);
	/* Tag 13: the package stays shut. */
	assert_int_equal(world_body_in(&w, "\x05\x03\x0d\x01\x01\xff", 6), 0);
	assert_int_equal(from_ript(FATE_ENCRYPTED), 1);

	fake_rtp_fail(EPERM);
	in(6, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_SEND_FAILED), 1);
	fake_rtp_fail(0);
	in(700, CODEC_PCMU);
	in(300, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_LATE), 1);
	assert_total(true, 16);
	world_close(&w);
}

/* CC-02: a control chunk of an unknown type is ignored, and what is beside it
 * in the body is not. */
static void unknown_control(void **state)
{
	static const uint8_t media[160];
	struct chunk control = {
		.env = CHUNK_BIT(CHUNK_CONTROL) |
		       CHUNK_BIT(CHUNK_CONTROL_TYPE),
		.control_type = 4711,
	};
	struct chunk c = world_chunk(WALL_MS, WALL_MS, CODEC_PCMU, media,
				     160);
	uint8_t body[512];
	size_t len;

	(void)state;
	world_open(&w, true);
	len = chunk_write(body, sizeof(body), &control);
	control.env = CHUNK_BIT(CHUNK_CONTROL);
	len += chunk_write(body + len, sizeof(body) - len, &control);
	len += chunk_write(body + len, sizeof(body) - len, &c);
	assert_int_equal(world_body_in(&w, body, len), 0);
	assert_int_equal(from_ript(FATE_UNKNOWN_CONTROL), 2);
	assert_int_equal(from_ript(FATE_FORWARDED), 1);
	shows("RIPT-CC-02");
	world_close(&w);
}

/* A client plays what comes to its sink, also from a source and in a codec
 * that the server's directive does not name. */
static void unsolicited(void **state)
{
	static const uint8_t media[160];
	struct chunk c;

	(void)state;
	world_open(&w, true);
	w.ript.rx_source = 200;		/* a directive of nonsense */
	w.ript.rx_codecs = 1u << CODEC_GSM;
	bridge_set_ript(w.bridge, &w.ript);
	c = world_chunk(WALL_MS, WALL_MS, CODEC_PCMA, media, 160);
	c.source = 5;
	assert_int_equal(world_chunk_in(&w, &c), 0);
	assert_int_equal(from_ript(FATE_FORWARDED), 1);
	assert_int_equal(world_sent(0).pt, 8);
	shows("RIPT-DR-10");
	shows("RIPT-DR-11");
	world_close(&w);
}

/* ---- sources ---- */

static void strict_source(void **state)
{
	char text[ADDR_TEXT_LEN];
	struct bridge_stats stats;

	(void)state;
	world_open(&w, true);
	/* Until the phone is heard, a chunk goes where SDP says. */
	in(0, CODEC_PCMU);
	addr_print(text, &fake_rtp_sent(false, 0)->to);
	assert_string_equal(text, PHONE);
	/* An invalid packet from elsewhere latches nothing. */
	packet("203.0.113.9:5000", 1, 77);
	assert_int_equal(from_rtp(FATE_UNKNOWN_PT), 1);
	/* A valid one does, once. */
	packet("198.51.100.7:61000", 1, 0);
	packet("203.0.113.9:5000", 2, 0);
	assert_int_equal(from_rtp(FATE_FORWARDED), 1);
	assert_int_equal(from_rtp(FATE_WRONG_SOURCE), 1);
	in(1, CODEC_PCMU);
	addr_print(text, &fake_rtp_sent(false, 1)->to);
	assert_string_equal(text, "198.51.100.7:61000");
	bridge_stats(w.bridge, &stats);
	addr_print(text, &stats.rtp_latched);
	assert_string_equal(text, "198.51.100.7:61000");
	addr_print(text, &stats.rtp_negotiated);
	assert_string_equal(text, PHONE);
	assert_int_equal(stats.rtp_port, 30000);
	assert_int_equal(stats.last_media_ns, loop_now_ns(w.loop));
	world_close(&w);
}

/* The phone holds the call, by direction and by an address of zeros. */
static void hold(void **state)
{
	struct bridge_side side;

	(void)state;
	world_open(&w, true);
	side = w.sip;
	side.remote.dir = MEDIA_SENDONLY;
	bridge_set_sip(w.bridge, &side);
	in(0, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_NOT_NEGOTIATED), 1);
	side = w.sip;
	assert_int_equal(addr_parse(&side.remote.rtp, "0.0.0.0:4000"), 0);
	bridge_set_sip(w.bridge, &side);
	in(1, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_NOT_NEGOTIATED), 2);
	packet(NULL, 1, 0);	/* music on hold from where it was */
	assert_int_equal(from_rtp(FATE_FORWARDED), 1);
	packet("203.0.113.9:5000", 2, 0);
	assert_int_equal(from_rtp(FATE_WRONG_SOURCE), 1);
	bridge_set_sip(w.bridge, &w.sip);
	in(2, CODEC_PCMU);
	assert_int_equal(from_ript(FATE_FORWARDED), 1);
	world_close(&w);
}

/* Payload numbers are the peer's when we send, ours when we receive, and only
 * of codecs that both sides named. */
static void payload_numbers(void **state)
{
	struct bridge_side side;

	(void)state;
	world_open(&w, true);
	side = w.sip;
	side.remote.format[2].pt = 110;	/* its telephone-event */
	side.remote.format[1].codec = CODEC_GSM;
	bridge_set_sip(w.bridge, &side);
	in(0, CODEC_TELEPHONE_EVENT);
	assert_int_equal(world_sent(0).pt, 110);
	in(1, CODEC_PCMA);	/* ours, but not in the peer's SDP */
	in(2, CODEC_GSM);	/* the peer's, but not in ours */
	assert_int_equal(from_ript(FATE_NOT_NEGOTIATED), 2);
	packet(NULL, 1, PT_EVENT);
	packet(NULL, 2, 110);	/* a phone that keeps its own number */
	assert_int_equal(from_rtp(FATE_FORWARDED), 2);
	world_parse(&w, 0);
	assert_int_equal(w.chunk[0].payload_type, 101);
	world_parse(&w, 1);
	assert_int_equal(w.chunk[0].payload_type, 101);
	world_close(&w);
}

/* ---- first chunk, metrics ---- */

static unsigned firsts;

static void on_first(void *arg)
{
	(void)arg;
	firsts++;
}

static void first_chunk_of_speech(void **state)
{
	(void)state;
	world_open(&w, true);
	bridge_on_first_chunk(w.bridge, on_first, NULL);
	in(0, CODEC_CN);
	assert_int_equal(firsts, 0);
	in(1, CODEC_PCMU);
	in(2, CODEC_PCMU);
	assert_int_equal(firsts, 1);
	world_close(&w);
}

static void metrics(void **state)
{
	struct metric *forwarded, *refused;

	(void)state;
	bridge_setup();
	forwarded = metric_counter("rtp_fate_total",
				   "dir=\"from_rtp\",fate=\"forwarded\"", "");
	refused = metric_counter("rtp_fate_total",
				 "dir=\"from_ript\",fate=\"not_negotiated\"",
				 "");
	world_open(&w, true);
	packet(NULL, 1, 0);
	packet(NULL, 2, 0);
	in(0, CODEC_GSM);
	assert_int_equal(metric_value(forwarded), 2);
	assert_int_equal(metric_value(refused), 1);
	world_close(&w);
}

/* ---- RTCP ---- */

static void rtcp(void **state)
{
	struct rtcp_tx far = { .ssrc = 0x11223344, .cname = "0123456789abcde" };
	struct rtcp_rx heard = { 0 };
	struct bridge_stats stats;
	struct rtcp_seen seen;
	const struct fake_rtp_packet *report;
	uint8_t data[RTCP_MAX];
	struct addr phone;
	struct rtp rtp;
	unsigned i;
	size_t len;

	(void)state;
	world_open(&w, true);
	for (i = 0; i < 1000; i++) {	/* 20 s both ways */
		world_pcmu(&w, (uint16_t)i, 0);
		in(i, CODEC_PCMU);
		rtp = world_sent(i);
		rtcp_rx_packet(&heard, &rtp, 8000, loop_now_ns(w.loop));
		world_pass(&w, 20);
	}
	assert_in_range(fake_rtp_cnt(true), 4, 5);
	report = fake_rtp_sent(true, 3);
	assert_int_equal(addr_port(&report->to), 4001);
	assert_int_equal(rtcp_parse(&seen, report->data, report->len,
				    0x11223344), 0);
	assert_true(seen.sr && seen.report && !seen.bye);
	assert_int_equal(seen.sender_ssrc, heard.ssrc);
	assert_int_equal(seen.lost, 0);
	assert_int_equal(seen.jitter, 0);

	/* The phone reports; a stranger's report is refused. */
	rtcp_rx_sr(&heard, &seen, loop_now_ns(w.loop));
	heard.received -= 10;
	len = rtcp_write(data, &far, &heard, false, loop_now_ns(w.loop),
			 WALL_MS);
	assert_int_equal(addr_parse(&phone, "192.0.2.1:4001"), 0);
	fake_rtp_port_in(w.port, data, len, &phone, true);
	assert_int_equal(addr_parse(&phone, "203.0.113.9:4001"), 0);
	fake_rtp_port_in(w.port, data, len, &phone, true);
	fake_rtp_port_in(w.port, data, len - 4, &phone, true);
	bridge_stats(w.bridge, &stats);
	assert_int_equal(stats.rtcp.received, 1);
	assert_int_equal(stats.rtcp.bad, 2);
	assert_int_equal(stats.rtcp.far_lost, 10);
	assert_in_range(stats.rtcp.far_loss_256, 1, 4);
	assert_int_equal(stats.from_rtp.fate[FATE_BAD_RTP], 0);

	i = fake_rtp_closed();
	bridge_free(&w.bridge);
	report = fake_rtp_sent(true, fake_rtp_cnt(true) - 1);
	assert_int_equal(rtcp_parse(&seen, report->data, report->len, 1), 0);
	assert_true(seen.bye);
	assert_int_equal(fake_rtp_closed(), i + 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fates_from_rtp),
		cmocka_unit_test(no_room),
		cmocka_unit_test(fates_from_ript),
		cmocka_unit_test(unknown_control),
		cmocka_unit_test(unsolicited),
		cmocka_unit_test(strict_source),
		cmocka_unit_test(hold),
		cmocka_unit_test(payload_numbers),
		cmocka_unit_test(first_chunk_of_speech),
		cmocka_unit_test(metrics),
		cmocka_unit_test(rtcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
