/* db.h: the few calls of SQLite that the store needs, with its errors kept as text. */
#ifndef METER_DB_H
#define METER_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "schema.h"

/* One connection; the ledger thread's, the only one that writes and checkpoints (SQLite
 * 3.40.1 can corrupt a WAL when a second one does: reliability research, fact 10). */
struct db {
	sqlite3 *handle;
	bool newer;           /* db_migrate(): it is of a newer release */
	sqlite3_backup *copy; /* a copy that is being made of it, ended with it; NULL */
	char why[256];        /* of the last failure */
};

bool db_open(struct db *db, const char *path);
/* For reading only: what is committed is seen, nothing is locked or checkpointed. */
bool db_open_reader(struct db *db, const char *path);
/* What is committed from now on survives a power cut: from the start
 * so. False: it may be lost until the next checkpoint, the newest
 * first, and a commit costs no fsync(2). */
bool db_sync_commits(struct db *db, bool on);
void db_close(struct db *db); /* keeps `why` */
/* Moves the write-ahead log back into the file; what readers hold stays. */
void db_checkpoint(struct db *db);
/* The same before it is closed for long: all in one file, where readers allow it. */
void db_leave(struct db *db);
/* Forgets the pages that it keeps in memory. */
void db_rest(struct db *db);

/* Several statements, no results. */
bool db_exec(struct db *db, const char *sql);
bool db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret);

/* Runs a bound statement that gives no row, resets it. */
bool db_run(struct db *db, sqlite3_stmt *s);
/* Steps: true with `*ret_row` saying whether there is one. The caller resets. */
bool db_step(struct db *db, sqlite3_stmt *s, bool *ret_row);

/* Brings the database `as` ("main" or an attached one) to the newest version. A newer
 * file is refused. */
bool db_migrate(struct db *db, const char *as, const struct schema *schema);

/* Not copied: it stays where it is until the statement has run. */
static inline void
db_text(sqlite3_stmt *s, int i, struct str v)
{
	sqlite3_bind_text(s, i, v.p == NULL ? "" : v.p, (int)v.len, SQLITE_STATIC);
}

/* What is no number would be NULL, and refused. */
static inline void
db_real(sqlite3_stmt *s, int i, double v)
{
	sqlite3_bind_double(s, i, v == v ? v : 0);
}

/* NULL for -1: unknown. */
static inline void
db_known(sqlite3_stmt *s, int i, int64_t v)
{
	if (v < 0)
		sqlite3_bind_null(s, i);
	else
		sqlite3_bind_int64(s, i, v);
}

#endif
