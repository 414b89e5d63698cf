/* SPDX-License-Identifier: MIT */
/*
 * ript/byway_session.h - one WebTransport session of a call in the server
 * role: on the worker where it arrived, and mirrored on the call's home.
 *
 * Owner:  itself on the worker where it arrived, until h3 has closed it; the
 *         port on the home.
 * Loop:   worker.
 * Spec:   MB-01, Q57, Q75.
 */
#ifndef RIPTIDE_RIPT_BYWAY_SESSION_H
#define RIPTIDE_RIPT_BYWAY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"

struct byway_port;
struct call_entry;
struct h3_session;
struct h3_stream;
struct ript_worker;

/* Not heard of for so long, a session gives way to a newer GET: its client
 * may have moved without a word. */
#define SESSION_STALE_NS NS_PER_S

struct byway_session {
	struct le le;			/* of port->sessions (home) */
	struct le entry_le;		/* of entry->sessions (arrival) */
	struct table_node node;		/* of worker->sessions (away) */
	uint64_t id;
	struct ript_worker *w;		/* whose memory this is */
	uint64_t byway;
	unsigned home;
	unsigned worker;		/* where it arrived */
	struct h3_session *h3;		/* NULL: on another worker */
	struct byway_port *port;	/* home only */
	uint64_t connection;
	uint64_t heard_ns;
	size_t room;
	bool stale;
};

static inline struct byway_session *byway_session_of(struct le *le)
{
	return list_entry(le, struct byway_session, le);
}

/* Accept the extended CONNECT on @stream. */
void byway_session_serve(struct ript_worker *w, struct call_entry *entry,
		   struct h3_stream *stream, uint64_t connection);

/* On the home: one arrived on @worker, or went there. */
void byway_session_add_away(struct byway_port *port, unsigned worker,
			    uint64_t id, uint64_t connection, size_t room);
struct byway_session *byway_session_find_away(struct byway_port *port,
					      unsigned worker, uint64_t id);
void byway_session_gone_away(struct byway_session *session);
/* Chunks came in it. */
void byway_session_chunks(struct byway_session *session, const uint8_t *data,
			  size_t len);

/* Where it arrived, by ID from the home. */
struct byway_session *byway_session_find(struct ript_worker *w, uint64_t id);

/* Send one datagram.  Returns 0; EMSGSIZE; ENOBUFS: dropped and counted. */
int byway_session_send(struct byway_session *session, const void *body,
		       size_t len);
/* End it, here or there. */
void byway_session_close(struct byway_session *session);

/* The port is closed: it forgets its sessions. */
void byway_session_forget_all(struct byway_port *port);
/* Every session of the call on this worker closes. */
void byway_session_end_all(struct call_entry *entry);

#endif
