/* SPDX-License-Identifier: MIT */
#include "conf/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/tnauth.h"
#include "conf/conf.h"
#include "conf/expand.h"
#include "conf/pki.h"

#define BASE_PATH "/.well-known/ript/v1"
#define TOKEN_OCTETS 32
#define VALID_S (366 * 86400)
#define RTP_FIRST 10000		/* RTP of labs: below the kernel's own ports */
#define RTP_SLOT 2000		/* ports of one lab */
#define RTP_SLOTS 11
#define METRICS_OFFSET 5000
#define LETTERS                      \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

void lab_free(struct lab *lab)
{
	free(lab->dir);
	free(lab->authority);
	number_set_free(&lab->numbers);
	number_set_free(&lab->origins);
	free(lab->ca);
	mem_wipe_text(&lab->token);
	free(lab->tg);
	mem_wipe_text(&lab->other_token);
	free(lab->other_tg);
	free(lab->stir_key);
	free(lab->stir_cert);
	free(lab->stir_x5u);
	memset(lab, 0, sizeof(*lab));
}

/* ---- files ---- */

static int fail(char **why, int err, char *text)
{
	*why = text;
	return err;
}

int lab_write_file(const char *path, const char *text, unsigned mode,
		   char **why)
{
	size_t len = strlen(text);
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(why, errno, xasprintf("%s: %m", path));
	if (write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) != 0)
		err = errno ? errno : EIO;
	if (close(fd) != 0 && !err)
		err = errno;
	if (err)
		*why = xasprintf("%s: %s", path, strerror(err));
	return err;
}

static int write_new(const char *dir, const char *name, const char *text,
		     unsigned mode, char **why)
{
	char *path = xasprintf("%s/%s", dir, name);
	int err = lab_write_file(path, text, mode, why);

	free(path);
	return err;
}

/* The folder @dir and what is missing above it. */
static int make_folders(const char *dir, char **why)
{
	char *path = xstrdup(dir), *slash = path;
	int err = 0;

	while (!err && slash) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, slash ? 0755 : 0700) != 0 && errno != EEXIST)
			err = fail(why, errno, xasprintf("%s: %m", path));
		if (slash)
			*slash = '/';
	}
	free(path);
	return err;
}

static int make_folder(const char *dir, const char *name, char **why)
{
	char *path = xasprintf("%s/%s", dir, name);
	int err = 0;

	if (mkdir(path, 0700) != 0)
		err = fail(why, errno, xasprintf("%s: %m", path));
	free(path);
	return err;
}

/* DIR becomes absolute; what a lab would write must not be there. */
static int make_dir(struct lab *lab, char **why)
{
	static const char *const names[] = { "lab.json", "riptide.yaml",
					     "tls", "stir", "secrets" };
	char *path;
	unsigned i;
	int err;

	err = make_folders(lab->dir, why);
	if (err)
		return err;
	path = realpath(lab->dir, NULL);
	if (!path)
		return fail(why, errno, xasprintf("%s: %m", lab->dir));
	free(lab->dir);
	lab->dir = path;
	if (strpbrk(path, "\"\\\n"))
		return fail(why, EINVAL,
			    xasprintf("%s: such a path cannot be written "
				      "down", path));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path = xasprintf("%s/%s", lab->dir, names[i]);
		err = access(path, F_OK) == 0 ? EEXIST : 0;
		if (err)
			*why = xasprintf("%s exists; nothing was overwritten",
					 path);
		free(path);
		if (err)
			return err;
	}
	for (i = 2; i < sizeof(names) / sizeof(names[0]); i++) {
		err = make_folder(lab->dir, names[i], why);
		if (err)
			return err;
	}
	return 0;
}

/* ---- keys and certificates ---- */

static int write_pair(const struct lab *lab, const char *cert_name,
		      X509 *cert, const char *key_name, EVP_PKEY *key,
		      char **why)
{
	char *text = pki_cert_pem(cert);
	int err;

	err = write_new(lab->dir, cert_name, text, 0644, why);
	free(text);
	if (err)
		return err;
	text = pki_key_pem(key);
	err = write_new(lab->dir, key_name, text, 0600, why);
	mem_wipe_text(&text);
	return err;
}

/* A CA and one certificate below it, in the four files named. */
struct branch {
	const char *ca_name;
	const char *ca_file, *ca_key_file;
	const char *cert_file, *key_file;
};

static int make_branch(const struct lab *lab, const struct branch *branch,
		       struct pki_request *request, char **why)
{
	struct pki_request root = { .name = branch->ca_name, .ca = true };
	EVP_PKEY *ca_key = pki_key(NULL), *key = pki_key(NULL);
	X509 *ca, *cert = NULL;
	int64_t now = (int64_t)(clock_wall_ms() / 1000);
	int err;

	/* An hour back: the clocks of a lab are not always right. */
	root.from_s = request->from_s = now - 3600;
	root.until_s = request->until_s = now + VALID_S;
	ca = pki_issue(&root, ca_key, NULL, NULL);
	if (ca)
		cert = pki_issue(request, key, ca, ca_key);
	if (!cert)
		err = fail(why, EINVAL,
			   xasprintf("OpenSSL makes no certificate for \"%s\"",
				     request->name));
	else
		err = write_pair(lab, branch->ca_file, ca,
				 branch->ca_key_file, ca_key, why);
	if (!err)
		err = write_pair(lab, branch->cert_file, cert,
				 branch->key_file, key, why);
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return err;
}

/* The host of "host:port", without brackets. */
static char *authority_host(const char *authority)
{
	const char *end = *authority == '[' ? strchr(authority, ']')
					    : strchr(authority, ':');

	if (*authority == '[')
		authority++;
	return xstrndup(authority, end ? (size_t)(end - authority)
				       : strlen(authority));
}

static int make_tls(const struct lab *lab, char **why)
{
	static const struct branch branch = {
		"Riptide lab TLS CA", "tls/ca.pem", "tls/ca.key",
		"tls/server.pem", "tls/server.key",
	};
	char *host = authority_host(lab->authority), *names;
	struct pki_request request = { .name = host, .server = true };
	char listen[ADDR_TEXT_LEN];
	struct addr addr;
	int err;

	addr_print_host(listen, &lab->listen);
	names = xasprintf("%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1,IP:%s",
			  addr_parse(&addr, host) == 0 ? "IP" : "DNS", host,
			  listen);
	request.alt_names = names;
	err = make_branch(lab, &branch, &request, why);
	free(names);
	free(host);
	return err;
}

/* The callers that the certificate vouches for. */
static int add_origins(struct tnauth *auth, const struct lab *lab, char **why)
{
	size_t i;

	for (i = 0; i < lab->origins.allow_cnt; i++)
		if (tnauth_add_pattern(auth, lab->origins.allow[i]) != 0)
			return fail(why, EINVAL,
				    xasprintf("--origins %s: a certificate "
					      "can vouch for +NUMBER, "
					      "+PREFIX* and \"*\" only",
					      lab->origins.allow[i]));
	return 0;
}

static int make_stir(const struct lab *lab, char **why)
{
	static const struct branch branch = {
		"Riptide lab STIR CA", "stir/ca.pem", "stir/ca.key",
		"stir/cert.pem", "stir/key.pem",
	};
	struct pki_request request = { .name = "SHAKEN riptide lab" };
	struct tnauth *auth = tnauth_new();
	int err;

	err = add_origins(auth, lab, why);
	request.tnauth = auth;
	if (!err)
		err = make_branch(lab, &branch, &request, why);
	tnauth_free(&auth);
	return err;
}

/* ---- tokens and ports ---- */

static char *new_token(void)
{
	uint8_t octets[TOKEN_OCTETS];
	char *token;

	random_bytes(octets, sizeof(octets));
	token = base64url_encode(octets, sizeof(octets));
	mem_wipe(octets, sizeof(octets));
	return token;
}

static void hash_of(char out[2 * SHA256_LEN + 1], const char *token)
{
	uint8_t digest[SHA256_LEN];

	sha256(digest, token, strlen(token));
	hex_encode(out, digest, sizeof(digest));
}

/* Two labs of one host have other ports: theirs follow from RIPT's. */
static void derive_ports(struct lab *lab)
{
	unsigned port = addr_port(&lab->listen), sip = addr_port(&lab->sip);
	unsigned slot = port % RTP_SLOTS;

	if (!lab->rtp_first) {
		if (sip >= RTP_FIRST && (sip - RTP_FIRST) / RTP_SLOT == slot)
			slot = (slot + 1) % RTP_SLOTS;
		lab->rtp_first = (uint16_t)(RTP_FIRST + slot * RTP_SLOT);
		lab->rtp_last = (uint16_t)(lab->rtp_first + RTP_SLOT - 1);
	}
	addr_parse(&lab->metrics, "127.0.0.1");
	addr_set_port(&lab->metrics,
		      (uint16_t)(port + METRICS_OFFSET > 65535
					 ? port - METRICS_OFFSET
					 : port + METRICS_OFFSET));
}

/* What follows from the folder and from the authority. */
static int fill(struct lab *lab, char **why)
{
	uint8_t digest[SHA256_LEN];
	char id[17], *pem;
	size_t len;
	int err;

	lab->ca = xasprintf("%s/tls/ca.pem", lab->dir);
	lab->stir_key = xasprintf("%s/stir/key.pem", lab->dir);
	lab->stir_cert = xasprintf("%s/stir/cert.pem", lab->dir);
	lab->token = new_token();
	lab->other_token = new_token();
	lab->tg = xasprintf("https://%s" BASE_PATH "/providertgs/customer",
			    lab->authority);
	lab->other_tg = xasprintf("https://%s" BASE_PATH "/providertgs/other",
				  lab->authority);
	err = expand_read_file(&pem, &len, lab->stir_cert, EXPAND_MAX);
	if (err)
		return fail(why, err,
			    xasprintf("%s: %s", lab->stir_cert,
				      strerror(err)));
	sha256(digest, pem, len);
	free(pem);
	hex_encode(id, digest, 8);
	lab->stir_x5u = xasprintf("https://%s" BASE_PATH "/certs/%s.pem",
				  lab->authority, id);
	return 0;
}

int lab_check_yaml(const char *dir, const char *text, bool files, char **why)
{
	char *name = xasprintf("%s/riptide.yaml", dir);
	struct conf_problems problems;
	struct conf *conf = NULL;
	int err;

	err = conf_load_text(&conf, name, text, strlen(text), files,
			     &problems);
	if (err)
		*why = xasprintf("the configuration would not be right:\n%s",
				 buf_str(&problems.text));
	conf_problems_free(&problems);
	conf_free(&conf);
	free(name);
	return err;
}

static int write_texts(const struct lab *lab, char **why)
{
	char hash[2 * SHA256_LEN + 1], other[2 * SHA256_LEN + 1];
	struct buf yaml, json;
	int err;

	hash_of(hash, lab->token);
	hash_of(other, lab->other_token);
	buf_init(&yaml, SIZE_MAX);
	buf_init(&json, SIZE_MAX);
	lab_print_yaml(&yaml, lab, hash, other);
	lab_print_json(&json, lab);
	err = lab_check_yaml(lab->dir, buf_str(&yaml), true, why);
	if (!err)
		err = write_new(lab->dir, "riptide.yaml", buf_str(&yaml),
				0644, why);
	if (!err)
		err = write_new(lab->dir, "secrets/customer.token",
				lab->token, 0600, why);
	if (!err)
		err = write_new(lab->dir, "secrets/other.token",
				lab->other_token, 0600, why);
	/* Last: where it is, the lab is whole. */
	if (!err)
		err = write_new(lab->dir, "lab.json", buf_str(&json), 0600,
				why);
	buf_free(&yaml);
	buf_free(&json);
	return err;
}

/* What is given must be right before the first file is written. */
static int check_given(struct lab *lab, char **why)
{
	struct tnauth *auth = tnauth_new();
	char *host = authority_host(lab->authority);
	char hash[2 * SHA256_LEN + 1], other[2 * SHA256_LEN + 1];
	struct buf yaml;
	int err;

	/* No host may smuggle another name into the certificate. */
	err = host[strspn(host, LETTERS "-.:")]
		      ? fail(why, EINVAL,
			     xasprintf("--authority %s: write NAME:PORT",
				       lab->authority))
		      : add_origins(auth, lab, why);
	tnauth_free(&auth);
	free(host);
	if (err)
		return err;
	buf_init(&yaml, SIZE_MAX);
	hash_of(hash, "");
	hash_of(other, "other");
	lab->stir_x5u = xasprintf("https://%s/", lab->authority);
	lab_print_yaml(&yaml, lab, hash, other);
	err = lab_check_yaml(".", buf_str(&yaml), false, why);
	buf_free(&yaml);
	free(lab->stir_x5u);
	lab->stir_x5u = NULL;
	return err;
}

int lab_make(struct lab *lab, char **why)
{
	int err;

	*why = NULL;
	derive_ports(lab);
	err = check_given(lab, why);
	if (!err)
		err = make_dir(lab, why);
	if (!err)
		err = make_tls(lab, why);
	if (!err)
		err = make_stir(lab, why);
	if (!err)
		err = fill(lab, why);
	if (!err)
		err = write_texts(lab, why);
	return err;
}
