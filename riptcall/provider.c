/* SPDX-License-Identifier: MIT */
#include "riptcall/provider.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/expand.h"
#include "ript/ript.h"
#include "ript/target.h"
#include "riptcall/endpoint.h"
#include "riptcall/options.h"

/* Nothing said: everybody. */
static void copy_or_all(struct number_set *to, const struct number_set *from)
{
	number_set_copy(to, from);
	if (!to->allow_cnt)
		number_set_allow(to, "*");
}

static int add_tg(struct provider *provider, const struct options *o,
		  const char *uri, const char *token, const char *peer,
		  char **why)
{
	const char *slash = strrchr(uri, '/');
	uint8_t hash[1][SHA256_LEN];
	struct ript_tg_config config = {
		.id = slash ? slash + 1 : uri,
		.name = peer,
		.description = "calls that riptcall answers",
		.peer = peer,
		.token_hash = hash,
		.token_cnt = 1,
		.keepalive_interval_ms = o->keepalive_ms,
		.trust = provider->trust,
	};
	struct ript_tg *tg;
	int err;

	sha256(hash[0], token, strlen(token));
	copy_or_all(&config.origins, &o->origins);
	copy_or_all(&config.destinations, &o->numbers);
	err = ript_server_add_tg(&tg, provider->server, &config);
	number_set_free(&config.origins);
	number_set_free(&config.destinations);
	if (err)
		*why = xasprintf("the terminal group %s: %s", uri,
				 strerror(err));
	return err;
}

/* The signers' certificate, under our own authority. */
static int add_cert(struct provider *provider, const struct options *o,
		    char **why)
{
	struct https_uri uri;
	char *pem;
	size_t len;
	int err;

	if (!o->cert || !o->x5u)
		return 0;
	err = passport_trust_add(provider->trust, o->x5u, o->cert, why);
	if (err)
		return err;
	err = expand_read_file(&pem, &len, o->cert, EXPAND_MAX);
	if (err) {
		*why = xasprintf("%s: %s", o->cert, strerror(err));
		return err;
	}
	if (https_uri_parse(&uri, o->x5u) == 0)
		ript_server_add_cert(provider->server, uri.path, pem);
	free(pem);
	return 0;
}

int provider_start(struct provider *provider, struct endpoint *ep,
		   const struct options *o,
		   const struct ript_server_events *events, void *arg,
		   char **why)
{
	const struct ript_server_config config = {
		.authority = o->authority,
		.net = ep->net,
		.loop = ep->loop,
	};
	int err;

	*why = NULL;
	err = passport_trust_new(&provider->trust, o->stir_ca, why);
	if (!err)
		err = ript_server_new(&provider->server, &config, events,
				      arg);
	if (!err)
		err = add_cert(provider, o, why);
	if (!err)
		err = add_tg(provider, o, o->tg, o->token, "customer", why);
	if (!err && o->other_tg && o->other_token)
		err = add_tg(provider, o, o->other_tg, o->other_token, "other",
			     why);
	if (err && !*why)
		*why = xasprintf("it cannot serve %s: %s", o->authority,
				 strerror(err));
	return err;
}

void provider_stop(struct provider *provider)
{
	ript_server_free(&provider->server);
	passport_trust_free(&provider->trust);
}
