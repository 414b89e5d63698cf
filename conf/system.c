/* SPDX-License-Identifier: MIT */
#include "conf/system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <time.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/cert.h"
#include "conf/conf.h"

#define RMEM_NEEDED (8u << 20)	/* what SIP's and RIPT's sockets ask for */
#define OTHER_FILES 512		/* connections, store, log, libraries */
#define DAY_S 86400
#define DAYS_LEFT 7		/* a certificate that ends sooner is a task */

/* ---- what the machine says ---- */

static void read_line(const char *path, char *line, size_t size)
{
	FILE *in = fopen(path, "re");

	line[0] = '\0';
	if (!in)
		return;
	if (!fgets(line, (int)size, in))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(in);
}

void system_facts_read(struct system_facts *facts)
{
	struct timex timex = { 0 };
	struct rlimit limit;
	char line[128];

	memset(facts, 0, sizeof(*facts));
	facts->clock_synced = adjtimex(&timex) != TIME_ERROR &&
			      !(timex.status & STA_UNSYNC);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		facts->open_files = limit.rlim_cur;
	read_line("/proc/sys/net/core/rmem_max", line, sizeof(line));
	facts->rmem_max = strtoull(line, NULL, 10);
	read_line("/proc/sys/net/ipv4/ip_local_port_range", line,
		  sizeof(line));
	if (sscanf(line, "%u %u", &facts->local_first, &facts->local_last) !=
	    2)
		facts->local_first = facts->local_last = 0;
	read_line("/proc/sys/net/ipv4/ip_local_reserved_ports",
		  facts->reserved, sizeof(facts->reserved));
	facts->now_s = (int64_t)(clock_wall_ms() / 1000);
}

/* ---- comparing ---- */

struct check {
	struct buf *out;
	const struct conf *conf;
	const struct system_facts *facts;
	unsigned wrong;
};

static void __attribute__((format(printf, 5, 6)))
line(struct check *check, bool good, const char *name, const char *needed,
     const char *fmt, ...)
{
	char value[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	buf_printf(check->out, "%-3s %-22s %-36s needed: %s\n",
		   good ? "ok" : "NO", name, value, needed);
	check->wrong += !good;
}

/* The command that mends what the line above says. */
static void __attribute__((format(printf, 3, 4)))
mend(struct check *check, bool good, const char *fmt, ...)
{
	va_list ap;

	if (good)
		return;
	buf_add_str(check->out, "      ");
	va_start(ap, fmt);
	buf_vprintf(check->out, fmt, ap);
	va_end(ap);
	buf_add_str(check->out, "\n");
}

static void check_clock(struct check *check)
{
	bool good = check->facts->clock_synced;

	line(check, good, "clock",
	     "synchronised (PASSporTs are good for 60 s)", "%s",
	     good ? "synchronised" : "not synchronised");
	mend(check, good,
	     "apt-get install systemd-timesyncd && timedatectl set-ntp true");
}

static unsigned pairs(const struct conf_network *network)
{
	return (network->rtp_last - network->rtp_first + 1u -
		(network->rtp_first & 1u)) / 2;
}

/* The calls that the trunks of @network admit together. */
static unsigned admitted(const struct conf *conf,
			 const struct conf_network *network)
{
	unsigned calls = 0, i;

	for (i = 0; i < conf->trunk_cnt; i++)
		if (conf->trunk[i].network == network)
			calls += conf->trunk[i].calls;
	return calls;
}

static void check_files(struct check *check)
{
	unsigned long long have = check->facts->open_files, need = OTHER_FILES;
	const struct conf *conf = check->conf;
	char needed[64];
	unsigned i;
	bool good;

	for (i = 0; i < conf->network_cnt; i++) {
		unsigned calls = admitted(conf, &conf->network[i]);
		unsigned ports = pairs(&conf->network[i]);

		/* Two sockets a call, and no more calls than ports. */
		need += 2ull * (calls < ports ? calls : ports);
	}
	good = have >= need;
	snprintf(needed, sizeof(needed), "%llu", need);
	line(check, good, "open files", needed, "%llu", have);
	mend(check, good,
	     "LimitNOFILE=%llu in the unit file, or: ulimit -n %llu", need,
	     need);
}

static void check_rmem(struct check *check)
{
	bool good = check->facts->rmem_max >= RMEM_NEEDED;
	char needed[64];

	snprintf(needed, sizeof(needed), "%u", RMEM_NEEDED);
	line(check, good, "net.core.rmem_max", needed, "%llu",
	     (unsigned long long)check->facts->rmem_max);
	mend(check, good, "sysctl -w net.core.rmem_max=%u", RMEM_NEEDED);
}

/* Whether "1000,2000-2999" holds all ports @first to @last in one piece. */
static bool reserved(const char *list, unsigned first, unsigned last)
{
	unsigned from, to;

	while (*list) {
		char *end;

		from = to = (unsigned)strtoul(list, &end, 10);
		if (end == list)
			return false;
		if (*end == '-')
			to = (unsigned)strtoul(end + 1, &end, 10);
		if (from <= first && last <= to)
			return true;
		list = *end ? end + 1 : end;
	}
	return false;
}

static void check_ports(struct check *check,
			const struct conf_network *network)
{
	const struct system_facts *facts = check->facts;
	unsigned first = network->rtp_first, last = network->rtp_last;
	unsigned calls = admitted(check->conf, network), have = pairs(network);
	char name[64], needed[96];
	bool good;

	good = first > facts->local_last || last < facts->local_first ||
	       reserved(facts->reserved, first, last);
	snprintf(name, sizeof(name), "RTP ports of %.40s", network->name);
	snprintf(needed, sizeof(needed), "none of the system's own %u-%u",
		 facts->local_first, facts->local_last);
	line(check, good, name, needed, "%u-%u", first, last);
	mend(check, good,
	     "sysctl -w net.ipv4.ip_local_reserved_ports=%s%s%u-%u",
	     facts->reserved, *facts->reserved ? "," : "", first, last);

	good = have >= calls;
	snprintf(needed, sizeof(needed), "%u, the limits of its trunks",
		 calls);
	line(check, good, name, needed, "room for %u calls", have);
	mend(check, good,
	     "networks.%s.rtp-ports with %u ports, or lower limits.calls, in "
	     "%s", network->name, 2 * calls, check->conf->file);
}

/* The dates of the certificate in @file; the rest is the caller's. */
static void check_dates(struct check *check, const char *name,
			const char *file, const struct cert *cert)
{
	int64_t now = check->facts->now_s;
	int64_t days = (cert->until_s - now) / DAY_S;
	bool good = now >= cert->from_s && days >= DAYS_LEFT;
	time_t until = (time_t)cert->until_s;
	char date[32], needed[64];
	struct tm tm;

	gmtime_r(&until, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%MZ", &tm);
	snprintf(needed, sizeof(needed), "valid now and for %d days",
		 DAYS_LEFT);
	if (now < cert->from_s)
		line(check, good, name, needed, "not valid yet");
	else if (now > cert->until_s)
		line(check, good, name, needed, "ended %s", date);
	else
		line(check, good, name, needed, "until %s (%lld d)", date,
		     (long long)days);
	mend(check, good, "renew %s", file);
}

static void check_server(struct check *check)
{
	const struct conf *conf = check->conf;
	const char *key = conf->certificate_key ? conf->certificate_key
						: conf->certificate;
	struct cert cert;
	char *why;
	bool good;

	if (!conf->listen.len)
		return;
	if (cert_read(&cert, conf->certificate, &why) != 0) {
		line(check, false, "server certificate", "a PEM certificate",
		     "%s", why);
		free(why);
		return;
	}
	good = cert_names(&cert, conf->authority);
	line(check, good, "server certificate", conf->authority, "%s",
	     good ? "for the authority" : "for other names");
	mend(check, good,
	     "get one for that host, or set ript.authority to a name that is "
	     "in it: openssl x509 -noout -ext subjectAltName -in %s",
	     conf->certificate);
	good = cert_has_key(&cert, key);
	line(check, good, "server key", "the certificate's key", "%s",
	     good ? "fits" : "another key, or none");
	mend(check, good, "put the PEM key of %s into %s", conf->certificate,
	     key);
	check_dates(check, "server certificate", conf->certificate, &cert);
	cert_free(&cert);
}

static void check_signing(struct check *check, const struct conf_peer *peer)
{
	struct cert cert;
	char name[64], *why;
	bool good;

	if (!peer->signing_cert || !peer->signing_key)
		return;
	snprintf(name, sizeof(name), "signing for %.40s", peer->name);
	if (cert_read(&cert, peer->signing_cert, &why) != 0) {
		line(check, false, name, "a PEM certificate", "%s", why);
		free(why);
		return;
	}
	good = cert_has_key(&cert, peer->signing_key);
	line(check, good, name, "the certificate's key", "%s",
	     good ? "key fits" : "another key, or none");
	mend(check, good, "put the PEM key of %s into %s", peer->signing_cert,
	     peer->signing_key);
	check_dates(check, name, peer->signing_cert, &cert);
	cert_free(&cert);
}

unsigned system_check(struct buf *out, const struct conf *conf,
		      const struct system_facts *facts)
{
	struct check check = { .out = out, .conf = conf, .facts = facts };
	unsigned i;

	check_clock(&check);
	check_files(&check);
	check_rmem(&check);
	for (i = 0; i < conf->network_cnt; i++)
		check_ports(&check, &conf->network[i]);
	check_server(&check);
	for (i = 0; i < conf->peer_cnt; i++)
		check_signing(&check, &conf->peer[i]);
	return check.wrong;
}
