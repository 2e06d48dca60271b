/* libs: base core config budget meter */
/* test_correct.c: what was said of an amount later stands beside it, and in the sums.
 */
#include "meter.h"

#include <errno.h>
#include <string.h>

#define HOUR_NS (3600LL * NS_PER_S)

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

static bool
say(struct process *p, struct id id, int64_t pusd, struct ledger_corrected *ret)
{
	struct ledger_correction c = {
	    .request = id, .attempt = -1, .amount = {pusd}, .why = "a credit note"};

	p->why[0] = '\0';
	return ledger_correct(p->ledger, &c, ret, p->why);
}

static int64_t
paid_in_hour(int64_t hour)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
	    "SELECT SUM(paid_hi)*1000000000000+SUM(paid_lo) FROM rollup WHERE "
	    "hour=%lld",
	    (long long)hour + 490896); /* of 2026 */
	return ask("ledger.db", sql);
}

static void
test_a_row_beside_it(void **state)
{
	struct process *p = *state;
	struct ledger_corrected done;
	struct id id;

	assert_true(process_start(p, 8, 1));
	id = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 3 * HOUR_NS);
	if (!say(p, id, 900000, &done))
		fail_msg("%s", p->why);
	assert_int_equal(done.attempt, 0);
	assert_int_equal(done.was_pusd, 504000);
	assert_string_equal(done.model, "luna");
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), 504000);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM correction"), 900000);
	assert_int_equal(ask(JANUARY, "SELECT why='a credit note' FROM correction"), 1);
	/* The difference, when it was said; the hour of the request stays. */
	assert_int_equal(paid_in_hour(0), 504000);
	assert_int_equal(paid_in_hour(3), 396000);
	/* The last word counts; said again nothing changes; below as well. */
	fake_env_advance(p->fake, HOUR_NS);
	assert_true(say(p, id, 900000, &done));
	assert_int_equal(done.was_pusd, 900000);
	assert_int_equal(paid_in_hour(4), 0);
	fake_env_advance(p->fake, HOUR_NS);
	assert_true(say(p, id, 100000, &done));
	assert_int_equal(paid_in_hour(5), -800000);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 1);
	assert_int_equal(ask("ledger.db", "SELECT SUM(attempts) FROM rollup"), 1);
	process_stop(p);
	assert_true(process_start(p, 8, 1)); /* once */
	assert_int_equal(paid_in_hour(3), 396000);
	assert_int_equal(paid_in_hour(5), -800000);
}

static void
test_of_an_earlier_month(void **state)
{
	struct process *p = *state;
	struct ledger_corrected done;
	struct id id;

	assert_true(process_start(p, 8, 1));
	id = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 40 * 24 * HOUR_NS);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_true(say(p, id, 0, &done));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM correction"), 1);
	assert_int_equal(paid_in_hour(40 * 24), 504000 - 504000);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(FEBRUARY, "SELECT COUNT(*) FROM request"), 2);
}

static void
on_finding(void *arg, const struct verify_finding *f)
{
	(void)arg;
	print_error("%s: %s, not %s\n", f->where, f->written, f->computed);
}

/* Who reckons all sums again comes to the same, in whatever month it was said. */
static void
test_verified(void **state)
{
	struct process *p = *state;
	struct ledger_corrected done;
	struct verify_report r;
	struct id id;

	assert_true(process_start(p, 8, 1));
	id = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_true(say(p, id, 900000, &done));
	fake_env_advance(p->fake, 40 * 24 * HOUR_NS);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_true(say(p, id, 100000, &done));
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_true(ledger_verify(p->env, STATE, on_finding, NULL, &r, p->why));
	assert_int_equal(r.differences, 0);
	assert_true(r.rollups >= 2);
	process_stop(p);
	/* One that nobody has said. */
	ask("ledger.db", "UPDATE rollup SET paid_lo=paid_lo+1");
	assert_true(ledger_verify(p->env, STATE, on_finding, NULL, &r, p->why));
	assert_true(r.differences > 0);
}

static void
test_what_is_refused(void **state)
{
	struct process *p = *state;
	struct ledger_corrected done;
	struct ledger_correction c = {.attempt = 1, .why = "x"};

	assert_true(process_start(p, 8, 1));
	c.request = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_false(ledger_correct(p->ledger, &c, &done, p->why));
	assert_non_null(strstr(p->why, "it has 1 attempts"));
	assert_false(say(p, id_new(p->env), 1, &done));
	assert_non_null(strstr(p->why, "no request of that id"));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM correction"), 0);
}

/* The file itself refuses to change or replace what was said. */
static void
test_corrections_stay(void **state)
{
	static const char *const sql[] = {"UPDATE correction SET amount_pusd=0",
	    "DELETE FROM correction",
	    "REPLACE INTO correction SELECT * FROM correction"};
	struct process *p = *state;
	struct ledger_corrected done;
	struct id id;

	assert_true(process_start(p, 8, 1));
	id = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_true(say(p, id, 1, &done));
	for (size_t i = 0; i < nitems(sql); i++) {
		sqlite3 *db;
		char *why = NULL;

		assert_int_equal(sqlite3_open_v2(STATE "/" JANUARY, &db,
				     SQLITE_OPEN_READWRITE, NULL),
		    0);
		assert_int_not_equal(
		    sqlite3_exec(db, sql[i], NULL, NULL, &why), SQLITE_OK);
		assert_string_equal(why, "the ledger is append-only");
		sqlite3_free(why);
		sqlite3_close(db);
	}
}

/* Dies at each write: the correction is in whole, with its sums, or not at all. */
static void
test_dies_anywhere(void **state)
{
	struct process *p = *state;

	for (unsigned k = 1;; k++) {
		struct ledger_corrected done;
		unsigned crashes;
		int64_t rows;
		struct id id;

		process_fini(p);
		process_init(p, k);
		assert_true(process_start(p, 8, 1));
		id = book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		fake_env_advance(p->fake, 3 * HOUR_NS);
		crashes = fake_env_crashes(p->fake);
		fake_env_crash_at(p->fake, k);
		(void)say(p, id, 900000, &done);
		fake_env_crash_at(p->fake, 0);
		if (fake_env_crashes(p->fake) == crashes)
			break;
		process_stop(p);
		assert_true(process_start(p, 8, 1));
		rows = ask(JANUARY, "SELECT COUNT(*) FROM correction");
		assert_int_equal(paid_in_hour(0), 504000);
		assert_int_equal(paid_in_hour(3), rows == 0 ? -1 : 396000);
	}
}

/* Fails at each write: it says so, the ledger goes on, and saying it again mends it. */
static void
test_fails_anywhere(void **state)
{
	struct process *p = *state;
	struct ledger_corrected done;
	unsigned k;
	struct id id;

	assert_true(process_start(p, 8, 1));
	id = book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 3 * HOUR_NS);
	for (k = 1;; k++) {
		bool ok;

		fake_env_fail_write(p->fake, k, EIO);
		ok = say(p, id, 900000 + k, &done);
		fake_env_fail_write(p->fake, 0, 0);
		if (ok)
			break;
		assert_string_not_equal(p->why, "");
		book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		if (!say(p, id, 900000, &done))
			fail_msg("%s", p->why);
		assert_int_equal(paid_in_hour(3), 396000 + (int64_t)k * 504000);
	}
	assert_true(k > 2);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_a_row_beside_it),
	    with_ledger(test_of_an_earlier_month),
	    with_ledger(test_verified),
	    with_ledger(test_what_is_refused),
	    with_ledger(test_corrections_stay),
	    with_ledger(test_dies_anywhere),
	    with_ledger(test_fails_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
