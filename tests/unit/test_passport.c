/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/tnauth.h"
#include "conf/pki.h"
#include "ript/claims.h"
#include "ript/passport.h"
#include "tests/unit/shows.h"

#define NOW_S UINT64_C(1600000000)
#define NOW_MS (NOW_S * 1000)
#define DAY_S 86400
#define X5U(id) "https://gw.example/.well-known/ript/v1/certs/" id ".pem"
#define HEAD(id) \
	"{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"" X5U(id) "\"}"
#define CALLER "+14085551000"
#define CALLED "+14089529999"

static char folder[] = "/tmp/riptide-passport.XXXXXX";

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static char *write_file(const char *name, const char *text, mode_t mode)
{
	char *path = path_of(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* A certificate as NAME.pem and its key as NAME.key. */
struct made {
	EVP_PKEY *key;
	X509 *cert;
	char *pem;
	char *cert_file, *key_file;
};

static struct made ca, good;

static void make(struct made *out, const char *name,
		 const struct pki_request *request, const struct made *issuer,
		 const char *curve)
{
	char *key, *file;

	out->key = pki_key(curve);
	out->cert = pki_issue(request, out->key, issuer ? issuer->cert : NULL,
			      issuer ? issuer->key : NULL);
	assert_non_null(out->cert);
	out->pem = pki_cert_pem(out->cert);
	key = pki_key_pem(out->key);
	file = xasprintf("%s.pem", name);
	out->cert_file = write_file(file, out->pem, 0644);
	free(file);
	file = xasprintf("%s.key", name);
	out->key_file = write_file(file, key, 0600);
	free(file);
	free(key);
}

static void unmake(struct made *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->cert);
	free(made->pem);
	free(made->cert_file);
	free(made->key_file);
}

/* What a STIR certificate usually says. */
static struct pki_request usual(const struct tnauth *auth)
{
	return (struct pki_request){ .name = "SHAKEN test",
				     .tnauth = auth,
				     .alt_names = "DNS:acme.example",
				     .from_s = (int64_t)NOW_S - DAY_S,
				     .until_s = (int64_t)NOW_S + DAY_S };
}

static int set_up(void **state)
{
	struct pki_request root = { .name = "Test root",
				    .ca = true,
				    .from_s = (int64_t)NOW_S - DAY_S,
				    .until_s = (int64_t)NOW_S + DAY_S };
	struct tnauth *auth = tnauth_new();
	struct pki_request request;

	(void)state;
	if (!mkdtemp(folder))
		return 1;
	tnauth_add_pattern(auth, "+1408555*");
	request = usual(auth);
	make(&ca, "ca", &root, NULL, NULL);
	make(&good, "good", &request, &ca, NULL);
	tnauth_free(&auth);
	return 0;
}

static int tear_down(void **state)
{
	char *command = xasprintf("rm -r %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	unmake(&ca);
	unmake(&good);
	return rc;
}

/* ---- making what a peer might send ---- */

static char *jws(EVP_PKEY *key, const char *head, const char *claims)
{
	char *a = base64url_encode(head, strlen(head));
	char *b = base64url_encode(claims, strlen(claims));
	char *text = xasprintf("%s.%s", a, b), *c, *out;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[160], raw[96] = { 0 };
	const uint8_t *at = der;
	size_t len = sizeof(der), half;
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
					    key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &len, (uint8_t *)text,
					strlen(text)), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	assert_non_null(sig);
	half = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half);
	c = base64url_encode(raw, 2 * half);
	out = xasprintf("%s.%s", text, c);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	free(a);
	free(b);
	free(c);
	free(text);
	return out;
}

#define CLAIMS(dest, iat, orig) \
	"{\"dest\":" dest ",\"iat\":" iat ",\"orig\":" orig "}"
#define DEST "{\"tn\":[\"14089529999\"]}"
#define ORIG "{\"tn\":\"14085551000\"}"
#define IAT "1600000000"
#define GOOD CLAIMS(DEST, IAT, ORIG)

/* The trust of every test: @made is known as @id beside the usual one. */
static struct passport_trust *trust_of(const struct made *made, const char *id)
{
	struct passport_trust *trust = NULL;
	char *why = NULL, *x5u;

	assert_int_equal(passport_trust_new(&trust, ca.cert_file, &why), 0);
	assert_int_equal(passport_trust_add(trust, X5U("good"), good.cert_file,
					    &why), 0);
	if (made) {
		x5u = xasprintf(X5U("%s"), id);
		assert_int_equal(passport_trust_add(trust, x5u,
						    made->cert_file, &why), 0);
		free(x5u);
	}
	return trust;
}

/* The reason why @text is refused; NULL: it is not. */
static const char *verdict(const struct passport_trust *trust,
			   const char *text, const char *destination,
			   uint64_t now_ms, struct passport_claims *claims)
{
	struct passport_claims mine;
	const char *reason = NULL;
	int err;

	err = passport_verify(claims ? claims : &mine, trust, text,
			      destination, now_ms, &reason);
	assert_int_equal(err, reason ? EACCES : 0);
	return reason;
}

static void expect(const struct passport_trust *trust, const char *text,
		   const char *want, const char *what)
{
	const char *reason = verdict(trust, text, CALLED, NOW_MS, NULL);

	if (!reason != !want || (want && strcmp(want, reason) != 0))
		fail_msg("%s: %s, not %s", what, reason ? reason : "accepted",
			 want ? want : "accepted");
}

/* ---- tests ---- */

static void test_round_trip(void **state)
{
	struct passport_trust *trust = trust_of(NULL, NULL);
	struct passport_signer *signer = NULL;
	struct passport_claims claims;
	char *text = NULL, *why = NULL;

	(void)state;
	assert_int_equal(passport_signer_new(&signer, good.key_file,
					     good.cert_file, X5U("good"),
					     &why), 0);
	assert_true(passport_signer_covers(signer, CALLER));
	assert_false(passport_signer_covers(signer, CALLED));
	assert_int_equal(passport_sign(&text, signer, CALLER, CALLED, NOW_MS),
			 0);
	assert_null(verdict(trust, text, CALLED, NOW_MS, &claims));
	assert_string_equal(claims.orig, CALLER);
	assert_string_equal(claims.dest, CALLED);
	assert_int_equal(claims.iat_s, NOW_S);
	assert_int_equal(claims.attest, 0);
	/* Re-use within the time is allowed (Q79), at both ends of it. */
	assert_null(verdict(trust, text, CALLED, NOW_MS + 60999, NULL));
	assert_null(verdict(trust, text, CALLED, NOW_MS - 60000, NULL));
	assert_string_equal(verdict(trust, text, CALLED, NOW_MS + 61000, NULL),
			    "passport-stale");
	assert_string_equal(verdict(trust, text, CALLED, NOW_MS - 61000, NULL),
			    "passport-stale");
	assert_string_equal(verdict(trust, text, "+14089529998", NOW_MS, NULL),
			    "passport-dest");
	free(text);
	/* An address: what the certificate's domain vouches for. */
	assert_int_equal(passport_sign(&text, signer, "1234@acme.example",
				       "911@gw.example", NOW_MS), 0);
	assert_null(verdict(trust, text, "911@GW.example", NOW_MS, &claims));
	assert_string_equal(claims.orig, "1234@acme.example");
	assert_string_equal(verdict(trust, text, "912@gw.example", NOW_MS,
				    NULL), "passport-dest");
	free(text);
	text = NULL;
	assert_int_equal(passport_sign(&text, signer, CALLED, CALLED, NOW_MS),
			 EACCES);
	assert_int_equal(passport_sign(&text, signer, "1@b.example", CALLED,
				       NOW_MS), EACCES);
	assert_int_equal(passport_sign(&text, signer, CALLER, CALLED,
				       NOW_MS + 2 * DAY_S * 1000), EKEYEXPIRED);
	assert_null(text);
	passport_signer_free(&signer);
	assert_null(signer);
	passport_trust_free(&trust);
	passport_trust_free(&trust);
}

/* RFC 8225, appendix A: the same content, in canonical form. */
static void test_canonical(void **state)
{
	static const char head64[] =
		"eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6"
		"Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9";
	static const char claims64[] =
		"eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlh"
		"dCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19";
	char *head = claims_print_head("https://cert.example.org/passport.cer");
	char *claims = claims_print("+12155551212", "alice@example.com",
				    1471375418);
	char *text;

	(void)state;
	assert_string_equal(claims, "{\"dest\":{\"uri\":[\"sip:alice@example."
				    "com\"]},\"iat\":1471375418,\"orig\":"
				    "{\"tn\":\"12155551212\"}}");
	text = base64url_encode(head, strlen(head));
	assert_string_equal(text, head64);
	free(text);
	text = base64url_encode(claims, strlen(claims));
	assert_string_equal(text, claims64);
	free(text);
	free(claims);
	free(head);
	head = claims_print_head("https://a/\"\\");
	assert_string_equal(head, "{\"alg\":\"ES256\",\"typ\":\"passport\","
				  "\"x5u\":\"https://a/\\\"\\\\\"}");
	free(head);
}

static void test_header(void **state)
{
	static const struct {
		const char *head, *want, *what;
	} rows[] = {
		{ HEAD("good"), NULL, "the usual" },
		{ "{ \"x5u\" : \"" X5U("good") "\", \"typ\":\"passport\","
		  "\"alg\":\"ES256\", \"kid\":\"1\" }", NULL,
		  "another order, white space, a member unknown to us" },
		{ "{\"alg\":\"ES256\",\"crit\":[\"x\"],\"typ\":\"passport\","
		  "\"x5u\":\"" X5U("good") "\"}", "passport-crit", "crit" },
		{ "{\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\""
		  X5U("good") "\"}", "passport-algorithm", "none" },
		{ "{\"alg\":\"HS256\",\"typ\":\"passport\",\"x5u\":\""
		  X5U("good") "\"}", "passport-algorithm", "HS256" },
		{ "{\"alg\":\"es256\",\"typ\":\"passport\",\"x5u\":\""
		  X5U("good") "\"}", "passport-algorithm", "small letters" },
		{ "{\"typ\":\"passport\",\"x5u\":\"" X5U("good") "\"}",
		  "passport-algorithm", "no alg" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\""
		  X5U("good") "\"}", "passport-type", "another typ" },
		{ "{\"alg\":\"ES256\",\"x5u\":\"" X5U("good") "\"}",
		  "passport-type", "no typ" },
		{ "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\","
		  "\"x5u\":\"" X5U("good") "\"}", "passport-type",
		  "another ppt" },
		{ "{\"alg\":\"ES256\",\"typ\":\"passport\"}", "passport-x5u",
		  "no x5u" },
		{ HEAD("unknown"), "passport-x5u", "x5u unknown to us" },
		{ "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":"
		  "\"http://gw.example/a.pem\"}", "passport-x5u", "no https" },
		{ "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":7}",
		  "passport-x5u", "x5u a number" },
		{ "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"passport\","
		  "\"x5u\":\"" X5U("good") "\"}", "passport-unparsable",
		  "alg twice" },
		{ "[]", "passport-unparsable", "no object" },
		{ "null", "passport-unparsable", "null" },
		{ "{", "passport-unparsable", "truncated" },
		{ "", "passport-unparsable", "empty" },
	};
	struct passport_trust *trust = trust_of(NULL, NULL);
	unsigned i;
	char *text;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		text = jws(good.key, rows[i].head, GOOD);
		expect(trust, text, rows[i].want, rows[i].what);
		free(text);
	}
	passport_trust_free(&trust);
}

#define SHAKEN                                                            \
	"{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":" \
	"\"" X5U("good") "\"}"

static void test_claims(void **state)
{
	static const struct {
		const char *claims, *want, *what;
	} rows[] = {
		{ GOOD, NULL, "the usual" },
		{ "{\"orig\":" ORIG ", \"iat\":" IAT ",\"dest\":" DEST
		  ",\"mky\":1}", NULL, "another order" },
		{ CLAIMS("{\"tn\":[\"1\",\"14089529999\"]}", IAT, ORIG), NULL,
		  "one of several" },
		{ CLAIMS("{\"tn\":[\"1\"],\"uri\":[\"sip:a@b.example\"]}", IAT,
			 ORIG), "passport-dest", "none of several" },
		{ CLAIMS("{\"tn\":[\"+14089529999\"]}", IAT, ORIG),
		  "passport-unparsable", "plus in dest" },
		{ CLAIMS("{\"tn\":\"14089529999\"}", IAT, ORIG),
		  "passport-unparsable", "dest.tn no list" },
		{ CLAIMS("{\"tn\":[]}", IAT, ORIG), "passport-unparsable",
		  "an empty list" },
		{ CLAIMS("{}", IAT, ORIG), "passport-unparsable",
		  "an empty dest" },
		{ CLAIMS("{\"tn\":[14089529999]}", IAT, ORIG),
		  "passport-unparsable", "dest a number" },
		{ CLAIMS("[\"14089529999\"]", IAT, ORIG),
		  "passport-unparsable", "dest a list" },
		{ "{\"iat\":" IAT ",\"orig\":" ORIG "}",
		  "passport-unparsable", "no dest" },
		{ CLAIMS(DEST, "1599999939", ORIG), "passport-stale",
		  "61 s old" },
		{ CLAIMS(DEST, "1599999940", ORIG), NULL, "60 s old" },
		{ CLAIMS(DEST, "1600000060", ORIG), NULL, "60 s ahead" },
		{ CLAIMS(DEST, "1600000061", ORIG), "passport-stale",
		  "61 s ahead" },
		{ CLAIMS(DEST, "0", ORIG), "passport-stale", "1970" },
		{ CLAIMS(DEST, "\"1600000000\"", ORIG), "passport-unparsable",
		  "iat a text" },
		{ CLAIMS(DEST, "-1", ORIG), "passport-unparsable",
		  "iat negative" },
		{ CLAIMS(DEST, "1600000000.5", ORIG), "passport-unparsable",
		  "iat broken" },
		{ "{\"dest\":" DEST ",\"orig\":" ORIG "}",
		  "passport-unparsable", "no iat" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"+14085551000\"}"),
		  "passport-unparsable", "plus in orig" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"1408555100x\"}"),
		  "passport-unparsable", "a letter in orig" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"04085551000\"}"),
		  "passport-unparsable", "orig with leading zero" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"\"}"), "passport-unparsable",
		  "orig empty" },
		{ CLAIMS(DEST, IAT, "{\"tn\":[\"14085551000\"]}"),
		  "passport-unparsable", "orig a list" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"14085551000\",\"uri\":"
				    "\"sip:a@acme.example\"}"),
		  "passport-unparsable", "two origs" },
		{ CLAIMS(DEST, IAT, "{}"), "passport-unparsable",
		  "orig with nothing" },
		{ CLAIMS(DEST, IAT, "{\"uri\":\"mailto:a@acme.example\"}"),
		  "passport-unparsable", "orig no SIP URI" },
		{ CLAIMS(DEST, IAT, "{\"uri\":\"sip:+14085551000@acme.example"
				    "\"}"), "passport-unparsable",
		  "orig a number in a URI" },
		{ CLAIMS(DEST, IAT, "{\"uri\":\"sip:a@acme.example\"}"), NULL,
		  "orig of the certificate's domain" },
		{ CLAIMS(DEST, IAT, "{\"uri\":\"sip:a@b.example\"}"),
		  "passport-orig-not-covered", "orig of another domain" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"14085551000\",\"tn\":"
				    "\"14085551001\"}"),
		  "passport-unparsable", "orig.tn twice" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"14085560000\"}"),
		  "passport-orig-not-covered", "beyond the range" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"14155551000\"}"),
		  "passport-orig-not-covered", "another range" },
		{ CLAIMS(DEST, IAT, "{\"tn\":\"14085551000\\u0000\"}"),
		  "passport-unparsable", "NUL" },
		{ "[]", "passport-unparsable", "no object" },
	};
	struct passport_trust *trust = trust_of(NULL, NULL);
	struct passport_claims claims;
	unsigned i;
	char *text;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		text = jws(good.key, HEAD("good"), rows[i].claims);
		expect(trust, text, rows[i].want, rows[i].what);
		free(text);
	}
	text = jws(good.key, SHAKEN,
		   "{\"attest\":\"B\",\"dest\":" DEST ",\"iat\":" IAT
		   ",\"orig\":" ORIG ",\"origid\":\"1\"}");
	assert_null(verdict(trust, text, CALLED, NOW_MS, &claims));
	assert_int_equal(claims.attest, 'B');
	free(text);
	text = jws(good.key, SHAKEN, GOOD);
	expect(trust, text, "passport-unparsable", "shaken without attest");
	free(text);
	text = jws(good.key, SHAKEN,
		   "{\"attest\":\"D\",\"dest\":" DEST ",\"iat\":" IAT
		   ",\"orig\":" ORIG ",\"origid\":\"1\"}");
	expect(trust, text, "passport-unparsable", "attest D");
	free(text);
	passport_trust_free(&trust);
	shows("RIPT-CA-11");
}

static void test_form(void **state)
{
	struct passport_trust *trust = trust_of(NULL, NULL);
	char *text = jws(good.key, HEAD("good"), GOOD), *bad;
	struct made other;
	struct pki_request request = usual(NULL);
	size_t len = strlen(text);

	(void)state;
	expect(trust, text, NULL, "the usual");
	expect(trust, "", "passport-unparsable", "empty");
	expect(trust, "a", "passport-unparsable", "no dot");
	expect(trust, "..", "passport-unparsable", "dots");
	expect(trust, "a.b.c.d", "passport-unparsable", "four parts");
	bad = xasprintf("%s=", text);
	expect(trust, bad, "passport-unparsable", "padding");
	free(bad);
	bad = xasprintf(" %s", text);
	expect(trust, bad, "passport-unparsable", "white space");
	free(bad);
	bad = xzalloc(9001);
	memset(bad, 'A', 9000);
	expect(trust, bad, "passport-unparsable", "too long");
	free(bad);
	/* A changed signature, a cut one, one in DER's clothes. */
	bad = xstrdup(text);
	bad[len - 10] = bad[len - 10] == 'A' ? 'B' : 'A';
	expect(trust, bad, "passport-signature", "signature altered");
	free(bad);
	bad = xstrndup(text, len - 2);	/* 63 octets */
	expect(trust, bad, "passport-signature", "signature cut");
	free(bad);
	bad = xstrndup(text, (size_t)(strrchr(text, '.') - text) + 1);
	expect(trust, bad, "passport-signature", "signature empty");
	free(bad);
	/* Claims of another one under this signature. */
	{
		char *second = jws(good.key, HEAD("good"),
				   CLAIMS(DEST, IAT,
					  "{\"tn\":\"14085551001\"}"));
		const char *tail = strrchr(text, '.');

		bad = xasprintf("%.*s%s", (int)(strrchr(second, '.') - second),
				second, tail);
		expect(trust, bad, "passport-signature", "claims exchanged");
		free(bad);
		free(second);
	}
	/* Zeros, which broken libraries take for a signature. */
	bad = xasprintf("%.*s.%086d", (int)(strrchr(text, '.') - text), text,
			0);
	memset(strrchr(bad, '.') + 1, 'A', 86);
	expect(trust, bad, "passport-signature", "zeros");
	free(bad);
	/* Another's key. */
	make(&other, "other", &request, &ca, NULL);
	bad = jws(other.key, HEAD("good"), GOOD);
	expect(trust, bad, "passport-signature", "another key");
	free(bad);
	unmake(&other);
	free(text);
	passport_trust_free(&trust);
	shows("RIPT-CA-10");
}

/* One certificate after another that must not be believed. */
static void expect_certificate(const struct pki_request *request,
			       const struct made *issuer, const char *curve,
			       const char *want, const char *what)
{
	struct passport_trust *trust;
	struct made made;
	char *text;

	make(&made, "tried", request, issuer, curve);
	trust = trust_of(&made, "tried");
	text = jws(made.key, HEAD("tried"), GOOD);
	expect(trust, text, want, what);
	free(text);
	passport_trust_free(&trust);
	unmake(&made);
}

static void test_certificates(void **state)
{
	struct tnauth *auth = tnauth_new(), *elsewhere = tnauth_new(), *spc;
	static const uint8_t provider[] = { 0x30, 0x08, 0xa0, 0x06, 0x16,
					    0x04, '7',	'0',  '9',  'J' };
	struct pki_request request;
	struct made strange;

	(void)state;
	tnauth_add_pattern(auth, "+1408*");
	tnauth_add_pattern(elsewhere, "+1415*");
	assert_int_equal(tnauth_parse(&spc, provider, sizeof(provider)), 0);

	request = usual(auth);
	expect_certificate(&request, &ca, NULL, NULL, "the usual");
	request.tnauth_critical = true;
	expect_certificate(&request, &ca, NULL, NULL, "critical TNAuthList");
	request = usual(auth);
	request.until_s = (int64_t)NOW_S - 1;
	expect_certificate(&request, &ca, NULL, "passport-chain", "expired");
	request = usual(auth);
	request.from_s = (int64_t)NOW_S + 1;
	expect_certificate(&request, &ca, NULL, "passport-chain",
			   "not valid yet");
	request = usual(auth);
	expect_certificate(&request, NULL, NULL, "passport-chain",
			   "signed by itself");
	request.ca = true;
	make(&strange, "strange", &request, NULL, NULL);
	request.ca = false;
	expect_certificate(&request, &strange, NULL, "passport-chain",
			   "another CA");
	unmake(&strange);
	/* A leaf that pretends to be a CA. */
	expect_certificate(&request, &good, NULL, "passport-chain",
			   "issued by a leaf");
	request.ca = true;
	expect_certificate(&request, &ca, NULL, "passport-chain",
			   "a CA signs no call");
	request = usual(auth);
	request.key_usage = "critical,keyEncipherment";
	expect_certificate(&request, &ca, NULL, "passport-chain",
			   "a key for other use");
	request = usual(auth);
	expect_certificate(&request, &ca, "P-384", "passport-algorithm",
			   "another curve");
	expect_certificate(&request, &ca, "secp256k1", "passport-algorithm",
			   "another curve of 256 bits");
	request = usual(elsewhere);
	expect_certificate(&request, &ca, NULL, "passport-orig-not-covered",
			   "other numbers");
	request = usual(spc);
	expect_certificate(&request, &ca, NULL, "passport-orig-not-covered",
			   "a provider code covers no number");
	request = usual(NULL);
	expect_certificate(&request, &ca, NULL, "passport-orig-not-covered",
			   "no TNAuthList");
	tnauth_free(&auth);
	tnauth_free(&elsewhere);
	tnauth_free(&spc);
}

/* Root - provider with its own numbers - customer. */
static void test_chain(void **state)
{
	struct tnauth *wide = tnauth_new(), *narrow = tnauth_new();
	struct pki_request request;
	struct passport_trust *trust;
	struct made provider, customer;
	char *both, *text;

	(void)state;
	tnauth_add_pattern(wide, "+1*");
	tnauth_add_pattern(narrow, "+1408*");
	request = usual(narrow);
	request.ca = true;
	make(&provider, "provider", &request, &ca, NULL);
	request = usual(wide);
	make(&customer, "customer", &request, &provider, NULL);

	trust = trust_of(&customer, "alone");
	text = jws(customer.key, HEAD("alone"), GOOD);
	expect(trust, text, "passport-chain", "the middle is missing");
	free(text);
	passport_trust_free(&trust);

	both = xasprintf("%s%s", customer.pem, provider.pem);
	free(customer.cert_file);
	customer.cert_file = write_file("both.pem", both, 0644);
	trust = trust_of(&customer, "both");
	text = jws(customer.key, HEAD("both"), GOOD);
	expect(trust, text, NULL, "within both");
	free(text);
	text = jws(customer.key, HEAD("both"),
		   CLAIMS(DEST, IAT, "{\"tn\":\"14155551000\"}"));
	expect(trust, text, "passport-orig-not-covered",
	       "more than the provider has");
	free(text);
	passport_trust_free(&trust);
	free(both);
	unmake(&provider);
	unmake(&customer);
	tnauth_free(&wide);
	tnauth_free(&narrow);
}

static void expect_signer(int want, const char *key, const char *cert,
			  const char *said)
{
	struct passport_signer *signer = NULL;
	char *why = NULL;

	assert_int_equal(passport_signer_new(&signer, key, cert, X5U("x"),
					     &why), want);
	assert_null(signer);
	if (!strstr(why, said))
		fail_msg("\"%s\" is not in \"%s\"", said, why);
	free(why);
}

static void test_files(void **state)
{
	struct pki_request request = usual(NULL);
	struct passport_trust *trust = NULL;
	struct made other;
	char *empty = write_file("empty", "", 0600), *why = NULL;

	(void)state;
	make(&other, "p384", &request, &ca, "P-384");
	expect_signer(ENOENT, "/nowhere", good.cert_file, "No such file");
	expect_signer(ENOENT, good.key_file, "/nowhere", "No such file");
	expect_signer(EINVAL, empty, good.cert_file, "no PEM key");
	expect_signer(EINVAL, good.key_file, empty, "no PEM certificate");
	expect_signer(EINVAL, other.key_file, other.cert_file, "P-256");
	expect_signer(EINVAL, good.key_file, ca.cert_file,
		      "not the certificate of that key");
	assert_int_equal(chmod(good.key_file, 0640), 0);
	expect_signer(EACCES, good.key_file, good.cert_file, "chmod 600");
	assert_int_equal(chmod(good.key_file, 0600), 0);

	assert_int_equal(passport_trust_new(&trust, empty, &why), EINVAL);
	assert_non_null(strstr(why, "no PEM certificates"));
	free(why);
	assert_int_equal(passport_trust_new(&trust, "/nowhere", &why), EINVAL);
	free(why);
	assert_int_equal(passport_trust_new(&trust, ca.cert_file, &why), 0);
	assert_int_equal(passport_trust_add(trust, X5U("x"), empty, &why),
			 EINVAL);
	free(why);
	passport_trust_free(&trust);
	assert_true(tnauthlist_covers_pem(good.pem, CALLER));
	assert_false(tnauthlist_covers_pem(good.pem, CALLED));
	assert_false(tnauthlist_covers_pem(ca.pem, CALLER));
	assert_false(tnauthlist_covers_pem("", CALLER));
	unmake(&other);
	free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
