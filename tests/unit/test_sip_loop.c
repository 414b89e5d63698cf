/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/mem.h"
#include "sip/root.h"

/* What ran, in order, one letter each. */
static char ran[64];
static struct loop *loop;

static void note(char c)
{
	size_t len = strlen(ran);

	assert_true(len < sizeof(ran) - 1);
	ran[len] = c;
	ran[len + 1] = '\0';
}

static void *letter(char c)
{
	static char letters[128];

	letters[(unsigned char)c] = c;
	return &letters[(unsigned char)c];
}

static void on_timer(void *arg)
{
	note(*(const char *)arg);
}

static void on_last(void *arg)
{
	note(*(const char *)arg);
	loop_stop(loop);
}

static void on_hook(void *arg)
{
	(void)arg;
	if (ran[0] && ran[strlen(ran) - 1] != '|')
		note('|');
}

static void strip_turn_ends(void)
{
	char *from, *to = ran;

	for (from = ran; *from; from++)
		if (*from != '|')
			*to++ = *from;
	*to = '\0';
}

static void timers_and_turns(void **state)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 }, never = { 0 };
	struct loop_hook hook = { .fn = on_hook };

	(void)state;
	ran[0] = '\0';
	loop = siproot_loop_new();
	assert_non_null(loop);
	assert_null(siproot_loop_new());	/* one a process */
	loop_hook_add(loop, &hook);
	timer_start(&c, loop, 20, on_last, letter('c'));
	timer_start(&a, loop, 0, on_timer, letter('a'));
	timer_start(&b, loop, 5, on_timer, letter('b'));
	timer_start(&never, loop, 1, on_timer, letter('x'));
	timer_stop(&never);
	loop_run(loop);
	/* Each turn ended before the next wait; a late one may take two. */
	assert_int_equal(ran[strlen(ran) - 1], '|');
	strip_turn_ends();
	assert_string_equal(ran, "abc");
	loop_hook_remove(&hook);
	loop_free(&loop);
}

static struct loop_fd *watch;
static int fd;

static void on_gone(void *ptr)
{
	note('f');
	free(ptr);
}

static void on_readable(unsigned events, void *arg)
{
	uint64_t n;

	assert_int_equal(events, LOOP_READ);
	assert_ptr_equal(arg, &fd);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	note((char)('0' + n));
	if (n == 3) {
		/* It may end itself, and what it points to lives on. */
		loop_unwatch(&watch);
		loop_defer_free(loop, xzalloc(8), on_gone);
		loop_stop(loop);
	}
}

static void on_write_due(void *arg)
{
	uint64_t n = *(const uint64_t *)arg;

	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
}

static void descriptors(void **state)
{
	static uint64_t one = 1, two = 2, three = 3;
	struct timer a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	ran[0] = '\0';
	loop = siproot_loop_new();
	fd = eventfd(0, EFD_NONBLOCK);
	watch = loop_watch(loop, fd, LOOP_READ, on_readable, &fd);
	timer_start(&a, loop, 0, on_write_due, &one);
	timer_start(&b, loop, 3, on_write_due, &two);
	timer_start(&c, loop, 6, on_write_due, &three);
	loop_run(loop);
	assert_string_equal(ran, "123f");
	assert_null(watch);
	close(fd);
	loop_free(&loop);
}

static void on_writable(unsigned events, void *arg)
{
	(void)arg;
	assert_true(events & LOOP_WRITE);
	note('w');
	loop_rewatch(watch, 0);		/* else it would come for ever */
}

static void changes_what_it_waits_for(void **state)
{
	struct timer a = { 0 };

	(void)state;
	ran[0] = '\0';
	loop = siproot_loop_new();
	fd = eventfd(0, EFD_NONBLOCK);
	watch = loop_watch(loop, fd, LOOP_WRITE, on_writable, NULL);
	timer_start(&a, loop, 10, on_last, letter('e'));
	loop_run(loop);
	assert_string_equal(ran, "we");
	loop_unwatch(&watch);
	close(fd);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_and_turns),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(changes_what_it_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
