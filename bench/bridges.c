/* SPDX-License-Identifier: MIT */
/*
 * bench/bridges - N bridges behind a RIPT server and nothing else: no SIP, no
 * call signalling, no database.  What media alone costs, and what a profiler
 * should look at.  bench/riptload is its counterpart.
 *
 *   phones' RTP <--> [line, bridge] <--> byway <--> riptload
 *
 * Prints "call UUID RTP-PORT" for each and "ready".
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "bench/bridges.h"
#include "gateway/worker.h"
#include "media/rtp_port.h"
#include "ript/byway.h"
#include "ript/worker.h"

struct one {
	struct byway *byway;
	struct line *line;
	char uuid[UUID_LEN + 1];
};

struct bench {
	struct loop *loop;
	struct mailbox *to_control;
	struct exchange_net *net;
	struct workers *workers;
	struct rtp_range *range;
	struct one *one;
	unsigned calls, installed, worker_cnt;
	struct addr phones;	/* that of call 0; the next ones follow */
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "bridges: %s: %s\n", what, why);
	exit(1);
}

static const struct byway_events byway_events;
static const struct line_events line_events;

static void set_line(const struct bench *bench, unsigned index)
{
	struct bridge_side side = { .ready = true };
	struct bridge_ript ript = {
		.tx_sink = 1,
		.rx_sink = 1,
		.tx_codecs = 1u << CODEC_PCMU | 1u << CODEC_CN,
		.rx_codecs = 1u << CODEC_PCMU | 1u << CODEC_CN,
	};

	side.local.format_cnt = 1;
	side.local.format[0].codec = CODEC_PCMU;
	side.local.format[0].clock_hz = 8000;
	side.local.dir = MEDIA_SENDRECV;
	side.remote = side.local;
	side.remote.rtp = bench->phones;
	addr_set_port(&side.remote.rtp,
		      (uint16_t)(addr_port(&bench->phones) + index));
	line_set_sip(bench->one[index].line, &side);
	line_set_ript(bench->one[index].line, &ript);
}

static void on_installed(void *arg)
{
	struct bench *bench = arg;
	unsigned i;

	if (++bench->installed < bench->calls)
		return;
	for (i = 0; i < bench->calls; i++)
		printf("call %s %u\n", bench->one[i].uuid,
		       line_rtp_port(bench->one[i].line));
	puts("ready");
	fflush(stdout);
}

static void open_one(struct bench *bench, unsigned index)
{
	struct one *one = &bench->one[index];
	struct byway_server params = { .home = index % bench->worker_cnt };
	char *path;

	uuid_make(one->uuid);
	path = xasprintf(BRIDGES_PATH "%s", one->uuid);
	params.uuid = one->uuid;
	params.path = path;
	sha256(params.token_hash, BRIDGES_TOKEN, strlen(BRIDGES_TOKEN));
	if (byway_serve(&one->byway, bench->net, &params, &byway_events,
			on_installed, bench) != 0)
		die("byway", "not made");
	byway_set_listening(one->byway, true);
	if (line_open(&one->line, bench->workers, params.home, bench->range,
		      &line_events, NULL) != 0)
		die("line", "no RTP port is free");
	line_bind(one->line, byway_id(one->byway));
	set_line(bench, index);
	free(path);
}

static void on_signal(unsigned events, void *arg)
{
	(void)events;
	loop_stop(((struct bench *)arg)->loop);
}

static void run(struct bench *bench)
{
	struct loop_fd *watch;
	sigset_t set;
	unsigned i;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	watch = loop_watch(bench->loop, fd, LOOP_READ, on_signal, bench);
	loop_run(bench->loop);
	loop_unwatch(&watch);
	close(fd);
	for (i = 0; i < bench->calls; i++) {
		line_close(&bench->one[i].line);
		byway_close(&bench->one[i].byway, "{}");
	}
}

static void start(struct bench *bench, const struct addr *listen,
		  const char *cert, const char *key)
{
	struct ript_net_config config = {
		.worker_cnt = bench->worker_cnt,
		.cert_file = cert,
		.key_file = key,
		.listen = listen,
	};
	char *why = NULL;
	unsigned i;

	loop_enter(LOOP_CONTROL, 0);
	bench->loop = loop_new();
	bench->to_control = mailbox_new(bench->loop, 0);
	config.control = bench->loop;
	config.to_control = bench->to_control;
	if (ript_net_new(&bench->net, &config, &why) != 0 ||
	    workers_start(&bench->workers, bench->loop, bench->net,
			  bench->worker_cnt, &why) != 0)
		die("start", why);
	bench->one = xcalloc(bench->calls, sizeof(*bench->one));
	for (i = 0; i < bench->calls; i++)
		open_one(bench, i);
}

static void usage(void)
{
	fputs("usage: bridges --listen HOST:PORT --cert FILE --key FILE\n"
	      "  --phones HOST:PORT   RTP of the first phone (required)\n"
	      "  --rtp FIRST-LAST     our RTP ports (20000-29999)\n"
	      "  --calls N            (500)\n"
	      "  --workers N          (1)\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "phones", required_argument, NULL, 'p' },
		{ "rtp", required_argument, NULL, 'r' },
		{ "calls", required_argument, NULL, 'n' },
		{ "workers", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct bench bench = { .calls = 500, .worker_cnt = 1 };
	struct rlimit files = { 65536, 65536 };
	const char *cert = NULL, *key = NULL;
	unsigned first = 20000, last = 29999;
	struct addr listen = { .len = 0 }, address;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			if (addr_parse(&listen, optarg) != 0)
				usage();
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'p':
			if (addr_parse(&bench.phones, optarg) != 0)
				usage();
			break;
		case 'r':
			if (sscanf(optarg, "%u-%u", &first, &last) != 2)
				usage();
			break;
		case 'n':
			bench.calls = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			bench.worker_cnt = (unsigned)strtoul(optarg, NULL,
							     10);
			break;
		default:
			usage();
		}
	}
	if (!listen.len || !cert || !key || !bench.phones.len ||
	    !bench.calls || !bench.worker_cnt || optind != argc)
		usage();
	setrlimit(RLIMIT_NOFILE, &files);
	if (addr_parse(&address, "127.0.0.1") != 0)
		abort();
	bench.range = rtp_range_new(&address, (uint16_t)first,
				    (uint16_t)last, 0);
	start(&bench, &listen, cert, key);
	run(&bench);
	workers_stop(&bench.workers);
	ript_net_free(&bench.net);
	mailbox_free(&bench.to_control);
	rtp_range_free(&bench.range);
	loop_free(&bench.loop);
	free(bench.one);
	return 0;
}
