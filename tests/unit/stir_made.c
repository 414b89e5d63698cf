/* SPDX-License-Identifier: MIT */
#include "tests/unit/stir_made.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/tnauth.h"
#include "conf/pki.h"
#include "tests/unit/unit.h"

#define DAY_S 86400

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

void stir_make(struct stir *stir)
{
	int64_t now = (int64_t)time(NULL);
	struct tnauth *auth = tnauth_new();
	struct pki_request root = { .name = "Test root", .ca = true,
				    .from_s = now - DAY_S,
				    .until_s = now + DAY_S };
	struct pki_request leaf = { .name = "SHAKEN test", .tnauth = auth,
				    .from_s = now - DAY_S,
				    .until_s = now + DAY_S };
	EVP_PKEY *ca_key = pki_key(NULL), *key = pki_key(NULL);
	X509 *ca, *cert;
	char *text, *why = NULL;

	memset(stir, 0, sizeof(*stir));
	snprintf(stir->dir, sizeof(stir->dir), "/tmp/riptide-stir.XXXXXX");
	assert_non_null(mkdtemp(stir->dir));
	snprintf(stir->ca, sizeof(stir->ca), "%s/ca.pem", stir->dir);
	snprintf(stir->cert, sizeof(stir->cert), "%s/stir.pem", stir->dir);
	snprintf(stir->key, sizeof(stir->key), "%s/stir.key", stir->dir);
	tnauth_add_pattern(auth, "+1408555*");
	ca = pki_issue(&root, ca_key, NULL, NULL);
	cert = pki_issue(&leaf, key, ca, ca_key);
	text = pki_cert_pem(ca);
	put(stir->ca, text, 0644);
	free(text);
	stir->pem = pki_cert_pem(cert);
	put(stir->cert, stir->pem, 0644);
	text = pki_key_pem(key);
	put(stir->key, text, 0600);
	free(text);
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	tnauth_free(&auth);
	if (passport_signer_new(&stir->signer, stir->key, stir->cert,
				STIR_X5U, &why) != 0 ||
	    passport_trust_new(&stir->trust, stir->ca, &why) != 0 ||
	    passport_trust_add(stir->trust, STIR_X5U, stir->cert, &why) != 0)
		fail_msg("%s", why);
}

void stir_remove(struct stir *stir)
{
	passport_signer_free(&stir->signer);
	passport_trust_free(&stir->trust);
	unlink(stir->ca);
	unlink(stir->cert);
	unlink(stir->key);
	rmdir(stir->dir);
	free(stir->pem);
}
