/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/dns.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ript/exchange_msg.h"
#include "ript/exchange_private.h"
#include "ript/net.h"

#define DEFAULT_PORT 443

struct peer_worker {
	bool connected;
	bool needs;		/* waits for addresses */
};

struct exchange_peer {
	struct table_node node;		/* of net->peers */
	uint64_t id;
	struct exchange_net *net;
	char *authority;		/* as in :authority */
	char *host;			/* without port and brackets */
	uint16_t port;
	bool fixed;			/* addresses are configured */
	struct dns_query *query;
	struct list exchanges;
	bool freeing;
	int err;
	char *why;
	struct peer_worker *worker;	/* one for each */
};

struct exchange_net *exchange_peer_net(const struct exchange_peer *peer)
{
	return peer->net;
}

uint64_t exchange_peer_id(const struct exchange_peer *peer)
{
	return peer->id;
}

const char *exchange_peer_authority(const struct exchange_peer *peer)
{
	return peer->authority;
}

struct list *exchange_peer_exchanges(struct exchange_peer *peer)
{
	return peer->freeing ? NULL : &peer->exchanges;
}

/* ---- life ---- */

/* "host", "host:port", "[v6]", "[v6]:port". */
static int authority_split(const char *authority, char **hostp,
			   uint16_t *portp)
{
	const char *end, *colon;
	unsigned long port = DEFAULT_PORT;
	char *rest;

	if (authority[0] == '[') {
		end = strchr(authority, ']');
		if (!end)
			return EINVAL;
		colon = end[1] == ':' ? end + 1 : NULL;
		if (end[1] != '\0' && !colon)
			return EINVAL;
		authority++;
	} else {
		colon = strchr(authority, ':');
		end = colon ? colon : authority + strlen(authority);
	}
	if (end == authority)
		return EINVAL;
	if (colon) {
		port = strtoul(colon + 1, &rest, 10);
		if (colon[1] < '0' || colon[1] > '9' || *rest != '\0' ||
		    port == 0 || port > 65535)
			return EINVAL;
	}
	*hostp = xstrndup(authority, (size_t)(end - authority));
	*portp = (uint16_t)port;
	return 0;
}

static void open_on_workers(struct exchange_peer *peer,
			    const struct exchange_peer_config *config,
			    struct tls_client *tls)
{
	struct exchange_net *net = peer->net;
	unsigned i, cnt = config->addr ? config->addr_cnt : 0;

	if (cnt > PEER_ADDRS)
		cnt = PEER_ADDRS;
	peer->fixed = cnt > 0;
	for (i = 0; i < net->worker_cnt; i++) {
		struct pmsg *m = pmsg_new(net, PMSG_OPEN, i, peer->id);

		m->authority = xstrdup(peer->authority);
		m->host = xstrdup(peer->host);
		m->tls = tls;
		m->addr_cnt = cnt;
		if (cnt > 0)
			memcpy(m->addr, config->addr,
			       cnt * sizeof(m->addr[0]));
		net_post(net, i, &m->msg);
	}
}

int exchange_peer_new(struct exchange_peer **peerp, struct exchange_net *net,
		      const struct exchange_peer_config *config)
{
	struct exchange_peer *peer;
	struct tls_client *tls;
	uint16_t port;
	char *host;
	char *why = NULL;
	int err;

	loop_assert(LOOP_CONTROL);
	err = authority_split(config->authority, &host, &port);
	if (err)
		return err;
	err = net_tls_client(net, config->ca_file, &tls, &why);
	if (err) {
		log_error(NULL, "ript: peer %s: %s", config->authority,
			  why ? why : strerror(err));
		free(why);
		free(host);
		return err;
	}
	peer = xzalloc(sizeof(*peer));
	peer->net = net;
	peer->id = ++net->next_id;
	peer->authority = xstrdup(config->authority);
	peer->host = host;
	peer->port = port;
	peer->why = xstrdup("");
	peer->worker = xcalloc(net->worker_cnt, sizeof(*peer->worker));
	if (table_insert(&net->peers, &peer->node, &peer->id,
			 sizeof(peer->id)) != 0)
		abort();	/* IDs are never used twice */
	open_on_workers(peer, config, tls);
	*peerp = peer;
	return 0;
}

static void peer_free_mem(struct exchange_peer *peer)
{
	dns_cancel(&peer->query);
	table_remove(&peer->net->peers, &peer->node);
	free(peer->authority);
	free(peer->host);
	free(peer->why);
	free(peer->worker);
	free(peer);
}

void exchange_peer_free(struct exchange_peer **peerp)
{
	struct exchange_peer *peer = *peerp;
	struct exchange_net *net;
	unsigned i;

	if (!peer)
		return;
	loop_assert(LOOP_CONTROL);
	net = peer->net;
	peer->freeing = true;
	for (i = 0; i < net->worker_cnt; i++)
		net_post(net, i,
			 &pmsg_new(net, PMSG_CLOSE, i, peer->id)->msg);
	exchange_close_all(&peer->exchanges, ECONNABORTED);
	*peerp = NULL;
	peer_free_mem(peer);
}

static void free_one(struct table_node *node, void *arg)
{
	(void)arg;
	peer_free_mem(table_entry(node, struct exchange_peer, node));
}

void exchange_peer_net_close(struct exchange_net *net)
{
	table_each(&net->peers, free_one, NULL);
	table_free(&net->peers);
}

int exchange_peer_state(const struct exchange_peer *peer, bool *connected,
			const char **why)
{
	unsigned i;

	if (connected) {
		*connected = false;
		for (i = 0; i < peer->net->worker_cnt; i++)
			if (peer->worker[i].connected)
				*connected = true;
	}
	if (why)
		*why = peer->why;
	return peer->err;
}

/* ---- addresses ---- */

static void answer_needs(struct exchange_peer *peer, int err,
			 const struct addr *addr, unsigned cnt,
			 uint32_t ttl_s)
{
	static const char *const why = "the name cannot be resolved";
	unsigned i;

	if (cnt > PEER_ADDRS)
		cnt = PEER_ADDRS;
	for (i = 0; i < peer->net->worker_cnt; i++) {
		struct pmsg *m;

		if (!peer->worker[i].needs)
			continue;
		peer->worker[i].needs = false;
		m = pmsg_new(peer->net, PMSG_ADDRS, i, peer->id);
		m->err = err;
		m->addr_cnt = cnt;
		if (cnt > 0)
			memcpy(m->addr, addr, cnt * sizeof(*addr));
		m->ttl_s = ttl_s;
		if (err)
			m->text = xasprintf("%s: %s", peer->host, why);
		net_post(peer->net, i, &m->msg);
	}
}

static void on_resolved(int err, const struct dns_answer *answer, void *arg)
{
	struct exchange_peer *peer = arg;

	peer->query = NULL;
	if (!err && answer->count > 0)
		answer_needs(peer, 0, answer->addr, answer->count,
			     answer->ttl_s);
	else
		answer_needs(peer, err ? err : ENOENT, NULL, 0, 0);
}

static void need(struct exchange_peer *peer, unsigned worker)
{
	struct addr literal;
	int err;

	peer->worker[worker].needs = true;
	if (peer->query)
		return;
	if (addr_parse(&literal, peer->host) == 0) {
		addr_set_port(&literal, peer->port);
		answer_needs(peer, 0, &literal, 1, 3600);
		return;
	}
	if (!peer->net->dns) {
		answer_needs(peer, ENOENT, NULL, 0, 0);
		return;
	}
	err = dns_resolve_host(&peer->query, peer->net->dns, peer->host,
			       peer->port, on_resolved, peer);
	if (err)
		answer_needs(peer, err, NULL, 0, 0);
}

void exchange_peer_on_msg(struct msg *msg)
{
	struct pmsg *m = list_entry(msg, struct pmsg, msg);
	struct table_node *node =
		table_find(&m->net->peers, &m->peer, sizeof(m->peer));
	struct exchange_peer *peer =
		node ? table_entry(node, struct exchange_peer, node) : NULL;

	if (peer && m->kind == PMSG_NEED) {
		need(peer, m->worker);
	} else if (peer && m->kind == PMSG_STATE) {
		peer->worker[m->worker].connected = m->connected;
		peer->err = m->err;
		free(peer->why);
		peer->why = m->text;
		m->text = NULL;
	}
	pmsg_free(m);
}
