/* SPDX-License-Identifier: MIT */
#include "riptcall/report.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"

void report_init(struct report *report, bool client, bool quiet)
{
	memset(report, 0, sizeof(*report));
	report->client = client;
	report->quiet = quiet;
	report->begun_ns = clock_mono_ns();
	report->events = json_object_new_array();
	report->by = "";
}

void report_free(struct report *report)
{
	free(report->result);
	free(report->reason);
	free(report->problem);
	free(report->call);
	free(report->from);
	free(report->to);
	json_object_put(report->events);
	free(report->media.why);
	memset(report, 0, sizeof(*report));
}

uint64_t report_ms(const struct report *report)
{
	uint64_t ms = (clock_mono_ns() - report->begun_ns) / NS_PER_MS;

	return ms ? ms : 1;
}

/* ---- what happens ---- */

void report_line(const struct report *report, const char *fmt, ...)
{
	uint64_t ms = report_ms(report);
	va_list ap;

	if (report->quiet)
		return;
	printf("%4u.%03u  ", (unsigned)(ms / 1000), (unsigned)(ms % 1000));
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static const char *by_name(enum ript_by by)
{
	static const char *const names[] = { "", "client", "peer", "server" };

	return (unsigned)by < 4 ? names[by] : "";
}

static void note_event(struct report *report, const char *type)
{
	struct json_object *event;

	if (json_object_array_length(report->events) >= REPORT_EVENTS)
		return;
	event = json_object_new_object();
	json_object_object_add(event, "ms", json_object_new_int64(
					(int64_t)report_ms(report)));
	json_object_object_add(event, "type", json_object_new_string(type));
	json_object_array_add(report->events, event);
}

static void note_time(struct report *report, enum ript_event_type type)
{
	uint64_t now = report_ms(report);

	if (type == RIPT_EV_ALERTING && !report->alerting_ms)
		report->alerting_ms = now;
	if (type == RIPT_EV_ANSWERED && !report->answered_ms)
		report->answered_ms = now;
	if (ript_event_final(type) && !report->ended_ms)
		report->ended_ms = now;
}

void report_event(struct report *report, const struct ript_event *event)
{
	const char *name = ript_event_name(event->type);

	note_event(report, name);
	note_time(report, event->type);
	if (event->has_cause)
		report->cause = event->cause;
	if (event->by != RIPT_BY_NONE)
		report->by = by_name(event->by);
	if (event->has_cause)
		report_line(report, "%s%s%s: %s (SIP %d, Q.850 %d)", name,
			    *by_name(event->by) ? " by " : "",
			    by_name(event->by), event->cause.text,
			    event->cause.sip, event->cause.q850);
	else if (event->type == RIPT_EV_MEDIA_PANIC)
		report_line(report, "%s: %llu chunks were dropped", name,
			    (unsigned long long)event->dropped);
	else
		report_line(report, "%s%s%s", name,
			    *by_name(event->by) ? " by " : "",
			    by_name(event->by));
}

void report_end(struct report *report, const char *result,
		const char *reason)
{
	if (report->result)
		return;
	report->result = xstrdup(result);
	report->reason = xstrdup(reason);
	report->ok = !reason;
	if (!report->ended_ms)
		report->ended_ms = report_ms(report);
}

static void keep(char **textp, const char *text)
{
	free(*textp);
	*textp = xstrdup(text);
}

void report_call(struct report *report, const struct ript_call *call)
{
	struct ript_call_info info;

	ript_call_info(call, &info);
	keep(&report->call, info.uri);
	keep(&report->from, info.from);
	keep(&report->to, info.to);
	if (info.directives) {
		report->client_codecs =
			ript_directive_codecs(&info.directives->client);
		report->server_codecs =
			ript_directive_codecs(&info.directives->server);
	}
}

void report_media(struct report *report, struct handset_result *result)
{
	report->media = *result;
	report->has_media = true;
	result->why = NULL;
	if (!report->media.why)
		return;
	fprintf(stderr, "riptcall: %s\n", report->media.why);
	report->ok = false;
	if (!report->reason)
		report->reason = xstrdup(report->media.why);
}

/* ---- the summary ---- */

static const char *way_name(enum byway_kind way)
{
	return way == BYWAY_WEBTRANSPORT ? "webtransport"
	       : way == BYWAY_HTTP	 ? "byway"
					 : "none";
}

/* Of the first codec of speech in @codecs. */
static const char *codec_of(uint32_t codecs)
{
	enum codec c;

	for (c = CODEC_PCMU; c < CODEC_OTHER; c++)
		if (codecs & 1u << c && codec_info(c)->audio)
			return codec_info(c)->name;
	return "none";
}

static void print_side(const char *name, const struct phone_stream *stream,
		       uint64_t bodies)
{
	printf("  %-9s %llu chunks of speech in %llu packets, digits %s, "
	       "%llu of comfort noise\n"
	       "            SHA-256 %s\n",
	       name, (unsigned long long)stream->speech,
	       (unsigned long long)bodies,
	       stream->digit_cnt ? stream->digit : "none",
	       (unsigned long long)stream->noise, stream->sha256);
}

static uint64_t all_bodies(const struct handset_bodies *bodies)
{
	return bodies->received[BYWAY_WEBTRANSPORT] +
	       bodies->received[BYWAY_HTTP];
}

static void print_media(const struct report *report)
{
	const struct handset_result *media = &report->media;
	const struct phone_report *phone = &media->phone;

	printf("  media     %s, %s out, %s in\n", way_name(media->bodies.way),
	       codec_of(report->client ? report->client_codecs
				       : report->server_codecs),
	       codec_of(report->client ? report->server_codecs
				       : report->client_codecs));
	print_side("sent", &phone->sent, media->bodies.sent);
	print_side("heard", &phone->heard, all_bodies(&media->bodies));
	printf("  lost      %llu on the way here, %llu on the way there\n"
	       "  acks      %llu sent, %llu received of %llu\n",
	       (unsigned long long)phone->heard.lost,
	       (unsigned long long)phone->loss.lost,
	       (unsigned long long)phone->acks_sent,
	       (unsigned long long)phone->acks_received,
	       (unsigned long long)phone->sent.chunks);
	if (phone->loss.acked)
		printf("  trip      %u ms there and back\n",
		       phone->loss.rtt_min_ms);
}

void report_print(struct report *report)
{
	if (report->reason)
		printf("\nThe call %s: %s\n",
		       report->result && strcmp(report->result, "refused") == 0
			       ? "was refused"
			       : "failed",
		       report->reason);
	else
		printf("\nThe call went as asked.\n");
	if (report->call)
		printf("  call      %s to %s\n            %s\n",
		       report->from, report->to, report->call);
	if (report->answered_ms)
		printf("  set-up    %llu ms, talked %llu ms\n",
		       (unsigned long long)report->answered_ms,
		       (unsigned long long)(report->ended_ms -
					    report->answered_ms));
	if (report->has_media)
		print_media(report);
	fflush(stdout);
}

/* ---- as JSON ---- */

static void add_text(struct json_object *json, const char *key,
		     const char *text)
{
	json_object_object_add(json, key,
			       text ? json_object_new_string(text) : NULL);
}

static void add_u64(struct json_object *json, const char *key, uint64_t value)
{
	json_object_object_add(json, key,
			       json_object_new_int64((int64_t)value));
}

/* NULL for what never happened. */
static void add_time(struct json_object *json, const char *key, uint64_t ms)
{
	json_object_object_add(
		json, key, ms ? json_object_new_int64((int64_t)ms) : NULL);
}

static struct json_object *side_json(const struct phone_stream *stream)
{
	struct json_object *json = json_object_new_object();
	struct json_object *lengths = json_object_new_array();
	unsigned i;

	for (i = 0; i < stream->digit_cnt; i++)
		json_object_array_add(lengths, json_object_new_int64(
						       stream->digit_ms[i]));
	add_u64(json, "chunks", stream->chunks);
	add_u64(json, "audio", stream->speech);
	add_u64(json, "octets", stream->octets);
	add_text(json, "sha256", stream->sha256);
	add_text(json, "codec", codec_info(stream->codec)->name);
	add_text(json, "digits", stream->digit);
	json_object_object_add(json, "digit_ms", lengths);
	add_u64(json, "cn", stream->noise);
	return json;
}

static void add_sent(struct json_object *json, const struct report *report)
{
	const struct phone_report *phone = &report->media.phone;
	struct json_object *sent = side_json(&phone->sent);

	add_u64(sent, "packets", report->media.bodies.sent);
	add_u64(sent, "dropped", phone->not_sent);
	add_u64(sent, "acks", phone->acks_sent);
	add_u64(sent, "acked", phone->loss.acked);
	add_u64(sent, "lost", phone->loss.lost);
	add_u64(sent, "round_trip_ms", phone->loss.rtt_min_ms);
	json_object_object_add(json, "sent", sent);
}

static void add_received(struct json_object *json,
			 const struct report *report)
{
	const struct handset_bodies *bodies = &report->media.bodies;
	const struct phone_report *phone = &report->media.phone;
	struct json_object *got = side_json(&phone->heard);
	struct json_object *fates = json_object_new_object();
	unsigned fate;

	add_u64(got, "packets", all_bodies(bodies));
	add_u64(got, "datagrams", bodies->received[BYWAY_WEBTRANSPORT]);
	add_u64(got, "http_bodies", bodies->received[BYWAY_HTTP]);
	add_u64(got, "most_in_body", bodies->media_most);
	add_u64(got, "lost", phone->heard.lost);
	add_u64(got, "duplicates", phone->heard.duplicates);
	add_u64(got, "acks", phone->acks_received);
	for (fate = 0; fate < FATE_CNT; fate++)
		if (phone->fate[fate])
			add_u64(fates,
				bridge_fate_name((enum bridge_fate)fate),
				phone->fate[fate]);
	json_object_object_add(got, "fates", fates);
	json_object_object_add(json, "received", got);
}

static struct json_object *cause_json(const struct ript_cause *cause)
{
	struct json_object *json;

	if (!cause->sip && !cause->q850 && !*cause->text)
		return NULL;
	json = json_object_new_object();
	add_u64(json, "sip", (uint64_t)cause->sip);
	add_u64(json, "q850", (uint64_t)cause->q850);
	add_text(json, "text", cause->text);
	return json;
}

struct json_object *report_json(struct report *report)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "ok",
			       json_object_new_boolean(report->ok));
	add_text(json, "result", report->result ? report->result : "failed");
	add_text(json, "reason", report->reason);
	add_text(json, "problem", report->problem);
	add_u64(json, "status", (uint64_t)report->status);
	add_text(json, "by", report->by);
	json_object_object_add(json, "cause", cause_json(&report->cause));
	add_text(json, "call", report->call);
	add_text(json, "from", report->from);
	add_text(json, "to", report->to);
	add_text(json, "way", way_name(report->media.bodies.way));
	add_text(json, "client_codec", codec_of(report->client_codecs));
	add_text(json, "server_codec", codec_of(report->server_codecs));
	add_time(json, "created_ms", report->created_ms);
	add_time(json, "alerting_ms", report->alerting_ms);
	add_time(json, "set_up_ms", report->answered_ms);
	add_time(json, "ended_ms", report->ended_ms);
	json_object_object_add(json, "events", json_object_get(report->events));
	if (report->has_media) {
		add_sent(json, report);
		add_received(json, report);
	}
	return json;
}
