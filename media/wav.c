/* SPDX-License-Identifier: MIT */
#include "media/wav.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/g711.h"

#define TAPS 16			/* of the resampling filter, each side */
#define MAX_CHANNELS 64

/* All frames of an open file, the channels' mean. */
static float *read_mono(SNDFILE *file, const SF_INFO *info)
{
	size_t frames = (size_t)info->frames, i;
	size_t channels = (size_t)info->channels, c;
	float *mono = xcalloc(frames + 1, sizeof(*mono)), sum;
	float *all = mono;

	if (channels > 1)
		all = xcalloc(frames * channels + 1, sizeof(*all));
	sf_readf_float(file, all, info->frames);
	if (channels > 1) {
		for (i = 0; i < frames; i++) {
			sum = 0;
			for (c = 0; c < channels; c++)
				sum += all[i * channels + c];
			mono[i] = sum / (float)channels;
		}
		free(all);
	}
	return mono;
}

/* A sinc under a Hann window, cut off at the lower of both rates. */
static double filter(double x, double cutoff)
{
	double window = TAPS / cutoff;

	if (fabs(x) >= window)
		return 0;
	window = 0.5 + 0.5 * cos(M_PI * x / window);
	x *= cutoff * M_PI;
	return cutoff * window * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
}

static double sample_at(const float *in, size_t count, double at,
			double cutoff)
{
	long first = (long)floor(at - TAPS / cutoff) + 1;
	long last = (long)floor(at + TAPS / cutoff), i;
	double sum = 0;

	for (i = first < 0 ? 0 : first; i <= last && i < (long)count; i++)
		sum += in[i] * filter(at - (double)i, cutoff);
	return sum;
}

static int16_t clip(double value)
{
	value = rint(value * 32768);
	if (value > INT16_MAX)
		return INT16_MAX;
	return value < INT16_MIN ? INT16_MIN : (int16_t)value;
}

static int16_t *resample(const float *in, size_t count, int rate,
			 size_t *outp)
{
	double step = (double)rate / G711_RATE;
	double cutoff = rate > G711_RATE ? 1 / step : 1;
	size_t out_cnt = (size_t)((double)count / step), i;
	int16_t *out = xcalloc(out_cnt + 1, sizeof(*out));

	for (i = 0; i < out_cnt; i++)
		out[i] = clip(rate == G711_RATE
				      ? in[i]
				      : sample_at(in, count,
						  (double)i * step, cutoff));
	*outp = out_cnt;
	return out;
}

int wav_read(int16_t **samplesp, size_t *countp, const char *file,
	     char **why)
{
	SF_INFO info = { 0 };
	SNDFILE *snd;
	float *mono;

	snd = sf_open(file, SFM_READ, &info);
	if (!snd) {
		*why = xasprintf("%s: %s", file, sf_strerror(NULL));
		return sf_error(NULL) == SF_ERR_SYSTEM ? ENOENT : EINVAL;
	}
	if (info.samplerate < 1000 || info.samplerate > 384000 ||
	    info.channels < 1 || info.channels > MAX_CHANNELS ||
	    info.frames < 0 ||
	    info.frames / info.samplerate > WAV_MAX_S) {
		*why = xasprintf("%s: longer than %d s, or of an unusual "
				 "form", file, WAV_MAX_S);
		sf_close(snd);
		return EFBIG;
	}
	mono = read_mono(snd, &info);
	sf_close(snd);
	*samplesp = resample(mono, (size_t)info.frames, info.samplerate,
			     countp);
	free(mono);
	return 0;
}

int wav_write(const char *file, const int16_t *samples, size_t count,
	      char **why)
{
	SF_INFO info = {
		.samplerate = G711_RATE,
		.channels = 1,
		.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
	};
	SNDFILE *snd = sf_open(file, SFM_WRITE, &info);
	sf_count_t written;

	if (!snd) {
		*why = xasprintf("%s: %s", file, sf_strerror(NULL));
		return EIO;
	}
	written = sf_write_short(snd, samples, (sf_count_t)count);
	if (sf_close(snd) != 0 || written != (sf_count_t)count) {
		*why = xasprintf("%s: could not be written", file);
		return EIO;
	}
	return 0;
}
