/* SPDX-License-Identifier: MIT */
#include "gateway/providers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "gateway/gateway.h"
#include "ript/passport.h"
#include "ript/ript.h"
#include "store/store.h"

static struct gw_peer *peer_of(struct gateway *gw, const char *name)
{
	for (unsigned i = 0; i < gw->conf->peer_cnt; i++)
		if (strcmp(gw->conf->peer[i].name, name) == 0)
			return &gw->peer[i];
	return NULL;
}

static void on_peer_state(struct ript_peer *ript, int err, const char *why,
			  void *arg)
{
	struct gateway *gw = arg;
	struct gw_peer *peer = peer_of(gw, ript_peer_name(ript));

	if (!peer)
		return;
	if (peer->up != (err == 0))
		log_write(NULL, err ? LOG_WARN : LOG_INFO,
			  "peer %s is %s%s%s", peer->conf->name,
			  err ? "down" : "up", err && why ? ": " : "",
			  err && why ? why : "");
	peer->up = err == 0;
	snprintf(peer->why, sizeof(peer->why), "%s", why ? why : "");
}

static void on_peer_handler(struct ript_peer *ript, const char *handler_id,
			    const char *uri, void *arg)
{
	struct gateway *gw = arg;

	store_put_registration(gw->store, ript_peer_name(ript), handler_id,
			       uri);
}

static int start_peer(struct gateway *gw, struct gw_peer *peer, char **why)
{
	static const struct ript_peer_events events = {
		.state = on_peer_state,
		.handler = on_peer_handler,
	};
	const struct conf_peer *conf = peer->conf;
	char *handler_id = xasprintf("%s-%s", gw->conf->node, conf->name);
	struct ript_peer_config config = {
		.name = conf->name,
		.net = gw->net,
		.loop = gw->loop,
		.authority = conf->domain,
		.addr = conf->address_cnt ? &conf->address[0] : NULL,
		.ca_file = conf->ca_file,
		.token = conf->token,
		.handler_id = handler_id,
		.webtransport = conf->webtransport,
	};
	int err;

	snprintf(peer->why, sizeof(peer->why), "not connected yet");
	err = passport_signer_new(&peer->signer, conf->signing_key,
				  conf->signing_cert, conf->signing_x5u, why);
	if (!err) {
		err = ript_peer_new(&peer->ript, &config, &events, gw);
		if (err)
			*why = xasprintf("peers.%s: %s", conf->name,
					 strerror(err));
	}
	free(handler_id);
	return err;
}

static void on_registration(const char *name, const char *handler_id,
			    const char *uri, void *arg)
{
	struct gw_peer *peer = peer_of(arg, name);

	if (peer && peer->ript)
		ript_peer_load_handler(peer->ript, handler_id, uri);
}

int providers_start(struct gateway *gw, char **why)
{
	int err = 0;

	for (unsigned i = 0; !err && i < gw->conf->peer_cnt; i++)
		if (gw->peer[i].conf->domain)
			err = start_peer(gw, &gw->peer[i], why);
	if (!err && store_each_registration(gw->store, on_registration, gw)) {
		*why = xasprintf("cannot read the registrations in %s",
				 gw->conf->sqlite);
		err = EIO;
	}
	return err;
}

void providers_stop(struct gateway *gw)
{
	for (unsigned i = 0; i < gw->conf->peer_cnt; i++) {
		ript_peer_free(&gw->peer[i].ript);
		passport_signer_free(&gw->peer[i].signer);
	}
}
