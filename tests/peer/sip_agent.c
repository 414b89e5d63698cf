/* SPDX-License-Identifier: MIT */
/*
 * tests/peer/sip_agent.c - a SIP endpoint on our own legs, for SIPp to talk
 * to: it answers, calls, or joins two calls as it is told, and writes one
 * line an event.
 *
 *   sip_agent --listen 127.0.0.1:5062 --trunk 127.0.0.1:5070 answer
 *   sip_agent --listen 127.0.0.1:5062 --trunk 127.0.0.1:5070 call +1555
 *   sip_agent ... --far 127.0.0.1:5072 join
 *
 * It ends by SIGTERM, or (call) with the call; SIGUSR1 makes it ready.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sip/leg.h"
#include "sip/root.h"

static struct {
	struct siproot_network network;
	struct trunk_config trunk, far;
	const char *mode, *number, *identity, *from;
	bool ring, early, late, ready, stay, accept_change;
	int refuse;
	const char *code;
	uint64_t answer_ms, hold_ms, cancel_ms, alive_ms, drop_ms;
	uint64_t change_ms;
	bool hold, cancel, alive, drop;
} opt;

static struct loop *loop;
static struct siproot *root;
static struct trunk *trunk, *far;
static struct loop_fd *signals;
static unsigned calls;
static bool leaving;

struct call {
	struct leg *leg, *other;
	struct media_desc local, changed;
	struct timer timer, alive_timer, change_timer;
	bool in, late;
};

static void say(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* ---- the end ---- */

static void on_stopped(void *arg)
{
	(void)arg;
	say("stopped");
	loop_stop(loop);
}

static void leave(void)
{
	if (!root || (leaving && calls))
		return;
	leaving = true;
	if (calls)
		return;
	loop_unwatch(&signals);
	siproot_shutdown(&root, on_stopped, NULL);
}

/* ---- media: what they have, from our address ---- */

static void echo_desc(struct media_desc *local, const struct media_desc *theirs)
{
	*local = *theirs;
	addr_parse(&local->rtp, "127.0.0.1:40000");
	addr_parse(&local->rtcp, "127.0.0.1:40001");
	local->dir = MEDIA_SENDRECV;
}

static void default_desc(struct media_desc *local)
{
	static const struct media_format formats[] = {
		{ CODEC_PCMU, 0, 1, 8000, "" },
		{ CODEC_PCMA, 8, 1, 8000, "" },
		{ CODEC_TELEPHONE_EVENT, 101, 1, 8000, "0-15" },
	};

	memset(local, 0, sizeof(*local));
	memcpy(local->format, formats, sizeof(formats));
	local->format_cnt = 3;
	local->dir = MEDIA_SENDRECV;
	local->ptime_ms = 20;
	addr_parse(&local->rtp, "127.0.0.1:40000");
	addr_parse(&local->rtcp, "127.0.0.1:40001");
}

static const char *first_codec(const struct media_desc *desc)
{
	return desc && desc->format_cnt
		       ? codec_info(desc->format[0].codec)->name
		       : "none";
}

/* ---- one call ---- */

static void on_hold_over(void *arg)
{
	struct call *call = arg;

	leg_end(call->leg, 16, "test-over");
}

/* Hang up before the ACK. */
static void on_drop_due(void *arg)
{
	struct call *call = arg;

	leg_end(call->leg, 16, "test-dropped");
}

static void on_alive_due(void *arg)
{
	struct call *call = arg;

	leg_alive(call->leg);
}

static void call_is_up(struct call *call)
{
	if (opt.hold)
		timer_start(&call->timer, loop, opt.hold_ms, on_hold_over,
			    call);
	if (opt.alive)
		timer_start(&call->alive_timer, loop, opt.alive_ms,
			    on_alive_due, call);
}

static void on_progress(struct leg *leg, int status,
			const struct media_desc *early, void *arg)
{
	struct call *call = arg;

	(void)leg;
	say("progress %d %s", status, first_codec(early));
	if (call->other)
		leg_progress(call->other, status, early ? &call->local : NULL);
}

static void on_answered(struct leg *leg, const struct media_desc *desc,
			bool is_offer, void *arg)
{
	struct call *call = arg;
	struct media_desc local;

	say("answered %s %s", is_offer ? "offer" : "answer",
	    first_codec(desc));
	if (is_offer) {
		echo_desc(&local, desc);
		leg_ack(leg, &local);
	}
	if (call->other)
		leg_answer(call->other, &call->local);
	call_is_up(call);
}

static void on_confirmed(struct leg *leg, const struct media_desc *answer,
			 void *arg)
{
	struct leg_info info;

	leg_info(leg, &info);
	say("confirmed %s local=%s remote=%s target=%s cseq=%u",
	    first_codec(answer), info.local_uri, info.remote_uri, info.target,
	    info.remote_cseq);
	call_is_up(arg);
}

static void on_change_due(void *arg)
{
	struct call *call = arg;

	if (opt.accept_change)
		leg_answer_change(call->leg, &call->changed);
	else
		leg_refuse_change(call->leg, 488, "no-change-yet");
}

static void on_change(struct leg *leg, const struct media_desc *offer,
		      void *arg)
{
	struct call *call = arg;

	(void)leg;
	say("change dir=%d %s", offer->dir, first_codec(offer));
	echo_desc(&call->changed, offer);
	if (opt.change_ms)
		timer_start(&call->change_timer, loop, opt.change_ms,
			    on_change_due, call);
	else
		on_change_due(call);
}

static void on_alive(struct leg *leg, bool alive, void *arg)
{
	(void)leg;
	(void)arg;
	say("alive %s", alive ? "yes" : "no");
}

static void on_ended(struct leg *leg, const struct leg_cause *cause,
		     bool by_peer, void *arg)
{
	struct call *call = arg, *half;

	say("ended status=%d q850=%d by=%s text=%s", cause->status,
	    cause->q850, by_peer ? "peer" : "us", cause->text);
	if (call->other && leg == call->leg) {
		call->leg = NULL;
		if (cause->status >= 300 && call->in == false)
			leg_refuse(call->other, cause->status, "far-end", 0);
		leg_end(call->other, cause->q850, "far-end");
		return;
	}
	if (call->leg && leg == call->other) {
		call->other = NULL;
		leg_end(call->leg, cause->q850, "far-end");
		return;
	}
	half = call;
	timer_stop(&half->timer);
	timer_stop(&half->alive_timer);
	timer_stop(&half->change_timer);
	free(half);
	calls--;
	if (leaving || (strcmp(opt.mode, "call") == 0 && !opt.stay))
		leave();
}

static const struct leg_handlers handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.confirmed = on_confirmed,
	.change = on_change,
	.alive = on_alive,
	.ended = on_ended,
};

/* ---- calls in ---- */

static void on_answer_due(void *arg)
{
	struct call *call = arg;

	leg_answer(call->leg, &call->local);
	if (opt.drop)
		timer_start(&call->timer, loop, opt.drop_ms, on_drop_due,
			    call);
}

static void join(struct call *call, struct leg *leg,
		 const struct leg_info *info)
{
	struct leg_call params = {
		.to = info->to,
		.from = info->pai ? info->pai : info->from,
		.from_display = info->from_display,
		.identity = info->identity,
		.max_forwards = info->max_forwards - 1,
		.offer = &call->local,
		.handlers = &handlers,
		.arg = call,
	};

	call->other = leg;
	call->in = false;
	if (leg_call(&call->leg, root, far, &params) != 0) {
		call->other = NULL;
		call->leg = leg;
		leg_refuse(leg, 503, "trunk-down", 5);
	}
}

static void on_incoming(struct leg *leg, void *arg)
{
	struct call *call = xzalloc(sizeof(*call));
	struct leg_info info;

	(void)arg;
	calls++;
	call->leg = leg;
	call->in = true;
	leg_info(leg, &info);
	say("incoming from=%s to=%s display=%s pai=%s privacy=%s identity=%s "
	    "mf=%d offer=%s", info.from, info.to, info.from_display,
	    info.pai ? info.pai : "-", info.privacy ? info.privacy : "-",
	    info.identity ? info.identity : "-", info.max_forwards,
	    info.offer ? first_codec(info.offer) : "late");
	leg_handle(leg, &handlers, call);
	if (info.offer)
		echo_desc(&call->local, info.offer);
	else
		default_desc(&call->local);
	if (opt.refuse) {
		leg_refuse(leg, opt.refuse, opt.code, 0);
		return;
	}
	if (strcmp(opt.mode, "join") == 0) {
		join(call, leg, &info);
		return;
	}
	if (opt.ring)
		leg_progress(leg, 180, NULL);
	if (opt.early)
		leg_progress(leg, 183, &call->local);
	if (opt.cancel)
		timer_start(&call->timer, loop, opt.cancel_ms, on_hold_over,
			    call);
	else
		timer_start(&call->timer, loop, opt.answer_ms, on_answer_due,
			    call);
}

/* ---- calls out ---- */

static void place_call(void)
{
	struct call *call = xzalloc(sizeof(*call));
	struct leg_call params = {
		.to = opt.number,
		.from = opt.from ? opt.from : "+14085551000",
		.from_display = "Test \"Agent\"",
		.identity = opt.identity,
		.max_forwards = 17,
		.handlers = &handlers,
		.arg = call,
	};
	int err;

	default_desc(&call->local);
	params.offer = opt.late ? NULL : &call->local;
	err = leg_call(&call->leg, root, trunk, &params);
	if (err) {
		say("cannot call: %s", strerror(err));
		free(call);
		leave();
		return;
	}
	calls++;
	if (opt.cancel)
		timer_start(&call->timer, loop, opt.cancel_ms, on_hold_over,
			    call);
}

/* ---- set-up ---- */

static void on_trunk_state(struct trunk *t, bool up, const char *why,
			   void *arg)
{
	(void)arg;
	say("trunk %s %s: %s", trunk_name(t), up ? "up" : "down", why);
}

static void on_message(struct trunk *t, bool in, const char *call_id,
		       const char *start, void *arg)
{
	(void)t;
	(void)call_id;
	(void)arg;
	say("%s %s", in ? "<-" : "->", start);
}

static void on_signal(unsigned events, void *arg)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(*(int *)arg, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1)
		siproot_set_ready(root, true);
	else
		leave();
}

static void usage(const char *what)
{
	fprintf(stderr, "sip_agent: %s\n", what);
	exit(2);
}

static void add_hosts(struct trunk_config *config, char *list)
{
	char *host, *save = NULL;

	for (host = strtok_r(list, ",", &save); host;
	     host = strtok_r(NULL, ",", &save))
		if (config->host_cnt == TRUNK_HOSTS ||
		    addr_parse(&config->host[config->host_cnt++], host) != 0)
			usage("bad host");
}

enum { LISTEN = 256, ADVERTISE, TRUNK, FAR, TCP, PROBE, DOWN_AFTER, NO_ANSWER,
       FROM, IDENTITY, RING, EARLY, LATE, NOT_READY, STAY, ACCEPT_CHANGE,
       REFUSE, CODE, ANSWER, HOLD, CANCEL, ALIVE, DROP, CHANGE_LATER,
       DEBUG };

static const struct option options[] = {
	{ "listen", 1, 0, LISTEN },	{ "advertise", 1, 0, ADVERTISE },
	{ "trunk", 1, 0, TRUNK },	{ "far", 1, 0, FAR },
	{ "tcp", 0, 0, TCP },		{ "probe", 1, 0, PROBE },
	{ "down-after", 1, 0, DOWN_AFTER }, { "no-answer", 1, 0, NO_ANSWER },
	{ "from", 1, 0, FROM },		{ "identity", 1, 0, IDENTITY },
	{ "ring", 0, 0, RING },		{ "early", 0, 0, EARLY },
	{ "late", 0, 0, LATE },		{ "not-ready", 0, 0, NOT_READY },
	{ "stay", 0, 0, STAY },		{ "accept-change", 0, 0, ACCEPT_CHANGE },
	{ "refuse", 1, 0, REFUSE },	{ "code", 1, 0, CODE },
	{ "answer", 1, 0, ANSWER },	{ "hold", 1, 0, HOLD },
	{ "cancel", 1, 0, CANCEL },	{ "alive", 1, 0, ALIVE },
	{ "drop", 1, 0, DROP },		{ "debug", 0, 0, DEBUG },
	{ "change-later", 1, 0, CHANGE_LATER },
	{ NULL, 0, 0, 0 },
};

static void take_option(int c)
{
	uint64_t n = optarg ? strtoull(optarg, NULL, 10) : 0;

	switch (c) {
	case LISTEN:
		if (addr_parse(&opt.network.address, optarg) != 0)
			usage("bad --listen");
		break;
	case ADVERTISE:
		if (addr_parse(&opt.network.advertise, optarg) != 0)
			usage("bad --advertise");
		break;
	case TRUNK: add_hosts(&opt.trunk, optarg); break;
	case FAR: add_hosts(&opt.far, optarg); break;
	case TCP: opt.trunk.tcp = opt.far.tcp = true; break;
	case PROBE: opt.trunk.probe_ms = n; break;
	case DOWN_AFTER: opt.trunk.probe_down_after = (unsigned)n; break;
	case NO_ANSWER: opt.trunk.no_answer_ms = n; break;
	case FROM: opt.from = optarg; break;
	case IDENTITY: opt.identity = optarg; break;
	case RING: opt.ring = true; break;
	case EARLY: opt.early = true; break;
	case LATE: opt.late = true; break;
	case NOT_READY: opt.ready = false; break;
	case STAY: opt.stay = true; break;
	case ACCEPT_CHANGE: opt.accept_change = true; break;
	case REFUSE: opt.refuse = (int)n; break;
	case CODE: opt.code = optarg; break;
	case ANSWER: opt.answer_ms = n; break;
	case HOLD: opt.hold = true; opt.hold_ms = n; break;
	case CANCEL: opt.cancel = true; opt.cancel_ms = n; break;
	case ALIVE: opt.alive = true; opt.alive_ms = n; break;
	case DROP: opt.drop = true; opt.drop_ms = n; break;
	case CHANGE_LATER: opt.change_ms = n; break;
	case DEBUG: log_set_level(LOG_DEBUG); break;
	default: usage("unknown option");
	}
}

static void take_options(int argc, char **argv)
{
	int c;

	opt.network.name = "lab";
	opt.network.udp = opt.network.tcp = true;
	opt.trunk.name = "near";
	opt.far.name = "far";
	opt.trunk.network = opt.far.network = "lab";
	opt.ready = true;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(c);
	opt.mode = argv[optind];
	if (!opt.mode || !opt.network.address.len || !opt.trunk.host_cnt)
		usage("needs --listen, --trunk and a mode");
	opt.number = argv[optind + 1];
	if (strcmp(opt.mode, "call") == 0 && !opt.number)
		usage("call whom?");
}

static int set_up(int sig)
{
	static const struct siproot_events events = {
		.incoming = on_incoming,
		.trunk_state = on_trunk_state,
		.message = on_message,
	};
	static int fd;
	char *why;

	fd = sig;
	loop = siproot_loop_new();
	if (siproot_new(&root, loop, &opt.network, 1, &events, NULL, &why) ||
	    trunk_new(&trunk, root, &opt.trunk, &why) ||
	    (opt.far.host_cnt && trunk_new(&far, root, &opt.far, &why))) {
		fprintf(stderr, "sip_agent: %s\n", why);
		free(why);
		return 1;
	}
	signals = loop_watch(loop, fd, LOOP_READ, on_signal, &fd);
	siproot_set_ready(root, opt.ready);
	say("listening %u", siproot_port(root, "lab"));
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t set;
	int sig, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sig = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	loop_enter(LOOP_CONTROL, 0);
	take_options(argc, argv);
	err = set_up(sig);
	if (!err) {
		if (strcmp(opt.mode, "call") == 0)
			place_call();
		loop_run(loop);
	}
	loop_free(&loop);
	close(sig);
	return err;
}
