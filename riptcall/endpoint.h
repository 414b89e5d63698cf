/* SPDX-License-Identifier: MIT */
/*
 * riptcall/endpoint.h - the two loops of riptcall: control on the main
 * thread, one worker beside it, and HTTP/3 between them.
 *
 * Owner:  the command.
 * Loop:   control, except where a field says worker.
 */
#ifndef RIPTIDE_RIPTCALL_ENDPOINT_H
#define RIPTIDE_RIPTCALL_ENDPOINT_H

#include <pthread.h>
#include <stdbool.h>

#include "base/loop.h"

struct addr;
struct dns;
struct exchange_net;
struct mailbox;
struct ript_worker;

struct endpoint {
	struct loop *loop;
	struct mailbox *to_control;
	struct dns *dns;
	struct exchange_net *net;
	struct mailbox *inbox;		/* of the worker; any thread posts */

	/* ctrl-C, or a polite kill */
	void (*stopped)(void *arg);
	void *arg;
	int signal_fd;
	struct loop_fd *signals;
	unsigned signal_cnt;

	/* the worker's thread */
	pthread_t thread;
	bool running;
	struct loop *worker_loop;
	struct ript_worker *ript;

	/* start-up */
	pthread_mutex_t lock;
	pthread_cond_t started;
	bool tried;			/* LOCK: lock */
	int err;			/* LOCK: lock */
};

struct endpoint_config {
	const struct addr *listen;	/* NULL: client role only */
	const char *cert, *key;
	bool no_webtransport;
	void (*stopped)(void *arg);
	void *arg;
};

/* Both threads and the sockets.  Returns 0 or an errno with *@why, a sentence
 * (malloc'ed); then endpoint_stop() is still due. */
int endpoint_start(struct endpoint *ep, const struct endpoint_config *config,
		   char **why);
/* Run the control loop until endpoint_quit(). */
void endpoint_run(struct endpoint *ep);
void endpoint_quit(struct endpoint *ep);
/* Run it for @ms more, so that what was said leaves. */
void endpoint_linger(struct endpoint *ep, unsigned ms);
void endpoint_stop(struct endpoint *ep);

#endif
