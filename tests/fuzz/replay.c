/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/replay.c - a main() for fuzz targets without libFuzzer: every
 * file given, and every file of every folder given, is one input.  Without
 * arguments tests/fuzz/corpus/NAME of the source tree, NAME being what
 * follows "fuzz_" in the program's name.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_LEN (4u << 20)

static unsigned long inputs;

static void __attribute__((noreturn)) die(const char *path)
{
	perror(path);
	exit(1);
}

static void replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t len;

	if (!file)
		die(path);
	/* Exactly as long as the input, so that a sanitizer sees overruns. */
	data = malloc(size ? size : 1);
	if (!data)
		die(path);
	len = fread(data, 1, size, file);
	if (ferror(file))
		die(path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	inputs++;
}

static void replay_folder(const char *path);

static void replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		die(path);
	if (S_ISDIR(st.st_mode))
		replay_folder(path);
	else if (st.st_size <= (off_t)MAX_LEN)
		replay_file(path, (size_t)st.st_size);
}

static void replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[4096];

	if (!dir)
		die(path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay(name);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(argv[0], '/');
	char path[4096];
	int i;

	if (argc == 1) {
		name = name ? name + 1 : argv[0];
		if (strncmp(name, "fuzz_", 5) == 0)
			name += 5;
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
			 srcdir ? srcdir : ".", name);
		replay(path);
	}
	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%s: %lu inputs\n", argv[0], inputs);
	return inputs ? 0 : 1;
}
