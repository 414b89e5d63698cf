/* SPDX-License-Identifier: MIT */
#include "ript/exchange_msg.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

/* ---- heads ---- */

static size_t text_len(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *put_text(char **at, const char *text, size_t len)
{
	char *copy = *at;

	if (!text)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

/* @path may carry its query behind a question mark. */
static struct head *head_pack(const char *method, const char *authority,
			      const char *path, const char *query,
			      const struct exchange_field *field,
			      unsigned field_cnt)
{
	const char *mark = path ? strchr(path, '?') : NULL;
	size_t size = text_len(method) + text_len(authority) +
		      text_len(path) + text_len(query) + 1;
	struct head *head;
	char *at;
	unsigned i;

	for (i = 0; i < field_cnt; i++)
		size += text_len(field[i].name) + text_len(field[i].value);
	head = xzalloc(sizeof(*head) + field_cnt * sizeof(head->field[0]) +
		       size);
	at = (char *)&head->field[field_cnt];
	if (method)
		head->method = put_text(&at, method, strlen(method));
	if (authority)
		head->authority = put_text(&at, authority, strlen(authority));
	if (path)
		head->path = put_text(&at, path,
				      mark ? (size_t)(mark - path)
					   : strlen(path));
	if (mark && !query)
		query = mark + 1;
	if (query)
		head->query = put_text(&at, query, strlen(query));
	head->field_cnt = field_cnt;
	for (i = 0; i < field_cnt; i++) {
		head->field[i].name = put_text(&at, field[i].name,
					       strlen(field[i].name));
		head->field[i].value = put_text(&at, field[i].value,
						strlen(field[i].value));
	}
	return head;
}

struct head *head_of_h3(const struct h3_head *from)
{
	struct exchange_field field[H3_MAX_FIELDS];
	unsigned i, cnt = from->field_cnt;

	if (cnt > H3_MAX_FIELDS)
		cnt = H3_MAX_FIELDS;
	for (i = 0; i < cnt; i++) {
		field[i].name = from->field[i].name;
		field[i].value = from->field[i].value;
	}
	return head_pack(from->method, from->authority, from->path, NULL,
			 field, cnt);
}

struct head *head_of_request(const struct exchange_request *from,
			     const char *authority)
{
	return head_pack(from->method,
			 from->authority ? from->authority : authority,
			 from->path, from->query, from->field,
			 from->field_cnt);
}

struct head *head_of_fields(const struct exchange_field *field,
			    unsigned field_cnt)
{
	return head_pack(NULL, NULL, NULL, NULL, field, field_cnt);
}

unsigned head_fields(struct h3_field out[H3_MAX_FIELDS],
		     const struct head *head)
{
	unsigned i, cnt = head ? head->field_cnt : 0;

	if (cnt > H3_MAX_FIELDS)
		cnt = H3_MAX_FIELDS;
	for (i = 0; i < cnt; i++) {
		out[i].name = head->field[i].name;
		out[i].value = head->field[i].value;
	}
	return cnt;
}

/* ---- messages ---- */

static void xmsg_drop(struct msg *msg)
{
	xmsg_free(list_entry(msg, struct xmsg, msg));
}

struct xmsg *xmsg_new(struct exchange_net *net, enum xmsg_kind kind,
		      unsigned worker, uint64_t id)
{
	struct xmsg *m = xzalloc(sizeof(*m));

	m->msg.deliver = kind >= XMSG_SEND ? half_on_msg : exchange_on_msg;
	m->msg.drop = xmsg_drop;
	m->net = net;
	m->kind = kind;
	m->worker = worker;
	m->id = id;
	return m;
}

void xmsg_set_data(struct xmsg *m, const void *data, size_t len)
{
	if (len == 0)
		return;
	m->data = xrealloc(NULL, len + 1);
	memcpy(m->data, data, len);
	m->data[len] = '\0';
	m->len = len;
}

void xmsg_free(struct xmsg *m)
{
	free(m->head);
	free(m->data);
	free(m);
}

static void pmsg_drop(struct msg *msg)
{
	pmsg_free(list_entry(msg, struct pmsg, msg));
}

struct pmsg *pmsg_new(struct exchange_net *net, enum pmsg_kind kind,
		      unsigned worker, uint64_t peer)
{
	struct pmsg *m = xzalloc(sizeof(*m));

	m->msg.deliver = kind >= PMSG_NEED ? exchange_peer_on_msg
					   : link_on_msg;
	m->msg.drop = pmsg_drop;
	m->net = net;
	m->kind = kind;
	m->worker = worker;
	m->peer = peer;
	return m;
}

void pmsg_free(struct pmsg *m)
{
	free(m->authority);
	free(m->host);
	free(m->text);
	free(m);
}
