/* SPDX-License-Identifier: MIT */
/*
 * ript/exchange_private.h - what ript/exchange.c and ript/exchange_peer.c
 * share on control, and how the net ends.
 *
 * Owner:  see ript/exchange.h.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_EXCHANGE_PRIVATE_H
#define RIPTIDE_RIPT_EXCHANGE_PRIVATE_H

#include "base/list.h"
#include "ript/exchange.h"

/* The exchanges of a peer that is being freed: each gets closed(@err). */
void exchange_close_all(struct list *exchanges, int err);

/* What exchange_send() needs of a peer. */
struct exchange_net *exchange_peer_net(const struct exchange_peer *peer);
uint64_t exchange_peer_id(const struct exchange_peer *peer);
const char *exchange_peer_authority(const struct exchange_peer *peer);
/* NULL while it is being freed. */
struct list *exchange_peer_exchanges(struct exchange_peer *peer);

/* The net ends: frees what callers left behind, without callbacks. */
void exchange_net_close(struct exchange_net *net);
void exchange_peer_net_close(struct exchange_net *net);
void byway_net_close(struct exchange_net *net);

#endif
