/* SPDX-License-Identifier: MIT */
#include "sip/offer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* What an answer may need: 8 mirrored lines and the formats of ours. */
#define TEXT_MAX (2 * SIPSDP_MAX)

/* ---- reading ---- */

/* Whole parameters only: cut at the last ';' that fits. */
static void copy_fmtp(char out[MEDIA_FMTP_LEN], const char *text)
{
	size_t len = strlen(text);

	if (len >= MEDIA_FMTP_LEN) {
		len = MEDIA_FMTP_LEN - 1;
		while (len && text[len] != ';')
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

/* RFC 3551 numbers need no rtpmap. */
static enum codec static_codec(unsigned pt)
{
	enum codec codec;

	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		if (codec_info(codec)->rtp_pt == (int)pt)
			return codec;
	return CODEC_OTHER;
}

static bool read_format(struct media_format *format,
			const struct sipsdp_media *media, const char *text)
{
	struct sipsdp_rtpmap map;
	const char *fmtp;
	unsigned long pt;
	char *end;

	pt = strtoul(text, &end, 10);
	if (*end || pt > 127)
		return false;
	memset(format, 0, sizeof(*format));
	format->pt = (uint8_t)pt;
	if (sipsdp_rtpmap(&map, media, (unsigned)pt) == 0) {
		format->codec = codec_by_name(map.name);
		format->clock_hz = map.clock_hz;
		format->channels = map.channels;
	} else {
		format->codec = static_codec((unsigned)pt);
		format->clock_hz = codec_info(format->codec)->clock_hz;
		format->channels = 1;
	}
	if (format->codec == CODEC_OTHER || format->codec == CODEC_NONE)
		return false;
	/* The same codec at another clock is another codec to us, but for
	 * events and noise, which follow the speech's clock. */
	if (codec_info(format->codec)->audio &&
	    format->clock_hz != codec_info(format->codec)->clock_hz)
		return false;
	fmtp = sipsdp_fmtp(media, (unsigned)pt);
	if (fmtp)
		copy_fmtp(format->fmtp, fmtp);
	return true;
}

/* Everything but the address; false when it is no line for us. */
static bool read_line(struct media_desc *desc, const struct sipsdp *sdp,
		      const struct sipsdp_media *media)
{
	unsigned i;

	memset(desc, 0, sizeof(*desc));
	if (strcasecmp(media->type, "audio") != 0 ||
	    strcasecmp(media->proto, "RTP/AVP") != 0)
		return false;
	for (i = 0; i < media->format_cnt && desc->format_cnt < MEDIA_FORMATS;
	     i++)
		if (read_format(&desc->format[desc->format_cnt], media,
				media->format[i]))
			desc->format_cnt++;
	desc->dir = sipsdp_dir(sdp, media);
	desc->ptime_ms = sipsdp_ms(media, "ptime");
	desc->maxptime_ms = sipsdp_ms(media, "maxptime");
	desc->rtcp_mux = sipsdp_attr(&media->attrs, "rtcp-mux") != NULL;
	return media_desc_audio(desc) != NULL;
}

int sipoffer_read(struct media_desc *desc, unsigned *line,
	       const struct sipsdp *offer)
{
	const struct sipsdp_media *media;
	struct media_desc found;
	unsigned i;

	for (i = 0; i < offer->media_cnt; i++) {
		media = &offer->media[i];
		if (!media->port || !read_line(&found, offer, media) ||
		    sipsdp_address(&found.rtp, &found.rtcp, offer, media) != 0)
			continue;
		*desc = found;
		*line = i;
		return 0;
	}
	return ENOENT;
}

int sipoffer_read_answer(struct media_desc *desc, const struct sipsdp *answer)
{
	const struct sipsdp_media *media = &answer->media[0];
	struct media_desc found;

	if (!answer->media_cnt || strcasecmp(media->type, "audio") != 0)
		return EINVAL;
	if (!media->port) {
		memset(desc, 0, sizeof(*desc));
		return 0;
	}
	if (!read_line(&found, answer, media) ||
	    sipsdp_address(&found.rtp, &found.rtcp, answer, media) != 0)
		return EINVAL;
	*desc = found;
	return 0;
}

/* ---- agreeing ---- */

static uint32_t clock_of(const struct media_format *format)
{
	return format->clock_hz ? format->clock_hz
				: codec_info(format->codec)->clock_hz;
}

static const struct media_format *
find_format(const struct media_desc *desc, const struct media_format *wanted)
{
	unsigned i;

	for (i = 0; i < desc->format_cnt; i++)
		if (desc->format[i].codec == wanted->codec &&
		    clock_of(&desc->format[i]) == clock_of(wanted))
			return &desc->format[i];
	return NULL;
}

int sipoffer_align(struct media_desc *answer, const struct media_desc *offer)
{
	const struct media_format *theirs;
	unsigned i, kept = 0, allowed;

	for (i = 0; i < answer->format_cnt; i++) {
		theirs = find_format(offer, &answer->format[i]);
		if (!theirs)
			continue;
		answer->format[kept] = answer->format[i];
		answer->format[kept++].pt = theirs->pt;
	}
	answer->format_cnt = kept;
	/* What they send we may receive, and the other way round. */
	allowed = (offer->dir & MEDIA_SENDONLY ? MEDIA_RECVONLY : 0u) |
		  (offer->dir & MEDIA_RECVONLY ? MEDIA_SENDONLY : 0u);
	answer->dir &= allowed;
	if (!offer->rtcp_mux)
		answer->rtcp_mux = false;
	return media_desc_audio(answer) ? 0 : ENOENT;
}

bool sipoffer_same(const struct media_desc *a, const struct media_desc *b)
{
	unsigned i;

	if (a->format_cnt != b->format_cnt || a->dir != b->dir ||
	    a->ptime_ms != b->ptime_ms || a->maxptime_ms != b->maxptime_ms ||
	    a->rtcp_mux != b->rtcp_mux || !addr_equal(&a->rtp, &b->rtp) ||
	    !addr_equal(&a->rtcp, &b->rtcp))
		return false;
	for (i = 0; i < a->format_cnt; i++)
		if (a->format[i].codec != b->format[i].codec ||
		    a->format[i].pt != b->format[i].pt ||
		    a->format[i].clock_hz != b->format[i].clock_hz ||
		    a->format[i].channels != b->format[i].channels ||
		    strcmp(a->format[i].fmtp, b->format[i].fmtp) != 0)
			return false;
	return true;
}

/* ---- printing ---- */

static void print_format(struct buf *out, const struct media_format *format)
{
	/* RFC 7587, 7: opus is always written with two channels. */
	unsigned channels = format->codec == CODEC_OPUS ? 2 : format->channels;

	buf_printf(out, "a=rtpmap:%u %s/%u", format->pt,
		   codec_info(format->codec)->name, clock_of(format));
	if (channels > 1)
		buf_printf(out, "/%u", channels);
	buf_add_str(out, "\r\n");
	if (format->fmtp[0])
		buf_printf(out, "a=fmtp:%u %s\r\n", format->pt, format->fmtp);
}

static void print_rtcp(struct buf *out, const struct media_desc *desc)
{
	char host[ADDR_TEXT_LEN];

	if (desc->rtcp_mux)
		buf_add_str(out, "a=rtcp-mux\r\n");
	if (!desc->rtcp.len || desc->rtcp_mux ||
	    (addr_same_host(&desc->rtcp, &desc->rtp) &&
	     addr_port(&desc->rtcp) == addr_port(&desc->rtp) + 1))
		return;
	addr_print_host(host, &desc->rtcp);
	buf_printf(out, "a=rtcp:%u IN %s %s\r\n", addr_port(&desc->rtcp),
		   desc->rtcp.ss.ss_family == AF_INET6 ? "IP6" : "IP4", host);
}

static void print_media(struct buf *out, const struct sipsdp_origin *origin,
			const struct media_desc *desc)
{
	static const char *const dirs[] = {
		[MEDIA_INACTIVE] = "inactive",
		[MEDIA_SENDONLY] = "sendonly",
		[MEDIA_RECVONLY] = "recvonly",
		[MEDIA_SENDRECV] = "sendrecv",
	};
	char host[ADDR_TEXT_LEN];
	unsigned i;

	buf_printf(out, "m=audio %u RTP/AVP", addr_port(&desc->rtp));
	for (i = 0; i < desc->format_cnt; i++)
		buf_printf(out, " %u", desc->format[i].pt);
	buf_add_str(out, "\r\n");
	if (!addr_same_host(&desc->rtp, &origin->address)) {
		addr_print_host(host, &desc->rtp);
		buf_printf(out, "c=IN %s %s\r\n",
			   desc->rtp.ss.ss_family == AF_INET6 ? "IP6" : "IP4",
			   host);
	}
	for (i = 0; i < desc->format_cnt; i++)
		print_format(out, &desc->format[i]);
	if (desc->ptime_ms)
		buf_printf(out, "a=ptime:%u\r\n", desc->ptime_ms);
	if (desc->maxptime_ms)
		buf_printf(out, "a=maxptime:%u\r\n", desc->maxptime_ms);
	print_rtcp(out, desc);
	buf_printf(out, "a=%s\r\n", dirs[desc->dir & MEDIA_SENDRECV]);
}

char *sipoffer_make(const struct sipsdp_origin *origin,
		 const struct media_desc *desc)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	sipsdp_print_head(&out, origin);
	print_media(&out, origin, desc);
	return buf_steal(&out);
}

char *sipoffer_answer(const struct sipsdp_origin *origin,
		   const struct sipsdp *offer, unsigned line,
		   const struct media_desc *desc)
{
	struct buf out;
	unsigned i;

	buf_init(&out, TEXT_MAX);
	sipsdp_print_head(&out, origin);
	for (i = 0; i < offer->media_cnt; i++)
		if (i == line && desc && desc->format_cnt)
			print_media(&out, origin, desc);
		else
			sipsdp_print_rejected(&out, &offer->media[i]);
	return buf_steal(&out);
}
