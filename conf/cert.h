/* SPDX-License-Identifier: MIT */
/*
 * conf/cert.h - looking at certificates that a configuration names, for
 * people.
 *
 * Owner:  cert_free() by the caller.
 * Loop:   none; it is a program run.
 */
#ifndef RIPTIDE_CONF_CERT_H
#define RIPTIDE_CONF_CERT_H

#include <stdbool.h>
#include <stdint.h>

struct cert {
	struct x509_st *x509;		/* the first of the file */
	int64_t from_s, until_s;	/* Unix time */
};

/* Returns 0; ENOENT, EINVAL with *@why (malloc'ed). */
int cert_read(struct cert *cert, const char *file, char **why);
void cert_free(struct cert *cert);

/* Whether it is for the host of @authority ("host[:port]"). */
bool cert_names(const struct cert *cert, const char *authority);
/* Whether the PEM key in @key_file belongs to it. */
bool cert_has_key(const struct cert *cert, const char *key_file);
/* Whether its TNAuthList, or its domain, vouches for @number. */
bool cert_vouches(const struct cert *cert, const char *number);

#endif
