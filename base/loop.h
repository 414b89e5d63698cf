/* SPDX-License-Identifier: MIT */
/*
 * base/loop.h - one thread's event loop: its clock, its timers, its
 * descriptors.
 *
 * The timers are ours (a heap), the waiting is a back end's: libevent here
 * (loop_new, workers and riptcall), Sofia's su_root in sip/root.c (the
 * daemon's control loop).  Code above sees one kind of loop.
 *
 *   turn = wait -> read the clock once -> descriptors, timers -> turn-end
 *          hooks (write every touched connection, commit the batch)
 *
 * Owner:  the thread that runs it; another one may make it and add the first
 *         watches before that thread starts.
 * Loop:   every function on the loop's own thread; others reach it through a
 *         mailbox.
 */
#ifndef RIPTIDE_BASE_LOOP_H
#define RIPTIDE_BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct loop_fd;

enum loop_kind {
	LOOP_ANY,	/* a thread that no loop_enter() has named */
	LOOP_CONTROL,
	LOOP_WORKER,
	LOOP_STORE,
	LOOP_ADMIN,
	LOOP_FETCH,
};

/* Name the calling thread, once, before anything runs on it. */
void loop_enter(enum loop_kind kind, unsigned index);
enum loop_kind loop_kind(void);
unsigned loop_index(void);

/*
 * Abort when the calling thread was named something else.  Unnamed threads
 * (unit tests) pass.
 */
void loop_assert(enum loop_kind kind);

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC and CLOCK_REALTIME read now, for code outside a loop. */
uint64_t clock_mono_ns(void);
uint64_t clock_wall_ms(void);

/* What a loop waits with.  A back end calls loop_turn() after each wait. */
struct loop_backend {
	/* Watch @fd; @events is a set of LOOP_READ, LOOP_WRITE. */
	void *(*watch)(void *self, struct loop_fd *watch, int fd,
		       unsigned events);
	void (*rewatch)(void *self, void *handle, unsigned events);
	void (*unwatch)(void *self, void *handle);
	/* Call loop_turn() no later than in @delay_ns; UINT64_MAX: never. */
	void (*wake_in)(void *self, uint64_t delay_ns);
	void (*run)(void *self);
	void (*stop)(void *self);
	void (*free)(void *self);
};

#define LOOP_READ 1u
#define LOOP_WRITE 2u

/* A loop on libevent. */
struct loop *loop_new(void);

/* The event base of a loop_new() loop, for a library that brings its own
 * events (evhttp); NULL: another back end. */
struct event_base;
struct event_base *loop_event_base(const struct loop *loop);

/* For back ends: what loop_new_on() was given, if @loop is on @backend. */
void *loop_self(const struct loop *loop, const struct loop_backend *backend);

/* A loop on @backend; @self is passed back and freed by backend->free. */
struct loop *loop_new_on(const struct loop_backend *backend, void *self);

/*
 * A loop that waits for nothing: loop_turn() with a time of the caller's
 * drives it, descriptors never become ready.  For tests and simulations.
 */
struct loop *loop_new_virtual(uint64_t now_ns, uint64_t wall_ms);

/* When the next timer is due; UINT64_MAX: none runs. */
uint64_t loop_next_ns(const struct loop *loop);

/* Run until loop_stop(); one that came before ends it at once. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Frees *@loopp; every watch and timer must be gone.  NULL is fine. */
void loop_free(struct loop **loopp);

/*
 * For back ends and for tests with a virtual clock: begin a turn at @now_ns
 * (0: read the clock), run due timers, then the turn-end hooks, and ask
 * wake_in for the next one.  The clock of a loop never goes back.
 */
void loop_turn(struct loop *loop, uint64_t now_ns);

/* For back ends: the clock is read and descriptor events follow. */
void loop_turn_begin(struct loop *loop, uint64_t now_ns);
void loop_turn_end(struct loop *loop);
bool loop_in_turn(const struct loop *loop);

/*
 * Whether the calling thread is within a turn of its loop, and what it calls
 * at the very end of one: mailbox.c wakes other threads there, once for all
 * that was posted.
 */
bool loop_thread_in_turn(void);
void loop_thread_at_end(void (*fn)(void));

/* For back ends: @watch has @events. */
void loop_fd_ready(struct loop_fd *watch, unsigned events);

/* The time of this turn: the same value until the next turn begins. */
uint64_t loop_now_ns(const struct loop *loop);

/* Unix time of this turn in ms (monotonic plus an offset read each second). */
uint64_t loop_wall_ms(const struct loop *loop);

/* ---- descriptors ---- */

typedef void loop_fd_h(unsigned events, void *arg);

/* Watch @fd, level triggered.  The descriptor stays the caller's. */
struct loop_fd *loop_watch(struct loop *loop, int fd, unsigned events,
			   loop_fd_h *fn, void *arg);
void loop_rewatch(struct loop_fd *watch, unsigned events);
void loop_unwatch(struct loop_fd **watchp);	/* NULL is fine */

/* ---- timers ---- */

typedef void timer_h(void *arg);

/* Embedded in the object that it serves; zeroed is a stopped timer. */
struct timer {
	uint64_t at_ns;
	timer_h *fn;
	void *arg;
	struct loop *loop;
	size_t slot;		/* place in the heap, 1-based; 0: stopped */
};

/* (Re)start @timer to call @fn once, in @delay_ms from this turn's time. */
void timer_start(struct timer *timer, struct loop *loop, uint64_t delay_ms,
		 timer_h *fn, void *arg);

/* The same at a point of the loop's clock (QUIC expiry). */
void timer_start_at(struct timer *timer, struct loop *loop, uint64_t at_ns,
		    timer_h *fn, void *arg);
void timer_stop(struct timer *timer);

static inline bool timer_running(const struct timer *timer)
{
	return timer->slot != 0;
}

/* ---- end of turn ---- */

/* Embedded; called at the end of every turn, in the order of adding. */
struct loop_hook {
	struct le le;
	void (*fn)(void *arg);
	void *arg;
};

void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_remove(struct loop_hook *hook);

/*
 * Free @ptr with @fn at the end of this turn, after the hooks: an object may
 * close itself in its own callback.
 */
void loop_defer_free(struct loop *loop, void *ptr, void (*fn)(void *ptr));

#endif
