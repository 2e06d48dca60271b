/* db.c: SQLite with the settings that a ledger needs. */
#include "db.h"

#include <stdio.h>

static bool
failed(struct db *db, const char *what)
{
	int code = db->handle == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->handle);
	bool damaged =
	    (code & 0xFF) == SQLITE_NOTADB || (code & 0xFF) == SQLITE_CORRUPT;

	snprintf(db->why, sizeof(db->why), "%s: %s%s", what,
	    db->handle == NULL ? "no memory" : sqlite3_errmsg(db->handle),
	    damaged ? "; restore the file from a backup" : "");
	return false;
}

/* SQLite opens a file that it may not write all the same, and keeps another journal
 * where it cannot have a WAL; both would be found out with the first bill. */
static bool
check_mode(struct db *db)
{
	sqlite3_stmt *s;
	bool row, ok;

	if (sqlite3_db_readonly(db->handle, "main") == 1) {
		snprintf(db->why, sizeof(db->why),
		    "the file is read-only: mend its mode or owner");
		return false;
	}
	if (!db_prepare(db, "PRAGMA journal_mode=WAL", &s))
		return false;
	ok = db_step(db, s, &row);
	if (ok &&
	    (!row || !str_is(str_of((const char *)sqlite3_column_text(s, 0)), "wal"))) {
		snprintf(db->why, sizeof(db->why),
		    "no write-ahead log can be had here: is this a network file "
		    "system?");
		ok = false;
	}
	sqlite3_finalize(s);
	return ok;
}

/* What a process wrote that died, or gave up, before it had synced is there to be read
 * and would be taken for committed; now it is. */
static bool
sync_what_is_there(struct db *db)
{
	if (sqlite3_wal_checkpoint_v2(
		db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
		return failed(db, "checkpoint");
	return true;
}

bool
db_open(struct db *db, const char *path)
{
	static const char settings[] = "PRAGMA synchronous=FULL;"
				       "PRAGMA wal_autocheckpoint=0;"
				       "PRAGMA trusted_schema=OFF;"
				       "PRAGMA cell_size_check=ON;"
				       "PRAGMA foreign_keys=OFF;"
				       "PRAGMA temp_store=MEMORY;";

	*db = (struct db){0};
	if (sqlite3_open_v2(path, &db->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK)
		return failed(db, "open");
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, 2000);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return check_mode(db) && db_exec(db, settings) && sync_what_is_there(db);
}

bool
db_open_reader(struct db *db, const char *path)
{
	*db = (struct db){0};
	if (sqlite3_open_v2(path, &db->handle,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return failed(db, "open");
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, 2000);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return db_exec(db, "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;"
			   "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;");
}

bool
db_sync_commits(struct db *db, bool on)
{
	return db_exec(
	    db, on ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

void
db_close(struct db *db)
{
	sqlite3_backup_finish(db->copy);
	sqlite3_close(db->handle);
	db->copy = NULL;
	db->handle = NULL;
}

void
db_checkpoint(struct db *db)
{
	if (db->handle != NULL)
		sqlite3_wal_checkpoint_v2(
		    db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void
db_rest(struct db *db)
{
	if (db->handle != NULL)
		(void)sqlite3_db_release_memory(db->handle);
}

void
db_leave(struct db *db)
{
	if (db->handle == NULL)
		return;
	sqlite3_busy_timeout(db->handle, 0); /* readers may stay; nobody waits */
	sqlite3_wal_checkpoint_v2(
	    db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

bool
db_exec(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, "exec");
	return true;
}

bool
db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v3(
		db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return failed(db, "prepare");
	return true;
}

bool
db_step(struct db *db, sqlite3_stmt *s, bool *ret_row)
{
	int rc = sqlite3_step(s);

	*ret_row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return true;
	failed(db, "step");
	sqlite3_reset(s);
	return false;
}

bool
db_run(struct db *db, sqlite3_stmt *s)
{
	bool row;

	if (!db_step(db, s, &row))
		return false;
	sqlite3_reset(s);
	return true;
}

static bool
get_version(struct db *db, const char *as, int *ret)
{
	char sql[64];
	sqlite3_stmt *s;
	bool row;

	snprintf(sql, sizeof(sql), "PRAGMA %s.user_version", as);
	if (!db_prepare(db, sql, &s))
		return false;
	if (!db_step(db, s, &row)) {
		sqlite3_finalize(s);
		return false;
	}
	*ret = row ? sqlite3_column_int(s, 0) : 0;
	sqlite3_finalize(s);
	return true;
}

/* CREATE statements name no database: they are run on a connection whose main it is. */
static bool
migrate_step(struct db *db, const char *sql, int version)
{
	char set[64];

	snprintf(set, sizeof(set), "PRAGMA user_version=%d", version);
	if (!db_exec(db, "BEGIN IMMEDIATE"))
		return false;
	if (db_exec(db, sql) && db_exec(db, set) && db_exec(db, "COMMIT"))
		return true;
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool
db_migrate(struct db *db, const char *as, const struct schema *schema)
{
	int version;

	if (!get_version(db, as, &version))
		return false;
	if (version < 0 || (size_t)version > schema->steps) {
		db->newer = true;
		snprintf(db->why, sizeof(db->why),
		    "it has schema version %d, this frugald knows up to %zu", version,
		    schema->steps);
		return false;
	}
	for (size_t i = (size_t)version; i < schema->steps; i++) {
		if (!migrate_step(db, schema->step[i], (int)i + 1))
			return false;
	}
	return true;
}
