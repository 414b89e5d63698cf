/* SPDX-License-Identifier: MIT */
/* The advertisements of ript/directive.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/json.h"
#include "ript/params.h"

#define TEXT_LEN 8192		/* of the text form */
#define ITEM_LEN 64		/* a name or a value in it */

/* One source and one sink that can do the defaults, ids as a voice gateway
 * gives them. */
static void advert_default(struct ript_advert *advert)
{
	ript_advert_voice(advert, 0, 0);
}

void ript_advert_voice(struct ript_advert *advert, uint32_t codecs,
		       uint16_t ptime_ms)
{
	struct ript_params params;
	int64_t sr = 0;
	enum codec codec;

	params_init(&params);
	/* Every gateway can do these two (AD-27, AD-28). */
	if (codecs)
		params.codecs = codecs | 1u << CODEC_TELEPHONE_EVENT |
				1u << CODEC_CN;
	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++) {
		int64_t rate = codec_info(codec)->clock_hz;

		if (!(codecs & 1u << codec) || !codec_info(codec)->audio)
			continue;
		if (codec == CODEC_G722)	/* its RTP clock is not it */
			rate = 16000;
		if (rate > sr)
			sr = rate;
	}
	if (sr)
		params.sr = sr;
	if (ptime_ms)
		params.ptime = ptime_ms;
	memset(advert, 0, sizeof(*advert));
	advert->source_cnt = 1;
	advert->source[0].id = 0;
	advert->source[0].set[0] = params;
	advert->source[0].set_cnt = 1;
	advert->sink_cnt = 1;
	advert->sink[0] = advert->source[0];
	advert->sink[0].id = 1;
}

static bool id_taken(const struct ript_end *end, unsigned cnt, uint8_t id)
{
	while (cnt--)
		if (end[cnt].id == id)
			return true;
	return false;
}

/* ---- JSON form ---- */

int params_id_parse(uint8_t *idp, struct json_object *value)
{
	const char *text;
	int64_t id;
	char *rest;

	if (json_object_is_type(value, json_type_int)) {
		id = json_object_get_int64(value);
	} else if (json_object_is_type(value, json_type_string)) {
		text = json_object_get_string(value);
		if (!isdigit((unsigned char)*text) || strlen(text) > 3)
			return EINVAL;
		id = strtol(text, &rest, 10);
		if (*rest)
			return EINVAL;
	} else {
		return EINVAL;
	}
	if (id < 0 || id > 255)
		return EINVAL;
	*idp = (uint8_t)id;
	return 0;
}

static int sets_parse(struct ript_end *end, struct json_object *json,
		      const char **why)
{
	struct ript_json_list sets = ript_json_get_list(json, "param-sets");
	size_t i;
	int err;

	if (!sets.count) {
		*why = "A source or sink needs one param-set at least.";
		return EINVAL;
	}
	if (sets.count > RIPT_PARAM_SETS) {
		*why = "A source or sink has more than 8 param-sets.";
		return EINVAL;
	}
	for (i = 0; i < sets.count; i++) {
		err = params_parse(&end->set[i], ript_json_at(&sets, i), why);
		if (err)
			return err;
	}
	end->set_cnt = (unsigned)sets.count;
	return 0;
}

static int end_parse(struct ript_end *end, struct json_object *json,
		     const char **why)
{
	struct json_object *id = NULL;
	const char *media;

	if (!json_object_is_type(json, json_type_object)) {
		*why = "A source or sink must be an object.";
		return EINVAL;
	}
	if (!json_object_object_get_ex(json, "id", &id) ||
	    params_id_parse(&end->id, id) != 0) {
		*why = "A source or sink needs an id from 0 to 255.";
		return EINVAL;
	}
	if (ript_json_get_text(&media, json, "media", ITEM_LEN) != 0)
		media = "";
	if (strcmp(media, "audio") != 0 && strcmp(media, "video") != 0) {
		*why = "The media of a source or sink must be audio or video.";
		return EINVAL;
	}
	end->media = *media == 'v' ? RIPT_VIDEO : RIPT_AUDIO;
	return sets_parse(end, json, why);
}

static int ends_parse(struct ript_end *end, unsigned *cntp,
		      struct json_object *json, const char *key,
		      const char **why)
{
	struct ript_json_list list = ript_json_get_list(json, key);
	size_t i;
	int err;

	if (list.count > RIPT_ENDS) {
		*why = "There are more than 16 sources or sinks.";
		return EINVAL;
	}
	for (i = 0; i < list.count; i++) {
		err = end_parse(&end[i], ript_json_at(&list, i), why);
		if (err)
			return err;
		if (id_taken(end, (unsigned)i, end[i].id)) {
			*why = "Two sources, or two sinks, have one id.";
			return EINVAL;
		}
	}
	*cntp = (unsigned)list.count;
	return 0;
}

static int object_parse(struct ript_advert *advert, struct json_object *json,
			const char **why)
{
	int err;

	memset(advert, 0, sizeof(*advert));
	err = ends_parse(advert->source, &advert->source_cnt, json, "source",
			 why);
	if (!err)
		err = ends_parse(advert->sink, &advert->sink_cnt, json, "sink",
				 why);
	if (!err && !json_object_object_get_ex(json, "source", NULL) &&
	    !json_object_object_get_ex(json, "sink", NULL))
		advert_default(advert);
	return err;
}

static struct json_object *end_json(const struct ript_end *end)
{
	struct json_object *json = json_object_new_object();
	struct json_object *sets = NULL;
	unsigned i;

	ript_json_add_int(json, "id", end->id);
	ript_json_add_text(json, "media",
			   end->media == RIPT_VIDEO ? "video" : "audio");
	if (end->set_cnt == 1) {
		sets = params_json(&end->set[0], end->media);
	} else {
		sets = json_object_new_array();
		for (i = 0; i < end->set_cnt; i++)
			json_object_array_add(sets, params_json(&end->set[i],
								end->media));
	}
	json_object_object_add(json, "param-sets", sets);
	return json;
}

/* One as an object, several as an array (Q16). */
static void ends_json(struct json_object *json, const char *key,
		      const struct ript_end *end, unsigned cnt)
{
	struct json_object *array;
	unsigned i;

	if (cnt == 1) {
		json_object_object_add(json, key, end_json(end));
		return;
	}
	array = json_object_new_array();
	for (i = 0; i < cnt; i++)
		json_object_array_add(array, end_json(&end[i]));
	json_object_object_add(json, key, array);
}

struct json_object *ript_advert_json(const struct ript_advert *advert)
{
	struct json_object *json = json_object_new_object();

	ends_json(json, "source", advert->source, advert->source_cnt);
	ends_json(json, "sink", advert->sink, advert->sink_cnt);
	return json;
}

/* ---- text form: "1 in: opus; PCMU, sr=8000; 2 out: opus;" ---- */

struct text_reader {
	const char *p;
	struct ript_advert *advert;
	struct ript_end *end;		/* the entry that is being read */
	struct ript_params *bare;	/* its set for codecs without values */
	const char **why;
};

static int text_bad(struct text_reader *r)
{
	*r->why = "The advertisement's text is not understood.";
	return EINVAL;
}

static void text_space(struct text_reader *r)
{
	r->p += strspn(r->p, " \t\r\n");
}

/* A name or a number; its end is left at r->p. */
static int text_item(struct text_reader *r, char item[ITEM_LEN])
{
	size_t len;

	text_space(r);
	len = strcspn(r->p, " \t\r\n;,:=");
	if (!len || len >= ITEM_LEN)
		return text_bad(r);
	memcpy(item, r->p, len);
	item[len] = '\0';
	r->p += len;
	text_space(r);
	return 0;
}

/* "1 in:" begins an entry; ENOENT: something else comes. */
static int text_entry(struct text_reader *r)
{
	struct ript_advert *advert = r->advert;
	struct ript_end *ends;
	unsigned *cntp;
	char *rest;
	long id;

	text_space(r);
	if (!isdigit((unsigned char)*r->p))
		return ENOENT;
	id = strtol(r->p, &rest, 10);
	rest += strspn(rest, " \t\r\n");
	if (strncmp(rest, "in", 2) == 0) {
		ends = advert->sink;
		cntp = &advert->sink_cnt;
		rest += 2;
	} else if (strncmp(rest, "out", 3) == 0) {
		ends = advert->source;
		cntp = &advert->source_cnt;
		rest += 3;
	} else {
		return text_bad(r);
	}
	r->p = rest;
	text_space(r);
	if (*r->p++ != ':' || id > 255 || *cntp == RIPT_ENDS ||
	    id_taken(ends, *cntp, (uint8_t)id))
		return text_bad(r);
	r->end = &ends[(*cntp)++];
	memset(r->end, 0, sizeof(*r->end));
	r->end->id = (uint8_t)id;
	r->bare = NULL;
	return 0;
}

static struct ript_params *text_set(struct text_reader *r)
{
	if (r->end->set_cnt == RIPT_PARAM_SETS)
		return NULL;
	params_init(&r->end->set[r->end->set_cnt]);
	return &r->end->set[r->end->set_cnt++];
}

/* "PCMU, sr=8000": a codec with its values is a set of its own, those
 * without share one. */
static int text_codec(struct text_reader *r)
{
	char name[ITEM_LEN], value[ITEM_LEN];
	struct ript_params *set;
	bool more;
	char *rest;

	if (text_item(r, name) != 0)
		return EINVAL;
	more = *r->p == ',' || *r->p == '=';
	set = more ? text_set(r) : r->bare;
	if (!set)
		set = text_set(r);
	if (!set)
		return text_bad(r);
	if (!more)
		r->bare = set;
	if (params_media(name) == RIPT_VIDEO)
		r->end->media = RIPT_VIDEO;
	for (;;) {
		int64_t number = 1;

		if (*r->p == '=') {
			r->p++;
			if (text_item(r, value) != 0)
				return EINVAL;
			errno = 0;
			number = strtoll(value, &rest, 10);
			if (*rest || errno)
				return text_bad(r);
		}
		if (params_set(set, name, number, r->why) != 0)
			return EINVAL;
		if (*r->p != ',')
			break;
		r->p++;
		if (text_item(r, name) != 0)
			return EINVAL;
	}
	if (*r->p == ';')
		r->p++;
	else if (*r->p)
		return text_bad(r);
	return 0;
}

static int text_parse(struct ript_advert *advert, const char *text,
		      const char **why)
{
	struct text_reader r = { .p = text, .advert = advert, .why = why };
	unsigned i;
	int err;

	memset(advert, 0, sizeof(*advert));
	advert->text = true;
	if (strlen(text) > TEXT_LEN)
		return text_bad(&r);
	for (;;) {
		err = text_entry(&r);
		if (err == EINVAL)
			return err;
		text_space(&r);
		if (!*r.p)
			break;
		if (!r.end)
			return text_bad(&r);
		if (err == ENOENT && text_codec(&r) != 0)
			return EINVAL;
	}
	for (i = 0; i < advert->source_cnt; i++)
		if (!advert->source[i].set_cnt)
			return text_bad(&r);
	for (i = 0; i < advert->sink_cnt; i++)
		if (!advert->sink[i].set_cnt)
			return text_bad(&r);
	return advert->source_cnt || advert->sink_cnt ? 0 : text_bad(&r);
}

static void ends_text(struct buf *out, const char *direction,
		      const struct ript_end *end, unsigned cnt)
{
	unsigned i, k;

	for (i = 0; i < cnt; i++) {
		(void)buf_printf(out, "%s%u %s:", out->len ? " " : "",
				 end[i].id, direction);
		for (k = 0; k < end[i].set_cnt; k++) {
			(void)buf_add_str(out, " ");
			params_text(out, &end[i].set[k]);
			(void)buf_add_str(out, ";");
		}
	}
}

char *ript_advert_text(const struct ript_advert *advert)
{
	struct buf out;

	/* Bounded by the numbers of ends, sets and codecs. */
	buf_init(&out, SIZE_MAX);
	ends_text(&out, "in", advert->sink, advert->sink_cnt);
	ends_text(&out, "out", advert->source, advert->source_cnt);
	return buf_steal(&out);
}

int ript_advert_parse(struct ript_advert *advert, struct json_object *json,
		      const char **why)
{
	if (!json) {
		advert_default(advert);
		return 0;
	}
	if (json_object_is_type(json, json_type_string))
		return text_parse(advert, json_object_get_string(json), why);
	if (json_object_is_type(json, json_type_object))
		return object_parse(advert, json, why);
	*why = "An advertisement must be an object.";
	return EINVAL;
}
