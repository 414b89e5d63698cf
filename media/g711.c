/* SPDX-License-Identifier: MIT */
#include "media/g711.h"

#define BIAS 0x84
#define CLIP 32635

static uint8_t ulaw_encode(int sample)
{
	int sign = 0, exponent = 7, mask = 0x4000;

	if (sample < 0) {
		sign = 0x80;
		sample = -sample;
	}
	if (sample > CLIP)
		sample = CLIP;
	sample += BIAS;
	while (exponent > 0 && !(sample & mask)) {
		exponent--;
		mask >>= 1;
	}
	return (uint8_t)~(sign | exponent << 4 |
			  (sample >> (exponent + 3) & 0x0f));
}

static int16_t ulaw_decode(uint8_t octet)
{
	int value;

	octet = (uint8_t)~octet;
	value = (((octet & 0x0f) << 3) + BIAS) << (octet >> 4 & 7);
	return (int16_t)(octet & 0x80 ? BIAS - value : value - BIAS);
}

static uint8_t alaw_encode(int sample)
{
	int sign = 0x80, exponent = 7, mask = 0x4000;

	if (sample < 0) {
		sign = 0;
		sample = -sample - 1;
	}
	while (exponent > 0 && !(sample & mask)) {
		exponent--;
		mask >>= 1;
	}
	sample = exponent ? sample >> (exponent + 3) & 0x0f : sample >> 4;
	return (uint8_t)((sign | exponent << 4 | sample) ^ 0x55);
}

static int16_t alaw_decode(uint8_t octet)
{
	int value, exponent;

	octet ^= 0x55;
	exponent = octet >> 4 & 7;
	value = ((octet & 0x0f) << 4) + 8;
	if (exponent)
		value = (value + 0x100) << (exponent - 1);
	return (int16_t)(octet & 0x80 ? value : -value);
}

void g711_encode(uint8_t *out, const int16_t *samples, size_t count,
		 enum codec codec)
{
	size_t i;

	for (i = 0; i < count; i++)
		out[i] = codec == CODEC_PCMA ? alaw_encode(samples[i])
					     : ulaw_encode(samples[i]);
}

void g711_decode(int16_t *out, const uint8_t *data, size_t count,
		 enum codec codec)
{
	size_t i;

	for (i = 0; i < count; i++)
		out[i] = codec == CODEC_PCMA ? alaw_decode(data[i])
					     : ulaw_decode(data[i]);
}
