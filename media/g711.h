/* SPDX-License-Identifier: MIT */
/*
 * media/g711.h - PCMU and PCMA to 16-bit samples and back.
 *
 * Loop:   any; no state.
 * Spec:   ITU-T G.711.
 */
#ifndef RIPTIDE_MEDIA_G711_H
#define RIPTIDE_MEDIA_G711_H

#include <stddef.h>
#include <stdint.h>

#include "media/desc.h"

#define G711_RATE 8000
#define G711_FRAME 160		/* octets of 20 ms */

/* @codec is CODEC_PCMU or CODEC_PCMA. */
void g711_encode(uint8_t *out, const int16_t *samples, size_t count,
		 enum codec codec);
void g711_decode(int16_t *out, const uint8_t *data, size_t count,
		 enum codec codec);

#endif
