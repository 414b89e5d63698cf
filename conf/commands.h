/* SPDX-License-Identifier: MIT */
/*
 * conf/commands.h - the sub-commands of `riptide` that only read or write
 * configurations.  argv[0] is the sub-command's name.
 *
 * Loop:   none; each is a whole program run.
 * Returns the exit status: 0 good, 1 something is wrong and was said on
 * stderr or stdout, 2 wrong usage.
 */
#ifndef RIPTIDE_CONF_COMMANDS_H
#define RIPTIDE_CONF_COMMANDS_H

/* Where the configuration is when -c does not say. */
#define CONF_DEFAULT_FILE SYSCONFDIR "/riptide/riptide.yaml"

int conf_cmd_check(int argc, char **argv);
int conf_cmd_print_config(int argc, char **argv);
int conf_cmd_route_test(int argc, char **argv);
int conf_cmd_init(int argc, char **argv);

#endif
