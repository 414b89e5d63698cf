/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/list.h"

struct item {
	int value;
	struct le le;
};

static void check(const struct list *list, const int *want, size_t cnt)
{
	struct le *le;
	size_t i = 0;

	for (le = list->head; le; le = le->next, i++) {
		assert_true(i < cnt);
		assert_int_equal(list_entry(le, struct item, le)->value,
				 want[i]);
		assert_ptr_equal(le->list, list);
	}
	assert_int_equal(i, cnt);
	assert_int_equal(list->count, cnt);
	i = cnt;
	for (le = list->tail; le; le = le->prev)
		assert_int_equal(list_entry(le, struct item, le)->value,
				 want[--i]);
	assert_int_equal(i, 0);
}

static void order_is_kept(void **state)
{
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };
	struct list list = { 0 };

	(void)state;
	assert_true(list_empty(&list));
	assert_null(list_pop(&list));
	list_append(&list, &a.le);
	list_append(&list, &b.le);
	list_prepend(&list, &c.le);
	check(&list, (int[]){ 3, 1, 2 }, 3);
	list_unlink(&a.le);
	check(&list, (int[]){ 3, 2 }, 2);
	list_unlink(&a.le);	/* in no list: fine */
	check(&list, (int[]){ 3, 2 }, 2);
	assert_ptr_equal(list_pop(&list), &c.le);
	check(&list, (int[]){ 2 }, 1);
	list_append(&list, &a.le);
	list_unlink(&a.le);
	check(&list, (int[]){ 2 }, 1);
	list_unlink(&b.le);
	check(&list, NULL, 0);
	assert_true(list_empty(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(order_is_kept) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
