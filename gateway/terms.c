/* SPDX-License-Identifier: MIT */
#include "gateway/terms.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ript/params.h"

#define PTIME_MS 20
#define PIECE_MIN_MS 5
#define PIECE_MAX_MS 1000

/* Speech first, in the order of our preference. */
static const enum codec preferred[] = { CODEC_PCMU, CODEC_PCMA, CODEC_NONE };
#define SPEECH_CNT (sizeof(preferred) / sizeof(preferred[0]) - 1)

bool terms_has_audio(uint32_t codecs)
{
	for (unsigned i = 0; preferred[i] != CODEC_NONE; i++)
		if (codecs & 1u << preferred[i])
			return true;
	return false;
}

/* A format that can go over RIPT: telephone-event and CN exist at several
 * RTP clocks, and ours is that of the speech beside them. */
static bool usable(const struct media_format *format)
{
	return (TERMS_CODECS & 1u << format->codec) &&
	       format->clock_hz == codec_info(format->codec)->clock_hz &&
	       format->channels <= 1;
}

uint32_t terms_caller_codecs(const struct media_desc *caller)
{
	uint32_t codecs = 0;

	if (!caller)
		return TERMS_CODECS;
	for (unsigned i = 0; i < caller->format_cnt; i++)
		if (usable(&caller->format[i]))
			codecs |= 1u << caller->format[i].codec;
	return codecs;
}

uint32_t terms_directed(const struct ript_directives *directives)
{
	uint32_t client = ript_directive_codecs(&directives->client);
	uint32_t server = ript_directive_codecs(&directives->server);

	if (client && server)
		return client & server;
	return client | server;
}

/* Which ways the directives leave open, seen from our SIP side: what the
 * client sends comes from its phone, what the server sends goes to it. */
static enum media_dir directed_dir(const struct ript_directives *directives,
				   bool client)
{
	unsigned dir = MEDIA_INACTIVE;
	bool out = ript_directive_audio(&directives->client) != NULL;
	bool in = ript_directive_audio(&directives->server) != NULL;

	if (client ? out : in)
		dir |= MEDIA_RECVONLY;
	if (client ? in : out)
		dir |= MEDIA_SENDONLY;
	return (enum media_dir)dir;
}

/* The other end's view of a direction. */
static enum media_dir mirrored(enum media_dir dir)
{
	unsigned out = MEDIA_INACTIVE;

	if (dir & MEDIA_SENDONLY)
		out |= MEDIA_RECVONLY;
	if (dir & MEDIA_RECVONLY)
		out |= MEDIA_SENDONLY;
	return (enum media_dir)out;
}

static void place(struct media_desc *desc, const struct addr *rtp)
{
	desc->rtp = *rtp;
	desc->rtcp = *rtp;
	addr_set_port(&desc->rtcp, (uint16_t)(addr_port(rtp) + 1));
	desc->rtcp_mux = false;
}

int terms_answer(struct media_desc *out, const struct media_desc *caller,
		 const struct ript_directives *directives,
		 const struct addr *rtp)
{
	uint32_t directed = terms_directed(directives);

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < caller->format_cnt; i++) {
		const struct media_format *format = &caller->format[i];

		if (!usable(format) || !(directed & 1u << format->codec))
			continue;
		if (media_desc_codec(out, format->codec))
			continue;
		out->format[out->format_cnt++] = *format;
	}
	if (!media_desc_audio(out))
		return ENOTSUP;
	out->dir = (enum media_dir)(mirrored(caller->dir) &
				    directed_dir(directives, true));
	out->ptime_ms = caller->ptime_ms;
	place(out, rtp);
	return 0;
}

static void add_format(struct media_desc *desc, enum codec codec)
{
	const struct codec_info *info = codec_info(codec);
	struct media_format *format = &desc->format[desc->format_cnt++];

	format->codec = codec;
	format->pt = info->rtp_pt >= 0 ? (uint8_t)info->rtp_pt : info->ript_pt;
	format->channels = 1;
	format->clock_hz = info->clock_hz;
	if (codec == CODEC_TELEPHONE_EVENT)
		snprintf(format->fmtp, sizeof(format->fmtp), "0-16");
}

/* Speech of @first, then the rest of @all, then events and noise. */
static void add_formats(struct media_desc *desc, uint32_t first, uint32_t all)
{
	for (unsigned i = 0; preferred[i] != CODEC_NONE; i++)
		if (first & 1u << preferred[i])
			add_format(desc, preferred[i]);
	for (unsigned i = 0; preferred[i] != CODEC_NONE; i++)
		if (all & ~first & 1u << preferred[i])
			add_format(desc, preferred[i]);
	if (all & 1u << CODEC_TELEPHONE_EVENT)
		add_format(desc, CODEC_TELEPHONE_EVENT);
	if (all & 1u << CODEC_CN)
		add_format(desc, CODEC_CN);
}

static int make_offer(struct media_desc *out, uint32_t first, uint32_t all,
		      enum media_dir dir, const struct addr *rtp)
{
	memset(out, 0, sizeof(*out));
	add_formats(out, first, all);
	if (!media_desc_audio(out))
		return ENOTSUP;
	out->dir = dir;
	out->ptime_ms = PTIME_MS;
	place(out, rtp);
	return 0;
}

int terms_late(struct media_desc *out, const struct ript_directives *directives,
	       const struct addr *rtp)
{
	uint32_t directed = terms_directed(directives) & TERMS_CODECS;

	return make_offer(out, directed, directed,
			  directed_dir(directives, true), rtp);
}

/* What we can do, and what we could do with one speech codec alone. */
static struct {
	struct ript_advert all, alone[SPEECH_CNT];
} ours;

static void make_ours(void)
{
	uint32_t beside = 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN;

	ript_advert_voice(&ours.all, TERMS_CODECS, 0);
	for (unsigned i = 0; i < SPEECH_CNT; i++)
		ript_advert_voice(&ours.alone[i], beside | 1u << preferred[i],
				  0);
}

uint32_t terms_direct(struct ript_directives *out,
		      const struct ript_advert *client)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ript_directives alone;
	uint32_t common = 0;

	pthread_once(&once, make_ours);
	ript_directives_make(out, client, &ours.all, preferred);
	/* One speech codec at a time shows which are in common, whatever
	 * defaults and maxima the advertisement has. */
	for (unsigned i = 0; i < SPEECH_CNT; i++) {
		ript_directives_make(&alone, client, &ours.alone[i],
				     preferred);
		common |= terms_directed(&alone);
	}
	return common & TERMS_CODECS;
}

int terms_callee(struct media_desc *out, uint32_t common,
		 const struct ript_directives *directives,
		 const struct addr *rtp)
{
	return make_offer(out, terms_directed(directives) & common, common,
			  directed_dir(directives, false), rtp);
}

/* What a narrowed directive is about; CN stays as it was, since a phone may
 * drop it unheard. */
#define NARROWED (TERMS_CODECS & ~(1u << CODEC_CN))

static bool narrow(struct ript_directive *directive, uint32_t codecs,
		   bool wanted)
{
	bool changed = false;

	if (!wanted) {
		changed = directive->stream_cnt > 0;
		directive->stream_cnt = 0;
		return changed;
	}
	codecs &= NARROWED;
	for (unsigned i = 0; i < directive->stream_cnt; i++) {
		struct ript_params *params = &directive->stream[i].params;

		if (directive->stream[i].media != RIPT_AUDIO ||
		    (ript_params_codecs(params) & NARROWED) == codecs)
			continue;
		params->codecs = (ript_params_codecs(params) & ~NARROWED) |
				 codecs;
		params->refused &= ~codecs;
		/* Absent would mean yes (Q22). */
		if (!(codecs & 1u << CODEC_TELEPHONE_EVENT))
			params->refused |= 1u << CODEC_TELEPHONE_EVENT;
		changed = true;
	}
	return changed;
}

bool terms_narrow(struct ript_directives *out,
		  const struct ript_directives *in,
		  const struct media_desc *answer)
{
	uint32_t codecs = terms_caller_codecs(answer);
	bool changed;

	*out = *in;
	changed = narrow(&out->client, codecs, answer->dir & MEDIA_RECVONLY);
	changed |= narrow(&out->server, codecs, answer->dir & MEDIA_SENDONLY);
	return changed;
}

/* As far as we direct: which streams, and their codecs. */
static bool same_directive(const struct ript_directive *a,
			   const struct ript_directive *b)
{
	if (a->stream_cnt != b->stream_cnt)
		return false;
	for (unsigned i = 0; i < a->stream_cnt; i++) {
		const struct ript_stream *x = &a->stream[i], *y = &b->stream[i];

		if (x->source != y->source || x->sink != y->sink ||
		    x->media != y->media ||
		    ript_params_codecs(&x->params) !=
			    ript_params_codecs(&y->params) ||
		    x->params.ptime != y->params.ptime)
			return false;
	}
	return true;
}

bool terms_redirect(struct ript_directives *out, uint32_t *common,
		    const struct ript_directives *now,
		    const struct ript_advert *client,
		    const struct media_desc *answer)
{
	struct ript_directives fresh;
	struct media_desc kept;

	*common = terms_direct(&fresh, client);
	*out = fresh;
	if (answer) {
		kept = *answer;
		media_desc_keep(&kept, *common);
		if (!media_desc_audio(&kept))
			kept.dir = MEDIA_INACTIVE;
		terms_narrow(out, &fresh, &kept);
	}
	return !same_directive(&out->client, &now->client) ||
	       !same_directive(&out->server, &now->server);
}

/* The longest chunk that a directive allows, within what makes sense: no
 * peer has a phone's packets cut into dust. */
static unsigned longest_ms(const struct ript_stream *stream)
{
	int64_t ptime = params_ptime(&stream->params);

	return ptime < PIECE_MIN_MS   ? PIECE_MIN_MS
	       : ptime > PIECE_MAX_MS ? PIECE_MAX_MS
				      : (unsigned)ptime;
}

void terms_bridge(struct bridge_ript *out, bool client,
		  const struct ript_directives *directives)
{
	const struct ript_directive *tx, *rx;
	const struct ript_stream *stream;

	memset(out, 0, sizeof(*out));
	out->client = client;
	tx = client ? &directives->client : &directives->server;
	rx = client ? &directives->server : &directives->client;
	stream = ript_directive_audio(tx);
	if (stream) {
		out->tx_source = stream->source;
		out->tx_sink = stream->sink;
		out->tx_codecs = ript_directive_codecs(tx);
		out->tx_ptime_ms = longest_ms(stream);
	}
	stream = ript_directive_audio(rx);
	if (stream) {
		out->rx_source = stream->source;
		out->rx_sink = stream->sink;
		out->rx_codecs = ript_directive_codecs(rx);
	}
}
