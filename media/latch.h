/* SPDX-License-Identifier: MIT */
/*
 * media/latch.h - whose RTP we take and where ours goes: symmetric RTP with a
 * strict source.
 *
 *   OPEN --- negotiated address heard -----------> NEGOTIATED
 *     |                                               ^
 *     \-- valid packet from elsewhere --> ELSEWHERE --/ negotiated one heard
 *
 * A packet from anywhere else is refused; only a change in signalling opens
 * the latch again.  Whoever races the peer to our port is put out by the
 * peer's first packet.
 *
 * Owner:  embedded in media/bridge.
 * Loop:   that of its call.
 */
#ifndef RIPTIDE_MEDIA_LATCH_H
#define RIPTIDE_MEDIA_LATCH_H

#include <stdbool.h>

#include "base/text.h"

enum latch_state { LATCH_OPEN, LATCH_NEGOTIATED, LATCH_ELSEWHERE };

struct latch {
	enum latch_state state;
	struct addr negotiated;		/* len 0: none */
	struct addr source;		/* heard; valid unless LATCH_OPEN */
};

enum latch_verdict {
	LATCH_ACCEPT,
	LATCH_CANDIDATE,	/* latch_take() it, if the packet is valid */
	LATCH_REFUSE,
};

/* What signalling says now; an unchanged address changes nothing. */
void latch_negotiate(struct latch *latch, const struct addr *negotiated);
enum latch_verdict latch_check(struct latch *latch, const struct addr *from);
void latch_take(struct latch *latch, const struct addr *from);

/* Where to send; NULL: nowhere yet. */
static inline const struct addr *latch_target(const struct latch *latch)
{
	if (latch->state != LATCH_OPEN)
		return &latch->source;
	return latch->negotiated.len ? &latch->negotiated : NULL;
}

#endif
