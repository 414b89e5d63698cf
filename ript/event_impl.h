/* SPDX-License-Identifier: MIT */
/*
 * ript/event_impl.h - between event.c (what an event means) and
 * event_reader.c (where it begins and ends).
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_RIPT_EVENT_IMPL_H
#define RIPTIDE_RIPT_EVENT_IMPL_H

#include "ript/event.h"

struct json_object;

/* Decode the object @json; texts of @ev are borrowed from it, directives are
 * put into @directives. */
void ript_event_decode(struct ript_event *ev,
		       struct ript_directives *directives,
		       struct json_object *json);

#endif
