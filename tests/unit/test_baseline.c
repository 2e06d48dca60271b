/* libs: base core config budget meter */
/* test_baseline.c: how sure it is what requests would have cost elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stage/meter.h"

#define USD PUSD_PER_USD

static void
same(struct pusd_sum got, double usd)
{
	double is = (double)got.v / (double)USD;

	if (is < usd * 0.999 || is > usd * 1.001)
		fail_msg("%f is not %f", is, usd);
}

static struct pusd_sum
half_of(unsigned requests, int64_t each, uint32_t output_ppm, uint32_t samples)
{
	struct pusd_sum bias = {0}, var = {0};

	for (unsigned i = 0; i < requests; i++)
		baseline_error(each, output_ppm, samples, &bias, &var);
	return baseline_half_95(bias, var);
}

/* $1 for the answer, of which 80 were seen: 1.96 * sqrt(1 + 1/100). */
static void
test_one_answer_is_as_unsure_as_it_is_long(void **state)
{
	(void)state;
	same(half_of(1, USD, 1000000, 80), 1.96 * 1.00499);
	same(half_of(1, 4 * USD, 250000, 80), 1.96 * 1.00499);
}

/* Single answers even out, but all are expected by one length. */
static void
test_many_do_not_make_a_wrong_length_right(void **state)
{
	(void)state;
	same(half_of(10000, USD / 100, 1000000, 80), 1.96 * 100 * 0.100499);
	same(half_of(10000, USD / 100, 1000000, 0), 1.96 * 100 * 0.22383);
}

static void
test_the_prompt_is_known(void **state)
{
	(void)state;
	assert_true(half_of(100, USD, 0, 0).v == 0);
	assert_true(half_of(100, -1, 1000000, 0).v == 0);
}

/* The greatest amounts of many rows stay within 128 bits. */
static void
test_sums_beyond_64_bits(void **state)
{
	(void)state;
	assert_true(half_of(100000, INT64_MAX, 1000000, 0).v > (wide)INT64_MAX * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_answer_is_as_unsure_as_it_is_long),
	    cmocka_unit_test(test_many_do_not_make_a_wrong_length_right),
	    cmocka_unit_test(test_the_prompt_is_known),
	    cmocka_unit_test(test_sums_beyond_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
