/* libs: base core config meter budget */
/* test_ledger_budget.c: what was spent within budgets comes out of the ledger again,
 * whatever happened between: restarts, crashes, power cuts, budgets that come and go.
 */
#include "books.h"

#include <errno.h>

#define DAILY 2U /* bits of book_rules */
#define USERS 4U
#define RUNS  8U
#define ALL   31U

#define HOUR_NS (3600 * NS_PER_S)

static int
set_up(void **state)
{
	struct book *k = xcalloc(1, sizeof(*k));

	k->p = process_new(state, 7);
	*state = k;
	return 0;
}

static int
tear_down(void **state)
{
	struct book *k = *state;
	void *p = k->p;

	(void)process_tear_down(&p);
	budgets_free(k->b);
	xfree(k);
	return 0;
}

static void
turn(struct book *k)
{
	assert_true(ledger_turn(k->p->ledger));
}

static void
restart(struct book *k, unsigned bits)
{
	book_stop(k);
	assert_true(book_start(k, bits));
}

/* gateways.md 4.1 nos. 7, 8: what is enforced is what the database says. */
static void
test_accounts_say_what_the_ledger_says(void **state)
{
	struct book *k = *state;

	assert_true(book_start(k, ALL));
	book_one_of(k, "ann", 1, 100);
	book_one_of(k, "bob", 2, 23);
	book_one_of(k, "ann", 1, 7);
	turn(k);
	assert_int_equal(book_kept("team web per day", "web"), 130);
	assert_int_equal(book_kept("each user per month", "ann"), 107);
	assert_int_equal(book_kept("each tag.commit in all", "4711"), 130);
	assert_int_equal(book_kept("each session per week", "0000000000000002"), 23);
	assert_int_equal(book_kept("daemon per hour", ""), 130);
	assert_int_equal(book_account(k, "each user per month", "ann"), 107);
	restart(k, ALL);
	assert_int_equal(book_account(k, "team web per day", "web"), 130);
	assert_int_equal(book_account(k, "each user per month", "ann"), 107);
	assert_int_equal(book_account(k, "each user per month", "bob"), 23);
	assert_int_equal(book_account(k, "each tag.commit in all", "4711"), 130);
	assert_int_equal(book_account(k, "daemon per hour", ""), 130);
}

/* gateways.md 4.1 no. 5: cleaning up after a crash counts nothing twice. */
static void
test_a_crash_counts_once(void **state)
{
	struct book *k = *state;
	struct book_request r;

	assert_true(book_start(k, ALL));
	book_one_of(k, "ann", 1, 100);
	r = book_open(k, "ann", 1);
	fake_env_crash(k->p->fake);
	budgets_settle(k->b, &r.grant, (struct pusd){0}); /* gone with its process */
	restart(k, ALL);
	/* The one in flight by its basis: 100 in, 50 out, 10 % off. */
	assert_int_equal(book_account(k, "each user per month", "ann"),
	    100 + (100 * 2000 + 50 * 8000) * 9 / 10);
	restart(k, ALL);
	assert_int_equal(book_account(k, "each user per month", "ann"), 540100);
	assert_int_equal(book_kept("each user per month", "ann"), 540100);
}

/* The rows of the last batch are in, the sums are not. */
static void
test_a_power_cut_loses_no_sum(void **state)
{
	struct book *k = *state;

	assert_true(book_start(k, ALL));
	for (int i = 0; i < 20; i++) {
		book_one_of(k, "ann", 1, 1000 + i);
		turn(k);
	}
	fake_env_power_cut(k->p->fake);
	fake_env_crash(k->p->fake);
	restart(k, ALL);
	assert_int_equal(book_account(k, "each user per month", "ann"), 20190);
	assert_int_equal(book_kept("team web per day", "web"), 20190);
}

/* A budget that a reload brings begins with what was spent in its period. */
static void
test_a_new_budget_knows_what_was_spent(void **state)
{
	struct book *k = *state;
	struct book_request old;

	assert_true(book_start(k, DAILY));
	book_one_of(k, "ann", 1, 100);
	turn(k);
	book_one_of(k, "ann", 1, 10); /* closed, not booked */
	old = book_open(k, "ann", 1); /* in flight */
	assert_true(book_adopt(k, DAILY | USERS | RUNS));
	assert_int_equal(book_account(k, "each user per month", "ann"), 100);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 110);
	book_one_of(k, "ann", 1, 1); /* granted: charged by its worker alone */
	assert_int_equal(book_account(k, "each user per month", "ann"), 111);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 111);
	book_close(k, &old, 1000);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 1111);
	assert_int_equal(book_account(k, "each tag.commit in all", "4711"), 1111);
	/* The old one has had its grants all along. */
	assert_int_equal(book_account(k, "team web per day", "web"), 1111);
	assert_int_equal(book_kept("each user per month", "ann"), 1111);
	restart(k, DAILY | USERS | RUNS);
	assert_int_equal(book_account(k, "each user per month", "ann"), 1111);
}

/* gateways.md 4.1 no. 11: nothing is enforced where no budget is; and one that comes
 * back counts what was spent meanwhile, once. */
static void
test_a_budget_that_goes_and_comes_back(void **state)
{
	struct book *k = *state;
	struct book_request old;

	assert_true(book_start(k, DAILY | USERS));
	old = book_open(k, "ann", 1);
	book_one_of(k, "ann", 1, 100);
	assert_true(book_adopt(k, DAILY));
	turn(k);
	assert_int_equal(book_kept("each user per month", "ann"), -1);
	book_one_of(k, "ann", 1, 10);
	assert_true(book_adopt(k, DAILY | USERS));
	book_close(k, &old, 1000);
	assert_int_equal(book_account(k, "each user per month", "ann"), 100);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 1110);
	assert_int_equal(book_kept("each user per month", "ann"), 1110);
	assert_int_equal(book_account(k, "team web per day", "web"), 1110);
}

/* Two reloads, one right after the other, before the ledger has seen the first. */
static void
test_the_main_thread_does_not_wait(void **state)
{
	struct book *k = *state;
	struct book_request old;

	assert_true(book_start(k, DAILY));
	old = book_open(k, "ann", 1);
	book_one_of(k, "ann", 1, 100);
	turn(k);
	k->snap = book_next_policy(k, DAILY | USERS);
	ledger_adopt_soon(k->p->ledger, k->snap, k->snap->rules, true);
	book_one_of(k, "ann", 1, 10); /* granted under the new rules */
	assert_int_equal(book_account(k, "each user per month", "ann"), 10);
	k->snap = book_next_policy(k, DAILY | USERS | RUNS);
	ledger_adopt_soon(k->p->ledger, k->snap, k->snap->rules, true);
	book_one_of(k, "ann", 1, 1);
	book_close(k, &old, 1000);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 1111);
	assert_int_equal(book_account(k, "each tag.commit in all", "4711"), 1111);
	assert_int_equal(book_kept("each user per month", "ann"), 1111);
}

/* A batch that could not be booked is of before the reload. */
static void
test_a_reload_while_the_disk_is_full(void **state)
{
	struct book *k = *state;

	assert_true(book_start(k, DAILY));
	book_one_of(k, "ann", 1, 100);
	fake_env_disk(k->p->fake, 0);
	assert_false(ledger_turn(k->p->ledger));
	k->snap = book_next_policy(k, DAILY | USERS);
	ledger_adopt_soon(k->p->ledger, k->snap, k->snap->rules, true);
	assert_false(ledger_turn(k->p->ledger));
	book_one_of(k, "ann", 1, 10);
	assert_false(ledger_turn(k->p->ledger));
	fake_env_disk(k->p->fake, -1);
	turn(k);
	assert_int_equal(book_account(k, "each user per month", "ann"), 110);
	assert_int_equal(book_kept("each user per month", "ann"), 110);
}

/* A batch of two months, of which the disk takes but one, and a reload that does not
 * wait: what is in already is summed up, so it is not charged as well. */
static void
half_a_batch(struct book *k, int64_t room)
{
	fake_env_advance(k->p->fake, (31 * 24 - 1) * HOUR_NS);
	assert_true(book_start(k, DAILY));
	book_one_of(k, "ann", 1, 1);
	turn(k);
	book_one_of(k, "ann", 1, 100);
	fake_env_advance(k->p->fake, 2 * HOUR_NS);
	book_one_of(k, "ann", 1, 10); /* in February */
	fake_env_disk(k->p->fake, room);
	(void)ledger_turn(k->p->ledger);
	k->snap = book_next_policy(k, DAILY | RUNS);
	ledger_adopt_soon(k->p->ledger, k->snap, k->snap->rules, true);
	/* Room for what is summed up, but not for the file. */
	(void)ledger_turn(k->p->ledger);
	fake_env_disk(k->p->fake, -1);
	turn(k);
	turn(k);
	assert_int_equal(book_account(k, "each tag.commit in all", "4711"), 111);
	assert_int_equal(book_kept("each tag.commit in all", "4711"), 111);
}

static void
test_half_a_batch(void **state)
{
	tear_down(state);
	for (int64_t room = 0; room < 400000; room += 12288) {
		set_up(state);
		half_a_batch(*state, room);
		tear_down(state);
	}
	set_up(state);
}

/* What was not granted may be later than any grant. */
static void
test_a_late_charge_of_the_next_day(void **state)
{
	struct book *k = *state;
	struct book_request r;

	fake_env_advance(k->p->fake, 24 * HOUR_NS - HOUR_NS / 60);
	assert_true(book_start(k, 0));
	r = book_open(k, "ann", 1);
	assert_true(book_adopt(k, ALL));
	fake_env_advance(k->p->fake, HOUR_NS / 30);
	r.slot->attempt[0].start_ms = env_wall_ms(k->p->env);
	book_close(k, &r, 100);
	turn(k);
	assert_int_equal(book_account(k, "team web per day", "web"), 100);
	assert_int_equal(book_account(k, "daemon per hour", ""), 100);
}

/* gateways.md 4.1 no. 9: what was spent in a period stays there. */
static void
test_an_attempt_counts_where_it_was_granted(void **state)
{
	struct book *k = *state;
	struct book_request r;

	assert_true(book_start(k, ALL));
	fake_env_advance(k->p->fake, 23 * HOUR_NS + HOUR_NS / 2);
	r = book_open(k, "ann", 1);
	fake_env_advance(k->p->fake, HOUR_NS);
	book_close(k, &r, 100);
	turn(k);
	assert_int_equal(book_account(k, "team web per day", "web"), -1);
	assert_int_equal(
	    ask("ledger.db", "SELECT period_ms FROM budget JOIN budget_rule ON"
			     " id=rule WHERE name='team web per day'"),
	    1767225600000);
	restart(k, ALL);
	assert_int_equal(book_account(k, "team web per day", "web"), -1);
	assert_int_equal(book_account(k, "each user per month", "ann"), 100);
	/* A clock that steps back does not open the day again. */
	fake_env_step_wall(k->p->fake, -2 * HOUR_NS);
	book_one_of(k, "ann", 1, 5);
	turn(k);
	fake_env_step_wall(k->p->fake, -30 * HOUR_NS);
	restart(k, ALL);
	book_one_of(k, "ann", 1, 5);
	turn(k);
	assert_int_equal(
	    ask("ledger.db", "SELECT SUM(spent_lo) FROM budget JOIN budget_rule ON"
			     " id=rule WHERE name='team web per day' AND"
			     " period_ms=1767225600000"),
	    100);
	assert_int_equal(book_kept("team web per day", "web"), 110);
}

static void
test_long_gone_periods_go(void **state)
{
	struct book *k = *state;

	assert_true(book_start(k, ALL));
	for (int i = 0; i < 60; i++) {
		book_one_of(k, "ann", 1, 1);
		turn(k);
		fake_env_advance(k->p->fake, 24 * HOUR_NS);
	}
	turn(k);
	turn(k);
	/* This day and the one before; a month and the one before. */
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM budget JOIN budget_rule ON"
			     " id=rule WHERE name='team web per day'"),
	    2);
	assert_int_equal(book_kept("each tag.commit in all", "4711"), 60);
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM budget JOIN budget_rule ON"
			     " id=rule WHERE name='each user per month'"),
	    2);
}

struct findings {
	unsigned count;
	char last[256];
};

static void
on_finding(void *arg, const struct verify_finding *f)
{
	struct findings *found = arg;

	found->count++;
	snprintf(found->last, sizeof(found->last), "%s", f->where);
}

static struct verify_report
verified(struct book *k, struct findings *ret)
{
	struct verify_report r;
	char why[256];

	*ret = (struct findings){.count = 0};
	if (!ledger_verify(k->p->env, STATE, on_finding, ret, &r, why))
		fail_msg("%s", why);
	return r;
}

/* Sums of rows that were removed can only be more than what is left of them. */
static void
test_rows_that_are_gone(void **state)
{
	const struct ledger_terms terms = {.keep_days = 28, .keep_months = 2};
	struct book *k = *state;
	struct verify_report r;
	struct findings f;

	assert_true(book_start(k, ALL));
	ledger_set_terms(k->p->ledger, &terms);
	book_one_of(k, "ann", 1, 100);
	book_one_of(k, "old", 1, 100);
	turn(k);
	r = verified(k, &f);
	assert_int_equal(f.count, 0);
	assert_int_equal(r.skipped[VERIFY_budget_rows], 0);
	for (int i = 0; i < 64; i++) {
		fake_env_advance(k->p->fake, 24 * HOUR_NS);
		turn(k);
	}
	book_one_of(k, "ann", 1, 23);
	for (int i = 0; i < 240; i++) {
		fake_env_advance(k->p->fake, 60 * NS_PER_S);
		turn(k);
	}
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM rollup"), 2);
	assert_int_equal(book_kept("each tag.commit in all", "4711"), 223);
	r = verified(k, &f);
	if (f.count > 0)
		fail_msg("%s", f.last);
	assert_true(r.skipped[VERIFY_budget_rows] > 0);
	assert_int_equal(r.skipped[VERIFY_rollup_rows], 1);
	/* A budget of now begins with what is left. */
	assert_true(book_adopt(k, DAILY));
	assert_true(book_adopt(k, ALL));
	assert_int_equal(book_account(k, "each tag.commit in all", "4711"), 23);
	(void)verified(k, &f);
	assert_int_equal(f.count, 0);
	/* And nobody remembers for ever. */
	for (int i = 0; i < 110; i++) {
		fake_env_advance(k->p->fake, 24 * HOUR_NS);
		turn(k);
	}
	for (int i = 0; i < 240; i++) {
		fake_env_advance(k->p->fake, 60 * NS_PER_S);
		turn(k);
	}
	assert_int_equal(book_kept("each tag.commit in all", "4711"), -1);
}

static void
test_refusals_are_kept_by_the_hour(void **state)
{
	struct book *k = *state;
	struct budget_who who = {.team = STR("web"), .key = STR("laptop")};
	struct budget_refusal why;

	assert_true(book_start(k, ALL));
	why = (struct budget_refusal){.budget = &k->snap->budgets[1]};
	for (int i = 0; i < 3; i++)
		budgets_count(k->b, &who, &why, BUDGET_refused);
	fake_env_disk(k->p->fake, 0);
	fake_env_advance(k->p->fake, 2 * NS_PER_S);
	(void)ledger_turn(k->p->ledger);
	fake_env_disk(k->p->fake, -1);
	fake_env_advance(k->p->fake, 2 * NS_PER_S);
	turn(k);
	budgets_count(k->b, &who, &why, BUDGET_refused);
	fake_env_advance(k->p->fake, 2 * NS_PER_S);
	turn(k);
	assert_int_equal(
	    ask("ledger.db", "SELECT count FROM refusal WHERE kind='refused' AND"
			     " name='team web per day' AND team='web' AND"
			     " key='laptop' AND hour=490896"),
	    4);
}

#define BOOK_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOOK_TEST(test_accounts_say_what_the_ledger_says),
	    BOOK_TEST(test_a_crash_counts_once),
	    BOOK_TEST(test_a_power_cut_loses_no_sum),
	    BOOK_TEST(test_a_new_budget_knows_what_was_spent),
	    BOOK_TEST(test_a_budget_that_goes_and_comes_back),
	    BOOK_TEST(test_the_main_thread_does_not_wait),
	    BOOK_TEST(test_a_reload_while_the_disk_is_full),
	    BOOK_TEST(test_half_a_batch),
	    BOOK_TEST(test_a_late_charge_of_the_next_day),
	    BOOK_TEST(test_an_attempt_counts_where_it_was_granted),
	    BOOK_TEST(test_long_gone_periods_go),
	    BOOK_TEST(test_rows_that_are_gone),
	    BOOK_TEST(test_refusals_are_kept_by_the_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
