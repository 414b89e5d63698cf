/* SPDX-License-Identifier: MIT */
/*
 * base/buf.h - a growing run of octets with a limit.
 *
 * Owner:  whoever embeds it; buf_free() at the end, after which it is empty
 *         and may be used again.
 * Loop:   any, one at a time.
 */
#ifndef RIPTIDE_BASE_BUF_H
#define RIPTIDE_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;		/* NULL while nothing was ever added */
	size_t len;		/* octets in use */
	size_t cap;
	size_t max;		/* never more octets than this */
};

/* An empty buffer of at most @max octets; allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);

/*
 * Add octets, a text without its NUL, formatted text.
 * Returns 0; EMSGSIZE: the limit would be passed and nothing was added.
 */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_add_str(struct buf *buf, const char *text);
int buf_printf(struct buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *buf, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Drop the first @len octets (at most all). */
void buf_consume(struct buf *buf, size_t len);

/* The content as a NUL-terminated text; valid until the next change. */
const char *buf_str(struct buf *buf);

/* Empty it, memory kept. */
void buf_clear(struct buf *buf);

/* Give the content away as malloc'ed text, NUL behind; @buf is empty then. */
char *buf_steal(struct buf *buf);

void buf_free(struct buf *buf);

#endif
