/* SPDX-License-Identifier: MIT */
/* The database: rows come back, on disk before they are acknowledged. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "store/latency.h"
#include "store/store.h"

#define ID_A "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"
#define ID_B "1c9ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"

struct fixture {
	char dir[64];
	char file[96];
	struct loop *loop;
	struct store *store;
	unsigned acks;		/* so many arrived */
	unsigned want;		/* the loop stops at so many */
	int last_err;
	char last_why[160];
};

static void quiet(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/riptide-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/riptide.db", f->dir);
	log_capture(quiet, NULL);
	f->loop = loop_new();
	*state = f;
	return 0;
}

static void remove_file(const struct fixture *f, const char *suffix)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", f->file, suffix);
	unlink(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	loop_free(&f->loop);
	remove_file(f, "");
	remove_file(f, "-wal");
	remove_file(f, "-shm");
	rmdir(f->dir);
	log_capture(NULL, NULL);
	metric_reset();
	free(f);
	return 0;
}

static void open_store(struct fixture *f)
{
	char *why = NULL;

	assert_int_equal(store_open(&f->store, f->loop, f->file, &why), 0);
	assert_null(why);
}

static void on_done(int err, const char *why, void *arg)
{
	struct fixture *f = arg;

	f->last_err = err;
	snprintf(f->last_why, sizeof(f->last_why), "%s", why);
	if (++f->acks >= f->want)
		loop_stop(f->loop);
}

/* Run until @count acknowledgements have come. */
static void wait_acks(struct fixture *f, unsigned count)
{
	f->want = f->acks + count;
	loop_run(f->loop);
}

static const struct store_call call_a = {
	.id = ID_A,
	.node = "gw1",
	.state = "talking",
	.ript_client = true,
	.from = "+14085551000",
	.to = "+14089529999",
	.trunk = "pbx",
	.peer = "comcast",
	.route = "outward",
	.ript_tg = "https://comcast.example/.well-known/ript/v1/providertgs/1",
	.ript_uri = "https://comcast.example/calls/x",
	.ript_address = "192.0.2.1:443",
	.ript_cookie = "node=7",
	.ript_handler = "https://comcast.example/handlers/h",
	.ript_directives = "{\"client\":{\"stream\":[]}}",
	.sip_call_id = "9a1c@10.0.0.5",
	.sip_local = "<sip:a@gw>;tag=1",
	.sip_remote = "<sip:b@pbx>;tag=2",
	.sip_target = "sip:b@10.0.0.5:5060",
	.sip_route = "<sip:proxy;lr>",
	.sip_local_sdp = "v=0\r\n",
	.sip_remote_sdp = "v=0\r\no=-\r\n",
	.sip_local_cseq = 4000000000u,
	.sip_remote_cseq = 2,
	.rtp_port = 65534,
	.created_ms = 1581103341120,
	.answered_ms = 1581103342000,
};

static void store_call_equal(const struct store_call *got,
			     const struct store_call *want)
{
	assert_string_equal(got->id, want->id);
	assert_string_equal(got->node, want->node);
	assert_string_equal(got->state, want->state);
	assert_int_equal(got->ript_client, want->ript_client);
	assert_string_equal(got->from, want->from);
	assert_string_equal(got->to, want->to);
	assert_string_equal(got->trunk, want->trunk);
	assert_string_equal(got->peer, want->peer);
	assert_string_equal(got->route, want->route);
	assert_string_equal(got->ript_tg, want->ript_tg);
	assert_string_equal(got->ript_uri, want->ript_uri);
	assert_string_equal(got->ript_address, want->ript_address);
	assert_string_equal(got->ript_cookie, want->ript_cookie);
	assert_string_equal(got->ript_handler, want->ript_handler);
	assert_string_equal(got->ript_directives, want->ript_directives);
	assert_string_equal(got->sip_call_id, want->sip_call_id);
	assert_string_equal(got->sip_local, want->sip_local);
	assert_string_equal(got->sip_remote, want->sip_remote);
	assert_string_equal(got->sip_target, want->sip_target);
	assert_string_equal(got->sip_route, want->sip_route);
	assert_string_equal(got->sip_local_sdp, want->sip_local_sdp);
	assert_string_equal(got->sip_remote_sdp, want->sip_remote_sdp);
	assert_int_equal(got->sip_local_cseq, want->sip_local_cseq);
	assert_int_equal(got->sip_remote_cseq, want->sip_remote_cseq);
	assert_int_equal(got->rtp_port, want->rtp_port);
	assert_int_equal(got->created_ms, want->created_ms);
	assert_int_equal(got->answered_ms, want->answered_ms);
}

struct calls_seen {
	unsigned count;
	const struct store_call *want;
};

static void on_call(const struct store_call *row, void *arg)
{
	struct calls_seen *seen = arg;

	seen->count++;
	if (seen->want)
		store_call_equal(row, seen->want);
}

static unsigned count_calls(struct fixture *f, const struct store_call *want)
{
	struct calls_seen seen = { 0, want };

	assert_int_equal(store_each_call(f->store, on_call, &seen), 0);
	return seen.count;
}

/* What one SELECT says, on a connection of its own. */
static int64_t ask(const struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t number;

	assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

static void run_sql(const struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_call_comes_back(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_store(f);
	store_put_call(f->store, &call_a, on_done, f);
	wait_acks(f, 1);
	assert_int_equal(f->last_err, 0);
	assert_int_equal(count_calls(f, &call_a), 1);

	store_close(&f->store);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	open_store(f);
	assert_int_equal(count_calls(f, &call_a), 1);
}

static void test_later_row_replaces(void **state)
{
	struct fixture *f = *state;
	struct store_call later = call_a;

	open_store(f);
	later.state = "ringing";
	later.ript_cookie = NULL;
	store_put_call(f->store, &call_a, NULL, NULL);
	store_put_call(f->store, &later, on_done, f);
	wait_acks(f, 1);
	later.ript_cookie = "";
	assert_int_equal(count_calls(f, &later), 1);
}

static void test_end_writes_record_once(void **state)
{
	struct fixture *f = *state;
	struct store_cdr cdr = {
		.node = "gw1", .from = "+14085551000", .to = "+14089529999",
		.trunk = "pbx", .peer = "comcast", .route = "outward",
		.direction = "sip-to-ript", .created_ms = 1, .ringing_ms = 2,
		.answered_ms = 3, .ended_ms = 4, .sip_status = 200,
		.q850 = 16, .ended_by = "caller", .reason = "ended",
		.packets_from_sip = 400, .packets_from_ript = 401,
	};

	open_store(f);
	store_put_call(f->store, &call_a, NULL, NULL);
	store_end_call(f->store, ID_A, &cdr);
	cdr.reason = "node-lost";
	store_end_call(f->store, ID_A, &cdr);
	store_close(&f->store);	/* writes what is queued */

	assert_int_equal(ask(f, "SELECT count(*) FROM calls"), 0);
	assert_int_equal(ask(f, "SELECT count(*) FROM cdr WHERE id = '" ID_A
				"' AND reason = 'ended' AND q850 = 16 AND "
				"packets_from_ript = 401 AND \"from\" = "
				"'+14085551000'"), 1);
	assert_int_equal(ask(f, "SELECT count(*) FROM cdr"), 1);
}

struct rows_seen {
	unsigned count;
	char text[128];
};

static void on_handler(const struct store_handler *row, void *arg)
{
	struct rows_seen *seen = arg;

	seen->count++;
	snprintf(seen->text, sizeof(seen->text), "%s/%s=%s", row->tg, row->id,
		 row->json);
}

static void on_registration(const char *peer, const char *handler_id,
			    const char *uri, void *arg)
{
	struct rows_seen *seen = arg;

	seen->count++;
	snprintf(seen->text, sizeof(seen->text), "%s/%s=%s", peer, handler_id,
		 uri);
}

static void test_handlers_and_registrations(void **state)
{
	struct fixture *f = *state;
	struct store_handler one = { "123", "h1", "{}" };
	struct store_handler two = { "123", "h2", "{\"a\":1}" };
	struct store_handler gone = { "123", "h1", NULL };
	struct rows_seen seen = { 0 };

	open_store(f);
	store_put_handler(f->store, &one, NULL, NULL);
	store_put_handler(f->store, &two, NULL, NULL);
	store_put_handler(f->store, &gone, on_done, f);
	store_put_registration(f->store, "comcast", "gw1", "https://x/old");
	store_put_registration(f->store, "comcast", "gw1", "https://x/new");
	wait_acks(f, 1);
	store_close(&f->store);
	open_store(f);

	assert_int_equal(store_each_handler(f->store, on_handler, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.text, "123/h2={\"a\":1}");
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(store_each_registration(f->store, on_registration,
						 &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.text, "comcast/gw1=https://x/new");
}

static void test_many_writes_of_one_turn(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;
	char id[40];

	open_store(f);
	for (unsigned i = 0; i < 500; i++) {
		struct store_call call = call_a;

		snprintf(id, sizeof(id), "call-%u", i);
		call.id = id;
		store_put_call(f->store, &call, on_done, f);
	}
	store_stats(f->store, &stats);
	assert_int_equal(stats.queued, 500);
	wait_acks(f, 500);
	assert_int_equal(count_calls(f, NULL), 500);
	store_stats(f->store, &stats);
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats.writes, 500);
	assert_int_equal(stats.failures, 0);
	assert_true(stats.p50_us > 0);
	assert_true(stats.p99_us >= stats.p50_us);
}

/* The process dies the moment it is told that the row is written. */
static void die_now(int err, const char *why, void *arg)
{
	(void)why;
	(void)arg;
	if (err)
		_exit(9);
	kill(getpid(), SIGKILL);
}

static void test_acknowledged_row_survives_a_kill(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct loop *loop = loop_new();
		struct store *store;
		char *why = NULL;

		if (store_open(&store, loop, f->file, &why))
			_exit(8);
		store_put_call(store, &call_a, die_now, NULL);
		loop_run(loop);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	open_store(f);
	assert_int_equal(count_calls(f, &call_a), 1);
}

static void refuse_open(struct fixture *f, const char *sentence)
{
	char *why = NULL;

	assert_int_not_equal(store_open(&f->store, f->loop, f->file, &why), 0);
	assert_null(f->store);
	assert_non_null(why);
	if (!strstr(why, sentence))
		fail_msg("'%s' does not say '%s'", why, sentence);
	free(why);
}

static void test_refuses_what_is_not_ours(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	open_store(f);
	store_close(&f->store);
	run_sql(f, "PRAGMA user_version = 2");
	refuse_open(f, "a newer riptide wrote it (schema 2, this one knows 1)");
	run_sql(f, "PRAGMA user_version = 1");
	open_store(f);
	store_close(&f->store);

	run_sql(f, "PRAGMA application_id = 7");
	refuse_open(f, "another program");

	remove_file(f, "-wal");
	remove_file(f, "-shm");
	file = fopen(f->file, "w");
	assert_non_null(file);
	fputs("this is a letter to my aunt, and no database at all", file);
	fclose(file);
	refuse_open(f, "not a database");

	snprintf(f->file, sizeof(f->file), "%s/none/riptide.db", f->dir);
	refuse_open(f, "No such file");
	snprintf(f->file, sizeof(f->file), "%s/riptide.db", f->dir);
}

static void test_failing_disk_is_told(void **state)
{
	struct fixture *f = *state;
	struct store_call big = call_a;
	struct rlimit old, tight = { 0 };
	struct store_stats stats;
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	memset(text, 'x', (1 << 20) - 1);
	big.id = ID_B;
	big.sip_local_sdp = text;
	open_store(f);
	store_put_call(f->store, &call_a, on_done, f);
	wait_acks(f, 1);
	assert_int_equal(f->last_err, 0);

	/* No file of this process may grow beyond 256 KiB from here on. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_cur = 256 * 1024;
	tight.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	store_put_call(f->store, &big, on_done, f);
	wait_acks(f, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(f->last_err, EIO);
	assert_true(f->last_why[0] != '\0');
	store_stats(f->store, &stats);
	assert_int_equal(stats.failures, 1);
	assert_int_equal(metric_value(metric_counter("store_failures_total",
						     NULL, "")), 1);

	/* The disk is well again, and so is the store. */
	big.sip_local_sdp = "v=0\r\n";
	store_put_call(f->store, &big, on_done, f);
	wait_acks(f, 1);
	assert_int_equal(f->last_err, 0);
	assert_int_equal(count_calls(f, NULL), 2);
	free(text);
}

static void test_latency(void **state)
{
	static const struct {
		const char *name;
		uint64_t us;
	} rows[] = {
		{ "zero", 0 },	  { "one", 1 },	       { "seven", 7 },
		{ "eight", 8 },	  { "hundred", 100 },  { "ms", 1000 },
		{ "s", 1000000 }, { "4 s", 4000000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct latency latency = { 0 };
		uint64_t got;

		row_name(rows[i].name);
		latency_add(&latency, rows[i].us, 1);
		got = latency_percentile(&latency, 50, 1);
		assert_true(got >= rows[i].us);
		assert_true(got <= rows[i].us + rows[i].us / 4);
	}
}

static void test_latency_forgets(void **state)
{
	struct latency latency = { 0 };

	(void)state;
	for (unsigned i = 0; i < 99; i++)
		latency_add(&latency, 10, NS_PER_S);
	latency_add(&latency, 5000, NS_PER_S);
	assert_in_range(latency_percentile(&latency, 50, NS_PER_S), 10, 12);
	assert_in_range(latency_percentile(&latency, 99, NS_PER_S), 10, 12);
	assert_in_range(latency_percentile(&latency, 100, NS_PER_S), 5000,
			6250);
	/* Still there half a minute later, gone after two. */
	assert_true(latency_percentile(&latency, 50, 31 * NS_PER_S) > 0);
	assert_int_equal(latency_percentile(&latency, 50, 62 * NS_PER_S), 0);
	assert_int_equal(latency_percentile(&latency, 50, 200 * NS_PER_S), 0);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_call_comes_back),
		WITH_FILE(test_later_row_replaces),
		WITH_FILE(test_end_writes_record_once),
		WITH_FILE(test_handlers_and_registrations),
		WITH_FILE(test_many_writes_of_one_turn),
		WITH_FILE(test_acknowledged_row_survives_a_kill),
		WITH_FILE(test_refuses_what_is_not_ours),
		WITH_FILE(test_failing_disk_is_told),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_latency_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
