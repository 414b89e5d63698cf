/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <sys/stat.h>

#include "base/loop.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "conf/system.h"
#include "tests/unit/command.h"

static char folder[] = "/tmp/riptide-check.XXXXXX";
static char *quiet;

/* Two labs; a is a customer of b. */
static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	quiet = xasprintf("%s/output", folder);
	return command_run(conf_cmd_init, "init --lab @/b --authority "
					  "localhost:4434 --sip 127.0.0.1:5070",
			   folder, quiet) ||
	       command_run(conf_cmd_init,
			   "init --lab @/a --provider @/b/lab.json", folder,
			   quiet);
}

static int tear_down(void **state)
{
	char *command = xasprintf("rm -r %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	free(quiet);
	return rc;
}

static void write_text(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
	free(path);
}

struct row {
	const char *line;
	int status;
	const char *want;
};

static void run_rows(int (*command)(int, char **), const struct row *rows,
		     unsigned count)
{
	unsigned i;
	char *text;
	int status;

	for (i = 0; i < count; i++) {
		status = command_run(command, rows[i].line, folder, quiet);
		text = command_output(quiet);
		if (status != rows[i].status || !strstr(text, rows[i].want))
			fail_msg("%s: status %d, want \"%s\" in:\n%s",
				 rows[i].line, status, rows[i].want, text);
		free(text);
	}
}

static void test_check(void **state)
{
	static const struct row rows[] = {
		{ "check --help", 0, "usage: riptide check" },
		{ "check x", 2, "a file is given with -c" },
		{ "check --nonsense", 2, "nonsense" },
		{ "check -c @/nowhere", 1,
		  "nowhere: No such file or directory\n1 problem; nothing was "
		  "started.\n" },
		{ "check -c @/a/riptide.yaml", 0,
		  "riptide.yaml is right: 1 network, 1 trunk, 3 peers, "
		  "4 routes.\n" },
		{ "check -c @/bad.yaml", 1,
		  "bad.yaml:4: trunks.pbx.trasport: unknown key; did you mean "
		  "\"transport\"?\n" },
		{ "check -c @/bad.yaml", 1,
		  "2 problems; nothing was started.\n" },
		{ "check -c @/empty.yaml", 0, "every call will be refused" },
	};

	(void)state;
	write_text("bad.yaml", "networks: {lan: {address: 10.0.0.2}}\n"
			       "trunks:\n  pbx:\n    trasport: udp\n");
	write_text("empty.yaml", "");
	run_rows(conf_cmd_check, rows, COUNT(rows));
}

static void test_print_config(void **state)
{
	static const struct row rows[] = {
		{ "print-config --help", 0, "usage: riptide print-config" },
		{ "print-config --keys", 0,
		  "trunks.NAME.limits.calls\n    Calls at once.\n    number, 1 "
		  "to 100000; default 1000; change: reload, new calls\n" },
		{ "print-config --keys=mdoc", 0, ".It Cm node\n" },
		{ "print-config --keys=html", 2, "--keys=mdoc" },
		{ "print-config -c @/bad.yaml", 1, "unknown key" },
		{ "print-config extra", 2, "a file is given with -c" },
		{ "print-config -c @/a/riptide.yaml", 0,
		  "token: \"(hidden)\"\n" },
	};
	char *first, *second;

	(void)state;
	run_rows(conf_cmd_print_config, rows, COUNT(rows));
	/* What is printed is a configuration, which prints the same. */
	first = command_output(quiet);
	write_text("a/printed.yaml", first);
	assert_int_equal(command_run(conf_cmd_print_config,
				     "print-config -c @/a/printed.yaml",
				     folder, quiet), 0);
	second = command_output(quiet);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void test_route(void **state)
{
	static const struct row rows[] = {
		{ "route-test --help", 0, "usage: riptide route-test" },
		{ "route-test 1", 2, "usage" },
		{ "route-test --trunk a --peer b 1 2", 2, "usage" },
		{ "route-test -c @/bad.yaml 1 2", 1, "unknown key" },
		{ "route-test -c @/a/riptide.yaml +14085551000 14089529999", 0,
		  "called  +14089529999\n"
		  "caller  +14085551000 (from)\n"
		  "rule 4 \"outward\" takes +14089529999 to peer "
		  "\"provider\"\n"
		  "  peer provider is asked for +14089529999; " },
		{ "route-test -c @/a/riptide.yaml +14085551000 14089529999", 0,
		  "/b/stir/cert.pem vouches for +14085551000\n" },
		{ "route-test -c @/a/riptide.yaml +14155551000 14089529999", 1,
		  "does NOT vouch for +14155551000\nWhat to do: set "
		  "trunks.phones.caller-id.otherwise" },
		{ "route-test -c @/a/riptide.yaml 101 14089529999", 1,
		  "caller  none\nrefused with SIP 403, reason no-caller-id" },
		{ "route-test -c @/a/riptide.yaml 101 14089529999 --pai "
		  "+14085551007", 0, "caller  +14085551007 (p-asserted" },
		{ "route-test -c @/a/riptide.yaml 101 911", 1,
		  "refused with SIP 503, reason route-refuses: rule 1 "
		  "\"emergency\" refuses 911 with 503\n" },
		{ "route-test -c @/a/riptide.yaml +14085551000 999", 1,
		  "reason no-route" },
		{ "route-test -c @/a/riptide.yaml --trunk x 1 2", 2,
		  "no trunk \"x\"" },
		{ "route-test -c @/a/riptide.yaml --peer x 1 2", 2,
		  "no peer \"x\"" },
		{ "route-test -c @/a/riptide.yaml --peer provider 1 2", 2,
		  "no call comes from peer \"provider\"" },
		{ "route-test -c @/a/riptide.yaml --peer customer "
		  "+14085551000 +14089529999", 0,
		  "  trunk phones is asked for +14089529999\n" },
		{ "route-test -c @/a/riptide.yaml --peer customer "
		  "+14085551000 +14155551000", 1,
		  "reason destination-not-allowed" },
		{ "route-test -c @/empty.yaml 1 2", 2,
		  "say --trunk NAME or --peer NAME" },
	};

	(void)state;
	run_rows(conf_cmd_route_test, rows, COUNT(rows));
}

/* ---- check --system ---- */

static struct system_facts good_facts(void)
{
	return (struct system_facts){ .clock_synced = true,
				      .open_files = 4000,
				      .rmem_max = 8 << 20,
				      .local_first = 32768,
				      .local_last = 60999,
				      .now_s = (int64_t)(clock_wall_ms() /
							 1000) };
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

static void expect(const struct conf *conf, const struct system_facts *facts,
		   unsigned wrong, const char *want, const char *mend)
{
	struct buf out;

	buf_init(&out, SIZE_MAX);
	if (system_check(&out, conf, facts) != wrong ||
	    !strstr(buf_str(&out), want) || !strstr(buf_str(&out), mend))
		fail_msg("want %u wrong, \"%s\", \"%s\" in:\n%s", wrong, want,
			 mend, buf_str(&out));
	buf_free(&out);
}

static void test_system(void **state)
{
	struct conf *conf = load("a");
	struct system_facts facts = good_facts();

	(void)state;
	expect(conf, &facts, 0, "ok  clock ", "ok  server key ");
	facts.clock_synced = false;
	expect(conf, &facts, 1, "NO  clock                  not synchronised",
	       "      apt-get install systemd-timesyncd && timedatectl "
	       "set-ntp true\n");
	facts = good_facts();
	facts.open_files = 1024;
	expect(conf, &facts, 1, "NO  open files             1024",
	       "needed: 2512\n      LimitNOFILE=2512 in the unit file, or: "
	       "ulimit -n 2512\n");
	facts = good_facts();
	facts.rmem_max = 212992;
	expect(conf, &facts, 1, "NO  net.core.rmem_max      212992",
	       "sysctl -w net.core.rmem_max=8388608\n");
	facts = good_facts();
	facts.local_first = 10999;
	expect(conf, &facts, 1, "NO  RTP ports of lab       10000-11999",
	       "sysctl -w net.ipv4.ip_local_reserved_ports=10000-11999\n");
	snprintf(facts.reserved, sizeof(facts.reserved), "8080,9000-11999");
	expect(conf, &facts, 0, "ok  RTP ports of lab", "");
	snprintf(facts.reserved, sizeof(facts.reserved), "8080,9000-11998");
	expect(conf, &facts, 1, "NO  RTP ports of lab",
	       "ip_local_reserved_ports=8080,9000-11998,10000-11999\n");
	facts = good_facts();
	conf->trunk[0].calls = 1001;
	expect(conf, &facts, 1, "NO  RTP ports of lab       room for 1000 "
				"calls",
	       "networks.lab.rtp-ports with 2002 ports, or lower");
	conf_free(&conf);
	system_facts_read(&facts);
	assert_true(facts.open_files > 0);
	assert_true(facts.now_s > 1600000000);
}

static void test_certificates(void **state)
{
	struct conf *conf = load("a");
	struct system_facts facts = good_facts();
	char *text;

	(void)state;
	facts.now_s += INT64_C(360) * 86400;
	expect(conf, &facts, 2, "NO  server certificate     until ",
	       "needed: valid now and for 7 days\n      renew ");
	facts.now_s += INT64_C(10) * 86400;
	expect(conf, &facts, 2, "NO  signing for provider   ended ", "renew ");
	facts.now_s = 1600000000;
	expect(conf, &facts, 2, "NO  server certificate     not valid yet",
	       "");
	facts = good_facts();
	free(conf->authority);
	conf->authority = xstrdup("gw.example:4433");
	expect(conf, &facts, 1,
	       "NO  server certificate     for other names",
	       "openssl x509 -noout -ext subjectAltName -in ");
	free(conf->authority);
	conf->authority = xstrdup("[::1]:4433");
	expect(conf, &facts, 0, "ok  server certificate", "");
	text = conf->certificate_key;
	conf->certificate_key = conf->peer[2].signing_key;
	expect(conf, &facts, 1, "NO  server key             another key",
	       "put the PEM key of ");
	conf->certificate_key = text;
	text = conf->certificate;
	conf->certificate = quiet;
	expect(conf, &facts, 1, "NO  server certificate",
	       "no PEM certificate in it");
	conf->certificate = text;
	conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_print_config),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
