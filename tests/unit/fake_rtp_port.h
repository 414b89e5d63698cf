/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_rtp_port.h - media/rtp_port.h in memory: the test hands
 * packets in and reads what was sent.
 */
#ifndef RIPTIDE_TESTS_FAKE_RTP_PORT_H
#define RIPTIDE_TESTS_FAKE_RTP_PORT_H

#include "media/rtp_port.h"

#define FAKE_RTP_KEPT 4096

struct fake_rtp_packet {
	struct addr to;
	bool rtcp;
	size_t len;
	uint8_t data[2048];
};

/* A port without a range. */
struct rtp_port *fake_rtp_port_new(uint16_t number);

/* A packet arrives. */
void fake_rtp_port_in(struct rtp_port *port, const void *data, size_t len,
		      const struct addr *from, bool rtcp);

/* What was sent since fake_rtp_clear(): count, and the @index-th, RTP and
 * RTCP apart. */
unsigned fake_rtp_cnt(bool rtcp);
const struct fake_rtp_packet *fake_rtp_sent(bool rtcp, unsigned index);
void fake_rtp_clear(void);

/* rtp_port_send() keeps nothing and only counts (benchmarks). */
void fake_rtp_discard(bool discard);
/* rtp_port_send() fails with @err; 0: it works again. */
void fake_rtp_fail(int err);
/* Ports closed so far. */
unsigned fake_rtp_closed(void);

#endif
