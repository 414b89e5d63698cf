/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/metric.h"
#include "store/latency.h"
#include "store/row.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x52495054	/* "RIPT" */
#define SQL_MAX 4096
#define BUSY_MS 2000
#define LAZY_MS 50	/* a write that nobody waits for goes with others */

enum write_kind {
	WRITE_PUT,	/* the row */
	WRITE_DELETE,	/* the row of this key */
	WRITE_END_CALL,	/* the cdr, and the call's row goes */
};

/* One write, from the call on control to the acknowledgement there. */
struct write {
	struct msg msg;			/* first */
	struct store *store;
	struct write *next;		/* of its batch */
	enum write_kind kind;
	struct row row;
	store_done_h *done;
	void *arg;
	uint64_t queued_ns;
	int err;
};

/* The writes of one transaction, and their way back to control. */
struct batch {
	struct msg msg;			/* first */
	struct store *store;
	struct write *first, **tail;
	bool awaited;			/* somebody waits for one of them */
	uint64_t done_ns;
	char why[160];
};

struct store {
	/* control */
	struct loop *control;
	struct mailbox *to_control;
	char *file;
	unsigned queued;
	uint64_t writes, failures;
	struct latency latency;
	struct metric *m_writes, *m_failures, *m_queued, *m_seconds;
	pthread_t thread;

	/* store thread, between store_open() and store_close() */
	struct loop *loop;
	struct mailbox *inbox;
	struct loop_hook commit_hook;
	sqlite3 *db;
	sqlite3_stmt *insert[TABLE_CNT];
	sqlite3_stmt *del[TABLE_CNT];
	sqlite3_stmt *begin, *commit, *rollback;
	struct batch *batch;		/* gathered; NULL: no write yet */
	struct timer lazy;		/* the batch is due */
	bool ending;
};

/* ---- opening (control, before the thread) ---- */

static int run(sqlite3 *db, const char *sql, char **why)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	*why = xstrdup(sqlite3_errmsg(db));
	return EIO;
}

/* The one number that @sql selects. */
static int select_number(sqlite3 *db, const char *sql, int64_t *numberp,
			 char **why)
{
	sqlite3_stmt *stmt = NULL;
	int err = EIO;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*numberp = sqlite3_column_int64(stmt, 0);
		err = 0;
	} else {
		*why = xstrdup(sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	return err;
}

static int make_schema(sqlite3 *db, char **why)
{
	struct buf sql;
	int err;

	buf_init(&sql, SQL_MAX);
	buf_add_str(&sql, "BEGIN IMMEDIATE;");
	for (unsigned i = 0; i < TABLE_CNT; i++)
		row_sql_create(&sql, &row_tables[i]);
	buf_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;"
			 "COMMIT;", APPLICATION_ID, SCHEMA_VERSION);
	err = run(db, buf_str(&sql), why);
	buf_free(&sql);
	return err;
}

/* Make the schema in an empty file, accept ours, refuse what is newer or
 * somebody else's. */
static int check_schema(sqlite3 *db, char **why)
{
	int64_t version, application, tables;
	int err;

	err = select_number(db, "PRAGMA user_version", &version, why);
	if (!err)
		err = select_number(db, "PRAGMA application_id", &application,
				    why);
	if (!err)
		err = select_number(db, "SELECT count(*) FROM sqlite_master",
				    &tables, why);
	if (err)
		return err;
	if (tables == 0)
		return make_schema(db, why);
	if (application != APPLICATION_ID) {
		*why = xstrdup("it is a database of another program; "
			       "name another file under store.sqlite");
		return EINVAL;
	}
	if (version > SCHEMA_VERSION) {
		*why = xasprintf("a newer riptide wrote it (schema %d, this "
				 "one knows %d); start the newer one, or name "
				 "another file under store.sqlite",
				 (int)version, SCHEMA_VERSION);
		return EINVAL;
	}
	return 0;
}

/* SQLite makes files 0644 less umask; call data is nobody's but ours. */
static int make_private(const char *file, char **why)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err;

	if (fd < 0) {
		err = errno;
		*why = xstrdup(strerror(err));
		return err;
	}
	close(fd);
	return 0;
}

static int open_db(sqlite3 **dbp, const char *file, char **why)
{
	sqlite3 *db = NULL;
	int err;

	err = make_private(file, why);
	if (err)
		return err;
	if (sqlite3_open_v2(file, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		*why = xstrdup(db ? sqlite3_errmsg(db) : "no memory");
		err = EIO;
		goto out;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	err = run(db, "PRAGMA journal_mode = WAL;"
		      "PRAGMA synchronous = NORMAL;"
		      "PRAGMA temp_store = MEMORY;", why);
	if (!err)
		err = check_schema(db, why);
	if (err)
		goto out;

	*dbp = db;
	db = NULL;
out:
	sqlite3_close(db);
	return err;
}

static int prepare(struct store *store, sqlite3_stmt **stmtp, const char *sql,
		   char **why)
{
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       stmtp, NULL) == SQLITE_OK)
		return 0;
	*why = xstrdup(sqlite3_errmsg(store->db));
	return EIO;
}

static int prepare_all(struct store *store, char **why)
{
	struct buf sql;
	int err = 0;

	buf_init(&sql, SQL_MAX);
	for (unsigned i = 0; !err && i < TABLE_CNT; i++) {
		buf_clear(&sql);
		row_sql_insert(&sql, &row_tables[i]);
		err = prepare(store, &store->insert[i], buf_str(&sql), why);
		if (err)
			break;
		buf_clear(&sql);
		row_sql_delete(&sql, &row_tables[i]);
		err = prepare(store, &store->del[i], buf_str(&sql), why);
	}
	if (!err)
		err = prepare(store, &store->begin, "BEGIN IMMEDIATE", why);
	if (!err)
		err = prepare(store, &store->commit, "COMMIT", why);
	if (!err)
		err = prepare(store, &store->rollback, "ROLLBACK", why);
	buf_free(&sql);
	return err;
}

/* ---- the store thread ---- */

static int step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? 0 : EIO;
}

static void bind(sqlite3_stmt *stmt, const struct value *value, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (value[i].text)
			sqlite3_bind_text(stmt, (int)i + 1, value[i].text, -1,
					  SQLITE_STATIC);
		else
			sqlite3_bind_int64(stmt, (int)i + 1, value[i].number);
	}
}

static int put_row(struct store *store, const struct row *row)
{
	sqlite3_stmt *stmt = store->insert[row->table];
	int err;

	bind(stmt, row->value, row_tables[row->table].column_cnt);
	err = step(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

static int delete_row(struct store *store, enum row_table table,
		      const struct row *row)
{
	sqlite3_stmt *stmt = store->del[table];
	int err;

	bind(stmt, row->value, row_tables[table].key_cnt);
	err = step(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

static int write_row(struct store *store, const struct write *write)
{
	int err;

	switch (write->kind) {
	case WRITE_PUT:
		return put_row(store, &write->row);
	case WRITE_DELETE:
		return delete_row(store, write->row.table, &write->row);
	case WRITE_END_CALL:
		err = put_row(store, &write->row);
		return err ? err : delete_row(store, TABLE_CALL, &write->row);
	}
	return EIO;
}

static void write_free(struct write *write)
{
	row_free(&write->row);
	free(write);
}

static void batch_free(struct msg *msg)
{
	struct batch *batch = (struct batch *)msg;
	struct write *write;

	while ((write = batch->first)) {
		batch->first = write->next;
		write_free(write);
	}
	free(batch);
}

static void batch_fail(struct batch *batch, const char *why)
{
	snprintf(batch->why, sizeof(batch->why), "%s", why);
	for (struct write *w = batch->first; w; w = w->next)
		w->err = EIO;
}

/* Loop: control.  What was written, or not, is told to who waits. */
static void on_batch_done(struct msg *msg)
{
	struct batch *batch = (struct batch *)msg;
	struct store *store = batch->store;
	struct metric *failures = store->m_failures;

	for (struct write *w = batch->first; w; w = w->next) {
		uint64_t us = (batch->done_ns - w->queued_ns) / 1000;

		store->queued--;
		if (w->err) {
			store->failures++;
			metric_inc(failures);
		} else {
			store->writes++;
			metric_inc(store->m_writes);
			latency_add(&store->latency, us, batch->done_ns);
			metric_observe(store->m_seconds, (double)us / 1e6);
		}
	}
	metric_gauge_set(store->m_queued, store->queued);
	if (batch->why[0])
		log_reason(log_root(), LOG_ERROR, "store-failed",
			   "%s: a write failed: %s", store->file, batch->why);
	for (struct write *w = batch->first; w; w = w->next)
		if (w->done)
			w->done(w->err, w->err ? batch->why : "", w->arg);
	batch_free(msg);
}

static struct batch *batch_new(struct store *store)
{
	struct batch *batch = xzalloc(sizeof(*batch));

	batch->msg.deliver = on_batch_done;
	batch->msg.drop = batch_free;
	batch->store = store;
	batch->tail = &batch->first;
	return batch;
}

/* Everything in one transaction, acknowledged on control. */
static void commit_batch(struct store *store)
{
	struct batch *batch = store->batch;
	sqlite3 *db = store->db;

	store->batch = NULL;
	timer_stop(&store->lazy);
	if (step(store->begin))
		snprintf(batch->why, sizeof(batch->why), "%s",
			 sqlite3_errmsg(db));
	/* After a fault that rolled everything back nothing can be kept. */
	for (struct write *w = batch->first;
	     w && !sqlite3_get_autocommit(db); w = w->next) {
		w->err = write_row(store, w);
		if (w->err)
			snprintf(batch->why, sizeof(batch->why), "%s",
				 sqlite3_errmsg(db));
	}
	if (sqlite3_get_autocommit(db)) {
		batch_fail(batch, batch->why[0] ? batch->why
						: "the transaction was lost");
	} else if (step(store->commit)) {
		batch_fail(batch, sqlite3_errmsg(db));
		if (!sqlite3_get_autocommit(db))
			(void)step(store->rollback);
	}
	batch->done_ns = clock_mono_ns();
	mailbox_post_always(store->to_control, &batch->msg);
}

static void on_lazy(void *arg)
{
	struct store *store = arg;

	if (store->batch)
		commit_batch(store);
}

static void on_write(struct msg *msg)
{
	struct write *write = (struct write *)msg;
	struct store *store = write->store;

	if (!store->batch)
		store->batch = batch_new(store);
	*store->batch->tail = write;
	store->batch->tail = &write->next;
	if (write->done)
		store->batch->awaited = true;
}

/* End of turn: what is awaited goes to disk now, with all before it. */
static void on_turn_end(void *arg)
{
	struct store *store = arg;

	if (!store->batch)
		return;
	if (store->batch->awaited || store->ending)
		commit_batch(store);
	else if (!timer_running(&store->lazy))
		timer_start(&store->lazy, store->loop, LAZY_MS, on_lazy,
			    store);
}

static void on_quit(struct msg *msg)
{
	struct write *write = (struct write *)msg;

	write->store->ending = true;
	loop_stop(write->store->loop);
	free(write);
}

static void *store_main(void *arg)
{
	struct store *store = arg;

	loop_enter(LOOP_STORE, 0);
	loop_run(store->loop);
	on_turn_end(store);	/* the turn that stopped the loop */
	timer_stop(&store->lazy);
	return NULL;
}

/* ---- life ---- */

static void drop_write(struct msg *msg)
{
	write_free((struct write *)msg);
}

static void make_metrics(struct store *store)
{
	static const double bounds[] = { 0.0005, 0.001, 0.002, 0.005, 0.01,
					 0.02,	 0.05,	0.1,   0.5,   1 };

	store->m_writes = metric_counter("store_writes_total", NULL,
					 "Rows written to the database.");
	store->m_failures = metric_counter("store_failures_total", NULL,
					   "Rows that could not be written.");
	store->m_queued = metric_gauge("store_queued", NULL,
				       "Writes not acknowledged yet.");
	store->m_seconds = metric_histogram(
		"store_write_seconds", NULL,
		"Time from a write's request until it is on disk.", bounds,
		sizeof(bounds) / sizeof(bounds[0]));
}

/* Everything but the thread; NULL and half-built are fine. */
static void store_free(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < TABLE_CNT; i++) {
		sqlite3_finalize(store->insert[i]);
		sqlite3_finalize(store->del[i]);
	}
	sqlite3_finalize(store->begin);
	sqlite3_finalize(store->commit);
	sqlite3_finalize(store->rollback);
	sqlite3_close(store->db);
	if (store->loop)
		loop_hook_remove(&store->commit_hook);
	mailbox_free(&store->inbox);
	mailbox_free(&store->to_control);
	loop_free(&store->loop);
	free(store->file);
	free(store);
}

int store_open(struct store **storep, struct loop *control, const char *file,
	       char **why)
{
	struct store *store = xzalloc(sizeof(*store));
	char *detail = NULL;
	int err;

	loop_assert(LOOP_CONTROL);
	store->control = control;
	store->file = xstrdup(file);
	err = open_db(&store->db, file, &detail);
	if (!err)
		err = prepare_all(store, &detail);
	if (err)
		goto out;
	make_metrics(store);
	store->to_control = mailbox_new(control, 0);
	store->loop = loop_new();
	store->inbox = mailbox_new(store->loop, 0);
	store->commit_hook.fn = on_turn_end;
	store->commit_hook.arg = store;
	loop_hook_add(store->loop, &store->commit_hook);
	err = pthread_create(&store->thread, NULL, store_main, store);
	if (err) {
		detail = xstrdup(strerror(err));
		goto out;
	}
	*storep = store;
	store = NULL;
out:
	if (err)
		*why = xasprintf("cannot use the database %s: %s", file,
				 detail);
	free(detail);
	store_free(store);
	return err;
}

void store_close(struct store **storep)
{
	struct store *store = *storep;
	struct write *quit;

	if (!store)
		return;
	loop_assert(LOOP_CONTROL);
	*storep = NULL;
	quit = xzalloc(sizeof(*quit));
	quit->msg.deliver = on_quit;
	quit->store = store;
	mailbox_post_always(store->inbox, &quit->msg);
	mailbox_flush();
	pthread_join(store->thread, NULL);
	store_free(store);
}

/* ---- writing ---- */

static void queue_write(struct store *store, enum write_kind kind,
			enum row_table table, const void *from,
			store_done_h *done, void *arg)
{
	struct write *write = xzalloc(sizeof(*write));

	loop_assert(LOOP_CONTROL);
	write->msg.deliver = on_write;
	write->msg.drop = drop_write;
	write->store = store;
	write->kind = kind;
	row_pack(&write->row, table, from);
	write->done = done;
	write->arg = arg;
	write->queued_ns = clock_mono_ns();
	store->queued++;
	mailbox_post_always(store->inbox, &write->msg);
}

void store_put_call(struct store *store, const struct store_call *call,
		    store_done_h *done, void *arg)
{
	queue_write(store, WRITE_PUT, TABLE_CALL, call, done, arg);
}

void store_end_call(struct store *store, const char *id,
		    const struct store_cdr *cdr)
{
	struct store_cdr copy = *cdr;

	copy.id = id;
	queue_write(store, WRITE_END_CALL, TABLE_CDR, &copy, NULL, NULL);
}

void store_put_handler(struct store *store, const struct store_handler *row,
		       store_done_h *done, void *arg)
{
	queue_write(store, row->json ? WRITE_PUT : WRITE_DELETE, TABLE_HANDLER,
		    row, done, arg);
}

void store_put_registration(struct store *store, const char *peer,
			    const char *handler_id, const char *uri)
{
	struct store_registration row = { peer, handler_id, uri };

	queue_write(store, WRITE_PUT, TABLE_REGISTRATION, &row, NULL, NULL);
}

/* ---- reading, at start ---- */

typedef void row_h(const void *from, void *ctx);

static void read_values(sqlite3_stmt *stmt, const struct table_desc *table,
			struct value *value)
{
	for (unsigned i = 0; i < table->column_cnt; i++) {
		const unsigned char *text;

		if (table->column[i].type != COL_TEXT) {
			value[i].number = sqlite3_column_int64(stmt, (int)i);
			continue;
		}
		text = sqlite3_column_text(stmt, (int)i);
		value[i].text = text ? (const char *)text : "";
	}
}

/* A connection of its own: the other one is the thread's. */
static int each_row(struct store *store, enum row_table which, void *to,
		    row_h *fn, void *ctx)
{
	const struct table_desc *table = &row_tables[which];
	struct value value[ROW_COLUMNS] = { 0 };
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	struct buf sql;
	int rc;

	loop_assert(LOOP_CONTROL);
	buf_init(&sql, SQL_MAX);
	row_sql_select(&sql, table);
	rc = sqlite3_open_v2(store->file, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			     NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		rc = sqlite3_prepare_v2(db, buf_str(&sql), -1, &stmt, NULL);
	}
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		read_values(stmt, table, value);
		row_read(to, table, value);
		fn(to, ctx);
	}
	if (rc != SQLITE_DONE)
		log_error(NULL, "%s: cannot read table %s: %s", store->file,
			  table->name, db ? sqlite3_errmsg(db) : "no memory");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	buf_free(&sql);
	return rc == SQLITE_DONE ? 0 : EIO;
}

struct handler_reader {
	void (*fn)(const struct store_handler *row, void *arg);
	void *arg;
};

static void on_handler_row(const void *from, void *ctx)
{
	struct handler_reader *reader = ctx;

	reader->fn(from, reader->arg);
}

int store_each_handler(struct store *store,
		       void (*fn)(const struct store_handler *row, void *arg),
		       void *arg)
{
	struct handler_reader reader = { fn, arg };
	struct store_handler row;

	return each_row(store, TABLE_HANDLER, &row, on_handler_row, &reader);
}

struct registration_reader {
	void (*fn)(const char *peer, const char *handler_id, const char *uri,
		   void *arg);
	void *arg;
};

static void on_registration_row(const void *from, void *ctx)
{
	const struct store_registration *row = from;
	struct registration_reader *reader = ctx;

	reader->fn(row->peer, row->handler_id, row->uri, reader->arg);
}

int store_each_registration(struct store *store,
			    void (*fn)(const char *peer, const char *handler_id,
				       const char *uri, void *arg), void *arg)
{
	struct registration_reader reader = { fn, arg };
	struct store_registration row;

	return each_row(store, TABLE_REGISTRATION, &row, on_registration_row,
			&reader);
}

struct call_reader {
	void (*fn)(const struct store_call *row, void *arg);
	void *arg;
};

static void on_call_row(const void *from, void *ctx)
{
	struct call_reader *reader = ctx;

	reader->fn(from, reader->arg);
}

int store_each_call(struct store *store,
		    void (*fn)(const struct store_call *row, void *arg),
		    void *arg)
{
	struct call_reader reader = { fn, arg };
	struct store_call row;

	return each_row(store, TABLE_CALL, &row, on_call_row, &reader);
}

/* ---- status ---- */

void store_stats(struct store *store, struct store_stats *out)
{
	uint64_t now_ns = clock_mono_ns();

	loop_assert(LOOP_CONTROL);
	out->queued = store->queued;
	out->p50_us = latency_percentile(&store->latency, 50, now_ns);
	out->p99_us = latency_percentile(&store->latency, 99, now_ns);
	out->writes = store->writes;
	out->failures = store->failures;
}
