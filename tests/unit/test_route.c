/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "conf/route.h"
#include "tests/unit/shows.h"

#define HASH \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static struct conf *load(const char *text)
{
	struct conf_problems problems;
	struct conf *conf = NULL;

	if (conf_load_text(&conf, "t.yaml", text, strlen(text), false,
			   &problems) != 0)
		fail_msg("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	return conf;
}

/* The PBX of docs/configuration.md, and trunks with other habits. */
static const char text[] =
	"ript: {listen: \"127.0.0.1:1\", authority: gw.example,"
	" certificate: c, key: k}\n"
	"networks: {lan: {address: 10.0.0.2}}\n"
	"trunks:\n"
	"  pbx:\n"
	"    hosts: 10.0.0.5\n"
	"    dial-plan: {country: 1, outside-line: 9, international: 011,\n"
	"                national: 1}\n"
	"    caller-id: {otherwise: +14085551000}\n"
	"  strict:\n"
	"    hosts: 10.0.0.6\n"
	"    caller-id: {from: from}\n"
	"  german:\n"
	"    hosts: 10.0.0.7\n"
	"    dial-plan: {country: 49, international: 00, national: 0}\n"
	"  plain: {hosts: 10.0.0.8, dial-plan: {outside-line: 0}}\n"
	"peers:\n"
	"  comcast:\n"
	"    domain: comcast.example:4433\n"
	"    token: t\n"
	"    signing: {key: k, cert: c, x5u: \"https://gw.example/a.pem\"}\n"
	"    accept:\n"
	"      token-hash: " HASH "\n"
	"      numbers: {allow: [+14085551*, \"*@gw.example\"],"
	" except: [+14085551666]}\n"
	"      origins: [+1*]\n"
	"      passport: {roots: r,"
	" x5u: {\"https://gw.example/a.pem\": a.pem}}\n"
	"  backup: {domain: \"[::1]:4434\", token: t, signing:"
	" {key: k, cert: c, x5u: \"https://gw.example/a.pem\"}}\n"
	"routes:\n"
	"  - {name: emergency, from: pbx, to: [\"911\", \"112\"],"
	" refuse: 503}\n"
	"  - {name: directory, from: pbx, to: [\"411\"], via: [comcast]}\n"
	"  - {name: premium, from: pbx, to: [\"+1900*\"], refuse: 403}\n"
	"  - {name: vip, from: pbx, to: [\"+44*\"], callers: [+14085551000],"
	" via: [backup]}\n"
	"  - {name: outward, from: pbx, to: [\"+*\"], via: [comcast, backup],"
	" on-failure: 503}\n"
	"  - {name: services, from: pbx, to: [\"11*\"], via: [backup]}\n"
	"  - {name: inward, from: comcast, to: [\"+14085551*\"], via: [pbx]}\n"
	"  - {name: mail, from: comcast, to: [\"1234@gw.example\"],"
	" via: [comcast, pbx]}\n"
	"  - {name: back, from: comcast, to: [\"*@gw.example\"],"
	" via: [comcast, comcast]}\n"
	"  - {name: rest, from: german, to: \"*\", via: [comcast]}\n"
	"  - {name: any, from: strict, to: \"*\", via: [comcast]}\n";

static void test_dialled(void **state)
{
	static const struct {
		const char *trunk, *user, *want;	/* NULL: refused */
	} rows[] = {
		{ "pbx", "914085551234", "+14085551234" },
		{ "pbx", "14085551234", "+14085551234" },
		{ "pbx", "94085551234", "+14085551234" },
		{ "pbx", "4085551234", "+14085551234" },
		{ "pbx", "9011442071234567", "+442071234567" },
		{ "pbx", "011442071234567", "+442071234567" },
		{ "pbx", "+442071234567", "+442071234567" },
		{ "pbx", "+44 (20) 7123-4567", "+442071234567" },
		{ "pbx", "1-408-555-1234;phone-context=+1", "+14085551234" },
		{ "pbx", "911", "911" },
		{ "pbx", "9911", "911" },
		{ "pbx", "112", "112" },
		{ "pbx", "9112", "112" },
		{ "pbx", "101", "101" },
		{ "pbx", "5551234", "5551234" },
		{ "pbx", "9", "9" },
		{ "pbx", "*21#", "*21#" },
		{ "pbx", "1234@acme.example", "1234@acme.example" },
		{ "pbx", "+1408@acme.example", NULL },
		{ "pbx", "bob", NULL },
		{ "pbx", "", NULL },
		{ "pbx", ";x", NULL },
		{ "pbx", "+", NULL },
		{ "pbx", "+0123456", NULL },
		{ "pbx", "9011440123456789012345", NULL },
		{ "german", "0221123456", "+49221123456" },
		{ "german", "004420712345", "+4420712345" },
		{ "german", "4085551234", "4085551234" },
		{ "german", "110", "110" },
		{ "strict", "14085551234", "+14085551234" },
		{ "strict", "0221123456", "0221123456" },
		{ "strict", "1234567890123456", NULL },
		{ "strict", "555123", "555123" },
		{ "plain", "014085551234", "+14085551234" },
	};
	struct conf *conf = load(text);
	char out[ROUTE_NUMBER_SIZE];
	unsigned i;
	int err;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		err = route_dialled(out, conf, conf_trunk(conf, rows[i].trunk),
				    rows[i].user);
		if (err != (rows[i].want ? 0 : EINVAL) ||
		    (rows[i].want && strcmp(out, rows[i].want) != 0))
			fail_msg("%s %s: %d %s", rows[i].trunk, rows[i].user,
				 err, err ? "" : out);
	}
	conf_free(&conf);
}

struct row {
	const char *trunk, *user, *from, *pai;
	const char *caller, *source;	/* "" and NULL: none */
	const char *route;		/* NULL: none matched */
	const char *reason;		/* NULL: it goes */
	int status;
	const char *via;		/* the first hop */
};

static const struct row rows[] = {
	{ "pbx", "914085551234", "+14085551001", NULL, "+14085551001", "from",
	  "outward", NULL, 0, "comcast" },
	{ "pbx", "914085551234", "101", "+14085551002", "+14085551002",
	  "p-asserted-identity", "outward", NULL, 0, "comcast" },
	{ "pbx", "914085551234", "101", NULL, "+14085551000", "otherwise",
	  "outward", NULL, 0, "comcast" },
	{ "pbx", "914085551234", "anonymous", "", "+14085551000", "otherwise",
	  "outward", NULL, 0, "comcast" },
	{ "pbx", "914085551234", "4085551003", NULL, "+14085551003", "from",
	  "outward", NULL, 0, "comcast" },
	/* The outside line is what one dials, never part of a caller. */
	{ "pbx", "914085551234", "9195551234", NULL, "+19195551234", "from",
	  "outward", NULL, 0, "comcast" },
	{ "pbx", "9011442071234567", "101", NULL, "+14085551000", "otherwise",
	  "vip", NULL, 0, "backup" },
	{ "pbx", "9011442071234567", "+14085551009", NULL, "+14085551009",
	  "from", "outward", NULL, 0, "comcast" },
	{ "pbx", "911", "101", NULL, "+14085551000", "otherwise", "emergency",
	  "route-refuses", 503, NULL },
	{ "pbx", "9911", "101", NULL, "+14085551000", "otherwise",
	  "emergency", "route-refuses", 503, NULL },
	{ "pbx", "19005551234", "101", NULL, "+14085551000", "otherwise",
	  "premium", "route-refuses", 403, NULL },
	{ "pbx", "411", "101", NULL, "+14085551000", "otherwise", "directory",
	  NULL, 0, "comcast" },
	{ "pbx", "118", "101", NULL, "+14085551000", "otherwise", "services",
	  NULL, 0, "backup" },
	{ "pbx", "*21#", "101", NULL, "+14085551000", "otherwise", NULL,
	  "no-route", 404, NULL },
	{ "pbx", "999", "101", NULL, "+14085551000", "otherwise", NULL,
	  "no-route", 404, NULL },
	{ "pbx", "bob", "101", NULL, "+14085551000", "otherwise", NULL,
	  "bad-number", 484, NULL },
	/* "*" alone is no rule for a short number. */
	{ "german", "110", "+491", NULL, "+491", "from", NULL, "no-route", 404,
	  NULL },
	{ "german", "0221123456", "0221999", NULL, "+49221999", "from", "rest",
	  NULL, 0, "comcast" },
	{ "strict", "14085551234", "101", "+14085551000", "", NULL, "any",
	  "no-caller-id", 403, NULL },
	{ "strict", "14085551234", NULL, NULL, "", NULL, "any",
	  "no-caller-id", 403, NULL },
	{ "plain", "014085551234", "+14085551001", NULL, "+14085551001",
	  "from", NULL, "no-route", 404, NULL },
};

static void same(const char *what, const char *got, const char *want,
		 unsigned row)
{
	if (!got != !want || (got && strcmp(got, want) != 0))
		fail_msg("row %u: %s is %s, not %s", row, what,
			 got ? got : "NULL", want ? want : "NULL");
}

static void test_from_trunk(void **state)
{
	struct conf *conf = load(text);
	struct route_verdict v;
	unsigned i;
	bool goes;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		goes = route_from_trunk(&v, conf, conf_trunk(conf, r->trunk),
					r->user, r->from, r->pai);
		same("caller", v.caller, r->caller, i);
		same("source", v.caller_source, r->source, i);
		same("route", v.route ? v.route->name : NULL, r->route, i);
		same("reason", v.reason, r->reason, i);
		same("via", v.hop_cnt ? v.hop[0].peer->name : NULL, r->via, i);
		assert_int_equal(v.status, r->status);
		assert_int_equal(goes, !r->reason);
		assert_true(*v.sentence);
	}
	route_from_trunk(&v, conf, conf_trunk(conf, "pbx"), "14085551234",
			 "101", NULL);
	assert_int_equal(v.hop_cnt, 2);
	assert_string_equal(v.sentence,
			    "rule 5 \"outward\" takes +14085551234 to peer "
			    "\"comcast\", then peer \"backup\"");
	route_from_trunk(&v, conf, conf_trunk(conf, "pbx"), "911", "101",
			 NULL);
	assert_string_equal(v.sentence,
			    "rule 1 \"emergency\" refuses 911 with 503");
	conf_free(&conf);
}

static void test_from_peer(void **state)
{
	static const struct {
		const char *from, *to, *route, *reason;
		int status;
	} peer_rows[] = {
		{ "+14155550000", "+14085551234", "inward", NULL, 0 },
		{ "+14155550000", "+14085551666", NULL,
		  "destination-not-allowed", 403 },
		{ "+14155550000", "+14155551234", NULL,
		  "destination-not-allowed", 403 },
		{ "+442071234567", "+14085551234", NULL, "origin-not-allowed",
		  403 },
		{ "+14155550000", "911", NULL, "bad-number", 484 },
		{ "+14155550000", "1234@gw.example", "mail", NULL, 0 },
		{ "+14155550000", "eve@gw.example", "back", "loop", 483 },
	};
	struct conf *conf = load(text);
	const struct conf_peer *peer = conf_peer(conf, "comcast");
	struct route_verdict v;
	char number[ROUTE_NUMBER_SIZE];
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(peer_rows); i++) {
		assert_int_equal(route_from_peer(&v, conf, peer,
						 peer_rows[i].from,
						 peer_rows[i].to),
				 !peer_rows[i].reason);
		same("reason", v.reason, peer_rows[i].reason, i);
		same("route", v.route ? v.route->name : NULL,
		     peer_rows[i].route, i);
		assert_int_equal(v.status, peer_rows[i].status);
	}
	/* A call never leaves to where it came from. */
	assert_true(route_from_peer(&v, conf, peer, "+14155550000",
				    "1234@gw.example"));
	assert_int_equal(v.hop_cnt, 1);
	assert_ptr_equal(v.hop[0].trunk, conf_trunk(conf, "pbx"));
	assert_string_equal(v.caller_source, "passport");
	assert_int_equal(route_number_for(number, &v.hop[0], v.called), 0);
	assert_string_equal(number, "1234");
	shows("RIPT-CA-08");
	conf_free(&conf);
}

static void test_number_for(void **state)
{
	struct conf *conf = load(text);
	struct route_hop trunk = { .trunk = conf_trunk(conf, "pbx") };
	struct route_hop peer = { .peer = conf_peer(conf, "comcast") };
	struct route_hop six = { .peer = conf_peer(conf, "backup") };
	char out[ROUTE_NUMBER_SIZE], big[NUMBER_LEN + 1];

	(void)state;
	assert_int_equal(route_number_for(out, &trunk, "+14085551234"), 0);
	assert_string_equal(out, "+14085551234");
	assert_int_equal(route_number_for(out, &trunk, "1234@a.example"), 0);
	assert_string_equal(out, "1234");
	assert_int_equal(route_number_for(out, &peer, "+14085551234"), 0);
	assert_string_equal(out, "+14085551234");
	assert_int_equal(route_number_for(out, &peer, "1234@a.example"), 0);
	assert_string_equal(out, "1234@a.example");
	assert_int_equal(route_number_for(out, &peer, "911"), 0);
	assert_string_equal(out, "911@comcast.example");
	assert_int_equal(route_number_for(out, &six, "911"), 0);
	assert_string_equal(out, "911@[::1]");
	memset(big, '1', NUMBER_LEN);
	big[NUMBER_LEN] = '\0';
	assert_int_equal(route_number_for(out, &peer, big), EMSGSIZE);
	conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialled),
		cmocka_unit_test(test_from_trunk),
		cmocka_unit_test(test_from_peer),
		cmocka_unit_test(test_number_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
