/* SPDX-License-Identifier: MIT */
#include "bench/rtp_end.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int rtp_end_open(struct rtp_end *end, unsigned index, uint16_t port)
{
	memset(end, 0, sizeof(*end));
	if (addr_parse(&end->local, "127.0.0.1") != 0)
		return EINVAL;
	addr_set_port(&end->local, port);
	end->rtp.ssrc = 0x52540000 + index;
	end->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 0);
	if (end->fd < 0 ||
	    bind(end->fd, (struct sockaddr *)&end->local.ss,
		 end->local.len) != 0 ||
	    getsockname(end->fd, (struct sockaddr *)&end->local.ss,
			&end->local.len) != 0)
		return errno;
	return 0;
}

static void on_packet(unsigned events, void *arg)
{
	struct rtp_end *end = arg;
	uint8_t packet[2048];
	struct rtp rtp;
	ssize_t len = recv(end->fd, packet, sizeof(packet), 0);

	(void)events;
	if (len > 0 && rtp_parse(&rtp, packet, (size_t)len) == 0)
		load_received(end->load, rtp.payload, rtp.payload_len);
}

int rtp_end_join(struct rtp_end *end, struct loop *loop, struct load *load,
		 const struct addr *to)
{
	end->load = load;
	if (connect(end->fd, (const struct sockaddr *)&to->ss, to->len) != 0)
		return errno;
	end->watch = loop_watch(loop, end->fd, LOOP_READ, on_packet, end);
	return 0;
}

int rtp_end_send(struct rtp_end *end, const uint8_t payload[PROBE_LEN])
{
	uint8_t packet[RTP_HEADER + PROBE_LEN];

	end->rtp.marker = end->rtp.timestamp == 0;
	rtp_write(packet, &end->rtp);
	end->rtp.seq++;
	end->rtp.timestamp += PROBE_LEN;
	memcpy(packet + RTP_HEADER, payload, PROBE_LEN);
	return send(end->fd, packet, sizeof(packet), 0) < 0 ? errno : 0;
}

void rtp_end_close(struct rtp_end *end)
{
	loop_unwatch(&end->watch);
	close(end->fd);
}
