/* SPDX-License-Identifier: MIT */
/* riptide check, print-config and route-test. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/cert.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "conf/key.h"
#include "conf/route.h"
#include "conf/system.h"

static const char check_help[] =
	"usage: riptide check [-c FILE] [--system]\n"
	"\n"
	"Reads the configuration and says everything that is wrong with it;\n"
	"nothing is started.\n"
	"\n"
	"  -c, --config FILE  " CONF_DEFAULT_FILE " if not given\n"
	"  --system           compare this machine with what it promises: "
	"clock,\n"
	"                     open files, socket buffers, RTP ports, "
	"certificates\n"
	"  --help             this text\n"
	"\n"
	"Exit status: 0 all is well, 1 something is wrong, 2 wrong usage.\n";

static const char print_help[] =
	"usage: riptide print-config [-c FILE] [--keys]\n"
	"\n"
	"Prints the configuration as it is in effect, with defaults, without\n"
	"secrets. The output is a configuration itself.\n"
	"\n"
	"  -c, --config FILE  " CONF_DEFAULT_FILE " if not given\n"
	"  --keys             every key that there is, with its type, limits "
	"and\n"
	"                     default; no file is read. --keys=mdoc and\n"
	"                     --keys=markdown are for the documents\n"
	"  --help             this text\n";

static const char route_help[] =
	"usage: riptide route-test [-c FILE] [--trunk NAME | --peer NAME] "
	"FROM TO\n"
	"\n"
	"Says where a call would go, and why. FROM is the caller's number, TO "
	"what\n"
	"was dialled; from a trunk both pass its dial plan.\n"
	"\n"
	"  -c, --config FILE  " CONF_DEFAULT_FILE " if not given\n"
	"  --trunk NAME       the call comes from this trunk; the only one if "
	"not\n"
	"                     given\n"
	"  --peer NAME        it comes from this peer over RIPT\n"
	"  --pai NUMBER       P-Asserted-Identity of the call\n"
	"  --help             this text\n"
	"\n"
	"Exit status: 0 it goes somewhere, 1 it is refused, 2 wrong usage.\n";

/* All problems on stdout; returns what is left of the exit status. */
static int load(struct conf **confp, const char *file)
{
	struct conf_problems problems;
	int err;

	err = conf_load(confp, file, &problems);
	if (err) {
		fputs(buf_str(&problems.text), stdout);
		printf("%u problem%s; nothing was started.\n", problems.count,
		       problems.count == 1 ? "" : "s");
	}
	conf_problems_free(&problems);
	return err ? 1 : 0;
}

static void counted(unsigned n, const char *noun, const char *end)
{
	printf("%u %s%s%s", n, noun, n == 1 ? "" : "s", end);
}

static int check_system(const struct conf *conf)
{
	struct system_facts facts;
	unsigned wrong;
	struct buf out;

	buf_init(&out, SIZE_MAX);
	system_facts_read(&facts);
	wrong = system_check(&out, conf, &facts);
	fputs(buf_str(&out), stdout);
	buf_free(&out);
	if (wrong)
		printf("%u of these %s not as needed.\n", wrong,
		       wrong == 1 ? "is" : "are");
	return wrong ? 1 : 0;
}

static int check(const char *file, bool system)
{
	struct conf *conf = NULL;
	int status = load(&conf, file);

	if (status)
		return status;
	printf("%s is right: ", file);
	counted(conf->network_cnt, "network", ", ");
	counted(conf->trunk_cnt, "trunk", ", ");
	counted(conf->peer_cnt, "peer", ", ");
	counted(conf->route_cnt, "route", ".\n");
	if (!conf->route_cnt)
		puts("There is no route, so every call will be refused.");
	if (system)
		status = check_system(conf);
	conf_free(&conf);
	return status;
}

int conf_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "system", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = CONF_DEFAULT_FILE;
	bool system = false;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 's':
			system = true;
			break;
		case 'h':
			fputs(check_help, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind < argc) {
		fputs("riptide check: a file is given with -c\n", stderr);
		return 2;
	}
	return check(file, system);
}

/* ---- print-config ---- */

static int print_keys(const char *form)
{
	struct buf out;

	buf_init(&out, SIZE_MAX);
	if (!form) {
		key_print_text(&out);
	} else if (strcmp(form, "mdoc") == 0) {
		key_print_mdoc(&out);
	} else if (strcmp(form, "markdown") == 0) {
		key_print_markdown(&out);
	} else {
		fputs("riptide print-config: --keys, --keys=mdoc or "
		      "--keys=markdown\n", stderr);
		return 2;
	}
	fputs(buf_str(&out), stdout);
	buf_free(&out);
	return 0;
}

static int print_config(const char *file)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	struct buf out;
	int err;

	err = conf_load(&conf, file, &problems);
	/* stdout is for a configuration alone. */
	if (err)
		fputs(buf_str(&problems.text), stderr);
	conf_problems_free(&problems);
	if (err)
		return 1;
	buf_init(&out, SIZE_MAX);
	conf_print(&out, conf, false);
	fputs(buf_str(&out), stdout);
	buf_free(&out);
	conf_free(&conf);
	return 0;
}

int conf_cmd_print_config(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "keys", optional_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = CONF_DEFAULT_FILE;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'k':
			return print_keys(optarg);
		case 'h':
			fputs(print_help, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind < argc) {
		fputs("riptide print-config: a file is given with -c\n",
		      stderr);
		return 2;
	}
	return print_config(file);
}

/* ---- route-test ---- */

struct route_test {
	const char *file, *trunk, *peer, *pai, *from, *to;
};

/* What each hop gets, and whether its certificate vouches for the caller. */
static bool print_hop(const struct route_verdict *v,
		      const struct route_hop *hop)
{
	char number[ROUTE_NUMBER_SIZE], *why;
	struct cert cert;
	bool vouches;

	if (route_number_for(number, hop, v->called) != 0)
		return false;
	if (hop->trunk) {
		printf("  trunk %s is asked for %s\n", hop->trunk->name,
		       number);
		return true;
	}
	printf("  peer %s is asked for %s", hop->peer->name, number);
	if (!hop->peer->signing_cert) {
		puts(", with the PASSporT that came");
		return true;
	}
	if (cert_read(&cert, hop->peer->signing_cert, &why) != 0) {
		printf("; %s\n", why);
		free(why);
		return false;
	}
	vouches = cert_vouches(&cert, v->caller);
	printf("; %s %s for %s\n", hop->peer->signing_cert,
	       vouches ? "vouches" : "does NOT vouch", v->caller);
	cert_free(&cert);
	return vouches;
}

static int print_verdict(const struct route_verdict *v, const char *source)
{
	bool signs = true;
	unsigned i;

	if (*v->called)
		printf("called  %s\n", v->called);
	if (*v->caller)
		printf("caller  %s (%s)\n", v->caller, v->caller_source);
	else
		puts("caller  none");
	if (v->reason) {
		printf("refused with SIP %d, reason %s: %s\n", v->status,
		       v->reason, v->sentence);
		return 1;
	}
	printf("%s\n", v->sentence);
	for (i = 0; i < v->hop_cnt; i++)
		signs &= print_hop(v, &v->hop[i]);
	if (!signs)
		printf("What to do: set trunks.%s.caller-id.otherwise to a "
		       "number of the certificate, or get one for the "
		       "caller.\n", source);
	return signs ? 0 : 1;
}

static const struct conf_trunk *only_trunk(const struct conf *conf)
{
	unsigned i;

	if (conf->trunk_cnt == 1)
		return &conf->trunk[0];
	fputs("riptide route-test: say --trunk NAME or --peer NAME:", stderr);
	for (i = 0; i < conf->trunk_cnt; i++)
		fprintf(stderr, " %s", conf->trunk[i].name);
	for (i = 0; i < conf->peer_cnt; i++)
		if (conf->peer[i].accepts)
			fprintf(stderr, " %s", conf->peer[i].name);
	fputs("\n", stderr);
	return NULL;
}

static int test_peer(const struct conf *conf, const struct route_test *test)
{
	const struct conf_peer *peer = conf_peer(conf, test->peer);
	struct route_verdict v;

	if (!peer || !peer->accepts) {
		fprintf(stderr, "riptide route-test: %s \"%s\"\n",
			peer ? "no call comes from peer" : "no peer",
			test->peer);
		return 2;
	}
	route_from_peer(&v, conf, peer, test->from, test->to);
	return print_verdict(&v, "NAME");
}

static int test_trunk(const struct conf *conf, const struct route_test *test)
{
	const struct conf_trunk *trunk = test->trunk
						 ? conf_trunk(conf, test->trunk)
						 : only_trunk(conf);
	struct route_verdict v;

	if (!trunk) {
		if (test->trunk)
			fprintf(stderr, "riptide route-test: no trunk "
					"\"%s\"\n", test->trunk);
		return 2;
	}
	route_from_trunk(&v, conf, trunk, test->to, test->from, test->pai);
	return print_verdict(&v, trunk->name);
}

static int route_test(const struct route_test *test)
{
	struct conf *conf = NULL;
	int status = load(&conf, test->file);

	if (status)
		return status;
	status = test->peer ? test_peer(conf, test) : test_trunk(conf, test);
	conf_free(&conf);
	return status;
}

int conf_cmd_route_test(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "trunk", required_argument, NULL, 't' },
		{ "peer", required_argument, NULL, 'p' },
		{ "pai", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct route_test test = { .file = CONF_DEFAULT_FILE };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			test.file = optarg;
			break;
		case 't':
			test.trunk = optarg;
			break;
		case 'p':
			test.peer = optarg;
			break;
		case 'i':
			test.pai = optarg;
			break;
		case 'h':
			fputs(route_help, stdout);
			return 0;
		default:
			return 2;
		}
	if (argc - optind != 2 || (test.trunk && test.peer)) {
		fputs(route_help, stderr);
		return 2;
	}
	test.from = argv[optind];
	test.to = argv[optind + 1];
	return route_test(&test);
}
