/* SPDX-License-Identifier: MIT */
#include "tests/unit/h3_pair.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "base/metric.h"
#include "base/mem.h"

/* ---- certificates ---- */

static void file_write(const char *path, const gnutls_datum_t *data)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data->data, 1, data->size, f), data->size);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static gnutls_x509_privkey_t key_make(void)
{
	gnutls_x509_privkey_t key;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(
				 key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(
					 GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	return key;
}

static gnutls_x509_crt_t cert_make(const char *name, gnutls_x509_privkey_t key,
				   gnutls_x509_crt_t issuer,
				   gnutls_x509_privkey_t issuer_key)
{
	static const uint8_t localhost[4] = { 127, 0, 0, 1 };
	static uint8_t serial;
	gnutls_x509_crt_t crt;
	time_t now = time(NULL);

	serial++;
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, &serial, 1);
	gnutls_x509_crt_set_activation_time(crt, now - 3600);
	gnutls_x509_crt_set_expiration_time(crt, now + 86400);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
				      name, (unsigned)strlen(name));
	gnutls_x509_crt_set_key(crt, key);
	if (!issuer) {
		gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
		gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
	} else {
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, name,
			(unsigned)strlen(name), GNUTLS_FSAN_SET);
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, localhost,
			sizeof(localhost), GNUTLS_FSAN_APPEND);
	}
	assert_int_equal(gnutls_x509_crt_sign2(
				 crt, issuer ? issuer : crt,
				 issuer_key ? issuer_key : key,
				 GNUTLS_DIG_SHA256, 0), 0);
	return crt;
}

static void cert_save(gnutls_x509_crt_t crt, const char *path)
{
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM,
						 &pem), 0);
	file_write(path, &pem);
	gnutls_free(pem.data);
}

void pair_certs_make(struct pair_certs *c)
{
	gnutls_x509_privkey_t ca_key = key_make(), key = key_make(),
			      other_key = key_make();
	gnutls_x509_crt_t ca, cert, other;
	gnutls_datum_t pem;

	snprintf(c->dir, sizeof(c->dir), "/tmp/riptide-h3-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	snprintf(c->ca, sizeof(c->ca), "%s/ca.pem", c->dir);
	snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
	snprintf(c->key, sizeof(c->key), "%s/key.pem", c->dir);
	snprintf(c->other_ca, sizeof(c->other_ca), "%s/other.pem", c->dir);

	ca = cert_make("Test CA", ca_key, NULL, NULL);
	cert = cert_make(PAIR_HOST, key, ca, ca_key);
	other = cert_make("Other CA", other_key, NULL, NULL);
	cert_save(ca, c->ca);
	cert_save(cert, c->cert);
	cert_save(other, c->other_ca);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM,
						     &pem), 0);
	file_write(c->key, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_crt_deinit(other);
	gnutls_x509_privkey_deinit(ca_key);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(other_key);
}

void pair_certs_remove(struct pair_certs *c)
{
	unlink(c->ca);
	unlink(c->cert);
	unlink(c->key);
	unlink(c->other_ca);
	rmdir(c->dir);
}

/* ---- the pair ---- */

int pair_setup(void **state)
{
	struct pair *pair = xzalloc(sizeof(*pair));
	struct addr any;
	char *why = NULL;

	pair_certs_make(&pair->certs);
	random_bytes(&pair->secrets, sizeof(pair->secrets));
	pair->loop = loop_new();
	if (tls_server_new(&pair->tls, pair->certs.cert, pair->certs.key,
			   &why) != 0)
		fail_msg("%s", why);
	if (tls_client_new(&pair->trust, pair->certs.ca, &why) != 0)
		fail_msg("%s", why);
	assert_int_equal(addr_parse(&any, "127.0.0.1:0"), 0);
	assert_int_equal(h3_listen(&pair->fd, 1, &any, &pair->at), 0);
	pair->config.worker_cnt = 1;
	pair->config.secrets = &pair->secrets;
	pair->config.tls = pair->tls;
	pair->config.listen_fd = pair->fd;
	pair->connect.to = pair->at;
	pair->connect.host = PAIR_HOST;
	pair->connect.tls = pair->trust;
	*state = pair;
	return 0;
}

int pair_teardown(void **state)
{
	struct pair *pair = *state;

	h3_endpoint_free(&pair->client);
	h3_endpoint_free(&pair->server);
	loop_free(&pair->loop);
	tls_client_free(&pair->trust);
	tls_server_free(&pair->tls);
	close(pair->fd);
	pair_certs_remove(&pair->certs);
	free(pair);
	return 0;
}

void pair_start_server(struct pair *pair,
		       const struct h3_conn_handlers *server, void *arg)
{
	assert_int_equal(h3_endpoint_new(&pair->server, pair->loop,
					 &pair->config, server, arg), 0);
}

void pair_start(struct pair *pair, const struct h3_conn_handlers *server,
		void *arg)
{
	struct h3_config config = {
		.worker_cnt = 1,
		.secrets = &pair->secrets,
		.listen_fd = -1,
		.idle_ms = pair->config.idle_ms,
	};

	pair_start_server(pair, server, arg);
	assert_int_equal(h3_endpoint_new(&pair->client, pair->loop, &config,
					 NULL, NULL), 0);
}

/* ---- turning ---- */

struct wait {
	struct loop *loop;
	const unsigned *flag;
	unsigned want;
};

static void on_turn_end(void *arg)
{
	struct wait *wait = arg;

	if (wait->flag && *wait->flag >= wait->want)
		loop_stop(wait->loop);
}

static void on_time_up(void *arg)
{
	struct wait *wait = arg;

	loop_stop(wait->loop);
}

bool pair_until(struct pair *pair, const unsigned *flag, unsigned want,
		unsigned ms)
{
	struct wait wait = { pair->loop, flag, want };
	struct loop_hook hook = { .fn = on_turn_end, .arg = &wait };
	struct timer timer = { 0 };

	if (flag && *flag >= want)
		return true;
	loop_hook_add(pair->loop, &hook);
	timer_start_at(&timer, pair->loop, clock_mono_ns() + ms * NS_PER_MS,
		       on_time_up, &wait);
	loop_run(pair->loop);
	timer_stop(&timer);
	loop_hook_remove(&hook);
	return flag && *flag >= want;
}

void pair_run(struct pair *pair, unsigned ms)
{
	pair_until(pair, NULL, 0, ms);
}

uint64_t pair_counter(const char *name, const char *labels)
{
	return metric_value(metric_counter(name, labels, "x"));
}
