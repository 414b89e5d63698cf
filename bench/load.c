/* SPDX-License-Identifier: MIT */
#include "bench/load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "media/stream.h"

#define PACKET_NS (20 * NS_PER_MS)
#define TICK_NS NS_PER_MS
#define LATE_NS (5 * NS_PER_MS)
#define HOPELESS_NS (100 * NS_PER_MS)	/* behind: the schedule moves on */
#define TURN_MS 4	/* sent in one turn at most: receiving goes on */
#define DRAIN_MS 500

struct stream {
	uint32_t next;		/* number of the next packet */
	uint32_t first, end;	/* those of the window */
	bool heard;
	struct seq_window seen;
};

enum phase { WARM_UP, WINDOW, DRAIN };

struct load {
	struct load_config config;
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	struct timer timer;
	enum phase phase;
	uint64_t zero_ns;	/* when packet 0 of stream 0 is due */
	uint64_t slot;		/* packets sent, over all streams */
	uint64_t window_ns;
	struct usage before;
	struct load_report report;
	struct stream stream[];
};

struct load *load_new(struct loop *loop, const struct load_config *config)
{
	struct load *load = xzalloc(sizeof(*load) +
				    config->streams *
					    sizeof(load->stream[0]));

	load->loop = loop;
	load->config = *config;
	load->fd = -1;
	return load;
}

/* ---- sending ---- */

static void send_one(struct load *load, uint64_t due_ns, uint64_t now_ns)
{
	unsigned index = (unsigned)(load->slot % load->config.streams);
	struct stream *stream = &load->stream[index];
	uint8_t payload[PROBE_LEN];
	struct probe probe = { index, stream->next++, now_ns };
	struct load_report *report = &load->report;
	double late_ms = (double)(now_ns - due_ns) / 1e6;
	int err;

	probe_write(payload, &probe);
	err = load->config.send(index, payload, load->config.arg);
	if (load->phase != WINDOW)
		return;
	report->sent++;
	report->send_errors += err != 0;
	report->late += now_ns - due_ns > LATE_NS;
	if (late_ms > report->late_max_ms)
		report->late_max_ms = late_ms;
}

static void on_tick(unsigned events, void *arg)
{
	struct load *load = arg;
	uint64_t ticks, now, due;
	unsigned budget = load->config.streams * TURN_MS / 20 + 1;

	(void)events;
	if (read(load->fd, &ticks, sizeof(ticks)) < 0)
		return;
	now = clock_mono_ns();
	while (budget--) {
		due = load->zero_ns +
		      load->slot * PACKET_NS / load->config.streams;
		if (due > now)
			break;
		if (now - due > HOPELESS_NS) {
			load->zero_ns += now - due;
			load->report.stalls += load->phase == WINDOW;
		}
		send_one(load, due, now);
		load->slot++;
		if (load->slot % 16 == 0)
			now = clock_mono_ns();
	}
}

/* ---- phases ---- */

static void on_drained(void *arg)
{
	struct load *load = arg;
	struct load_report *report = &load->report;

	report->overruns = udp_overruns() - report->overruns;
	report->fell_behind = report->late * 1000 > report->sent ||
			      report->stalls;
	load->config.done(load->config.arg);
}

static void on_window_end(void *arg)
{
	struct load *load = arg;
	struct load_report *report = &load->report;
	struct usage after = { 0 };
	unsigned i;

	if (load->config.pid)
		usage_read(&after, load->config.pid);
	report->used.user_s = after.user_s - load->before.user_s;
	report->used.system_s = after.system_s - load->before.system_s;
	report->used.pss_kb = after.pss_kb;
	report->seconds =
		(double)(clock_mono_ns() - load->window_ns) / 1e9;
	load->phase = DRAIN;
	for (i = 0; i < load->config.streams; i++)
		load->stream[i].end = load->stream[i].next;
	loop_unwatch(&load->watch);
	close(load->fd);
	load->fd = -1;
	timer_start(&load->timer, load->loop, DRAIN_MS, on_drained, load);
}

static void on_window(void *arg)
{
	struct load *load = arg;
	unsigned i;

	for (i = 0; i < load->config.streams; i++) {
		load->stream[i].first = load->stream[i].next;
		load->stream[i].end = UINT32_MAX;
	}
	if (load->config.pid)
		usage_read(&load->before, load->config.pid);
	load->report.overruns = udp_overruns();
	load->window_ns = clock_mono_ns();
	load->phase = WINDOW;
	timer_start(&load->timer, load->loop,
		    (uint64_t)load->config.seconds * 1000, on_window_end,
		    load);
}

void load_start(struct load *load)
{
	struct itimerspec every = {
		.it_interval = { 0, TICK_NS },
		.it_value = { 0, TICK_NS },
	};

	load->fd = timerfd_create(CLOCK_MONOTONIC,
				  TFD_NONBLOCK | TFD_CLOEXEC);
	if (load->fd < 0)
		abort();
	timerfd_settime(load->fd, 0, &every, NULL);
	load->zero_ns = clock_mono_ns();
	load->watch = loop_watch(load->loop, load->fd, LOOP_READ, on_tick,
				 load);
	timer_start(&load->timer, load->loop,
		    (uint64_t)load->config.warm_up_s * 1000, on_window, load);
}

/* ---- receiving ---- */

void load_received(struct load *load, const uint8_t *payload, size_t len)
{
	struct load_report *report = &load->report;
	enum seq_verdict verdict = SEQ_NEXT;
	struct stream *stream;
	struct probe probe;
	uint64_t ns;

	if (!probe_read(&probe, payload, len) ||
	    probe.stream >= load->config.streams) {
		report->foreign++;
		return;
	}
	stream = &load->stream[probe.stream];
	if (load->phase == WARM_UP || probe.number < stream->first ||
	    probe.number >= stream->end)
		return;
	if (stream->heard)
		verdict = seq_window_put(&stream->seen, probe.number);
	else
		seq_window_start(&stream->seen, probe.number);
	stream->heard = true;
	if (verdict == SEQ_DUPLICATE) {
		report->duplicates++;
		return;
	}
	ns = clock_mono_ns() - probe.sent_ns;
	report->received++;
	meter_add(probe.stream % 2 ? &report->b_to_a : &report->a_to_b, ns);
}

const struct load_report *load_report(const struct load *load)
{
	return &load->report;
}

void load_free(struct load **loadp)
{
	struct load *load = *loadp;

	if (!load)
		return;
	*loadp = NULL;
	timer_stop(&load->timer);
	loop_unwatch(&load->watch);
	if (load->fd >= 0)
		close(load->fd);
	free(load);
}
