/* SPDX-License-Identifier: MIT */
/*
 * gateway/worker.h - the worker threads, and the control loop's handle on a
 * call's packets.
 *
 *   control                                 worker
 *   line_open() ----> RTP port opened ----> bridge bound to the byway
 *   line_set_*() ==mailbox==> bridge_set_*()
 *   stats, first chunk  <==mailbox== bridge
 *
 * A line is the media path of one call: an RTP port, a bridge and a byway,
 * on the call's home worker.
 *
 * Owner:  gateway/session owns its line.
 * Loop:   control (asserted).
 */
#ifndef RIPTIDE_GATEWAY_WORKER_H
#define RIPTIDE_GATEWAY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/bridge.h"

struct exchange_net;
struct line;
struct loop;
struct rtp_range;
struct workers;

/* Start the threads of @net, one per worker. */
int workers_start(struct workers **workersp, struct loop *control,
		  struct exchange_net *net, unsigned count, char **why);
/* Ends and joins them; every line must be closed. */
void workers_stop(struct workers **workersp);

struct line_events {
	/* The first media chunk came from RIPT: early media (GW-06). */
	void (*first_chunk)(void *arg);
	/* An answer to line_ask_stats(); borrowed. */
	void (*stats)(const struct bridge_stats *stats, void *arg);
};

/* Open an RTP port of @range for a call on @worker.  The port number is known
 * at once, for the SDP.  Returns 0 or ENOSPC: no port free. */
int line_open(struct line **linep, struct workers *workers, unsigned worker,
	      struct rtp_range *range, const struct line_events *events,
	      void *arg);
uint16_t line_rtp_port(const struct line *line);
/* Join the line to the byway @byway_id; once. */
void line_bind(struct line *line, uint64_t byway_id);
void line_set_sip(struct line *line, const struct bridge_side *side);
void line_set_ript(struct line *line, const struct bridge_ript *ript);
void line_ask_stats(struct line *line);
/* No event after this; the port rests from when the worker has heard of it.
 * NULL is fine. */
void line_close(struct line **linep);

#endif
