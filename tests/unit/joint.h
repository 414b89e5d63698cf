/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/joint.h - a control loop and worker threads with HTTP/3 on
 * 127.0.0.1: the whole joint, both roles in one process.
 */
#ifndef RIPTIDE_TESTS_JOINT_H
#define RIPTIDE_TESTS_JOINT_H

#include <pthread.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "ript/byway.h"
#include "ript/exchange.h"
#include "ript/worker.h"
#include "tests/unit/h3_pair.h"

#define JOINT_WORKERS 2

struct joint_worker {
	unsigned index;
	pthread_t thread;
	struct exchange_net *net;
	struct loop *loop;
	struct mailbox *inbox;
	struct ript_worker *ript;
	pthread_mutex_t *lock;
	pthread_cond_t *changed;
	bool started;			/* LOCK: lock */
};

struct joint {
	struct pair_certs certs;
	struct loop *loop;
	struct mailbox *to_control;
	struct exchange_net *net;
	struct exchange_peer *peer;	/* to ourselves */
	struct addr at;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct joint_worker worker[JOINT_WORKERS];
};

/* What ript_net_new() gets besides; NULL: defaults. */
void joint_start(struct joint *joint, const struct ript_net_config *config);
void joint_stop(struct joint *joint);

/* Run the control loop until *@flag is @want or more; false after 10 s. */
bool joint_until(struct joint *joint, const unsigned *flag, unsigned want);
/* The same for a function. */
bool joint_while(struct joint *joint, bool (*go_on)(void *arg), void *arg);
void joint_run(struct joint *joint, unsigned ms);

/* Run @fn on a worker and wait for its end. */
void joint_on_worker(struct joint *joint, unsigned worker,
		     void (*fn)(struct joint_worker *worker, void *arg),
		     void *arg);

#endif
