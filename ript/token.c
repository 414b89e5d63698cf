/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/loop.h"
#include "base/mem.h"
#include "ript/exchange.h"
#include "ript/token.h"

#define WINDOW_NS (60 * NS_PER_S)
#define GUESSERS_MAX 4096	/* addresses remembered; oldest go first */

/* An address from which wrong tokens came in the running minute. */
struct guesser {
	struct table_node node;
	struct le le;
	uint8_t host[16];	/* IPv6 counts by /64, IPv4 is mapped */
	uint64_t since_ns;
	uint64_t fails;
};

void token_book_init(struct token_book *book, uint64_t fails_per_min)
{
	memset(book, 0, sizeof(*book));
	book->fails_per_min = fails_per_min;
}

static void token_free(struct token_book *book, struct token *token)
{
	table_remove(&book->tokens, &token->node);
	free(token->tg);
	free(token);
}

static void free_token(struct table_node *node, void *arg)
{
	token_free(arg, table_entry(node, struct token, node));
}

static void guesser_free(struct token_book *book, struct guesser *guesser)
{
	table_remove(&book->guessers, &guesser->node);
	list_unlink(&guesser->le);
	free(guesser);
}

void token_book_free(struct token_book *book)
{
	table_each(&book->tokens, free_token, book);
	table_free(&book->tokens);
	while (book->guesser_list.head)
		guesser_free(book, list_entry(book->guesser_list.head,
					      struct guesser, le));
	table_free(&book->guessers);
}

static struct token *find(const struct token_book *book,
			  const uint8_t hash[SHA256_LEN])
{
	struct table_node *node = table_find(&book->tokens, hash, SHA256_LEN);
	struct token *token;

	if (!node)
		return NULL;
	token = table_entry(node, struct token, node);
	return secret_equal(token->hash, hash, SHA256_LEN) ? token : NULL;
}

void token_book_add(struct token_book *book, const uint8_t hash[SHA256_LEN],
		    struct ript_tg *tg)
{
	struct token *token = find(book, hash);

	if (!token) {
		token = xzalloc(sizeof(*token));
		memcpy(token->hash, hash, SHA256_LEN);
		table_insert(&book->tokens, &token->node, token->hash,
			     SHA256_LEN);
	}
	if (!tg)
		token->stays = true;
	if (!tg || token_opens(token, tg))
		return;
	token->tg = xrealloc(token->tg,
			     (token->tg_cnt + 1) * sizeof(*token->tg));
	token->tg[token->tg_cnt++] = tg;
}

struct closing {
	struct token_book *book;
	const struct ript_tg *tg;
};

static void close_tg(struct table_node *node, void *arg)
{
	struct token *token = table_entry(node, struct token, node);
	const struct closing *closing = arg;
	unsigned i, kept = 0;

	for (i = 0; i < token->tg_cnt; i++)
		if (token->tg[i] != closing->tg)
			token->tg[kept++] = token->tg[i];
	token->tg_cnt = kept;
	if (kept == 0 && !token->stays)
		token_free(closing->book, token);
}

void token_book_remove_tg(struct token_book *book, const struct ript_tg *tg)
{
	struct closing closing = { book, tg };

	table_each(&book->tokens, close_tg, &closing);
}

bool token_opens(const struct token *token, const struct ript_tg *tg)
{
	unsigned i;

	for (i = 0; i < token->tg_cnt; i++)
		if (token->tg[i] == tg)
			return true;
	return false;
}

/* ---- guessers ---- */

static void host_key(uint8_t key[16], const struct addr *from)
{
	memset(key, 0, 16);
	if (from->ss.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&from->ss;

		key[10] = key[11] = 0xff;
		memcpy(key + 12, &in->sin_addr, 4);
	} else if (from->ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&from->ss;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		memcpy(key, &in6->sin6_addr, mapped ? 16 : 8);
	}
}

static struct guesser *guesser_at(struct token_book *book,
				  const struct addr *from, uint64_t now_ns)
{
	struct guesser *guesser;
	struct table_node *node;
	uint8_t host[16];

	host_key(host, from);
	node = table_find(&book->guessers, host, sizeof(host));
	if (node) {
		guesser = table_entry(node, struct guesser, node);
		if (now_ns - guesser->since_ns < WINDOW_NS)
			return guesser;
		guesser_free(book, guesser);
	} else if (book->guessers.count >= GUESSERS_MAX) {
		guesser_free(book, list_entry(book->guesser_list.head,
					      struct guesser, le));
	}
	guesser = xzalloc(sizeof(*guesser));
	memcpy(guesser->host, host, sizeof(host));
	guesser->since_ns = now_ns;
	table_insert(&book->guessers, &guesser->node, guesser->host,
		     sizeof(guesser->host));
	list_append(&book->guesser_list, &guesser->le);
	return guesser;
}

static enum token_verdict wrong(struct token_book *book,
				const struct exchange_request *request,
				uint64_t now_ns, unsigned *wait_s)
{
	struct guesser *guesser = guesser_at(book, &request->from, now_ns);
	uint64_t left_ns;

	if (guesser->fails < book->fails_per_min) {
		guesser->fails++;
		return TOKEN_WRONG;
	}
	left_ns = guesser->since_ns + WINDOW_NS - now_ns;
	*wait_s = (unsigned)((left_ns + NS_PER_S - 1) / NS_PER_S);
	return TOKEN_LOCKED;
}

enum token_verdict token_check(struct token_book *book,
			       const struct exchange_request *request,
			       uint64_t now_ns, const struct token **tokenp,
			       unsigned *wait_s)
{
	const char *text = exchange_field(request->field, request->field_cnt,
					  "authorization");
	uint8_t hash[SHA256_LEN];
	size_t len;

	if (!text || strncasecmp(text, "bearer ", 7) != 0)
		return TOKEN_MISSING;
	text += 7;
	text += strspn(text, " ");
	len = strlen(text);
	if (len == 0)
		return TOKEN_MISSING;
	if (len > TOKEN_LEN)
		return wrong(book, request, now_ns, wait_s);
	sha256(hash, text, len);
	*tokenp = find(book, hash);
	return *tokenp ? TOKEN_GOOD : wrong(book, request, now_ns, wait_s);
}
