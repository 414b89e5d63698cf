/* SPDX-License-Identifier: MIT */
/*
 * ript/call_client.h - what the rest of ript/ asks a call of the client role.
 *
 * Owner:  the peer.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_CALL_CLIENT_H
#define RIPTIDE_RIPT_CALL_CLIENT_H

#include "ript/call.h"

void client_call_info(const struct ript_call *call,
		      struct ript_call_info *out);
void client_call_end(struct ript_call *call, const struct ript_cause *cause);

#endif
