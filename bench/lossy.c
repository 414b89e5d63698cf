/* SPDX-License-Identifier: MIT */
/*
 * bench/lossy - a UDP proxy that delays and loses: the network that loopback
 * is not (kernels of virtual machines often lack netem).
 *
 *   client --> [lose, wait] --> server        a socket for each client, so
 *   client <-- [lose, wait] <-- server        that the server tells them apart
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 256
#define WAITING 65536		/* packets, both ways */
#define PACKET_MAX 1600
#define EVENTS 64

struct client {
	struct sockaddr_in addr;
	int fd;			/* connected to the server */
};

struct waiting {
	uint64_t due_ns;
	uint16_t len;
	uint8_t client;
	uint8_t to_server;
	uint8_t data[PACKET_MAX];
};

static struct client clients[CLIENTS];
static unsigned client_cnt;
static struct waiting *ring;
static unsigned first, count;
static int front, epoll, timer;
static struct sockaddr_in server;
static uint64_t delay_ns;
static unsigned lose;		/* of a million */
static uint64_t state = 88172645463325252u;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* xorshift: the same losses in every run. */
static int lost(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 1000000 < lose;
}

static int client_of(const struct sockaddr_in *from)
{
	struct epoll_event event = { .events = EPOLLIN };
	unsigned i;

	for (i = 0; i < client_cnt; i++)
		if (clients[i].addr.sin_port == from->sin_port &&
		    clients[i].addr.sin_addr.s_addr == from->sin_addr.s_addr)
			return (int)i;
	if (client_cnt == CLIENTS)
		return -1;
	clients[i].addr = *from;
	clients[i].fd = socket(AF_INET,
			       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (clients[i].fd < 0 ||
	    connect(clients[i].fd, (struct sockaddr *)&server,
		    sizeof(server)) != 0)
		return -1;
	event.data.u32 = i;
	epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
	return (int)client_cnt++;
}

static void hold(int client, int to_server, const uint8_t *data, size_t len,
		 uint64_t now)
{
	struct waiting *w = &ring[(first + count) % WAITING];

	if (client < 0 || len > PACKET_MAX || count == WAITING || lost())
		return;
	w->due_ns = now + delay_ns;
	w->len = (uint16_t)len;
	w->client = (uint8_t)client;
	w->to_server = (uint8_t)to_server;
	memcpy(w->data, data, len);
	count++;
}

/* The delay is the same for all: the ring is in order. */
static void release(uint64_t now)
{
	while (count && ring[first].due_ns <= now) {
		struct waiting *w = &ring[first];
		struct client *c = &clients[w->client];

		if (w->to_server)
			send(c->fd, w->data, w->len, 0);
		else
			sendto(front, w->data, w->len, 0,
			       (struct sockaddr *)&c->addr, sizeof(c->addr));
		first = (first + 1) % WAITING;
		count--;
	}
}

static void take(int fd, int client)
{
	struct sockaddr_in from = { 0 };
	socklen_t from_len = sizeof(from);
	uint8_t data[PACKET_MAX + 1];
	uint64_t now = now_ns();
	ssize_t len;

	while ((len = recvfrom(fd, data, sizeof(data), 0,
			       (struct sockaddr *)&from, &from_len)) > 0) {
		if (client < 0)
			hold(client_of(&from), 1, data, (size_t)len, now);
		else
			hold(client, 0, data, (size_t)len, now);
		from_len = sizeof(from);
	}
}

static int parse(struct sockaddr_in *out, const char *text)
{
	char host[64];
	unsigned port;

	out->sin_family = AF_INET;
	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &out->sin_addr) != 1)
		return -1;
	out->sin_port = htons((uint16_t)port);
	return 0;
}

static void start(const struct sockaddr_in *at)
{
	struct itimerspec every = { .it_interval = { 0, 500000 },
				    .it_value = { 0, 500000 } };
	struct epoll_event event = { .events = EPOLLIN };
	int size = 8 << 20;

	ring = calloc(WAITING, sizeof(*ring));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	front = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (!ring || epoll < 0 || timer < 0 || front < 0 ||
	    bind(front, (const struct sockaddr *)at, sizeof(*at)) != 0) {
		fprintf(stderr, "lossy: %s\n", strerror(errno));
		exit(1);
	}
	setsockopt(front, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	timerfd_settime(timer, 0, &every, NULL);
	event.data.u32 = CLIENTS;
	epoll_ctl(epoll, EPOLL_CTL_ADD, front, &event);
	event.data.u32 = CLIENTS + 1;
	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
	puts("ready");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct sockaddr_in at;
	uint64_t ticks;
	int ready, i;

	if (argc != 5 || parse(&at, argv[1]) || parse(&server, argv[2])) {
		fputs("usage: lossy LISTEN SERVER ONE-WAY-MS LOSS-PERCENT\n",
		      stderr);
		return 2;
	}
	delay_ns = (uint64_t)(strtod(argv[3], NULL) * 1e6);
	lose = (unsigned)(strtod(argv[4], NULL) * 1e4);
	start(&at);
	for (;;) {
		ready = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < ready; i++) {
			uint32_t who = events[i].data.u32;

			if (who < CLIENTS)
				take(clients[who].fd, (int)who);
			else if (who == CLIENTS)
				take(front, -1);
			else if (read(timer, &ticks, sizeof(ticks)) < 0)
				continue;
		}
		release(now_ns());
	}
}
