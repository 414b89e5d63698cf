/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/byway_lab.h - control and two workers on one thread with a
 * virtual clock, on fake_h3: nothing happens but what the test does.
 */
#ifndef RIPTIDE_TESTS_BYWAY_LAB_H
#define RIPTIDE_TESTS_BYWAY_LAB_H

#include "base/loop.h"
#include "base/mailbox.h"
#include "ript/byway.h"
#include "ript/exchange.h"
#include "ript/worker.h"
#include "tests/unit/fake_h3.h"
#include "tests/unit/shows.h"
#include "tests/unit/unit.h"

#define LAB_WORKERS 2
#define LAB_UUID "0b8ff3c4-6a1e-4f0e-9d57-5a4f1c1d2e3f"
#define LAB_CALL "/.well-known/ript/v1/providertgs/t/calls/" LAB_UUID
#define LAB_MEDIA LAB_CALL "/media"
#define LAB_TOKEN "sesame"

struct lab_loop {		/* a loop whose clock the lab moves */
	struct loop *loop;
	struct list watches;
};

/* Who eats chunks, and what it was told. */
struct eater {
	struct byway_port *port;
	unsigned bodies;
	uint8_t last[65536];
	size_t last_len;
	enum byway_kind last_kind;
	uint64_t last_connection;
	bool reply_asked;
	unsigned opens;
	enum byway_kind kind;
};

struct lab {
	uint64_t now_ns;
	struct lab_loop control_loop;
	struct lab_loop loop[LAB_WORKERS];
	struct mailbox *to_control;
	struct mailbox *inbox[LAB_WORKERS];
	struct exchange_net *net;
	struct ript_worker *worker[LAB_WORKERS];
	struct exchange_peer *peer;	/* lab_dial() and tests make it */

	/* byway_events */
	unsigned installed;
	unsigned opens;
	enum byway_kind kind;
	unsigned panics;
	uint64_t dropped;
};

/* @config: what is not 0 in it holds; NULL: defaults.  @credit: places of
 * the mailbox to control. */
void lab_start(struct lab *lab, const struct ript_net_config *config,
	       size_t credit);
void lab_stop(struct lab *lab);
/* Turn everything until nothing happens any more. */
void lab_run(struct lab *lab);
/* Turn the workers alone: control is busy. */
void lab_run_workers(struct lab *lab);
/* Move the clock, in steps that no timer is late by, and turn. */
void lab_pass(struct lab *lab, uint64_t ms);

/* A peer at gw.example with the address @addr (NULL: by literal). */
void lab_peer(struct lab *lab);
/* byway_serve() for LAB_CALL, installed; byway_dial() likewise. */
struct byway *lab_serve(struct lab *lab, unsigned home);
struct byway *lab_dial(struct lab *lab, unsigned home, unsigned gets,
		       bool webtransport);
void lab_bind(struct lab *lab, unsigned worker, struct byway *byway,
	      struct eater *eater);

/* Requests of a guest; @token NULL: none. */
struct h3_stream *lab_ask(struct h3_conn *conn, const char *method,
			  const char *path, const char *token,
			  const char *body);
struct h3_stream *lab_get(struct h3_conn *conn);
struct h3_stream *lab_put(struct h3_conn *conn, const char *body);
struct h3_stream *lab_connect(struct h3_conn *conn);

/* What @name{@labels} counts now. */
uint64_t lab_counter(const char *name, const char *labels);

#endif
