/* SPDX-License-Identifier: MIT */
/*
 * base/dns.h - names to addresses, by c-ares on the control loop (RFC 3263
 * for SIP: NAPTR, SRV, then A and AAAA; plain A and AAAA for https).
 *
 * Owner:  the resolver belongs to the control loop; a query to its caller
 *         until @done ran or dns_cancel().
 * Loop:   control (asserted).
 */
#ifndef RIPTIDE_BASE_DNS_H
#define RIPTIDE_BASE_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct loop;
struct dns;
struct dns_query;

#define DNS_MAX_ADDRS 16

/* Addresses in the order to try; transports as in enum dns_transport. */
struct dns_answer {
	struct addr addr[DNS_MAX_ADDRS];
	uint8_t transport[DNS_MAX_ADDRS];
	unsigned count;
	uint32_t ttl_s;
};

enum dns_transport { DNS_UDP, DNS_TCP, DNS_TLS };

/* @servers: "127.0.0.1:5353,..." or NULL for /etc/resolv.conf.
 * Returns 0; EINVAL: @servers; ENOMEM. */
int dns_new(struct dns **dnsp, struct loop *loop, const char *servers);
void dns_free(struct dns **dnsp);

/* @err 0; ENOENT: no such name; ETIMEDOUT; EAGAIN: server failure.
 * @answer is borrowed, NULL on error.  The query is over: forget it. */
typedef void dns_h(int err, const struct dns_answer *answer, void *arg);

/* A and AAAA of @host; an address literal answers in the next turn.
 * /etc/hosts is honoured.  @queryp may be NULL.
 * Returns 0; EINVAL: no possible name, and nothing runs. */
int dns_resolve_host(struct dns_query **queryp, struct dns *dns,
		     const char *host, uint16_t port, dns_h *done, void *arg);
/* RFC 3263 for "sip:@domain" over what @transports (bit set, 1u << DNS_x)
 * allows; with ":port" behind it only A and AAAA.  The same errors. */
int dns_resolve_sip(struct dns_query **queryp, struct dns *dns,
		    const char *domain, unsigned transports, dns_h *done,
		    void *arg);
/* No callback after this.  NULL is fine. */
void dns_cancel(struct dns_query **queryp);

#endif
