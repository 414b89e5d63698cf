/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/loop.h"

/* A literal as the argument of a callback. */
#define T(text) ((void *)(uintptr_t)(text))

#define START (100 * NS_PER_S)

static struct loop *loop;
static char trace[256];

static int setup(void **state)
{
	(void)state;
	loop = loop_new_virtual(START, 1581103341120);
	trace[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(&loop);
	assert_null(loop);
	return 0;
}

static void note(void *arg)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%s", (const char *)arg);
}

static void timers_run_in_order(void **state)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	timer_start(&a, loop, 30, note, T("a"));
	timer_start(&b, loop, 10, note, T("b"));
	timer_start(&c, loop, 20, note, T("c"));
	assert_int_equal(loop_next_ns(loop), START + 10 * NS_PER_MS);
	loop_turn(loop, START + 9 * NS_PER_MS);
	assert_string_equal(trace, "");
	loop_turn(loop, START + 10 * NS_PER_MS);
	assert_string_equal(trace, "b");
	assert_false(timer_running(&b));
	timer_start(&a, loop, 5, note, T("A"));	/* earlier, other text */
	loop_turn(loop, START + 40 * NS_PER_MS);
	assert_string_equal(trace, "bAc");
	timer_start(&a, loop, 5, note, T("x"));
	timer_stop(&a);
	timer_stop(&a);
	assert_false(timer_running(&a));
	loop_turn(loop, START + 60 * NS_PER_MS);
	assert_string_equal(trace, "bAc");
	assert_int_equal(loop_next_ns(loop), UINT64_MAX);
	timer_start(&a, loop, UINT64_MAX, note, T("never"));
	loop_turn(loop, START + 1000 * NS_PER_S);
	assert_string_equal(trace, "bAc");
	timer_stop(&a);
}

static uint64_t seed = 42;

static uint64_t pseudo(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1;
	return seed >> 33;
}

struct many {
	struct timer timer;
	uint64_t want_ns;
	unsigned fired;
};

static uint64_t last_ns;

static void on_many(void *arg)
{
	struct many *m = arg;

	assert_true(m->want_ns <= loop_now_ns(loop));
	assert_true(m->want_ns >= last_ns);
	last_ns = m->want_ns;
	m->fired++;
}

static void heap_against_model(void **state)
{
	static struct many many[500];
	unsigned i, round, due;

	(void)state;
	memset(many, 0, sizeof(many));
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 3000; i++) {
			struct many *m = &many[pseudo() % COUNT(many)];

			if (pseudo() % 4 == 0) {
				timer_stop(&m->timer);
				continue;
			}
			m->want_ns = loop_now_ns(loop) + pseudo() % NS_PER_S;
			timer_start_at(&m->timer, loop, m->want_ns, on_many,
				       m);
		}
		due = 0;
		for (i = 0; i < COUNT(many); i++) {
			many[i].fired = 0;
			due += timer_running(&many[i].timer);
		}
		last_ns = 0;
		loop_turn(loop, loop_now_ns(loop) + NS_PER_S);
		for (i = 0; i < COUNT(many); i++) {
			due -= many[i].fired;
			assert_false(timer_running(&many[i].timer));
		}
		assert_int_equal(due, 0);
	}
}

static struct timer again;

static void on_again(void *arg)
{
	note(arg);
	timer_start(&again, loop, 0, on_again, arg);
}

static void a_turn_ends(void **state)
{
	(void)state;
	timer_start(&again, loop, 0, on_again, T("."));
	loop_turn(loop, START + 1);
	assert_string_equal(trace, ".");
	loop_turn(loop, START + 2);
	assert_string_equal(trace, "..");
	timer_stop(&again);
}

static struct loop_hook hook_a, hook_b;

static void remove_b(void *arg)
{
	note(arg);
	loop_hook_remove(&hook_b);
}

static void free_note(void *ptr)
{
	note(T("free:"));
	note(ptr);
}

static void close_self(void *arg)
{
	note(T("timer "));
	loop_defer_free(loop, arg, free_note);
}

static void turn_has_its_order(void **state)
{
	struct timer timer = { 0 };

	(void)state;
	hook_a.fn = note;
	hook_a.arg = T("hook1 ");
	hook_b.fn = note;
	hook_b.arg = T("hook2 ");
	loop_hook_add(loop, &hook_a);
	loop_hook_add(loop, &hook_b);
	timer_start(&timer, loop, 1, close_self, T("obj"));
	loop_turn(loop, START + NS_PER_MS);
	assert_string_equal(trace, "timer hook1 hook2 free:obj");
	trace[0] = '\0';
	hook_a.fn = remove_b;	/* before it is its turn */
	loop_turn(loop, START + 2 * NS_PER_MS);
	assert_string_equal(trace, "hook1 ");
	loop_hook_remove(&hook_b);
	loop_hook_remove(&hook_a);
}

static void clock_never_goes_back(void **state)
{
	(void)state;
	assert_int_equal(loop_wall_ms(loop), 1581103341120);
	loop_turn(loop, START + 5 * NS_PER_S);
	assert_int_equal(loop_now_ns(loop), START + 5 * NS_PER_S);
	assert_int_equal(loop_wall_ms(loop), 1581103346120);
	loop_turn(loop, START + 4 * NS_PER_S);
	assert_int_equal(loop_now_ns(loop), START + 5 * NS_PER_S);
}

/* ---- the real back end ---- */

static struct loop *real;
static int fds[2];
static struct loop_fd *reader, *writer;
static uint64_t seen_ns;

static void on_read(unsigned events, void *arg)
{
	char c;

	(void)arg;
	assert_int_equal(events, LOOP_READ);
	assert_int_equal(read(fds[0], &c, 1), 1);
	note(T("r"));
	assert_true(loop_in_turn(real));
	seen_ns = loop_now_ns(real);
	loop_unwatch(&reader);
	loop_unwatch(&reader);
	loop_stop(real);
}

static void on_write(unsigned events, void *arg)
{
	(void)arg;
	assert_int_equal(events, LOOP_WRITE);
	note(T("w"));
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_rewatch(writer, 0);
}

static void on_stop(void *arg)
{
	(void)arg;
	loop_stop(real);
}

static void end_of_turn(void *arg)
{
	note(arg);
}

static void libevent_back_end(void **state)
{
	struct loop_hook hook = { .fn = end_of_turn, .arg = T("|") };
	struct timer timer = { 0 };
	uint64_t before = clock_wall_ms();

	(void)state;
	trace[0] = '\0';
	real = loop_new();
	assert_true(loop_wall_ms(real) + 1000 > before);
	assert_int_equal(pipe(fds), 0);
	loop_hook_add(real, &hook);
	reader = loop_watch(real, fds[0], LOOP_READ, on_read, NULL);
	writer = loop_watch(real, fds[1], LOOP_WRITE, on_write, NULL);
	timer_start(&timer, real, 0, note, T("t"));
	loop_run(real);
	assert_string_equal(trace, "wt|r|");
	assert_true(seen_ns <= clock_mono_ns());
	loop_unwatch(&writer);
	loop_hook_remove(&hook);

	loop_stop(real);	/* before: ends the next run at once */
	loop_run(real);
	timer_start(&timer, real, 1, on_stop, NULL);
	loop_run(real);
	assert_false(timer_running(&timer));
	loop_free(&real);
	close(fds[0]);
	close(fds[1]);
}

static void stop_real(void *ptr)
{
	note(T("freed"));
	loop_stop(ptr);
}

static void defer_outside_a_turn_wakes(void **state)
{
	struct timer timer = { 0 };

	(void)state;
	trace[0] = '\0';
	real = loop_new();
	timer_start(&timer, real, 3600000, note, T("never"));
	loop_defer_free(real, real, stop_real);
	timer_start(&timer, real, 7200000, note, T("never"));
	loop_run(real);
	assert_string_equal(trace, "freed");
	timer_stop(&timer);
	loop_free(&real);
}

static void wrong_loop_aborts(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	loop_assert(LOOP_CONTROL);	/* unnamed: passes */
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		loop_enter(LOOP_WORKER, 3);
		if (loop_kind() != LOOP_WORKER || loop_index() != 3)
			_exit(1);
		loop_assert(LOOP_WORKER);
		loop_assert(LOOP_CONTROL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_run_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(heap_against_model, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_turn_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(turn_has_its_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(clock_never_goes_back, setup,
						teardown),
		cmocka_unit_test(libevent_back_end),
		cmocka_unit_test(defer_outside_a_turn_wakes),
		cmocka_unit_test(wrong_loop_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
