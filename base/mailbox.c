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
	atomic_uint refs;	/* the owner, and threads that will wake it */
};

/*
 * Readers that the calling thread wakes at the end of its turn: once for all
 * that it posts, and when it holds no lock that they want.
 */
#define WAKES 32
static _Thread_local struct {
	struct mailbox *mbox[WAKES];
	unsigned cnt;
} wakes;

static void unref(void *ptr)
{
	struct mailbox *mbox = ptr;

	if (atomic_fetch_sub(&mbox->refs, 1) > 1)
		return;
	close(mbox->fd);
	pthread_mutex_destroy(&mbox->lock);
	free(mbox);
}

static void wake(struct mailbox *mbox)
{
	static const uint64_t one = 1;

	if (write(mbox->fd, &one, sizeof(one)) < 0)
		log_error(NULL, "mailbox: cannot write the eventfd");
}

void mailbox_flush(void)
{
	unsigned cnt = wakes.cnt;

	wakes.cnt = 0;
	for (unsigned i = 0; i < cnt; i++) {
		wake(wakes.mbox[i]);
		unref(wakes.mbox[i]);
	}
}

/* The first message since the reader last looked: it has to be woken. */
static void wake_later(struct mailbox *mbox)
{
	if (!loop_thread_in_turn() || wakes.cnt == WAKES) {
		wake(mbox);
		return;
	}
	loop_thread_at_end(mailbox_flush);
	atomic_fetch_add(&mbox->refs, 1);
	wakes.mbox[wakes.cnt++] = mbox;
}

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
	mbox->refs = 1;
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

void mailbox_free(struct mailbox **mboxp)
{
	struct mailbox *mbox = *mboxp;
	struct msg *taken;

	if (!mbox)
		return;
	*mboxp = NULL;
	mailbox_close(mbox);
	loop_unwatch(&mbox->watch);
	taken = mbox->taken;
	mbox->taken = NULL;
	drop_all(taken);
	drop_all(mbox->head);
	mbox->head = NULL;
	loop_defer_free(mbox->loop, mbox, unref);
}

static int post(struct mailbox *mbox, struct msg *msg, bool always)
{
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
	if (first)
		wake_later(mbox);
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
