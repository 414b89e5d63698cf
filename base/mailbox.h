/* SPDX-License-Identifier: MIT */
/*
 * base/mailbox.h - the only bridge between loops: typed messages, one
 * direction, many writers, one reader.
 *
 *   worker --mailbox_post()--> ring of messages --eventfd--> control loop
 *
 * Owner:  the reader owns the mailbox; a message belongs to the mailbox from
 *         the post on and to deliver() when it is called, which frees it.
 * Loop:   post from any thread, everything else on the reader's.
 *
 * Bounded: a mailbox has @credit places.  mailbox_post() fails when they are
 * taken; mailbox_post_always() never fails: for ends and closes towards
 * control, and for everything from control to a worker.
 */
#ifndef RIPTIDE_BASE_MAILBOX_H
#define RIPTIDE_BASE_MAILBOX_H

#include <stddef.h>

struct loop;
struct mailbox;

/* Embedded first in every message type. */
struct msg {
	struct msg *next;
	/* Runs on the reader's loop and owns the message. */
	void (*deliver)(struct msg *msg);
	/* Frees an undelivered message when the mailbox goes. */
	void (*drop)(struct msg *msg);
};

/* A mailbox read by @loop, with @credit places (0: no limit). */
struct mailbox *mailbox_new(struct loop *loop, size_t credit);

/* Drops what is undelivered.  NULL is fine. */
void mailbox_free(struct mailbox **mboxp);

/*
 * Post @msg.  Returns 0; EAGAIN: full, @msg still belongs to the caller, who
 * answers 503 or stops reading; ESHUTDOWN: closed, likewise.
 */
int mailbox_post(struct mailbox *mbox, struct msg *msg);

/* Post @msg whatever the depth; once closed it is dropped. */
void mailbox_post_always(struct mailbox *mbox, struct msg *msg);

/*
 * A reader is woken at the end of the posting thread's turn.  Wake now those
 * that wait: before the calling thread blocks within a turn (joins a thread
 * that it has just told to end).
 */
void mailbox_flush(void);

/* Refuse further posts; what is inside is still delivered. */
void mailbox_close(struct mailbox *mbox);

/* Messages waiting now, and the most that ever waited. */
size_t mailbox_depth(const struct mailbox *mbox);
size_t mailbox_high_water(const struct mailbox *mbox);

#endif
