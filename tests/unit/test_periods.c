/* libs: base core config auth meter budget */
/* test_periods.c: periods of budgets follow one another without a gap, whatever the
 * clock of their zone does, and begin when people there would say so. */
#include "policy.h"

#include <string.h>

#include "config/zone.h"
#include "core/request.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct zone *
zone_of(struct arena *mem, const char *rule)
{
	static const char block[] = ZONE_HEAD ZONE_COUNTS ZONE_TYPE;
	char text[512];
	size_t n = sizeof(block) - 1;

	memcpy(text, block, n);
	memcpy(text + n, block, n);
	snprintf(text + 2 * n, sizeof(text) - 2 * n, "\n%s\n", rule);
	return zone_parse(str_make(text, 2 * n + strlen(rule) + 2), mem);
}

/* Rules of real zones; and one that goes back over midnight, as Newfoundland's did. */
static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-5:30", "<-03>3",
    "NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01", "EGT-2EGST,M4.5.5/0,M10.5.4/24"};

static void
follow(const struct budget *rule, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
	int64_t begin = budget_period_ms(rule, from_ms), end;

	for (int64_t at = from_ms; at < to_ms; at += step_ms) {
		end = budget_resets_ms(rule, at);
		assert_true(budget_period_ms(rule, at) <= at && at < end);
	}
	/* One after another; some last a minute. */
	for (; begin < to_ms; begin = end) {
		end = budget_resets_ms(rule, begin);
		assert_true(end > begin);
		assert_int_equal(budget_period_ms(rule, begin), begin);
		assert_int_equal(budget_period_ms(rule, end - 1), begin);
		assert_int_equal(budget_resets_ms(rule, end - 1), end);
	}
}

static void
test_they_follow_one_another(void **state)
{
	struct arena *mem = arena_new(1 << 20);
	/* 2026-01-01 */
	const int64_t year = 1767225600000;

	(void)state;
	for (size_t i = 0; i <= nitems(rules); i++) {
		struct budget rule = {
		    .clock = i == nitems(rules) ? NULL : zone_of(mem, rules[i])};

		for (int per = PER_hour; per <= PER_month; per++) {
			rule.per = (enum budget_per)per;
			follow(&rule, year, year + 800 * DAY,
			    per == PER_hour ? 29 * MINUTE : 5 * HOUR);
		}
	}
	arena_free(mem);
}

static void
test_they_begin_by_the_clock_on_the_wall(void **state)
{
	static const struct {
		const char *zone;
		enum budget_per per;
		int64_t at_s, begin_s, end_s;
	} rows[] = {
	    /* Wednesday 2026-11-25 14:30 UTC */
	    {NULL, PER_hour, 1795617000, 1795615200, 1795618800},
	    {NULL, PER_day, 1795617000, 1795564800, 1795651200},
	    {NULL, PER_week, 1795617000, 1795392000, 1795996800},
	    {NULL, PER_month, 1795617000, 1793491200, 1796083200},
	    {NULL, PER_month, 1798761599, 1796083200, 1798761600}, /* December */
	    {NULL, PER_month, 1835395200, 1832976000, 1835481600}, /* leap: 29 Feb. */
	    /* Berlin: a day of 25 hours, of 23 hours, and the month around one */
	    {"CET-1CEST,M3.5.0,M10.5.0/3", PER_day, 1792890000, 1792879200, 1792969200},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", PER_day, 1774746000, 1774738800, 1774821600},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", PER_month, 1792890000, 1790805600,
		1793487600},
	    /* the hour from 2 to 3 comes twice and is one; that of spring is none */
	    {"CET-1CEST,M3.5.0,M10.5.0/3", PER_hour, 1792890000, 1792886400,
		1792893600},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", PER_hour, 1774746000, 1774746000,
		1774749600},
	};
	struct arena *mem = arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct budget rule = {.per = rows[i].per,
		    .clock = rows[i].zone == NULL ? NULL : zone_of(mem, rows[i].zone)};
		int64_t begin = budget_period_ms(&rule, rows[i].at_s * 1000 + 999);
		int64_t end = budget_resets_ms(&rule, rows[i].at_s * 1000 + 999);

		if (begin != rows[i].begin_s * 1000 || end != rows[i].end_s * 1000)
			fail_msg("%zu: %lld to %lld", i, (long long)begin / 1000,
			    (long long)end / 1000);
	}
	arena_free(mem);
}

static void
test_in_all_has_no_end(void **state)
{
	const struct budget rule = {.per = PER_all};

	(void)state;
	assert_int_equal(budget_period_ms(&rule, 1795617000000), 0);
	assert_int_equal(budget_resets_ms(&rule, 1795617000000), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_they_follow_one_another),
	    cmocka_unit_test(test_they_begin_by_the_clock_on_the_wall),
	    cmocka_unit_test(test_in_all_has_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
