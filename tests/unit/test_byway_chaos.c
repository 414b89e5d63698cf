/* SPDX-License-Identifier: MIT */
/*
 * Everything at once and in any order: clients come and go on both workers,
 * streams and sessions end on either side, connections are lost, calls begin
 * and end, and time passes.  The sanitizers watch; at the end nothing is
 * left open.
 */
#include "base/mem.h"
#include "base/metric.h"
#include "tests/unit/byway_lab.h"

#define GUESTS 6
#define STREAMS 200
#define STEPS 2000

static struct lab lab;

static struct world {
	uint32_t seed;
	struct h3_conn *guest[GUESTS];
	struct h3_stream *stream[STREAMS];
	unsigned stream_cnt;
	struct byway *server, *client;
	struct eater server_eater, client_eater;
	struct exchange *kept[STREAMS];
	unsigned kept_cnt;
	unsigned handled, closed;
} w;

static unsigned dice(unsigned sides)
{
	w.seed = w.seed * 1664525 + 1013904223;
	return (w.seed >> 12) % sides;
}

/* ---- control ---- */

static void on_closed(struct exchange *x, int err, void *arg)
{
	unsigned i;

	(void)err;
	(void)arg;
	w.closed++;
	for (i = 0; i < w.kept_cnt; i++)
		if (w.kept[i] == x)
			w.kept[i] = NULL;
}

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	(void)data;
	(void)arg;
	if (dice(4) > 0)
		exchange_consumed(x, len);
}

static const struct exchange_handlers handlers = { .data = on_data,
						   .closed = on_closed };

static void serve(struct exchange *x, const struct exchange_request *r,
		  void *arg)
{
	(void)r;
	(void)arg;
	switch (dice(4)) {
	case 0:
		exchange_reply(x, 200, NULL, 0, "x", 1);
		return;
	case 1:
		exchange_abort(x);
		return;
	default:
		if (w.kept_cnt == STREAMS) {
			exchange_reply(x, 503, NULL, 0, NULL, 0);
			return;
		}
		exchange_handle(x, &handlers, NULL);
		w.handled++;
		w.kept[w.kept_cnt++] = x;
	}
}

static void touch_kept(void)
{
	struct exchange **slot = &w.kept[dice(STREAMS)];

	if (slot >= &w.kept[w.kept_cnt] || !*slot)
		return;
	if (dice(2) == 0) {
		exchange_abort(*slot);
		w.closed++;		/* it never will be */
	} else {
		exchange_reply(*slot, 200, NULL, 0, "y", 1);
	}
	*slot = NULL;
}

/* ---- calls ---- */

static void call_begin(void)
{
	w.server = lab_serve(&lab, dice(LAB_WORKERS));
	lab_bind(&lab, byway_home(w.server), w.server, &w.server_eater);
	w.client = lab_dial(&lab, dice(LAB_WORKERS), 1 + dice(30),
			    dice(2) == 0);
	lab_bind(&lab, byway_home(w.client), w.client, &w.client_eater);
}

static void call_end(void)
{
	if (dice(2) == 0) {
		byway_unbind(&w.server_eater.port);
		byway_unbind(&w.client_eater.port);
	}
	byway_close(&w.server, dice(2) == 0 ? "{}" : NULL);
	byway_close(&w.client, NULL);
	if (dice(2) == 0)
		lab_run(&lab);
	byway_unbind(&w.server_eater.port);
	byway_unbind(&w.client_eater.port);
	lab_run(&lab);
}

/* ---- guests ---- */

static void guest_asks(void)
{
	static const char *const methods[] = { "GET", "PUT", "POST" };
	static const char *const paths[] = { LAB_MEDIA, LAB_CALL "/events",
					     LAB_CALL, "/elsewhere" };
	struct h3_conn **guest = &w.guest[dice(GUESTS)];
	struct h3_field field = { "authorization", "Bearer " LAB_TOKEN };
	struct h3_head head = { .method = methods[dice(3)],
				.path = paths[dice(4)], .field = &field,
				.field_cnt = dice(8) > 0 };
	struct h3_stream *stream;
	bool fin = dice(3) > 0;

	if (!*guest || fake_h3_conn_closed(*guest))
		*guest = fake_h3_guest(dice(LAB_WORKERS));
	if (dice(6) == 0)
		stream = lab_connect(*guest);
	else if (dice(2) == 0)
		stream = lab_get(*guest);
	else
		stream = fake_h3_request(*guest, &head, "abc",
					 3 * dice(2), fin);
	if (w.stream_cnt < STREAMS)
		w.stream[w.stream_cnt++] = stream;
	else
		w.stream[dice(STREAMS)] = stream;
}

static void stream_changes(struct h3_stream *stream, bool mine)
{
	struct h3_session *session = fake_h3_session(stream);

	if (fake_h3_closed(stream))
		return;
	if (session && dice(8) > 0 && fake_h3_status(stream) == 200) {
		fake_h3_datagram(session, "d", 1);
		return;
	}
	switch (dice(5)) {
	case 0:
		fake_h3_stream_lost(stream, ECONNRESET);
		return;
	case 1:
		if (session)
			fake_h3_session_lost(session, 0);
		return;
	case 2:
		if (mine && !session)
			fake_h3_data(stream, "more", 4);
		return;
	default:
		if (mine && !session)
			fake_h3_fin(stream);
	}
}

/* ---- the far end of our connections ---- */

static void peer_changes(void)
{
	static const int status[] = { 200, 200, 200, 204, 503, 404 };
	struct h3_conn *conn;
	struct h3_stream *stream;
	unsigned cnt = fake_h3_connected_cnt();

	/* Only the newest ones live. */
	if (cnt == 0)
		return;
	conn = fake_h3_connected(cnt - 1 - dice(cnt < 3 ? cnt : 3));
	if (fake_h3_conn_closed(conn))
		return;
	switch (dice(20)) {
	case 0:
		fake_h3_conn_lost(conn, ETIMEDOUT);
		return;
	case 1:
		fake_h3_goaway(conn);
		return;
	case 2:
		fake_h3_set_credit(conn, dice(50));
		return;
	default:
		break;
	}
	if (fake_h3_open_cnt(conn, NULL) == 0) {
		fake_h3_set_credit(conn, 1000);
		return;
	}
	stream = fake_h3_open(conn, NULL, dice(fake_h3_open_cnt(conn, NULL)));
	if (fake_h3_status(stream))
		stream_changes(stream, false);
	else if (dice(10) == 0)
		fake_h3_stream_lost(stream, ECONNRESET);
	else
		fake_h3_answer(stream, status[dice(dice(10) ? 5 : 6)], NULL,
			       0, "c", 1, true);
}

static void make_ready(void)
{
	unsigned cnt = fake_h3_connected_cnt(), i;

	for (i = cnt > 3 ? cnt - 3 : 0; i < cnt; i++) {
		struct h3_conn *conn = fake_h3_connected(i);

		if (fake_h3_conn_closed(conn) || h3_conn_data(conn))
			continue;
		h3_conn_set_data(conn, conn);	/* seen */
		fake_h3_ready(conn, dice(2) == 0);
	}
}

static void step(void)
{
	unsigned i;

	switch (dice(16)) {
	case 0:
		call_end();
		call_begin();
		return;
	case 1:
		i = dice(GUESTS);
		if (w.guest[i] && dice(4) == 0)
			fake_h3_conn_lost(w.guest[i], ETIMEDOUT);
		return;
	case 2:
		lab_pass(&lab, dice(20) == 0 ? 6000 : dice(100));
		return;
	case 3:
		byway_set_listening(w.server, dice(2) == 0);
		return;
	case 4:
		make_ready();
		return;
	case 5:
		touch_kept();
		return;
	case 6:
	case 7:
		peer_changes();
		return;
	case 8:
		for (i = dice(50); i > 0; i--)
			byway_send(w.server_eater.port, "s", 1, dice(9) > 0);
		return;
	case 9:
		for (i = dice(50); i > 0; i--)
			byway_send(w.client_eater.port, "c", 1, dice(9) > 0);
		return;
	case 10:
	case 11:
	case 12:
		guest_asks();
		return;
	default:
		if (w.stream_cnt > 0)
			stream_changes(w.stream[dice(w.stream_cnt)], true);
		if (dice(2) == 0)
			lab_run(&lab);
	}
}

static void run_world(uint32_t seed)
{
	unsigned i;

	memset(&w, 0, sizeof(w));
	w.seed = seed;
	lab_start(&lab, NULL, 16);
	exchange_serve(lab.net, serve, NULL);
	call_begin();
	for (i = 0; i < STEPS; i++)
		step();
	call_end();
	for (i = 0; i < GUESTS; i++)
		if (w.guest[i])
			fake_h3_conn_lost(w.guest[i], 0);
	lab_pass(&lab, 100);
	assert_int_equal(w.closed, w.handled);
	assert_int_equal(metric_gauge_value(metric_gauge("byway_gets", NULL,
							 "x")), 0);
	assert_int_equal(metric_gauge_value(metric_gauge("byway_sessions",
							 NULL, "x")), 0);
	lab_stop(&lab);
}

static void test_chaos(void **state)
{
	uint32_t seed;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		print_message("    seed %u\n", seed);
		run_world(seed);
	}
	shows("RIPT-LC-02");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chaos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
