/* SPDX-License-Identifier: MIT */
/*
 * sip/inside.h - what the files of sip/ share and nobody else sees: the root,
 * its networks, its trunks.
 *
 * Owner:  the siproot owns networks, trunks and legs.
 * Loop:   control.
 */
#ifndef RIPTIDE_SIP_INSIDE_H
#define RIPTIDE_SIP_INSIDE_H

#include "base/list.h"
#include "base/loop.h"
#include "sip/root.h"
#include "sip/sofia.h"

struct filter;
struct log_ctx;

/* One event of the library, its arguments in a bundle. */
struct nuaevent {
	nua_event_t event;
	int status;
	const char *phrase;
	nua_handle_t *nh;
	const sip_t *sip;	/* NULL: made by the library itself */
	tagi_t *tags;
};

/* First in what owns a handle: a leg, a probe. */
struct nuauser {
	void (*on)(struct nuauser *user, const struct nuaevent *ev);
};

struct network {
	struct siproot *root;
	char *name;
	struct addr address;	/* bound; the real port */
	struct addr advertise;	/* what peers see, with port */
	bool udp, tcp;
	struct filter *filter;
	nua_t *nua;
	nta_agent_t *agent;
	bool stopped;		/* the library said so */
};

struct siproot {
	struct loop *loop;
	struct siproot_events events;
	void *arg;
	struct network *network;
	unsigned network_cnt;
	struct list trunks;
	struct list legs;
	bool ready;
	bool stopping;
	void (*done)(void *arg);
	void *done_arg;
	struct timer timer;	/* of the shutdown */
	uint64_t give_up_ns;	/* on legs that do not end */
};

/* An OPTIONS probe of one host. */
struct probe {
	struct nuauser user;
	struct trunk *trunk;
	struct addr host;
	char *uri;		/* "sip:host:port;transport=udp" */
	bool up;
	unsigned failures;	/* in a row */
	nua_handle_t *nh;	/* NULL: none under way */
	uint64_t sent_ns;
	struct timer timer;
};

struct trunk {
	struct le le;
	struct siproot *root;
	struct network *net;
	char *name;
	struct probe host[TRUNK_HOSTS];
	unsigned host_cnt;
	bool tcp;
	uint64_t probe_ms;
	unsigned down_after;
	uint64_t no_answer_ms;
	bool up;
	uint64_t rtt_us;
	unsigned users;		/* legs */
	bool closing;		/* freed with its last leg */
	struct log_ctx *log;
};

/* Tell the ladder.  @start "INVITE", "180 Ringing". */
void root_note(struct siproot *root, struct trunk *trunk, bool in,
	       const char *call_id, const char *start);
/* Every reason phrase that we send; a literal of the library. */
const char *root_phrase(int status);
/* Count an INVITE that was refused before the borrower saw it. */
void root_refused(const char *code);
struct network *root_network(const struct siproot *root, const char *name);

/* The trunk that @from belongs to: its very address, else its host. */
struct trunk *trunk_by_source(struct siproot *root, const struct network *net,
			      const struct addr *from);
/* The first host from @first on that is up; -1: none. */
int trunk_host_from(const struct trunk *trunk, unsigned first);
/* The host of @trunk with that address, by host alone if need be; -1. */
int trunk_host_at(const struct trunk *trunk, const struct addr *addr);
void trunk_hold(struct trunk *trunk);
void trunk_release(struct trunk *trunk);
/* No more probes. */
void trunk_quiet(struct trunk *trunk);

/* An INVITE outside of a dialog. */
void leg_on_invite(struct network *net, const struct nuaevent *ev);
/* Make their counters. */
void leg_metrics(void);
/* Wait no longer for what its peer never answers; it stays in the list. */
void leg_forsake(struct le *le);
/* Free what a dead library left over; @le is its link in root->legs. */
void leg_discard(struct le *le);

#endif
