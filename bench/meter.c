/* SPDX-License-Identifier: MIT */
#include "bench/meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[8] = "rtpload1";

void probe_write(uint8_t payload[PROBE_LEN], const struct probe *probe)
{
	memset(payload, 0x55, PROBE_LEN);
	memcpy(payload, magic, sizeof(magic));
	memcpy(payload + 8, probe, sizeof(*probe));
}

bool probe_read(struct probe *probe, const uint8_t *payload, size_t len)
{
	if (len != PROBE_LEN || memcmp(payload, magic, sizeof(magic)) != 0)
		return false;
	memcpy(probe, payload + 8, sizeof(*probe));
	return true;
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned log;

	if (ns < 32)
		return (unsigned)ns;
	log = 63u - (unsigned)__builtin_clzll(ns);
	log = (log - 4) * 32 + (unsigned)(ns >> (log - 5) & 31);
	return log < METER_BUCKETS ? log : METER_BUCKETS - 1;
}

static double bucket_ns(unsigned bucket)
{
	unsigned log = bucket / 32 + 4;

	if (bucket < 32)
		return bucket;
	return (double)((UINT64_C(32) + bucket % 32) << (log - 5)) +
	       (double)(UINT64_C(1) << (log - 5)) / 2;
}

void meter_add(struct meter *meter, uint64_t ns)
{
	meter->bucket[bucket_of(ns)]++;
	meter->count++;
	if (ns > meter->max_ns)
		meter->max_ns = ns;
}

double meter_us(const struct meter *meter, double share)
{
	uint64_t want = (uint64_t)(share * (double)meter->count), seen = 0;
	unsigned i;

	for (i = 0; i < METER_BUCKETS; i++) {
		seen += meter->bucket[i];
		if (seen > want)
			return bucket_ns(i) / 1000;
	}
	return (double)meter->max_ns / 1000;
}

/* ---- the process under test ---- */

static int read_stat(struct usage *usage, int pid)
{
	char path[64], line[1024], *at;
	unsigned long long user, sys;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return errno;
	len = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[len] = '\0';
	/* The name in brackets may hold blanks: count from behind it. */
	at = strrchr(line, ')');
	if (!at || sscanf(at + 2,
			  "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			  "%llu %llu",
			  &user, &sys) != 2)
		return EBADMSG;
	usage->user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
	usage->system_s = (double)sys / (double)sysconf(_SC_CLK_TCK);
	return 0;
}

int usage_read(struct usage *usage, int pid)
{
	char path[64], line[256];
	unsigned long long kb;
	FILE *file;
	int err;

	memset(usage, 0, sizeof(*usage));
	err = read_stat(usage, pid);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "r");
	if (!file)
		return errno;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %llu kB", &kb) == 1)
			usage->pss_kb = kb;
	fclose(file);
	return 0;
}

uint64_t udp_overruns(void)
{
	unsigned long long in, none, errors, out, overruns = 0;
	FILE *file = fopen("/proc/net/snmp", "r");
	char line[512];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Udp: %llu %llu %llu %llu %llu", &in, &none,
			   &errors, &out, &overruns) == 5)
			break;
	fclose(file);
	return overruns;
}
