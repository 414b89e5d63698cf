/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *buf, size_t max)
{
	memset(buf, 0, sizeof(*buf));
	buf->max = max;
}

/* Room for @len more octets and a NUL, which buf_str() puts there. */
static int buf_reserve(struct buf *buf, size_t len)
{
	size_t need, cap;

	if (len > buf->max - buf->len)
		return EMSGSIZE;
	need = buf->len + len;
	if (need < buf->cap)
		return 0;
	cap = buf->cap ? buf->cap : 64;
	while (cap <= need)
		cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
	if (cap > buf->max && buf->max < SIZE_MAX)
		cap = buf->max + 1;
	buf->data = xrealloc(buf->data, cap);
	buf->cap = cap;
	return 0;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
	int err;

	if (!len)
		return 0;
	err = buf_reserve(buf, len);
	if (err)
		return err;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int buf_add_str(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = buf_vprintf(buf, fmt, ap);
	va_end(ap);
	return err;
}

int buf_vprintf(struct buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	int len, err;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return EMSGSIZE;
	err = buf_reserve(buf, (size_t)len);
	if (err)
		return err;
	vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, ap);
	buf->len += (size_t)len;
	return 0;
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf->len = 0;
		return;
	}
	if (!len)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
}

const char *buf_str(struct buf *buf)
{
	if (!buf->data)
		return "";
	buf->data[buf->len] = '\0';
	return (const char *)buf->data;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
}

char *buf_steal(struct buf *buf)
{
	char *text;

	if (!buf->data)
		return xzalloc(1);
	text = (char *)buf->data;
	text[buf->len] = '\0';
	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
	return text;
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
}
