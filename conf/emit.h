/* SPDX-License-Identifier: MIT */
/*
 * conf/emit.h - writing YAML: maps, flow lists, quoted texts.
 *
 * Owner:  on the stack of the printer.
 * Loop:   any.
 */
#ifndef RIPTIDE_CONF_EMIT_H
#define RIPTIDE_CONF_EMIT_H

#include <stdbool.h>
#include <yaml.h>

struct buf;

struct emit {
	yaml_emitter_t yaml;
	struct buf *out;
	bool secrets;		/* print them too */
};

void emit_begin(struct emit *out, struct buf *buf, bool secrets);
void emit_end(struct emit *out);

void emit_map(struct emit *out);
void emit_map_end(struct emit *out);
void emit_list(struct emit *out, bool flow);
void emit_list_end(struct emit *out);
/* A key: plain where YAML allows it. */
void emit_key(struct emit *out, const char *text);
/* A value: always in double quotes, "${" guarded. */
void emit_text(struct emit *out, const char *text);
void emit_format(struct emit *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
