/* SPDX-License-Identifier: MIT */
#include "ript/byway_msg.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

struct blob *blob_new(const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;
	struct blob *blob;

	if (!text)
		return NULL;
	blob = xzalloc(sizeof(*blob) + len);
	atomic_init(&blob->refs, 1);
	memcpy(blob->text, text, len);
	return blob;
}

struct blob *blob_ref(struct blob *blob)
{
	if (blob)
		atomic_fetch_add(&blob->refs, 1);
	return blob;
}

void blob_unref(struct blob **blobp)
{
	struct blob *blob = *blobp;

	*blobp = NULL;
	if (blob && atomic_fetch_sub(&blob->refs, 1) == 1)
		free(blob);
}

static void bmsg_drop(struct msg *msg)
{
	bmsg_free(list_entry(msg, struct bmsg, msg));
}

struct bmsg *bmsg_new(struct exchange_net *net, enum bmsg_kind kind,
		      unsigned worker, uint64_t id)
{
	struct bmsg *m = xzalloc(sizeof(*m));

	m->msg.deliver = kind >= BMSG_INSTALLED ? byway_on_msg
						: byway_worker_on_msg;
	m->msg.drop = bmsg_drop;
	m->net = net;
	m->kind = kind;
	m->worker = worker;
	m->id = id;
	return m;
}

void bmsg_free(struct bmsg *m)
{
	free(m->path);
	mem_wipe_text(&m->token);
	free(m->cookie);
	blob_unref(&m->problem);
	free(m);
}
