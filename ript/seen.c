/* SPDX-License-Identifier: MIT */
#include "ript/event.h"
#include "ript/seen.h"

/* FNV-1a: the peer only fools itself with a collision. */
static uint64_t nonce_hash(const char *nonce)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; nonce && *nonce; nonce++)
		hash = (hash ^ (uint8_t)*nonce) * UINT64_C(0x100000001b3);
	return hash;
}

bool seen_before(struct seen *seen, const struct ript_event *event)
{
	uint64_t nonce = nonce_hash(event->nonce);
	unsigned i;

	if (!event->has_seq)
		return false;
	for (i = 0; i < seen->cnt; i++)
		if (seen->slot[i].seq == event->seq &&
		    seen->slot[i].type == (int)event->type &&
		    seen->slot[i].nonce == nonce)
			return true;
	seen->slot[seen->next].seq = event->seq;
	seen->slot[seen->next].type = (int)event->type;
	seen->slot[seen->next].nonce = nonce;
	seen->next = (seen->next + 1) % SEEN_MAX;
	if (seen->cnt < SEEN_MAX)
		seen->cnt++;
	return false;
}
