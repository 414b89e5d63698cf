/* SPDX-License-Identifier: MIT */
/*
 * sip/root.h - where Sofia runs: the control loop on su_root, one NUA per
 * network, the source filter before any transaction.
 *
 * Owner:  gateway/main; legs belong to the root.
 * Loop:   control.
 * Spec:   RFC 3261; the library's traps and our shields: docs/sip.md.
 */
#ifndef RIPTIDE_SIP_ROOT_H
#define RIPTIDE_SIP_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct loop;
struct siproot;	/* sip_ is Sofia's prefix, siproot_ ours */
struct trunk;
struct leg;

/* The control loop of the daemon: base/loop on su_root. */
struct loop *siproot_loop_new(void);

struct siproot_network {
	const char *name;
	struct addr address;		/* bound, with port */
	struct addr advertise;		/* in Via and Contact; port 0: same */
	bool udp;
	bool tcp;
};

struct siproot_events {
	/* A new dialog from @trunk.  The callee takes it by leg_accept_*()
	 * or refuses it; see sip/leg.h. */
	void (*incoming)(struct leg *leg, void *arg);
	/* A trunk went up or down (OPTIONS probe). */
	void (*trunk_state)(struct trunk *trunk, bool up, const char *why,
			    void *arg);
	/* Every message in or out, one line for the ladder: "INVITE",
	 * "180 Ringing".  @call_id is SIP's. */
	void (*message)(struct trunk *trunk, bool in, const char *call_id,
			const char *start, void *arg);
};

/* @loop from siproot_loop_new().  @why one sentence, malloc'ed. */
int siproot_new(struct siproot **rootp, struct loop *loop,
		const struct siproot_network *network, unsigned network_cnt,
		const struct siproot_events *events, void *arg, char **why);
/* OPTIONS is answered 503 until then. */
void siproot_set_ready(struct siproot *root, bool ready);
/* The port really bound, for `sip-port: 0` in tests. */
uint16_t siproot_port(const struct siproot *root, const char *network);
/* All legs must have ended.  Calls @done when the library has stopped; the
 * root is freed after it returned. */
void siproot_shutdown(struct siproot **rootp, void (*done)(void *arg),
		      void *arg);

/* ---- trunks ---- */

#define TRUNK_HOSTS 16

struct trunk_config {
	const char *name;
	const char *network;
	struct addr host[TRUNK_HOSTS];	/* calls go to these in order, and are
					   accepted from these alone */
	unsigned host_cnt;
	bool tcp;			/* send over TCP; else UDP */
	uint64_t probe_ms;		/* OPTIONS every, 0: off */
	unsigned probe_down_after;	/* 0: 3 */
	uint64_t no_answer_ms;		/* INVITE without final; 0: 180 s */
};

int trunk_new(struct trunk **trunkp, struct siproot *root,
	      const struct trunk_config *config, char **why);
void trunk_free(struct trunk **trunkp);
const char *trunk_name(const struct trunk *trunk);
bool trunk_up(const struct trunk *trunk);
/* Round trip of the last OPTIONS, UINT64_MAX: never answered. */
uint64_t trunk_rtt_us(const struct trunk *trunk);

#endif
