/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/emit.h"
#include "conf/expand.h"
#include "conf/key.h"
#include "conf/reader.h"
#include "conf/tree.h"
#include "conf/value.h"

/* ---- freeing ---- */

static void free_fields(const struct section *section, void *item)
{
	unsigned i;

	for (i = 0; i < key_cnt; i++)
		if (key_table[i].type->free &&
		    section_has(section, &key_table[i]))
			key_table[i].type->free(&key_table[i], item);
}

void conf_free(struct conf **confp)
{
	struct conf *conf = *confp;
	unsigned i, k;

	if (!conf)
		return;
	*confp = NULL;
	for (i = 0; i < section_cnt; i++) {
		const struct section *section = &section_table[i];

		for (k = 0; k < section_count(section, conf); k++) {
			void *item = section_item(section, conf, k);

			free_fields(section, item);
			/* A rule's name is a key, the others' is not. */
			if (!section->list)
				free(*(char **)item);
		}
	}
	free(conf->network);
	free(conf->trunk);
	free(conf->peer);
	free(conf->route);
	free_fields(NULL, conf);
	free(conf->file);
	free(conf);
}

void conf_problems_free(struct conf_problems *problems)
{
	buf_free(&problems->text);
	problems->count = 0;
}

/* ---- loading ---- */

static void one_problem(struct conf_problems *problems, const char *name,
			unsigned line, const char *text)
{
	if (line)
		buf_printf(&problems->text, "%s:%u: %s\n", name, line, text);
	else
		buf_printf(&problems->text, "%s: %s\n", name, text);
	problems->count++;
}

int conf_load_text(struct conf **confp, const char *name, const char *text,
		   size_t len, bool files, struct conf_problems *problems)
{
	struct conf *conf = NULL;
	struct tree *root = NULL;
	struct reader r;
	unsigned line;
	char *why;
	int err;

	buf_init(&problems->text, SIZE_MAX);
	problems->count = 0;
	err = tree_parse(&root, text, len, &line, &why);
	if (err) {
		one_problem(problems, name, line, why);
		free(why);
		return err;
	}
	conf = xzalloc(sizeof(*conf));
	conf->file = xstrdup(name);
	reader_init(&r, conf, name, files);
	reader_walk(&r, root);
	reader_verify(&r);
	reader_report(&r, problems);
	reader_free(&r);
	tree_free(&root);
	if (problems->count) {
		conf_free(&conf);
		return EINVAL;
	}
	*confp = conf;
	return 0;
}

int conf_load(struct conf **confp, const char *file,
	      struct conf_problems *problems)
{
	char *text;
	size_t len;
	int err;

	err = expand_read_file(&text, &len, file, TREE_MAX_OCTETS);
	if (err) {
		buf_init(&problems->text, SIZE_MAX);
		problems->count = 0;
		one_problem(problems, file, 0, strerror(err));
		return err;
	}
	err = conf_load_text(confp, file, text, len, true, problems);
	mem_wipe(text, len);
	free(text);
	return err;
}

/* ---- finding ---- */

static const void *find(const char *section_name, const struct conf *conf,
			const char *name)
{
	const struct section *section = section_find(section_name);
	unsigned i;

	for (i = 0; i < section_count(section, conf); i++) {
		const void *item = section_item(section, conf, i);

		if (strcmp(*(char *const *)item, name) == 0)
			return item;
	}
	return NULL;
}

const struct conf_network *conf_network(const struct conf *c, const char *n)
{
	return find("networks", c, n);
}

const struct conf_trunk *conf_trunk(const struct conf *c, const char *name)
{
	return find("trunks", c, name);
}

const struct conf_peer *conf_peer(const struct conf *c, const char *name)
{
	return find("peers", c, name);
}

/* ---- printing ---- */

/* Below @prefix octets of each path, the keys @first to @last of @item. */
static void print_keys(struct emit *out, unsigned first, unsigned last,
		       size_t prefix, const void *item);

/* Whether any of the keys @first to @last has something to say. */
static bool any_set(unsigned first, unsigned last, const void *item)
{
	unsigned i;

	if (key_table[first].type == &value_present)
		return key_table[first].type->is_set(&key_table[first], item);
	for (i = first; i < last; i++)
		if (key_table[i].type->is_set(&key_table[i], item))
			return true;
	return false;
}

static void print_items(struct emit *out, const struct section *section,
			const struct conf *conf, unsigned first, unsigned last)
{
	size_t prefix = strlen(section->path) + 1;
	unsigned count = section_count(section, conf), i;

	if (!count)
		return;
	emit_key(out, section->name);
	if (section->list)
		emit_list(out, false);
	else
		emit_map(out);
	for (i = 0; i < count; i++) {
		const void *item = section_item(section, conf, i);

		if (!section->list)
			emit_key(out, *(char *const *)item);
		emit_map(out);
		print_keys(out, first, last, prefix, item);
		emit_map_end(out);
	}
	if (section->list)
		emit_list_end(out);
	else
		emit_map_end(out);
}

/* The first key behind @first whose path differs in the first @len octets. */
static unsigned run_end(unsigned first, unsigned last, size_t len)
{
	const char *path = key_table[first].path;
	unsigned i = first + 1;

	while (i < last && strncmp(key_table[i].path, path, len) == 0 &&
	       (key_table[i].path[len] == '.' || !key_table[i].path[len]))
		i++;
	return i;
}

static void print_keys(struct emit *out, unsigned first, unsigned last,
		       size_t prefix, const void *item)
{
	const struct section *section;
	size_t len;
	unsigned end;
	char *name;

	for (; first < last; first = end) {
		const struct key *key = &key_table[first];
		const char *rest = key->path + prefix;

		len = strcspn(rest, ".");
		end = run_end(first, last, prefix + len);
		name = xstrndup(rest, len);
		section = prefix ? NULL : section_find(name);
		if (section) {
			print_items(out, section, item, first, end);
		} else if (rest[len] || key->type == &value_present) {
			if (any_set(first, end, item)) {
				emit_key(out, name);
				emit_map(out);
				print_keys(out,
					   first + (key->type == &value_present),
					   end, prefix + len + 1, item);
				emit_map_end(out);
			}
		} else if (key->type->is_set(key, item)) {
			emit_key(out, name);
			key->type->print(out, key, item);
		}
		free(name);
	}
}

void conf_print(struct buf *out, const struct conf *conf, bool secrets)
{
	struct emit emit;

	emit_begin(&emit, out, secrets);
	emit_map(&emit);
	print_keys(&emit, 0, key_cnt, 0, conf);
	emit_map_end(&emit);
	emit_end(&emit);
}
