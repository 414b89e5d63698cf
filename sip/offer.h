/* SPDX-License-Identifier: MIT */
/*
 * sip/offer.h - the offer/answer model: SDP to and from struct media_desc.
 *
 *   their offer  --sipoffer_read-->  media_desc + line
 *   our answer   <-sipoffer_answer-  media_desc, mirrors every m= line
 *   our offer    <-sipoffer_make---  media_desc
 *   their answer --sipoffer_read_answer-->  media_desc
 *
 * One audio stream of profile RTP/AVP is taken, everything else is answered
 * with port 0.
 *
 * Loop:   any; no state.
 * Spec:   RFC 3264, 3551; RIPT-GW-08.
 */
#ifndef RIPTIDE_SIP_OFFER_H
#define RIPTIDE_SIP_OFFER_H

#include "media/desc.h"
#include "sip/sdp.h"

/*
 * The first audio line that we could take: RTP/AVP, a port, an address, a
 * speech codec of media/desc.h.  *@line is its index.
 * Returns 0; ENOENT: none such, answer 488.
 */
int sipoffer_read(struct media_desc *desc, unsigned *line,
	       const struct sipsdp *offer);

/* The answer to an offer of sipoffer_make(): its first m= line.
 * Returns 0 (format_cnt 0: refused with port 0); EINVAL: no answer to it. */
int sipoffer_read_answer(struct media_desc *desc, const struct sipsdp *answer);

/*
 * Make @answer a legal answer to @offer: payload types as in the offer, no
 * format that is not in it, no direction that it does not allow.
 * Returns 0; ENOENT: no speech codec in common.
 */
int sipoffer_align(struct media_desc *answer, const struct media_desc *offer);

/* Our offer, NUL-terminated, malloc'ed. */
char *sipoffer_make(const struct sipsdp_origin *origin,
		 const struct media_desc *desc);
/* Our answer to @offer with @desc on its m= line @line; malloc'ed.  @desc
 * NULL, or without formats: everything is rejected. */
char *sipoffer_answer(const struct sipsdp_origin *origin,
		   const struct sipsdp *offer, unsigned line,
		   const struct media_desc *desc);

/* Whether both describe the same stream. */
bool sipoffer_same(const struct media_desc *a, const struct media_desc *b);

#endif
