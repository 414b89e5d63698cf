/* SPDX-License-Identifier: MIT */
#include "conf/emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* A buffer with a limit that is too small gets what fits. */
static int on_output(void *arg, unsigned char *data, size_t size)
{
	buf_add(arg, data, size);
	return 1;
}

/* An event fails for want of memory alone, which ends the process; one that
 * YAML cannot write (not UTF-8) never gets here: the reader refuses it. */
static void emit_event(struct emit *out, yaml_event_t *ev, int made)
{
	if (!made || !yaml_emitter_emit(&out->yaml, ev))
		abort();
}

void emit_begin(struct emit *out, struct buf *buf, bool secrets)
{
	yaml_event_t ev;
	int made;

	out->out = buf;
	out->secrets = secrets;
	if (!yaml_emitter_initialize(&out->yaml))
		abort();
	yaml_emitter_set_output(&out->yaml, on_output, buf);
	yaml_emitter_set_width(&out->yaml, -1);
	yaml_emitter_set_unicode(&out->yaml, 0);
	made = yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING);
	emit_event(out, &ev, made);
	made = yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1);
	emit_event(out, &ev, made);
}

void emit_end(struct emit *out)
{
	yaml_event_t ev;
	int made;

	made = yaml_document_end_event_initialize(&ev, 1);
	emit_event(out, &ev, made);
	made = yaml_stream_end_event_initialize(&ev);
	emit_event(out, &ev, made);
	yaml_emitter_delete(&out->yaml);
}

void emit_map(struct emit *out)
{
	yaml_event_t ev;
	int made = yaml_mapping_start_event_initialize(
		&ev, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);

	emit_event(out, &ev, made);
}

void emit_map_end(struct emit *out)
{
	yaml_event_t ev;
	int made = yaml_mapping_end_event_initialize(&ev);

	emit_event(out, &ev, made);
}

void emit_list(struct emit *out, bool flow)
{
	yaml_event_t ev;
	int made = yaml_sequence_start_event_initialize(
		&ev, NULL, NULL, 1,
		flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);

	emit_event(out, &ev, made);
}

void emit_list_end(struct emit *out)
{
	yaml_event_t ev;
	int made = yaml_sequence_end_event_initialize(&ev);

	emit_event(out, &ev, made);
}

static void scalar(struct emit *out, const char *text,
		   yaml_scalar_style_t style)
{
	yaml_event_t ev;
	int made = yaml_scalar_event_initialize(
		&ev, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text),
		1, 1, style);

	emit_event(out, &ev, made);
}

void emit_key(struct emit *out, const char *text)
{
	scalar(out, text, YAML_PLAIN_SCALAR_STYLE);
}

void emit_text(struct emit *out, const char *text)
{
	const char *at = text, *open;
	struct buf guarded;

	buf_init(&guarded, SIZE_MAX);
	while ((open = strstr(at, "${")) != NULL) {
		buf_add(&guarded, at, (size_t)(open - at));
		buf_add_str(&guarded, "$${");
		at = open + 2;
	}
	buf_add_str(&guarded, at);
	scalar(out, guarded.len ? buf_str(&guarded) : "",
	       YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	buf_free(&guarded);
}

void emit_format(struct emit *out, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, SIZE_MAX);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	emit_text(out, buf_str(&text));
	buf_free(&text);
}
