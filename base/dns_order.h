/* SPDX-License-Identifier: MIT */
/*
 * base/dns_order.h - the order in which SRV targets are tried (RFC 2782).
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_BASE_DNS_ORDER_H
#define RIPTIDE_BASE_DNS_ORDER_H

#include <stdint.h>

struct dns_target {
	char host[254];
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	uint8_t transport;
};

/* By priority; at random by weight among equals. */
void dns_order(struct dns_target *target, unsigned count);

#endif
