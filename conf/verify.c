/* SPDX-License-Identifier: MIT */
/* What more than one key must agree on: references, and what would make a
 * gateway start that can never carry a call. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "conf/reader.h"

/* A problem with the key @key of the item @name in @section. */
#define ITEM_PATH 256
static const char *item_path(char path[ITEM_PATH], const char *section,
			     const char *name, const char *key)
{
	snprintf(path, ITEM_PATH, "%s.%s%s%s", section, name, *key ? "." : "",
		 key);
	return path;
}

static const char *route_path(char path[ITEM_PATH],
			      const struct conf_route *route, const char *key)
{
	snprintf(path, ITEM_PATH, "routes[%u].%s", route->rule, key);
	return path;
}

/* ---- networks ---- */

static bool ports_meet(const struct conf_network *a,
		       const struct conf_network *b)
{
	return a->rtp_first <= b->rtp_last && b->rtp_first <= a->rtp_last;
}

static void verify_network(struct reader *r, unsigned index)
{
	const struct conf_network *network = &r->conf->network[index], *other;
	char path[ITEM_PATH];
	unsigned i;

	if (network->advertise.len &&
	    network->advertise.ss.ss_family != network->address.ss.ss_family)
		problem_at(r, item_path(path, "networks", network->name,
					"advertise"),
			   "not of the address family of address");
	if (network->udp && network->sip_port >= network->rtp_first &&
	    network->sip_port <= network->rtp_last)
		problem_at(r, item_path(path, "networks", network->name,
					"rtp-ports"),
			   "sip-port %u lies within", network->sip_port);
	for (i = 0; i < index; i++) {
		other = &r->conf->network[i];
		if (!addr_same_host(&network->address, &other->address))
			continue;
		if (network->sip_port && network->sip_port == other->sip_port)
			problem_at(r, item_path(path, "networks",
						network->name, "sip-port"),
				   "network \"%s\" has the same address and "
				   "port", other->name);
		if (ports_meet(network, other))
			problem_at(r, item_path(path, "networks",
						network->name, "rtp-ports"),
				   "network \"%s\" uses some of them on the "
				   "same address", other->name);
	}
}

/* ---- trunks ---- */

static void find_network(struct reader *r, struct conf_trunk *trunk)
{
	struct conf *conf = r->conf;
	struct nearest nearest;
	char path[ITEM_PATH];
	unsigned i;

	item_path(path, "trunks", trunk->name, "network");
	if (!trunk->network_name) {
		if (conf->network_cnt == 1) {
			trunk->network = &conf->network[0];
			trunk->network_name = xstrdup(conf->network[0].name);
		} else {
			missing(r, path, "%s",
				   conf->network_cnt
					   ? "there are several to choose from"
					   : "a trunk needs a network");
		}
		return;
	}
	nearest_init(&nearest, trunk->network_name);
	for (i = 0; i < conf->network_cnt; i++) {
		if (strcmp(conf->network[i].name, trunk->network_name) == 0)
			trunk->network = &conf->network[i];
		nearest_offer(&nearest, conf->network[i].name);
	}
	if (trunk->network)
		return;
	if (nearest.best)
		problem_at(r, path, "no network \"%s\"; did you mean \"%s\"?",
			   trunk->network_name, nearest.best);
	else
		problem_at(r, path, "no network \"%s\"", trunk->network_name);
}

static void verify_hosts(struct reader *r, unsigned index)
{
	const struct conf_trunk *trunk = &r->conf->trunk[index], *other;
	char path[ITEM_PATH], host[ADDR_TEXT_LEN];
	unsigned i, k, n;

	item_path(path, "trunks", trunk->name, "hosts");
	for (i = 0; i < trunk->host_cnt; i++) {
		addr_print(host, &trunk->host[i]);
		if (trunk->network && trunk->network->address.len &&
		    trunk->network->address.ss.ss_family !=
			    trunk->host[i].ss.ss_family)
			problem_at(r, path,
				   "%s: not of the address family of network "
				   "\"%s\"", host, trunk->network->name);
		for (k = 0; k < index; k++) {
			other = &r->conf->trunk[k];
			for (n = 0; n < other->host_cnt; n++)
				if (other->network == trunk->network &&
				    addr_equal(&other->host[n],
					       &trunk->host[i]))
					problem_at(r, path,
						   "%s: belongs to trunk "
						   "\"%s\" already; a call "
						   "from it could be of "
						   "either", host,
						   other->name);
		}
	}
}

static void verify_trunk(struct reader *r, unsigned index)
{
	struct conf_trunk *trunk = &r->conf->trunk[index];
	const struct conf_dial_plan *plan = &trunk->dial_plan;
	char path[ITEM_PATH];

	find_network(r, trunk);
	verify_hosts(r, index);
	if (trunk->network &&
	    !(trunk->tcp ? trunk->network->tcp : trunk->network->udp))
		problem_at(r, item_path(path, "trunks", trunk->name,
					"transport"),
			   "network \"%s\" has no %s", trunk->network->name,
			   trunk->tcp ? "tcp" : "udp");
	if (plan->national && !plan->country)
		problem_at(r, item_path(path, "trunks", trunk->name,
					"dial-plan.national"),
			   "dial-plan.country is needed with it");
	if (conf_peer(r->conf, trunk->name))
		problem_at(r, item_path(path, "trunks", trunk->name, ""),
			   "a peer has the same name; routes could mean "
			   "either");
}

/* ---- peers ---- */

static void peer_lacks(struct reader *r, const struct conf_peer *peer,
		       const char *key, const char *why)
{
	char path[ITEM_PATH];

	missing(r, item_path(path, "peers", peer->name, key), "%s", why);
}

static void verify_client(struct reader *r, const struct conf_peer *peer)
{
	static const char others[] = "needed with the other keys of signing";
	bool some = peer->signing_key || peer->signing_cert ||
		    peer->signing_x5u;

	if (!peer->domain) {
		if (peer->token || some || peer->address_cnt || peer->ca_file)
			peer_lacks(r, peer, "domain",
				   "the other keys serve calls to it");
		return;
	}
	if (!peer->token)
		peer_lacks(r, peer, "token",
			   "a peer admits nobody without one");
	if (some && !peer->signing_key)
		peer_lacks(r, peer, "signing.key", others);
	if (some && !peer->signing_cert)
		peer_lacks(r, peer, "signing.cert", others);
	if (some && !peer->signing_x5u)
		peer_lacks(r, peer, "signing.x5u", others);
}

/* Nobody fetches certificates yet: they are known under our own authority. */
static void verify_x5u(struct reader *r, const struct conf_peer *peer,
		       const char *path)
{
	const char *authority = r->conf->authority;
	unsigned i;

	for (i = 0; authority && i < peer->x5u_cnt; i++) {
		const char *at = peer->x5u[i] + strlen("https://");
		size_t len = strlen(authority);

		if (strncasecmp(at, authority, len) != 0 || at[len] != '/')
			problem_at(r, path,
				   "%.100s: not under https://%s/, the only "
				   "place whose certificates are known",
				   peer->x5u[i], authority);
	}
}

static void verify_same(struct reader *r, unsigned index)
{
	const struct conf_peer *peer = &r->conf->peer[index], *other;
	char path[ITEM_PATH];
	unsigned i, a, b;

	for (i = 0; i < index; i++) {
		other = &r->conf->peer[i];
		if (!other->accepts)
			continue;
		if (peer->tg && other->tg && strcmp(peer->tg, other->tg) == 0)
			problem_at(r, item_path(path, "peers", peer->name,
						"accept.tg"),
				   "peer \"%s\" has the terminal group \"%s\"",
				   other->name, peer->tg);
		for (a = 0; a < peer->token_hash_cnt; a++)
			for (b = 0; b < other->token_hash_cnt; b++)
				if (memcmp(peer->token_hash[a],
					   other->token_hash[b], 32) == 0)
					problem_at(r, item_path(path, "peers",
						   peer->name,
						   "accept.token-hash"),
						   "peer \"%s\" has the same "
						   "token", other->name);
	}
}

static void verify_server(struct reader *r, unsigned index)
{
	struct conf_peer *peer = &r->conf->peer[index];
	char path[ITEM_PATH];

	if (!peer->tg)
		peer->tg = xstrdup(peer->name);
	if (!r->conf->listen.len)
		problem_at(r, item_path(path, "peers", peer->name, "accept"),
			   "ript.listen is needed to be called");
	if (!peer->token_hash_cnt)
		peer_lacks(r, peer, "accept.token-hash",
			   "nobody is admitted without a token");
	if (!peer->numbers.allow_cnt)
		peer_lacks(r, peer, "accept.numbers",
			   "say which numbers it may call");
	if (!peer->passport_ca)
		peer_lacks(r, peer, "accept.passport.roots",
			   "every call carries a PASSporT that must be "
			   "verified");
	if (!peer->x5u_cnt)
		peer_lacks(r, peer, "accept.passport.x5u",
			   "without a known certificate no PASSporT is good");
	verify_x5u(r, peer,
		   item_path(path, "peers", peer->name, "accept.passport.x5u"));
	verify_same(r, index);
}

static void verify_peer(struct reader *r, unsigned index)
{
	const struct conf_peer *peer = &r->conf->peer[index];
	char path[ITEM_PATH];

	if (!peer->domain && !peer->accepts && !peer->token)
		problem_at(r, item_path(path, "peers", peer->name, ""),
			   "neither domain (we call it) nor accept (it calls "
			   "us)");
	verify_client(r, peer);
	if (peer->accepts)
		verify_server(r, index);
}

/* ---- routes ---- */

/* "no trunk or peer "x"; did you mean "y"?" */
static void no_such(struct reader *r, const char *path, const char *name)
{
	struct nearest nearest;
	unsigned i;

	nearest_init(&nearest, name);
	for (i = 0; i < r->conf->trunk_cnt; i++)
		nearest_offer(&nearest, r->conf->trunk[i].name);
	for (i = 0; i < r->conf->peer_cnt; i++)
		nearest_offer(&nearest, r->conf->peer[i].name);
	if (nearest.best)
		problem_at(r, path,
			   "no trunk or peer \"%s\"; did you mean \"%s\"?",
			   name, nearest.best);
	else
		problem_at(r, path, "no trunk or peer \"%s\"", name);
}

static void verify_from(struct reader *r, const struct conf_route *route)
{
	const struct conf_peer *peer;
	char path[ITEM_PATH];

	if (!route->from || conf_trunk(r->conf, route->from))
		return;
	peer = conf_peer(r->conf, route->from);
	route_path(path, route, "from");
	if (!peer)
		no_such(r, path, route->from);
	else if (!peer->accepts)
		problem_at(r, path, "peer \"%s\" has no accept: no call comes "
			   "from it", peer->name);
}

static void verify_via(struct reader *r, const struct conf_route *route)
{
	const struct conf_peer *peer;
	bool signs = route->from && conf_peer(r->conf, route->from);
	char path[ITEM_PATH];
	unsigned i;

	route_path(path, route, "via");
	for (i = 0; i < route->via_cnt; i++) {
		peer = conf_peer(r->conf, route->via[i]);
		if (route->from && strcmp(route->from, route->via[i]) == 0 &&
		    route->via_cnt == 1)
			problem_at(r, path, "\"%s\" is where the call comes "
				   "from; it never goes back", route->from);
		if (!peer && !conf_trunk(r->conf, route->via[i]))
			no_such(r, path, route->via[i]);
		else if (peer && !peer->domain)
			problem_at(r, path, "peer \"%s\" has no domain: no "
				   "call goes to it", peer->name);
		else if (peer && !signs && !peer->signing_key)
			problem_at(r, path, "peer \"%s\" has no signing: a "
				   "call from SIP cannot be vouched for",
				   peer->name);
	}
}

/* Whether @pattern is a number of 3 to 6 digits, as emergency numbers are. */
static bool names_short_code(const char *pattern)
{
	size_t len = strspn(pattern, "0123456789");

	return !pattern[len] && len >= 3 && len <= 6;
}

static void verify_route(struct reader *r, unsigned index)
{
	struct conf_route *route = &r->conf->route[index];
	char path[ITEM_PATH];
	unsigned i;

	route->rule = index + 1;
	if (!route->name)
		route->name = xasprintf("rule-%u", route->rule);
	for (i = 0; i < index; i++)
		if (strcmp(r->conf->route[i].name, route->name) == 0)
			problem_at(r, route_path(path, route, "name"),
				   "rule %u is called \"%s\" already",
				   i + 1, route->name);
	for (i = 0; i < route->to.allow_cnt; i++)
		route->emergency |= names_short_code(route->to.allow[i]);
	route->action = route->status ? ROUTE_REFUSE : ROUTE_VIA;
	if (route->via_cnt && route->status)
		problem_at(r, route_path(path, route, "via"),
			   "either via or refuse, not both");
	if (!route->via_cnt && !route->status)
		missing(r, route_path(path, route, "via"),
			"say via: [...] or refuse: STATUS");
	if (route->status && route->on_failure)
		problem_at(r, route_path(path, route, "on-failure"),
			   "a refusal does not fail");
	verify_from(r, route);
	verify_via(r, route);
}

/* ---- the whole ---- */

static void verify_root(struct reader *r)
{
	struct conf *conf = r->conf;
	struct stat st;
	char host[256];

	if (!conf->node) {
		if (gethostname(host, sizeof(host)) != 0)
			memcpy(host, "riptide", sizeof("riptide"));
		host[sizeof(host) - 1] = '\0';
		host[strcspn(host, ".")] = '\0';
		conf->node = xstrdup(*host ? host : "riptide");
	}
	if (conf->listen.len && !conf->authority)
		missing(r, "ript.authority",
			"clients must know how to write URIs");
	if (conf->listen.len && !conf->certificate)
		missing(r, "ript.certificate",
			"the server role needs one");
	/* The key is in the same file then. */
	if (r->files && conf->certificate && !conf->certificate_key &&
	    stat(conf->certificate, &st) == 0 && (st.st_mode & 077))
		problem_at(r, "ript.certificate",
			   "%s: others can read the key in it; chmod 600 %s, "
			   "or set ript.key", conf->certificate,
			   conf->certificate);
	if (!conf->listen.len && conf->certificate)
		missing(r, "ript.listen",
			"the certificate serves it");
}

void reader_verify(struct reader *r)
{
	unsigned i;

	verify_root(r);
	for (i = 0; i < r->conf->network_cnt; i++)
		verify_network(r, i);
	for (i = 0; i < r->conf->trunk_cnt; i++)
		verify_trunk(r, i);
	for (i = 0; i < r->conf->peer_cnt; i++)
		verify_peer(r, i);
	for (i = 0; i < r->conf->route_cnt; i++)
		verify_route(r, i);
}
