/* libs: base core config auth meter budget */
/* test_learn_cost.c: what is held for expected costs begins with caution, comes down to
 * what was seen, and goes up with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/request.h"
#include "meter/learn_cost.h"

/* An answer that cost `percent` of a cent that was expected. */
static void
learn(struct learn_cost *c, int percent)
{
	const struct slot_attempt a = {
	    .expected_usd = 0.01F, .amount_pusd = percent * (PUSD_PER_USD / 10000)};

	cost_learn(c, &a);
}

static double
factor(const struct learn_cost *c)
{
	return (double)cost_p99(c).mean;
}

static void
test_caution_first(void **state)
{
	struct learn_cost c = {0};

	(void)state;
	assert_true(outlook_cost_p99(NULL, "luna") >= COST_PRIOR);
	assert_true(cost_p99(&c).samples <= 0);
	for (int i = 0; i < 90; i++)
		learn(&c, 50);
	/* Of so few nobody knows what one of a hundred costs. */
	assert_true(factor(&c) >= COST_PRIOR);
	for (int i = 0; i < 60; i++)
		learn(&c, 50);
	assert_true(factor(&c) >= 0.5 && factor(&c) < 0.6);
}

static void
test_the_dearest_hundredth(void **state)
{
	struct learn_cost c = {0};

	(void)state;
	for (int i = 0; i < 4000; i++)
		learn(&c, i % 50 == 0 ? 900 : 80);
	assert_true(factor(&c) >= 9 && factor(&c) < 10);
	/* What has become cheap is held for as such, after a while. */
	for (int i = 0; i < 20000; i++)
		learn(&c, 80);
	assert_true(factor(&c) >= 0.8 && factor(&c) < 0.9);
}

static void
test_what_has_no_expectation_teaches_nothing(void **state)
{
	const struct slot_attempt none[] = {
	    {.expected_usd = -1, .amount_pusd = PUSD_PER_USD},
	    {.expected_usd = 0, .amount_pusd = PUSD_PER_USD},
	    {.expected_usd = 1, .amount_pusd = -1}};
	struct learn_cost c = {0};

	(void)state;
	for (size_t i = 0; i < nitems(none); i++)
		cost_learn(&c, &none[i]);
	assert_true(cost_p99(&c).samples <= 0);
}

static void
test_a_restart_goes_on(void **state)
{
	const struct outlook_mean seen = {.mean = 2, .samples = 3000};
	struct learn_cost c;

	(void)state;
	cost_begin(&c, &seen);
	assert_true(factor(&c) >= 2 && factor(&c) < 2.5);
	for (int i = 0; i < 100; i++)
		learn(&c, 100);
	assert_true(factor(&c) >= 2 && factor(&c) < 2.5);
	for (int i = 0; i < 2000; i++)
		learn(&c, 100);
	assert_true(factor(&c) >= 1 && factor(&c) < 1.2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_caution_first),
	    cmocka_unit_test(test_the_dearest_hundredth),
	    cmocka_unit_test(test_what_has_no_expectation_teaches_nothing),
	    cmocka_unit_test(test_a_restart_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
