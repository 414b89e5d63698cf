/* SPDX-License-Identifier: MIT */
/*
 * Calls through a gateway: POST calls with a PASSporT on our side, an INVITE
 * to our phones on the other.  Everything comes from the gateway's lab.json.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "bench/riptload.h"
#include "bench/uas.h"
#include "ript/call.h"
#include "ript/passport.h"
#include "ript/ript.h"

#define STEP 5		/* calls each 20 ms: 250 a second */
#define NUMBER_DIGITS 11
#define NUMBER_ROOM 64

struct one {
	struct lab_way *way;
	struct ript_call *call;
	unsigned index;
};

struct lab_way {
	struct bench *bench;
	struct json_object *lab;
	struct addr listen, sip_peer;
	const char *numbers, *origins;	/* the first pattern of each */
	struct passport_signer *signer;
	struct ript_peer **peer;
	char (*handler)[24];
	struct uas *uas;
	struct one *one;
	char from[NUMBER_ROOM];
	unsigned opened, closed;
	bool ending;
};

static const struct ript_peer_events peer_events;

/* ---- lab.json ---- */

static struct json_object *member(struct json_object *object,
				  const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value))
		bench_die("lab.json", name);
	return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
	return json_object_get_string(member(object, name));
}

static const char *pattern_of(struct json_object *lab, const char *name)
{
	struct json_object *list = member(lab, name);
	struct json_object *first = NULL;

	if (json_object_is_type(list, json_type_array))
		first = json_object_array_get_idx(list, 0);
	if (!first)
		bench_die("lab.json", name);
	return json_object_get_string(first);
}

static void read_lab(struct lab_way *way, const char *file)
{
	way->lab = json_object_from_file(file);
	if (!way->lab)
		bench_die(file, "not read");
	if (addr_parse(&way->listen, text_of(way->lab, "address")) != 0 ||
	    addr_parse(&way->sip_peer, text_of(way->lab, "sip_peer")) != 0)
		bench_die("lab.json", "address or sip_peer");
	way->numbers = pattern_of(way->lab, "numbers");
	way->origins = pattern_of(way->lab, "origins");
}

/* ---- numbers ---- */

/* A number of @pattern, "+1408*": its prefix and zeros, the last digits
 * being @index. */
static void number_of(char out[NUMBER_ROOM], const char *pattern,
		      unsigned index)
{
	char prefix[24];
	size_t len;

	snprintf(prefix, sizeof(prefix), "%s", pattern);
	len = strcspn(prefix, "*");
	prefix[len] = '\0';
	if (len + 4 > NUMBER_DIGITS + 1)
		bench_die("lab.json", "too few numbers for a load");
	snprintf(out, NUMBER_ROOM, "%s%0*u", prefix, (int)(NUMBER_DIGITS + 1 - len),
		 index);
}

static int index_of(const struct lab_way *way, const char *user)
{
	char number[NUMBER_ROOM];
	size_t len = strlen(user);
	unsigned index;

	if (len < 4)
		return -1;
	index = (unsigned)strtoul(user + len - 4, NULL, 10);
	if (index >= way->bench->calls)
		return -1;
	number_of(number, way->numbers, index);
	return strcmp(number, user) == 0 ? (int)index : -1;
}

/* ---- the phones' side ---- */

static uint16_t on_invite(const char *user, const struct addr *rtp, void *arg)
{
	struct lab_way *way = arg;
	int index = index_of(way, user);
	struct rtp_end *phone;

	if (index < 0)
		return 0;
	phone = &way->bench->phone[index];
	if (!phone->watch &&
	    rtp_end_join(phone, way->bench->loop, way->bench->load, rtp) != 0)
		bench_die("connect", strerror(errno));
	return addr_port(&phone->local);
}

static void on_confirmed(const char *user, void *arg)
{
	(void)user;
	(void)arg;
}

static const struct uas_handlers uas_handlers = { on_invite, on_confirmed,
						  on_confirmed };

/* ---- RIPT's side ---- */

static void on_event(struct ript_call *call, const struct ript_event *ev,
		     void *arg)
{
	struct one *one = arg;
	struct ript_call_info info;

	if (ev->type != RIPT_EV_ANSWERED)
		return;
	ript_call_info(call, &info);
	one->way->bench->end[one->index].byway_id = info.byway;
}

static void on_closed(struct ript_call *call, const char *reason,
		      const struct ript_refusal *refusal, void *arg)
{
	struct one *one = arg;

	(void)call;
	if (!one->way->ending) {
		fprintf(stderr, "riptload: call %u: %s %d %s\n", one->index,
			reason, refusal ? refusal->status : 0,
			refusal ? refusal->problem : "");
		exit(1);
	}
	one->call = NULL;
	one->way->closed++;
}

static const struct ript_call_handlers call_handlers = {
	.event = on_event,
	.closed = on_closed,
};

static int open_call(struct lab_way *way, unsigned index)
{
	struct bench *bench = way->bench;
	struct one *one = &way->one[index];
	struct ript_call_open params = {
		.codecs = 1u << CODEC_PCMU | 1u << CODEC_CN |
			  1u << CODEC_TELEPHONE_EVENT,
		.hops = 10,
		.handlers = &call_handlers,
		.arg = one,
	};
	char to[NUMBER_ROOM], *passport;
	int err;

	number_of(to, way->numbers, index);
	err = passport_sign(&passport, way->signer, way->from, to,
			    loop_wall_ms(bench->loop));
	if (err)
		bench_die("passport", strerror(err));
	one->way = way;
	one->index = index;
	params.destination = to;
	params.passport = passport;
	err = ript_call_open(&one->call,
			     way->peer[index % bench->connections], &params);
	free(passport);
	return err;
}

static void step(struct bench *bench)
{
	struct lab_way *way = bench->data;
	unsigned i, count = 0;
	int err;

	for (i = 0; i < bench->connections; i++)
		if (!ript_peer_usable(way->peer[i]))
			return;
	while (way->opened < bench->calls && count < STEP) {
		err = open_call(way, way->opened);
		if (err == EBUSY || err == ENOTCONN)
			return;		/* a little later */
		if (err)
			bench_die("call", strerror(err));
		way->opened++;
		count++;
	}
}

/* ---- life ---- */

static void open_peers(struct lab_way *way)
{
	struct bench *bench = way->bench;
	struct ript_peer_config config = {
		.name = "lab",
		.net = bench->client.net,
		.loop = bench->loop,
		.authority = text_of(way->lab, "authority"),
		.addr = bench->to.len ? &bench->to : &way->listen,
		.ca_file = text_of(way->lab, "ca"),
		.token = text_of(way->lab, "token"),
		.webtransport = true,
	};
	unsigned i;

	way->peer = xcalloc(bench->connections, sizeof(*way->peer));
	way->handler = xcalloc(bench->connections, sizeof(*way->handler));
	for (i = 0; i < bench->connections; i++) {
		snprintf(way->handler[i], sizeof(way->handler[i]), "load-%u",
			 i);
		config.handler_id = way->handler[i];
		if (ript_peer_new(&way->peer[i], &config, &peer_events,
				  NULL) != 0)
			bench_die("peer", "not made");
	}
}

static void begin(struct bench *bench)
{
	struct lab_way *way = xzalloc(sizeof(*way));
	struct json_object *stir;
	char *why = NULL;
	int err;

	bench->data = way;
	way->bench = bench;
	read_lab(way, bench->lab);
	stir = member(way->lab, "stir");
	if (passport_signer_new(&way->signer, text_of(stir, "key"),
				text_of(stir, "cert"), text_of(stir, "x5u"),
				&why) != 0)
		bench_die(bench->lab, why);
	number_of(way->from, way->origins, 1);
	err = uas_open(&way->uas, bench->loop, &way->sip_peer,
		       &uas_handlers, way);
	if (err)
		bench_die("SIP socket", strerror(err));
	way->one = xcalloc(bench->calls, sizeof(*way->one));
	open_peers(way);
}

static void end(struct bench *bench)
{
	struct lab_way *way = bench->data;
	struct ript_cause cause = { .sip = 200, .q850 = 16,
				    .text = "Normal call clearing" };
	unsigned i;

	way->ending = true;
	for (i = 0; i < bench->calls; i++)
		if (way->one[i].call)
			ript_call_end(way->one[i].call, RIPT_BY_CLIENT,
				      &cause);
}

static void finish(struct bench *bench)
{
	struct lab_way *way = bench->data;
	unsigned i;

	for (i = 0; i < bench->connections; i++)
		ript_peer_free(&way->peer[i]);
	uas_close(&way->uas);
	passport_signer_free(&way->signer);
	json_object_put(way->lab);
	free(way->peer);
	free(way->handler);
	free(way->one);
	free(way);
}

const struct way way_lab = { "riptide", begin, step, end, finish };
