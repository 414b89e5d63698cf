/* SPDX-License-Identifier: MIT */
/*
 * bench/riptload - calls of G.711 between RTP phones and RIPT, both ends
 * here, the thing measured between them.  Prints one JSON object.
 *
 *   phone i <--connected UDP--> bridges <--WebTransport--> RIPT end i
 *
 * The calls are those that bench/bridges printed (--list).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "base/mem.h"
#include "bench/bridges.h"
#include "bench/print.h"
#include "bench/ript_end.h"
#include "bench/rtp_end.h"
#include "ript/byway.h"
#include "ript/exchange.h"

#define OPEN_MS 10000
#define TICK_MS 20
#define OPEN_STEP 50

struct bench {
	struct loop *loop;
	struct load *load;
	struct ript_client client;
	struct exchange_peer **peer;
	unsigned calls, connections;
	struct rtp_end *phone;
	struct ript_end *end;
	struct timer tick, patience;
	bool started;
	FILE *list;
	unsigned opened;
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "riptload: %s: %s\n", what, why);
	exit(1);
}

/* Even streams run from the phone to RIPT, odd ones back. */
static int on_send(unsigned stream, const uint8_t payload[PROBE_LEN],
		   void *arg)
{
	struct bench *bench = arg;

	return stream % 2 ? ript_end_send(&bench->end[stream / 2], payload)
			  : rtp_end_send(&bench->phone[stream / 2], payload);
}

static void on_done(void *arg)
{
	loop_stop(((struct bench *)arg)->loop);
}

/* ---- calls ---- */

static const struct byway_events byway_events;

static void open_call(struct bench *bench, unsigned index, const char *uuid,
		      unsigned rtp_port)
{
	struct byway_client params = {
		.peer = bench->peer[index % bench->connections],
		.token = BRIDGES_TOKEN,
		.webtransport = true,
	};
	struct ript_end *end = &bench->end[index];
	struct addr to;
	char *path = xasprintf(BRIDGES_PATH "%s", uuid);

	params.path = path;
	if (byway_dial(&end->byway, bench->client.net, &params, &byway_events,
		       NULL) != 0)
		die("byway", "not made");
	byway_set_listening(end->byway, true);
	if (addr_parse(&to, "127.0.0.1") != 0)
		abort();
	addr_set_port(&to, (uint16_t)rtp_port);
	if (rtp_end_join(&bench->phone[index], bench->loop, bench->load,
			 &to) != 0)
		die("connect", strerror(errno));
	free(path);
}

/* Some calls of the list at a time: a connection takes so many requests at
 * once. */
static void open_calls(struct bench *bench)
{
	unsigned port, step = 0;
	char line[256], uuid[64];

	while (bench->opened < bench->calls && step < OPEN_STEP) {
		if (!fgets(line, sizeof(line), bench->list))
			die("--list", "fewer calls than --calls");
		if (sscanf(line, "call %63s %u", uuid, &port) != 2)
			continue;
		open_call(bench, bench->opened++, uuid, port);
		step++;
	}
}

static void on_patience(void *arg)
{
	struct bench *bench = arg;
	unsigned i, open = 0;

	for (i = 0; i < bench->calls; i++)
		open += bench->end[i].open;
	fprintf(stderr,
		"riptload: %u of %u calls have a WebTransport session after "
		"%u s\n",
		open, bench->calls, OPEN_MS / 1000);
	exit(1);
}

static void on_tick(void *arg)
{
	struct bench *bench = arg;
	unsigned i, open = 0;

	open_calls(bench);
	for (i = 0; i < bench->opened; i++) {
		struct ript_end *end = &bench->end[i];

		/* The worker has heard of the byway a turn after control. */
		if (!end->port &&
		    ript_end_bind(end, &bench->client, bench->load,
				  byway_id(end->byway)) != 0)
			continue;
		ript_end_tick(end);
		open += end->open;
	}
	timer_start(&bench->tick, bench->loop, TICK_MS, on_tick, bench);
	if (open == bench->calls && !bench->started) {
		bench->started = true;
		timer_stop(&bench->patience);
		load_start(bench->load);
	}
}

static void open_phones(struct bench *bench, uint16_t first)
{
	unsigned i;

	bench->phone = xcalloc(bench->calls, sizeof(*bench->phone));
	for (i = 0; i < bench->calls; i++)
		if (rtp_end_open(&bench->phone[i], i,
				 (uint16_t)(first + i)) != 0)
			die("socket", strerror(errno));
}

static void open_peers(struct bench *bench, const struct addr *at,
		       const char *ca)
{
	struct exchange_peer_config config = {
		.ca_file = ca,
		.addr = at,
		.addr_cnt = 1,
	};
	char *authority = xasprintf("localhost:%u", addr_port(at));
	unsigned i;

	config.authority = authority;
	bench->peer = xcalloc(bench->connections, sizeof(*bench->peer));
	for (i = 0; i < bench->connections; i++)
		if (exchange_peer_new(&bench->peer[i], bench->client.net,
				      &config) != 0)
			die("peer", "not made");
	free(authority);
}

static void close_calls(struct bench *bench)
{
	unsigned i;

	for (i = 0; i < bench->calls; i++) {
		ript_end_close(&bench->end[i]);
		rtp_end_close(&bench->phone[i]);
	}
	for (i = 0; i < bench->connections; i++)
		exchange_peer_free(&bench->peer[i]);
	free(bench->peer);
	free(bench->end);
	free(bench->phone);
}

static void usage(void)
{
	fputs("usage: riptload --to HOST:PORT --ca FILE --list FILE\n"
	      "  --phones PORT     of the first phone (required)\n"
	      "  --calls N         calls at once (500)\n"
	      "  --connections N   that carry them (1)\n"
	      "  --seconds S       measured (10)\n"
	      "  --warm-up S       before it (3)\n"
	      "  --pid PID         process whose CPU and memory are read\n",
	      stderr);
	exit(2);
}

struct settings {
	struct addr to;
	const char *ca, *list;
	unsigned phones;
};

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static void read_options(int argc, char **argv, struct settings *settings,
			 struct bench *bench, struct load_config *config)
{
	static const struct option options[] = {
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
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't') {
			if (addr_parse(&settings->to, optarg) != 0)
				usage();
		} else if (option == 'a') {
			settings->ca = optarg;
		} else if (option == 'l') {
			settings->list = optarg;
		} else if (option == 'o') {
			settings->phones = number(optarg);
		} else if (option == 'c') {
			bench->calls = number(optarg);
		} else if (option == 'k') {
			bench->connections = number(optarg);
		} else if (option == 's') {
			config->seconds = number(optarg);
		} else if (option == 'w') {
			config->warm_up_s = number(optarg);
		} else if (option == 'p') {
			config->pid = (int)number(optarg);
		} else {
			usage();
		}
	}
	if (!settings->to.len || !settings->ca || !settings->list ||
	    !settings->phones || !bench->calls || !bench->connections ||
	    optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	struct bench bench = { .calls = 500, .connections = 1 };
	struct load_config config = { .warm_up_s = 3, .seconds = 10 };
	struct settings settings = { .ca = NULL };
	struct rlimit files = { 65536, 65536 };
	struct usage idle = { 0 };
	char *why = NULL;

	read_options(argc, argv, &settings, &bench, &config);
	setrlimit(RLIMIT_NOFILE, &files);
	bench.loop = loop_new();
	if (config.pid && usage_read(&idle, config.pid) != 0)
		die("--pid", "no such process");
	if (ript_client_open(&bench.client, bench.loop, &why) != 0)
		die("client", why ? why : "not started");
	config.streams = 2 * bench.calls;
	config.send = on_send;
	config.done = on_done;
	config.arg = &bench;
	bench.load = load_new(bench.loop, &config);
	bench.end = xcalloc(bench.calls, sizeof(*bench.end));
	open_phones(&bench, (uint16_t)settings.phones);
	open_peers(&bench, &settings.to, settings.ca);
	bench.list = fopen(settings.list, "r");
	if (!bench.list)
		die(settings.list, strerror(errno));
	timer_start(&bench.patience, bench.loop, OPEN_MS, on_patience, &bench);
	timer_start(&bench.tick, bench.loop, TICK_MS, on_tick, &bench);
	loop_run(bench.loop);
	print_report("bridges", bench.calls, load_report(bench.load), &idle);
	timer_stop(&bench.tick);
	fclose(bench.list);
	close_calls(&bench);
	load_free(&bench.load);
	ript_client_close(&bench.client);
	loop_free(&bench.loop);
	return 0;
}
