/* SPDX-License-Identifier: MIT */
/*
 * ript/passport.h - PASSporT: sign and verify the caller's number.
 *
 * Owner:  signers and trusts belong to the configuration on control.
 * Loop:   control (an ES256 signature costs tens of microseconds).
 * Spec:   RFC 8224, 8225, 8226, 8588; Q25, Q28, Q79, Q80.
 */
#ifndef RIPTIDE_RIPT_PASSPORT_H
#define RIPTIDE_RIPT_PASSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"

struct passport_signer;
struct passport_trust;

/* @key_file PEM EC P-256, refused (EACCES) when group or others can read it;
 * @cert_file PEM with TNAuthList.  @why malloc'ed. */
int passport_signer_new(struct passport_signer **signerp,
			const char *key_file, const char *cert_file,
			const char *x5u, char **why);
/* Whether the certificate vouches for @number ("+..."). */
bool passport_signer_covers(const struct passport_signer *signer,
			    const char *number);
/* A compact JWS, malloc'ed.  @orig and @dest are "+digits" or addresses.
 * Returns 0; EACCES: @orig is not within the certificate; EKEYEXPIRED: the
 * certificate is not valid at @now_ms. */
int passport_sign(char **jwsp, const struct passport_signer *signer,
		  const char *orig, const char *dest, uint64_t now_ms);
void passport_signer_free(struct passport_signer **signerp);

/* Certificates known by their x5u, and the CAs that they must chain to. */
int passport_trust_new(struct passport_trust **trustp, const char *ca_file,
		       char **why);
/* @x5u names the certificate chain in @cert_file (our own authority), leaf
 * first.  A chain that does not lead to the roots is taken and refused call
 * by call. */
int passport_trust_add(struct passport_trust *trust, const char *x5u,
		       const char *cert_file, char **why);
void passport_trust_free(struct passport_trust **trustp);

struct passport_claims {
	char orig[NUMBER_LEN + 2];	/* "+digits" or an address */
	char dest[NUMBER_LEN + 2];	/* the one equal to destination */
	uint64_t iat_s;
	char attest;			/* 'A', 'B', 'C' of shaken, or 0 */
};

/*
 * Verify @jws for @destination at @now_ms: ES256 only, form, signature,
 * chain, TNAuthList covers orig, freshness 60 s both ways.
 * Returns 0 with *@claims, or EACCES with *@reason, a stable literal code:
 * "passport-unparsable", "passport-algorithm", "passport-x5u",
 * "passport-chain", "passport-signature", "passport-stale",
 * "passport-orig-not-covered", "passport-dest", "passport-crit",
 * "passport-type" (typ or ppt).
 */
int passport_verify(struct passport_claims *claims,
		    const struct passport_trust *trust, const char *jws,
		    const char *destination, uint64_t now_ms,
		    const char **reason);

/* RFC 8226 TNAuthList: whether the certificate in @pem covers @number. */
bool tnauthlist_covers_pem(const char *pem, const char *number);

#endif
