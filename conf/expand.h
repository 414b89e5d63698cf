/* SPDX-License-Identifier: MIT */
/*
 * conf/expand.h - what a value may borrow from elsewhere:
 *
 *   ${NAME}        environment; an error when it is not set
 *   ${NAME:-text}  the same, @text when it is not set or empty
 *   ${file:PATH}   the content of a file, newlines at its end cut off
 *   ${cred:NAME}   the file NAME in $CREDENTIALS_DIRECTORY (systemd)
 *   $${            the two characters "${"
 *
 * Loop:   at start; it blocks on files.
 */
#ifndef RIPTIDE_CONF_EXPAND_H
#define RIPTIDE_CONF_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#define EXPAND_MAX 65536	/* octets of a file, and of a result */

/*
 * @text with everything put in, malloc'ed.  Relative files start at @dir;
 * without @files they are not read and "(file)" stands for them.
 * Returns 0; EINVAL: *@why (malloc'ed) says what is missing.
 */
int expand(char **outp, const char *text, const char *dir, bool files,
	   char **why);

/* @path as it stands when absolute, else below @dir; malloc'ed. */
char *expand_path(const char *dir, const char *path);

/* A regular file of at most @max octets, malloc'ed with a NUL behind.
 * Returns 0 or errno (EFBIG, EISDIR; EINVAL: not a regular file). */
int expand_read_file(char **textp, size_t *lenp, const char *path, size_t max);

#endif
