/* SPDX-License-Identifier: MIT */
/*
 * The server role: from a request to the resource that answers it.
 *
 *   path -> public page | token (401, 429) -> terminal group (404)
 *        -> method (405) -> resource
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "ript/body.h"
#include "ript/call_impl.h"
#include "ript/problem.h"
#include "ript/server_impl.h"

#define TOKEN_FAILS_PER_MIN 100		/* Q90 */
#define CERT_CACHE "public, max-age=86400"

struct cert {
	struct table_node node;
	char *path;
	char *pem;
};

/* ---- refusals ---- */

static void refusal_metrics(struct ript_server *server)
{
	const struct problem *p = problem_table();
	unsigned cnt = 0, i;
	char labels[80];

	while (p[cnt].name)
		cnt++;
	server->refused = xcalloc(cnt + 1, sizeof(*server->refused));
	for (i = 0; i <= cnt; i++) {
		snprintf(labels, sizeof(labels), "problem=\"%s\"",
			 i < cnt ? p[i].name : "other");
		server->refused[i] = metric_counter(
			"ript_refused_total", labels,
			"RIPT requests answered with a problem");
	}
}

void server_count_refusal(struct ript_server *server, const char *name)
{
	const struct problem *p = problem_table();
	unsigned i;

	for (i = 0; p[i].name; i++)
		if (strcmp(p[i].name, name) == 0)
			break;
	metric_inc(server->refused[i]);
}

/* A call that a customer wanted: somebody may ask why there was none.  What
 * strangers send would only drive those out of memory. */
static bool is_call(const struct ask *ask)
{
	return ask->tg && ask->target.kind == TARGET_CALLS &&
	       strcmp(ask->request->method, "POST") == 0;
}

static void refuse(const struct ask *ask, const struct refusal *refusal)
{
	struct ript_server *server = ask->server;
	struct refusal r = *refusal;

	r.tg = ask->tg ? ask->tg->id : NULL;
	reply_refusal(server, ask->x, ask->request->path, &r);
	if (server->events.refused && is_call(ask))
		server->events.refused(r.tg, r.status, r.name,
				       r.detail ? r.detail : "", server->arg);
}

void ask_refuse(const struct ask *ask, const char *name, const char *detail)
{
	const struct problem *p = problem_find(name);
	struct refusal r = {
		.status = p->status,
		.name = name,
		.detail = detail,
	};

	if (p->status == 503)
		r.retry_after_s = UNREADY_RETRY_S;
	refuse(ask, &r);
}

/* ---- bodies ---- */

static bool is_json_type(const struct exchange_request *request)
{
	const char *type = exchange_field(request->field, request->field_cnt,
					  "content-type");
	size_t len;

	if (!type)
		return true;	/* Q87: taken as the expected one */
	len = strcspn(type, "; \t");
	return len == 16 && strncasecmp(type, "application/json", len) == 0;
}

bool ask_body(const struct ask *ask, bool may_be_empty,
	      struct json_object **out)
{
	const struct exchange_request *request = ask->request;
	const char *why;

	*out = NULL;
	if (request->body_len == 0 && may_be_empty)
		return true;
	if (!is_json_type(request)) {
		ask_refuse(ask, "unsupported-type", NULL);
		return false;
	}
	if (!request->body) {
		ask_refuse(ask, "bad-request", "a body is needed");
		return false;
	}
	switch (body_parse(out, request->body, request->body_len, &why)) {
	case 0:
		return true;
	case EMSGSIZE:
		ask_refuse(ask, "too-large", why);
		return false;
	default:
		ask_refuse(ask, "bad-request", why);
		return false;
	}
}

/* ---- public resources ---- */

static void answer_problem_page(const struct ask *ask)
{
	static const struct exchange_field field[] = {
		{ "content-type", "text/plain; charset=utf-8" },
		{ "cache-control", "public, max-age=86400" },
	};
	const struct problem *problem = problem_find(ask->target.id);
	struct buf page;

	if (!problem) {
		ask_refuse(ask, "not-found", NULL);
		return;
	}
	buf_init(&page, 4096);
	problem_page(&page, problem);
	exchange_reply(ask->x, 200, field, 2, page.data, page.len);
	buf_free(&page);
}

static const struct cert *cert_at(const struct ript_server *server,
				  const char *path)
{
	const struct table_node *node = table_find(&server->certs, path,
						   strlen(path));

	return node ? table_entry(node, const struct cert, node) : NULL;
}

static void answer_cert(const struct ask *ask)
{
	static const struct exchange_field field[] = {
		{ "content-type", "application/pem-certificate-chain" },
		{ "cache-control", CERT_CACHE },
	};
	const struct cert *cert = cert_at(ask->server, ask->request->path);

	exchange_reply(ask->x, 200, field, 2, cert->pem, strlen(cert->pem));
}

/* Q4: the unversioned path has moved for good. */
static void answer_moved(const struct ask *ask)
{
	const struct exchange_request *request = ask->request;
	char *location = xasprintf("https://%s" RIPT_ROOT "%s%s%s",
				   ask->server->authority,
				   request->path + strlen(RIPT_WELL_KNOWN),
				   request->query ? "?" : "",
				   request->query ? request->query : "");
	const struct exchange_field field = { "location", location };

	reply_json(ask->x, 308, NULL, 0, &field, 1);
	free(location);
}

/* ---- routing ---- */

typedef void answer_h(const struct ask *ask);

/* What each resource takes; the first row of a resource has its Allow. */
static const struct route {
	enum target_kind kind;
	const char *method;
	answer_h *answer;
	const char *allow;
} routes[] = {
	{ TARGET_PROVIDERTGS, "GET", tg_answer_list, "GET" },
	{ TARGET_TG, "GET", tg_answer, "GET" },
	{ TARGET_HANDLERS, "GET", handler_answer_list, "GET, POST" },
	{ TARGET_HANDLERS, "POST", handler_answer_post, NULL },
	{ TARGET_HANDLER, "GET", handler_answer_get, "GET, PUT, DELETE" },
	{ TARGET_HANDLER, "PUT", handler_answer_put, NULL },
	{ TARGET_HANDLER, "DELETE", handler_answer_delete, NULL },
	{ TARGET_CALLS, "GET", call_answer_list, "GET, POST" },
	{ TARGET_CALLS, "POST", call_answer_post, NULL },
	{ TARGET_CALL, "GET", call_answer_get, "GET, POST" },
	{ TARGET_CALL, "POST", call_answer_take, NULL },
	{ TARGET_CALL_EVENTS, "GET", call_answer_events, "GET, PUT" },
	{ TARGET_CALL_EVENTS, "PUT", call_answer_put_events, NULL },
	{ TARGET_CALL_MEDIA, "GET", call_answer_media, "GET, PUT, CONNECT" },
	{ TARGET_CALL_MEDIA, "PUT", call_answer_media, NULL },
	{ TARGET_CALL_MEDIA, "CONNECT", call_answer_media, NULL },
};

#define ROUTE_CNT (sizeof(routes) / sizeof(routes[0]))

static void refuse_method(const struct ask *ask, const char *allow)
{
	const struct refusal r = {
		.status = 405,
		.name = "method-not-allowed",
		.allow = allow,
	};

	refuse(ask, &r);
}

static void answer(const struct ask *ask)
{
	const char *allow = NULL;
	unsigned i;

	for (i = 0; i < ROUTE_CNT; i++) {
		if (routes[i].kind != ask->target.kind)
			continue;
		if (routes[i].allow)
			allow = routes[i].allow;
		if (strcmp(routes[i].method, ask->request->method) == 0) {
			routes[i].answer(ask);
			return;
		}
	}
	if (allow)
		refuse_method(ask, allow);
	else
		ask_refuse(ask, "not-found", NULL);
}

/* Everything below needs a token; 401 comes before 404. */
static bool admitted(struct ask *ask)
{
	struct ript_server *server = ask->server;
	struct refusal r = { .status = 401, .name = "unauthorized" };
	unsigned wait_s = 0;

	switch (token_check(&server->tokens, ask->request,
			    loop_now_ns(server->loop), &ask->token,
			    &wait_s)) {
	case TOKEN_GOOD:
		exchange_admit(ask->x);
		return true;
	case TOKEN_MISSING:
		break;
	case TOKEN_WRONG:
		r.detail = "the token is not valid here";
		break;
	case TOKEN_LOCKED:
		r.status = 429;
		r.name = "slow-down";
		r.detail = "too many tokens of this address were refused";
		r.retry_after_s = wait_s;
		break;
	}
	refuse(ask, &r);
	return false;
}

/* What needs no token. */
static answer_h *public_page(const struct ask *ask)
{
	if (cert_at(ask->server, ask->request->path))
		return answer_cert;
	return ask->target.kind == TARGET_PROBLEM ? answer_problem_page
						  : NULL;
}

static bool answered_public(const struct ask *ask)
{
	answer_h *page = public_page(ask);

	if (page && strcmp(ask->request->method, "GET") == 0)
		page(ask);
	else if (page)
		refuse_method(ask, "GET");
	else if (ask->target.kind == TARGET_FOREIGN)
		ask_refuse(ask, "not-found", NULL);
	else if (ask->target.kind == TARGET_UNVERSIONED)
		answer_moved(ask);
	else
		return false;
	return true;
}

static void on_request(struct exchange *x,
		       const struct exchange_request *request, void *arg)
{
	struct ask ask = { .server = arg, .x = x, .request = request };
	struct ript_tg *tg;

	target_parse(&ask.target, request->path);
	if (answered_public(&ask) || !admitted(&ask))
		return;
	if (request->early && strcmp(request->method, "GET") != 0) {
		ask_refuse(&ask, "too-early", NULL);
		return;
	}
	if (ask.target.tg[0]) {
		tg = tg_find(ask.server, ask.target.tg);
		if (!tg || !token_opens(ask.token, tg)) {
			ask_refuse(&ask, "not-found", NULL);
			return;
		}
		ask.tg = tg;
	}
	answer(&ask);
}

/* ---- ript/ript.h ---- */

int ript_server_new(struct ript_server **serverp,
		    const struct ript_server_config *config,
		    const struct ript_server_events *events, void *arg)
{
	struct ript_server *server;

	loop_assert(LOOP_CONTROL);
	if (!config->authority || !config->authority[0])
		return EINVAL;
	server = xzalloc(sizeof(*server));
	server->authority = xstrdup(config->authority);
	server->net = config->net;
	server->loop = config->loop;
	server->events = *events;
	server->arg = arg;
	server->log = log_ctx_new(log_root(), "ript", "server");
	server->ready = true;
	token_book_init(&server->tokens, config->token_fails_per_min
						 ? config->token_fails_per_min
						 : TOKEN_FAILS_PER_MIN);
	refusal_metrics(server);
	call_server_metrics();
	exchange_serve(server->net, on_request, server);
	*serverp = server;
	return 0;
}

static void free_cert(struct table_node *node, void *arg)
{
	struct cert *cert = table_entry(node, struct cert, node);

	table_remove(arg, node);
	free(cert->path);
	free(cert->pem);
	free(cert);
}

void ript_server_free(struct ript_server **serverp)
{
	struct ript_server *server = *serverp;

	loop_assert(LOOP_CONTROL);
	if (!server)
		return;
	*serverp = NULL;
	exchange_serve(server->net, NULL, NULL);
	call_server_end_all(server);
	handler_drop_ops(server);
	wait_free_all(&server->waits);
	while (server->tg_list.head)
		tg_free(list_entry(server->tg_list.head, struct ript_tg, le));
	table_free(&server->tgs);
	table_each(&server->certs, free_cert, &server->certs);
	table_free(&server->certs);
	token_book_free(&server->tokens);
	log_ctx_free(&server->log);
	free(server->refused);
	free(server->authority);
	free(server);
}

void ript_server_set_ready(struct ript_server *server, bool ready)
{
	loop_assert(LOOP_CONTROL);
	server->ready = ready;
}

int ript_server_add_cert(struct ript_server *server, const char *path,
			 const char *pem)
{
	struct cert *cert;

	loop_assert(LOOP_CONTROL);
	if (path[0] != '/')
		return EINVAL;
	if (cert_at(server, path))
		return EEXIST;
	cert = xzalloc(sizeof(*cert));
	cert->path = xstrdup(path);
	cert->pem = xstrdup(pem);
	table_insert(&server->certs, &cert->node, cert->path,
		     strlen(cert->path));
	return 0;
}

void ript_server_add_token(struct ript_server *server,
			   const uint8_t token_hash[32])
{
	loop_assert(LOOP_CONTROL);
	token_book_add(&server->tokens, token_hash, NULL);
}
