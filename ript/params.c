/* SPDX-License-Identifier: MIT */
#include "ript/params.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "ript/json.h"

#define NAME_LEN 64

#define BIT(codec) (1u << (codec))
#define ALWAYS (BIT(CODEC_TELEPHONE_EVENT) | BIT(CODEC_CN))
#define DEFAULTS \
	(BIT(CODEC_PCMU) | BIT(CODEC_PCMA) | BIT(CODEC_OPUS) | ALWAYS)

struct param {
	const char *name;
	const char *alias;	/* in the draft's example (Q20); NULL: none */
	size_t offset;
	int64_t min;
	int64_t fallback;	/* the default; RIPT_ABSENT: unconstrained */
	bool flag;		/* 0 or 1, and more counts as 1 (Q21) */
};

static const struct param table[] = {
	{ "sr", NULL, offsetof(struct ript_params, sr), 1, 48000, false },
	{ "ss", NULL, offsetof(struct ript_params, ss), 8, 16, false },
	{ "cbr", NULL, offsetof(struct ript_params, cbr), 0, 0, true },
	{ "ch", NULL, offsetof(struct ript_params, ch), 0, 1, true },
	{ "ptime", NULL, offsetof(struct ript_params, ptime), 1, 30, false },
	{ "fps", "max-fps", offsetof(struct ript_params, fps), 1, 30, false },
	{ "max-res", "max-width", offsetof(struct ript_params, max_res), 1,
	  RIPT_ABSENT, false },
	{ "max-height", NULL, offsetof(struct ript_params, max_height), 1,
	  RIPT_ABSENT, false },
	{ "pr", NULL, offsetof(struct ript_params, pr), 1, RIPT_ABSENT,
	  false },
	{ "depth", NULL, offsetof(struct ript_params, depth), 1, 8, false },
	{ "tlay", NULL, offsetof(struct ript_params, tlay), 1, 1, false },
	{ "slay", NULL, offsetof(struct ript_params, slay), 1, 1, false },
	{ "br", NULL, offsetof(struct ript_params, br), 1, RIPT_ABSENT,
	  false },
};

#define TABLE_CNT (sizeof(table) / sizeof(table[0]))

static int64_t *slot(struct ript_params *params, const struct param *param)
{
	return (int64_t *)(void *)((char *)params + param->offset);
}

static int64_t value_of(const struct ript_params *params,
			const struct param *param)
{
	return *(const int64_t *)(const void *)((const char *)params +
						param->offset);
}

void params_init(struct ript_params *params)
{
	size_t i;

	memset(params, 0, sizeof(*params));
	for (i = 0; i < TABLE_CNT; i++)
		*slot(params, &table[i]) = RIPT_ABSENT;
}

static const struct param *param_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < TABLE_CNT; i++)
		if (strcmp(table[i].name, name) == 0 ||
		    (table[i].alias && strcmp(table[i].alias, name) == 0))
			return &table[i];
	return NULL;
}

/* ---- codecs ---- */

static bool in_list(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcasecmp(*list, name) == 0)
			return true;
	return false;
}

enum ript_media params_media(const char *name)
{
	static const char *const video[] = { "H261", "H263", "H263-1998",
					     "H264", "H265", "H266", "VP8",
					     "VP9", "AV1", "JPEG", NULL };

	if (strncasecmp(name, "video/", 6) == 0)
		return RIPT_VIDEO;
	return in_list(video, name) ? RIPT_VIDEO : RIPT_AUDIO;
}

/* Codecs that we know by name only.  Any other name is an unknown parameter,
 * which must not switch the default codecs off. */
static bool foreign_codec(const char *name)
{
	static const char *const audio[] = {
		"AMR",	"AMR-WB", "AMR-WB+", "EVS",   "iLBC",	  "iSAC",
		"SILK", "speex",  "G719",    "G723",  "G726-32",  "G728",
		"G7221", "G7291", "G729D",   "G729E", "L16",	  "L24",
		"MPA",	"MP4A-LATM", "mpeg4-generic", "EVRC", "lyra", "t140",
		"red",	NULL
	};

	return strncasecmp(name, "audio/", 6) == 0 ||
	       params_media(name) == RIPT_VIDEO || in_list(audio, name);
}

/* Whether @name is that of a codec, known or not; sets it to @value. */
static bool codec_set(struct ript_params *params, const char *name,
		      int64_t value)
{
	enum codec codec = codec_by_name(name);

	if (codec == CODEC_NONE || codec >= CODEC_OTHER) {
		if (!foreign_codec(name))
			return false;
		params->other_codec = true;
		return true;
	}
	params->codecs &= ~BIT(codec);
	params->refused &= ~BIT(codec);
	if (value)
		params->codecs |= BIT(codec);
	else
		params->refused |= BIT(codec);
	return true;
}

bool params_listed(const struct ript_params *params)
{
	return params->other_codec ||
	       ((params->codecs | params->refused) & ~ALWAYS) != 0;
}

uint32_t ript_params_codecs(const struct ript_params *params)
{
	uint32_t codecs = params_listed(params) ? params->codecs | ALWAYS
						: params->codecs | DEFAULTS;

	return codecs & ~params->refused;
}

/* ---- setting ---- */

int params_set(struct ript_params *params, const char *name, int64_t value,
	       const char **why)
{
	const struct param *param = param_by_name(name);

	if (!param) {
		if (codec_set(params, name, value) && value != 0 &&
		    value != 1) {
			*why = "A codec's value must be 1 or 0.";
			return EINVAL;
		}
		return 0;
	}
	if (value == RIPT_ABSENT) {
		*why = "A parameter's value is out of range.";
		return EINVAL;
	}
	if (value < param->min) {
		*why = strcmp(param->name, "ss") == 0
			       ? "The sample size ss must be 8 or more."
			       : "A parameter's value is too small.";
		return EINVAL;
	}
	*slot(params, param) = param->flag ? value != 0 : value;
	return 0;
}

/* Whether the value of @name has to be an integer. */
static bool known(const char *name)
{
	struct ript_params scratch = { .sr = 0 };

	return param_by_name(name) || codec_set(&scratch, name, 1);
}

int params_parse(struct ript_params *params, struct json_object *json,
		 const char **why)
{
	struct json_object_iterator it, end;
	struct json_object *value;
	const char *name;
	int err;

	params_init(params);
	if (!json_object_is_type(json, json_type_object)) {
		*why = "A param-set must be an object.";
		return EINVAL;
	}
	it = json_object_iter_begin(json);
	end = json_object_iter_end(json);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		name = json_object_iter_peek_name(&it);
		value = json_object_iter_peek_value(&it);
		if (!json_object_is_type(value, json_type_int)) {
			if (!known(name))
				continue;
			*why = "A parameter's value must be an integer.";
			return EINVAL;
		}
		err = params_set(params, name, json_object_get_int64(value),
				 why);
		if (err)
			return err;
	}
	return 0;
}

/* ---- printing ---- */

static bool differs(const struct ript_params *params,
		    const struct param *param)
{
	int64_t value = value_of(params, param);

	return value != RIPT_ABSENT && value != param->fallback;
}

struct json_object *params_json(const struct ript_params *params,
				enum ript_media media)
{
	struct json_object *json = json_object_new_object();
	const struct param *param;
	enum codec codec;
	size_t i;

	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++)
		if ((params->codecs | params->refused) & BIT(codec))
			ript_json_add_int(json, codec_info(codec)->name,
					  (params->codecs & BIT(codec)) != 0);
	for (i = 0; i < TABLE_CNT; i++) {
		param = &table[i];
		if (!differs(params, param))
			continue;
		ript_json_add_int(json, param->name, value_of(params, param));
		if (param->alias && media == RIPT_VIDEO)
			ript_json_add_int(json, param->alias,
					  value_of(params, param));
	}
	return json;
}

void params_text(struct buf *out, const struct ript_params *params)
{
	uint32_t codecs = ript_params_codecs(params);
	const char *separator = "";
	enum codec codec;
	size_t i;

	for (codec = CODEC_PCMU; codec < CODEC_OTHER; codec++) {
		if (!(codecs & BIT(codec)))
			continue;
		(void)buf_printf(out, "%s%s", separator,
				 codec_info(codec)->name);
		separator = "; ";
		for (i = 0; codec_info(codec)->audio && i < TABLE_CNT; i++)
			if (differs(params, &table[i]))
				(void)buf_printf(out, ", %s=%lld",
						 table[i].name,
						 (long long)value_of(
							 params, &table[i]));
	}
}

/* ---- effective values ---- */

static int64_t effective(const struct ript_params *params, const char *name)
{
	const struct param *param = param_by_name(name);
	int64_t value = value_of(params, param);

	return value == RIPT_ABSENT ? param->fallback : value;
}

int64_t params_sr(const struct ript_params *params)
{
	return effective(params, "sr");
}

int64_t params_ss(const struct ript_params *params)
{
	return effective(params, "ss");
}

int64_t params_ptime(const struct ript_params *params)
{
	return effective(params, "ptime");
}

bool params_cbr(const struct ript_params *params)
{
	return effective(params, "cbr") != 0;
}

bool params_ch(const struct ript_params *params)
{
	return effective(params, "ch") != 0;
}
