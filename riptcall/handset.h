/* SPDX-License-Identifier: MIT */
/*
 * riptcall/handset.h - a call's media seen from control: a phone
 * (media/phone) on the worker, bound to the call's byway.
 *
 *   control                                worker
 *   handset_direct(), _play() ==mailbox==> phone <-> byway
 *   digit, played, done       <==mailbox== phone
 *
 * Owner:  the call; handset_close() at its end, then done() is the last.
 * Loop:   control (asserted).
 */
#ifndef RIPTIDE_RIPTCALL_HANDSET_H
#define RIPTIDE_RIPTCALL_HANDSET_H

#include "media/phone.h"
#include "ript/byway.h"
#include "ript/directive.h"

struct endpoint;
struct handset;

#define HANDSET_NOISE_MS 2000	/* between two packets of comfort noise */

/* How bodies travelled: one datagram, PUT or GET each. */
struct handset_bodies {
	uint64_t sent;
	uint64_t received[BYWAY_HTTP + 1];	/* by enum byway_kind */
	unsigned media_most;	/* most media chunks in one received body */
	enum byway_kind way;	/* the last that was open */
};

struct handset_result {
	struct phone_report phone;
	struct handset_bodies bodies;
	char *why;		/* no recording was written; malloc'ed */
};

struct handset_events {
	/* A digit is heard, as it begins. */
	void (*digit)(char digit, void *arg);
	/* The file and the digits are through. */
	void (*played)(void *arg);
	/* After handset_close(): what it was.  The handset is gone. */
	void (*done)(struct handset_result *result, void *arg);
};

/* A phone that will press @digits (may be NULL).  Returns 0, or as phone_new()
 * with *@why. */
int handset_new(struct handset **handsetp, struct endpoint *ep,
		const struct phone_config *config, const char *digits,
		const struct handset_events *events, void *arg, char **why);
/* Join it to the byway @id; once. */
void handset_bind(struct handset *handset, uint64_t id, bool client);
void handset_direct(struct handset *handset, bool client,
		    const struct ript_directives *directives);
/* Play as soon as there is a way. */
void handset_play(struct handset *handset);
/* No event but done() after this. */
void handset_close(struct handset *handset);

#endif
