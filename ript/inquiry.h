/* SPDX-License-Identifier: MIT */
/*
 * ript/inquiry.h - one whole request of the client role with a JSON reply:
 * sent, collected, handed over once.  A 308 is followed once, on the same
 * authority only (Q86).
 *
 * Owner:  whoever sent it, until @done ran or inquiry_cancel().
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_INQUIRY_H
#define RIPTIDE_RIPT_INQUIRY_H

#include <stdint.h>

#include "ript/exchange.h"

struct inquiry;
struct loop;

#define INQUIRY_BODY_MAX (1u << 20)

struct inquiry_params {
	struct loop *loop;
	struct exchange_peer *peer;
	const char *authority;
	const char *method;
	const char *path;
	const char *token;
	const char *json;		/* body; NULL: none */
	const char *etag;		/* if-none-match; NULL: none */
	unsigned worker;
	uint64_t deadline_ms;		/* 0: the caller watches the time */
};

/* Borrowed. */
struct inquiry_reply {
	int err;	/* 0; ETIMEDOUT; EMSGSIZE: body too large; else as in
			   exchange_handlers.closed() */
	int status;	/* 0 with an err */
	const struct exchange_field *field;
	unsigned field_cnt;
	const char *body;		/* NUL-terminated */
	size_t len;
};

typedef void inquiry_h(const struct inquiry_reply *reply, void *arg);

/* @done runs once, never inside this call.  Returns 0 or as exchange_send().
 */
int inquiry_send(struct inquiry **inquiryp,
		 const struct inquiry_params *params, inquiry_h *done,
		 void *arg);
/* No callback after this; the request is aborted.  NULL is fine. */
void inquiry_cancel(struct inquiry **inquiryp);

/* Field @name of the reply, NULL if absent. */
const char *inquiry_field(const struct inquiry_reply *reply,
			  const char *name);
/* Seconds of retry-after, 0 if absent; and of cache-control max-age. */
unsigned inquiry_retry_after(const struct inquiry_reply *reply);
unsigned inquiry_max_age(const struct inquiry_reply *reply,
			 unsigned otherwise);
/* The last segment of `type` of a problem body into @name, its `detail` into
 * @detail; "" where absent. */
void inquiry_problem(const struct inquiry_reply *reply, char *name,
		     size_t name_len, char *detail, size_t detail_len);

#endif
