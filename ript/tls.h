/* SPDX-License-Identifier: MIT */
/*
 * ript/tls.h - TLS 1.3 for QUIC; the one door to the TLS library
 * (tls_gnutls.c).
 *
 * Owner:  contexts belong to the process and are shared by its workers;
 *         freed after every endpoint.
 * Loop:   made and reloaded on control; sessions on the connection's worker.
 * Spec:   RFC 8446, 9001; ALPN h3.
 */
#ifndef RIPTIDE_RIPT_TLS_H
#define RIPTIDE_RIPT_TLS_H

#include <stdint.h>

struct tls_server;
struct tls_client;

/*
 * Server credentials from one PEM file with certificate chain and key, or
 * from two.  @why gets one sentence on failure (malloc'ed, the caller frees).
 * Returns 0; ENOENT; EACCES: key readable by group or others; EINVAL.
 */
int tls_server_new(struct tls_server **tlsp, const char *cert_file,
		   const char *key_file, char **why);
/* Read the files again; the old ones stay on error. */
int tls_server_reload(struct tls_server *tls, char **why);
void tls_server_free(struct tls_server **tlsp);

/* Client trust: @ca_file, or the system's roots when NULL.  The peer's
 * certificate and host name are always verified. */
int tls_client_new(struct tls_client **tlsp, const char *ca_file, char **why);
void tls_client_free(struct tls_client **tlsp);

/* ---- for ript/quic.c only ---- */

struct tls_session;
struct ngtcp2_crypto_conn_ref;

int tls_session_server(struct tls_session **sessionp, struct tls_server *tls,
		       struct ngtcp2_crypto_conn_ref *ref);
int tls_session_client(struct tls_session **sessionp, struct tls_client *tls,
		       const char *host, struct ngtcp2_crypto_conn_ref *ref);
/* What ngtcp2_conn_set_tls_native_handle() takes. */
void *tls_session_native(struct tls_session *session);
/* Server role, at handshake completion. */
void tls_session_send_ticket(struct tls_session *session);
/* Why verification failed, as one sentence; NULL if it did not. */
const char *tls_session_refusal(struct tls_session *session);
void tls_session_free(struct tls_session **sessionp);

#endif
