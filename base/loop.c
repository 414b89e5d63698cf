/* SPDX-License-Identifier: MIT */
#include "base/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

struct deferred {
	void *ptr;
	void (*fn)(void *ptr);
};

struct loop_fd {
	struct le le;		/* of loop->fds, or of loop->dead_fds */
	struct loop *loop;
	void *handle;		/* the back end's; NULL once unwatched */
	loop_fd_h *fn;
	void *arg;
};

struct loop {
	const struct loop_backend *backend;
	void *self;		/* the back end's */
	uint64_t now_ns;
	bool in_turn;

	/* Unix time = now + offset, read again each second. */
	int64_t wall_offset_ms;
	uint64_t wall_read_ns;

	struct timer **heap;	/* 1-based: heap[1] is the next one due */
	size_t heap_cnt;
	size_t heap_cap;
	uint64_t asked_ns;	/* what wake_in was last asked for ... */
	bool asked;		/* ... unless that wait is over */

	struct list hooks;
	struct le *next_hook;	/* so that a hook may remove any */
	struct list fds;
	struct list dead_fds;	/* freed at the end of the turn */

	struct deferred *deferred;
	size_t deferred_cnt;
	size_t deferred_cap;
};

/* ---- threads ---- */

static __thread enum loop_kind thread_kind = LOOP_ANY;
static __thread unsigned thread_index;

void loop_enter(enum loop_kind kind, unsigned index)
{
	thread_kind = kind;
	thread_index = index;
}

enum loop_kind loop_kind(void)
{
	return thread_kind;
}

unsigned loop_index(void)
{
	return thread_index;
}

void loop_assert(enum loop_kind kind)
{
	if (thread_kind == kind || thread_kind == LOOP_ANY)
		return;
	fprintf(stderr, "level=error msg=\"function of loop %d called on "
		"loop %d\"\n", (int)kind, (int)thread_kind);
	abort();
}

/* ---- clock ---- */

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
	return clock_read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

uint64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_wall_ms(const struct loop *loop)
{
	return (uint64_t)((int64_t)(loop->now_ns / NS_PER_MS) +
			  loop->wall_offset_ms);
}

/* Under a virtual clock the offset stays as it was first read: Unix time then
 * moves with the virtual one. */
static void wall_refresh(struct loop *loop, bool virtual)
{
	if (loop->wall_read_ns &&
	    (virtual || loop->now_ns - loop->wall_read_ns < NS_PER_S))
		return;
	loop->wall_offset_ms = (int64_t)clock_wall_ms() -
			       (int64_t)(loop->now_ns / NS_PER_MS);
	loop->wall_read_ns = loop->now_ns ? loop->now_ns : 1;
}

/* ---- timers ---- */

static void heap_put(struct loop *loop, size_t slot, struct timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void heap_up(struct loop *loop, struct timer *timer)
{
	size_t slot = timer->slot;

	while (slot > 1 && loop->heap[slot / 2]->at_ns > timer->at_ns) {
		heap_put(loop, slot, loop->heap[slot / 2]);
		slot /= 2;
	}
	heap_put(loop, slot, timer);
}

static void heap_down(struct loop *loop, struct timer *timer)
{
	size_t slot = timer->slot, child;

	while ((child = slot * 2) <= loop->heap_cnt) {
		if (child < loop->heap_cnt &&
		    loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
			child++;
		if (loop->heap[child]->at_ns >= timer->at_ns)
			break;
		heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_put(loop, slot, timer);
}

static void heap_insert(struct loop *loop, struct timer *timer)
{
	if (loop->heap_cnt + 1 >= loop->heap_cap) {
		loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
		loop->heap = xrealloc(loop->heap,
				      loop->heap_cap * sizeof(*loop->heap));
	}
	heap_put(loop, ++loop->heap_cnt, timer);
	heap_up(loop, timer);
}

static void ask_wake(struct loop *loop)
{
	uint64_t at = loop->heap_cnt ? loop->heap[1]->at_ns : UINT64_MAX;

	if (loop->in_turn)	/* the question waits for its end */
		return;
	if (loop->deferred_cnt)	/* outside a turn: do not wait for a timer */
		at = loop->now_ns;
	if (loop->asked && at == loop->asked_ns)
		return;
	loop->asked = true;
	loop->asked_ns = at;
	if (at != UINT64_MAX)
		at = at > loop->now_ns ? at - loop->now_ns : 0;
	loop->backend->wake_in(loop->self, at);
}

void timer_start(struct timer *timer, struct loop *loop, uint64_t delay_ms,
		 timer_h *fn, void *arg)
{
	uint64_t left = UINT64_MAX - 1 - loop->now_ns;

	timer_start_at(timer, loop,
		       delay_ms > left / NS_PER_MS
			       ? UINT64_MAX - 1
			       : loop->now_ns + delay_ms * NS_PER_MS,
		       fn, arg);
}

void timer_start_at(struct timer *timer, struct loop *loop, uint64_t at_ns,
		    timer_h *fn, void *arg)
{
	uint64_t old = timer->at_ns;

	assert(!timer->slot || timer->loop == loop);
	timer->fn = fn;
	timer->arg = arg;
	timer->loop = loop;
	timer->at_ns = at_ns;
	if (!timer->slot)
		heap_insert(loop, timer);
	else if (at_ns < old)
		heap_up(loop, timer);
	else if (at_ns > old)
		heap_down(loop, timer);
	ask_wake(loop);
}

void timer_stop(struct timer *timer)
{
	struct loop *loop = timer->loop;
	struct timer *last;

	if (!timer->slot)
		return;
	last = loop->heap[loop->heap_cnt--];
	if (last != timer) {
		heap_put(loop, timer->slot, last);
		heap_up(loop, last);
		heap_down(loop, last);
	}
	timer->slot = 0;
	ask_wake(loop);
}

/* Bounded: a timer that its own function starts again without delay runs on
 * in the next turn. */
static void timers_run(struct loop *loop)
{
	size_t budget = loop->heap_cnt;
	struct timer *timer;

	while (loop->heap_cnt && budget--) {
		timer = loop->heap[1];
		if (timer->at_ns > loop->now_ns)
			break;
		timer_stop(timer);
		timer->fn(timer->arg);
	}
}

/* ---- hooks, deferred free ---- */

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
	list_append(&loop->hooks, &hook->le);
}

void loop_hook_remove(struct loop_hook *hook)
{
	struct loop *loop;

	if (!hook->le.list)
		return;
	loop = list_entry(hook->le.list, struct loop, hooks);
	if (loop->next_hook == &hook->le)
		loop->next_hook = hook->le.next;
	list_unlink(&hook->le);
}

static void hooks_run(struct loop *loop)
{
	struct loop_hook *hook;
	struct le *le;

	for (le = loop->hooks.head; le; le = loop->next_hook) {
		loop->next_hook = le->next;
		hook = list_entry(le, struct loop_hook, le);
		hook->fn(hook->arg);
	}
	loop->next_hook = NULL;
}

void loop_defer_free(struct loop *loop, void *ptr, void (*fn)(void *ptr))
{
	if (loop->deferred_cnt == loop->deferred_cap) {
		loop->deferred_cap = loop->deferred_cap
					     ? loop->deferred_cap * 2
					     : 16;
		loop->deferred = xrealloc(loop->deferred,
					  loop->deferred_cap *
						  sizeof(*loop->deferred));
	}
	loop->deferred[loop->deferred_cnt].ptr = ptr;
	loop->deferred[loop->deferred_cnt].fn = fn;
	loop->deferred_cnt++;
	ask_wake(loop);
}

static void deferred_run(struct loop *loop)
{
	struct deferred d;
	struct le *le;

	/* A destructor may defer others: they follow in this turn. */
	for (size_t i = 0; i < loop->deferred_cnt; i++) {
		d = loop->deferred[i];
		d.fn(d.ptr);
	}
	loop->deferred_cnt = 0;
	while ((le = list_pop(&loop->dead_fds)))
		free(list_entry(le, struct loop_fd, le));
}

/* ---- turns ---- */

static _Thread_local bool thread_in_turn;
static _Thread_local void (*thread_at_end)(void);

bool loop_thread_in_turn(void)
{
	return thread_in_turn;
}

void loop_thread_at_end(void (*fn)(void))
{
	thread_at_end = fn;
}

void loop_turn_begin(struct loop *loop, uint64_t now_ns)
{
	uint64_t now = now_ns ? now_ns : clock_mono_ns();

	if (now > loop->now_ns)
		loop->now_ns = now;
	wall_refresh(loop, now_ns != 0);
	loop->in_turn = true;
	thread_in_turn = true;
}

void loop_turn_end(struct loop *loop)
{
	timers_run(loop);
	hooks_run(loop);
	deferred_run(loop);
	loop->in_turn = false;
	thread_in_turn = false;
	if (thread_at_end)
		thread_at_end();
	loop->asked = false;
	ask_wake(loop);
}

void loop_turn(struct loop *loop, uint64_t now_ns)
{
	loop_turn_begin(loop, now_ns);
	loop_turn_end(loop);
}

/* ---- descriptors ---- */

struct loop_fd *loop_watch(struct loop *loop, int fd, unsigned events,
			   loop_fd_h *fn, void *arg)
{
	struct loop_fd *watch = xzalloc(sizeof(*watch));

	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	list_append(&loop->fds, &watch->le);
	watch->handle = loop->backend->watch(loop->self, watch, fd, events);
	return watch;
}

void loop_rewatch(struct loop_fd *watch, unsigned events)
{
	watch->loop->backend->rewatch(watch->loop->self, watch->handle,
				      events);
}

void loop_unwatch(struct loop_fd **watchp)
{
	struct loop_fd *watch = *watchp;
	struct loop *loop;

	if (!watch)
		return;
	*watchp = NULL;
	loop = watch->loop;
	loop->backend->unwatch(loop->self, watch->handle);
	watch->handle = NULL;
	watch->fn = NULL;
	list_unlink(&watch->le);
	if (loop->in_turn)	/* its event may be in hand */
		list_append(&loop->dead_fds, &watch->le);
	else
		free(watch);
}

void loop_fd_ready(struct loop_fd *watch, unsigned events)
{
	if (watch->fn)
		watch->fn(events, watch->arg);
}

/* ---- life ---- */

struct loop *loop_new_on(const struct loop_backend *backend, void *self)
{
	struct loop *loop = xzalloc(sizeof(*loop));

	loop->backend = backend;
	loop->self = self;
	loop->now_ns = clock_mono_ns();
	wall_refresh(loop, false);
	return loop;
}

static void *none_watch(void *self, struct loop_fd *watch, int fd,
			unsigned events)
{
	(void)self;
	(void)fd;
	(void)events;
	return watch;
}

static void none_rewatch(void *self, void *handle, unsigned events)
{
	(void)self;
	(void)handle;
	(void)events;
}

static void none_unwatch(void *self, void *handle)
{
	(void)self;
	(void)handle;
}

static void none_wake_in(void *self, uint64_t delay_ns)
{
	(void)self;
	(void)delay_ns;
}

static void none(void *self)
{
	(void)self;
}

struct loop *loop_new_virtual(uint64_t now_ns, uint64_t wall_ms)
{
	static const struct loop_backend backend = {
		none_watch, none_rewatch, none_unwatch, none_wake_in,
		none,	    none,	  none,
	};
	struct loop *loop = xzalloc(sizeof(*loop));

	loop->backend = &backend;
	loop->now_ns = now_ns ? now_ns : 1;
	loop->wall_read_ns = loop->now_ns;
	loop->wall_offset_ms = (int64_t)wall_ms -
			       (int64_t)(loop->now_ns / NS_PER_MS);
	return loop;
}

uint64_t loop_next_ns(const struct loop *loop)
{
	return loop->heap_cnt ? loop->heap[1]->at_ns : UINT64_MAX;
}

void *loop_self(const struct loop *loop, const struct loop_backend *backend)
{
	return loop->backend == backend ? loop->self : NULL;
}

bool loop_in_turn(const struct loop *loop)
{
	return loop->in_turn;
}

void loop_run(struct loop *loop)
{
	loop->backend->run(loop->self);
}

void loop_stop(struct loop *loop)
{
	loop->backend->stop(loop->self);
}

void loop_free(struct loop **loopp)
{
	struct loop *loop = *loopp;

	if (!loop)
		return;
	*loopp = NULL;
	loop->in_turn = true;		/* no more questions to the back end */
	deferred_run(loop);
	assert(!loop->heap_cnt);
	assert(list_empty(&loop->fds));
	loop->backend->free(loop->self);
	free(loop->heap);
	free(loop->deferred);
	free(loop);
}
