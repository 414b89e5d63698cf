/* SPDX-License-Identifier: MIT */
#include "ript/refuse.h"

#include <string.h>

#include "base/buf.h"
#include "ript/problem.h"

struct refusal {
	int status;
	const char *problem;
	const char *detail;
	const char *name;	/* one more field */
	const char *value;
};

static const struct refusal refusals[REFUSE_CNT] = {
	[REFUSE_BAD_CHUNKS] = {
		400, "bad-request", "No chunk could be read in the body.",
		NULL, NULL },
	[REFUSE_UNAUTHORIZED] = {
		401, "unauthorized", NULL,
		"www-authenticate", "Bearer realm=\"ript\"" },
	[REFUSE_NOT_FOUND] = { 404, "not-found", NULL, NULL, NULL },
	[REFUSE_CALL_ENDED] = { 404, "call-ended", NULL, NULL, NULL },
	[REFUSE_METHOD] = {
		405, "method-not-allowed", NULL,
		"allow", "GET, PUT, CONNECT" },
	[REFUSE_TOO_LARGE] = { 413, "too-large", NULL, NULL, NULL },
	[REFUSE_TYPE] = {
		415, "unsupported-type", NULL,
		"accept", "application/ript-chunks" },
	[REFUSE_EARLY] = { 425, "too-early", NULL, NULL, NULL },
	[REFUSE_SLOW_DOWN] = {
		429, "slow-down", "Too many requests on this connection.",
		"retry-after", "1" },
	[REFUSE_NO_WEBTRANSPORT] = {
		501, "no-webtransport", NULL, NULL, NULL },
	[REFUSE_CONTROL_FULL] = {
		503, "unavailable", "Too many requests are waiting.",
		"retry-after", "1" },
	[REFUSE_CROSSING_FULL] = {
		503, "unavailable", "Too many chunks are waiting.",
		"retry-after", "1" },
	[REFUSE_BODIES_FULL] = {
		503, "unavailable", "Too many bodies at once.",
		"retry-after", "1" },
};

char *worker_refusal_body(enum net_refusal why)
{
	const struct refusal *r = &refusals[why];
	struct buf body;

	buf_init(&body, 1024);
	problem_print(&body, r->status, r->problem, r->detail, NULL);
	return buf_steal(&body);
}

static void answer(struct h3_stream *stream, bool whole,
		   const struct refusal *r, const char *body)
{
	struct h3_field field[3] = {
		{ "content-type", "application/problem+json" },
		{ "cache-control", "no-store" },
		{ r->name, r->value },
	};

	h3_reply(stream, r->status, field, r->name ? 3 : 2, body,
		 strlen(body), true);
	if (!whole)
		h3_stream_stop_reading(stream);
}

void worker_refuse(struct exchange_net *net, struct h3_stream *stream,
		   bool whole, enum net_refusal why)
{
	net_refused(net, why);
	answer(stream, whole, &refusals[why], net->refusal_body[why]);
}

void worker_refuse_ended(struct exchange_net *net, struct h3_stream *stream,
			 bool whole, const char *problem)
{
	net_refused(net, REFUSE_CALL_ENDED);
	answer(stream, whole, &refusals[REFUSE_CALL_ENDED],
	       problem ? problem : net->refusal_body[REFUSE_CALL_ENDED]);
}
