/* SPDX-License-Identifier: MIT */
/* riptcall - a RIPT endpoint for people and tests. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "riptcall/command.h"
#include "riptcall/options.h"

void print_json(struct json_object *json)
{
	puts(json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			      JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(json);
}

int command_failed(const struct options *options, const char *why)
{
	struct json_object *json;

	if (!options->json) {
		fflush(stdout);
		fprintf(stderr, "riptcall: %s\n", why);
		return EXIT_FAILED;
	}
	json = json_object_new_object();
	json_object_object_add(json, "ok", json_object_new_boolean(0));
	json_object_object_add(json, "result",
			       json_object_new_string("failed"));
	json_object_object_add(json, "reason", json_object_new_string(why));
	print_json(json);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static int (*const commands[])(const struct options *options) = {
		[COMMAND_TGS] = command_tgs,
		[COMMAND_HANDLER] = command_handler,
		[COMMAND_CALL] = command_call,
		[COMMAND_SERVE] = command_serve,
	};
	static const enum log_level levels[] = { LOG_ERROR, LOG_INFO,
						 LOG_DEBUG };
	struct options options;
	int err, code;

	err = options_read(&options, argc, argv);
	if (err) {
		options_free(&options);
		return err == ECANCELED ? EXIT_FINE : EXIT_USAGE;
	}
	log_setup(levels[options.verbose < 2 ? options.verbose : 2],
		  LOG_LOGFMT);
	code = commands[options.command](&options);
	options_free(&options);
	return code;
}
