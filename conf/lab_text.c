/* SPDX-License-Identifier: MIT */
/* What a lab's files say. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/lab.h"

void lab_print_patterns(struct buf *out, const struct number_set *set)
{
	size_t i;

	buf_add_str(out, "[");
	for (i = 0; i < set->allow_cnt; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", set->allow[i]);
	buf_add_str(out, "]");
}

/* As many as there are pairs of ports. */
static unsigned lab_calls(const struct lab *lab)
{
	return (lab->rtp_last - lab->rtp_first + 1u - (lab->rtp_first & 1u)) /
	       2;
}

static void print_network(struct buf *out, const struct lab *lab)
{
	char host[ADDR_TEXT_LEN], peer[ADDR_TEXT_LEN];

	addr_print_host(host, &lab->sip);
	addr_print(peer, &lab->sip_peer);
	buf_printf(out,
		   "networks:\n"
		   "  lab:\n"
		   "    address: \"%s\"\n"
		   "    sip-port: %u\n"
		   "    transports: [udp, tcp]\n"
		   "    rtp-ports: %u-%u\n"
		   "\n"
		   "trunks:\n"
		   "  phones:                       # the SIP peer\n"
		   "    network: lab\n"
		   "    hosts: [\"%s\"]\n"
		   "    transport: udp\n"
		   "    probe:\n"
		   "      every: off                # a test phone may not "
		   "answer OPTIONS\n"
		   "    limits:\n"
		   "      calls: %u\n"
		   "      calls-per-second: 1000\n"
		   "      call-duration: 4h\n"
		   "    rtp-timeout: 60s\n"
		   "    no-answer: 60s\n"
		   "\n",
		   host, addr_port(&lab->sip), lab->rtp_first, lab->rtp_last,
		   peer, lab_calls(lab));
}

static void print_customer(struct buf *out, const struct lab *lab,
			   const char *name, const char *hash)
{
	buf_printf(out,
		   "  %s:\n"
		   "    accept:\n"
		   "      tg: %s\n"
		   "      token-hash: %s\n"
		   "      numbers: ", name, name, hash);
	lab_print_patterns(out, &lab->numbers);
	buf_add_str(out, "\n      origins: ");
	lab_print_patterns(out, &lab->origins);
	buf_printf(out,
		   "\n"
		   "      origins-cert: stir/cert.pem\n"
		   "      passport:\n"
		   "        roots: stir/ca.pem\n"
		   "        x5u:\n"
		   "          \"%s\": stir/cert.pem\n"
		   "      limits:\n"
		   "        calls: %u\n"
		   "        calls-per-second: 1000\n",
		   lab->stir_x5u, lab_calls(lab));
}

static void print_inward(struct buf *out, const struct lab *lab,
			 const char *name, const char *from)
{
	buf_printf(out, "  - {name: %s, from: %s, to: ", name, from);
	lab_print_patterns(out, &lab->numbers);
	buf_add_str(out, ", via: [phones]}\n");
}

/* The folder's name where it may be one of a node. */
static const char *node_name(const struct lab *lab)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *slash = strrchr(lab->dir, '/');
	const char *name = slash ? slash + 1 : lab->dir;

	return *name && strlen(name) <= 64 && !name[strspn(name, letters)]
		       ? name
		       : "lab";
}

void lab_print_yaml(struct buf *out, const struct lab *lab,
		    const char *token_hash, const char *other_hash)
{
	char listen[ADDR_TEXT_LEN], metrics[ADDR_TEXT_LEN];

	addr_print(listen, &lab->listen);
	addr_print(metrics, &lab->metrics);
	buf_printf(out,
		   "# A lab made by `riptide init --lab`.  Its keys and tokens "
		   "are for tests alone.\n"
		   "# Relative paths start at this file's folder.\n"
		   "node: %s\n"
		   "\n"
		   "ript:\n"
		   "  listen: \"%s\"\n"
		   "  authority: \"%s\"\n"
		   "  certificate: tls/server.pem\n"
		   "  key: tls/server.key\n"
		   "  requests-per-second: 1000\n"
		   "  refused-tokens-per-minute: 100\n"
		   "\n",
		   node_name(lab), listen, lab->authority);
	print_network(out, lab);
	buf_add_str(out, "peers:\n");
	print_customer(out, lab, "customer", token_hash);
	print_customer(out, lab, "other", other_hash);
	buf_printf(out,
		   "\n"
		   "store:\n"
		   "  sqlite: riptide.db\n"
		   "\n"
		   "admin:\n"
		   "  socket: riptide.sock\n"
		   "  metrics: \"%s\"\n"
		   "\n"
		   "log:\n"
		   "  level: info\n"
		   "  format: logfmt\n"
		   "\n"
		   "# The first rule that matches a call decides.\n"
		   "routes:\n"
		   "  - {name: emergency, from: phones, to: [\"911\", \"112\"],"
		   " refuse: 503}\n",
		   metrics);
	print_inward(out, lab, "inward", "customer");
	print_inward(out, lab, "inward-other", "other");
}

void lab_print_peer(struct buf *out, const struct lab *provider,
		    const char *name)
{
	char address[ADDR_TEXT_LEN];

	addr_print(address, &provider->listen);
	buf_printf(out,
		   "  %s:\n"
		   "    domain: \"%s\"\n"
		   "    address: [\"%s\"]\n"
		   "    ca: \"%s\"\n"
		   "    token: ${file:secrets/%s.token}\n"
		   "    transport: wt\n"
		   "    signing:\n"
		   "      key: \"%s\"\n"
		   "      cert: \"%s\"\n"
		   "      x5u: \"%s\"\n",
		   name, provider->authority, address, provider->ca, name,
		   provider->stir_key, provider->stir_cert,
		   provider->stir_x5u);
}

void lab_print_route(struct buf *out, const struct lab *provider,
		     const char *name, bool first)
{
	buf_printf(out, "  - {name: outward%s%s, from: phones, to: ",
		   first ? "" : "-", first ? "" : name);
	if (first)
		buf_add_str(out, "[\"+*\"]");
	else
		lab_print_patterns(out, &provider->numbers);
	buf_printf(out, ", via: [%s]}\n", name);
}

/* ---- lab.json ---- */

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_addr(struct json_object *object, const char *key,
		     const struct addr *addr)
{
	char text[ADDR_TEXT_LEN];

	addr_print(text, addr);
	add_text(object, key, text);
}

static void add_patterns(struct json_object *object, const char *key,
			 const struct number_set *set)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < set->allow_cnt; i++)
		json_object_array_add(list,
				      json_object_new_string(set->allow[i]));
	json_object_object_add(object, key, list);
}

static void add_path(struct json_object *object, const char *key,
		     const struct lab *lab, const char *file)
{
	struct buf path;

	buf_init(&path, SIZE_MAX);
	buf_printf(&path, "%s/%s", lab->dir, file);
	add_text(object, key, buf_str(&path));
	buf_free(&path);
}

void lab_print_json(struct buf *out, const struct lab *lab)
{
	struct json_object *root = json_object_new_object();
	struct json_object *stir = json_object_new_object();
	struct json_object *other = json_object_new_object();

	add_text(root, "authority", lab->authority);
	add_addr(root, "address", &lab->listen);
	add_text(root, "ca", lab->ca);
	add_text(root, "token", lab->token);
	add_text(root, "tg", lab->tg);
	add_patterns(root, "numbers", &lab->numbers);
	add_patterns(root, "origins", &lab->origins);
	add_addr(root, "sip", &lab->sip);
	add_addr(root, "sip_peer", &lab->sip_peer);
	add_text(stir, "key", lab->stir_key);
	add_text(stir, "cert", lab->stir_cert);
	add_text(stir, "x5u", lab->stir_x5u);
	json_object_object_add(root, "stir", stir);
	add_text(other, "token", lab->other_token);
	add_text(other, "tg", lab->other_tg);
	json_object_object_add(root, "other", other);
	add_path(root, "config", lab, "riptide.yaml");
	add_path(root, "socket", lab, "riptide.sock");
	add_addr(root, "metrics", &lab->metrics);
	buf_add_str(out, json_object_to_json_string_ext(
				 root, JSON_C_TO_STRING_PRETTY |
					       JSON_C_TO_STRING_SPACED |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_add_str(out, "\n");
	json_object_put(root);
}
