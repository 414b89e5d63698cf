/* SPDX-License-Identifier: MIT */
/*
 * bench/ript_end.h - the RIPT side of a load's calls: a client with its
 * connections, and for each call a byway with the load's packets behind it.
 *
 * Control and worker share the generator's one thread.
 *
 * Owner:  the generator.
 * Loop:   one.
 */
#ifndef RIPTIDE_BENCH_RIPT_END_H
#define RIPTIDE_BENCH_RIPT_END_H

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
struct ript_client {
	struct loop *loop;
	struct mailbox *to_control, *inbox;
	struct exchange_net *net;
	struct ript_worker *worker;
};

int ript_client_open(struct ript_client *client, struct loop *loop,
		     char **why);
void ript_client_close(struct ript_client *client);

/* One call's end. */
struct ript_end {
	struct ript_client *client;
	struct load *load;
	struct byway *byway;		/* NULL when signalling owns it */
	struct byway_port *port;
	struct wire wire;
	uint64_t next_seq;
	bool open;			/* a WebTransport session is */
};

/* Take the packets of byway @byway_id.  Returns 0 or errno. */
int ript_end_bind(struct ript_end *end, struct ript_client *client,
		  struct load *load, uint64_t byway_id);
int ript_end_send(struct ript_end *end, const uint8_t payload[PROBE_LEN]);
/* Acks owed leave, if they are due; the caller asks every 20 ms or so. */
void ript_end_tick(struct ript_end *end);
void ript_end_close(struct ript_end *end);

#endif
