/* SPDX-License-Identifier: MIT */
#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

/*
 * A mutex, not a lock-free ring: signalling crosses here some thousand times
 * a second, media never does, and the lock is held for two pointer stores.
 */
struct mailbox {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	size_t credit;

	pthread_mutex_t lock;
	struct msg *head;	/* LOCK: lock */
	struct msg **tail;	/* LOCK: lock */
	bool closed;		/* LOCK: lock */

	struct msg *taken;	/* the reader's: in delivery */

	atomic_size_t depth;	/* written under the lock, but for taking */
	atomic_size_t high_water;
};

static void drop_all(struct msg *msg)
{
	struct msg *next;

	for (; msg; msg = next) {
		next = msg->next;
		msg->drop(msg);
	}
}

static void on_wake(unsigned events, void *arg)
{
	struct mailbox *mbox = arg;
	struct msg *msg;
	uint64_t count;

	(void)events;
	if (read(mbox->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error(NULL, "mailbox: cannot read the eventfd");
	pthread_mutex_lock(&mbox->lock);
	mbox->taken = mbox->head;
	mbox->head = NULL;
	mbox->tail = &mbox->head;
	pthread_mutex_unlock(&mbox->lock);

	/* deliver() may free the mailbox: that empties taken, and the memory
	 * stays until the end of the turn. */
	while ((msg = mbox->taken)) {
		mbox->taken = msg->next;
		atomic_fetch_sub(&mbox->depth, 1);
		msg->next = NULL;
		msg->deliver(msg);
	}
}

struct mailbox *mailbox_new(struct loop *loop, size_t credit)
{
	struct mailbox *mbox = xzalloc(sizeof(*mbox));

	mbox->loop = loop;
	mbox->credit = credit;
	mbox->tail = &mbox->head;
	pthread_mutex_init(&mbox->lock, NULL);
	mbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mbox->fd < 0) {
		log_error(NULL, "mailbox: no eventfd: out of descriptors");
		abort();
	}
	mbox->watch = loop_watch(loop, mbox->fd, LOOP_READ, on_wake, mbox);
	return mbox;
}

static void destroy(void *ptr)
{
	struct mailbox *mbox = ptr;

	pthread_mutex_destroy(&mbox->lock);
	free(mbox);
}

void mailbox_free(struct mailbox **mboxp)
{
	struct mailbox *mbox = *mboxp;
	struct msg *taken;

	if (!mbox)
		return;
	*mboxp = NULL;
	mailbox_close(mbox);
	loop_unwatch(&mbox->watch);
	close(mbox->fd);
	taken = mbox->taken;
	mbox->taken = NULL;
	drop_all(taken);
	drop_all(mbox->head);
	mbox->head = NULL;
	loop_defer_free(mbox->loop, mbox, destroy);
}

static int post(struct mailbox *mbox, struct msg *msg, bool always)
{
	static const uint64_t one = 1;
	size_t depth;
	bool first;

	pthread_mutex_lock(&mbox->lock);
	depth = atomic_load(&mbox->depth);
	if (mbox->closed ||
	    (!always && mbox->credit && depth >= mbox->credit)) {
		bool closed = mbox->closed;

		pthread_mutex_unlock(&mbox->lock);
		return closed ? ESHUTDOWN : EAGAIN;
	}
	first = mbox->head == NULL;
	msg->next = NULL;
	*mbox->tail = msg;
	mbox->tail = &msg->next;
	depth = atomic_fetch_add(&mbox->depth, 1) + 1;
	if (depth > atomic_load(&mbox->high_water))
		atomic_store(&mbox->high_water, depth);
	/* Under the lock: the reader may free the mailbox right after. */
	if (first && write(mbox->fd, &one, sizeof(one)) < 0)
		log_error(NULL, "mailbox: cannot write the eventfd");
	pthread_mutex_unlock(&mbox->lock);
	return 0;
}

int mailbox_post(struct mailbox *mbox, struct msg *msg)
{
	return post(mbox, msg, false);
}

void mailbox_post_always(struct mailbox *mbox, struct msg *msg)
{
	if (post(mbox, msg, true) != 0)
		msg->drop(msg);
}

void mailbox_close(struct mailbox *mbox)
{
	pthread_mutex_lock(&mbox->lock);
	mbox->closed = true;
	pthread_mutex_unlock(&mbox->lock);
}

size_t mailbox_depth(const struct mailbox *mbox)
{
	return atomic_load(&mbox->depth);
}

size_t mailbox_high_water(const struct mailbox *mbox)
{
	return atomic_load(&mbox->high_water);
}
