/* libs: base core config budget meter */
/* test_backup.c: a copy of the ledger made while rows are written, and back. */
#include "meter.h"

#include <errno.h>

#include "meter/store_copy.h"

#define BACKUP "/backup"
#define OTHER  "/other"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

/* One number of a file anywhere; -1: NULL or no row. */
static int64_t
ask_at(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t v = -1;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s: %s", path, sql, sqlite3_errmsg(db));
	if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}

/* 3 requests in January, 2 in February. */
static void
two_months(struct process *p)
{
	assert_true(process_start(p, 8, 1));
	for (int i = 0; i < 3; i++)
		book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	fake_env_advance(p->fake, 31LL * 86400 * NS_PER_S);
	for (int i = 0; i < 2; i++)
		book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
}

static struct ledger_backup_status
back_up(struct process *p, const char *dir)
{
	struct ledger_backup_status st;
	char why[256];

	assert_true(ledger_backup(p->ledger, dir, why));
	ledger_backup_get(p->ledger, &st);
	return st;
}

static void
test_there_and_back(void **state)
{
	struct process *p = *state;
	struct ledger_backup_status st;
	struct ledger_restored r;
	int64_t until;

	two_months(p);
	until = env_wall_ms(p->env);
	st = back_up(p, BACKUP);
	assert_string_equal(st.why, "");
	assert_int_equal(st.state, BACKUP_done);
	assert_int_equal(st.files, 3);
	assert_int_equal(st.until_ms, until);
	assert_true(st.bytes > 10000);
	/* What comes later is not in it, and the ledger goes on. */
	fake_env_advance(p->fake, NS_PER_S);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(
	    ask_at(BACKUP "/" FEBRUARY, "SELECT COUNT(*) FROM request"), 2);
	process_stop(p);
	if (!ledger_restore(p->env, BACKUP, OTHER, false, &r, p->why))
		fail_msg("%s", p->why);
	assert_int_equal(r.until_ms, until);
	assert_int_equal(r.requests, 5);
	assert_int_equal(r.months, 2);
	assert_int_equal(r.last_ms, until);
	assert_int_equal(r.recovered, 0);
	assert_string_equal(r.aside, "");
	assert_int_equal(
	    ask_at(OTHER "/ledger.db", "SELECT SUM(requests) FROM rollup"), 5);
	assert_int_equal(
	    ask_at(OTHER "/" JANUARY, "SELECT SUM(amount_pusd) FROM attempt"), 1512000);
}

static void
test_the_folder_must_be_new(void **state)
{
	struct process *p = *state;
	struct ledger_backup_status st;

	two_months(p);
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	st = back_up(p, BACKUP);
	assert_int_equal(st.state, BACKUP_failed);
	assert_non_null(strstr(st.why, "has a ledger already"));
	st = back_up(p, "/no/such/folder");
	assert_int_equal(st.state, BACKUP_failed);
	assert_non_null(strstr(st.why, "cannot be made"));
}

/* What is left of one that was broken off is made anew; months of another ledger are
 * not written over. */
static void
test_months_that_are_there(void **state)
{
	static const char old[] = BACKUP "/ledger-2025-01.db";
	struct process *p = *state;
	struct ledger_backup_status st;
	struct ledger_restored r;

	two_months(p);
	assert_true(p->env->make_dir(p->env, BACKUP));
	assert_true(p->env->write_file(p->env, BACKUP "/" JANUARY, STR("mine")));
	st = back_up(p, BACKUP);
	assert_int_equal(st.state, BACKUP_failed);
	assert_non_null(strstr(st.why, "has months of a ledger already"));
	assert_int_equal(p->env->file_size(p->env, BACKUP "/" JANUARY), 4);
	/* Such as retention has removed since. */
	assert_true(p->env->write_file(p->env, BACKUP "/ledger.db.part", STR("")));
	assert_true(p->env->write_file(p->env, old, STR("")));
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	assert_int_equal(p->env->file_size(p->env, old), -1);
	if (!ledger_restore(p->env, BACKUP, OTHER, false, &r, p->why))
		fail_msg("%s", p->why);
	assert_int_equal(r.months, 2);
}

/* Twice within a second. */
static void
test_what_was_put_aside_stays(void **state)
{
	struct process *p = *state;
	struct ledger_restored first, second;
	char path[300];

	two_months(p);
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	assert_true(ledger_restore(p->env, BACKUP, STATE, true, &first, p->why));
	assert_true(ledger_restore(p->env, BACKUP, STATE, true, &second, p->why));
	assert_string_not_equal(first.aside, second.aside);
	snprintf(path, sizeof(path), "%s/" FEBRUARY, first.aside);
	assert_int_equal(ask_at(path, "SELECT COUNT(*) FROM request"), 3);
}

static void
test_a_path_that_is_too_long(void **state)
{
	struct process *p = *state;
	struct ledger_restored r;
	char dir[220] = "/";

	memset(dir + 1, 'x', sizeof(dir) - 2);
	dir[sizeof(dir) - 1] = '\0';
	two_months(p);
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	assert_false(ledger_restore(p->env, BACKUP, dir, true, &r, p->why));
	assert_non_null(strstr(p->why, "longer than 200 bytes"));
}

static void
test_without_a_daemon(void **state)
{
	struct process *p = *state;
	struct ledger_backup_status st;
	struct ledger_restored r;

	two_months(p);
	assert_false(ledger_backup_offline(p->env, STATE, BACKUP, &st));
	assert_non_null(strstr(st.why, "a daemon is using it"));
	process_stop(p);
	if (!ledger_backup_offline(p->env, STATE, BACKUP, &st))
		fail_msg("%s", st.why);
	assert_int_equal(st.until_ms, env_wall_ms(p->env));
	assert_true(ledger_restore(p->env, BACKUP, OTHER, false, &r, p->why));
	assert_int_equal(r.requests, 5);
}

/* What is there is put aside, never written over; slots that are there are booked. */
static void
test_force_puts_aside(void **state)
{
	struct process *p = *state;
	struct ledger_restored r;
	struct slot_request request;
	struct slot_attempt attempt;
	struct slot *s;
	char path[300];

	two_months(p);
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_false(ledger_restore(p->env, BACKUP, STATE, true, &r, p->why));
	assert_non_null(strstr(p->why, "a daemon is using it"));
	request = some_request(p->env);
	attempt = some_attempt(p->env);
	s = slot_open(p->slots, 0, &request);
	slot_attempt_open(s, &attempt);
	slot_attempt_sent(s, 0);
	fake_env_crash(p->fake);
	process_stop(p);
	assert_false(ledger_restore(p->env, BACKUP, STATE, false, &r, p->why));
	assert_non_null(strstr(p->why, "there is a ledger already"));
	if (!ledger_restore(p->env, BACKUP, STATE, true, &r, p->why))
		fail_msg("%s", p->why);
	assert_int_equal(r.requests, 5);
	assert_int_equal(r.recovered, 1);
	snprintf(path, sizeof(path), "%s/" FEBRUARY, r.aside);
	assert_int_equal(ask_at(path, "SELECT COUNT(*) FROM request"), 3);
	assert_int_equal(ask(FEBRUARY, "SELECT COUNT(*) FROM request"), 3);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 6);
	assert_true(process_start(p, 8, 1));
}

static void
damage(struct process *p, const char *path)
{
	size_t len;
	char *bytes = fake_env_bytes(p->fake, path, &len);

	assert_non_null(bytes);
	for (size_t i = len / 2; i < len / 2 + 4096 && i < len; i++)
		bytes[i] ^= 0x5A;
}

static void
on_part(void *arg, const char *name)
{
	*(int *)arg += strstr(name, ".restored") != NULL;
}

static int
parts(struct process *p)
{
	int n = 0;

	assert_true(p->env->list_dir(p->env, STATE, on_part, &n));
	return n;
}

/* Nothing of the state folder is touched before all of the copy was seen. */
static void
test_a_copy_that_is_not_sound(void **state)
{
	struct process *p = *state;
	struct ledger_restored r;

	two_months(p);
	assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
	process_stop(p);
	damage(p, BACKUP "/" FEBRUARY);
	assert_false(ledger_restore(p->env, BACKUP, STATE, true, &r, p->why));
	assert_non_null(strstr(p->why, FEBRUARY));
	assert_int_equal(parts(p), 0);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 5);
	assert_true(process_start(p, 8, 1));
	process_stop(p);
	assert_true(p->env->remove_file(p->env, BACKUP "/" FEBRUARY));
	assert_false(ledger_restore(p->env, BACKUP, STATE, true, &r, p->why));
	assert_non_null(strstr(p->why, "2 months were copied, 1 are there"));
	assert_true(p->env->remove_file(p->env, BACKUP "/ledger.db"));
	assert_false(ledger_restore(p->env, BACKUP, STATE, true, &r, p->why));
	assert_non_null(strstr(p->why, "there is no ledger.db"));
	assert_true(process_start(p, 8, 1));
}

/* Dies at each write of a restore: a daemon sees the old ledger, or none until the
 * restore has been run again; never half of both. */
static void
test_restore_dies_anywhere(void **state)
{
	struct process *p = *state;
	struct ledger_restored r;
	unsigned refused = 0;

	for (unsigned k = 1;; k++) {
		unsigned crashes;
		bool ok;

		process_fini(p);
		process_init(p, k);
		two_months(p);
		assert_int_equal(back_up(p, BACKUP).state, BACKUP_done);
		book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		process_stop(p);
		crashes = fake_env_crashes(p->fake);
		fake_env_crash_at(p->fake, k);
		ok = ledger_restore(p->env, BACKUP, STATE, true, &r, p->why);
		fake_env_crash_at(p->fake, 0);
		if (fake_env_crashes(p->fake) == crashes) {
			assert_true(ok);
			break;
		}
		if (process_start(p, 8, 1)) {
			int64_t requests =
			    ask("ledger.db", "SELECT SUM(requests) FROM rollup");

			assert_true(requests == 6 || requests == 5);
		} else {
			assert_non_null(strstr(p->why, "was broken off"));
			refused++;
		}
		process_stop(p);
		if (!ledger_restore(p->env, BACKUP, STATE, true, &r, p->why))
			fail_msg("write %u: %s", k, p->why);
		assert_int_equal(r.requests, 5);
		assert_true(process_start(p, 8, 1));
		assert_int_equal(
		    ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 5);
		assert_true(k < 500);
	}
	assert_true(refused > 3);
}

/* Fails at each write of a backup: it says so, and the ledger goes on. */
static void
test_backup_fails_anywhere(void **state)
{
	struct process *p = *state;
	unsigned k, failures = 0;

	two_months(p);
	for (k = 1;; k++) {
		struct ledger_backup_status st;
		char dir[32];

		snprintf(dir, sizeof(dir), "/backup%u", k);
		fake_env_fail_write(p->fake, k, ENOSPC);
		st = back_up(p, dir);
		fake_env_fail_write(p->fake, 0, 0);
		book_one(p, 0);
		assert_true(ledger_turn(p->ledger));
		if (st.state == BACKUP_done)
			break;
		assert_string_not_equal(st.why, "");
		failures++;
		assert_true(k < 500);
	}
	assert_true(failures > 10);
}

/* ---- while rows are written ---- */

/* A batch of settled requests that end now. */
static void
commit(struct process *p, struct store *s, int count)
{
	static struct slot slots[64];
	const struct slot *batch[64];
	char why[STORE_WHY];

	for (int i = 0; i < count; i++) {
		struct slot_attempt a = some_attempt(p->env);

		slots[i] = (struct slot){.attempts = 1,
		    .outcome = OUT_served,
		    .end_ms = env_wall_ms(p->env)};
		slots[i].request = some_request(p->env);
		slots[i].attempt[0] = answered(&a, 120, 40);
		batch[i] = &slots[i];
	}
	if (!store_commit(s, batch, (unsigned)count, why))
		fail_msg("%s", why);
}

static int64_t
rows_in(const char *path)
{
	return ask_at(path, "SELECT COUNT(*) FROM request");
}

/* A step, a batch, a step: the copy has all of them, and does not begin anew. */
static void
test_rows_come_between_two_steps(void **state)
{
	struct process *p = *state;
	struct store_copy *c;
	struct store *s;
	enum copy_step step;
	int64_t bytes, booked = 0, steps = 0, last = 0;
	char why[STORE_WHY];

	assert_true(p->env->make_dir(p->env, BACKUP));
	assert_true(store_open(p->env, STATE, &s, why));
	for (; booked < 3200; booked += 64)
		commit(p, s, 64);
	c = store_copy_begin(s, p->env, STATE, 2026 * 12, BACKUP "/x.db", why);
	assert_non_null(c);
	while ((step = store_copy_step(c, 0, &bytes, why)) == COPY_more) {
		commit(p, s, 16);
		booked += 16;
		steps++;
		assert_true(steps < 1000);
		assert_true(bytes >= last);
		last = bytes;
	}
	assert_int_equal(step, COPY_whole);
	assert_true(steps > 10);
	store_copy_end(c);
	assert_int_equal(rows_in(BACKUP "/x.db"), booked);
	assert_int_equal(
	    ask_at(BACKUP "/x.db", "SELECT COUNT(*) FROM pragma_integrity_check"
				   " WHERE integrity_check<>'ok'"),
	    0);
	commit(p, s, 16);
	assert_int_equal(rows_in(STATE "/" JANUARY), booked + 16);
	store_close(s);
}

/* The month ends, or the disk fails: the copy is begun again, never wrong. */
static void
test_a_file_that_is_closed_meanwhile(void **state)
{
	struct process *p = *state;
	struct store_copy *c;
	struct store *s;
	int64_t bytes;
	char why[STORE_WHY];

	assert_true(p->env->make_dir(p->env, BACKUP));
	assert_true(store_open(p->env, STATE, &s, why));
	for (int i = 0; i < 10; i++)
		commit(p, s, 64);
	c = store_copy_begin(s, p->env, STATE, 2026 * 12, BACKUP "/x.db", why);
	assert_int_equal(store_copy_step(c, 0, &bytes, why), COPY_more);
	fake_env_advance(p->fake, 31LL * 86400 * NS_PER_S);
	commit(p, s, 1); /* February */
	assert_int_equal(store_copy_step(c, 0, &bytes, why), COPY_again);
	store_copy_end(c);
	c = store_copy_begin(s, p->env, STATE, 2026 * 12, BACKUP "/x.db", why);
	while (store_copy_step(c, 0, &bytes, why) == COPY_more)
		commit(p, s, 1);
	store_copy_end(c);
	assert_int_equal(rows_in(BACKUP "/x.db"), 640);
	store_close(s);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_there_and_back),
	    with_ledger(test_the_folder_must_be_new),
	    with_ledger(test_months_that_are_there),
	    with_ledger(test_what_was_put_aside_stays),
	    with_ledger(test_a_path_that_is_too_long),
	    with_ledger(test_without_a_daemon),
	    with_ledger(test_force_puts_aside),
	    with_ledger(test_a_copy_that_is_not_sound),
	    with_ledger(test_restore_dies_anywhere),
	    with_ledger(test_backup_fails_anywhere),
	    with_ledger(test_rows_come_between_two_steps),
	    with_ledger(test_a_file_that_is_closed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
