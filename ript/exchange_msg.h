/* SPDX-License-Identifier: MIT */
/*
 * ript/exchange_msg.h - the messages between the two halves of an exchange:
 * struct exchange on control (ript/exchange.c) and struct half on a worker
 * (ript/half.c).
 *
 * The halves know each other by an ID that is never used twice, looked up in
 * a table at each delivery: a message for a half that is gone is dropped, and
 * no pointer ever crosses.
 *
 * Owner:  the mailbox, then the function that delivers.
 * Loop:   made on one side, read on the other.
 */
#ifndef RIPTIDE_RIPT_EXCHANGE_MSG_H
#define RIPTIDE_RIPT_EXCHANGE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "base/text.h"
#include "ript/exchange.h"
#include "ript/h3.h"

/* Octets that wait on the way from control to a stream before
 * exchange_write() refuses. */
#define EXCHANGE_UNSENT_MAX (256u * 1024)

struct exchange_net;
struct tls_client;

/* A head in one piece of memory. */
struct head {
	const char *method;		/* NULL in replies */
	const char *authority;
	const char *path;		/* query cut off */
	const char *query;		/* NULL if none */
	unsigned field_cnt;
	struct exchange_field field[];
};

struct head *head_of_h3(const struct h3_head *from);
struct head *head_of_request(const struct exchange_request *from,
			     const char *authority);
struct head *head_of_fields(const struct exchange_field *field,
			    unsigned field_cnt);
/* The fields as ript/h3.h wants them; returns how many (H3_MAX_FIELDS at
 * most).  They borrow from @head. */
unsigned head_fields(struct h3_field out[H3_MAX_FIELDS],
		     const struct head *head);

enum xmsg_kind {
	/* worker to control */
	XMSG_REQUEST,		/* server role: head, whole body or streamed */
	XMSG_HEAD,		/* client role: status, head */
	XMSG_DATA,
	XMSG_END,
	XMSG_CLOSED,		/* err */
	XMSG_WRITTEN,		/* len octets have left the mailbox */
	/* control to worker */
	XMSG_SEND,		/* client role: peer, head, data, fin */
	XMSG_REPLY,		/* server role: status, head, data, fin */
	XMSG_WRITE,		/* data, fin */
	XMSG_CONSUMED,		/* len */
	XMSG_ABORT,
};

struct xmsg {
	struct msg msg;
	struct exchange_net *net;
	enum xmsg_kind kind;
	unsigned worker;
	uint64_t id;
	uint64_t peer;
	int status;
	int err;
	bool fin;		/* our half ends with this */
	bool silent;		/* control wants to hear nothing more */
	bool streamed;
	bool early;
	bool admitted;		/* REPLY: the request's token was good */
	struct addr from;
	struct head *head;	/* owned; NULL if none */
	size_t len;
	uint8_t *data;		/* owned, NUL behind; NULL if none */
};

/* An empty message; delivered by exchange_on_msg() or half_on_msg(), as its
 * kind says. */
struct xmsg *xmsg_new(struct exchange_net *net, enum xmsg_kind kind,
		      unsigned worker, uint64_t id);
/* Copy @len octets into it. */
void xmsg_set_data(struct xmsg *m, const void *data, size_t len);
void xmsg_free(struct xmsg *m);

/* Loop: control (ript/exchange.c), worker (ript/half.c). */
void exchange_on_msg(struct msg *msg);
void half_on_msg(struct msg *msg);

/* What control and the workers say to each other about a peer. */
enum pmsg_kind {
	/* control to worker */
	PMSG_OPEN,		/* authority, host, tls, addr if fixed */
	PMSG_ADDRS,		/* err, addr, ttl_s: the answer to a need */
	PMSG_CLOSE,
	/* worker to control */
	PMSG_NEED,		/* addresses are needed */
	PMSG_STATE,		/* err, connected, text */
};

#define PEER_ADDRS 16

struct pmsg {
	struct msg msg;
	struct exchange_net *net;
	enum pmsg_kind kind;
	unsigned worker;
	uint64_t peer;
	int err;
	bool connected;
	char *authority;	/* owned */
	char *host;		/* owned */
	char *text;		/* owned; why */
	struct tls_client *tls;
	struct addr addr[PEER_ADDRS];
	unsigned addr_cnt;
	uint32_t ttl_s;
};

/* Delivered by exchange_peer_on_msg() or link_on_msg(). */
struct pmsg *pmsg_new(struct exchange_net *net, enum pmsg_kind kind,
		      unsigned worker, uint64_t peer);
void pmsg_free(struct pmsg *m);

void exchange_peer_on_msg(struct msg *msg);	/* loop: control */
void link_on_msg(struct msg *msg);		/* loop: worker */

#endif
