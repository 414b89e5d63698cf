/* SPDX-License-Identifier: MIT */
/*
 * riptcall/help.h - what --help prints.
 *
 * Owner:  constant texts.
 * Loop:   none.
 */
#ifndef RIPTIDE_RIPTCALL_HELP_H
#define RIPTIDE_RIPTCALL_HELP_H

/* The text of @command; NULL or an unknown one: the overview. */
void help_print(const char *command);

#endif
