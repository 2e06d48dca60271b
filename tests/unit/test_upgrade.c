/* libs: base core config budget meter */
/* test_upgrade.c: a ledger of an older release is brought forward, and there is a way
 * back; whatever happens on the way. */
#include "meter.h"

#include "meter/schema.h"

#define NOVEMBER "ledger-2026-11.db"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

static void
load(const char *file, const char *source)
{
	char path[512];
	struct buf sql;
	sqlite3 *db;
	char *why = NULL;

	snprintf(
	    path, sizeof(path), "%s/tests/data/ledger/%s", FRUGALD_SOURCE_DIR, source);
	buf_init(&sql, 1 << 20);
	assert_true(env_system()->read_file(env_system(), path, 1 << 20, &sql));
	snprintf(path, sizeof(path), STATE "/%s", file);
	assert_int_equal(sqlite3_open(path, &db), 0);
	if (sqlite3_exec(db, sql.p, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", file, why);
	sqlite3_close(db);
	buf_fini(&sql);
}

/* What the release with schema version 3 has left behind. */
static void
older_release(void)
{
	load("ledger.db", "ledger.sql");
	load(NOVEMBER, "month.sql");
}

static const char *
way_back(const char *file, char ret[static 64])
{
	snprintf(
	    ret, 64, "before-v%zu/%s", schema_ledger.steps + schema_month.steps, file);
	return ret;
}

/* All 12 requests, once, and their sums. */
static void
assert_whole(void)
{
	assert_int_equal(ask(NOVEMBER, "SELECT COUNT(*) FROM request"), 12);
	assert_int_equal(ask(NOVEMBER, "SELECT COUNT(*) FROM attempt"), 12);
	assert_int_equal(ask(NOVEMBER, "SELECT SUM(amount_pusd) FROM attempt"),
	    ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"));
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 12);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM kept"), 4);
	assert_int_equal(ask("ledger.db", "PRAGMA user_version"), schema_ledger.steps);
	assert_int_equal(ask(NOVEMBER, "PRAGMA user_version"), schema_month.steps);
	assert_int_equal(
	    ask(NOVEMBER, "SELECT COUNT(*) FROM pragma_integrity_check WHERE"
			  " integrity_check<>'ok'"),
	    0);
}

static void
assert_way_back(void)
{
	char file[64];

	assert_int_equal(ask(way_back("ledger.db", file), "PRAGMA user_version"), 3);
	assert_int_equal(ask(file, "SELECT SUM(requests) FROM rollup"), 12);
	assert_int_equal(ask(way_back(NOVEMBER, file), "PRAGMA user_version"), 3);
	assert_int_equal(ask(file, "SELECT COUNT(*) FROM request"), 12);
}

static void
on_difference(void *arg, const struct verify_finding *f)
{
	(void)arg;
	/* Texts were left out of the file. */
	if (strstr(f->where, "kept basis") == NULL)
		fail_msg("%s: %s, not %s", f->where, f->written, f->computed);
}

/* What was written then comes out now. */
static void
assert_audited(struct process *p)
{
	struct verify_report r;

	if (!ledger_verify(p->env, STATE, on_difference, NULL, &r, p->why))
		fail_msg("%s", p->why);
	assert_true(r.requests >= 12);
	assert_true(r.rollups > 0);
}

static void
test_forward_and_a_way_back(void **state)
{
	struct process *p = *state;
	struct ledger_restored r;
	char file[64], from[96];

	older_release();
	if (!process_start(p, 8, 1))
		fail_msg("%s", p->why);
	assert_whole();
	assert_audited(p);
	assert_way_back();
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_audited(p);
	process_stop(p);
	assert_true(process_start(p, 8, 1)); /* nothing more to do */
	assert_way_back();
	process_stop(p);
	snprintf(from, sizeof(from), STATE "/%s", way_back("ledger.db", file));
	*strrchr(from, '/') = '\0';
	if (!ledger_restore(p->env, from, STATE, true, &r, p->why))
		fail_msg("%s", p->why);
	assert_int_equal(r.requests, 12);
	assert_whole();
}

/* Who has gone back, booked on, and comes again, finds those rows on the next way back.
 */
static void
test_forward_twice(void **state)
{
	struct process *p = *state;
	char file[64];
	int64_t last;

	older_release();
	assert_true(process_start(p, 8, 1));
	process_stop(p);
	for (int i = 0; i < 2; i++)
		assert_true(p->env->remove_file(
		    p->env, i == 0 ? STATE "/ledger.db" : STATE "/" NOVEMBER));
	older_release();
	last = ask(NOVEMBER, "SELECT MAX(end_ms) FROM request");
	ask(NOVEMBER, "DROP TRIGGER request_fixed");
	ask(NOVEMBER, "UPDATE request SET end_ms=end_ms+1000");
	assert_true(process_start(p, 8, 1));
	assert_whole();
	assert_way_back();
	assert_int_equal(
	    ask(way_back(NOVEMBER, file), "SELECT MAX(end_ms) FROM request"),
	    last + 1000);
}

/* Killed at each write of the upgrade, then started again. */
static void
test_dies_anywhere(void **state)
{
	struct process *p = *state;
	unsigned k;

	for (k = 1;; k++) {
		unsigned crashes;

		process_fini(p);
		process_init(p, k);
		older_release();
		crashes = fake_env_crashes(p->fake);
		fake_env_crash_at(p->fake, k);
		(void)process_start(p, 8, 1);
		fake_env_crash_at(p->fake, 0);
		if (fake_env_crashes(p->fake) == crashes)
			break;
		process_stop(p);
		if (!process_start(p, 8, 1))
			fail_msg("killed at write %u: %s", k, p->why);
		assert_whole();
		assert_way_back();
	}
	print_message("killed at each of %u writes\n", k - 1);
	assert_true(k > 20);
}

/* Without room for the way back nothing is changed. */
static void
test_no_room(void **state)
{
	struct process *p = *state;

	older_release();
	fake_env_disk(p->fake, 8 << 20);
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "MiB more"));
	process_stop(p);
	assert_int_equal(ask("ledger.db", "PRAGMA user_version"), 3);
	assert_int_equal(ask(NOVEMBER, "PRAGMA user_version"), 3);
	fake_env_disk(p->fake, -1);
	assert_true(process_start(p, 8, 1));
	assert_whole();
}

/* Said by the older of two releases: how to go back. */
static void
test_a_newer_file_names_the_command(void **state)
{
	struct process *p = *state;

	older_release();
	assert_true(process_start(p, 8, 1));
	process_stop(p);
	ask(NOVEMBER, "PRAGMA user_version=99");
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "schema version 99"));
	assert_non_null(
	    strstr(p->why, "go back: frugald ledger restore /state/before-v"));
	assert_non_null(strstr(p->why, "--state /state --force"));
}

static void
test_the_way_back_ends(void **state)
{
	struct process *p = *state;
	char dir[64], path[96];

	older_release();
	assert_true(process_start(p, 8, 1));
	snprintf(path, sizeof(path), STATE "/%s", way_back("ledger.db", dir));
	for (int day = 0; day < 29; day++) {
		fake_env_advance(p->fake, 86400LL * NS_PER_S);
		assert_true(ledger_turn(p->ledger));
		assert_true(p->env->file_size(p->env, path) >= 0);
	}
	for (int day = 0; day < 3; day++) {
		fake_env_advance(p->fake, 86400LL * NS_PER_S);
		assert_true(ledger_turn(p->ledger));
	}
	assert_int_equal(p->env->file_size(p->env, path), -1);
	*strrchr(path, '/') = '\0';
	assert_int_equal(p->env->file_size(p->env, path), -1);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_forward_and_a_way_back),
	    with_ledger(test_forward_twice),
	    with_ledger(test_dies_anywhere),
	    with_ledger(test_no_room),
	    with_ledger(test_a_newer_file_names_the_command),
	    with_ledger(test_the_way_back_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
