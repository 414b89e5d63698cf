/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/shows.h - what a test shows of the requirements.
 *
 * A test calls shows("RIPT-CA-03") after the assertions that show it: a test
 * that fails earlier never gets there, so the row stays unshown.  The lines
 * (row, test) go to the file that RIPTIDE_SHOWS names; `./run check` collects
 * them into build/conformance.tsv and compares with docs/conformance.md.
 */
#ifndef RIPTIDE_TESTS_SHOWS_H
#define RIPTIDE_TESTS_SHOWS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define shows(row) shows_in(row, __FILE__, __func__)

static inline void shows_in(const char *row, const char *file,
			    const char *test)
{
	const char *path = getenv("RIPTIDE_SHOWS");
	const char *base = strstr(file, "tests/");
	char line[512];
	int fd, len;

	if (!path)
		return;
	len = snprintf(line, sizeof(line), "%s\t%s:%s\n", row,
		       base ? base : file, test);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		abort();
	close(fd);
}

#endif
