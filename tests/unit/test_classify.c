/* libs: base core classify */
/* test_classify.c: what the classifier promises whatever it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/request.h"
#include "model.h"

static struct verdict
judge(struct str text, uint32_t tools)
{
	struct prompt_piece piece = {.raw = text, .role = ROLE_user};
	struct task t = {.max_output = -1, .tools = tools, .messages = 1, .turns = 1};
	struct prompt p = {.pieces = &piece, .count = 1};
	struct verdict v;

	classify(classifier_builtin(), &t, &p, &v);
	return v;
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
	assert_true(v->p_small >= 0 && v->p_small <= 1);
	assert_true(v->p_frontier >= 0 && v->p_frontier <= 1);
}

static const char alphabet[] = "ab \\nu{}=*-?;\xc3\x9c\xe4\xbf\xa1\"1.\xe0\xb8\x81";

/* Bytes that come out of a hat: the same for the same seed. */
static void
draw(char *text, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1;
		text[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
	}
}

/* Any bytes, also torn escapes and half characters. */
static void
test_any_bytes(void **state)
{
	char text[12000];

	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct verdict v;

		draw(text, round * 40, round);
		v = judge(str_make(text, round * 40), 0);
		check_bounds(&v);
	}
}

static void
read_cut(struct features *f, const struct lexicon *l, struct str text, size_t cut)
{
	struct walk w;

	features_init(f, l);
	walk_begin(&w, f, PART_task, false);
	for (; text.len > cut; text = str_skip(text, cut))
		walk_feed(&w, str_make(text.p, cut));
	walk_feed(&w, text);
	walk_end(&w);
}

static void
assert_same(const struct features *a, const struct features *b)
{
	assert_int_equal(a->tokens, b->tokens);
	assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
	assert_memory_equal(a->first_cue, b->first_cue, sizeof(a->first_cue));
	assert_memory_equal(&a->first_line, &b->first_line, sizeof(a->first_line));
	assert_memory_equal(&a->last_line, &b->last_line, sizeof(a->last_line));
	assert_memory_equal(a->bucket, b->bucket, a->tokens * sizeof(a->bucket[0]));
	assert_memory_equal(a->add, b->add, a->tokens);
}

/* The bytes come in pieces that know nothing of words, characters and escapes. */
static void
test_cut_anywhere(void **state)
{
	static struct features whole, cut;
	static struct lexicon lexicon;
	char text[900];

	(void)state;
	lexicon_make(&lexicon);
	for (uint64_t seed = 0; seed < 20; seed++) {
		draw(text, sizeof(text), seed);
		read_cut(&whole, &lexicon, str_make(text, sizeof(text)), sizeof(text));
		for (size_t n = 1; n < 12; n++) {
			read_cut(&cut, &lexicon, str_make(text, sizeof(text)), n);
			assert_same(&whole, &cut);
		}
	}
}

/* Training reads texts, requests carry them with escapes. */
static void
test_escapes(void **state)
{
	static const char raw[] = "\\u00dcbersetze: \\\"na\\u00efve\\\"\\n\\tC:\\\\x "
				  "\\ud83d\\ude00 \\u7ffb\\u8bd1 caf\\u00e9";
	static const char plain[] = "\xc3\x9c"
				    "bersetze: \"na\xc3\xafve\"\n\tC:\\x "
				    "\xf0\x9f\x98\x80 \xe7\xbf\xbb\xe8\xaf\x91 "
				    "caf\xc3\xa9";
	static struct features a, b;
	static struct lexicon lexicon;

	(void)state;
	lexicon_make(&lexicon);
	read_cut(&a, &lexicon, STR(raw), sizeof(raw));
	features_init(&b, &lexicon);
	features_read_text(&b, STR(plain));
	assert_same(&a, &b);
	assert_int_equal(a.counts.cue[CUE_translate], 2);
}

/* What is asked of a long text stands in its first or in its last line. */
static void
test_lines(void **state)
{
	static struct features f;
	static const struct task task = {.max_output = -1, .messages = 1, .turns = 1};
	struct lexicon l;
	float v[SURFACE_COUNT];

	(void)state;
	lexicon_make(&l);
	features_init(&f, &l);
	features_read_text(
	    &f, str_of("Minutes of the meeting of the board\n\nAlice was "
		       "late again.\n  \nWho was late?\n\n"));
	assert_int_equal(f.first_line.words, 7);
	assert_int_equal(f.first_line.questions, 0);
	assert_int_equal(f.last_line.words, 3);
	assert_int_equal(f.last_line.questions, 1);
	assert_int_equal(f.last_line.cue[CUE_fact], 2);
	features_surface(&f, &task, v);
	assert_true(v[SURFACE_last_question] == 1);
	assert_float_equal(v[SURFACE_last_share], 3.0 / 14, 1e-6);
	assert_true(v[SURFACE_last_fact] > 0);
}

static void
test_portable(void **state)
{
	static struct features f;
	const struct classifier *c = classifier_builtin();
	int32_t fast[HEAD_COUNT], plain[HEAD_COUNT];
	char text[5000];

	(void)state;
	for (size_t len = 1; len < sizeof(text); len += 97) {
		draw(text, len, len);
		read_cut(&f, &c->lexicon, str_make(text, len), len);
		rows_sum(c, &f, 0, fast);
		rows_sum_plain(c, &f, 0, plain);
		assert_memory_equal(fast, plain, sizeof(fast));
	}
	assert_int_not_equal(plain[HEAD_small], 0);
}

/* Of a long text the end counts too: a question often stands behind its material. */
static void
test_tail(void **state)
{
	static const char ask[] = "\\nProve the theorem rigorously, lemma by lemma.";
	char *text = test_malloc(200000);
	struct verdict plain, asked, middle;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		text[i] = "the ship came in and left "[i % 26];
	plain = judge(str_make(text, 200000), 0);
	memcpy(text + 200000 - sizeof(ask) + 1, ask, sizeof(ask) - 1);
	asked = judge(str_make(text, 200000), 0);
	assert_true(asked.class_p[CLASS_maths] > plain.class_p[CLASS_maths]);
	memcpy(text + 100000, ask, sizeof(ask) - 1); /* nobody looks there */
	middle = judge(str_make(text, 200000), 0);
	assert_memory_equal(&middle, &asked, sizeof(asked));
	test_free(text);
}

static void
test_tools_make_an_agent(void **state)
{
	struct verdict with = judge(STR("Look at the list and do it."), 4);
	struct verdict without = judge(STR("Look at the list and do it."), 0);

	(void)state;
	assert_true(with.class_p[CLASS_agent] > without.class_p[CLASS_agent] + 0.2F);
}

/* A text of words that no training text had is one to be unsure of. */
static void
test_confidence(void **state)
{
	struct verdict known = judge(STR("Write a letter to the mayor about it."), 0);
	struct verdict strange =
	    judge(STR("Zqxvub blorfnex quzzlip wrenthok vashmurb ploknid gruvash."), 0);

	(void)state;
	assert_true(known.confidence > 0.5F);
	assert_true(strange.confidence < 0.3F);
}

static void
test_reasons(void **state)
{
	struct verdict v =
	    judge(STR("Prove the lemma. Analyse and design a rigorous proof."), 0);

	(void)state;
	assert_non_null(v.reasons[0]);
	v = judge(STR(""), 0);
	assert_null(v.reasons[3]);
}

static void
test_lexicon(void **state)
{
	struct lexicon l;
	unsigned taken = 0;

	(void)state;
	lexicon_make(&l);
	for (size_t i = 0; i < LEXICON_SLOTS; i++)
		taken += l.slot[i] != 0;
	/* Searches end at a free slot, so there must be many. */
	assert_true(taken > 500 && taken < LEXICON_SLOTS / 2);
}

static void
test_version(void **state)
{
	const char *version = classifier_version(classifier_builtin());

	(void)state;
	assert_memory_equal(version, "w1-", 3);
	assert_int_equal(strlen(version), 11);
	assert_true(classifier_manifest(classifier_builtin()).len > 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_bytes),
	    cmocka_unit_test(test_cut_anywhere),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_portable),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_tools_make_an_agent),
	    cmocka_unit_test(test_confidence),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_lexicon),
	    cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
