/* SPDX-License-Identifier: MIT */
/*
 * sip/interpose.h - the symbols of the library that every program of ours
 * replaces.
 *
 * sip/interpose.c is listed in the sources of each program (in a convenience
 * library it would silently vanish) and the program is linked with -rdynamic.
 *
 * Loop:   control.
 */
#ifndef RIPTIDE_SIP_INTERPOSE_H
#define RIPTIDE_SIP_INTERPOSE_H

#include "sip/sofia.h"

struct metric;

/*
 * The agent made by the nua_create() that was just called, NULL if it was
 * made past us; forgotten by the call.  sip/root.c refuses to start then, and
 * a program without interpose.c does not link.
 */
nta_agent_t *interpose_take_agent(void);

/* Where the dropped STUN packets are counted. */
void interpose_count_stun(struct metric *counter);

#endif
