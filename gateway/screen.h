/* SPDX-License-Identifier: MIT */
/*
 * gateway/screen.h - the daemon's JSON as screens for people.  One screen
 * answers one question; every number has its unit, and every line that says
 * "no" says what to do.
 *
 * Owner:  pure functions; @out is the caller's.
 * Loop:   none: riptidectl.
 */
#ifndef RIPTIDE_GATEWAY_SCREEN_H
#define RIPTIDE_GATEWAY_SCREEN_H

#include "base/buf.h"

struct json_object;

void screen_status(struct buf *out, struct json_object *json);
void screen_calls(struct buf *out, struct json_object *json);
void screen_ladder(struct buf *out, struct json_object *json);
void screen_explain(struct buf *out, struct json_object *json);
void screen_hangup(struct buf *out, struct json_object *json);

#endif
