/* SPDX-License-Identifier: MIT */
#include "riptcall/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/phone.h"

#define LATE_MS 120000		/* twice what is allowed (Q79) */

enum side { CLIENT = 1, SERVER = 2, BOTH = 3 };

static const struct {
	const char *name;
	enum side side;
	const char *text;
} faults[FAULT_CNT] = {
	[FAULT_NONE] = { "none", BOTH, "behave" },
	[FAULT_NO_TOKEN] = { "no-token", CLIENT,
			     "requests without a bearer token" },
	[FAULT_LOWER_BEARER] = { "lowercase", CLIENT,
				 "\"bearer\" in lower case, which is fine" },
	[FAULT_NO_HANDLER] = { "no-handler", CLIENT,
			       "call with a handler that nobody registered" },
	[FAULT_FOREIGN_HANDLER] = { "foreign-handler", CLIENT,
				    "call with a handler elsewhere" },
	[FAULT_POST_HANDLER_TWICE] = { "post-handler-twice", CLIENT,
				       "register each handler twice" },
	[FAULT_OMIT_HANDLER] = { "omit-handler", CLIENT,
				 "call without naming a handler" },
	[FAULT_NO_PASSPORT] = { "no-passport", CLIENT,
				"call without a PASSporT" },
	[FAULT_NO_DESTINATION] = { "no-destination", CLIENT,
				   "call without a destination" },
	[FAULT_LATE_PASSPORT] = { "late-passport", CLIENT,
				  "sign two minutes ago" },
	[FAULT_ALTERED_PASSPORT] = { "altered-passport", CLIENT,
				     "change the signature" },
	[FAULT_WRONG_DEST] = { "wrong-dest", CLIENT,
			       "sign for another number" },
	[FAULT_ZERO_HOPS] = { "zero-hops", CLIENT, "no hop is left" },
	[FAULT_ONE_GET] = { "one-get", CLIENT,
			    "keep one GET for media open, not 20" },
	[FAULT_TWO_BYWAYS] = { "two-byways", CLIENT,
			       "open a second GET for events" },
	[FAULT_DROP_EVENTS_GET] = { "drop-events-get", CLIENT,
				    "lose GET events after a second" },
	[FAULT_DROP_EVENTS_PUT] = { "drop-events-put", CLIENT,
				    "lose PUT events after a second" },
	[FAULT_NO_PING] = { "no-ping", CLIENT, "send no ping" },
	[FAULT_NEVER_HANGUP] = { "never-hangup", CLIENT, "send no end" },
	[FAULT_BAD_EVENTS] = { "bad-events", CLIENT,
			       "send pings that are no JSON" },
	[FAULT_TWO_CHUNKS_PER_PUT] = { "two-chunks-per-put", CLIENT,
				       "two media chunks in a body" },
	[FAULT_DELETE_CALL] = { "delete-call", CLIENT,
				"DELETE the call after the 201" },
	[FAULT_NO_FIRST_EVENT] = { "no-first-event", SERVER,
				   "leave out the first event" },
	[FAULT_NO_PONG] = { "no-pong", SERVER, "answer no ping" },
	[FAULT_WRONG_NONCE] = { "wrong-nonce", SERVER,
				"answer pings with another nonce" },
	[FAULT_TWO_CHUNKS_PER_GET] = { "two-chunks-per-get", SERVER,
				       "two media chunks in a body" },
	[FAULT_SHORT_LOCATION] = { "short-location", SERVER,
				   "a call URI without a UUID" },
	[FAULT_NO_LOCATION] = { "no-location", SERVER,
				"no Location of what was created" },
	[FAULT_200_INSTEAD_OF_201] = { "http-200-instead-of-201", SERVER,
				       "200 for what was created" },
	[FAULT_MISSING_DIRECTIVES] = { "missing-directives", SERVER,
				       "a call without directives" },
	[FAULT_MISSING_FROM] = { "missing-from", SERVER,
				 "a call without its caller" },
	[FAULT_WRONG_STATE] = { "wrong-state", SERVER,
				"events that say alerting for answered" },
	[FAULT_RESET_EVENTS] = { "reset-events", SERVER,
				 "reset GET events after a second" },
	[FAULT_EMPTY_TGS] = { "empty-tgs", SERVER,
			      "list no terminal group" },
	[FAULT_NO_END] = { "no-end", SERVER, "leave out the end event" },
	[FAULT_WRONG_PROBLEM] = { "wrong-problem", SERVER,
				  "another name for each problem" },
	[FAULT_NO_BRACKET] = { "no-bracket", BOTH,
			       "event streams without `[`" },
	[FAULT_NO_ACKS] = { "no-acks", BOTH, "acknowledge no chunk" },
	[FAULT_TRUNCATED_FIRST] = { "truncated-chunks-first", BOTH,
				    "two octets of number from the first "
				    "chunk on" },
	[FAULT_ALWAYS_FULL] = { "always-full", BOTH,
				"never truncate a number" },
	[FAULT_REPEAT_CHUNKS] = { "repeat-chunks", BOTH,
				  "send each chunk twice" },
	[FAULT_DROP_CHUNKS] = { "drop-chunks", BOTH, "lose every tenth" },
	[FAULT_SWAP_CHUNKS] = { "swap-chunks", BOTH,
				"send every second chunk before the first" },
	[FAULT_WRONG_CODEC] = { "wrong-codec", BOTH,
				"send GSM, which nobody asked for" },
	[FAULT_WRONG_SOURCE] = { "wrong-source", BOTH,
				 "send from a source without a stream" },
	[FAULT_WRONG_SINK] = { "wrong-sink", BOTH,
			       "send to a sink without a stream" },
	[FAULT_BAD_CHUNKS] = { "bad-chunks", BOTH, "break every tenth" },
	[FAULT_SILENT] = { "silent", BOTH, "send no media at all" },
	[FAULT_UNKNOWN_TAG] = { "unknown-tag", BOTH,
				"a TLV that nobody knows, in each chunk" },
};

static enum fault chosen;

void fault_print_list(void)
{
	static const char *const titles[] = { "", "call", "serve", "both" };
	unsigned i;

	for (i = FAULT_NONE + 1; i < FAULT_CNT; i++)
		printf("%-24s %-6s %s\n", faults[i].name,
		       titles[faults[i].side], faults[i].text);
}

int fault_choose(const char *name, bool server)
{
	unsigned i;

	if (strcmp(name, "help") == 0) {
		fault_print_list();
		return ECANCELED;
	}
	for (i = FAULT_NONE; i < FAULT_CNT; i++) {
		if (strcmp(faults[i].name, name) != 0)
			continue;
		if (!(faults[i].side & (server ? SERVER : CLIENT))) {
			fprintf(stderr, "riptcall: --fault %s is one of the "
				"other role\n", name);
			return EINVAL;
		}
		chosen = (enum fault)i;
		return 0;
	}
	fprintf(stderr, "riptcall: --fault %s: no such fault; --fault help "
		"lists them\n", name);
	return EINVAL;
}

bool fault_is(enum fault fault)
{
	return chosen == fault;
}

uint64_t fault_passport_ms(uint64_t now_ms)
{
	return chosen == FAULT_LATE_PASSPORT ? now_ms - LATE_MS : now_ms;
}

const char *fault_passport_dest(const char *dest)
{
	return chosen == FAULT_WRONG_DEST ? "+14085550199" : dest;
}

void fault_passport(char *jws)
{
	size_t len = strlen(jws);

	/* Not the last character: some of its bits count for nothing. */
	if (chosen == FAULT_ALTERED_PASSPORT && len > 10)
		jws[len - 10] = jws[len - 10] == 'A' ? 'B' : 'A';
}

unsigned fault_phone(void)
{
	static const struct {
		enum fault fault;
		unsigned bit;
	} bits[] = {
		{ FAULT_NO_ACKS, PHONE_NO_ACKS },
		{ FAULT_ALWAYS_FULL, PHONE_ALWAYS_FULL },
		{ FAULT_TRUNCATED_FIRST, PHONE_ALWAYS_SHORT },
		{ FAULT_WRONG_SINK, PHONE_WRONG_SINK },
		{ FAULT_REPEAT_CHUNKS, PHONE_TWICE },
		{ FAULT_TWO_CHUNKS_PER_PUT, PHONE_TWO_CHUNKS },
		{ FAULT_TWO_CHUNKS_PER_GET, PHONE_TWO_CHUNKS },
		{ FAULT_WRONG_CODEC, PHONE_WRONG_CODEC },
		{ FAULT_SILENT, PHONE_SILENT },
		{ FAULT_BAD_CHUNKS, PHONE_BAD_CHUNK },
	};
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (bits[i].fault == chosen)
			return bits[i].bit;
	return 0;
}
