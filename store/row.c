/* SPDX-License-Identifier: MIT */
#include "store/row.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store.h"

#define COUNT(array) (unsigned)(sizeof(array) / sizeof((array)[0]))

#define CALL(member, type) { #member, type, offsetof(struct store_call, member) }
static const struct column call_columns[] = {
	CALL(id, COL_TEXT),
	CALL(node, COL_TEXT),
	CALL(state, COL_TEXT),
	CALL(ript_client, COL_BOOL),
	CALL(from, COL_TEXT),
	CALL(to, COL_TEXT),
	CALL(trunk, COL_TEXT),
	CALL(peer, COL_TEXT),
	CALL(route, COL_TEXT),
	CALL(ript_tg, COL_TEXT),
	CALL(ript_uri, COL_TEXT),
	CALL(ript_address, COL_TEXT),
	CALL(ript_cookie, COL_TEXT),
	CALL(ript_handler, COL_TEXT),
	CALL(ript_directives, COL_TEXT),
	CALL(sip_call_id, COL_TEXT),
	CALL(sip_local, COL_TEXT),
	CALL(sip_remote, COL_TEXT),
	CALL(sip_target, COL_TEXT),
	CALL(sip_route, COL_TEXT),
	CALL(sip_local_sdp, COL_TEXT),
	CALL(sip_remote_sdp, COL_TEXT),
	CALL(sip_local_cseq, COL_U32),
	CALL(sip_remote_cseq, COL_U32),
	CALL(rtp_port, COL_U16),
	CALL(created_ms, COL_U64),
	CALL(answered_ms, COL_U64),
};

#define CDR(member, type) { #member, type, offsetof(struct store_cdr, member) }
static const struct column cdr_columns[] = {
	CDR(id, COL_TEXT),
	CDR(node, COL_TEXT),
	CDR(from, COL_TEXT),
	CDR(to, COL_TEXT),
	CDR(trunk, COL_TEXT),
	CDR(peer, COL_TEXT),
	CDR(route, COL_TEXT),
	CDR(direction, COL_TEXT),
	CDR(created_ms, COL_U64),
	CDR(ringing_ms, COL_U64),
	CDR(answered_ms, COL_U64),
	CDR(ended_ms, COL_U64),
	CDR(sip_status, COL_INT),
	CDR(q850, COL_INT),
	CDR(ended_by, COL_TEXT),
	CDR(reason, COL_TEXT),
	CDR(packets_from_sip, COL_U64),
	CDR(packets_from_ript, COL_U64),
};

static const struct column handler_columns[] = {
	{ "tg", COL_TEXT, offsetof(struct store_handler, tg) },
	{ "id", COL_TEXT, offsetof(struct store_handler, id) },
	{ "json", COL_TEXT, offsetof(struct store_handler, json) },
};

static const struct column registration_columns[] = {
	{ "peer", COL_TEXT, offsetof(struct store_registration, peer) },
	{ "handler_id", COL_TEXT,
	  offsetof(struct store_registration, handler_id) },
	{ "uri", COL_TEXT, offsetof(struct store_registration, uri) },
};

const struct table_desc row_tables[TABLE_CNT] = {
	[TABLE_CALL] = { "calls", call_columns, COUNT(call_columns), 1,
			 "REPLACE" },
	/* The record of a call is written once; a repeat changes nothing. */
	[TABLE_CDR] = { "cdr", cdr_columns, COUNT(cdr_columns), 1, "IGNORE" },
	[TABLE_HANDLER] = { "handlers", handler_columns, COUNT(handler_columns),
			    2, "REPLACE" },
	[TABLE_REGISTRATION] = { "registrations", registration_columns,
				 COUNT(registration_columns), 2, "REPLACE" },
};

_Static_assert(COUNT(call_columns) <= ROW_COLUMNS, "ROW_COLUMNS");

static const char *text_of(const void *from, const struct column *column)
{
	const char *text;

	memcpy(&text, (const char *)from + column->offset, sizeof(text));
	return text ? text : "";
}

static int64_t number_of(const void *from, const struct column *column)
{
	const char *at = (const char *)from + column->offset;

	switch (column->type) {
	case COL_BOOL:
		return *(const bool *)(const void *)at;
	case COL_U16:
		return *(const uint16_t *)(const void *)at;
	case COL_U32:
		return *(const uint32_t *)(const void *)at;
	case COL_U64:
		return (int64_t)*(const uint64_t *)(const void *)at;
	case COL_INT:
		return *(const int *)(const void *)at;
	case COL_TEXT:
		break;
	}
	return 0;
}

void row_pack(struct row *row, enum row_table table, const void *from)
{
	const struct table_desc *desc = &row_tables[table];
	size_t len = 0, used = 0;

	for (unsigned i = 0; i < desc->column_cnt; i++)
		if (desc->column[i].type == COL_TEXT)
			len += strlen(text_of(from, &desc->column[i])) + 1;
	row->table = table;
	row->texts = xzalloc(len);
	for (unsigned i = 0; i < desc->column_cnt; i++) {
		const struct column *column = &desc->column[i];
		size_t n;

		if (column->type != COL_TEXT) {
			row->value[i].text = NULL;
			row->value[i].number = number_of(from, column);
			continue;
		}
		n = strlen(text_of(from, column)) + 1;
		memcpy(row->texts + used, text_of(from, column), n);
		row->value[i].text = row->texts + used;
		used += n;
	}
}

void row_free(struct row *row)
{
	free(row->texts);
	row->texts = NULL;
}

/* A comma between the members of a list. */
static const char *comma(unsigned i)
{
	return i ? ", " : "";
}

static void print_key_names(struct buf *sql, const struct table_desc *table,
			    unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(sql, "%s\"%s\"", comma(i), table->column[i].name);
}

void row_sql_create(struct buf *sql, const struct table_desc *table)
{
	buf_printf(sql, "CREATE TABLE IF NOT EXISTS \"%s\" (", table->name);
	for (unsigned i = 0; i < table->column_cnt; i++)
		buf_printf(sql, "%s\"%s\" %s NOT NULL", comma(i),
			   table->column[i].name,
			   table->column[i].type == COL_TEXT ? "TEXT"
							     : "INTEGER");
	buf_add_str(sql, ", PRIMARY KEY (");
	print_key_names(sql, table, table->key_cnt);
	buf_add_str(sql, "));");
}

void row_sql_insert(struct buf *sql, const struct table_desc *table)
{
	buf_printf(sql, "INSERT OR %s INTO \"%s\" (", table->on_conflict,
		   table->name);
	print_key_names(sql, table, table->column_cnt);
	buf_add_str(sql, ") VALUES (");
	for (unsigned i = 0; i < table->column_cnt; i++)
		buf_printf(sql, "%s?", comma(i));
	buf_add_str(sql, ")");
}

void row_sql_delete(struct buf *sql, const struct table_desc *table)
{
	buf_printf(sql, "DELETE FROM \"%s\" WHERE ", table->name);
	for (unsigned i = 0; i < table->key_cnt; i++)
		buf_printf(sql, "%s\"%s\" = ?", i ? " AND " : "",
			   table->column[i].name);
}

void row_sql_select(struct buf *sql, const struct table_desc *table)
{
	buf_add_str(sql, "SELECT ");
	print_key_names(sql, table, table->column_cnt);
	buf_printf(sql, " FROM \"%s\"", table->name);
}

void row_read(void *to, const struct table_desc *table,
	      const struct value *value)
{
	for (unsigned i = 0; i < table->column_cnt; i++) {
		const struct column *column = &table->column[i];
		char *at = (char *)to + column->offset;
		int64_t number = value[i].number;

		switch (column->type) {
		case COL_TEXT:
			memcpy(at, &value[i].text, sizeof(value[i].text));
			break;
		case COL_BOOL:
			*(bool *)(void *)at = number != 0;
			break;
		case COL_U16:
			*(uint16_t *)(void *)at = (uint16_t)number;
			break;
		case COL_U32:
			*(uint32_t *)(void *)at = (uint32_t)number;
			break;
		case COL_U64:
			*(uint64_t *)(void *)at = (uint64_t)number;
			break;
		case COL_INT:
			*(int *)(void *)at = (int)number;
			break;
		}
	}
}
