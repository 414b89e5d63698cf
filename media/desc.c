/* SPDX-License-Identifier: MIT */
#include "media/desc.h"

#include <string.h>
#include <strings.h>

static const struct codec_info codecs[CODEC_CNT] = {
	[CODEC_NONE] = { "", 0, 0, -1, false },
	[CODEC_PCMU] = { "PCMU", 8000, 0, 0, true },
	[CODEC_PCMA] = { "PCMA", 8000, 8, 8, true },
	[CODEC_OPUS] = { "opus", 48000, 111, -1, true },
	/* RFC 3551, 4.5.2: the RTP clock of G722 is 8000 by an old mistake. */
	[CODEC_G722] = { "G722", 8000, 9, 9, true },
	[CODEC_G729] = { "G729", 8000, 18, 18, true },
	[CODEC_GSM] = { "GSM", 8000, 3, 3, true },
	[CODEC_TELEPHONE_EVENT] = { "telephone-event", 8000, 101, -1, false },
	[CODEC_CN] = { "CN", 8000, 13, 13, false },
	[CODEC_OTHER] = { "", 0, 0, -1, false },
};

#define RIPT_PT_OPUS_OLD 1 /* what the first implementation sends */

const struct codec_info *codec_info(enum codec codec)
{
	if ((unsigned)codec >= CODEC_CNT)
		codec = CODEC_NONE;
	return &codecs[codec];
}

enum codec codec_by_name(const char *name)
{
	enum codec codec;

	if (!name)
		return CODEC_OTHER;
	if (strncasecmp(name, "audio/", 6) == 0)
		name += 6;
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		if (strcasecmp(name, codecs[codec].name) == 0)
			return codec;
	return CODEC_OTHER;
}

enum codec codec_by_ript_pt(uint32_t pt)
{
	enum codec codec;

	if (pt == RIPT_PT_OPUS_OLD)
		return CODEC_OPUS;
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		if (codecs[codec].ript_pt == pt)
			return codec;
	return CODEC_NONE;
}

const struct media_format *media_desc_audio(const struct media_desc *desc)
{
	unsigned i;

	for (i = 0; i < desc->format_cnt; i++)
		if (codec_info(desc->format[i].codec)->audio)
			return &desc->format[i];
	return NULL;
}

const struct media_format *media_desc_codec(const struct media_desc *desc,
					    enum codec codec)
{
	unsigned i;

	for (i = 0; i < desc->format_cnt; i++)
		if (desc->format[i].codec == codec)
			return &desc->format[i];
	return NULL;
}

const struct media_format *media_desc_pt(const struct media_desc *desc,
					 uint8_t pt)
{
	unsigned i;

	for (i = 0; i < desc->format_cnt; i++)
		if (desc->format[i].pt == pt)
			return &desc->format[i];
	return NULL;
}

void media_desc_keep(struct media_desc *desc, uint32_t wanted)
{
	unsigned i, kept = 0;

	for (i = 0; i < desc->format_cnt; i++) {
		if (!(wanted & (1u << desc->format[i].codec)))
			continue;
		if (kept != i)
			desc->format[kept] = desc->format[i];
		kept++;
	}
	memset(&desc->format[kept], 0,
	       (MEDIA_FORMATS - kept) * sizeof(desc->format[0]));
	desc->format_cnt = kept;
}

uint32_t media_desc_codecs(const struct media_desc *desc)
{
	uint32_t set = 0;
	unsigned i;

	for (i = 0; i < desc->format_cnt; i++)
		set |= 1u << desc->format[i].codec;
	return set;
}
