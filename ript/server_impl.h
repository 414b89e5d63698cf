/* SPDX-License-Identifier: MIT */
/*
 * ript/server_impl.h - what the files of the server role share.
 *
 *   server.c --> tg.c, handler.c, call_post.c, call_server.c
 *                                \-> incoming() -> call_server.c
 *
 * Owner:  the server owns terminal groups; they own handlers and calls.
 * Loop:   control.
 */
#ifndef RIPTIDE_RIPT_SERVER_IMPL_H
#define RIPTIDE_RIPT_SERVER_IMPL_H

#include "base/list.h"
#include "base/loop.h"
#include "base/table.h"
#include "ript/exchange.h"
#include "ript/reply.h"
#include "ript/ript.h"
#include "ript/target.h"
#include "ript/token.h"

struct log_ctx;
struct metric;
struct server_call;

#define HANDLERS_MAX 1000	/* of one terminal group */
#define UNREADY_RETRY_S 5

struct ript_server {
	char *authority;
	struct exchange_net *net;
	struct loop *loop;
	struct ript_server_events events;
	void *arg;
	struct log_ctx *log;
	struct token_book tokens;
	struct table tgs;		/* ript_tg by ID */
	struct list tg_list;
	struct table certs;		/* struct cert by path */
	struct table tickets;		/* struct handler_op by ticket */
	uint64_t ticket;		/* last one given */
	struct table calls;		/* server_call by UUID */
	struct list pending;		/* incoming(), not yet answered */
	struct list over;		/* server_call, closed() is due */
	struct table tombs;		/* struct tomb by UUID octets */
	struct list tomb_list;		/* oldest first */
	struct list streams;		/* of calls that are over */
	struct list waits;
	struct metric **refused;	/* by row of the problem table, then
					   one for all others */
	bool ready;
};

struct ript_tg {
	struct table_node node;
	struct le le;
	struct ript_server *server;
	char *id, *name, *description, *peer;
	char *path, *uri;
	char *doc;			/* JSON, made at every update */
	size_t doc_len;
	char etag[20];
	struct number_set origins, destinations;
	uint8_t (*token_hash)[SHA256_LEN];
	unsigned token_cnt;
	struct passport_trust *trust;
	struct table handlers;		/* ript_handler by ID */
	struct list handler_list;
	struct list calls;		/* server_call, living */
};

struct ript_handler {
	struct table_node node;
	struct le le;
	struct ript_tg *tg;
	char *id, *uri;
	char *json;			/* description with uri */
	uint8_t digest[SHA256_LEN];	/* of the description without uri */
	struct ript_advert *advert;
	unsigned calls;			/* living calls that use it */
	unsigned changes;		/* being stored */
	bool going;			/* a DELETE is being stored */
};

/* One request on its way through the server. */
struct ask {
	struct ript_server *server;
	struct exchange *x;
	const struct exchange_request *request;
	struct target target;
	const struct token *token;
	struct ript_tg *tg;		/* TARGET_TG and below */
};

/* A refusal by problem @name. */
void server_count_refusal(struct ript_server *server, const char *name);
/* Refuse @ask with a row of the problem table. */
void ask_refuse(const struct ask *ask, const char *name, const char *detail);
/* The body as one object, or it is refused (415, 413, 400) and false.
 * @may_be_empty: no body gives *@out NULL. */
bool ask_body(const struct ask *ask, bool may_be_empty,
	      struct json_object **out);

/* tg.c */
void tg_answer_list(const struct ask *ask);
void tg_answer(const struct ask *ask);
struct ript_tg *tg_find(const struct ript_server *server, const char *id);
void tg_free(struct ript_tg *tg);

/* handler.c */
void handler_answer_list(const struct ask *ask);
void handler_answer_post(const struct ask *ask);
void handler_answer_get(const struct ask *ask);
void handler_answer_put(const struct ask *ask);
void handler_answer_delete(const struct ask *ask);
/* The active handler of @tg that @uri names; NULL if there is none. */
struct ript_handler *handler_by_uri(const struct ript_tg *tg,
				    const char *uri);
void handler_free(struct ript_handler *handler);
void handler_drop_ops(struct ript_server *server);

/* call_post.c */
void call_answer_post(const struct ask *ask);

/* call_server.c */
void call_answer_list(const struct ask *ask);
void call_answer_get(const struct ask *ask);
void call_answer_take(const struct ask *ask);
void call_answer_events(const struct ask *ask);
void call_answer_put_events(const struct ask *ask);
void call_answer_media(const struct ask *ask);

#endif
