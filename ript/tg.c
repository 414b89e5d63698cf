/* SPDX-License-Identifier: MIT */
/*
 * Terminal groups of the server role: the list, and the document of each,
 * printed once at every change of policy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "ript/body.h"
#include "ript/server_impl.h"

#define DOC_MAX (1u << 20)
#define CACHE_CONTROL "private, max-age=60"
#define ETAG_OCTETS 8

/* ---- documents ---- */

static void etag_make(char out[20], const void *data, size_t len)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * ETAG_OCTETS + 1];

	sha256(hash, data, len);
	hex_encode(hex, hash, ETAG_OCTETS);
	snprintf(out, 20, "\"%s\"", hex);
}

/* Whether the client has that very document. */
static bool not_modified(const struct exchange_request *request,
			 const char *etag)
{
	const char *have = exchange_field(request->field, request->field_cnt,
					  "if-none-match");

	return have && (strcmp(have, "*") == 0 || strstr(have, etag));
}

static void answer_document(const struct ask *ask, const char *json,
			    size_t len, const char *etag)
{
	const struct exchange_field field[] = {
		{ "cache-control", CACHE_CONTROL },
		{ "etag", etag },
	};

	if (not_modified(ask->request, etag))
		reply_json(ask->x, 304, NULL, 0, field, 2);
	else
		reply_json(ask->x, 200, json, len, field, 2);
}

void tg_answer(const struct ask *ask)
{
	answer_document(ask, ask->tg->doc, ask->tg->doc_len, ask->tg->etag);
}

void tg_answer_list(const struct ask *ask)
{
	const struct token *token = ask->token;
	char etag[20];
	struct buf json;
	unsigned i;

	if (token->tg_cnt == 0) {
		ask_refuse(ask, "no-tg", NULL);
		return;
	}
	buf_init(&json, DOC_MAX);
	buf_add_str(&json, "{\"tgs\":[");
	for (i = 0; i < token->tg_cnt; i++) {
		const struct ript_tg *tg = token->tg[i];

		buf_add_str(&json, i ? ",{\"uri\":" : "{\"uri\":");
		body_add_text(&json, tg->uri);
		buf_add_str(&json, ",\"name\":");
		body_add_text(&json, tg->name);
		buf_add_str(&json, ",\"description\":");
		body_add_text(&json, tg->description);
		buf_add_str(&json, "}");
	}
	buf_add_str(&json, "]}");
	etag_make(etag, json.data, json.len);
	answer_document(ask, (const char *)json.data, json.len, etag);
	buf_free(&json);
}

static void add_patterns(struct buf *json, const char *key,
			 char *const *pattern, size_t cnt)
{
	size_t i;

	buf_printf(json, "\"%s\":[", key);
	for (i = 0; i < cnt; i++) {
		if (i)
			buf_add_str(json, ",");
		body_add_text(json, pattern[i]);
	}
	buf_add_str(json, "]");
}

/* TD-08: absent means any. */
static bool any_destination(const struct number_set *set)
{
	return set->allow_cnt == 1 && set->except_cnt == 0 &&
	       strcmp(set->allow[0], "*") == 0;
}

static void add_outbound(struct buf *json, const struct number_set *set,
			 const char *origins_pem)
{
	const char *comma = "";

	buf_add_str(json, "\"outbound\":{");
	if (origins_pem) {
		buf_add_str(json, "\"origins\":");
		body_add_text(json, origins_pem);
		comma = ",";
	}
	if (!any_destination(set)) {
		buf_add_str(json, comma);
		add_patterns(json, "destinations", set->allow,
			     set->allow_cnt);
		comma = ",";
	}
	if (set->except_cnt > 0) {
		buf_add_str(json, comma);
		add_patterns(json, "destinations-except", set->except,
			     set->except_cnt);
	}
	buf_add_str(json, "}");
}

static void add_number(struct buf *json, const char *key, uint64_t value)
{
	if (value > 0)
		buf_printf(json, ",\"%s\":%llu", key,
			   (unsigned long long)value);
}

/* Members that have their defaults are left out (TD-13). */
static void doc_make(struct ript_tg *tg, const struct ript_tg_config *config)
{
	struct buf json;

	buf_init(&json, DOC_MAX);
	buf_add_str(&json, "{\"uri\":");
	body_add_text(&json, tg->uri);
	buf_add_str(&json, ",");
	add_outbound(&json, &config->destinations, config->origins_pem);
	add_number(&json, "retry-backoff", config->retry_backoff_ms);
	add_number(&json, "media-timeout", config->media_timeout_ms);
	add_number(&json, "keepalive-interval",
		   config->keepalive_interval_ms);
	add_number(&json, "keepalive-timeout", config->keepalive_timeout_ms);
	add_number(&json, "reverse-byways", config->reverse_byways);
	buf_add_str(&json, "}");
	tg->doc_len = json.len;
	tg->doc = buf_steal(&json);
	etag_make(tg->etag, tg->doc, tg->doc_len);
}

/* ---- policy ---- */

static void policy_free(struct ript_tg *tg)
{
	free(tg->name);
	free(tg->description);
	free(tg->peer);
	free(tg->doc);
	free(tg->token_hash);
	number_set_free(&tg->origins);
	number_set_free(&tg->destinations);
}

static void policy_set(struct ript_tg *tg, const struct ript_tg_config *c)
{
	unsigned i;

	tg->name = xstrdup(c->name ? c->name : c->id);
	tg->description = xstrdup(c->description ? c->description : "");
	tg->peer = xstrdup(c->peer ? c->peer : "");
	number_set_copy(&tg->origins, &c->origins);
	number_set_copy(&tg->destinations, &c->destinations);
	tg->trust = c->trust;
	tg->token_cnt = c->token_cnt;
	tg->token_hash = xcalloc(c->token_cnt ? c->token_cnt : 1,
				 sizeof(*tg->token_hash));
	for (i = 0; i < c->token_cnt; i++) {
		memcpy(tg->token_hash[i], c->token_hash[i], SHA256_LEN);
		token_book_add(&tg->server->tokens, c->token_hash[i], tg);
	}
	doc_make(tg, c);
}

struct ript_tg *tg_find(const struct ript_server *server, const char *id)
{
	struct table_node *node = table_find(&server->tgs, id, strlen(id));

	return node ? table_entry(node, struct ript_tg, node) : NULL;
}

void tg_free(struct ript_tg *tg)
{
	while (tg->handler_list.head)
		handler_free(list_entry(tg->handler_list.head,
					struct ript_handler, le));
	table_free(&tg->handlers);
	token_book_remove_tg(&tg->server->tokens, tg);
	table_remove(&tg->server->tgs, &tg->node);
	list_unlink(&tg->le);
	policy_free(tg);
	free(tg->id);
	free(tg->path);
	free(tg->uri);
	free(tg);
}

/* ---- ript/ript.h ---- */

int ript_server_add_tg(struct ript_tg **tgp, struct ript_server *server,
		       const struct ript_tg_config *config)
{
	struct ript_tg *tg;

	loop_assert(LOOP_CONTROL);
	if (!config->id || !target_id_valid(config->id))
		return EINVAL;
	if (tg_find(server, config->id))
		return EEXIST;
	tg = xzalloc(sizeof(*tg));
	tg->server = server;
	tg->id = xstrdup(config->id);
	tg->path = xasprintf(RIPT_TGS "/%s", config->id);
	tg->uri = xasprintf("https://%s%s", server->authority, tg->path);
	table_insert(&server->tgs, &tg->node, tg->id, strlen(tg->id));
	list_append(&server->tg_list, &tg->le);
	policy_set(tg, config);
	*tgp = tg;
	return 0;
}

int ript_tg_update(struct ript_tg *tg, const struct ript_tg_config *config)
{
	struct ript_tg old = *tg;

	loop_assert(LOOP_CONTROL);
	if (strcmp(config->id, tg->id) != 0)
		return EINVAL;
	token_book_remove_tg(&tg->server->tokens, tg);
	memset(&tg->origins, 0, sizeof(tg->origins));
	memset(&tg->destinations, 0, sizeof(tg->destinations));
	policy_set(tg, config);
	policy_free(&old);
	return 0;
}

const char *ript_tg_id(const struct ript_tg *tg)
{
	return tg->id;
}

const char *ript_tg_peer(const struct ript_tg *tg)
{
	return tg->peer;
}
