/* SPDX-License-Identifier: MIT */
#include "tests/unit/ript_client_lab.h"

#include "base/mem.h"
#include "ript/peer_impl.h"

static void on_state(struct ript_peer *peer, int err, const char *why,
		     void *arg)
{
	struct lab *lab = arg;

	(void)peer;
	lab->peer_err = err;
	lab->peer_state_cnt++;
	snprintf(lab->peer_why, sizeof(lab->peer_why), "%s", why);
}

static void on_handler(struct ript_peer *peer, const char *handler_id,
		       const char *uri, void *arg)
{
	struct lab *lab = arg;

	(void)peer;
	lab->handler_cnt++;
	free(lab->handler_id);
	free(lab->handler_uri);
	lab->handler_id = xstrdup(handler_id);
	lab->handler_uri = xstrdup(uri);
}

void peer_make(struct lab *lab)
{
	static const struct ript_peer_events events = {
		.state = on_state,
		.handler = on_handler,
	};
	const struct ript_peer_config config = {
		.name = "comcast",
		.net = lab->net,
		.loop = lab->loop,
		.authority = PEER_AUTHORITY,
		.token = PEER_TOKEN,
		.handler_id = "gw1",
		.webtransport = true,
	};

	assert_int_equal(ript_peer_new(&lab->peer, &config, &events, lab), 0);
}

void peer_start(struct lab *lab)
{
	peer_make(lab);
	lab_turn(lab);
}

void peer_ready_with(struct lab *lab, const char *doc)
{
	peer_start(lab);
	fake_reply(fake_sent_last(lab->net, "GET", "/providertgs"), 200,
		   PEER_LIST);
	fake_reply(fake_sent_last(lab->net, "GET", "/123"), 200, doc);
	peer_reply_created(fake_sent_last(lab->net, "POST", "/handlers"),
			   PEER_URI "/handlers/abc");
	assert_true(ript_peer_usable(lab->peer));
}

void peer_ready(struct lab *lab)
{
	peer_ready_with(lab, PEER_DOC);
}

void peer_reply_created(struct exchange *x, const char *uri)
{
	const struct exchange_field field[] = {
		{ "content-type", "application/json" },
		{ "location", uri },
		{ "set-cookie", "node=7; Path=/; Secure" },
	};
	char json[2048];

	snprintf(json, sizeof(json), "{\"uri\":\"%s\",\"state\":"
		 "\"proceeding\",\"direction\":\"outbound\",\"from\":"
		 "\"+14085551000\",\"to\":\"+14089529999\",\"directives\":{"
		 "\"client\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		 "{\"id\":1},\"param-sets\":{\"PCMU\":1,\"opus\":0,"
		 "\"telephone-event\":1,\"CN\":1,\"sr\":8000,\"ptime\":20}}},"
		 "\"server\":{\"stream\":{\"source\":{\"id\":0},\"sink\":"
		 "{\"id\":1},\"param-sets\":{\"PCMU\":1}}}}}", uri);
	assert_non_null(x);
	fake_reply_fields(x, 201, field, 3, json, strlen(json));
}

struct exchange_peer *peer_exchange(struct lab *lab)
{
	return lab->peer->x;
}

int peer_open_with(struct lab *lab, struct ript_call **callp,
		   const char *destination, uint32_t codecs,
		   uint16_t ptime_ms)
{
	const struct ript_call_open params = {
		.destination = destination,
		.passport = "eyJhbGciOiJFUzI1NiJ9.x.y",
		.codecs = codecs,
		.ptime_ms = ptime_ms,
		.hops = 9,
		.worker = 1,
		.handlers = &lab_handlers,
		.arg = lab,
	};

	return ript_call_open(callp, lab->peer, &params);
}

int peer_open(struct lab *lab, struct ript_call **callp,
	      const char *destination)
{
	return peer_open_with(lab, callp, destination,
			      1u << CODEC_PCMU | 1u << CODEC_PCMA |
				      VOICE_EXTRAS, 0);
}

struct ript_call *peer_call(struct lab *lab)
{
	struct ript_call *call;

	assert_int_equal(peer_open(lab, &call, "+14089529999"), 0);
	peer_reply_created(fake_sent_last(lab->net, "POST", "/calls"),
			   CALL_URI);
	return call;
}
