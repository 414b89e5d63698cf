/* SPDX-License-Identifier: MIT */
/*
 * gateway/history.h - what happened in the living calls and the last ended
 * ones: the ladder of both protocols' messages, and the steps that explain
 * why a call went where it went.
 *
 *   sip/root message()  --by SIP Call-ID--+
 *   gateway/session     --by session------+--> record --> riptidectl
 *
 * SIP messages may come before a session exists (INVITE) and after it has
 * gone (200 to BYE); they wait for it under their Call-ID, or follow it.
 *
 * Owner:  gateway/gateway; a record belongs to the history.  A session
 *         borrows its record until history_end().
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_HISTORY_H
#define RIPTIDE_GATEWAY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"

#define HISTORY_KEEP 1000	/* ended calls */
#define HISTORY_WAITING 256	/* Call-IDs that no session has claimed */
#define HISTORY_OCTETS 16384	/* lines of one call */

struct history;
struct json_object;
struct record;

/* Who a ladder line is from or to. */
enum side { SIDE_SIP, SIDE_US, SIDE_RIPT };

/* Keep @keep ended calls.  @now_us is Unix time in us (tests bring theirs). */
struct history *history_new(unsigned keep, uint64_t (*now_us)(void));
void history_free(struct history **historyp);

/* ---- writing ---- */

/* A session of the call @id begins, or ends and joins the ended ones. */
struct record *history_begin(struct history *history, const char *id);
void history_end(struct record **recordp);

/* Lines of the SIP dialog @call_id are this call's, earlier ones too.  Once a
 * dialog; "" is ignored. */
void record_claim_sip(struct record *record, const char *call_id);
/* What the call is called by peers, for looking it up: the RIPT call URI. */
void record_set_uri(struct record *record, const char *uri);

/* A message of a SIP dialog, as sip/root tells. */
void history_sip(struct history *history, const char *call_id, bool in,
		 const char *start);
/* A RIPT message of a call. */
void record_ript(struct record *record, bool in, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A step of `explain`. */
void record_step(struct record *record, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The call as `calls` shows it; the record takes @call over and shows it
 * until the next, after the end too. */
void record_set_call(struct record *record, struct json_object *call);

/* ---- reading ---- */

/*
 * The record whose call ID, SIP Call-ID or RIPT UUID begins with @prefix.
 * Returns 0; ENOENT; EEXIST: more than one does.
 */
int history_find(struct record **recordp, struct history *history,
		 const char *prefix);
const char *record_id(const struct record *record);
bool record_living(const struct record *record);
/* Borrowed; NULL before record_set_call(). */
struct json_object *record_call(const struct record *record);

/* The lines as JSON arrays, the caller's. */
struct json_object *record_ladder_json(const struct record *record);
struct json_object *record_steps_json(const struct record *record);

/* Every record, oldest first; @living_only leaves the ended out. */
void history_each(struct history *history, bool living_only,
		  void (*fn)(struct record *record, void *arg), void *arg);

/* Records of ended calls, and Call-IDs that wait. */
size_t history_ended(const struct history *history);
size_t history_waiting(const struct history *history);

#endif
