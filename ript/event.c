/* SPDX-License-Identifier: MIT */
#include "ript/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ript/event_impl.h"
#include "ript/json.h"

static const char *const type_names[RIPT_EV_CNT] = {
	[RIPT_EV_PROCEEDING] = "proceeding",
	[RIPT_EV_ALERTING] = "alerting",
	[RIPT_EV_ANSWERED] = "answered",
	[RIPT_EV_DECLINED] = "declined",
	[RIPT_EV_FAILED] = "failed",
	[RIPT_EV_NOANSWER] = "noanswer",
	[RIPT_EV_END] = "end",
	[RIPT_EV_MIGRATE] = "migrate",
	[RIPT_EV_PING] = "ping",
	[RIPT_EV_PONG] = "pong",
	[RIPT_EV_MEDIA_PANIC] = "media-panic",
	[RIPT_EV_HANDLER_CHANGED] = "handler-changed",
	[RIPT_EV_DIRECTIVE] = "directive",
	[RIPT_EV_TRANSFER_AND_TAKEBACK] = "transfer-and-takeback",
	[RIPT_EV_CALL] = "call",
	[RIPT_EV_HANDLER] = "handler",
	[RIPT_EV_UNKNOWN] = "unknown",
};

static const char *const state_names[] = {
	[RIPT_ST_PROCEEDING] = "proceeding", [RIPT_ST_ALERTING] = "alerting",
	[RIPT_ST_ANSWERED] = "answered",     [RIPT_ST_DECLINED] = "declined",
	[RIPT_ST_FAILED] = "failed",	     [RIPT_ST_NOANSWER] = "noanswer",
	[RIPT_ST_ENDED] = "ended",	     [RIPT_ST_NONE] = "none",
};

static const char *const by_names[] = {
	[RIPT_BY_NONE] = NULL,
	[RIPT_BY_CLIENT] = "client",
	[RIPT_BY_PEER] = "peer",
	[RIPT_BY_SERVER] = "server",
};

const char *ript_event_name(enum ript_event_type type)
{
	return type_names[(unsigned)type < RIPT_EV_CNT ? type
						       : RIPT_EV_UNKNOWN];
}

const char *ript_state_name(enum ript_state state)
{
	return state_names[(unsigned)state < RIPT_ST_NONE ? state
							  : RIPT_ST_NONE];
}

enum ript_state ript_event_state(enum ript_event_type type)
{
	switch (type) {
	case RIPT_EV_PROCEEDING:
		return RIPT_ST_PROCEEDING;
	case RIPT_EV_ALERTING:
		return RIPT_ST_ALERTING;
	case RIPT_EV_ANSWERED:
		return RIPT_ST_ANSWERED;
	case RIPT_EV_DECLINED:
		return RIPT_ST_DECLINED;
	case RIPT_EV_FAILED:
		return RIPT_ST_FAILED;
	case RIPT_EV_NOANSWER:
		return RIPT_ST_NOANSWER;
	case RIPT_EV_END:
		return RIPT_ST_ENDED;
	default:
		return RIPT_ST_NONE;
	}
}

bool ript_event_final(enum ript_event_type type)
{
	return type == RIPT_EV_DECLINED || type == RIPT_EV_FAILED ||
	       type == RIPT_EV_NOANSWER || type == RIPT_EV_END;
}

/* ---- printing ---- */

static void add_cause(struct json_object *json, const struct ript_cause *cause)
{
	struct json_object *member = json_object_new_object();

	if (cause->sip)
		ript_json_add_int(member, "sip", cause->sip);
	if (cause->q850)
		ript_json_add_int(member, "q850", cause->q850);
	if (cause->text[0])
		ript_json_add_text(member, "text", cause->text);
	json_object_object_add(json, "cause", member);
}

/* The events of a terminal group belong to no call, so they have neither a
 * direction nor a state; all others have the six common members. */
static void add_common(struct json_object *json, const struct ript_event *ev)
{
	bool of_tg = ev->type == RIPT_EV_CALL || ev->type == RIPT_EV_HANDLER;
	char time[RFC3339_LEN + 1];

	ript_json_add_text(json, "type", ript_event_name(ev->type));
	if (!of_tg)
		ript_json_add_text(json, "direction",
				   ev->from_client ? "c2s" : "s2c");
	rfc3339_print(time, ev->timestamp_ms);
	ript_json_add_text(json, "timestamp", time);
	ript_json_add_text(json, "call", ev->call);
	if (ev->has_seq)
		ript_json_add_u64(json, "seq", ev->seq);
	if (!of_tg && ev->state != RIPT_ST_NONE)
		ript_json_add_text(json, "state", ript_state_name(ev->state));
}

static struct json_object *event_json(const struct ript_event *ev)
{
	struct json_object *json = json_object_new_object();

	add_common(json, ev);
	ript_json_add_text(json, "call-direction", ev->call_direction);
	ript_json_add_text(json, "handler", ev->handler);
	ript_json_add_text(json, "uri", ev->uri);
	ript_json_add_text(json, "nonce", ev->nonce);
	ript_json_add_text(json, "destination", ev->destination);
	if (ev->type == RIPT_EV_MEDIA_PANIC)
		ript_json_add_u64(json, "dropped", ev->dropped);
	if (ev->directives)
		json_object_object_add(json, "directives",
				       ript_directives_json(ev->directives));
	ript_json_add_text(json, "reason", ev->reason);
	ript_json_add_text(json, "by", by_names[ev->by]);
	if (ev->has_cause)
		add_cause(json, &ev->cause);
	return json;
}

int ript_event_print(struct buf *out, const struct ript_event *event,
		     bool first)
{
	struct json_object *json = event_json(event);
	char *text = ript_json_text(json);
	int err = EMSGSIZE;

	if (strlen(text) <= RIPT_EVENT_LEN)
		err = buf_printf(out, "%s%s\n", first ? "" : ",\n", text);
	free(text);
	json_object_put(json);
	return err;
}

/* ---- decoding ---- */

static const char *text_member(struct json_object *json, const char *key,
			       size_t max_len)
{
	const char *text;

	return ript_json_get_text(&text, json, key, max_len) ? NULL : text;
}

static enum ript_event_type decode_type(struct json_object *json)
{
	/* Q36: what R and its RAML call the member. */
	static const char *const members[] = { "type", "event", "name" };
	const char *name = NULL;
	unsigned i;

	for (i = 0; !name && i < 3; i++)
		name = text_member(json, members[i], RIPT_URI_LEN);
	if (!name)
		return RIPT_EV_UNKNOWN;
	for (i = 0; i < RIPT_EV_UNKNOWN; i++)
		if (strcmp(type_names[i], name) == 0)
			return (enum ript_event_type)i;
	if (strcmp(name, "ended") == 0)			/* Q37 */
		return RIPT_EV_END;
	if (strcmp(name, "handler changed") == 0)	/* Q42 */
		return RIPT_EV_HANDLER_CHANGED;
	/* Q39: nobody says what it means; this is all that it can mean. */
	if (strcmp(name, "moved") == 0 &&
	    text_member(json, "handler", RIPT_URI_LEN))
		return RIPT_EV_HANDLER_CHANGED;
	return RIPT_EV_UNKNOWN;
}

static enum ript_state decode_state(struct json_object *json,
				    enum ript_event_type type)
{
	const char *name = text_member(json, "state", RIPT_URI_LEN);
	unsigned i;

	for (i = 0; name && i < RIPT_ST_NONE; i++)
		if (strcmp(state_names[i], name) == 0)
			return (enum ript_state)i;
	if (name && strcmp(name, "end") == 0)
		return RIPT_ST_ENDED;
	return ript_event_state(type);
}

static uint64_t decode_time(struct json_object *json)
{
	const char *text = text_member(json, "timestamp", RIPT_URI_LEN);
	uint64_t ms = 0;

	if (text)
		return rfc3339_parse(&ms, text) == 0 ? ms : 0;
	return ript_json_get_u64(&ms, json, "timestamp") == 0 ? ms : 0;
}

/* A text that may end up in a header field or on a screen: no control
 * characters, cut at a character. */
static void copy_text(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1), i;

	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;		/* text[len] continues a character */
	for (i = 0; i < len; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f
				 ? ' '
				 : text[i];
	out[len] = '\0';
}

static void decode_cause(struct ript_event *ev, struct json_object *json)
{
	struct json_object *cause;
	const char *text;
	int64_t value;

	if (ript_json_get_object(&cause, json, "cause") != 0)
		return;
	ev->has_cause = true;
	if (ript_json_get_int(&value, cause, "sip") == 0 && value >= 100 &&
	    value <= 699)
		ev->cause.sip = (int)value;
	if (ript_json_get_int(&value, cause, "q850") == 0 && value >= 1 &&
	    value <= 127)
		ev->cause.q850 = (int)value;
	text = text_member(cause, "text", RIPT_EVENT_LEN);
	if (text)
		copy_text(ev->cause.text, sizeof(ev->cause.text), text);
}

static enum ript_by decode_by(struct json_object *json)
{
	const char *name = text_member(json, "by", RIPT_URI_LEN);
	unsigned by;

	for (by = RIPT_BY_CLIENT; name && by <= RIPT_BY_SERVER; by++)
		if (strcmp(by_names[by], name) == 0)
			return (enum ript_by)by;
	return RIPT_BY_NONE;
}

void ript_event_decode(struct ript_event *ev,
		       struct ript_directives *directives,
		       struct json_object *json)
{
	struct json_object *member;
	const char *text, *why;

	memset(ev, 0, sizeof(*ev));
	ev->type = decode_type(json);
	text = text_member(json, "direction", RIPT_URI_LEN);
	ev->from_client = text && strcmp(text, "c2s") == 0;
	ev->timestamp_ms = decode_time(json);
	ev->has_seq = ript_json_get_u64(&ev->seq, json, "seq") == 0;
	ev->state = decode_state(json, ev->type);
	ev->call = text_member(json, "call", RIPT_URI_LEN);
	ev->call_direction = text_member(json, "call-direction",
					 RIPT_URI_LEN);
	ev->uri = text_member(json, "uri", RIPT_URI_LEN);
	ev->handler = text_member(json, "handler", RIPT_URI_LEN);
	ev->nonce = text_member(json, "nonce", RIPT_NONCE_LEN);
	ev->destination = text_member(json, "destination", RIPT_URI_LEN);
	ev->reason = text_member(json, "reason", RIPT_URI_LEN);
	(void)ript_json_get_u64(&ev->dropped, json, "dropped");
	ev->by = decode_by(json);
	decode_cause(ev, json);
	if (ript_json_get_object(&member, json, "directives") == 0 &&
	    ript_directives_parse(directives, member, &why) == 0)
		ev->directives = directives;
}
