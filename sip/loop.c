/* SPDX-License-Identifier: MIT */
/*
 * The control loop on Sofia's su_root.
 *
 *   su_root_step(wait) -> callbacks open the turn -> loop_turn_end()
 *
 * su_root_run() is of no use: it waits between the library's messages and
 * the end of our turn.  A step after a turn never waits, so what the turn
 * gave the library to do is done before the next wait; our deadline is the
 * limit of the wait, on the monotonic clock (Sofia's own timers follow the
 * wall clock).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "sip/loop.h"
#include "sip/root.h"
#include "sip/sofia.h"

struct siploop {
	struct loop *loop;
	su_root_t *root;
	uint64_t deadline_ns;	/* monotonic; UINT64_MAX: none */
	bool running;
	bool in_turn;
};

struct siploop_watch {
	struct siploop *self;
	struct loop_fd *watch;
	int fd;
	int index;		/* in the root's table */
};

/* Sofia counts its set-ups of the process; there is one control loop. */
static struct siploop *control;

static int to_su(unsigned events)
{
	return (events & LOOP_READ ? SU_WAIT_IN : 0) |
	       (events & LOOP_WRITE ? SU_WAIT_OUT : 0);
}

static int on_ready(void *magic, su_wait_t *wait, struct siploop_watch *w)
{
	int got = su_wait_events(wait, w->fd);
	unsigned events = 0;

	(void)magic;
	if (got & (SU_WAIT_IN | SU_WAIT_ERR | SU_WAIT_HUP))
		events |= LOOP_READ;
	if (got & (SU_WAIT_OUT | SU_WAIT_ERR))
		events |= LOOP_WRITE;
	siploop_enter(w->self->loop);
	loop_fd_ready(w->watch, events);
	return 0;
}

static void *backend_watch(void *arg, struct loop_fd *watch, int fd,
			   unsigned events)
{
	struct siploop *self = arg;
	struct siploop_watch *w = xzalloc(sizeof(*w));
	su_wait_t wait = SU_WAIT_INIT;

	w->self = self;
	w->watch = watch;
	w->fd = fd;
	if (su_wait_create(&wait, fd, to_su(events)) == 0)
		w->index = su_root_register(self->root, &wait, on_ready, w,
					    su_pri_normal);
	if (w->index <= 0) {
		/* epoll refuses only what is no descriptor, or no memory. */
		perror("cannot watch a descriptor");
		abort();
	}
	return w;
}

static void backend_rewatch(void *arg, void *handle, unsigned events)
{
	struct siploop *self = arg;
	struct siploop_watch *w = handle;

	su_root_eventmask(self->root, w->index, w->fd, to_su(events));
}

static void backend_unwatch(void *arg, void *handle)
{
	struct siploop *self = arg;
	struct siploop_watch *w = handle;

	su_root_deregister(self->root, w->index);
	free(w);
}

static void backend_wake_in(void *arg, uint64_t delay_ns)
{
	struct siploop *self = arg;
	uint64_t now_ns = loop_now_ns(self->loop);

	self->deadline_ns = delay_ns >= UINT64_MAX - now_ns
				    ? UINT64_MAX
				    : now_ns + delay_ns;
}

/* The wait until our next deadline, cut to what Sofia asked for (< 0: as long
 * as you like). */
static su_duration_t wait_ms(const struct siploop *self, su_duration_t sofia)
{
	uint64_t now_ns, ms;

	if (self->deadline_ns == UINT64_MAX)
		return sofia;
	now_ns = clock_mono_ns();
	if (self->deadline_ns <= now_ns)
		return 0;
	ms = (self->deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	if (ms > 60000)
		ms = 60000;
	return sofia >= 0 && (uint64_t)sofia < ms ? sofia : (su_duration_t)ms;
}

static void backend_run(void *arg)
{
	struct siploop *self = arg;
	su_duration_t wait = 0;

	self->running = true;
	while (self->running) {
		wait = su_root_step(self->root, wait);
		if (self->deadline_ns != UINT64_MAX &&
		    self->deadline_ns <= clock_mono_ns())
			siploop_enter(self->loop);
		if (self->in_turn) {
			loop_turn_end(self->loop);
			self->in_turn = false;
			wait = 0;
		}
		wait = wait_ms(self, wait);
	}
}

static void backend_stop(void *arg)
{
	struct siploop *self = arg;

	self->running = false;
}

static void backend_free(void *arg)
{
	struct siploop *self = arg;

	su_root_destroy(self->root);
	su_deinit();
	free(self);
	control = NULL;
}

static const struct loop_backend backend = {
	.watch = backend_watch,
	.rewatch = backend_rewatch,
	.unwatch = backend_unwatch,
	.wake_in = backend_wake_in,
	.run = backend_run,
	.stop = backend_stop,
	.free = backend_free,
};

struct loop *siproot_loop_new(void)
{
	struct siploop *self;

	if (control)
		return NULL;
	self = xzalloc(sizeof(*self));
	self->deadline_ns = UINT64_MAX;
	if (su_init() < 0 || !(self->root = su_root_create(NULL))) {
		free(self);
		return NULL;
	}
	/* Library and application share this thread. */
	su_root_threading(self->root, 0);
	self->loop = loop_new_on(&backend, self);
	control = self;
	return self->loop;
}

struct su_root_s *siploop_root(const struct loop *loop)
{
	return control && control->loop == loop ? control->root : NULL;
}

void siploop_enter(struct loop *loop)
{
	if (!control || control->loop != loop || control->in_turn)
		return;
	control->in_turn = true;
	loop_turn_begin(loop, 0);
}
