/* SPDX-License-Identifier: MIT */
/* The calls that bench/bridges printed: no signalling at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/bridges.h"
#include "bench/riptload.h"
#include "ript/byway.h"
#include "ript/exchange.h"

#define STEP 50		/* a connection takes so many requests at once */

struct bridges {
	struct exchange_peer **peer;
	FILE *list;
	unsigned opened;
};

static const struct byway_events byway_events;

static void open_call(struct bench *bench, unsigned index, const char *uuid,
		      unsigned rtp_port)
{
	struct bridges *bridges = bench->data;
	struct byway_client params = {
		.peer = bridges->peer[index % bench->connections],
		.token = BRIDGES_TOKEN,
		.webtransport = true,
	};
	struct far_end *end = &bench->end[index];
	struct addr to;
	char *path = xasprintf(BRIDGES_PATH "%s", uuid);

	params.path = path;
	if (byway_dial(&end->byway, bench->client.net, &params, &byway_events,
		       NULL) != 0)
		bench_die("byway", "not made");
	end->byway_id = byway_id(end->byway);
	byway_set_listening(end->byway, true);
	if (addr_parse(&to, "127.0.0.1") != 0)
		abort();
	addr_set_port(&to, (uint16_t)rtp_port);
	if (rtp_end_join(&bench->phone[index], bench->loop, bench->load,
			 &to) != 0)
		bench_die("connect", strerror(errno));
	free(path);
}

static void begin(struct bench *bench)
{
	struct bridges *bridges = xzalloc(sizeof(*bridges));
	struct exchange_peer_config config = {
		.ca_file = bench->ca,
		.addr = &bench->to,
		.addr_cnt = 1,
	};
	char *authority = xasprintf("localhost:%u", addr_port(&bench->to));
	unsigned i;

	bench->data = bridges;
	bridges->list = fopen(bench->list, "r");
	if (!bridges->list)
		bench_die(bench->list, strerror(errno));
	config.authority = authority;
	bridges->peer = xcalloc(bench->connections, sizeof(*bridges->peer));
	for (i = 0; i < bench->connections; i++)
		if (exchange_peer_new(&bridges->peer[i], bench->client.net,
				      &config) != 0)
			bench_die("peer", "not made");
	free(authority);
}

static void step(struct bench *bench)
{
	struct bridges *bridges = bench->data;
	char line[256], uuid[64];
	unsigned port, count = 0;

	while (bridges->opened < bench->calls && count < STEP) {
		if (!fgets(line, sizeof(line), bridges->list))
			bench_die("--list", "fewer calls than --calls");
		if (sscanf(line, "call %63s %u", uuid, &port) != 2)
			continue;
		open_call(bench, bridges->opened++, uuid, port);
		count++;
	}
}

static void end(struct bench *bench)
{
	(void)bench;
}

static void finish(struct bench *bench)
{
	struct bridges *bridges = bench->data;
	unsigned i;

	for (i = 0; i < bench->calls; i++)
		byway_close(&bench->end[i].byway, "{}");
	for (i = 0; i < bench->connections; i++)
		exchange_peer_free(&bridges->peer[i]);
	free(bridges->peer);
	fclose(bridges->list);
	free(bridges);
}

const struct way way_bridges = { "bridges", begin, step, end, finish };
