/* SPDX-License-Identifier: MIT */
/*
 * bench/far_end.h - the RIPT side of a load's calls: a client with its
 * connections, and for each call a byway with the load's packets behind it.
 *
 * Control and worker share the generator's one thread.
 *
 * Owner:  the generator.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_FAR_END_H
#define RIPTIDE_BENCH_FAR_END_H

#include <stdbool.h>

#include "base/text.h"
#include "bench/load.h"
#include "media/wire.h"

struct byway;
struct byway_port;
struct exchange_net;
struct loop;
struct mailbox;
struct ript_worker;

/* The client: one thread's worth of HTTP/3. */
struct far_client {
	struct loop *loop;
	struct mailbox *to_control, *inbox;
	struct exchange_net *net;
	struct ript_worker *worker;
};

int far_client_open(struct far_client *client, struct loop *loop,
		     char **why);
void far_client_close(struct far_client *client);

/* One call's end. */
struct far_end {
	struct far_client *client;
	struct load *load;
	struct byway *byway;		/* NULL when a call owns it */
	uint64_t byway_id;		/* 0: not known yet */
	struct byway_port *port;
	struct wire wire;
	uint64_t next_seq;
	bool open;			/* a WebTransport session is */
};

/* Take the packets of the byway byway_id.  Returns 0 or errno. */
int far_end_bind(struct far_end *end, struct far_client *client,
		  struct load *load);
int far_end_send(struct far_end *end, const uint8_t payload[PROBE_LEN]);
/* Acks owed leave, if they are due; the caller asks every 20 ms or so. */
void far_end_tick(struct far_end *end);
void far_end_close(struct far_end *end);	/* not the byway */

#endif
