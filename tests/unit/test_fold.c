/* libs: base core config budget meter */
/* test_fold.c: roll-ups of days are those of their hours, whatever comes late. */
#include "meter.h"

#define DAY_NS (86400 * NS_PER_S)
#define SAME(column)                                                        \
	"SELECT (SELECT SUM(" column ") FROM rollup WHERE hour/24=d.day)="  \
	"(SELECT SUM(" column ") FROM rollup_day r WHERE r.day=d.day) FROM" \
	" rollup_done d WHERE whole=1 ORDER BY 1 LIMIT 1"

static int
set_up(void **state)
{
	struct process *p = process_new(state, 5);

	assert_true(process_start(p, 64, 1));
	return 0;
}

static void
book_hours(struct process *p, unsigned hours)
{
	for (unsigned i = 0; i < hours; i++) {
		book_one(p, 0);
		book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		fake_env_advance(p->fake, 3600 * NS_PER_S);
	}
}

/* Until nothing is left to do. */
static void
settle(struct process *p)
{
	for (unsigned i = 0; i < 60; i++) {
		assert_true(ledger_turn(p->ledger));
		fake_env_advance(p->fake, 60 * NS_PER_S);
	}
}

static void
check_days(int64_t least)
{
	static const char *const same[] = {SAME("requests"), SAME("attempts"),
	    SAME("paid_lo"), SAME("output"), SAME("compared_requests"),
	    SAME("baseline_lo"), SAME("bias_lo")};

	assert_true(ask("ledger.db",
			"SELECT COUNT(*) FROM rollup_done WHERE whole=1") >= least);
	for (size_t i = 0; i < nitems(same); i++)
		assert_int_equal(ask("ledger.db", same[i]), 1);
}

static void
test_days_that_are_over_are_made(void **state)
{
	struct process *p = *state;

	book_hours(p, 75);
	settle(p);
	check_days(2);
	/* Today is none yet. */
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM rollup_day WHERE day="
					  "(SELECT MAX(hour)/24 FROM rollup)"),
	    0);
}

static void
test_a_late_row_makes_its_day_again(void **state)
{
	struct process *p = *state;
	int64_t before;

	book_hours(p, 51);
	settle(p);
	before = ask("ledger.db", "SELECT COUNT(*) FROM rollup_done WHERE whole=1");
	fake_env_step_wall(p->fake, -2 * DAY_NS);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM rollup_done WHERE whole=1"),
	    before - 1);
	fake_env_step_wall(p->fake, 3 * DAY_NS);
	settle(p);
	check_days(before);
}

/* Whoever else changes an hour: its day is none any more. */
static void
test_an_hour_that_is_changed(void **state)
{
	struct process *p = *state;

	book_hours(p, 51);
	settle(p);
	check_days(1);
	ask("ledger.db", "UPDATE rollup SET paid_lo=paid_lo+1 WHERE hour=(SELECT"
			 " MIN(hour) FROM rollup)");
	fake_env_advance(p->fake, 3600 * NS_PER_S);
	settle(p);
	check_days(2);
	/* Hours that are removed take their day along. */
	ask("ledger.db", "DELETE FROM rollup WHERE hour/24=(SELECT MIN(day) FROM"
			 " rollup_day)");
	fake_env_advance(p->fake, 3600 * NS_PER_S);
	settle(p);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM rollup_day WHERE day<"
					  "(SELECT MIN(hour)/24 FROM rollup)"),
	    0);
	check_days(1);
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_days_that_are_over_are_made),
	    with_process(test_a_late_row_makes_its_day_again),
	    with_process(test_an_hour_that_is_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
