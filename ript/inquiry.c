/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "ript/body.h"
#include "ript/inquiry.h"
#include "ript/target.h"

#define FIELDS_MAX 64		/* of a reply; more are not looked at */
#define RETRY_AFTER_MAX 3600

/* The request is kept: a 308 sends it once more. */
struct inquiry {
	struct loop *loop;
	struct exchange *x;		/* NULL: closed */
	struct exchange_peer *peer;
	char *authority, *method, *path, *token, *json, *etag;
	unsigned worker;
	inquiry_h *done;		/* NULL: answered or cancelled */
	void *arg;
	struct timer deadline;
	bool redirected;
	bool too_large;
	int status;
	struct exchange_field field[FIELDS_MAX];
	unsigned field_cnt;
	struct buf body;
};

static void drop_reply(struct inquiry *q)
{
	unsigned i;

	for (i = 0; i < q->field_cnt; i++) {
		free((void *)(uintptr_t)q->field[i].name);
		free((void *)(uintptr_t)q->field[i].value);
	}
	q->field_cnt = 0;
	q->status = 0;
	buf_clear(&q->body);
}

static void inquiry_free(struct inquiry *q)
{
	timer_stop(&q->deadline);
	drop_reply(q);
	buf_free(&q->body);
	free(q->authority);
	free(q->method);
	free(q->path);
	mem_wipe_text(&q->token);
	free(q->json);
	free(q->etag);
	free(q);
}

/* Hands the reply over, once.  The inquiry stays until its exchange has
 * closed. */
static void finish(struct inquiry *q, int err)
{
	const struct inquiry_reply reply = {
		.err = err,
		.status = err ? 0 : q->status,
		.field = q->field,
		.field_cnt = q->field_cnt,
		.body = buf_str(&q->body),
		.len = q->body.len,
	};
	inquiry_h *done = q->done;

	timer_stop(&q->deadline);
	q->done = NULL;
	if (done)
		done(&reply, q->arg);
}

static int start(struct inquiry *q);

/* The path of a location on our authority; NULL if it is elsewhere. */
static const char *location_path(const struct inquiry *q)
{
	const char *location = exchange_field(q->field, q->field_cnt,
					      "location");
	struct https_uri uri;

	if (!location)
		return NULL;
	if (location[0] == '/' && location[1] != '/')
		return location;
	if (https_uri_parse(&uri, location) != 0 ||
	    !authority_equal(uri.authority, uri.authority_len, q->authority,
			     strlen(q->authority)))
		return NULL;
	return uri.path;
}

/* Whether a 308 is being followed. */
static bool follow(struct inquiry *q)
{
	const char *path;

	if (q->status != 308 || q->redirected)
		return false;
	path = location_path(q);
	if (!path)
		return false;
	q->redirected = true;
	free(q->path);
	q->path = xstrdup(path);
	drop_reply(q);
	exchange_abort(q->x);
	q->x = NULL;
	if (start(q) != 0)
		finish(q, ENOTCONN);
	return true;
}

/* ---- exchange ---- */

static void on_head(struct exchange *x, const struct exchange_reply *reply,
		    void *arg)
{
	struct inquiry *q = arg;
	unsigned i;

	(void)x;
	q->status = reply->status;
	for (i = 0; i < reply->field_cnt && i < FIELDS_MAX; i++) {
		q->field[i].name = xstrdup(reply->field[i].name);
		q->field[i].value = xstrdup(reply->field[i].value);
		q->field_cnt++;
	}
}

static void on_data(struct exchange *x, const uint8_t *data, size_t len,
		    void *arg)
{
	struct inquiry *q = arg;

	exchange_consumed(x, len);
	if (buf_add(&q->body, data, len) != 0)
		q->too_large = true;
}

static void on_end(struct exchange *x, void *arg)
{
	struct inquiry *q = arg;

	(void)x;
	if (q->too_large)
		finish(q, EMSGSIZE);
	else if (!q->done || !follow(q))
		finish(q, 0);
}

static void on_closed(struct exchange *x, int err, void *arg)
{
	struct inquiry *q = arg;

	(void)x;
	q->x = NULL;
	finish(q, err ? err : ECONNRESET);
	inquiry_free(q);
}

static const struct exchange_handlers handlers = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
};

static int start(struct inquiry *q)
{
	struct exchange_field field[4];
	char *bearer = xasprintf("Bearer %s", q->token);
	struct exchange_request request = {
		.method = q->method,
		.authority = q->authority,
		.path = q->path,
		.field = field,
		.worker = q->worker,
	};
	unsigned cnt = 0;
	int err;

	field[cnt++] = (struct exchange_field){ "authorization", bearer };
	field[cnt++] = (struct exchange_field){ "accept",
						"application/json" };
	if (q->json) {
		field[cnt++] = (struct exchange_field){ "content-type",
							"application/json" };
		request.body = (const uint8_t *)q->json;
		request.body_len = strlen(q->json);
	}
	if (q->etag)
		field[cnt++] = (struct exchange_field){ "if-none-match",
							q->etag };
	request.field_cnt = cnt;
	err = exchange_send(&q->x, q->peer, &request, true, &handlers, q);
	mem_wipe_text(&bearer);
	return err;
}

static void on_deadline(void *arg)
{
	struct inquiry *q = arg;

	if (q->x)
		exchange_abort(q->x);
	q->x = NULL;
	finish(q, ETIMEDOUT);
	inquiry_free(q);
}

int inquiry_send(struct inquiry **inquiryp,
		 const struct inquiry_params *params, inquiry_h *done,
		 void *arg)
{
	struct inquiry *q = xzalloc(sizeof(*q));
	int err;

	q->loop = params->loop;
	q->peer = params->peer;
	q->authority = xstrdup(params->authority);
	q->method = xstrdup(params->method);
	q->path = xstrdup(params->path);
	q->token = xstrdup(params->token);
	q->json = xstrdup(params->json);
	q->etag = xstrdup(params->etag);
	q->worker = params->worker;
	q->done = done;
	q->arg = arg;
	buf_init(&q->body, INQUIRY_BODY_MAX);
	err = start(q);
	if (err) {
		inquiry_free(q);
		return err;
	}
	if (params->deadline_ms)
		timer_start(&q->deadline, q->loop, params->deadline_ms,
			    on_deadline, q);
	*inquiryp = q;
	return 0;
}

void inquiry_cancel(struct inquiry **inquiryp)
{
	struct inquiry *q = *inquiryp;

	if (!q)
		return;
	*inquiryp = NULL;
	q->done = NULL;
	if (q->x)
		exchange_abort(q->x);
	inquiry_free(q);
}

/* ---- what a reply says ---- */

const char *inquiry_field(const struct inquiry_reply *reply, const char *name)
{
	return exchange_field(reply->field, reply->field_cnt, name);
}

static unsigned seconds(const char *text, unsigned max, unsigned otherwise)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return otherwise;
	n = strtoul(text, &end, 10);
	return n > max ? max : (unsigned)n;
}

unsigned inquiry_retry_after(const struct inquiry_reply *reply)
{
	const char *text = inquiry_field(reply, "retry-after");

	return text ? seconds(text, RETRY_AFTER_MAX, 0) : 0;
}

unsigned inquiry_max_age(const struct inquiry_reply *reply,
			 unsigned otherwise)
{
	const char *text = inquiry_field(reply, "cache-control");

	text = text ? strcasestr(text, "max-age=") : NULL;
	return text ? seconds(text + 8, UINT32_MAX / 2, otherwise)
		    : otherwise;
}

void inquiry_problem(const struct inquiry_reply *reply, char *name,
		     size_t name_len, char *detail, size_t detail_len)
{
	struct json_object *body;
	const char *why, *type, *text;

	name[0] = detail[0] = '\0';
	if (body_parse(&body, reply->body, reply->len, &why) != 0)
		return;
	type = body_text(body, "type");
	if (type) {
		const char *slash = strrchr(type, '/');

		snprintf(name, name_len, "%s", slash ? slash + 1 : type);
	}
	text = body_text(body, "detail");
	if (text)
		snprintf(detail, detail_len, "%s", text);
	json_object_put(body);
}
