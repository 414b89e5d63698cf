/* SPDX-License-Identifier: MIT */
/*
 * sip/filter.h - what may reach the library's transactions at all.
 *
 * The message class of each agent is a clone with two places of ours in it:
 *
 *   datagram -> request line [known source? blank line?] -> headers
 *   stream   -> headers -> body [known source?]
 *   both     -> body [shape of branch, URIs, Contact]    -> transactions
 *
 * What is refused is dropped without an answer and counted, a stream is
 * closed.  A Contact that we could never send to is taken away, so that the
 * message looks as if it had none.
 *
 * Owner:  the siproot.
 * Loop:   control.
 */
#ifndef RIPTIDE_SIP_FILTER_H
#define RIPTIDE_SIP_FILTER_H

#include <stdbool.h>

#include "base/text.h"
#include "sip/sofia.h"

struct filter;

/* Whether messages from @from are welcome; its port may be any. */
typedef bool filter_known_h(const struct addr *from, void *arg);

struct filter *filter_new(filter_known_h *known, void *arg);
void filter_free(struct filter **filterp);	/* after the agent */

/* For NTATAG_MCLASS(). */
const msg_mclass_t *filter_class(const struct filter *filter);

/* The address a message came from. */
void filter_source(struct addr *from, msg_t *msg);

/* Stable code of what is wrong with the shape of @sip, NULL: nothing. */
const char *filter_flaw(const sip_t *sip);

#endif
