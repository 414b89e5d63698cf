/* SPDX-License-Identifier: MIT */
/*
 * Handlers of the server role: hard state.  Every change is stored first and
 * answered when the row is written.
 *
 *   POST, PUT, DELETE -> store_handler(ticket) ... ript_handler_stored(ticket)
 *                                                  -> table changed, answered
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "ript/body.h"
#include "ript/server_impl.h"

#define DESCRIPTION_MAX (2 * EXCHANGE_BODY_MAX)
#define ID_OCTETS 8
#define OPS_MAX 1000		/* on their way to the database */

enum op_kind { OP_POST, OP_PUT, OP_DELETE };

struct description {
	char *json;			/* with uri */
	uint8_t digest[SHA256_LEN];	/* without */
	struct ript_advert *advert;
};

/* A change on its way to the database. */
struct handler_op {
	struct table_node node;
	uint64_t ticket;
	enum op_kind kind;
	struct ript_handler *handler;	/* OP_POST: in no table yet */
	struct wait *wait;
	struct description d;		/* not for OP_DELETE */
};

/* ---- descriptions ---- */

static void description_free(struct description *d)
{
	free(d->json);
	free(d->advert);
}

static char *json_text(struct json_object *object)
{
	struct buf text;

	buf_init(&text, DESCRIPTION_MAX);
	body_add_json(&text, object);
	return buf_steal(&text);
}

/* Read and check the body.  @why stays NULL when its shape is at fault. */
static int description_read(struct description *out,
			    struct json_object *object, const char *uri,
			    const char **why)
{
	const char *id = body_text(object, "handler-id");
	struct json_object *advert = NULL;
	struct ript_advert *parsed;

	*why = NULL;
	if (!id || !*id || strlen(id) > RIPT_ID_LEN)
		return EINVAL;
	json_object_object_get_ex(object, "advertisement", &advert);
	parsed = xzalloc(sizeof(*parsed));
	if (ript_advert_parse(parsed, advert, why) != 0) {
		free(parsed);
		return EINVAL;
	}
	out->advert = parsed;
	json_object_object_del(object, "uri");
	out->json = json_text(object);
	sha256(out->digest, out->json, strlen(out->json));
	free(out->json);
	json_object_object_add(object, "uri", json_object_new_string(uri));
	out->json = json_text(object);
	return 0;
}

static bool ask_description(const struct ask *ask, const char *uri,
			    struct description *out)
{
	struct json_object *object;
	const char *why;
	int err;

	if (!ask_body(ask, false, &object))
		return false;
	err = description_read(out, object, uri, &why);
	json_object_put(object);
	if (err == 0)
		return true;
	if (why)
		ask_refuse(ask, "bad-advertisement", why);
	else
		ask_refuse(ask, "bad-request",
			   "handler-id must be a text of 1 to 128 octets");
	return false;
}

/* ---- the table ---- */

static struct ript_handler *handler_new(struct ript_tg *tg, const char *id)
{
	struct ript_handler *handler = xzalloc(sizeof(*handler));

	handler->tg = tg;
	handler->id = xstrdup(id);
	handler->uri = xasprintf("%s/handlers/%s", tg->uri, id);
	return handler;
}

/* Takes what @d holds. */
static void handler_describe(struct ript_handler *handler,
			     struct description *d)
{
	free(handler->json);
	handler->json = d->json;
	d->json = NULL;
	memcpy(handler->digest, d->digest, SHA256_LEN);
	if (handler->advert) {
		/* in place: calls have the pointer */
		*handler->advert = *d->advert;
	} else {
		handler->advert = d->advert;
		d->advert = NULL;
	}
}

static int handler_enlist(struct ript_handler *handler)
{
	struct ript_tg *tg = handler->tg;
	int err = table_insert(&tg->handlers, &handler->node, handler->id,
			       strlen(handler->id));

	if (!err)
		list_append(&tg->handler_list, &handler->le);
	return err;
}

void handler_free(struct ript_handler *handler)
{
	if (handler->le.list) {
		table_remove(&handler->tg->handlers, &handler->node);
		list_unlink(&handler->le);
	}
	free(handler->id);
	free(handler->uri);
	free(handler->json);
	free(handler->advert);
	free(handler);
}

static struct ript_handler *find(const struct ript_tg *tg, const char *id)
{
	struct table_node *node = table_find(&tg->handlers, id, strlen(id));
	struct ript_handler *handler;

	if (!node)
		return NULL;
	handler = table_entry(node, struct ript_handler, node);
	return handler->going ? NULL : handler;
}

struct ript_handler *handler_by_uri(const struct ript_tg *tg,
				    const char *text)
{
	const char *authority = tg->server->authority;
	struct https_uri uri;
	struct target target;

	if (https_uri_parse(&uri, text) != 0 ||
	    !authority_equal(uri.authority, uri.authority_len, authority,
			     strlen(authority)))
		return NULL;
	target_parse(&target, uri.path);
	if (target.kind != TARGET_HANDLER || strcmp(target.tg, tg->id) != 0)
		return NULL;
	return find(tg, target.id);
}

/*
 * The same description again is the same handler: a client that has lost its
 * state would otherwise leave one behind at every start.
 */
static struct ript_handler *find_same(const struct ript_tg *tg,
				      const uint8_t digest[SHA256_LEN])
{
	const struct le *le;

	for (le = tg->handler_list.head; le; le = le->next) {
		struct ript_handler *handler =
			list_entry(le, struct ript_handler, le);

		if (!handler->going && handler->changes == 0 &&
		    memcmp(handler->digest, digest, SHA256_LEN) == 0)
			return handler;
	}
	return NULL;
}

/* ---- changes ---- */

static void op_free(struct handler_op *op)
{
	description_free(&op->d);
	free(op);
}

/* Whether the database keeps up; otherwise it is refused. */
static bool ask_room(const struct ask *ask)
{
	if (ask->server->tickets.count < OPS_MAX)
		return true;
	ask_refuse(ask, "unavailable", "too many changes wait to be stored");
	return false;
}

static void op_start(const struct ask *ask, enum op_kind kind,
		     struct ript_handler *handler,
		     struct description *description)
{
	struct ript_server *server = ask->server;
	struct handler_op *op = xzalloc(sizeof(*op));
	struct ript_handler_row row = { ask->tg->id, handler->id, NULL };

	op->kind = kind;
	op->handler = handler;
	op->ticket = ++server->ticket;
	if (description)
		op->d = *description;
	row.json = op->d.json;
	op->wait = wait_new(server, ask->x, ask->request->path, NULL, NULL);
	handler->changes++;
	table_insert(&server->tickets, &op->node, &op->ticket,
		     sizeof(op->ticket));
	if (server->events.store_handler)
		server->events.store_handler(&row, op->ticket, server->arg);
	else
		ript_handler_stored(server, op->ticket, 0);
}

static void answer_json(struct wait **waitp, int status,
			const struct ript_handler *handler)
{
	const struct exchange_field location = { "location", handler->uri };

	wait_json(waitp, status, handler->json, strlen(handler->json),
		  &location, status == 201 ? 1 : 0);
}

static void op_done(struct handler_op *op)
{
	struct ript_handler *handler = op->handler;

	if (op->kind == OP_DELETE) {
		wait_json(&op->wait, 204, NULL, 0, NULL, 0);
		handler_free(handler);
		return;
	}
	handler_describe(handler, &op->d);
	if (op->kind == OP_POST)
		handler_enlist(handler);
	answer_json(&op->wait, op->kind == OP_POST ? 201 : 200, handler);
}

static void op_failed(struct handler_op *op)
{
	const struct refusal r = {
		.status = 503,
		.name = "unavailable",
		.detail = "the handler could not be stored",
		.retry_after_s = UNREADY_RETRY_S,
		.tg = op->handler->tg->id,
	};

	wait_refusal(&op->wait, &r);
	if (op->kind == OP_POST)
		handler_free(op->handler);
	else if (op->kind == OP_DELETE)
		op->handler->going = false;
}

void ript_handler_stored(struct ript_server *server, uint64_t ticket, int err)
{
	struct table_node *node = table_find(&server->tickets, &ticket,
					     sizeof(ticket));
	struct handler_op *op;

	loop_assert(LOOP_CONTROL);
	if (!node)
		return;
	op = table_entry(node, struct handler_op, node);
	table_remove(&server->tickets, node);
	op->handler->changes--;
	if (err)
		op_failed(op);
	else
		op_done(op);
	op_free(op);
}

static void drop_op(struct table_node *node, void *arg)
{
	struct handler_op *op = table_entry(node, struct handler_op, node);

	table_remove(arg, node);
	if (op->kind == OP_POST)
		handler_free(op->handler);
	op_free(op);
}

void handler_drop_ops(struct ript_server *server)
{
	table_each(&server->tickets, drop_op, &server->tickets);
	table_free(&server->tickets);
}

/* ---- answers ---- */

void handler_answer_list(const struct ask *ask)
{
	const struct le *le;
	struct buf json;

	buf_init(&json, (size_t)HANDLERS_MAX * DESCRIPTION_MAX);
	buf_add_str(&json, "{\"handlers\":[");
	for (le = ask->tg->handler_list.head; le; le = le->next) {
		if (le->prev)
			buf_add_str(&json, ",");
		buf_add_str(&json,
			    list_entry(le, struct ript_handler, le)->json);
	}
	buf_add_str(&json, "]}");
	reply_json(ask->x, 200, (const char *)json.data, json.len, NULL, 0);
	buf_free(&json);
}

static void answer_same(const struct ask *ask,
			const struct ript_handler *handler)
{
	const struct exchange_field location = { "location", handler->uri };

	reply_json(ask->x, 201, handler->json, strlen(handler->json),
		   &location, 1);
}

void handler_answer_post(const struct ask *ask)
{
	struct ript_handler *handler, *same;
	char id[2 * ID_OCTETS + 1];
	uint8_t octets[ID_OCTETS];
	struct description d;

	if (!ask_room(ask))
		return;
	random_bytes(octets, sizeof(octets));
	hex_encode(id, octets, sizeof(octets));
	handler = handler_new(ask->tg, id);
	if (!ask_description(ask, handler->uri, &d)) {
		handler_free(handler);
		return;
	}
	same = find_same(ask->tg, d.digest);
	if (!same && ask->tg->handlers.count < HANDLERS_MAX) {
		op_start(ask, OP_POST, handler, &d);
		return;
	}
	if (same)
		answer_same(ask, same);
	else
		ask_refuse(ask, "policy", "too many handlers; delete some");
	description_free(&d);
	handler_free(handler);
}

/* The handler that the path names, or it is refused and NULL. */
static struct ript_handler *ask_handler(const struct ask *ask)
{
	struct ript_handler *handler = find(ask->tg, ask->target.id);

	if (!handler)
		ask_refuse(ask, "not-found", NULL);
	return handler;
}

void handler_answer_get(const struct ask *ask)
{
	const struct ript_handler *handler = ask_handler(ask);

	if (handler)
		reply_json(ask->x, 200, handler->json, strlen(handler->json),
			   NULL, 0);
}

void handler_answer_put(const struct ask *ask)
{
	struct ript_handler *handler = ask_handler(ask);
	struct description d;

	if (handler && ask_room(ask) &&
	    ask_description(ask, handler->uri, &d))
		op_start(ask, OP_PUT, handler, &d);
}

void handler_answer_delete(const struct ask *ask)
{
	struct ript_handler *handler = ask_handler(ask);

	if (!handler || !ask_room(ask))
		return;
	if (handler->calls > 0 || handler->changes > 0) {
		ask_refuse(ask, "handler-in-use", NULL);
		return;
	}
	handler->going = true;
	op_start(ask, OP_DELETE, handler, NULL);
}

int ript_server_load_handler(struct ript_server *server,
			     const struct ript_handler_row *row)
{
	struct ript_tg *tg = tg_find(server, row->tg);
	struct ript_handler *handler = NULL;
	struct json_object *object = NULL;
	struct description d;
	const char *why;
	int err = EINVAL;

	loop_assert(LOOP_CONTROL);
	if (!tg)
		return ENOENT;
	if (!target_id_valid(row->id) ||
	    body_parse(&object, row->json, strlen(row->json), &why) != 0)
		goto out;
	handler = handler_new(tg, row->id);
	err = description_read(&d, object, handler->uri, &why);
	if (err)
		goto out;
	handler_describe(handler, &d);
	err = handler_enlist(handler);
	if (!err)
		handler = NULL;		/* the terminal group's from here */
out:
	json_object_put(object);
	if (handler)
		handler_free(handler);
	return err;
}
