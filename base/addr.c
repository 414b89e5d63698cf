/* SPDX-License-Identifier: MIT */
/* The addresses of base/text.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

union any {
	struct sockaddr_storage ss;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* "5060" whole; -1 if it is no port. */
static int parse_port(const char *text)
{
	int port = 0;

	if (!*text || strlen(text) > 5)
		return -1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		port = port * 10 + (*text - '0');
	}
	return port > 65535 ? -1 : port;
}

/*
 * Split "host", "host:port", "[host]:port".  *@portp is NULL without a port.
 * An unbracketed text with several colons is one IPv6 host.
 */
static int split(char *host, size_t host_size, const char **portp,
		 const char *text)
{
	const char *end;
	size_t len;

	*portp = NULL;
	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return EINVAL;
		if (end[1])
			*portp = end + 2;
		if (!memchr(text, ':', (size_t)(end - text)))
			return EINVAL;
	} else {
		end = strchr(text, ':');
		if (end && !strchr(end + 1, ':'))
			*portp = end + 1;
		else
			end = text + strlen(text);
	}
	len = (size_t)(end - text);
	if (len >= host_size)
		return EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	return 0;
}

int addr_parse(struct addr *addr, const char *text)
{
	union any any = { .ss = { .ss_family = AF_UNSPEC } };
	char host[INET6_ADDRSTRLEN];
	const char *port_text;
	socklen_t len;
	int port = 0;

	if (split(host, sizeof(host), &port_text, text) != 0)
		return EINVAL;
	if (port_text)
		port = parse_port(port_text);
	if (port < 0)
		return EINVAL;
	if (inet_pton(AF_INET, host, &any.in4.sin_addr) == 1) {
		any.in4.sin_family = AF_INET;
		len = sizeof(any.in4);
	} else if (inet_pton(AF_INET6, host, &any.in6.sin6_addr) == 1) {
		any.in6.sin6_family = AF_INET6;
		len = sizeof(any.in6);
	} else {
		return EINVAL;
	}
	memset(addr, 0, sizeof(*addr));
	memcpy(&addr->ss, &any.ss, sizeof(addr->ss));
	addr->len = len;
	addr_set_port(addr, (uint16_t)port);
	return 0;
}

void addr_print_host(char out[ADDR_TEXT_LEN], const struct addr *addr)
{
	union any any = { .ss = addr->ss };
	const char *text = NULL;

	if (any.ss.ss_family == AF_INET)
		text = inet_ntop(AF_INET, &any.in4.sin_addr, out,
				 ADDR_TEXT_LEN);
	else if (any.ss.ss_family == AF_INET6)
		text = inet_ntop(AF_INET6, &any.in6.sin6_addr, out,
				 ADDR_TEXT_LEN);
	if (!text)
		memcpy(out, "-", 2);
}

void addr_print(char out[ADDR_TEXT_LEN], const struct addr *addr)
{
	char host[ADDR_TEXT_LEN];
	uint16_t port = addr_port(addr);
	bool six = addr->ss.ss_family == AF_INET6;

	addr_print_host(host, addr);
	if (port)
		snprintf(out, ADDR_TEXT_LEN, six ? "[%.46s]:%u" : "%.46s:%u",
			 host, port);
	else
		snprintf(out, ADDR_TEXT_LEN, "%s", host);
}

uint16_t addr_port(const struct addr *addr)
{
	union any any = { .ss = addr->ss };

	if (any.ss.ss_family == AF_INET)
		return ntohs(any.in4.sin_port);
	if (any.ss.ss_family == AF_INET6)
		return ntohs(any.in6.sin6_port);
	return 0;
}

void addr_set_port(struct addr *addr, uint16_t port)
{
	union any any = { .ss = addr->ss };

	if (any.ss.ss_family == AF_INET)
		any.in4.sin_port = htons(port);
	else if (any.ss.ss_family == AF_INET6)
		any.in6.sin6_port = htons(port);
	addr->ss = any.ss;
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
	union any x = { .ss = a->ss }, y = { .ss = b->ss };

	if (x.ss.ss_family != y.ss.ss_family)
		return false;
	if (x.ss.ss_family == AF_INET)
		return x.in4.sin_addr.s_addr == y.in4.sin_addr.s_addr;
	if (x.ss.ss_family == AF_INET6)
		return memcmp(&x.in6.sin6_addr, &y.in6.sin6_addr,
			      sizeof(x.in6.sin6_addr)) == 0 &&
		       x.in6.sin6_scope_id == y.in6.sin6_scope_id;
	return x.ss.ss_family == AF_UNSPEC;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_same_host(a, b) && addr_port(a) == addr_port(b);
}
