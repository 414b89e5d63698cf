/* SPDX-License-Identifier: MIT */
/* Two workers on one port: each connection stays with the one that it came
 * to, whatever becomes of its address. */
#include "tests/unit/h3_pair.h"

#include <pthread.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "ript/h3_int.h"

#define WORKERS 2
#define CONNS 24

/* ---- the workers ---- */

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	unsigned index;
	struct pair *pair;
	int fd;
	struct loop *loop;
	struct mailbox *inbox;
};

struct stop {
	struct msg msg;
	struct loop *loop;
};

static void on_stop(struct msg *msg)
{
	struct stop *stop = (struct stop *)(void *)msg;

	loop_stop(stop->loop);
	free(stop);
}

static void on_stop_dropped(struct msg *msg)
{
	free(msg);
}

/* Echoes with the worker's index before. */
static void on_worker_datagram(struct h3_session *session, const uint8_t *data,
			       size_t len, void *arg)
{
	struct worker *worker = arg;
	uint8_t out[64];

	if (len + 1 > sizeof(out))
		return;
	out[0] = (uint8_t)worker->index;
	memcpy(out + 1, data, len);
	h3_datagram_send(session, out, len + 1);
}

static const struct h3_session_handlers worker_session = {
	.datagram = on_worker_datagram,
};

static void on_worker_request(struct h3_conn *conn, struct h3_stream *stream,
			      const struct h3_head *head, void *arg)
{
	struct h3_session *session;

	(void)conn;
	(void)head;
	h3_session_accept(&session, stream, &worker_session, arg);
}

static const struct h3_conn_handlers worker_handlers = {
	.request = on_worker_request,
};

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct h3_config config = worker->pair->config;
	struct h3_endpoint *ep;

	loop_enter(LOOP_WORKER, worker->index);
	worker->loop = loop_new();
	worker->inbox = mailbox_new(worker->loop, 0);
	config.worker = worker->index;
	config.worker_cnt = WORKERS;
	config.listen_fd = worker->fd;
	h3_endpoint_new(&ep, worker->loop, &config, &worker_handlers, worker);
	pthread_barrier_wait(worker->barrier);
	loop_run(worker->loop);
	h3_endpoint_free(&ep);
	mailbox_free(&worker->inbox);
	loop_free(&worker->loop);
	return NULL;
}

/* ---- the clients ---- */

struct client {
	struct h3_conn *conn;
	struct h3_session *session;
	unsigned ready, got, closed;
	int worker;		/* who answered first; -1: nobody yet */
	bool strayed;
};

static struct client clients[CONNS];

static void on_session_ready(struct h3_session *session, int status, void *arg)
{
	(void)session;
	assert_int_equal(status, 0);
	((struct client *)arg)->ready++;
}

static void on_datagram(struct h3_session *session, const uint8_t *data,
			size_t len, void *arg)
{
	struct client *client = arg;

	(void)session;
	client->got++;
	if (!len)
		return;
	if (client->worker < 0)
		client->worker = data[0];
	else if (client->worker != data[0])
		client->strayed = true;
}

static const struct h3_session_handlers session_handlers = {
	.ready = on_session_ready,
	.datagram = on_datagram,
};

static void on_ready(struct h3_conn *conn, void *arg)
{
	struct client *client = arg;
	struct h3_head head = { .path = "/" };

	h3_session_open(&client->session, conn, &head, &session_handlers,
			client);
}

static void on_closed(struct h3_conn *conn, int err, const char *reason,
		      void *arg)
{
	(void)conn;
	if (err)
		print_message("    closed: %s\n", reason);
	((struct client *)arg)->closed++;
}

static const struct h3_conn_handlers client_handlers = {
	.ready = on_ready,
	.closed = on_closed,
};

static void echo_all(struct pair *pair)
{
	for (unsigned i = 0; i < CONNS; i++) {
		unsigned want = clients[i].got + 1;

		assert_int_equal(clients[i].closed, 0);
		/* A datagram may be lost in a migration. */
		for (int t = 0; t < 20 && clients[i].got < want; t++) {
			h3_datagram_send(clients[i].session, "echo", 4);
			pair_until(pair, &clients[i].got, want, 200);
		}
		assert_true(clients[i].got >= want);
	}
}

static void test_steering(void **state)
{
	struct pair *pair = *state;
	struct worker workers[WORKERS];
	unsigned per_worker[WORKERS] = { 0 };
	pthread_barrier_t barrier;
	uint64_t moved, strange;
	struct stop *stop;
	struct addr any;
	int fds[WORKERS];

	assert_int_equal(addr_parse(&any, "127.0.0.1:0"), 0);
	assert_int_equal(h3_listen(fds, WORKERS, &any, &pair->connect.to), 0);
	pthread_barrier_init(&barrier, NULL, WORKERS + 1);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){
			.index = i, .pair = pair, .fd = fds[i],
			.barrier = &barrier,
		};
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						worker_main, &workers[i]), 0);
	}
	pthread_barrier_wait(&barrier);

	/* A server endpoint here as well, which nobody calls. */
	pair_start(pair, &worker_handlers, NULL);
	memset(clients, 0, sizeof(clients));
	for (unsigned i = 0; i < CONNS; i++) {
		clients[i].worker = -1;
		assert_int_equal(h3_connect(&clients[i].conn, pair->client,
					    &pair->connect, &client_handlers,
					    &clients[i]), 0);
	}
	for (unsigned i = 0; i < CONNS; i++)
		assert_true(pair_until(pair, &clients[i].ready, 1, 10000));
	echo_all(pair);
	for (unsigned i = 0; i < CONNS; i++) {
		assert_in_range(clients[i].worker, 0, WORKERS - 1);
		per_worker[clients[i].worker]++;
	}
	/* Random: both have some (2 * 2^-24 against it). */
	assert_true(per_worker[0] > 0 && per_worker[1] > 0);

	/* Every client moves to another port, by which the kernel's own hash
	 * would send half of them to the other worker. */
	moved = pair_counter("quic_migrations_total", NULL);
	strange = pair_counter("quic_dropped_total",
			       "reason=\"other-worker\"");
	for (unsigned i = 0; i < CONNS; i++) {
		int err = EAGAIN;

		for (int t = 0; t < 200 && err; t++) {
			err = quic_conn_rebind(clients[i].conn->quic);
			pair_run(pair, 1);
		}
		assert_int_equal(err, 0);
	}
	echo_all(pair);
	echo_all(pair);
	for (unsigned i = 0; i < CONNS; i++) {
		assert_int_equal(clients[i].closed, 0);
		assert_false(clients[i].strayed);
	}
	for (int t = 0; t < 200 && pair_counter("quic_migrations_total",
						NULL) < moved + 2 * CONNS;
	     t++)
		pair_run(pair, 5);
	assert_int_equal(pair_counter("quic_migrations_total", NULL),
			 moved + 2 * CONNS);
	assert_int_equal(pair_counter("quic_dropped_total",
				      "reason=\"other-worker\""), strange);

	h3_endpoint_free(&pair->client);
	for (unsigned i = 0; i < WORKERS; i++) {
		stop = xzalloc(sizeof(*stop));
		stop->msg.deliver = on_stop;
		stop->msg.drop = on_stop_dropped;
		stop->loop = workers[i].loop;
		mailbox_post_always(workers[i].inbox, &stop->msg);
		pthread_join(workers[i].thread, NULL);
	}
	pthread_barrier_destroy(&barrier);
	for (unsigned i = 0; i < WORKERS; i++)
		close(fds[i]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_steering, pair_setup,
					pair_teardown),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
