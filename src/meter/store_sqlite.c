/* store_sqlite.c: a file of rows for each month, roll-ups beside them. Rows are
 * committed first; `up_to` says how far the roll-ups have come, so that a crash between
 * the two commits neither loses nor doubles: the slots are still there and are given
 * again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "month.h"
#include "rollup.h"
#include "store.h"

struct store {
	struct env *env;
	char dir[3800];
	struct db db; /* ledger.db */
	struct month month;
	struct rollup_store rollup;
	sqlite3_stmt *get_meta, *put_meta, *keep, *put_outlook;
	int64_t *seq; /* of the batch under way */
	unsigned seq_room;
};

static bool
fail(
    const char *what, const char *path, const char *why, char ret_why[static STORE_WHY])
{
	snprintf(ret_why, STORE_WHY, "%s %.80s: %.120s", what, path, why);
	return false;
}

static bool
prepare(struct store *s)
{
	return rollup_open(&s->rollup, &s->db) &&
	       db_prepare(
		   &s->db, "SELECT value FROM meta WHERE key=?1", &s->get_meta) &&
	       db_prepare(
		   &s->db, "INSERT OR REPLACE INTO meta VALUES(?1,?2)", &s->put_meta) &&
	       db_prepare(&s->db, "INSERT OR IGNORE INTO kept VALUES(?1,?2,?3,?4)",
		   &s->keep) &&
	       db_prepare(&s->db, "INSERT OR REPLACE INTO outlook VALUES(?1,?2,?3,?4)",
		   &s->put_outlook);
}

bool
store_open(struct env *env, const char *dir, struct store **ret,
    char ret_why[static STORE_WHY])
{
	struct store *s = xcalloc(1, sizeof(*s));
	char path[4096];

	s->env = env;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/ledger.db", s->dir);
	if (!db_open(&s->db, path) || !db_migrate(&s->db, "main", &schema_ledger) ||
	    !prepare(s)) {
		fail("the ledger", path, s->db.why, ret_why);
		store_close(s);
		return false;
	}
	*ret = s;
	return true;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_checkpoint(s);
	if (s->month.number != 0)
		month_close(&s->month);
	rollup_close(&s->rollup);
	sqlite3_finalize(s->get_meta);
	sqlite3_finalize(s->put_meta);
	sqlite3_finalize(s->keep);
	sqlite3_finalize(s->put_outlook);
	db_close(&s->db);
	xfree(s->seq);
	xfree(s);
}

/* ---- one batch ---- */

static bool
use_month(struct store *s, int number)
{
	if (s->month.number == number)
		return true;
	if (s->month.number != 0)
		month_close(&s->month);
	if (month_open(&s->month, s->dir, number))
		return true;
	month_close(&s->month);
	return false;
}

static void
meta_key(int month, char ret[static 32])
{
	snprintf(ret, 32, "up_to:%04d-%02d", month / 12, month % 12 + 1);
}

static bool
get_up_to(struct store *s, int64_t *ret)
{
	char key[32];
	bool row;

	meta_key(s->month.number, key);
	db_text(s->get_meta, 1, str_of(key));
	if (!db_step(&s->db, s->get_meta, &row))
		return false;
	*ret = row ? sqlite3_column_int64(s->get_meta, 0) : 0;
	sqlite3_reset(s->get_meta);
	return true;
}

static bool
put_up_to(struct store *s, int64_t up_to)
{
	char key[32];

	meta_key(s->month.number, key);
	db_text(s->put_meta, 1, str_of(key));
	sqlite3_bind_int64(s->put_meta, 2, up_to);
	return db_run(&s->db, s->put_meta);
}

static bool
in_month(const struct store *s, const struct slot *slot)
{
	return month_of(slot->end_ms) == s->month.number;
}

static bool
add_rows(struct store *s, const struct slot *const *slot, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (in_month(s, slot[i]) && !month_add(&s->month, slot[i], &s->seq[i]))
			return false;
	}
	return true;
}

static bool
commit_rows(struct store *s, const struct slot *const *slot, unsigned count)
{
	struct db *db = &s->month.db;

	if (db_exec(db, "BEGIN IMMEDIATE") && add_rows(s, slot, count) &&
	    db_exec(db, "COMMIT"))
		return true;
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	month_forget(&s->month);
	return false;
}

static bool
add_rollups(struct store *s, const struct slot *const *slot, unsigned count)
{
	int64_t up_to, last;

	if (!get_up_to(s, &up_to))
		return false;
	last = up_to;
	for (unsigned i = 0; i < count; i++) {
		if (!in_month(s, slot[i]) || s->seq[i] <= up_to)
			continue;
		if (!rollup_add(&s->rollup, slot[i]))
			return false;
		if (s->seq[i] > last)
			last = s->seq[i];
	}
	return put_up_to(s, last);
}

static bool
commit_rollups(struct store *s, const struct slot *const *slot, unsigned count)
{
	if (db_exec(&s->db, "BEGIN IMMEDIATE") && add_rollups(s, slot, count) &&
	    db_exec(&s->db, "COMMIT"))
		return true;
	sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* The first month of the batch that comes after `after`; 0: none. */
static int
next_month(const struct slot *const *slot, unsigned count, int after)
{
	int next = 0;

	for (unsigned i = 0; i < count; i++) {
		int m = month_of(slot[i]->end_ms);

		if (m > after && (next == 0 || m < next))
			next = m;
	}
	return next;
}

bool
store_commit(struct store *s, const struct slot *const *slot, unsigned count,
    char ret_why[static STORE_WHY])
{
	if (count > s->seq_room) {
		s->seq = xrealloc(s->seq, count * sizeof(*s->seq));
		s->seq_room = count;
	}
	for (int m = next_month(slot, count, 0); m != 0;
	     m = next_month(slot, count, m)) {
		if (!use_month(s, m) || !commit_rows(s, slot, count))
			return fail(
			    "the month's rows in", s->dir, s->month.db.why, ret_why);
		if (!commit_rollups(s, slot, count))
			return fail("the roll-ups in", s->dir, s->db.why, ret_why);
	}
	return true;
}

/* ---- the rest ---- */

bool
store_keep(struct store *s, const char *kind, const char *hash, struct str text)
{
	db_text(s->keep, 1, str_of(kind));
	db_text(s->keep, 2, str_of(hash));
	sqlite3_bind_int64(s->keep, 3, env_wall_ms(s->env));
	sqlite3_bind_blob(
	    s->keep, 4, text.p == NULL ? "" : text.p, (int)text.len, SQLITE_TRANSIENT);
	return db_run(&s->db, s->keep);
}

void
store_load_outlook(struct store *s, struct outlook *ret)
{
	sqlite3_stmt *q;
	bool row;

	*ret = (struct outlook){0};
	if (!db_prepare(&s->db,
		"SELECT number, provider, bytes_per_token_milli FROM outlook"
		" WHERE number=(SELECT MAX(number) FROM outlook)",
		&q))
		return;
	while (db_step(&s->db, q, &row) && row &&
	       ret->providers < sizeof(ret->provider) / sizeof(ret->provider[0])) {
		ret->number = (uint64_t)sqlite3_column_int64(q, 0);
		str_copy(ret->provider[ret->providers].name,
		    sizeof(ret->provider[0].name),
		    str_of((const char *)sqlite3_column_text(q, 1)));
		ret->provider[ret->providers++].bytes_per_token_milli =
		    sqlite3_column_int(q, 2);
	}
	sqlite3_finalize(q);
}

bool
store_save_outlook(struct store *s, const struct outlook *o)
{
	if (!db_exec(&s->db, "BEGIN IMMEDIATE"))
		return false;
	for (unsigned i = 0; i < o->providers; i++) {
		sqlite3_bind_int64(s->put_outlook, 1, (int64_t)o->number);
		sqlite3_bind_int64(s->put_outlook, 2, env_wall_ms(s->env));
		db_text(s->put_outlook, 3, str_of(o->provider[i].name));
		sqlite3_bind_int(
		    s->put_outlook, 4, o->provider[i].bytes_per_token_milli);
		if (!db_run(&s->db, s->put_outlook)) {
			sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
			return false;
		}
	}
	return db_exec(&s->db, "COMMIT");
}

void
store_checkpoint(struct store *s)
{
	sqlite3_wal_checkpoint_v2(
	    s->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (s->month.number != 0)
		sqlite3_wal_checkpoint_v2(
		    s->month.db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
