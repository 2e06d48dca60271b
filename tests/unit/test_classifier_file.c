/* libs: base core classify */
/* test_classifier_file.c: a weights file is taken whole and right, or not at all; the
 * same lessons make the same file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "core/request.h"
#include "model.h"

static char *
copy(size_t *ret_len)
{
	*ret_len = classifier_builtin()->bytes;
	return xmemdup(classifier_builtin(), *ret_len);
}

/* The checksum made right again: what is left to find is what was written. */
static void
seal(char *file, size_t len)
{
	struct classifier *c = (struct classifier *)(void *)file;
	size_t head = offsetof(struct classifier, crc) + sizeof(c->crc);

	c->crc = hash_crc32c(0, file + head, len - head);
}

static void
refused(const char *file, size_t len, const char *why_part)
{
	const char *why = NULL;

	assert_null(classifier_open(str_make(file, len), &why));
	assert_non_null(why);
	if (strstr(why, why_part) == NULL)
		fail_msg("'%s' says nothing of '%s'", why, why_part);
}

static void
test_whole(void **state)
{
	const char *why = NULL;
	size_t len;
	char *file = copy(&len);

	(void)state;
	assert_true(len <= CLASSIFIER_BYTES_MAX);
	assert_non_null(classifier_open(str_make(file, len), &why));
	assert_null(why);
	xfree(file);
}

static void
test_cut_off(void **state)
{
	size_t len;
	char *file = copy(&len);

	(void)state;
	refused(file, 0, "no file of weights");
	refused(file, 7, "no file of weights");
	refused(file, 8, "cut off");
	refused(file, len / 2, "cut off");
	refused(file, len - 1, "cut off");
	xfree(file);
}

static void
test_damaged(void **state)
{
	size_t len;
	char *file = copy(&len);

	(void)state;
	for (size_t at = offsetof(struct classifier, name); at < len; at += len / 61) {
		file[at] ^= 4;
		refused(file, len, "damaged");
		file[at] ^= 4;
	}
	file[0] ^= 1;
	refused(file, len, "no file of weights");
	xfree(file);
}

static void
test_other_release(void **state)
{
	static const size_t at[] = {offsetof(struct classifier, format),
	    offsetof(struct classifier, endian), offsetof(struct classifier, features),
	    offsetof(struct classifier, buckets), offsetof(struct classifier, surfaces),
	    offsetof(struct classifier, heads)};
	size_t len;
	char *file = copy(&len);

	(void)state;
	for (size_t i = 0; i < nitems(at); i++) {
		file[at[i]]++;
		seal(file, len);
		refused(file, len, "another release");
		file[at[i]]--;
	}
	xfree(file);
}

/* A right checksum is no promise. */
static void
test_senseless(void **state)
{
	size_t len;
	char *file = copy(&len);
	struct classifier *c = (struct classifier *)(void *)file;
	float before = c->need_tier;

	(void)state;
	c->need_tier = __builtin_nanf("");
	seal(file, len);
	refused(file, len, "no sense");
	c->need_tier = before;
	c->profile.class[0]++; /* more than there were requests */
	seal(file, len);
	refused(file, len, "no sense");
	c->profile.class[0]--;
	for (size_t i = 0; i < LEXICON_SLOTS; i++)
		c->lexicon.slot[i] = 1 << 8 | 1; /* a search would never end */
	seal(file, len);
	refused(file, len, "no sense");
	xfree(file);
}

static void
test_bind(void **state)
{
	struct diag *d = diag_new();
	struct snapshot s = {.path = "frugald.yaml"};
	const struct diag_finding *f;
	size_t n, len;
	char *file = copy(&len);

	(void)state;
	assert_true(classifier_bind(&s, d));
	assert_ptr_equal(s.classifier, classifier_builtin());
	s.classifier_path = "own.bin";
	s.classifier_file = str_make(file, len);
	assert_true(classifier_bind(&s, d));
	assert_ptr_equal(s.classifier, file);
	file[len - 1] ^= 1;
	assert_false(classifier_bind(&s, d));
	f = diag_findings(d, &n);
	assert_int_equal(n, 1);
	assert_string_equal(f[0].at.file, "frugald.yaml");
	assert_string_equal(f[0].text,
	    "'own.bin': it is damaged: its checksum does not fit; copy it again");
	diag_free(d);
	xfree(file);
}

/* ---- training ---- */

/* Each shares words with others of its kind, which are judged without it. */
static const char *const easy[] = {"hello there", "good morning to you", "hi friend",
    "tell me a joke", "hey what is up", "nice weather today", "hello friend",
    "good morning", "hi there to you", "tell me what is up", "hey hello friend",
    "nice morning today"};
static const char *const hard[] = {"prove the theorem", "derive the lemma rigorously",
    "show that the series converges", "prove the bound by induction",
    "derive a counterexample and prove it", "prove that the group is cyclic",
    "prove the lemma", "derive the bound rigorously", "show the theorem by induction",
    "prove that the series converges", "derive the group and prove it",
    "prove the series by induction"};

static void
train(struct buf *ret)
{
	struct train_options o = {.l2_words = 1,
	    .l2_surface = 5,
	    .requests = 1,
	    .l2_class = 1,
	    .l2_tier_words = 1,
	    .l2_tier_surface = 5,
	    .need_tier = 0.1F,
	    .rounds = 20,
	    .seed = 1};
	struct trainer *t = trainer_new(&o);

	for (size_t i = 0; i < 48; i++) {
		struct lesson l = {0.9F, 0.95F, CLASS_chat, 0, 0};
		struct lesson m = {0.2F, 0.8F, CLASS_maths, 2, 1};
		struct lesson exam = {0.2F, 0.8F, -1, -1, 2};

		trainer_add_text(t, str_of(easy[i % nitems(easy)]), &l);
		trainer_add_text(t, str_of(hard[i % nitems(hard)]), &m);
		trainer_add_text(t, STR("is a zebra striped"), &exam);
	}
	assert_true(trainer_fit(t, STR("{\"rows\":96}"), ret));
	trainer_free(t);
}

static void
test_train(void **state)
{
	struct buf a, b;
	const struct classifier *c;
	const char *why = "";
	struct verdict v, w;

	(void)state;
	buf_init(&a, CLASSIFIER_BYTES_MAX);
	buf_init(&b, CLASSIFIER_BYTES_MAX);
	train(&a);
	train(&b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	c = classifier_open(buf_str(&a), &why);
	assert_string_equal(why, "");
	assert_non_null(c);
	assert_true(str_is(classifier_manifest(c), "{\"rows\":96}"));
	classify_text(c, STR("hello friend, good morning"), &v);
	classify_text(c, STR("prove the lemma by induction"), &w);
	assert_int_equal(v.class, CLASS_chat);
	assert_int_equal(w.class, CLASS_maths);
	assert_true(v.p_small > 0.6F && w.p_small < 0.4F);
	assert_true(v.complexity < 1.0F / 3 && w.complexity > 2.0F / 3);
	assert_true(w.need > v.need + 0.2F);
	buf_fini(&a);
	buf_fini(&b);
}

/* The profile is what the daemon would count of the labelled requests, and of no more:
 * by weights that had not seen them, so that how hard they are is known less surely. */
static void
test_profile(void **state)
{
	struct profile want = {.requests = 96};
	const struct classifier *c;
	const struct profile *got;
	unsigned sum = 0;
	const char *why = "";
	struct verdict v;
	struct buf a;

	(void)state;
	buf_init(&a, CLASSIFIER_BYTES_MAX);
	train(&a);
	c = classifier_open(buf_str(&a), &why);
	assert_non_null(c);
	for (size_t i = 0; i < 96; i++) {
		classify_text(c,
		    str_of(i % 2 == 0 ? easy[i / 2 % nitems(easy)]
				      : hard[i / 2 % nitems(hard)]),
		    &v);
		want.class[v.class]++;
		want.complexity[profile_bin(v.complexity)]++;
		want.confidence[profile_bin(v.confidence)]++;
	}
	got = classifier_profile(c);
	assert_int_equal(got->requests, 96);
	assert_memory_equal(got->class, want.class, sizeof(want.class));
	assert_memory_equal(got->confidence, want.confidence, sizeof(want.confidence));
	for (unsigned i = 0; i < PROFILE_BINS; i++)
		sum += got->complexity[i];
	assert_int_equal(sum, 96);
	assert_int_equal(want.class[CLASS_chat], 48);
	assert_int_equal(want.confidence[PROFILE_BINS - 1], 96);
	buf_fini(&a);
}

static void
test_bins(void **state)
{
	(void)state;
	assert_int_equal(profile_bin(0), 0);
	assert_int_equal(profile_bin(0.1999F), 1);
	assert_int_equal(profile_bin(0.5F), 5);
	assert_int_equal(profile_bin(1), 9);
}

/* Words are nothing to it: those of other letters, as many and as long, are the same.
 * On the mean over the lessons it is right, as every fit with a constant is. */
static void
test_surface_only(void **state)
{
	struct verdict v, w;
	const char *why;
	struct buf file;
	const struct classifier *c;
	float sum = 0;
	size_t count;

	(void)state;
	buf_init(&file, CLASSIFIER_BYTES_MAX);
	train(&file);
	c = classifier_open(buf_str(&file), &why);
	assert_non_null(c);
	classify_surface_text(c, STR("quzzy morbling"), &v);
	classify_surface_text(c, STR("vetch salvages"), &w);
	assert_memory_equal(&v, &w, sizeof(v));
	assert_true(fabsf(v.need - (v.p_frontier - v.p_small)) < 1e-6F);
	classify_surface_text(c, str_of(hard[4]), &w);
	assert_true(w.p_small < v.p_small - 0.1F && w.need > v.need + 0.1F);
	for (size_t i = 0; i < nitems(easy); i++) {
		classify_surface_text(c, str_of(easy[i]), &v);
		classify_surface_text(c, str_of(hard[i]), &w);
		sum += v.p_small + w.p_small;
	}
	classify_surface_text(c, STR("is a zebra striped"), &v);
	count = nitems(easy);
	sum = (sum / (float)count + v.p_small) / 3;
	assert_true(fabsf(sum - (0.9F + 0.2F + 0.2F) / 3) < 0.02F);
	buf_fini(&file);
}

static void
test_nothing_to_learn(void **state)
{
	struct train_options o = {.rounds = 1};
	struct trainer *t = trainer_new(&o);
	struct buf file;

	(void)state;
	buf_init(&file, CLASSIFIER_BYTES_MAX);
	assert_false(trainer_fit(t, STR("{}"), &file));
	assert_int_equal(file.len, 0);
	buf_fini(&file);
	trainer_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_other_release),
	    cmocka_unit_test(test_senseless),
	    cmocka_unit_test(test_bind),
	    cmocka_unit_test(test_train),
	    cmocka_unit_test(test_profile),
	    cmocka_unit_test(test_bins),
	    cmocka_unit_test(test_surface_only),
	    cmocka_unit_test(test_nothing_to_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
