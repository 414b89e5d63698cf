/* SPDX-License-Identifier: MIT */
#include "media/player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOISE_LEVEL 0x40	/* -64 dBov */
#define NOISE_TICKS 100		/* 2 s: well within the 4 s of Q61 */
#define END_PACKETS 3
#define REST_TICKS 4		/* 80 ms between digits */
#define COMMA_TICKS 25
#define TICK_SAMPLES (G711_RATE * PLAYER_TICK_MS / 1000)
#define VOLUME 10		/* -10 dBm0 */

static const char key_codes[] = "0123456789*#ABCD";

void player_init(struct player *player, int16_t *samples, size_t count,
		 unsigned digit_ms)
{
	memset(player, 0, sizeof(*player));
	player->samples = samples;
	player->sample_cnt = count;
	player->codec = CODEC_PCMU;
	player->digit_ticks = (digit_ms ? digit_ms : 100) / PLAYER_TICK_MS;
	if (player->digit_ticks < 2)
		player->digit_ticks = 2;
}

int player_press(struct player *player, const char *keys)
{
	size_t len = strlen(keys), i;

	for (i = 0; i < len; i++)
		if (!strchr(key_codes, keys[i]) && keys[i] != ',')
			return EINVAL;
	if (player->key_at == player->key_cnt)
		player->key_at = player->key_cnt = 0;
	if (player->key_cnt + len > PLAYER_KEYS)
		return E2BIG;
	memcpy(player->keys + player->key_cnt, keys, len);
	player->key_cnt += (unsigned)len;
	return 0;
}

/* ---- keys ---- */

static bool key_due(struct player *player)
{
	if (player->key_step)
		return true;
	if (player->rest) {
		player->rest--;
		return false;
	}
	if (player->key_at == player->key_cnt)
		return false;
	if (player->keys[player->key_at] == ',') {
		player->key_at++;
		player->rest = COMMA_TICKS;
		return false;
	}
	return true;
}

/* Updates of growing duration, then the end three times. */
static void key_packet(struct player *player, struct player_packet *packet)
{
	const char *code = strchr(key_codes, player->keys[player->key_at]);
	unsigned ticks = player->digit_ticks, duration;
	bool end;

	if (player->key_step == 0)
		player->key_tick = player->tick;
	player->key_step++;
	end = player->key_step >= ticks;
	duration = (end ? ticks : player->key_step) * TICK_SAMPLES;
	packet->codec = CODEC_TELEPHONE_EVENT;
	packet->marker = player->key_step == 1;
	packet->tick = player->key_tick;
	packet->len = 4;
	packet->data[0] = (uint8_t)(code - key_codes);
	packet->data[1] = (uint8_t)((end ? 0x80 : 0) | VOLUME);
	packet->data[2] = (uint8_t)(duration >> 8);
	packet->data[3] = (uint8_t)duration;
	if (player->key_step == ticks + END_PACKETS - 1) {
		player->key_step = 0;
		player->key_at++;
		player->rest = REST_TICKS;
	}
	player->speaking = false;
	player->noise_sent = false;
}

/* ---- speech and silence ---- */

static bool speech_packet(struct player *player,
			  struct player_packet *packet)
{
	int16_t frame[TICK_SAMPLES] = { 0 };
	size_t left = player->sample_cnt - player->at;

	if (left == 0 && player->repeat && player->sample_cnt) {
		player->at = 0;
		left = player->sample_cnt;
	}
	if (left == 0)
		return false;
	if (left > TICK_SAMPLES)
		left = TICK_SAMPLES;
	memcpy(frame, player->samples + player->at, left * sizeof(frame[0]));
	player->at += left;
	packet->codec = player->codec;
	packet->marker = !player->speaking;
	packet->tick = player->tick;
	packet->len = TICK_SAMPLES;
	g711_encode(packet->data, frame, TICK_SAMPLES, player->codec);
	player->speaking = true;
	player->noise_sent = false;
	return true;
}

static bool noise_packet(struct player *player, struct player_packet *packet)
{
	if (player->noise_sent &&
	    player->tick - player->noise_tick < NOISE_TICKS)
		return false;
	player->noise_sent = true;
	player->noise_tick = player->tick;
	player->speaking = false;
	packet->codec = CODEC_CN;
	packet->marker = false;
	packet->tick = player->tick;
	packet->len = 1;
	packet->data[0] = NOISE_LEVEL;
	return true;
}

bool player_next(struct player *player, struct player_packet *packet)
{
	bool due = true;

	if (key_due(player))
		key_packet(player, packet);
	else
		due = speech_packet(player, packet) ||
		      noise_packet(player, packet);
	player->tick++;
	return due;
}

bool player_done(const struct player *player)
{
	return (player->repeat || player->at == player->sample_cnt) &&
	       player->key_at == player->key_cnt && player->key_step == 0;
}

void player_free(struct player *player)
{
	free(player->samples);
	player->samples = NULL;
}
