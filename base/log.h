/* SPDX-License-Identifier: MIT */
/*
 * base/log.h - log lines with a tree of contexts.
 *
 * A context adds fields (call=, trunk=, peer=, reason=) to every line that is
 * written through it and through its children.  Lines go to stderr as logfmt
 * or JSON, one write(2) each, so lines of several threads never mix.
 *
 * Levels: error = an operator must act; warn = something was refused or lost;
 * info = one line per call transition; debug = per message.  Media code logs
 * nothing: it counts.
 *
 * Owner:  log_ctx_free() by whoever made it, children first.
 * Loop:   a context belongs to one thread; log_root() may be used by any.
 */
#ifndef RIPTIDE_BASE_LOG_H
#define RIPTIDE_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_ctx;

/* Set once at start, the level at any time, from any thread. */
void log_setup(enum log_level level, enum log_format format);
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "error", "warn", "info", "debug" to a level.  Returns 0 or EINVAL. */
int log_level_parse(enum log_level *levelp, const char *text);

/* The context without fields; never NULL, never freed. */
struct log_ctx *log_root(void);

/* A child of @parent with one more field; @key is a literal, @value copied. */
struct log_ctx *log_ctx_new(struct log_ctx *parent, const char *key,
			    const char *value);

/* Set a further field of @ctx, or change it. */
void log_ctx_set(struct log_ctx *ctx, const char *key, const char *value);

/* Frees *@ctxp and sets it to NULL; NULL is fine. */
void log_ctx_free(struct log_ctx **ctxp);

/*
 * Write one line.  @ctx NULL is the root.  Control characters in the message
 * and in values are escaped, so a peer cannot forge a line.
 */
void log_write(struct log_ctx *ctx, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_vwrite(struct log_ctx *ctx, enum log_level level, const char *fmt,
		va_list ap) __attribute__((format(printf, 3, 0)));

/*
 * A refusal or a loss with its stable reason code (field reason=), the same
 * code that counts in metrics and that `riptidectl explain` shows.
 */
void log_reason(struct log_ctx *ctx, enum log_level level, const char *reason,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define log_error(ctx, ...) log_write(ctx, LOG_ERROR, __VA_ARGS__)
#define log_warn(ctx, ...) log_write(ctx, LOG_WARN, __VA_ARGS__)
#define log_info(ctx, ...) log_write(ctx, LOG_INFO, __VA_ARGS__)
#define log_debug(ctx, ...)                                   \
	do {                                                  \
		if (log_level() >= LOG_DEBUG)                 \
			log_write(ctx, LOG_DEBUG, __VA_ARGS__); \
	} while (0)

/*
 * Send the lines of this thread to @fn instead (NULL: back to stderr), so
 * that tests can expect them.  @line has no newline and is borrowed.
 */
void log_capture(void (*fn)(const char *line, void *arg), void *arg);

#endif
