/* SPDX-License-Identifier: MIT */
/*
 * gateway/party.h - a trunk or a peer at run time: its configuration, the
 * object that speaks to it, and how many calls it may have.
 *
 * Owner:  gateway/gateway.c, in two arrays beside those of struct conf.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_PARTY_H
#define RIPTIDE_GATEWAY_PARTY_H

#include <stdbool.h>

#include "base/text.h"
#include "gateway/admit.h"

struct conf_peer;
struct conf_trunk;
struct passport_signer;
struct passport_trust;
struct ript_peer;
struct ript_tg;
struct rtp_range;
struct trunk;

/* A SIP counterparty. */
struct gw_trunk {
	const struct conf_trunk *conf;
	struct trunk *trunk;
	struct rtp_range *range;	/* its network's; borrowed */
	struct addr media;		/* advertised to it, no port */
	struct admit admit;
	bool up;
	char why[128];			/* the last change's reason */
};

/* A RIPT counterparty, in one or both roles. */
struct gw_peer {
	const struct conf_peer *conf;
	struct ript_peer *ript;		/* NULL: it only calls us */
	struct passport_signer *signer;	/* NULL likewise */
	struct ript_tg *tg;		/* NULL: it never calls us */
	struct passport_trust *trust;
	struct admit admit;
	bool up;
	char why[128];
};

#endif
