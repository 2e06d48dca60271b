/* libs: base config core */
/* test_yaml.c: the tree: places, what is refused,
 * and that hostile text costs no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/env.h"
#include "tree.h"

#define BYTES ((size_t)2 << 20)

struct doc {
	struct arena *mem;
	struct diag *d;
	struct node *root;
};

static struct doc
parse(struct str yaml)
{
	struct doc doc = {.mem = arena_new((size_t)256 << 20), .d = diag_new()};

	doc.root = tree_parse(doc.mem, doc.mem, yaml, "t.yaml", doc.d);
	return doc;
}

static void
done(struct doc *doc)
{
	diag_free(doc->d);
	arena_free(doc->mem);
}

/* One finding, at this place, that begins so. */
static void
assert_one(struct doc *doc, unsigned line, unsigned column, const char *text)
{
	size_t n;
	const struct diag_finding *f = diag_findings(doc->d, &n);

	assert_int_equal(n, 1);
	if (strncmp(f->text, text, strlen(text)) != 0)
		fail_msg("%s", f->text);
	assert_int_equal(f->at.line, line);
	assert_int_equal(f->at.column, column);
}

static void
refused(struct str yaml, unsigned line, unsigned column, const char *text)
{
	struct doc doc = parse(yaml);

	assert_one(&doc, line, column, text);
	done(&doc);
}

static void
test_places(void **state)
{
	struct doc doc = parse(STR("a: 1\nb:\n  - x\n  - {c: 'd e', f: []}\n"));
	const struct node *b = node_get(doc.root, "b");
	const struct node *c = node_get(b->last, "c");

	(void)state;
	assert_int_equal(diag_errors(doc.d), 0);
	assert_int_equal(doc.root->count, 2);
	assert_true(str_is(node_get(doc.root, "a")->text, "1"));
	assert_int_equal(b->kind, NODE_list);
	assert_int_equal(b->count, 2);
	assert_int_equal(b->key_at.line, 2);
	assert_true(str_is(c->text, "d e"));
	assert_int_equal(c->at.line, 4);
	assert_int_equal(c->at.column, 9);
	assert_int_equal(c->key_at.column, 6);
	assert_int_equal(node_get(b->last, "f")->count, 0);
	assert_null(node_get(doc.root, "z"));
	assert_null(node_get(NULL, "z"));
	assert_int_equal(node_place(doc.root, "z").line, 1);
	assert_int_equal(node_place(doc.root, "b").line, 3);
	done(&doc);
}

static void
test_refused(void **state)
{
	(void)state;
	refused(STR("a: &x 1\n"), 1, 4, "anchor '&x' is not taken");
	refused(STR("a: {b: *x}\n"), 1, 8, "alias '*x' is not taken");
	refused(STR("a: !!int 1\n"), 1, 4, "tag '!!int' is not taken");
	refused(STR("a: !mine [1]\n"), 1, 4, "tag '!mine' is not taken");
	refused(
	    STR("a: 1\nb: 2\na: 3\n"), 3, 1, "key 'a' is here twice, first in line 1");
	refused(STR("a: {b: 1, b: {c: 1}}\n"), 1, 11, "key 'b' is here twice");
	refused(STR("a:\n"), 1, 1, "'a' has no value");
	refused(STR("a: ~\n"), 1, 1, "'a' has no value");
	refused(STR("a: Null\n"), 1, 1, "'a' has no value");
	refused(STR("a: [1, ]\nb: [null]\n"), 2, 5, "this entry has no value");
	refused(STR("? [a]\n: 1\n"), 1, 3, "a key must be one word");
	refused(STR("\"\": 1\n"), 1, 1, "a key without a name");
	refused(STR("a: \"x\\0y\"\n"), 1, 4, "a NUL character");
	refused(STR("a: 1\n---\nb: 1\n"), 2, 1, "a second document");
	refused(STR("- a\n"), 1, 1, "expected keys with values");
	refused(STR("text\n"), 1, 1, "expected keys with values");
	refused(STR(""), 1, 1, "the file is empty");
	refused(STR("# nothing\n"), 1, 1, "the file is empty");
	refused(STR("a: 1\nb: [1\n"), 3, 1, "not valid YAML");
	refused(STR("a: 1\nb: \xff\n"), 2, 4, "not text");
	refused(STR("a: 1\nb: \x01\n"), 2, 4, "not text");
}

/* Quoted they are texts. */
static void
test_quoted(void **state)
{
	struct doc doc = parse(STR("a: ''\nb: 'null'\nc: \"*x\"\nd: '&y'\n"));

	(void)state;
	assert_int_equal(diag_errors(doc.d), 0);
	assert_int_equal(node_get(doc.root, "a")->text.len, 0);
	assert_true(str_is(node_get(doc.root, "b")->text, "null"));
	assert_true(str_is(node_get(doc.root, "c")->text, "*x"));
	done(&doc);
}

static void
test_depth(void **state)
{
	struct buf b;
	struct doc doc;

	(void)state;
	buf_init(&b, BYTES);
	buf_add(&b, "a: ");
	for (int i = 0; i < TREE_DEPTH_MAX - 1; i++)
		buf_add(&b, "[");
	for (int i = 0; i < TREE_DEPTH_MAX - 1; i++)
		buf_add(&b, "]");
	doc = parse(buf_str(&b));
	assert_int_equal(diag_errors(doc.d), 0);
	done(&doc);
	b.p[b.len - 1] = '[';
	doc = parse(buf_str(&b));
	assert_one(&doc, 1, 4 + 2 * (TREE_DEPTH_MAX - 1) - 1, "not valid YAML");
	done(&doc);
	buf_fini(&b);
}

/* 200,000 open brackets take libyaml more than
 * 20 s when it is asked for all of them. */
static void
test_hostile_is_fast(void **state)
{
	static const char *const pieces[] = {"[", "{", "- ", "? ",
	    "[{a: ", "a: &a [*a,", "!!x ", "{a,", "'", "\"", "|\n", "a:\n ", "-\n", "%",
	    "#", "*a ", "{}: ", "\xef\xbb\xbf"};
	struct env *env = env_system();

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		int64_t start = env_mono_ms(env);
		struct doc doc;
		struct buf b;

		buf_init(&b, BYTES);
		while (b.len < 200000)
			buf_add(&b, pieces[i]);
		doc = parse(buf_str(&b));
		done(&doc);
		buf_fini(&b);
		if (env_mono_ms(env) - start > 2000)
			fail_msg("'%s' takes %lld ms", pieces[i],
			    (long long)(env_mono_ms(env) - start));
	}
}

/* As many keys as a file can have: finding the twice-named is not quadratic. */
static void
test_many_keys(void **state)
{
	int64_t start = env_mono_ms(env_system());
	struct doc doc;
	struct buf b;

	(void)state;
	buf_init(&b, BYTES);
	for (int i = 0; i < 49000; i++)
		buf_printf(&b, "k%d: 1\n", i);
	buf_add(&b, "k7: 2\n");
	doc = parse(buf_str(&b));
	assert_one(&doc, 49001, 1, "key 'k7' is here twice, first in line 8;");
	done(&doc);
	buf_clear(&b);
	while (b.len < TREE_BYTES_MAX / 2)
		buf_add(&b, "- a\n- b\n");
	doc = parse(buf_str(&b));
	assert_one(&doc, 100000, 3, "more than 100000 values");
	done(&doc);
	while (b.len <= TREE_BYTES_MAX)
		buf_add(&b, "- a\n- b\n");
	doc = parse(buf_str(&b));
	assert_one(&doc, 1, 1, "larger than 1 MiB");
	done(&doc);
	buf_fini(&b);
	assert_true(env_mono_ms(env_system()) - start < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_quoted),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_hostile_is_fast),
	    cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
