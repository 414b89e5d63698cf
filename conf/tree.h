/* SPDX-License-Identifier: MIT */
/*
 * conf/tree.h - a YAML text as a tree of maps, lists and texts, each with its
 * line.  Scalars are text whatever they look like: no numbers, no booleans.
 *
 * Anchors, aliases, tags and further documents are refused: a `*` or `#` that
 * YAML takes as its own is nearly always a telephone number without quotes,
 * and the message says so.
 *
 * Owner:  tree_free() by whoever parsed it; children die with the root.
 * Loop:   any; no state.
 * Limits: 1 MiB, 16 levels, 50 000 nodes.
 */
#ifndef RIPTIDE_CONF_TREE_H
#define RIPTIDE_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_MAX_OCTETS (1u << 20)
#define TREE_MAX_DEPTH 16
#define TREE_MAX_NODES 50000

enum tree_kind { TREE_TEXT, TREE_MAP, TREE_LIST };

struct tree {
	enum tree_kind kind;
	unsigned line;		/* from 1; of the key, for members of a map */
	char *key;		/* in a map, else NULL */
	char *text;		/* TREE_TEXT; never holds a NUL */
	bool quoted;
	char *comment;		/* an empty text behind which "#..." stands */
	struct tree **child;
	unsigned child_cnt;
};

/* Returns 0; EINVAL: not acceptable YAML, *@line and *@why (malloc'ed) say
 * what.  An empty text is an empty map. */
int tree_parse(struct tree **treep, const char *text, size_t len,
	       unsigned *line, char **why);
/* NULL is fine. */
void tree_free(struct tree **treep);

/* Whether @tree is a text that says nothing: `key:` and no more. */
bool tree_is_blank(const struct tree *tree);
/* The member @key of a map; NULL if absent. */
const struct tree *tree_member(const struct tree *map, const char *key);

#endif
