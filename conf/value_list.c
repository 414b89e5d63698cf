/* SPDX-License-Identifier: MIT */
/* Values that are addresses, lists and maps.  A single text stands for a list
 * of one. */
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/emit.h"
#include "conf/reader.h"
#include "conf/tree.h"

#define SIP_PORT 5060

#define FIELD(type, key, item) ((type *)(void *)((char *)(item) + (key)->at))
#define FIELD2(type, key, item) ((type *)(void *)((char *)(item) + (key)->at2))
#define CONST_FIELD(type, key, item) \
	((const type *)(const void *)((const char *)(item) + (key)->at))
#define CONST_FIELD2(type, key, item) \
	((const type *)(const void *)((const char *)(item) + (key)->at2))

/* ---- one address ---- */

/* Whether "127.0.0.1:5060" or "[::1]:5060" says a port. */
static bool has_port(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return false;
	return *text == '[' ? colon > text && colon[-1] == ']'
			    : strchr(text, ':') == colon;
}

static bool is_loopback(const struct addr *addr)
{
	char host[ADDR_TEXT_LEN];

	addr_print_host(host, addr);
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* An address whose port is needed (0: it is), forbidden (-1), or @port. */
static bool read_addr(struct reader *r, const struct tree *node,
		      const char *path, int port, struct addr *addr)
{
	char *text = reader_text(r, node, path);
	const char *why = NULL;

	if (!text)
		return false;
	if (addr_parse(addr, text) != 0)
		why = port < 0 ? "write an IP address"
			       : "write an IP address and a port";
	else if (port < 0 && has_port(text))
		why = "an address without a port";
	else if (port == 0 && !has_port(text))
		why = "write the port too";
	else if (port > 0 && !has_port(text))
		addr_set_port(addr, (uint16_t)port);
	free(text);
	if (why)
		problem(r, node->line, path, "%s%s",
			reader_shown(node, false), why);
	return !why;
}

static void print_addr(struct emit *out, const struct addr *addr)
{
	char host[ADDR_TEXT_LEN];

	addr_print_host(host, addr);
	emit_format(out, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		    addr_port(addr));
}

static bool addr_is_set(const struct key *key, const void *item)
{
	return CONST_FIELD(struct addr, key, item)->len != 0;
}

static bool host_read(struct reader *r, const struct key *key, void *item,
		      const struct tree *node, const char *path)
{
	return read_addr(r, node, path, -1, FIELD(struct addr, key, item));
}

static void host_print(struct emit *out, const struct key *key,
		       const void *item)
{
	char host[ADDR_TEXT_LEN];

	addr_print_host(host, CONST_FIELD(struct addr, key, item));
	emit_text(out, host);
}
const struct value_type value_host = { "address", host_read, addr_is_set,
				       host_print, NULL };

static bool address_read(struct reader *r, const struct key *key, void *item,
			 const struct tree *node, const char *path)
{
	struct addr *addr = FIELD(struct addr, key, item);

	if (!read_addr(r, node, path, 0, addr))
		return false;
	if ((key->flags & KEY_LOOPBACK) && !is_loopback(addr)) {
		problem(r, node->line, path,
			"%sa loopback address only; put a proxy with "
			"authentication before it to reach it from elsewhere",
			reader_shown(node, false));
		addr->len = 0;
		return false;
	}
	return true;
}

static void address_print(struct emit *out, const struct key *key,
			  const void *item)
{
	print_addr(out, CONST_FIELD(struct addr, key, item));
}
const struct value_type value_address = { "address:port", address_read,
					  addr_is_set, address_print, NULL };

/* ---- lists ---- */

/* How many items @node has, 1 for a single text; 0: a problem was said. */
static unsigned list_len(struct reader *r, const struct key *key,
			 const struct tree *node, const char *path)
{
	unsigned n = node->kind == TREE_TEXT ? 1 : node->child_cnt;

	if (node->kind == TREE_MAP)
		problem(r, node->line, path, "a list [...] is needed here");
	else if (!n)
		problem(r, node->line, path, "an empty list says nothing");
	else if (key->max && n > key->max)
		problem(r, node->line, path, "more than %u",
			(unsigned)key->max);
	else
		return n;
	return 0;
}

static const struct tree *list_item(const struct tree *node, unsigned i)
{
	return node->kind == TREE_TEXT ? node : node->child[i];
}

static void print_texts(struct emit *out, char *const *text, size_t n)
{
	size_t i;

	emit_list(out, true);
	for (i = 0; i < n; i++)
		emit_text(out, text[i]);
	emit_list_end(out);
}

static bool count_is_set(const struct key *key, const void *item)
{
	return *CONST_FIELD2(unsigned, key, item) != 0;
}

static bool read_addrs(struct reader *r, const struct key *key, void *item,
		       const struct tree *node, const char *path, int port)
{
	unsigned n = list_len(r, key, node, path), i;
	unsigned *cnt = FIELD2(unsigned, key, item);
	struct addr *addr;

	if (!n)
		return false;
	addr = xcalloc(n, sizeof(*addr));
	*FIELD(struct addr *, key, item) = addr;
	for (i = 0; i < n; i++)
		if (read_addr(r, list_item(node, i), path, port, &addr[*cnt]))
			(*cnt)++;
	return *cnt == n;
}

static bool addresses_read(struct reader *r, const struct key *key, void *item,
			   const struct tree *node, const char *path)
{
	return read_addrs(r, key, item, node, path, 0);
}

static bool sip_hosts_read(struct reader *r, const struct key *key, void *item,
			   const struct tree *node, const char *path)
{
	return read_addrs(r, key, item, node, path, SIP_PORT);
}

static void addrs_print(struct emit *out, const struct key *key,
			const void *item)
{
	const struct addr *addr = *CONST_FIELD(struct addr *, key, item);
	unsigned n = *CONST_FIELD2(unsigned, key, item), i;

	emit_list(out, true);
	for (i = 0; i < n; i++)
		print_addr(out, &addr[i]);
	emit_list_end(out);
}

static void addrs_free(const struct key *key, void *item)
{
	free(*FIELD(struct addr *, key, item));
}
const struct value_type value_addresses = { "list of address:port",
					    addresses_read, count_is_set,
					    addrs_print, addrs_free };
const struct value_type value_sip_hosts = { "list of address[:port]",
					    sip_hosts_read, count_is_set,
					    addrs_print, addrs_free };

static bool transports_read(struct reader *r, const struct key *key,
			    void *item, const struct tree *node,
			    const char *path)
{
	unsigned n = list_len(r, key, node, path), i;
	int choice;

	for (i = 0; i < n; i++) {
		choice = value_choice(r, key, list_item(node, i), path);
		if (choice < 0)
			return false;
		*(choice ? FIELD2(bool, key, item)
			 : FIELD(bool, key, item)) = true;
	}
	return n > 0;
}

static bool transports_set(const struct key *key, const void *item)
{
	return *CONST_FIELD(bool, key, item) || *CONST_FIELD2(bool, key, item);
}

static void transports_print(struct emit *out, const struct key *key,
			     const void *item)
{
	emit_list(out, true);
	if (*CONST_FIELD(bool, key, item))
		emit_text(out, "udp");
	if (*CONST_FIELD2(bool, key, item))
		emit_text(out, "tcp");
	emit_list_end(out);
}
const struct value_type value_transports = { "list", transports_read,
					     transports_set, transports_print,
					     NULL };

static bool callers_read(struct reader *r, const struct key *key, void *item,
			 const struct tree *node, const char *path)
{
	enum conf_caller_source *source =
		FIELD(enum conf_caller_source, key, item);
	unsigned *cnt = FIELD2(unsigned, key, item);
	unsigned n = list_len(r, key, node, path), i;
	int choice;

	if (n > 2) {
		problem(r, node->line, path, "each header once");
		return false;
	}
	for (i = 0; i < n; i++) {
		choice = value_choice(r, key, list_item(node, i), path);
		if (choice < 0)
			return false;
		if (*cnt && source[0] == (enum conf_caller_source)choice) {
			problem(r, node->line, path, "each header once");
			return false;
		}
		source[(*cnt)++] = (enum conf_caller_source)choice;
	}
	return n > 0;
}

static void callers_print(struct emit *out, const struct key *key,
			  const void *item)
{
	const enum conf_caller_source *source =
		CONST_FIELD(enum conf_caller_source, key, item);
	unsigned n = *CONST_FIELD2(unsigned, key, item), i;

	emit_list(out, true);
	for (i = 0; i < n; i++)
		emit_text(out, source[i] == CALLER_FROM
				       ? "from"
				       : "p-asserted-identity");
	emit_list_end(out);
}
const struct value_type value_callers = { "list", callers_read, count_is_set,
					  callers_print, NULL };

static bool hashes_read(struct reader *r, const struct key *key, void *item,
			const struct tree *node, const char *path)
{
	struct conf_peer *peer = item;
	unsigned n = list_len(r, key, node, path), i;
	char *text;
	int err;

	if (!n)
		return false;
	peer->token_hash = xcalloc(n, sizeof(*peer->token_hash));
	for (i = 0; i < n; i++) {
		text = reader_text(r, list_item(node, i), path);
		if (!text)
			return false;
		err = hex_decode(peer->token_hash[i],
				 sizeof(peer->token_hash[i]), text);
		free(text);
		if (err) {
			problem(r, list_item(node, i)->line, path,
				"64 hexadecimal digits are needed: printf %%s "
				"TOKEN | sha256sum");
			return false;
		}
		peer->token_hash_cnt++;
	}
	return true;
}

static void hashes_print(struct emit *out, const struct key *key,
			 const void *item)
{
	const struct conf_peer *peer = item;
	char text[2 * sizeof(peer->token_hash[0]) + 1];
	unsigned i;

	(void)key;
	emit_list(out, true);
	for (i = 0; i < peer->token_hash_cnt; i++) {
		hex_encode(text, peer->token_hash[i],
			   sizeof(peer->token_hash[i]));
		emit_text(out, text);
	}
	emit_list_end(out);
}

static void hashes_free(const struct key *key, void *item)
{
	struct conf_peer *peer = item;

	(void)key;
	free(peer->token_hash);
}
const struct value_type value_hashes = { "list of SHA-256", hashes_read,
					 count_is_set, hashes_print,
					 hashes_free };

static bool names_read(struct reader *r, const struct key *key, void *item,
		       const struct tree *node, const char *path)
{
	struct conf_route *route = item;
	unsigned n = list_len(r, key, node, path), i;

	if (!n)
		return false;
	route->via = xcalloc(n, sizeof(*route->via));
	for (i = 0; i < n; i++) {
		route->via[i] = reader_text(r, list_item(node, i), path);
		if (!route->via[i])
			return false;
		route->via_cnt++;
	}
	return true;
}

static void names_print(struct emit *out, const struct key *key,
			const void *item)
{
	const struct conf_route *route = item;

	(void)key;
	print_texts(out, route->via, route->via_cnt);
}

static void names_free(const struct key *key, void *item)
{
	struct conf_route *route = item;

	(void)key;
	while (route->via_cnt)
		free(route->via[--route->via_cnt]);
	free(route->via);
}
const struct value_type value_names = { "list of names", names_read,
					count_is_set, names_print,
					names_free };

/* ---- patterns ---- */

static bool read_patterns(struct reader *r, const struct key *key,
			  struct number_set *set, bool except,
			  const struct tree *node, const char *path)
{
	unsigned n = list_len(r, key, node, path), i;
	bool good = n > 0;
	char *text;
	int err;

	for (i = 0; i < n; i++) {
		text = reader_text(r, list_item(node, i), path);
		if (!text) {
			good = false;
			continue;
		}
		err = except ? number_set_except(set, text)
			     : number_set_allow(set, text);
		if (err) {
			problem(r, list_item(node, i)->line, path,
				"%swrite a number, a beginning and *, \"*\", "
				"or *@domain",
				reader_shown(list_item(node, i), false));
			good = false;
		}
		free(text);
	}
	return good;
}

static bool patterns_read(struct reader *r, const struct key *key, void *item,
			  const struct tree *node, const char *path)
{
	struct number_set *set = FIELD(struct number_set, key, item);
	const struct tree *allow, *except;
	bool good = true;
	unsigned i;

	if (node->kind != TREE_MAP)
		return read_patterns(r, key, set, false, node, path);
	for (i = 0; i < node->child_cnt; i++) {
		const struct tree *child = node->child[i];

		if (strcmp(child->key, "allow") && strcmp(child->key, "except")) {
			problem(r, child->line, path,
				"%s: unknown key; allow and except are known",
				child->key);
			good = false;
		}
	}
	allow = tree_member(node, "allow");
	except = tree_member(node, "except");
	if (!allow) {
		problem(r, node->line, path, "allow: missing");
		return false;
	}
	good &= read_patterns(r, key, set, false, allow, path);
	if (except)
		good &= read_patterns(r, key, set, true, except, path);
	return good;
}

static bool patterns_set(const struct key *key, const void *item)
{
	return CONST_FIELD(struct number_set, key, item)->allow_cnt != 0;
}

static void patterns_print(struct emit *out, const struct key *key,
			   const void *item)
{
	const struct number_set *set =
		CONST_FIELD(struct number_set, key, item);

	if (!set->except_cnt) {
		print_texts(out, set->allow, set->allow_cnt);
		return;
	}
	emit_map(out);
	emit_key(out, "allow");
	print_texts(out, set->allow, set->allow_cnt);
	emit_key(out, "except");
	print_texts(out, set->except, set->except_cnt);
	emit_map_end(out);
}

static void patterns_free(const struct key *key, void *item)
{
	number_set_free(FIELD(struct number_set, key, item));
}
const struct value_type value_patterns = { "patterns", patterns_read,
					   patterns_set, patterns_print,
					   patterns_free };

/* ---- certificates behind URLs ---- */

static bool x5u_url_good(struct reader *r, const struct tree *node,
			 const char *path)
{
	const char *p;

	for (p = node->key; *p > ' ' && *p <= '~' && *p != '"'; p++)
		;
	if (!*p && strncmp(node->key, "https://", 8) == 0 &&
	    p - node->key <= 1024)
		return true;
	problem(r, node->line, path, "%.60s: write \"https://...\": FILE",
		node->key);
	return false;
}

static bool x5u_read(struct reader *r, const struct key *key, void *item,
		     const struct tree *node, const char *path)
{
	struct conf_peer *peer = item;
	bool good = true;
	unsigned i;
	char *file;

	if (node->kind != TREE_MAP || !node->child_cnt ||
	    node->child_cnt > key->max) {
		problem(r, node->line, path,
			"a map of URL: FILE is needed, %u of them at most",
			(unsigned)key->max);
		return false;
	}
	peer->x5u = xcalloc(node->child_cnt, sizeof(*peer->x5u));
	peer->x5u_cert = xcalloc(node->child_cnt, sizeof(*peer->x5u_cert));
	for (i = 0; i < node->child_cnt; i++) {
		const struct tree *child = node->child[i];

		file = x5u_url_good(r, child, path)
			       ? value_file_name(r, 0, child, path)
			       : NULL;
		if (!file) {
			good = false;
			continue;
		}
		peer->x5u[peer->x5u_cnt] = xstrdup(child->key);
		peer->x5u_cert[peer->x5u_cnt++] = file;
	}
	return good;
}

static bool x5u_set(const struct key *key, const void *item)
{
	const struct conf_peer *peer = item;

	(void)key;
	return peer->x5u_cnt != 0;
}

static void x5u_print(struct emit *out, const struct key *key,
		      const void *item)
{
	const struct conf_peer *peer = item;
	unsigned i;

	(void)key;
	emit_map(out);
	for (i = 0; i < peer->x5u_cnt; i++) {
		emit_key(out, peer->x5u[i]);
		emit_text(out, peer->x5u_cert[i]);
	}
	emit_map_end(out);
}

static void x5u_free(const struct key *key, void *item)
{
	struct conf_peer *peer = item;
	unsigned i;

	(void)key;
	for (i = 0; i < peer->x5u_cnt; i++) {
		free(peer->x5u[i]);
		free(peer->x5u_cert[i]);
	}
	free(peer->x5u);
	free(peer->x5u_cert);
}
const struct value_type value_x5u = { "map of URL: FILE", x5u_read, x5u_set,
				      x5u_print, x5u_free };
