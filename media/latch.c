/* SPDX-License-Identifier: MIT */
#include "media/latch.h"

#include <netinet/in.h>
#include <string.h>

/* addr_equal() for the common case. */
static inline bool same(const struct addr *a, const struct addr *b)
{
	const struct sockaddr_in *in_a = (const void *)&a->ss;
	const struct sockaddr_in *in_b = (const void *)&b->ss;

	if (a->ss.ss_family == AF_INET && b->ss.ss_family == AF_INET)
		return in_a->sin_port == in_b->sin_port &&
		       in_a->sin_addr.s_addr == in_b->sin_addr.s_addr;
	return addr_equal(a, b);
}

void latch_negotiate(struct latch *latch, const struct addr *negotiated)
{
	if (latch->negotiated.len && negotiated->len &&
	    same(&latch->negotiated, negotiated))
		return;
	latch->negotiated = *negotiated;
	latch->state = LATCH_OPEN;
}

enum latch_verdict latch_check(struct latch *latch, const struct addr *from)
{
	if (latch->state != LATCH_OPEN && same(from, &latch->source))
		return LATCH_ACCEPT;
	if (!latch->negotiated.len)
		return LATCH_REFUSE;
	if (latch->state != LATCH_NEGOTIATED &&
	    same(from, &latch->negotiated)) {
		latch->state = LATCH_NEGOTIATED;
		latch->source = latch->negotiated;
		return LATCH_ACCEPT;
	}
	return latch->state == LATCH_OPEN ? LATCH_CANDIDATE : LATCH_REFUSE;
}

void latch_take(struct latch *latch, const struct addr *from)
{
	latch->state = LATCH_ELSEWHERE;
	latch->source = *from;
}
