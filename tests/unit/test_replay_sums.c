/* libs: base config core report */
/* test_replay_sums.c: what a replay adds up: costs by calibration, coverage, and
 * intervals that hold what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "core/request.h"
#include "replay_sums.h"

#define NEAR 1e-9

static struct replay_fact
kept(uint64_t session, double usd)
{
	return (struct replay_fact){.session = session,
	    .class = CLASS_code,
	    .complexity = 0.3F,
	    .booked_usd = usd,
	    .scale = 1,
	    .model_is = 0,
	    .model_was = 0,
	    .planned_usd = usd / 2,
	    .answer_usd = usd,
	    .tier_was = TIER_small,
	    .tier_is = TIER_small,
	    .success_was = 0.8,
	    .success_is = 0.8};
}

/* To model 1, which is expected to cost so much. */
static struct replay_fact
moved(uint64_t session, double usd, double expected_usd)
{
	struct replay_fact f = kept(session, usd);

	f.changed = f.modelled = true;
	f.model_is = 1;
	f.tier_is = TIER_frontier;
	f.success_is = 0.9;
	f.expected_usd = expected_usd;
	return f;
}

static void
add(struct replay_sums *s, struct replay_fact f, int times)
{
	for (int i = 0; i < times; i++)
		replay_sums_add(s, &f);
}

static struct replay_result
result(struct replay_sums *s)
{
	struct replay_result r = {0};

	replay_sums_result(s, 1, &r);
	replay_sums_free(s);
	return r;
}

static void
nothing(void **state)
{
	struct replay_result r = result(replay_sums_new());

	(void)state;
	assert_int_equal(r.groups, 0);
	for (size_t i = 0; i < REPLAY_FIGURES; i++) {
		assert_float_equal(r.figure[i].value, 0, 0);
		assert_float_equal(r.figure[i].high, 0, 0);
	}
	assert_float_equal(r.covered_cost, 1, 0);
}

static void
unchanged_costs_what_was_booked(void **state)
{
	struct replay_sums *s = replay_sums_new();
	struct replay_result r;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		add(s, kept(i, (double)i), 1);
	r = result(s);
	assert_float_equal(r.figure[REPLAY_cost_was].value, 499500, NEAR);
	assert_float_equal(r.figure[REPLAY_cost_is].value, 499500, NEAR);
	assert_float_equal(r.figure[REPLAY_saved].low, 0, NEAR);
	assert_float_equal(r.figure[REPLAY_saved].high, 0, NEAR);
	assert_true(r.figure[REPLAY_cost_is].low < 499500);
	assert_true(r.figure[REPLAY_cost_is].high > 499500);
	assert_float_equal(r.covered_cost, 1, NEAR);
	assert_float_equal(r.figure[REPLAY_changed].value, 0, 0);
	assert_int_equal(r.groups, 256);
}

/* Model 1 costs three times what is expected of it: of 20 answers it is known, of 19 it
 * is not, and then what is known of its other work counts. */
static void
calibrates(void **state)
{
	const struct {
		int answers, others;
		double cost, covered;
	} rows[] = {{20, 0, 3, 1}, {19, 0, 1, 0}, {19, 1, 3, 0}, {0, 20, 3, 0}};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct replay_sums *s = replay_sums_new();
		struct replay_fact seen = kept(7, 0);
		struct replay_result r;

		seen.model_was = 1;
		seen.planned_usd = 1;
		seen.answer_usd = 3;
		add(s, seen, rows[i].answers);
		seen.class = CLASS_chat;
		add(s, seen, rows[i].others);
		add(s, moved(8, 5, 1), 1);
		r = result(s);
		assert_float_equal(r.figure[REPLAY_cost_is].value, rows[i].cost, NEAR);
		assert_float_equal(r.covered_cost, rows[i].covered, NEAR);
	}
}

/* Evidence for easy work is none for hard work. */
static void
coverage_by_complexity(void **state)
{
	struct replay_sums *s = replay_sums_new();
	struct replay_fact seen = kept(7, 0), hard = moved(8, 5, 1);
	struct replay_result r;

	(void)state;
	seen.model_was = 1;
	hard.complexity = 1;
	add(s, seen, 30);
	add(s, moved(9, 5, 1), 3);
	add(s, hard, 1);
	r = result(s);
	assert_float_equal(r.covered_cost, 0.75, NEAR);
	assert_float_equal(r.covered_requests, 33.0 / 34, NEAR);
}

static void
shares(void **state)
{
	struct replay_sums *s = replay_sums_new();
	struct replay_fact gone = kept(3, 1), counted = kept(4, 0);
	struct replay_result r;

	(void)state;
	gone.changed = gone.refused = true;
	gone.model_is = -1;
	counted.counts_only = true;
	add(s, kept(1, 1), 5);
	add(s, moved(2, 1, 1), 3);
	add(s, gone, 1);
	add(s, counted, 1);
	r = result(s);
	assert_float_equal(r.figure[REPLAY_changed].value, 0.4, NEAR);
	assert_float_equal(r.figure[REPLAY_refused].value, 0.1, NEAR);
	assert_float_equal(r.figure[REPLAY_tier_was + TIER_small].value, 1, NEAR);
	assert_float_equal(
	    r.figure[REPLAY_tier_is + TIER_frontier].value, 3.0 / 8, NEAR);
	assert_float_equal(r.figure[REPLAY_success_was].value, 0.8, NEAR);
	assert_float_equal(
	    r.figure[REPLAY_success_is].value, (5 * 0.8 + 3 * 0.9) / 8, NEAR);
	assert_float_equal(r.figure[REPLAY_cost_is].value, 8, NEAR);
}

static double
uniform(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(*state >> 11) * 0x1p-53;
}

/* Many ledgers of 2,000 sessions of 1 to 20 turns at $1 to $3 a turn: nineteen of
 * twenty intervals hold the mean of them all; with every turn drawn alone far fewer
 * would. */
static void
intervals_hold_what_they_say(void **state)
{
	double expected = 2000 * 10.5 * 2;
	unsigned held = 0, rounds = 100;
	uint64_t seed = 5;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		struct replay_sums *s = replay_sums_new();
		struct replay_result r;

		/* How many sessions come is chance, too. */
		for (int k = 0; k < 40000; k++) {
			uint64_t session = (uint64_t)(uniform(&seed) * 0x1p53);
			int turns = 1 + (int)(uniform(&seed) * 20);
			double usd = 1 + 2 * uniform(&seed);

			if (uniform(&seed) < 0.05)
				add(s, kept(session, usd), turns);
		}
		r = result(s);
		held += r.figure[REPLAY_cost_is].low <= expected &&
			expected <= r.figure[REPLAY_cost_is].high;
	}
	assert_in_range(held, 88, 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(unchanged_costs_what_was_booked),
	    cmocka_unit_test(calibrates),
	    cmocka_unit_test(coverage_by_complexity),
	    cmocka_unit_test(shares),
	    cmocka_unit_test(intervals_hold_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
