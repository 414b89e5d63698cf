/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/bridge_world.h - a bridge between a phone and a RIPT peer that
 * are both played by the test, under a virtual clock.
 */
#ifndef RIPTIDE_TESTS_BRIDGE_WORLD_H
#define RIPTIDE_TESTS_BRIDGE_WORLD_H

#include "base/loop.h"
#include "media/bridge.h"
#include "media/chunk.h"
#include "media/rtp.h"
#include "tests/unit/fake_rtp_port.h"

#define WALL_MS UINT64_C(0x170211a5e40)	/* Unix time at the start */
#define PHONE "192.0.2.1:4000"
#define G711 (1u << CODEC_PCMU | 1u << CODEC_PCMA)
#define VOICE (G711 | 1u << CODEC_TELEPHONE_EVENT | 1u << CODEC_CN)
#define PT_EVENT 96	/* on the SIP side; 101 on the RIPT side */

#define BODIES 4096

struct body {
	bool media;
	size_t len;
	uint8_t data[2048];
};

struct world {
	struct loop *loop;
	uint64_t start_ns;
	struct rtp_port *port;
	struct bridge *bridge;
	struct bridge_side sip;
	struct bridge_ript ript;

	/* the byway */
	bool acks_in_reply;
	size_t room;
	int send_err;
	struct body *body;
	unsigned body_cnt;
	uint64_t connection;

	/* the last chunk read by world_chunk() */
	struct chunk chunk[64];
	unsigned chunk_cnt;
};

/* Ready on both sides: PCMU, PCMA, events and CN everywhere. */
void world_open(struct world *w, bool client);
void world_close(struct world *w);
/* The same without what SIP and RIPT negotiated. */
void world_open_bare(struct world *w);

/* Let @ms pass, timers included. */
void world_pass(struct world *w, uint64_t ms);
uint64_t world_ms(const struct world *w);

/* An RTP packet from @from (NULL: the phone). */
void world_rtp(struct world *w, const char *from, const struct rtp *rtp);
/* A PCMU packet of 160 octets of @fill at 160 ticks a number. */
void world_pcmu(struct world *w, uint16_t seq, uint8_t fill);

/* Parse the @index-th body sent into w->chunk. */
void world_parse(struct world *w, unsigned index);

/* A media chunk of our peer with full values. */
struct chunk world_chunk(uint64_t seq, uint64_t time_ms, enum codec codec,
			 const void *media, size_t len);
/* It arrives, alone in a body; returns what bridge_chunks() did. */
int world_chunk_in(struct world *w, const struct chunk *chunk);
int world_body_in(struct world *w, const void *body, size_t len);

/* The @index-th RTP packet sent. */
struct rtp world_sent(unsigned index);

uint64_t world_fate(struct world *w, bool from_ript, enum bridge_fate fate);

#endif
