/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "gateway/terms.h"
#include "tests/unit/shows.h"

#define PCMU (1u << CODEC_PCMU)
#define PCMA (1u << CODEC_PCMA)
#define DTMF (1u << CODEC_TELEPHONE_EVENT)
#define CN (1u << CODEC_CN)
#define OPUS (1u << CODEC_OPUS)

static const struct addr *ours(void)
{
	static struct addr addr;

	assert_int_equal(addr_parse(&addr, "198.51.100.1:10002"), 0);
	return &addr;
}

static void add(struct media_desc *desc, enum codec codec, uint8_t pt,
		uint32_t clock_hz)
{
	struct media_format *format = &desc->format[desc->format_cnt++];

	format->codec = codec;
	format->pt = pt;
	format->clock_hz = clock_hz;
	format->channels = 1;
}

/* PCMA, PCMU, telephone-event at two clocks, CN, opus. */
static struct media_desc phone(enum media_dir dir)
{
	struct media_desc desc = { .dir = dir, .ptime_ms = 30 };

	add(&desc, CODEC_OPUS, 111, 48000);
	add(&desc, CODEC_PCMA, 8, 8000);
	add(&desc, CODEC_PCMU, 0, 8000);
	add(&desc, CODEC_TELEPHONE_EVENT, 110, 48000);
	add(&desc, CODEC_TELEPHONE_EVENT, 97, 8000);
	add(&desc, CODEC_CN, 13, 8000);
	return desc;
}

static void direct(struct ript_directives *out, uint32_t client,
		   uint32_t server)
{
	static const enum codec prefer[] = { CODEC_PCMU, CODEC_PCMA,
					     CODEC_NONE };
	struct ript_directives one;
	struct ript_advert voice;

	memset(out, 0, sizeof(*out));
	ript_advert_voice(&voice, client, 0);
	ript_directives_make(&one, &voice, &voice, prefer);
	if (client)
		out->client = one.client;
	ript_advert_voice(&voice, server, 0);
	ript_directives_make(&one, &voice, &voice, prefer);
	if (server)
		out->server = one.server;
}

static void test_caller_codecs(void **state)
{
	struct media_desc desc = phone(MEDIA_SENDRECV), wide = { 0 };

	(void)state;
	assert_int_equal(terms_caller_codecs(&desc), PCMU | PCMA | DTMF | CN);
	assert_int_equal(terms_caller_codecs(NULL), TERMS_CODECS);
	add(&wide, CODEC_TELEPHONE_EVENT, 110, 48000);
	add(&wide, CODEC_OPUS, 111, 48000);
	assert_int_equal(terms_caller_codecs(&wide), 0);
	assert_false(terms_has_audio(DTMF | CN));
	assert_true(terms_has_audio(PCMA));
}

static void test_answer(void **state)
{
	static const struct {
		const char *name;
		uint32_t client, server;
		enum media_dir caller;
		int err;
		uint32_t codecs;
		enum media_dir dir;
	} rows[] = {
		{ "PCMU directed", PCMU | DTMF | CN, PCMU | DTMF | CN,
		  MEDIA_SENDRECV, 0, PCMU | DTMF | CN, MEDIA_SENDRECV },
		{ "PCMA directed", PCMA | DTMF | CN, PCMA | DTMF | CN,
		  MEDIA_SENDRECV, 0, PCMA | DTMF | CN, MEDIA_SENDRECV },
		{ "the caller holds", PCMU, PCMU, MEDIA_SENDONLY, 0,
		  PCMU | DTMF | CN, MEDIA_RECVONLY },
		{ "the caller only listens", PCMU, PCMU, MEDIA_RECVONLY, 0,
		  PCMU | DTMF | CN, MEDIA_SENDONLY },
		{ "inactive", PCMU, PCMU, MEDIA_INACTIVE, 0, PCMU | DTMF | CN,
		  MEDIA_INACTIVE },
		{ "the client sends nothing", 0, PCMU, MEDIA_SENDRECV, 0,
		  PCMU | DTMF | CN, MEDIA_SENDONLY },
		{ "the server sends nothing", PCMU, 0, MEDIA_SENDRECV, 0,
		  PCMU | DTMF | CN, MEDIA_RECVONLY },
		{ "no codec", OPUS, OPUS, MEDIA_SENDRECV, ENOTSUP, 0, 0 },
		{ "no stream", 0, 0, MEDIA_SENDRECV, ENOTSUP, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct media_desc caller = phone(rows[i].caller), out;
		struct ript_directives directives;

		row_name(rows[i].name);
		direct(&directives, rows[i].client, rows[i].server);
		assert_int_equal(terms_answer(&out, &caller, &directives,
					      ours()), rows[i].err);
		if (rows[i].err)
			continue;
		assert_int_equal(media_desc_codecs(&out), rows[i].codecs);
		assert_int_equal(out.dir, rows[i].dir);
		/* The caller's payload types, each codec once. */
		assert_int_equal(media_desc_codec(&out, CODEC_TELEPHONE_EVENT)
					 ->pt, 97);
		assert_int_equal(addr_port(&out.rtp), 10002);
		assert_int_equal(addr_port(&out.rtcp), 10003);
		assert_int_equal(out.ptime_ms, 30);
	}
	shows("RIPT-GW-08");
}

static void test_late_offer(void **state)
{
	struct ript_directives directives;
	struct media_desc out;

	(void)state;
	direct(&directives, PCMA | DTMF | CN, PCMA | DTMF | CN);
	assert_int_equal(terms_late(&out, &directives, ours()), 0);
	assert_int_equal(media_desc_codecs(&out), PCMA | DTMF | CN);
	assert_int_equal(media_desc_codec(&out, CODEC_PCMA)->pt, 8);
	assert_int_equal(media_desc_codec(&out, CODEC_TELEPHONE_EVENT)->pt,
			 101);
	assert_string_equal(media_desc_codec(&out, CODEC_TELEPHONE_EVENT)->fmtp,
			    "0-16");
	assert_int_equal(out.dir, MEDIA_SENDRECV);
	direct(&directives, OPUS, OPUS);
	assert_int_equal(terms_late(&out, &directives, ours()), ENOTSUP);
}

static void test_callee_offer(void **state)
{
	static const struct {
		const char *name;
		uint32_t handler, want;
		enum codec first;
		int err;
	} rows[] = {
		{ "both", PCMU | PCMA | DTMF | CN, PCMU | PCMA | DTMF | CN,
		  CODEC_PCMU, 0 },
		{ "PCMA alone", PCMA | DTMF | CN, PCMA | DTMF | CN, CODEC_PCMA,
		  0 },
		{ "opus beside PCMA", OPUS | PCMA | DTMF | CN,
		  PCMA | DTMF | CN, CODEC_PCMA, 0 },
		{ "opus alone", OPUS, 0, 0, ENOTSUP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_directives directives;
		struct ript_advert client;
		struct media_desc out;
		uint32_t common;

		row_name(rows[i].name);
		ript_advert_voice(&client, rows[i].handler, 0);
		common = terms_direct(&directives, &client);
		assert_int_equal(terms_callee(&out, common, &directives,
					      ours()), rows[i].err);
		if (rows[i].err)
			continue;
		assert_int_equal(media_desc_codecs(&out), rows[i].want);
		assert_int_equal(out.format[0].codec, rows[i].first);
		/* Nothing is offered that the client's handler cannot do. */
		assert_int_equal(media_desc_codecs(&out) & ~rows[i].handler,
				 0);
		assert_int_equal(out.dir, MEDIA_SENDRECV);
	}
	shows("RIPT-GW-03");
	shows("RIPT-GW-08");
}

static void test_narrow(void **state)
{
	static const struct {
		const char *name;
		uint32_t answered;
		enum media_dir dir;
		bool changed;
		uint32_t client, server;
	} rows[] = {
		{ "as directed", PCMU | DTMF | CN, MEDIA_SENDRECV, false,
		  PCMU | DTMF | CN, PCMU | DTMF | CN },
		{ "no CN: nothing to say", PCMU | DTMF, MEDIA_SENDRECV, false,
		  PCMU | DTMF | CN, PCMU | DTMF | CN },
		{ "the other codec", PCMA | DTMF, MEDIA_SENDRECV, true,
		  PCMA | DTMF | CN, PCMA | DTMF | CN },
		{ "no digits", PCMU, MEDIA_SENDRECV, true, PCMU | CN,
		  PCMU | CN },
		{ "it only sends", PCMU | DTMF, MEDIA_SENDONLY, true, 0,
		  PCMU | DTMF | CN },
		{ "it only listens", PCMU | DTMF, MEDIA_RECVONLY, true,
		  PCMU | DTMF | CN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ript_directives in, out;
		struct media_desc answer = { .dir = rows[i].dir };

		row_name(rows[i].name);
		direct(&in, PCMU | DTMF | CN, PCMU | DTMF | CN);
		for (int codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
			if (rows[i].answered & 1u << codec)
				add(&answer, (enum codec)codec, 0, 8000);
		assert_int_equal(terms_narrow(&out, &in, &answer),
				 rows[i].changed);
		assert_int_equal(ript_directive_codecs(&out.client),
				 rows[i].client);
		assert_int_equal(ript_directive_codecs(&out.server),
				 rows[i].server);
	}
}

static void test_redirect(void **state)
{
	struct ript_directives now, out;
	struct ript_advert client;
	struct media_desc answer = { .dir = MEDIA_SENDRECV };
	uint32_t common;

	(void)state;
	ript_advert_voice(&client, PCMU | PCMA | DTMF | CN, 0);
	common = terms_direct(&now, &client);
	assert_false(terms_redirect(&out, &common, &now, &client, NULL));
	ript_advert_voice(&client, PCMA | DTMF | CN, 0);
	assert_true(terms_redirect(&out, &common, &now, &client, NULL));
	assert_int_equal(common, PCMA | DTMF | CN);
	/* The phone has answered PCMU: nothing fits, so nothing flows. */
	add(&answer, CODEC_PCMU, 0, 8000);
	assert_true(terms_redirect(&out, &common, &now, &client, &answer));
	assert_int_equal(out.client.stream_cnt, 0);
	assert_int_equal(out.server.stream_cnt, 0);
}

static void test_bridge(void **state)
{
	struct ript_directives directives;
	struct bridge_ript ript;

	(void)state;
	direct(&directives, PCMA | DTMF | CN, PCMU | DTMF | CN);
	directives.client.stream[0].source = 4;
	directives.client.stream[0].sink = 5;
	directives.server.stream[0].source = 6;
	directives.server.stream[0].sink = 7;
	terms_bridge(&ript, true, &directives);
	assert_true(ript.client);
	assert_int_equal(ript.tx_source, 4);
	assert_int_equal(ript.tx_sink, 5);
	assert_int_equal(ript.tx_codecs, PCMA | DTMF | CN);
	assert_int_equal(ript.tx_ptime_ms, 20);
	assert_int_equal(ript.rx_source, 6);
	assert_int_equal(ript.rx_codecs, PCMU | DTMF | CN);
	directives.client.stream[0].params.ptime = 1;
	terms_bridge(&ript, true, &directives);
	assert_int_equal(ript.tx_ptime_ms, 5);
	directives.client.stream[0].params.ptime = INT64_MAX;
	terms_bridge(&ript, true, &directives);
	assert_int_equal(ript.tx_ptime_ms, 1000);
	directives.client.stream[0].params.ptime = RIPT_ABSENT;
	terms_bridge(&ript, true, &directives);
	assert_int_equal(ript.tx_ptime_ms, 30);		/* the default */
	terms_bridge(&ript, false, &directives);
	assert_int_equal(ript.tx_source, 6);
	assert_int_equal(ript.rx_source, 4);
	directives.server.stream_cnt = 0;
	terms_bridge(&ript, false, &directives);
	assert_int_equal(ript.tx_codecs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller_codecs),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_late_offer),
		cmocka_unit_test(test_callee_offer),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_bridge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
