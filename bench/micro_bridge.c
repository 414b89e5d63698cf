/* SPDX-License-Identifier: MIT */
/*
 * bench/micro_bridge - what one packet costs in the bridge itself: RTP to
 * chunk and chunk to RTP, acks included, without kernel and network.
 *
 *   RTP --> [bridge a] --body--> [bridge b] --> RTP
 *           [   "    ] <--body-- [   "    ] <-- RTP
 *
 * bench/micro counts the instructions of turns() under callgrind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "media/bridge.h"
#include "media/rtp.h"
#include "tests/unit/fake_rtp_port.h"

#define WARM_UP 500

struct end {
	struct bridge *bridge;
	struct rtp_port *port;
	struct addr phone;
	struct end *far;
	uint8_t packet[RTP_HEADER + 160];
	struct rtp rtp;
};

static int on_send(const void *body, size_t len, bool media, void *arg)
{
	struct end *end = arg;

	(void)media;
	return bridge_chunks(end->far->bridge, body, len, 1, NULL, 0, NULL);
}

static bool on_acks_in_reply(void *arg)
{
	(void)arg;
	return false;
}

static size_t on_room(void *arg)
{
	(void)arg;
	return 1200;
}

static void open_end(struct end *end, struct end *far, struct loop *loop,
		     bool client)
{
	struct bridge_out out = { on_send, on_acks_in_reply, on_room, end };
	struct bridge_side side = { .ready = true };
	struct bridge_ript ript = {
		.client = client,
		.tx_sink = 1,
		.rx_sink = 1,
		.tx_codecs = 1u << CODEC_PCMU,
		.rx_codecs = 1u << CODEC_PCMU,
	};

	end->far = far;
	end->port = fake_rtp_port_new(30000);
	end->bridge = bridge_new(loop, end->port, &out);
	addr_parse(&end->phone, "127.0.0.1:4000");
	side.local.format_cnt = 1;
	side.local.format[0].codec = CODEC_PCMU;
	side.local.format[0].clock_hz = 8000;
	side.local.dir = MEDIA_SENDRECV;
	side.remote = side.local;
	side.remote.rtp = end->phone;
	bridge_set_sip(end->bridge, &side);
	bridge_set_ript(end->bridge, &ript);
	end->rtp.ssrc = client;
}

static void speak(struct end *end)
{
	end->rtp.seq++;
	end->rtp.timestamp += 160;
	rtp_write(end->packet, &end->rtp);
	fake_rtp_port_in(end->port, end->packet, sizeof(end->packet),
			 &end->phone, false);
}

/* Not static: callgrind is told its name. */
void __attribute__((noinline))
turns(struct loop *loop, struct end *a, struct end *b, unsigned long count);

void turns(struct loop *loop, struct end *a, struct end *b,
	   unsigned long count)
{
	while (count--) {
		loop_turn(loop, loop_now_ns(loop) + 20 * NS_PER_MS);
		speak(a);
		speak(b);
	}
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	struct loop *loop = loop_new_virtual(NS_PER_S, 1581103341120);
	struct bridge_stats stats;
	struct timespec before, after;
	struct end a = { 0 }, b = { 0 };
	double ns;

	bridge_setup();
	fake_rtp_discard(true);
	open_end(&a, &b, loop, true);
	open_end(&b, &a, loop, false);
	turns(loop, &a, &b, WARM_UP);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	turns(loop, &a, &b, count);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	bridge_stats(a.bridge, &stats);
	if (stats.from_rtp.packets != count + WARM_UP ||
	    stats.from_ript.packets != count + WARM_UP) {
		fprintf(stderr, "micro_bridge: packets were lost\n");
		return 1;
	}
	ns = (double)(after.tv_sec - before.tv_sec) * 1e9 +
	     (double)(after.tv_nsec - before.tv_nsec);
	/* A packet is one way through one bridge: four a turn. */
	printf("%lu packets, %.1f ns each\n", 4 * (count + WARM_UP),
	       ns / (4.0 * (double)count));
	bridge_free(&a.bridge);
	bridge_free(&b.bridge);
	loop_free(&loop);
	return 0;
}
