/* SPDX-License-Identifier: MIT */
/*
 * media/desc.h - plain data: what one side of a call can send and receive.
 *
 * The one header of media/ that sip/ and ript/ may include: sip/offer turns
 * SDP into it and back, ript/directive does so with advertisements.
 *
 * Owner:  whoever holds the struct; no pointers inside.
 * Loop:   any.
 * Spec:   RFC 3551 (payload types), profile section 2 (RIPT payload types).
 */
#ifndef RIPTIDE_MEDIA_DESC_H
#define RIPTIDE_MEDIA_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum codec {
	CODEC_NONE,
	CODEC_PCMU,
	CODEC_PCMA,
	CODEC_OPUS,
	CODEC_G722,
	CODEC_G729,
	CODEC_GSM,
	CODEC_TELEPHONE_EVENT,
	CODEC_CN,
	CODEC_OTHER,	/* known to a table elsewhere or to nobody */
	CODEC_CNT
};

struct codec_info {
	const char *name;	/* media subtype, as in SDP and param-sets */
	uint32_t clock_hz;	/* RTP clock */
	uint8_t ript_pt;	/* profile section 2 */
	int rtp_pt;		/* static RTP payload type, -1: dynamic */
	bool audio;		/* carries speech: not telephone-event, CN */
};

/* The table's row; CODEC_NONE and CODEC_OTHER have an empty name. */
const struct codec_info *codec_info(enum codec codec);
/* By subtype name, case-insensitive, "audio/" skipped; CODEC_OTHER if new. */
enum codec codec_by_name(const char *name);
/* By RIPT payload type number (1 is opus too); CODEC_NONE if unknown. */
enum codec codec_by_ript_pt(uint32_t pt);

enum media_dir {
	MEDIA_INACTIVE = 0,
	MEDIA_SENDONLY = 1,
	MEDIA_RECVONLY = 2,
	MEDIA_SENDRECV = 3,
};

#define MEDIA_FORMATS 16
#define MEDIA_FMTP_LEN 64

struct media_format {
	enum codec codec;
	uint8_t pt;			/* RTP payload type */
	uint8_t channels;
	uint32_t clock_hz;
	char fmtp[MEDIA_FMTP_LEN];	/* "" if none */
};

/* One audio stream as one side describes it. */
struct media_desc {
	struct media_format format[MEDIA_FORMATS];	/* in preference order */
	unsigned format_cnt;				/* 0: refused */
	enum media_dir dir;		/* seen from the describing side */
	uint16_t ptime_ms;		/* 0: not said */
	uint16_t maxptime_ms;		/* 0: not said */
	struct addr rtp;		/* where it wants to receive */
	struct addr rtcp;
	bool rtcp_mux;
};

/* The first speech codec; NULL if none. */
const struct media_format *media_desc_audio(const struct media_desc *desc);
/* The format of @codec, or of the RTP payload type; NULL if none. */
const struct media_format *media_desc_codec(const struct media_desc *desc,
					    enum codec codec);
const struct media_format *media_desc_pt(const struct media_desc *desc,
					 uint8_t pt);
/* Keep of @desc the formats whose codec is in the set (1u << codec). */
void media_desc_keep(struct media_desc *desc, uint32_t codecs);
uint32_t media_desc_codecs(const struct media_desc *desc);

#endif
