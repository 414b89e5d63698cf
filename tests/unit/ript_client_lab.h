/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/ript_client_lab.h - a peer of the client role in the lab; the
 * test plays its server.
 */
#ifndef RIPTIDE_TESTS_RIPT_CLIENT_LAB_H
#define RIPTIDE_TESTS_RIPT_CLIENT_LAB_H

#include "tests/unit/ript_lab.h"

#define PEER_AUTHORITY "comcast.example"
#define PEER_TOKEN "token-at-comcast"
#define PEER_TG LAB_TG
#define PEER_URI "https://" PEER_AUTHORITY PEER_TG
#define CALL_UUID "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"
#define CALL_PATH PEER_TG "/calls/" CALL_UUID
#define CALL_URI "https://" PEER_AUTHORITY CALL_PATH
#define VOICE_EXTRAS (1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)

/* Lines of profile section 5. */
#define PEER_LIST "{\"tgs\":[{\"uri\":\"" PEER_URI "\",\"name\":\"domestic\"" \
	",\"description\":\"calls to +1 numbers\"}]}"
#define PEER_DOC "{\"uri\":\"" PEER_URI "\",\"outbound\":{\"origins\":" \
	"\"-----BEGIN CERTIFICATE-----\\nMIIB...\\n" \
	"-----END CERTIFICATE-----\\n\",\"destinations\":[\"+1*\"]," \
	"\"destinations-except\":[\"+1900*\"]},\"inbound\":{\"origins\":" \
	"\"*\",\"destinations\":\"+14085551002\"},\"retry-backoff\":2000," \
	"\"media-timeout\":1000,\"keepalive-interval\":5000," \
	"\"keepalive-timeout\":15000,\"reverse-byways\":20," \
	"\"features\":{\"transfer-and-takeback\":1,\"hold\":1}}"
#define ENDED_BY_CLIENT "{\"type\":\"" LAB_ROOT "/problems/call-ended\"," \
	"\"title\":\"Call has ended\",\"status\":404,\"by\":\"client\"}"

/* Make the peer; discovery begins with the next turn. */
void peer_make(struct lab *lab);
/* The same and the turn. */
void peer_start(struct lab *lab);
/* Discovered, handler abc registered. */
void peer_ready(struct lab *lab);
void peer_ready_with(struct lab *lab, const char *doc);
/* 201 with Location and uri, and the directives of profile section 5. */
void peer_reply_created(struct exchange *x, const char *uri);
/* The exchange_peer of the peer. */
struct exchange_peer *peer_exchange(struct lab *lab);
int peer_open(struct lab *lab, struct ript_call **callp,
	      const char *destination);
int peer_open_with(struct lab *lab, struct ript_call **callp,
		   const char *destination, uint32_t codecs,
		   uint16_t ptime_ms);
/* An open call at CALL_URI, 201 just read. */
struct ript_call *peer_call(struct lab *lab);

#endif
