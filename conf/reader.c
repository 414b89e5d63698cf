/* SPDX-License-Identifier: MIT */
#include "conf/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/expand.h"
#include "conf/key.h"
#include "conf/tree.h"
#include "conf/value.h"

#define PROBLEMS_MAX 200	/* a file that is no configuration has more */

struct problem {
	unsigned line;
	unsigned number;	/* keeps the order within a line */
	char *text;
};

struct place {
	char *path;
	unsigned line;
};

void reader_init(struct reader *r, struct conf *conf, const char *name,
		 bool files)
{
	const char *slash = strrchr(name, '/');
	char *whole;

	memset(r, 0, sizeof(*r));
	r->conf = conf;
	r->name = name;
	r->files = files;
	if (!slash)
		r->dir = xstrdup(".");
	else
		r->dir = xstrndup(name, slash == name ? 1
						      : (size_t)(slash - name));
	/* What is printed must mean the same in every folder. */
	whole = files ? realpath(r->dir, NULL) : NULL;
	if (whole) {
		free(r->dir);
		r->dir = whole;
	}
}

void reader_free(struct reader *r)
{
	unsigned i;

	for (i = 0; i < r->problem_cnt; i++)
		free(r->problem[i].text);
	free(r->problem);
	for (i = 0; i < r->place_cnt; i++)
		free(r->place[i].path);
	free(r->place);
	free(r->dir);
}

/* ---- problems ---- */

/* A terminal shall not obey what stands in a file. */
static void disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void problem_v(struct reader *r, unsigned line, const char *path,
		      const char *fmt, va_list ap)
{
	struct problem *p;
	char *text;

	if (r->problem_cnt >= PROBLEMS_MAX)
		return;
	text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	r->problem = xrealloc(r->problem, (r->problem_cnt + 1) *
						  sizeof(*r->problem));
	p = &r->problem[r->problem_cnt];
	p->line = line;
	p->number = r->problem_cnt++;
	p->text = *path ? xasprintf("%s: %s", path, text) : xstrdup(text);
	disarm(p->text);
	free(text);
}

void problem(struct reader *r, unsigned line, const char *path,
	     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_v(r, line, path, fmt, ap);
	va_end(ap);
}

/* The line where @path was written; 0: it was not. */
static unsigned written_since(const struct reader *r, unsigned since,
			      const char *path)
{
	unsigned i;

	for (i = since; i < r->place_cnt; i++)
		if (strcmp(r->place[i].path, path) == 0)
			return r->place[i].line;
	return 0;
}

/* The line of the nearest thing at or above @path that was written. */
static unsigned line_of(const struct reader *r, const char *path)
{
	char *above = xstrdup(path), *dot;
	unsigned line;

	while (!(line = written_since(r, 0, above)) &&
	       (dot = strrchr(above, '.')) != NULL)
		*dot = '\0';
	free(above);
	return line ? line : 1;
}

void problem_at(struct reader *r, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_v(r, line_of(r, path), path, fmt, ap);
	va_end(ap);
}

void missing(struct reader *r, const char *path, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	if (written_since(r, 0, path))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	problem(r, line_of(r, path), path, "missing; %s", text);
	free(text);
}

static int by_line(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

void reader_report(const struct reader *r, struct conf_problems *out)
{
	unsigned i;

	if (r->problem_cnt)
		qsort(r->problem, r->problem_cnt, sizeof(*r->problem), by_line);
	for (i = 0; i < r->problem_cnt; i++) {
		buf_printf(&out->text, "%s:%u: %s\n", r->name,
			   r->problem[i].line, r->problem[i].text);
		out->count++;
	}
}

static void written(struct reader *r, unsigned line, const char *path)
{
	unsigned n = r->place_cnt;

	if (!(n & (n + 1)))
		r->place = xrealloc(r->place, ((size_t)n * 2 + 2) *
						      sizeof(*r->place));
	r->place[n].path = xstrdup(path);
	r->place[n].line = line;
	r->place_cnt++;
}

/* ---- texts ---- */

const char *reader_shown(const struct tree *node, bool secret)
{
	static _Thread_local char shown[128];

	if (secret || node->kind != TREE_TEXT)
		return "";
	snprintf(shown, sizeof(shown), "%.100s%s: ", node->text,
		 strlen(node->text) > 100 ? "..." : "");
	return shown;
}

/* The octets of the UTF-8 character at @p; 0: none is there. */
static size_t utf8_len(const unsigned char *p)
{
	size_t len = *p < 0x80 ? 1
		     : *p >= 0xc2 && *p < 0xe0 ? 2
		     : *p >= 0xe0 && *p < 0xf0 ? 3
		     : *p >= 0xf0 && *p < 0xf5 ? 4
					       : 0;
	size_t i;

	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* UTF-8 without control characters. */
static bool printable(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len;

	for (; *p; p += len) {
		len = utf8_len(p);
		if (!len || *p < ' ' || *p == 0x7f)
			return false;
	}
	return true;
}

char *reader_text(struct reader *r, const struct tree *node, const char *path)
{
	char *text, *why = NULL;

	if (node->kind != TREE_TEXT) {
		problem(r, node->line, path, "one value is needed here");
		return NULL;
	}
	if (tree_is_blank(node)) {
		if (node->comment)
			problem(r, node->line, path,
				"no value; write \"%s\" in quotes",
				node->comment);
		else
			problem(r, node->line, path, "no value");
		return NULL;
	}
	if (expand(&text, node->text, r->dir, r->files, &why) != 0) {
		problem(r, node->line, path, "%s", why);
		free(why);
		return NULL;
	}
	if (*text && printable(text))
		return text;
	problem(r, node->line, path,
		*text ? "control characters or text that is not UTF-8"
		      : "empty");
	mem_wipe_text(&text);
	return NULL;
}

/* ---- the walk ---- */

static void unknown(struct reader *r, const struct tree *node,
		    const char *pattern, const char *path)
{
	char buffer[128];
	const char *known;

	known = key_nearest(pattern, node->key, buffer, sizeof(buffer));
	if (known) {
		problem(r, node->line, path,
			"unknown key; did you mean \"%s\"?", known);
		return;
	}
	known = key_elsewhere(node->key, buffer, sizeof(buffer));
	if (known)
		problem(r, node->line, path,
			"unknown key here; it is known as %s", known);
	else
		problem(r, node->line, path, "unknown key");
}

static char *join(const char *path, const char *name)
{
	return *path ? xasprintf("%s.%s", path, name) : xstrdup(name);
}

static void walk_map(struct reader *r, const struct tree *map,
		     const char *pattern, const char *path, void *item);

static void walk_section(struct reader *r, const struct tree *node,
			 const char *pattern, const char *path, void *item)
{
	if (node->kind == TREE_MAP)
		walk_map(r, node, pattern, path, item);
	else if (!tree_is_blank(node))
		problem(r, node->line, path, "keys are needed here");
}


/* One member: a value, a section, or neither. */
static void walk_member(struct reader *r, const struct tree *node,
			const char *pattern, const char *path,
			const char *above, void *item)
{
	const struct key *key = key_find(pattern);

	if (key && key->type == &value_present) {
		bool *present = (bool *)(void *)((char *)item + key->at);

		*present = !tree_is_blank(node);
	} else if (key) {
		key->type->read(r, key, item, node, path);
		return;
	}
	if (key_is_section(pattern))
		walk_section(r, node, pattern, path, item);
	else
		unknown(r, node, above, path);
}

static void walk_map(struct reader *r, const struct tree *map,
		     const char *pattern, const char *path, void *item)
{
	unsigned i;

	for (i = 0; i < map->child_cnt; i++) {
		const struct tree *node = map->child[i];
		char *node_pattern = join(pattern, node->key);
		char *node_path = join(path, node->key);

		written(r, node->line, node_path);
		/* Of a key that is written twice the first one is read. */
		if (tree_member(map, node->key) == node &&
		    !section_find(node_pattern))
			walk_member(r, node, node_pattern, node_path, pattern,
				    item);
		free(node_pattern);
		free(node_path);
	}
}

/* Defaults for what was not written, and what must have been. */
static void complete(struct reader *r, const struct section *section,
		     const char *path, unsigned since, void *item)
{
	size_t cut = section ? strlen(section->path) : 0;
	struct tree text = { .kind = TREE_TEXT }, *list;
	unsigned i, line;
	char *why, *key_path;

	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];

		if (!section_has(section, key))
			continue;
		key_path = xasprintf("%s%s", path, key->path + cut);
		if (written_since(r, since, key_path)) {
			/* read already, well or badly */
		} else if (key->flags & KEY_NEEDED) {
			missing(r, key_path, "%s", key->doc);
		} else if (key->dflt && key->dflt[0] == '[') {
			if (tree_parse(&list, key->dflt, strlen(key->dflt),
				       &line, &why) != 0)
				abort();
			key->type->read(r, key, item, list, key_path);
			tree_free(&list);
		} else if (key->dflt) {
			text.text = xstrdup(key->dflt);
			key->type->read(r, key, item, &text, key_path);
			free(text.text);
		}
		free(key_path);
	}
}

static void walk_item(struct reader *r, const struct section *section,
		      const struct tree *node, const char *path,
		      const char *name)
{
	unsigned since = r->place_cnt;
	void *item;

	if (section_count(section, r->conf) >= section->max) {
		if (section_count(section, r->conf) == section->max)
			problem(r, node->line, section->name,
				"more than %u of them", section->max);
		return;
	}
	item = section_add(section, r->conf);
	if (name)
		memcpy(item, &(char *){ xstrdup(name) }, sizeof(char *));
	written(r, node->line, path);
	if (node->kind == TREE_MAP)
		walk_map(r, node, section->path, path, item);
	else
		problem(r, node->line, path, "keys are needed here");
	complete(r, section, path, since, item);
}

static bool name_good(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return strlen(name) <= 64 && !name[strspn(name, letters)] &&
	       !strchr("._-", name[0]);
}

static void walk_items(struct reader *r, const struct section *section,
		       const struct tree *node)
{
	enum tree_kind kind = section->list ? TREE_LIST : TREE_MAP;
	unsigned i;
	char *path;

	if (tree_is_blank(node))
		return;
	if (node->kind != kind) {
		problem(r, node->line, section->name,
			section->list ? "a list of rules is needed here"
				      : "names are needed here, each with its "
					"keys");
		return;
	}
	for (i = 0; i < node->child_cnt; i++) {
		const struct tree *child = node->child[i];

		path = child->key ? join(section->name, child->key)
				  : xasprintf("%s[%u]", section->name, i + 1);
		if (child->key && !name_good(child->key))
			problem(r, child->line, path,
				"a name begins with a letter or digit and has "
				"no more than letters, digits, \".\", \"_\" "
				"and \"-\"");
		walk_item(r, section, child, path, child->key);
		free(path);
	}
}

/* The same key twice in one map: YAML leaves open which one counts. */
static void check_twice(struct reader *r, const struct tree *node,
			const char *path)
{
	unsigned i, k;
	char *child_path;

	for (i = 0; i < node->child_cnt; i++) {
		const struct tree *child = node->child[i];

		child_path = child->key ? join(path, child->key)
					: xasprintf("%s[%u]", path, i + 1);
		for (k = 0; child->key && k < i; k++)
			if (strcmp(node->child[k]->key, child->key) == 0)
				break;
		if (child->key && k < i)
			problem(r, child->line, child_path,
				"written twice, first in line %u",
				node->child[k]->line);
		check_twice(r, child, child_path);
		free(child_path);
	}
}

void reader_walk(struct reader *r, const struct tree *root)
{
	const struct tree *node;
	unsigned i;

	if (root->kind != TREE_MAP) {
		problem(r, root->line, "",
			"keys are needed here: networks, trunks, peers, "
			"routes");
		return;
	}
	check_twice(r, root, "");
	walk_map(r, root, "", "", r->conf);
	complete(r, NULL, "", 0, r->conf);
	for (i = 0; i < section_cnt; i++) {
		node = tree_member(root, section_table[i].name);
		if (node)
			walk_items(r, &section_table[i], node);
	}
}
