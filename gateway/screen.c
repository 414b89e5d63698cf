/* SPDX-License-Identifier: MIT */
#include "gateway/screen.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ID_SHOWN 8		/* characters of a call ID */
#define LADDER_WIDTH 26		/* columns between two lines of a ladder */

/* ---- members ---- */

static struct json_object *member(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	if (json && json_object_is_type(json, json_type_object))
		json_object_object_get_ex(json, key, &value);
	return value;
}

static const char *text_of(struct json_object *json, const char *key)
{
	struct json_object *value = member(json, key);

	return value ? json_object_get_string(value) : "";
}

static int64_t number_of(struct json_object *json, const char *key)
{
	struct json_object *value = member(json, key);

	return value ? json_object_get_int64(value) : 0;
}

static double real_of(struct json_object *json, const char *key)
{
	struct json_object *value = member(json, key);

	return value ? json_object_get_double(value) : 0;
}

static bool flag_of(struct json_object *json, const char *key)
{
	struct json_object *value = member(json, key);

	return value && json_object_get_boolean(value);
}

static size_t count_of(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

/* ---- small pieces ---- */

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

/* "3 d 04:11", "1:04:11", "0:12" */
static void print_span(struct buf *out, int64_t s)
{
	if (s >= 86400)
		buf_printf(out, "%lld d %02lld:%02lld", (long long)(s / 86400),
			   (long long)(s % 86400 / 3600),
			   (long long)(s % 3600 / 60));
	else if (s >= 3600)
		buf_printf(out, "%lld:%02lld:%02lld", (long long)(s / 3600),
			   (long long)(s % 3600 / 60), (long long)(s % 60));
	else
		buf_printf(out, "%lld:%02lld", (long long)(s / 60),
			   (long long)(s % 60));
}

static void print_clock(struct buf *out, double ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&s, &tm);
	buf_printf(out, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min,
		   tm.tm_sec, (int)((int64_t)ms % 1000));
}

static void print_id(struct buf *out, struct json_object *json)
{
	buf_printf(out, "%.*s", ID_SHOWN, text_of(json, "id"));
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

/* ---- status ---- */

static void print_peers(struct buf *out, struct json_object *json)
{
	struct json_object *peers = member(json, "peers");
	const char *bound = text_of(json, "ript");

	buf_printf(out, "  RIPT        %s%s", bound[0] ? "on " : "client only",
		   bound);
	buf_printf(out, ", %lld worker%s\n",
		   (long long)number_of(json, "workers"),
		   plural(number_of(json, "workers")));
	for (size_t i = 0; i < count_of(peers); i++) {
		struct json_object *peer = json_object_array_get_idx(peers, i);
		int64_t groups = number_of(peer, "terminal_groups");

		buf_printf(out, "              %s (%s", text_of(peer, "name"),
			   text_of(peer, "role"));
		if (text_of(peer, "domain")[0])
			buf_printf(out, ", %s", text_of(peer, "domain"));
		buf_add_str(out, ")");
		if (!member(peer, "up"))
			buf_add_str(out, ": it calls us");
		else if (flag_of(peer, "up"))
			buf_printf(out, ": up, %lld terminal group%s",
				   (long long)groups, plural(groups));
		else
			buf_printf(out, ": DOWN, %s; look at its address, "
					"token and certificate",
				   or_dash(text_of(peer, "why")));
		if (member(peer, "limit"))
			buf_printf(out, ", %lld of %lld calls from it",
				   (long long)number_of(peer, "calls"),
				   (long long)number_of(peer, "limit"));
		buf_add_str(out, "\n");
	}
}

static void print_trunks(struct buf *out, struct json_object *json)
{
	struct json_object *trunks = member(json, "trunks");

	for (size_t i = 0; i < count_of(trunks); i++) {
		struct json_object *t = json_object_array_get_idx(trunks, i);

		buf_printf(out, "  %-12s%s (%s %s): ", i ? "" : "SIP",
			   text_of(t, "name"), text_of(t, "host"),
			   text_of(t, "transport"));
		if (!flag_of(t, "up"))
			buf_printf(out, "DOWN, %s; look at that host and the "
					"way to it",
				   or_dash(text_of(t, "why")));
		else if (member(t, "options_us"))
			buf_printf(out, "up, OPTIONS %.1f ms",
				   (double)number_of(t, "options_us") / 1000);
		else
			buf_add_str(out, "not asked yet");
		buf_printf(out, ", %lld of %lld calls\n",
			   (long long)number_of(t, "calls"),
			   (long long)number_of(t, "limit"));
	}
}

static void print_networks(struct buf *out, struct json_object *json)
{
	struct json_object *networks = member(json, "networks");

	for (size_t i = 0; i < count_of(networks); i++) {
		struct json_object *n = json_object_array_get_idx(networks, i);
		struct json_object *ports = member(n, "rtp_ports");

		buf_printf(out, "  %-12s%s: SIP on %s", i ? "" : "networks",
			   text_of(n, "name"), text_of(n, "sip"));
		if (text_of(n, "advertise")[0])
			buf_printf(out, " as %s", text_of(n, "advertise"));
		buf_printf(out, "; RTP port pairs %lld in use, %lld resting, "
				"%lld free\n",
			   (long long)number_of(ports, "used"),
			   (long long)number_of(ports, "resting"),
			   (long long)number_of(ports, "free"));
	}
}

static void print_store(struct buf *out, struct json_object *json)
{
	struct json_object *store = member(json, "store");
	int64_t failures = number_of(store, "failures");

	buf_printf(out, "  store       %s, ", text_of(store, "kind"));
	if (number_of(store, "p99_us"))
		buf_printf(out, "%.1f ms a write, p99 %.1f ms",
			   (double)number_of(store, "p50_us") / 1000,
			   (double)number_of(store, "p99_us") / 1000);
	else
		buf_add_str(out, "nothing written of late");
	if (failures)
		buf_printf(out, ", %lld write%s FAILED: look at the disk "
				"behind %s",
			   (long long)failures, plural(failures),
			   text_of(store, "file"));
	buf_add_str(out, "\n");
}

void screen_status(struct buf *out, struct json_object *json)
{
	struct json_object *calls = member(json, "calls");
	int64_t living = number_of(calls, "living");
	int64_t answered = number_of(calls, "answered");

	buf_printf(out, "riptide %s, node %s, up ", text_of(json, "version"),
		   text_of(json, "node"));
	print_span(out, number_of(json, "uptime_s"));
	buf_printf(out, ", %s\n", text_of(json, "state"));
	buf_printf(out, "  calls       %lld (%lld answered, %lld being set up), "
			"%.1f a second, peak %lld; %lld since start, %lld "
			"unanswered\n",
		   (long long)living, (long long)answered,
		   (long long)(living - answered), real_of(calls, "per_second"),
		   (long long)number_of(calls, "peak"),
		   (long long)number_of(calls, "begun"),
		   (long long)number_of(calls, "refused"));
	print_peers(out, json);
	print_trunks(out, json);
	print_networks(out, json);
	print_store(out, json);
}

/* ---- calls ---- */

static void print_age(struct buf *out, struct json_object *direction)
{
	if (member(direction, "last_ms_ago"))
		buf_printf(out, ", the last %.2f s ago",
			   (double)number_of(direction, "last_ms_ago") / 1000);
}

static void print_dropped(struct buf *out, struct json_object *direction)
{
	struct json_object *dropped = member(direction, "dropped");
	const char *before = ", dropped ";

	if (!dropped)
		return;
	json_object_object_foreach(dropped, name, count) {
		buf_printf(out, "%s%lld %s", before,
			   (long long)json_object_get_int64(count), name);
		before = ", ";
	}
}

static void print_media(struct buf *out, struct json_object *call)
{
	struct json_object *media = member(call, "media");
	struct json_object *rtp = member(media, "rtp");
	struct json_object *ript = member(media, "ript");

	if (!media || !number_of(media, "rtp_port"))
		return;
	buf_printf(out, "          RTP    %s at %s, negotiated %s, latched %s: "
			"%lld packets",
		   or_dash(text_of(media, "codec")),
		   text_of(media, "rtp_port"),
		   or_dash(text_of(media, "negotiated")),
		   or_dash(text_of(media, "latched")),
		   (long long)number_of(rtp, "packets"));
	print_age(out, rtp);
	print_dropped(out, rtp);
	buf_printf(out, "\n          RIPT   by %s: %lld packets, %lld lost",
		   text_of(media, "way"),
		   (long long)number_of(ript, "packets"),
		   (long long)number_of(ript, "lost"));
	print_age(out, ript);
	print_dropped(out, ript);
	buf_add_str(out, "\n");
}

/* From where to where, in the order of the call. */
static void print_way(struct buf *out, struct json_object *call)
{
	bool from_sip = strcmp(text_of(call, "direction"), "sip-to-ript") == 0;
	const char *trunk = or_dash(text_of(call, "trunk"));
	const char *peer = or_dash(text_of(call, "peer"));

	buf_printf(out, "%s -> %s  %s -> %s", or_dash(text_of(call, "from")),
		   or_dash(text_of(call, "to")), from_sip ? trunk : peer,
		   from_sip ? peer : trunk);
}

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void print_state(struct buf *out, struct json_object *call)
{
	int64_t answered = number_of(call, "answered_ms");
	int64_t ended = number_of(call, "ended_ms");
	int64_t end = ended ? ended : now_ms();

	buf_printf(out, "%s", text_of(call, "state"));
	if (answered) {
		buf_add_str(out, ended ? " after " : " ");
		print_span(out, end > answered ? (end - answered) / 1000 : 0);
	}
	if (text_of(call, "reason")[0] &&
	    strcmp(text_of(call, "reason"), "ended") != 0)
		buf_printf(out, ", reason %s", text_of(call, "reason"));
}

void screen_calls(struct buf *out, struct json_object *json)
{
	struct json_object *calls = member(json, "calls");

	if (!count_of(calls))
		buf_add_str(out, "no calls\n");
	for (size_t i = 0; i < count_of(calls); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);

		print_id(out, call);
		buf_add_str(out, "  ");
		print_way(out, call);
		buf_add_str(out, "  ");
		print_state(out, call);
		buf_add_str(out, "\n");
		print_media(out, call);
	}
}

/* ---- ladder ---- */

/* "|--INVITE---------->|": the text on an arrow that fills @width columns. */
static void print_arrow(struct buf *out, const char *text, bool right)
{
	char arrow[LADDER_WIDTH + 1];
	int room = LADDER_WIDTH - 4;
	int len = (int)strlen(text);

	if (len > room)
		len = room;
	memset(arrow, '-', LADDER_WIDTH);
	arrow[LADDER_WIDTH] = '\0';
	memcpy(arrow + 2, text, (size_t)len);
	if (right)
		arrow[LADDER_WIDTH - 1] = '>';
	else
		arrow[0] = '<';
	buf_add_str(out, arrow);
}

static void print_rung(struct buf *out, struct json_object *line)
{
	bool sip = strcmp(text_of(line, "protocol"), "sip") == 0;
	bool in = strcmp(text_of(line, "dir"), "in") == 0;
	const char *text = text_of(line, "message");

	buf_add_str(out, "  ");
	print_clock(out, real_of(line, "time_ms"));
	buf_add_str(out, "  |");
	if (sip)
		print_arrow(out, text, in);
	else
		buf_printf(out, "%*s", LADDER_WIDTH, "");
	buf_add_str(out, "|");
	if (!sip) {
		print_arrow(out, text, !in);
		buf_add_str(out, "|\n");
	} else {
		buf_printf(out, "%*s|\n", LADDER_WIDTH, "");
	}
}

static void print_head(struct buf *out, struct json_object *json)
{
	struct json_object *call = member(json, "call");

	print_id(out, json);
	buf_add_str(out, "  ");
	print_way(out, call);
	buf_add_str(out, "  ");
	print_state(out, call);
	buf_add_str(out, "\n");
}

void screen_ladder(struct buf *out, struct json_object *json)
{
	struct json_object *ladder = member(json, "ladder");
	struct json_object *call = member(json, "call");

	print_head(out, json);
	buf_printf(out, "%16s%-*s%-*s%s\n", "", LADDER_WIDTH + 1,
		   or_dash(text_of(call, "trunk")), LADDER_WIDTH + 1,
		   "riptide", or_dash(text_of(call, "peer")));
	for (size_t i = 0; i < count_of(ladder); i++)
		print_rung(out, json_object_array_get_idx(ladder, i));
}

/* ---- explain ---- */

static void print_verdict(struct buf *out, struct json_object *call)
{
	int64_t created = number_of(call, "created_ms");
	int64_t ended = number_of(call, "ended_ms");

	if (strcmp(text_of(call, "state"), "refused") != 0) {
		print_state(out, call);
		return;
	}
	buf_add_str(out, "refused");
	if (ended)
		buf_printf(out, " after %lld ms", (long long)(ended - created));
	if (number_of(call, "sip_status"))
		buf_printf(out, " with SIP %lld",
			   (long long)number_of(call, "sip_status"));
	buf_printf(out, ", reason %s", text_of(call, "reason"));
}

void screen_explain(struct buf *out, struct json_object *json)
{
	struct json_object *call = member(json, "call");
	struct json_object *steps = member(json, "steps");
	static const char advice[] = "What to do: ";

	print_id(out, json);
	buf_add_str(out, "  ");
	print_way(out, call);
	buf_add_str(out, "  ");
	print_verdict(out, call);
	buf_add_str(out, "\n");
	for (size_t i = 0; i < count_of(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		const char *text = text_of(step, "text");

		buf_add_str(out, "  ");
		if (strncmp(text, advice, strlen(advice)) != 0) {
			print_clock(out, real_of(step, "time_ms"));
			buf_add_str(out, "  ");
		}
		buf_printf(out, "%s\n", text);
	}
	print_media(out, call);
}

void screen_hangup(struct buf *out, struct json_object *json)
{
	print_id(out, json);
	buf_add_str(out, "  is being ended\n");
}
