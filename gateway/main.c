/* SPDX-License-Identifier: MIT */
/*
 * riptide: the daemon and the sub-commands around its configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "config.h"
#include "gateway/gateway.h"
#include "gateway/notify.h"
#include "sip/root.h"

struct daemon {
	struct gateway *gateway;
	struct loop *loop;
	struct loop_fd *watch;
	int fd;			/* signalfd */
	unsigned stops;		/* SIGTERM, SIGINT so far */
};

/* ---- riptide run ---- */

static void on_stopped(void *arg)
{
	struct daemon *d = arg;

	loop_stop(d->loop);
}

static void stop(struct daemon *d)
{
	d->stops++;
	if (d->stops > 2) {
		log_warn(NULL, "asked to stop a third time: leaving at once");
		_exit(1);
	}
	if (d->stops == 1)
		log_info(NULL, "stopping: no new calls, the others have %llu "
			       "ms to end; a second signal ends them now",
			 (unsigned long long)d->gateway->conf->drain_ms);
	else
		log_info(NULL, "stopping now");
	notify_manager("STOPPING=1");
	gateway_stop(d->gateway,
		     d->stops == 1 ? d->gateway->conf->drain_ms : 0,
		     on_stopped, d);
}

static void reload(struct daemon *d)
{
	char *why = NULL;

	notify_manager("RELOADING=1");
	if (gateway_reload(d->gateway, &why))
		log_error(NULL, "not reloaded, everything stays as it was: %s",
			  why);
	else
		log_info(NULL, "the configuration is valid and the "
			       "certificate was read again; other changes "
			       "take a restart");
	free(why);
	notify_manager("READY=1");
}

static void on_signal(unsigned events, void *arg)
{
	struct daemon *d = arg;
	struct signalfd_siginfo si;

	(void)events;
	while (read(d->fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reload(d);
		else
			stop(d);
	}
}

/* Blocked before any thread exists, so that all of them come here. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Two descriptors a call: take what the system allows. */
static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

struct run_options {
	const char *file;
	const char *level;
	const char *format;
};

static int setup_log(const struct conf *conf, const struct run_options *opt)
{
	const char *word = opt->level ? opt->level : conf->log_level;
	const char *format = opt->format ? opt->format : conf->log_format;
	enum log_level level = LOG_INFO;
	bool json = format && strcmp(format, "json") == 0;

	if (word && log_level_parse(&level, word)) {
		fprintf(stderr, "riptide: log level %s: error, warn, info or "
				"debug\n", word);
		return EINVAL;
	}
	if (format && !json && strcmp(format, "logfmt") != 0) {
		fprintf(stderr, "riptide: log format %s: logfmt or json\n",
			format);
		return EINVAL;
	}
	log_setup(level, json ? LOG_JSON : LOG_LOGFMT);
	return 0;
}

static void say_hello(const struct daemon *d)
{
	struct buf text;
	char *line, *save = NULL, *copy;

	buf_init(&text, 65536);
	gateway_describe(d->gateway, &text);
	copy = buf_steal(&text);
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		log_info(NULL, "%s", line);
	log_info(NULL, "riptide %s, node %s: ready", PACKAGE_VERSION,
		 d->gateway->conf->node);
	free(copy);
}

static int run_daemon(struct conf *conf)
{
	struct daemon d = { 0 };
	char *why = NULL;
	int err;

	d.fd = open_signals();
	if (d.fd < 0) {
		perror("riptide: signalfd");
		conf_free(&conf);
		return 1;
	}
	raise_nofile();
	loop_enter(LOOP_CONTROL, 0);
	d.loop = siproot_loop_new();
	err = gateway_start(&d.gateway, conf, d.loop, &why);
	if (err) {
		fprintf(stderr, "riptide: %s\n", why ? why : strerror(err));
		free(why);
	} else {
		d.watch = loop_watch(d.loop, d.fd, LOOP_READ, on_signal, &d);
		say_hello(&d);
		notify_manager("READY=1");
		loop_run(d.loop);
		log_info(NULL, "stopped");
		loop_unwatch(&d.watch);
		gateway_free(&d.gateway);
	}
	loop_free(&d.loop);
	close(d.fd);
	return err ? 1 : 0;
}

static void run_usage(FILE *to)
{
	fprintf(to,
		"usage: riptide run [-c FILE] [-f] [-L LEVEL] "
		"[--log-format logfmt|json]\n"
		"  -c, --config FILE    configuration, default %s\n"
		"  -f, --foreground     it always is; taken for habit's sake\n"
		"  -L, --log-level L    error, warn, info or debug\n"
		"      --log-format F   logfmt or json\n"
		"SIGTERM and SIGINT: take no new calls, let the others end, "
		"exit; a second one\nends them now.  SIGHUP: check the file, "
		"read the certificate again.\n",
		CONF_DEFAULT_FILE);
}

static int parse_run(struct run_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'L' },
		{ "log-format", required_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "c:fL:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->file = optarg;
			break;
		case 'f':
			break;
		case 'L':
			opt->level = optarg;
			break;
		case 'F':
			opt->format = optarg;
			break;
		case 'h':
			run_usage(stdout);
			return -1;
		default:
			run_usage(stderr);
			return EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "riptide run: what is %s?\n", argv[optind]);
		run_usage(stderr);
		return EINVAL;
	}
	return 0;
}

static int cmd_run(int argc, char **argv)
{
	struct run_options opt = { .file = CONF_DEFAULT_FILE };
	struct conf_problems problems;
	struct conf *conf = NULL;
	int err = parse_run(&opt, argc, argv);

	if (err)
		return err < 0 ? 0 : 2;
	err = conf_load(&conf, opt.file, &problems);
	if (err)
		fprintf(stderr, "%s%u problem%s; nothing was started.\n",
			buf_str(&problems.text), problems.count,
			problems.count == 1 ? "" : "s");
	conf_problems_free(&problems);
	if (err)
		return 1;
	if (setup_log(conf, &opt)) {
		conf_free(&conf);
		return 2;
	}
	return run_daemon(conf);
}

/* ---- the sub-commands ---- */

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("riptide %s\n", PACKAGE_VERSION);
	return 0;
}

static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "run", cmd_run, "carry calls" },
	{ "check", conf_cmd_check,
	  "check the configuration (--system: this machine too)" },
	{ "print-config", conf_cmd_print_config,
	  "print it with all defaults, secrets hidden" },
	{ "route-test", conf_cmd_route_test,
	  "say where a call from FROM to TO would go" },
	{ "init", conf_cmd_init,
	  "write a configuration (--lab DIR: a whole laboratory)" },
	{ "version", cmd_version, "print the version" },
	{ "help", cmd_help, "print this" },
};

static void usage(FILE *to)
{
	fprintf(to, "usage: riptide COMMAND [OPTION...]; COMMAND --help says "
		    "more\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-14s %s\n", commands[i].name,
			commands[i].what);
	fprintf(to, "riptidectl asks the running daemon: status, calls, "
		    "ladder, explain, hangup.\n");
}

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	usage(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	if (strcmp(name, "-v") == 0 || strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].fn(argc - 1, argv + 1);
	if (name[0])
		fprintf(stderr, "riptide: no command %s\n", name);
	usage(stderr);
	return 2;
}
