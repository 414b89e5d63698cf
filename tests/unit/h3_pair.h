/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/h3_pair.h - a server and a client endpoint of HTTP/3 on one
 * loop, with real sockets on 127.0.0.1, and certificates made for the run.
 */
#ifndef RIPTIDE_TESTS_H3_PAIR_H
#define RIPTIDE_TESTS_H3_PAIR_H

#include "base/loop.h"
#include "ript/h3.h"
#include "ript/tls.h"
#include "tests/unit/unit.h"

#define PAIR_HOST "gw.example"

/* Files of a certificate authority and of a server below it. */
struct pair_certs {
	char dir[64];
	char ca[96], cert[96], key[96];
	char other_ca[96];	/* has signed nothing */
};

void pair_certs_make(struct pair_certs *certs);
void pair_certs_remove(struct pair_certs *certs);

struct pair {
	struct pair_certs certs;
	struct loop *loop;
	struct h3_secrets secrets;
	struct tls_server *tls;
	struct tls_client *trust;
	struct h3_config config;	/* the server's */
	struct h3_endpoint *server, *client;
	struct h3_connect connect;	/* filled for h3_connect() */
	struct addr at;
	int fd;
};

/* cmocka set-up and tear-down; *state is a struct pair without endpoints. */
int pair_setup(void **state);
int pair_teardown(void **state);

/* Make both endpoints; @pair->config and secrets may have been changed. */
void pair_start(struct pair *pair, const struct h3_conn_handlers *server,
		void *arg);
/* Only the server's, on the socket that is there. */
void pair_start_server(struct pair *pair,
		       const struct h3_conn_handlers *server, void *arg);

/* Turn the loop until *@flag is @want or @ms have gone; whether it is. */
bool pair_until(struct pair *pair, const unsigned *flag, unsigned want,
		unsigned ms);
/* Turn the loop for @ms. */
void pair_run(struct pair *pair, unsigned ms);

/* The counter @name{@labels} now. */
uint64_t pair_counter(const char *name, const char *labels);

#endif
