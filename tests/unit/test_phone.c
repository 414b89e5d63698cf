/* SPDX-License-Identifier: MIT */
/*
 * Two phones, client and server role, joined by a line in memory that can
 * lose and shuffle, under a virtual clock.  The files are real.
 */
#include <math.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "media/g711.h"
#include "media/phone.h"
#include "media/wav.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

#define WALL_MS UINT64_C(1581103341120)
#define VOICE (1u << CODEC_PCMU | 1u << CODEC_PCMA |               \
	       1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)

struct end {
	struct phone *phone;
	struct end *far;
	bool http_server;
	bool shut;
	unsigned bodies;
	unsigned lose_each;	/* 0: none */
	bool shuffle;		/* two at a time, the second one first */
	uint8_t held[2048];
	size_t held_len;
	unsigned done;
};

static struct loop *loop;
static uint64_t start_ns;
static struct end a, b;

static void over(struct end *to, const void *body, size_t len)
{
	uint8_t reply[512];
	size_t reply_len = 0;

	phone_chunks(to->phone, body, len, 7, to->http_server ? reply : NULL,
		     sizeof(reply), &reply_len);
	if (reply_len)
		phone_chunks(to->far->phone, reply, reply_len, 7, NULL, 0,
			     NULL);
}

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	struct end *end = arg;

	(void)media;
	if (end->shut)
		return EAGAIN;
	end->bodies++;
	if (end->lose_each && end->bodies % end->lose_each == 0)
		return 0;
	if (end->shuffle && !end->held_len) {
		memcpy(end->held, body, len);
		end->held_len = len;
		return 0;
	}
	over(end->far, body, len);
	if (end->held_len) {
		over(end->far, end->held, end->held_len);
		end->held_len = 0;
	}
	return 0;
}

static bool on_acks_in_reply(void *arg)
{
	return ((struct end *)arg)->http_server;
}

static size_t on_room(void *arg)
{
	(void)arg;
	return 1200;
}

static void on_done(void *arg)
{
	((struct end *)arg)->done++;
}

static void open_end(struct end *end, struct end *far, bool client,
		     const struct phone_config *config)
{
	struct bridge_out out = { on_send, on_acks_in_reply, on_room, end };
	struct bridge_ript ript = {
		.client = client,
		.tx_source = client ? 0 : 2, .tx_sink = 1,
		.rx_source = client ? 2 : 0, .rx_sink = 1,
		.tx_codecs = VOICE, .rx_codecs = VOICE,
	};
	char *why = NULL;

	memset(end, 0, sizeof(*end));
	end->far = far;
	assert_int_equal(phone_new(&end->phone, loop, config, &out, &why), 0);
	phone_set_ript(end->phone, &ript);
	phone_on_done(end->phone, on_done, end);
}

static void two_open(const struct phone_config *config_a,
		     const struct phone_config *config_b)
{
	start_ns = 1000 * NS_PER_S;
	loop = loop_new_virtual(start_ns, WALL_MS);
	open_end(&a, &b, true, config_a);
	open_end(&b, &a, false, config_b);
}

static void pass(uint64_t ms)
{
	uint64_t until = loop_now_ns(loop) + ms * NS_PER_MS, next;

	while ((next = loop_next_ns(loop)) <= until)
		loop_turn(loop, next);
	loop_turn(loop, until);
}

static void two_close(void)
{
	phone_free(&a.phone);
	phone_free(&b.phone);
	loop_free(&loop);
}

/* A second or so of a tone as a WAV file; the caller unlinks it. */
static void tone_file(char path[64], unsigned ms, double hz)
{
	size_t count = (size_t)ms * 8, i;
	int16_t *samples = xcalloc(count, sizeof(*samples));
	char *why = NULL;

	for (i = 0; i < count; i++)
		samples[i] = (int16_t)(12000 *
				       sin(2 * M_PI * hz * (double)i / 8000));
	snprintf(path, 64, "test_phone.%ld.%u.wav", (long)getpid(), ms);
	assert_int_equal(wav_write(path, samples, count, &why), 0);
	free(samples);
}

static void both_ways(void **state)
{
	char file_a[64], file_b[64], record[80];
	struct phone_config config_a = { 0 }, config_b = { 0 };
	struct phone_report ra, rb;
	int16_t *played, *heard;
	size_t played_cnt, heard_cnt, i;
	char *why = NULL;

	(void)state;
	tone_file(file_a, 2000, 440);
	tone_file(file_b, 1490, 1000);
	snprintf(record, sizeof(record), "record.%s", file_a);
	config_a.play = file_a;
	config_b.play = file_b;
	config_b.codec = CODEC_PCMA;
	config_b.record = record;
	two_open(&config_a, &config_b);
	b.shuffle = true;
	phone_start(a.phone);
	phone_start(b.phone);
	pass(3000);
	assert_int_equal(a.done, 1);
	assert_int_equal(b.done, 1);
	phone_report(a.phone, &ra);
	phone_report(b.phone, &rb);
	assert_int_equal(ra.sent.speech, 100);
	assert_int_equal(ra.sent.octets, 16000);
	assert_int_equal(rb.sent.speech, 75);	/* the last one padded */
	assert_int_equal(rb.heard.speech, 100);
	assert_int_equal(ra.heard.speech, 75);
	assert_int_equal(ra.heard.codec, CODEC_PCMA);
	assert_int_equal(rb.heard.codec, CODEC_PCMU);
	assert_int_equal(strlen(ra.sent.sha256), 64);
	assert_string_equal(ra.sent.sha256, rb.heard.sha256);
	assert_string_equal(rb.sent.sha256, ra.heard.sha256);
	assert_string_not_equal(ra.sent.sha256, rb.sent.sha256);
	assert_true(ra.played && rb.played);
	assert_int_equal(ra.heard.lost, 0);
	assert_int_equal(rb.heard.lost, 0);
	assert_int_equal(ra.heard.noise, 1);	/* when the file was through */
	assert_true(ra.loss.acked >= 80);

	/* What was recorded is what was played, G.711 apart. */
	assert_int_equal(phone_save(b.phone, &why), 0);
	assert_int_equal(wav_read(&heard, &heard_cnt, record, &why), 0);
	assert_int_equal(wav_read(&played, &played_cnt, file_a, &why), 0);
	assert_int_equal(heard_cnt, played_cnt);
	for (i = 0; i < heard_cnt; i++)
		assert_in_range(heard[i] - played[i] + 512, 0, 1024);
	free(heard);
	free(played);
	two_close();
	unlink(file_a);
	unlink(file_b);
	unlink(record);
}

/* ---- what leaves, chunk by chunk ---- */

static uint64_t want_ms;
static unsigned checked;

static int check_send(const void *body, size_t len, bool media, void *arg)
{
	struct chunk_reader reader;
	struct chunk chunk;

	(void)arg;
	assert_true(media);
	chunk_reader_init(&reader, body, len);
	assert_int_equal(chunk_next(&reader, &chunk), CHUNK_OK);
	assert_int_equal(chunk.time.width, 8);
	assert_int_equal(chunk.seq.width, 8);
	if (checked == 0)
		assert_true(chunk.seq.value == WALL_MS);
	assert_true(chunk.seq.value == WALL_MS + checked);
	/* When its first sample was taken, +-1 ms. */
	assert_in_range(chunk.time.value + 1 - want_ms, 0, 2);
	assert_int_equal(chunk.env >> CHUNK_RTP_MARKER & 1, checked == 0);
	checked++;
	want_ms += 20;
	return 0;
}

static void timestamps(void **state)
{
	struct bridge_out out = { check_send, on_acks_in_reply, on_room, &a };
	struct bridge_ript ript = { .client = true, .tx_codecs = VOICE };
	struct phone_config config = { .repeat = true };
	char file[64], *why = NULL;
	struct phone *phone;

	(void)state;
	tone_file(file, 200, 440);
	config.play = file;
	loop = loop_new_virtual(NS_PER_S, WALL_MS);
	memset(&a, 0, sizeof(a));
	assert_int_equal(phone_new(&phone, loop, &config, &out, &why), 0);
	phone_start(phone);	/* waits for the directive */
	want_ms = WALL_MS;
	checked = 0;
	phone_set_ript(phone, &ript);
	pass(10000);
	assert_int_equal(checked, 501);
	shows("RIPT-MC-08");
	phone_free(&phone);
	loop_free(&loop);
	unlink(file);
}

static void keys(void **state)
{
	static const char all[] = "0123456789*#ABCD";
	struct phone_config config = { .digit_ms = 80 }, plain = { 0 };
	struct phone_report report;
	unsigned i, lose;

	(void)state;
	for (lose = 0; lose < 4; lose++) {
		two_open(&config, &plain);
		a.lose_each = lose == 1 ? 7 : 0;
		a.shuffle = lose == 2;
		b.http_server = lose == 3;
		assert_int_equal(phone_press(a.phone, all), 0);
		assert_int_equal(phone_press(a.phone, "12x"), EINVAL);
		phone_start(a.phone);
		pass(6000);
		assert_int_equal(a.done, 1);
		phone_report(b.phone, &report);
		assert_string_equal(report.heard.digit, all);
		for (i = 0; i < 16; i++)
			assert_int_equal(report.heard.digit_ms[i], 80);
		assert_int_equal(phone_press(a.phone, ",5,"), 0);
		pass(3000);
		phone_report(b.phone, &report);
		assert_string_equal(report.heard.digit, "0123456789*#ABCD5");
		phone_report(a.phone, &report);
		assert_string_equal(report.sent.digit, "0123456789*#ABCD5");
		two_close();
	}
}

/* Nothing to play: comfort noise, often enough for Q61. */
static void noise_only(void **state)
{
	struct phone_config config = { 0 };
	struct phone_report report;

	(void)state;
	two_open(&config, &config);
	phone_start(a.phone);
	pass(20000);
	phone_report(b.phone, &report);
	assert_in_range(report.heard.noise, 10, 11);
	assert_int_equal(report.heard.speech, 0);
	phone_stop(a.phone);
	pass(5000);
	phone_report(b.phone, &report);
	assert_in_range(report.heard.noise, 10, 11);
	two_close();
}

static void faults(void **state)
{
	static const struct {
		const char *name;
		unsigned fault;
		enum bridge_fate fate;	/* what the other end counts */
		uint64_t at_least;
	} rows[] = {
		{ "wrong sink", PHONE_WRONG_SINK, FATE_WRONG_STREAM, 50 },
		{ "always short", PHONE_ALWAYS_SHORT, FATE_UNREBUILT, 50 },
		{ "twice", PHONE_TWICE, FATE_DUPLICATE, 50 },
		{ "wrong codec", PHONE_WRONG_CODEC, FATE_NOT_NEGOTIATED, 50 },
		{ "bad chunk", PHONE_BAD_CHUNK, FATE_BAD_CHUNK, 5 },
		{ "two chunks", PHONE_TWO_CHUNKS, FATE_FORWARDED, 100 },
		{ "no acks", PHONE_NO_ACKS, FATE_FORWARDED, 50 },
		{ "always full", PHONE_ALWAYS_FULL, FATE_FORWARDED, 50 },
	};
	struct phone_config config = { 0 }, plain = { 0 };
	struct phone_report ra, rb;
	char file[64];
	size_t i;

	(void)state;
	tone_file(file, 1000, 440);
	for (i = 0; i < COUNT(rows); i++) {
		config.play = plain.play = file;
		config.faults = rows[i].fault;
		two_open(&config, &plain);
		phone_start(a.phone);
		phone_start(b.phone);
		pass(2000);
		phone_report(a.phone, &ra);
		phone_report(b.phone, &rb);
		if (rb.fate[rows[i].fate] < rows[i].at_least)
			fail_msg("%s: %d", rows[i].name,
				 (int)rb.fate[rows[i].fate]);
		if (rows[i].fault == PHONE_NO_ACKS)
			assert_int_equal(rb.loss.acked, 0);
		else
			assert_true(rb.loss.acked >= 40);
		two_close();
	}
	config.faults = PHONE_SILENT;
	two_open(&config, &plain);
	phone_start(a.phone);
	pass(2000);
	assert_int_equal(a.bodies, 0);
	a.shut = true;
	two_close();
	unlink(file);
}

static void no_file(void **state)
{
	struct phone_config config = { .play = "/nonexistent/x.wav" };
	struct bridge_out out = { on_send, on_acks_in_reply, on_room, &a };
	struct phone *phone = NULL;
	char *why = NULL;

	(void)state;
	assert_int_not_equal(phone_new(&phone, NULL, &config, &out, &why), 0);
	assert_null(phone);
	assert_non_null(strstr(why, "/nonexistent/x.wav"));
	free(why);
}

/* ---- G.711 and files ---- */

static void g711(void **state)
{
	static const enum codec codecs[] = { CODEC_PCMU, CODEC_PCMA };
	uint8_t octet, again;
	int16_t sample;
	int i, c, wide;

	(void)state;
	for (c = 0; c < 2; c++) {
		/* Every octet is a fixed point, but for the two zeros of
		 * PCMU, and no sample is far from its own. */
		for (i = 0; i < 256; i++) {
			octet = (uint8_t)i;
			g711_decode(&sample, &octet, 1, codecs[c]);
			g711_encode(&again, &sample, 1, codecs[c]);
			if (!(c == 0 && i == 0x7f))
				assert_int_equal(again, octet);
		}
		for (wide = -32768; wide <= 32767; wide += 7) {
			int16_t in = (int16_t)wide;

			g711_encode(&octet, &in, 1, codecs[c]);
			g711_decode(&sample, &octet, 1, codecs[c]);
			assert_true(abs(sample - wide) <= 16 + abs(wide) / 16);
		}
	}
	sample = 0;
	g711_encode(&octet, &sample, 1, CODEC_PCMU);
	assert_int_equal(octet, 0xff);
	g711_encode(&octet, &sample, 1, CODEC_PCMA);
	assert_int_equal(octet, 0xd5);
}

/* Gaps stay gaps in the recording; late packets find their place. */
static void gaps(void **state)
{
	static const uint8_t loud[160] = { 0 };	/* the lowest PCMU value */
	char record[64], *why = NULL;
	struct phone_config config = { .record = record };
	struct bridge_out out = { on_send, on_acks_in_reply, on_room, &a };
	struct bridge_ript ript = { .client = true, .rx_sink = 1 };
	static const unsigned order[] = { 0, 4, 3, 9 };
	struct phone_report report;
	struct phone *phone;
	int16_t *samples;
	size_t count, i;
	uint8_t body[512];

	(void)state;
	snprintf(record, sizeof(record), "test_phone.%ld.gaps.wav",
		 (long)getpid());
	loop = loop_new_virtual(NS_PER_S, WALL_MS);
	assert_int_equal(phone_new(&phone, loop, &config, &out, &why), 0);
	phone_set_ript(phone, &ript);
	for (i = 0; i < COUNT(order); i++) {
		struct chunk chunk = {
			.env = CHUNK_BIT(CHUNK_SEQUENCE) |
			       CHUNK_BIT(CHUNK_TIMESTAMP) |
			       CHUNK_BIT(CHUNK_PAYLOAD_TYPE) |
			       CHUNK_BIT(CHUNK_SOURCE) |
			       CHUNK_BIT(CHUNK_SINK),
			.pkg = CHUNK_BIT(CHUNK_MEDIA),
			.seq = { WALL_MS + order[i], 8 },
			.time = { WALL_MS + 20 * order[i], 8 },
			.sink = 1,
			.media = loud,
			.media_len = 160,
		};
		size_t len = chunk_write(body, sizeof(body), &chunk);

		assert_int_equal(phone_chunks(phone, body, len, 1, NULL, 0,
					      NULL), 0);
	}
	phone_report(phone, &report);
	assert_int_equal(report.heard.speech, 4);
	assert_int_equal(report.heard.lost, 6);
	assert_int_equal(phone_save(phone, &why), 0);
	assert_int_equal(wav_read(&samples, &count, record, &why), 0);
	assert_int_equal(count, 1600);
	for (i = 0; i < 1600; i++) {
		size_t n = i / 160;
		bool said = n == 0 || n == 3 || n == 4 || n == 9;

		assert_true(said ? samples[i] < -30000 : samples[i] == 0);
	}
	free(samples);
	phone_free(&phone);
	loop_free(&loop);
	unlink(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(keys),
		cmocka_unit_test(noise_only),
		cmocka_unit_test(faults),
		cmocka_unit_test(no_file),
		cmocka_unit_test(g711),
		cmocka_unit_test(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
