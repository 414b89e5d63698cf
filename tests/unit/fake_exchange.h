/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_exchange.h - ript/exchange.h in memory: a test plays the
 * workers, the network and the peer, and looks at everything that the code
 * under test sent.
 *
 *   server role:  fake_request() --> exchange_request_h --> exchange_reply()
 *                 fake_body(), fake_body_end(), fake_drop()
 *   client role:  exchange_send() --> fake_sent() --> fake_reply() ...
 *
 * An exchange stays readable for the test until fake_net_free().  What the
 * code under test does with one after closed(), exchange_abort() or an
 * unhandled exchange_reply() aborts the test with a sentence.
 *
 * closed() never runs inside a call of exchange.h: it runs at the end of the
 * fake_ functions that play something, and in fake_run().
 */
#ifndef RIPTIDE_TESTS_FAKE_EXCHANGE_H
#define RIPTIDE_TESTS_FAKE_EXCHANGE_H

#include "ript/exchange.h"

struct exchange_net *fake_net_new(void);
/* Whatever is still open is gone without closed(). */
void fake_net_free(struct exchange_net **netp);

/* Run every closed() that is due. */
void fake_run(struct exchange_net *net);

/* ---- server role: the test is the client ---- */

/* A request arrives; members left out may be NULL.  @request is copied. */
struct exchange *fake_request(struct exchange_net *net,
			      const struct exchange_request *request);
/* The common case: @token NULL: no authorization; @json NULL: no body. */
struct exchange *fake_json(struct exchange_net *net, const char *method,
			   const char *path, const char *token,
			   const char *json);
/* Body octets of a request made with .streamed, and its end. */
void fake_body(struct exchange *x, const void *data, size_t len);
void fake_body_end(struct exchange *x);

/* What was replied so far. */
int fake_status(const struct exchange *x);	/* 0: nothing yet */
const char *fake_field(const struct exchange *x, const char *name);

/* ---- client role: the test is the server ---- */

/* The @index-th request that exchange_send() made; NULL: not so many. */
struct exchange *fake_sent(struct exchange_net *net, unsigned index);
unsigned fake_sent_cnt(const struct exchange_net *net);
/* The newest request with this method (NULL: any) whose path ends so. */
struct exchange *fake_sent_last(struct exchange_net *net, const char *method,
				const char *path_end);
/* Its head; body is what was given with the head. */
const struct exchange_request *fake_sent_head(const struct exchange *x);

/* A whole reply; @json NULL: no body.  content-type is set. */
void fake_reply(struct exchange *x, int status, const char *json);
void fake_reply_fields(struct exchange *x, int status,
		       const struct exchange_field *field, unsigned field_cnt,
		       const void *body, size_t len);
/* A head now, then body by fake_reply_data(), then the end. */
void fake_reply_begin(struct exchange *x, int status,
		      const struct exchange_field *field, unsigned field_cnt);
void fake_reply_data(struct exchange *x, const void *data, size_t len);
void fake_reply_end(struct exchange *x);

/* What exchange_peer_state() says from now on; exchange_send() still
 * succeeds: fail a request with fake_drop(). */
void fake_peer_state(struct exchange_peer *peer, int err, const char *why);

/* ---- both roles ---- */

/* The exchange goes: closed(@err). */
void fake_drop(struct exchange *x, int err);
/* The body that the code under test has written so far: reply body (server
 * role), request body (client role).  NUL-terminated. */
const char *fake_text(const struct exchange *x, size_t *lenp);
/* Forget it, so that fake_text() shows only what comes next. */
void fake_text_clear(struct exchange *x);
/* The test's half is open: a body or a reply may go on. */
bool fake_open(const struct exchange *x);
bool fake_finished(const struct exchange *x);	/* its half is finished */
bool fake_aborted(const struct exchange *x);
bool fake_closed(const struct exchange *x);	/* closed() ran */
/* Octets given to exchange_consumed(). */
size_t fake_consumed(const struct exchange *x);
/* exchange_write() answers ENOBUFS from now on. */
void fake_set_full(struct exchange *x, bool full);

#endif
