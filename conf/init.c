/* SPDX-License-Identifier: MIT */
/* riptide init --lab: the command line of conf/lab. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/commands.h"
#include "conf/lab.h"

#define PROVIDERS_MAX 16

static const char help[] =
	"usage: riptide init --lab DIR [OPTION...]\n"
	"\n"
	"Writes a complete lab into DIR: certificates, keys and tokens for\n"
	"tests, riptide.yaml for the gateway, lab.json for scripts. Nothing "
	"that\n"
	"exists is overwritten.\n"
	"\n"
	"  --lab DIR              where; made if it is not there\n"
	"  --authority NAME:PORT  of the gateway in URIs; localhost:4433\n"
	"  --listen IP:PORT       UDP address of RIPT; 127.0.0.1 and the "
	"port above\n"
	"  --sip IP:PORT          where the gateway speaks SIP; "
	"127.0.0.1:5060\n"
	"  --sip-peer IP:PORT     the SIP phone or PBX; 127.0.0.1:5062\n"
	"  --rtp-ports A-B        ports for RTP; follow from the RIPT port\n"
	"  --numbers P[,P...]     numbers that the SIP peer has; +1408952*\n"
	"  --origins P[,P...]     numbers that customers call from; "
	"+1408555*\n"
	"  --provider LAB.JSON    be a customer of that lab: calls of the SIP "
	"peer\n"
	"                         go there. Also for a lab that exists; may be\n"
	"                         repeated\n"
	"  --help                 this text\n"
	"\n"
	"Two labs that call each other:\n"
	"  riptide init --lab a --authority localhost:4433 --sip "
	"127.0.0.1:5060 \\\n"
	"      --sip-peer 127.0.0.1:5061 --numbers '+1408555*' --origins "
	"'+1408952*'\n"
	"  riptide init --lab b --authority localhost:4434 --sip "
	"127.0.0.1:5070 \\\n"
	"      --sip-peer 127.0.0.1:5071 --numbers '+1408952*' --origins "
	"'+1408555*'\n"
	"  riptide init --lab a --provider b/lab.json\n"
	"  riptide init --lab b --provider a/lab.json\n";

struct request {
	struct lab lab;
	const char *provider[PROVIDERS_MAX];
	unsigned provider_cnt;
	bool made_of;		/* an option that only a new lab takes */
};

static int complain(const char *option, const char *text, const char *why)
{
	fprintf(stderr, "riptide init: %s %s: %s\n", option, text, why);
	return EINVAL;
}

/* "localhost:5060" is no address, but everybody writes it. */
static int read_addr(struct addr *addr, const char *option, const char *text)
{
	char *numeric = strncmp(text, "localhost:", 10) == 0
				? xasprintf("127.0.0.1:%s", text + 10)
				: xstrdup(text);
	int err = addr_parse(addr, numeric);

	free(numeric);
	if (err || !addr_port(addr))
		return complain(option, text, "write IP:PORT");
	return 0;
}

static int read_patterns(struct number_set *set, const char *option,
			 const char *text)
{
	char *copy = xstrdup(text), *save = NULL, *word;
	int err = 0;

	for (word = strtok_r(copy, ", ", &save); word && !err;
	     word = strtok_r(NULL, ", ", &save))
		if (strpbrk(word, "\"\\$") || number_set_allow(set, word) != 0)
			err = complain(option, word,
				       "no number pattern; +1408* is one");
	free(copy);
	if (!err && !set->allow_cnt)
		err = complain(option, text, "no number pattern");
	return err;
}

static int read_ports(struct lab *lab, const char *text)
{
	unsigned first, last;
	char end;

	if (sscanf(text, "%5u-%5u%c", &first, &last, &end) != 2 ||
	    first < 1024 || last > 65535 || first + first % 2 + 1 > last)
		return complain("--rtp-ports", text, "write FIRST-LAST");
	lab->rtp_first = (uint16_t)first;
	lab->rtp_last = (uint16_t)last;
	return 0;
}

static int read_option(struct request *req, int option, const char *text)
{
	struct lab *lab = &req->lab;

	if (option != 'd' && option != 'P')
		req->made_of = true;
	switch (option) {
	case 'd':
		free(lab->dir);
		lab->dir = xstrdup(text);
		return 0;
	case 'a':
		free(lab->authority);
		lab->authority = xstrdup(text);
		return 0;
	case 'l':
		return read_addr(&lab->listen, "--listen", text);
	case 's':
		return read_addr(&lab->sip, "--sip", text);
	case 'p':
		return read_addr(&lab->sip_peer, "--sip-peer", text);
	case 'r':
		return read_ports(lab, text);
	case 'n':
		return read_patterns(&lab->numbers, "--numbers", text);
	case 'o':
		return read_patterns(&lab->origins, "--origins", text);
	default:
		if (req->provider_cnt == PROVIDERS_MAX)
			return complain("--provider", text, "too many");
		req->provider[req->provider_cnt++] = text;
		return 0;
	}
}

/* What the options left out. */
static int complete(struct lab *lab)
{
	const char *port;

	if (!lab->authority)
		lab->authority = xstrdup("localhost:4433");
	port = strrchr(lab->authority, ':');
	if (!addr_port(&lab->listen)) {
		char *text = xasprintf("127.0.0.1:%s", port ? port + 1 : "443");
		int err = addr_parse(&lab->listen, text);

		free(text);
		if (err || !addr_port(&lab->listen))
			return complain("--authority", lab->authority,
					"write NAME:PORT");
	}
	if (!lab->sip.len)
		addr_parse(&lab->sip, "127.0.0.1:5060");
	if (!lab->sip_peer.len)
		addr_parse(&lab->sip_peer, "127.0.0.1:5062");
	if (!lab->numbers.allow_cnt)
		number_set_allow(&lab->numbers, "+1408952*");
	if (!lab->origins.allow_cnt)
		number_set_allow(&lab->origins, "+1408555*");
	return 0;
}

static void report(const struct lab *lab)
{
	char text[ADDR_TEXT_LEN];
	struct buf patterns;

	buf_init(&patterns, SIZE_MAX);
	addr_print(text, &lab->listen);
	printf("A lab is in %s.\n  RIPT     %s, UDP %s\n", lab->dir,
	       lab->authority, text);
	addr_print(text, &lab->sip);
	printf("  SIP      %s, RTP ports %u-%u\n", text, lab->rtp_first,
	       lab->rtp_last);
	lab_print_patterns(&patterns, &lab->numbers);
	addr_print(text, &lab->sip_peer);
	printf("  numbers  %s reach the SIP peer %s\n", buf_str(&patterns),
	       text);
	buf_clear(&patterns);
	lab_print_patterns(&patterns, &lab->origins);
	printf("  callers  %s, with the token in lab.json\n"
	       "Start it with: riptide run -c %s/riptide.yaml\n",
	       buf_str(&patterns), lab->dir);
	buf_free(&patterns);
}

/* Whether they can be read, before anything is made. */
static int check_providers(const struct request *req)
{
	struct lab provider;
	unsigned i;
	char *why;
	int err;

	for (i = 0; i < req->provider_cnt; i++) {
		err = lab_read(&provider, req->provider[i], &why);
		lab_free(&provider);
		if (err) {
			fprintf(stderr, "riptide init: %s\n", why);
			free(why);
			return err;
		}
	}
	return 0;
}

static int add_providers(const struct request *req)
{
	struct lab provider;
	char *why, *name = NULL;
	unsigned i;
	int err;

	for (i = 0; i < req->provider_cnt; i++) {
		err = lab_read(&provider, req->provider[i], &why);
		if (!err)
			err = lab_add_provider(req->lab.dir, &provider, &name,
					       &why);
		if (err) {
			fprintf(stderr, "riptide init: %s\n", why);
			free(why);
			lab_free(&provider);
			return err;
		}
		printf("Calls of the SIP peer go to %s as its customer (peer "
		       "\"%s\").\n", provider.authority, name);
		free(name);
		lab_free(&provider);
	}
	return 0;
}

static int make_lab(struct lab *lab)
{
	char *why = NULL;
	int err;

	err = complete(lab);
	if (err)
		return err;
	err = lab_make(lab, &why);
	if (err)
		fprintf(stderr, "riptide init: %s\n", why);
	else
		report(lab);
	free(why);
	return err;
}

static int init(struct request *req)
{
	char *json = xasprintf("%s/lab.json", req->lab.dir);
	bool exists = access(json, F_OK) == 0;
	int err;

	free(json);
	err = check_providers(req);
	if (err)
		return err;
	if (!exists) {
		err = make_lab(&req->lab);
	} else if (!req->provider_cnt || req->made_of) {
		fprintf(stderr,
			"riptide init: %s is a lab already; nothing was "
			"overwritten. --provider adds to it, and takes no "
			"other option.\n", req->lab.dir);
		err = EEXIST;
	}
	return err ? err : add_providers(req);
}

int conf_cmd_init(int argc, char **argv)
{
	static const struct option options[] = {
		{ "lab", required_argument, NULL, 'd' },
		{ "authority", required_argument, NULL, 'a' },
		{ "listen", required_argument, NULL, 'l' },
		{ "sip", required_argument, NULL, 's' },
		{ "sip-peer", required_argument, NULL, 'p' },
		{ "rtp-ports", required_argument, NULL, 'r' },
		{ "numbers", required_argument, NULL, 'n' },
		{ "origins", required_argument, NULL, 'o' },
		{ "provider", required_argument, NULL, 'P' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct request req = { 0 };
	int option, status = 2;

	optind = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			status = 0;
			goto out;
		}
		if (option == '?' || read_option(&req, option, optarg) != 0)
			goto out;
	}
	if (!req.lab.dir || optind < argc) {
		fputs("riptide init: needs --lab DIR; see riptide init --help\n",
		      stderr);
		goto out;
	}
	status = init(&req) ? 1 : 0;
out:
	lab_free(&req.lab);
	return status;
}
