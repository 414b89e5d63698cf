/* SPDX-License-Identifier: MIT */
/*
 * riptcall/options.h - the command line, and what a lab.json gives at once.
 *
 * Owner:  main(); options_free().
 * Loop:   none.
 */
#ifndef RIPTIDE_RIPTCALL_OPTIONS_H
#define RIPTIDE_RIPTCALL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/number.h"
#include "base/text.h"

enum command { COMMAND_TGS, COMMAND_HANDLER, COMMAND_CALL, COMMAND_SERVE };

struct options {
	enum command command;

	/* the provider; texts are malloc'ed */
	char *authority;
	struct addr address;		/* len 0: by DNS */
	char *ca, *token, *tg;
	char *key, *cert, *x5u;		/* of the caller's number */
	char *from;			/* NULL: the first of origins */
	struct number_set numbers, origins;
	char *other_token, *other_tg;

	/* handler */
	bool list;
	char *delete_id;

	/* call, serve */
	char *number;
	char *play, *record, *dtmf;
	uint64_t seconds_ms;		/* 0: until all is played */
	bool has_seconds;
	unsigned noise;
	bool byway;			/* no WebTransport */
	uint32_t codecs;		/* of speech, 1u << enum codec */
	char *fault;

	/* serve */
	struct addr listen;
	char *server_cert, *server_key, *stir_ca;
	uint64_t ring_ms;
	char *refuse;
	unsigned calls;			/* then it ends; 0: never */
	uint64_t keepalive_ms;
	bool early;			/* play while it rings */

	bool json;
	unsigned verbose;
};

/* Returns 0; ECANCELED: help was printed; EINVAL: told on stderr. */
int options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
