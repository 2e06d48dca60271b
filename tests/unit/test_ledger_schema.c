/* libs: base core config budget meter */
/* test_ledger_schema.c: files of other versions, and rows that nobody changes. */
#include "meter.h"

#include "db.h"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

static const char *const steps[] = {
    "CREATE TABLE a(x INTEGER);",
    "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;",
    "CREATE TABLE a(this is no SQL;",
};

static int64_t
number(struct db *db, const char *sql)
{
	sqlite3_stmt *q;
	int64_t v = -1;
	bool row;

	assert_true(db_prepare(db, sql, &q));
	if (db_step(db, q, &row) && row)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

static void
test_brought_forward(void **state)
{
	const struct schema one = {"t", steps, 1}, two = {"t", steps, 2};
	struct db db;

	(void)state;
	assert_true(db_open(&db, STATE "/t.db"));
	assert_true(db_migrate(&db, "main", &one));
	assert_true(db_exec(&db, "INSERT INTO a VALUES(1)"));
	assert_true(db_migrate(&db, "main", &one)); /* nothing to do */
	assert_true(db_migrate(&db, "main", &two));
	assert_int_equal(number(&db, "SELECT x FROM a"), 1);
	assert_int_equal(number(&db, "SELECT y FROM a"), 7);
	assert_int_equal(number(&db, "PRAGMA user_version"), 2);
	db_close(&db);
}

static void
test_a_step_is_whole_or_not_at_all(void **state)
{
	const struct schema three = {"t", steps, 3};
	struct process *p = *state;
	struct db db;

	assert_true(db_open(&db, STATE "/t.db"));
	assert_false(db_migrate(&db, "main", &three));
	assert_int_equal(number(&db, "PRAGMA user_version"), 2);
	db_close(&db);
	/* Dies at each write of it. */
	for (unsigned k = 1;; k++) {
		const struct schema two = {"t", steps, 2};
		unsigned crashes = fake_env_crashes(p->fake);
		char path[64];
		bool ok;

		snprintf(path, sizeof(path), STATE "/k%u.db", k);
		fake_env_crash_at(p->fake, k);
		ok = db_open(&db, path) && db_migrate(&db, "main", &two);
		db_close(&db);
		if (fake_env_crashes(p->fake) == crashes) {
			assert_true(ok);
			break;
		}
		assert_true(db_open(&db, path));
		assert_true(db_migrate(&db, "main", &two));
		assert_int_equal(number(&db, "SELECT COUNT(*) FROM a"), 0);
		db_close(&db);
	}
	fake_env_crash_at(p->fake, 0);
}

static void
set_version(const char *file, const struct schema *schema)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version=%zu", schema->steps);
	ask(file, sql);
}

static void
test_newer_files_are_refused(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	ask("ledger.db", "PRAGMA user_version=99");
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "ledger.db"));
	assert_non_null(strstr(p->why, "schema version 99"));
	assert_non_null(strstr(p->why, "start the newer frugald again"));
	process_stop(p);
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM rollup"), 1);
	set_version("ledger.db", &schema_ledger);
	ask(JANUARY, "PRAGMA user_version=98");
	assert_false(process_start(p, 8, 1));
	assert_non_null(strstr(p->why, "schema version 98"));
	process_stop(p);
	set_version(JANUARY, &schema_month);
	assert_true(process_start(p, 8, 1));
}

/* A request of the first release, which knew six attempts and no packed decision. */
static const char first_release[] =
    "INSERT INTO name(id,text) VALUES(1,''),(2,'luna'),(3,'openai');"
    "INSERT INTO request VALUES(1,x'01',0,0,1,1,1,7,1,1,1,1,0.5,0.5,1,1,1,1,0,1,NULL,"
    "0.5,1,0,1,6,x'00000000000000000000','',0);"
    "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<5)"
    " INSERT INTO attempt(request,n,model,provider,region,tier,price,contract_ppm,"
    "start_ms,outcome,http_status,basis,flags,list_pusd,amount_pusd,input_estimate,"
    "expected_output,served_model,service_tier)"
    " SELECT 1,n,2,3,1,1,1,1000000,0,1,200,0,3,2000,1000,0,0,1,1 FROM i;";

static void
test_a_file_of_the_first_release(void **state)
{
	const struct schema first = {"month", schema_month.step, 1};
	struct process *p = *state;
	struct db db;

	assert_true(db_open(&db, STATE "/" JANUARY));
	assert_true(db_migrate(&db, "main", &first));
	assert_true(db_exec(&db, first_release));
	db_close(&db);
	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 2);
	assert_int_equal(
	    ask(JANUARY, "SELECT LENGTH(decision) FROM request WHERE seq=1"), 0);
	assert_int_equal(ask(JANUARY, "SELECT warm_tokens FROM attempt"), -1);
	/* A slot has room for five; none of their money is lost. */
	assert_int_equal(
	    ask("ledger.db", "SELECT paid_lo FROM rollup WHERE key=''"), 6000);
	assert_int_equal(
	    ask("ledger.db", "SELECT list_lo FROM rollup WHERE key=''"), 12000);
}

/* ---- append-only ---- */

static void
refused(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(
	    sqlite3_open_v2(STATE "/" JANUARY, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	assert_int_not_equal(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK);
	if (why == NULL || strcmp(why, "the ledger is append-only") != 0)
		fail_msg("%s: %s", sql, why);
	sqlite3_free(why);
	sqlite3_close(db);
}

static void
test_rows_stay_as_they_are(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	refused("UPDATE attempt SET amount_pusd=0");
	refused("UPDATE request SET outcome=0 WHERE seq=1");
	refused("UPDATE name SET text='x' WHERE text='luna'");
	refused("UPDATE tag SET value=1");
	refused("DELETE FROM attempt");
	refused("DELETE FROM request WHERE seq=1");
	refused("DELETE FROM name");
	refused("DELETE FROM tag");
	/* REPLACE deletes without asking a trigger on DELETE. */
	refused("INSERT OR REPLACE INTO attempt SELECT * FROM attempt");
	refused("INSERT OR REPLACE INTO request SELECT * FROM request");
	refused("INSERT OR REPLACE INTO name SELECT * FROM name");
	refused("REPLACE INTO name(text) VALUES('luna')");
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), 504000);
	assert_int_equal(ask(JANUARY, "SELECT seq FROM request"), 1);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_brought_forward),
	    with_ledger(test_a_step_is_whole_or_not_at_all),
	    with_ledger(test_newer_files_are_refused),
	    with_ledger(test_a_file_of_the_first_release),
	    with_ledger(test_rows_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
