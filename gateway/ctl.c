/* SPDX-License-Identifier: MIT */
/* riptidectl: questions to the running daemon, over its admin socket. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "config.h"
#include "gateway/screen.h"

#define DEFAULT_SOCKET RUNDIR "/riptide/riptide.sock"
#define REPLY_MAX (64u << 20)
#define PATIENCE_S 10

/* Exit codes. */
enum { EXIT_GOOD, EXIT_NO, EXIT_DOWN };	/* also: ready, degraded, down */

struct options {
	const char *config;
	const char *socket;
	bool json;
	bool all;
};

/* ---- one question over HTTP ---- */

static int connect_socket(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static void complain_unreachable(const char *path, int err)
{
	const char *todo = "";

	if (err == ENOENT || err == ECONNREFUSED)
		todo = "; is riptide running, with this configuration?";
	else if (err == EACCES)
		todo = "; be root, or of the group that owns it";
	fprintf(stderr, "riptidectl: cannot reach riptide at %s: %s%s\n",
		path, strerror(err), todo);
}

static int send_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return n ? errno : EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_all(int fd, struct buf *reply)
{
	char part[16384];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		if (buf_add(reply, part, (size_t)n))
			return EMSGSIZE;
	if (n < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	return 0;
}

/* The status and the body of an HTTP reply. */
static int take_reply(struct buf *reply, int *statusp, const char **bodyp)
{
	const char *text = buf_str(reply);
	const char *body = strstr(text, "\r\n\r\n");

	if (sscanf(text, "HTTP/%*d.%*d %d", statusp) != 1 || !body)
		return EPROTO;
	*bodyp = body + 4;
	return 0;
}

/* Returns 0 or an errno of the way there. */
static int ask(const char *socket_path, const char *method, const char *path,
	       struct buf *reply, int *statusp, const char **bodyp)
{
	int fd = connect_socket(socket_path), err;
	char *request;

	if (fd < 0)
		return errno;
	request = xasprintf("%s /%s HTTP/1.0\r\nHost: riptide\r\n"
			    "Content-Length: 0\r\n\r\n", method, path);
	err = send_all(fd, request);
	if (!err)
		err = read_all(fd, reply);
	if (!err)
		err = take_reply(reply, statusp, bodyp);
	free(request);
	close(fd);
	return err;
}

/* ---- which socket ---- */

/* malloc'ed; NULL: it was said why not. */
static char *find_socket(const struct options *opt)
{
	const char *file = opt->config ? opt->config : CONF_DEFAULT_FILE;
	struct conf_problems problems;
	struct conf *conf = NULL;
	char *path = NULL;
	int err;

	if (opt->socket)
		return xstrdup(opt->socket);
	err = conf_load(&conf, file, &problems);
	if (!err)
		path = xstrdup(conf->admin_socket);
	else if (!opt->config)
		/* Operators may not read the secrets that the file names. */
		path = xstrdup(DEFAULT_SOCKET);
	else
		fprintf(stderr, "%sriptidectl: name the socket with --socket, "
				"or mend %s\n",
			buf_str(&problems.text), file);
	conf_problems_free(&problems);
	conf_free(&conf);
	return path;
}

/* ---- commands ---- */

static const struct command {
	const char *name;
	const char *method;
	bool needs_call;
	void (*screen)(struct buf *out, struct json_object *json);
	const char *what;
} commands[] = {
	{ "status", "GET", false, screen_status,
	  "is it well? exits 0 ready, 1 degraded, 2 down" },
	{ "calls", "GET", false, screen_calls,
	  "the living calls (--all: the last ended ones too)" },
	{ "ladder", "GET", true, screen_ladder,
	  "the messages of a call, SIP and RIPT" },
	{ "explain", "GET", true, screen_explain,
	  "why a call went where it went, or was refused" },
	{ "hangup", "POST", true, screen_hangup, "end a call" },
};

static void usage(FILE *to)
{
	fprintf(to, "usage: riptidectl [OPTION...] COMMAND [CALL]\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-8s%-5s %s\n", commands[i].name,
			commands[i].needs_call ? "CALL" : "",
			commands[i].what);
	fprintf(to,
		"  -c, --config FILE   the daemon's configuration, default %s\n"
		"      --socket PATH   its admin socket, whatever the file says\n"
		"      --json          the answer as JSON\n"
		"CALL is the beginning of a call ID, of a SIP Call-ID or of a "
		"RIPT call's UUID.\n"
		"Exit codes beside status: 0 done, 1 no such call, 2 not "
		"reached or wrong usage.\n",
		CONF_DEFAULT_FILE);
}

/* The letters that a call's name may have in a path; others are escaped. */
static char *escaped(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~@";
	struct buf out;

	buf_init(&out, 1024);
	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_add(&out, text, 1);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*text);
	}
	buf_add(&out, "", 1);
	return buf_steal(&out);
}

static int status_code(struct json_object *json)
{
	struct json_object *state = json_object_object_get(json, "state");
	const char *word = state ? json_object_get_string(state) : "";

	if (strcmp(word, "ready") == 0)
		return EXIT_GOOD;
	return strcmp(word, "starting") == 0 ? EXIT_DOWN : EXIT_NO;
}

static int show(const struct command *command, const struct options *opt,
		int status, const char *body)
{
	struct json_object *json = json_tokener_parse(body), *error;
	struct buf out;
	int code = EXIT_GOOD;

	if (!json) {
		fprintf(stderr, "riptidectl: riptide answered %d without "
				"JSON\n", status);
		return EXIT_DOWN;
	}
	if (status != 200) {
		error = json_object_object_get(json, "error");
		fprintf(stderr, "riptidectl: %s\n",
			error ? json_object_get_string(error) : "refused");
		json_object_put(json);
		return status == 503 ? EXIT_DOWN : EXIT_NO;
	}
	if (command->screen == screen_status)
		code = status_code(json);
	if (opt->json) {
		fputs(body, stdout);
	} else {
		buf_init(&out, REPLY_MAX);
		command->screen(&out, json);
		fputs(buf_str(&out), stdout);
		buf_free(&out);
	}
	json_object_put(json);
	return code;
}

static int run_command(const struct command *command,
		       const struct options *opt, const char *call)
{
	char *socket_path = find_socket(opt);
	char *id = call ? escaped(call) : NULL;
	char *path = xasprintf("%s%s%s%s", command->name, id ? "/" : "",
			       id ? id : "", opt->all ? "?all" : "");
	const char *body = NULL;
	struct buf reply;
	int err, status = 0, code = EXIT_DOWN;

	buf_init(&reply, REPLY_MAX);
	if (socket_path) {
		err = ask(socket_path, command->method, path, &reply, &status,
			  &body);
		if (err)
			complain_unreachable(socket_path, err);
		else
			code = show(command, opt, status, body);
	}
	buf_free(&reply);
	free(path);
	free(id);
	free(socket_path);
	return code;
}

/* ---- options ---- */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Options may stand before and after the command.  -1: go on. */
static int parse_options(struct options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hv", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->config = optarg;
			break;
		case 's':
			opt->socket = optarg;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'a':
			opt->all = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_GOOD;
		case 'v':
			printf("riptidectl %s\n", PACKAGE_VERSION);
			return EXIT_GOOD;
		default:
			usage(stderr);
			return EXIT_DOWN;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	const struct command *command;
	int code = parse_options(&opt, argc, argv);

	if (code >= 0)
		return code;
	command = optind < argc ? find_command(argv[optind]) : NULL;
	if (!command) {
		if (optind < argc)
			fprintf(stderr, "riptidectl: no command %s\n",
				argv[optind]);
		usage(stderr);
		return EXIT_DOWN;
	}
	if (argc - optind != (command->needs_call ? 2 : 1)) {
		fprintf(stderr, "riptidectl %s: %s\n", command->name,
			command->needs_call ? "name one call"
					    : "takes no further word");
		return EXIT_DOWN;
	}
	return run_command(command, &opt,
			   command->needs_call ? argv[optind + 1] : NULL);
}
