/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No log here: logging allocates. */
static void __attribute__((noreturn)) out_of_memory(void)
{
	static const char text[] = "level=error msg=\"out of memory\"\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	abort();
}

void *xzalloc(size_t size)
{
	return xcalloc(1, size);
}

void *xcalloc(size_t count, size_t size)
{
	void *ptr = calloc(count ? count : 1, size ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *xrealloc(void *ptr, size_t size)
{
	void *grown = realloc(ptr, size ? size : 1);

	if (!grown)
		out_of_memory();
	return grown;
}

char *xstrdup(const char *text)
{
	return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *text, size_t len)
{
	size_t used = strnlen(text, len);
	char *copy = xcalloc(1, used + 1);

	memcpy(copy, text, used);
	return copy;
}

void *xmemdup(const void *data, size_t len)
{
	void *copy = xcalloc(1, len);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		out_of_memory();
	return text;
}

void mem_wipe(void *secret, size_t len)
{
	if (len)
		explicit_bzero(secret, len);
}

void mem_wipe_text(char **secret)
{
	if (!*secret)
		return;
	mem_wipe(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}
