/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_byway.h - ript/byway.h in memory, both halves: the test
 * says which way is open and what arrives, and reads what was sent.
 *
 * A byway stays readable for the test until fake_byway_reset(), closed or
 * not.  installed() never runs inside byway_serve(): it runs in
 * fake_byway_run().
 */
#ifndef RIPTIDE_TESTS_FAKE_BYWAY_H
#define RIPTIDE_TESTS_FAKE_BYWAY_H

#include "ript/byway.h"

#define FAKE_BYWAY_TOKENS 8

/* What a test sees of a byway; all texts are copies. */
struct fake_byway {
	uint64_t id;
	bool client;			/* byway_dial() made it */
	unsigned home;
	char *uuid;			/* server role */
	char *path;
	uint8_t token_hash[FAKE_BYWAY_TOKENS][32];	/* server role */
	unsigned token_cnt;
	struct exchange_peer *peer;	/* client role, and the rest */
	char *token;
	char *cookie;
	unsigned gets;
	bool webtransport;

	bool listening;
	bool installed;
	bool bound;			/* a port exists */
	bool closed;
	char *problem;			/* as given to byway_close() */
	enum byway_kind kind;		/* open now */
	size_t room;			/* 0: BYWAY_BODY_MAX */
	int send_err;			/* byway_send() returns it if not 0 */
	unsigned sent_cnt;		/* bodies that byway_send() took */
	unsigned sent_media_cnt;
};

/* Byways in the order of making; NULL: not so many. */
struct fake_byway *fake_byway_at(unsigned index);
unsigned fake_byway_cnt(void);
/* The newest one; NULL if none was made. */
struct fake_byway *fake_byway_last(void);

/* Run every installed() that is due. */
void fake_byway_run(void);
/* The way opens or closes: open() on control and, if bound, on the port. */
void fake_byway_open(struct fake_byway *fake, enum byway_kind kind);
void fake_byway_panic(struct fake_byway *fake, uint64_t dropped);
/* A body arrives for the port; returns what the handler returned. */
int fake_byway_chunks(struct fake_byway *fake, const void *body, size_t len,
		      uint64_t connection, uint8_t *reply, size_t reply_max,
		      size_t *reply_len);
/* The @index-th body that byway_send() took. */
const uint8_t *fake_byway_sent(const struct fake_byway *fake, unsigned index,
			       size_t *lenp, bool *media);

/* Frees all of them, without callbacks. */
void fake_byway_reset(void);

#endif
