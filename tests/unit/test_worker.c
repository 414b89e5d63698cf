/* SPDX-License-Identifier: MIT */
/*
 * Two calls' halves on two worker threads, joined by a byway in memory:
 *
 *   RTP socket a -> line a (client) ==fake byway==> line b (server) -> RTP b
 *
 * The threads and the sockets (127.0.0.1) are real.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/metric.h"
#include "gateway/worker.h"
#include "media/rtp.h"
#include "media/rtp_port.h"
#include "ript/byway.h"
#include "ript/worker.h"
#include "tests/unit/unit.h"

/* ---- ript/ in memory ---- */

struct ript_worker {
	struct mailbox *inbox;
};

struct byway_port {
	uint64_t id;
	struct ript_worker *worker;
	const struct byway_handlers *handlers;
	void *arg;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct byway_port *ports[3];	/* LOCK: lock; by ID, 1 and 2 */
static int worker_err;

int ript_worker_new(struct ript_worker **workerp, struct exchange_net *net,
		    unsigned index, struct loop *loop, struct mailbox *inbox)
{
	(void)net;
	(void)loop;
	if (worker_err && index == 1)
		return worker_err;
	*workerp = xzalloc(sizeof(**workerp));
	(*workerp)->inbox = inbox;
	return 0;
}

void ript_worker_free(struct ript_worker **workerp)
{
	free(*workerp);
	*workerp = NULL;
}

int byway_bind(struct byway_port **portp, struct ript_worker *worker,
	       uint64_t id, const struct byway_handlers *handlers, void *arg)
{
	struct byway_port *port;

	if (id < 1 || id > 2)
		return ENOENT;
	port = xzalloc(sizeof(*port));
	port->id = id;
	port->worker = worker;
	port->handlers = handlers;
	port->arg = arg;
	pthread_mutex_lock(&lock);
	ports[id] = port;
	pthread_mutex_unlock(&lock);
	handlers->open(BYWAY_WEBTRANSPORT, arg);
	*portp = port;
	return 0;
}

void byway_unbind(struct byway_port **portp)
{
	if (!*portp)
		return;
	pthread_mutex_lock(&lock);
	ports[(*portp)->id] = NULL;
	pthread_mutex_unlock(&lock);
	free(*portp);
	*portp = NULL;
}

struct body_msg {
	struct msg msg;
	uint64_t id;
	size_t len;
	uint8_t body[];
};

static void deliver_body(struct msg *msg)
{
	struct body_msg *m = (struct body_msg *)msg;
	struct byway_port *port;

	pthread_mutex_lock(&lock);
	port = ports[m->id];
	pthread_mutex_unlock(&lock);
	if (port)	/* ours: only this thread unbinds it */
		port->handlers->chunks(m->body, m->len, BYWAY_WEBTRANSPORT, 7,
				       NULL, 0, NULL, port->arg);
	free(m);
}

static void drop_body(struct msg *msg)
{
	free(msg);
}

int byway_send(struct byway_port *port, const void *body, size_t len,
	       bool media)
{
	struct body_msg *m = xzalloc(sizeof(*m) + len);
	int err = ENOTCONN;

	(void)media;
	m->msg.deliver = deliver_body;
	m->msg.drop = drop_body;
	m->id = 3 - port->id;
	m->len = len;
	memcpy(m->body, body, len);
	pthread_mutex_lock(&lock);
	if (ports[m->id]) {
		mailbox_post_always(ports[m->id]->worker->inbox, &m->msg);
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	if (err)
		free(m);
	return err;
}

enum byway_kind byway_kind(const struct byway_port *port)
{
	(void)port;
	return BYWAY_WEBTRANSPORT;
}

size_t byway_room(const struct byway_port *port)
{
	(void)port;
	return 1200;
}

/* ---- one side of the call ---- */

struct side {
	struct line *line;
	int fd;			/* the SIP phone's RTP socket */
	struct addr addr;
	unsigned first_chunks;
	unsigned stats_cnt;
	struct bridge_stats stats;
};

static struct loop *control;
static struct timer guard;
static void (*until)(void);

static void on_first(void *arg)
{
	((struct side *)arg)->first_chunks++;
}

static void on_stats(const struct bridge_stats *stats, void *arg)
{
	struct side *side = arg;

	side->stats = *stats;
	side->stats_cnt++;
}

static const struct line_events events = { on_first, on_stats };

static void side_open(struct side *side)
{
	memset(side, 0, sizeof(*side));
	side->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(addr_parse(&side->addr, "127.0.0.1:0"), 0);
	assert_int_equal(bind(side->fd, (struct sockaddr *)&side->addr.ss,
			      side->addr.len), 0);
	assert_int_equal(getsockname(side->fd,
				     (struct sockaddr *)&side->addr.ss,
				     &side->addr.len), 0);
}

static void side_set(struct side *side, bool client)
{
	struct bridge_side sip = { .ready = true };
	struct bridge_ript ript = {
		.client = client,
		.tx_source = 0, .tx_sink = 1,
		.rx_source = 0, .rx_sink = 1,
		.tx_codecs = 1u << CODEC_PCMU | 1u << CODEC_CN,
		.rx_codecs = 1u << CODEC_PCMU | 1u << CODEC_CN,
	};

	sip.local.format_cnt = 1;
	sip.local.format[0].codec = CODEC_PCMU;
	sip.local.format[0].clock_hz = 8000;
	sip.local.dir = MEDIA_SENDRECV;
	sip.remote = sip.local;
	sip.remote.rtp = side->addr;
	line_set_sip(side->line, &sip);
	line_set_ript(side->line, &ript);
}

static void send_rtp(const struct side *side, uint16_t seq)
{
	uint8_t packet[RTP_HEADER + 160];
	struct rtp rtp = { .seq = seq, .timestamp = 160u * seq, .ssrc = 5 };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(line_rtp_port(side->line)),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	rtp_write(packet, &rtp);
	memset(packet + RTP_HEADER, seq & 0xff, 160);
	assert_int_equal(sendto(side->fd, packet, sizeof(packet), 0,
				(struct sockaddr *)&to, sizeof(to)),
			 sizeof(packet));
}

/* The next RTP packet (RTCP goes elsewhere); the test ends after 5 s. */
static size_t receive(const struct side *side, uint8_t *packet, size_t max)
{
	struct pollfd p = { .fd = side->fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5000), 1);
	return (size_t)recv(side->fd, packet, max, 0);
}

static void on_guard(void *arg)
{
	(void)arg;
	fail_msg("nothing came from the worker");
}

static struct timer again;

static void on_again(void *arg)
{
	(void)arg;
	until();
	timer_start(&again, control, 2, on_again, NULL);
}

/* Run the control loop until @fn stops it. */
static void run_until(void (*fn)(void))
{
	until = fn;
	timer_start(&guard, control, 5000, on_guard, NULL);
	timer_start(&again, control, 1, on_again, NULL);
	loop_run(control);
	timer_stop(&guard);
	timer_stop(&again);
}

static struct side a, b;

static void stop_on_stats(void)
{
	if (a.stats_cnt && b.stats_cnt && b.first_chunks)
		loop_stop(control);
}

static struct rtp_range *range;
static unsigned want_resting;

static void stop_on_rest(void)
{
	unsigned used, resting, unused;

	rtp_range_count(range, &used, &resting, &unused);
	if (used == 0 && resting == want_resting)
		loop_stop(control);
}

static uint64_t metric_of(const char *name, const char *labels)
{
	return metric_value(metric_counter(name, labels, ""));
}

static void two_lines(void **state)
{
	struct workers *workers = NULL;
	struct addr address;
	uint8_t packet[2048];
	struct rtp rtp;
	uint16_t first_seq = 0;
	unsigned i;

	(void)state;
	control = loop_new();
	assert_int_equal(addr_parse(&address, "127.0.0.1"), 0);
	range = rtp_range_new(&address, 20000, 29999, 30000);
	assert_int_equal(workers_start(&workers, control, NULL, 2, NULL), 0);
	side_open(&a);
	side_open(&b);
	assert_int_equal(line_open(&a.line, workers, 0, range, &events, &a),
			 0);
	assert_int_equal(line_open(&b.line, workers, 1, range, &events, &b),
			 0);
	assert_int_equal(line_rtp_port(a.line) % 2, 0);
	line_bind(a.line, 1);
	line_bind(b.line, 2);
	line_bind(b.line, 2);	/* twice: counted, no harm */
	side_set(&a, true);
	side_set(&b, false);
	/* The worker has them set when it answers. */
	line_ask_stats(a.line);
	line_ask_stats(b.line);
	b.first_chunks = 1;
	run_until(stop_on_stats);
	a.stats_cnt = b.stats_cnt = b.first_chunks = 0;

	for (i = 0; i < 20; i++) {
		send_rtp(&a, (uint16_t)(1000 + i));
		assert_int_equal(receive(&b, packet, sizeof(packet)), 172);
		assert_int_equal(rtp_parse(&rtp, packet, 172), 0);
		if (i == 0)
			first_seq = rtp.seq;
		assert_int_equal((uint16_t)(rtp.seq - first_seq), i);
		assert_int_equal(rtp.payload[159], (1000 + i) & 0xff);
	}
	line_ask_stats(a.line);
	line_ask_stats(b.line);
	run_until(stop_on_stats);
	assert_int_equal(a.stats.from_rtp.packets, 20);
	assert_int_equal(b.stats.from_ript.packets, 20);
	assert_int_equal(b.stats.rtp_port, line_rtp_port(b.line));
	assert_int_equal(b.first_chunks, 1);
	assert_int_equal(metric_of("rtp_fate_total",
				   "dir=\"from_rtp\",fate=\"forwarded\""),
			 20);
	assert_int_equal(metric_of("media_unbound_total", NULL), 1);

	/* Close with a question on its way: no answer comes. */
	b.stats_cnt = 0;
	line_ask_stats(b.line);
	line_close(&a.line);
	line_close(&b.line);
	assert_null(b.line);
	want_resting = 2;
	run_until(stop_on_rest);
	assert_int_equal(b.stats_cnt, 0);
	workers_stop(&workers);
	rtp_range_free(&range);
	loop_free(&control);
	close(a.fd);
	close(b.fd);
}

/* Closed at once, and the workers stopped before anything came back. */
static void stop_at_once(void **state)
{
	struct workers *workers = NULL;
	struct addr address;
	struct line *line;

	(void)state;
	control = loop_new();
	assert_int_equal(addr_parse(&address, "127.0.0.1"), 0);
	range = rtp_range_new(&address, 20000, 20001, 0);
	assert_int_equal(workers_start(&workers, control, NULL, 1, NULL), 0);
	assert_int_equal(line_open(&line, workers, 0, range, &events, &a), 0);
	assert_int_equal(line_open(&b.line, workers, 0, range, &events, &b),
			 ENOSPC);
	line_bind(line, 1);
	line_ask_stats(line);
	line_close(&line);
	line_close(&line);
	workers_stop(&workers);
	workers_stop(&workers);
	rtp_range_free(&range);
	loop_free(&control);
}

static void a_worker_fails(void **state)
{
	struct workers *workers = NULL;
	char *why = NULL;

	(void)state;
	control = loop_new();
	worker_err = EMFILE;
	assert_int_equal(workers_start(&workers, control, NULL, 2, &why),
			 EMFILE);
	worker_err = 0;
	assert_null(workers);
	assert_non_null(why);
	free(why);
	loop_free(&control);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lines),
		cmocka_unit_test(stop_at_once),
		cmocka_unit_test(a_worker_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
