/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_rtp_port.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct rtp_port {
	uint16_t number;
	rtp_port_h *fn;
	void *arg;
};

static struct fake_rtp_packet *kept[2];
static unsigned cnt[2];
static bool discarding;
static int send_err;
static unsigned closed_cnt;

struct rtp_port *fake_rtp_port_new(uint16_t number)
{
	struct rtp_port *port = xzalloc(sizeof(*port));

	port->number = number;
	return port;
}

void fake_rtp_port_in(struct rtp_port *port, const void *data, size_t len,
		      const struct addr *from, bool rtcp)
{
	uint8_t *copy;

	if (discarding) {
		port->fn((uint8_t *)(uintptr_t)data, len, from, rtcp,
			 port->arg);
		return;
	}
	/* Exactly as long, so that a sanitizer sees overruns. */
	copy = len ? xmemdup(data, len) : xzalloc(1);
	port->fn(copy, len, from, rtcp, port->arg);
	free(copy);
}

unsigned fake_rtp_cnt(bool rtcp)
{
	return cnt[rtcp];
}

const struct fake_rtp_packet *fake_rtp_sent(bool rtcp, unsigned index)
{
	if (index >= cnt[rtcp] || index >= FAKE_RTP_KEPT)
		abort();
	return &kept[rtcp][index];
}

void fake_rtp_clear(void)
{
	free(kept[0]);
	free(kept[1]);
	kept[0] = kept[1] = NULL;
	cnt[0] = cnt[1] = 0;
}

void fake_rtp_discard(bool discard)
{
	discarding = discard;
}

void fake_rtp_fail(int err)
{
	send_err = err;
}

unsigned fake_rtp_closed(void)
{
	return closed_cnt;
}

/* ---- media/rtp_port.h ---- */

uint16_t rtp_port_number(const struct rtp_port *port)
{
	return port->number;
}

void rtp_port_listen(struct rtp_port *port, struct loop *loop,
		     rtp_port_h *fn, void *arg)
{
	(void)loop;
	port->fn = fn;
	port->arg = arg;
}

int rtp_port_send(struct rtp_port *port, const struct addr *to, bool rtcp,
		  const void *data, size_t len)
{
	struct fake_rtp_packet *packet;

	(void)port;
	if (send_err)
		return send_err;
	if (discarding || cnt[rtcp] >= FAKE_RTP_KEPT) {
		cnt[rtcp]++;
		return 0;
	}
	if (!kept[rtcp])
		kept[rtcp] = xcalloc(FAKE_RTP_KEPT, sizeof(*packet));
	packet = &kept[rtcp][cnt[rtcp]++];
	packet->to = *to;
	packet->rtcp = rtcp;
	packet->len = len;
	if (len > sizeof(packet->data))
		abort();
	memcpy(packet->data, data, len);
	return 0;
}

void rtp_port_close(struct rtp_port **portp)
{
	if (!*portp)
		return;
	free(*portp);
	*portp = NULL;
	closed_cnt++;
}
