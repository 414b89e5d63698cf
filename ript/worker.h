/* SPDX-License-Identifier: MIT */
/*
 * ript/worker.h - the half of ript/ that runs on a worker: it answers what
 * needs no policy ({call}/media, wrong tokens, gone calls, limits) and passes
 * the rest to control.
 *
 * Owner:  the worker thread (gateway/worker.c, riptcall).
 * Loop:   worker, except where a function says control.
 * Spec:   profile section 4, Q57, Q62, Q75, Q87; architecture "Placement".
 */
#ifndef RIPTIDE_RIPT_WORKER_H
#define RIPTIDE_RIPT_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ript/h3.h"

struct loop;
struct mailbox;
struct dns;
struct exchange_net;
struct ript_worker;

/* ---- made on control, before the threads start ---- */

struct ript_net_config {
	unsigned worker_cnt;
	struct loop *control;
	struct mailbox *to_control;	/* bounded; read by control */
	struct dns *dns;		/* NULL: address literals only */
	const char *cert_file;		/* NULL: client role only */
	const char *key_file;		/* NULL: in cert_file */
	const struct addr *listen;	/* NULL: client role only */
	unsigned requests_per_s;	/* per connection; 0: 1000 (Q90) */
	bool no_webtransport;		/* refuse sessions with 501 (Q84) */
};

/* Loop: control.  Opens the sockets.  @why: one sentence, malloc'ed. */
int ript_net_new(struct exchange_net **netp,
		 const struct ript_net_config *config, char **why);
/* Where it listens. */
const struct addr *ript_net_bound(const struct exchange_net *net);
/* Loop: control.  Read the certificate and key files again, for connections
 * from now on; on error the old ones stay and @why says so. */
int ript_net_reload(struct exchange_net *net, char **why);
/* Loop: control, after every worker has ended. */
void ript_net_free(struct exchange_net **netp);
/* Loop: control.  Calls whose home is @worker, and the least loaded. */
unsigned ript_net_least_loaded(const struct exchange_net *net);
/* Loop: control.  Stop admitting connections, GOAWAY. */
void ript_net_drain(struct exchange_net *net);

/* ---- on the worker ---- */

/* The worker's half; @inbox is the mailbox that this worker reads. */
int ript_worker_new(struct ript_worker **workerp, struct exchange_net *net,
		    unsigned index, struct loop *loop, struct mailbox *inbox);
void ript_worker_free(struct ript_worker **workerp);

#endif
