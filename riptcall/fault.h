/* SPDX-License-Identifier: MIT */
/*
 * riptcall/fault.h - misbehaviours on purpose, one at a time: for tests of
 * other endpoints, and to prove that our own tests notice.
 *
 * The list is here; what each does stands at the edges: riptcall/edge.c
 * (requests, replies, events), riptcall/fault_body.c and media/phone (chunks).
 *
 * Owner:  one choice for the process, made before it starts.
 * Loop:   any.
 */
#ifndef RIPTIDE_RIPTCALL_FAULT_H
#define RIPTIDE_RIPTCALL_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	/* client */
	FAULT_NO_TOKEN,
	FAULT_LOWER_BEARER,
	FAULT_NO_HANDLER,
	FAULT_FOREIGN_HANDLER,
	FAULT_POST_HANDLER_TWICE,
	FAULT_OMIT_HANDLER,
	FAULT_NO_PASSPORT,
	FAULT_NO_DESTINATION,
	FAULT_LATE_PASSPORT,
	FAULT_ALTERED_PASSPORT,
	FAULT_WRONG_DEST,
	FAULT_ZERO_HOPS,
	FAULT_ONE_GET,
	FAULT_TWO_BYWAYS,
	FAULT_DROP_EVENTS_GET,
	FAULT_DROP_EVENTS_PUT,
	FAULT_NO_PING,
	FAULT_NEVER_HANGUP,
	FAULT_BAD_EVENTS,
	FAULT_TWO_CHUNKS_PER_PUT,
	FAULT_DELETE_CALL,
	/* server */
	FAULT_NO_FIRST_EVENT,
	FAULT_NO_PONG,
	FAULT_WRONG_NONCE,
	FAULT_TWO_CHUNKS_PER_GET,
	FAULT_SHORT_LOCATION,
	FAULT_NO_LOCATION,
	FAULT_200_INSTEAD_OF_201,
	FAULT_MISSING_DIRECTIVES,
	FAULT_MISSING_FROM,
	FAULT_WRONG_STATE,
	FAULT_RESET_EVENTS,
	FAULT_EMPTY_TGS,
	FAULT_NO_END,
	FAULT_WRONG_PROBLEM,
	/* both */
	FAULT_NO_BRACKET,
	FAULT_NO_ACKS,
	FAULT_TRUNCATED_FIRST,
	FAULT_ALWAYS_FULL,
	FAULT_REPEAT_CHUNKS,
	FAULT_DROP_CHUNKS,
	FAULT_SWAP_CHUNKS,
	FAULT_WRONG_CODEC,
	FAULT_WRONG_SOURCE,
	FAULT_WRONG_SINK,
	FAULT_UNKNOWN_TAG,
	FAULT_BAD_CHUNKS,
	FAULT_SILENT,
	FAULT_CNT
};

/* Take @name for this run; "help" lists them.  Returns 0; ECANCELED: the
 * list was printed; EINVAL: told on stderr. */
int fault_choose(const char *name, bool server);
bool fault_is(enum fault fault);
void fault_print_list(void);

/* The time that a PASSporT is signed at, its destination, and what is done to
 * it afterwards. */
uint64_t fault_passport_ms(uint64_t now_ms);
const char *fault_passport_dest(const char *dest);
void fault_passport(char *jws);

/* What media/phone does itself: phone_config.faults. */
unsigned fault_phone(void);

/*
 * What becomes of a body of chunks that is about to leave.  @send may be
 * called never, once or more often; returns what it returned last, or 0.
 */
typedef int fault_send_h(const void *body, size_t len, bool media, void *arg);

struct fault_body {
	uint64_t cnt;		/* media bodies so far */
	uint8_t kept[4096];	/* the one before, if it waits */
	size_t kept_len;
};
int fault_send(struct fault_body *state, const void *body, size_t len,
	       bool media, fault_send_h *send, void *arg);

#endif
