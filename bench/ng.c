/* SPDX-License-Identifier: MIT */
#include "bench/ng.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 2000

int ng_open(struct ng *ng, const struct addr *server)
{
	memset(ng, 0, sizeof(*ng));
	ng->fd = socket(server->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ng->fd < 0)
		return errno;
	if (connect(ng->fd, (const struct sockaddr *)&server->ss,
		    server->len) != 0)
		return errno;
	snprintf(ng->call_prefix, sizeof(ng->call_prefix), "bench-%ld",
		 (long)getpid());
	return 0;
}

void ng_close(struct ng *ng)
{
	if (ng->fd >= 0)
		close(ng->fd);
	ng->fd = -1;
}

/* Append one text in its bencoded form. */
static size_t put(char *out, size_t at, size_t max, const char *text)
{
	int len = snprintf(out + at, max - at, "%zu:%s", strlen(text), text);

	return at + (size_t)len < max ? at + (size_t)len : max;
}

/* Send the dictionary in @request behind a cookie, read the answer. */
static int ask(struct ng *ng, const char *request, char *reply, size_t max)
{
	char message[2048], cookie[64];
	struct pollfd p = { .fd = ng->fd, .events = POLLIN };
	ssize_t got;
	int len;

	snprintf(cookie, sizeof(cookie), "%s_%u ", ng->call_prefix,
		 ng->cookie++);
	len = snprintf(message, sizeof(message), "%s%s", cookie, request);
	if (send(ng->fd, message, (size_t)len, 0) != len)
		return errno;
	for (;;) {
		if (poll(&p, 1, ANSWER_MS) <= 0)
			return ETIMEDOUT;
		got = recv(ng->fd, reply, max - 1, 0);
		if (got < 0)
			return errno;
		reply[got] = '\0';
		if (strncmp(reply, cookie, strlen(cookie)) == 0)
			break;	/* others are late answers */
	}
	return strstr(reply, "6:result2:ok") ? 0 : EPROTO;
}

static size_t print_sdp(char *out, size_t max, const struct addr *at)
{
	char host[ADDR_TEXT_LEN];

	addr_print_host(host, at);
	return (size_t)snprintf(out, max,
				"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\n"
				"c=IN IP4 %s\r\nt=0 0\r\n"
				"m=audio %u RTP/AVP 0\r\n"
				"a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
				host, host, addr_port(at));
}

/* The address of c= and the port of m= in the answer's SDP. */
static int read_sdp(struct addr *to, const char *reply)
{
	char host[64], text[ADDR_TEXT_LEN + 8];
	const char *c = strstr(reply, "c=IN IP4 ");
	const char *m = strstr(reply, "m=audio ");
	unsigned port;

	if (!c || !m || sscanf(c, "c=IN IP4 %63[0-9.]", host) != 1 ||
	    sscanf(m, "m=audio %u ", &port) != 1)
		return EPROTO;
	snprintf(text, sizeof(text), "%s:%u", host, port);
	return addr_parse(to, text) ? EPROTO : 0;
}

static int command(struct ng *ng, unsigned call, const char *name,
		   const struct addr *from, struct addr *to)
{
	char request[1500] = "d", reply[4096], sdp[512], id[64];
	size_t at = 1, max = sizeof(request);
	int err;

	snprintf(id, sizeof(id), "%s-%u", ng->call_prefix, call);
	at = put(request, at, max, "ICE");
	at = put(request, at, max, "remove");
	at = put(request, at, max, "call-id");
	at = put(request, at, max, id);
	at = put(request, at, max, "command");
	at = put(request, at, max, name);
	at = put(request, at, max, "flags");
	at = (size_t)snprintf(request + at, max - at,
			      "l13:trust-addresse") + at;
	at = put(request, at, max, "from-tag");
	at = put(request, at, max, "a");
	if (from) {
		print_sdp(sdp, sizeof(sdp), from);
		at = put(request, at, max, "sdp");
		at = put(request, at, max, sdp);
	}
	if (strcmp(name, "answer") == 0) {
		at = put(request, at, max, "to-tag");
		at = put(request, at, max, "b");
	}
	snprintf(request + at, max - at, "e");
	err = ask(ng, request, reply, sizeof(reply));
	return err || !to ? err : read_sdp(to, reply);
}

int ng_call(struct ng *ng, unsigned call, const struct addr *a,
	    const struct addr *b, struct addr *to_a, struct addr *to_b)
{
	int err = command(ng, call, "offer", a, to_b);

	return err ? err : command(ng, call, "answer", b, to_a);
}

int ng_delete(struct ng *ng, unsigned call)
{
	return command(ng, call, "delete", NULL, NULL);
}
