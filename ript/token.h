/* SPDX-License-Identifier: MIT */
/*
 * ript/token.h - bearer tokens: who may ask for what, and the lock-out of
 * addresses that keep guessing.
 *
 * Tokens are known by their SHA-256 only.  The hash is looked up in a table
 * keyed with a secret, and compared in constant time once more.
 *
 * Owner:  the server.
 * Loop:   control.
 * Spec:   RFC 6750; OA-03, OA-04; Q78, Q90.
 */
#ifndef RIPTIDE_RIPT_TOKEN_H
#define RIPTIDE_RIPT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "base/text.h"

struct ript_tg;
struct exchange_request;

#define TOKEN_LEN 4096		/* longest that is hashed */

/* One token and the terminal groups that it opens. */
struct token {
	struct table_node node;
	uint8_t hash[SHA256_LEN];
	struct ript_tg **tg;
	unsigned tg_cnt;
	bool stays;		/* known even while it opens nothing */
};

struct token_book {
	struct table tokens;		/* struct token by hash */
	struct table guessers;		/* struct guesser by address */
	struct list guesser_list;	/* oldest window first */
	uint64_t fails_per_min;
};

enum token_verdict {
	TOKEN_GOOD,
	TOKEN_MISSING,		/* 401 */
	TOKEN_WRONG,		/* 401 error="invalid_token" */
	TOKEN_LOCKED,		/* 429: wrong once more, from a guesser */
};

void token_book_init(struct token_book *book, uint64_t fails_per_min);
void token_book_free(struct token_book *book);

/* Make @hash known: it opens @tg; with NULL it is one that need not open
 * any. */
void token_book_add(struct token_book *book, const uint8_t hash[SHA256_LEN],
		    struct ript_tg *tg);
/* No token opens @tg any more. */
void token_book_remove_tg(struct token_book *book, const struct ript_tg *tg);

/* Check the authorization field of @request.  On TOKEN_GOOD *@tokenp is set;
 * on TOKEN_LOCKED *@wait_s. */
enum token_verdict token_check(struct token_book *book,
			       const struct exchange_request *request,
			       uint64_t now_ns, const struct token **tokenp,
			       unsigned *wait_s);
bool token_opens(const struct token *token, const struct ript_tg *tg);

#endif
