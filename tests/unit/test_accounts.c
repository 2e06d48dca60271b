/* libs: base core config auth meter budget */
/* test_accounts.c: no grant passes a cap, every hold ends once, and neither a reload
 * nor the clock gives back what was spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "fake_env.h"
#include "core/request.h"

#define USD PUSD_PER_USD
#define DAY (24 * 3600 * 1000LL)
/* 2026-01-01T00:00:00Z, where the fake clock begins */
#define BEGIN 1767225600000LL

struct bench {
	struct fake_env *f;
	struct budgets *b;
	struct budget rules[8];
	struct snapshot snap;
	int64_t at_ms;
};

static struct bench *
bench_new(const struct budget *rules, unsigned count)
{
	static struct bench t;

	memset(&t, 0, sizeof(t));
	t.f = fake_env_new(1);
	t.b = budgets_new(fake_env(t.f));
	memcpy(t.rules, rules, count * sizeof(*rules));
	t.snap.budgets = t.rules;
	t.snap.budget_count = count;
	t.snap.rules = budgets_publish(t.b, &t.snap);
	t.at_ms = BEGIN;
	return &t;
}

static void
bench_free(struct bench *t)
{
	budgets_free(t->b);
	fake_env_free(t->f);
}

static void
set_clock(struct bench *t)
{
	fake_env_step_wall(t->f, (t->at_ms - env_wall_ms(fake_env(t->f))) * NS_PER_MS);
}

static bool
take(struct bench *t, const char *user, int64_t pusd, struct grant *ret,
    struct budget_refusal *ret_why)
{
	const struct budget_who who = {
	    .team = STR("payments"), .key = STR("ci"), .user = str_of(user)};
	const struct budget_need need = {.worst_case = {pusd}, .expected = {pusd}};

	set_clock(t);
	return budgets_grant(t->b, &t->snap, &who, &need, ret, ret_why);
}

static bool
fits(struct bench *t, const char *user, int64_t pusd)
{
	struct budget_refusal why;
	struct grant g;

	if (!take(t, user, pusd, &g, &why))
		return false;
	(void)budgets_settle(t->b, &g, (struct pusd){0});
	return true;
}

static const struct budget team_a_day = {.name = "team payments per day",
    .scope = SCOPE_team,
    .value = "payments",
    .per = PER_day,
    .cap = {10 * (wide)USD}};
static const struct budget each_user = {.name = "each user in all",
    .scope = SCOPE_user,
    .per = PER_all,
    .cap = {3 * (wide)USD}};

/* gateways.md 4.1 nos. 2 and 3: what is under way counts */
static void
test_no_grant_passes_the_cap(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget_refusal why;
	struct grant g[11];

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(take(t, "", USD, &g[i], &why));
	assert_false(take(t, "", USD, &g[10], &why));
	assert_ptr_equal(why.budget, &t->rules[0]);
	assert_int_equal((int64_t)why.held.v, 10 * USD);
	assert_int_equal((int64_t)why.spent.v, 0);
	assert_int_equal(why.needed.v, USD);
	assert_int_equal(why.resets_ms, BEGIN + DAY);
	assert_false(take(t, "", 1, &g[10], &why));
	/* What was held and not spent can be used again; what was spent cannot. */
	assert_int_equal(budgets_settle(t->b, &g[0], (struct pusd){USD / 4}).v, 0);
	assert_true(take(t, "", USD * 3 / 4, &g[10], &why));
	assert_false(take(t, "", 1, &g[0], &why));
	for (int i = 1; i < 11; i++)
		(void)budgets_settle(t->b, &g[i], g[i].held[0]);
	assert_false(take(t, "", 1, &g[0], &why));
	assert_int_equal((int64_t)why.spent.v, 10 * USD);
	assert_int_equal((int64_t)why.held.v, 0);
	bench_free(t);
}

static void
test_all_or_none(void **state)
{
	const struct budget rules[] = {team_a_day, each_user};
	struct bench *t = bench_new(rules, 2);
	struct budget_refusal why;
	struct budget_line line[4];
	struct grant g, h;

	(void)state;
	assert_true(take(t, "ann", 3 * USD, &g, &why));
	assert_int_equal(g.count, 2);
	assert_false(take(t, "ann", 1, &h, &why));
	assert_ptr_equal(why.budget, &t->rules[1]);
	assert_string_equal(why.value, "ann");
	assert_int_equal(why.resets_ms, -1);
	/* The team's account has not kept anything of what was refused. */
	assert_int_equal(budgets_list(t->b, &t->snap, t->at_ms, line, 4), 2);
	assert_string_equal(line[0].name, "each user in all");
	assert_int_equal((int64_t)line[1].held.v, 3 * USD);
	assert_true(take(t, "bob", 3 * USD, &h, &why));
	(void)budgets_settle(t->b, &g, (struct pusd){USD});
	(void)budgets_settle(t->b, &h, (struct pusd){USD});
	bench_free(t);
}

/* gateways.md 4.1 nos. 5 and 17 */
static void
test_settling_again_changes_nothing(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget_refusal why;
	struct budget_line line;
	struct grant g;

	(void)state;
	assert_true(take(t, "", 4 * USD, &g, &why));
	(void)budgets_settle(t->b, &g, (struct pusd){USD});
	(void)budgets_settle(t->b, &g, (struct pusd){USD});
	assert_int_equal(budgets_list(t->b, &t->snap, t->at_ms, &line, 1), 1);
	assert_int_equal((int64_t)line.spent.v, USD);
	assert_int_equal((int64_t)line.held.v, 0);
	bench_free(t);
}

/* gateways.md 4.1 no. 9 */
static void
test_a_hold_settles_in_its_own_period(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget_refusal why;
	struct grant g, h;

	(void)state;
	t->at_ms = BEGIN + DAY - 1;
	assert_true(take(t, "", 10 * USD, &g, &why));
	assert_false(fits(t, "", 1));
	t->at_ms = BEGIN + DAY;
	assert_true(take(t, "", 10 * USD, &h, &why));
	assert_int_equal(h.at_ms, BEGIN + DAY);
	(void)budgets_settle(t->b, &g, (struct pusd){10 * USD});
	(void)budgets_settle(t->b, &h, (struct pusd){0});
	assert_true(fits(t, "", 10 * USD));
	/* The clock is put back: the day before is over all the same. */
	t->at_ms = BEGIN + DAY / 2;
	assert_true(take(t, "", 10 * USD, &h, &why));
	assert_int_equal(h.at_ms, BEGIN + DAY);
	(void)budgets_settle(t->b, &h, (struct pusd){10 * USD});
	assert_false(fits(t, "", 1));
	bench_free(t);
}

static void
test_periods_do_not_begin_before_what_the_ledger_knows(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget_refusal why;
	struct grant g;

	(void)state;
	budgets_not_before(t->b, BEGIN + 3 * DAY + 7);
	assert_true(take(t, "", USD, &g, &why));
	assert_int_equal(g.at_ms, BEGIN + 3 * DAY + 7);
	(void)budgets_settle(t->b, &g, (struct pusd){USD});
	bench_free(t);
}

/* gateways.md 4.1 nos. 7 and 8 */
static void
test_a_reload_keeps_what_was_spent(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget_refusal why;
	struct grant g, h;

	(void)state;
	assert_true(take(t, "", 2 * USD, &g, &why));
	assert_true(take(t, "", 6 * USD, &h, &why));
	(void)budgets_settle(t->b, &h, (struct pusd){6 * USD});
	/* Lower than what is spent: running ones end, new ones are refused. */
	t->rules[0].cap.v = 5 * (wide)USD;
	t->snap.rules = budgets_publish(t->b, &t->snap);
	assert_false(fits(t, "", 1));
	assert_true(fits(t, "", 0));
	(void)budgets_settle(t->b, &g, (struct pusd){2 * USD});
	t->rules[0].cap.v = 9 * (wide)USD;
	t->snap.rules = budgets_publish(t->b, &t->snap);
	assert_true(fits(t, "", USD));
	assert_false(fits(t, "", USD + 1));
	bench_free(t);
}

static void
test_requests_of_an_old_snapshot_meet_the_new_cap(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct budget lower = team_a_day;
	struct snapshot fresh = t->snap;

	(void)state;
	lower.cap.v = USD;
	fresh.budgets = &lower;
	fresh.rules = budgets_publish(t->b, &fresh);
	assert_true(fits(t, "", USD));
	assert_false(fits(t, "", USD + 1));
	bench_free(t);
}

static void
test_a_budget_that_is_removed_with_holds(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	struct snapshot none = {0};
	struct budget_refusal why;
	struct budget_line line;
	struct grant g, h;

	(void)state;
	assert_true(take(t, "", 10 * USD, &g, &why));
	none.rules = budgets_publish(t->b, &none);
	assert_int_equal(budgets_since(t->b, team_a_day.name), 0);
	/* Who began before asks for no more than the policy in force. */
	assert_true(take(t, "", 10 * USD, &h, &why));
	assert_int_equal(h.count, 0);
	(void)budgets_settle(t->b, &g, (struct pusd){10 * USD});
	/* It comes back: the ledger says what was spent, and adds what old snapshots
	 * still spend. */
	struct snapshot back = t->snap;
	back.rules = budgets_publish(t->b, &back);
	assert_int_equal(budgets_since(t->b, team_a_day.name), back.rules);
	assert_true(take(t, "", 10 * USD, &h, &why));
	assert_int_equal(h.count, 0);
	budgets_add(
	    t->b, &t->rules[0], "payments", BEGIN, (struct pusd_sum){10 * (wide)USD});
	t->snap.rules = back.rules;
	assert_false(fits(t, "", 1));
	budgets_look(t->b, &t->rules[0], "payments", &line);
	assert_int_equal((int64_t)line.spent.v, 10 * USD);
	assert_int_equal((int64_t)line.held.v, 0);
	bench_free(t);
}

/* gateways.md 4.1 no. 11 */
static void
test_no_budget_refuses_nothing(void **state)
{
	struct bench *t = bench_new(&each_user, 1);
	struct budget_refusal why;
	struct grant g;

	(void)state;
	assert_true(take(t, "", INT64_MAX, &g, &why));
	assert_int_equal(g.count, 0);
	assert_int_equal(g.at_ms, 0);
	bench_free(t);
}

static void
test_the_strictest_is_named(void **state)
{
	struct budget rules[] = {team_a_day, each_user};
	struct bench *t;
	struct budget_refusal why;
	struct grant g;

	(void)state;
	rules[0].on_exhausted = EXHAUSTED_local_only;
	rules[1].on_exhausted = EXHAUSTED_downgrade;
	t = bench_new(rules, 2);
	/* The user's has less room, the team's asks for more. */
	assert_false(take(t, "ann", 11 * USD, &g, &why));
	assert_ptr_equal(why.budget, &t->rules[0]);
	assert_false(take(t, "ann", 9 * USD, &g, &why));
	assert_ptr_equal(why.budget, &t->rules[1]);
	bench_free(t);
}

static void
test_what_has_no_price_is_refused(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	const struct budget_who who = {.team = STR("payments")};
	const struct budget_need need = {.unpriced = true};
	struct budget_refusal why;
	struct grant g;

	(void)state;
	assert_false(budgets_grant(t->b, &t->snap, &who, &need, &g, &why));
	assert_int_equal(why.needed.v, -1);
	assert_ptr_equal(why.budget, &t->rules[0]);
	bench_free(t);
}

static void
test_an_overrun_is_booked_in_full(void **state)
{
	struct budget rules[] = {team_a_day, each_user};
	const struct budget_who who = {.team = STR("payments"), .user = STR("ann")};
	const struct budget_need need = {.worst_case = {2 * USD}, .expected = {USD}};
	struct refusal_count counts[4];
	struct budget_refusal why;
	struct budget_line line[2];
	struct bench *t;
	struct grant g;

	(void)state;
	rules[1].hold = HOLD_expected;
	t = bench_new(rules, 2);
	assert_true(budgets_grant(t->b, &t->snap, &who, &need, &g, &why));
	assert_int_equal(g.held[0].v, 2 * USD);
	assert_int_equal(g.held[1].v, USD);
	/* More than expected, and more than can be. */
	assert_int_equal(budgets_settle(t->b, &g, (struct pusd){5 * USD}).v, 3 * USD);
	assert_int_equal(budgets_list(t->b, &t->snap, BEGIN, line, 2), 2);
	assert_int_equal((int64_t)line[0].spent.v, 5 * USD);
	assert_int_equal(line[0].overruns, 1);
	assert_int_equal((int64_t)line[1].spent.v, 5 * USD);
	assert_int_equal(budgets_take_refusals(t->b, counts, 4), 2);
	assert_string_equal(counts[0].kind, "overrun");
	assert_int_equal(budgets_take_refusals(t->b, counts, 4), 0);
	bench_free(t);
}

static void
test_a_mark_is_told_once_a_period(void **state)
{
	struct budget rule = team_a_day;
	struct refusal_count counts[4];
	struct budget_refusal why;
	struct bench *t;
	struct grant g;

	(void)state;
	rule.warns = 2;
	rule.warn_ppm[0] = 500000;
	rule.warn_ppm[1] = 800000;
	t = bench_new(&rule, 1);
	for (int day = 0; day < 2; day++) {
		t->at_ms = BEGIN + day * DAY;
		for (int i = 0; i < 10; i++) {
			assert_true(take(t, "", USD, &g, &why));
			(void)budgets_settle(t->b, &g, (struct pusd){USD});
		}
		assert_int_equal(budgets_take_refusals(t->b, counts, 4), 1);
		assert_string_equal(counts[0].kind, "warned");
		assert_int_equal(counts[0].count, 2);
	}
	bench_free(t);
}

static void
test_refusals_are_counted_by_the_hour(void **state)
{
	struct bench *t = bench_new(&team_a_day, 1);
	const struct budget_who who = {.team = STR("payments"), .key = STR("ci")};
	struct refusal_count counts[4];
	struct budget_refusal why;
	struct grant g;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_false(take(t, "", 11 * USD, &g, &why));
		budgets_count(
		    t->b, &who, &why, i < 3 ? BUDGET_refused : BUDGET_downgraded);
	}
	assert_int_equal(budgets_take_refusals(t->b, counts, 1), 1);
	assert_int_equal(counts[0].count, 3);
	assert_int_equal(counts[0].hour, BEGIN / 3600000);
	assert_string_equal(counts[0].team, "payments");
	assert_string_equal(counts[0].key, "ci");
	assert_string_equal(counts[0].name, team_a_day.name);
	assert_string_equal(counts[0].kind, "refused");
	assert_int_equal(budgets_take_refusals(t->b, counts, 4), 1);
	assert_string_equal(counts[0].kind, "downgraded");
	assert_int_equal(budgets_take_refusals(t->b, counts, 4), 0);
	bench_free(t);
}

/* A cap is a sum: int64 pico-dollars end at $9.22 M. */
static void
test_caps_of_many_millions(void **state)
{
	struct budget rule = team_a_day;
	struct budget_refusal why;
	struct bench *t;
	struct grant g;

	(void)state;
	rule.cap.v = 40000000 * (wide)USD;
	t = bench_new(&rule, 1);
	budgets_add(t->b, &t->rules[0], "payments", BEGIN,
	    (struct pusd_sum){39999999 * (wide)USD});
	assert_true(take(t, "", USD, &g, &why));
	assert_false(fits(t, "", 1));
	(void)budgets_settle(t->b, &g, (struct pusd){0});
	bench_free(t);
}

/* Whoever invents users finds an end, and those that were there are still served. */
static void
test_accounts_are_bounded(void **state)
{
	struct budget rules[] = {each_user, each_user};
	struct budgets_status status;
	struct budget_refusal why;
	struct bench *t;
	struct grant g;
	char user[32];

	(void)state;
	rules[1].per = PER_day;
	rules[1].name = "each user per day";
	t = bench_new(&rules[1], 1);
	for (unsigned i = 0; i < ACCOUNTS_MAX; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		assert_true(fits(t, user, USD));
	}
	assert_false(take(t, "one more", USD, &g, &why));
	assert_null(why.budget);
	assert_true(fits(t, "u7", USD));
	t->at_ms += DAY;
	assert_true(fits(t, "one more", USD));
	budgets_status_get(t->b, &status);
	assert_true(status.accounts <= ACCOUNTS_MAX);
	bench_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_grant_passes_the_cap),
	    cmocka_unit_test(test_all_or_none),
	    cmocka_unit_test(test_settling_again_changes_nothing),
	    cmocka_unit_test(test_a_hold_settles_in_its_own_period),
	    cmocka_unit_test(test_periods_do_not_begin_before_what_the_ledger_knows),
	    cmocka_unit_test(test_a_reload_keeps_what_was_spent),
	    cmocka_unit_test(test_requests_of_an_old_snapshot_meet_the_new_cap),
	    cmocka_unit_test(test_a_budget_that_is_removed_with_holds),
	    cmocka_unit_test(test_no_budget_refuses_nothing),
	    cmocka_unit_test(test_the_strictest_is_named),
	    cmocka_unit_test(test_what_has_no_price_is_refused),
	    cmocka_unit_test(test_an_overrun_is_booked_in_full),
	    cmocka_unit_test(test_a_mark_is_told_once_a_period),
	    cmocka_unit_test(test_refusals_are_counted_by_the_hour),
	    cmocka_unit_test(test_caps_of_many_millions),
	    cmocka_unit_test(test_accounts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
