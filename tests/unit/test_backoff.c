/* libs: base call */
/* test_backoff.c: waiting times double up to their ceiling, within their spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backoff.h"

static void
within(int64_t ms, int64_t middle)
{
	assert_in_range(ms, middle - middle / 5, middle + middle / 5);
}

static void
test_doubles(void **state)
{
	(void)state;
	for (uint64_t draw = 0; draw < 1000; draw++) {
		within(backoff_ms(5000, 60000, 0, draw), 5000);
		within(backoff_ms(5000, 60000, 1, draw), 10000);
		within(backoff_ms(5000, 60000, 3, draw), 40000);
		within(backoff_ms(5000, 60000, 4, draw), 60000);
		within(backoff_ms(5000, 60000, 4000000000U, draw), 60000);
	}
}

static void
test_spreads(void **state)
{
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (uint64_t draw = 0; draw < 1000; draw++) {
		int64_t ms = backoff_ms(1000, 1000, 0, draw);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_int_equal(least, 800);
	assert_int_equal(most, 1200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_doubles),
	    cmocka_unit_test(test_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
