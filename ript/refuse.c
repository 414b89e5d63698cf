/* SPDX-License-Identifier: MIT */
#include "ript/refuse.h"

#include <stdio.h>
#include <string.h>

#define PROBLEM(name, title, status)                                       \
	"{\"type\":\"/.well-known/ript/v1/problems/" name "\",\"title\":\"" \
	title "\",\"status\":" status "}"

struct refusal {
	int status;
	const char *body;
	const char *name;	/* one more field */
	const char *value;
};

static const struct refusal refusals[REFUSE_CNT] = {
	[REFUSE_BAD_CHUNKS] = {
		400, PROBLEM("bad-request",
			     "No chunk could be read in the body", "400"),
		NULL, NULL },
	[REFUSE_UNAUTHORIZED] = {
		401, PROBLEM("unauthorized", "A bearer token is needed",
			     "401"),
		"www-authenticate", "Bearer realm=\"ript\"" },
	[REFUSE_NOT_FOUND] = {
		404, PROBLEM("not-found", "No such resource", "404"),
		NULL, NULL },
	[REFUSE_CALL_ENDED] = {
		404, PROBLEM("call-ended", "Call has ended", "404"),
		NULL, NULL },
	[REFUSE_METHOD] = {
		405, PROBLEM("method-not-allowed", "Method not allowed",
			     "405"),
		"allow", "GET, PUT, CONNECT" },
	[REFUSE_TOO_LARGE] = {
		413, PROBLEM("too-large", "Body over 65536 octets", "413"),
		NULL, NULL },
	[REFUSE_TYPE] = {
		415, PROBLEM("unsupported-type",
			     "The content-type is not a chunk body's", "415"),
		"accept", "application/ript-chunks" },
	[REFUSE_EARLY] = {
		425, PROBLEM("too-early",
			     "Only GET is answered in early data", "425"),
		NULL, NULL },
	[REFUSE_SLOW_DOWN] = {
		429, PROBLEM("slow-down",
			     "Too many requests on this connection", "429"),
		"retry-after", "1" },
	[REFUSE_NO_WEBTRANSPORT] = {
		501, PROBLEM("no-webtransport",
			     "No WebTransport here, use PUT and GET", "501"),
		NULL, NULL },
	[REFUSE_CONTROL_FULL] = {
		503, PROBLEM("unavailable", "Too busy for this request",
			     "503"),
		"retry-after", "1" },
	[REFUSE_CROSSING_FULL] = {
		503, PROBLEM("unavailable", "Too busy for this chunk", "503"),
		"retry-after", "1" },
	[REFUSE_BODIES_FULL] = {
		503, PROBLEM("unavailable", "Too many bodies at once", "503"),
		"retry-after", "1" },
};

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

void refuse(struct exchange_net *net, struct h3_stream *stream, bool whole,
	    enum net_refusal why)
{
	net_refused(net, why);
	answer(stream, whole, &refusals[why], refusals[why].body);
}

void refuse_ended(struct exchange_net *net, struct h3_stream *stream,
		  bool whole, const char *problem)
{
	const struct refusal *r = &refusals[REFUSE_CALL_ENDED];

	net_refused(net, REFUSE_CALL_ENDED);
	answer(stream, whole, r, problem ? problem : r->body);
}
