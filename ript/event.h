/* SPDX-License-Identifier: MIT */
/*
 * ript/event.h - signalling events, and the unending JSON array that carries
 * them.  Sans-I/O.
 *
 * Owner:  a reader by whoever reads the stream; events borrow from it.
 * Loop:   any.
 * Spec:   C "Basic Call State Management", "Signaling and Media Byway
 *         Establishment"; rows SB, EV; Q35 to Q44, Q47, Q81, Q87; profile
 *         section 5.
 */
#ifndef RIPTIDE_RIPT_EVENT_H
#define RIPTIDE_RIPT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ript/directive.h"

enum ript_event_type {
	RIPT_EV_PROCEEDING,
	RIPT_EV_ALERTING,
	RIPT_EV_ANSWERED,
	RIPT_EV_DECLINED,
	RIPT_EV_FAILED,
	RIPT_EV_NOANSWER,
	RIPT_EV_END,
	RIPT_EV_MIGRATE,
	RIPT_EV_PING,
	RIPT_EV_PONG,
	RIPT_EV_MEDIA_PANIC,
	RIPT_EV_HANDLER_CHANGED,
	RIPT_EV_DIRECTIVE,
	RIPT_EV_TRANSFER_AND_TAKEBACK,
	RIPT_EV_CALL,			/* on {TG}/events */
	RIPT_EV_HANDLER,		/* on {TG}/events */
	RIPT_EV_UNKNOWN,
	RIPT_EV_CNT
};

enum ript_state {
	RIPT_ST_PROCEEDING,
	RIPT_ST_ALERTING,
	RIPT_ST_ANSWERED,
	RIPT_ST_DECLINED,
	RIPT_ST_FAILED,
	RIPT_ST_NOANSWER,
	RIPT_ST_ENDED,
	RIPT_ST_NONE,
};

enum ript_by { RIPT_BY_NONE, RIPT_BY_CLIENT, RIPT_BY_PEER, RIPT_BY_SERVER };

#define RIPT_CAUSE_TEXT_LEN 128

struct ript_cause {
	int sip;			/* 0: not said */
	int q850;			/* 0: not said */
	char text[RIPT_CAUSE_TEXT_LEN];
};

#define RIPT_EVENT_LEN 16384	/* octets of one event (Q87) */
#define RIPT_NONCE_LEN 128
#define RIPT_URI_LEN 512

/* A member that was not given, or not as it must be, is NULL, 0 or none. */
struct ript_event {
	enum ript_event_type type;
	bool from_client;		/* direction c2s */
	uint64_t timestamp_ms;
	uint64_t seq;
	bool has_seq;
	enum ript_state state;
	const char *call;		/* call URI */
	const char *uri;		/* migrate */
	const char *handler;
	const char *nonce;
	const char *destination;
	const char *reason;
	const char *call_direction;	/* of RIPT_EV_CALL: inbound, outbound */
	uint64_t dropped;
	enum ript_by by;
	struct ript_cause cause;
	bool has_cause;
	const struct ript_directives *directives;	/* NULL if none */
};

const char *ript_event_name(enum ript_event_type type);
const char *ript_state_name(enum ript_state state);
/* The state that an event of @type brings; RIPT_ST_NONE: it brings none. */
enum ript_state ript_event_state(enum ript_event_type type);
/* Final: no event follows (Q75). */
bool ript_event_final(enum ript_event_type type);

/*
 * Append "{...}\n" (with ",\n" before unless @first), whole or not at all.
 * Returns 0; EMSGSIZE: above 16 KiB or above the limit of @out.
 */
int ript_event_print(struct buf *out, const struct ript_event *event,
		     bool first);

struct ript_event_reader;

/* @event is borrowed. */
typedef void ript_event_h(const struct ript_event *event, void *arg);

/* @fn may free the reader. */
struct ript_event_reader *ript_event_reader_new(ript_event_h *fn, void *arg);
/*
 * Feed @len octets; @fn runs for each whole object.
 * Returns 0; EMSGSIZE: one event above 16 KiB; EINVAL: no JSON, a value
 * that is no object, deeper than 32.  *@why a literal sentence.  After an
 * error the stream is given up.
 */
int ript_event_read(struct ript_event_reader *reader, const void *data,
		    size_t len, const char **why);
/* `]` was read. */
bool ript_event_reader_closed(const struct ript_event_reader *reader);
void ript_event_reader_free(struct ript_event_reader **readerp);

#endif
