/* SPDX-License-Identifier: MIT */
/*
 * A body of records.  What parses is written again and must parse to the
 * same; then both roles of the RIPT end take the body, twice, so that the
 * second time finds duplicates.
 */
#include <stdlib.h>
#include <string.h>

#include "media/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int holds)
{
	if (!holds)
		abort();
}

static int same_number(const struct chunk_number *a,
		       const struct chunk_number *b)
{
	return a->value == b->value && a->width == b->width;
}

static void compare(const struct chunk *a, const struct chunk *b)
{
	must(a->env == b->env && a->pkg == b->pkg);
	if (a->env & CHUNK_BIT(CHUNK_SEQUENCE))
		must(same_number(&a->seq, &b->seq));
	if (a->env & CHUNK_BIT(CHUNK_TIMESTAMP))
		must(same_number(&a->time, &b->time));
	if (a->env & CHUNK_BIT(CHUNK_PAYLOAD_TYPE))
		must(a->payload_type == b->payload_type);
	if (a->env & CHUNK_BIT(CHUNK_RTP_CLOCK))
		must(a->rtp_clock == b->rtp_clock);
	if (a->env & CHUNK_BIT(CHUNK_CONTROL_TYPE))
		must(a->control_type == b->control_type);
	if (a->pkg & CHUNK_BIT(CHUNK_MEDIA))
		must(a->media_len == b->media_len &&
		     (!a->media_len ||
		      memcmp(a->media, b->media, a->media_len) == 0));
	if (a->pkg & CHUNK_BIT(CHUNK_SEQUENCE))
		must(same_number(&a->acked_seq, &b->acked_seq));
	if (a->pkg & CHUNK_BIT(CHUNK_RECEIVE_TIME))
		must(same_number(&a->receive_time, &b->receive_time));
}

static void write_again(const struct chunk *chunk)
{
	struct chunk in = *chunk, out;
	size_t room = chunk->pkg & CHUNK_BIT(CHUNK_MEDIA)
			      ? chunk->media_len + CHUNK_OVERHEAD_MAX
			      : CHUNK_OVERHEAD_MAX;
	struct chunk_reader reader;
	uint8_t *record;
	size_t len;

	if (in.env & CHUNK_BIT(CHUNK_KEY_ID))
		return;
	/* A package is media or an ack, not both. */
	if (in.pkg & CHUNK_BIT(CHUNK_MEDIA))
		in.pkg = CHUNK_BIT(CHUNK_MEDIA);
	record = malloc(room);
	must(record != NULL);
	len = chunk_write(record, room, &in);
	must(len > 0 && len <= room);
	chunk_reader_init(&reader, record, len);
	must(chunk_next(&reader, &out) == CHUNK_OK);
	must(reader.at == reader.end);
	compare(&in, &out);
	free(record);
}

static enum bridge_fate on_media(const struct wire_chunk *chunk, void *arg)
{
	unsigned *sum = arg;
	size_t i;

	for (i = 0; i < chunk->media_len; i++)
		*sum += chunk->media[i];
	return FATE_FORWARDED;
}

static void on_acks_full(void *arg)
{
	(void)arg;
}

static void on_fate(enum bridge_fate fate, void *arg)
{
	(void)arg;
	must((unsigned)fate < FATE_CNT);
}

static void take(const uint8_t *data, size_t len, bool client)
{
	struct wire_direct direct = { .client = client, .tx_sink = 1,
				      .rx_sink = 1 };
	unsigned sum = 0, round;
	struct wire_handlers handlers = { on_media, on_acks_full, on_fate,
					  &sum };
	uint8_t reply[200], body[1000];
	struct wire_body in = {
		.data = data,
		.len = len,
		.connection = 1,
		.reply = client ? NULL : reply,
		.reply_max = sizeof(reply),
	};
	struct wire wire;
	size_t written;

	wire_init(&wire);
	wire_direct(&wire, &direct);
	for (round = 0; round < 2; round++) {
		in.when.now_ns += 20000000;
		in.when.wall_ms += 20;
		wire_read(&wire, &in, &handlers);
		must(in.reply_len <= sizeof(reply));
		written = wire_acks(&wire, body, sizeof(body));
		must(written <= sizeof(body));
		wire_sent(&wire, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct chunk_reader reader;
	enum chunk_result result;
	struct chunk chunk;

	chunk_reader_init(&reader, data, len);
	while ((result = chunk_next(&reader, &chunk)) != CHUNK_END)
		if (result == CHUNK_OK)
			write_again(&chunk);
	take(data, len, true);
	take(data, len, false);
	return 0;
}
