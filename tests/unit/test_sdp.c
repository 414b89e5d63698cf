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
#include "sip/sdp.h"

#define HEAD "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" \
	     "t=0 0\r\n"

static struct sipsdp *parsed(const char *text)
{
	struct sipsdp *sdp = NULL;

	assert_int_equal(sipsdp_parse(&sdp, text, strlen(text), NULL), 0);
	return sdp;
}

/* What phones send and what nobody should; the outcome and how many m=. */
static void accepts_and_refuses(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
		unsigned media;
	} rows[] = {
		{ "plain", HEAD "m=audio 4000 RTP/AVP 0\r\n", 0, 1 },
		{ "LF only", "v=0\no=a 1 1 IN IP4 1.2.3.4\nm=audio 1 RTP/AVP 0",
		  0, 1 },
		{ "no s=, no t=", "v=0\r\no=x\r\nm=audio 1 RTP/AVP 0\r\n", 0,
		  1 },
		{ "no c= anywhere", "v=0\r\no=x\r\nm=audio 1 RTP/AVP 0\r\n", 0,
		  1 },
		{ "blank in o= user", "v=0\no=John Doe 1 1 IN IP4 1.2.3.4\n", 0,
		  0 },
		{ "unknown letter", HEAD "q=what\r\nm=audio 1 RTP/AVP 0\r\n", 0,
		  1 },
		{ "line of garbage", HEAD "garbage\r\nm=audio 1 RTP/AVP 0\r\n",
		  0, 1 },
		{ "rtpmap without clock",
		  HEAD "m=audio 1 RTP/AVP 97\r\na=rtpmap:97 foo\r\n", 0, 1 },
		{ "payload type 300", HEAD "m=audio 1 RTP/AVP 300\r\n", 0, 1 },
		{ "trailing blanks", HEAD "m=audio 1 RTP/AVP 0  \r\n", 0, 1 },
		{ "port with count", HEAD "m=audio 4000/2 RTP/AVP 0\r\n", 0,
		  1 },
		{ "no formats", HEAD "m=audio 4000 RTP/AVP\r\n", 0, 1 },
		{ "no v=", "o=x\r\nm=audio 1 RTP/AVP 0\r\n", 0, 1 },
		{ "empty", "", EINVAL, 0 },
		{ "no o=", "v=0\r\nm=audio 1 RTP/AVP 0\r\n", EINVAL, 0 },
		{ "version 1", "v=1\r\no=x\r\n", EINVAL, 0 },
		{ "port 70000", HEAD "m=audio 70000 RTP/AVP 0\r\n", EINVAL, 0 },
		{ "port -1", HEAD "m=audio -1 RTP/AVP 0\r\n", EINVAL, 0 },
		{ "no port", HEAD "m=audio\r\n", EINVAL, 0 },
		{ "no proto", HEAD "m=audio 1\r\n", EINVAL, 0 },
		/* The bodies that hang the library's parser. */
		{ "@ as format", "v=0\r\no=x\r\nm=image 9 udptl @\r\n", EINVAL,
		  0 },
		{ "quote in format", HEAD "m=audio 9 RTP/AVPF 0 \"x\r\n",
		  EINVAL, 0 },
		{ "CRLF in no token", HEAD "m=au\x01io 9 RTP/AVP 0\r\n", EINVAL,
		  0 },
	};
	struct sipsdp *sdp = NULL;
	const char *why;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		why = NULL;
		if (sipsdp_parse(&sdp, rows[i].text, strlen(rows[i].text),
				 &why) != rows[i].err)
			fail_msg("%s: %s", rows[i].name, why);
		if (rows[i].err)
			assert_non_null(why);
		else if (sdp->media_cnt != rows[i].media)
			fail_msg("%s: %u m= lines", rows[i].name,
				 sdp->media_cnt);
		sipsdp_free(&sdp);
		assert_null(sdp);
	}
}

/* @head, then @line @count times. */
static int parse_many(const char *head, const char *line, unsigned count)
{
	struct sipsdp *sdp = NULL;
	struct buf buf;
	unsigned i;
	int err;

	buf_init(&buf, 1 << 20);
	buf_add_str(&buf, head);
	for (i = 0; i < count; i++)
		buf_add_str(&buf, line);
	err = sipsdp_parse(&sdp, (char *)buf.data, buf.len, NULL);
	sipsdp_free(&sdp);
	buf_free(&buf);
	return err;
}

static void limits(void **state)
{
	(void)state;
	assert_int_equal(parse_many(HEAD, "m=audio 1 RTP/AVP 0\r\n", 8), 0);
	assert_int_equal(parse_many(HEAD, "m=audio 1 RTP/AVP 0\r\n", 9),
			 EMSGSIZE);
	assert_int_equal(parse_many(HEAD "m=audio 1 RTP/AVP", " 0", 64), 0);
	assert_int_equal(parse_many(HEAD "m=audio 1 RTP/AVP", " 0", 65),
			 EMSGSIZE);
	assert_int_equal(parse_many(HEAD, "a=x\r\n", 128), 0);
	assert_int_equal(parse_many(HEAD, "a=x\r\n", 129), EMSGSIZE);
	assert_int_equal(parse_many(HEAD "m=audio 1 RTP/AVP 0\r\n", "a=x\r\n",
				    128), 0);
	assert_int_equal(parse_many(HEAD "m=audio 1 RTP/AVP 0\r\n", "a=x\r\n",
				    129), EMSGSIZE);
	/* 16 384 octets fit, one more does not. */
	assert_int_equal(parse_many("v=0\r\no=x\r\ni=a", "b", 16384 - 13), 0);
	assert_int_equal(parse_many("v=0\r\no=x\r\ni=a", "b", 16384 - 12),
			 EMSGSIZE);
}

static void refuses_nul(void **state)
{
	static const char text[] = "v=0\r\no=x\0y\r\n";
	struct sipsdp *sdp = NULL;

	(void)state;
	assert_int_equal(sipsdp_parse(&sdp, text, sizeof(text) - 1, NULL),
			 EINVAL);
	assert_null(sdp);
}

static void directions(void **state)
{
	static const struct {
		const char *session, *media;
		enum media_dir dir;
	} rows[] = {
		{ "", "", MEDIA_SENDRECV },
		{ "a=sendonly\r\n", "", MEDIA_SENDONLY },
		{ "a=sendonly\r\n", "a=recvonly\r\n", MEDIA_RECVONLY },
		{ "", "a=inactive\r\n", MEDIA_INACTIVE },
		{ "", "c=IN IP4 0.0.0.0\r\n", MEDIA_SENDONLY },
		{ "", "c=IN IP4 0.0.0.0\r\na=recvonly\r\n", MEDIA_INACTIVE },
		{ "", "c=IN IP6 ::\r\n", MEDIA_SENDONLY },
	};
	struct sipsdp *sdp;
	char text[512];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 HEAD "%sm=audio 4000 RTP/AVP 0\r\n%s",
			 rows[i].session, rows[i].media);
		sdp = parsed(text);
		assert_int_equal(sipsdp_dir(sdp, &sdp->media[0]), rows[i].dir);
		sipsdp_free(&sdp);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *lines, *rtp, *rtcp;	/* NULL: none */
	} rows[] = {
		{ "", "192.0.2.1:4000", "192.0.2.1:4001" },
		{ "c=IN IP4 198.51.100.7\r\n", "198.51.100.7:4000",
		  "198.51.100.7:4001" },
		{ "c=IN IP4 198.51.100.7/127\r\n", "198.51.100.7:4000",
		  "198.51.100.7:4001" },
		{ "c=IN IP6 2001:db8::1\r\n", "[2001:db8::1]:4000",
		  "[2001:db8::1]:4001" },
		{ "a=rtcp:5000\r\n", "192.0.2.1:4000", "192.0.2.1:5000" },
		{ "a=rtcp:5000 IN IP4 198.51.100.9\r\n", "192.0.2.1:4000",
		  "198.51.100.9:5000" },
		{ "a=rtcp:99999\r\n", "192.0.2.1:4000", "192.0.2.1:4001" },
		{ "c=IN IP4 host.example\r\n", NULL, NULL },
		{ "c=IN IP4 1.2.3.4.5\r\n", NULL, NULL },
		{ "c=banana\r\n", "192.0.2.1:4000", "192.0.2.1:4001" },
	};
	char text[512], shown[ADDR_TEXT_LEN];
	struct addr rtp, rtcp;
	struct sipsdp *sdp;
	unsigned i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 HEAD "m=audio 4000 RTP/AVP 0\r\n%s", rows[i].lines);
		sdp = parsed(text);
		err = sipsdp_address(&rtp, &rtcp, sdp, &sdp->media[0]);
		assert_int_equal(err, rows[i].rtp ? 0 : EINVAL);
		if (!err) {
			addr_print(shown, &rtp);
			assert_string_equal(shown, rows[i].rtp);
			addr_print(shown, &rtcp);
			assert_string_equal(shown, rows[i].rtcp);
		}
		sipsdp_free(&sdp);
	}
}

static void formats(void **state)
{
	struct sipsdp *sdp = parsed(
		HEAD "m=audio 4000 RTP/AVP 96 97 98 99\r\n"
		     "a=fmtp:96 0-15\r\n"
		     "a=rtpmap:96 telephone-event/8000\r\n"
		     "a=rtpmap:97 opus/48000/2\r\n"
		     "a=rtpmap:98 foo\r\n"
		     "a=rtpmap:99 averyverylongnamethatfitsnobodysbuffer/8000\r\n"
		     "a=ptime:20\r\na=maxptime: 40\r\n");
	const struct sipsdp_media *m = &sdp->media[0];
	struct sipsdp_rtpmap map;

	(void)state;
	assert_int_equal(sipsdp_rtpmap(&map, m, 96), 0);
	assert_string_equal(map.name, "telephone-event");
	assert_int_equal(map.clock_hz, 8000);
	assert_int_equal(map.channels, 1);
	assert_string_equal(sipsdp_fmtp(m, 96), "0-15");
	assert_int_equal(sipsdp_rtpmap(&map, m, 97), 0);
	assert_int_equal(map.channels, 2);
	assert_null(sipsdp_fmtp(m, 97));
	assert_int_equal(sipsdp_rtpmap(&map, m, 98), ENOENT);
	assert_int_equal(sipsdp_rtpmap(&map, m, 99), ENOENT);
	assert_int_equal(sipsdp_rtpmap(&map, m, 9), ENOENT);
	assert_int_equal(sipsdp_ms(m, "ptime"), 20);
	assert_int_equal(sipsdp_ms(m, "maxptime"), 40);
	assert_int_equal(sipsdp_ms(m, "other"), 0);
	sipsdp_free(&sdp);
}

static void keeps_other_profiles(void **state)
{
	struct sipsdp *sdp = parsed(
		HEAD "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n"
		     "m=image 4002 udptl t38\r\n"
		     "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(sdp->media_cnt, 3);
	assert_int_equal(sipsdp_print_rejected(&out, &sdp->media[0]), 0);
	assert_int_equal(sipsdp_print_rejected(&out, &sdp->media[1]), 0);
	assert_int_equal(sipsdp_print_rejected(&out, &sdp->media[2]), 0);
	assert_string_equal(
		buf_str(&out),
		"m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"
		"m=image 0 udptl t38\r\n"
		"m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n");
	buf_free(&out);
	sipsdp_free(&sdp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_refuses),
		cmocka_unit_test(limits),
		cmocka_unit_test(refuses_nul),
		cmocka_unit_test(directions),
		cmocka_unit_test(addresses),
		cmocka_unit_test(formats),
		cmocka_unit_test(keeps_other_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
