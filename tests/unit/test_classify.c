/* libs: base core classify */
/* test_classify.c: what the classifier promises whatever it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/request.h"
#include "words.h"

static struct verdict
judge(struct str text, uint32_t tools)
{
	struct prompt_piece piece = {.raw = text, .role = ROLE_user};
	struct task t = {.max_output = -1, .tools = tools};
	struct prompt p = {.pieces = &piece, .count = 1};
	struct verdict v;

	classify(classifier_builtin(), &t, &p, &v);
	return v;
}

static void
test_words(void **state)
{
	struct word_filter filter;
	enum cue cue;

	(void)state;
	word_filter_init(&filter);
	assert_true(words_sorted());
	assert_true(word_cue(&filter, STR("theorem"), &cue));
	assert_int_equal(cue, CUE_proof);
	assert_true(word_cue(&filter, STR("theorems"), &cue)); /* by its stem */
	assert_false(word_cue(&filter, STR("theo"), &cue));
	assert_false(word_cue(&filter, STR("goes"), &cue));      /* "go" is no stem */
	assert_true(word_cue(&filter, STR("abstract"), &cue));   /* the first */
	assert_true(word_cue(&filter, STR("übersetzen"), &cue)); /* and the last */
	assert_int_equal(cue, CUE_translate);
}

static void
check_bounds(const struct verdict *v)
{
	float sum = 0;

	for (size_t c = 0; c < CLASS_COUNT; c++) {
		assert_true(v->class_p[c] >= 0 && v->class_p[c] <= 1);
		assert_true(v->class_p[c] <= v->class_p[v->class]);
		sum += v->class_p[c];
	}
	assert_float_equal(sum, 1, 1e-4);
	assert_true(v->complexity >= 0 && v->complexity <= 1);
	assert_true(v->confidence >= 0 && v->confidence <= 1);
}

/* Any bytes, also torn escapes and half characters. */
static void
test_any_bytes(void **state)
{
	static const char alphabet[] = "ab \\nu{}=*-?;\xc3\x9c\xe4\xbf\"1.";
	char text[6000];
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t len = (size_t)round * 20;
		struct verdict v;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 6364136223846793005ULL + 1;
			text[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
		}
		v = judge(str_make(text, len), 0);
		check_bounds(&v);
	}
}

/* Of a long text the end counts too: a question often stands behind its material. */
static void
test_tail(void **state)
{
	static const char ask[] = " Prove the theorem rigorously, lemma by lemma.";
	char *text = test_malloc(200000);
	struct verdict plain, asked;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		text[i] = "the ship came in and left "[i % 26];
	plain = judge(str_make(text, 200000), 0);
	memcpy(text + 200000 - sizeof(ask) + 1, ask, sizeof(ask) - 1);
	asked = judge(str_make(text, 200000), 0);
	assert_int_equal(asked.class, CLASS_maths);
	assert_true(asked.complexity > plain.complexity + 0.2F);
	test_free(text);
}

static void
test_reasons(void **state)
{
	struct verdict v =
	    judge(STR("Prove the lemma. Analyse and design a rigorous proof."), 0);

	(void)state;
	assert_non_null(v.reasons[0]);
	assert_string_equal(v.reasons[0], "asks for a proof or derivation");
}

static void
test_tools_make_an_agent(void **state)
{
	struct verdict with = judge(STR("Look at the list and do it."), 4);
	struct verdict without = judge(STR("Look at the list and do it."), 0);

	(void)state;
	assert_true(with.class_p[CLASS_agent] > without.class_p[CLASS_agent] + 0.2F);
}

static void
test_version(void **state)
{
	(void)state;
	assert_string_equal(classifier_version(classifier_builtin()), "rules-1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_any_bytes),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_tools_make_an_agent),
	    cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
