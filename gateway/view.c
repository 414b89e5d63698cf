/* SPDX-License-Identifier: MIT */
/* A call as `riptidectl calls --json` shows it. */
#include <json-c/json.h>
#include <string.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/history.h"
#include "gateway/session_impl.h"
#include "gateway/worker.h"
#include "ript/call.h"
#include "sip/leg.h"

static void put_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key,
			       json_object_new_string(text ? text : ""));
}

static void put_number(struct json_object *to, const char *key,
		       uint64_t number)
{
	json_object_object_add(to, key,
			       json_object_new_int64((int64_t)number));
}

/* A time that has not come is absent. */
static void put_time(struct json_object *to, const char *key, uint64_t ms)
{
	if (ms)
		put_number(to, key, ms);
}

static void put_addr(struct json_object *to, const char *key,
		     const struct addr *addr)
{
	char text[ADDR_TEXT_LEN];

	if (!addr->len)
		return;
	addr_print(text, addr);
	put_text(to, key, text);
}

/* What people call the state. */
static const char *state_word(const struct session *s)
{
	switch (s->state) {
	case ST_OUT_RINGING:
	case ST_IN_RINGING:
		return "ringing";
	case ST_OUT_EARLY:
		return "early media";
	case ST_OUT_ANSWERED:
	case ST_TALKING:
	case ST_PROBING:
		return "answered";
	case ST_CLOSING:
		return "closing";
	case ST_CLOSED:
		return s->answered_ms ? "ended" : "refused";
	default:
		return "calling";
	}
}

static void put_direction(struct json_object *to, const char *key,
			  const struct session *s,
			  const struct bridge_direction *direction)
{
	struct json_object *json = json_object_new_object();
	struct json_object *fates = json_object_new_object();
	uint64_t now = loop_now_ns(s->owner->config.loop);

	put_number(json, "packets", direction->packets);
	put_number(json, "octets", direction->octets);
	put_number(json, "lost", direction->lost);
	if (direction->last_ns)
		put_number(json, "last_ms_ago",
			   now > direction->last_ns
				   ? (now - direction->last_ns) / NS_PER_MS
				   : 0);
	for (int i = FATE_FORWARDED + 1; i < FATE_CNT; i++)
		if (direction->fate[i] && i != FATE_CONTROL)
			put_number(fates, bridge_fate_name((enum bridge_fate)i),
				   direction->fate[i]);
	json_object_object_add(json, "dropped", fates);
	json_object_object_add(to, key, json);
}

static const char *way_word(enum byway_kind way)
{
	switch (way) {
	case BYWAY_WEBTRANSPORT:
		return "webtransport";
	case BYWAY_HTTP:
		return "byway";
	case BYWAY_NONE:
		break;
	}
	return "none";
}

static struct json_object *media_json(const struct session *s)
{
	struct json_object *json = json_object_new_object();
	const struct media_format *format = media_desc_audio(&s->local);

	put_text(json, "way", way_word(s->way));
	put_text(json, "codec", format ? codec_info(format->codec)->name : "");
	put_number(json, "rtp_port",
		   s->line ? line_rtp_port(s->line) : s->stats.rtp_port);
	put_addr(json, "negotiated", &s->remote.rtp);
	put_addr(json, "latched", &s->stats.rtp_latched);
	put_number(json, "from_rtp", s->stats.from_rtp.packets);
	put_number(json, "from_ript", s->stats.from_ript.packets);
	put_number(json, "lost",
		   s->stats.from_rtp.lost + s->stats.from_ript.lost);
	put_number(json, "digits", s->stats.digits);
	put_direction(json, "rtp", s, &s->stats.from_rtp);
	put_direction(json, "ript", s, &s->stats.from_ript);
	return json;
}

static void put_sides(struct json_object *json, const struct session *s)
{
	put_text(json, "trunk", s->trunk ? s->trunk->conf->name : "");
	put_text(json, "peer", s->peer ? s->peer->conf->name : "");
	put_text(json, "route", s->route.route ? s->route.route->name : "");
}

/* What a side knows of the call only as long as it is there. */
static void put_identifiers(struct json_object *json, struct session *s)
{
	struct json_object *before = record_call(s->record), *old;
	struct ript_call_info call;
	struct leg_info leg;

	if (s->leg) {
		leg_info(s->leg, &leg);
		put_text(json, "sip_call_id", leg.call_id);
	} else if (json_object_object_get_ex(before, "sip_call_id", &old)) {
		json_object_object_add(json, "sip_call_id",
				       json_object_get(old));
	}
	if (s->call) {
		ript_call_info(s->call, &call);
		put_text(json, "ript_uri", call.uri);
	} else if (json_object_object_get_ex(before, "ript_uri", &old)) {
		json_object_object_add(json, "ript_uri", json_object_get(old));
	}
}

void session_publish(struct session *s)
{
	struct json_object *json = json_object_new_object();
	bool over = s->state == ST_CLOSING || s->state == ST_CLOSED;

	put_text(json, "id", s->id);
	put_text(json, "direction",
		 s->sip_caller ? "sip-to-ript" : "ript-to-sip");
	put_text(json, "state", state_word(s));
	put_text(json, "from", s->route.caller);
	put_text(json, "to", s->route.called);
	put_sides(json, s);
	put_time(json, "created_ms", s->created_ms);
	put_time(json, "ringing_ms", s->ringing_ms);
	put_time(json, "answered_ms", s->answered_ms);
	put_time(json, "ended_ms", s->ended_ms);
	if (over) {
		put_text(json, "reason", reason_info(s->cause.reason)->code);
		put_text(json, "text", s->cause.text);
		put_text(json, "advice",
			 reason_info(s->cause.reason)->advice);
		put_number(json, "sip_status",
			   s->answered_ms ? 200 : (uint64_t)s->cause.sip);
		put_number(json, "q850", (uint64_t)s->cause.q850);
	}
	put_identifiers(json, s);
	json_object_object_add(json, "media", media_json(s));
	record_set_call(s->record, json);
}
