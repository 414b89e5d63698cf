/* SPDX-License-Identifier: MIT */
#include "riptcall/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/phone.h"
#include "riptcall/fault.h"
#include "riptcall/help.h"
#include "riptcall/lab.h"
#include "riptcall/refusal.h"

#define TIME_MAX_MS (UINT64_C(86400) * 1000)
#define NOISE_MAX 10000

enum {
	OPT_LAB = 1000, OPT_AUTHORITY, OPT_ADDRESS, OPT_CA, OPT_TOKEN, OPT_TG,
	OPT_KEY, OPT_CERT, OPT_X5U, OPT_FROM, OPT_LIST, OPT_DELETE, OPT_PLAY,
	OPT_RECORD, OPT_DTMF, OPT_SECONDS, OPT_CN, OPT_TRANSPORT, OPT_CODEC,
	OPT_FAULT, OPT_LISTEN, OPT_SERVER_CERT, OPT_SERVER_KEY, OPT_STIR_CA,
	OPT_RING, OPT_REFUSE, OPT_CALLS, OPT_KEEPALIVE, OPT_EARLY, OPT_JSON,
};

#define IN(command) (1u << COMMAND_##command)
#define EVERY (IN(TGS) | IN(HANDLER) | IN(CALL) | IN(SERVE))

static const struct {
	struct option option;
	unsigned commands;
} table[] = {
	{ { "lab", 1, NULL, OPT_LAB }, EVERY },
	{ { "authority", 1, NULL, OPT_AUTHORITY }, EVERY },
	{ { "address", 1, NULL, OPT_ADDRESS }, EVERY },
	{ { "ca", 1, NULL, OPT_CA }, EVERY },
	{ { "token-file", 1, NULL, OPT_TOKEN }, EVERY },
	{ { "tg", 1, NULL, OPT_TG }, EVERY },
	{ { "key", 1, NULL, OPT_KEY }, EVERY },
	{ { "cert", 1, NULL, OPT_CERT }, EVERY },
	{ { "x5u", 1, NULL, OPT_X5U }, EVERY },
	{ { "from", 1, NULL, OPT_FROM }, IN(CALL) },
	{ { "list", 0, NULL, OPT_LIST }, IN(HANDLER) },
	{ { "delete", 1, NULL, OPT_DELETE }, IN(HANDLER) },
	{ { "play", 1, NULL, OPT_PLAY }, IN(CALL) | IN(SERVE) },
	{ { "record", 1, NULL, OPT_RECORD }, IN(CALL) | IN(SERVE) },
	{ { "dtmf", 1, NULL, OPT_DTMF }, IN(CALL) | IN(SERVE) },
	{ { "seconds", 1, NULL, OPT_SECONDS }, IN(CALL) | IN(SERVE) },
	{ { "cn", 1, NULL, OPT_CN }, IN(CALL) | IN(SERVE) },
	{ { "transport", 1, NULL, OPT_TRANSPORT }, IN(CALL) | IN(SERVE) },
	{ { "codec", 1, NULL, OPT_CODEC }, IN(CALL) | IN(SERVE) },
	{ { "fault", 1, NULL, OPT_FAULT }, EVERY },
	{ { "listen", 1, NULL, OPT_LISTEN }, IN(SERVE) },
	{ { "server-cert", 1, NULL, OPT_SERVER_CERT }, IN(SERVE) },
	{ { "server-key", 1, NULL, OPT_SERVER_KEY }, IN(SERVE) },
	{ { "stir-ca", 1, NULL, OPT_STIR_CA }, IN(SERVE) },
	{ { "ring", 1, NULL, OPT_RING }, IN(SERVE) },
	{ { "refuse", 1, NULL, OPT_REFUSE }, IN(SERVE) },
	{ { "calls", 1, NULL, OPT_CALLS }, IN(SERVE) },
	{ { "keepalive", 1, NULL, OPT_KEEPALIVE }, IN(SERVE) },
	{ { "early", 0, NULL, OPT_EARLY }, IN(SERVE) },
	{ { "json", 0, NULL, OPT_JSON }, EVERY },
	{ { "verbose", 0, NULL, 'v' }, EVERY },
	{ { "help", 0, NULL, 'h' }, EVERY },
};

#define TABLE_CNT (sizeof(table) / sizeof(table[0]))

static const char *const names[] = { "tgs", "handler", "call", "serve" };

/* ---- values ---- */

static int complain(const char *option, const char *text, const char *why)
{
	fprintf(stderr, "riptcall: %s %s: %s\n", option, text, why);
	return EINVAL;
}

static void set(char **textp, const char *text)
{
	free(*textp);
	*textp = xstrdup(text);
}

static int read_addr(struct addr *addr, const char *option, const char *text)
{
	if (addr_parse(addr, text) != 0 || !addr_port(addr))
		return complain(option, text, "write IP:PORT");
	return 0;
}

/* Seconds, with a fraction if need be, or a duration with a unit. */
static int read_time(uint64_t *msp, const char *option, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end != text && !*end && seconds >= 0 &&
	    seconds * 1000 <= (double)TIME_MAX_MS) {
		*msp = (uint64_t)(seconds * 1000);
		return 0;
	}
	if (duration_parse(msp, text) == 0 && *msp <= TIME_MAX_MS)
		return 0;
	return complain(option, text, "write seconds, as 2 or 0.5");
}

static int read_count(unsigned *out, const char *option, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || value > NOISE_MAX)
		return complain(option, text, "write a number up to 10000");
	*out = (unsigned)value;
	return 0;
}

static int read_token(struct options *o, const char *file)
{
	char line[4096];
	FILE *in = fopen(file, "r");
	size_t len;

	if (!in)
		return complain("--token-file", file, strerror(errno));
	if (!fgets(line, sizeof(line), in))
		line[0] = '\0';
	fclose(in);
	len = strcspn(line, " \t\r\n");
	line[len] = '\0';
	if (len == 0)
		return complain("--token-file", file, "there is no token");
	mem_wipe_text(&o->token);
	o->token = xstrdup(line);
	mem_wipe(line, sizeof(line));
	return 0;
}

static int read_digits(struct options *o, const char *text)
{
	char *at;

	if (strlen(text) > PHONE_DIGITS)
		return complain("--dtmf", text, "more than 64 digits");
	set(&o->dtmf, text);
	for (at = o->dtmf; *at; at++)
		if (*at >= 'a' && *at <= 'd')
			*at = (char)(*at - 'a' + 'A');
	if (o->dtmf[strspn(o->dtmf, "0123456789*#ABCD,")])
		return complain("--dtmf", text,
				"only 0-9, *, #, A-D are digits, and a "
				"comma waits");
	return 0;
}

static int read_codec(struct options *o, const char *text)
{
	enum codec codec = codec_by_name(text);

	if (codec != CODEC_PCMU && codec != CODEC_PCMA)
		return complain("--codec", text, "PCMU or PCMA");
	o->codecs = 1u << codec;
	return 0;
}

static int read_transport(struct options *o, const char *text)
{
	o->byway = strcmp(text, "byway") == 0;
	if (!o->byway && strcmp(text, "wt") != 0)
		return complain("--transport", text, "wt or byway");
	return 0;
}

static int read_refuse(struct options *o, const char *text)
{
	if (!refusal_find(text))
		return complain("--refuse", text, REFUSALS);
	set(&o->refuse, text);
	return 0;
}

/* ---- options ---- */

static int read_server_option(struct options *o, int option, const char *text)
{
	switch (option) {
	case OPT_LISTEN:
		return read_addr(&o->listen, "--listen", text);
	case OPT_SERVER_CERT:
		set(&o->server_cert, text);
		return 0;
	case OPT_SERVER_KEY:
		set(&o->server_key, text);
		return 0;
	case OPT_STIR_CA:
		set(&o->stir_ca, text);
		return 0;
	case OPT_RING:
		return read_time(&o->ring_ms, "--ring", text);
	case OPT_REFUSE:
		return read_refuse(o, text);
	case OPT_CALLS:
		return read_count(&o->calls, "--calls", text);
	case OPT_KEEPALIVE:
		return read_time(&o->keepalive_ms, "--keepalive", text);
	default:
		o->early = true;
		return 0;
	}
}

static int read_call_option(struct options *o, int option, const char *text)
{
	switch (option) {
	case OPT_PLAY:
		set(&o->play, text);
		return 0;
	case OPT_RECORD:
		set(&o->record, text);
		return 0;
	case OPT_DTMF:
		return read_digits(o, text);
	case OPT_SECONDS:
		o->has_seconds = true;
		return read_time(&o->seconds_ms, "--seconds", text);
	case OPT_CN:
		return read_count(&o->noise, "--cn", text);
	case OPT_TRANSPORT:
		return read_transport(o, text);
	case OPT_CODEC:
		return read_codec(o, text);
	case OPT_FAULT:
		set(&o->fault, text);
		return 0;
	default:
		return read_server_option(o, option, text);
	}
}

static int read_option(struct options *o, int option, const char *text)
{
	switch (option) {
	case OPT_AUTHORITY:
		set(&o->authority, text);
		return 0;
	case OPT_ADDRESS:
		return read_addr(&o->address, "--address", text);
	case OPT_CA:
		set(&o->ca, text);
		return 0;
	case OPT_TOKEN:
		return read_token(o, text);
	case OPT_TG:
		set(&o->tg, text);
		return 0;
	case OPT_KEY:
		set(&o->key, text);
		return 0;
	case OPT_CERT:
		set(&o->cert, text);
		return 0;
	case OPT_X5U:
		set(&o->x5u, text);
		return 0;
	case OPT_FROM:
		set(&o->from, text);
		return 0;
	case OPT_LIST:
		o->list = true;
		return 0;
	case OPT_DELETE:
		set(&o->delete_id, text);
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	default:
		return read_call_option(o, option, text);
	}
}

/* ---- what must be there ---- */

static int need(const struct options *o, const char *text, const char *what)
{
	if (text)
		return 0;
	fprintf(stderr, "riptcall %s: no %s; --lab LAB.json gives "
		"everything\n", names[o->command], what);
	return EINVAL;
}

static int complete(struct options *o)
{
	if (need(o, o->authority, "--authority HOST:PORT") ||
	    need(o, o->token, "--token-file FILE"))
		return EINVAL;
	if (o->command == COMMAND_CALL &&
	    (need(o, o->key, "--key FILE") ||
	     need(o, o->cert, "--cert FILE") || need(o, o->x5u, "--x5u URL")))
		return EINVAL;
	if (o->command == COMMAND_SERVE &&
	    (need(o, o->server_cert, "--server-cert FILE") ||
	     need(o, o->server_key, "--server-key FILE") ||
	     need(o, o->stir_ca, "--stir-ca FILE") || need(o, o->tg, "--tg URL")))
		return EINVAL;
	if (o->command == COMMAND_SERVE && !o->listen.len)
		o->listen = o->address;
	if (o->command == COMMAND_SERVE && !o->listen.len) {
		need(o, NULL, "--listen IP:PORT");
		return EINVAL;
	}
	if (!o->from)
		o->from = lab_caller(o);
	if (!o->codecs)
		o->codecs = 1u << CODEC_PCMU | 1u << CODEC_PCMA;
	return 0;
}

static int read_words(struct options *o, int argc, char **argv)
{
	if (o->command == COMMAND_CALL && optind < argc) {
		o->number = xstrdup(argv[optind++]);
		if (!number_is_destination(o->number))
			return complain("call", o->number,
					"write + and digits, or user@domain");
	}
	if (o->command == COMMAND_CALL && !o->number) {
		fprintf(stderr, "riptcall call: which NUMBER?\n");
		return EINVAL;
	}
	if (optind < argc)
		return complain(names[o->command], argv[optind],
				"not understood; riptcall --help");
	return 0;
}

static int read_all(struct options *o, int argc, char **argv)
{
	struct option known[TABLE_CNT + 1] = { 0 };
	const char *lab = NULL;
	unsigned i, n = 0;
	char *why = NULL;
	int c, err = 0;

	for (i = 0; i < TABLE_CNT; i++)
		if (table[i].commands & 1u << o->command)
			known[n++] = table[i].option;
	optind = 1;
	while (!err && (c = getopt_long(argc, argv, "hv", known, NULL)) != -1)
		switch (c) {
		case 'h':
			help_print(names[o->command]);
			return ECANCELED;
		case '?':
			return EINVAL;
		case OPT_LAB:
			lab = optarg;
			break;
		default:
			err = read_option(o, c, optarg);
		}
	if (!err)
		err = read_words(o, argc, argv);
	if (!err && lab && lab_options(o, lab, &why) != 0) {
		fprintf(stderr, "riptcall: %s\n", why);
		free(why);
		err = EINVAL;
	}
	if (!err && o->fault)
		err = fault_choose(o->fault, o->command == COMMAND_SERVE);
	return err ? err : complete(o);
}

int options_read(struct options *o, int argc, char **argv)
{
	unsigned i;

	memset(o, 0, sizeof(*o));
	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		help_print(argc > 2 ? argv[2] : NULL);
		return argc < 2 ? EINVAL : ECANCELED;
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(argv[1], names[i]) == 0) {
			o->command = (enum command)i;
			return read_all(o, argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "riptcall: %s is no command; tgs, handler, call or "
		"serve\n", argv[1]);
	return EINVAL;
}

void options_free(struct options *o)
{
	free(o->authority);
	free(o->ca);
	mem_wipe_text(&o->token);
	free(o->tg);
	free(o->key);
	free(o->cert);
	free(o->x5u);
	free(o->from);
	number_set_free(&o->numbers);
	number_set_free(&o->origins);
	mem_wipe_text(&o->other_token);
	free(o->other_tg);
	free(o->delete_id);
	free(o->number);
	free(o->play);
	free(o->record);
	free(o->dtmf);
	free(o->fault);
	free(o->server_cert);
	free(o->server_key);
	free(o->stir_ca);
	free(o->refuse);
	memset(o, 0, sizeof(*o));
}
