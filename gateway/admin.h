/* SPDX-License-Identifier: MIT */
/*
 * gateway/admin.h - the doors for operators: a Unix socket for riptidectl
 * (HTTP, owner and group) and a loopback port for monitoring.
 *
 *   riptidectl, curl --unix-socket --HTTP--> admin thread
 *   Prometheus: /metrics, /healthz, /ready --> admin thread
 *        admin thread ==inquiry, mailbox==> control: ask()
 *        admin thread <==answer, mailbox=== inquiry_answer()
 *
 * Owner:  gateway/gateway.c.
 * Loop:   control, but for the thread inside; ask() runs on control.
 */
#ifndef RIPTIDE_GATEWAY_ADMIN_H
#define RIPTIDE_GATEWAY_ADMIN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

struct admin;
struct inquiry;
struct loop;

/* One question.  Answered by inquiry_answer(), now or later; borrowed until
 * then. */
typedef void admin_ask_h(struct inquiry *inquiry, void *arg);

struct admin_config {
	struct loop *control;
	const char *socket;		/* made with mode 0660 */
	const struct addr *metrics;	/* loopback; NULL: none */
	admin_ask_h *ask;
	void *arg;
};

/* Opens both doors and starts the thread.  @why one sentence, malloc'ed. */
int admin_start(struct admin **adminp, const struct admin_config *config,
		char **why);
/* Ends the thread; questions without an answer are dropped.  NULL is fine. */
void admin_stop(struct admin **adminp);
/* Where monitoring is served (port 0 in the configuration). */
const struct addr *admin_bound(const struct admin *admin);

/* "calls", "ladder/0b8f", ... without the leading slash. */
const char *inquiry_path(const struct inquiry *inquiry);
/* What stands behind '?'; "" if nothing. */
const char *inquiry_query(const struct inquiry *inquiry);
/* POST, not GET: it changes something. */
bool inquiry_acts(const struct inquiry *inquiry);
/* Answer with an HTTP status and a body; @type NULL: application/json. */
void inquiry_answer(struct inquiry *inquiry, int status, const char *type,
		    const char *body);

#endif
