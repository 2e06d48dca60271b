/* books.c: read-only connections to ledger.db and the months' files. A connection that
 * is not the ledger thread's never writes and never checkpoints: SQLite 3.40.1 can
 * corrupt a write-ahead log when two do (sqlite.org/wal.html, "WAL-reset"). */
#include "books.h"

#include <stdio.h>

#include "base/env.h"

/* So many steps of SQLite's machine between two looks at the clock: some 10 us. */
#define STEPS_BETWEEN 1000

void
books_init(struct books *b, struct env *env, const char *state_dir)
{
	*b = (struct books){.env = env, .asked_ms = env_wall_ms(env)};
	snprintf(b->dir, sizeof(b->dir), "%s", state_dir);
}

void
books_fini(struct books *b)
{
	sqlite3_close(b->sums);
	for (int i = 0; i < BOOKS_MONTHS; i++)
		sqlite3_close(b->month[i].db);
	*b = (struct books){0};
}

static int
on_progress(void *arg)
{
	return books_too_slow(arg);
}

bool
books_too_slow(const struct books *b)
{
	return b->deadline_ns != 0 && b->env->mono_ns(b->env) > b->deadline_ns;
}

static void
tell(struct books *b, const char *what, const char *why)
{
	snprintf(b->why, sizeof(b->why), "%.180s: %.60s", what, why);
}

/* The ledger makes a file first and then, in one transaction, what is in it: until that
 * is there, so is nothing of ours. */
static bool
has_nothing(sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool nothing = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master", -1, &q,
			   NULL) == SQLITE_OK &&
		       sqlite3_step(q) == SQLITE_DONE;

	sqlite3_finalize(q);
	return nothing;
}

static sqlite3 *
open_file(struct books *b, const char *path)
{
	sqlite3 *db = NULL;

	b->why[0] = '\0';
	if (b->env->file_size(b->env, path) < 0)
		return NULL;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK &&
	    sqlite3_exec(db,
		"PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;"
		"PRAGMA cell_size_check=ON; PRAGMA busy_timeout=500;"
		"PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY;",
		NULL, NULL, NULL) == SQLITE_OK) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_progress_handler(db, STEPS_BETWEEN, on_progress, b);
		if (!has_nothing(db))
			return db;
		sqlite3_close(db);
		return NULL;
	}
	tell(b, path, db == NULL ? "no memory" : sqlite3_errmsg(db));
	sqlite3_close(db);
	return NULL;
}

sqlite3 *
books_sums(struct books *b)
{
	char path[4096];

	if (b->sums != NULL)
		return b->sums;
	snprintf(path, sizeof(path), "%s/ledger.db", b->dir);
	b->sums = open_file(b, path);
	if (b->sums == NULL && b->why[0] == '\0')
		tell(b, b->dir,
		    "there is no ledger.db; is this a state folder of frugald?");
	return b->sums;
}

sqlite3 *
books_month(struct books *b, int number)
{
	char path[4096];
	int at = 0;

	for (int i = 0; i < BOOKS_MONTHS; i++) {
		if (b->month[i].db != NULL && b->month[i].number == number) {
			b->month[i].used = ++b->uses;
			/* A look makes SQLite see that the file has got columns since:
			 * books_has() asks what it has in memory. */
			(void)has_nothing(b->month[i].db);
			return b->month[i].db;
		}
		if (b->month[i].used < b->month[at].used)
			at = i;
	}
	snprintf(path, sizeof(path), "%s/ledger-%04d-%02d.db", b->dir, number / 12,
	    number % 12 + 1);
	sqlite3_close(b->month[at].db);
	b->month[at].number = number;
	b->month[at].used = ++b->uses;
	b->month[at].db = open_file(b, path);
	return b->month[at].db;
}

bool
books_has(sqlite3 *db, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(
		   db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

const char *
books_tags_sql(sqlite3 *db)
{
	return books_has(db, "request", "tagset")
		   ? "CASE r.tagset WHEN 0 THEN r.tags ELSE"
		     " (SELECT text FROM name WHERE id=r.tagset) END"
		   : "r.tags";
}

sqlite3_stmt *
books_prepare(struct books *b, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK)
		return s;
	tell(b, "the ledger cannot be read", sqlite3_errmsg(db));
	return NULL;
}

bool
books_step(struct books *b, sqlite3_stmt *s, bool *ret_row)
{
	int rc = sqlite3_step(s);

	*ret_row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return true;
	tell(b, "the ledger cannot be read", sqlite3_errmsg(sqlite3_db_handle(s)));
	return false;
}
