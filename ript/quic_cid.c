/* SPDX-License-Identifier: MIT */
/*
 * Connection IDs: which worker a packet belongs to, and which connection.
 *
 * Each of our IDs begins with an octet c, c % workers == worker.  The kernel
 * computes the same from each packet and picks the socket, so a connection
 * stays on its worker whatever its address becomes.  The ID that a client
 * invents for its first Initial goes through the same sum, so all that it
 * sends before it learns ours meets on one worker too.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "ript/quic_int.h"

int quic_cid_steer(int fd, unsigned worker_cnt)
{
	/* Offset 0 is the UDP payload: octet 0 tells long headers (the ID
	 * behind version and length) from short ones (the ID follows). */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, worker_cnt),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
		       sizeof(prog)) != 0)
		return errno;
	return 0;
}

void quic_cid_make(const struct quic_endpoint *ep, ngtcp2_cid *cid, size_t len)
{
	unsigned cnt = ep->config.worker_cnt, rounds;

	cid->datalen = len;
	random_bytes(cid->data, len);
	if (cnt < 2 || !len)
		return;
	/* The same chance for each octet that leads here. */
	rounds = (256 - ep->config.worker + cnt - 1) / cnt;
	cid->data[0] = (uint8_t)(cid->data[0] % rounds * cnt +
				 ep->config.worker);
}

bool quic_cid_ours(const struct quic_endpoint *ep, const uint8_t *data,
		   size_t len)
{
	return !len || data[0] % ep->config.worker_cnt == ep->config.worker;
}

void quic_cid_add(struct quic_conn *conn, const ngtcp2_cid *cid)
{
	struct quic_cid *entry;

	/* A client's socket is its own: nothing to find. */
	if (conn->client)
		return;
	entry = xzalloc(sizeof(*entry));
	entry->conn = conn;
	entry->len = (uint8_t)cid->datalen;
	memcpy(entry->data, cid->data, cid->datalen);
	if (table_insert(&conn->ep->cids, &entry->node, entry->data,
			 entry->len) != 0) {
		/* 2^-64, or a client's ID that meets itself. */
		free(entry);
		return;
	}
	list_append(&conn->cids, &entry->le);
}

static void entry_free(struct quic_cid *entry)
{
	table_remove(&entry->conn->ep->cids, &entry->node);
	list_unlink(&entry->le);
	free(entry);
}

void quic_cid_remove(struct quic_conn *conn, const ngtcp2_cid *cid)
{
	struct quic_cid *entry;
	struct le *le;

	for (le = conn->cids.head; le; le = le->next) {
		entry = list_entry(le, struct quic_cid, le);
		if (entry->len == cid->datalen &&
		    memcmp(entry->data, cid->data, entry->len) == 0) {
			entry_free(entry);
			return;
		}
	}
}

void quic_cid_remove_all(struct quic_conn *conn)
{
	while (conn->cids.head)
		entry_free(list_entry(conn->cids.head, struct quic_cid, le));
}

struct quic_conn *quic_cid_find(struct quic_endpoint *ep, const uint8_t *data,
				size_t len)
{
	struct table_node *node = table_find(&ep->cids, data, len);

	return node ? table_entry(node, struct quic_cid, node)->conn : NULL;
}
