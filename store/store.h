/* SPDX-License-Identifier: MIT */
/*
 * store/store.h - the state that outlives a process: calls, handlers.  Never
 * media state (MG-16).
 *
 * Writes are queued on control, batched per loop turn into one transaction on
 * the store thread, and acknowledged back on control: the row is on disk
 * before the answer is on the wire (GW-18).  A write that nobody waits for
 * goes with the next batch, 50 ms later at most.
 *
 * Owner:  gateway/main.
 * Loop:   control (asserted); callbacks too.
 */
#ifndef RIPTIDE_STORE_STORE_H
#define RIPTIDE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct store;

/* One living call.  Texts are copied by calls; NULL is "". */
struct store_call {
	const char *id;			/* our call ID (UUID) */
	const char *node;
	const char *state;
	bool ript_client;		/* our RIPT role */
	const char *from, *to;
	const char *trunk, *peer, *route;
	/* RIPT: TG, call URI, address chosen, cookie, handler, directive. */
	const char *ript_tg, *ript_uri, *ript_address, *ript_cookie;
	const char *ript_handler, *ript_directives;
	/* SIP: dialog identifiers and what a takeover needs. */
	const char *sip_call_id, *sip_local, *sip_remote, *sip_target;
	const char *sip_route, *sip_local_sdp, *sip_remote_sdp;
	uint32_t sip_local_cseq, sip_remote_cseq;
	uint16_t rtp_port;
	uint64_t created_ms, answered_ms;
};

/* The billing record, written in the transaction that ends the row. */
struct store_cdr {
	const char *id;			/* unique: the call ID */
	const char *node, *from, *to, *trunk, *peer, *route;
	const char *direction;		/* "sip-to-ript", "ript-to-sip" */
	uint64_t created_ms, ringing_ms, answered_ms, ended_ms; /* 0: never */
	int sip_status, q850;
	const char *ended_by;		/* caller, callee, server */
	const char *reason;		/* stable code */
	uint64_t packets_from_sip, packets_from_ript;
};

struct store_handler {
	const char *tg, *id, *json;
};

/* A handler of ours, registered at a peer. */
struct store_registration {
	const char *peer, *handler_id, *uri;
};

/* @err 0 or EIO (with @why).  The write is on disk. */
typedef void store_done_h(int err, const char *why, void *arg);

/* Opens, creates the schema or refuses one that is newer.  "file" is a path,
 * made with mode 0600.  @why one sentence, malloc'ed. */
int store_open(struct store **storep, struct loop *control, const char *file,
	       char **why);
/* Writes what is queued, then ends the thread. */
void store_close(struct store **storep);

/* @done NULL: nobody waits. */
void store_put_call(struct store *store, const struct store_call *call,
		    store_done_h *done, void *arg);
/* Deletes the row and writes the record, in one transaction. */
void store_end_call(struct store *store, const char *id,
		    const struct store_cdr *cdr);
void store_put_handler(struct store *store, const struct store_handler *row,
		       store_done_h *done, void *arg); /* json NULL: delete */
/* Our registrations at peers: handler URIs by peer and handler ID. */
void store_put_registration(struct store *store, const char *peer,
			    const char *handler_id, const char *uri);

/* At start, before traffic; blocking; @fn runs per row. */
int store_each_handler(struct store *store,
		       void (*fn)(const struct store_handler *row, void *arg),
		       void *arg);
int store_each_registration(struct store *store,
			    void (*fn)(const char *peer, const char *handler_id,
				       const char *uri, void *arg), void *arg);
int store_each_call(struct store *store,
		    void (*fn)(const struct store_call *row, void *arg),
		    void *arg);

/* For status: queue now, write p50 and p99 of the last minute in us. */
struct store_stats {
	unsigned queued;
	uint64_t p50_us, p99_us;
	uint64_t writes, failures;
};
void store_stats(struct store *store, struct store_stats *out);

#endif
