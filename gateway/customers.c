/* SPDX-License-Identifier: MIT */
#include "gateway/customers.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "gateway/gateway.h"
#include "gateway/history.h"
#include "ript/passport.h"
#include "ript/ript.h"
#include "store/store.h"

#define PEM_MAX 65536

/* ---- files ---- */

static int read_pem(char **pemp, const char *file, char **why)
{
	FILE *in = fopen(file, "re");
	char *pem = NULL;
	size_t len;
	int err = 0;

	if (!in) {
		err = errno;
		*why = xasprintf("cannot read %s: %s", file, strerror(err));
		return err;
	}
	pem = xzalloc(PEM_MAX + 1);
	len = fread(pem, 1, PEM_MAX + 1, in);
	fclose(in);
	if (len > PEM_MAX) {
		*why = xasprintf("%s is too long for a certificate", file);
		free(pem);
		return EMSGSIZE;
	}
	*pemp = pem;
	return 0;
}

/* The path of @url if it lies under our authority; NULL: elsewhere. */
static const char *own_path(const struct conf *conf, const char *url)
{
	const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;
	size_t len = conf->authority ? strlen(conf->authority) : 0;

	if (!rest || !len || strncmp(rest, conf->authority, len) != 0 ||
	    rest[len] != '/')
		return NULL;
	return rest + len;
}

/* Serve the certificate that @url names, if that is our task. */
static int serve_cert(struct gateway *gw, const char *url, const char *file,
		      char **why)
{
	const char *path = url ? own_path(gw->conf, url) : NULL;
	char *pem = NULL;
	int err;

	if (!path || !file)
		return 0;
	err = read_pem(&pem, file, why);
	if (err)
		return err;
	err = ript_server_add_cert(gw->server, path, pem);
	free(pem);
	if (err == EEXIST)
		return 0;	/* two peers share a signer */
	if (err)
		*why = xasprintf("cannot serve %s: a certificate's URL ends "
				 "with /.well-known/ript/v1/certs/NAME.pem",
				 url);
	return err;
}

/* ---- events of the server ---- */

/* A handler's row on its way to disk; the 201 waits for it. */
struct ticket {
	struct gateway *gw;
	uint64_t number;
};

static void on_handler_stored(int err, const char *why, void *arg)
{
	struct ticket *ticket = arg;

	(void)why;
	if (ticket->gw->server)
		ript_handler_stored(ticket->gw->server, ticket->number, err);
	free(ticket);
}

static void on_store_handler(const struct ript_handler_row *row,
			     uint64_t number, void *arg)
{
	struct gateway *gw = arg;
	struct ticket *ticket = xzalloc(sizeof(*ticket));
	struct store_handler handler = { row->tg, row->id, row->json };

	ticket->gw = gw;
	ticket->number = number;
	store_put_handler(gw->store, &handler, on_handler_stored, ticket);
}

static struct json_object *refused_call(const char *id, const char *tg,
					int status, const char *problem,
					const char *detail)
{
	struct json_object *call = json_object_new_object();
	char text[160];

	snprintf(text, sizeof(text), "%d %s: %s", status, problem, detail);
	json_object_object_add(call, "id", json_object_new_string(id));
	json_object_object_add(call, "direction",
			       json_object_new_string("ript-to-sip"));
	json_object_object_add(call, "state",
			       json_object_new_string("refused"));
	json_object_object_add(call, "from", json_object_new_string(""));
	json_object_object_add(call, "to", json_object_new_string(""));
	json_object_object_add(call, "peer", json_object_new_string(tg));
	json_object_object_add(call, "created_ms",
			       json_object_new_int64((int64_t)clock_wall_ms()));
	json_object_object_add(call, "reason",
			       json_object_new_string(problem));
	json_object_object_add(call, "text", json_object_new_string(text));
	return call;
}

/* Refused before there was a call: kept for `explain` all the same. */
static void on_refused(const char *tg, int status, const char *problem,
		       const char *detail, void *arg)
{
	const struct reason_info *info = reason_info(reason_by_code(problem));
	struct gateway *gw = arg;
	struct record *record;
	char id[UUID_LEN + 1];

	uuid_make(id);
	record = history_begin(gw->history, id);
	record_step(record, "POST calls on terminal group %s", tg ? tg : "?");
	record_step(record, "refused with %d %s: %s", status, problem,
		    detail ? detail : "");
	if (info->advice[0])
		record_step(record, "What to do: %s", info->advice);
	record_ript(record, true, "POST calls");
	record_ript(record, false, "%d %s", status, problem);
	record_set_call(record, refused_call(id, tg ? tg : "", status, problem,
					     detail ? detail : ""));
	history_end(&record);
}

static const struct ript_server_events *
server_events(void (*incoming)(struct ript_call *call, void *arg))
{
	static struct ript_server_events events = {
		.store_handler = on_store_handler,
		.refused = on_refused,
	};

	events.incoming = incoming;
	return &events;
}

/* ---- terminal groups ---- */

static int make_trust(struct gateway *gw, struct gw_peer *peer, char **why)
{
	const struct conf_peer *conf = peer->conf;
	int err = passport_trust_new(&peer->trust, conf->passport_ca, why);

	for (unsigned i = 0; !err && i < conf->x5u_cnt; i++) {
		err = passport_trust_add(peer->trust, conf->x5u[i],
					 conf->x5u_cert[i], why);
		if (!err)
			err = serve_cert(gw, conf->x5u[i], conf->x5u_cert[i],
					 why);
	}
	return err;
}

static int add_tg(struct gateway *gw, struct gw_peer *peer, char **why)
{
	const struct conf_peer *conf = peer->conf;
	struct ript_tg_config config = {
		.id = conf->tg ? conf->tg : conf->name,
		.name = conf->name,
		.description = "calls through riptide",
		.peer = conf->name,
		.token_hash = (const uint8_t(*)[32])conf->token_hash,
		.token_cnt = conf->token_hash_cnt,
		.origins = conf->origins,
		.destinations = conf->numbers,
	};
	char *pem = NULL;
	int err;

	err = make_trust(gw, peer, why);
	if (!err && conf->origins_cert)
		err = read_pem(&pem, conf->origins_cert, why);
	if (err)
		return err;
	config.origins_pem = pem;
	config.trust = peer->trust;
	err = ript_server_add_tg(&peer->tg, gw->server, &config);
	free(pem);
	if (err)
		*why = xasprintf("peers.%s.accept: cannot make its terminal "
				 "group %s: %s", conf->name, config.id,
				 strerror(err));
	admit_init(&peer->admit, conf->calls, conf->calls_per_second);
	return err;
}

static void on_handler_row(const struct store_handler *row, void *arg)
{
	struct gateway *gw = arg;
	struct ript_handler_row handler = { row->tg, row->id, row->json };

	if (ript_server_load_handler(gw->server, &handler))
		log_warn(NULL, "handler %s of terminal group %s in the "
			       "database is not taken: the group is gone or "
			       "the row unreadable", row->id, row->tg);
}

int customers_start(struct gateway *gw,
		    void (*incoming)(struct ript_call *call, void *arg),
		    char **why)
{
	const struct conf *conf = gw->conf;
	struct ript_server_config config = {
		.authority = conf->authority,
		.net = gw->net,
		.loop = gw->loop,
		.token_fails_per_min = conf->refused_tokens_per_minute,
	};
	int err;

	if (!conf->listen.len)
		return 0;
	err = ript_server_new(&gw->server, &config, server_events(incoming),
			      gw);
	if (err) {
		*why = xasprintf("cannot start the RIPT server role: %s",
				 strerror(err));
		return err;
	}
	for (unsigned i = 0; !err && i < conf->peer_cnt; i++) {
		struct gw_peer *peer = &gw->peer[i];

		if (peer->conf->accepts)
			err = add_tg(gw, peer, why);
		if (!err)
			err = serve_cert(gw, peer->conf->signing_x5u,
					 peer->conf->signing_cert, why);
	}
	if (!err && store_each_handler(gw->store, on_handler_row, gw)) {
		*why = xasprintf("cannot read the handlers in %s",
				 conf->sqlite);
		err = EIO;
	}
	return err;
}

void customers_free(struct gateway *gw)
{
	for (unsigned i = 0; i < gw->conf->peer_cnt; i++)
		passport_trust_free(&gw->peer[i].trust);
}
