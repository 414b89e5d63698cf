/* SPDX-License-Identifier: MIT */
/*
 * riptcall/command.h - one function for each command of riptcall.
 *
 * Owner:  main().
 * Loop:   each runs the control loop itself.
 */
#ifndef RIPTIDE_RIPTCALL_COMMAND_H
#define RIPTIDE_RIPTCALL_COMMAND_H

#include <stdio.h>

struct json_object;
struct options;

/* Exit codes. */
#define EXIT_FINE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2

int command_tgs(const struct options *options);
int command_handler(const struct options *options);
int command_call(const struct options *options);
int command_serve(const struct options *options);

/* One object and a newline on stdout; puts @json. */
void print_json(struct json_object *json);
/* A failure before there is any call, as the command prints it. */
int command_failed(const struct options *options, const char *why);

#endif
