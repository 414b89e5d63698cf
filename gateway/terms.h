/* SPDX-License-Identifier: MIT */
/*
 * gateway/terms.h - which codecs each side of a call is told: from SDP to
 * advertisement and directive, and back.  Pure functions.
 *
 *   SIP caller's offer   --> codecs of our handler for this call
 *   directives           --> answer to the SIP caller
 *   client's handler     --> directives of the 201, offer to the SIP callee
 *   SIP callee's answer  --> the directives narrowed to it
 *
 * Nothing is transcoded: a codec that one side cannot do is offered to
 * nobody.
 *
 * Owner:  plain structs.
 * Loop:   any.
 * Spec:   rows GW-02, GW-03, GW-08; Q22, Q32, Q82; RFC 3264.
 */
#ifndef RIPTIDE_GATEWAY_TERMS_H
#define RIPTIDE_GATEWAY_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "media/bridge.h"
#include "media/desc.h"
#include "ript/directive.h"

/* What passes through us unchanged. */
#define TERMS_CODECS (1u << CODEC_PCMU | 1u << CODEC_PCMA | \
		      1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)

/* Whether there is speech in a set of codecs. */
bool terms_has_audio(uint32_t codecs);

/* What the SIP caller's offer lets us do; NULL (late offer): everything. */
uint32_t terms_caller_codecs(const struct media_desc *caller);

/* What both directives allow. */
uint32_t terms_directed(const struct ript_directives *directives);

/*
 * The answer to the SIP caller's offer, with RTP at @rtp (ours).  Formats of
 * the offer, in its order, that the directives allow.
 * Returns 0; ENOTSUP: no speech codec is left.
 */
int terms_answer(struct media_desc *out, const struct media_desc *caller,
		 const struct ript_directives *directives,
		 const struct addr *rtp);

/* The offer in our 200 to an INVITE without one. */
int terms_late(struct media_desc *out, const struct ript_directives *directives,
	       const struct addr *rtp);

/* Server role: the directives for a client's handler, and the codecs that
 * could be directed. */
uint32_t terms_direct(struct ript_directives *out,
		      const struct ript_advert *client);

/* The offer to the SIP callee: codecs in common, the directed ones first. */
int terms_callee(struct media_desc *out, uint32_t common,
		 const struct ript_directives *directives,
		 const struct addr *rtp);

/*
 * The directives after the SIP callee's @answer: its codecs alone, and no
 * stream where it does not send or receive.
 * Returns whether @out differs from @in.
 */
bool terms_narrow(struct ript_directives *out,
		  const struct ript_directives *in,
		  const struct media_desc *answer);

/*
 * Server role, CA-21: the directives for a handler that may be a new one;
 * @answer is the SIP callee's, NULL before it came.  Sets *@common as
 * terms_direct() returns it.
 * Returns whether @out differs from @now.
 */
bool terms_redirect(struct ript_directives *out, uint32_t *common,
		    const struct ript_directives *now,
		    const struct ript_advert *client,
		    const struct media_desc *answer);

/* What the bridge needs of them; @client is our role. */
void terms_bridge(struct bridge_ript *out, bool client,
		  const struct ript_directives *directives);

#endif
