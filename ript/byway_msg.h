/* SPDX-License-Identifier: MIT */
/*
 * ript/byway_msg.h - the messages between struct byway on control and the
 * workers: entries of the call table, ports, dialers.
 *
 * Owner:  the mailbox, then the function that delivers.
 * Loop:   made on one side, read on the other.
 */
#ifndef RIPTIDE_RIPT_BYWAY_MSG_H
#define RIPTIDE_RIPT_BYWAY_MSG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "ript/byway.h"

/* A text that several threads hold. */
struct blob {
	atomic_uint refs;
	char text[];
};

struct blob *blob_new(const char *text);	/* NULL for NULL */
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob **blobp);

enum bmsg_kind {
	/* control to worker */
	BMSG_INSTALL,		/* home, path, token_hash */
	BMSG_DIAL,		/* path, peer, token, cookie, gets, ... */
	BMSG_TOKEN,		/* token_hash */
	BMSG_LISTEN,		/* on */
	BMSG_CLOSE,		/* problem */
	BMSG_DRAIN,		/* the endpoint: no byway meant */
	/* worker to control */
	BMSG_INSTALLED,
	BMSG_OPEN,		/* way */
	BMSG_PANIC,		/* dropped */
};

struct bmsg {
	struct msg msg;
	struct exchange_net *net;
	enum bmsg_kind kind;
	unsigned worker;
	uint64_t id;		/* the byway's */
	unsigned home;
	uint8_t token_hash[32];
	char *path;		/* owned, as all texts */
	uint64_t peer;
	char *token;
	char *cookie;
	unsigned gets;
	bool webtransport;
	bool on;
	struct blob *problem;	/* a reference */
	enum byway_kind way;
	uint64_t dropped;
};

/* Delivered by byway_on_msg() or byway_worker_on_msg(), as its kind says. */
struct bmsg *bmsg_new(struct exchange_net *net, enum bmsg_kind kind,
		      unsigned worker, uint64_t id);
void bmsg_free(struct bmsg *m);

void byway_on_msg(struct msg *msg);		/* loop: control */
void byway_worker_on_msg(struct msg *msg);	/* loop: worker */

#endif
