/* SPDX-License-Identifier: MIT */
/*
 * ript/wt.h - the parsers and the queue of WebTransport; the sessions
 * themselves are in h3.h (h3_session_*).
 *
 * Owner:  plain structs.
 * Loop:   any.
 * Spec:   draft-ietf-webtrans-http3; RFC 9297 (capsules).
 */
#ifndef RIPTIDE_RIPT_WT_H
#define RIPTIDE_RIPT_WT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the first octets of a stream that the peer opened ---- */

enum wt_prefix {
	WT_PREFIX_MORE,		/* not enough octets yet */
	WT_PREFIX_HTTP,		/* nghttp3's, from the first octet on */
	WT_PREFIX_CONTROL,	/* nghttp3's, the control stream */
	WT_PREFIX_STREAM,	/* a WebTransport stream */
};

/* What begins with @data?  @bidi: a request stream or not.  16 octets are
 * always enough.  WT_PREFIX_STREAM sets *@session to the session's stream ID
 * and *@used to the octets of the prefix. */
enum wt_prefix wt_prefix_read(const uint8_t *data, size_t len, bool bidi,
			      uint64_t *session, size_t *used);

/* ---- capsules on the session's own stream ---- */

enum wt_capsule {
	WT_CAPSULE_MORE,	/* all octets are used */
	WT_CAPSULE_CLOSE,	/* CLOSE_WEBTRANSPORT_SESSION */
	WT_CAPSULE_BROKEN,
};

struct wt_capsules {
	uint8_t head[16];	/* type and length, until complete */
	uint8_t head_len;
	uint64_t left;		/* octets of the value still to come */
	bool closing;		/* the value is that of a close */
	uint8_t code_len;
	uint32_t code;
};

/* Read capsules; unknown ones are skipped whatever their length. */
enum wt_capsule wt_capsules_read(struct wt_capsules *capsules,
				 const uint8_t *data, size_t len);

/* A close capsule with code 0; returns its length. */
#define WT_CLOSE_LEN 7
void wt_close_write(uint8_t out[WT_CLOSE_LEN]);

/* ---- datagrams that wait for the network ---- */

#define WT_QUEUE_OCTETS 32768

/*
 * A ring of fixed size; records never wrap.  Memory is taken with the first
 * datagram and stays.
 */
struct wt_queue {
	uint8_t *ring;		/* WT_QUEUE_OCTETS */
	size_t head, tail;	/* head == tail: empty */
	size_t wrap;		/* where the records end when tail < head */
	unsigned cnt;
};

/* Append @prefix and @data as one record of @now_ns.  Drops the oldest where
 * room is missing and returns how many; -1: larger than the ring. */
int wt_queue_put(struct wt_queue *queue, uint64_t now_ns,
		 const uint8_t *prefix, size_t prefix_len, const void *data,
		 size_t len);
/* The oldest record; false: none. */
bool wt_queue_peek(const struct wt_queue *queue, const uint8_t **datap,
		   size_t *lenp, uint64_t *put_nsp);
/* Drop the oldest. */
void wt_queue_pop(struct wt_queue *queue);
void wt_queue_free(struct wt_queue *queue);

#endif
