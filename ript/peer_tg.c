/* SPDX-License-Identifier: MIT */
/* A terminal group as a client sees it: its document and its policy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/peer_impl.h"

#define PATTERNS_MAX 10000
#define BYWAYS_MAX 30
#define TIME_MAX_MS INT64_C(86400000)

struct peer_tg *peer_tg_new(struct ript_peer *peer, const char *uri)
{
	struct peer_tg *tg = xzalloc(sizeof(*tg));

	tg->peer = peer;
	tg->uri = xstrdup(uri);
	tg->path = peer_path(peer, tg->uri);
	tg->reverse_byways = REVERSE_BYWAYS;
	list_append(&peer->tgs, &tg->le);
	return tg;
}

void peer_tg_describe(struct peer_tg *tg, const char *name,
		      const char *description)
{
	free(tg->name);
	free(tg->description);
	tg->name = xstrdup(name);
	tg->description = xstrdup(description);
}

void peer_tg_free(struct peer_tg *tg)
{
	inquiry_cancel(&tg->inquiry);
	while (tg->handlers.head)
		peer_handler_free(list_entry(tg->handlers.head,
					     struct peer_handler, le));
	list_unlink(&tg->le);
	number_set_free(&tg->destinations);
	free(tg->origins_pem);
	free(tg->etag);
	free(tg->uri);
	free(tg->name);
	free(tg->description);
	free(tg);
}

void peer_tg_hold(struct peer_tg *tg)
{
	tg->calls++;
}

void peer_tg_release(struct peer_tg *tg)
{
	if (--tg->calls == 0 && !tg->listed)
		peer_tg_free(tg);
}

/* ---- the document ---- */

typedef int add_pattern_h(struct number_set *set, const char *pattern);

/* A text or an array of them (Q14). */
static int add_patterns(struct number_set *set, struct json_object *value,
			add_pattern_h *add)
{
	size_t i, cnt;

	if (json_object_is_type(value, json_type_string))
		return add(set, json_object_get_string(value));
	if (!json_object_is_type(value, json_type_array))
		return EINVAL;
	cnt = json_object_array_length(value);
	if (cnt > PATTERNS_MAX)
		return EINVAL;
	for (i = 0; i < cnt; i++) {
		struct json_object *one = json_object_array_get_idx(value, i);

		if (!json_object_is_type(one, json_type_string) ||
		    add(set, json_object_get_string(one)) != 0)
			return EINVAL;
	}
	return 0;
}

/* TD-08: no `destinations` means "*". */
static int parse_outbound(struct number_set *set, struct json_object *out)
{
	struct json_object *value;
	int err;

	if (json_object_object_get_ex(out, "destinations", &value))
		err = add_patterns(set, value, number_set_allow);
	else
		err = number_set_allow(set, "*");
	if (!err &&
	    json_object_object_get_ex(out, "destinations-except", &value))
		err = add_patterns(set, value, number_set_except);
	return err;
}

static uint64_t time_member(struct json_object *doc, const char *key)
{
	int64_t value = 0;

	body_int(doc, key, 1, TIME_MAX_MS, &value);
	return (uint64_t)value;
}

int peer_tg_parse(struct peer_tg *tg, struct json_object *doc,
		  const char **why)
{
	struct number_set set = { NULL, 0, NULL, 0 };
	struct json_object *outbound;
	int64_t byways = REVERSE_BYWAYS;

	if (!json_object_object_get_ex(doc, "outbound", &outbound) ||
	    !json_object_is_type(outbound, json_type_object)) {
		*why = "its terminal group has no outbound";
		return EINVAL;
	}
	if (parse_outbound(&set, outbound) != 0) {
		number_set_free(&set);
		*why = "its terminal group has destinations that are no "
		       "patterns";
		return EINVAL;
	}
	number_set_free(&tg->destinations);
	tg->destinations = set;
	free(tg->origins_pem);
	tg->origins_pem = xstrdup(body_text(outbound, "origins"));
	tg->retry_backoff_ms = time_member(doc, "retry-backoff");
	if (tg->retry_backoff_ms < RETRY_FLOOR_MS)
		tg->retry_backoff_ms = RETRY_FLOOR_MS;
	tg->media_timeout_ms = time_member(doc, "media-timeout");
	tg->keepalive_interval_ms = time_member(doc, "keepalive-interval");
	if (!tg->keepalive_interval_ms)
		tg->keepalive_interval_ms = KEEPALIVE_INTERVAL_MS;
	tg->keepalive_timeout_ms = time_member(doc, "keepalive-timeout");
	if (!tg->keepalive_timeout_ms)
		tg->keepalive_timeout_ms = KEEPALIVE_TIMEOUT_MS;
	body_int(doc, "reverse-byways", 1, BYWAYS_MAX, &byways);
	tg->reverse_byways = (unsigned)byways;
	tg->documented = true;
	return 0;
}

static void on_default_handler(struct peer_tg *tg)
{
	struct peer_handler *handler =
		peer_handler_for(tg, peer_default_codecs(), 0);

	if (handler->state == HANDLER_ACTIVE)
		peer_tg_ready(tg->peer);
	else
		peer_handler_register(handler, NULL);
}

static void on_document(const struct inquiry_reply *reply, void *arg)
{
	struct peer_tg *tg = arg;
	struct json_object *doc;
	const char *problem = "";
	char why[256];
	int err;

	tg->inquiry = NULL;
	err = peer_reply_err(tg->peer, reply, why, sizeof(why));
	if (err) {
		peer_failed(tg->peer, err, why);
		return;
	}
	if (reply->status != 304) {
		if (body_parse(&doc, reply->body, reply->len, &problem) == 0) {
			err = peer_tg_parse(tg, doc, &problem);
			json_object_put(doc);
		} else {
			err = EPROTO;
		}
		if (err) {
			peer_failed(tg->peer, EPROTO, problem);
			return;
		}
		free(tg->etag);
		tg->etag = xstrdup(inquiry_field(reply, "etag"));
	}
	on_default_handler(tg);
}

void peer_tg_fetch(struct peer_tg *tg)
{
	const struct inquiry_params params = {
		.method = "GET",
		.path = tg->path,
		.etag = tg->documented ? tg->etag : NULL,
		.deadline_ms = INQUIRY_MS,
	};
	int err;

	if (tg->inquiry)
		return;
	err = peer_inquire(tg->peer, &tg->inquiry, &params, on_document, tg);
	if (err)
		peer_failed(tg->peer, err, strerror(err));
}

/* ---- policy ---- */

bool peer_tg_usable(const struct peer_tg *tg)
{
	const struct le *le;

	if (!tg->documented || !tg->listed)
		return false;
	for (le = tg->handlers.head; le; le = le->next)
		if (list_entry(le, const struct peer_handler, le)->state ==
		    HANDLER_ACTIVE)
			return true;
	return false;
}

bool peer_tg_admits(const struct peer_tg *tg, const char *destination,
		    size_t *length)
{
	size_t i, len;

	*length = 0;
	if (!number_set_match(&tg->destinations, destination))
		return false;
	for (i = 0; i < tg->destinations.allow_cnt; i++) {
		len = strlen(tg->destinations.allow[i]);
		if (len > *length &&
		    number_pattern_match(tg->destinations.allow[i],
					 destination))
			*length = len;
	}
	return true;
}
