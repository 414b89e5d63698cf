/* SPDX-License-Identifier: MIT */
/*
 * bench/riptload - calls of G.711 between RTP phones and RIPT, both ends
 * here, the thing measured between them.  Prints one JSON object.
 *
 *   phone i <--connected UDP--> gateway <--WebTransport--> RIPT end i
 */
#include "bench/riptload.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "bench/print.h"

#define OPEN_S 30
#define TICK_MS 20
#define END_MS 1500	/* for BYEs and their answers */

void bench_die(const char *what, const char *why)
{
	fprintf(stderr, "riptload: %s: %s\n", what, why);
	exit(1);
}

/* Even streams run from the phone to RIPT, odd ones back. */
static int on_send(unsigned stream, const uint8_t payload[PROBE_LEN],
		   void *arg)
{
	struct bench *bench = arg;

	return stream % 2 ? far_end_send(&bench->end[stream / 2], payload)
			  : rtp_end_send(&bench->phone[stream / 2], payload);
}

static void on_over(void *arg)
{
	loop_stop(((struct bench *)arg)->loop);
}

static void on_done(void *arg)
{
	struct bench *bench = arg;

	bench->way->end(bench);
	timer_start(&bench->patience, bench->loop, END_MS, on_over, bench);
}

static void on_patience(void *arg)
{
	struct bench *bench = arg;
	unsigned i, open = 0, joined = 0;

	for (i = 0; i < bench->calls; i++) {
		open += bench->end[i].open;
		joined += bench->phone[i].watch != NULL;
	}
	fprintf(stderr,
		"riptload: after %d s %u of %u calls have a WebTransport "
		"session, %u a phone\n",
		OPEN_S, open, bench->calls, joined);
	exit(1);
}

static void on_tick(void *arg)
{
	struct bench *bench = arg;
	unsigned i, there = 0;

	if (!bench->started)
		bench->way->step(bench);
	for (i = 0; i < bench->calls; i++) {
		struct far_end *end = &bench->end[i];

		/* The worker has heard of the byway a turn after control. */
		if (!end->byway_id ||
		    (!end->port &&
		     far_end_bind(end, &bench->client, bench->load) != 0))
			continue;
		far_end_tick(end);
		there += end->open && bench->phone[i].watch;
	}
	timer_start(&bench->tick, bench->loop, TICK_MS, on_tick, bench);
	if (there == bench->calls && !bench->started) {
		bench->started = true;
		timer_stop(&bench->patience);
		load_start(bench->load);
	}
}

/* ---- options ---- */

static void usage(void)
{
	fputs("usage: riptload --lab FILE [--to HOST:PORT]\n"
	      "                                a gateway's lab.json, and a\n"
	      "                                proxy before its RIPT\n"
	      "       riptload --to HOST:PORT --ca FILE --list FILE\n"
	      "                                what bench/bridges printed\n"
	      "  --phones PORT     of the first phone (any)\n"
	      "  --calls N         calls at once (500)\n"
	      "  --connections N   that carry them (1)\n"
	      "  --seconds S       measured (10)\n"
	      "  --warm-up S       before it (3)\n"
	      "  --pid PID         process whose CPU and memory are read\n",
	      stderr);
	exit(2);
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static const struct option options[] = {
	{ "lab", required_argument, NULL, 'b' },
	{ "to", required_argument, NULL, 't' },
	{ "ca", required_argument, NULL, 'a' },
	{ "list", required_argument, NULL, 'l' },
	{ "phones", required_argument, NULL, 'o' },
	{ "calls", required_argument, NULL, 'c' },
	{ "connections", required_argument, NULL, 'k' },
	{ "seconds", required_argument, NULL, 's' },
	{ "warm-up", required_argument, NULL, 'w' },
	{ "pid", required_argument, NULL, 'p' },
	{ NULL, 0, NULL, 0 },
};

static void read_options(int argc, char **argv, struct bench *bench,
			 struct load_config *config)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'b')
			bench->lab = optarg;
		else if (option == 't' && addr_parse(&bench->to, optarg) == 0)
			continue;
		else if (option == 'a')
			bench->ca = optarg;
		else if (option == 'l')
			bench->list = optarg;
		else if (option == 'o')
			bench->first_phone = (uint16_t)number(optarg);
		else if (option == 'c')
			bench->calls = number(optarg);
		else if (option == 'k')
			bench->connections = number(optarg);
		else if (option == 's')
			config->seconds = number(optarg);
		else if (option == 'w')
			config->warm_up_s = number(optarg);
		else if (option == 'p')
			config->pid = (int)number(optarg);
		else
			usage();
	}
	if (!bench->calls || !bench->connections || optind != argc ||
	    (!bench->lab &&
	     (!bench->to.len || !bench->ca || !bench->list)))
		usage();
	bench->way = bench->lab ? &way_lab : &way_bridges;
}

static void open_ends(struct bench *bench)
{
	uint16_t port = bench->first_phone;
	unsigned i;

	bench->end = xcalloc(bench->calls, sizeof(*bench->end));
	bench->phone = xcalloc(bench->calls, sizeof(*bench->phone));
	for (i = 0; i < bench->calls; i++)
		if (rtp_end_open(&bench->phone[i], i,
				 port ? (uint16_t)(port + i) : 0) != 0)
			bench_die("phone's socket", strerror(errno));
}

static void close_ends(struct bench *bench)
{
	unsigned i;

	for (i = 0; i < bench->calls; i++) {
		far_end_close(&bench->end[i]);
		rtp_end_close(&bench->phone[i]);
	}
	bench->way->finish(bench);
	free(bench->end);
	free(bench->phone);
}

int main(int argc, char **argv)
{
	struct bench bench = { .calls = 500, .connections = 1 };
	struct load_config config = { .warm_up_s = 3, .seconds = 10 };
	struct rlimit files = { 65536, 65536 };
	struct usage idle = { 0 };
	char *why = NULL;

	read_options(argc, argv, &bench, &config);
	setrlimit(RLIMIT_NOFILE, &files);
	log_set_level(LOG_ERROR);
	bench.loop = loop_new();
	if (config.pid && usage_read(&idle, config.pid) != 0)
		bench_die("--pid", "no such process");
	if (far_client_open(&bench.client, bench.loop, &why) != 0)
		bench_die("client", why ? why : "not started");
	config.streams = 2 * bench.calls;
	config.send = on_send;
	config.done = on_done;
	config.arg = &bench;
	bench.load = load_new(bench.loop, &config);
	open_ends(&bench);
	bench.way->begin(&bench);
	timer_start(&bench.patience, bench.loop, OPEN_S * 1000, on_patience,
		    &bench);
	timer_start(&bench.tick, bench.loop, TICK_MS, on_tick, &bench);
	loop_run(bench.loop);
	print_report(bench.way->name, bench.calls, load_report(bench.load),
		     &idle);
	timer_stop(&bench.tick);
	timer_stop(&bench.patience);
	close_ends(&bench);
	load_free(&bench.load);
	far_client_close(&bench.client);
	loop_free(&bench.loop);
	return 0;
}
