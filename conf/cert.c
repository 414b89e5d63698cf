/* SPDX-License-Identifier: MIT */
#include "conf/cert.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/tnauth.h"

static int64_t unix_s(const ASN1_TIME *at)
{
	struct tm tm;

	return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int cert_read(struct cert *cert, const char *file, char **why)
{
	FILE *in = fopen(file, "re");

	if (!in) {
		*why = xasprintf("%s: %m", file);
		return ENOENT;
	}
	cert->x509 = PEM_read_X509(in, NULL, NULL, NULL);
	fclose(in);
	ERR_clear_error();
	if (!cert->x509) {
		*why = xasprintf("%s: no PEM certificate in it", file);
		return EINVAL;
	}
	cert->from_s = unix_s(X509_get0_notBefore(cert->x509));
	cert->until_s = unix_s(X509_get0_notAfter(cert->x509));
	return 0;
}

void cert_free(struct cert *cert)
{
	X509_free(cert->x509);
	cert->x509 = NULL;
}

bool cert_names(const struct cert *cert, const char *authority)
{
	const char *end = *authority == '[' ? strchr(authority, ']')
					    : strchr(authority, ':');
	char *host;
	bool named;

	if (*authority == '[')
		authority++;
	host = xstrndup(authority, end ? (size_t)(end - authority)
				       : strlen(authority));
	named = X509_check_host(cert->x509, host, 0, 0, NULL) == 1 ||
		X509_check_ip_asc(cert->x509, host, 0) == 1;
	ERR_clear_error();
	free(host);
	return named;
}

bool cert_has_key(const struct cert *cert, const char *key_file)
{
	FILE *in = fopen(key_file, "re");
	EVP_PKEY *key = NULL;
	bool belongs;

	if (!in)
		return false;
	/* A passphrase of "" keeps OpenSSL from asking the terminal. */
	key = PEM_read_PrivateKey(in, NULL, NULL, (void *)"");
	fclose(in);
	belongs = key && X509_check_private_key(cert->x509, key) == 1;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return belongs;
}

bool cert_vouches(const struct cert *cert, const char *number)
{
	const char *at = strchr(number, '@');
	struct tnauth *auth = NULL;
	bool covers;

	if (at)
		return X509_check_host(cert->x509, at + 1, 0,
				       X509_CHECK_FLAG_NO_WILDCARDS |
					       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
				       NULL) == 1;
	covers = tnauth_of_cert(&auth, cert->x509) == 0 &&
		 tnauth_covers(auth, number);
	tnauth_free(&auth);
	return covers;
}
