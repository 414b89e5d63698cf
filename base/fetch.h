/* SPDX-License-Identifier: MIT */
/*
 * base/fetch.h - blocking HTTP fetches on a thread of their own (libcurl).
 *
 * Owner:  the fetcher belongs to the control loop; a fetch to the fetcher.
 * Loop:   control; the result comes back there through a mailbox.
 */
#ifndef RIPTIDE_BASE_FETCH_H
#define RIPTIDE_BASE_FETCH_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct fetch;

struct fetch_request {
	const char *url;		/* https only unless allow_http */
	const char *method;		/* NULL: GET, or POST with a body */
	const char *const *headers;	/* "Name: value", NULL at the end */
	const void *body;
	size_t body_len;
	const char *ca_file;		/* NULL: the system's */
	size_t max_len;			/* octets of body accepted */
	uint64_t deadline_ms;		/* 0: 1000 */
	int allow_http;
};

struct fetch_result {
	int err;		/* 0; ETIMEDOUT; EHOSTUNREACH; EMSGSIZE; EACCES:
				   certificate; EPROTO: anything else */
	const char *reason;	/* one sentence */
	long status;		/* HTTP status */
	const uint8_t *body;
	size_t body_len;
	uint64_t max_age_s;	/* Cache-Control max-age, 0 if none */
};

/* @result is borrowed. */
typedef void fetch_h(const struct fetch_result *result, void *arg);

int fetch_new(struct fetch **fetchp, struct loop *control);
/* Ends the thread; callbacks of unfinished fetches do not run. */
void fetch_free(struct fetch **fetchp);

/* Queue @req (copied).  Redirects are never followed.
 * Returns 0; EINVAL: not an acceptable URL; EAGAIN: 64 are waiting. */
int fetch_start(struct fetch *fetch, const struct fetch_request *req,
		fetch_h *done, void *arg);

#endif
