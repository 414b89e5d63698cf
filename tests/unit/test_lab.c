/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <json-c/json.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/tnauth.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "conf/expand.h"
#include "conf/lab.h"
#include "conf/route.h"
#include "ript/passport.h"
#include "tests/unit/command.h"
#include "tests/unit/shows.h"

static char folder[] = "/tmp/riptide-lab.XXXXXX";
static char *quiet;

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	quiet = xasprintf("%s/output", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char *command = xasprintf("rm -r %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	free(quiet);
	return rc;
}

static char *output(void)
{
	return command_output(quiet);
}

static int init(const char *line)
{
	return command_run(conf_cmd_init, line, folder, quiet);
}

static struct conf *load(const char *lab)
{
	char *file = xasprintf("%s/%s/riptide.yaml", folder, lab);
	struct conf_problems problems;
	struct conf *conf = NULL;

	if (conf_load(&conf, file, &problems) != 0)
		fail_msg("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	free(file);
	return conf;
}

static struct json_object *read_json(const char *lab)
{
	char *file = xasprintf("%s/%s/lab.json", folder, lab);
	struct json_object *root = json_object_from_file(file);

	assert_non_null(root);
	free(file);
	return root;
}

static const char *text_at(struct json_object *root, const char *pointer)
{
	struct json_object *value = NULL;

	if (json_pointer_get(root, pointer, &value) != 0)
		fail_msg("no %s", pointer);
	return json_object_get_string(value);
}

static mode_t mode_of(const char *file)
{
	char *path = xasprintf("%s/%s", folder, file);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_mode & 0777;
}

static X509 *read_cert(const char *path)
{
	FILE *in = fopen(path, "r");
	X509 *cert;

	assert_non_null(in);
	cert = PEM_read_X509(in, NULL, NULL, NULL);
	fclose(in);
	assert_non_null(cert);
	return cert;
}

/* The value of the TNAuthList of @cert as openssl dumps it. */
static char *dump_tnauth(const X509 *cert)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(TNAUTH_OID, 1);
	int at = X509_get_ext_by_OBJ(cert, oid, -1);
	const ASN1_OCTET_STRING *value;
	BIO *out = BIO_new(BIO_s_mem());
	char *data, *text;
	long n;

	assert_true(at >= 0);
	value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	assert_int_equal(ASN1_parse_dump(out, ASN1_STRING_get0_data(value),
					 ASN1_STRING_length(value), 0, 0), 1);
	n = BIO_get_mem_data(out, &data);
	text = xstrndup(data, (size_t)n);
	BIO_free(out);
	ASN1_OBJECT_free(oid);
	return text;
}

static void test_defaults(void **state)
{
	struct json_object *root;
	struct conf *conf;
	const char *token;
	uint8_t digest[SHA256_LEN];
	char *dump;
	X509 *cert;

	(void)state;
	assert_int_equal(init("init --lab @/one"), 0);
	conf = load("one");
	root = read_json("one");
	assert_string_equal(text_at(root, "/authority"), "localhost:4433");
	assert_string_equal(text_at(root, "/address"), "127.0.0.1:4433");
	assert_string_equal(text_at(root, "/sip"), "127.0.0.1:5060");
	assert_string_equal(text_at(root, "/sip_peer"), "127.0.0.1:5062");
	assert_string_equal(text_at(root, "/numbers/0"), "+1408952*");
	assert_string_equal(text_at(root, "/origins/0"), "+1408555*");
	assert_string_equal(text_at(root, "/tg"),
			    "https://localhost:4433/.well-known/ript/v1/"
			    "providertgs/customer");
	assert_string_equal(text_at(root, "/other/tg"),
			    "https://localhost:4433/.well-known/ript/v1/"
			    "providertgs/other");
	assert_string_not_equal(text_at(root, "/other/token"),
				text_at(root, "/token"));
	assert_string_equal(text_at(root, "/stir/x5u"),
			    conf_peer(conf, "customer")->x5u[0]);
	assert_string_equal(text_at(root, "/stir/cert"),
			    conf_peer(conf, "other")->origins_cert);
	token = text_at(root, "/token");
	sha256(digest, token, strlen(token));
	assert_memory_equal(digest, conf_peer(conf, "customer")->token_hash[0],
			    SHA256_LEN);
	assert_string_equal(text_at(root, "/socket"), conf->admin_socket);

	assert_string_equal(conf->node, "one");
	assert_int_equal(conf->requests_per_second, 1000);
	assert_int_equal(conf->refused_tokens_per_minute, 100);
	assert_int_equal(conf->network[0].rtp_last -
				 conf->network[0].rtp_first, 1999);
	assert_int_equal(addr_port(&conf->metrics), 9433);
	assert_int_equal(mode_of("one"), 0700);
	assert_int_equal(mode_of("one/lab.json"), 0600);
	assert_int_equal(mode_of("one/tls/server.key"), 0600);
	assert_int_equal(mode_of("one/tls/ca.key"), 0600);
	assert_int_equal(mode_of("one/stir/key.pem"), 0600);
	assert_int_equal(mode_of("one/stir/ca.key"), 0600);
	assert_int_equal(mode_of("one/secrets/customer.token"), 0600);
	assert_int_equal(mode_of("one/stir/cert.pem"), 0644);

	cert = read_cert(conf->certificate);
	assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_host(cert, "elsewhere", 0, 0, NULL), 0);
	X509_free(cert);

	/* openssl shows the ranges that the group vouches for. */
	cert = read_cert(conf_peer(conf, "customer")->origins_cert);
	dump = dump_tnauth(cert);
	assert_non_null(strstr(dump, "IA5STRING         :14085550000"));
	assert_non_null(strstr(dump, "INTEGER           :2710"));
	assert_null(strstr(dump, "cont [ 0 ]"));
	assert_null(strstr(dump, "cont [ 2 ]"));
	shows("RIPT-TD-05");
	free(dump);
	X509_free(cert);
	json_object_put(root);
	conf_free(&conf);
}

static void test_no_overwriting(void **state)
{
	char *text, *path = xasprintf("%s/half/riptide.yaml", folder);
	char *dir = xasprintf("%s/half", folder);
	FILE *file;

	(void)state;
	assert_int_equal(init("init --lab @/twice"), 0);
	assert_int_equal(init("init --lab @/twice"), 1);
	text = output();
	assert_non_null(strstr(text, "is a lab already"));
	free(text);
	assert_int_equal(init("init --lab @/twice --sip 127.0.0.1:9 "
			      "--provider @/twice/lab.json"), 1);
	/* A folder with a configuration, but no lab. */
	assert_int_equal(mkdir(dir, 0700), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("node: mine\n", file);
	fclose(file);
	assert_int_equal(init("init --lab @/half"), 1);
	text = output();
	assert_non_null(strstr(text, "riptide.yaml exists; nothing was "
				     "overwritten"));
	free(text);
	text = NULL;
	assert_int_equal(expand_read_file(&text, &(size_t){ 0 }, path, 100),
			 0);
	assert_string_equal(text, "node: mine\n");
	free(text);
	free(path);
	free(dir);
}

static void test_usage(void **state)
{
	static const struct {
		const char *line, *want;
		int status;
	} rows[] = {
		{ "init", "needs --lab DIR", 2 },
		{ "init --help", "usage: riptide init --lab DIR", 0 },
		{ "init --lab @/u extra", "needs --lab DIR", 2 },
		{ "init --lab @/u --sip here", "--sip here: write IP:PORT",
		  2 },
		{ "init --lab @/u --numbers 4*4", "no number pattern", 2 },
		{ "init --lab @/u --numbers ,", "no number pattern", 2 },
		{ "init --lab @/u --rtp-ports 9", "write FIRST-LAST", 2 },
		{ "init --lab @/u --authority gw.example:x",
		  "write NAME:PORT", 1 },
		{ "init --lab @/u --sip 127.0.0.1:10000 --rtp-ports 9999-10100",
		  "sip-port 10000 lies within", 1 },
		{ "init --lab @/u1 --authority gw,IP:9.9.9.9:4433",
		  "write NAME:PORT", 1 },
		{ "init --lab @/u2 --origins *@a.example",
		  "a certificate can vouch for", 1 },
		{ "init --lab @/output/x", "Not a directory", 1 },
		{ "init --lab @/some/where", "A lab is in ", 0 },
		{ "init --lab @/u3 --provider @/nowhere.json", "No such file",
		  1 },
		{ "init --lab @/u4 --provider @/output", "not the JSON", 1 },
	};
	unsigned i;
	char *text;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_name(rows[i].line);
		assert_int_equal(init(rows[i].line), rows[i].status);
		text = output();
		if (!strstr(text, rows[i].want))
			fail_msg("\"%s\" is not in \"%s\"", rows[i].want,
				 text);
		free(text);
	}
	/* None of them has left anything. */
	for (i = 0; i < 5; i++) {
		text = i ? xasprintf("%s/u%u", folder, i)
			 : xasprintf("%s/u", folder);
		assert_int_equal(access(text, F_OK), -1);
		free(text);
	}
}

/* A call of @from at lab @a, as far as configurations tell: routed to the
 * peer, signed by it, verified by lab @b and routed to its phones. */
static void call_across(const char *a, const char *b, const char *from,
			const char *to)
{
	struct conf *near = load(a), *far = load(b);
	const struct conf_peer *provider, *customer = conf_peer(far,
								"customer");
	struct passport_signer *signer = NULL;
	struct passport_trust *trust = NULL;
	struct passport_claims claims;
	struct route_verdict v;
	const char *reason = NULL;
	uint8_t digest[SHA256_LEN];
	char *why, *jws = NULL;

	assert_true(route_from_trunk(&v, near, conf_trunk(near, "phones"),
				     to + 1, from, NULL));
	provider = v.hop[0].peer;
	assert_non_null(provider);
	assert_string_equal(provider->domain, far->authority);
	assert_true(addr_equal(&provider->address[0], &far->listen));
	assert_true(provider->webtransport);
	sha256(digest, provider->token, strlen(provider->token));
	assert_memory_equal(digest, customer->token_hash[0], SHA256_LEN);

	assert_int_equal(passport_signer_new(&signer, provider->signing_key,
					     provider->signing_cert,
					     provider->signing_x5u, &why), 0);
	assert_int_equal(passport_sign(&jws, signer, v.caller, v.called,
				       clock_wall_ms()), 0);
	assert_int_equal(passport_trust_new(&trust, customer->passport_ca,
					    &why), 0);
	assert_int_equal(passport_trust_add(trust, customer->x5u[0],
					    customer->x5u_cert[0], &why), 0);
	if (passport_verify(&claims, trust, jws, to, clock_wall_ms(),
			    &reason) != 0)
		fail_msg("%s", reason);
	assert_true(route_from_peer(&v, far, customer, claims.orig, to));
	assert_string_equal(v.hop[0].trunk->name, "phones");
	passport_trust_free(&trust);
	passport_signer_free(&signer);
	free(jws);
	conf_free(&near);
	conf_free(&far);
}

static void test_crosswise(void **state)
{
	struct conf *conf;
	char *text;

	(void)state;
	assert_int_equal(init("init --lab @/a --authority localhost:14433 "
			      "--sip 127.0.0.1:15060 --sip-peer "
			      "127.0.0.1:15061 --numbers +1408555* --origins "
			      "+1408952*"), 0);
	assert_int_equal(init("init --lab @/b --authority localhost:24433 "
			      "--sip localhost:25060 --sip-peer "
			      "127.0.0.1:25061 --numbers +1408952* --origins "
			      "+1408555* --rtp-ports 30000-30999 "
			      "--provider @/a/lab.json"), 0);
	assert_int_equal(init("init --lab @/a --provider @/b/lab.json"), 0);
	text = output();
	assert_non_null(strstr(text, "go to localhost:24433 as its customer"));
	free(text);
	call_across("a", "b", "+14085551000", "+14089529999");
	call_across("b", "a", "+14089529999", "+14085551000");
	/* Once is enough. */
	assert_int_equal(init("init --lab @/a --provider @/b/lab.json"), 1);
	text = output();
	assert_non_null(strstr(text, "is that provider already"));
	free(text);
	assert_int_equal(mode_of("a/secrets/provider.token"), 0600);
	/* A second provider gets its own numbers, before the first one's. */
	assert_int_equal(init("init --lab @/c --authority localhost:4434 "
			      "--numbers +1415*"), 0);
	assert_int_equal(init("init --lab @/a --provider @/c/lab.json"), 0);
	conf = load("a");
	assert_non_null(conf_peer(conf, "provider-2"));
	assert_int_equal(conf->route_cnt, 5);
	assert_string_equal(conf->route[3].name, "outward-provider-2");
	assert_string_equal(conf->route[4].name, "outward");
	conf_free(&conf);
	call_across("a", "c", "+14085551000", "+14155551234");
	call_across("a", "b", "+14085551000", "+14089529999");
}

/* What a person changed in riptide.yaml stays. */
static void test_changed_by_hand(void **state)
{
	char *path = xasprintf("%s/hand/riptide.yaml", folder);
	char *command;
	struct conf *conf;
	char *text;

	(void)state;
	assert_int_equal(init("init --lab @/hand"), 0);
	command = xasprintf(
		"sed -i -e 's/rtp-timeout: .*/rtp-timeout: 3s/' "
		"-e '$a\\  # mine\\n  - {name: last, to: [\"+7*\"], refuse: "
		"404}\\ndrain:\\n  deadline: 7s' %s", path);
	assert_int_equal(system(command), 0);
	free(command);
	assert_int_equal(init("init --lab @/far --authority localhost:4435"),
			 0);
	assert_int_equal(init("init --lab @/hand --provider @/far/lab.json"),
			 0);
	conf = load("hand");
	assert_int_equal(conf->drain_ms, 7000);
	assert_int_equal(conf->trunk[0].rtp_timeout_ms, 3000);
	assert_int_equal(conf->route_cnt, 5);
	assert_string_equal(conf->route[3].name, "last");
	assert_string_equal(conf->route[4].name, "outward");
	conf_free(&conf);
	/* Without a place for it: said, and nothing changed. */
	command = xasprintf("sed -i 's/^routes:/\"routes\":/' %s", path);
	assert_int_equal(system(command), 0);
	free(command);
	assert_int_equal(init("init --lab @/far2 --authority localhost:4436"),
			 0);
	assert_int_equal(init("init --lab @/hand --provider @/far2/lab.json"),
			 1);
	text = output();
	assert_non_null(strstr(text, "no lines \"peers:\" and \"routes:\""));
	free(text);
	conf = load("hand");
	assert_null(conf_peer(conf, "provider-2"));
	conf_free(&conf);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_no_overwriting),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_crosswise),
		cmocka_unit_test(test_changed_by_hand),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
