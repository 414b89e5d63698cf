/* SPDX-License-Identifier: MIT */
/*
 * conf/route.h - where a call goes: pure functions over struct conf.
 *
 *   SIP:  dialled user part --dial plan--> number --first match--> route
 *         From, P-Asserted-Identity --caller-id--> caller
 *   RIPT: destination and the PASSporT's orig ------first match--> route
 *
 * Owner:  a verdict is the caller's; its pointers live as long as the conf.
 * Loop:   any; no state.
 * Spec:   Q30, Q34, Q91 of the profile; CA-08.
 */
#ifndef RIPTIDE_CONF_ROUTE_H
#define RIPTIDE_CONF_ROUTE_H

#include <stdbool.h>

#include "base/number.h"
#include "conf/conf.h"

#define ROUTE_HOPS 16
#define ROUTE_NUMBER_SIZE (NUMBER_LEN + 1)

/* Where to try: a trunk or a peer, the other is NULL. */
struct route_hop {
	const struct conf_trunk *trunk;
	const struct conf_peer *peer;
};

struct route_verdict {
	char caller[ROUTE_NUMBER_SIZE];	/* "+..." or user@domain; "" if none */
	char called[ROUTE_NUMBER_SIZE];	/* "+...", user@domain or digits */
	const char *caller_source;	/* "from", "p-asserted-identity",
					   "otherwise", "passport"; NULL */
	const struct conf_route *route;	/* the one that matched, or NULL */
	struct route_hop hop[ROUTE_HOPS];	/* in the order to try */
	unsigned hop_cnt;
	/* Refused: a stable code, else NULL.  "bad-number", "no-caller-id",
	 * "origin-not-allowed", "destination-not-allowed", "no-route",
	 * "route-refuses", "loop". */
	const char *reason;
	int status;			/* of the refusal, SIP */
	char sentence[512];		/* what happened, for people; always */
};

/*
 * A call from @trunk.  @user is the user part of the Request-URI, @from and
 * @pai those of From and P-Asserted-Identity (NULL or "": none).
 * Returns true when the call has at least one hop.
 */
bool route_from_trunk(struct route_verdict *out, const struct conf *conf,
		      const struct conf_trunk *trunk, const char *user,
		      const char *from, const char *pai);

/* A call from @peer with the verified @from. */
bool route_from_peer(struct route_verdict *out, const struct conf *conf,
		     const struct conf_peer *peer, const char *from,
		     const char *to);

/*
 * @called as @hop wants it: a trunk gets the user part, a peer E.164 or an
 * address (digits become digits@domain of the peer, CA-08).
 * Returns 0 or EMSGSIZE.
 */
int route_number_for(char out[ROUTE_NUMBER_SIZE], const struct route_hop *hop,
		     const char *called);

/* The dial plan of @trunk on @user: E.164, user@domain, or digits when it is
 * a private number.  Numbers of 3 to 6 digits that a route of this trunk
 * names are left alone.  Returns 0 or EINVAL. */
int route_dialled(char out[ROUTE_NUMBER_SIZE], const struct conf *conf,
		  const struct conf_trunk *trunk, const char *user);

#endif
