/* SPDX-License-Identifier: MIT */
/*
 * ript/exchange.h - one HTTP exchange, seen from the control loop.
 *
 * A worker turns a request into one message (head and whole body) or, for
 * {call}/events, into a stream of messages; the reply travels back the same
 * way.  The client role is the mirror image.  This header is all that the
 * resource half of ript/ (server, client, call, ...) knows of HTTP/3, so its
 * tests run on a fake (tests/unit/fake_exchange.c) without a network.
 *
 *   worker: h3 stream <-> ript/worker ==mailbox==> control: struct exchange
 *
 * Owner:  the exchange layer; a pointer is valid until closed() ran.
 * Loop:   control (asserted).
 * Spec:   profile section 4, Q29, Q81, Q85, Q87.
 */
#ifndef RIPTIDE_RIPT_EXCHANGE_H
#define RIPTIDE_RIPT_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct exchange;
struct exchange_net;	/* all workers' HTTP/3, as one thing */
struct exchange_peer;	/* client role: one authority */
struct loop;

#define EXCHANGE_BODY_MAX 65536		/* JSON body, Q87 */

struct exchange_field {
	const char *name;	/* lower case */
	const char *value;
};

/* A request.  Borrowed in callbacks, copied by calls. */
struct exchange_request {
	const char *method;
	const char *authority;
	const char *path;		/* query cut off */
	const char *query;		/* NULL if none */
	const struct exchange_field *field;
	unsigned field_cnt;
	const uint8_t *body;		/* whole body, NUL-terminated behind
					   body_len; NULL for streamed ones */
	size_t body_len;
	bool streamed;			/* PUT {call}/events */
	bool early;			/* 0-RTT */
	unsigned worker;		/* server role: where it arrived;
					   client role: where to send it */
	struct addr from;		/* server role */
};

/* The first field @name of a request or reply; NULL if absent. */
const char *exchange_field(const struct exchange_field *field,
			   unsigned field_cnt, const char *name);

/* A reply's head.  Borrowed. */
struct exchange_reply {
	int status;
	const struct exchange_field *field;
	unsigned field_cnt;
};

struct exchange_handlers {
	/* Client role: the reply's head. */
	void (*head)(struct exchange *x, const struct exchange_reply *reply,
		     void *arg);
	/* Octets of a streamed request body (server role) or of a reply body
	 * (client role).  Borrowed.  Answered by exchange_consumed(). */
	void (*data)(struct exchange *x, const uint8_t *data, size_t len,
		     void *arg);
	/* The peer's half is finished. */
	void (*end)(struct exchange *x, void *arg);
	/* Last callback; also when the connection goes.  @err: 0 both halves
	 * finished; ECONNRESET; ECONNABORTED; ETIMEDOUT; ECONNREFUSED;
	 * EACCES: certificate; ENOTCONN: no connection could be made. */
	void (*closed)(struct exchange *x, int err, void *arg);
};

/* ---- server role ---- */

/* Every request that the workers do not answer alone. */
typedef void exchange_request_h(struct exchange *x,
				const struct exchange_request *request,
				void *arg);

/* Who takes the requests of @net; set once, before traffic. */
void exchange_serve(struct exchange_net *net, exchange_request_h *fn,
		    void *arg);

/* The token of @x is good: its connection may stay, however quiet it is.
 * Before the reply. */
void exchange_admit(struct exchange *x);
/* Take data(), end() and closed() of @x. */
void exchange_handle(struct exchange *x,
		     const struct exchange_handlers *handlers, void *arg);

/* Reply whole and be done; @x stays valid until closed() if handled, else it
 * is gone.  Everything is copied. */
void exchange_reply(struct exchange *x, int status,
		    const struct exchange_field *field, unsigned field_cnt,
		    const void *body, size_t len);

/* Reply with a head now and a body by exchange_write().  The peer's half may
 * still be open (PUT {call}/events). */
void exchange_reply_begin(struct exchange *x, int status,
			  const struct exchange_field *field,
			  unsigned field_cnt);

/* ---- both roles ---- */

/* More body; copied.  Returns 0; ENOBUFS: the peer does not read (256 KiB
 * are waiting), nothing was taken and the caller gives the stream up. */
int exchange_write(struct exchange *x, const void *data, size_t len);
/* Our half is finished. */
void exchange_finish(struct exchange *x);
/* Abort; closed() does not run and the pointer is gone. */
void exchange_abort(struct exchange *x);
/* @len octets of data() are consumed. */
void exchange_consumed(struct exchange *x, size_t len);
unsigned exchange_worker(const struct exchange *x);

/* ---- client role ---- */

struct exchange_peer_config {
	const char *authority;		/* "host:port", port 443 if none */
	const char *ca_file;		/* NULL: system roots */
	const struct addr *addr;	/* known addresses, NULL: by DNS */
	unsigned addr_cnt;
};

/* The peer @config->authority.  Connections (one per worker) are made when
 * first needed, kept alive, and made again. */
int exchange_peer_new(struct exchange_peer **peerp, struct exchange_net *net,
		      const struct exchange_peer_config *config);
/* Closes its connections; open exchanges get closed(ECONNABORTED). */
void exchange_peer_free(struct exchange_peer **peerp);

/* Why the last attempt to connect failed: errno as in closed(), and text. */
int exchange_peer_state(const struct exchange_peer *peer, bool *connected,
			const char **why);

/*
 * Send a request.  @finish false: the body goes on by exchange_write().
 * A request waits for the connection at most 5 s.  On success handlers run
 * until closed(), never inside this call.  Returns 0; ENOMEM never;
 * ENOTCONN: the peer is being freed.
 */
int exchange_send(struct exchange **xp, struct exchange_peer *peer,
		  const struct exchange_request *request, bool finish,
		  const struct exchange_handlers *handlers, void *arg);

#endif
