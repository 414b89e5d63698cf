/* SPDX-License-Identifier: MIT */
#include "ript/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "ript/byway_dial.h"
#include "ript/byway_msg.h"
#include "ript/byway_port.h"
#include "ript/call_table.h"
#include "ript/flow.h"
#include "ript/half.h"
#include "ript/link.h"
#include "ript/refuse.h"
#include "ript/byway_session.h"
#include "ript/tls.h"
#include "ript/worker_private.h"

#define CROSSING_CREDIT 4096	/* chunks on the way from other workers */
#define TOKEN_KEPT 256

/* Without a good token a connection has only public pages to read. */
#define STRANGER_MS 60000

/* One incoming connection. */
struct guest {
	struct ript_worker *w;
	struct h3_conn *conn;
	struct timer strange;		/* until a good token has come */
	uint64_t id;			/* `connection` of byway_handlers */
	double credit;			/* requests that it may make now */
	uint64_t credit_ns;
	char token[TOKEN_KEPT];		/* the last one, and its hash: a */
	uint8_t hash[SHA256_LEN];	/* chunk costs a comparison */
};

/* ---- limits and tokens ---- */

/* Places for connections are few: nobody without a token keeps one. */
static void on_strange(void *arg)
{
	struct guest *guest = arg;

	metric_inc(guest->w->net->metric.strangers);
	h3_conn_close(guest->conn);
}

void worker_knows(struct h3_conn *conn)
{
	struct guest *guest = h3_conn_data(conn);

	if (guest)
		timer_stop(&guest->strange);
}

static struct guest *guest_of(struct ript_worker *w, struct h3_conn *conn)
{
	struct guest *guest = h3_conn_data(conn);

	if (guest)
		return guest;
	guest = xzalloc(sizeof(*guest));
	guest->w = w;
	guest->conn = conn;
	timer_start(&guest->strange, w->loop, STRANGER_MS, on_strange, guest);
	guest->id = worker_id(w);
	guest->credit = w->net->requests_per_s;
	guest->credit_ns = loop_now_ns(w->loop);
	h3_conn_set_data(conn, guest);
	return guest;
}

/* A bucket of one second.  Media that is let in does not count. */
static bool may_ask(struct ript_worker *w, struct guest *guest)
{
	uint64_t now = loop_now_ns(w->loop);
	double rate = w->net->requests_per_s;

	guest->credit += (double)(now - guest->credit_ns) /
			 (double)NS_PER_S * rate;
	guest->credit_ns = now;
	if (guest->credit > rate)
		guest->credit = rate;
	if (guest->credit < 1.0)
		return false;
	guest->credit -= 1.0;
	return true;
}

/* The bearer token of a request; NULL: none. */
static const char *token_of(const struct h3_head *head)
{
	const char *value = h3_field(head, "authorization");

	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	value += strspn(value, " ");
	return *value ? value : NULL;
}

static const uint8_t *hash_of(struct guest *guest, const char *token)
{
	size_t len = strlen(token);

	if (len >= sizeof(guest->token) || strcmp(guest->token, token) != 0) {
		sha256(guest->hash, token, len);
		guest->token[0] = '\0';
		if (len < sizeof(guest->token))
			memcpy(guest->token, token, len + 1);
	}
	return guest->hash;
}

/* ---- {call}/media ---- */

/* Length of the call's path if @path is .../calls/{id}/media; else 0. */
static size_t media_path(const char *path)
{
	static const char root[] = "/.well-known/ript/";
	static const char tail[] = "/media";
	size_t len = strcspn(path, "?");
	size_t call_len, id_len = 0;

	if (strncmp(path, root, sizeof(root) - 1) != 0 ||
	    len <= sizeof(tail) - 1 ||
	    memcmp(path + len - (sizeof(tail) - 1), tail,
		   sizeof(tail) - 1) != 0)
		return 0;
	call_len = len - (sizeof(tail) - 1);
	while (id_len < call_len && path[call_len - id_len - 1] != '/')
		id_len++;
	if (id_len == 0 || call_len < id_len + 7 ||
	    memcmp(path + call_len - id_len - 7, "/calls/", 7) != 0)
		return 0;
	return call_len;
}

static void serve_media(struct ript_worker *w, struct guest *guest,
			struct h3_stream *stream, const struct h3_head *head,
			size_t call_len)
{
	const char *token = token_of(head);
	struct call_entry *entry =
		call_table_find(w, head->path, call_len);
	bool connect = strcmp(head->method, "CONNECT") == 0;
	bool whole = head->fin;

	if (token && entry && call_entry_admits(entry, hash_of(guest, token))) {
		timer_stop(&guest->strange);
		if (entry->ended)
			worker_refuse_ended(w->net, stream, whole,
				     entry->problem ? entry->problem->text
						    : NULL);
		else if (strcmp(head->method, "PUT") == 0 ||
			 strcmp(head->method, "GET") == 0)
			flow_serve(w, entry, stream, head, guest->id);
		else if (connect && head->protocol &&
			 strcmp(head->protocol, "webtransport") == 0)
			byway_session_serve(w, entry, stream, guest->id);
		else if (connect)
			worker_refuse(w->net, stream, whole,
				      REFUSE_NO_WEBTRANSPORT);
		else
			worker_refuse(w->net, stream, whole, REFUSE_METHOD);
		return;
	}
	if (!may_ask(w, guest))
		worker_refuse(w->net, stream, whole, REFUSE_SLOW_DOWN);
	else
		worker_refuse(w->net, stream, whole,
		       token ? REFUSE_NOT_FOUND : REFUSE_UNAUTHORIZED);
}

/* ---- requests ---- */

static bool is_events_put(const struct h3_head *head)
{
	static const char tail[] = "/events";
	size_t len = strcspn(head->path, "?");

	return strcmp(head->method, "PUT") == 0 && len >= sizeof(tail) - 1 &&
	       memcmp(head->path + len - (sizeof(tail) - 1), tail,
		      sizeof(tail) - 1) == 0;
}

static bool is_too_long(const struct h3_head *head)
{
	const char *len = h3_field(head, "content-length");

	return len && strtoull(len, NULL, 10) > EXCHANGE_BODY_MAX;
}

static void on_request(struct h3_conn *conn, struct h3_stream *stream,
		       const struct h3_head *head, void *arg)
{
	struct ript_worker *w = arg;
	struct guest *guest = guest_of(w, conn);
	bool events = false;
	size_t call_len;

	if (!head->method || !head->path) {
		worker_refuse(w->net, stream, head->fin, REFUSE_NOT_FOUND);
		return;
	}
	if (head->early && strcmp(head->method, "GET") != 0) {
		worker_refuse(w->net, stream, head->fin, REFUSE_EARLY);
		return;
	}
	call_len = media_path(head->path);
	if (call_len > 0) {
		serve_media(w, guest, stream, head, call_len);
		return;
	}
	if (!may_ask(w, guest)) {
		worker_refuse(w->net, stream, head->fin, REFUSE_SLOW_DOWN);
		return;
	}
	if (strcmp(head->method, "CONNECT") == 0) {
		worker_refuse(w->net, stream, head->fin,
		       token_of(head) ? REFUSE_NOT_FOUND
				      : REFUSE_UNAUTHORIZED);
		return;
	}
	events = is_events_put(head);
	if (!events && is_too_long(head)) {
		worker_refuse(w->net, stream, head->fin, REFUSE_TOO_LARGE);
		return;
	}
	half_serve(w, stream, head, events);
}

static void on_conn_closed(struct h3_conn *conn, int err, const char *reason,
			   void *arg)
{
	struct guest *guest = h3_conn_data(conn);

	(void)err;
	(void)reason;
	(void)arg;
	if (!guest)
		return;
	timer_stop(&guest->strange);
	mem_wipe(guest, sizeof(*guest));
	free(guest);
	h3_conn_set_data(conn, NULL);
}

static void on_guest(struct h3_conn *conn, void *arg)
{
	guest_of(arg, conn);
}

static const struct h3_conn_handlers conn_handlers = {
	.ready = on_guest,
	.request = on_request,
	.closed = on_conn_closed,
};

/* ---- byways, from control ---- */

static void install(struct ript_worker *w, const struct bmsg *m)
{
	struct call_entry *entry = call_table_install(w, m);

	if (entry && entry->home == w->index)
		entry->port = port_new(w, m->id, false);
	net_tell_always(w->net, &bmsg_new(w->net, BMSG_INSTALLED, w->index,
					  m->id)->msg);
}

static void close_call(struct call_entry *entry, struct bmsg *m)
{
	struct byway_port *port = entry->port;

	entry->port = NULL;
	call_entry_end(entry, m->problem);
	m->problem = NULL;
	if (port)
		port_close(port);
	byway_session_end_all(entry);
	flow_end_all(entry);
}

void byway_worker_on_msg(struct msg *msg)
{
	struct bmsg *m = list_entry(msg, struct bmsg, msg);
	struct ript_worker *w = m->net->worker[m->worker].self;
	struct call_entry *entry = w ? call_table_by_id(w, m->id) : NULL;
	struct byway_port *port = w ? port_find(w, m->id) : NULL;

	if (!w)
		;
	else if (m->kind == BMSG_INSTALL)
		install(w, m);
	else if (m->kind == BMSG_DIAL)
		dialer_new(port_new(w, m->id, true), m);
	else if (m->kind == BMSG_DRAIN)
		h3_endpoint_drain(w->ep);
	else if (m->kind == BMSG_TOKEN && entry && !entry->ended)
		call_entry_add_token(entry, m->token_hash);
	else if (m->kind == BMSG_LISTEN && port)
		port_set_listening(port, m->on);
	else if (m->kind == BMSG_CLOSE && entry && !entry->ended)
		close_call(entry, m);
	else if (m->kind == BMSG_CLOSE && port)
		port_close(port);
	bmsg_free(m);
}

/* ---- life ---- */

int ript_worker_new(struct ript_worker **workerp, struct exchange_net *net,
		    unsigned index, struct loop *loop, struct mailbox *inbox)
{
	struct ript_worker *w = xzalloc(sizeof(*w));
	const struct h3_config config = {
		.worker = index,
		.worker_cnt = net->worker_cnt,
		.secrets = &net->secrets,
		.tls = net->tls,
		.listen_fd = net->worker[index].listen_fd,
	};
	int err;

	w->net = net;
	w->index = index;
	w->loop = loop;
	err = h3_endpoint_new(&w->ep, loop, &config, &conn_handlers, w);
	if (err) {
		free(w);
		return err;
	}
	w->crossing = mailbox_new(loop, CROSSING_CREDIT);
	net->worker[index].self = w;
	net_worker_begin(net, index, inbox, w->crossing);
	*workerp = w;
	return 0;
}

void ript_worker_free(struct ript_worker **workerp)
{
	struct ript_worker *w = *workerp;

	if (!w)
		return;
	*workerp = NULL;
	w->ending = true;
	net_worker_end(w->net, w->index);
	port_free_all(w);
	h3_endpoint_free(&w->ep);
	half_free_all(w);
	link_free_all(w);
	flow_free_all(w);
	table_free(&w->sessions);
	call_table_free_all(w);
	mailbox_free(&w->crossing);
	w->net->worker[w->index].self = NULL;
	free(w);
}
