/* SPDX-License-Identifier: MIT */
/*
 * base/mem.h - memory that never fails: out of memory ends the process.
 *
 * Owner:  the caller owns what is returned and frees it with free().
 * Loop:   any.
 * Rule:   a size that a peer controls is checked against a limit before it
 *         gets here.
 */
#ifndef RIPTIDE_BASE_MEM_H
#define RIPTIDE_BASE_MEM_H

#include <stddef.h>

/* @size zeroed octets.  Never NULL. */
void *xzalloc(size_t size) __attribute__((malloc, returns_nonnull));

/* @count zeroed elements of @size octets; an overflow ends the process. */
void *xcalloc(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

/* As realloc(); @size 0 is taken as 1. */
void *xrealloc(void *ptr, size_t size) __attribute__((returns_nonnull));

/* A copy of @text, NULL for NULL. */
char *xstrdup(const char *text);

/* A copy of the first @len octets of @text, with a NUL behind. */
char *xstrndup(const char *text, size_t len)
	__attribute__((malloc, returns_nonnull));

/* A copy of @len octets. */
void *xmemdup(const void *data, size_t len)
	__attribute__((malloc, returns_nonnull));

/* As asprintf(), the text returned. */
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Overwrite @len octets of a secret; the compiler may not drop it. */
void mem_wipe(void *secret, size_t len);

/* Overwrite and free a secret text; *@secret becomes NULL.  NULL is fine. */
void mem_wipe_text(char **secret);

#endif
