/* SPDX-License-Identifier: MIT */
/*
 * gateway/gateway.h - the whole daemon joined: configuration, SIP, RIPT,
 * workers, store and the calls between them.
 *
 *   conf --> siproot, trunks --+
 *        --> ript server, peers +--> sessions --> store, history
 *        --> workers, RTP ranges +        ^
 *                    admin --> report ----+
 *
 * Owner:  gateway/main.c (run).
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_GATEWAY_H
#define RIPTIDE_GATEWAY_GATEWAY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "gateway/party.h"
#include "gateway/session.h"

struct admin;
struct conf;
struct dns;
struct exchange_net;
struct history;
struct mailbox;
struct report;
struct ript_server;
struct siproot;
struct store;
struct workers;

struct gateway {
	struct conf *conf;
	struct loop *loop;
	struct store *store;
	struct dns *dns;
	struct mailbox *from_workers;
	struct exchange_net *net;
	struct ript_server *server;	/* NULL: client role only */
	struct siproot *root;
	struct workers *workers;
	struct history *history;
	struct sessions *sessions;
	struct report *report;
	struct admin *admin;
	struct rtp_range **range;	/* beside conf->network */
	struct gw_trunk *trunk;		/* beside conf->trunk */
	struct gw_peer *peer;		/* beside conf->peer */
	unsigned worker_cnt;
	uint64_t started_ns;

	struct timer beat;		/* gauges of ports and parties */

	/* stopping */
	struct timer drain;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/*
 * Bring everything up; calls are taken when it returns.  @conf belongs to the
 * gateway from here on, also on failure.
 * On failure nothing is left and @why is one sentence, malloc'ed.
 */
int gateway_start(struct gateway **gatewayp, struct conf *conf,
		  struct loop *loop, char **why);

/* Take no new calls, let the others end for @ms, then end them and stop;
 * @stopped runs at the end, once.  Called again with a shorter time it
 * hurries. */
void gateway_stop(struct gateway *gateway, uint64_t ms,
		  void (*stopped)(void *arg), void *arg);
/* After @stopped ran. */
void gateway_free(struct gateway **gatewayp);

/* What it listens on, and as whom: one line each, for the log at start. */
void gateway_describe(const struct gateway *gateway, struct buf *out);

/* SIGHUP: check the file again, read the certificate again; what needs a
 * restart is named.  On error everything stays and *@why says why. */
int gateway_reload(struct gateway *gateway, char **why);

#endif
