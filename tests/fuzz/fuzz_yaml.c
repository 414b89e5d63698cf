/* SPDX-License-Identifier: MIT */
/* Any text as a configuration: refused with a sentence, or taken, and then
 * what is printed of it loads to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct conf *load(const char *text, size_t len)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	int err;

	err = conf_load_text(&conf, "fuzz.yaml", text, len, false, &problems);
	if (!err != !problems.count || !err != !!conf)
		abort();
	conf_problems_free(&problems);
	return conf;
}

static char *print(const struct conf *conf)
{
	struct buf out;
	char *text;

	buf_init(&out, SIZE_MAX);
	conf_print(&out, conf, true);
	text = buf_steal(&out);
	return text;
}

static void call_everybody(const struct conf *conf)
{
	static const char *const users[] = { "911", "9011442071234567",
					     "+14085551234", "bob", "a@b.c" };
	char number[ROUTE_NUMBER_SIZE];
	struct route_verdict v;
	unsigned i, k;

	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		for (k = 0; k < conf->trunk_cnt; k++)
			if (route_from_trunk(&v, conf, &conf->trunk[k],
					     users[i], users[2], users[0]))
				route_number_for(number, &v.hop[0], v.called);
		for (k = 0; k < conf->peer_cnt; k++)
			if (conf->peer[k].accepts)
				route_from_peer(&v, conf, &conf->peer[k],
						users[2], users[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf *conf = load((const char *)data, len);
	char *first, *second;

	if (!conf)
		return 0;
	call_everybody(conf);
	first = print(conf);
	conf_free(&conf);
	conf = load(first, strlen(first));
	if (!conf)
		abort();
	second = print(conf);
	if (strcmp(first, second) != 0)
		abort();
	conf_free(&conf);
	free(first);
	free(second);
	return 0;
}
