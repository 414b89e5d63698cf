/* SPDX-License-Identifier: MIT */
/* tests/unit/unit.h - cmocka with what it wants included before it. */
#ifndef RIPTIDE_TESTS_UNIT_H
#define RIPTIDE_TESTS_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Names the row of a table test when it fails. */
#define row_name(name) print_message("    %s\n", (name))

#endif
