/* SPDX-License-Identifier: MIT */
#include "riptcall/edge.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ript/byway.h"
#include "ript/exchange.h"
#include "ript/json.h"
#include "riptcall/edge_wrap.h"
#include "riptcall/fault.h"

#define REQUESTS_MAX 100
#define PINGS_MAX 100
#define LOST_MS 1000		/* when a fault loses a byway */
#define FIELDS_MAX 32
#define TEXT_MAX 65536
#define NONCE_LEN 64
#define NONCE "\"nonce\":\""
#define ROOT "/.well-known/ript/v1"
#define FOREIGN "https://elsewhere.invalid" ROOT "/providertgs/x/handlers/1"

/* One exchange that is looked at. */
struct seen_x {
	struct le le;
	struct exchange *x;		/* NULL: over */
	bool client;
	bool put;			/* {call}/events */
	bool get;
	bool post;			/* of a call */
	char *path;
	int request;			/* index in requests; -1: none */
	unsigned events;
	bool any_data;
	bool first_gone;		/* the next one is the first */
	const struct exchange_handlers *handlers;
	void *arg;
	struct timer loss;
};

static struct {
	struct loop *loop;
	struct list seen;
	struct edge_counts counts;
	char *requests[REQUESTS_MAX];
	int status[REQUESTS_MAX];
	int request_cnt;
	char nonce[NONCE_LEN];		/* of the last ping */
	uint64_t ping_ns[PINGS_MAX];
	unsigned ping_cnt;
	char *location;			/* of the last 201 of a call */
	struct buf created;		/* ... and its body */
	bool lost;			/* a fault loses one byway only */
	exchange_request_h *serve;
	void *serve_arg;
} edge;

/* ---- what is looked at ---- */

static struct seen_x *find(const struct exchange *x)
{
	struct le *le;

	for (le = edge.seen.head; le; le = le->next) {
		struct seen_x *seen = list_entry(le, struct seen_x, le);

		if (seen->x == x)
			return seen;
	}
	return NULL;
}

static void seen_free(struct seen_x *seen)
{
	timer_stop(&seen->loss);
	list_unlink(&seen->le);
	free(seen->path);
	free(seen);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int note_request(const struct exchange_request *request)
{
	const char *path = request->path;

	if (edge.request_cnt == REQUESTS_MAX)
		return -1;
	if (strncmp(path, ROOT, strlen(ROOT)) == 0)
		path += strlen(ROOT);
	edge.requests[edge.request_cnt] = xasprintf("%s %s", request->method,
						    path);
	return edge.request_cnt++;
}

static struct seen_x *seen_new(const struct exchange_request *request,
			       bool client)
{
	struct seen_x *seen = xzalloc(sizeof(*seen));
	bool events = ends_with(request->path, "/events");

	seen->client = client;
	seen->path = xstrdup(request->path);
	seen->put = events && strcmp(request->method, "PUT") == 0;
	seen->get = events && strcmp(request->method, "GET") == 0;
	seen->post = strcmp(request->method, "POST") == 0 &&
		     ends_with(request->path, "/calls");
	edge.counts.events_put += seen->put;
	edge.counts.events_get += seen->get;
	seen->request = note_request(request);
	list_append(&edge.seen, &seen->le);
	return seen;
}

static void note_status(const struct seen_x *seen, int status)
{
	if (seen && seen->request >= 0 && !edge.status[seen->request])
		edge.status[seen->request] = status;
}

/* The byway breaks: its owner hears what a reset would tell. */
static void on_loss(void *arg)
{
	struct seen_x *seen = arg;
	const struct exchange_handlers *handlers = seen->handlers;
	struct exchange *x = seen->x;
	void *handlers_arg = seen->arg;

	seen_free(seen);
	__real_exchange_abort(x);
	handlers->closed(x, ECONNRESET, handlers_arg);
}

static void lose_later(struct seen_x *seen)
{
	if (edge.lost)
		return;
	edge.lost = true;
	timer_start(&seen->loss, edge.loop, LOST_MS, on_loss, seen);
}

/* ---- bodies ---- */

static struct json_object *parse(const void *body, size_t len)
{
	struct json_object *json = NULL;
	const char *why;

	if (!body || !len ||
	    ript_json_parse(&json, body, len, TEXT_MAX, &why) != 0)
		return NULL;
	if (json_object_is_type(json, json_type_object))
		return json;
	json_object_put(json);
	return NULL;
}

/* A POST of calls as the fault wants it, malloc'ed; NULL: as it is. */
static char *change_call(const struct exchange_request *request)
{
	struct json_object *json;
	const char *handler = "";
	char *text;

	if (fault_is(FAULT_NONE) || strcmp(request->method, "POST") != 0 ||
	    !ends_with(request->path, "/calls"))
		return NULL;
	json = parse(request->body, request->body_len);
	if (!json)
		return NULL;
	ript_json_get_text(&handler, json, "handler", TEXT_MAX);
	if (fault_is(FAULT_NO_HANDLER)) {
		text = xasprintf("%s0", handler);
		json_object_object_add(json, "handler",
				       json_object_new_string(text));
		free(text);
	}
	if (fault_is(FAULT_FOREIGN_HANDLER))
		json_object_object_add(json, "handler",
				       json_object_new_string(FOREIGN));
	if (fault_is(FAULT_OMIT_HANDLER))
		json_object_object_del(json, "handler");
	if (fault_is(FAULT_NO_PASSPORT))
		json_object_object_del(json, "passport");
	if (fault_is(FAULT_NO_DESTINATION))
		json_object_object_del(json, "destination");
	if (fault_is(FAULT_ZERO_HOPS))
		ript_json_add_int(json, "hops", 0);
	text = ript_json_text(json);
	json_object_put(json);
	return text;
}

/* A reply's body as the fault wants it, malloc'ed; NULL: as it is. */
static char *change_reply(const struct seen_x *seen, int status,
			  const void *body, size_t len)
{
	bool call = status == 201 && ends_with(seen->path, "/calls");
	struct json_object *json;
	char *text;

	if (fault_is(FAULT_EMPTY_TGS) && ends_with(seen->path, "/providertgs"))
		return xstrdup("{\"tgs\":[]}");
	if (!(call && (fault_is(FAULT_MISSING_DIRECTIVES) ||
		       fault_is(FAULT_MISSING_FROM) ||
		       fault_is(FAULT_SHORT_LOCATION))) &&
	    !(status >= 400 && fault_is(FAULT_WRONG_PROBLEM)))
		return NULL;
	json = parse(body, len);
	if (!json)
		return NULL;
	if (fault_is(FAULT_MISSING_DIRECTIVES))
		json_object_object_del(json, "directives");
	if (fault_is(FAULT_MISSING_FROM))
		json_object_object_del(json, "from");
	if (fault_is(FAULT_SHORT_LOCATION))
		json_object_object_del(json, "uri");
	if (fault_is(FAULT_WRONG_PROBLEM))
		json_object_object_add(
			json, "type",
			json_object_new_string(ROOT "/problems/other"));
	text = ript_json_text(json);
	json_object_put(json);
	return text;
}

/* ---- client role ---- */

/* Fields with the fault's authorization. */
static unsigned change_fields(struct exchange_field *out, char **bearer,
			      const struct exchange_request *request)
{
	unsigned i, n = 0;

	*bearer = NULL;
	for (i = 0; i < request->field_cnt && n < FIELDS_MAX; i++) {
		out[n] = request->field[i];
		if (strcmp(out[n].name, "authorization") == 0) {
			if (fault_is(FAULT_NO_TOKEN))
				continue;
			if (fault_is(FAULT_LOWER_BEARER)) {
				*bearer = xstrdup(out[n].value);
				(*bearer)[0] = 'b';
				out[n].value = *bearer;
			}
		}
		n++;
	}
	return n;
}

static void on_head(struct exchange *x, const struct exchange_reply *reply,
		    void *arg)
{
	struct seen_x *seen = arg;

	note_status(seen, reply->status);
	if (seen->post) {
		buf_clear(&edge.created);
		free(edge.location);
		edge.location = xstrdup(exchange_field(
			reply->field, reply->field_cnt, "location"));
	}
	if (seen->handlers->head)
		seen->handlers->head(x, reply, seen->arg);
}

static void count_pongs(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len), *at;

	for (at = text; (at = strstr(at, "\"pong\"")); at++)
		if (edge.nonce[0] && strstr(at, edge.nonce))
			edge.counts.pongs++;
	free(text);
}

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	struct seen_x *seen = arg;

	if ((seen->get || seen->put) && !seen->any_data && len)
		edge.counts.first[0] = (char)data[0];
	seen->any_data |= len > 0;
	if (seen->get)
		count_pongs(data, len);
	if (seen->post)
		buf_add(&edge.created, data, len);
	if (seen->handlers->data)
		seen->handlers->data(x, data, len, seen->arg);
}

static void on_end(struct exchange *x, void *arg)
{
	struct seen_x *seen = arg;

	if (seen->handlers->end)
		seen->handlers->end(x, seen->arg);
}

static void on_closed(struct exchange *x, int err, void *arg)
{
	struct seen_x *seen = arg;
	const struct exchange_handlers *handlers = seen->handlers;
	void *handlers_arg = seen->arg;

	seen_free(seen);
	if (handlers->closed)
		handlers->closed(x, err, handlers_arg);
}

static const struct exchange_handlers tap = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

/* A request of our own, whose reply nobody waits for. */
static void ignore(struct exchange_peer *peer,
		   const struct exchange_request *request, bool finish)
{
	static const struct exchange_handlers nobody = { 0 };
	struct exchange *x;

	note_request(request);
	__real_exchange_send(&x, peer, request, finish, &nobody, NULL);
}

/* What goes out beside @request. */
static void add_requests(struct exchange_peer *peer,
			 const struct exchange_request *request,
			 const struct seen_x *seen)
{
	struct exchange_request more = *request;
	char *call;

	if (fault_is(FAULT_POST_HANDLER_TWICE) &&
	    strcmp(request->method, "POST") == 0 &&
	    ends_with(request->path, "/handlers"))
		ignore(peer, request, true);
	if (fault_is(FAULT_TWO_BYWAYS) && seen->get)
		ignore(peer, request, true);
	if (fault_is(FAULT_DELETE_CALL) && seen->get) {
		call = xstrndup(request->path,
				strlen(request->path) - strlen("/events"));
		more.method = "DELETE";
		more.path = call;
		ignore(peer, &more, true);
		free(call);
	}
}

int __wrap_exchange_send(struct exchange **xp, struct exchange_peer *peer,
			 const struct exchange_request *request, bool finish,
			 const struct exchange_handlers *handlers, void *arg)
{
	struct exchange_field field[FIELDS_MAX];
	struct exchange_request changed = *request;
	struct seen_x *seen = seen_new(request, true);
	char *bearer, *body = change_call(request);
	int err;

	changed.field = field;
	changed.field_cnt = change_fields(field, &bearer, request);
	if (body) {
		changed.body = (const uint8_t *)body;
		changed.body_len = strlen(body);
	}
	seen->handlers = handlers;
	seen->arg = arg;
	err = __real_exchange_send(xp, peer, &changed, finish, &tap, seen);
	mem_wipe_text(&bearer);
	free(body);
	if (err) {
		seen_free(seen);
		return err;
	}
	seen->x = *xp;
	add_requests(peer, &changed, seen);
	if ((fault_is(FAULT_DROP_EVENTS_GET) && seen->get) ||
	    (fault_is(FAULT_DROP_EVENTS_PUT) && seen->put))
		lose_later(seen);
	return 0;
}

int __wrap_byway_dial(struct byway **bywayp, struct exchange_net *net,
		      const struct byway_client *params,
		      const struct byway_events *events, void *arg)
{
	struct byway_client changed = *params;

	if (fault_is(FAULT_ONE_GET))
		changed.gets = 1;
	return __real_byway_dial(bywayp, net, &changed, events, arg);
}

/* ---- server role ---- */

static void on_request(struct exchange *x,
		       const struct exchange_request *request, void *arg)
{
	struct seen_x *seen = find(x);

	(void)arg;
	if (seen)		/* of an exchange that is over */
		seen_free(seen);
	seen = seen_new(request, false);
	seen->x = x;
	edge.serve(x, request, edge.serve_arg);
}

void __wrap_exchange_serve(struct exchange_net *net, exchange_request_h *fn,
			   void *arg)
{
	edge.serve = fn;
	edge.serve_arg = arg;
	__real_exchange_serve(net, fn ? on_request : NULL, NULL);
}

void __wrap_exchange_handle(struct exchange *x,
			    const struct exchange_handlers *handlers,
			    void *arg)
{
	struct seen_x *seen = find(x);

	if (!seen || !handlers) {
		if (seen)
			seen->handlers = NULL;
		__real_exchange_handle(x, handlers, arg);
		return;
	}
	seen->handlers = handlers;
	seen->arg = arg;
	__real_exchange_handle(x, &tap, seen);
	if (fault_is(FAULT_RESET_EVENTS) && seen->get)
		lose_later(seen);
}

/* The fields of a reply as the fault wants them. */
static unsigned change_location(struct exchange_field *out,
				const struct exchange_field *field,
				unsigned field_cnt)
{
	unsigned i, n = 0;

	for (i = 0; i < field_cnt && n < FIELDS_MAX; i++) {
		out[n] = field[i];
		if (strcmp(out[n].name, "location") == 0) {
			if (fault_is(FAULT_NO_LOCATION))
				continue;
			if (fault_is(FAULT_SHORT_LOCATION))
				out[n].value = ROOT "/providertgs/x/calls/1";
		}
		n++;
	}
	return n;
}

void __wrap_exchange_reply(struct exchange *x, int status,
			   const struct exchange_field *field,
			   unsigned field_cnt, const void *body, size_t len)
{
	struct exchange_field changed[FIELDS_MAX];
	struct seen_x *seen = find(x);
	char *text = NULL;

	if (!seen) {
		__real_exchange_reply(x, status, field, field_cnt, body, len);
		return;
	}
	text = change_reply(seen, status, body, len);
	if (status == 201 && fault_is(FAULT_200_INSTEAD_OF_201))
		status = 200;
	note_status(seen, status);
	if (!seen->handlers)	/* @x is gone now */
		seen_free(seen);
	__real_exchange_reply(x, status, changed,
			      change_location(changed, field, field_cnt),
			      text ? text : body, text ? strlen(text) : len);
	free(text);
}

void __wrap_exchange_reply_begin(struct exchange *x, int status,
				 const struct exchange_field *field,
				 unsigned field_cnt)
{
	note_status(find(x), status);
	__real_exchange_reply_begin(x, status, field, field_cnt);
}

/* ---- events, both roles ---- */

static bool says(const char *text, const char *type)
{
	char member[64];

	snprintf(member, sizeof(member), "\"type\":\"%s\"", type);
	return strstr(text, member) != NULL;
}

static void note_nonce(const char *text)
{
	const char *at = strstr(text, NONCE);

	edge.counts.pings++;
	if (edge.ping_cnt < PINGS_MAX)
		edge.ping_ns[edge.ping_cnt++] = loop_now_ns(edge.loop);
	if (!at)
		return;
	at += strlen(NONCE);
	snprintf(edge.nonce, sizeof(edge.nonce), "%.*s",
		 (int)strcspn(at, "\""), at);
}

static void spoil_nonce(char *text)
{
	char *at = strstr(text, NONCE);

	if (at)
		at[strlen(NONCE)] = at[strlen(NONCE)] == '0' ? '1' : '0';
}

/* Replace @old by @new of the same length or less, rest moved up. */
static void replace(char *text, const char *old, const char *new)
{
	char *at = strstr(text, old);

	if (!at)
		return;
	memmove(at + strlen(new), at + strlen(old),
		strlen(at + strlen(old)) + 1);
	memcpy(at, new, strlen(new));
}

/* Returns false: it is not sent. */
static bool change_event(struct seen_x *seen, char *text)
{
	if (seen->client && says(text, "ping")) {
		if (fault_is(FAULT_NO_PING))
			return false;
		note_nonce(text);
		if (fault_is(FAULT_BAD_EVENTS))
			replace(text, "\"type\":", "type ");
	}
	if (seen->client && says(text, "end") && fault_is(FAULT_NEVER_HANGUP))
		return false;
	if (seen->client)
		return true;
	if (says(text, "pong")) {
		if (fault_is(FAULT_NO_PONG))
			return false;
		edge.counts.pongs++;
		if (fault_is(FAULT_WRONG_NONCE))
			spoil_nonce(text);
	}
	if (fault_is(FAULT_WRONG_STATE))
		replace(text, "\"state\":\"answered\"",
			"\"state\":\"alerting\"");
	if (says(text, "end") && fault_is(FAULT_NO_END))
		return false;
	return !(fault_is(FAULT_NO_FIRST_EVENT) && seen->events == 1);
}

/* Texts begin with ",\n" unless they are the first of their stream. */
static int write_event(struct seen_x *seen, const char *data, size_t len)
{
	char *text = xstrndup(data, len), *from = text;
	int err = 0;

	if (strchr(text, '{'))
		seen->events++;
	if (!change_event(seen, text)) {
		seen->first_gone = text[0] != ',';
	} else {
		if (seen->first_gone && text[0] == ',')
			from += 2;
		if (strchr(text, '{'))
			seen->first_gone = false;
		if (strlen(from) > 0)
			err = __real_exchange_write(seen->x, from,
						    strlen(from));
	}
	free(text);
	return err;
}

int __wrap_exchange_write(struct exchange *x, const void *data, size_t len)
{
	struct seen_x *seen = find(x);

	if (!seen || !(seen->put || seen->get))
		return __real_exchange_write(x, data, len);
	if (len == 2 && memcmp(data, "[\n", 2) == 0 &&
	    fault_is(FAULT_NO_BRACKET))
		return 0;
	return write_event(seen, data, len);
}

void __wrap_exchange_abort(struct exchange *x)
{
	struct seen_x *seen = find(x);

	if (seen)
		seen_free(seen);
	__real_exchange_abort(x);
}

/* ---- life ---- */

void edge_setup(struct loop *loop)
{
	edge.loop = loop;
	buf_init(&edge.created, TEXT_MAX);
}

void edge_free(void)
{
	while (edge.seen.head)
		seen_free(list_entry(edge.seen.head, struct seen_x, le));
	while (edge.request_cnt > 0)
		free(edge.requests[--edge.request_cnt]);
	free(edge.location);
	edge.location = NULL;
	buf_free(&edge.created);
}

void edge_counts(struct edge_counts *out)
{
	*out = edge.counts;
}

struct json_object *edge_requests(void)
{
	struct json_object *list = json_object_new_array();
	char *text;
	int i;

	for (i = 0; i < edge.request_cnt; i++) {
		text = xasprintf("%s -> %d", edge.requests[i],
				 edge.status[i]);
		json_object_array_add(list, json_object_new_string(text));
		free(text);
	}
	return list;
}

struct json_object *edge_created(void)
{
	struct json_object *json, *body = parse(edge.created.data,
						edge.created.len);

	if (!body)
		return NULL;
	json = json_object_new_object();
	json_object_object_add(json, "location",
			       edge.location
				       ? json_object_new_string(edge.location)
				       : NULL);
	json_object_object_add(json, "body", body);
	return json;
}

struct json_object *edge_ping_gaps(void)
{
	struct json_object *list = json_object_new_array();
	unsigned i;

	for (i = 1; i < edge.ping_cnt; i++)
		json_object_array_add(
			list, json_object_new_int64(
				      (int64_t)((edge.ping_ns[i] -
						 edge.ping_ns[i - 1]) /
						NS_PER_MS)));
	return list;
}
