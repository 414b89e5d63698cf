/* SPDX-License-Identifier: MIT */
/* riptcall tgs, riptcall handler: one request after the other. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ript/directive.h"
#include "ript/exchange.h"
#include "ript/inquiry.h"
#include "ript/json.h"
#include "ript/target.h"
#include "riptcall/command.h"
#include "riptcall/endpoint.h"
#include "riptcall/options.h"

#define REPLY_MS 10000
#define TEXT_MAX 65536
#define HANDLER_ID "riptcall"

struct asker {
	const struct options *options;
	struct endpoint ep;
	struct exchange_peer *peer;
	struct inquiry *inquiry;

	/* the last reply */
	struct json_object *json;	/* NULL: none, or no object */
	int status;
	char *why;			/* a sentence; NULL: it went well */
};

/* ---- one request ---- */

static char *why_no_reply(struct asker *asker, int err)
{
	const char *why = "";
	bool connected = false;

	exchange_peer_state(asker->peer, &connected, &why);
	return xasprintf("%s: %s", asker->options->authority,
			 why && *why ? why : strerror(err));
}

static void on_reply(const struct inquiry_reply *reply, void *arg)
{
	struct asker *asker = arg;
	char problem[64], detail[256];
	const char *why;

	asker->inquiry = NULL;
	asker->status = reply->status;
	if (reply->err) {
		asker->why = why_no_reply(asker, reply->err);
	} else if (reply->status >= 300) {
		inquiry_problem(reply, problem, sizeof(problem), detail,
				sizeof(detail));
		asker->why = xasprintf("%s answers %d %s%s%s",
				       asker->options->authority,
				       reply->status, problem,
				       *detail ? ": " : "", detail);
	} else if (reply->len > 0 &&
		   ript_json_parse(&asker->json, reply->body, reply->len,
				   TEXT_MAX, &why) != 0) {
		asker->why = xasprintf("%s answers what is no JSON: %s",
				       asker->options->authority, why);
	}
	endpoint_quit(&asker->ep);
}

/* Ask and wait.  Returns false when asker->why says why not. */
static bool ask(struct asker *asker, const char *method, const char *path,
		const char *body)
{
	const struct inquiry_params params = {
		.loop = asker->ep.loop,
		.peer = asker->peer,
		.authority = asker->options->authority,
		.method = method,
		.path = path,
		.token = asker->options->token,
		.json = body,
		.deadline_ms = REPLY_MS,
	};

	json_object_put(asker->json);
	asker->json = NULL;
	if (inquiry_send(&asker->inquiry, &params, on_reply, asker) != 0) {
		asker->why = xstrdup("the request could not be sent");
		return false;
	}
	endpoint_run(&asker->ep);
	if (asker->inquiry) {
		inquiry_cancel(&asker->inquiry);
		asker->why = xstrdup("it was stopped");
	}
	return !asker->why;
}

static bool start(struct asker *asker)
{
	const struct options *o = asker->options;
	const struct endpoint_config config = { 0 };
	const struct exchange_peer_config peer = {
		.authority = o->authority,
		.ca_file = o->ca,
		.addr = o->address.len ? &o->address : NULL,
		.addr_cnt = o->address.len ? 1 : 0,
	};
	int err = endpoint_start(&asker->ep, &config, &asker->why);

	if (!err)
		err = exchange_peer_new(&asker->peer, asker->ep.net, &peer);
	if (err && !asker->why)
		asker->why = xasprintf("%s: %s", o->authority, strerror(err));
	return !err;
}

static int finish(struct asker *asker)
{
	int code = EXIT_FINE;

	if (asker->why)
		code = command_failed(asker->options, asker->why);
	free(asker->why);
	json_object_put(asker->json);
	exchange_peer_free(&asker->peer);
	endpoint_stop(&asker->ep);
	return code;
}

/* The path of @uri, which must lie on the provider's authority. */
static const char *path_of(const struct asker *asker, const char *text)
{
	const char *authority = asker->options->authority;
	struct https_uri uri;

	if (!text || https_uri_parse(&uri, text) != 0 ||
	    !authority_equal(uri.authority, uri.authority_len, authority,
			     strlen(authority)))
		return NULL;
	return uri.path;
}

/* ---- tgs ---- */

static const char *member(struct json_object *json, const char *key)
{
	const char *text = "";

	ript_json_get_text(&text, json, key, TEXT_MAX);
	return text;
}

/* The list, a bare array too (Q7); borrowed. */
static struct json_object *list_of(struct json_object *json)
{
	struct json_object *tgs = NULL;

	if (json_object_is_type(json, json_type_array))
		return json;
	if (json_object_is_type(json, json_type_object))
		json_object_object_get_ex(json, "tgs", &tgs);
	return json_object_is_type(tgs, json_type_array) ? tgs : NULL;
}

static void print_patterns(struct json_object *outbound, const char *key,
			   const char *title)
{
	struct ript_json_list list = ript_json_get_list(outbound, key);
	size_t i;

	if (!list.count)
		return;
	printf("  %s", title);
	for (i = 0; i < list.count; i++)
		printf("%s%s", i ? ", " : "",
		       json_object_get_string(ript_json_at(&list, i)));
	putchar('\n');
}

static void print_tg(struct json_object *entry, struct json_object *doc)
{
	struct json_object *outbound;

	printf("%s\n  %s: %s\n", member(entry, "uri"), member(entry, "name"),
	       member(entry, "description"));
	if (ript_json_get_object(&outbound, doc, "outbound") != 0)
		return;
	if (!json_object_object_get_ex(outbound, "destinations", NULL))
		printf("  leads to  everywhere\n");
	print_patterns(outbound, "destinations", "leads to  ");
	print_patterns(outbound, "destinations-except", "but not   ");
}

static bool show_tg(struct asker *asker, struct json_object *entry,
		    struct json_object *out)
{
	const char *path = path_of(asker, member(entry, "uri"));
	struct json_object *one;

	if (!path) {
		asker->why = xasprintf("a terminal group lies elsewhere: %s",
				       member(entry, "uri"));
		return false;
	}
	if (!ask(asker, "GET", path, NULL))
		return false;
	if (!asker->options->json)
		print_tg(entry, asker->json);
	one = json_object_new_object();
	json_object_object_add(one, "listed", json_object_get(entry));
	json_object_object_add(one, "document", json_object_get(asker->json));
	json_object_array_add(out, one);
	return true;
}

static void show_tgs(struct asker *asker)
{
	struct json_object *out, *root, *list, *kept;
	bool ok = true;
	size_t i;

	if (!ask(asker, "GET", RIPT_TGS, NULL))
		return;
	list = list_of(asker->json);
	if (!list || json_object_array_length(list) == 0) {
		asker->why = xasprintf("%s lists no terminal group",
				       asker->options->authority);
		return;
	}
	kept = json_object_get(list);
	out = json_object_new_array();
	for (i = 0; ok && i < json_object_array_length(kept); i++)
		ok = show_tg(asker, json_object_array_get_idx(kept, i), out);
	json_object_put(kept);
	root = json_object_new_object();
	json_object_object_add(root, "ok", json_object_new_boolean(ok));
	json_object_object_add(root, "tgs", out);
	if (ok && asker->options->json)
		print_json(root);
	else
		json_object_put(root);
}

int command_tgs(const struct options *options)
{
	struct asker asker = { .options = options };

	if (start(&asker))
		show_tgs(&asker);
	return finish(&asker);
}

/* ---- handler ---- */

/* The terminal group asked for, or the first one listed; malloc'ed path. */
static char *choose_tg(struct asker *asker)
{
	struct json_object *list;
	const char *path;

	if (asker->options->tg) {
		path = path_of(asker, asker->options->tg);
	} else {
		if (!ask(asker, "GET", RIPT_TGS, NULL))
			return NULL;
		list = list_of(asker->json);
		path = list && json_object_array_length(list)
			       ? path_of(asker,
					 member(json_object_array_get_idx(
							list, 0),
						"uri"))
			       : NULL;
	}
	if (!path)
		asker->why = xasprintf("there is no terminal group on %s to "
				       "register at",
				       asker->options->authority);
	return xstrdup(path);
}

static char *description(const struct options *o)
{
	struct json_object *json = json_object_new_object();
	struct ript_advert advert;
	char *text;

	ript_advert_voice(&advert,
			  o->codecs | 1u << CODEC_TELEPHONE_EVENT |
				  1u << CODEC_CN,
			  0);
	ript_json_add_text(json, "handler-id", HANDLER_ID);
	json_object_object_add(json, "advertisement",
			       ript_advert_json(&advert));
	text = ript_json_text(json);
	json_object_put(json);
	return text;
}

static void print_handlers(struct asker *asker)
{
	struct ript_json_list list =
		ript_json_get_list(asker->json, "handlers");
	size_t i;

	for (i = 0; i < list.count; i++) {
		struct json_object *one = ript_json_at(&list, i);

		printf("%s  %s\n", member(one, "uri"),
		       member(one, "handler-id"));
	}
	if (!list.count)
		printf("No handler is registered.\n");
}

static void do_handler(struct asker *asker, const char *handlers)
{
	const struct options *o = asker->options;
	char *text;

	if (o->list) {
		if (ask(asker, "GET", handlers, NULL) && !o->json)
			print_handlers(asker);
		return;
	}
	if (o->delete_id) {
		text = xasprintf("%s/%s", handlers, o->delete_id);
		if (ask(asker, "DELETE", text, NULL) && !o->json)
			printf("Handler %s is gone.\n", o->delete_id);
		free(text);
		return;
	}
	text = description(o);
	if (ask(asker, "POST", handlers, text) && !o->json)
		printf("%s\n", member(asker->json, "uri"));
	free(text);
}

static void print_handler_json(struct asker *asker)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "ok", json_object_new_boolean(1));
	json_object_object_add(root, "status",
			       json_object_new_int(asker->status));
	json_object_object_add(root, "reply", json_object_get(asker->json));
	print_json(root);
}

int command_handler(const struct options *options)
{
	struct asker asker = { .options = options };
	char *tg, *handlers;

	if (start(&asker) && (tg = choose_tg(&asker))) {
		handlers = xasprintf("%s/handlers", tg);
		do_handler(&asker, handlers);
		if (!asker.why && options->json)
			print_handler_json(&asker);
		free(handlers);
		free(tg);
	}
	return finish(&asker);
}
