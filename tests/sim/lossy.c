/* SPDX-License-Identifier: MIT */
#include "tests/sim/lossy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"

struct parcel {
	struct le le;
	uint64_t at_ns;
	bool to_server;
	size_t len;
	uint8_t data[];
};

struct lossy {
	struct loop *loop;
	struct lossy_road road;
	int front, back;	/* towards the client, the server */
	struct loop_fd *front_watch, *back_watch;
	struct addr client;
	struct list parcels;	/* by time */
	struct timer timer;
	uint32_t random;
	uint64_t packets, lost;
};

static unsigned draw(struct lossy *l, unsigned below)
{
	l->random = l->random * 1664525 + 1013904223;
	return (l->random >> 8) % below;
}

static void on_due(void *arg)
{
	struct lossy *l = arg;
	struct parcel *p;

	while (l->parcels.head) {
		p = list_entry(l->parcels.head, struct parcel, le);
		if (p->at_ns > loop_now_ns(l->loop)) {
			timer_start_at(&l->timer, l->loop, p->at_ns, on_due,
				       l);
			return;
		}
		list_unlink(&p->le);
		if (p->to_server)
			send(l->back, p->data, p->len, 0);
		else
			sendto(l->front, p->data, p->len, 0,
			       (struct sockaddr *)&l->client.ss,
			       l->client.len);
		free(p);
	}
}

static void parcel_add(struct lossy *l, bool to_server, const uint8_t *data,
		       size_t len)
{
	struct parcel *p = xzalloc(sizeof(*p) + len);
	struct le *le, *later = NULL;

	p->to_server = to_server;
	p->len = len;
	memcpy(p->data, data, len);
	p->at_ns = loop_now_ns(l->loop) + l->road.delay_ms * NS_PER_MS;
	if (l->road.jitter_ms)
		p->at_ns += draw(l, l->road.jitter_ms * 1000) * NS_PER_MS /
			    1000;
	if (len && draw(l, 1000) < l->road.broken_permille)
		p->data[draw(l, (unsigned)len)] ^= 0x55;
	for (le = l->parcels.tail; le; le = le->prev) {
		if (list_entry(le, struct parcel, le)->at_ns <= p->at_ns)
			break;
		later = le;
	}
	if (!later) {
		list_append(&l->parcels, &p->le);
	} else {
		p->le.list = &l->parcels;
		p->le.prev = later->prev;
		p->le.next = later;
		if (later->prev)
			later->prev->next = &p->le;
		else
			l->parcels.head = &p->le;
		later->prev = &p->le;
		l->parcels.count++;
	}
	p = list_entry(l->parcels.head, struct parcel, le);
	timer_start_at(&l->timer, l->loop, p->at_ns, on_due, l);
}

static void packet(struct lossy *l, bool to_server, const uint8_t *data,
		   size_t len)
{
	l->packets++;
	if (draw(l, 1000) < l->road.loss_permille) {
		l->lost++;
		return;
	}
	parcel_add(l, to_server, data, len);
	if (draw(l, 1000) < l->road.twice_permille)
		parcel_add(l, to_server, data, len);
}

static void on_front(unsigned events, void *arg)
{
	struct lossy *l = arg;
	uint8_t buf[2048];
	ssize_t n;

	(void)events;
	for (;;) {
		l->client.len = sizeof(l->client.ss);
		n = recvfrom(l->front, buf, sizeof(buf), MSG_DONTWAIT,
			     (struct sockaddr *)&l->client.ss,
			     &l->client.len);
		if (n < 0)
			return;
		packet(l, true, buf, (size_t)n);
	}
}

static void on_back(unsigned events, void *arg)
{
	struct lossy *l = arg;
	uint8_t buf[2048];
	ssize_t n;

	(void)events;
	while ((n = recv(l->back, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
		packet(l, false, buf, (size_t)n);
}

struct lossy *lossy_new(struct loop *loop, const struct addr *server,
			const struct lossy_road *road, struct addr *at)
{
	struct lossy *l = xzalloc(sizeof(*l));
	struct addr any;

	l->loop = loop;
	l->road = *road;
	l->random = road->seed;
	addr_parse(&any, "127.0.0.1:0");
	l->front = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	l->back = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	at->len = sizeof(at->ss);
	if (bind(l->front, (struct sockaddr *)&any.ss, any.len) != 0 ||
	    getsockname(l->front, (struct sockaddr *)&at->ss, &at->len) != 0 ||
	    connect(l->back, (const struct sockaddr *)&server->ss,
		    server->len) != 0)
		abort();
	l->front_watch = loop_watch(loop, l->front, LOOP_READ, on_front, l);
	l->back_watch = loop_watch(loop, l->back, LOOP_READ, on_back, l);
	return l;
}

void lossy_set(struct lossy *l, const struct lossy_road *road)
{
	l->road = *road;
}

uint64_t lossy_packets(const struct lossy *l)
{
	return l->packets;
}

uint64_t lossy_lost(const struct lossy *l)
{
	return l->lost;
}

void lossy_free(struct lossy **lossyp)
{
	struct lossy *l = *lossyp;
	struct le *le;

	if (!l)
		return;
	*lossyp = NULL;
	while ((le = list_pop(&l->parcels)))
		free(list_entry(le, struct parcel, le));
	timer_stop(&l->timer);
	loop_unwatch(&l->front_watch);
	loop_unwatch(&l->back_watch);
	close(l->front);
	close(l->back);
	free(l);
}
