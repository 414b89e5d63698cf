/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include <assert.h>

void list_append(struct list *list, struct le *le)
{
	assert(!le->list);
	le->list = list;
	le->next = NULL;
	le->prev = list->tail;
	if (list->tail)
		list->tail->next = le;
	else
		list->head = le;
	list->tail = le;
	list->count++;
}

void list_prepend(struct list *list, struct le *le)
{
	assert(!le->list);
	le->list = list;
	le->prev = NULL;
	le->next = list->head;
	if (list->head)
		list->head->prev = le;
	else
		list->tail = le;
	list->head = le;
	list->count++;
}

void list_unlink(struct le *le)
{
	struct list *list = le->list;

	if (!list)
		return;
	if (le->prev)
		le->prev->next = le->next;
	else
		list->head = le->next;
	if (le->next)
		le->next->prev = le->prev;
	else
		list->tail = le->prev;
	list->count--;
	le->prev = NULL;
	le->next = NULL;
	le->list = NULL;
}

struct le *list_pop(struct list *list)
{
	struct le *le = list->head;

	if (le)
		list_unlink(le);
	return le;
}
