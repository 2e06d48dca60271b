/* libs: base */
/* test_money.c: to the pico-dollar, at the ends of the ranges too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/money.h"

#define WIDE_MAX ((wide)(~(unsigned __int128)0 >> 1))
#define WIDE_MIN (-WIDE_MAX - 1)

static void
test_divide_rounds_half_to_even(void **state)
{
	static const struct {
		int64_t num, den, want;
	} rows[] = {
	    {0, 1, 0},
	    {1, 2, 0},
	    {3, 2, 2},
	    {5, 2, 2},
	    {7, 2, 4},
	    {-1, 2, 0},
	    {-3, 2, -2},
	    {-5, 2, -2},
	    {-7, 2, -4},
	    {1, 3, 0},
	    {2, 3, 1},
	    {-1, 3, 0},
	    {-2, 3, -1},
	    {10, 4, 2},
	    {14, 4, 4},
	    {-10, 4, -2},
	    {-14, 4, -4},
	    {INT64_MAX, 1, INT64_MAX},
	    {INT64_MIN, 1, INT64_MIN},
	    {INT64_MAX, INT64_MAX, 1},
	    {INT64_MIN, INT64_MAX, -1},
	    {INT64_MAX / 2, INT64_MAX, 0},
	    {INT64_MAX / 2 + 1, INT64_MAX, 1},
	    {-(INT64_MAX / 2), INT64_MAX, 0},
	    {-(INT64_MAX / 2) - 1, INT64_MAX, -1},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct pusd got;

		assert_true(pusd_divide(rows[i].num, rows[i].den, &got));
		assert_true(got.v == rows[i].want);
	}
}

static void
test_divide_says_when_it_does_not_fit(void **state)
{
	struct pusd got = {.v = 7};

	(void)state;
	assert_false(pusd_divide((wide)INT64_MAX + 1, 1, &got));
	assert_false(pusd_divide((wide)INT64_MIN - 1, 1, &got));
	assert_false(pusd_divide(WIDE_MAX, INT64_MAX, &got));
	assert_false(pusd_divide(WIDE_MIN, INT64_MAX, &got));
	assert_false(pusd_divide(WIDE_MIN, 1, &got));
	assert_true(got.v == 7);
	/* Rounding decides: x.5 of an odd number
	 * goes up and out, of an even one stays. */
	assert_false(pusd_divide((wide)INT64_MAX * 2 + 1, 2, &got));
	assert_true(pusd_divide((wide)INT64_MIN * 2 - 1, 2, &got));
	assert_true(got.v == INT64_MIN);
	assert_true(pusd_divide((wide)INT64_MAX * 10 + 4, 10, &got));
	assert_true(got.v == INT64_MAX);
}

static void
test_format(void **state)
{
	static const struct {
		int64_t v;
		const char *want;
	} rows[] = {
	    {0, "0.000000000000"},
	    {1, "0.000000000001"},
	    {-1, "-0.000000000001"},
	    {854585600, "0.000854585600"},
	    {PUSD_PER_USD, "1.000000000000"},
	    {-PUSD_PER_USD - 5, "-1.000000000005"},
	    {INT64_MAX, "9223372.036854775807"},
	    {INT64_MIN, "-9223372.036854775808"},
	};
	char text[PUSD_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		pusd_format((struct pusd){.v = rows[i].v}, text);
		assert_string_equal(text, rows[i].want);
	}
	pusd_sum_format((struct pusd_sum){.v = WIDE_MIN}, text);
	assert_string_equal(text, "-170141183460469231731687303.715884105728");
	pusd_sum_format((struct pusd_sum){.v = WIDE_MAX}, text);
	assert_string_equal(text, "170141183460469231731687303.715884105727");
}

static void
test_round_for_people(void **state)
{
	static const struct {
		int64_t v;
		unsigned places;
		const char *want;
	} rows[] = {
	    {0, 0, "0"},
	    {0, 2, "0.00"},
	    {PUSD_PER_USD / 2, 0, "0"},
	    {PUSD_PER_USD * 3 / 2, 0, "2"},
	    {PUSD_PER_USD / 200, 2, "0.00"},
	    {PUSD_PER_USD * 3 / 200, 2, "0.02"},
	    {-PUSD_PER_USD / 200, 2, "0.00"},
	    {-PUSD_PER_USD * 3 / 200, 2, "-0.02"},
	    {PUSD_PER_USD / 200 + 1, 2, "0.01"},
	    {999999999999, 6, "1.000000"},
	    {5, 12, "0.000000000005"},
	    {INT64_MIN, 12, "-9223372.036854775808"},
	    {INT64_MAX, 11, "9223372.03685477581"},
	};
	char text[PUSD_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		pusd_sum_round((struct pusd_sum){.v = rows[i].v}, rows[i].places, text);
		assert_string_equal(text, rows[i].want);
	}
	pusd_sum_round((struct pusd_sum){.v = WIDE_MIN}, 0, text);
	assert_string_equal(text, "-170141183460469231731687304");
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
	    {"0", 0},
	    {"12", 12 * PUSD_PER_USD},
	    {"0.20", PUSD_PER_USD / 5},
	    {"4000.5", 4000 * PUSD_PER_USD + PUSD_PER_USD / 2},
	    {"0.000000000001", 1},
	    {"9223372.036854775807", INT64_MAX},
	};
	static const char *const bad[] = {"", ".", ".5", "5.", "-1", "+1", " 1", "1 ",
	    "1e3", "1,5", "1.2.3", "0.0000000000001", "9223372.036854775808", "9223373",
	    "99999999999999999999999", "0x1", "1.-5", "NaN", "1_000"};
	struct pusd got = {.v = 7};

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		assert_false(pusd_parse(str_of(bad[i]), &got));
		assert_true(got.v == 7);
	}
	for (size_t i = 0; i < nitems(good); i++) {
		assert_true(pusd_parse(str_of(good[i].text), &got));
		assert_true(got.v == good[i].want);
	}
	assert_false(pusd_parse(str_of(NULL), &got));
}

static void
test_split_and_join(void **state)
{
	static const int64_t values[] = {0, 1, -1, PUSD_PER_USD - 1, PUSD_PER_USD,
	    -PUSD_PER_USD, -PUSD_PER_USD - 1, INT64_MAX, INT64_MIN};
	struct pusd_sum sum = {0};
	int64_t hi, lo;

	(void)state;
	for (size_t i = 0; i < nitems(values); i++) {
		wide v = (wide)values[i] * (i % 2 == 0 ? 1 : 1000000);

		pusd_sum_split((struct pusd_sum){.v = v}, &hi, &lo);
		assert_true(lo >= 0 && lo < PUSD_PER_USD);
		assert_true(pusd_sum_join(hi, lo).v == v);
	}
	for (int i = 0; i < 1000; i++)
		pusd_sum_add(&sum, (struct pusd){.v = INT64_MAX});
	assert_true(sum.v == (wide)INT64_MAX * 1000);
	pusd_sum_split(sum, &hi, &lo);
	assert_true(hi == 9223372036LL && lo == 854775807000LL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_divide_rounds_half_to_even),
	    cmocka_unit_test(test_divide_says_when_it_does_not_fit),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_round_for_people),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_split_and_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
