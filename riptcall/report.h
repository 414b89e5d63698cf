/* SPDX-License-Identifier: MIT */
/*
 * riptcall/report.h - what a person or a script is told of one call: a line
 * for each event as it comes, and a summary at the end.
 *
 * Owner:  the call; report_free().
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPTCALL_REPORT_H
#define RIPTIDE_RIPTCALL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ript/call.h"
#include "riptcall/handset.h"

struct json_object;

#define REPORT_EVENTS 256

struct report {
	bool quiet;			/* --json */
	uint64_t begun_ns;		/* of the clock */
	bool ok;
	char *result;			/* "ended", "refused", "failed" */
	char *reason;			/* a sentence; NULL: all went well */
	char *problem;			/* of an HTTP refusal */
	int status;
	char *call, *from, *to;
	struct ript_cause cause;
	const char *by;
	uint32_t server_codecs, client_codecs;
	uint64_t created_ms, alerting_ms, answered_ms, ended_ms; /* 0: never */
	struct json_object *events;
	struct handset_result media;
	bool has_media;
	bool client;
};

void report_init(struct report *report, bool client, bool quiet);
void report_free(struct report *report);

/* Milliseconds since the beginning, at least 1. */
uint64_t report_ms(const struct report *report);
/* One line of what happens, for people. */
void report_line(const struct report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* An event of the call: a line, and the times of the summary. */
void report_event(struct report *report, const struct ript_event *event);
/* How it ended; the first call counts.  @reason NULL: as asked. */
void report_end(struct report *report, const char *result,
		const char *reason);
/* What the call is, once it exists. */
void report_call(struct report *report, const struct ript_call *call);
/* Takes what is in @result. */
void report_media(struct report *report, struct handset_result *result);

/* For people. */
void report_print(struct report *report);
/* As JSON; the caller puts it. */
struct json_object *report_json(struct report *report);

#endif
