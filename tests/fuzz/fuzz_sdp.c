/* SPDX-License-Identifier: MIT */
/*
 * SDP of a peer: parse it, read it as offer and as answer, answer it, and
 * parse what we answered.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_answer(const struct sipsdp *offer, unsigned line,
			 const struct media_desc *desc)
{
	struct sipsdp_origin origin = { .session_id = 1, .version = 1 };
	struct sipsdp *answer = NULL;
	struct media_desc back;
	char *text;

	addr_parse(&origin.address, "192.0.2.1");
	text = sipoffer_answer(&origin, offer, line, desc);
	/* Mirrored formats may take our text past what we would read. */
	if (sipsdp_parse(&answer, text, strlen(text), NULL) == 0) {
		assert(answer->media_cnt == offer->media_cnt);
		if (desc && line == 0)
			sipoffer_read_answer(&back, answer);
	} else {
		assert(strlen(text) > SIPSDP_MAX);
	}
	sipsdp_free(&answer);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct media_desc theirs, ours;
	struct sipsdp *sdp = NULL;
	unsigned line;

	if (sipsdp_parse(&sdp, (const char *)data, len, NULL) != 0)
		return 0;
	sipoffer_read_answer(&theirs, sdp);
	if (sipoffer_read(&theirs, &line, sdp) == 0) {
		ours = theirs;
		assert(sipoffer_align(&ours, &theirs) == 0);
		check_answer(sdp, line, &ours);
	}
	check_answer(sdp, 0, NULL);
	sipsdp_free(&sdp);
	return 0;
}
