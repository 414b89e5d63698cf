/* SPDX-License-Identifier: MIT */
#include "gateway/history.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/table.h"

#define LINE_LEN 400

enum line_kind { LINE_SIP, LINE_RIPT, LINE_STEP };

/* A line in struct record.lines: this head, the text, a NUL. */
struct line_head {
	uint64_t us;
	uint8_t kind;
	uint8_t in;
};

/* One SIP dialog's Call-ID, and where its lines go. */
struct dialog {
	struct table_node node;		/* history.dialogs */
	struct le le;			/* record.dialogs or history.waiting */
	struct record *record;		/* NULL: it waits */
	struct buf lines;		/* while it waits */
	char call_id[];
};

struct record {
	struct history *history;
	struct le le;			/* living or ended */
	bool living;
	char id[UUID_LEN + 1];
	char *uri;
	struct buf lines;

	struct list dialogs;
	struct json_object *call;
};

struct history {
	unsigned keep;
	uint64_t (*now_us)(void);
	struct list living, ended, waiting;
	struct table dialogs;
};

struct history *history_new(unsigned keep, uint64_t (*now_us)(void))
{
	struct history *history = xzalloc(sizeof(*history));

	history->keep = keep;
	history->now_us = now_us;
	return history;
}

static void dialog_free(struct history *history, struct dialog *dialog)
{
	table_remove(&history->dialogs, &dialog->node);
	list_unlink(&dialog->le);
	buf_free(&dialog->lines);
	free(dialog);
}

static void record_free(struct record *record)
{
	struct le *le;

	while ((le = record->dialogs.head))
		dialog_free(record->history,
			    list_entry(le, struct dialog, le));
	list_unlink(&record->le);
	json_object_put(record->call);
	buf_free(&record->lines);
	free(record->uri);
	free(record);
}

void history_free(struct history **historyp)
{
	struct history *history = *historyp;
	struct le *le;

	if (!history)
		return;
	*historyp = NULL;
	while ((le = history->living.head))
		record_free(list_entry(le, struct record, le));
	while ((le = history->ended.head))
		record_free(list_entry(le, struct record, le));
	while ((le = history->waiting.head))
		dialog_free(history, list_entry(le, struct dialog, le));
	table_free(&history->dialogs);
	free(history);
}

/* ---- lines ---- */

static void add_line(struct history *history, struct buf *lines,
		     enum line_kind kind, bool in, const char *text)
{
	struct line_head head = { .us = history->now_us(),
				  .kind = (uint8_t)kind,
				  .in = in };
	size_t len = strnlen(text, LINE_LEN);

	if (lines->len + sizeof(head) + len + 1 > lines->max)
		return;
	buf_add(lines, &head, sizeof(head));
	buf_add(lines, text, len);
	buf_add(lines, "", 1);
}

static void add_formatted(struct record *record, enum line_kind kind, bool in,
			  const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void add_formatted(struct record *record, enum line_kind kind, bool in,
			  const char *fmt, va_list ap)
{
	char text[LINE_LEN + 1];

	vsnprintf(text, sizeof(text), fmt, ap);
	add_line(record->history, &record->lines, kind, in, text);
}

void record_ript(struct record *record, bool in, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(record, LINE_RIPT, in, fmt, ap);
	va_end(ap);
}

void record_step(struct record *record, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(record, LINE_STEP, true, fmt, ap);
	va_end(ap);
}

/* Call @fn for each line of @record, in the order of time. */
static void each_line(const struct record *record,
		      void (*fn)(const struct line_head *head,
				 const char *text, void *arg), void *arg)
{
	const uint8_t *at = record->lines.data;
	const uint8_t *end = at + record->lines.len;

	while (at < end) {
		struct line_head head;
		const char *text = (const char *)at + sizeof(head);

		memcpy(&head, at, sizeof(head));
		fn(&head, text, arg);
		at += sizeof(head) + strlen(text) + 1;
	}
}

/* ---- SIP dialogs ---- */

static struct dialog *find_dialog(struct history *history, const char *call_id)
{
	struct table_node *node = table_find(&history->dialogs, call_id,
					     strlen(call_id));

	return node ? table_entry(node, struct dialog, node) : NULL;
}

static struct dialog *new_dialog(struct history *history, const char *call_id)
{
	size_t len = strlen(call_id);
	struct dialog *dialog = xzalloc(sizeof(*dialog) + len + 1);

	memcpy(dialog->call_id, call_id, len + 1);
	buf_init(&dialog->lines, HISTORY_OCTETS);
	table_insert(&history->dialogs, &dialog->node, dialog->call_id, len);
	return dialog;
}

void history_sip(struct history *history, const char *call_id, bool in,
		 const char *start)
{
	struct dialog *dialog;

	if (!call_id || !call_id[0])
		return;
	dialog = find_dialog(history, call_id);
	if (!dialog) {
		/* Only a call begins a record; what a probe says is noise. */
		if (strncmp(start, "INVITE", 6) != 0)
			return;
		if (history->waiting.count >= HISTORY_WAITING)
			dialog_free(history, list_entry(history->waiting.head,
							struct dialog, le));
		dialog = new_dialog(history, call_id);
		list_append(&history->waiting, &dialog->le);
	}
	add_line(history,
		 dialog->record ? &dialog->record->lines : &dialog->lines,
		 LINE_SIP, in, start);
}

void record_claim_sip(struct record *record, const char *call_id)
{
	struct history *history = record->history;
	struct dialog *dialog;

	if (!call_id || !call_id[0])
		return;
	dialog = find_dialog(history, call_id);
	if (dialog && dialog->record)
		return;
	if (!dialog)
		dialog = new_dialog(history, call_id);
	list_unlink(&dialog->le);
	list_append(&record->dialogs, &dialog->le);
	dialog->record = record;
	if (dialog->lines.len)
		buf_add(&record->lines, dialog->lines.data, dialog->lines.len);
	buf_free(&dialog->lines);
}

void record_set_uri(struct record *record, const char *uri)
{
	free(record->uri);
	record->uri = xstrdup(uri);
}

/* ---- life of a record ---- */

struct record *history_begin(struct history *history, const char *id)
{
	struct record *record = xzalloc(sizeof(*record));

	record->history = history;
	record->living = true;
	snprintf(record->id, sizeof(record->id), "%s", id);
	buf_init(&record->lines, HISTORY_OCTETS);
	list_append(&history->living, &record->le);
	return record;
}

void history_end(struct record **recordp)
{
	struct record *record = *recordp;
	struct history *history;

	if (!record)
		return;
	*recordp = NULL;
	history = record->history;
	record->living = false;
	list_unlink(&record->le);
	list_append(&history->ended, &record->le);
	if (history->ended.count > history->keep)
		record_free(list_entry(history->ended.head, struct record,
				       le));
}

void record_set_call(struct record *record, struct json_object *call)
{
	json_object_put(record->call);
	record->call = call;
}

/* ---- reading ---- */

static bool begins(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The RIPT call's UUID: the last segment of its URI. */
static const char *uri_uuid(const char *uri)
{
	const char *slash = uri ? strrchr(uri, '/') : NULL;

	return slash ? slash + 1 : NULL;
}

static bool record_matches(const struct record *record, const char *prefix)
{
	if (begins(record->id, prefix) ||
	    begins(uri_uuid(record->uri), prefix))
		return true;
	for (struct le *le = record->dialogs.head; le; le = le->next)
		if (begins(list_entry(le, struct dialog, le)->call_id, prefix))
			return true;
	return false;
}

int history_find(struct record **recordp, struct history *history,
		 const char *prefix)
{
	struct list *lists[] = { &history->living, &history->ended };
	struct record *found = NULL;

	if (!prefix[0])
		return ENOENT;
	for (size_t i = 0; i < 2; i++) {
		for (struct le *le = lists[i]->head; le; le = le->next) {
			struct record *record =
				list_entry(le, struct record, le);

			if (!record_matches(record, prefix))
				continue;
			if (found)
				return EEXIST;
			found = record;
		}
	}
	if (!found)
		return ENOENT;
	*recordp = found;
	return 0;
}

const char *record_id(const struct record *record)
{
	return record->id;
}

bool record_living(const struct record *record)
{
	return record->living;
}

struct json_object *record_call(const struct record *record)
{
	return record->call;
}

void history_each(struct history *history, bool living_only,
		  void (*fn)(struct record *record, void *arg), void *arg)
{
	struct le *le, *next;

	for (le = living_only ? NULL : history->ended.head; le; le = next) {
		next = le->next;
		fn(list_entry(le, struct record, le), arg);
	}
	for (le = history->living.head; le; le = next) {
		next = le->next;
		fn(list_entry(le, struct record, le), arg);
	}
}

size_t history_ended(const struct history *history)
{
	return history->ended.count;
}

size_t history_waiting(const struct history *history)
{
	return history->waiting.count;
}

/* ---- as JSON ---- */

static struct json_object *line_json(const struct line_head *head)
{
	struct json_object *line = json_object_new_object();
	char text[40];

	/* Text, so that the fraction survives every JSON library. */
	snprintf(text, sizeof(text), "%llu.%03u",
		 (unsigned long long)(head->us / 1000),
		 (unsigned)(head->us % 1000));
	json_object_object_add(line, "time_ms",
			       json_object_new_double_s((double)head->us /
							1000, text));
	return line;
}

/* The lines of a ladder while they are put in order. */
struct ladder {
	struct rung {
		uint64_t us;
		size_t index;
		struct json_object *line;
	} *rung;
	size_t count, cap;
};

static void on_ladder_line(const struct line_head *head, const char *text,
			   void *arg)
{
	struct ladder *ladder = arg;
	struct json_object *line;

	if (head->kind == LINE_STEP)
		return;
	line = line_json(head);
	json_object_object_add(line, "protocol",
			       json_object_new_string(head->kind == LINE_SIP
							      ? "sip"
							      : "ript"));
	json_object_object_add(line, "dir",
			       json_object_new_string(head->in ? "in" : "out"));
	json_object_object_add(line, "message", json_object_new_string(text));
	if (ladder->count == ladder->cap) {
		ladder->cap = ladder->cap ? 2 * ladder->cap : 32;
		ladder->rung = xrealloc(ladder->rung, ladder->cap *
							      sizeof(*ladder->rung));
	}
	ladder->rung[ladder->count] =
		(struct rung){ head->us, ladder->count, line };
	ladder->count++;
}

static int by_time(const void *a, const void *b)
{
	const struct rung *left = a, *right = b;

	if (left->us != right->us)
		return left->us < right->us ? -1 : 1;
	return left->index < right->index ? -1 : 1;
}

struct json_object *record_ladder_json(const struct record *record)
{
	struct json_object *array = json_object_new_array();
	struct ladder ladder = { 0 };

	each_line(record, on_ladder_line, &ladder);
	/* Lines of a dialog that was claimed late stand behind ours. */
	if (ladder.count)
		qsort(ladder.rung, ladder.count, sizeof(*ladder.rung),
		      by_time);
	for (size_t i = 0; i < ladder.count; i++)
		json_object_array_add(array, ladder.rung[i].line);
	free(ladder.rung);
	return array;
}

static void on_step_line(const struct line_head *head, const char *text,
			 void *arg)
{
	struct json_object *array = arg, *line;

	if (head->kind != LINE_STEP)
		return;
	line = line_json(head);
	json_object_object_add(line, "text", json_object_new_string(text));
	json_object_array_add(array, line);
}

struct json_object *record_steps_json(const struct record *record)
{
	struct json_object *array = json_object_new_array();

	each_line(record, on_step_line, array);
	return array;
}
