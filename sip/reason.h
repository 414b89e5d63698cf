/* SPDX-License-Identifier: MIT */
/*
 * sip/reason.h - the Reason header (RFC 3326): Q.850 and our own
 * RIPT;text="stable code".
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_SIP_REASON_H
#define RIPTIDE_SIP_REASON_H

#include "sip/sofia.h"

struct leg_cause;

#define REASON_LEN 192

/* The value to send; "" when there is nothing to say.  @q850 0 and @code NULL
 * are left out. */
void reason_print(char out[REASON_LEN], int q850, const char *code);

/* Add what @reason says to @cause: the Q.850 cause, and a text if @cause has
 * none.  NULL is fine. */
void reason_read(struct leg_cause *cause, const sip_reason_t *reason);

/* Copy peer text, cut and without control characters. */
void reason_text(struct leg_cause *cause, const char *text);

#endif
