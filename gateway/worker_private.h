/* SPDX-License-Identifier: MIT */
/*
 * gateway/worker_private.h - what worker.c (the threads) and line.c (the
 * calls on them) share.
 *
 * Owner:  struct workers owns its threads and both kinds of mailbox.
 * Loop:   as each field says.
 */
#ifndef RIPTIDE_GATEWAY_WORKER_PRIVATE_H
#define RIPTIDE_GATEWAY_WORKER_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "gateway/worker.h"

struct ript_worker;

struct worker {
	struct workers *workers;
	unsigned index;
	pthread_t thread;
	struct mailbox *inbox;		/* any thread posts */

	/* the worker's thread */
	struct loop *loop;
	struct ript_worker *ript;
	struct timer report;
	struct metric *depth, *high_water;
	struct metric *lines;		/* calls that live here */
};

struct workers {
	struct loop *control;
	struct mailbox *to_control;
	struct exchange_net *net;
	struct timer report;		/* control */
	struct metric *depth, *high_water;
	struct metric *unbound;		/* byways that were gone too early */

	/* start-up */
	pthread_mutex_t lock;
	pthread_cond_t started;
	unsigned started_cnt;		/* LOCK: lock */
	int err;			/* LOCK: lock; of the first failure */

	unsigned count;
	struct worker worker[];
};

#endif
