/* SPDX-License-Identifier: MIT */
#include "ript/passport.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tnauth.h"
#include "ript/claims.h"

#define JWS_LEN 8192		/* characters of a compact JWS */
#define SIGNATURE_LEN 64	/* r and s of P-256 */
#define CHAIN_MAX 10

static const char curve[] = "prime256v1";	/* secp256r1, P-256 */

/* ---- certificates ---- */

/* What one certificate vouches for. */
struct voucher {
	X509 *cert;
	struct tnauth *auth;	/* NULL: names no numbers */
};

static bool is_p256(EVP_PKEY *key)
{
	char name[64];

	return key && EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, curve) == 0;
}

/* Whether @cert vouches for @number, or for the domain of an address. */
static bool voucher_covers(const struct voucher *voucher, const char *number)
{
	const char *at = strchr(number, '@');

	if (!at)
		return voucher->auth && tnauth_covers(voucher->auth, number);
	return X509_check_host(voucher->cert, at + 1, 0,
			       X509_CHECK_FLAG_NO_WILDCARDS |
				       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
			       NULL) == 1;
}

static void chain_free(STACK_OF(X509) **chain)
{
	sk_X509_pop_free(*chain, X509_free);
	*chain = NULL;
}

/* All certificates of a PEM file, the leaf first.  0, ENOENT, EINVAL. */
static int read_chain(STACK_OF(X509) **chainp, const char *file, char **why)
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert;
	FILE *in = fopen(file, "re");

	if (!in) {
		*why = xasprintf("%s: %m", file);
		return ENOENT;
	}
	chain = sk_X509_new_null();
	if (!chain)
		abort();
	while (sk_X509_num(chain) < CHAIN_MAX &&
	       (cert = PEM_read_X509(in, NULL, NULL, NULL)) != NULL)
		if (!sk_X509_push(chain, cert))
			abort();
	fclose(in);
	ERR_clear_error();
	if (!sk_X509_num(chain)) {
		*why = xasprintf("%s: no PEM certificate in it", file);
		chain_free(&chain);
		return EINVAL;
	}
	*chainp = chain;
	return 0;
}

static int64_t unix_s(const ASN1_TIME *at)
{
	struct tm tm;

	return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

/* The time in which every certificate of @chain is valid. */
struct window {
	int64_t from_s, until_s;
};

static void window_narrow(struct window *window, const X509 *cert)
{
	int64_t from = unix_s(X509_get0_notBefore(cert));
	int64_t until = unix_s(X509_get0_notAfter(cert));

	if (from > window->from_s)
		window->from_s = from;
	if (until < window->until_s)
		window->until_s = until;
}

static bool window_holds(const struct window *window, uint64_t now_ms)
{
	int64_t now = (int64_t)(now_ms / 1000);

	return now >= window->from_s && now <= window->until_s;
}

/* ---- signing ---- */

struct passport_signer {
	EVP_PKEY *key;
	struct voucher voucher;
	struct window window;
	char *head;		/* base64url of the header */
};

static int read_key(EVP_PKEY **keyp, const char *file, char **why)
{
	struct stat st;
	FILE *in = fopen(file, "re");

	if (!in) {
		*why = xasprintf("%s: %m", file);
		return ENOENT;
	}
	if (fstat(fileno(in), &st) != 0 || (st.st_mode & 077)) {
		*why = xasprintf("%s: others can read this key; chmod 600 %s",
				 file, file);
		fclose(in);
		return EACCES;
	}
	/* A passphrase of "" keeps OpenSSL from asking the terminal. */
	*keyp = PEM_read_PrivateKey(in, NULL, NULL, (void *)"");
	fclose(in);
	ERR_clear_error();
	if (is_p256(*keyp))
		return 0;
	*why = xasprintf("%s: no PEM key on the curve P-256 in it", file);
	EVP_PKEY_free(*keyp);
	*keyp = NULL;
	return EINVAL;
}

/* The leaf of @cert_file becomes what @signer vouches with. */
static int signer_certificate(struct passport_signer *signer,
			      const char *cert_file, char **why)
{
	STACK_OF(X509) *chain = NULL;
	int err;

	err = read_chain(&chain, cert_file, why);
	if (err)
		return err;
	signer->voucher.cert = sk_X509_shift(chain);
	chain_free(&chain);
	window_narrow(&signer->window, signer->voucher.cert);
	if (X509_check_private_key(signer->voucher.cert, signer->key) != 1) {
		ERR_clear_error();
		*why = xasprintf("%s: not the certificate of that key",
				 cert_file);
		return EINVAL;
	}
	err = tnauth_of_cert(&signer->voucher.auth, signer->voucher.cert);
	if (err == EINVAL) {
		*why = xasprintf("%s: its TNAuthList is malformed", cert_file);
		return EINVAL;
	}
	return 0;
}

int passport_signer_new(struct passport_signer **signerp,
			const char *key_file, const char *cert_file,
			const char *x5u, char **why)
{
	struct passport_signer *signer = xzalloc(sizeof(*signer));
	char *head;
	int err;

	*why = NULL;
	signer->window.until_s = INT64_MAX;
	err = read_key(&signer->key, key_file, why);
	if (err)
		goto out;
	err = signer_certificate(signer, cert_file, why);
	if (err)
		goto out;
	head = claims_print_head(x5u);
	signer->head = base64url_encode(head, strlen(head));
	free(head);
	*signerp = signer;
	signer = NULL;
out:
	passport_signer_free(&signer);
	return err;
}

void passport_signer_free(struct passport_signer **signerp)
{
	struct passport_signer *signer = *signerp;

	if (!signer)
		return;
	*signerp = NULL;
	EVP_PKEY_free(signer->key);
	X509_free(signer->voucher.cert);
	tnauth_free(&signer->voucher.auth);
	free(signer->head);
	free(signer);
}

bool passport_signer_covers(const struct passport_signer *signer,
			    const char *number)
{
	return voucher_covers(&signer->voucher, number);
}

/* ECDSA-Sig-Value to r and s, 32 octets each (RFC 7518, 3.4). */
static int raw_signature(uint8_t out[SIGNATURE_LEN], const uint8_t *der,
			 size_t len)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	int err = EINVAL;

	if (sig &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, SIGNATURE_LEN / 2) > 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + SIGNATURE_LEN / 2,
			 SIGNATURE_LEN / 2) > 0)
		err = 0;
	ECDSA_SIG_free(sig);
	return err;
}

static int sign_text(uint8_t out[SIGNATURE_LEN], EVP_PKEY *key,
		     const char *text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	size_t len = sizeof(der);
	int err = EINVAL;

	if (!ctx)
		abort();
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, der, &len, (const uint8_t *)text,
			   strlen(text)) == 1)
		err = raw_signature(out, der, len);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int passport_sign(char **jwsp, const struct passport_signer *signer,
		  const char *orig, const char *dest, uint64_t now_ms)
{
	uint8_t raw[SIGNATURE_LEN];
	char *claims, *body, *text, *signature;
	int err;

	if (!voucher_covers(&signer->voucher, orig))
		return EACCES;
	if (!window_holds(&signer->window, now_ms))
		return EKEYEXPIRED;
	claims = claims_print(orig, dest, now_ms / 1000);
	body = base64url_encode(claims, strlen(claims));
	text = xasprintf("%s.%s", signer->head, body);
	err = sign_text(raw, signer->key, text);
	if (!err) {
		signature = base64url_encode(raw, sizeof(raw));
		*jwsp = xasprintf("%s.%s", text, signature);
		free(signature);
	}
	free(text);
	free(body);
	free(claims);
	return err;
}

/* ---- trust ---- */

/* A certificate chain that an x5u names, judged once: only the dates and the
 * numbers are left to look at for a call. */
struct known {
	struct le le;
	char *x5u;
	EVP_PKEY *key;			/* of the leaf */
	const char *reason;		/* why it is never good; NULL */
	struct window window;
	struct voucher voucher[CHAIN_MAX];	/* leaf to root */
	unsigned voucher_cnt;
};

struct passport_trust {
	X509_STORE *store;
	struct list known;
};

int passport_trust_new(struct passport_trust **trustp, const char *ca_file,
		       char **why)
{
	struct passport_trust *trust = xzalloc(sizeof(*trust));

	*why = NULL;
	trust->store = X509_STORE_new();
	if (!trust->store)
		abort();
	if (X509_STORE_load_file(trust->store, ca_file) != 1) {
		ERR_clear_error();
		*why = xasprintf("%s: no PEM certificates can be read from it",
				 ca_file);
		passport_trust_free(&trust);
		return EINVAL;
	}
	*trustp = trust;
	return 0;
}

static void known_free(struct known *known)
{
	unsigned i;

	for (i = 0; i < known->voucher_cnt; i++) {
		X509_free(known->voucher[i].cert);
		tnauth_free(&known->voucher[i].auth);
	}
	EVP_PKEY_free(known->key);
	free(known->x5u);
	free(known);
}

void passport_trust_free(struct passport_trust **trustp)
{
	struct passport_trust *trust = *trustp;
	struct le *le;

	if (!trust)
		return;
	*trustp = NULL;
	while ((le = list_pop(&trust->known)))
		known_free(list_entry(le, struct known, le));
	X509_STORE_free(trust->store);
	free(trust);
}

/* Whether every critical extension of @cert is OpenSSL's or TNAuthList, which
 * we handle. */
static bool critical_known(X509 *cert)
{
	int i, n = X509_get_ext_count(cert);
	char oid[64];

	for (i = 0; i < n; i++) {
		X509_EXTENSION *ext = X509_get_ext(cert, i);

		if (!X509_EXTENSION_get_critical(ext) ||
		    X509_supported_extension(ext))
			continue;
		OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext),
			    1);
		if (strcmp(oid, TNAUTH_OID) != 0)
			return false;
	}
	return true;
}

static int on_verify(int good, X509_STORE_CTX *ctx)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);

	if (!good && cert &&
	    X509_STORE_CTX_get_error(ctx) ==
		    X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION &&
	    critical_known(cert)) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return good;
}

/* Keep what the verified @chain says; a malformed TNAuthList spoils it. */
static int take_chain(struct known *known, STACK_OF(X509) *chain)
{
	int i, n = sk_X509_num(chain);

	if (n > CHAIN_MAX)
		return EINVAL;
	for (i = 0; i < n; i++) {
		struct voucher *v = &known->voucher[known->voucher_cnt++];

		v->cert = sk_X509_value(chain, i);
		X509_up_ref(v->cert);
		window_narrow(&known->window, v->cert);
		if (tnauth_of_cert(&v->auth, v->cert) == EINVAL)
			return EINVAL;
	}
	return 0;
}

/* Whether @chain, leaf first, leads to a root of @trust.  Dates are looked at
 * for each call. */
static int verify_chain(struct known *known, struct passport_trust *trust,
			STACK_OF(X509) *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(chain, 0);
	int err = EINVAL;

	if (!ctx || X509_STORE_CTX_init(ctx, trust->store, leaf, chain) != 1)
		abort();
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_depth(ctx, CHAIN_MAX - 1);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	if (X509_verify_cert(ctx) == 1 && X509_check_ca(leaf) != 1 &&
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		err = take_chain(known, X509_STORE_CTX_get0_chain(ctx));
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int passport_trust_add(struct passport_trust *trust, const char *x5u,
		       const char *cert_file, char **why)
{
	STACK_OF(X509) *chain = NULL;
	struct known *known;
	int err;

	*why = NULL;
	err = read_chain(&chain, cert_file, why);
	if (err)
		return err;
	known = xzalloc(sizeof(*known));
	known->x5u = xstrdup(x5u);
	known->window.until_s = INT64_MAX;
	known->key = X509_get_pubkey(sk_X509_value(chain, 0));
	if (!is_p256(known->key))
		known->reason = "passport-algorithm";
	else if (verify_chain(known, trust, chain) != 0)
		known->reason = "passport-chain";
	ERR_clear_error();
	list_append(&trust->known, &known->le);
	chain_free(&chain);
	return 0;
}

static const struct known *find_known(const struct passport_trust *trust,
				      const char *x5u)
{
	const struct le *le;

	for (le = trust->known.head; le; le = le->next) {
		const struct known *known = list_entry(le, struct known, le);

		if (strcmp(known->x5u, x5u) == 0)
			return known;
	}
	return NULL;
}

/* The leaf vouches for @number, and nobody above it names other numbers
 * alone. */
static bool known_covers(const struct known *known, const char *number)
{
	unsigned i;

	for (i = 0; i < known->voucher_cnt; i++) {
		const struct voucher *v = &known->voucher[i];

		if (i == 0 || (v->auth && tnauth_has_numbers(v->auth) &&
			       *number == '+'))
			if (!voucher_covers(v, number))
				return false;
	}
	return known->voucher_cnt > 0;
}

/* ---- verifying ---- */

struct jws {
	const char *text;		/* header, dot, claims */
	size_t text_len;
	uint8_t *head, *body, *signature;
	size_t head_len, body_len, signature_len;
};

static int jws_split(struct jws *jws, const char *text)
{
	const char *dot, *last;
	size_t len = strnlen(text, JWS_LEN + 1);

	memset(jws, 0, sizeof(*jws));
	if (len > JWS_LEN)
		return EMSGSIZE;
	dot = strchr(text, '.');
	last = dot ? strchr(dot + 1, '.') : NULL;
	if (!last || strchr(last + 1, '.'))
		return EINVAL;
	jws->text = text;
	jws->text_len = (size_t)(last - text);
	if (base64url_decode(&jws->head, &jws->head_len, text,
			     (size_t)(dot - text)) != 0 ||
	    base64url_decode(&jws->body, &jws->body_len, dot + 1,
			     (size_t)(last - dot) - 1) != 0 ||
	    base64url_decode(&jws->signature, &jws->signature_len, last + 1,
			     strlen(last + 1)) != 0)
		return EINVAL;
	return 0;
}

static void jws_free(struct jws *jws)
{
	free(jws->head);
	free(jws->body);
	free(jws->signature);
}

/* r and s as the DER that OpenSSL wants; malloc'ed by it, length or -1. */
static int der_signature(uint8_t **derp, const uint8_t *raw)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, SIGNATURE_LEN / 2, NULL);
	BIGNUM *s = BN_bin2bn(raw + SIGNATURE_LEN / 2, SIGNATURE_LEN / 2,
			      NULL);
	int len;

	if (!sig || !r || !s)
		abort();
	ECDSA_SIG_set0(sig, r, s);
	len = i2d_ECDSA_SIG(sig, derp);
	ECDSA_SIG_free(sig);
	return len;
}

static bool signature_good(const struct jws *jws, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx;
	uint8_t *der = NULL;
	bool good = false;
	int len;

	if (jws->signature_len != SIGNATURE_LEN)
		return false;
	len = der_signature(&der, jws->signature);
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		abort();
	if (len > 0 &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1)
		good = EVP_DigestVerify(ctx, der, (size_t)len,
					(const uint8_t *)jws->text,
					jws->text_len) == 1;
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

/* Everything behind the form of the JWS; NULL: it is good. */
static const char *judge(struct passport_claims *claims,
			 const struct passport_trust *trust,
			 const struct jws *jws, const char *destination,
			 uint64_t now_ms)
{
	const struct known *known;
	struct claims_head head;
	const char *reason = NULL;

	if (claims_parse_head(&head, jws->head, jws->head_len, &reason) != 0)
		return reason;
	known = find_known(trust, head.x5u);
	if (!known)
		return "passport-x5u";
	if (known->reason)
		return known->reason;
	if (!window_holds(&known->window, now_ms))
		return "passport-chain";
	if (!signature_good(jws, known->key))
		return "passport-signature";
	if (claims_parse(claims, &head, jws->body, jws->body_len, destination,
			 now_ms / 1000, &reason) != 0)
		return reason;
	if (!known_covers(known, claims->orig))
		return "passport-orig-not-covered";
	return NULL;
}

int passport_verify(struct passport_claims *claims,
		    const struct passport_trust *trust, const char *jws_text,
		    const char *destination, uint64_t now_ms,
		    const char **reason)
{
	struct passport_claims found;
	struct jws jws;
	const char *why = "passport-unparsable";

	if (jws_split(&jws, jws_text) == 0)
		why = judge(&found, trust, &jws, destination, now_ms);
	jws_free(&jws);
	if (why) {
		*reason = why;
		return EACCES;
	}
	*claims = found;
	return 0;
}

bool tnauthlist_covers_pem(const char *pem, const char *number)
{
	struct voucher voucher = { 0 };
	BIO *in = BIO_new_mem_buf(pem, -1);
	bool covers = false;

	if (!in)
		abort();
	voucher.cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	if (voucher.cert) {
		tnauth_of_cert(&voucher.auth, voucher.cert);
		covers = voucher_covers(&voucher, number);
	}
	ERR_clear_error();
	tnauth_free(&voucher.auth);
	X509_free(voucher.cert);
	BIO_free(in);
	return covers;
}
