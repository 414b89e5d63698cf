/* SPDX-License-Identifier: MIT */
/*
 * gateway/session.h - the calls: each joins one SIP dialog and one RIPT call,
 * with one line for the packets between them.
 *
 *   SIP caller:   sip/leg --> session --> ript/call (client role)
 *   RIPT caller:  ript/call (server role) --> session --> sip/leg
 *
 * A call is one table of states and events (session.c); its acts are in
 * outward.c, inward.c and both.c.
 *
 * Owner:  gateway/gateway.c; a session belongs to its struct sessions and
 *         goes when both sides have gone.
 * Loop:   control (asserted).
 * Spec:   rows GW-01 to 08, 14, 15, 18; Q26 to Q28, Q32, Q34, Q82, Q86, Q91.
 */
#ifndef RIPTIDE_GATEWAY_SESSION_H
#define RIPTIDE_GATEWAY_SESSION_H

#include <stdint.h>

#include "gateway/cause.h"

struct conf;
struct exchange_net;
struct gw_peer;
struct gw_trunk;
struct history;
struct leg;
struct loop;
struct ript_call;
struct session;
struct sessions;
struct siproot;
struct store;
struct workers;

struct sessions_config {
	const struct conf *conf;
	struct loop *loop;
	struct store *store;
	struct workers *workers;
	struct exchange_net *net;
	struct siproot *root;
	struct history *history;
	struct gw_trunk *trunk;		/* beside conf->trunk */
	struct gw_peer *peer;		/* beside conf->peer */
};

/* New calls are taken in PHASE_READY alone; it begins with STARTING. */
enum phase { PHASE_STARTING, PHASE_READY, PHASE_DRAINING };

struct sessions *sessions_new(const struct sessions_config *config);
/* Every call must have ended.  NULL is fine. */
void sessions_free(struct sessions **sessionsp);
void sessions_set_phase(struct sessions *sessions, enum phase phase);
enum phase sessions_phase(const struct sessions *sessions);

/* incoming() of sip/root and of ript/server. */
void sessions_on_leg(struct sessions *sessions, struct leg *leg);
void sessions_on_call(struct sessions *sessions, struct ript_call *call);

/* End one call by its whole ID; ENOENT: there is none. */
int sessions_hangup(struct sessions *sessions, const char *id);
/* End all of them, with @reason. */
void sessions_hangup_all(struct sessions *sessions, enum reason reason);
/* Ask every line for its packets, so that the next sessions_publish() shows
 * what is true now. */
void sessions_refresh(struct sessions *sessions);
/* Write every living call into its record (history.h). */
void sessions_publish(struct sessions *sessions);
/* @fn once, when no call lives: at once if there is none, else in a turn of
 * its own, so that it may free everything. */
void sessions_when_idle(struct sessions *sessions, void (*fn)(void *arg),
			void *arg);

struct sessions_stats {
	unsigned living, answered, peak;
	uint64_t begun;		/* since start */
	uint64_t refused;
	double per_second;	/* of the last ten seconds */
	uint64_t unprotected;	/* answered without a row on disk */
};
void sessions_stats(const struct sessions *sessions,
		    struct sessions_stats *out);

#endif
