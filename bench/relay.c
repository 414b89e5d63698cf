/* SPDX-License-Identifier: MIT */
/*
 * bench/relay - the smallest relay there can be: N pairs of ports, what comes
 * to one leaves from the other.  No state but the last sender's address.  The
 * floor below which no relay of this kind gets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define EVENTS 512

struct side {
	int fd;
	struct sockaddr_in peer;
};

static struct side *sides;

static int open_side(struct side *side, uint16_t port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	side->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0);
	return side->fd < 0 ||
	       bind(side->fd, (struct sockaddr *)&at, sizeof(at)) != 0;
}

static void relay(unsigned index)
{
	struct side *in = &sides[index], *out = &sides[index ^ 1];
	socklen_t len = sizeof(in->peer);
	char packet[2048];
	ssize_t got = recvfrom(in->fd, packet, sizeof(packet), 0,
			       (struct sockaddr *)&in->peer, &len);

	if (got > 0 && out->peer.sin_port)
		sendto(out->fd, packet, (size_t)got, 0,
		       (struct sockaddr *)&out->peer, sizeof(out->peer));
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned first = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct rlimit files = { 65536, 65536 };
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), count, i;
	unsigned s;

	if (!calls || !first || first + 2 * calls > 65536) {
		fputs("usage: relay CALLS FIRST-PORT\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	sides = calloc(2 * (size_t)calls, sizeof(*sides));
	if (!sides || epoll < 0)
		return 1;
	for (s = 0; s < 2 * calls; s++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data = { .u32 = s } };

		if (open_side(&sides[s], (uint16_t)(first + s)) ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, sides[s].fd, &event)) {
			fprintf(stderr, "relay: port %u: %s\n", first + s,
				strerror(errno));
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		count = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < count; i++)
			relay(events[i].data.u32);
	}
}
