/* SPDX-License-Identifier: MIT */
/* tests/unit/command.h - a sub-command run inside a test, its output kept. */
#ifndef RIPTIDE_TESTS_COMMAND_H
#define RIPTIDE_TESTS_COMMAND_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/expand.h"

#define COMMAND_WORDS 32

/* The words of @line, "@" at the beginning of one standing for @folder; what
 * it prints on stdout and stderr goes to the file @output. */
static inline int command_run(int (*command)(int argc, char **argv),
			      const char *line, const char *folder,
			      const char *output)
{
	char *argv[COMMAND_WORDS] = { NULL }, *words = xstrdup(line), *word;
	char *save = NULL;
	int argc = 0, out, err, file, status;

	for (word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < COMMAND_WORDS - 1);
		argv[argc++] = word[0] == '@'
				       ? xasprintf("%s%s", folder, word + 1)
				       : xstrdup(word);
	}
	fflush(stdout);
	fflush(stderr);
	out = dup(STDOUT_FILENO);
	err = dup(STDERR_FILENO);
	file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0 && err >= 0 && file >= 0);
	dup2(file, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	status = command(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(file);
	close(out);
	close(err);
	while (argc)
		free(argv[--argc]);
	free(words);
	return status;
}

/* What the last one printed, malloc'ed. */
static inline char *command_output(const char *output)
{
	char *text = NULL;
	size_t len;

	assert_int_equal(expand_read_file(&text, &len, output, 1u << 20), 0);
	return text;
}

#endif
