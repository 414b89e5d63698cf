/* SPDX-License-Identifier: MIT */
#include "riptcall/refusal.h"

#include <stddef.h>
#include <string.h>

static const struct refusal refusals[] = {
	{ "declined", 0, RIPT_EV_DECLINED, { 603, 21, "Decline" } },
	{ "busy", 0, RIPT_EV_DECLINED, { 486, 17, "Busy here" } },
	{ "failed", 0, RIPT_EV_FAILED, { 503, 34, "No circuit" } },
	{ "noanswer", 0, RIPT_EV_NOANSWER, { 408, 19, "No answer" } },
	{ "unreachable", 404, RIPT_EV_UNKNOWN, { 404, 1, "No route" } },
	{ "policy", 403, RIPT_EV_UNKNOWN, { 403, 21, "Not allowed" } },
};

const struct refusal *refusal_find(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(refusals[i].name, name) == 0)
			return &refusals[i];
	return NULL;
}
