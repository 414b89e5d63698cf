/* SPDX-License-Identifier: MIT */
/*
 * conf/value.h - the types that values have: read from YAML, printed back,
 * freed.
 *
 * Loop:   any; no state.
 */
#ifndef RIPTIDE_CONF_VALUE_H
#define RIPTIDE_CONF_VALUE_H

#include <stdbool.h>

#include "conf/key.h"

struct emit;
struct reader;
struct tree;

struct value_type {
	const char *name;	/* for people: "duration" */
	/* Set the zeroed field of @key in @item.  false: a problem was said
	 * about @path. */
	bool (*read)(struct reader *r, const struct key *key, void *item,
		     const struct tree *node, const char *path);
	/* Whether there is anything to print. */
	bool (*is_set)(const struct key *key, const void *item);
	void (*print)(struct emit *out, const struct key *key,
		      const void *item);
	void (*free)(const struct key *key, void *item);
};

extern const struct value_type value_text;	/* char * */
extern const struct value_type value_name;	/* char *: a-z 0-9 . _ - */
extern const struct value_type value_digits;	/* char * */
extern const struct value_type value_number;	/* char *: E.164 */
extern const struct value_type value_authority;	/* char *: host[:port] */
extern const struct value_type value_url;	/* char *: https */
extern const struct value_type value_token;	/* char * */
extern const struct value_type value_word;	/* char *: one of choices */
extern const struct value_type value_file;	/* char *: must be there */
extern const struct value_type value_path;	/* char *: is made by us */
extern const struct value_type value_count;	/* unsigned */
extern const struct value_type value_status;	/* int */
extern const struct value_type value_port;	/* uint16_t */
extern const struct value_type value_ports;	/* uint16_t: first, last */
extern const struct value_type value_duration;	/* uint64_t ms */
extern const struct value_type value_either;	/* bool: second choice? */
extern const struct value_type value_host;	/* struct addr, no port */
extern const struct value_type value_address;	/* struct addr */
extern const struct value_type value_addresses;	/* struct addr *, unsigned */
extern const struct value_type value_sip_hosts;	/* the same, port 5060 */
extern const struct value_type value_transports;	/* bool udp, tcp */
extern const struct value_type value_callers;	/* caller sources, unsigned */
extern const struct value_type value_patterns;	/* struct number_set */
extern const struct value_type value_hashes;	/* of struct conf_peer */
extern const struct value_type value_names;	/* of struct conf_route */
extern const struct value_type value_x5u;	/* of struct conf_peer */
extern const struct value_type value_present;	/* bool: section is there */

/* ---- shared by value.c and value_list.c ---- */

/* Which of the choices of @key a scalar is; -1: a problem was said. */
int value_choice(struct reader *r, const struct key *key,
		 const struct tree *node, const char *path);
/* A file that is there (@flags: and private), malloc'ed; NULL: a problem was
 * said. */
char *value_file_name(struct reader *r, unsigned flags,
		      const struct tree *node, const char *path);

#endif
