/* SPDX-License-Identifier: MIT */
#include "bench/uas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"

#define MESSAGE_MAX 65536
#define REPLY_MAX 8192

struct uas {
	struct loop_fd *watch;
	int fd;
	char self[ADDR_TEXT_LEN];
	const struct uas_handlers *handlers;
	void *arg;
};

/* Copy every header line called @name, or @compact, as it stands. */
static void copy_header(struct buf *out, const char *message,
			const char *name, const char *compact,
			const char *behind)
{
	const char *line = message, *end;
	size_t len = strlen(name), short_len = strlen(compact);

	while ((line = strstr(line, "\r\n")) && line[2] != '\r') {
		line += 2;
		end = strstr(line, "\r\n");
		if (!end)
			return;
		if ((strncasecmp(line, name, len) != 0 || line[len] != ':') &&
		    (!short_len || strncasecmp(line, compact, short_len) ||
		     line[short_len] != ':'))
			continue;
		buf_add(out, line, (size_t)(end - line));
		buf_printf(out, "%s\r\n", behind);
	}
}

static bool has_tag(const char *message)
{
	const char *to = strcasestr(message, "\r\nTo:");
	const char *end = to ? strstr(to + 2, "\r\n") : NULL;
	const char *tag = to ? strcasestr(to, ";tag=") : NULL;

	return tag && end && tag < end;
}

static void reply(struct uas *uas, const char *message,
		  const struct addr *from, const char *status,
		  const char *sdp)
{
	struct buf out;

	buf_init(&out, REPLY_MAX);
	buf_printf(&out, "SIP/2.0 %s\r\n", status);
	copy_header(&out, message, "Via", "v", "");
	copy_header(&out, message, "Record-Route", "", "");
	copy_header(&out, message, "From", "f", "");
	copy_header(&out, message, "To", "t",
		    has_tag(message) ? "" : ";tag=load");
	copy_header(&out, message, "Call-ID", "i", "");
	copy_header(&out, message, "CSeq", "", "");
	buf_printf(&out, "Contact: <sip:load@%s>\r\n", uas->self);
	if (sdp)
		buf_add_str(&out, "Content-Type: application/sdp\r\n");
	buf_printf(&out, "Content-Length: %zu\r\n\r\n%s",
		   sdp ? strlen(sdp) : 0, sdp ? sdp : "");
	sendto(uas->fd, out.data, out.len, 0,
	       (const struct sockaddr *)&from->ss, from->len);
	buf_free(&out);
}

/* The user part of the URI behind @at. */
static void user_of(char *user, size_t max, const char *at)
{
	const char *sip = at ? strcasestr(at, "sip:") : NULL;
	size_t len;

	user[0] = '\0';
	if (!sip)
		return;
	sip += 4;
	len = strcspn(sip, "@;>\r ");
	if (sip[len] == '@' && len < max) {
		memcpy(user, sip, len);
		user[len] = '\0';
	}
}

static int rtp_of(struct addr *rtp, const char *message)
{
	char host[64], text[96];
	const char *c = strstr(message, "c=IN IP4 ");
	const char *m = strstr(message, "m=audio ");
	unsigned port;

	if (!c || !m || sscanf(c, "c=IN IP4 %63[0-9.]", host) != 1 ||
	    sscanf(m, "m=audio %u ", &port) != 1)
		return EINVAL;
	snprintf(text, sizeof(text), "%s:%u", host, port);
	return addr_parse(rtp, text);
}

static void on_invite(struct uas *uas, const char *message, const char *user,
		      const struct addr *from)
{
	struct addr rtp;
	char sdp[256];
	uint16_t port;

	if (rtp_of(&rtp, message) != 0) {
		reply(uas, message, from, "488 No audio", NULL);
		return;
	}
	port = uas->handlers->invite(user, &rtp, uas->arg);
	if (!port) {
		reply(uas, message, from, "404 Nobody", NULL);
		return;
	}
	snprintf(sdp, sizeof(sdp),
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		 "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		 "a=ptime:20\r\n",
		 port);
	reply(uas, message, from, "200 OK", sdp);
}

static void on_message(struct uas *uas, const char *message,
		       const struct addr *from)
{
	char user[64];

	/* Within the dialog the Request-URI is our contact. */
	user_of(user, sizeof(user), strcasestr(message, "\r\nTo:"));
	if (strncmp(message, "INVITE ", 7) == 0) {
		user_of(user, sizeof(user), message);
		on_invite(uas, message, user, from);
	} else if (strncmp(message, "ACK ", 4) == 0) {
		uas->handlers->confirmed(user, uas->arg);
	} else if (strncmp(message, "SIP/2.0 ", 8) != 0) {
		if (strncmp(message, "BYE ", 4) == 0)
			uas->handlers->ended(user, uas->arg);
		reply(uas, message, from, "200 OK", NULL);
	}
}

static void on_ready(unsigned events, void *arg)
{
	static char message[MESSAGE_MAX + 1];
	struct uas *uas = arg;
	struct addr from = { .len = sizeof(from.ss) };
	unsigned budget = 64;
	ssize_t len;

	(void)events;
	while (budget--) {
		from.len = sizeof(from.ss);
		len = recvfrom(uas->fd, message, MESSAGE_MAX, 0,
			       (struct sockaddr *)&from.ss, &from.len);
		if (len <= 0)
			return;
		message[len] = '\0';
		on_message(uas, message, &from);
	}
}

int uas_open(struct uas **uasp, struct loop *loop, const struct addr *at,
	     const struct uas_handlers *handlers, void *arg)
{
	struct uas *uas = xzalloc(sizeof(*uas));
	int size = 4 << 20, err;

	uas->handlers = handlers;
	uas->arg = arg;
	addr_print(uas->self, at);
	uas->fd = socket(at->ss.ss_family,
			 SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (uas->fd < 0 ||
	    bind(uas->fd, (const struct sockaddr *)&at->ss, at->len) != 0) {
		err = errno;
		if (uas->fd >= 0)
			close(uas->fd);
		free(uas);
		return err;
	}
	setsockopt(uas->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	uas->watch = loop_watch(loop, uas->fd, LOOP_READ, on_ready, uas);
	*uasp = uas;
	return 0;
}

void uas_close(struct uas **uasp)
{
	struct uas *uas = *uasp;

	if (!uas)
		return;
	*uasp = NULL;
	loop_unwatch(&uas->watch);
	close(uas->fd);
	free(uas);
}
