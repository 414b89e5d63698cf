/* SPDX-License-Identifier: MIT */
/*
 * media/rtp_port.h - pairs of UDP sockets for RTP (even) and RTCP (odd).
 *
 * The range is one per network and shared by all workers; the sockets of a
 * port belong to the worker that opened it.  A released pair rests for 30 s,
 * so that a new call never hears an old one.
 *
 * Owner:  the range by control (made before the workers); a port by its
 *         bridge.
 * Loop:   range: any (one small lock at set-up and release, never per
 *         packet); port: worker.
 * Spec:   RFC 3550 section 11.
 */
#ifndef RIPTIDE_MEDIA_RTP_PORT_H
#define RIPTIDE_MEDIA_RTP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct loop;
struct rtp_range;
struct rtp_port;

#define RTP_QUARANTINE_MS 30000

/* Ports @first to @last of @address (an odd first is rounded up). */
struct rtp_range *rtp_range_new(const struct addr *address, uint16_t first,
				uint16_t last, uint64_t quarantine_ms);
void rtp_range_free(struct rtp_range **rangep);
/* Pairs in use, resting, free. */
void rtp_range_count(struct rtp_range *range, unsigned *used,
		     unsigned *resting, unsigned *unused);

/* For tests: quarantine by another clock than CLOCK_MONOTONIC. */
void rtp_range_set_clock(struct rtp_range *range, uint64_t (*clock_ns)(void));

/*
 * Reserve a pair and open both sockets; any thread.  @port_number is the
 * even one.  Returns 0; ENOSPC: none free; another errno of bind().
 */
int rtp_port_open(struct rtp_port **portp, struct rtp_range *range);
uint16_t rtp_port_number(const struct rtp_port *port);

/* On the worker: @fn runs for each packet read, @rtcp tells the socket.  A
 * packet that is too long has @len 0.  @fn may close the port. */
typedef void rtp_port_h(uint8_t *data, size_t len, const struct addr *from,
			bool rtcp, void *arg);
void rtp_port_listen(struct rtp_port *port, struct loop *loop,
		     rtp_port_h *fn, void *arg);
/* Send.  Returns 0 or errno. */
int rtp_port_send(struct rtp_port *port, const struct addr *to, bool rtcp,
		  const void *data, size_t len);

/* Closes the sockets and lets the pair rest.  NULL is fine. */
void rtp_port_close(struct rtp_port **portp);

#endif
