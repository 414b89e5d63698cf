/* SPDX-License-Identifier: MIT */
/*
 * The client role: discovery, and everything that is asked of a peer.
 *
 *   GET providertgs -> GET each {TG} -> register the handler -> usable
 *        ^                                                        |
 *        `--- max-age over: again, with the ETags ---------------'
 *
 * A failure is tried again after 2, 4, ... 60 s; what was learned before is
 * used meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/peer_impl.h"

#define TGS_MAX 64		/* of one list; more are not looked at */
#define KNOWN_MAX 1024		/* URIs of handlers from earlier */
#define HANDLER_ID_MAX 64	/* what is appended has room */
#define RETRY_MAX_MS 60000
#define MAX_AGE_DEFAULT_S 300
#define MAX_AGE_MIN_S 5
#define MAX_AGE_MAX_S 3600

static void discover(void *arg);
static void known_free(struct known_handler *known);

/* ---- helpers for the other files ---- */

const char *peer_path(const struct ript_peer *peer, const char *text)
{
	struct https_uri uri;

	if (https_uri_parse(&uri, text) != 0 ||
	    !authority_equal(uri.authority, uri.authority_len,
			     peer->authority, strlen(peer->authority)))
		return NULL;
	return uri.path;
}

int peer_inquire(struct ript_peer *peer, struct inquiry **inquiryp,
		 const struct inquiry_params *params, inquiry_h *done,
		 void *arg)
{
	struct inquiry_params p = *params;

	p.loop = peer->loop;
	p.peer = peer->x;
	p.authority = peer->authority;
	p.token = peer->token;
	return inquiry_send(inquiryp, &p, done, arg);
}

int peer_reply_err(const struct ript_peer *peer,
		   const struct inquiry_reply *reply, char *why,
		   size_t why_len)
{
	char problem[64], detail[160];
	const char *connection = "";
	bool connected;

	if (reply->err) {
		exchange_peer_state(peer->x, &connected, &connection);
		snprintf(why, why_len, "%s%s%s", strerror(reply->err),
			 connection && *connection ? ": " : "",
			 connection ? connection : "");
		return reply->err;
	}
	if ((reply->status >= 200 && reply->status < 300) ||
	    reply->status == 304)
		return 0;
	inquiry_problem(reply, problem, sizeof(problem), detail,
			sizeof(detail));
	snprintf(why, why_len, "it answers %d%s%s%s%s", reply->status,
		 *problem ? " " : "", problem, *detail ? ": " : "", detail);
	return reply->status == 401 || reply->status == 403 ? EACCES : EPROTO;
}

/* ---- state ---- */

static void tell(struct ript_peer *peer, int err, const char *why)
{
	bool usable = err == 0;

	if (peer->told && peer->usable == usable && usable)
		return;
	peer->told = true;
	peer->usable = usable;
	if (usable)
		log_info(peer->log, "ript: peer is usable");
	else
		log_reason(peer->log, LOG_WARN, "peer-unusable",
			   "ript: discovery failed: %s", why);
	if (peer->events.state)
		peer->events.state(peer, err, why, peer->arg);
}

static void again_in(struct ript_peer *peer, uint64_t delay_ms)
{
	timer_start(&peer->timer, peer->loop, delay_ms, discover, peer);
}

/* The largest of what the terminal groups ask for, never below the floor. */
static uint64_t backoff_ms(const struct ript_peer *peer)
{
	uint64_t base = RETRY_FLOOR_MS, delay;
	const struct le *le;
	unsigned i;

	for (le = peer->tgs.head; le; le = le->next) {
		const struct peer_tg *tg =
			list_entry(le, const struct peer_tg, le);

		if (tg->retry_backoff_ms > base)
			base = tg->retry_backoff_ms;
	}
	delay = base;
	for (i = 1; i < peer->failures && delay < RETRY_MAX_MS; i++)
		delay *= 2;
	return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

static bool any_usable(const struct ript_peer *peer)
{
	const struct le *le;

	for (le = peer->tgs.head; le; le = le->next)
		if (peer_tg_usable(list_entry(le, const struct peer_tg, le)))
			return true;
	return false;
}

void peer_failed(struct ript_peer *peer, int err, const char *why)
{
	peer->failures++;
	again_in(peer, backoff_ms(peer));
	/* what was learned still holds, unless we were told to go away */
	if (!any_usable(peer) || err == EACCES)
		tell(peer, err, why);
}

void peer_lost(struct ript_peer *peer)
{
	const char *why;

	if (peer->failures)
		return;		/* it is tried already */
	exchange_peer_state(peer->x, NULL, &why);
	peer_failed(peer, ENOTCONN, why);
}

void peer_tg_ready(struct ript_peer *peer)
{
	peer->failures = 0;
	again_in(peer, (uint64_t)peer->max_age_s * 1000);
	tell(peer, 0, "");
}

/* ---- the list ---- */

static struct peer_tg *tg_by_uri(const struct ript_peer *peer,
				 const char *uri)
{
	struct le *le;

	for (le = peer->tgs.head; le; le = le->next) {
		struct peer_tg *tg = list_entry(le, struct peer_tg, le);

		if (strcmp(tg->uri, uri) == 0)
			return tg;
	}
	return NULL;
}

static void take_entry(struct ript_peer *peer, struct json_object *entry)
{
	const char *uri, *name, *description;
	struct peer_tg *tg;

	if (!json_object_is_type(entry, json_type_object))
		return;
	uri = body_text(entry, "uri");
	if (!uri || !peer_path(peer, uri)) {
		log_reason(peer->log, LOG_WARN, "tg-elsewhere",
			   "ript: a terminal group on another authority is "
			   "left out");
		return;
	}
	tg = tg_by_uri(peer, uri);
	if (!tg)
		tg = peer_tg_new(peer, uri);
	name = body_text(entry, "name");
	description = body_text(entry, "description");
	peer_tg_describe(tg, name ? name : "",
			 description ? description : "");
	tg->listed = true;
}

/* Terminal groups that the list no longer has. */
static void drop_unlisted(struct ript_peer *peer)
{
	struct le *le = peer->tgs.head;

	while (le) {
		struct peer_tg *tg = list_entry(le, struct peer_tg, le);

		le = le->next;
		if (!tg->listed && tg->calls == 0)
			peer_tg_free(tg);
	}
}

/* {"tgs":[...]}, or a bare array (Q7). */
static int read_list(struct ript_peer *peer, const char *text, size_t len)
{
	struct json_object *root, *tgs = NULL;
	struct le *le;
	const char *why;
	size_t i;

	if (body_parse_any(&root, text, len, &why) != 0)
		return EPROTO;
	if (json_object_is_type(root, json_type_array))
		tgs = root;
	else
		json_object_object_get_ex(root, "tgs", &tgs);
	if (!json_object_is_type(tgs, json_type_array)) {
		json_object_put(root);
		return EPROTO;
	}
	for (le = peer->tgs.head; le; le = le->next)
		list_entry(le, struct peer_tg, le)->listed = false;
	for (i = 0; i < json_object_array_length(tgs) && i < TGS_MAX; i++)
		take_entry(peer, json_object_array_get_idx(tgs, i));
	json_object_put(root);
	drop_unlisted(peer);
	return list_empty(&peer->tgs) ? ENOENT : 0;
}

static void keep_cache_fields(struct ript_peer *peer,
			      const struct inquiry_reply *reply)
{
	const char *etag = inquiry_field(reply, "etag");
	unsigned age = inquiry_max_age(reply, MAX_AGE_DEFAULT_S);

	free(peer->etag);
	peer->etag = xstrdup(etag);
	peer->max_age_s = age < MAX_AGE_MIN_S ? MAX_AGE_MIN_S
			: age > MAX_AGE_MAX_S ? MAX_AGE_MAX_S : age;
}

static void on_list(const struct inquiry_reply *reply, void *arg)
{
	struct ript_peer *peer = arg;
	char why[256];
	struct le *le, *next;
	int err;

	peer->inquiry = NULL;
	err = peer_reply_err(peer, reply, why, sizeof(why));
	if (!err && reply->status != 304) {
		err = read_list(peer, reply->body, reply->len);
		snprintf(why, sizeof(why), "%s",
			 err == ENOENT ? "it lists no terminal group of its "
					 "own authority"
				       : "its list of terminal groups is not "
					 "understood");
	}
	if (err) {
		peer_failed(peer, err, why);
		return;
	}
	if (reply->status != 304)
		keep_cache_fields(peer, reply);
	again_in(peer, (uint64_t)peer->max_age_s * 1000);
	for (le = peer->tgs.head; le; le = next) {
		next = le->next;
		peer_tg_fetch(list_entry(le, struct peer_tg, le));
	}
}

static void discover(void *arg)
{
	struct ript_peer *peer = arg;
	const struct inquiry_params params = {
		.method = "GET",
		.path = RIPT_TGS,
		.etag = list_empty(&peer->tgs) ? NULL : peer->etag,
		.deadline_ms = INQUIRY_MS,
	};
	int err;

	if (peer->inquiry)
		return;
	err = peer_inquire(peer, &peer->inquiry, &params, on_list, peer);
	if (err)
		peer_failed(peer, err, strerror(err));
}

/* ---- ript/ript.h ---- */

int ript_peer_new(struct ript_peer **peerp,
		  const struct ript_peer_config *config,
		  const struct ript_peer_events *events, void *arg)
{
	const struct exchange_peer_config exchange = {
		.authority = config->authority,
		.ca_file = config->ca_file,
		.addr = config->addr,
		.addr_cnt = config->addr ? 1 : 0,
	};
	struct ript_peer *peer;
	int err;

	loop_assert(LOOP_CONTROL);
	if (!config->authority || !config->token || !config->handler_id ||
	    !target_id_valid(config->handler_id) ||
	    strlen(config->handler_id) > HANDLER_ID_MAX)
		return EINVAL;
	peer = xzalloc(sizeof(*peer));
	err = exchange_peer_new(&peer->x, config->net, &exchange);
	if (err) {
		free(peer);
		return err;
	}
	peer->name = xstrdup(config->name ? config->name : config->authority);
	peer->authority = xstrdup(config->authority);
	peer->token = xstrdup(config->token);
	peer->handler_id = xstrdup(config->handler_id);
	peer->webtransport = config->webtransport;
	peer->net = config->net;
	peer->loop = config->loop;
	peer->events = *events;
	peer->arg = arg;
	peer->log = log_ctx_new(log_root(), "peer", peer->name);
	peer->max_age_s = MAX_AGE_DEFAULT_S;
	again_in(peer, 0);
	*peerp = peer;
	return 0;
}

void ript_peer_free(struct ript_peer **peerp)
{
	struct ript_peer *peer = *peerp;

	loop_assert(LOOP_CONTROL);
	if (!peer)
		return;
	*peerp = NULL;
	client_calls_end_all(peer);
	timer_stop(&peer->timer);
	inquiry_cancel(&peer->inquiry);
	while (peer->tgs.head)
		peer_tg_free(list_entry(peer->tgs.head, struct peer_tg, le));
	while (peer->known.head)
		known_free(list_entry(peer->known.head, struct known_handler,
				      le));
	exchange_peer_free(&peer->x);
	log_ctx_free(&peer->log);
	free(peer->etag);
	free(peer->name);
	free(peer->authority);
	mem_wipe_text(&peer->token);
	free(peer->handler_id);
	free(peer);
}

const char *ript_peer_name(const struct ript_peer *peer)
{
	return peer->name;
}

bool ript_peer_usable(const struct ript_peer *peer)
{
	return peer->usable;
}

unsigned ript_peer_retry_after(const struct ript_peer *peer)
{
	uint64_t now = loop_now_ns(peer->loop), least = 0;
	const struct le *le;

	for (le = peer->tgs.head; le; le = le->next) {
		const struct peer_tg *tg =
			list_entry(le, const struct peer_tg, le);

		if (tg->retry_after_ns <= now)
			return 0;
		if (!least || tg->retry_after_ns - now < least)
			least = tg->retry_after_ns - now;
	}
	return (unsigned)((least + NS_PER_S - 1) / NS_PER_S);
}

static void known_free(struct known_handler *known)
{
	list_unlink(&known->le);
	free(known->id);
	free(known->uri);
	free(known);
}

void ript_peer_load_handler(struct ript_peer *peer, const char *handler_id,
			    const char *uri)
{
	struct known_handler *known;

	loop_assert(LOOP_CONTROL);
	/* A peer may list other groups each time: the oldest are forgotten. */
	if (peer->known.count >= KNOWN_MAX)
		known_free(list_entry(peer->known.head, struct known_handler,
				      le));
	known = xzalloc(sizeof(*known));
	known->id = xstrdup(handler_id);
	known->uri = xstrdup(uri);
	list_append(&peer->known, &known->le);
}

unsigned ript_peer_tg_cnt(const struct ript_peer *peer)
{
	return (unsigned)peer->tgs.count;
}

void ript_peer_tg(const struct ript_peer *peer, unsigned index,
		  struct ript_tg_info *info)
{
	const struct le *le = peer->tgs.head;
	const struct peer_tg *tg;

	memset(info, 0, sizeof(*info));
	while (le && index-- > 0)
		le = le->next;
	if (!le)
		return;
	tg = list_entry(le, const struct peer_tg, le);
	info->uri = tg->uri;
	info->name = tg->name;
	info->description = tg->description;
	info->destinations = &tg->destinations;
	info->origins_pem = tg->origins_pem;
}

int ript_peer_connection(const struct ript_peer *peer, const char **why)
{
	return exchange_peer_state(peer->x, NULL, why);
}
