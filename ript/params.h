/* SPDX-License-Identifier: MIT */
/*
 * ript/params.h - one param-set: the parameters and codecs that
 * advertisements and directives have in common.
 *
 * Loop:   any; no state.
 * Spec:   C "Handler Description Format"; rows AD-05 to AD-25; Q18 to Q22.
 */
#ifndef RIPTIDE_RIPT_PARAMS_H
#define RIPTIDE_RIPT_PARAMS_H

#include "base/buf.h"
#include "ript/directive.h"

struct json_object;

/* An id, a number or its digits in a text (Q17), 0 to 255.  0 or EINVAL. */
int params_id_parse(uint8_t *idp, struct json_object *value);

/* Everything absent. */
void params_init(struct ript_params *params);

/* Set parameter or codec @name.  Unknown names are ignored (AD-11).
 * Returns 0; EINVAL with *@why a literal sentence. */
int params_set(struct ript_params *params, const char *name, int64_t value,
	       const char **why);

/* The object @json as a whole.  Errors as params_set(). */
int params_parse(struct ript_params *params, struct json_object *json,
		 const char **why);

/* As JSON; the caller puts it.  Without what equals its default (AD-09),
 * video with the names of the draft's example too (Q20). */
struct json_object *params_json(const struct ript_params *params,
				enum ript_media media);

/* "opus; PCMU, sr=8000" of the text form: values follow each speech codec,
 * defaults left out. */
void params_text(struct buf *out, const struct ript_params *params);

/* What @name is about: video if it is a known video codec. */
enum ript_media params_media(const char *name);

/* A codec was listed, with 1 or with 0, so that the defaults do not hold. */
bool params_listed(const struct ript_params *params);

/* The maximum that holds: what was given, else the default. */
int64_t params_sr(const struct ript_params *params);
int64_t params_ss(const struct ript_params *params);
int64_t params_ptime(const struct ript_params *params);
bool params_cbr(const struct ript_params *params);
bool params_ch(const struct ript_params *params);

#endif
