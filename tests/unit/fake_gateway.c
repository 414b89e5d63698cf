/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/metric.h"
#include "gateway/history.h"
#include "gateway/worker.h"
#include "ript/worker.h"
#include "tests/unit/unit.h"

struct fake fake;

/* ---- trace ---- */

static void deed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void deed(const char *fmt, ...)
{
	size_t len = strlen(fake.trace);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.trace + len, sizeof(fake.trace) - len, fmt, ap);
	va_end(ap);
	len = strlen(fake.trace);
	snprintf(fake.trace + len, sizeof(fake.trace) - len, "\n");
}

void fake_clear(void)
{
	fake.trace[0] = '\0';
}

void fake_expect(const char *words)
{
	char copy[512], *word, *save = NULL;
	const char *at = fake.trace;

	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, "|", &save); word;
	     word = strtok_r(NULL, "|", &save)) {
		at = strstr(at, word);
		if (!at)
			fail_msg("'%s' of '%s' not in:\n%s", word, words,
				 fake.trace);
		at += strlen(word);
	}
}

/* ---- time ---- */

void fake_advance(uint64_t ms)
{
	uint64_t end = fake.now_ns + ms * NS_PER_MS;

	while (fake.now_ns < end) {
		uint64_t step = end - fake.now_ns;

		/* Fine steps where timers are short, coarse ones in hours. */
		if (step > 50 * NS_PER_MS && ms < 100000)
			step = 50 * NS_PER_MS;
		else if (step > NS_PER_S)
			step = NS_PER_S;
		fake.now_ns += step;
		loop_turn(fake.loop, fake.now_ns);
	}
	if (!ms)
		loop_turn(fake.loop, fake.now_ns);
}

static uint64_t fake_us(void)
{
	return fake.now_ns / 1000;
}

/* ---- start and stop ---- */

static void join_trunks(void)
{
	for (unsigned i = 0; i < fake.conf->trunk_cnt; i++) {
		struct gw_trunk *trunk = &fake.trunks[i];

		fake.trunk[i].name = fake.conf->trunk[i].name;
		trunk->conf = &fake.conf->trunk[i];
		trunk->trunk = &fake.trunk[i];
		/* Ranges are told apart, and never looked into. */
		trunk->range = (void *)trunk->conf->network;
		assert_int_equal(addr_parse(&trunk->media, "198.51.100.1"), 0);
		trunk->up = true;
		admit_init(&trunk->admit, trunk->conf->calls,
			   trunk->conf->calls_per_second);
	}
}

static void join_peers(void)
{
	for (unsigned i = 0; i < fake.conf->peer_cnt; i++) {
		struct gw_peer *peer = &fake.peers[i];

		peer->conf = &fake.conf->peer[i];
		fake.peer[i].name = peer->conf->name;
		fake.tg[i].peer = peer->conf->name;
		if (peer->conf->domain) {
			peer->ript = &fake.peer[i];
			peer->signer = (void *)&fake.peer[i];
		}
		if (peer->conf->accepts)
			peer->tg = &fake.tg[i];
		admit_init(&peer->admit, peer->conf->calls,
			   peer->conf->calls_per_second);
	}
}

void fake_start(const char *yaml)
{
	struct conf_problems problems;
	struct sessions_config config;

	memset(&fake, 0, sizeof(fake));
	fake.now_ns = UINT64_C(1000) * NS_PER_S;
	fake.loop = loop_new_virtual(fake.now_ns, 1581103341120);
	if (conf_load_text(&fake.conf, "test.yaml", yaml, strlen(yaml), false,
			   &problems))
		fail_msg("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	fake.history = history_new(HISTORY_KEEP, fake_us);
	join_trunks();
	join_peers();
	config = (struct sessions_config){
		.conf = fake.conf,
		.loop = fake.loop,
		.history = fake.history,
		.trunk = fake.trunks,
		.peer = fake.peers,
	};
	fake.sessions = sessions_new(&config);
	sessions_set_phase(fake.sessions, PHASE_READY);
}

void fake_stop(void)
{
	/* What a failed test has left. */
	for (unsigned i = 0; i < 8 && fake.sessions->list.count; i++) {
		sessions_hangup_all(fake.sessions, REASON_SHUTDOWN);
		fake_settle();
	}
	sessions_free(&fake.sessions);
	history_free(&fake.history);
	conf_free(&fake.conf);
	loop_turn(fake.loop, fake.now_ns);
	loop_free(&fake.loop);
}

/* ---- sip/leg ---- */

static struct leg *new_leg(unsigned trunk, bool in)
{
	struct leg *leg;

	assert_true(fake.leg_cnt < FAKES);
	leg = &fake.leg[fake.leg_cnt++];
	leg->living = true;
	leg->in = in;
	leg->trunk = &fake.trunk[trunk];
	snprintf(leg->call_id, sizeof(leg->call_id), "sip-%u", fake.leg_cnt);
	return leg;
}

void leg_info(const struct leg *leg, struct leg_info *out)
{
	*out = leg->info;
	out->call_id = leg->call_id;
	out->from = leg->from;
	out->to = leg->to;
	out->pai = leg->pai[0] ? leg->pai : NULL;
	out->identity = leg->identity[0] ? leg->identity : NULL;
	out->max_forwards = leg->max_forwards;
	out->trunk = leg->trunk;
	addr_parse(&out->peer, "10.0.0.5:5060");
	out->offer = leg->in && leg->offer.format_cnt ? &leg->offer : NULL;
	out->local_uri = "<sip:us@gw>;tag=1";
	out->remote_uri = "<sip:them@pbx>;tag=2";
	out->target = "sip:them@10.0.0.5";
	out->route = "<sip:proxy;lr>";
	out->local_cseq = 7;
	out->remote_cseq = 8;
	out->local_sdp = "v=0 ours";
	out->remote_sdp = "v=0 theirs";
}

struct trunk *leg_trunk(const struct leg *leg)
{
	return leg->trunk;
}

const char *trunk_name(const struct trunk *trunk)
{
	return trunk->name;
}

void leg_handle(struct leg *leg, const struct leg_handlers *handlers,
		void *arg)
{
	leg->handlers = handlers;
	leg->arg = arg;
}

int leg_call(struct leg **legp, struct siproot *root, struct trunk *trunk,
	     const struct leg_call *params)
{
	struct leg *leg;

	(void)root;
	deed("leg.call %s %s", trunk->name, params->to);
	if (trunk->call_err)
		return trunk->call_err;
	leg = new_leg((unsigned)(trunk - fake.trunk), false);
	snprintf(leg->to, sizeof(leg->to), "%s", params->to);
	snprintf(leg->from, sizeof(leg->from), "%s", params->from);
	snprintf(leg->identity, sizeof(leg->identity), "%s",
		 params->identity ? params->identity : "");
	leg->max_forwards = params->max_forwards;
	leg->offer = *params->offer;
	leg->handlers = params->handlers;
	leg->arg = params->arg;
	*legp = leg;
	return 0;
}

void leg_ack(struct leg *leg, const struct media_desc *answer)
{
	(void)leg;
	(void)answer;
	deed("leg.ack");
}

void leg_progress(struct leg *leg, int status, const struct media_desc *desc)
{
	assert_true(leg->living && leg->in && !leg->answered);
	deed("leg.progress %d%s", status, desc ? " sdp" : "");
	if (desc)
		leg->said = *desc;
	leg->progress[leg->progress_cnt++ % 8] = status;
}

void leg_answer(struct leg *leg, const struct media_desc *desc)
{
	assert_true(leg->living && leg->in && !leg->answered);
	deed("leg.answer");
	leg->said = *desc;
	leg->answered = true;
}

void leg_refuse(struct leg *leg, int status, const char *code,
		unsigned retry_after_s)
{
	assert_true(leg->living && leg->in && !leg->answered);
	deed("leg.refuse %d %s", status, code);
	leg->refused = status;
	leg->retry_after_s = retry_after_s;
	snprintf(leg->code, sizeof(leg->code), "%s", code);
	leg->ended = true;
}

void leg_refuse_change(struct leg *leg, int status, const char *code)
{
	deed("leg.refuse_change %d %s", status, code);
	leg->changes_refused++;
}

void leg_alive(struct leg *leg)
{
	deed("leg.alive");
	leg->asked_alive++;
}

void leg_end(struct leg *leg, int q850, const char *code)
{
	assert_true(leg->living);
	deed("leg.end %d %s", q850, code ? code : "-");
	leg->ended = true;
	leg->ends++;
	leg->q850 = q850;
	snprintf(leg->code, sizeof(leg->code), "%s", code ? code : "");
}

struct leg *fake_invite(unsigned trunk, const char *from, const char *to,
			bool offer)
{
	struct leg *leg = new_leg(trunk, true);

	snprintf(leg->from, sizeof(leg->from), "%s", from);
	snprintf(leg->to, sizeof(leg->to), "%s", to);
	leg->max_forwards = 70;
	if (offer)
		leg->offer = fake_desc(1u << CODEC_PCMU | 1u << CODEC_PCMA |
				       1u << CODEC_TELEPHONE_EVENT |
				       1u << CODEC_CN);
	return leg;
}

void fake_leg_progress(struct leg *leg, int status, bool sdp)
{
	struct media_desc early = fake_desc(1u << CODEC_PCMU);

	leg->handlers->progress(leg, status, sdp ? &early : NULL, leg->arg);
}

void fake_leg_answered(struct leg *leg, uint32_t codecs)
{
	struct media_desc answer = fake_desc(codecs);

	leg->handlers->answered(leg, &answer, false, leg->arg);
}

void fake_leg_ended(struct leg *leg, int status, bool by_peer)
{
	struct leg_cause cause = { .status = status };

	leg->living = false;
	leg->handlers->ended(leg, &cause, by_peer, leg->arg);
}

/* ---- ript/call ---- */

static struct ript_call *new_call(bool client)
{
	struct ript_call *call;
	char uuid[UUID_LEN + 1];

	assert_true(fake.call_cnt < FAKES);
	call = &fake.call[fake.call_cnt++];
	call->living = true;
	call->client = client;
	uuid_make(uuid);
	memcpy(call->uuid, uuid, sizeof(uuid));
	snprintf(call->uri, sizeof(call->uri),
		 "https://comcast.example/.well-known/ript/v1/providertgs/123"
		 "/calls/%s", uuid);
	return call;
}

void ript_call_info(const struct ript_call *call, struct ript_call_info *out)
{
	memset(out, 0, sizeof(*out));
	out->uuid = call->uuid;
	out->uri = call->uri;
	out->tg = call->info.tg;
	out->from = call->from;
	out->to = call->destination;
	out->destination = call->destination;
	out->passport = call->passport;
	out->handler = "https://comcast.example/handlers/abc";
	out->advert = &call->advert;
	out->directives = call->accepted ? &call->directives : NULL;
	out->hops = call->info.hops;
	out->client = call->client;
	out->worker = 1;
	out->byway = call->accepted ? 42 : 0;
	out->cookie = "node=7";
}

int ript_call_open(struct ript_call **callp, struct ript_peer *peer,
		   const struct ript_call_open *params)
{
	struct ript_call *call;

	deed("call.open %s %s hops %d", peer->name, params->destination,
	     params->hops);
	if (peer->open_err)
		return peer->open_err;
	call = new_call(true);
	call->peer = peer;
	call->handlers = params->handlers;
	call->arg = params->arg;
	call->codecs = params->codecs;
	call->info.hops = params->hops;
	snprintf(call->destination, sizeof(call->destination), "%s",
		 params->destination);
	snprintf(call->passport, sizeof(call->passport), "%s",
		 params->passport);
	*callp = call;
	return 0;
}

int ript_call_accept(struct ript_call *call,
		     const struct ript_directives *directives,
		     const struct ript_call_handlers *handlers, void *arg)
{
	deed("call.accept");
	if (call->accept_err)
		return call->accept_err;
	call->handlers = handlers;
	call->arg = arg;
	call->accepted = true;
	call->directives = *directives;
	return 0;
}

void ript_call_refuse(struct ript_call *call, int status, const char *name,
		      const char *detail, unsigned retry_after_s)
{
	assert_true(call->living && !call->accepted);
	deed("call.refuse %d %s", status, name);
	call->living = false;
	call->refused = true;
	call->status = status;
	call->retry_after_s = retry_after_s;
	snprintf(call->problem, sizeof(call->problem), "%s", name);
	snprintf(call->detail, sizeof(call->detail), "%s", detail);
}

void ript_call_state(struct ript_call *call, enum ript_event_type type,
		     const struct ript_cause *cause)
{
	assert_true(call->living && !call->client && call->accepted);
	deed("call.state %s", ript_event_name(type));
	call->state = type;
	if (cause)
		call->cause = *cause;
	if (ript_event_final(type))
		call->ended = true;
}

void ript_call_direct(struct ript_call *call,
		      const struct ript_directives *directives,
		      const char *reason)
{
	assert_true(call->living && !call->client);
	deed("call.direct %s", reason);
	call->directives = *directives;
	call->directs++;
}

void ript_call_end(struct ript_call *call, enum ript_by by,
		   const struct ript_cause *cause)
{
	assert_true(call->living);
	deed("call.end");
	call->by = by;
	call->cause = *cause;
	call->ended = true;
}

unsigned ript_peer_retry_after(const struct ript_peer *peer)
{
	return peer->retry_after_s;
}

unsigned ript_net_least_loaded(const struct exchange_net *net)
{
	(void)net;
	return fake.least_loaded;
}

int passport_sign(char **jwsp, const struct passport_signer *signer,
		  const char *orig, const char *dest, uint64_t now_ms)
{
	(void)signer;
	(void)now_ms;
	deed("sign %s %s", orig, dest);
	if (fake.sign_refuses)
		return EACCES;
	*jwsp = xasprintf("aGVhZA.%s.c2ln", orig + 1);
	return 0;
}

struct ript_call *fake_post(unsigned peer, const char *from, const char *to,
			    uint32_t codecs)
{
	struct ript_call *call = new_call(false);

	call->info.tg = &fake.tg[peer];
	call->info.hops = -1;
	snprintf(call->from, sizeof(call->from), "%s", from);
	snprintf(call->destination, sizeof(call->destination), "%s", to);
	snprintf(call->passport, sizeof(call->passport), "%s",
		 /* {"x5u":"https://certs.example/1.pem"} */
		 "eyJ4NXUiOiJodHRwczovL2NlcnRzLmV4YW1wbGUvMS5wZW0ifQ.e30.c2ln");
	ript_advert_voice(&call->advert, codecs, 0);
	return call;
}

void fake_directives(struct ript_directives *out, uint32_t codecs)
{
	struct ript_advert voice;
	static const enum codec prefer[] = { CODEC_PCMU, CODEC_PCMA,
					     CODEC_NONE };

	ript_advert_voice(&voice, codecs, 0);
	ript_directives_make(out, &voice, &voice, prefer);
}

void fake_accept(struct ript_call *call, uint32_t codecs)
{
	call->accepted = true;
	fake_directives(&call->directives, codecs);
	call->handlers->accepted(call, call->arg);
}

void fake_event(struct ript_call *call, enum ript_event_type type, int sip,
		const char *text)
{
	struct ript_event ev = { .type = type, .by = RIPT_BY_PEER };

	ev.cause.sip = sip;
	snprintf(ev.cause.text, sizeof(ev.cause.text), "%s", text ? text : "");
	ev.has_cause = sip != 0;
	if (ript_event_final(type))
		call->ended = true;
	call->handlers->event(call, &ev, call->arg);
}

void fake_close(struct ript_call *call, const char *reason, int status,
		const char *problem)
{
	struct ript_refusal refusal = {
		.status = status,
		.problem = problem,
		.detail = "",
		.retry_after_s = status == 503 ? 7 : 0,
	};

	call->living = false;
	call->handlers->closed(call, reason, status ? &refusal : NULL,
			       call->arg);
}

/* ---- gateway/worker ---- */

int line_open(struct line **linep, struct workers *workers, unsigned worker,
	      struct rtp_range *range, const struct line_events *events,
	      void *arg)
{
	struct line *line;

	(void)workers;
	(void)range;
	if (fake.no_ports)
		return ENOSPC;
	assert_true(fake.line_cnt < FAKES);
	line = &fake.line[fake.line_cnt++];
	line->open = true;
	line->events.first_chunk = events->first_chunk;
	line->events.stats = events->stats;
	line->arg = arg;
	line->worker = worker;
	line->port = (uint16_t)(10000 + 2 * fake.line_cnt);
	fake.lines_open++;
	deed("line.open");
	*linep = line;
	return 0;
}

uint16_t line_rtp_port(const struct line *line)
{
	return line->port;
}

void line_bind(struct line *line, uint64_t byway_id)
{
	assert_int_equal(line->bound, 0);
	assert_int_equal(byway_id, 42);
	deed("line.bind");
	line->bound = byway_id;
}

void line_set_sip(struct line *line, const struct bridge_side *side)
{
	line->side = *side;
	if (side->ready)
		deed("line.sip");
}

void line_set_ript(struct line *line, const struct bridge_ript *ript)
{
	line->ript = *ript;
}

void line_ask_stats(struct line *line)
{
	line->asked++;
}

void line_close(struct line **linep)
{
	if (!*linep)
		return;
	assert_true((*linep)->open);
	(*linep)->open = false;
	fake.lines_open--;
	deed("line.close");
	*linep = NULL;
}

/* ---- store ---- */

static const char *keep(unsigned slot, const char *text)
{
	snprintf(fake.row_text[slot], sizeof(fake.row_text[slot]), "%s",
		 text ? text : "");
	return fake.row_text[slot];
}

void store_put_call(struct store *store, const struct store_call *call,
		    store_done_h *done, void *arg)
{
	struct store_call *row = &fake.row;

	(void)store;
	deed("store.put");
	*row = *call;
	row->id = keep(0, call->id);
	row->ript_uri = keep(1, call->ript_uri);
	row->ript_tg = keep(2, call->ript_tg);
	row->ript_address = keep(3, call->ript_address);
	row->ript_cookie = keep(4, call->ript_cookie);
	row->ript_handler = keep(5, call->ript_handler);
	row->ript_directives = keep(6, call->ript_directives);
	row->sip_call_id = keep(7, call->sip_call_id);
	row->sip_local = keep(8, call->sip_local);
	row->sip_remote = keep(9, call->sip_remote);
	row->sip_target = keep(10, call->sip_target);
	row->sip_route = keep(11, call->sip_route);
	row->sip_remote_sdp = keep(12, call->sip_remote_sdp);
	assert_true(fake.write_cnt < FAKES);
	fake.write[fake.write_cnt++] = (struct fake_write){ done, arg };
	fake.rows++;
}

void store_end_call(struct store *store, const char *id,
		    const struct store_cdr *cdr)
{
	(void)store;
	assert_int_equal(strlen(id), UUID_LEN);
	deed("store.end %s", cdr->reason);
	fake.record = *cdr;
	snprintf(fake.record_reason, sizeof(fake.record_reason), "%s",
		 cdr->reason);
	snprintf(fake.record_by, sizeof(fake.record_by), "%s", cdr->ended_by);
	fake.rows = 0;
	fake.records++;
}

void fake_store_ack(int err)
{
	unsigned count = fake.write_cnt;
	struct fake_write write[FAKES];

	memcpy(write, fake.write, sizeof(write));
	fake.write_cnt = 0;
	for (unsigned i = 0; i < count; i++)
		write[i].done(err, err ? "disk" : "", write[i].arg);
}

/* ---- all together ---- */

void fake_settle(void)
{
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < fake.leg_cnt; i++) {
			struct leg *leg = &fake.leg[i];

			if (leg->living && leg->ended)
				fake_leg_ended(leg, leg->refused, false);
		}
		for (unsigned i = 0; i < fake.call_cnt; i++) {
			struct ript_call *call = &fake.call[i];

			if (call->living && call->ended)
				fake_close(call, "ended", 0, NULL);
		}
		fake_store_ack(0);
		fake_advance(0);
	}
}

struct leg *fake_leg(void)
{
	assert_true(fake.leg_cnt > 0);
	return &fake.leg[fake.leg_cnt - 1];
}

struct ript_call *fake_call(void)
{
	assert_true(fake.call_cnt > 0);
	return &fake.call[fake.call_cnt - 1];
}

struct line *fake_line(void)
{
	assert_true(fake.line_cnt > 0);
	return &fake.line[fake.line_cnt - 1];
}

struct session *fake_session(void)
{
	struct le *le = fake.sessions->list.tail;

	return le ? list_entry(le, struct session, le) : NULL;
}

struct media_desc fake_desc(uint32_t codecs)
{
	struct media_desc desc = { .dir = MEDIA_SENDRECV, .ptime_ms = 20 };

	for (int codec = CODEC_PCMU; codec < CODEC_CNT; codec++) {
		struct media_format *format = &desc.format[desc.format_cnt];
		const struct codec_info *info = codec_info((enum codec)codec);

		if (!(codecs & 1u << codec))
			continue;
		format->codec = (enum codec)codec;
		format->pt = info->rtp_pt >= 0 ? (uint8_t)info->rtp_pt : 96;
		format->channels = 1;
		format->clock_hz = info->clock_hz;
		desc.format_cnt++;
	}
	addr_parse(&desc.rtp, "192.0.2.9:4000");
	addr_parse(&desc.rtcp, "192.0.2.9:4001");
	return desc;
}

/* ---- the gateway that most tests have ---- */

#define HASH \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const char usual[] =
	"node: gw1\n"
	"ript: {listen: \"127.0.0.1:1\", authority: gw.example,"
	" certificate: c, key: k}\n"
	"networks:\n"
	"  lan: {address: 10.0.0.2}\n"
	"  wan: {address: 192.0.2.2}\n"
	"trunks:\n"
	"  pbx:\n"
	"    network: lan\n"
	"    hosts: 10.0.0.5\n"
	"    no-answer: 30s\n"
	"    rtp-timeout: 60s\n"
	"    limits: {call-duration: 1h, calls-per-second: 1000}\n"
	"  pbx2:\n"
	"    network: wan\n"
	"    hosts: 192.0.2.5\n"
	"    limits: {calls: 1, calls-per-second: 10}\n"
	"peers:\n"
	"  comcast:\n"
	"    domain: comcast.example\n"
	"    token: t\n"
	"    signing: {key: k, cert: c, x5u: \"https://gw.example/a.pem\"}\n"
	"    accept:\n"
	"      token-hash: " HASH "\n"
	"      numbers: {allow: [+1408555*]}\n"
	"      passport: {roots: r,"
	" x5u: {\"https://gw.example/a.pem\": a.pem}}\n"
	"      limits: {calls-per-second: 1000}\n"
	"  other: {domain: other.example, token: t, signing:"
	" {key: k, cert: c, x5u: \"https://gw.example/a.pem\"}}\n"
	"routes:\n"
	"  - {name: emergency, from: pbx, to: [\"911\"], refuse: 503}\n"
	"  - {name: premium, from: pbx, to: [\"+1900*\"], refuse: 403}\n"
	"  - {name: abroad, from: pbx, to: [\"+44*\"], via: [comcast, other],"
	" on-failure: 502}\n"
	"  - {name: outward, from: pbx, to: [\"+1*\"], via: [comcast]}\n"
	"  - {name: outward2, from: pbx2, to: [\"+1*\"], via: [comcast]}\n"
	"  - {name: barred, from: comcast, to: [\"+14085551666\"],"
	" refuse: 403}\n"
	"  - {name: inward, from: comcast, to: [\"+14085551000\"],"
	" via: [pbx]}\n"
	"  - {name: both, from: comcast, to: [\"+14085552*\"],"
	" via: [pbx, pbx2]}\n";

static void unheard(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

int fake_setup(void **state)
{
	(void)state;
	log_capture(unheard, NULL);
	fake_start(usual);
	return 0;
}

int fake_teardown(void **state)
{
	(void)state;
	fake_stop();
	metric_reset();
	log_capture(NULL, NULL);
	return 0;
}

void fake_all_free(void)
{
	assert_int_equal(fake.sessions->list.count, 0);
	assert_int_equal(fake.lines_open, 0);
	assert_int_equal(fake.write_cnt, 0);
	assert_int_equal(fake.rows, 0);
	for (unsigned i = 0; i < fake.conf->trunk_cnt; i++)
		assert_int_equal(fake.trunks[i].admit.living, 0);
	for (unsigned i = 0; i < fake.conf->peer_cnt; i++)
		assert_int_equal(fake.peers[i].admit.living, 0);
	for (unsigned i = 0; i < fake.leg_cnt; i++)
		assert_false(fake.leg[i].living);
	for (unsigned i = 0; i < fake.call_cnt; i++)
		assert_false(fake.call[i].living);
}
