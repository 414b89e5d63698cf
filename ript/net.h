/* SPDX-License-Identifier: MIT */
/*
 * ript/net.h - what control and the workers share: one struct exchange_net,
 * the doors between the threads, and the counters.  Private to the joint
 * (net, exchange, exchange_peer, byway, worker and what they call).
 *
 *   control --net_post()--> inbox of a worker       never drops
 *   worker  --net_tell()--> to_control              bounded
 *   worker  --net_cross()--> another worker         bounded
 *
 * Owner:  ript_net_new() and ript_net_free(), declared in ript/worker.h.
 * Loop:   control unless a member or a function says otherwise.
 */
#ifndef RIPTIDE_RIPT_NET_H
#define RIPTIDE_RIPT_NET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mailbox.h"
#include "base/metric.h"
#include "base/table.h"
#include "ript/exchange.h"
#include "ript/h3.h"
#include "ript/worker.h"

struct tls_client;
struct tls_server;

/* Why a worker refused a request; the name of the problem, too, unless
 * another one is given in ript/refuse.c. */
enum net_refusal {
	REFUSE_BAD_CHUNKS,
	REFUSE_UNAUTHORIZED,
	REFUSE_NOT_FOUND,
	REFUSE_CALL_ENDED,
	REFUSE_METHOD,
	REFUSE_TOO_LARGE,
	REFUSE_TYPE,
	REFUSE_EARLY,
	REFUSE_SLOW_DOWN,
	REFUSE_NO_WEBTRANSPORT,
	REFUSE_CONTROL_FULL,	/* the mailbox to control has no room */
	REFUSE_CROSSING_FULL,	/* the mailbox to the home has none */
	REFUSE_BODIES_FULL,	/* too many bodies are being collected */
	REFUSE_CNT
};

/* Why a body did not reach the other side. */
enum net_drop {
	DROP_NO_GET,		/* no GET open: media-panic follows */
	DROP_OVER_ROOM,		/* over the datagram limit, no GET beside */
	DROP_RING_FULL,
	DROP_RING_OLD,		/* 5 s in the ring */
	DROP_PUTS_FULL,		/* too many unanswered PUTs */
	DROP_CROSSING_FULL,
	DROP_GET_GONE,		/* the GET closed while the body crossed */
	DROP_UNBOUND,		/* nobody eats chunks yet, or any more */
	DROP_UNFRAMED,		/* not one record could be framed */
	DROP_NO_WAY,		/* an ack with no way open */
	DROP_REFUSED,		/* a PUT answered with an error */
	DROP_CNT
};

/* What crossed between workers. */
enum net_crossing {
	CROSSED_PUT,
	CROSSED_GET,
	CROSSED_DATAGRAM_IN,
	CROSSED_DATAGRAM_OUT,
	CROSSED_CNT
};

struct net_metrics {
	struct metric *refused[REFUSE_CNT];
	struct metric *dropped[DROP_CNT];
	struct metric *crossed[CROSSED_CNT];
	struct metric *requests;		/* passed to control */
	struct metric *stalled;			/* reset: peer reads nothing */
	struct metric *strangers;		/* closed: no token came */
	struct metric *gets;			/* gauge: open GETs */
	struct metric *displaced;		/* 204 because of the 31st */
	struct metric *sessions;		/* gauge: WebTransport */
	struct metric *tombstones;		/* gauge */
	struct metric *panics;
	struct metric *connects;		/* client connections tried */
	struct metric *connect_fails;
};

/* One worker as the others see it. */
struct net_worker {
	pthread_mutex_t lock;		/* the next five */
	struct mailbox *inbox;		/* NULL before and after its life */
	struct mailbox *crossing;	/* read by it, written by workers */
	struct msg *early;		/* posted before its life */
	struct msg **early_end;
	bool ended;

	struct ript_worker *self;	/* loop: that worker */
	int listen_fd;
	unsigned homes;			/* calls whose home it is */
};

struct exchange_net {
	unsigned worker_cnt;
	struct net_worker *worker;
	struct loop *control;
	struct mailbox *to_control;
	struct dns *dns;
	struct tls_server *tls;		/* NULL: client role only */
	struct h3_secrets secrets;
	struct addr bound;
	unsigned requests_per_s;
	bool no_webtransport;
	struct net_metrics metric;
	char *refusal_body[REFUSE_CNT];

	exchange_request_h *serve;
	void *serve_arg;
	struct table exchanges;		/* by ID, both roles */
	struct table peers;		/* by ID */
	struct table byways;		/* by ID */
	struct list tls_clients;	/* kept until every endpoint is gone */
	uint64_t next_id;
	unsigned next_home;		/* where the search for one begins */
};

/* Post to @worker from control; delivered there in order.  Dropped once the
 * worker has ended. */
void net_post(struct exchange_net *net, unsigned worker, struct msg *msg);

/* From a worker to control.  net_tell(): 0, or EAGAIN and @msg still belongs
 * to the caller. */
int net_tell(struct exchange_net *net, struct msg *msg);
void net_tell_always(struct exchange_net *net, struct msg *msg);

/* From a worker to another, as above. */
int net_cross(struct exchange_net *net, unsigned worker, struct msg *msg);
void net_cross_always(struct exchange_net *net, unsigned worker,
		      struct msg *msg);

/* Loop: the worker.  It begins, and ends, to take messages. */
void net_worker_begin(struct exchange_net *net, unsigned index,
		      struct mailbox *inbox, struct mailbox *crossing);
void net_worker_end(struct exchange_net *net, unsigned index);

/* Trust for a peer with this CA file, shared by the peers that name it.
 * @why: one sentence, malloc'ed. */
int net_tls_client(struct exchange_net *net, const char *ca_file,
		   struct tls_client **tlsp, char **why);

static inline void net_refused(struct exchange_net *net, enum net_refusal why)
{
	metric_inc(net->metric.refused[why]);
}

static inline void net_dropped(struct exchange_net *net, enum net_drop why)
{
	metric_inc(net->metric.dropped[why]);
}

#endif
