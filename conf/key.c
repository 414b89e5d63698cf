/* SPDX-License-Identifier: MIT */
#include "conf/key.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "conf/value.h"

#define ROOT(field) offsetof(struct conf, field)
#define NETWORK(field) offsetof(struct conf_network, field)
#define TRUNK(field) offsetof(struct conf_trunk, field)
#define PEER(field) offsetof(struct conf_peer, field)
#define ROUTE(field) offsetof(struct conf_route, field)

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

const struct key key_table[] = {
	{ .path = "node", .type = &value_name, .at = ROOT(node),
	  .reload = KEY_RESTART,
	  .doc = "Name of this node in logs, rows and metrics; the host's "
		 "name if not set." },

	{ .path = "ript.listen", .type = &value_address, .at = ROOT(listen),
	  .reload = KEY_RESTART,
	  .doc = "UDP address and port of the server role; without it this "
		 "node only calls others." },
	{ .path = "ript.authority", .type = &value_authority,
	  .at = ROOT(authority), .reload = KEY_RESTART,
	  .doc = "Host and port as clients write them in URIs; the "
		 "certificate names that host." },
	{ .path = "ript.certificate", .type = &value_file,
	  .at = ROOT(certificate), .reload = KEY_AT_ONCE,
	  .doc = "PEM chain of the server role, with its key unless ript.key "
		 "is set." },
	{ .path = "ript.key", .type = &value_file,
	  .at = ROOT(certificate_key), .reload = KEY_AT_ONCE,
	  .flags = KEY_PRIVATE,
	  .doc = "PEM private key of ript.certificate." },
	{ .path = "ript.workers", .type = &value_count, .at = ROOT(workers),
	  .dflt = "0", .max = 48, .reload = KEY_RESTART,
	  .doc = "Threads that carry packets; 0 is one for each core." },
	{ .path = "ript.requests-per-second", .type = &value_count,
	  .at = ROOT(requests_per_second), .dflt = "1000", .min = 1,
	  .max = 1000000, .reload = KEY_RESTART,
	  .doc = "Requests admitted on one connection in a second; more get "
		 "429." },
	{ .path = "ript.refused-tokens-per-minute", .type = &value_count,
	  .at = ROOT(refused_tokens_per_minute), .dflt = "20", .min = 1,
	  .max = 1000000, .reload = KEY_RESTART,
	  .doc = "Wrong tokens from one address in a minute before it is "
		 "locked out." },

	{ .path = "networks.*.address", .type = &value_host,
	  .at = NETWORK(address), .reload = KEY_RESTART, .flags = KEY_NEEDED,
	  .doc = "Address of this host on which SIP and RTP are received." },
	{ .path = "networks.*.advertise", .type = &value_host,
	  .at = NETWORK(advertise), .reload = KEY_RESTART,
	  .doc = "Address that is written into SIP and SDP when NAT stands "
		 "between." },
	{ .path = "networks.*.sip-port", .type = &value_port,
	  .at = NETWORK(sip_port), .dflt = "5060", .max = 65535,
	  .reload = KEY_RESTART,
	  .doc = "Port of SIP; 0 lets the system choose one." },
	{ .path = "networks.*.transports", .type = &value_transports,
	  .at = NETWORK(udp), .at2 = NETWORK(tcp), .dflt = "[udp, tcp]",
	  .choices = "udp|tcp", .reload = KEY_RESTART,
	  .doc = "Transports of SIP that are listened on." },
	{ .path = "networks.*.rtp-ports", .type = &value_ports,
	  .at = NETWORK(rtp_first), .at2 = NETWORK(rtp_last),
	  .dflt = "10000-19999", .min = 1024, .max = 65535,
	  .reload = KEY_RESTART,
	  .doc = "First and last UDP port for RTP and RTCP; a call takes "
		 "two." },

	{ .path = "trunks.*.network", .type = &value_name,
	  .at = TRUNK(network_name), .reload = KEY_RESTART,
	  .doc = "Network on which it is reached; the only one if not "
		 "set." },
	{ .path = "trunks.*.hosts", .type = &value_sip_hosts,
	  .at = TRUNK(host), .at2 = TRUNK(host_cnt), .max = 16,
	  .reload = KEY_RESTART, .flags = KEY_NEEDED,
	  .doc = "Addresses that calls go to, in this order, and are "
		 "accepted from alone; port 5060 if none." },
	{ .path = "trunks.*.transport", .type = &value_either,
	  .at = TRUNK(tcp), .dflt = "udp", .choices = "udp|tcp",
	  .reload = KEY_RESTART, .doc = "Transport that calls go out by." },
	{ .path = "trunks.*.dial-plan.country", .type = &value_digits,
	  .at = TRUNK(dial_plan.country), .max = 3, .reload = KEY_NEW_CALLS,
	  .doc = "Country code that national numbers get." },
	{ .path = "trunks.*.dial-plan.outside-line", .type = &value_digits,
	  .at = TRUNK(dial_plan.outside_line), .max = 4,
	  .reload = KEY_NEW_CALLS,
	  .doc = "Prefix that is cut off first." },
	{ .path = "trunks.*.dial-plan.international", .type = &value_digits,
	  .at = TRUNK(dial_plan.international), .max = 6,
	  .reload = KEY_NEW_CALLS,
	  .doc = "Prefix that becomes \"+\"." },
	{ .path = "trunks.*.dial-plan.national", .type = &value_digits,
	  .at = TRUNK(dial_plan.national), .max = 6, .reload = KEY_NEW_CALLS,
	  .doc = "Prefix that becomes \"+\" and the country code." },
	{ .path = "trunks.*.caller-id.from", .type = &value_callers,
	  .at = TRUNK(caller), .at2 = TRUNK(caller_cnt),
	  .dflt = "[p-asserted-identity, from]",
	  .choices = "from|p-asserted-identity", .reload = KEY_NEW_CALLS,
	  .doc = "Headers in which the caller's number is looked for." },
	{ .path = "trunks.*.caller-id.otherwise", .type = &value_number,
	  .at = TRUNK(caller_otherwise), .reload = KEY_NEW_CALLS,
	  .doc = "Number that calls get when no header holds one; without "
		 "it they are refused." },
	{ .path = "trunks.*.probe.every", .type = &value_duration,
	  .at = TRUNK(probe_every_ms), .dflt = "30s", .min = SECOND,
	  .max = HOUR, .reload = KEY_RESTART, .flags = KEY_OFF,
	  .doc = "Time between OPTIONS requests to it, or off." },
	{ .path = "trunks.*.probe.down-after", .type = &value_count,
	  .at = TRUNK(probe_down_after), .dflt = "3", .min = 1, .max = 100,
	  .reload = KEY_RESTART,
	  .doc = "Unanswered probes after which it counts as down." },
	{ .path = "trunks.*.limits.calls", .type = &value_count,
	  .at = TRUNK(calls), .dflt = "1000", .min = 1, .max = 100000,
	  .reload = KEY_NEW_CALLS, .doc = "Calls at once." },
	{ .path = "trunks.*.limits.calls-per-second", .type = &value_count,
	  .at = TRUNK(calls_per_second), .dflt = "50", .min = 1,
	  .max = 100000, .reload = KEY_NEW_CALLS,
	  .doc = "New calls in a second, from it and to it together." },
	{ .path = "trunks.*.limits.call-duration", .type = &value_duration,
	  .at = TRUNK(call_duration_ms), .dflt = "12h", .min = SECOND,
	  .max = 30 * DAY, .reload = KEY_NEW_CALLS,
	  .doc = "Time after which a call is ended, whatever it says." },
	{ .path = "trunks.*.rtp-timeout", .type = &value_duration,
	  .at = TRUNK(rtp_timeout_ms), .dflt = "60s", .min = SECOND,
	  .max = DAY, .reload = KEY_NEW_CALLS,
	  .doc = "Time without RTP after which the other side is asked, and "
		 "the call ended if it is gone." },
	{ .path = "trunks.*.no-answer", .type = &value_duration,
	  .at = TRUNK(no_answer_ms), .dflt = "180s", .min = SECOND,
	  .max = HOUR, .reload = KEY_NEW_CALLS,
	  .doc = "Time that a call may ring." },

	{ .path = "peers.*.domain", .type = &value_authority,
	  .at = PEER(domain), .reload = KEY_RESTART,
	  .doc = "Host and port where its terminal groups are found; without "
		 "it no call goes to this peer." },
	{ .path = "peers.*.address", .type = &value_addresses,
	  .at = PEER(address), .at2 = PEER(address_cnt), .max = 16,
	  .reload = KEY_RESTART,
	  .doc = "Addresses and ports to connect to in place of what DNS "
		 "says." },
	{ .path = "peers.*.ca", .type = &value_file, .at = PEER(ca_file),
	  .reload = KEY_RESTART,
	  .doc = "PEM roots that its server certificate must lead to; the "
		 "system's if not set." },
	{ .path = "peers.*.token", .type = &value_token, .at = PEER(token),
	  .reload = KEY_RESTART, .flags = KEY_SECRET,
	  .doc = "Bearer token that we show there." },
	{ .path = "peers.*.signing.key", .type = &value_file,
	  .at = PEER(signing_key), .reload = KEY_NEW_CALLS,
	  .flags = KEY_PRIVATE,
	  .doc = "PEM key (P-256) that signs the caller's number." },
	{ .path = "peers.*.signing.cert", .type = &value_file,
	  .at = PEER(signing_cert), .reload = KEY_NEW_CALLS,
	  .doc = "PEM certificate of that key with the numbers it vouches "
		 "for." },
	{ .path = "peers.*.signing.x5u", .type = &value_url,
	  .at = PEER(signing_x5u), .reload = KEY_NEW_CALLS,
	  .doc = "URL at which others know that certificate." },
	{ .path = "peers.*.transport", .type = &value_either,
	  .at = PEER(webtransport), .dflt = "wt", .choices = "byway|wt",
	  .reload = KEY_NEW_CALLS,
	  .doc = "How media travel on calls to it: WebTransport datagrams "
		 "(falls back by itself), or byways only." },
	{ .path = "peers.*.accept", .type = &value_present,
	  .at = PEER(accepts), .reload = KEY_RESTART,
	  .doc = "Present: this peer may call here." },
	{ .path = "peers.*.accept.tg", .type = &value_name, .at = PEER(tg),
	  .reload = KEY_RESTART,
	  .doc = "ID of the terminal group that it gets; the peer's name if "
		 "not set." },
	{ .path = "peers.*.accept.token-hash", .type = &value_hashes,
	  .at = PEER(token_hash), .at2 = PEER(token_hash_cnt), .max = 16,
	  .reload = KEY_NEW_CALLS,
	  .doc = "SHA-256 of its bearer token in hexadecimal; several while "
		 "one is being replaced." },
	{ .path = "peers.*.accept.numbers", .type = &value_patterns,
	  .at = PEER(numbers), .reload = KEY_NEW_CALLS,
	  .doc = "Numbers that it may call here." },
	{ .path = "peers.*.accept.origins", .type = &value_patterns,
	  .at = PEER(origins), .dflt = "[\"*\"]", .reload = KEY_NEW_CALLS,
	  .doc = "Numbers that it may call from." },
	{ .path = "peers.*.accept.origins-cert", .type = &value_file,
	  .at = PEER(origins_cert), .reload = KEY_NEW_CALLS,
	  .doc = "PEM certificate (RFC 8226) of the numbers that we vouch "
		 "for on this group." },
	{ .path = "peers.*.accept.passport.roots", .type = &value_file,
	  .at = PEER(passport_ca), .reload = KEY_NEW_CALLS,
	  .doc = "PEM roots that certificates of its PASSporTs must lead "
		 "to." },
	{ .path = "peers.*.accept.passport.x5u", .type = &value_x5u,
	  .at = PEER(x5u), .reload = KEY_NEW_CALLS, .max = 1000,
	  .doc = "Map of the certificate URLs that it may name to the files "
		 "behind them." },
	{ .path = "peers.*.accept.limits.calls", .type = &value_count,
	  .at = PEER(calls), .dflt = "1000", .min = 1, .max = 100000,
	  .reload = KEY_NEW_CALLS, .doc = "Calls from it at once." },
	{ .path = "peers.*.accept.limits.calls-per-second",
	  .type = &value_count, .at = PEER(calls_per_second), .dflt = "50",
	  .min = 1, .max = 100000, .reload = KEY_NEW_CALLS,
	  .doc = "New calls from it in a second." },
	{ .path = "peers.*.accept.limits.hops", .type = &value_count,
	  .at = PEER(hops), .dflt = "10", .min = 1, .max = 70,
	  .reload = KEY_NEW_CALLS,
	  .doc = "Gateways that a call from it may still pass, however many "
		 "it asks for." },

	{ .path = "routes.*.name", .type = &value_name, .at = ROUTE(name),
	  .reload = KEY_NEW_CALLS,
	  .doc = "Name in logs and status; rule-N if not set." },
	{ .path = "routes.*.from", .type = &value_name, .at = ROUTE(from),
	  .reload = KEY_NEW_CALLS,
	  .doc = "Trunk or peer that the call comes from; any if not set." },
	{ .path = "routes.*.to", .type = &value_patterns, .at = ROUTE(to),
	  .reload = KEY_NEW_CALLS, .flags = KEY_NEEDED,
	  .doc = "Numbers that are called; 3 to 6 digits match only a "
		 "pattern that names them, never \"*\"." },
	{ .path = "routes.*.callers", .type = &value_patterns,
	  .at = ROUTE(callers), .reload = KEY_NEW_CALLS,
	  .doc = "Numbers that call; any if not set." },
	{ .path = "routes.*.via", .type = &value_names, .at = ROUTE(via),
	  .at2 = ROUTE(via_cnt), .max = 16, .reload = KEY_NEW_CALLS,
	  .doc = "Trunks or peers to try, in this order." },
	{ .path = "routes.*.refuse", .type = &value_status,
	  .at = ROUTE(status), .min = 400, .max = 699,
	  .reload = KEY_NEW_CALLS,
	  .doc = "SIP status that such calls get; in place of via." },
	{ .path = "routes.*.on-failure", .type = &value_status,
	  .at = ROUTE(on_failure), .min = 400, .max = 699,
	  .reload = KEY_NEW_CALLS,
	  .doc = "SIP status when every via has failed; the last one's own "
		 "if not set." },

	{ .path = "store.sqlite", .type = &value_path, .at = ROOT(sqlite),
	  .dflt = LOCALSTATEDIR "/lib/riptide/riptide.db",
	  .reload = KEY_RESTART,
	  .doc = "File in which calls and handlers outlive the process." },

	{ .path = "admin.socket", .type = &value_path,
	  .at = ROOT(admin_socket), .dflt = RUNDIR "/riptide/riptide.sock",
	  .max = 107, .reload = KEY_RESTART,
	  .doc = "Socket of riptidectl, for owner and group." },
	{ .path = "admin.metrics", .type = &value_address,
	  .at = ROOT(metrics), .dflt = "127.0.0.1:9433",
	  .reload = KEY_RESTART, .flags = KEY_LOOPBACK,
	  .doc = "Loopback address and TCP port of /metrics, /healthz and "
		 "/ready." },

	{ .path = "log.level", .type = &value_word, .at = ROOT(log_level),
	  .dflt = "info", .choices = "error|warn|info|debug",
	  .reload = KEY_AT_ONCE, .doc = "What is worth a line." },
	{ .path = "log.format", .type = &value_word, .at = ROOT(log_format),
	  .dflt = "logfmt", .choices = "logfmt|json",
	  .reload = KEY_RESTART, .doc = "Form of the lines." },

	{ .path = "drain.deadline", .type = &value_duration,
	  .at = ROOT(drain_ms), .dflt = "30s", .max = 7 * DAY,
	  .reload = KEY_AT_ONCE,
	  .doc = "Time that calls get to end by themselves when the process "
		 "is told to stop." },
};

const unsigned key_cnt = sizeof(key_table) / sizeof(key_table[0]);

const struct section section_table[] = {
	{ "networks", "networks.*", false, sizeof(struct conf_network),
	  ROOT(network), ROOT(network_cnt), 64 },
	{ "trunks", "trunks.*", false, sizeof(struct conf_trunk),
	  ROOT(trunk), ROOT(trunk_cnt), 1000 },
	{ "peers", "peers.*", false, sizeof(struct conf_peer), ROOT(peer),
	  ROOT(peer_cnt), 1000 },
	{ "routes", "routes.*", true, sizeof(struct conf_route), ROOT(route),
	  ROOT(route_cnt), 5000 },
};

const unsigned section_cnt = sizeof(section_table) / sizeof(section_table[0]);

const struct key *key_find(const char *path)
{
	unsigned i;

	for (i = 0; i < key_cnt; i++)
		if (strcmp(key_table[i].path, path) == 0)
			return &key_table[i];
	return NULL;
}

/* What of @key lies below @path, NULL if it does not. */
static const char *below(const struct key *key, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return key->path;
	if (strncmp(key->path, path, len) != 0 || key->path[len] != '.')
		return NULL;
	return key->path + len + 1;
}

bool key_is_section(const char *path)
{
	unsigned i;

	for (i = 0; i < key_cnt; i++)
		if (below(&key_table[i], path))
			return true;
	return false;
}

const char *key_nearest(const char *path, const char *word, char *buffer,
			size_t size)
{
	char name[64];
	const char *rest;
	struct nearest nearest;
	unsigned i, distance = 0;

	buffer[0] = '\0';
	for (i = 0; i < key_cnt; i++) {
		rest = below(&key_table[i], path);
		if (!rest)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "."),
			 rest);
		nearest_init(&nearest, word);
		nearest_offer(&nearest, name);
		if (nearest.best && (!buffer[0] || nearest.distance < distance)) {
			distance = nearest.distance;
			snprintf(buffer, size, "%s", name);
		}
	}
	return buffer[0] ? buffer : NULL;
}

/* "trunks.*.hosts" as people read it: "trunks.NAME.hosts", "routes.to". */
static void shown_path(const char *path, char *buffer, size_t size)
{
	const char *star = strstr(path, ".*");

	if (!star)
		snprintf(buffer, size, "%s", path);
	else
		snprintf(buffer, size, "%.*s%s%s", (int)(star - path), path,
			 strncmp(path, "routes", 6) == 0 ? "[]" : ".NAME",
			 star + 2);
}

const char *key_elsewhere(const char *word, char *buffer, size_t size)
{
	const char *last;
	unsigned i;

	for (i = 0; i < key_cnt; i++) {
		last = strrchr(key_table[i].path, '.');
		if (last && strcmp(last + 1, word) == 0) {
			shown_path(key_table[i].path, buffer, size);
			return buffer;
		}
	}
	return NULL;
}

/* ---- sections ---- */

const struct section *section_find(const char *name)
{
	unsigned i;

	for (i = 0; i < section_cnt; i++)
		if (strcmp(section_table[i].name, name) == 0)
			return &section_table[i];
	return NULL;
}

/* The array of @section: its pointer is of another type in each section. */
static char *section_array(const struct section *section,
			   const struct conf *conf)
{
	char *array;

	memcpy(&array, (const char *)conf + section->at, sizeof(array));
	return array;
}

unsigned section_count(const struct section *section, const struct conf *conf)
{
	return *(const unsigned *)(const void *)((const char *)conf +
						 section->cnt_at);
}

void *section_item(const struct section *section, const struct conf *conf,
		   unsigned index)
{
	return section_array(section, conf) + index * section->item_size;
}

void *section_add(const struct section *section, struct conf *conf)
{
	char *array = section_array(section, conf);
	unsigned *count = (unsigned *)(void *)((char *)conf + section->cnt_at);
	void *item;

	array = xrealloc(array, ((size_t)*count + 1) * section->item_size);
	memcpy((char *)conf + section->at, &array, sizeof(array));
	item = array + *count * section->item_size;
	memset(item, 0, section->item_size);
	(*count)++;
	return item;
}

bool section_has(const struct section *section, const struct key *key)
{
	unsigned i;

	if (section)
		return below(key, section->path) != NULL;
	for (i = 0; i < section_cnt; i++)
		if (below(key, section_table[i].path))
			return false;
	return true;
}

/* ---- for people ---- */

static const char *reload_text(const struct key *key)
{
	switch (key->reload) {
	case KEY_RESTART:
		return "restart";
	case KEY_NEW_CALLS:
		return "reload, new calls";
	case KEY_AT_ONCE:
		return "reload, at once";
	}
	return "";
}

static void print_ms(struct buf *out, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} units[] = { { DAY, "d" }, { HOUR, "h" }, { 60 * SECOND, "m" },
		      { SECOND, "s" }, { 1, "ms" } };
	unsigned i = 0;

	while (ms % units[i].ms)
		i++;
	buf_printf(out, "%llu%s", (unsigned long long)(ms / units[i].ms),
		   ms ? units[i].unit : "s");
}

/* "duration, 1s to 12h", "one of udp, tcp". */
static void print_type(struct buf *out, const struct key *key)
{
	const char *at;

	buf_add_str(out, key->type->name);
	if (key->choices) {
		buf_add_str(out, " of ");
		for (at = key->choices; *at; at++)
			buf_add_str(out, *at == '|' ? ", "
						    : (char[]){ *at, '\0' });
	} else if (key->type == &value_duration) {
		buf_add_str(out, ", ");
		print_ms(out, key->min);
		buf_add_str(out, " to ");
		print_ms(out, key->max);
		if (key->flags & KEY_OFF)
			buf_add_str(out, ", or off");
	} else if (key->type == &value_count || key->type == &value_status ||
		   key->type == &value_port || key->type == &value_ports) {
		buf_printf(out, ", %llu to %llu",
			   (unsigned long long)key->min,
			   (unsigned long long)key->max);
	} else if (key->max) {
		buf_printf(out, ", at most %llu",
			   (unsigned long long)key->max);
	}
}

/* The default as documents say it, whose reader has another prefix. */
static void print_usual(struct buf *out, const char *dflt)
{
	static const struct {
		const char *here, *usual;
	} folders[] = { { LOCALSTATEDIR "/", "/var/" }, { RUNDIR "/", "/run/" } };
	unsigned i;

	for (i = 2; i--;) {
		size_t len = strlen(folders[i].here);

		if (strncmp(dflt, folders[i].here, len) == 0) {
			buf_add_str(out, folders[i].usual);
			dflt += len;
			break;
		}
	}
	buf_add_str(out, dflt);
}

void key_print_text(struct buf *out)
{
	char path[128];
	unsigned i;

	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];

		shown_path(key->path, path, sizeof(path));
		buf_printf(out, "%s\n    %s\n    ", path, key->doc);
		print_type(out, key);
		if (key->flags & KEY_NEEDED)
			buf_add_str(out, "; needed");
		if (key->dflt)
			buf_printf(out, "; default %s", key->dflt);
		buf_printf(out, "; change: %s\n", reload_text(key));
	}
}

void key_print_mdoc(struct buf *out)
{
	char path[128];
	unsigned i;

	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];

		shown_path(key->path, path, sizeof(path));
		buf_printf(out, ".It Cm %s\n%s\n.br\n", path, key->doc);
		print_type(out, key);
		if (key->flags & KEY_NEEDED)
			buf_add_str(out, "; needed");
		if (key->dflt) {
			buf_add_str(out, "; default\n.Ql ");
			print_usual(out, key->dflt);
			buf_add_str(out, " ;\n");
		} else {
			buf_add_str(out, ";\n");
		}
		buf_printf(out, "change: %s.\n", reload_text(key));
	}
}

void key_print_markdown(struct buf *out)
{
	char path[128];
	unsigned i;

	buf_add_str(out, "| key | meaning | value | default | a change needs "
			 "|\n| --- | --- | --- | --- | --- |\n");
	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];

		shown_path(key->path, path, sizeof(path));
		buf_printf(out, "| `%s` | %s | ", path, key->doc);
		print_type(out, key);
		buf_add_str(out, key->flags & KEY_NEEDED ? "; needed | "
							  : " | ");
		if (key->dflt) {
			buf_add_str(out, "`");
			print_usual(out, key->dflt);
			buf_add_str(out, "`");
		}
		buf_printf(out, " | %s |\n", reload_text(key));
	}
}
