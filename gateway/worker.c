/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "gateway/worker_private.h"
#include "ript/worker.h"

#define REPORT_MS 1000	/* mailbox gauges */

/* ---- gauges ---- */

static void make_gauges(const char *mailbox, struct metric **depth,
			struct metric **high_water)
{
	char labels[48];

	snprintf(labels, sizeof(labels), "mailbox=\"%s\"", mailbox);
	*depth = metric_gauge("mailbox_depth", labels,
			      "Messages that wait for a loop");
	*high_water = metric_gauge("mailbox_high_water", labels,
				   "Most messages that ever waited for a loop");
}

static void on_worker_report(void *arg)
{
	struct worker *w = arg;

	metric_gauge_set(w->depth, (int64_t)mailbox_depth(w->inbox));
	metric_gauge_set(w->high_water,
			 (int64_t)mailbox_high_water(w->inbox));
	timer_start(&w->report, w->loop, REPORT_MS, on_worker_report, w);
}

static void on_control_report(void *arg)
{
	struct workers *ws = arg;

	metric_gauge_set(ws->depth, (int64_t)mailbox_depth(ws->to_control));
	metric_gauge_set(ws->high_water,
			 (int64_t)mailbox_high_water(ws->to_control));
	timer_start(&ws->report, ws->control, REPORT_MS, on_control_report,
		    ws);
}

/* ---- the threads ---- */

static void tell_started(struct workers *ws, int err)
{
	pthread_mutex_lock(&ws->lock);
	ws->started_cnt++;
	if (err && !ws->err)
		ws->err = err;
	pthread_cond_signal(&ws->started);
	pthread_mutex_unlock(&ws->lock);
}

static void end(struct worker *w)
{
	timer_stop(&w->report);
	ript_worker_free(&w->ript);
	mailbox_free(&w->inbox);
	loop_free(&w->loop);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	int err;

	loop_enter(LOOP_WORKER, w->index);
	w->loop = loop_new();
	w->inbox = mailbox_new(w->loop, 0);
	err = ript_worker_new(&w->ript, w->workers->net, w->index, w->loop,
			      w->inbox);
	if (err) {
		end(w);
		tell_started(w->workers, err);
		return NULL;
	}
	tell_started(w->workers, 0);
	on_worker_report(w);
	loop_run(w->loop);
	end(w);
	return NULL;
}

struct stop_msg {
	struct msg msg;
	struct worker *worker;
};

static void deliver_stop(struct msg *msg)
{
	struct stop_msg *stop = (struct stop_msg *)msg;

	loop_stop(stop->worker->loop);
	free(stop);
}

static void drop_msg(struct msg *msg)
{
	free(msg);
}

/* Threads get no signals: those are the control loop's. */
static int start_thread(struct worker *w)
{
	sigset_t all, old;
	char name[16];
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;
	snprintf(name, sizeof(name), "worker-%u", w->index);
	pthread_setname_np(w->thread, name);
	return 0;
}

/* Wait until @count threads stand or failed. */
static int wait_started(struct workers *ws, unsigned count)
{
	int err;

	pthread_mutex_lock(&ws->lock);
	while (ws->started_cnt < count)
		pthread_cond_wait(&ws->started, &ws->lock);
	err = ws->err;
	pthread_mutex_unlock(&ws->lock);
	return err;
}

static void stop_threads(struct workers *ws, unsigned count)
{
	struct stop_msg *stop;
	unsigned i;

	for (i = 0; i < count; i++) {
		if (!ws->worker[i].inbox)	/* it failed and ended */
			continue;
		stop = xzalloc(sizeof(*stop));
		stop->msg.deliver = deliver_stop;
		stop->msg.drop = drop_msg;
		stop->worker = &ws->worker[i];
		mailbox_post_always(ws->worker[i].inbox, &stop->msg);
	}
	mailbox_flush();
	for (i = 0; i < count; i++)
		pthread_join(ws->worker[i].thread, NULL);
}

static void workers_free(struct workers *ws)
{
	timer_stop(&ws->report);
	mailbox_free(&ws->to_control);
	pthread_cond_destroy(&ws->started);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

/* Every series exists from the start. */
static void make_metrics(struct workers *ws)
{
	struct worker *w;
	char name[32];

	bridge_setup();
	make_gauges("control-media", &ws->depth, &ws->high_water);
	ws->unbound = metric_counter("media_unbound_total", NULL,
				     "Calls whose byway ended before their "
				     "media began");
	for (w = ws->worker; w < ws->worker + ws->count; w++) {
		snprintf(name, sizeof(name), "worker-%u", w->index);
		make_gauges(name, &w->depth, &w->high_water);
		snprintf(name, sizeof(name), "worker=\"%u\"", w->index);
		w->lines = metric_gauge("worker_calls", name,
					"Calls whose media live on a worker");
	}
}

int workers_start(struct workers **workersp, struct loop *control,
		  struct exchange_net *net, unsigned count, char **why)
{
	struct workers *ws = xzalloc(sizeof(*ws) +
				     count * sizeof(ws->worker[0]));
	unsigned i;
	int err = 0;

	loop_assert(LOOP_CONTROL);
	ws->control = control;
	ws->net = net;
	ws->count = count;
	ws->to_control = mailbox_new(control, 0);
	pthread_mutex_init(&ws->lock, NULL);
	pthread_cond_init(&ws->started, NULL);
	for (i = 0; i < count; i++) {
		ws->worker[i].workers = ws;
		ws->worker[i].index = i;
	}
	make_metrics(ws);
	for (i = 0; i < count && !err; i++) {
		err = start_thread(&ws->worker[i]);
		if (err)
			break;
	}
	if (wait_started(ws, i) && !err)
		err = ws->err;
	if (err) {
		if (why)
			*why = xasprintf("worker thread: %s", strerror(err));
		stop_threads(ws, i);
		workers_free(ws);
		return err;
	}
	on_control_report(ws);
	*workersp = ws;
	return 0;
}

void workers_stop(struct workers **workersp)
{
	struct workers *ws = *workersp;

	if (!ws)
		return;
	loop_assert(LOOP_CONTROL);
	*workersp = NULL;
	stop_threads(ws, ws->count);
	workers_free(ws);
}
