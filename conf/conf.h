/* SPDX-License-Identifier: MIT */
/*
 * conf/conf.h - the configuration: one YAML file, one struct.
 *
 * Two nouns: a trunk is a SIP counterparty, a peer a RIPT counterparty.
 * `networks` say where we stand, `routes` join the two.
 *
 * Owner:  conf_free() by whoever loaded it; everything inside belongs to it.
 * Loop:   control; read-only once loaded.
 */
#ifndef RIPTIDE_CONF_CONF_H
#define RIPTIDE_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/text.h"

struct conf_network {
	char *name;
	struct addr address;		/* without port */
	struct addr advertise;		/* without port; len 0: as address */
	uint16_t sip_port;
	bool udp, tcp;
	uint16_t rtp_first, rtp_last;
};

struct conf_dial_plan {			/* all NULL: numbers are E.164 */
	char *country;			/* "1" */
	char *outside_line;		/* "9": cut off first */
	char *international;		/* "011": becomes "+" */
	char *national;			/* "1": becomes "+" country */
};

enum conf_caller_source { CALLER_FROM, CALLER_PAI };

struct conf_trunk {
	char *name;
	char *network_name;
	struct conf_network *network;	/* the one of that name */
	struct addr *host;
	unsigned host_cnt;
	bool tcp;
	struct conf_dial_plan dial_plan;
	enum conf_caller_source caller[2];
	unsigned caller_cnt;
	char *caller_otherwise;		/* NULL: refuse */
	uint64_t probe_every_ms;	/* 0: off */
	unsigned probe_down_after;
	unsigned calls;			/* limits */
	unsigned calls_per_second;
	uint64_t call_duration_ms;
	uint64_t rtp_timeout_ms;
	uint64_t no_answer_ms;
};

struct conf_peer {
	char *name;
	/* We are its client: */
	char *domain;			/* host[:port]; NULL: it only calls us */
	struct addr *address;		/* fixed addresses; none: by DNS */
	unsigned address_cnt;
	char *ca_file;			/* NULL: system roots */
	char *token;			/* secret */
	char *signing_key, *signing_cert, *signing_x5u;
	bool webtransport;
	/* It is our client: */
	bool accepts;
	char *tg;			/* path segment of its TG */
	uint8_t (*token_hash)[32];
	unsigned token_hash_cnt;
	struct number_set numbers;	/* what it may call here */
	struct number_set origins;	/* who may call */
	char *origins_cert;		/* RFC 8226 certificate file; NULL */
	char *passport_ca;		/* roots of signers */
	char **x5u, **x5u_cert;		/* pairs: URL under our authority and
					   the file behind it */
	unsigned x5u_cnt;
	unsigned calls, calls_per_second, hops;
};

enum conf_route_action { ROUTE_VIA, ROUTE_REFUSE };

struct conf_route {
	char *name;
	unsigned rule;			/* place in the file, from 1 */
	char *from;			/* trunk or peer; NULL: any */
	struct number_set to;
	struct number_set callers;	/* empty: any */
	enum conf_route_action action;
	int status;			/* ROUTE_REFUSE */
	char **via;			/* trunk or peer names, in order */
	unsigned via_cnt;
	int on_failure;			/* SIP status; 0: the last one's own */
	bool emergency;			/* names short codes or 911-like */
};

struct conf {
	char *file;
	char *node;
	/* ript: */
	struct addr listen;		/* len 0: no server role */
	char *authority;
	char *certificate, *certificate_key;
	unsigned workers;		/* 0: one per core */
	unsigned requests_per_second, refused_tokens_per_minute;
	struct conf_network *network;
	unsigned network_cnt;
	struct conf_trunk *trunk;
	unsigned trunk_cnt;
	struct conf_peer *peer;
	unsigned peer_cnt;
	struct conf_route *route;
	unsigned route_cnt;
	char *sqlite;
	char *admin_socket;		/* 0660 */
	struct addr metrics;		/* loopback */
	char *log_level, *log_format;
	uint64_t drain_ms;
};

/* One thing that is wrong, for people: "file:14: trunks.pbx.x: unknown key;
 * did you mean ..." */
struct conf_problems {
	struct buf text;		/* a line each */
	unsigned count;
};

/*
 * Load and check everything: keys, values, references, and the files that it
 * names (there, readable, private keys not readable by group or others).
 * Relative paths start at the folder of @file.
 * Returns 0; EINVAL: @problems say what; ENOENT, EACCES, ...: @file itself
 * cannot be read, @problems say so too.  *@confp is set on success only.
 */
int conf_load(struct conf **confp, const char *file,
	      struct conf_problems *problems);
/* The same from memory, @name for messages; @files false: the files that it
 * names are not looked at. */
int conf_load_text(struct conf **confp, const char *name, const char *text,
		   size_t len, bool files, struct conf_problems *problems);
void conf_free(struct conf **confp);
void conf_problems_free(struct conf_problems *problems);

const struct conf_network *conf_network(const struct conf *c, const char *n);
const struct conf_trunk *conf_trunk(const struct conf *c, const char *name);
const struct conf_peer *conf_peer(const struct conf *c, const char *name);

/* The effective configuration as YAML that loads to the same; secrets are
 * printed as "(hidden)" unless @secrets. */
void conf_print(struct buf *out, const struct conf *conf, bool secrets);

#endif
