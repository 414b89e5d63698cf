/* SPDX-License-Identifier: MIT */
#include "ript/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "base/mem.h"

/* What ngtcp2 can protect packets with, and the groups that cost least. */
#define PRIORITY                                                       \
	"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:"    \
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"    \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

/* Certificates that sessions hold on to: a reload replaces them while
 * handshakes still read the old ones. */
struct credentials {
	gnutls_certificate_credentials_t cert;
	atomic_uint refs;
};

struct tls_server {
	char *cert_file;
	char *key_file;
	pthread_mutex_t lock;		/* of cred */
	struct credentials *cred;
	gnutls_priority_t priority;
	gnutls_datum_t ticket_key;
	gnutls_anti_replay_t anti_replay;
};

struct tls_client {
	gnutls_certificate_credentials_t cert;
	gnutls_priority_t priority;
};

struct tls_session {
	gnutls_session_t native;
	struct credentials *cred;	/* server role */
	char *host;			/* client role */
	char *refusal;
};

static const gnutls_datum_t alpn_h3 = { (unsigned char *)"h3", 2 };

static struct credentials *credentials_ref(struct credentials *cred)
{
	atomic_fetch_add(&cred->refs, 1);
	return cred;
}

static void credentials_unref(struct credentials *cred)
{
	if (!cred || atomic_fetch_sub(&cred->refs, 1) != 1)
		return;
	gnutls_certificate_free_credentials(cred->cert);
	free(cred);
}

/* ---- server ---- */

static int file_check(const char *file, bool secret, char **why)
{
	struct stat st;

	if (stat(file, &st) != 0) {
		*why = xasprintf("%s cannot be read: %s", file,
				 strerror(errno));
		return ENOENT;
	}
	if (secret && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		*why = xasprintf("%s holds a private key and is readable by "
				 "group or others; chmod 600 it", file);
		return EACCES;
	}
	return 0;
}

static int credentials_load(struct credentials **credp, const char *cert_file,
			    const char *key_file, char **why)
{
	struct credentials *cred;
	int err, rv;

	err = file_check(key_file, true, why);
	if (!err)
		err = file_check(cert_file, false, why);
	if (err)
		return err;

	cred = xzalloc(sizeof(*cred));
	atomic_init(&cred->refs, 1);
	rv = gnutls_certificate_allocate_credentials(&cred->cert);
	if (rv == 0)
		rv = gnutls_certificate_set_x509_key_file(
			cred->cert, cert_file, key_file, GNUTLS_X509_FMT_PEM);
	if (rv < 0) {
		*why = xasprintf("certificate %s with key %s: %s", cert_file,
				 key_file, gnutls_strerror(rv));
		credentials_unref(cred);
		return EINVAL;
	}
	*credp = cred;
	return 0;
}

/*
 * 0-RTT: GnuTLS wants somebody to remember the ClientHellos.  Nobody does:
 * early data is marked as such (h3_head.early) and only what may be repeated
 * is answered from it (Q85).
 */
static int on_replay_add(void *arg, time_t expires, const gnutls_datum_t *key,
			 const gnutls_datum_t *data)
{
	(void)arg;
	(void)expires;
	(void)key;
	(void)data;
	return 0;
}

int tls_server_new(struct tls_server **tlsp, const char *cert_file,
		   const char *key_file, char **why)
{
	struct tls_server *tls = xzalloc(sizeof(*tls));
	int err;

	pthread_mutex_init(&tls->lock, NULL);
	tls->cert_file = xstrdup(cert_file);
	tls->key_file = xstrdup(key_file ? key_file : cert_file);
	err = credentials_load(&tls->cred, tls->cert_file, tls->key_file, why);
	if (err)
		goto out;
	if (gnutls_priority_init(&tls->priority, PRIORITY, NULL) != 0 ||
	    gnutls_session_ticket_key_generate(&tls->ticket_key) != 0 ||
	    gnutls_anti_replay_init(&tls->anti_replay) != 0) {
		*why = xstrdup("the TLS library could not be set up");
		err = EINVAL;
		goto out;
	}
	gnutls_anti_replay_set_add_function(tls->anti_replay, on_replay_add);
	*tlsp = tls;
	tls = NULL;
out:
	tls_server_free(&tls);
	return err;
}

int tls_server_reload(struct tls_server *tls, char **why)
{
	struct credentials *fresh, *old;
	int err;

	err = credentials_load(&fresh, tls->cert_file, tls->key_file, why);
	if (err)
		return err;
	pthread_mutex_lock(&tls->lock);
	old = tls->cred;
	tls->cred = fresh;
	pthread_mutex_unlock(&tls->lock);
	credentials_unref(old);
	return 0;
}

void tls_server_free(struct tls_server **tlsp)
{
	struct tls_server *tls = *tlsp;

	if (!tls)
		return;
	*tlsp = NULL;
	credentials_unref(tls->cred);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	if (tls->anti_replay)
		gnutls_anti_replay_deinit(tls->anti_replay);
	if (tls->ticket_key.data) {
		gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
		gnutls_free(tls->ticket_key.data);
	}
	pthread_mutex_destroy(&tls->lock);
	free(tls->cert_file);
	free(tls->key_file);
	free(tls);
}

/* ---- client ---- */

int tls_client_new(struct tls_client **tlsp, const char *ca_file, char **why)
{
	struct tls_client *tls = xzalloc(sizeof(*tls));
	int err = EINVAL, rv;

	if (gnutls_certificate_allocate_credentials(&tls->cert) != 0 ||
	    gnutls_priority_init(&tls->priority, PRIORITY, NULL) != 0) {
		*why = xstrdup("the TLS library could not be set up");
		goto out;
	}
	if (!ca_file) {
		rv = gnutls_certificate_set_x509_system_trust(tls->cert);
		if (rv < 0) {
			*why = xasprintf("the system's trusted roots: %s",
					 gnutls_strerror(rv));
			goto out;
		}
	} else {
		err = file_check(ca_file, false, why);
		if (err)
			goto out;
		err = EINVAL;
		rv = gnutls_certificate_set_x509_trust_file(
			tls->cert, ca_file, GNUTLS_X509_FMT_PEM);
		if (rv <= 0) {
			*why = xasprintf("%s: %s", ca_file,
					 rv < 0 ? gnutls_strerror(rv)
						: "no certificate in it");
			goto out;
		}
	}
	err = 0;
	*tlsp = tls;
	tls = NULL;
out:
	tls_client_free(&tls);
	return err;
}

void tls_client_free(struct tls_client **tlsp)
{
	struct tls_client *tls = *tlsp;

	if (!tls)
		return;
	*tlsp = NULL;
	if (tls->cert)
		gnutls_certificate_free_credentials(tls->cert);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	free(tls);
}

/* ---- sessions ---- */

static int session_setup(struct tls_session *session,
			 gnutls_certificate_credentials_t cert,
			 gnutls_priority_t priority,
			 struct ngtcp2_crypto_conn_ref *ref)
{
	gnutls_session_t native = session->native;

	gnutls_session_set_ptr(native, ref);
	if (gnutls_priority_set(native, priority) != 0 ||
	    gnutls_credentials_set(native, GNUTLS_CRD_CERTIFICATE, cert) != 0 ||
	    gnutls_alpn_set_protocols(native, &alpn_h3, 1,
				      GNUTLS_ALPN_MANDATORY) != 0)
		return EINVAL;
	return 0;
}

int tls_session_server(struct tls_session **sessionp, struct tls_server *tls,
		       struct ngtcp2_crypto_conn_ref *ref)
{
	struct tls_session *session = xzalloc(sizeof(*session));
	int err = EINVAL;

	pthread_mutex_lock(&tls->lock);
	session->cred = credentials_ref(tls->cred);
	pthread_mutex_unlock(&tls->lock);

	if (gnutls_init(&session->native,
			GNUTLS_SERVER | GNUTLS_ENABLE_EARLY_DATA |
				GNUTLS_NO_AUTO_SEND_TICKET |
				GNUTLS_NO_END_OF_EARLY_DATA) != 0)
		goto out;
	err = session_setup(session, session->cred->cert, tls->priority, ref);
	if (err)
		goto out;
	if (gnutls_session_ticket_enable_server(session->native,
						&tls->ticket_key) != 0 ||
	    ngtcp2_crypto_gnutls_configure_server_session(session->native) !=
		    0) {
		err = EINVAL;
		goto out;
	}
	gnutls_anti_replay_enable(session->native, tls->anti_replay);
	/* QUIC limits early data by its own windows (RFC 9001, 4.6.1). */
	gnutls_record_set_max_early_data_size(session->native, 0xffffffff);
	*sessionp = session;
	session = NULL;
out:
	tls_session_free(&session);
	return err;
}

/* SNI is for names only (RFC 6066, 3). */
static bool is_address(const char *host)
{
	unsigned char out[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, out) == 1 ||
	       inet_pton(AF_INET6, host, out) == 1;
}

int tls_session_client(struct tls_session **sessionp, struct tls_client *tls,
		       const char *host, struct ngtcp2_crypto_conn_ref *ref)
{
	struct tls_session *session = xzalloc(sizeof(*session));
	int err = EINVAL;

	session->host = xstrdup(host);
	if (gnutls_init(&session->native,
			GNUTLS_CLIENT | GNUTLS_NO_END_OF_EARLY_DATA) != 0)
		goto out;
	err = session_setup(session, tls->cert, tls->priority, ref);
	if (err)
		goto out;
	if (ngtcp2_crypto_gnutls_configure_client_session(session->native) !=
		    0 ||
	    (!is_address(host) &&
	     gnutls_server_name_set(session->native, GNUTLS_NAME_DNS, host,
				    strlen(host)) != 0)) {
		err = EINVAL;
		goto out;
	}
	/* The session keeps the pointer: hence the copy of the host. */
	gnutls_session_set_verify_cert(session->native, session->host, 0);
	*sessionp = session;
	session = NULL;
out:
	tls_session_free(&session);
	return err;
}

void *tls_session_native(struct tls_session *session)
{
	return session->native;
}

void tls_session_send_ticket(struct tls_session *session)
{
	gnutls_session_ticket_send(session->native, 1, 0);
}

const char *tls_session_refusal(struct tls_session *session)
{
	gnutls_datum_t text = { NULL, 0 };
	unsigned status;

	if (session->refusal || !session->host)
		return session->refusal;
	status = gnutls_session_get_verify_cert_status(session->native);
	if (status == 0 || status == (unsigned)-1)
		return NULL;
	if (gnutls_certificate_verification_status_print(
		    status, GNUTLS_CRT_X509, &text, 0) == 0) {
		session->refusal = xasprintf("certificate of %s: %s",
					     session->host, text.data);
		gnutls_free(text.data);
	} else {
		session->refusal = xasprintf("certificate of %s was refused",
					     session->host);
	}
	/* GnuTLS ends each of its sentences with a blank. */
	for (size_t n = strlen(session->refusal);
	     n && session->refusal[n - 1] == ' '; n--)
		session->refusal[n - 1] = '\0';
	return session->refusal;
}

void tls_session_free(struct tls_session **sessionp)
{
	struct tls_session *session = *sessionp;

	if (!session)
		return;
	*sessionp = NULL;
	if (session->native)
		gnutls_deinit(session->native);
	credentials_unref(session->cred);
	free(session->host);
	free(session->refusal);
	free(session);
}
