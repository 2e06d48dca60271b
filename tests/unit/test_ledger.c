/* libs: base core config budget meter */
/* test_ledger.c: closed slots become rows once, whatever the disk does. */
#include "meter.h"

#include <errno.h>

#include "month.h"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

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

static void
test_more_than_a_batch(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 700, 1));
	for (int i = 0; i < 700; i++)
		book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(slots_in_use(p->slots), 0);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 700);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 700);
}

/* ---- the thread ---- */

static void
test_the_thread_books_all_before_it_ends(void **state)
{
	struct process *p = *state;
	struct ledger_status st;

	assert_true(ledger_open(p->env, STATE, &p->ledger, p->why));
	p->slots = slots_create(p->env, STATE, 600, 1);
	p->outlook = outlook_shared_new();
	for (int i = 0; i < 600; i++)
		book_one(p, 0);
	assert_true(ledger_start(p->ledger, p->slots, p->outlook));
	ledger_stop(p->ledger);
	ledger_status_get(p->ledger, &st);
	assert_int_equal(st.rows, 600);
	assert_int_equal(slots_in_use(p->slots), 0);
	ledger_stop(p->ledger); /* once is enough */
	ledger_stop(NULL);
}

/* ---- who may ---- */

static void
test_one_daemon_a_ledger(void **state)
{
	struct process *p = *state;
	struct ledger *second = NULL;
	char why[256];

	assert_true(process_start(p, 8, 1));
	assert_false(ledger_open(p->env, STATE, &second, why));
	assert_null(second);
	assert_non_null(strstr(why, STATE));
	assert_non_null(strstr(why, "another frugald is using it"));
	process_stop(p);
	assert_true(process_start(p, 8, 1));
}

static void
test_no_database(void **state)
{
	static const char junk[] =
	    "not a database, but as long as one that SQLite would look at twice, and "
	    "then some: it wants a hundred bytes for its head";
	struct process *p = *state;

	fake_env_put(p->fake, STATE "/ledger.db", str_of(junk), 0600);
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "not a database"));
	process_stop(p);
	assert_int_equal(p->env->file_size(p->env, STATE "/ledger.db"), strlen(junk));
}

static void
test_a_folder_is_no_database(void **state)
{
	struct process *p = *state;

	assert_true(p->env->make_dir(p->env, STATE "/ledger.db"));
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "ledger.db"));
}

/* ---- months ---- */

static void
test_months(void **state)
{
	static const struct {
		int64_t s;
		int month;
	} days[] = {{0, 1970 * 12}, {951782400 - 1, 2000 * 12 + 1}, /* 28 February */
	    {951782400, 2000 * 12 + 1}, {951868800, 2000 * 12 + 2}, /* 29, then March */
	    {1767225599, 2025 * 12 + 11}, {1767225600, 2026 * 12},
	    {4107542399, 2100 * 12 + 1}, {4107542400, 2100 * 12 + 2}};
	char path[64];

	(void)state;
	for (size_t i = 0; i < nitems(days); i++)
		assert_int_equal(month_of(days[i].s * 1000), days[i].month);
	month_path("/d", 2026 * 12 + 10, path, sizeof(path));
	assert_string_equal(path, "/d/ledger-2026-11.db");
	assert_int_equal(month_parse(STR("ledger-2026-11.db")), 2026 * 12 + 10);
	assert_int_equal(month_parse(STR("ledger-2026-11.db-wal")), 0);
	assert_int_equal(month_parse(STR("ledger-2026-13.db")), 0);
	assert_int_equal(month_parse(STR("ledger-2026-00.db")), 0);
	assert_int_equal(month_parse(STR("ledger-26-1.db")), 0);
	assert_int_equal(month_parse(STR("ledger.db")), 0);
	assert_int_equal(month_parse(STR("")), 0);
}

/* A batch on both sides of midnight, and a clock
 * that steps back into a month that was left. */
static void
test_rows_go_to_the_month_of_their_end(void **state)
{
	struct process *p = *state;
	const int64_t month_ns = 31LL * 86400 * NS_PER_S;

	assert_true(process_start(p, 8, 1));
	fake_env_advance(p->fake, month_ns - NS_PER_MS);
	book_one(p, 0);
	fake_env_advance(p->fake, NS_PER_MS);
	book_one(p, 0);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_int_equal(ask("ledger-2026-02.db", "SELECT COUNT(*) FROM request"), 2);
	fake_env_step_wall(p->fake, -NS_PER_S);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 2);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 4);
	assert_int_equal(
	    ask("ledger.db", "SELECT value FROM meta WHERE key='up_to:2026-01'"), 2);
	assert_int_equal(
	    ask("ledger.db", "SELECT value FROM meta WHERE key='up_to:2026-02'"), 2);
}

/* ---- what stands in the rows ---- */

static void
test_texts_are_kept_by_hash(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	ledger_keep(p->ledger, "policy", "aa", STR("one"));
	fake_env_fail_write(p->fake, 1, ENOSPC);
	assert_false(ledger_turn(p->ledger));
	assert_false(ledger_accepts(p->ledger)); /* no row names what is not kept */
	assert_true(ledger_turn(p->ledger));
	assert_true(ledger_accepts(p->ledger));
	ledger_keep(p->ledger, "policy", "aa", STR("another"));
	ledger_keep(p->ledger, "prices", "aa", STR(""));
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM kept"), 2);
	assert_int_equal(
	    ask("ledger.db", "SELECT CAST(text AS TEXT)='one' FROM kept WHERE"
			     " kind='policy'"),
	    1);
}

/* What it says is in is in, also when a batch was full or the clock went on. */
static void
test_committed_until(void **state)
{
	struct process *p = *state;
	struct ledger_status st;
	int64_t before;

	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	before = env_wall_ms(p->env);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, NS_PER_S);
	ledger_status_get(p->ledger, &st);
	assert_int_equal(st.committed_until_ms, before);
	assert_true(ledger_turn(p->ledger));
	ledger_status_get(p->ledger, &st);
	assert_int_equal(st.committed_until_ms, before + 1000);
}

/* ---- when the disk fails ---- */

/* At each write in turn, then once more without: nothing is lost or doubled. */
static void
fails_at_each_write(struct process *p, int error)
{
	struct ledger_status st;
	int64_t booked = 0;
	unsigned k, writes;

	assert_true(process_start(p, 8, 1));
	for (k = 1;; k++) {
		book_one(p, 0);
		book_one(p, 0);
		booked += 2;
		fake_env_fail_write(p->fake, k, error);
		writes = fake_env_writes(p->fake);
		if (ledger_turn(p->ledger))
			break;
		assert_int_equal(fake_env_writes(p->fake), writes + k);
		assert_false(ledger_accepts(p->ledger));
		assert_int_equal(slots_in_use(p->slots), 2);
		ledger_status_get(p->ledger, &st);
		assert_false(st.healthy);
		assert_string_not_equal(st.error, "");
		assert_int_equal(st.errors, k);
		assert_true(ledger_turn(p->ledger)); /* by itself */
		assert_true(ledger_accepts(p->ledger));
		assert_int_equal(slots_in_use(p->slots), 0);
		assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), booked);
		assert_int_equal(
		    ask("ledger.db", "SELECT SUM(attempts) FROM rollup"), booked);
		assert_true(k < 100);
	}
	fake_env_fail_write(p->fake, 0, 0);
	assert_true(k > 5);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), booked);
	assert_int_equal(
	    ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), booked * 504000);
}

static void
test_full_at_each_write(void **state)
{
	fails_at_each_write(*state, ENOSPC);
}

static void
test_error_at_each_write(void **state)
{
	fails_at_each_write(*state, EIO);
}

static void
test_full_for_a_while(void **state)
{
	struct process *p = *state;
	int booked = 0;

	assert_true(process_start(p, 64, 1));
	fake_env_disk(p->fake, 400000);
	while (ledger_turn(p->ledger)) {
		for (int i = 0; i < 8; i++, booked++)
			book_one(p, 0);
		assert_true(booked < 5000);
	}
	assert_false(ledger_accepts(p->ledger));
	for (int i = 0; i < 50; i++) {
		/* What was in flight ends, and waits. */
		if (i < 40)
			book_one(p, 0);
		assert_false(ledger_turn(p->ledger));
	}
	booked += 40;
	fake_env_disk(p->fake, -1);
	assert_true(ledger_turn(p->ledger));
	assert_true(ledger_accepts(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), booked);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), booked);
}

/* Rows and roll-ups are two files: after a power cut between them the rows are there,
 * and no slot that would say so. */
static void
test_rollups_that_a_power_cut_lost(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	fake_env_step_wall(p->fake, 31LL * 86400 * NS_PER_S);
	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	ask("ledger.db", "DELETE FROM rollup");
	ask("ledger.db", "DELETE FROM meta WHERE key='up_to:2026-02'");
	ask("ledger.db", "UPDATE meta SET value=0");
	assert_true(process_start(p, 8, 1));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 3);
	assert_int_equal(ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), 1512000);
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM rollup WHERE tags='app=shop\n'"), 2);
	process_stop(p);
	assert_true(process_start(p, 8, 1)); /* once */
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 3);
}

/* Whoever takes a month's file away, or puts an old copy back, loses its rows, but no
 * later one, and no roll-up. */
static void
test_a_month_taken_away(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	for (int i = 0; i < 3; i++)
		book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	assert_true(p->env->remove_file(p->env, STATE "/" JANUARY));
	assert_true(p->env->remove_file(p->env, STATE "/" JANUARY "-wal"));
	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 2);
	assert_int_equal(ask(JANUARY, "SELECT MIN(seq) FROM request"), 4);
	assert_int_equal(ask(JANUARY, "SELECT MAX(seq) FROM request"), 5);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 5);
	assert_int_equal(ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), 2520000);
}

/* ---- what is learned ---- */

static void
test_bytes_per_token(void **state)
{
	struct process *p = *state;
	const struct outlook *o;

	assert_true(process_start(p, 8, 1));
	o = outlook_take(p->outlook);
	assert_int_equal(o->number, 0);
	assert_int_equal(o->providers, 0);
	outlook_release(o);
	book_one(p, 0); /* 400 bytes of text were 120 tokens */
	fake_env_advance(p->fake, NS_PER_S);
	assert_true(ledger_turn(p->ledger));
	o = outlook_take(p->outlook);
	assert_int_equal(o->number, 1);
	assert_string_equal(o->provider[0].name, "openai");
	assert_int_equal(o->provider[0].bytes_per_token_milli, 3333);
	outlook_release(o);
	/* The same again is nothing new: no number, no rows. */
	for (int i = 0; i < 5; i++) {
		book_one(p, 0);
		fake_env_advance(p->fake, NS_PER_S);
		assert_true(ledger_turn(p->ledger));
	}
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM outlook_cell"), 1);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	o = outlook_take(p->outlook);
	assert_int_equal(o->number, 1);
	assert_int_equal(o->provider[0].bytes_per_token_milli, 3333);
	outlook_release(o);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_a_request_is_a_row),
	    with_ledger(test_more_than_a_batch),
	    with_ledger(test_the_thread_books_all_before_it_ends),
	    with_ledger(test_one_daemon_a_ledger),
	    with_ledger(test_no_database),
	    with_ledger(test_a_folder_is_no_database),
	    cmocka_unit_test(test_months),
	    with_ledger(test_rows_go_to_the_month_of_their_end),
	    with_ledger(test_texts_are_kept_by_hash),
	    with_ledger(test_committed_until),
	    with_ledger(test_full_at_each_write),
	    with_ledger(test_error_at_each_write),
	    with_ledger(test_full_for_a_while),
	    with_ledger(test_rollups_that_a_power_cut_lost),
	    with_ledger(test_a_month_taken_away),
	    with_ledger(test_bytes_per_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
