/* SPDX-License-Identifier: MIT */
#include "conf/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

struct parse {
	yaml_parser_t yaml;
	const char *text;
	size_t len;
	unsigned nodes;
	unsigned line;
	char *why;
};

void tree_free(struct tree **treep)
{
	struct tree *tree = *treep;
	unsigned i;

	if (!tree)
		return;
	*treep = NULL;
	for (i = 0; i < tree->child_cnt; i++)
		tree_free(&tree->child[i]);
	free(tree->child);
	free(tree->key);
	mem_wipe_text(&tree->text);
	free(tree->comment);
	free(tree);
}

bool tree_is_blank(const struct tree *tree)
{
	return tree->kind == TREE_TEXT && !tree->quoted && !*tree->text;
}

const struct tree *tree_member(const struct tree *map, const char *key)
{
	unsigned i;

	for (i = 0; i < map->child_cnt; i++)
		if (map->child[i]->key && strcmp(map->child[i]->key, key) == 0)
			return map->child[i];
	return NULL;
}

/* ---- what is wrong ---- */

static int fail(struct parse *p, size_t line, char *why)
{
	if (p->why) {
		free(why);
	} else {
		p->line = (unsigned)line + 1;
		p->why = why;
	}
	return EINVAL;
}

/* Line @line (from 0) of the source, malloc'ed, no newline. */
static char *source_line(const struct parse *p, size_t line)
{
	const char *at = p->text, *end = p->text + p->len, *stop;

	while (line-- && at) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at)
			at++;
	}
	if (!at)
		return xstrdup("");
	stop = memchr(at, '\n', (size_t)(end - at));
	return xstrndup(at, (size_t)((stop ? stop : end) - at));
}

/*
 * Where in @text a token begins, outside quotes, with one of @first (or with
 * "${", which the braces of a flow map break up).  NULL: nowhere.
 */
static const char *odd_token(const char *text, const char *first)
{
	char quote = 0, before = ' ';
	const char *p;

	for (p = text; *p; before = *p++) {
		if (quote) {
			if (*p == quote)
				quote = 0;
			continue;
		}
		if (!strchr(" \t[{,-:", before))
			continue;
		if (*p == '"' || *p == '\'')
			quote = *p;
		else if (strchr(first, *p) || strncmp(p, "${", 2) == 0)
			return p;
	}
	return NULL;
}

/* `write "*" in quotes` when line @line holds what needs them, else NULL. */
static char *quotes_hint(const struct parse *p, size_t line)
{
	char *text = source_line(p, line), *hint = NULL;
	const char *at = odd_token(text, "*#&!%@`");
	size_t len;

	if (at) {
		len = strncmp(at, "${", 2) == 0 ? strcspn(at, "}") + 1
						: strcspn(at, " \t,]}\r");
		if (len > strlen(at))
			len = strlen(at);
		if (len > 64)
			len = 64;
		hint = xasprintf("write \"%.*s\" in quotes", (int)len, at);
	}
	free(text);
	return hint;
}

/* A comment that may have been meant as a value: `- #31#`. */
static char *comment_behind(const struct parse *p, size_t line)
{
	char *text = source_line(p, line), *comment = NULL;
	const char *at = odd_token(text, "#");

	if (at && *at == '#' && at[1] && strchr("0123456789*#", at[1]))
		comment = xstrndup(at, strcspn(at, " \t\r"));
	free(text);
	return comment;
}

static size_t line_of_octet(const struct parse *p, size_t octet)
{
	size_t i, line = 0;

	for (i = 0; i < octet && i < p->len; i++)
		line += p->text[i] == '\n';
	return line;
}

static int fail_syntax(struct parse *p)
{
	const yaml_parser_t *yaml = &p->yaml;
	size_t line = yaml->problem_mark.line;
	char *hint;

	if (yaml->error == YAML_MEMORY_ERROR)
		abort();
	if (yaml->error == YAML_READER_ERROR)
		return fail(p, line_of_octet(p, yaml->problem_offset),
			    xasprintf("not UTF-8 text: %s", yaml->problem));
	hint = quotes_hint(p, line);
	if (!hint && yaml->context) {
		hint = quotes_hint(p, yaml->context_mark.line);
		if (hint)
			line = yaml->context_mark.line;
	}
	if (!hint && line) {
		hint = quotes_hint(p, line - 1);
		line -= hint != NULL;
	}
	fail(p, line,
	     xasprintf("not YAML: %s%s%s%s%s", yaml->problem,
		       yaml->context ? " " : "",
		       yaml->context ? yaml->context : "", hint ? "; " : "",
		       hint ? hint : ""));
	free(hint);
	return EINVAL;
}

/* ---- events to nodes ---- */

static int next_event(struct parse *p, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&p->yaml, ev))
		return fail_syntax(p);
	return 0;
}

/* What YAML offers and a configuration does not need. */
static int refuse_extras(struct parse *p, const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	char *hint;

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return fail(p, ev->start_mark.line,
			    xasprintf("write \"*%s\" in quotes",
				      ev->data.alias.anchor));
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	default:
		break;
	}
	if (!anchor && !tag)
		return 0;
	hint = quotes_hint(p, ev->start_mark.line);
	fail(p, ev->start_mark.line,
	     xasprintf("anchors and tags are not used here; %s",
		       hint ? hint : "write the text in quotes"));
	free(hint);
	return EINVAL;
}

static struct tree *node_new(struct parse *p, const yaml_event_t *ev,
			     enum tree_kind kind)
{
	struct tree *tree = xzalloc(sizeof(*tree));

	p->nodes++;
	tree->kind = kind;
	tree->line = (unsigned)ev->start_mark.line + 1;
	return tree;
}

static void adopt(struct tree *parent, struct tree *child)
{
	unsigned n = parent->child_cnt;

	if (!(n & (n + 1)))	/* 0, 1, 3, 7, ...: double */
		parent->child = xrealloc(parent->child, ((size_t)n * 2 + 2) *
						sizeof(*parent->child));
	parent->child[n] = child;
	parent->child_cnt++;
}

static int parse_text(struct parse *p, const yaml_event_t *ev,
		      struct tree **treep)
{
	const char *value = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct tree *tree;

	if (strlen(value) != len)
		return fail(p, ev->start_mark.line,
			    xstrdup("a text holds the character NUL"));
	tree = node_new(p, ev, TREE_TEXT);
	tree->text = xstrndup(value, len);
	tree->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (tree_is_blank(tree))
		tree->comment = comment_behind(p, ev->start_mark.line);
	*treep = tree;
	return 0;
}

static int parse_node(struct parse *p, const yaml_event_t *ev, unsigned depth,
		      struct tree **treep);

/* The key of a map's next member from @ev. */
static int parse_key(struct parse *p, const yaml_event_t *ev, char **keyp)
{
	const char *value;

	if (refuse_extras(p, ev) != 0)
		return EINVAL;
	if (ev->type != YAML_SCALAR_EVENT)
		return fail(p, ev->start_mark.line,
			    xstrdup("a key must be a text"));
	value = (const char *)ev->data.scalar.value;
	if (strlen(value) != ev->data.scalar.length || !*value)
		return fail(p, ev->start_mark.line,
			    xstrdup("a key must not be empty"));
	*keyp = xstrdup(value);
	return 0;
}

static int parse_children(struct parse *p, struct tree *tree, unsigned depth)
{
	yaml_event_type_t last = tree->kind == TREE_MAP
					 ? YAML_MAPPING_END_EVENT
					 : YAML_SEQUENCE_END_EVENT;
	struct tree *child;
	yaml_event_t ev;
	unsigned line;
	char *key = NULL;
	int err;

	for (;;) {
		err = next_event(p, &ev);
		if (err)
			return err;
		if (ev.type == last) {
			yaml_event_delete(&ev);
			return 0;
		}
		line = (unsigned)ev.start_mark.line + 1;
		if (tree->kind == TREE_MAP) {
			err = parse_key(p, &ev, &key);
			yaml_event_delete(&ev);
			if (!err)
				err = next_event(p, &ev);
			if (err)
				break;
		}
		child = NULL;
		err = parse_node(p, &ev, depth, &child);
		yaml_event_delete(&ev);
		if (err)
			break;
		child->key = key;
		key = NULL;
		child->line = line;
		adopt(tree, child);
	}
	free(key);
	return err;
}

static int parse_node(struct parse *p, const yaml_event_t *ev, unsigned depth,
		      struct tree **treep)
{
	struct tree *tree;
	int err;

	err = refuse_extras(p, ev);
	if (err)
		return err;
	if (p->nodes >= TREE_MAX_NODES || depth >= TREE_MAX_DEPTH)
		return fail(p, ev->start_mark.line,
			    xasprintf("more than %d values or %d levels",
				      TREE_MAX_NODES, TREE_MAX_DEPTH));
	if (ev->type == YAML_SCALAR_EVENT)
		return parse_text(p, ev, treep);
	tree = node_new(p, ev, ev->type == YAML_MAPPING_START_EVENT
				       ? TREE_MAP
				       : TREE_LIST);
	err = parse_children(p, tree, depth + 1);
	if (err)
		tree_free(&tree);
	*treep = tree;
	return err;
}

/* Stream start, document, stream end: one document at most. */
static int parse_stream(struct parse *p, struct tree **treep)
{
	yaml_event_type_t type;
	yaml_event_t ev;
	int err;

	for (;;) {
		err = next_event(p, &ev);
		if (err)
			return err;
		type = ev.type;
		switch (type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
		case YAML_STREAM_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (*treep)
				err = fail(p, ev.start_mark.line,
					   xstrdup("a second document begins "
						   "here; one is read"));
			break;
		default:
			err = parse_node(p, &ev, 0, treep);
			break;
		}
		yaml_event_delete(&ev);
		if (err || type == YAML_STREAM_END_EVENT)
			return err;
	}
}

int tree_parse(struct tree **treep, const char *text, size_t len,
	       unsigned *line, char **why)
{
	struct parse p = { .text = text, .len = len };
	struct tree *tree = NULL;
	int err;

	if (len > TREE_MAX_OCTETS) {
		*line = 1;
		*why = xasprintf("larger than %u octets", TREE_MAX_OCTETS);
		return EINVAL;
	}
	if (!yaml_parser_initialize(&p.yaml))
		abort();
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text,
				     len);
	err = parse_stream(&p, &tree);
	yaml_parser_delete(&p.yaml);
	if (err) {
		tree_free(&tree);
		*line = p.line;
		*why = p.why;
		return err;
	}
	if (!tree || tree_is_blank(tree)) {
		tree_free(&tree);
		tree = xzalloc(sizeof(*tree));
		tree->kind = TREE_MAP;
		tree->line = 1;
	}
	*treep = tree;
	return 0;
}
