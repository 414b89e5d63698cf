/* SPDX-License-Identifier: MIT */
/*
 * base/tnauth.h - TNAuthList: the telephone numbers that a certificate
 * vouches for (RFC 8226, extension 1.3.6.1.5.5.7.1.26).
 *
 *   TNAuthorizationList ::= SEQUENCE OF CHOICE {
 *           spc   [0] IA5String,                -- names a provider, no number
 *           range [1] SEQUENCE { start IA5String, count INTEGER },
 *           one   [2] IA5String }               -- explicit tags
 *
 * Owner:  tnauth_free() by whoever made it.
 * Loop:   any; read-only once made.
 */
#ifndef RIPTIDE_BASE_TNAUTH_H
#define RIPTIDE_BASE_TNAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct tnauth;
struct x509_st;			/* OpenSSL's X509 */

#define TNAUTH_OID "1.3.6.1.5.5.7.1.26"
#define TNAUTH_MAX_ENTRIES 10000

/* An empty list. */
struct tnauth *tnauth_new(void);
/* NULL is fine. */
void tnauth_free(struct tnauth **authp);

/* From DER.  Returns 0 or EINVAL. */
int tnauth_parse(struct tnauth **authp, const uint8_t *der, size_t len);
/* The extension of @cert.  Returns 0; ENOENT: it has none; EINVAL: malformed,
 * or there twice. */
int tnauth_of_cert(struct tnauth **authp, const struct x509_st *cert);

/*
 * Add what a pattern of base/number.h can match: "+14085551000", "+1408*",
 * "*".  A prefix becomes a range for each possible length; below "+1" all
 * numbers have eleven digits.  Returns 0; EINVAL: not a pattern of E.164.
 */
int tnauth_add_pattern(struct tnauth *auth, const char *pattern);

/* As DER, malloc'ed. */
void tnauth_encode(const struct tnauth *auth, uint8_t **derp, size_t *lenp);

/* Whether @number ("+digits") is in it; provider codes cover nothing. */
bool tnauth_covers(const struct tnauth *auth, const char *number);
/* Whether it names any number at all, or provider codes alone. */
bool tnauth_has_numbers(const struct tnauth *auth);

/* "+14085550000 to +14085559999, +14155551212", at most as long as @out. */
void tnauth_print(struct buf *out, const struct tnauth *auth);

#endif
