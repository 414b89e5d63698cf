/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "ript/problem.h"
#include "ript/reply.h"
#include "ript/server_impl.h"

#define FIELDS_MAX 8
#define PROBLEM_MAX 8192

struct wait {
	struct le le;
	struct ript_server *server;
	struct exchange *x;		/* NULL: the peer gave up */
	char *path;
	void (*gone)(void *owner);	/* NULL: the owner has let go */
	void *owner;
	bool answered;
};

static unsigned fields_join(struct exchange_field *out, const char *type,
			    const struct exchange_field *extra, unsigned cnt)
{
	unsigned n = 0, i;
	bool cached = false;

	for (i = 0; i < cnt && n + 2 < FIELDS_MAX; i++) {
		if (strcmp(extra[i].name, "cache-control") == 0)
			cached = true;
		out[n++] = extra[i];
	}
	if (type)
		out[n++] = (struct exchange_field){ "content-type", type };
	if (!cached)
		out[n++] = (struct exchange_field){ "cache-control",
						    "no-store" };
	return n;
}

void reply_json(struct exchange *x, int status, const char *json, size_t len,
		const struct exchange_field *extra, unsigned extra_cnt)
{
	struct exchange_field field[FIELDS_MAX];
	unsigned cnt = fields_join(field, len ? "application/json" : NULL,
				   extra, extra_cnt);

	exchange_reply(x, status, field, cnt, json, len);
}

static void note(struct ript_server *server, const struct refusal *r)
{
	const char *tg = r->tg ? r->tg : "";
	const char *detail = r->detail ? r->detail : "";
	bool loud = r->status == 403 || r->status >= 500;

	server_count_refusal(server, r->name);
	log_reason(server->log, loud ? LOG_INFO : LOG_DEBUG, r->name,
		   "ript: refused with %d%s%s%s%s", r->status,
		   *tg ? ", terminal group " : "", tg,
		   *detail ? ": " : "", detail);
}

void reply_refusal(struct ript_server *server, struct exchange *x,
		   const char *path, const struct refusal *r)
{
	struct exchange_field field[FIELDS_MAX];
	char retry[16];
	struct buf body;
	unsigned cnt;

	note(server, r);
	buf_init(&body, PROBLEM_MAX);
	problem_print(&body, r->status, r->name, r->detail, path);
	cnt = fields_join(field, "application/problem+json", NULL, 0);
	if (r->status == 401)
		field[cnt++] = (struct exchange_field){
			"www-authenticate",
			r->detail ? "Bearer error=\"invalid_token\""
				  : "Bearer realm=\"ript\"" };
	if (r->allow)
		field[cnt++] = (struct exchange_field){ "allow", r->allow };
	if (r->retry_after_s) {
		snprintf(retry, sizeof(retry), "%u", r->retry_after_s);
		field[cnt++] = (struct exchange_field){ "retry-after",
							retry };
	}
	exchange_reply(x, r->status, field, cnt, body.data, body.len);
	buf_free(&body);
}

void reply_forget(struct exchange *x)
{
	static const struct exchange_handlers nothing;

	exchange_handle(x, &nothing, NULL);
}

/* ---- later ---- */

static void wait_free(struct wait *wait)
{
	list_unlink(&wait->le);
	free(wait->path);
	free(wait);
}

static void on_wait_closed(struct exchange *x, int err, void *arg)
{
	struct wait *wait = arg;

	(void)x;
	(void)err;
	wait->x = NULL;
	if (wait->answered)
		wait_free(wait);
	else if (wait->gone)
		wait->gone(wait->owner);
}

static const struct exchange_handlers wait_handlers = {
	.closed = on_wait_closed,
};

struct wait *wait_new(struct ript_server *server, struct exchange *x,
		      const char *path, void (*gone)(void *owner),
		      void *owner)
{
	struct wait *wait = xzalloc(sizeof(*wait));

	wait->server = server;
	wait->x = x;
	wait->path = xstrdup(path);
	wait->gone = gone;
	wait->owner = owner;
	list_append(&server->waits, &wait->le);
	exchange_handle(x, &wait_handlers, wait);
	return wait;
}

/* Takes the exchange to answer; NULL when nobody waits any more. */
static struct exchange *wait_take(struct wait **waitp, struct wait **keep)
{
	struct wait *wait = *waitp;

	*waitp = NULL;
	*keep = wait;
	wait->gone = NULL;
	wait->owner = NULL;
	wait->answered = true;
	return wait->x;
}

void wait_json(struct wait **waitp, int status, const char *json, size_t len,
	       const struct exchange_field *extra, unsigned extra_cnt)
{
	struct wait *wait;
	struct exchange *x;

	if (!*waitp)
		return;
	x = wait_take(waitp, &wait);
	if (x)
		reply_json(x, status, json, len, extra, extra_cnt);
	else
		wait_free(wait);
}

void wait_refusal(struct wait **waitp, const struct refusal *refusal)
{
	struct wait *wait;
	struct exchange *x;

	if (!*waitp)
		return;
	x = wait_take(waitp, &wait);
	if (x)
		reply_refusal(wait->server, x, wait->path, refusal);
	else
		wait_free(wait);
}

void wait_free_all(struct list *waits)
{
	while (waits->head) {
		struct wait *wait = list_entry(waits->head, struct wait, le);

		if (wait->x && wait->answered)
			reply_forget(wait->x);
		else if (wait->x)
			exchange_abort(wait->x);
		wait_free(wait);
	}
}
