/* SPDX-License-Identifier: MIT */
/* Reading another lab, and becoming its customer. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/expand.h"
#include "conf/lab.h"

static int fail(char **why, int err, char *text)
{
	*why = text;
	return err;
}

/* ---- reading ---- */

static bool read_text(struct json_object *object, const char *key,
		      char **textp)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	/* It goes into a quoted text of riptide.yaml. */
	if (!*text || strpbrk(text, "\"\\\n") || strstr(text, "${"))
		return false;
	*textp = xstrdup(text);
	return true;
}

static bool read_addr(struct json_object *object, const char *key,
		      struct addr *addr)
{
	char *text = NULL;
	bool good;

	good = read_text(object, key, &text) && addr_parse(addr, text) == 0 &&
	       addr_port(addr);
	free(text);
	return good;
}

static bool read_patterns(struct json_object *object, const char *key,
			  struct number_set *set)
{
	struct json_object *list;
	size_t i;

	if (!json_object_object_get_ex(object, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		const char *text = json_object_get_string(
			json_object_array_get_idx(list, i));

		if (!text || strpbrk(text, "\"\\\n$") ||
		    number_set_allow(set, text) != 0)
			return false;
	}
	return true;
}

/* The first member that is missing or wrong; NULL: none. */
static const char *read_members(struct lab *lab, struct json_object *root)
{
	struct json_object *stir = NULL;

	if (!read_text(root, "authority", &lab->authority))
		return "authority";
	if (!read_addr(root, "address", &lab->listen))
		return "address";
	if (!read_text(root, "ca", &lab->ca))
		return "ca";
	if (!read_text(root, "token", &lab->token))
		return "token";
	if (!read_patterns(root, "numbers", &lab->numbers))
		return "numbers";
	if (!json_object_object_get_ex(root, "stir", &stir) ||
	    !json_object_is_type(stir, json_type_object))
		return "stir";
	if (!read_text(stir, "key", &lab->stir_key))
		return "stir.key";
	if (!read_text(stir, "cert", &lab->stir_cert))
		return "stir.cert";
	if (!read_text(stir, "x5u", &lab->stir_x5u))
		return "stir.x5u";
	return NULL;
}

int lab_read(struct lab *lab, const char *file, char **why)
{
	struct json_object *root;
	const char *bad;

	memset(lab, 0, sizeof(*lab));
	*why = NULL;
	if (access(file, R_OK) != 0)
		return fail(why, ENOENT, xasprintf("%s: %m", file));
	root = json_object_from_file(file);
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return fail(why, EINVAL,
			    xasprintf("%s: not the JSON of a lab", file));
	}
	bad = read_members(lab, root);
	json_object_put(root);
	if (!bad)
		return 0;
	lab_free(lab);
	return fail(why, EINVAL,
		    xasprintf("%s: %s is missing or wrong", file, bad));
}

/* ---- a provider ---- */

/* The line of @text that begins with @start; NULL: none. */
static const char *find_line(const char *text, const char *start)
{
	size_t len = strlen(start);

	while (text && strncmp(text, start, len) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* Where the block that @line heads ends: the next line at the margin. */
static const char *block_end(const char *line)
{
	const char *end = next_line(line), *p;

	for (p = end; *p; p = next_line(p)) {
		if (*p != ' ' && *p != '-' && *p != '#' && *p != '\n')
			break;
		if (*p == ' ' || *p == '-')
			end = next_line(p);
	}
	return end;
}

/* Put the peer and the route where they belong in @yaml. */
static int insert(struct buf *out, const char *yaml,
		  const struct lab *provider, const char *name)
{
	const char *peers = find_line(yaml, "peers:\n");
	const char *routes = find_line(yaml, "routes:\n");
	const char *before, *outward;

	if (!peers || !routes || routes < peers)
		return EINVAL;
	peers = next_line(peers);
	/* Only the first provider gets all numbers; the rule of another one
	 * must stand before that. */
	outward = find_line(routes, "  - {name: outward,");
	before = outward ? outward : block_end(routes);
	buf_add(out, yaml, (size_t)(peers - yaml));
	lab_print_peer(out, provider, name);
	buf_add(out, peers, (size_t)(before - peers));
	if (before[-1] != '\n')
		buf_add_str(out, "\n");
	lab_print_route(out, provider, name, !outward);
	buf_add_str(out, before);
	return 0;
}

/* "provider", or the next number behind it. */
static char *free_name(const struct conf *conf)
{
	char *name = xstrdup("provider");
	unsigned n = 2;

	while (conf_peer(conf, name) || conf_trunk(conf, name)) {
		free(name);
		name = xasprintf("provider-%u", n++);
	}
	return name;
}

static int replace_file(const char *file, const char *text, char **why)
{
	char *fresh = xasprintf("%s.new", file);
	int err;

	unlink(fresh);
	err = lab_write_file(fresh, text, 0644, why);
	if (!err && rename(fresh, file) != 0)
		err = fail(why, errno, xasprintf("%s: %m", file));
	free(fresh);
	return err;
}

static int add_provider(const char *dir, const char *file, const char *yaml,
			const struct conf *conf, const struct lab *provider,
			char **namep, char **why)
{
	char *name = free_name(conf), *secret;
	struct buf out;
	unsigned i;
	int err;

	buf_init(&out, SIZE_MAX);
	for (i = 0; i < conf->peer_cnt; i++)
		if (conf->peer[i].domain &&
		    strcmp(conf->peer[i].domain, provider->authority) == 0) {
			err = fail(why, EEXIST,
				   xasprintf("%s: peer \"%s\" is that "
					     "provider already", file,
					     conf->peer[i].name));
			goto out;
		}
	err = insert(&out, yaml, provider, name);
	if (err) {
		*why = xasprintf("%s: no lines \"peers:\" and \"routes:\" to "
				 "add the provider to", file);
		goto out;
	}
	secret = xasprintf("%s/secrets/%s.token", dir, name);
	err = lab_write_file(secret, provider->token, 0600, why);
	free(secret);
	if (!err)
		err = lab_check_yaml(dir, buf_str(&out), true, why);
	if (!err)
		err = replace_file(file, buf_str(&out), why);
	if (!err) {
		*namep = name;
		name = NULL;
	}
out:
	buf_free(&out);
	free(name);
	return err;
}

int lab_add_provider(const char *dir, const struct lab *provider,
		     char **namep, char **why)
{
	char *file = xasprintf("%s/riptide.yaml", dir), *yaml = NULL;
	struct conf_problems problems;
	struct conf *conf = NULL;
	size_t len;
	int err;

	*why = NULL;
	err = conf_load(&conf, file, &problems);
	if (err)
		*why = xasprintf("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	if (!err)
		err = expand_read_file(&yaml, &len, file, EXPAND_MAX);
	if (!err)
		err = add_provider(dir, file, yaml, conf, provider, namep,
				   why);
	conf_free(&conf);
	free(yaml);
	free(file);
	return err;
}
