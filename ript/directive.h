/* SPDX-License-Identifier: MIT */
/*
 * ript/directive.h - advertisements and directives: what a handler can do,
 * and what each side is told to send.  Pure functions.
 *
 * Owner:  plain structs, no pointers inside.
 * Loop:   any.
 * Spec:   C "Handler Description Format", "Call Establishment"; rows AD, DR;
 *         Q16 to Q22, Q24, Q82.
 */
#ifndef RIPTIDE_RIPT_DIRECTIVE_H
#define RIPTIDE_RIPT_DIRECTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/desc.h"

struct json_object;

#define RIPT_ENDS 16		/* sources, or sinks, of one advertisement */
#define RIPT_PARAM_SETS 8	/* alternatives of one source or sink */
#define RIPT_ABSENT INT64_MIN	/* a parameter that was not given */

enum ript_media { RIPT_AUDIO, RIPT_VIDEO };

/* One param-set; RIPT_ABSENT members have their defaults. */
struct ript_params {
	int64_t sr, ss, cbr, ch, ptime;			/* audio */
	int64_t fps, max_res, max_height, pr, depth, tlay, slay;
	int64_t br;
	uint32_t codecs;	/* 1u << enum codec: given with 1 */
	uint32_t refused;	/* given with 0 */
	bool other_codec;	/* a codec outside our table was listed */
};

struct ript_end {		/* a source or a sink */
	uint8_t id;
	enum ript_media media;
	struct ript_params set[RIPT_PARAM_SETS];
	unsigned set_cnt;
};

struct ript_advert {
	struct ript_end source[RIPT_ENDS];
	unsigned source_cnt;
	struct ript_end sink[RIPT_ENDS];
	unsigned sink_cnt;
	bool text;		/* came in the text form (Q1) */
};

struct ript_stream {
	uint8_t source;
	uint8_t sink;
	enum ript_media media;
	struct ript_params params;
};

struct ript_directive {
	struct ript_stream stream[RIPT_ENDS];
	unsigned stream_cnt;
};

/* What the client sends, and what the server sends.  An event may bring one
 * of them alone: the other one stays as it was. */
struct ript_directives {
	struct ript_directive client;
	struct ript_directive server;
	bool client_absent;
	bool server_absent;
};

/* The codecs that @params allow: those given with 1; the defaults if none
 * was given (Q22). */
uint32_t ript_params_codecs(const struct ript_params *params);

/* Parse the `advertisement` member, an object or the text form of Q1, e.g.
 * "1 in: opus; PCMU; 2 out: opus;"; NULL is the default one (AD-11).
 * Returns 0; EINVAL with *@why a literal sentence (400 bad-advertisement). */
int ript_advert_parse(struct ript_advert *advert, struct json_object *json,
		      const char **why);
/* As JSON; the caller puts it.  What equals its default is left out. */
struct json_object *ript_advert_json(const struct ript_advert *advert);
/* In the text form, malloc'ed. */
char *ript_advert_text(const struct ript_advert *advert);
/* The advertisement of a voice gateway that can do @codecs: source 0, sink 1
 * (HD-09, AD-04). */
void ript_advert_voice(struct ript_advert *advert, uint32_t codecs,
		       uint16_t ptime_ms);

/*
 * Compute both directives for a client's and our own advertisement, codecs
 * preferred in the order of @prefer (CODEC_NONE ends it).
 * Never above either maximum, never a stream without a sink (DR-05, 06).
 */
void ript_directives_make(struct ript_directives *out,
			  const struct ript_advert *client,
			  const struct ript_advert *server,
			  const enum codec *prefer);

/* Parse the `directives` member.  What is wrong with the server's directive
 * makes it absent: nobody has to understand it (DR-10).
 * Returns 0; EINVAL with *@why a literal sentence. */
int ript_directives_parse(struct ript_directives *out,
			  struct json_object *json, const char **why);
struct json_object *ript_directives_json(const struct ript_directives *d);

/* In the text form, e.g. "1 to 1: opus;", malloc'ed: clientDirectives and
 * serverDirectives for whoever advertised in it. */
char *ript_directive_text(const struct ript_directive *directive);

/* Codecs (bit set) of the first audio stream; 0: none. */
uint32_t ript_directive_codecs(const struct ript_directive *directive);
/* The first audio stream; NULL: none. */
const struct ript_stream *
ript_directive_audio(const struct ript_directive *directive);

#endif
