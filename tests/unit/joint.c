/* SPDX-License-Identifier: MIT */
#include "tests/unit/joint.h"

#include "base/mem.h"

#define PATIENCE_MS 10000

/* ---- worker threads ---- */

static void *run(void *arg)
{
	struct joint_worker *w = arg;
	int err;

	loop_enter(LOOP_WORKER, w->index);
	w->loop = loop_new();
	w->inbox = mailbox_new(w->loop, 0);
	err = ript_worker_new(&w->ript, w->net, w->index, w->loop, w->inbox);
	if (err)
		abort();
	pthread_mutex_lock(w->lock);
	w->started = true;
	pthread_cond_broadcast(w->changed);
	pthread_mutex_unlock(w->lock);
	loop_run(w->loop);
	ript_worker_free(&w->ript);
	mailbox_free(&w->inbox);
	loop_free(&w->loop);
	return NULL;
}

struct errand {
	struct msg msg;
	struct joint_worker *worker;
	void (*fn)(struct joint_worker *worker, void *arg);
	void *arg;
	bool done;			/* LOCK: the joint's */
};

static void on_errand(struct msg *msg)
{
	struct errand *errand = list_entry(msg, struct errand, msg);
	struct joint_worker *w = errand->worker;

	errand->fn(w, errand->arg);
	pthread_mutex_lock(w->lock);
	errand->done = true;
	pthread_cond_broadcast(w->changed);
	pthread_mutex_unlock(w->lock);
}

static void errand_drop(struct msg *msg)
{
	(void)msg;
}

void joint_on_worker(struct joint *joint, unsigned worker,
		     void (*fn)(struct joint_worker *worker, void *arg),
		     void *arg)
{
	struct errand errand = {
		.msg = { NULL, on_errand, errand_drop },
		.worker = &joint->worker[worker],
		.fn = fn,
		.arg = arg,
	};

	mailbox_post_always(joint->worker[worker].inbox, &errand.msg);
	pthread_mutex_lock(&joint->lock);
	while (!errand.done)
		pthread_cond_wait(&joint->changed, &joint->lock);
	pthread_mutex_unlock(&joint->lock);
}

static void stop(struct joint_worker *w, void *arg)
{
	(void)arg;
	loop_stop(w->loop);
}

/* ---- life ---- */

void joint_start(struct joint *joint, const struct ript_net_config *extra)
{
	struct exchange_peer_config peer = { .addr_cnt = 1 };
	struct ript_net_config config = { 0 };
	struct addr any;
	char authority[64];
	char *why = NULL;
	unsigned i;

	memset(joint, 0, sizeof(*joint));
	pair_certs_make(&joint->certs);
	pthread_mutex_init(&joint->lock, NULL);
	pthread_cond_init(&joint->changed, NULL);
	loop_enter(LOOP_CONTROL, 0);
	joint->loop = loop_new();
	joint->to_control = mailbox_new(joint->loop, 1024);
	if (extra)
		config = *extra;
	assert_int_equal(addr_parse(&any, "127.0.0.1:0"), 0);
	config.worker_cnt = JOINT_WORKERS;
	config.control = joint->loop;
	config.to_control = joint->to_control;
	config.cert_file = joint->certs.cert;
	config.key_file = joint->certs.key;
	config.listen = &any;
	if (ript_net_new(&joint->net, &config, &why) != 0)
		fail_msg("%s", why);
	joint->at = *ript_net_bound(joint->net);
	for (i = 0; i < JOINT_WORKERS; i++) {
		struct joint_worker *w = &joint->worker[i];

		w->index = i;
		w->net = joint->net;
		w->lock = &joint->lock;
		w->changed = &joint->changed;
		assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
		pthread_mutex_lock(&joint->lock);
		while (!w->started)
			pthread_cond_wait(&joint->changed, &joint->lock);
		pthread_mutex_unlock(&joint->lock);
	}
	snprintf(authority, sizeof(authority), PAIR_HOST ":%u",
		 addr_port(&joint->at));
	peer.authority = authority;
	peer.ca_file = joint->certs.ca;
	peer.addr = &joint->at;
	assert_int_equal(exchange_peer_new(&joint->peer, joint->net, &peer),
			 0);
}

void joint_stop(struct joint *joint)
{
	unsigned i;

	exchange_peer_free(&joint->peer);
	for (i = 0; i < JOINT_WORKERS; i++)
		joint_on_worker(joint, i, stop, NULL);
	for (i = 0; i < JOINT_WORKERS; i++)
		pthread_join(joint->worker[i].thread, NULL);
	ript_net_free(&joint->net);
	mailbox_free(&joint->to_control);
	loop_free(&joint->loop);
	pthread_cond_destroy(&joint->changed);
	pthread_mutex_destroy(&joint->lock);
	pair_certs_remove(&joint->certs);
}

/* ---- turning ---- */

struct wait {
	struct loop *loop;
	bool (*go_on)(void *arg);
	void *arg;
	bool late;
	struct timer look;
};

static void on_turn_end(void *arg)
{
	struct wait *wait = arg;

	if (!wait->go_on(wait->arg))
		loop_stop(wait->loop);
}

static void on_late(void *arg)
{
	struct wait *wait = arg;

	wait->late = true;
	loop_stop(wait->loop);
}

/* Wakes the loop, so that what other threads did is seen. */
static void on_look(void *arg)
{
	struct wait *wait = arg;

	timer_start(&wait->look, wait->loop, 2, on_look, wait);
}

static bool turn(struct joint *joint, bool (*go_on)(void *arg), void *arg,
		 unsigned ms)
{
	struct wait wait = { joint->loop, go_on, arg, false, { 0 } };
	struct loop_hook hook = { .fn = on_turn_end, .arg = &wait };
	struct timer late = { 0 };

	loop_hook_add(joint->loop, &hook);
	timer_start_at(&late, joint->loop, clock_mono_ns() + ms * NS_PER_MS,
		       on_late, &wait);
	timer_start_at(&wait.look, joint->loop, clock_mono_ns(), on_look,
		       &wait);
	loop_run(joint->loop);
	timer_stop(&late);
	timer_stop(&wait.look);
	loop_hook_remove(&hook);
	return !wait.late;
}

bool joint_while(struct joint *joint, bool (*go_on)(void *arg), void *arg)
{
	return turn(joint, go_on, arg, PATIENCE_MS);
}

struct flag {
	const unsigned *flag;
	unsigned want;
};

static bool is_less(void *arg)
{
	struct flag *flag = arg;

	return *flag->flag < flag->want;
}

bool joint_until(struct joint *joint, const unsigned *flag, unsigned want)
{
	struct flag f = { flag, want };

	return joint_while(joint, is_less, &f);
}

static bool always(void *arg)
{
	(void)arg;
	return true;
}

void joint_run(struct joint *joint, unsigned ms)
{
	turn(joint, always, NULL, ms);
}
