/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <pthread.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"

struct note {
	struct msg msg;
	unsigned writer;
	unsigned number;
};

static struct loop *loop;
static struct mailbox *mbox;
static unsigned delivered, dropped, stop_at;
static unsigned next_of[8];

static void deliver(struct msg *msg)
{
	struct note *note = (struct note *)msg;

	/* In order for each writer. */
	assert_int_equal(note->number, next_of[note->writer]++);
	free(note);
	if (++delivered == stop_at)
		loop_stop(loop);
}

static void drop(struct msg *msg)
{
	free(msg);
	dropped++;
}

static struct msg *note_new(unsigned writer, unsigned number)
{
	struct note *note = xzalloc(sizeof(*note));

	note->msg.deliver = deliver;
	note->msg.drop = drop;
	note->writer = writer;
	note->number = number;
	return &note->msg;
}

static int setup(void **state)
{
	(void)state;
	delivered = dropped = stop_at = 0;
	memset(next_of, 0, sizeof(next_of));
	loop = loop_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mailbox_free(&mbox);
	assert_null(mbox);
	mailbox_free(&mbox);
	loop_free(&loop);
	return 0;
}

static void credit_is_a_limit(void **state)
{
	struct msg *msg = note_new(0, 3);

	(void)state;
	mbox = mailbox_new(loop, 2);
	assert_int_equal(mailbox_post(mbox, note_new(0, 0)), 0);
	assert_int_equal(mailbox_post(mbox, note_new(0, 1)), 0);
	assert_int_equal(mailbox_post(mbox, msg), EAGAIN);
	mailbox_post_always(mbox, note_new(0, 2));
	assert_int_equal(mailbox_depth(mbox), 3);
	stop_at = 3;
	loop_run(loop);
	assert_int_equal(delivered, 3);
	assert_int_equal(mailbox_depth(mbox), 0);
	assert_int_equal(mailbox_high_water(mbox), 3);
	assert_int_equal(mailbox_post(mbox, msg), 0);
	mailbox_close(mbox);
	msg = note_new(0, 4);
	assert_int_equal(mailbox_post(mbox, msg), ESHUTDOWN);
	mailbox_post_always(mbox, msg);
	assert_int_equal(dropped, 1);
	stop_at = 4;	/* what was inside still comes */
	loop_run(loop);
	assert_int_equal(delivered, 4);
}

static void free_drops_the_rest(void **state)
{
	(void)state;
	mbox = mailbox_new(loop, 0);
	mailbox_post_always(mbox, note_new(0, 0));
	mailbox_post_always(mbox, note_new(0, 1));
	mailbox_free(&mbox);
	assert_int_equal(dropped, 2);
	assert_int_equal(delivered, 0);
}

static void deliver_and_free(struct msg *msg)
{
	free(msg);
	mailbox_free(&mbox);
	loop_stop(loop);
}

static void free_within_delivery(void **state)
{
	struct msg *msg = note_new(0, 0);

	(void)state;
	mbox = mailbox_new(loop, 0);
	msg->deliver = deliver_and_free;
	mailbox_post_always(mbox, msg);
	mailbox_post_always(mbox, note_new(0, 1));
	loop_run(loop);
	assert_null(mbox);
	assert_int_equal(dropped, 1);
}

#define WRITERS 4u
#define EACH 2000u

static void *post_many(void *arg)
{
	unsigned writer = (unsigned)(uintptr_t)arg, i;
	struct msg *msg;

	for (i = 0; i < EACH; i++) {
		msg = note_new(writer, i);
		if (i % 2) {
			mailbox_post_always(mbox, msg);
			continue;
		}
		while (mailbox_post(mbox, msg) == EAGAIN)
			sched_yield();
	}
	return NULL;
}

static void many_writers(void **state)
{
	pthread_t thread[WRITERS];
	unsigned i;

	(void)state;
	mbox = mailbox_new(loop, 64);
	stop_at = WRITERS * EACH;
	for (i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, post_many,
			       (void *)(uintptr_t)i);
	loop_run(loop);
	for (i = 0; i < WRITERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(next_of[i], EACH);
	}
	assert_int_equal(mailbox_depth(mbox), 0);
	assert_in_range(mailbox_high_water(mbox), 1, 64 + WRITERS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(credit_is_a_limit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(free_drops_the_rest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(free_within_delivery, setup,
						teardown),
		cmocka_unit_test_setup_teardown(many_writers, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
