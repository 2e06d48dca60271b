/* libs: base core config meter */
/* test_ledger.c: closed slots become rows once, whatever the disk does. */
#include "meter.h"

static int
set_up(void **state)
{
	struct process *p = xcalloc(1, sizeof(*p));

	process_init(p, 1);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	process_fini(*state);
	xfree(*state);
	return 0;
}

#define JANUARY "ledger-2026-01.db"

static void
test_a_request_is_a_row(void **state)
{
	struct process *p = *state;
	struct ledger_status st;

	assert_true(process_start(p, 8, 2));
	book_one(p, 0);
	book_one(p, 1);
	assert_int_equal(slots_in_use(p->slots), 2);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(slots_in_use(p->slots), 0);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 2);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 2);
	/* 120 × 2,000 + 40 × 8,000, and 10 % less */
	assert_int_equal(ask(JANUARY, "SELECT list_pusd FROM attempt"), 560000);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), 504000);
	assert_int_equal(ask(JANUARY, "SELECT cache_read FROM attempt"), -1);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM rollup"), 1);
	assert_int_equal(ask("ledger.db", "SELECT paid_lo FROM rollup"), 1008000);
	ledger_status_get(p->ledger, &st);
	assert_true(st.healthy);
	assert_int_equal(st.rows, 2);
}

#define with_ledger(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_a_request_is_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
