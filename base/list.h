/* SPDX-License-Identifier: MIT */
/*
 * base/list.h - intrusive doubly linked list.
 *
 * Owner:  the elements' owners; a list frees nothing.
 * Loop:   the one that owns the list; no locking.
 *
 *   struct call { struct le le; ... };
 *   list_append(&tg->calls, &call->le);
 *   for (le = tg->calls.head; le; le = le->next)
 *           call = list_entry(le, struct call, le);
 */
#ifndef RIPTIDE_BASE_LIST_H
#define RIPTIDE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list;

struct le {
	struct le *prev;
	struct le *next;
	struct list *list;	/* NULL: in no list */
};

struct list {
	struct le *head;
	struct le *tail;
	size_t count;
};

#define list_entry(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Put @le at the end, or the front; it must be in no list. */
void list_append(struct list *list, struct le *le);
void list_prepend(struct list *list, struct le *le);

/* Take @le out of the list that it is in; in none is fine. */
void list_unlink(struct le *le);

/* Take the first element out and return it; NULL when empty. */
struct le *list_pop(struct list *list);

static inline bool list_empty(const struct list *list)
{
	return list->head == NULL;
}

#endif
