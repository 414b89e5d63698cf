/* SPDX-License-Identifier: MIT */
/*
 * riptcall/edge.h - every request, reply and event on its way between the
 * resource half of ript/ and HTTP/3: counted for the summary, and where a
 * fault is done.
 *
 *   ript/ --exchange_send(), _reply(), _write()--> edge --> ript/exchange.c
 *
 * The linker leads the calls here (--wrap in riptcall/module.am), so ript/
 * itself knows of no fault.
 *
 * Owner:  one for the process.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPTCALL_EDGE_H
#define RIPTIDE_RIPTCALL_EDGE_H

#include <stdint.h>

struct json_object;
struct loop;

void edge_setup(struct loop *loop);
void edge_free(void);

struct edge_counts {
	uint64_t pings;		/* client: sent; server: answered */
	uint64_t pongs;		/* client: with the nonce of our last ping;
				   server: sent */
	uint64_t events_put, events_get;	/* byways opened */
	char first[2];		/* octet of the last event stream received */
};

void edge_counts(struct edge_counts *out);
/* The requests so far as an array of "METHOD path -> status", paths below
 * /.well-known/ript/v1; the first hundred.  The caller puts it. */
struct json_object *edge_requests(void);
/* Client: the last 201 of a call as it came, {"location", "body"}; NULL if
 * there was none.  The caller puts it. */
struct json_object *edge_created(void);
/* Client: milliseconds between one ping and the next.  The caller puts it. */
struct json_object *edge_ping_gaps(void);

#endif
