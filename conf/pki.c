/* SPDX-License-Identifier: MIT */
#include "conf/pki.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tnauth.h"

EVP_PKEY *pki_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve ? curve : "P-256");

	if (!key)
		abort();
	return key;
}

static bool add_text_extension(X509 *cert, X509V3_CTX *ctx, int nid,
			       const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool good = ext && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return good;
}

static bool add_tnauth(X509 *cert, const struct tnauth *auth, bool critical)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(TNAUTH_OID, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	uint8_t *der;
	size_t len;
	bool good;

	tnauth_encode(auth, &der, &len);
	if (!oid || !value || !ASN1_OCTET_STRING_set(value, der, (int)len))
		abort();
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, value);
	good = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	free(der);
	return good;
}

static bool add_extensions(X509 *cert, const struct pki_request *request,
			   const X509 *issuer)
{
	const char *usage = request->key_usage;
	X509V3_CTX ctx;

	if (!usage)
		usage = request->ca ? "critical,keyCertSign,cRLSign"
				    : "critical,digitalSignature";
	X509V3_set_ctx(&ctx, (X509 *)(issuer ? issuer : cert), cert, NULL,
		       NULL, 0);
	return add_text_extension(cert, &ctx, NID_basic_constraints,
				  request->ca ? "critical,CA:TRUE"
					      : "critical,CA:FALSE") &&
	       add_text_extension(cert, &ctx, NID_key_usage, usage) &&
	       add_text_extension(cert, &ctx, NID_subject_key_identifier,
				  "hash") &&
	       add_text_extension(cert, &ctx, NID_authority_key_identifier,
				  "keyid:always") &&
	       (!request->server ||
		add_text_extension(cert, &ctx, NID_ext_key_usage,
				   "serverAuth")) &&
	       (!request->alt_names ||
		add_text_extension(cert, &ctx, NID_subject_alt_name,
				   request->alt_names)) &&
	       (!request->tnauth || add_tnauth(cert, request->tnauth,
					       request->tnauth_critical));
}

static bool set_fields(X509 *cert, const struct pki_request *request,
		       EVP_PKEY *key, const X509 *issuer)
{
	BIGNUM *serial = BN_new();
	X509_NAME *name = X509_get_subject_name(cert);
	bool good;

	/* 127 random bits; the top one set, so that none is zero. */
	good = serial && BN_rand(serial, 127, BN_RAND_TOP_ONE, 0) == 1 &&
	       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) &&
	       X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(cert),
			     (time_t)request->from_s) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert),
			     (time_t)request->until_s) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const uint8_t *)request->name, -1,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(cert,
				    issuer ? X509_get_subject_name(issuer)
					   : name) == 1 &&
	       X509_set_pubkey(cert, key) == 1;
	BN_free(serial);
	return good;
}

X509 *pki_issue(const struct pki_request *request, EVP_PKEY *key,
		const X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *cert = X509_new();

	if (!cert)
		abort();
	if (!set_fields(cert, request, key, issuer) ||
	    !add_extensions(cert, request, issuer) ||
	    !X509_sign(cert, issuer ? issuer_key : key, EVP_sha256())) {
		ERR_clear_error();
		X509_free(cert);
		cert = NULL;
	}
	return cert;
}

/* The text that was written to @bio, which is freed. */
static char *bio_text(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	text = xstrndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

char *pki_cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_X509(bio, cert) != 1)
		abort();
	return bio_text(bio);
}

char *pki_key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0,
						  NULL, NULL) != 1)
		abort();
	return bio_text(bio);
}
