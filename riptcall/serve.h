/* SPDX-License-Identifier: MIT */
/*
 * riptcall/serve.h - what `riptcall serve --refuse` takes.
 *
 * Owner:  a constant table.
 * Loop:   any.
 */
#ifndef RIPTIDE_RIPTCALL_SERVE_H
#define RIPTIDE_RIPTCALL_SERVE_H

#include <stdbool.h>

#define SERVE_REFUSALS \
	"declined, busy, failed, noanswer, unreachable or policy"

bool serve_refusal_known(const char *name);

#endif
