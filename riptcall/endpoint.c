/* SPDX-License-Identifier: MIT */
#include "riptcall/endpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/dns.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "ript/worker.h"
#include "riptcall/edge.h"

#define TO_CONTROL 4096

/* ---- the worker ---- */

static void tell_started(struct endpoint *ep, int err)
{
	pthread_mutex_lock(&ep->lock);
	ep->tried = true;
	ep->err = err;
	pthread_cond_signal(&ep->started);
	pthread_mutex_unlock(&ep->lock);
}

static void *run(void *arg)
{
	struct endpoint *ep = arg;
	int err;

	loop_enter(LOOP_WORKER, 0);
	ep->worker_loop = loop_new();
	ep->inbox = mailbox_new(ep->worker_loop, 0);
	err = ript_worker_new(&ep->ript, ep->net, 0, ep->worker_loop,
			      ep->inbox);
	tell_started(ep, err);
	loop_run(ep->worker_loop);
	ript_worker_free(&ep->ript);
	mailbox_free(&ep->inbox);
	loop_free(&ep->worker_loop);
	return NULL;
}

struct stop_msg {
	struct msg msg;
	struct endpoint *ep;
};

static void deliver_stop(struct msg *msg)
{
	struct stop_msg *stop = (struct stop_msg *)msg;

	loop_stop(stop->ep->worker_loop);
	free(stop);
}

static void drop_stop(struct msg *msg)
{
	free(msg);
}

static int start_worker(struct endpoint *ep)
{
	int err = pthread_create(&ep->thread, NULL, run, ep);

	if (err)
		return err;
	ep->running = true;
	pthread_mutex_lock(&ep->lock);
	while (!ep->tried)
		pthread_cond_wait(&ep->started, &ep->lock);
	err = ep->err;
	pthread_mutex_unlock(&ep->lock);
	return err;
}

static void stop_worker(struct endpoint *ep)
{
	struct stop_msg *stop;

	if (!ep->running)
		return;
	stop = xzalloc(sizeof(*stop));
	stop->msg.deliver = deliver_stop;
	stop->msg.drop = drop_stop;
	stop->ep = ep;
	mailbox_post_always(ep->inbox, &stop->msg);
	mailbox_flush();
	pthread_join(ep->thread, NULL);
	ep->running = false;
}

/* ---- signals ---- */

static void on_signal(unsigned events, void *arg)
{
	struct endpoint *ep = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(ep->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	/* Twice: it does not wait for the other end. */
	if (++ep->signal_cnt > 1 || !ep->stopped)
		loop_stop(ep->loop);
	else
		ep->stopped(ep->arg);
}

static int watch_signals(struct endpoint *ep)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ep->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (ep->signal_fd < 0)
		return errno;
	ep->signals = loop_watch(ep->loop, ep->signal_fd, LOOP_READ, on_signal,
				 ep);
	return 0;
}

/* ---- life ---- */

int endpoint_start(struct endpoint *ep, const struct endpoint_config *config,
		   char **why)
{
	struct ript_net_config net = {
		.worker_cnt = 1,
		.cert_file = config->cert,
		.key_file = config->key,
		.listen = config->listen,
		.no_webtransport = config->no_webtransport,
	};
	int err;

	memset(ep, 0, sizeof(*ep));
	pthread_mutex_init(&ep->lock, NULL);
	pthread_cond_init(&ep->started, NULL);
	loop_enter(LOOP_CONTROL, 0);
	ep->loop = loop_new();
	ep->signal_fd = -1;
	ep->stopped = config->stopped;
	ep->arg = config->arg;
	ep->to_control = mailbox_new(ep->loop, TO_CONTROL);
	edge_setup(ep->loop);
	*why = NULL;
	err = watch_signals(ep);
	if (!err)
		err = dns_new(&ep->dns, ep->loop, NULL);
	if (!err) {
		net.control = ep->loop;
		net.to_control = ep->to_control;
		net.dns = ep->dns;
		err = ript_net_new(&ep->net, &net, why);
	}
	if (!err)
		err = start_worker(ep);
	if (err && !*why)
		*why = xasprintf("it cannot start: %s", strerror(err));
	return err;
}

void endpoint_run(struct endpoint *ep)
{
	loop_run(ep->loop);
}

void endpoint_quit(struct endpoint *ep)
{
	loop_stop(ep->loop);
}

static void on_lingered(void *arg)
{
	struct endpoint *ep = arg;

	loop_stop(ep->loop);
}

void endpoint_linger(struct endpoint *ep, unsigned ms)
{
	struct timer timer = { 0 };

	timer_start(&timer, ep->loop, ms, on_lingered, ep);
	loop_run(ep->loop);
	timer_stop(&timer);
}

void endpoint_stop(struct endpoint *ep)
{
	stop_worker(ep);
	ript_net_free(&ep->net);
	dns_free(&ep->dns);
	mailbox_free(&ep->to_control);
	loop_unwatch(&ep->signals);
	if (ep->signal_fd >= 0)
		close(ep->signal_fd);
	edge_free();
	loop_free(&ep->loop);
	pthread_cond_destroy(&ep->started);
	pthread_mutex_destroy(&ep->lock);
}
