/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/ript_lab.h - a RIPT server and a RIPT client on a fake exchange
 * with a virtual clock, and the gateway played by a few variables.
 *
 *   two customers: token LAB_TOKEN owns TGs 123 (+1) and intl (+44),
 *   LAB_OTHER owns TG b1.  PASSporTs are "orig>dest", see lab_passport().
 */
#ifndef RIPTIDE_TESTS_RIPT_LAB_H
#define RIPTIDE_TESTS_RIPT_LAB_H

#include <json-c/json.h>

#include "base/buf.h"
#include "base/loop.h"
#include "ript/call.h"
#include "ript/ript.h"
#include "tests/unit/fake_byway.h"
#include "tests/unit/fake_exchange.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

#define LAB_AUTHORITY "comcast.example"
#define LAB_ROOT "/.well-known/ript/v1"
#define LAB_TG LAB_ROOT "/providertgs/123"
#define LAB_URI "https://" LAB_AUTHORITY LAB_TG
#define LAB_TOKEN "token-of-a"
#define LAB_SECOND "second-token-of-a"
#define LAB_OTHER "token-of-b"
#define LAB_FROM "+14085551000"
#define LAB_TO "+14089529999"
#define LAB_PEM "-----BEGIN CERTIFICATE-----\nMIIB...\n" \
	"-----END CERTIFICATE-----\n"

struct lab {
	struct loop *loop;
	uint64_t now_ns;
	struct exchange_net *net;
	struct ript_server *server;
	struct ript_tg *tg, *intl, *other;

	/* the gateway, server role */
	struct ript_call *incoming;	/* the newest, not yet answered */
	unsigned incoming_cnt;
	bool accept;			/* incoming() accepts by itself */
	struct ript_directives directives;	/* for that */
	uint64_t ticket;		/* of the newest store_handler() */
	char *stored;			/* "tg id json", json (null): delete */
	unsigned stored_cnt;
	bool slow_store;		/* the test answers tickets itself */
	int store_err;
	char refused[256];		/* "tg status problem detail" */
	unsigned refused_cnt;
	bool renew;			/* refresh() computes directives */

	/* the client role */
	struct ript_peer *peer;
	int peer_err;			/* of the last state(); -1: none */
	unsigned peer_state_cnt;
	char peer_why[256];
	char *handler_id, *handler_uri;	/* of the last handler() */
	unsigned handler_cnt;

	struct buf log;			/* callbacks of calls, "event end\n" */
	struct ript_refusal refusal;	/* of the last closed() */
	char problem[64], detail[256];
};

struct lab *lab_new(void);
void lab_free(struct lab **labp);
/* Time passes in steps of at most 10 ms. */
void lab_wait(struct lab *lab, uint64_t ms);
/* One turn without time. */
void lab_turn(struct lab *lab);

/* The configuration of TG 123, to change and give to ript_tg_update(). */
void lab_tg_config(struct ript_tg_config *config);
void lab_tg_config_free(struct ript_tg_config *config);

/* A request with LAB_TOKEN; @json NULL: no body. */
struct exchange *lab_ask(struct lab *lab, const char *method,
			 const char *path, const char *json);
/* The JSON that was answered; to be put. */
struct json_object *lab_json(const struct exchange *x);
/* The text at @key of the JSON that was answered; valid until the next. */
const char *lab_text(const struct exchange *x, const char *key);
/* The last segment of a problem's type, "" if it is none. */
const char *lab_problem(const struct exchange *x);
#define assert_problem(x, want_status, name)                    \
	do {                                                    \
		assert_int_equal(fake_status(x), want_status);  \
		assert_string_equal(lab_problem(x), name);      \
	} while (0)

/* A handler registered at TG 123; its URI, valid until the next one. */
const char *lab_handler(struct lab *lab);
/* "orig>dest" */
const char *lab_passport(const char *orig, const char *dest);
/* POST {TG}/calls from LAB_FROM to LAB_TO with @handler. */
struct exchange *lab_post(struct lab *lab, const char *handler);
/* A call that is accepted; its path, valid until the next one. */
const char *lab_call(struct lab *lab);
/* GET {call}/events; PUT {call}/events with an open body. */
struct exchange *lab_get_events(struct lab *lab, const char *call);
struct exchange *lab_put_events(struct lab *lab, const char *call);
/* How often @word is in @text. */
unsigned lab_times(const char *text, const char *word);
/* The callbacks so far; then they are forgotten. */
const char *lab_log(struct lab *lab);

extern const struct ript_call_handlers lab_handlers;

#endif
