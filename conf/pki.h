/* SPDX-License-Identifier: MIT */
/*
 * conf/pki.h - making keys and certificates: for a lab, and for tests that
 * need wrong ones.
 *
 * Owner:  the caller frees keys and certificates with OpenSSL's functions.
 * Loop:   none; it takes milliseconds.
 */
#ifndef RIPTIDE_CONF_PKI_H
#define RIPTIDE_CONF_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;		/* OpenSSL's EVP_PKEY, X509 */
struct tnauth;
struct x509_st;

struct pki_request {
	const char *name;		/* common name */
	bool ca;
	bool server;			/* extended key usage serverAuth */
	const char *alt_names;		/* "DNS:a.example,IP:127.0.0.1"; NULL */
	const struct tnauth *tnauth;	/* NULL: no TNAuthList */
	bool tnauth_critical;
	const char *key_usage;		/* NULL: what fits */
	int64_t from_s, until_s;	/* Unix time */
};

/* A key on P-256, or on another @curve.  Never NULL. */
struct evp_pkey_st *pki_key(const char *curve);

/* A certificate for the public half of @key, signed by @issuer with
 * @issuer_key; @issuer NULL: by itself.  NULL: a field of @request is
 * unacceptable to OpenSSL. */
struct x509_st *pki_issue(const struct pki_request *request,
			  struct evp_pkey_st *key,
			  const struct x509_st *issuer,
			  struct evp_pkey_st *issuer_key);

/* As PEM, malloc'ed. */
char *pki_cert_pem(struct x509_st *cert);
char *pki_key_pem(struct evp_pkey_st *key);

#endif
