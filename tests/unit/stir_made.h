/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/stir_made.h - a STIR authority and a certificate for +1408555*,
 * made for one run, with a signer and the trust that knows it.
 */
#ifndef RIPTIDE_TESTS_STIR_MADE_H
#define RIPTIDE_TESTS_STIR_MADE_H

#include "ript/passport.h"

#define STIR_X5U "https://comcast.example/.well-known/ript/v1/certs/acme.pem"
#define STIR_CALLER "+14085551000"

struct stir {
	char dir[48];
	char ca[96], cert[96], key[96];	/* files */
	char *pem;			/* the certificate */
	struct passport_signer *signer;
	struct passport_trust *trust;
};

/* Valid from yesterday until tomorrow. */
void stir_make(struct stir *stir);
void stir_remove(struct stir *stir);

#endif
