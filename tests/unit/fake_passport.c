/* SPDX-License-Identifier: MIT */
/*
 * passport_verify() in memory: "orig>dest", or "!s...>", "!..." that does not
 * verify.  Any trust will do but none.
 */
#include "ript/passport.h"
#include "tests/unit/unit.h"

int passport_verify(struct passport_claims *claims,
		    const struct passport_trust *trust, const char *jws,
		    const char *destination, uint64_t now_ms,
		    const char **reason)
{
	const char *dest = strchr(jws, '>');

	(void)now_ms;
	*reason = "passport-unparsable";
	if (!trust || !dest)
		return EACCES;
	if (jws[0] == '!') {
		*reason = jws[1] == 's' ? "passport-stale"
					: "passport-signature";
		return EACCES;
	}
	*reason = "passport-dest";
	if (strcmp(dest + 1, destination) != 0)
		return EACCES;
	memset(claims, 0, sizeof(*claims));
	snprintf(claims->orig, sizeof(claims->orig), "%.*s",
		 (int)(dest - jws), jws);
	snprintf(claims->dest, sizeof(claims->dest), "%s", dest + 1);
	return 0;
}
