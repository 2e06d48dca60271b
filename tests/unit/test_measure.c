/* libs: base cli */
/* test_measure.c: the figures of `frugald classifier eval`, against cases that can be
 * reckoned by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/util.h"
#include "cli/classifier_measure.h"

#define NEAR(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-6)

/* A gain of `strong` over `weak`. */
#define GAIN(score, gain)                                \
	{                                                \
		(score), (gain) == -1, (gain) == 1, 0, 0 \
	}

static void
recovers(struct sample *s, size_t n, double apgr, double cpt50, double cpt80)
{
	struct recovery r = measure_recovery(s, n);

	NEAR(r.apgr, apgr);
	NEAR(r.cpt50, cpt50);
	NEAR(r.cpt80, cpt80);
}

static void
test_recovery(void **state)
{
	/* The curve is 0, 1/2, 1/2, 1, 1. */
	struct sample steps[] = {GAIN(1, 0), GAIN(3, 0), GAIN(4, 1), GAIN(2, 1)};
	/* 0, 1, 2, 1: the weak one is better at the last. */
	struct sample above[] = {GAIN(3, 1), GAIN(2, 1), GAIN(1, -1)};
	/* 0, 1, 0, 1: it counts where the line is first crossed. */
	struct sample twice[] = {GAIN(3, 1), GAIN(2, -1), GAIN(1, 1)};
	/* 0, -1, 0, 1 */
	struct sample below[] = {GAIN(3, -1), GAIN(2, 1), GAIN(1, 1)};
	/* Soft outcomes: 0, 3/4, 1. */
	struct sample soft[] = {{2, 0.25F, 1, 0, 0}, {1, 0.5F, 0.75F, 0, 0}};

	(void)state;
	recovers(steps, 4, 0.625, 25, 65);
	recovers(above, 3, 3.5 / 3, 50.0 / 3, 80.0 / 3);
	recovers(twice, 3, 0.5, 50.0 / 3, 80.0 / 3);
	recovers(below, 3, -0.5 / 3, 250.0 / 3, 280.0 / 3);
	recovers(soft, 2, (0.375 + 0.875) / 2, 100.0 / 3, 60);
}

/* Prompts of one score have no order, whatever stands first in the file. */
static void
test_ties(void **state)
{
	struct sample all[] = {GAIN(1, 0), GAIN(1, 1), GAIN(1, 1), GAIN(1, 0)};
	/* 0, 1/4, 1/2, 1 */
	struct sample two[] = {GAIN(2, 1), GAIN(2, 0), GAIN(1, 1)};
	struct sample other[] = {GAIN(1, 1), GAIN(2, 0), GAIN(2, 1)};

	(void)state;
	recovers(all, 4, 0.5, 50, 80);
	recovers(two, 3, 1.25 / 3, 200.0 / 3, 260.0 / 3);
	recovers(other, 3, 1.25 / 3, 200.0 / 3, 260.0 / 3);
}

static void
no_gap(struct sample *s, size_t n)
{
	struct recovery r = measure_recovery(s, n);

	assert_true(isnan(r.apgr) && isnan(r.cpt50) && isnan(r.cpt80));
	assert_true(isnan(measure_interval(s, n, 1).low));
	assert_true(isnan(measure_random(s, n, 1).high));
}

static void
test_no_gap(void **state)
{
	struct sample right[] = {{1, 1, 1, 0.5F, 0}, {2, 1, 1, 0.5F, 0}};
	struct sample wrong[] = {{1, 0, 0, 0.5F, 0}, {2, 0, 0, 0.5F, 0}};
	struct sample even[] = {GAIN(1, 1), GAIN(2, -1)};
	struct sample worse[] = {GAIN(1, 0), GAIN(2, -1)};
	/* The sums of both differ by less than a float can tell. */
	struct sample hair[] = {{1, 0.1F, 0.3F, 0, 0}, {2, 0.3F, 0.1F + 1e-8F, 0, 0}};

	(void)state;
	no_gap(right, 2);
	no_gap(wrong, 2);
	no_gap(even, 2);
	no_gap(worse, 2);
	no_gap(hair, 2);
	no_gap(right, 0);
	assert_true(isnan(measure_auc(right, 2)));
	assert_true(isnan(measure_auc(wrong, 2)));
	assert_true(isnan(measure_auc(right, 0)));
	assert_true(isnan(measure_ece(right, 0)));
	NEAR(measure_ece(right, 2), 0.5);
	NEAR(measure_ece(wrong, 2), 0.5);
}

static void
test_one_row(void **state)
{
	struct sample s[] = {{3, 0, 1, 0.3F, 0}};
	struct range r = measure_interval(s, 1, 1);

	(void)state;
	recovers(s, 1, 0.5, 50, 80);
	NEAR(r.low, 0.5);
	NEAR(r.high, 0.5);
	r = measure_random(s, 1, 1);
	NEAR(r.low, 0.5);
	NEAR(r.high, 0.5);
	assert_true(isnan(measure_auc(s, 1)));
	NEAR(measure_ece(s, 1), 0.3);
}

static void
test_auc(void **state)
{
	/* 3 of 4 pairs are in order */
	struct sample hard[] = {{0, 0, 1, 0.1F, 0}, {0, 0, 1, 0.4F, 0},
	    {0, 1, 1, 0.35F, 0}, {0, 1, 1, 0.8F, 0}};
	/* a tie is half a pair */
	struct sample tie[] = {
	    {0, 0, 1, 0.5F, 0}, {0, 1, 1, 0.5F, 0}, {0, 1, 1, 0.9F, 0}};
	/* a quarter of the first is good: 1/4 * 3/8 + 3/4 * (3/4 + 1/8) */
	struct sample soft[] = {{0, 0.25F, 1, 0.2F, 0}, {0, 0.75F, 1, 0.8F, 0}};

	(void)state;
	NEAR(measure_auc(hard, 4), 0.75);
	NEAR(measure_auc(tie, 3), 0.75);
	NEAR(measure_auc(soft, 2), 0.75);
}

static void
test_ece(void **state)
{
	/* Errors within a bin cancel, between bins they add up: 0.8, 1 and 0.05 of 4.
	 */
	struct sample s[] = {{0, 0, 1, 0.1F, 0}, {0, 1, 1, 0.1F, 0}, {0, 0, 1, 1, 0},
	    {0, 0.5F, 1, 0.45F, 0}};

	(void)state;
	NEAR(measure_ece(s, 4), 1.85 / 4);
	NEAR(measure_ece(s, 2), 0.4);
}

/* ---- ranges ---- */

#define MANY 100

/* Every other one gains. */
static void
fill(struct sample s[MANY])
{
	for (int i = 0; i < MANY; i++)
		s[i] = (struct sample){
		    (float)((i * 37) % MANY), 0, i % 2 == 0, 0.5F, (uint32_t)i};
}

static void
test_random_range(void **state)
{
	struct sample s[MANY];
	struct range r, again;
	/* APGR is the mean place of those that gain, 50 of 100, drawn without putting
	 * back: variance 1/12 / 50 * 50/99. */
	double wide = 1.96 * sqrt(1.0 / 12 / 50 * 50 / 99);

	(void)state;
	fill(s);
	r = measure_random(s, MANY, 1);
	again = measure_random(s, MANY, 1);
	assert_true(fabs(r.low - (0.5 - wide)) < 0.008);
	assert_true(fabs(r.high - (0.5 + wide)) < 0.008);
	assert_true(r.low == again.low && r.high == again.high);
	again = measure_random(s, MANY, 2);
	assert_true(r.low != again.low);
	/* The samples are as they were. */
	for (int i = 0; i < MANY; i++)
		assert_int_equal((int)s[i].score, (i * 37) % MANY);
}

static void
test_interval(void **state)
{
	struct sample s[MANY], same[MANY], turned[MANY];
	struct range r, again;
	double apgr;

	(void)state;
	fill(s);
	apgr = measure_recovery(s, MANY).apgr;
	r = measure_interval(s, MANY, 1);
	again = measure_interval(s, MANY, 1);
	assert_true(r.low < apgr && apgr < r.high);
	/* The mean place of some 50 drawn of places that are even: between the spread
	 * of a random order and that of 50 places on their own. */
	assert_true(r.high - r.low > 2 * 1.96 * sqrt(1.0 / 12 / 50 * 50 / 99) * 0.8);
	assert_true(r.high - r.low < 2 * 1.96 * sqrt(1.0 / 12 / 50) * 1.2);
	assert_true(r.low == again.low && r.high == again.high);
	/* The same prompts in the other order get the same draws. */
	for (int i = 0; i < MANY; i++) {
		turned[i] = s[MANY - 1 - i];
		turned[i].score = -turned[i].score;
	}
	again = measure_interval(turned, MANY, 1);
	NEAR(again.low, 1 - r.high);
	NEAR(again.high, 1 - r.low);
	/* All gain the same: every draw is a straight line. */
	for (int i = 0; i < MANY; i++)
		same[i] = (struct sample){(float)i, 0, 1, 0, (uint32_t)i};
	r = measure_interval(same, MANY, 1);
	NEAR(r.low, 0.5);
	NEAR(r.high, 0.5);
}

/* The gap of a third of the draws is 0: nothing can be said. */
static void
test_interval_without_gap(void **state)
{
	struct sample s[] = {{3, 0, 1, 0, 0}, {2, 0, 0, 0, 1}, {1, 0, 0, 0, 2}};
	struct range r = measure_interval(s, 3, 1);

	(void)state;
	assert_true(isnan(r.low) && isnan(r.high));
	assert_true(measure_random(s, 3, 1).low < 0.5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_recovery),
	    cmocka_unit_test(test_ties),
	    cmocka_unit_test(test_no_gap),
	    cmocka_unit_test(test_one_row),
	    cmocka_unit_test(test_auc),
	    cmocka_unit_test(test_ece),
	    cmocka_unit_test(test_random_range),
	    cmocka_unit_test(test_interval),
	    cmocka_unit_test(test_interval_without_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
