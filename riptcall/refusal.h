/* SPDX-License-Identifier: MIT */
/*
 * riptcall/refusal.h - the ways in which `riptcall serve --refuse` refuses.
 *
 * Owner:  a constant table.
 * Loop:   any.
 */
#ifndef RIPTIDE_RIPTCALL_REFUSAL_H
#define RIPTIDE_RIPTCALL_REFUSAL_H

#include "ript/event.h"

#define REFUSALS "declined, busy, failed, noanswer, unreachable or policy"

struct refusal {
	const char *name;
	int status;			/* before the 201; 0: by a state */
	enum ript_event_type type;	/* that state */
	struct ript_cause cause;
};

/* NULL: there is none called @name, or it is NULL. */
const struct refusal *refusal_find(const char *name);

#endif
