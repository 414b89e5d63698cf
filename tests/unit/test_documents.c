/* SPDX-License-Identifier: MIT */
/* What the documents say of the configuration is what the program does. */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/expand.h"
#include "conf/key.h"

#define HASH \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
#define ETC "/etc/riptide/"

static char folder[] = "/tmp/riptide-documents.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	char *command = xasprintf("rm -r %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

static char *read_source(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char *path = xasprintf("%s/%s", srcdir ? srcdir : ".", name);
	char *text = NULL;
	size_t len;

	if (expand_read_file(&text, &len, path, 1u << 20) != 0)
		fail_msg("cannot read %s", path);
	free(path);
	return text;
}

/* A file that an example names: a key, a token, or the hash of one. */
static void make_file(const char *path)
{
	const char *content = strstr(path, ".hash") ? HASH : "text\n";
	char *command = xasprintf("mkdir -p \"$(dirname '%s')\" && "
				  "printf %%s '%s' >'%s' && chmod 600 '%s'",
				  path, content, path, path);

	assert_int_equal(system(command), 0);
	free(command);
}

/* @text with the files of /etc/riptide in our folder, where they are. */
static char *moved(const char *text)
{
	const char *at = text, *found;
	struct buf out;
	char *path, *result;
	size_t len;

	buf_init(&out, SIZE_MAX);
	while ((found = strstr(at, ETC)) != NULL) {
		len = strcspn(found, " ,}\n\"'");
		buf_add(&out, at, (size_t)(found - at));
		path = xasprintf("%s/%.*s", folder,
				 (int)(len - strlen(ETC)),
				 found + strlen(ETC));
		make_file(path);
		buf_add_str(&out, path);
		free(path);
		at = found + len;
	}
	buf_add_str(&out, at);
	result = buf_steal(&out);
	return result;
}

static struct conf *load(const char *name, const char *text)
{
	struct conf_problems problems;
	struct conf *conf = NULL;
	char *here = moved(text);

	if (conf_load_text(&conf, name, here, strlen(here), true,
			   &problems) != 0)
		fail_msg("%s", buf_str(&problems.text));
	conf_problems_free(&problems);
	free(here);
	return conf;
}

static void test_examples(void **state)
{
	static const char *const names[] = {
		"conf/riptide.yaml.example", "docs/examples/pbx.yaml",
		"docs/examples/nni.yaml", "docs/examples/two-nodes.yaml",
	};
	struct conf *conf;
	unsigned i;
	char *text;

	(void)state;
	text = xasprintf("%s/comcast", folder);
	make_file(text);
	free(text);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	assert_int_equal(setenv("RIPTIDE_NODE", "a", 1), 0);
	assert_int_equal(setenv("RIPTIDE_ADDRESS", "10.0.0.21", 1), 0);
	for (i = 0; i < COUNT(names); i++) {
		row_name(names[i]);
		text = read_source(names[i]);
		conf = load(names[i], text);
		assert_true(conf->route_cnt >= 2);
		assert_true(conf->trunk_cnt == 1 && conf->peer_cnt == 1);
		conf_free(&conf);
		free(text);
	}
}

/* Every key stands in the commented example, with its default. */
static void test_example_is_whole(void **state)
{
	char *text = read_source("conf/riptide.yaml.example"), *want;
	unsigned i;

	(void)state;
	for (i = 0; i < key_cnt; i++) {
		const struct key *key = &key_table[i];
		const char *last = strrchr(key->path, '.');

		last = last ? last + 1 : key->path;
		if (!key->dflt || key->dflt[0] == '/' ||
		    strstr(key->path, "origins"))
			want = xasprintf("%s:", last);
		else
			want = xasprintf(strchr(key->dflt, ':')
						 ? "%s: \"%s\""
						 : "%s: %s",
					 last, key->dflt);
		if (!strstr(text, want))
			fail_msg("no \"%s\" in riptide.yaml.example", want);
		free(want);
	}
	free(text);
}

static void expect_table(const char *file, void (*print)(struct buf *out),
			 const char *form)
{
	char *text = read_source(file);
	struct buf table;

	buf_init(&table, SIZE_MAX);
	print(&table);
	if (!strstr(text, buf_str(&table)))
		fail_msg("%s does not hold what riptide print-config "
			 "--keys=%s prints", file, form);
	buf_free(&table);
	free(text);
}

static void test_tables(void **state)
{
	(void)state;
	expect_table("man/riptide.yaml.5", key_print_mdoc, "mdoc");
	expect_table("docs/configuration.md", key_print_markdown, "markdown");
}

/* The example of the manual page is a configuration too. */
static void test_manual_example(void **state)
{
	char *text = read_source("man/riptide.yaml.5");
	char *start = strstr(text, ".Bd -literal"), *end;
	struct conf *conf;

	(void)state;
	assert_non_null(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, ".Ed");
	assert_non_null(end);
	*end = '\0';
	conf = load("riptide.yaml.5", start);
	assert_int_equal(conf->route_cnt, 2);
	conf_free(&conf);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_example_is_whole),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_manual_example),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
