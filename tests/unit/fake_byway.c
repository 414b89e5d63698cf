/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "tests/unit/fake_byway.h"

struct sent {
	struct le le;
	bool media;
	size_t len;
	uint8_t body[];
};

struct byway_port {
	const struct byway_handlers *handlers;
	void *arg;
	struct byway *byway;
};

struct byway {
	struct fake_byway fake;		/* first: what the test holds */
	struct le le;
	const struct byway_events *events;
	void (*on_installed)(void *arg);
	void *arg;
	struct byway_port port;
	struct list sent;
};

static struct list byways;
static uint64_t next_id = 1;

static void misuse(const char *what)
{
	fprintf(stderr, "fake_byway: %s\n", what);
	abort();
}

static struct byway *of_fake(const struct fake_byway *fake)
{
	return (struct byway *)(uintptr_t)fake;
}

/* ---- the test's side ---- */

struct fake_byway *fake_byway_at(unsigned index)
{
	struct le *le;

	for (le = byways.head; le; le = le->next)
		if (index-- == 0)
			return &list_entry(le, struct byway, le)->fake;
	return NULL;
}

unsigned fake_byway_cnt(void)
{
	return (unsigned)byways.count;
}

struct fake_byway *fake_byway_last(void)
{
	return byways.tail ? &list_entry(byways.tail, struct byway, le)->fake
			   : NULL;
}

void fake_byway_run(void)
{
	struct le *le;

	for (le = byways.head; le; le = le->next) {
		struct byway *b = list_entry(le, struct byway, le);

		if (b->fake.client || b->fake.installed || b->fake.closed)
			continue;
		b->fake.installed = true;
		if (b->on_installed)
			b->on_installed(b->arg);
	}
}

void fake_byway_open(struct fake_byway *fake, enum byway_kind kind)
{
	struct byway *b = of_fake(fake);

	if (fake->closed)
		misuse("fake_byway_open() after byway_close()");
	fake->kind = kind;
	if (fake->bound && b->port.handlers->open)
		b->port.handlers->open(kind, b->port.arg);
	if (b->events && b->events->open)
		b->events->open(kind, b->arg);
}

void fake_byway_panic(struct fake_byway *fake, uint64_t dropped)
{
	struct byway *b = of_fake(fake);

	if (!fake->closed && b->events && b->events->panic)
		b->events->panic(dropped, b->arg);
}

int fake_byway_chunks(struct fake_byway *fake, const void *body, size_t len,
		      uint64_t connection, uint8_t *reply, size_t reply_max,
		      size_t *reply_len)
{
	struct byway *b = of_fake(fake);

	if (!fake->bound)
		misuse("fake_byway_chunks() without a port");
	if (reply_len)
		*reply_len = 0;
	return b->port.handlers->chunks(body, len, fake->kind, connection,
					reply, reply_max, reply_len,
					b->port.arg);
}

const uint8_t *fake_byway_sent(const struct fake_byway *fake, unsigned index,
			       size_t *lenp, bool *media)
{
	const struct le *le;

	for (le = of_fake(fake)->sent.head; le; le = le->next) {
		const struct sent *sent =
			list_entry(le, const struct sent, le);

		if (index-- > 0)
			continue;
		if (lenp)
			*lenp = sent->len;
		if (media)
			*media = sent->media;
		return sent->body;
	}
	return NULL;
}

void fake_byway_reset(void)
{
	struct le *le;

	while ((le = list_pop(&byways))) {
		struct byway *b = list_entry(le, struct byway, le);
		struct le *sent;

		while ((sent = list_pop(&b->sent)))
			free(list_entry(sent, struct sent, le));
		free(b->fake.uuid);
		free(b->fake.path);
		free(b->fake.token);
		free(b->fake.cookie);
		free(b->fake.problem);
		free(b);
	}
}

/* ---- ript/byway.h, control ---- */

static struct byway *byway_make(const struct byway_events *events, void *arg)
{
	struct byway *b = xzalloc(sizeof(*b));

	b->fake.id = next_id++;
	b->events = events;
	b->arg = arg;
	list_append(&byways, &b->le);
	return b;
}

int byway_serve(struct byway **bywayp, struct exchange_net *net,
		const struct byway_server *params,
		const struct byway_events *events,
		void (*installed)(void *arg), void *arg)
{
	struct byway *b = byway_make(events, arg);

	(void)net;
	b->on_installed = installed;
	b->fake.uuid = xstrdup(params->uuid);
	b->fake.path = xstrdup(params->path);
	b->fake.home = params->home;
	memcpy(b->fake.token_hash[0], params->token_hash, 32);
	b->fake.token_cnt = 1;
	*bywayp = b;
	return 0;
}

int byway_dial(struct byway **bywayp, struct exchange_net *net,
	       const struct byway_client *params,
	       const struct byway_events *events, void *arg)
{
	struct byway *b = byway_make(events, arg);

	(void)net;
	b->fake.client = true;
	b->fake.peer = params->peer;
	b->fake.home = params->home;
	b->fake.path = xstrdup(params->path);
	b->fake.token = xstrdup(params->token);
	b->fake.cookie = xstrdup(params->cookie);
	b->fake.gets = params->gets;
	b->fake.webtransport = params->webtransport;
	*bywayp = b;
	return 0;
}

uint64_t byway_id(const struct byway *byway)
{
	return byway->fake.id;
}

unsigned byway_home(const struct byway *byway)
{
	return byway->fake.home;
}

void byway_set_listening(struct byway *byway, bool listening)
{
	if (byway->fake.closed)
		misuse("byway_set_listening() after byway_close()");
	byway->fake.listening = listening;
}

void byway_add_token(struct byway *byway, const uint8_t token_hash[32])
{
	struct fake_byway *fake = &byway->fake;

	if (fake->closed || fake->token_cnt == FAKE_BYWAY_TOKENS)
		misuse("byway_add_token() after byway_close(), or too often");
	memcpy(fake->token_hash[fake->token_cnt++], token_hash, 32);
}

void byway_close(struct byway **bywayp, const char *problem)
{
	struct byway *b = *bywayp;

	if (!b)
		return;
	if (b->fake.closed)
		misuse("byway_close() twice");
	b->fake.closed = true;
	b->fake.kind = BYWAY_NONE;
	b->fake.problem = xstrdup(problem);
	*bywayp = NULL;
}

/* ---- ript/byway.h, worker ---- */

int byway_bind(struct byway_port **portp, struct ript_worker *worker,
	       uint64_t id, const struct byway_handlers *handlers, void *arg)
{
	struct le *le;

	(void)worker;
	for (le = byways.head; le; le = le->next) {
		struct byway *b = list_entry(le, struct byway, le);

		if (b->fake.id != id || b->fake.closed)
			continue;
		if (b->fake.bound)
			misuse("byway_bind() twice");
		b->fake.bound = true;
		b->port = (struct byway_port){ handlers, arg, b };
		*portp = &b->port;
		return 0;
	}
	return ENOENT;
}

void byway_unbind(struct byway_port **portp)
{
	if (!*portp)
		return;
	(*portp)->byway->fake.bound = false;
	*portp = NULL;
}

int byway_send(struct byway_port *port, const void *body, size_t len,
	       bool media)
{
	struct byway *b = port->byway;
	struct sent *sent;

	if (b->fake.closed)
		return ENOTCONN;
	if (len > BYWAY_BODY_MAX)
		misuse("byway_send() of more than BYWAY_BODY_MAX");
	if (b->fake.send_err)
		return b->fake.send_err;
	sent = xzalloc(sizeof(*sent) + len);
	sent->media = media;
	sent->len = len;
	memcpy(sent->body, body, len);
	list_append(&b->sent, &sent->le);
	b->fake.sent_cnt++;
	b->fake.sent_media_cnt += media;
	return 0;
}

enum byway_kind byway_kind(const struct byway_port *port)
{
	return port->byway->fake.kind;
}

size_t byway_room(const struct byway_port *port)
{
	const struct fake_byway *fake = &port->byway->fake;

	return fake->room ? fake->room : BYWAY_BODY_MAX;
}
