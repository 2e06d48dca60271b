/* libs: base config core report */
/* test_replay_places.c: places of a machine that was not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "replay_places.h"

#define NOON 43200000LL

static void
no_place(void **state)
{
	struct replay_places p = {.count = 0};

	(void)state;
	assert_false(replay_places_free(&p, NOON));
}

static void
taken_until_it_is_over(void **state)
{
	struct replay_places p = {.count = 2};
	struct replay_local l = {0};

	(void)state;
	assert_true(replay_places_free(&p, NOON));
	replay_places_take(&p, NOON, 1000, &l);
	assert_true(replay_places_free(&p, NOON));
	replay_places_take(&p, NOON + 10, 3000, &l);
	assert_false(replay_places_free(&p, NOON + 999));
	assert_true(replay_places_free(&p, NOON + 1000));
	replay_places_take(&p, NOON + 1000, 1000, &l);
	assert_false(replay_places_free(&p, NOON + 1999));
	assert_true(replay_places_free(&p, NOON + 2000));
	assert_int_equal(l.requests, 3);
	assert_int_equal(l.requests_by_hour[12], 3);
	assert_float_equal(l.busy_s, 5, 1e-9);
	assert_float_equal(l.busy_by_hour_s[12], 5, 1e-9);
	assert_float_equal(l.busy_by_hour_s[11], 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_place),
	    cmocka_unit_test(taken_until_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
