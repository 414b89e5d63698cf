/* SPDX-License-Identifier: MIT */
/*
 * riptcall/edge_wrap.h - the functions that the linker leads to
 * riptcall/edge.c, and the real ones behind them (ld --wrap).
 *
 * Owner:  riptcall/edge.c.
 * Loop:   as in ript/exchange.h and ript/byway.h.
 */
#ifndef RIPTIDE_RIPTCALL_EDGE_WRAP_H
#define RIPTIDE_RIPTCALL_EDGE_WRAP_H

#include "ript/byway.h"
#include "ript/exchange.h"

#define EDGE_WRAP(type, name, ...)        \
	type __wrap_##name(__VA_ARGS__); \
	type __real_##name(__VA_ARGS__)

EDGE_WRAP(int, exchange_send, struct exchange **xp,
	  struct exchange_peer *peer, const struct exchange_request *request,
	  bool finish, const struct exchange_handlers *handlers, void *arg);
EDGE_WRAP(void, exchange_serve, struct exchange_net *net,
	  exchange_request_h *fn, void *arg);
EDGE_WRAP(void, exchange_handle, struct exchange *x,
	  const struct exchange_handlers *handlers, void *arg);
EDGE_WRAP(void, exchange_reply, struct exchange *x, int status,
	  const struct exchange_field *field, unsigned field_cnt,
	  const void *body, size_t len);
EDGE_WRAP(void, exchange_reply_begin, struct exchange *x, int status,
	  const struct exchange_field *field, unsigned field_cnt);
EDGE_WRAP(int, exchange_write, struct exchange *x, const void *data,
	  size_t len);
EDGE_WRAP(void, exchange_abort, struct exchange *x);
EDGE_WRAP(int, byway_dial, struct byway **bywayp, struct exchange_net *net,
	  const struct byway_client *params,
	  const struct byway_events *events, void *arg);

#endif
