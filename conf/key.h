/* SPDX-License-Identifier: MIT */
/*
 * conf/key.h - the one table of everything that a configuration may say.
 * Reading, defaults, printing, freeing and the manual page all follow it.
 *
 * Loop:   any; constant.
 */
#ifndef RIPTIDE_CONF_KEY_H
#define RIPTIDE_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct conf;
struct value_type;

/* What a changed value needs. */
enum key_reload {
	KEY_RESTART,		/* a restart */
	KEY_NEW_CALLS,		/* a reload; calls in progress keep the old */
	KEY_AT_ONCE,		/* a reload */
};

#define KEY_NEEDED 1u		/* without it the section says nothing */
#define KEY_SECRET 2u		/* never printed */
#define KEY_PRIVATE 4u		/* a file that only its owner may read */
#define KEY_OFF 8u		/* a duration that may be "off" */
#define KEY_LOOPBACK 16u	/* an address of this host alone */

struct key {
	const char *path;	/* "trunks.*.limits.calls" */
	const struct value_type *type;
	size_t at, at2;		/* the field in its item; a second one */
	const char *dflt;	/* as YAML; NULL: none */
	uint64_t min, max;	/* of numbers, ms, or letters */
	const char *choices;	/* "udp|tcp" */
	enum key_reload reload;
	unsigned flags;
	const char *doc;	/* one line */
};

extern const struct key key_table[];
extern const unsigned key_cnt;

/* NULL: no such key. */
const struct key *key_find(const char *path);
/* Whether keys lie below @path. */
bool key_is_section(const char *path);
/* The known name nearest to @word right below the section @path (""), and
 * NULL; @buffer holds it. */
const char *key_nearest(const char *path, const char *word, char *buffer,
			size_t size);
/* A section that has a key with the last name @word; NULL: none. */
const char *key_elsewhere(const char *word, char *buffer, size_t size);

/* ---- the sections that hold many items: networks, trunks, ... ---- */

struct section {
	const char *name;	/* "trunks" */
	const char *path;	/* "trunks.*" */
	bool list;		/* items in a row, else by name */
	size_t item_size;	/* an item begins with char *name */
	size_t at, cnt_at;	/* of array and count in struct conf */
	unsigned max;
};

extern const struct section section_table[];
extern const unsigned section_cnt;

const struct section *section_find(const char *name);
unsigned section_count(const struct section *section, const struct conf *conf);
void *section_item(const struct section *section, const struct conf *conf,
		   unsigned index);
/* A new zeroed item at the end. */
void *section_add(const struct section *section, struct conf *conf);
/* Whether @key belongs to the items of @section (NULL: to none). */
bool section_has(const struct section *section, const struct key *key);

/* ---- for people ---- */

/* The table as text for a terminal; as the list of the manual page; as the
 * table of docs/configuration.md.  The last two say /var and /run wherever
 * this build keeps its files. */
void key_print_text(struct buf *out);
void key_print_mdoc(struct buf *out);
void key_print_markdown(struct buf *out);

#endif
