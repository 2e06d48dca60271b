/* libs: base core config budget meter */
/* test_retention.c: what is older than it need be kept goes, a step at a time, and
 * nothing else. */
#include "meter.h"

#include <errno.h>

#define DAY_NS (86400LL * NS_PER_S)
#define MARCH  "ledger-2026-03.db"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

static bool
there(struct process *p, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), STATE "/%s", name);
	return p->env->file_size(p->env, path) >= 0;
}

/* Turns until an hour of the clock has gone. */
static void
an_hour_later(struct process *p)
{
	for (int i = 0; i < 60; i++) {
		fake_env_advance(p->fake, 60 * NS_PER_S);
		assert_true(ledger_turn(p->ledger));
	}
}

/* A request a month, with the policy of that month, from January on. */
static void
book_months(struct process *p, int count)
{
	for (int i = 0; i < count; i++) {
		char hash[8];

		snprintf(hash, sizeof(hash), "p%d", i);
		ledger_keep(p->ledger, "policy", hash, STR("text"));
		book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		fake_env_advance(p->fake, 31 * DAY_NS);
		assert_true(ledger_turn(p->ledger));
	}
}

static void
test_nothing_goes_unless_it_is_said(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_months(p, 3);
	fake_env_advance(p->fake, 4000 * DAY_NS);
	an_hour_later(p);
	assert_true(there(p, JANUARY));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 3);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM kept"), 3);
}

static void
test_months_go_when_their_last_day_is_old(void **state)
{
	const struct ledger_terms terms = {.keep_days = 30};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	ledger_set_terms(p->ledger, &terms);
	book_one(p, 0); /* 1 January */
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 40 * DAY_NS); /* 10 February */
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 20 * DAY_NS + 22 * 3600 * NS_PER_S);
	an_hour_later(p); /* 2 March, 23:00: 31 January is 30 days ago */
	assert_true(there(p, JANUARY));
	an_hour_later(p);
	an_hour_later(p);
	assert_false(there(p, JANUARY));
	assert_false(there(p, JANUARY "-wal"));
	assert_true(there(p, FEBRUARY));
	/* What was summed up stays, and is not taken for something that lacks. */
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 2);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 2);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 3);
}

/* The open month too, when nothing came for long; then it goes on in a new one. */
static void
test_the_month_that_is_open(void **state)
{
	const struct ledger_terms terms = {.keep_days = 1};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	ledger_set_terms(p->ledger, &terms);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 60 * DAY_NS);
	an_hour_later(p);
	an_hour_later(p);
	assert_false(there(p, JANUARY));
	/* A clock that was wrong: its rows go behind those that are gone. */
	fake_env_step_wall(p->fake, -60 * DAY_NS);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT seq FROM request"), 2);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 2);
}

static void
test_sums_and_texts(void **state)
{
	const struct ledger_terms terms = {.keep_days = 28, .keep_months = 1};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_months(p, 4); /* 1 January, 1 February, 4 March, 4 April; now 5 May */
	ledger_set_terms(p->ledger, &terms);
	an_hour_later(p);
	an_hour_later(p);
	assert_false(there(p, MARCH));
	assert_true(there(p, "ledger-2026-04.db"));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 1);
	/* The policy of 4 March was in force until 4 April. */
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM kept"), 2);
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM kept WHERE hash IN('p2','p3')"), 2);
}

/* A policy that comes back is in force again, however old its text. */
static void
test_a_text_that_came_back(void **state)
{
	const struct ledger_terms terms = {.keep_days = 28, .keep_months = 1};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_months(p, 4);
	ledger_keep(p->ledger, "policy", "p0", STR("text"));
	assert_true(ledger_turn(p->ledger));
	ledger_set_terms(p->ledger, &terms);
	an_hour_later(p);
	an_hour_later(p);
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM kept WHERE hash='p0'"), 1);
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM kept WHERE hash='p1'"), 0);
}

static void
test_what_was_learned(void **state)
{
	const struct ledger_terms terms = {.keep_days = 28, .keep_months = 1};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	/* 2,500 numbers of one cell, a quarter of an hour each, up to 27 January; one
	 * of another. */
	ask("ledger.db",
	    "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n<2500)"
	    " INSERT INTO outlook_cell SELECT 'x', n, 1767225600000+n*900000, n, 1"
	    " FROM i");
	ask("ledger.db",
	    "INSERT INTO outlook_cell VALUES('y', 7, 1767225600000, 1, 1)");
	fake_env_advance(p->fake, 40 * DAY_NS); /* February: all of it is needed */
	ledger_set_terms(p->ledger, &terms);
	an_hour_later(p);
	an_hour_later(p);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM outlook_cell"), 2501);
	fake_env_advance(p->fake, 21 * DAY_NS); /* March: the last before February */
	an_hour_later(p);
	an_hour_later(p);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM outlook_cell"), 2);
	assert_int_equal(
	    ask("ledger.db", "SELECT number FROM outlook_cell WHERE cell='x'"), 2500);
}

/* A step of the clock: nothing is removed by it until it has stood for an hour. */
static void
test_a_clock_that_was_set(void **state)
{
	const struct ledger_terms terms = {.keep_days = 30};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	ledger_set_terms(p->ledger, &terms);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_step_wall(p->fake, 4000 * DAY_NS);
	an_hour_later(p);
	assert_true(there(p, JANUARY));
	fake_env_step_wall(p->fake, -4000 * DAY_NS);
	an_hour_later(p);
	an_hour_later(p);
	an_hour_later(p);
	assert_true(there(p, JANUARY));
}

/* Dies at each write of a removal: after the restart the rest goes, and sums stay. */
static void
test_dies_while_removing(void **state)
{
	const struct ledger_terms terms = {.keep_days = 28, .keep_months = 1};
	struct process *p = *state;

	for (unsigned k = 1;; k++) {
		unsigned crashes;

		process_fini(p);
		process_init(p, k);
		assert_true(process_start(p, 8, 1));
		book_months(p, 4);
		ledger_set_terms(p->ledger, &terms);
		crashes = fake_env_crashes(p->fake);
		fake_env_crash_at(p->fake, k);
		for (int i = 0; i < 120 && fake_env_crashes(p->fake) == crashes; i++) {
			fake_env_advance(p->fake, 60 * NS_PER_S);
			(void)ledger_turn(p->ledger);
		}
		fake_env_crash_at(p->fake, 0);
		if (fake_env_crashes(p->fake) == crashes)
			break;
		process_stop(p);
		assert_true(process_start(p, 8, 1));
		ledger_set_terms(p->ledger, &terms);
		an_hour_later(p);
		an_hour_later(p);
		assert_false(there(p, MARCH));
		assert_int_equal(
		    ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 1);
		assert_true(k < 200);
	}
	assert_false(there(p, MARCH));
}

/* ---- slim ---- */

static void
book_estimated(struct process *p)
{
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s;

	r.plan_len = r.decision_len = 10;
	s = slot_open(p->slots, 0, &r);
	slot_attempt_open(s, &a);
	a = answered(&s->attempt[0], 120, 40);
	a.basis = BASIS_partial;
	slot_attempt_close(s, 0, &a, STR("{\"prompt_tokens\":120}"));
	slot_close(p->slots, s, OUT_cut, env_wall_ms(p->env));
}

static void
test_slim(void **state)
{
	const struct ledger_terms terms = {.slim = 1};
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	ledger_set_terms(p->ledger, &terms);
	assert_true(ledger_turn(p->ledger));
	book_one(p, 0);
	book_estimated(p);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(
	    ask(JANUARY, "SELECT raw_usage IS NULL FROM attempt WHERE request=1"), 1);
	assert_int_equal(
	    ask(JANUARY, "SELECT LENGTH(plan)+LENGTH(decision) FROM request"), 0);
	/* What may be disputed is kept whole. */
	assert_int_equal(
	    ask(JANUARY, "SELECT raw_usage IS NULL FROM attempt WHERE request=2"), 0);
	assert_int_equal(
	    ask(JANUARY, "SELECT LENGTH(plan)+LENGTH(decision) FROM request WHERE"
			 " seq=2"),
	    20);
	assert_int_equal(ask(JANUARY, "SELECT SUM(amount_pusd) FROM attempt"), 1008000);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_nothing_goes_unless_it_is_said),
	    with_ledger(test_months_go_when_their_last_day_is_old),
	    with_ledger(test_the_month_that_is_open),
	    with_ledger(test_sums_and_texts),
	    with_ledger(test_a_text_that_came_back),
	    with_ledger(test_what_was_learned),
	    with_ledger(test_a_clock_that_was_set),
	    with_ledger(test_dies_while_removing),
	    with_ledger(test_slim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
