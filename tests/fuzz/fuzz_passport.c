/* SPDX-License-Identifier: MIT */
/*
 * What a peer sends as a PASSporT.  The first octet chooses: 'J' a whole JWS,
 * 'H' a header, 'C' claims, 'T' a TNAuthList in DER, 'P' a certificate in PEM.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tnauth.h"
#include "conf/pki.h"
#include "ript/claims.h"
#include "ript/passport.h"

#define X5U "https://gw.example/.well-known/ript/v1/certs/good.pem"
#define CALLED "+14089529999"
#define NOW_S UINT64_C(1600000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One chain that is known under X5U. */
static struct passport_trust *make_trust(void)
{
	struct pki_request request = { .name = "fuzz",
				       .from_s = (int64_t)NOW_S - 1000,
				       .until_s = (int64_t)NOW_S + 1000 };
	char file[] = "/tmp/riptide-fuzz.XXXXXX", *pem, *why = NULL;
	struct passport_trust *trust = NULL;
	EVP_PKEY *key = pki_key(NULL);
	X509 *cert = pki_issue(&request, key, NULL, NULL);
	int fd = mkstemp(file);

	if (!cert || fd < 0)
		abort();
	pem = pki_cert_pem(cert);
	if (write(fd, pem, strlen(pem)) != (ssize_t)strlen(pem) ||
	    passport_trust_new(&trust, file, &why) != 0 ||
	    passport_trust_add(trust, X5U, file, &why) != 0)
		abort();
	close(fd);
	unlink(file);
	free(pem);
	X509_free(cert);
	EVP_PKEY_free(key);
	return trust;
}

static void try_jws(const char *text)
{
	static struct passport_trust *trust;
	struct passport_claims claims;
	const char *reason = NULL;

	if (!trust)
		trust = make_trust();
	/* Nobody can sign with that key, so none may be good. */
	if (passport_verify(&claims, trust, text, CALLED, NOW_S * 1000,
			    &reason) == 0 || !reason)
		abort();
}

static void try_claims(const uint8_t *data, size_t len)
{
	struct claims_head head = { .shaken = len && (data[len - 1] & 1) };
	struct passport_claims claims;
	const char *reason = NULL;

	if (claims_parse(&claims, &head, data, len, CALLED, NOW_S,
			 &reason) != 0) {
		if (!reason)
			abort();
	} else if (!number_is_destination(claims.orig) ||
		   strcmp(claims.dest, CALLED) != 0) {
		abort();
	}
}

static void try_tnauth(const uint8_t *data, size_t len)
{
	struct tnauth *auth = NULL, *again = NULL;
	uint8_t *der;
	size_t der_len;

	if (tnauth_parse(&auth, data, len) != 0)
		return;
	tnauth_encode(auth, &der, &der_len);
	if (tnauth_parse(&again, der, der_len) != 0 ||
	    tnauth_covers(auth, CALLED) != tnauth_covers(again, CALLED))
		abort();
	free(der);
	tnauth_free(&auth);
	tnauth_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct claims_head head;
	const char *reason;
	char *text;

	if (!len)
		return 0;
	text = xstrndup((const char *)data + 1, len - 1);
	switch (data[0]) {
	case 'J':
		try_jws(text);
		break;
	case 'H':
		claims_parse_head(&head, data + 1, len - 1, &reason);
		break;
	case 'C':
		try_claims(data + 1, len - 1);
		break;
	case 'T':
		try_tnauth(data + 1, len - 1);
		break;
	case 'P':
		tnauthlist_covers_pem(text, CALLED);
		break;
	default:
		break;
	}
	free(text);
	return 0;
}
