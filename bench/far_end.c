/* SPDX-License-Identifier: MIT */
#include "bench/far_end.h"

#include <errno.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "ript/byway.h"
#include "ript/worker.h"

#define BODY_MAX 2048

int far_client_open(struct far_client *client, struct loop *loop,
		     char **why)
{
	struct ript_net_config config = { .worker_cnt = 1, .control = loop };
	int err;

	client->loop = loop;
	client->to_control = mailbox_new(loop, 0);
	config.to_control = client->to_control;
	err = ript_net_new(&client->net, &config, why);
	if (err)
		return err;
	client->inbox = mailbox_new(loop, 0);
	return ript_worker_new(&client->worker, client->net, 0, loop,
			       client->inbox);
}

void far_client_close(struct far_client *client)
{
	ript_worker_free(&client->worker);
	mailbox_free(&client->inbox);
	ript_net_free(&client->net);
	mailbox_free(&client->to_control);
}

/* ---- one end ---- */

static struct wire_when when(const struct far_end *end)
{
	return (struct wire_when){ loop_now_ns(end->client->loop),
				   loop_wall_ms(end->client->loop) };
}

static enum bridge_fate on_media(const struct wire_chunk *chunk, void *arg)
{
	struct far_end *end = arg;

	load_received(end->load, chunk->media, chunk->media_len);
	return FATE_FORWARDED;
}

static void send_acks(struct far_end *end)
{
	uint8_t body[BODY_MAX];
	size_t room = byway_room(end->port), len;
	int err;

	len = wire_acks(&end->wire, body,
			room < sizeof(body) ? room : sizeof(body));
	if (!len)
		return;
	err = byway_send(end->port, body, len, false);
	wire_sent(&end->wire, err == 0);
}

static void on_acks_full(void *arg)
{
	send_acks(arg);
}

static void on_fate(enum bridge_fate fate, void *arg)
{
	(void)fate;
	(void)arg;
}

static int on_chunks(const uint8_t *body, size_t len, enum byway_kind kind,
		     uint64_t connection, uint8_t *reply, size_t reply_max,
		     size_t *reply_len, void *arg)
{
	struct far_end *end = arg;
	struct wire_handlers handlers = { on_media, on_acks_full, on_fate,
					  end };
	struct wire_body in = {
		.data = body,
		.len = len,
		.connection = connection,
		.reply = reply,
		.reply_max = reply_max,
		.when = when(end),
	};
	int err = wire_read(&end->wire, &in, &handlers);

	(void)kind;
	if (reply_len)
		*reply_len = in.reply_len;
	return err;
}

static void on_open(enum byway_kind kind, void *arg)
{
	struct far_end *end = arg;

	end->open = kind == BYWAY_WEBTRANSPORT;
	wire_renew(&end->wire);
}

int far_end_bind(struct far_end *end, struct far_client *client,
		  struct load *load)
{
	static const struct byway_handlers handlers = { on_chunks, on_open };
	struct wire_direct direct = { .client = true, .tx_sink = 1,
				      .rx_sink = 1 };

	end->client = client;
	end->load = load;
	wire_init(&end->wire);
	wire_direct(&end->wire, &direct);
	return byway_bind(&end->port, client->worker, end->byway_id,
			  &handlers, end);
}

int far_end_send(struct far_end *end, const uint8_t payload[PROBE_LEN])
{
	struct wire_when now = when(end);
	struct chunk chunk = {
		.env = CHUNK_BIT(CHUNK_PAYLOAD_TYPE),
		.pkg = CHUNK_BIT(CHUNK_MEDIA),
		.media = payload,
		.media_len = PROBE_LEN,
	};
	uint8_t body[BODY_MAX];
	size_t len;
	int err;

	if (!end->next_seq)
		end->next_seq = now.wall_ms;
	len = wire_media(&end->wire, body, 1100, &chunk, end->next_seq++,
			 now.wall_ms, true, &now);
	err = len ? byway_send(end->port, body, len, true) : EMSGSIZE;
	wire_sent(&end->wire, err == 0);
	return err;
}

void far_end_tick(struct far_end *end)
{
	if (wire_acks_due_ns(&end->wire) <= loop_now_ns(end->client->loop))
		send_acks(end);
}

void far_end_close(struct far_end *end)
{
	byway_unbind(&end->port);
}
