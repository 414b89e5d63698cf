/* SPDX-License-Identifier: MIT */
/*
 * Our handlers at a peer's terminal group.
 *
 *   NONE -register-> ASKED: PUT the known URI -404-> POST -201-> ACTIVE
 *    ^--- forget (500 handler-unknown), refused -----------------'
 *
 * A server picks any codec that a handler lists; a call that may use fewer
 * than the default set has a handler of its own: HANDLERID-pcma and so on.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/peer_impl.h"

#define HANDLERS_MAX 128		/* sets at one terminal group */
#define DESCRIPTION_MAX 65536
#define BIT(codec) (1u << (codec))

uint32_t peer_default_codecs(void)
{
	return BIT(CODEC_PCMU) | BIT(CODEC_PCMA) | BIT(CODEC_TELEPHONE_EVENT) |
	       BIT(CODEC_CN);
}

/* "gw1", "gw1-pcma", "gw1-pcmu-pcma-opus-p20", "gw1-pcmu-nocn". */
static char *make_id(const char *base, uint32_t codecs, uint16_t ptime_ms)
{
	uint32_t extras = BIT(CODEC_TELEPHONE_EVENT) | BIT(CODEC_CN);
	bool usual = (codecs | extras) == peer_default_codecs();
	struct buf id;
	const char *at;
	unsigned c;

	buf_init(&id, RIPT_ID_LEN);
	buf_add_str(&id, base);
	for (c = CODEC_NONE + 1; c < CODEC_OTHER && !usual; c++) {
		if (!codec_info((enum codec)c)->audio || !(codecs & BIT(c)))
			continue;
		buf_add_str(&id, "-");
		for (at = codec_info((enum codec)c)->name; *at; at++)
			buf_printf(&id, "%c",
				   tolower((unsigned char)*at));
	}
	if (!(codecs & BIT(CODEC_TELEPHONE_EVENT)))
		buf_add_str(&id, "-nodtmf");
	if (!(codecs & BIT(CODEC_CN)))
		buf_add_str(&id, "-nocn");
	if (ptime_ms)
		buf_printf(&id, "-p%u", ptime_ms);
	return buf_steal(&id);
}

/* A phone may offer any number: only usual ones make a set of their own. */
static uint16_t usual_ptime(uint16_t ms)
{
	return ms == 10 || ms == 20 || ms == 30 || ms == 40 || ms == 60 ? ms
									: 0;
}

struct peer_handler *peer_handler_for(struct peer_tg *tg, uint32_t codecs,
				      uint16_t ptime_ms)
{
	struct peer_handler *handler;
	struct le *le;

	ptime_ms = usual_ptime(ptime_ms);
	for (le = tg->handlers.head; le; le = le->next) {
		handler = list_entry(le, struct peer_handler, le);
		if (handler->codecs == codecs &&
		    handler->ptime_ms == ptime_ms)
			return handler;
	}
	if (tg->handlers.count >= HANDLERS_MAX)
		return NULL;
	handler = xzalloc(sizeof(*handler));
	handler->tg = tg;
	handler->id = make_id(tg->peer->handler_id, codecs, ptime_ms);
	handler->codecs = codecs;
	handler->ptime_ms = ptime_ms;
	ript_advert_voice(&handler->advert, codecs, ptime_ms);
	list_append(&tg->handlers, &handler->le);
	return handler;
}

void peer_handler_free(struct peer_handler *handler)
{
	inquiry_cancel(&handler->inquiry);
	list_unlink(&handler->le);
	free(handler->id);
	free(handler->uri);
	free(handler);
}

/* ---- URIs that outlive us (HD-05) ---- */

/* The handler-id is the same at every terminal group (HD-07), what we are
 * given back after a restart is not: "gw1", at a further one "gw1@intl". */
static char *make_key(const struct peer_handler *handler)
{
	const struct peer_tg *tg = handler->tg;

	if (tg->peer->tgs.count == 1)
		return xstrdup(handler->id);
	return xasprintf("%s@%s", handler->id, strrchr(tg->path, '/') + 1);
}

static bool is_key_of(const char *key, const struct peer_handler *handler)
{
	size_t len = strcspn(key, "@");

	return strlen(handler->id) == len &&
	       memcmp(key, handler->id, len) == 0;
}

/* The one of this ID at this terminal group; NULL if none is known. */
static struct known_handler *known(const struct peer_handler *handler)
{
	const struct peer_tg *tg = handler->tg;
	size_t len = strlen(tg->uri);
	struct le *le;

	for (le = tg->peer->known.head; le; le = le->next) {
		struct known_handler *k =
			list_entry(le, struct known_handler, le);

		if (is_key_of(k->id, handler) &&
		    strncmp(k->uri, tg->uri, len) == 0 &&
		    k->uri[len] == '/')
			return k;
	}
	return NULL;
}

static void known_drop(const struct peer_handler *handler)
{
	struct known_handler *k = known(handler);

	if (!k)
		return;
	list_unlink(&k->le);
	free(k->id);
	free(k->uri);
	free(k);
}

static void remember(struct peer_handler *handler, const char *uri)
{
	struct ript_peer *peer = handler->tg->peer;
	const struct known_handler *k = known(handler);
	char *key;

	free(handler->uri);
	handler->uri = xstrdup(uri);
	if (k && strcmp(k->uri, uri) == 0)
		return;
	known_drop(handler);
	key = make_key(handler);
	ript_peer_load_handler(peer, key, uri);
	if (peer->events.handler)
		peer->events.handler(peer, key, uri, peer->arg);
	free(key);
}

/* ---- registration ---- */

static void settle(struct peer_handler *handler,
		   enum peer_handler_state state,
		   const struct inquiry_reply *reply)
{
	struct le *le;

	handler->state = state;
	while ((le = list_pop(&handler->waiters))) {
		struct handler_wait *wait =
			list_entry(le, struct handler_wait, le);

		wait->done(wait, reply);
	}
}

static void failed(struct peer_handler *handler,
		   const struct inquiry_reply *reply)
{
	struct ript_peer *peer = handler->tg->peer;
	bool is_default = handler->tg->handlers.head == &handler->le;
	char why[256] = "";
	int err = peer_reply_err(peer, reply, why, sizeof(why));

	log_reason(peer->log, LOG_WARN, "handler-refused",
		   "ript: handler %s was not registered: %s", handler->id,
		   why);
	settle(handler, HANDLER_NONE, reply);
	if (is_default)
		peer_failed(peer, err ? err : EPROTO, why);
	else if (reply->err)
		peer_lost(peer);	/* nobody else may be asking */
}

/* The URI of a 201 or 200; NULL if there is none on this authority. */
static char *reply_uri(const struct ript_peer *peer,
		       const struct inquiry_reply *reply)
{
	const char *location = inquiry_field(reply, "location");
	struct json_object *body;
	const char *why, *uri = NULL;
	char *copy = NULL;

	if (body_parse(&body, reply->body, reply->len, &why) == 0) {
		uri = body_text(body, "uri");
		if (uri && peer_path(peer, uri))
			copy = xstrdup(uri);
		json_object_put(body);
	}
	if (!copy && location && peer_path(peer, location))
		copy = xstrdup(location);
	else if (!copy && location && location[0] == '/')
		copy = xasprintf("https://%s%s", peer->authority, location);
	return copy;
}

static void register_now(struct peer_handler *handler);

static void registered(struct peer_handler *handler,
		       const struct inquiry_reply *reply)
{
	struct peer_tg *tg = handler->tg;
	char *uri;

	handler->inquiry = NULL;
	if (!reply->err && handler->replacing &&
	    (reply->status == 404 || reply->status == 405)) {
		known_drop(handler);
		register_now(handler);
		return;
	}
	if (reply->err || reply->status < 200 || reply->status > 201) {
		failed(handler, reply);
		return;
	}
	uri = handler->replacing ? xstrdup(known(handler)->uri)
				 : reply_uri(tg->peer, reply);
	if (!uri) {
		failed(handler, reply);
		return;
	}
	remember(handler, uri);
	free(uri);
	settle(handler, HANDLER_ACTIVE, NULL);
	if (tg->handlers.head == &handler->le)
		peer_tg_ready(tg->peer);
}

static void on_registered(const struct inquiry_reply *reply, void *arg)
{
	struct peer_handler *handler = arg;
	struct peer_tg *tg = handler->tg;

	/* The last call that fails here lets go of an unlisted group. */
	peer_tg_hold(tg);
	registered(handler, reply);
	peer_tg_release(tg);
}

static char *description(const struct peer_handler *handler)
{
	struct json_object *advert = ript_advert_json(&handler->advert);
	struct buf json;

	buf_init(&json, DESCRIPTION_MAX);
	buf_add_str(&json, "{\"handler-id\":");
	body_add_text(&json, handler->id);
	buf_add_str(&json, ",\"advertisement\":");
	body_add_json(&json, advert);
	buf_add_str(&json, "}");
	json_object_put(advert);
	return buf_steal(&json);
}

static void register_now(struct peer_handler *handler)
{
	struct ript_peer *peer = handler->tg->peer;
	const struct known_handler *k = known(handler);
	char *json = description(handler);
	char *path = k ? xstrdup(peer_path(peer, k->uri))
		       : xasprintf("%s/handlers", handler->tg->path);
	const struct inquiry_params params = {
		.method = k ? "PUT" : "POST",
		.path = path,
		.json = json,
		.deadline_ms = INQUIRY_MS,
	};

	handler->replacing = k != NULL;
	handler->state = HANDLER_ASKED;
	/* it fails only while the peer is being freed: nobody waits then */
	if (peer_inquire(peer, &handler->inquiry, &params, on_registered,
			 handler) != 0)
		handler->state = HANDLER_NONE;
	free(path);
	free(json);
}

void peer_handler_register(struct peer_handler *handler,
			   struct handler_wait *wait)
{
	if (wait)
		list_append(&handler->waiters, &wait->le);
	if (handler->state == HANDLER_NONE)
		register_now(handler);
}

void peer_handler_forget(struct peer_handler *handler)
{
	if (handler->state != HANDLER_ACTIVE)
		return;
	known_drop(handler);
	handler->state = HANDLER_NONE;
}
