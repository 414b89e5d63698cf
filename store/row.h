/* SPDX-License-Identifier: MIT */
/*
 * store/row.h - the tables of the database, each described once: the same
 * columns make the schema, fill a write and read a row back.
 *
 *   struct store_call --row_pack()--> struct row --(thread)--> SQL values
 *   SQL values --row_read()--> struct store_call
 *
 * Owner:  a packed row by whoever packed it, row_free().
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_STORE_ROW_H
#define RIPTIDE_STORE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum column_type { COL_TEXT, COL_BOOL, COL_U16, COL_U32, COL_U64, COL_INT };

struct column {
	const char *name;
	enum column_type type;
	size_t offset;		/* of the member in the public struct */
};

enum row_table {
	TABLE_CALL,
	TABLE_CDR,
	TABLE_HANDLER,
	TABLE_REGISTRATION,
	TABLE_CNT
};

#define ROW_COLUMNS 40		/* at most, of one table */

struct table_desc {
	const char *name;
	const struct column *column;
	unsigned column_cnt;
	unsigned key_cnt;	/* the first of them are the primary key */
	const char *on_conflict;	/* "REPLACE" or "IGNORE" */
};

extern const struct table_desc row_tables[TABLE_CNT];

/* One value of a packed row: a text, or a number when @text is NULL. */
struct value {
	const char *text;
	int64_t number;
};

struct row {
	enum row_table table;
	struct value value[ROW_COLUMNS];
	char *texts;		/* what the values point into */
};

/* Copy the struct @from of table @table. */
void row_pack(struct row *row, enum row_table table, const void *from);
void row_free(struct row *row);

/* Append the statements of a table. */
void row_sql_create(struct buf *sql, const struct table_desc *table);
void row_sql_insert(struct buf *sql, const struct table_desc *table);
void row_sql_delete(struct buf *sql, const struct table_desc *table);
void row_sql_select(struct buf *sql, const struct table_desc *table);

/* Fill the struct @to from the values of one row; texts are borrowed. */
void row_read(void *to, const struct table_desc *table,
	      const struct value *value);

#endif
