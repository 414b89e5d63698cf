/* SPDX-License-Identifier: MIT */
/*
 * conf/lab.h - a complete lab in a folder: `riptide init --lab`.
 *
 *   DIR/riptide.yaml          the configuration, to be read and changed
 *       lab.json              the same facts for scripts; holds tokens
 *       tls/{ca,server}.pem .key
 *       stir/{ca,cert}.pem, ca.key, key.pem
 *       secrets/NAME.token
 *
 * Nothing that exists is overwritten; a provider is added to riptide.yaml as
 * text, so that what a person changed there stays.
 *
 * Owner:  lab_free() by the command.
 * Loop:   none; it is a program run.
 */
#ifndef RIPTIDE_CONF_LAB_H
#define RIPTIDE_CONF_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/number.h"
#include "base/text.h"

struct buf;

/* What lab.json says; texts are malloc'ed. */
struct lab {
	char *dir;			/* absolute */
	char *authority;
	struct addr listen;		/* UDP of RIPT */
	struct addr sip, sip_peer;
	struct number_set numbers;	/* of the SIP peer */
	struct number_set origins;	/* of the customers */
	uint16_t rtp_first, rtp_last;
	struct addr metrics;
	char *ca;
	char *token, *tg;		/* of the first customer */
	char *other_token, *other_tg;
	char *stir_key, *stir_cert, *stir_x5u;
};

void lab_free(struct lab *lab);

/*
 * Write the lab @lab, of which dir, authority, listen, sip, sip_peer,
 * numbers and origins are given and the rest is made here.  rtp_first 0:
 * derived from the ports, as the metrics port is.
 * Returns 0; EEXIST: something is there; EINVAL; errno.  *@why (malloc'ed)
 * says what.
 */
int lab_make(struct lab *lab, char **why);

/* Read @file, a lab.json.  Returns 0, ENOENT, EINVAL. */
int lab_read(struct lab *lab, const char *file, char **why);

/*
 * Make the lab in @dir a customer of @provider: a peer with its token,
 * address and signing key, and a route for calls of the SIP peer.
 * *@name (malloc'ed) is the peer's.  Returns 0; EEXIST: it is one already;
 * EINVAL: riptide.yaml was changed so far that there is no place for it.
 */
int lab_add_provider(const char *dir, const struct lab *provider, char **name,
		     char **why);

/* A new file of @mode; one that exists stays as it is.  0 or errno. */
int lab_write_file(const char *path, const char *text, unsigned mode,
		   char **why);
/* Whether the daemon would take @yaml as DIR/riptide.yaml; @files: with the
 * files that it names.  0 or EINVAL. */
int lab_check_yaml(const char *dir, const char *yaml, bool files, char **why);

/* ---- lab_text.c ---- */

/* riptide.yaml and lab.json of @lab. */
void lab_print_yaml(struct buf *out, const struct lab *lab,
		    const char *token_hash, const char *other_hash);
void lab_print_json(struct buf *out, const struct lab *lab);
/* The peer and the route that a customer of @provider gets. */
void lab_print_peer(struct buf *out, const struct lab *provider,
		    const char *name);
void lab_print_route(struct buf *out, const struct lab *provider,
		     const char *name, bool first);
/* `["+1408*", "+1415*"]` */
void lab_print_patterns(struct buf *out, const struct number_set *set);

#endif
