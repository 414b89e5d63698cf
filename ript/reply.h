/* SPDX-License-Identifier: MIT */
/*
 * ript/reply.h - answers of the server role: JSON, problems, and answers that
 * come later (a row must be written first).
 *
 * Owner:  a wait belongs to whoever will answer it, until wait_reply() or
 *         wait_drop(); it stays in memory until its exchange has closed.
 * Loop:   control.
 * Spec:   RFC 9457; profile section 4, Q29, Q77.
 */
#ifndef RIPTIDE_RIPT_REPLY_H
#define RIPTIDE_RIPT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "ript/exchange.h"

struct ript_server;
struct wait;

/* A refusal.  All but the first two may be left out. */
struct refusal {
	int status;
	const char *name;	/* of the problem */
	const char *detail;
	unsigned retry_after_s;
	const char *allow;	/* 405 */
	const char *tg;		/* ID, for `explain` */
};

/* 200-class answers with a JSON body; @extra adds fields. */
void reply_json(struct exchange *x, int status, const char *json, size_t len,
		const struct exchange_field *extra, unsigned extra_cnt);
/* Counts, logs and sends a problem; @path is the instance, NULL: none. */
void reply_refusal(struct ript_server *server, struct exchange *x,
		   const char *path, const struct refusal *refusal);

/* Let the rest of an answer go its way without us: no callback any more. */
void reply_forget(struct exchange *x);

/* ---- later ---- */

/* @gone(@owner) runs when the peer gives up before the answer; then the wait
 * is still the owner's.  NULL: the owner does not care. */
struct wait *wait_new(struct ript_server *server, struct exchange *x,
		      const char *path, void (*gone)(void *owner),
		      void *owner);
void wait_json(struct wait **waitp, int status, const char *json, size_t len,
	       const struct exchange_field *extra, unsigned extra_cnt);
void wait_refusal(struct wait **waitp, const struct refusal *refusal);
/* The server goes: aborts what is unanswered. */
void wait_free_all(struct list *waits);

#endif
