/* SPDX-License-Identifier: MIT */
/*
 * The acts that both directions of a call share: places and ports, the row,
 * silence, and the end.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/history.h"
#include "gateway/terms.h"
#include "gateway/session_impl.h"
#include "gateway/tally.h"
#include "gateway/worker.h"
#include "ript/call.h"
#include "sip/leg.h"
#include "store/store.h"

#define TICK_MIN_MS 250
#define TICK_MAX_MS 5000

/* ---- places ---- */

static enum reason verdict_reason(enum admit_verdict verdict,
				  enum reason calls, enum reason rate)
{
	return verdict == ADMIT_CALLS ? calls : rate;
}

bool admit_trunk(struct session *s, struct gw_trunk *trunk,
		 enum reason *reason)
{
	enum admit_verdict verdict =
		admit_take(&trunk->admit, loop_now_ns(s->owner->config.loop));

	if (verdict != ADMIT_OK) {
		*reason = verdict_reason(verdict, REASON_TRUNK_CALLS,
					 REASON_TRUNK_RATE);
		return false;
	}
	s->trunk_taken = true;
	return true;
}

bool admit_peer(struct session *s, struct gw_peer *peer, enum reason *reason)
{
	enum admit_verdict verdict =
		admit_take(&peer->admit, loop_now_ns(s->owner->config.loop));

	if (verdict != ADMIT_OK) {
		*reason = verdict_reason(verdict, REASON_PEER_CALLS,
					 REASON_PEER_RATE);
		return false;
	}
	s->peer_taken = true;
	return true;
}

void release_trunk(struct session *s)
{
	if (s->trunk_taken)
		admit_give(&s->trunk->admit);
	s->trunk_taken = false;
}

void release_peer(struct session *s)
{
	if (s->peer_taken)
		admit_give(&s->peer->admit);
	s->peer_taken = false;
}

/* ---- the line ---- */

static void on_first_chunk(void *arg)
{
	struct session *s = arg;

	/* A caller without an offer has no address to send early media to. */
	if (s->sip_caller && !s->late_offer)
		session_post(s, EV_RIPT_MEDIA);
}

static uint64_t rtp_timeout_ms(const struct session *s)
{
	return s->trunk ? s->trunk->conf->rtp_timeout_ms : 0;
}

/* Whether the phone has been silent for the trunk's rtp-timeout. */
static bool is_silent(const struct session *s)
{
	uint64_t now = loop_now_ns(s->owner->config.loop);
	uint64_t since = s->heard_ns;

	if (!rtp_timeout_ms(s))
		return false;
	if (s->stats.last_media_ns > since)
		since = s->stats.last_media_ns;
	return now > since && now - since >= rtp_timeout_ms(s) * NS_PER_MS;
}

static void on_stats(const struct bridge_stats *stats, void *arg)
{
	struct session *s = arg;

	s->stats = *stats;
	if (s->state == ST_TALKING && is_silent(s))
		session_post(s, EV_SILENCE);
	else if (s->state == ST_PROBING && !is_silent(s))
		session_post(s, EV_MEDIA_BACK);
}

static const struct line_events line_events = {
	.first_chunk = on_first_chunk,
	.stats = on_stats,
};

int open_line(struct session *s, unsigned worker)
{
	return line_open(&s->line, s->owner->config.workers, worker,
			 s->trunk->range, &line_events, s);
}

void line_address(const struct session *s, struct addr *out)
{
	*out = s->trunk->media;
	addr_set_port(out, line_rtp_port(s->line));
}

void set_line(struct session *s)
{
	struct bridge_ript ript;
	struct bridge_side side;

	if (!s->line)
		return;
	terms_bridge(&ript, s->sip_caller, &s->directives);
	line_set_ript(s->line, &ript);
	memset(&side, 0, sizeof(side));
	side.local = s->local;
	side.remote = s->remote;
	side.ready = s->remote.format_cnt > 0 && s->local.format_cnt > 0;
	line_set_sip(s->line, &side);
}

static void on_tick(void *arg);

static void start_tick(struct session *s)
{
	uint64_t ms = rtp_timeout_ms(s) / 8;

	if (!rtp_timeout_ms(s) || ms > TICK_MAX_MS)
		ms = TICK_MAX_MS;
	if (ms < TICK_MIN_MS)
		ms = TICK_MIN_MS;
	timer_start(&s->tick, s->owner->config.loop, ms, on_tick, s);
}

static void on_tick(void *arg)
{
	struct session *s = arg;

	if (!s->line)
		return;
	line_ask_stats(s->line);
	start_tick(s);
}

void start_talking(struct session *s)
{
	s->heard_ns = loop_now_ns(s->owner->config.loop);
	start_tick(s);
}

/* ---- silence ---- */

void probe(struct session *s)
{
	record_step(s->record, "no RTP from the phone for %llu ms: asking "
		    "with OPTIONS", (unsigned long long)rtp_timeout_ms(s));
	leg_alive(s->leg);
}

void back_to_talk(struct session *s)
{
	record_step(s->record, "the phone is there: the call goes on");
	s->heard_ns = loop_now_ns(s->owner->config.loop);
}

/* ---- the row ---- */

static const char *directives_text(const struct session *s,
				   struct json_object **jsonp)
{
	*jsonp = ript_directives_json(&s->directives);
	return json_object_to_json_string_ext(*jsonp, JSON_C_TO_STRING_PLAIN);
}

/* The terminal group of a call: its URI without "/calls/{uuid}". */
static void tg_uri(char *out, size_t size, const char *call_uri)
{
	const char *end = call_uri ? strstr(call_uri, "/calls/") : NULL;

	snprintf(out, size, "%.*s", end ? (int)(end - call_uri) : 0,
		 call_uri ? call_uri : "");
}

/* Where the peer is: its fixed address, else the authority of the call. */
static void ript_address(char *out, size_t size, const struct session *s,
			 const char *call_uri)
{
	const struct conf_peer *peer = s->peer->conf;
	const char *host = call_uri ? strstr(call_uri, "://") : NULL;
	char text[ADDR_TEXT_LEN];

	if (s->sip_caller && peer->address_cnt) {
		addr_print(text, &peer->address[0]);
		snprintf(out, size, "%s", text);
		return;
	}
	host = host ? host + 3 : "";
	snprintf(out, size, "%.*s", (int)strcspn(host, "/"), host);
}

static void fill_sip(const struct session *s, struct store_call *row)
{
	struct leg_info info;

	if (!s->leg)
		return;
	leg_info(s->leg, &info);
	row->sip_call_id = info.call_id;
	row->sip_local = info.local_uri;
	row->sip_remote = info.remote_uri;
	row->sip_target = info.target;
	row->sip_route = info.route;
	row->sip_local_sdp = info.local_sdp;
	row->sip_remote_sdp = info.remote_sdp;
	row->sip_local_cseq = info.local_cseq;
	row->sip_remote_cseq = info.remote_cseq;
}

static void on_row_stored(int err, const char *why, void *arg)
{
	struct session *s = arg;

	s->writes--;
	if (err)
		log_reason(s->log, LOG_ERROR,
			   reason_info(REASON_STORE_FAILED)->code,
			   "the call's row could not be written: %s", why);
	session_post(s, err ? EV_STORE_FAILED : EV_STORED);
}

void store_row(struct session *s)
{
	struct sessions *all = s->owner;
	struct json_object *directives = NULL;
	struct ript_call_info info;
	char tg[RIPT_URI_LEN], address[RIPT_URI_LEN];
	struct store_call row = {
		.id = s->id,
		.node = all->config.conf->node,
		.state = state_name(s->state),
		.ript_client = s->sip_caller,
		.from = s->route.caller,
		.to = s->route.called,
		.trunk = s->trunk->conf->name,
		.peer = s->peer->conf->name,
		.route = s->route.route ? s->route.route->name : "",
		.rtp_port = s->line ? line_rtp_port(s->line) : 0,
		.created_ms = s->created_ms,
	};

	ript_call_info(s->call, &info);
	row.ript_uri = info.uri;
	row.ript_handler = info.handler;
	row.ript_cookie = info.cookie;
	tg_uri(tg, sizeof(tg), info.uri);
	row.ript_tg = tg;
	ript_address(address, sizeof(address), s, info.uri);
	row.ript_address = address;
	row.ript_directives = directives_text(s, &directives);
	if (s->state == ST_OUT_STORING || s->state == ST_IN_ANSWERED)
		row.answered_ms = loop_wall_ms(all->config.loop);
	/* Our SDP is not sent yet: its dialog's other facts are there. */
	fill_sip(s, &row);
	s->writes++;
	store_put_call(all->config.store, &row, on_row_stored, s);
	json_object_put(directives);
}

/* ---- the end ---- */

/* For a SIP caller that was not answered. */
static int refusal_status(const struct session *s)
{
	int sip = s->cause.sip;

	return sip >= 300 && sip <= 699 ? sip
					: reason_info(s->cause.reason)->sip;
}

static void end_sip_side(struct session *s)
{
	const char *code = reason_info(s->cause.reason)->code;

	if (!s->leg)
		return;
	if (s->sip_caller && !s->answered_ms) {
		leg_refuse(s->leg, refusal_status(s), code,
			   s->cause.retry_after_s);
		return;
	}
	/* An ordinary end needs no code of ours. */
	leg_end(s->leg, s->cause.q850,
		s->cause.reason == REASON_ENDED ? NULL : code);
}

static void refuse_post(struct session *s)
{
	const struct reason_info *info = reason_info(s->cause.reason);
	struct ript_call *call = s->call;

	s->call = NULL;		/* refused is gone */
	record_ript(s->record, false, "%d %s", info->http, info->problem);
	ript_call_refuse(call, info->http, info->problem, s->cause.text,
			 s->cause.retry_after_s);
}

static void end_ript_side(struct session *s)
{
	struct ript_cause cause;

	if (!s->call)
		return;
	if (!s->sip_caller && !s->accepted) {
		refuse_post(s);
		return;
	}
	if (s->final)
		return;		/* closed() is on its way */
	cause_to_ript(&cause, &s->cause);
	if (!s->sip_caller && !s->answered_ms &&
	    s->cause.reason != REASON_ENDED) {
		enum ript_event_type event = cause_event_of(&s->cause);

		record_ript(s->record, false, "%s", ript_event_name(event));
		ript_call_state(s->call, event, &cause);
		return;
	}
	if (s->answered_ms && s->cause.reason == REASON_ENDED)
		cause.sip = 200;
	record_ript(s->record, false, "end");
	if (s->sip_caller)
		ript_call_end(s->call, RIPT_BY_CLIENT, &cause);
	else
		ript_call_end(s->call,
			      s->ended_by == RIPT_BY_PEER ? RIPT_BY_PEER
							  : RIPT_BY_SERVER,
			      &cause);
}

/* Tell each side that is still there, in its own words. */
void hang_up(struct session *s)
{
	if (s->cause.reason == REASON_NONE)
		session_cause(s, REASON_INTERNAL, "no reason was given");
	timer_stop(&s->tick);
	end_sip_side(s);
	end_ript_side(s);
	if (s->line)
		line_ask_stats(s->line);
	check_gone(s);
}

void end_setup_timeout(struct session *s)
{
	session_cause(s, REASON_SETUP_TIMEOUT, "no 201 in time");
	hang_up(s);
}

void end_no_answer(struct session *s)
{
	session_cause(s, REASON_NO_ANSWER, "No answer");
	hang_up(s);
}

void end_no_ack(struct session *s)
{
	session_cause(s, REASON_NO_ACK, "no ACK");
	hang_up(s);
}

void end_store_failed(struct session *s)
{
	session_cause(s, REASON_STORE_FAILED, "the row could not be written");
	s->cause.retry_after_s = 5;
	hang_up(s);
}

void end_duration(struct session *s)
{
	session_cause(s, REASON_CALL_DURATION, "the call's time is over");
	hang_up(s);
}

void end_silence(struct session *s)
{
	session_cause(s, REASON_RTP_TIMEOUT, "%s",
		      reason_info(REASON_RTP_TIMEOUT)->code);
	hang_up(s);
}

void end_internal(struct session *s)
{
	session_cause(s, REASON_INTERNAL, "an act did not finish");
	hang_up(s);
}

void refuse_change(struct session *s)
{
	record_step(s->record, "a change of the media was refused with 488");
	cause_count(REASON_CHANGE);
	if (s->leg)
		leg_refuse_change(s->leg, reason_info(REASON_CHANGE)->sip,
				  reason_info(REASON_CHANGE)->code);
}

void end_leg_again(struct session *s)
{
	if (s->leg)
		leg_end(s->leg, s->cause.q850, NULL);
}

void end_call_again(struct session *s)
{
	struct ript_cause cause;

	cause_to_ript(&cause, &s->cause);
	if (s->call && s->sip_caller)
		ript_call_end(s->call, RIPT_BY_CLIENT, &cause);
}

void check_gone(struct session *s)
{
	if (!s->leg && !s->call && !s->writes)
		session_post(s, EV_BOTH_GONE);
}

/* A side that never says goodbye: the call stays in sight until it does. */
void complain(struct session *s)
{
	log_error(s->log, "still open after its end:%s%s%s",
		  s->leg ? " SIP dialog" : "", s->call ? " RIPT call" : "",
		  s->writes ? " write" : "");
	line_close(&s->line);
	release_trunk(s);
	release_peer(s);
}

static const char *ended_by_text(const struct session *s)
{
	switch (s->ended_by) {
	case RIPT_BY_CLIENT:
		return "caller";
	case RIPT_BY_PEER:
		return "callee";
	case RIPT_BY_SERVER:
	case RIPT_BY_NONE:
		break;
	}
	return "server";
}

static void write_record(struct session *s)
{
	struct store_cdr cdr = {
		.node = s->owner->config.conf->node,
		.from = s->route.caller,
		.to = s->route.called,
		.trunk = s->trunk ? s->trunk->conf->name : "",
		.peer = s->peer ? s->peer->conf->name : "",
		.route = s->route.route ? s->route.route->name : "",
		.direction = s->sip_caller ? "sip-to-ript" : "ript-to-sip",
		.created_ms = s->created_ms,
		.ringing_ms = s->ringing_ms,
		.answered_ms = s->answered_ms,
		.ended_ms = s->ended_ms,
		.sip_status = s->answered_ms ? 200 : refusal_status(s),
		.q850 = s->cause.q850,
		.ended_by = ended_by_text(s),
		.reason = reason_info(s->cause.reason)->code,
		.packets_from_sip = s->stats.from_rtp.packets,
		.packets_from_ript = s->stats.from_ript.packets,
	};

	store_end_call(s->owner->config.store, s->id, &cdr);
}

void finish(struct session *s)
{
	const struct reason_info *info = reason_info(s->cause.reason);
	struct sessions *all = s->owner;

	timer_stop(&s->tick);
	line_close(&s->line);
	release_trunk(s);
	release_peer(s);
	s->ended_ms = loop_wall_ms(all->config.loop);
	tally_ended(s);
	if (s->answered_ms)
		all->answered--;
	else
		all->refused++;
	if (s->cause.reason != REASON_ENDED &&
	    s->cause.reason != REASON_CANCELLED) {
		cause_count(s->cause.reason);
		log_reason(s->log, LOG_WARN, info->code, "%s%s%s",
			   s->answered_ms ? "ended: " : "refused: ",
			   s->cause.text,
			   s->cause.text[0] ? "" : info->advice);
	}
	if (info->advice[0])
		record_step(s->record, "What to do: %s", info->advice);
	/* Who was never admitted costs no write. */
	if (s->attempted)
		write_record(s);
	session_publish(s);
	history_end(&s->record);
}
