/* SPDX-License-Identifier: MIT */
/*
 * bench/rtpload - calls of G.711 through an RTP relay, both ways: rtpengine,
 * or bench/relay for the floor.  Prints one JSON object.
 *
 *   phone a <--connected UDP--> relay <--connected UDP--> phone b
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "base/mem.h"
#include "bench/ng.h"
#include "bench/print.h"
#include "bench/rtp_end.h"

struct bench {
	struct loop *loop;
	struct load *load;
	unsigned calls;
	struct rtp_end *end;	/* two a call: a at 2i, b at 2i + 1 */
	struct ng ng;
	bool with_ng;
};

static void __attribute__((noreturn)) die(const char *what, int err)
{
	fprintf(stderr, "rtpload: %s: %s\n", what, strerror(err));
	exit(1);
}

static int on_send(unsigned stream, const uint8_t payload[PROBE_LEN],
		   void *arg)
{
	return rtp_end_send(&((struct bench *)arg)->end[stream], payload);
}

static void on_done(void *arg)
{
	loop_stop(((struct bench *)arg)->loop);
}

static void join_end(struct bench *bench, struct rtp_end *end,
		     const struct addr *to)
{
	int err = rtp_end_join(end, bench->loop, bench->load, to);

	if (err)
		die("connect", err);
}

static void open_calls(struct bench *bench, const struct addr *relay)
{
	struct addr to_a, to_b;
	unsigned i;
	int err;

	bench->end = xcalloc(2 * bench->calls, sizeof(*bench->end));
	for (i = 0; i < 2 * bench->calls; i++) {
		err = rtp_end_open(&bench->end[i], i, 0);
		if (err)
			die("socket", err);
	}
	for (i = 0; i < bench->calls; i++) {
		struct rtp_end *a = &bench->end[2 * i], *b = a + 1;

		if (bench->with_ng) {
			err = ng_call(&bench->ng, i, &a->local, &b->local,
				      &to_a, &to_b);
			if (err)
				die("rtpengine", err);
		} else {
			to_a = to_b = *relay;
			addr_set_port(&to_a, (uint16_t)(addr_port(relay) +
							2 * i));
			addr_set_port(&to_b, (uint16_t)(addr_port(relay) +
							2 * i + 1));
		}
		join_end(bench, a, &to_a);
		join_end(bench, b, &to_b);
	}
}

static void close_calls(struct bench *bench)
{
	unsigned i;

	for (i = 0; i < 2 * bench->calls; i++)
		rtp_end_close(&bench->end[i]);
	for (i = 0; bench->with_ng && i < bench->calls; i++)
		ng_delete(&bench->ng, i);
	free(bench->end);
}

static void usage(void)
{
	fputs("usage: rtpload --ng HOST:PORT | --relay HOST:FIRST-PORT\n"
	      "  --calls N       calls at once (500)\n"
	      "  --seconds S     measured (10)\n"
	      "  --warm-up S     before it (3)\n"
	      "  --pid PID       process whose CPU and memory are read\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ng", required_argument, NULL, 'n' },
		{ "relay", required_argument, NULL, 'r' },
		{ "calls", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warm-up", required_argument, NULL, 'w' },
		{ "pid", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct bench bench = { .calls = 500 };
	struct load_config config = { .warm_up_s = 3, .seconds = 10 };
	struct rlimit files = { 65536, 65536 };
	struct addr relay = { .len = 0 };
	struct usage idle = { 0 };
	int option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n':
		case 'r':
			if (addr_parse(&relay, optarg) != 0)
				usage();
			bench.with_ng = option == 'n';
			break;
		case 'c':
			bench.calls = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			config.seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			config.warm_up_s = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			config.pid = (int)strtol(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	}
	if (!relay.len || !bench.calls || optind != argc)
		usage();
	setrlimit(RLIMIT_NOFILE, &files);
	bench.loop = loop_new();
	if (bench.with_ng && (err = ng_open(&bench.ng, &relay)) != 0)
		die("rtpengine", err);
	if (config.pid && (err = usage_read(&idle, config.pid)) != 0)
		die("--pid", err);
	config.streams = 2 * bench.calls;
	config.send = on_send;
	config.done = on_done;
	config.arg = &bench;
	bench.load = load_new(bench.loop, &config);
	open_calls(&bench, &relay);
	load_start(bench.load);
	loop_run(bench.loop);
	print_report(bench.with_ng ? "rtpengine" : "relay", bench.calls,
		     load_report(bench.load), &idle);
	load_free(&bench.load);
	close_calls(&bench);
	if (bench.with_ng)
		ng_close(&bench.ng);
	loop_free(&bench.loop);
	return 0;
}
