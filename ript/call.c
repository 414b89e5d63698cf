/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "ript/call_client.h"
#include "ript/call_impl.h"

void call_init(struct ript_call *call, struct loop *loop, bool client)
{
	call->client = client;
	call->loop = loop;
	call->hops = -1;
	call->state = RIPT_ST_NONE;
	call->log = log_ctx_new(log_root(), "role",
				client ? "ript-client" : "ript-server");
}

void call_fini(struct ript_call *call)
{
	timer_stop(&call->tell);
	log_ctx_free(&call->log);
	free(call->uri);
	free(call->from);
	free(call->to);
	free(call->destination);
	free(call->passport);
}

void call_set_uri(struct ript_call *call, const char *text)
{
	struct https_uri uri;
	const char *last;

	free(call->uri);
	call->uri = xstrdup(text);
	call->path = "/";
	call->uuid[0] = '\0';
	if (https_uri_parse(&uri, call->uri) != 0)
		return;
	call->path = uri.path;
	last = strrchr(uri.path, '/') + 1;
	if (uuid_valid(last, strlen(last))) {
		memcpy(call->uuid, last, UUID_LEN + 1);
		log_ctx_set(call->log, "ript-call", call->uuid);
	}
}

void call_set_state(struct ript_call *call, enum ript_state state)
{
	if (call->state == state)
		return;
	log_info(call->log, "ript: call %s -> %s",
		 ript_state_name(call->state), ript_state_name(state));
	call->state = state;
}

void call_direct(struct ript_call *call, const struct ript_directives *d)
{
	if (!d->client_absent)
		call->directives.client = d->client;
	if (!d->server_absent)
		call->directives.server = d->server;
}

void call_tell_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal)
{
	const struct ript_call_handlers *handlers = call->handlers;

	timer_stop(&call->tell);
	call->handlers = NULL;
	if (handlers && handlers->closed)
		handlers->closed(call, reason, refusal, call->arg);
}

/* ---- ript/call.h ---- */

void ript_call_info(const struct ript_call *call, struct ript_call_info *out)
{
	loop_assert(LOOP_CONTROL);
	*out = (struct ript_call_info){
		.uuid = call->uuid,
		.uri = call->uri ? call->uri : "",
		.from = call->from ? call->from : "",
		.to = call->to ? call->to : "",
		.destination = call->destination ? call->destination : "",
		.passport = call->passport ? call->passport : "",
		.directives = &call->directives,
		.hops = call->hops,
		.client = call->client,
		.state = call->state,
		.worker = call->worker,
		.byway = call->byway ? byway_id(call->byway) : 0,
		.handler = "",
		.cookie = "",
	};
	if (call->client)
		client_call_info(call, out);
	else
		server_call_info(call, out);
}

void ript_call_end(struct ript_call *call, enum ript_by by,
		   const struct ript_cause *cause)
{
	loop_assert(LOOP_CONTROL);
	if (call->client)
		client_call_end(call, cause);
	else
		server_call_end(call, by, cause);
}
