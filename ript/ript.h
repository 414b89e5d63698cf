/* SPDX-License-Identifier: MIT */
/*
 * ript/ript.h - RIPT as gateway/ and riptcall see it: the server with its
 * terminal groups, the peers that we are a client of.
 *
 * Owner:  the control loop; children (TGs, calls) die with the parent.
 * Loop:   control (asserted).
 * Spec:   draft-rosenbergjennings-dispatch-ript-00 and the profile.
 */
#ifndef RIPTIDE_RIPT_RIPT_H
#define RIPTIDE_RIPT_RIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"
#include "ript/directive.h"
#include "ript/passport.h"

struct exchange_net;
struct loop;
struct ript_call;
struct ript_peer;
struct ript_server;
struct ript_tg;

/* ---- server role ---- */

/* Handlers are hard state (HD-06): the owner of the database keeps them. */
struct ript_handler_row {
	const char *tg;			/* terminal group's ID */
	const char *id;			/* last segment of the handler URI */
	const char *json;		/* the description as stored */
};

struct ript_server_events {
	/* POST calls passed every check of this layer.  The callee answers
	 * by ript_call_accept() or ript_call_refuse(), now or later. */
	void (*incoming)(struct ript_call *call, void *arg);
	/* Write (@json NULL: delete) a row, then call
	 * ript_handler_stored(@ticket, err); the 201 waits for it. */
	void (*store_handler)(const struct ript_handler_row *row,
			      uint64_t ticket, void *arg);
	/* A POST calls of the group's customer that this layer refused: keep
	 * it for `explain`. */
	void (*refused)(const char *tg, int status, const char *problem,
			const char *detail, void *arg);
};

struct ript_server_config {
	const char *authority;		/* host[:port] as clients see it */
	struct exchange_net *net;
	struct loop *loop;
	uint64_t token_fails_per_min;	/* lock-out, Q90; 0: 100 */
};

int ript_server_new(struct ript_server **serverp,
		    const struct ript_server_config *config,
		    const struct ript_server_events *events, void *arg);
/* Ends living calls with by=server, then frees. */
void ript_server_free(struct ript_server **serverp);

/* One terminal group, belonging to one customer (a token). */
struct ript_tg_config {
	const char *id;			/* path segment */
	const char *name;
	const char *description;
	const char *peer;		/* whose it is: name in conf */
	const uint8_t (*token_hash)[32];/* SHA-256 of the bearer tokens */
	unsigned token_cnt;
	const char *origins_pem;	/* RFC 8226 certificate; NULL: omitted */
	struct number_set origins;	/* callers admitted */
	struct number_set destinations;	/* `*` alone: member omitted */
	uint64_t retry_backoff_ms;	/* 0: member omitted, so defaults */
	uint64_t media_timeout_ms;
	uint64_t keepalive_interval_ms;
	uint64_t keepalive_timeout_ms;
	unsigned reverse_byways;	/* GETs asked for; 0: 20 */
	struct passport_trust *trust;	/* who may sign; borrowed */
};

int ript_server_add_tg(struct ript_tg **tgp, struct ript_server *server,
		       const struct ript_tg_config *config);
/* At start, from the database. */
int ript_server_load_handler(struct ript_server *server,
			     const struct ript_handler_row *row);
void ript_handler_stored(struct ript_server *server, uint64_t ticket, int err);
/* Replaces the policy (reload); living calls go on. */
int ript_tg_update(struct ript_tg *tg, const struct ript_tg_config *config);
const char *ript_tg_id(const struct ript_tg *tg);
const char *ript_tg_peer(const struct ript_tg *tg);
/* A token that is valid without owning a terminal group: 403 no-tg (Q8). */
void ript_server_add_token(struct ript_server *server,
			   const uint8_t token_hash[32]);
/* Serve @pem at @path to everybody: the x5u of signers under our authority,
 * "/.well-known/ript/v1/certs/{id}.pem".  Returns 0; EINVAL: not a path;
 * EEXIST. */
int ript_server_add_cert(struct ript_server *server, const char *path,
			 const char *pem);
/* New calls get 503 with Retry-After (not ready, draining). */
void ript_server_set_ready(struct ript_server *server, bool ready);

/* ---- client role ---- */

struct ript_peer_events {
	/* Discovery done or lost: @err 0 usable; @why a sentence. */
	void (*state)(struct ript_peer *peer, int err, const char *why,
		      void *arg);
	/* Handlers that we registered: keep the URI over restarts (HD-05).
	 * @handler_id is unique within the peer. */
	void (*handler)(struct ript_peer *peer, const char *handler_id,
			const char *uri, void *arg);
};

struct ript_peer_config {
	const char *name;		/* in conf, logs, metrics */
	struct exchange_net *net;
	struct loop *loop;
	const char *authority;		/* bootstrap: host[:port] */
	const struct addr *addr;	/* NULL: by DNS */
	const char *ca_file;		/* NULL: system roots */
	const char *token;
	const char *handler_id;		/* unique on this client (HD-07) */
	bool webtransport;
};

/* Starts discovery: providertgs, the TGs, handlers (TG-01, TG-08, HD-01);
 * repeated with back-off until freed. */
int ript_peer_new(struct ript_peer **peerp,
		  const struct ript_peer_config *config,
		  const struct ript_peer_events *events, void *arg);
void ript_peer_free(struct ript_peer **peerp);
const char *ript_peer_name(const struct ript_peer *peer);
bool ript_peer_usable(const struct ript_peer *peer);
/* How the last attempt to connect went: 0, or an errno and @why (borrowed). */
int ript_peer_connection(const struct ript_peer *peer, const char **why);
/* Seconds until POST calls is allowed again (Retry-After), 0: now. */
unsigned ript_peer_retry_after(const struct ript_peer *peer);
/* Known URI of a handler of ours, from the database. */
void ript_peer_load_handler(struct ript_peer *peer, const char *handler_id,
			    const char *uri);
/* The TGs found: for `status` and `riptcall tgs`; borrowed texts. */
struct ript_tg_info {
	const char *uri, *name, *description;
	const struct number_set *destinations;
	const char *origins_pem;
};
unsigned ript_peer_tg_cnt(const struct ript_peer *peer);
void ript_peer_tg(const struct ript_peer *peer, unsigned index,
		  struct ript_tg_info *info);

#endif
