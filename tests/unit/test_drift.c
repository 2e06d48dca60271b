/* libs: base core classify report */
/* test_drift.c: PSI by hand, the window, and an event when a figure has moved and when
 * it is back, not in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "drift.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static void
test_psi_by_hand(void **state)
{
	const uint32_t trained[2] = {50, 50}, empty[2] = {100, 0};
	const double same[2] = {7, 7}, other[2] = {8, 2}, half[2] = {1, 1};

	(void)state;
	NEAR(psi(same, trained, 2), 0);
	/* 0.3 ln 1.6 - 0.3 ln 0.4 = 0.3 ln 4 */
	NEAR(psi(other, trained, 2), 0.3 * 1.3862943611);
	/* -0.5 ln 0.5 + 0.4995 ln 1000: the empty bin counts 0.0005 */
	NEAR(psi(half, empty, 2), 0.5 * 0.6931471806 + 0.4995 * 6.9077552790);
}

/* 1200 requests, each class and each tenth alike. */
static struct profile
even(void)
{
	struct profile p = {.requests = 1200};

	for (unsigned i = 0; i < CLASS_COUNT; i++)
		p.class[i] = 100;
	for (unsigned i = 0; i < PROFILE_BINS; i++)
		p.complexity[i] = p.confidence[i] = 120;
	return p;
}

/* `n` requests: complexity `at`, or -1: all alike; the rest all alike. `n`: a multiple
 * of 60. */
static void
serve(struct drift_sums *s, unsigned n, int at)
{
	for (unsigned i = 0; i < n; i++) {
		s->bin[FIGURE_class][i % CLASS_COUNT]++;
		s->bin[FIGURE_complexity][at < 0 ? i % PROFILE_BINS : (unsigned)at]++;
		s->bin[FIGURE_confidence][i % PROFILE_BINS]++;
	}
	s->words += n * 10;
	s->unknown_words += n;
}

static void
test_few_are_not_judged(void **state)
{
	struct drift d = {0};
	struct drift_sums s = {0};
	struct profile p = even();

	(void)state;
	drift_begin(&d, &p, "w1-a");
	serve(&s, 480, 9);
	assert_int_equal(drift_take(&d, &s, 1), 0);
	assert_true(isnan(d.psi[FIGURE_complexity]));
	serve(&s, 60, 9);
	assert_int_equal(drift_take(&d, &s, 2), 1);
	assert_true(d.psi[FIGURE_complexity] > 0.25);
	p.requests = 120; /* nor is anything judged by few */
	drift_begin(&d, &p, "w1-b");
	assert_int_equal(drift_take(&d, &s, 3), 0);
	serve(&s, 6000, 9);
	assert_int_equal(drift_take(&d, &s, 4), 0);
	assert_true(isnan(d.psi[FIGURE_complexity]));
}

static void
test_moved_and_back(void **state)
{
	struct drift d = {0};
	struct drift_sums s = {0};
	struct profile p = even();
	unsigned events = 0;

	(void)state;
	drift_begin(&d, &p, "w1-a");
	serve(&s, 600, -1);
	assert_int_equal(drift_take(&d, &s, 1), 0);
	NEAR(d.psi[FIGURE_complexity], 0);
	while (d.psi[FIGURE_complexity] <= 0.25) {
		assert_int_equal(events, 0); /* 0.1 and more is no event */
		serve(&s, 60, 9);
		events += drift_take(&d, &s, 2);
	}
	assert_int_equal(events, 1);
	assert_true(d.moved[FIGURE_complexity]);
	assert_false(d.moved[FIGURE_class] || d.moved[FIGURE_confidence]);
	assert_non_null(strstr(d.event[0].text, "PSI of complexity 0."));
	assert_non_null(strstr(d.event[0].text, "complexity 0.9-1.0 is "));
	assert_non_null(strstr(d.event[0].text, "10.0 % in the training set"));
	while (d.psi[FIGURE_complexity] >= 0.1) {
		assert_true(d.moved[FIGURE_complexity]);
		assert_int_equal(events, 1); /* nor is 0.25 and less */
		serve(&s, 60, -1);
		events += drift_take(&d, &s, 3);
	}
	assert_int_equal(events, 2);
	assert_false(d.moved[FIGURE_complexity] || d.event[1].moved);
	assert_non_null(strstr(d.event[1].text, "again like those"));
	assert_int_equal(d.moves[FIGURE_complexity], 1);
}

static void
test_a_request_weighs_half_behind_2000(void **state)
{
	struct drift d = {0};
	struct drift_sums s = {0};
	struct profile p = even();

	(void)state;
	drift_begin(&d, &p, "w1-a");
	s.bin[FIGURE_class][3] = s.words = 1000;
	(void)drift_take(&d, &s, 1);
	s.bin[FIGURE_class][4] = 2000;
	(void)drift_take(&d, &s, 1);
	NEAR(d.bin[FIGURE_class][3], 500);
	NEAR(d.bin[FIGURE_class][4], 2000);
	NEAR(d.words, 500);
	assert_int_equal(drift_window(&d, FIGURE_class), 2500);
}

static void
test_other_weights_begin_anew(void **state)
{
	struct drift d = {0};
	struct drift_sums s = {0};
	struct profile p = even();

	(void)state;
	drift_begin(&d, &p, "w1-a");
	serve(&s, 6000, 9);
	assert_int_equal(drift_take(&d, &s, 1), 1);
	drift_begin(&d, &p, "w1-b");
	serve(&s, 60, 9); /* of the old ones, not looked at yet */
	assert_int_equal(drift_take(&d, &s, 2), 0);
	assert_int_equal(d.requests, 0);
	assert_true(isnan(d.psi[FIGURE_complexity]));
	serve(&s, 600, -1);
	assert_int_equal(drift_take(&d, &s, 3), 0);
	NEAR(d.psi[FIGURE_complexity], 0);
	assert_int_equal(d.requests, 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_psi_by_hand),
	    cmocka_unit_test(test_few_are_not_judged),
	    cmocka_unit_test(test_moved_and_back),
	    cmocka_unit_test(test_a_request_weighs_half_behind_2000),
	    cmocka_unit_test(test_other_weights_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
