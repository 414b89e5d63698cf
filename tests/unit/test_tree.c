/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "conf/tree.h"

static struct tree *good(const char *text)
{
	struct tree *tree = NULL;
	unsigned line = 0;
	char *why = NULL;

	if (tree_parse(&tree, text, strlen(text), &line, &why) != 0)
		fail_msg("line %u: %s", line, why);
	return tree;
}

static void test_everything_is_text(void **state)
{
	struct tree *tree = good("a: no\n"
				 "b: 011\n"
				 "c: [+1408, 1e3, ~]\n"
				 "d: {e: 0x10}\n");
	const struct tree *c = tree_member(tree, "c");

	(void)state;
	assert_string_equal(tree_member(tree, "a")->text, "no");
	assert_string_equal(tree_member(tree, "b")->text, "011");
	assert_int_equal(c->kind, TREE_LIST);
	assert_int_equal(c->child_cnt, 3);
	assert_string_equal(c->child[0]->text, "+1408");
	assert_string_equal(c->child[2]->text, "~");
	assert_string_equal(tree_member(tree_member(tree, "d"), "e")->text,
			    "0x10");
	assert_int_equal(tree_member(tree, "d")->line, 4);
	assert_null(tree_member(tree, "f"));
	tree_free(&tree);
	assert_null(tree);
}

static void test_blank(void **state)
{
	struct tree *tree = good("a:\n"
				 "b: \"\"\n"
				 "c: #31#\n"
				 "d:   # a remark\n");

	(void)state;
	assert_true(tree_is_blank(tree_member(tree, "a")));
	assert_false(tree_is_blank(tree_member(tree, "b")));
	assert_string_equal(tree_member(tree, "c")->comment, "#31#");
	assert_null(tree_member(tree, "d")->comment);
	tree_free(&tree);

	tree = good("");
	assert_int_equal(tree->kind, TREE_MAP);
	assert_int_equal(tree->child_cnt, 0);
	tree_free(&tree);
	tree = good("# nothing\n---\n...\n");
	assert_int_equal(tree->kind, TREE_MAP);
	tree_free(&tree);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *why;
	} rows[] = {
		{ "to: *\n", 1, "write \"*\" in quotes" },
		{ "x: 1\nto: *911\n", 2, "write \"*911\" in quotes" },
		{ "to: [*]\n", 1, "write \"*\" in quotes" },
		{ "a: 1\nto: [911, *, 5]\n", 2, "write \"*\" in quotes" },
		{ "a: 1\nto: [*21, 5]\n", 2, "write \"*21\" in quotes" },
		{ "to: [#31#]\nb: 1\n", 1, "write \"#31#\" in quotes" },
		{ "to: [1, #31#, 2]\n", 1, "write \"#31#\" in quotes" },
		{ "p: {token: ${file:/etc/x}}\n", 1,
		  "write \"${file:/etc/x}\" in quotes" },
		{ "a: &b c\n", 1, "anchors and tags are not used here; "
				  "write \"&b\" in quotes" },
		{ "a: !c d\n", 1, "anchors and tags are not used here; "
				  "write \"!c\" in quotes" },
		{ "a: %5\n", 1, "write \"%5\" in quotes" },
		{ "a: 1\n---\nb: 2\n", 2, "a second document" },
		{ "a: \"\\0\"\n", 1, "NUL" },
		{ "a: 1\n b: 2\n", 2, "not YAML" },
		{ "a: [1\nb: 2\n", 2, "not YAML" },
		{ "[a, b]: c\n", 1, "a key must be a text" },
		{ "\"\": c\n", 1, "a key must not be empty" },
		{ "a: 1\nb: \xff\n", 2, "not UTF-8" },
		{ "a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", 1,
		  "16 levels" },
	};
	struct tree *tree = NULL;
	unsigned line, i;
	char *why;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		line = 0;
		why = NULL;
		row_name(rows[i].text);
		assert_int_equal(tree_parse(&tree, rows[i].text,
					    strlen(rows[i].text), &line, &why),
				 EINVAL);
		assert_null(tree);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\" is not in \"%s\"", rows[i].why, why);
		assert_int_equal(line, rows[i].line);
		free(why);
	}
}

static void test_size(void **state)
{
	size_t len = TREE_MAX_OCTETS + 1;
	char *text = xzalloc(len + 1);
	struct tree *tree = NULL;
	unsigned line, i;
	char *why = NULL;

	(void)state;
	memset(text, ' ', len);
	assert_int_equal(tree_parse(&tree, text, len, &line, &why), EINVAL);
	assert_non_null(strstr(why, "larger"));
	free(why);
	text[0] = '[';
	for (i = 0; i < TREE_MAX_NODES + 5; i++)
		memcpy(text + 1 + i * 2, "a,", 2);
	assert_int_equal(tree_parse(&tree, text, 1 + i * 2, &line, &why),
			 EINVAL);
	assert_non_null(strstr(why, "50000 values"));
	free(why);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_text),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
