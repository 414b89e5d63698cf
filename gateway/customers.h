/* SPDX-License-Identifier: MIT */
/*
 * gateway/customers.h - the server role's set-up: a terminal group for each
 * peer that may call here, handlers out of the store.
 *
 * Owner:  the gateway; what it made goes with ript_server_free() and
 *         customers_free().
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_CUSTOMERS_H
#define RIPTIDE_GATEWAY_CUSTOMERS_H

struct gateway;
struct ript_call;

/* @incoming gets new calls, its last argument is @gw.  Nothing to do without
 * ript.listen.  @why one sentence, malloc'ed. */
int customers_start(struct gateway *gw,
		    void (*incoming)(struct ript_call *call, void *arg),
		    char **why);
void customers_free(struct gateway *gw);

#endif
