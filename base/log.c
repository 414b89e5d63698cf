/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"

/* A line with its newline is at most PIPE_BUF: longer writes to a pipe may mix
 * with those of other threads.  What is too long is cut. */
#define LINE_MAX_LEN (PIPE_BUF - 2)
#define MSG_MAX_LEN 2048
#define VALUE_MAX_LEN 512

struct field {
	const char *key;	/* literal */
	char *value;
};

struct log_ctx {
	struct log_ctx *parent;
	struct field *field;
	unsigned field_cnt;
};

static struct log_ctx root;
static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_LOGFMT;

static __thread void (*capture_fn)(const char *line, void *arg);
static __thread void *capture_arg;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_setup(enum log_level level, enum log_format format)
{
	atomic_store(&current_format, (int)format);
	log_set_level(level);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level,
			      memory_order_relaxed);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load_explicit(&current_level,
						    memory_order_relaxed);
}

int log_level_parse(enum log_level *levelp, const char *text)
{
	unsigned i;

	for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(level_names[i], text) == 0) {
			*levelp = (enum log_level)i;
			return 0;
		}
	return EINVAL;
}

/* ---- contexts ---- */

struct log_ctx *log_root(void)
{
	return &root;
}

struct log_ctx *log_ctx_new(struct log_ctx *parent, const char *key,
			    const char *value)
{
	struct log_ctx *ctx = xzalloc(sizeof(*ctx));

	ctx->parent = parent ? parent : &root;
	log_ctx_set(ctx, key, value);
	return ctx;
}

void log_ctx_set(struct log_ctx *ctx, const char *key, const char *value)
{
	unsigned i;

	for (i = 0; i < ctx->field_cnt; i++)
		if (strcmp(ctx->field[i].key, key) == 0)
			break;
	if (i == ctx->field_cnt) {
		ctx->field = xrealloc(ctx->field,
				      (i + 1) * sizeof(*ctx->field));
		ctx->field[i].key = key;
		ctx->field[i].value = NULL;
		ctx->field_cnt++;
	}
	free(ctx->field[i].value);
	ctx->field[i].value = xstrdup(value ? value : "");
}

void log_ctx_free(struct log_ctx **ctxp)
{
	struct log_ctx *ctx = *ctxp;
	unsigned i;

	if (!ctx || ctx == &root)
		return;
	for (i = 0; i < ctx->field_cnt; i++)
		free(ctx->field[i].value);
	free(ctx->field);
	free(ctx);
	*ctxp = NULL;
}

/* ---- one line ---- */

/*
 * The length of the UTF-8 sequence at @p, 0 if it is none or encodes a
 * control character (C1): whoever reads the log with a terminal is no
 * place for a peer's escape sequences.
 */
static size_t utf8_len(const unsigned char *p)
{
	size_t len, i;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
	    (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* One character of @p, which moves on, as JSON writes it (logfmt readers know
 * these escapes too). */
static int add_char(struct buf *out, const unsigned char **p)
{
	const unsigned char *c = *p;
	size_t len = 1;
	int err;

	if (*c == '"' || *c == '\\')
		err = buf_printf(out, "\\%c", *c);
	else if (*c == '\n')
		err = buf_add_str(out, "\\n");
	else if (*c == '\r')
		err = buf_add_str(out, "\\r");
	else if (*c == '\t')
		err = buf_add_str(out, "\\t");
	else if (*c >= 0x20 && *c < 0x7f)
		err = buf_add(out, c, 1);
	else if ((len = utf8_len(c)) > 0)
		err = buf_add(out, c, len);
	else
		err = buf_printf(out, "\\u%04x", *c);
	*p = c + (len ? len : 1);
	return err;
}

/* The length of what needs no escape at @p. */
static size_t plain_len(const unsigned char *p)
{
	size_t len = 0;

	while (p[len] >= 0x20 && p[len] < 0x7f && p[len] != '"' &&
	       p[len] != '\\')
		len++;
	return len;
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' ||
		    (unsigned char)*text >= 0x7f || *text == '"' ||
		    *text == '\\' || *text == '=')
			return true;
	return false;
}

/* @value, escaped, at most @max_len octets of it. */
static void escape(struct buf *text, const char *value, size_t max_len)
{
	const unsigned char *p = (const unsigned char *)value;

	buf_init(text, max_len);
	while (*p) {
		size_t len = plain_len(p);

		if (len > max_len - text->len)
			len = max_len - text->len;
		(void)buf_add(text, p, len);
		p += len;
		if (*p && add_char(text, &p) != 0)
			break;
	}
}

/* Whole or not at all: a line that is full stays well formed. */
static void add_field(struct buf *line, bool json, const char *key,
		      const char *value, size_t max_len)
{
	const char *quote = json || needs_quotes(value) ? "\"" : "";
	size_t before = line->len;
	struct buf text;
	int err;

	escape(&text, value, max_len);
	if (json)
		err = buf_add_str(line, before > 1 ? ",\"" : "\"");
	else
		err = before ? buf_add(line, " ", 1) : 0;
	if (!err)
		err = buf_add_str(line, key);
	if (!err)
		err = buf_add_str(line, json ? "\":" : "=");
	if (!err)
		err = buf_add_str(line, quote);
	if (!err)
		err = buf_add(line, text.data ? text.data : (uint8_t *)"",
			      text.len);
	if (!err)
		err = buf_add_str(line, quote);
	if (err)
		line->len = before;
	buf_free(&text);
}

static void add_context(struct buf *line, bool json,
			const struct log_ctx *ctx)
{
	unsigned i;

	if (ctx->parent)
		add_context(line, json, ctx->parent);
	for (i = 0; i < ctx->field_cnt; i++)
		add_field(line, json, ctx->field[i].key, ctx->field[i].value,
			  VALUE_MAX_LEN);
}

/* One write(2); what a full pipe does not take is lost, not waited for. */
static void emit(struct buf *line)
{
	ssize_t n;

	if (capture_fn) {
		capture_fn(buf_str(line), capture_arg);
		return;
	}
	line->max++;
	(void)buf_add(line, "\n", 1);
	do
		n = write(STDERR_FILENO, line->data, line->len);
	while (n < 0 && errno == EINTR);
}

static void put(struct log_ctx *ctx, enum log_level level, const char *reason,
		const char *fmt, va_list ap)
{
	bool json = atomic_load(&current_format) == LOG_JSON;
	char time[RFC3339_LEN + 1];
	char text[MSG_MAX_LEN];
	struct buf line;

	if (level > log_level())
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		snprintf(text, sizeof(text), "%s", fmt);
	rfc3339_print(time, clock_wall_ms());
	buf_init(&line, LINE_MAX_LEN);
	if (json)
		(void)buf_add(&line, "{", 1);
	add_field(&line, json, "time", time, VALUE_MAX_LEN);
	add_field(&line, json, "level", level_names[level], VALUE_MAX_LEN);
	add_field(&line, json, "msg", text, MSG_MAX_LEN);
	if (reason)
		add_field(&line, json, "reason", reason, VALUE_MAX_LEN);
	add_context(&line, json, ctx ? ctx : &root);
	line.max++;		/* the bracket always fits */
	if (json)
		(void)buf_add(&line, "}", 1);
	emit(&line);
	buf_free(&line);
}

void log_vwrite(struct log_ctx *ctx, enum log_level level, const char *fmt,
		va_list ap)
{
	put(ctx, level, NULL, fmt, ap);
}

void log_write(struct log_ctx *ctx, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(ctx, level, NULL, fmt, ap);
	va_end(ap);
}

void log_reason(struct log_ctx *ctx, enum log_level level, const char *reason,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(ctx, level, reason, fmt, ap);
	va_end(ap);
}

void log_capture(void (*fn)(const char *line, void *arg), void *arg)
{
	capture_fn = fn;
	capture_arg = arg;
}
