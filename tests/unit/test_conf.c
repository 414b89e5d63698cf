/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/expand.h"
#include "conf/key.h"
#include "tests/unit/shows.h"

/* A small configuration that is right; rows change it. */
#define NETWORKS "networks: {lan: {address: 10.0.0.2}}\n"
#define TRUNKS "trunks: {pbx: {hosts: [10.0.0.5]}}\n"
#define RIPT                                                      \
	"ript: {listen: \"127.0.0.1:4433\", authority: gw.example, " \
	"certificate: gw.pem, key: gw.key}\n"
#define HASH \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define ACCEPT                                                          \
	"accept: {token-hash: " HASH ", numbers: [+44*], passport: "      \
	"{roots: ca.pem, x5u: {\"https://gw.example/a.pem\": a.pem}}}"
#define PEER                                                             \
	"{domain: b.example, token: t, signing: {key: k, cert: c, x5u: " \
	"\"https://gw.example/a.pem\"}, " ACCEPT "}"

static struct conf *load_good(const char *text)
{
	struct conf_problems problems;
	struct conf *conf = NULL;

	if (conf_load_text(&conf, "t.yaml", text, strlen(text), false,
			   &problems) != 0)
		fail_msg("%s", buf_str(&problems.text));
	assert_int_equal(problems.count, 0);
	conf_problems_free(&problems);
	return conf;
}

static void test_defaults(void **state)
{
	struct conf *conf = load_good(NETWORKS TRUNKS);
	const struct conf_trunk *trunk = conf_trunk(conf, "pbx");

	(void)state;
	assert_int_equal(conf->listen.len, 0);
	assert_int_equal(conf->network_cnt, 1);
	assert_int_equal(conf->network[0].sip_port, 5060);
	assert_true(conf->network[0].udp && conf->network[0].tcp);
	assert_int_equal(conf->network[0].rtp_first, 10000);
	assert_int_equal(conf->network[0].rtp_last, 19999);
	assert_ptr_equal(trunk->network, &conf->network[0]);
	assert_int_equal(addr_port(&trunk->host[0]), 5060);
	assert_int_equal(trunk->caller_cnt, 2);
	assert_int_equal(trunk->caller[0], CALLER_PAI);
	assert_int_equal(trunk->caller[1], CALLER_FROM);
	assert_int_equal(trunk->call_duration_ms, 12 * 3600 * 1000);
	assert_int_equal(trunk->rtp_timeout_ms, 60000);
	assert_int_equal(trunk->probe_every_ms, 30000);
	assert_string_equal(conf->log_level, "info");
	assert_int_equal(conf->drain_ms, 30000);
	assert_non_null(conf->node);
	assert_null(conf_peer(conf, "pbx"));
	assert_null(conf_trunk(conf, "PBX"));
	assert_ptr_equal(conf_network(conf, "lan"), &conf->network[0]);
	conf_free(&conf);
	assert_null(conf);
}

static void test_everything(void **state)
{
	struct conf *conf = load_good(
		"node: a\n" RIPT
		"networks:\n"
		"  lan: {address: \"::1\", advertise: 2001:db8::1, sip-port: 0,"
		" transports: tcp, rtp-ports: 2001-2010}\n"
		"trunks:\n"
		"  pbx:\n"
		"    network: lan\n"
		"    hosts: [\"[2001:db8::5]:5070\", 2001:db8::6]\n"
		"    transport: tcp\n"
		"    dial-plan: {country: 1, outside-line: 9,\n"
		"                international: 011, national: 1}\n"
		"    caller-id: {from: from, otherwise: +14085551000}\n"
		"    probe: {every: off, down-after: 2}\n"
		"    limits: {calls: 60, calls-per-second: 5,"
		" call-duration: 90s}\n"
		"    rtp-timeout: 1500ms\n"
		"    no-answer: 20s\n"
		"peers:\n"
		"  b: " PEER "\n"
		"  c: {transport: byway, domain: \"[::1]:4434\","
		" token: x, address: 127.0.0.1:4434}\n"
		"routes:\n"
		"  - {name: sos, from: pbx, to: [\"911\", 112], refuse: 503}\n"
		"  - {from: pbx, to: {allow: \"+*\", except: [+1900*]},"
		" callers: +1408*, via: [b], on-failure: 503}\n"
		"  - {from: b, to: \"*\", via: pbx}\n"
		"store: {sqlite: /tmp/x.db}\n"
		"admin: {socket: s, metrics: \"[::1]:1\"}\n"
		"log: {level: debug, format: json}\n"
		"drain: {deadline: 2h}\n");
	const struct conf_trunk *trunk = conf_trunk(conf, "pbx");
	const struct conf_peer *b = conf_peer(conf, "b");
	const struct conf_peer *c = conf_peer(conf, "c");
	char text[ADDR_TEXT_LEN];

	(void)state;
	assert_string_equal(conf->node, "a");
	assert_string_equal(conf->authority, "gw.example");
	assert_int_equal(addr_port(&conf->listen), 4433);
	assert_false(conf->network[0].udp);
	assert_int_equal(conf->network[0].sip_port, 0);
	addr_print(text, &conf->network[0].advertise);
	assert_string_equal(text, "2001:db8::1");
	assert_int_equal(trunk->host_cnt, 2);
	addr_print(text, &trunk->host[1]);
	assert_string_equal(text, "[2001:db8::6]:5060");
	assert_true(trunk->tcp);
	assert_string_equal(trunk->dial_plan.international, "011");
	assert_string_equal(trunk->caller_otherwise, "+14085551000");
	assert_int_equal(trunk->caller_cnt, 1);
	assert_int_equal(trunk->probe_every_ms, 0);
	assert_int_equal(trunk->rtp_timeout_ms, 1500);
	assert_true(b->accepts && b->webtransport);
	assert_string_equal(b->tg, "b");
	assert_int_equal(b->token_hash[0][0], 0x9f);
	assert_int_equal(b->hops, 10);
	assert_true(number_set_match(&b->origins, "+3333"));
	assert_string_equal(b->x5u[0], "https://gw.example/a.pem");
	assert_string_equal(b->x5u_cert[0], "a.pem");
	assert_false(c->accepts || c->webtransport);
	assert_int_equal(c->address_cnt, 1);
	assert_int_equal(conf->route_cnt, 3);
	assert_true(conf->route[0].emergency);
	assert_int_equal(conf->route[0].action, ROUTE_REFUSE);
	assert_int_equal(conf->route[0].status, 503);
	assert_string_equal(conf->route[1].name, "rule-2");
	assert_int_equal(conf->route[1].via_cnt, 1);
	assert_false(number_set_match(&conf->route[1].to, "+19001"));
	assert_int_equal(conf->route[1].on_failure, 503);
	assert_int_equal(conf->route[2].rule, 3);
	assert_int_equal(conf->drain_ms, 7200000);
	conf_free(&conf);
}

/* ---- mistakes ---- */

struct mistake {
	const char *text;
	const char *want;	/* in the problems */
};

static const struct mistake mistakes[] = {
	{ NETWORKS "trunks:\n  pbx:\n    hosts: [10.0.0.5]\n"
		   "    trasport: udp\n",
	  "t.yaml:5: trunks.pbx.trasport: unknown key; did you mean "
	  "\"transport\"?\n" },
	{ "networks:\n  lan:\n    address: 10.0.0.2\n"
	  "    rtp-ports: 10000-9999\n",
	  "t.yaml:4: networks.lan.rtp-ports: 10000-9999: the range ends "
	  "before it begins\n" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, rtp-ports: 1-2}}\n",
	  "unknown key here; it is known as networks.NAME.rtp-ports\n" },
	{ "zebra: 1\n", "t.yaml:1: zebra: unknown key\n" },
	{ "node: a\nnode: b\n",
	  "t.yaml:2: node: written twice, first in line 1\n" },
	{ "networks: {lan: {address: 10.0.0.2},\n lan: {address: 1.2.3.4}}\n",
	  "t.yaml:2: networks.lan: written twice, first in line 1\n" },
	{ "- a\n", "t.yaml:1: keys are needed here" },
	{ "networks: 5\n", "t.yaml:1: networks: names are needed here" },
	{ "networks: {lan: 5}\n", "networks.lan: keys are needed here" },
	{ "routes: {a: b}\n", "routes: a list of rules is needed here" },
	{ "networks: {lan: }\n", "networks.lan: keys are needed here" },
	{ "networks: {lan: {}}\n", "networks.lan.address: missing; Address" },
	{ "networks: {lan: {address: }}\n", "networks.lan.address: no value" },
	{ "networks: {lan: {address: [1, 2]}}\n",
	  "networks.lan.address: one value is needed here" },
	{ "networks: {lan: {address: localhost}}\n",
	  "localhost: write an IP address\n" },
	{ "networks: {lan: {address: 10.0.0.2:5060}}\n",
	  "an address without a port" },
	{ "networks: {-x: {address: 10.0.0.2}}\n",
	  "networks.-x: a name begins with" },
	{ "networks: {lan: {address: 10.0.0.2, advertise: \"::1\"}}\n",
	  "not of the address family" },
	{ "networks: {lan: {address: 10.0.0.2, sip-port: 70000}}\n",
	  "70000: a number from 0 to 65535" },
	{ "networks: {lan: {address: 10.0.0.2, sip-port: 5060x}}\n",
	  "5060x: a number from 0 to 65535" },
	{ "networks: {lan: {address: 10.0.0.2, sip-port: 10002}}\n",
	  "sip-port 10002 lies within" },
	{ "networks: {lan: {address: 10.0.0.2, transports: [utp]}}\n",
	  "utp: did you mean \"udp\"?" },
	{ "networks: {lan: {address: 10.0.0.2, transports: [sctp]}}\n",
	  "sctp: one of udp|tcp" },
	{ "networks: {lan: {address: 10.0.0.2, transports: []}}\n",
	  "an empty list says nothing" },
	{ "networks: {lan: {address: 10.0.0.2, transports: {a: b}}}\n",
	  "a list [...] is needed here" },
	{ "networks: {lan: {address: 10.0.0.2, rtp-ports: 10000}}\n",
	  "write FIRST-LAST" },
	{ "networks: {lan: {address: 10.0.0.2, rtp-ports: 80-90}}\n",
	  "ports are 1024 to 65535" },
	{ "networks: {lan: {address: 10.0.0.2, rtp-ports: 2001-2002}}\n",
	  "no even port with the odd one behind it" },
	{ "networks: {a: {address: 10.0.0.2}, b: {address: 10.0.0.2}}\n",
	  "networks.b.sip-port: network \"a\" has the same address" },
	{ "networks: {a: {address: 10.0.0.2}, b: {address: 10.0.0.2}}\n",
	  "networks.b.rtp-ports: network \"a\" uses some" },
	{ TRUNKS, "trunks.pbx.network: missing; a trunk needs a network" },
	{ "networks: {a: {address: 10.0.0.2}, b: {address: 10.0.0.3}}\n" TRUNKS,
	  "trunks.pbx.network: missing; there are several" },
	{ NETWORKS "trunks: {pbx: {network: lon, hosts: 10.0.0.5}}\n",
	  "t.yaml:2: trunks.pbx.network: no network \"lon\"; did you mean "
	  "\"lan\"?\n" },
	{ NETWORKS "trunks: {pbx: {}}\n", "trunks.pbx.hosts: missing" },
	{ NETWORKS "trunks: {pbx: {hosts: \"[::1]:5060\"}}\n",
	  "not of the address family of network \"lan\"" },
	{ NETWORKS "trunks: {a: {hosts: 10.0.0.5}, b: {hosts: 10.0.0.5}}\n",
	  "trunks.b.hosts: 10.0.0.5:5060: belongs to trunk \"a\" already" },
	{ "networks: {lan: {address: 10.0.0.2, transports: tcp}}\n" TRUNKS,
	  "trunks.pbx.transport: network \"lan\" has no udp" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, dial-plan: {national: 0}"
		   "}}\n", "dial-plan.country is needed with it" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, dial-plan: {country: +1}"
		   "}}\n", "+1: digits only" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, caller-id: {otherwise: "
		   "101}}}\n", "101: write a number as \"+\"" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, caller-id: {from: [from, "
		   "from]}}}\n", "each header once" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, rtp-timeout: 60}}\n",
	  "60: write a duration with its unit" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, rtp-timeout: 10ms}}\n",
	  "10ms: too short" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, rtp-timeout: 300d}}\n",
	  "300d: too long" },
	{ NETWORKS "trunks: {pbx: {hosts: 10.0.0.5, limits: {calls: 0}}}\n",
	  "trunks.pbx.limits.calls: 0: a number from 1 to 100000" },
	{ NETWORKS TRUNKS "peers: {pbx: {domain: x.example, token: t}}\n",
	  "trunks.pbx: a peer has the same name" },
	{ "peers: {b: {}}\n", "peers.b: neither domain" },
	{ "peers: {b: {token: t}}\n", "peers.b.domain: missing" },
	{ "peers: {b: {domain: x.example}}\n", "peers.b.token: missing" },
	{ "peers: {b: {domain: \"x y\", token: t}}\n",
	  "x y: write a host name" },
	{ "peers: {b: {domain: x.example:0, token: t}}\n",
	  "the port is not 1 to 65535" },
	{ "peers: {b: {domain: x, token: t, address: 127.0.0.1}}\n",
	  "127.0.0.1: write the port too" },
	{ "peers: {b: {domain: x, token: \"a b\"}}\n",
	  "peers.b.token: a token has neither spaces" },
	{ "peers: {b: {domain: x, token: t, signing: {key: k}}}\n",
	  "peers.b.signing.x5u: missing" },
	{ "peers: {b: {domain: x, token: t, signing: {x5u: \"http://x/\"}}}\n",
	  "http://x/: write https://" },
	{ "peers: {b: {" ACCEPT "}}\n",
	  "peers.b.accept: ript.listen is needed to be called" },
	{ RIPT "peers: {b: {accept: {}}}\n",
	  "peers.b.accept.token-hash: missing" },
	{ RIPT "peers: {b: {accept: {}}}\n",
	  "peers.b.accept.passport.roots: missing" },
	{ RIPT "peers: {b: {accept: {token-hash: abc}}}\n",
	  "peers.b.accept.token-hash: 64 hexadecimal digits" },
	{ RIPT "peers: {b: {accept: {numbers: [+44*, \"4*4\"]}}}\n",
	  "4*4: write a number" },
	{ RIPT "peers: {b: {accept: {numbers: {except: \"*\"}}}}\n",
	  "allow: missing" },
	{ RIPT "peers: {b: {accept: {numbers: {allow: \"*\", exept: 1}}}}\n",
	  "exept: unknown key" },
	{ RIPT "peers: {b: {accept: {passport: {x5u: {\"http://x\": f}}}}}\n",
	  "http://x: write \"https://...\": FILE" },
	{ RIPT "peers: {b: {accept: {passport: {x5u: "
	       "{\"https://other.example/a.pem\": f}}}}}\n",
	  "not under https://gw.example/" },
	{ RIPT "peers: {b: {" ACCEPT "}, c: {" ACCEPT "}}\n",
	  "peers.c.accept.token-hash: peer \"b\" has the same token" },
	{ RIPT "peers: {b: {accept: {tg: x}}, c: {accept: {tg: x}}}\n",
	  "peers.c.accept.tg: peer \"b\" has the terminal group \"x\"" },
	{ "ript: {listen: \"127.0.0.1:1\"}\n", "ript.authority: missing" },
	{ "ript: {listen: \"127.0.0.1:1\"}\n", "ript.certificate: missing" },
	{ "ript: {certificate: x, key: y}\n", "ript.listen: missing" },
	{ "admin: {metrics: \"0.0.0.0:9\"}\n", "a loopback address only" },
	{ "log: {level: dbug}\n", "dbug: did you mean \"debug\"?" },
	{ "routes: [{via: x}]\n", "routes[1].to: missing" },
	{ "routes: [{to: \"*\"}]\n", "routes[1].via: missing; say" },
	{ NETWORKS TRUNKS "routes: [{to: \"*\", via: pbx, refuse: 403}]\n",
	  "either via or refuse" },
	{ "routes: [{to: \"*\", refuse: 200}]\n",
	  "200: a number from 400 to 699" },
	{ "routes: [{to: \"*\", refuse: 403, on-failure: 404}]\n",
	  "a refusal does not fail" },
	{ NETWORKS TRUNKS "routes:\n- {to: \"*\", via: [pbx, bpx]}\n",
	  "t.yaml:4: routes[1].via: no trunk or peer \"bpx\"; did you mean "
	  "\"pbx\"?\n" },
	{ NETWORKS TRUNKS "routes: [{from: cloud, to: \"*\", via: pbx}]\n",
	  "routes[1].from: no trunk or peer \"cloud\"\n" },
	{ NETWORKS TRUNKS "routes: [{from: pbx, to: \"*\", via: pbx}]\n",
	  "it never goes back" },
	{ "peers: {b: {domain: x, token: t}}\n"
	  "routes: [{from: b, to: \"*\", refuse: 403}]\n",
	  "peer \"b\" has no accept" },
	{ "peers: {b: {domain: x, token: t}}\n"
	  "routes: [{to: \"*\", via: b}]\n", "peer \"b\" has no signing" },
	{ RIPT "peers: {b: {" ACCEPT "}}\nroutes: [{to: \"*\", via: b}]\n",
	  "peer \"b\" has no domain" },
	{ "routes:\n- {name: a, to: \"1\", refuse: 403}\n"
	  "- {name: a, to: \"2\", refuse: 403}\n",
	  "t.yaml:3: routes[2].name: rule 1 is called \"a\" already\n" },
	{ "routes:\n- to:\n  - #31#\n  refuse: 403\n",
	  "t.yaml:3: routes[1].to: no value; write \"#31#\" in quotes\n" },
	{ "node: ${}\n", "write ${NAME}" },
	{ "node: \"${X\"\n", "\"${\" without \"}\"" },
	{ "node: ${RIPTIDE_TEST_UNSET}\n",
	  "the environment has no RIPTIDE_TEST_UNSET" },
	{ "node: ${RIPTIDE_TEST_UNSET:-}\n", "t.yaml:1: node: empty" },
	{ "node: \"a\\x07b\"\n", "control characters" },
};

static void test_mistakes(void **state)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(mistakes); i++) {
		const struct mistake *m = &mistakes[i];

		assert_int_equal(conf_load_text(&conf, "t.yaml", m->text,
						strlen(m->text), false,
						&problems),
				 EINVAL);
		assert_null(conf);
		assert_true(problems.count > 0);
		if (!strstr(buf_str(&problems.text), m->want))
			fail_msg("\"%s\" is not in:\n%s", m->want,
				 buf_str(&problems.text));
		conf_problems_free(&problems);
	}
}

/* All of them at once, in the order of the file. */
static bool loads(const char *text)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	bool good = conf_load_text(&conf, "t.yaml", text, strlen(text), false,
				   &problems) == 0 && problems.count == 0;

	conf_problems_free(&problems);
	conf_free(&conf);
	return good;
}

/* Neither a key nor the lack of one leaves certificate, token or PASSporT
 * out of a RIPT call. */
static void test_security_stays_on(void **state)
{
	static const char *const lacking[] = {
		"peers: {b: {accept: {numbers: [+44*], passport: {roots: "
		"ca.pem, x5u: {\"https://gw.example/a.pem\": a.pem}}}}}",
		"peers: {b: {accept: {token-hash: [], numbers: [+44*], "
		"passport: {roots: ca.pem, x5u: {\"https://gw.example/a.pem\": "
		"a.pem}}}}}",
		"peers: {b: {accept: {token-hash: " HASH ", numbers: [+44*]}}}",
		"peers: {b: {accept: {token-hash: " HASH ", numbers: [+44*], "
		"passport: off}}}",
		"peers: {b: {accept: {token-hash: " HASH ", numbers: [+44*], "
		"passport: {x5u: {\"https://gw.example/a.pem\": a.pem}}}}}",
		"peers: {b: {domain: b.example, signing: {key: k, cert: c, "
		"x5u: \"https://gw.example/a.pem\"}}}",
		"peers: {b: {domain: b.example, token: , signing: {key: k, "
		"cert: c, x5u: \"https://gw.example/a.pem\"}}}",
	};
	static const char *const words[] = {
		"insecure", "anonymous", "unsigned", "verify", "tls", "plain",
		"disable", "optional", "trust-all", "no-",
	};
	const char *path;
	size_t i, k;

	(void)state;
	assert_true(loads(RIPT NETWORKS TRUNKS "peers: {b: " PEER "}\n"));
	for (i = 0; i < COUNT(lacking); i++) {
		char text[1024];

		row_name(lacking[i]);
		snprintf(text, sizeof(text), "%s%s%s%s\n", RIPT, NETWORKS,
			 TRUNKS, lacking[i]);
		assert_false(loads(text));
	}
	assert_false(loads("ript: {listen: \"127.0.0.1:4433\", authority: "
			   "gw.example}\n" NETWORKS TRUNKS));
	for (i = 0; i < key_cnt; i++) {
		path = key_table[i].path;
		if (strncmp(path, "ript.", 5) != 0 &&
		    strncmp(path, "peers.", 6) != 0)
			continue;
		row_name(path);
		for (k = 0; k < COUNT(words); k++)
			assert_null(strstr(path, words[k]));
		assert_false(key_table[i].flags & KEY_OFF);
	}
	shows("RIPT-REQ-10");
}

static void test_all_problems(void **state)
{
	static const char text[] = "nodde: a\n"
				   "networks:\n"
				   "  lan:\n"
				   "    address: x\n"
				   "    sip-port: y\n"
				   "trunks: {pbx: {network: lam}}\n";
	struct conf_problems problems;
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(conf_load_text(&conf, "t.yaml", text, strlen(text),
					false, &problems),
			 EINVAL);
	assert_int_equal(problems.count, 5);
	assert_string_equal(
		buf_str(&problems.text),
		"t.yaml:1: nodde: unknown key; did you mean \"node\"?\n"
		"t.yaml:4: networks.lan.address: x: write an IP address\n"
		"t.yaml:5: networks.lan.sip-port: y: a number from 0 to "
		"65535\n"
		"t.yaml:6: trunks.pbx.hosts: missing; Addresses that calls "
		"go to, in this order, and are accepted from alone; port 5060 "
		"if none.\n"
		"t.yaml:6: trunks.pbx.network: no network \"lam\"; did you "
		"mean \"lan\"?\n");
	conf_problems_free(&problems);
}

/* No message about a secret repeats it. */
static void test_secret_not_shown(void **state)
{
	static const char text[] =
		"peers: {b: {domain: x, token: \"se cret\"}}\n";
	struct conf_problems problems;
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(conf_load_text(&conf, "t.yaml", text, strlen(text),
					false, &problems),
			 EINVAL);
	assert_null(strstr(buf_str(&problems.text), "cret"));
	conf_problems_free(&problems);
}

/* ---- files ---- */

static char folder[] = "/tmp/riptide-conf.XXXXXX";

static char *write_file(const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	char *command = xasprintf("rm -r %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

static void test_files(void **state)
{
	char *key = write_file("key.pem", "key", 0640);
	char *cert = write_file("cert.pem", "cert", 0644);
	char *token = write_file("token", "s3cr3t\r\n\n", 0600);
	char *cred = write_file("db", "from-systemd\n", 0600);
	char *yaml = write_file(
		"riptide.yaml",
		"peers:\n"
		"  b:\n"
		"    domain: b.example\n"
		"    token: ${file:token}\n"
		"    signing: {key: key.pem, cert: cert.pem,"
		" x5u: \"https://x/\"}\n"
		"  c:\n"
		"    domain: ${RIPTIDE_TEST_HOST:-c}.example\n"
		"    token: a-${cred:db}-$${x}\n"
		"    ca: nowhere.pem\n",
		0644);
	struct conf_problems problems;
	struct conf *conf = NULL;
	char *want;

	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	assert_int_equal(conf_load(&conf, yaml, &problems), EINVAL);
	want = xasprintf("%s:5: peers.b.signing.key: %s: others can read this "
			 "key; chmod 600 %s\n"
			 "%s:9: peers.c.ca: %s/nowhere.pem: No such file or "
			 "directory\n",
			 yaml, key, key, yaml, folder);
	assert_string_equal(buf_str(&problems.text), want);
	free(want);
	conf_problems_free(&problems);

	assert_int_equal(chmod(key, 0600), 0);
	free(write_file("nowhere.pem", "", 0644));
	assert_int_equal(setenv("RIPTIDE_TEST_HOST", "d", 1), 0);
	if (conf_load(&conf, yaml, &problems) != 0)
		fail_msg("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	assert_string_equal(conf->peer[0].token, "s3cr3t");
	assert_string_equal(conf->peer[0].signing_key, key);
	assert_string_equal(conf->peer[1].token, "a-from-systemd-${x}");
	assert_string_equal(conf->peer[1].domain, "d.example");
	conf_free(&conf);
	unsetenv("RIPTIDE_TEST_HOST");
	unsetenv("CREDENTIALS_DIRECTORY");

	assert_int_equal(conf_load(&conf, "/nowhere/x.yaml", &problems),
			 ENOENT);
	assert_string_equal(buf_str(&problems.text),
			    "/nowhere/x.yaml: No such file or directory\n");
	conf_problems_free(&problems);
	assert_int_equal(conf_load(&conf, folder, &problems), EISDIR);
	conf_problems_free(&problems);
	free(yaml);
	free(cred);
	free(token);
	free(cert);
	free(key);
}

/* ---- printing ---- */

static char *print(const struct conf *conf, bool secrets)
{
	struct buf out;
	char *text;

	buf_init(&out, SIZE_MAX);
	conf_print(&out, conf, secrets);
	text = buf_steal(&out);
	buf_free(&out);
	return text;
}

static void test_print(void **state)
{
	struct conf *conf = load_good(
		"node: a\n" RIPT NETWORKS TRUNKS "peers: {b: " PEER ", "
		"c: {domain: c.example, token: \"to$${ken\"}}\n"
		"routes:\n"
		"  - {from: pbx, to: [\"011\", \"*\"], via: b}\n"
		"  - {to: {allow: \"+*\", except: \"+1*\"}, refuse: 404}\n"
		"log: {level: warn}\n");
	char *first = print(conf, false), *second;

	(void)state;
	assert_non_null(strstr(first, "token: \"(hidden)\""));
	assert_null(strstr(first, "to$"));
	assert_non_null(strstr(first, "to: [\"011\", \"*\"]"));
	assert_non_null(strstr(first, "    hosts: [\"10.0.0.5:5060\"]\n"));
	assert_non_null(strstr(first, "rtp-timeout: \"60s\""));
	assert_null(strstr(first, "dial-plan"));
	conf_free(&conf);
	conf = load_good(first);
	second = print(conf, false);
	assert_string_equal(first, second);
	free(first);
	free(second);
	conf_free(&conf);
}

static void test_print_secrets(void **state)
{
	struct conf *conf = load_good(
		"peers: {c: {domain: c.example, token: \"$$${ken\"}}\n");
	char *first = print(conf, true);

	(void)state;
	assert_non_null(strstr(first, "token: \"$$${ken\""));
	conf_free(&conf);
	conf = load_good(first);
	assert_string_equal(conf->peer[0].token, "$${ken");
	free(first);
	conf_free(&conf);
}

/* ---- the table ---- */

static void test_table(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];
		size_t len = strlen(key->doc);

		assert_non_null(key->type);
		assert_true(len > 0 && key->doc[len - 1] == '.');
		assert_true(key->min <= key->max || !key->max);
		for (k = 0; k < i; k++)
			assert_string_not_equal(key->path, key_table[k].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_security_stays_on),
		cmocka_unit_test(test_all_problems),
		cmocka_unit_test(test_secret_not_shown),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_secrets),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
