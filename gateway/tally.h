/* SPDX-License-Identifier: MIT */
/*
 * gateway/tally.h - the calls in numbers, for monitoring: how many live, how
 * they ended, how long setting up and talking took, and what was heard.
 *
 * Every series exists from the start; none is per call.
 *
 * Owner:  metrics of the process; made by struct sessions.
 * Loop:   control.
 */
#ifndef RIPTIDE_GATEWAY_TALLY_H
#define RIPTIDE_GATEWAY_TALLY_H

#include <stdbool.h>

struct session;

/* Make the series of calls; once. */
void tally_calls(void);
void tally_begun(const struct session *s);
void tally_ringing(const struct session *s);
void tally_answered(const struct session *s);
void tally_ended(const struct session *s);

#endif
