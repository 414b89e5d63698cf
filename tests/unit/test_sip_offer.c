/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sip/offer.h"
#include "tests/unit/shows.h"

#define THEIR_HEAD                                                    \
	"v=0\r\no=phone 7 1 IN IP4 192.0.2.1\r\ns=call\r\n"           \
	"c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define OUR_HEAD                                                      \
	"v=0\r\no=- 11 1 IN IP4 198.51.100.5\r\ns=-\r\n"              \
	"c=IN IP4 198.51.100.5\r\nt=0 0\r\n"

/* A description as one line of text, so that pairs can be read. */
static void show(char *out, size_t size, const struct media_desc *d)
{
	static const char *const dirs[] = { "inactive", "sendonly",
					    "recvonly", "sendrecv" };
	char rtp[ADDR_TEXT_LEN], rtcp[ADDR_TEXT_LEN];
	struct buf buf;
	unsigned i;

	buf_init(&buf, size - 1);
	for (i = 0; i < d->format_cnt; i++) {
		buf_printf(&buf, "%s%u %s/%u", i ? ", " : "",
			   d->format[i].pt,
			   codec_info(d->format[i].codec)->name,
			   d->format[i].clock_hz);
		if (d->format[i].channels > 1)
			buf_printf(&buf, "/%u", d->format[i].channels);
		if (d->format[i].fmtp[0])
			buf_printf(&buf, " (%s)", d->format[i].fmtp);
	}
	addr_print(rtp, &d->rtp);
	addr_print(rtcp, &d->rtcp);
	buf_printf(&buf, "; %s ptime %u max %u %s %s%s", dirs[d->dir],
		   d->ptime_ms, d->maxptime_ms, rtp, rtcp,
		   d->rtcp_mux ? " mux" : "");
	snprintf(out, size, "%s", buf_str(&buf));
	buf_free(&buf);
}

struct pair {
	const char *name;
	const char *offer;	/* behind THEIR_HEAD */
	unsigned line;
	const char *desc;	/* what it means; NULL: nothing for us */
	const char *answer;	/* behind OUR_HEAD, with our_desc() */
};

static const struct pair pairs[] = {
	{ "static types need no rtpmap",
	  "m=audio 4000 RTP/AVP 0 8 13\r\n", 0,
	  "0 PCMU/8000, 8 PCMA/8000, 13 CN/8000; sendrecv ptime 0 max 0 "
	  "192.0.2.1:4000 192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 0 8 13\r\na=rtpmap:0 PCMU/8000\r\n"
	  "a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\n"
	  "a=sendrecv\r\n" },
	{ "their payload types, their events, ptime as parameter",
	  "m=audio 4000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n"
	  "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n"
	  "a=ptime:30\r\na=maxptime:60\r\n", 0,
	  "8 PCMA/8000, 96 telephone-event/8000 (0-16); sendrecv ptime 30 max "
	  "60 192.0.2.1:4000 192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n"
	  "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"
	  "a=ptime:20\r\na=sendrecv\r\n" },
	{ "opus keeps its two channels, fmtp cut at a whole parameter",
	  "m=audio 4000 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\n"
	  "a=fmtp:111 minptime=10;useinbandfec=1;maxplaybackrate=16000;"
	  "sprop-maxcapturerate=16000;stereo=0\r\n", 0,
	  "111 opus/48000/2 (minptime=10;useinbandfec=1;maxplaybackrate=16000)"
	  ", 0 PCMU/8000; sendrecv ptime 0 max 0 192.0.2.1:4000 "
	  "192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 0 111\r\na=rtpmap:0 PCMU/8000\r\n"
	  "a=rtpmap:111 opus/48000/2\r\na=ptime:20\r\na=sendrecv\r\n" },
	{ "hold: they only send, so we only receive",
	  "a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n", 0,
	  "0 PCMU/8000; sendonly ptime 0 max 0 192.0.2.1:4000 192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	  "a=recvonly\r\n" },
	{ "hold the old way",
	  "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", 0,
	  "0 PCMU/8000; sendonly ptime 0 max 0 0.0.0.0:4000 0.0.0.0:4001",
	  "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	  "a=recvonly\r\n" },
	{ "inactive: no stream either way",
	  "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", 0,
	  "0 PCMU/8000; inactive ptime 0 max 0 192.0.2.1:4000 192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	  "a=inactive\r\n" },
	{ "video, image, second audio: mirrored with port 0, in order",
	  "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
	  "m=audio 4000 RTP/AVP 0\r\nm=image 6000 udptl t38\r\n"
	  "m=audio 4002 RTP/AVP 8\r\n", 1,
	  "0 PCMU/8000; sendrecv ptime 0 max 0 192.0.2.1:4000 192.0.2.1:4001",
	  "m=video 0 RTP/AVP 96\r\n"
	  "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	  "a=sendrecv\r\nm=image 0 udptl t38\r\nm=audio 0 RTP/AVP 8\r\n" },
	{ "SAVP first, AVP beside it: the one we can",
	  "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
	  "inline:x\r\nm=audio 4002 RTP/AVP 0\r\n", 1,
	  "0 PCMU/8000; sendrecv ptime 0 max 0 192.0.2.1:4002 192.0.2.1:4003",
	  "m=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 0\r\n"
	  "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n" },
	{ "a line that they reject themselves",
	  "m=audio 0 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n", 1,
	  "8 PCMA/8000; sendrecv ptime 0 max 0 192.0.2.1:4002 192.0.2.1:4003",
	  "m=audio 0 RTP/AVP 0\r\nm=audio 40000 RTP/AVP 8\r\n"
	  "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n" },
	{ "rtcp and rtcp-mux",
	  "m=audio 4000 RTP/AVP 0\r\na=rtcp:4500\r\na=rtcp-mux\r\n", 0,
	  "0 PCMU/8000; sendrecv ptime 0 max 0 192.0.2.1:4000 192.0.2.1:4500 "
	  "mux",
	  "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	  "a=rtcp-mux\r\na=sendrecv\r\n" },
	{ "a dynamic number named PCMU", /* and one with nothing behind it */
	  "m=audio 4000 RTP/AVP 97 98\r\na=rtpmap:97 PCMU/8000\r\n", 0,
	  "97 PCMU/8000; sendrecv ptime 0 max 0 192.0.2.1:4000 192.0.2.1:4001",
	  "m=audio 40000 RTP/AVP 97\r\na=rtpmap:97 PCMU/8000\r\na=ptime:20\r\n"
	  "a=sendrecv\r\n" },
	{ "PCMU at 16 kHz is another codec",
	  "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n", 0, NULL,
	  NULL },
	{ "events alone are no speech",
	  "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
	  0, NULL, NULL },
	{ "a name for an address",
	  "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example\r\n", 0, NULL,
	  NULL },
	{ "AVPF alone", "m=audio 4000 RTP/AVPF 0\r\n", 0, NULL, NULL },
	{ "nothing at all", "", 0, NULL, NULL },
};

static void our_desc(struct media_desc *desc)
{
	static const struct media_format formats[] = {
		{ CODEC_PCMU, 0, 1, 8000, "" },
		{ CODEC_PCMA, 8, 1, 8000, "" },
		{ CODEC_OPUS, 111, 2, 48000, "" },
		{ CODEC_TELEPHONE_EVENT, 101, 1, 8000, "0-15" },
		{ CODEC_CN, 13, 1, 8000, "" },
	};

	memset(desc, 0, sizeof(*desc));
	memcpy(desc->format, formats, sizeof(formats));
	desc->format_cnt = sizeof(formats) / sizeof(*formats);
	desc->dir = MEDIA_SENDRECV;
	desc->ptime_ms = 20;
	desc->rtcp_mux = true;
	addr_parse(&desc->rtp, "198.51.100.5:40000");
	addr_parse(&desc->rtcp, "198.51.100.5:40001");
}

static struct sipsdp_origin origin(void)
{
	struct sipsdp_origin o = { .session_id = 11, .version = 1 };

	addr_parse(&o.address, "198.51.100.5");
	return o;
}

static struct sipsdp *parsed(const char *head, const char *rest)
{
	struct sipsdp *sdp = NULL;
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", head, rest);
	assert_int_equal(sipsdp_parse(&sdp, text, strlen(text), NULL), 0);
	return sdp;
}

static void check_pair(const struct pair *pair)
{
	struct sipsdp *offer = parsed(THEIR_HEAD, pair->offer);
	struct sipsdp_origin o = origin();
	struct media_desc theirs, ours;
	char shown[512], want[2048];
	unsigned line = 99;
	char *text;
	int err;

	err = sipoffer_read(&theirs, &line, offer);
	if (!pair->desc) {
		assert_int_equal(err, ENOENT);
		sipsdp_free(&offer);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(line, pair->line);
	show(shown, sizeof(shown), &theirs);
	assert_string_equal(shown, pair->desc);

	our_desc(&ours);
	assert_int_equal(sipoffer_align(&ours, &theirs), 0);
	text = sipoffer_answer(&o, offer, line, &ours);
	snprintf(want, sizeof(want), "%s%s", OUR_HEAD, pair->answer);
	assert_string_equal(text, want);
	free(text);
	sipsdp_free(&offer);
}

static void golden_pairs(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		print_message("  %s\n", pairs[i].name);
		check_pair(&pairs[i]);
	}
	shows("RIPT-GW-08");
}

static void our_offer_and_their_answers(void **state)
{
	static const struct {
		const char *answer;
		int err;
		const char *desc;
	} rows[] = {
		{ "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 "
		  "telephone-event/8000\r\na=ptime:20\r\n", 0,
		  "8 PCMA/8000, 101 telephone-event/8000; sendrecv ptime 20 max "
		  "0 192.0.2.1:4000 192.0.2.1:4001" },
		{ "m=audio 0 RTP/AVP 0\r\n", 0, "" },
		{ "m=audio 4000 RTP/AVP 101\r\n", EINVAL, NULL },
		{ "m=video 4000 RTP/AVP 0\r\n", EINVAL, NULL },
		{ "", EINVAL, NULL },
	};
	struct sipsdp_origin o = origin();
	struct media_desc desc;
	struct sipsdp *sdp;
	char shown[512];
	char *text;
	unsigned i;

	(void)state;
	our_desc(&desc);
	desc.rtcp_mux = false;
	addr_parse(&desc.rtcp, "198.51.100.5:45000");
	addr_parse(&o.address, "198.51.100.9");	/* of o=, not of the media */
	text = sipoffer_make(&o, &desc);
	assert_string_equal(
		text,
		"v=0\r\no=- 11 1 IN IP4 198.51.100.9\r\ns=-\r\n"
		"c=IN IP4 198.51.100.9\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 0 8 111 101 13\r\n"
		"c=IN IP4 198.51.100.5\r\n"
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:111 opus/48000/2\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
		"a=rtpmap:13 CN/8000\r\na=ptime:20\r\n"
		"a=rtcp:45000 IN IP4 198.51.100.5\r\na=sendrecv\r\n");
	free(text);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sdp = parsed(THEIR_HEAD, rows[i].answer);
		assert_int_equal(sipoffer_read_answer(&desc, sdp), rows[i].err);
		if (!rows[i].err && rows[i].desc[0]) {
			show(shown, sizeof(shown), &desc);
			assert_string_equal(shown, rows[i].desc);
		} else if (!rows[i].err) {
			assert_int_equal(desc.format_cnt, 0);
		}
		sipsdp_free(&sdp);
	}
}

static void round_trip_v6(void **state)
{
	struct sipsdp_origin o = origin();
	struct media_desc desc, back;
	struct sipsdp *sdp;
	unsigned line;
	char *text;

	(void)state;
	our_desc(&desc);
	addr_parse(&o.address, "2001:db8::5");
	addr_parse(&desc.rtp, "[2001:db8::5]:40000");
	addr_parse(&desc.rtcp, "[2001:db8::5]:40001");
	text = sipoffer_make(&o, &desc);
	sdp = parsed(text, "");
	assert_int_equal(sipoffer_read(&back, &line, sdp), 0);
	assert_true(sipoffer_same(&desc, &back));
	back.ptime_ms = 30;
	assert_false(sipoffer_same(&desc, &back));
	sipsdp_free(&sdp);
	free(text);
}

static void nothing_in_common(void **state)
{
	struct sipsdp *offer = parsed(
		THEIR_HEAD, "m=audio 4000 RTP/AVP 18\r\nm=image 1 udptl t38\r\n");
	struct sipsdp_origin o = origin();
	struct media_desc theirs, ours;
	unsigned line;
	char *text;

	(void)state;
	our_desc(&ours);
	assert_int_equal(sipoffer_read(&theirs, &line, offer), 0);
	assert_int_equal(sipoffer_align(&ours, &theirs), ENOENT);
	text = sipoffer_answer(&o, offer, line, NULL);
	assert_string_equal(text, OUR_HEAD "m=audio 0 RTP/AVP 18\r\n"
					   "m=image 0 udptl t38\r\n");
	free(text);
	sipsdp_free(&offer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pairs),
		cmocka_unit_test(our_offer_and_their_answers),
		cmocka_unit_test(round_trip_v6),
		cmocka_unit_test(nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
