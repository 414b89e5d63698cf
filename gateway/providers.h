/* SPDX-License-Identifier: MIT */
/*
 * gateway/providers.h - the client role's set-up: a connection to each peer
 * with a domain, its signer, our handlers' URIs out of the store.
 *
 * Owner:  the gateway.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_PROVIDERS_H
#define RIPTIDE_GATEWAY_PROVIDERS_H

struct gateway;

/* @why one sentence, malloc'ed. */
int providers_start(struct gateway *gw, char **why);
/* No call may live.  Twice is fine. */
void providers_stop(struct gateway *gw);

#endif
