/* SPDX-License-Identifier: MIT */
#include "ript/byway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "ript/byway_msg.h"
#include "ript/exchange_private.h"
#include "ript/net.h"

struct byway {
	struct table_node node;		/* of net->byways */
	uint64_t id;
	struct exchange_net *net;
	bool client;
	unsigned home;
	unsigned missing;		/* workers without the entry yet */
	const struct byway_events *events;
	void (*installed)(void *arg);
	void *arg;
};

static struct byway *byway_make(struct exchange_net *net, unsigned home,
				const struct byway_events *events, void *arg)
{
	static atomic_uint_least64_t last_id;
	struct byway *b = xzalloc(sizeof(*b));

	b->id = atomic_fetch_add(&last_id, 1) + 1;
	b->net = net;
	b->home = home % net->worker_cnt;
	b->events = events;
	b->arg = arg;
	if (table_insert(&net->byways, &b->node, &b->id, sizeof(b->id)) != 0)
		abort();	/* IDs are never used twice */
	net->worker[b->home].homes++;
	return b;
}

static void byway_free_mem(void *ptr)
{
	free(ptr);
}

static void byway_free(struct byway *b)
{
	table_remove(&b->net->byways, &b->node);
	b->net->worker[b->home].homes--;
	loop_defer_free(b->net->control, b, byway_free_mem);
}

static void free_one(struct table_node *node, void *arg)
{
	(void)arg;
	byway_free(table_entry(node, struct byway, node));
}

void byway_net_close(struct exchange_net *net)
{
	table_each(&net->byways, free_one, NULL);
	table_free(&net->byways);
}

/* ---- calls ---- */

int byway_serve(struct byway **bywayp, struct exchange_net *net,
		const struct byway_server *params,
		const struct byway_events *events,
		void (*installed)(void *arg), void *arg)
{
	struct byway *b;
	unsigned i;

	loop_assert(LOOP_CONTROL);
	b = byway_make(net, params->home, events, arg);
	b->installed = installed;
	b->missing = net->worker_cnt;
	for (i = 0; i < net->worker_cnt; i++) {
		struct bmsg *m = bmsg_new(net, BMSG_INSTALL, i, b->id);

		m->home = b->home;
		m->path = xstrdup(params->path);
		memcpy(m->token_hash, params->token_hash,
		       sizeof(m->token_hash));
		net_post(net, i, &m->msg);
	}
	*bywayp = b;
	return 0;
}

int byway_dial(struct byway **bywayp, struct exchange_net *net,
	       const struct byway_client *params,
	       const struct byway_events *events, void *arg)
{
	struct byway *b;
	struct bmsg *m;

	loop_assert(LOOP_CONTROL);
	if (!exchange_peer_exchanges(params->peer))
		return ENOTCONN;
	b = byway_make(net, params->home, events, arg);
	b->client = true;
	m = bmsg_new(net, BMSG_DIAL, b->home, b->id);
	m->peer = exchange_peer_id(params->peer);
	m->path = xstrdup(params->path);
	m->token = xstrdup(params->token);
	m->cookie = xstrdup(params->cookie);
	m->gets = params->gets;
	m->webtransport = params->webtransport;
	net_post(net, b->home, &m->msg);
	*bywayp = b;
	return 0;
}

uint64_t byway_id(const struct byway *byway)
{
	return byway->id;
}

unsigned byway_home(const struct byway *byway)
{
	return byway->home;
}

void byway_set_listening(struct byway *byway, bool listening)
{
	struct bmsg *m;

	loop_assert(LOOP_CONTROL);
	m = bmsg_new(byway->net, BMSG_LISTEN, byway->home, byway->id);
	m->on = listening;
	net_post(byway->net, byway->home, &m->msg);
}

void byway_add_token(struct byway *byway, const uint8_t token_hash[32])
{
	unsigned i;

	loop_assert(LOOP_CONTROL);
	for (i = 0; i < byway->net->worker_cnt; i++) {
		struct bmsg *m = bmsg_new(byway->net, BMSG_TOKEN, i,
					  byway->id);

		memcpy(m->token_hash, token_hash, sizeof(m->token_hash));
		net_post(byway->net, i, &m->msg);
	}
}

void byway_close(struct byway **bywayp, const char *problem)
{
	struct byway *b = *bywayp;
	struct blob *blob;
	unsigned i;

	if (!b)
		return;
	loop_assert(LOOP_CONTROL);
	*bywayp = NULL;
	blob = blob_new(problem);
	for (i = 0; i < b->net->worker_cnt; i++) {
		struct bmsg *m;

		if (b->client && i != b->home)
			continue;
		m = bmsg_new(b->net, BMSG_CLOSE, i, b->id);
		m->problem = blob_ref(blob);
		net_post(b->net, i, &m->msg);
	}
	blob_unref(&blob);
	byway_free(b);
}

/* ---- from the workers ---- */

void byway_on_msg(struct msg *msg)
{
	struct bmsg *m = list_entry(msg, struct bmsg, msg);
	struct table_node *node =
		table_find(&m->net->byways, &m->id, sizeof(m->id));
	struct byway *b = node ? table_entry(node, struct byway, node) : NULL;

	if (!b) {
		;	/* closed meanwhile */
	} else if (m->kind == BMSG_INSTALLED) {
		if (--b->missing == 0 && b->installed)
			b->installed(b->arg);
	} else if (m->kind == BMSG_OPEN) {
		if (b->events && b->events->open)
			b->events->open(m->way, b->arg);
	} else if (m->kind == BMSG_PANIC) {
		if (b->events && b->events->panic)
			b->events->panic(m->dropped, b->arg);
	}
	bmsg_free(m);
}
