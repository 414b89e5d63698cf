/* SPDX-License-Identifier: MIT */
/*
 * media/wav.h - speech in files: whatever libsndfile reads, as 16-bit samples
 * of 8000 Hz and one channel, and the other way.
 *
 * Owner:  the caller frees what was read.
 * Loop:   any; blocks on the file, so never on a loop that carries calls.
 */
#ifndef RIPTIDE_MEDIA_WAV_H
#define RIPTIDE_MEDIA_WAV_H

#include <stddef.h>
#include <stdint.h>

#define WAV_MAX_S 3600		/* longer files are refused */

/* Returns 0; ENOENT, EINVAL, EFBIG with @why: one sentence, malloc'ed. */
int wav_read(int16_t **samplesp, size_t *countp, const char *file,
	     char **why);
/* Returns 0 or EIO, with @why. */
int wav_write(const char *file, const int16_t *samples, size_t count,
	      char **why);

#endif
