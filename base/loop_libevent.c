/* SPDX-License-Identifier: MIT */
/* The libevent back end of base/loop.h. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"

struct backend {
	struct loop *loop;
	struct event_base *base;
	struct event timer;
	bool stopped;
};

struct watch {
	struct backend *backend;
	struct loop_fd *fd;
	struct event ev;
	unsigned events;
};

static void begin(struct backend *backend)
{
	if (!loop_in_turn(backend->loop))
		loop_turn_begin(backend->loop, 0);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;
	unsigned events = 0;

	(void)fd;
	if (what & EV_READ)
		events |= LOOP_READ;
	if (what & EV_WRITE)
		events |= LOOP_WRITE;
	begin(watch->backend);
	loop_fd_ready(watch->fd, events);
}

/* Ends the wait; run() does the rest. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	begin(arg);
}

static void check(int rv, const char *what)
{
	if (rv == 0)
		return;
	fprintf(stderr, "level=error msg=\"libevent: %s failed\"\n", what);
	abort();
}

static short libevent_set(unsigned events)
{
	short set = EV_PERSIST;

	if (events & LOOP_READ)
		set |= EV_READ;
	if (events & LOOP_WRITE)
		set |= EV_WRITE;
	return set;
}

static void *backend_watch(void *self, struct loop_fd *fd, int sock,
			   unsigned events)
{
	struct backend *backend = self;
	struct watch *watch = xzalloc(sizeof(*watch));

	watch->backend = backend;
	watch->fd = fd;
	watch->events = events;
	check(event_assign(&watch->ev, backend->base, sock,
			   libevent_set(events), on_event, watch),
	      "event_assign");
	if (events)
		check(event_add(&watch->ev, NULL), "event_add");
	return watch;
}

static void backend_rewatch(void *self, void *handle, unsigned events)
{
	struct backend *backend = self;
	struct watch *watch = handle;
	evutil_socket_t sock = event_get_fd(&watch->ev);

	if (watch->events == events)
		return;
	watch->events = events;
	event_del(&watch->ev);
	if (!events)
		return;
	check(event_assign(&watch->ev, backend->base, sock,
			   libevent_set(events), on_event, watch),
	      "event_assign");
	check(event_add(&watch->ev, NULL), "event_add");
}

static void backend_unwatch(void *self, void *handle)
{
	struct watch *watch = handle;

	(void)self;
	event_del(&watch->ev);
	free(watch);
}

static void backend_wake_in(void *self, uint64_t delay_ns)
{
	struct backend *backend = self;
	uint64_t us;
	struct timeval tv;

	if (delay_ns == UINT64_MAX) {
		event_del(&backend->timer);
		return;
	}
	/* Rounded up: waking before the timer is due would only cost. */
	us = delay_ns / 1000 + (delay_ns % 1000 != 0);
	if (us > UINT64_C(86400) * 1000000)
		us = UINT64_C(86400) * 1000000;
	tv.tv_sec = (time_t)(us / 1000000);
	tv.tv_usec = (suseconds_t)(us % 1000000);
	check(event_add(&backend->timer, &tv), "event_add");
}

static void backend_run(void *self)
{
	struct backend *backend = self;

	while (!backend->stopped) {
		check(event_base_loop(backend->base,
				      EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0,
		      "event_base_loop");
		begin(backend);
		loop_turn_end(backend->loop);
	}
	backend->stopped = false;
}

static void backend_stop(void *self)
{
	struct backend *backend = self;

	backend->stopped = true;
	event_base_loopbreak(backend->base);
}

static void backend_free(void *self)
{
	struct backend *backend = self;

	event_del(&backend->timer);
	event_base_free(backend->base);
	free(backend);
}

static const struct loop_backend ops = {
	.watch = backend_watch,
	.rewatch = backend_rewatch,
	.unwatch = backend_unwatch,
	.wake_in = backend_wake_in,
	.run = backend_run,
	.stop = backend_stop,
	.free = backend_free,
};

struct loop *loop_new(void)
{
	struct backend *backend = xzalloc(sizeof(*backend));

	backend->base = event_base_new();
	check(backend->base == NULL, "event_base_new");
	check(event_assign(&backend->timer, backend->base, -1, 0, on_timer,
			   backend),
	      "event_assign");
	backend->loop = loop_new_on(&ops, backend);
	return backend->loop;
}

struct event_base *loop_event_base(const struct loop *loop)
{
	struct backend *backend = loop_self(loop, &ops);

	return backend ? backend->base : NULL;
}
