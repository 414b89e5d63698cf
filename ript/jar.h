/* SPDX-License-Identifier: MIT */
/*
 * ript/jar.h - the session cookies of one call, client role.
 *
 * Owner:  embedded in a call; jar_free() at its end.
 * Loop:   control.
 * Spec:   Q63: a jar per call, at most 10 cookies and 5 KB.
 */
#ifndef RIPTIDE_RIPT_JAR_H
#define RIPTIDE_RIPT_JAR_H

#define JAR_COOKIES 10
#define JAR_OCTETS 5120

struct exchange_reply;

struct jar {
	char *pair[JAR_COOKIES];	/* "name=value" */
	unsigned cnt;
	char *text;			/* joined; NULL: empty */
};

/* Take every set-cookie field of @reply. */
void jar_take(struct jar *jar, const struct exchange_reply *reply);
/* For the cookie field; NULL if the jar is empty. */
const char *jar_text(const struct jar *jar);
void jar_free(struct jar *jar);

#endif
