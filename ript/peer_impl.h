/* SPDX-License-Identifier: MIT */
/*
 * ript/peer_impl.h - what the files of the client role share.
 *
 *   peer.c: GET providertgs --> peer_tg.c: GET {TG} --> peer_handler.c:
 *   PUT or POST handler --> usable --> call_client.c: POST {TG}/calls
 *
 * Owner:  the peer owns terminal groups, they own handlers; a terminal group
 *         that is no longer listed stays while calls use it.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_PEER_IMPL_H
#define RIPTIDE_RIPT_PEER_IMPL_H

#include "base/list.h"
#include "base/loop.h"
#include "ript/inquiry.h"
#include "ript/ript.h"
#include "ript/target.h"

struct json_object;
struct log_ctx;

#define RETRY_FLOOR_MS 2000	/* TD-11 */
#define KEEPALIVE_INTERVAL_MS 5000
#define KEEPALIVE_TIMEOUT_MS 15000
#define REVERSE_BYWAYS 20
#define INQUIRY_MS 10000

struct ript_peer {
	char *name, *authority, *token, *handler_id;
	bool webtransport;
	struct exchange_net *net;
	struct loop *loop;
	struct exchange_peer *x;
	struct ript_peer_events events;
	void *arg;
	struct log_ctx *log;
	struct list tgs;		/* peer_tg, in the server's order */
	struct list calls;		/* client_call */
	struct list streams;		/* client_stream of calls that are over */
	struct list known;		/* known_handler */
	struct inquiry *inquiry;	/* the list */
	char *etag;			/* of the list */
	struct timer timer;		/* next discovery */
	unsigned failures;		/* in a row */
	unsigned max_age_s;
	bool usable;
	bool told;			/* state() ran at least once */
};

struct peer_tg {
	struct le le;
	struct ript_peer *peer;
	char *uri, *name, *description;
	const char *path;		/* within uri */
	struct inquiry *inquiry;	/* the document */
	char *etag;
	bool documented;		/* a document was read */
	bool listed;
	unsigned calls;			/* that hold the pointer */
	struct number_set destinations;
	char *origins_pem;		/* NULL: absent */
	uint64_t retry_backoff_ms, keepalive_interval_ms,
		keepalive_timeout_ms, media_timeout_ms;	/* 0: absent */
	unsigned reverse_byways;
	uint64_t retry_after_ns;	/* no POST calls before (Q86) */
	struct list handlers;		/* peer_handler */
};

enum peer_handler_state { HANDLER_NONE, HANDLER_ASKED, HANDLER_ACTIVE };

/* A handler of ours at a terminal group: one for each set of codecs. */
struct peer_handler {
	struct le le;
	struct peer_tg *tg;
	char *id;			/* handler-id */
	char *uri;			/* NULL: not registered */
	uint32_t codecs;
	uint16_t ptime_ms;
	struct ript_advert advert;
	enum peer_handler_state state;
	struct inquiry *inquiry;
	bool replacing;			/* it is a PUT */
	struct list waiters;		/* handler_wait */
};

/* Embedded in a call that waits for a registration. */
struct handler_wait {
	struct le le;
	/* @reply NULL: the handler is active; else why it is not. */
	void (*done)(struct handler_wait *wait,
		     const struct inquiry_reply *reply);
};

/* A URI from the database. */
struct known_handler {
	struct le le;
	char *id, *uri;			/* id: the key in the database */
};

/* ---- peer.c ---- */

/* A call found no connection: discovery is tried again, soon. */
void peer_lost(struct ript_peer *peer);
/* A terminal group has become usable, or discovery failed. */
void peer_tg_ready(struct ript_peer *peer);
void peer_failed(struct ript_peer *peer, int err, const char *why);
/* @reply as errno and a sentence in @why: 0 if its status is 2xx or 304. */
int peer_reply_err(const struct ript_peer *peer,
		   const struct inquiry_reply *reply, char *why,
		   size_t why_len);
/* Send an inquiry of this peer. */
int peer_inquire(struct ript_peer *peer, struct inquiry **inquiryp,
		 const struct inquiry_params *params, inquiry_h *done,
		 void *arg);
/* Whether @uri is https on the peer's authority; its path or NULL. */
const char *peer_path(const struct ript_peer *peer, const char *uri);

/* ---- peer_tg.c ---- */

struct peer_tg *peer_tg_new(struct ript_peer *peer, const char *uri);
void peer_tg_describe(struct peer_tg *tg, const char *name,
		      const char *description);
/* GET the document. */
void peer_tg_fetch(struct peer_tg *tg);
/* The document as read; EINVAL with *@why. */
int peer_tg_parse(struct peer_tg *tg, struct json_object *doc,
		  const char **why);
/* Whether its policy admits @destination, and by how long a pattern. */
bool peer_tg_admits(const struct peer_tg *tg, const char *destination,
		    size_t *length);
bool peer_tg_usable(const struct peer_tg *tg);
/* A call begins or ceases to use it. */
void peer_tg_hold(struct peer_tg *tg);
void peer_tg_release(struct peer_tg *tg);
void peer_tg_free(struct peer_tg *tg);

/* ---- peer_handler.c ---- */

/* The set that every registration begins with. */
uint32_t peer_default_codecs(void);
/* Our handler for @codecs, made if new; NULL: too many sets. */
struct peer_handler *peer_handler_for(struct peer_tg *tg, uint32_t codecs,
				      uint16_t ptime_ms);
/* Register unless it is active or being registered; @wait (may be NULL) is
 * told, never inside this call. */
void peer_handler_register(struct peer_handler *handler,
			   struct handler_wait *wait);
/* The server does not know it (Q92): forget its URI. */
void peer_handler_forget(struct peer_handler *handler);
void peer_handler_free(struct peer_handler *handler);

/* ---- call_client.c ---- */

void client_calls_end_all(struct ript_peer *peer);

#endif
