/* SPDX-License-Identifier: MIT */
/* The directives of ript/directive.h. */
#include "ript/directive.h"

#include <errno.h>
#include <string.h>

#include "ript/json.h"
#include "ript/params.h"

#define BIT(codec) (1u << (codec))

#define PTIME_MS 20		/* what phones send; less only if told so */
#define PTIME_OPUS_MIN 5	/* in whole ms */
#define PTIME_G729_STEP 10	/* one frame */
#define PTIME_GSM_STEP 20

static int64_t lower(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool neither_given(int64_t a, int64_t b)
{
	return a == RIPT_ABSENT && b == RIPT_ABSENT;
}

/* ---- values of one codec within two maxima ---- */

/* The sample rate of @codec that is no higher than @max; 0: none. */
static int64_t rate_of(enum codec codec, int64_t max)
{
	static const int64_t opus[] = { 48000, 24000, 16000, 12000, 8000, 0 };
	int64_t rate;
	unsigned i;

	if (codec == CODEC_OPUS) {
		for (i = 0; opus[i] > max; i++)
			;
		return opus[i];
	}
	/* RFC 3551, 4.5.2: G722's RTP clock is not its sample rate. */
	rate = codec == CODEC_G722 ? 16000 : codec_info(codec)->clock_hz;
	return rate <= max ? rate : 0;
}

/* The packet time of @codec that is no longer than @max; 0: none. */
static int64_t ptime_of(enum codec codec, int64_t max)
{
	int64_t ptime = lower(PTIME_MS, max);

	switch (codec) {
	case CODEC_OPUS:
		return ptime >= 20	       ? 20
		       : ptime >= 10	       ? 10
		       : ptime >= PTIME_OPUS_MIN ? PTIME_OPUS_MIN
						 : 0;
	case CODEC_G729:
		return ptime / PTIME_G729_STEP * PTIME_G729_STEP;
	case CODEC_GSM:
		return ptime / PTIME_GSM_STEP * PTIME_GSM_STEP;
	default:
		return ptime >= 10 ? ptime / 10 * 10 : ptime;
	}
}

/*
 * What is sent with @codec from a source of @from to a sink of @to.
 * Returns false if the codec cannot stay within both.
 */
static bool select_params(struct ript_params *out, enum codec codec,
			  const struct ript_params *from,
			  const struct ript_params *to)
{
	uint32_t offered = ript_params_codecs(from);
	uint32_t both = offered & ript_params_codecs(to);
	enum codec other;

	params_init(out);
	if (!(both & BIT(codec)))
		return false;
	out->sr = rate_of(codec, lower(params_sr(from), params_sr(to)));
	out->ptime = ptime_of(codec,
			      lower(params_ptime(from), params_ptime(to)));
	if (!out->sr || !out->ptime)
		return false;
	if (!neither_given(from->ss, to->ss))
		out->ss = lower(16, lower(params_ss(from), params_ss(to)));
	if (params_cbr(from) || params_cbr(to))
		out->cbr = 1;
	if (!params_ch(from) || !params_ch(to))
		out->ch = 0;
	if (from->br != RIPT_ABSENT || to->br != RIPT_ABSENT)
		out->br = from->br == RIPT_ABSENT ? to->br
			  : to->br == RIPT_ABSENT ? from->br
						  : lower(from->br, to->br);
	for (other = CODEC_PCMU; other < CODEC_OTHER; other++) {
		bool speech = codec_info(other)->audio;

		if (speech ? other == codec : (both & BIT(other)) != 0)
			out->codecs |= BIT(other);
		else if (!speech || (offered & BIT(other)))
			out->refused |= BIT(other);
	}
	return true;
}

/* ---- making ---- */

static bool select_codec(struct ript_params *out, enum codec codec,
			 const struct ript_end *source,
			 const struct ript_end *sink)
{
	unsigned i, k;

	if (!codec_info(codec)->audio)
		return false;
	for (i = 0; i < source->set_cnt; i++)
		for (k = 0; k < sink->set_cnt; k++)
			if (select_params(out, codec, &source->set[i],
					  &sink->set[k]))
				return true;
	return false;
}

/* By preference, then whatever else both can do. */
static bool select_set(struct ript_params *out, const struct ript_end *source,
		       const struct ript_end *sink, const enum codec *prefer)
{
	enum codec codec;

	if (source->media != sink->media || source->media != RIPT_AUDIO)
		return false;
	for (; prefer && *prefer != CODEC_NONE; prefer++)
		if (select_codec(out, *prefer, source, sink))
			return true;
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		if (select_codec(out, codec, source, sink))
			return true;
	return false;
}

/* Each source to the first sink that fits and that no other source has. */
static void make_one(struct ript_directive *out,
		     const struct ript_end *source, unsigned source_cnt,
		     const struct ript_end *sink, unsigned sink_cnt,
		     const enum codec *prefer)
{
	bool taken[RIPT_ENDS] = { false };
	struct ript_stream *stream;
	unsigned i, k;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < source_cnt; i++)
		for (k = 0; k < sink_cnt; k++) {
			stream = &out->stream[out->stream_cnt];
			if (taken[k] || !select_set(&stream->params,
						    &source[i], &sink[k],
						    prefer))
				continue;
			stream->source = source[i].id;
			stream->sink = sink[k].id;
			stream->media = source[i].media;
			out->stream_cnt++;
			taken[k] = true;
			break;
		}
	if (out->stream_cnt < RIPT_ENDS)	/* a set that was tried */
		memset(&out->stream[out->stream_cnt], 0,
		       sizeof(out->stream[0]));
}

void ript_directives_make(struct ript_directives *out,
			  const struct ript_advert *client,
			  const struct ript_advert *server,
			  const enum codec *prefer)
{
	make_one(&out->client, client->source, client->source_cnt,
		 server->sink, server->sink_cnt, prefer);
	make_one(&out->server, server->source, server->source_cnt,
		 client->sink, client->sink_cnt, prefer);
	out->client_absent = false;
	out->server_absent = false;
}

/* ---- reading ---- */

/* {"id":0}, or the id alone. */
static int ref_parse(uint8_t *idp, struct json_object *json, const char *key,
		     const char **why)
{
	struct json_object *ref = NULL, *id = NULL;

	json_object_object_get_ex(json, key, &ref);
	if (!json_object_object_get_ex(ref, "id", &id))
		id = ref;
	if (params_id_parse(idp, id) == 0)
		return 0;
	*why = "A stream needs a source and a sink with an id each.";
	return EINVAL;
}

static enum ript_media media_of(struct json_object *stream,
				struct json_object *set)
{
	struct json_object_iterator it, end;
	const char *media;

	if (ript_json_get_text(&media, stream, "media", 16) == 0)
		return strcmp(media, "video") == 0 ? RIPT_VIDEO : RIPT_AUDIO;
	it = json_object_iter_begin(set);
	end = json_object_iter_end(set);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
		if (params_media(json_object_iter_peek_name(&it)) ==
		    RIPT_VIDEO)
			return RIPT_VIDEO;
	return RIPT_AUDIO;
}

static int stream_parse(struct ript_stream *stream, struct json_object *json,
			const char **why)
{
	struct ript_json_list sets;
	struct json_object *set;
	int err;

	if (!json_object_is_type(json, json_type_object)) {
		*why = "A stream must be an object.";
		return EINVAL;
	}
	err = ref_parse(&stream->source, json, "source", why);
	if (!err)
		err = ref_parse(&stream->sink, json, "sink", why);
	if (err)
		return err;
	sets = ript_json_get_list(json, "param-sets");
	if (sets.count > 1) {
		*why = "A stream has more than one param-set.";
		return EINVAL;
	}
	params_init(&stream->params);
	if (!sets.count)
		return 0;
	set = ript_json_at(&sets, 0);
	err = params_parse(&stream->params, set, why);
	if (!err)
		stream->media = media_of(json, set);
	return err;
}

static int directive_parse(struct ript_directive *out,
			   struct json_object *json, const char **why)
{
	struct ript_json_list streams = ript_json_get_list(json, "stream");
	size_t i;
	int err;

	memset(out, 0, sizeof(*out));
	if (!json_object_is_type(json, json_type_object)) {
		*why = "A directive must be an object.";
		return EINVAL;
	}
	if (streams.count > RIPT_ENDS) {
		*why = "A directive has more than 16 streams.";
		return EINVAL;
	}
	for (i = 0; i < streams.count; i++) {
		err = stream_parse(&out->stream[i], ript_json_at(&streams, i),
				   why);
		if (err)
			return err;
	}
	out->stream_cnt = (unsigned)streams.count;
	return 0;
}

int ript_directives_parse(struct ript_directives *out,
			  struct json_object *json, const char **why)
{
	struct json_object *client = NULL, *server = NULL;
	const char *ignored;
	int err;

	memset(out, 0, sizeof(*out));
	if (!json_object_is_type(json, json_type_object)) {
		*why = "Directives must be an object.";
		return EINVAL;
	}
	json_object_object_get_ex(json, "client", &client);
	json_object_object_get_ex(json, "server", &server);
	out->client_absent = !client;
	if (client) {
		err = directive_parse(&out->client, client, why);
		if (err)
			return err;
	}
	out->server_absent = !server || directive_parse(&out->server, server,
							&ignored) != 0;
	if (out->server_absent)
		memset(&out->server, 0, sizeof(out->server));
	return 0;
}

/* ---- printing ---- */

static struct json_object *ref_json(uint8_t id)
{
	struct json_object *json = json_object_new_object();

	ript_json_add_int(json, "id", id);
	return json;
}

static struct json_object *stream_json(const struct ript_stream *stream)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "source", ref_json(stream->source));
	json_object_object_add(json, "sink", ref_json(stream->sink));
	if (stream->media == RIPT_VIDEO)
		ript_json_add_text(json, "media", "video");
	json_object_object_add(json, "param-sets",
			       params_json(&stream->params, stream->media));
	return json;
}

static struct json_object *directive_json(const struct ript_directive *d)
{
	struct json_object *json = json_object_new_object();
	struct json_object *streams;
	unsigned i;

	if (d->stream_cnt == 1) {
		streams = stream_json(&d->stream[0]);
	} else {
		streams = json_object_new_array();
		for (i = 0; i < d->stream_cnt; i++)
			json_object_array_add(streams,
					      stream_json(&d->stream[i]));
	}
	json_object_object_add(json, "stream", streams);
	return json;
}

struct json_object *ript_directives_json(const struct ript_directives *d)
{
	struct json_object *json = json_object_new_object();

	if (!d->client_absent)
		json_object_object_add(json, "client",
				       directive_json(&d->client));
	if (!d->server_absent)
		json_object_object_add(json, "server",
				       directive_json(&d->server));
	return json;
}

char *ript_directive_text(const struct ript_directive *directive)
{
	struct buf out;
	unsigned i;

	buf_init(&out, SIZE_MAX);
	for (i = 0; i < directive->stream_cnt; i++) {
		const struct ript_stream *stream = &directive->stream[i];

		(void)buf_printf(&out, "%s%u to %u: ", i ? " " : "",
				 stream->source, stream->sink);
		params_text(&out, &stream->params);
		(void)buf_add_str(&out, ";");
	}
	return buf_steal(&out);
}

/* ---- asking ---- */

const struct ript_stream *
ript_directive_audio(const struct ript_directive *directive)
{
	unsigned i;

	for (i = 0; i < directive->stream_cnt; i++)
		if (directive->stream[i].media == RIPT_AUDIO)
			return &directive->stream[i];
	return NULL;
}

uint32_t ript_directive_codecs(const struct ript_directive *directive)
{
	const struct ript_stream *stream = ript_directive_audio(directive);

	return stream ? ript_params_codecs(&stream->params) : 0;
}
