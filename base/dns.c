/* SPDX-License-Identifier: MIT */
/* c-ares 1.34 deprecates what 1.18 has instead of its successors; this file
 * is the only one that knows. */
#define CARES_NO_DEPRECATED
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "base/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/dns_order.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"

#define TRY_MS 1000		/* the first try; c-ares doubles it */
#define TRIES 2
#define NAME_LEN 254
#define MAX_SERVICES 6		/* SRV names of one domain */

struct dns {
	struct loop *loop;
	ares_channel channel;
	struct timer timer;
	struct list socks;	/* struct sock */
	struct list queries;	/* struct dns_query */
};

struct sock {
	struct le le;
	struct dns *dns;
	ares_socket_t fd;
	struct loop_fd *watch;
};

struct service {
	char name[NAME_LEN];
	uint8_t transport;
};

/*
 * host:  A, AAAA
 * sip:   NAPTR -> services -> SRV of each -> targets -> A, AAAA of each;
 *        no NAPTR: the services of RFC 3263, 4.1; no SRV: the domain itself
 *
 * One question at a time; done() runs from a timer, never within c-ares.
 */
struct dns_query {
	struct le le;
	struct dns *dns;
	dns_h *done;		/* NULL: cancelled, waits for c-ares */
	void *arg;
	bool waiting;		/* c-ares holds a pointer to this */
	struct timer timer;

	char domain[NAME_LEN];
	unsigned transports;
	struct service service[MAX_SERVICES];
	unsigned service_cnt, service_at;
	struct dns_target target[DNS_MAX_ADDRS];
	unsigned target_cnt, target_at;

	bool refused;		/* an SRV record says: no such service */
	int err;
	struct dns_answer answer;
};

/* ---- c-ares on the loop ---- */

static void on_timeout(void *arg);

static void rearm(struct dns *dns)
{
	struct timeval tv, *next = ares_timeout(dns->channel, NULL, &tv);
	uint64_t ms;

	if (!next) {
		timer_stop(&dns->timer);
		return;
	}
	ms = (uint64_t)next->tv_sec * 1000 +
	     ((uint64_t)next->tv_usec + 999) / 1000;
	timer_start(&dns->timer, dns->loop, ms, on_timeout, dns);
}

static void on_timeout(void *arg)
{
	struct dns *dns = arg;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(dns);
}

static void on_sock_ready(unsigned events, void *arg)
{
	struct sock *sock = arg;
	struct dns *dns = sock->dns;
	ares_socket_t fd = sock->fd;	/* @sock may go meanwhile */

	ares_process_fd(dns->channel,
			events & LOOP_READ ? fd : ARES_SOCKET_BAD,
			events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	rearm(dns);
}

static struct sock *sock_find(struct dns *dns, ares_socket_t fd)
{
	struct sock *sock;
	struct le *le;

	for (le = dns->socks.head; le; le = le->next) {
		sock = list_entry(le, struct sock, le);
		if (sock->fd == fd)
			return sock;
	}
	return NULL;
}

static void on_sock_state(void *arg, ares_socket_t fd, int readable,
			  int writable)
{
	struct dns *dns = arg;
	struct sock *sock = sock_find(dns, fd);
	unsigned events = (readable ? LOOP_READ : 0) |
			  (writable ? LOOP_WRITE : 0);

	if (!events) {
		if (!sock)
			return;
		loop_unwatch(&sock->watch);
		list_unlink(&sock->le);
		free(sock);
	} else if (sock) {
		loop_rewatch(sock->watch, events);
	} else {
		sock = xzalloc(sizeof(*sock));
		sock->dns = dns;
		sock->fd = fd;
		sock->watch = loop_watch(dns->loop, fd, events, on_sock_ready,
					 sock);
		list_append(&dns->socks, &sock->le);
	}
}

int dns_new(struct dns **dnsp, struct loop *loop, const char *servers)
{
	struct ares_options options = { .timeout = TRY_MS, .tries = TRIES };
	struct dns *dns;

	loop_assert(LOOP_CONTROL);
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return ENOMEM;
	dns = xzalloc(sizeof(*dns));
	dns->loop = loop;
	options.sock_state_cb = on_sock_state;
	options.sock_state_cb_data = dns;
	if (ares_init_options(&dns->channel, &options,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
		goto fail;
	if (servers && ares_set_servers_ports_csv(dns->channel, servers) !=
			       ARES_SUCCESS) {
		ares_destroy(dns->channel);
		goto fail;
	}
	*dnsp = dns;
	return 0;
fail:
	ares_library_cleanup();
	free(dns);
	return servers ? EINVAL : ENOMEM;
}

void dns_free(struct dns **dnsp)
{
	struct dns *dns = *dnsp;
	struct dns_query *query;
	struct le *le;

	if (!dns)
		return;
	*dnsp = NULL;
	for (le = dns->queries.head; le; le = le->next) {
		query = list_entry(le, struct dns_query, le);
		query->done = NULL;
	}
	ares_destroy(dns->channel);	/* answers all that still wait */
	while ((le = list_pop(&dns->queries))) {
		query = list_entry(le, struct dns_query, le);
		timer_stop(&query->timer);
		free(query);
	}
	timer_stop(&dns->timer);
	ares_library_cleanup();
	free(dns);
}

/* ---- queries ---- */

static void deliver(void *arg)
{
	struct dns_query *query = arg;

	list_unlink(&query->le);
	query->done(query->err, query->err ? NULL : &query->answer,
		    query->arg);
	free(query);
}

static void finish(struct dns_query *query, int err)
{
	query->err = err;
	timer_start(&query->timer, query->dns->loop, 0, deliver, query);
}

void dns_cancel(struct dns_query **queryp)
{
	struct dns_query *query = *queryp;

	if (!query)
		return;
	*queryp = NULL;
	query->done = NULL;
	timer_stop(&query->timer);
	if (query->waiting)
		return;		/* freed when c-ares gives it back */
	list_unlink(&query->le);
	free(query);
}

/* c-ares gives @query back: whether somebody still wants it. */
static bool wanted(struct dns_query *query, int status)
{
	query->waiting = false;
	if (query->done)
		return true;
	if (status != ARES_EDESTRUCTION) {
		list_unlink(&query->le);
		free(query);
	}
	return false;
}

/* What ends the whole search: asking on would only take longer.  A server
 * that refuses one kind of record at once may know others. */
static int fatal(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return ETIMEDOUT;
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
	case ARES_ENOMEM:
		return EAGAIN;
	default:
		return 0;
	}
}

static int last_error(int status)
{
	if (fatal(status))
		return fatal(status);
	return status == ARES_ENOTFOUND || status == ARES_ENODATA ||
			       status == ARES_EBADNAME
		       ? ENOENT
		       : EAGAIN;
}

static void resolve_target(struct dns_query *query);

static void add_addr(struct dns_query *query,
		     const struct dns_target *target,
		     const struct ares_addrinfo_node *node)
{
	struct dns_answer *answer = &query->answer;
	struct addr *addr;

	if (answer->count == DNS_MAX_ADDRS ||
	    (node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
	    (size_t)node->ai_addrlen > sizeof(addr->ss))
		return;
	addr = &answer->addr[answer->count];
	memset(addr, 0, sizeof(*addr));
	memcpy(&addr->ss, node->ai_addr, (size_t)node->ai_addrlen);
	addr->len = (socklen_t)node->ai_addrlen;
	addr_set_port(addr, target->port);
	if (!answer->count || (uint32_t)node->ai_ttl < answer->ttl_s)
		answer->ttl_s = (uint32_t)node->ai_ttl;
	answer->transport[answer->count++] = target->transport;
}

static void on_addrs(void *arg, int status, int timeouts,
		     struct ares_addrinfo *res)
{
	struct dns_query *query = arg;
	const struct ares_addrinfo_node *node;
	const struct dns_target *target;

	(void)timeouts;
	if (!wanted(query, status))
		goto out;
	target = &query->target[query->target_at++];
	for (node = res ? res->nodes : NULL; node; node = node->ai_next)
		add_addr(query, target, node);
	if (query->target_at < query->target_cnt &&
	    query->answer.count < DNS_MAX_ADDRS && !fatal(status))
		resolve_target(query);
	else
		finish(query, query->answer.count ? 0 : last_error(status));
out:
	if (res)
		ares_freeaddrinfo(res);
}

static void resolve_target(struct dns_query *query)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,	/* each address once */
	};

	query->waiting = true;
	ares_getaddrinfo(query->dns->channel,
			 query->target[query->target_at].host, NULL, &hints,
			 on_addrs, query);
}

static uint16_t default_port(uint8_t transport)
{
	return transport == DNS_TLS ? 5061 : 5060;
}

/* RFC 3263, 4.1: without records sip: means UDP, if that is allowed. */
static uint8_t default_transport(unsigned transports)
{
	if (transports & 1u << DNS_UDP)
		return DNS_UDP;
	return transports & 1u << DNS_TCP ? DNS_TCP : DNS_TLS;
}

static void add_target(struct dns_query *query, const char *host,
		       uint16_t port, uint8_t transport)
{
	struct dns_target *target;

	if (query->target_cnt == DNS_MAX_ADDRS || strlen(host) >= NAME_LEN)
		return;
	target = &query->target[query->target_cnt++];
	memset(target, 0, sizeof(*target));
	strncpy(target->host, host, sizeof(target->host) - 1);
	target->port = port;
	target->transport = transport;
}

static void resolve_service(struct dns_query *query);

/* The SRV records of one service, in the order of RFC 2782. */
static void add_srv(struct dns_query *query, unsigned char *abuf, int alen,
		    uint8_t transport)
{
	struct dns_target *first = query->target + query->target_cnt;
	struct ares_srv_reply *reply = NULL, *srv;

	if (ares_parse_srv_reply(abuf, alen, &reply) != ARES_SUCCESS)
		return;
	for (srv = reply; srv; srv = srv->next) {
		unsigned at = query->target_cnt;

		if (!*srv->host || strcmp(srv->host, ".") == 0) {
			query->refused = true;
			continue;
		}
		add_target(query, srv->host, srv->port, transport);
		if (query->target_cnt == at)
			continue;
		query->target[at].priority = srv->priority;
		query->target[at].weight = srv->weight;
	}
	ares_free_data(reply);
	dns_order(first, (unsigned)(query->target + query->target_cnt -
				    first));
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *abuf,
		   int alen)
{
	struct dns_query *query = arg;

	(void)timeouts;
	if (!wanted(query, status))
		return;
	if (fatal(status)) {
		finish(query, fatal(status));
		return;
	}
	if (status == ARES_SUCCESS)
		add_srv(query, abuf, alen,
			query->service[query->service_at].transport);
	query->service_at++;
	resolve_service(query);
}

static void resolve_service(struct dns_query *query)
{
	uint8_t transport = default_transport(query->transports);

	if (query->service_at < query->service_cnt) {
		query->waiting = true;
		ares_query(query->dns->channel,
			   query->service[query->service_at].name, ns_c_in,
			   ns_t_srv, on_srv, query);
		return;
	}
	if (!query->target_cnt && query->refused) {
		finish(query, ENOENT);
		return;
	}
	if (!query->target_cnt)
		add_target(query, query->domain, default_port(transport),
			   transport);
	resolve_target(query);
}

static void add_service(struct dns_query *query, const char *prefix,
			const char *name, uint8_t transport)
{
	struct service *service;

	if (query->service_cnt == MAX_SERVICES ||
	    !(query->transports & 1u << transport) ||
	    strlen(prefix) + strlen(name) >= NAME_LEN)
		return;
	service = &query->service[query->service_cnt++];
	memset(service, 0, sizeof(*service));
	strncpy(service->name, prefix, sizeof(service->name) - 1);
	strncat(service->name, name,
		sizeof(service->name) - 1 - strlen(prefix));
	service->transport = transport;
}

static void add_naptr(struct dns_query *query, unsigned char *abuf, int alen)
{
	static const struct {
		const char *service;
		uint8_t transport;
	} known[] = { { "SIP+D2U", DNS_UDP },
		      { "SIP+D2T", DNS_TCP },
		      { "SIPS+D2T", DNS_TLS } };
	struct ares_naptr_reply *reply = NULL, *best, *rec;
	long last = -1, key, best_key;
	size_t i;

	if (ares_parse_naptr_reply(abuf, alen, &reply) != ARES_SUCCESS)
		return;
	/* By order, then preference: pick the next higher one each time. */
	for (;;) {
		best = NULL;
		best_key = 0;
		for (rec = reply; rec; rec = rec->next) {
			key = (long)rec->order << 16 | rec->preference;
			if (key > last && (!best || key < best_key)) {
				best = rec;
				best_key = key;
			}
		}
		if (!best)
			break;
		last = best_key;
		for (rec = reply; rec; rec = rec->next) {
			key = (long)rec->order << 16 | rec->preference;
			if (key != last ||
			    strcasecmp((char *)rec->flags, "s") != 0)
				continue;
			for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
				if (strcasecmp((char *)rec->service,
					       known[i].service) == 0)
					add_service(query, "",
						    rec->replacement,
						    known[i].transport);
		}
	}
	ares_free_data(reply);
}

static void on_naptr(void *arg, int status, int timeouts, unsigned char *abuf,
		     int alen)
{
	struct dns_query *query = arg;

	(void)timeouts;
	if (!wanted(query, status))
		return;
	if (fatal(status)) {
		finish(query, fatal(status));
		return;
	}
	if (status == ARES_SUCCESS)
		add_naptr(query, abuf, alen);
	if (!query->service_cnt) {
		add_service(query, "_sip._udp.", query->domain, DNS_UDP);
		add_service(query, "_sip._tcp.", query->domain, DNS_TCP);
		add_service(query, "_sips._tcp.", query->domain, DNS_TLS);
	}
	resolve_service(query);
}

/* ---- starting ---- */

static struct dns_query *query_new(struct dns *dns, dns_h *done, void *arg)
{
	struct dns_query *query = xzalloc(sizeof(*query));

	query->dns = dns;
	query->done = done;
	query->arg = arg;
	list_append(&dns->queries, &query->le);
	return query;
}

static bool literal(struct dns_query *query, const char *host, uint16_t port,
		    uint8_t transport)
{
	struct dns_answer *answer = &query->answer;

	if (addr_parse(&answer->addr[0], host) != 0)
		return false;
	if (!addr_port(&answer->addr[0]))
		addr_set_port(&answer->addr[0], port);
	answer->transport[0] = transport;
	answer->count = 1;
	answer->ttl_s = 86400;
	finish(query, 0);
	return true;
}

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < NAME_LEN && !strpbrk(name, " \t\r\n/@");
}

/* c-ares may have answered at once, so the caller's pointer is set before. */
static void started(struct dns_query **queryp, struct dns_query *query)
{
	if (queryp)
		*queryp = query;
}

int dns_resolve_host(struct dns_query **queryp, struct dns *dns,
		     const char *host, uint16_t port, dns_h *done, void *arg)
{
	struct dns_query *query;

	loop_assert(LOOP_CONTROL);
	if (!name_ok(host))
		return EINVAL;
	query = query_new(dns, done, arg);
	started(queryp, query);
	if (literal(query, host, port, DNS_TCP))
		return 0;
	add_target(query, host, port, DNS_TCP);
	resolve_target(query);
	rearm(dns);
	return 0;
}

/* "host:5070" names the port itself: then there is nothing to look up but
 * addresses (RFC 3263, 4.2). */
static bool split_port(char host[NAME_LEN], uint16_t *portp,
		       const char *domain)
{
	const char *colon = strchr(domain, ':');
	char *end;
	long port;

	if (!colon || strchr(colon + 1, ':'))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port < 1 || port > 65535)
		return false;
	memcpy(host, domain, (size_t)(colon - domain));
	host[colon - domain] = '\0';
	*portp = (uint16_t)port;
	return true;
}

int dns_resolve_sip(struct dns_query **queryp, struct dns *dns,
		    const char *domain, unsigned transports, dns_h *done,
		    void *arg)
{
	uint8_t transport = default_transport(transports);
	struct dns_query *query;
	char host[NAME_LEN];
	uint16_t port;

	loop_assert(LOOP_CONTROL);
	if (!name_ok(domain) || !(transports & 7u))
		return EINVAL;
	query = query_new(dns, done, arg);
	started(queryp, query);
	query->transports = transports;
	strncpy(query->domain, domain, sizeof(query->domain) - 1);
	if (literal(query, domain, default_port(transport), transport))
		return 0;
	if (split_port(host, &port, domain)) {
		add_target(query, host, port, transport);
		resolve_target(query);
	} else {
		query->waiting = true;
		ares_query(dns->channel, domain, ns_c_in, ns_t_naptr,
			   on_naptr, query);
	}
	rearm(dns);
	return 0;
}
