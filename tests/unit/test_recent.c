/* What keys have spent in the last minute and hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/env.h"
#include "report/recent.h"

struct seen {
	unsigned lines;
	struct recent_sum minute, hour;
};

static void
on_line(void *arg, const struct recent_line *l)
{
	struct seen *s = arg;

	s->lines++;
	s->minute = l->minute;
	s->hour = l->hour;
}

static struct seen
look(const struct recent *r, int64_t second)
{
	struct seen s = {0};

	recent_each(r, second * NS_PER_S, on_line, &s);
	return s;
}

static void
spend(struct recent *r, const char *key, int64_t second, int64_t pusd)
{
	recent_add(r, str_of(key), STR("team"), second * NS_PER_S,
	    (struct pusd_sum){pusd}, pusd == 0);
}

static void
test_a_minute_and_an_hour_pass(void **state)
{
	struct recent *r = recent_new();

	(void)state;
	spend(r, "ci", 1000, 5);
	spend(r, "ci", 1030, 7);
	spend(r, "ci", 1030, 0);
	assert_int_equal(look(r, 1030).minute.spent.v, 12);
	assert_int_equal(look(r, 1030).minute.requests, 3);
	assert_int_equal(look(r, 1030).minute.refused, 1);
	assert_int_equal(look(r, 1059).minute.spent.v, 12);
	assert_int_equal(look(r, 1060).minute.spent.v, 7);
	assert_int_equal(look(r, 1090).minute.spent.v, 0);
	assert_int_equal(look(r, 1090).hour.spent.v, 12);
	assert_int_equal(look(r, 1000 + 3000).hour.spent.v, 12);
	assert_int_equal(look(r, 1000 + 3720).lines, 0);
	/* The same second of the next minute is another one. */
	spend(r, "ci", 1060, 1);
	assert_int_equal(look(r, 1060).minute.spent.v, 8);
	recent_free(r);
}

/* What clients' keys are is the operator's doing, but memory is bounded all the same.
 */
static void
test_many_keys_are_one(void **state)
{
	struct recent *r = recent_new();
	char key[24];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		spend(r, key, 10, 1);
	}
	assert_int_equal(look(r, 10).lines, 4097);
	recent_free(r);
}

/* A gateway for pipelines sees new names all day. */
static void
test_names_that_do_not_come_again(void **state)
{
	struct recent *r = recent_new();
	char key[40];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "ci:test:%u", i);
		spend(r, key, 10, 1);
	}
	spend(r, "ci:test:4095", 3600, 1);
	spend(r, "late", 3700, 7);
	assert_int_equal(look(r, 3700).lines, 2);
	spend(r, "later", 3700, 7);
	assert_int_equal(look(r, 3700).lines, 3);
	recent_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_minute_and_an_hour_pass),
	    cmocka_unit_test(test_many_keys_are_one),
	    cmocka_unit_test(test_names_that_do_not_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
