/* store_sqlite.c: a file of rows for each month, roll-ups beside them.
 * Rows are committed first; `up_to` says how far the roll-ups have come,
 * so that a crash between the two commits neither loses nor doubles: the
 * slots are still there and are given again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "outlook.h"
#include "store_file.h"

static bool
fail(
    const char *what, const char *path, const char *why, char ret_why[static STORE_WHY])
{
	snprintf(ret_why, STORE_WHY, "%s %.80s: %.120s", what, path, why);
	return false;
}

static bool
fail_month(const struct store *s, int number, char ret_why[static STORE_WHY])
{
	char what[32];

	snprintf(
	    what, sizeof(what), "ledger-%04d-%02d.db in", number / 12, number % 12 + 1);
	return fail(what, s->dir, s->month.db.why, ret_why);
}

static bool
prepare(struct store *s)
{
	return rollup_open(&s->rollup, &s->db) &&
	       budget_kept_open(&s->budget, s->env, &s->db) &&
	       db_prepare(
		   &s->db, "SELECT value FROM meta WHERE key=?1", &s->get_meta) &&
	       db_prepare(
		   &s->db, "INSERT OR REPLACE INTO meta VALUES(?1,?2)", &s->put_meta) &&
	       db_prepare(&s->db,
		   "INSERT INTO kept(kind,hash,since_ms,text,last_ms)"
		   " VALUES(?1,?2,?3,?4,?3) ON CONFLICT(kind,hash) DO UPDATE SET"
		   " last_ms=MAX(last_ms,?3)",
		   &s->keep) &&
	       db_prepare(&s->db, outlook_cells_sql, &s->put_outlook) &&
	       db_prepare(&s->db,
		   "INSERT OR REPLACE INTO learned(cell,at_ms,bytes)"
		   " VALUES(?1,?2,?3)",
		   &s->put_learned);
}

void
store_close_ledger(struct store *s)
{
	rollup_close(&s->rollup);
	budget_kept_close(&s->budget);
	sqlite3_finalize(s->get_meta);
	sqlite3_finalize(s->put_meta);
	sqlite3_finalize(s->keep);
	sqlite3_finalize(s->put_outlook);
	sqlite3_finalize(s->put_learned);
	s->get_meta = s->put_meta = s->keep = s->put_outlook = NULL;
	s->put_learned = NULL;
	db_close(&s->db);
}

bool
store_use_ledger(struct store *s)
{
	char path[4096];

	if (s->db.handle != NULL)
		return true;
	snprintf(path, sizeof(path), "%s/ledger.db", s->dir);
	/* Roll-ups need no sync of their own: after a power cut they and `up_to` are
	 * behind the rows together, and replay_all() adds what is missing. */
	if (db_open(&s->db, path) && db_migrate(&s->db, "main", &schema_ledger) &&
	    prepare(s) && db_sync_commits(&s->db, false))
		return true;
	store_close_ledger(s);
	return false;
}

/* ---- which month ---- */

/* A file that is left is moved together, so that readers find one file. */
void
store_leave_month(struct store *s)
{
	if (s->month.number != 0)
		db_leave(&s->month.db);
	month_close(&s->month);
}

bool
store_get_meta(struct store *s, const char *key, int64_t *ret)
{
	bool row;

	db_text(s->get_meta, 1, str_of(key));
	if (!db_step(&s->db, s->get_meta, &row))
		return false;
	*ret = row ? sqlite3_column_int64(s->get_meta, 0) : 0;
	sqlite3_reset(s->get_meta);
	return true;
}

bool
store_put_meta(struct store *s, const char *key, int64_t value)
{
	db_text(s->put_meta, 1, str_of(key));
	sqlite3_bind_int64(s->put_meta, 2, value);
	return db_run(&s->db, s->put_meta);
}

static void
meta_key(const char *what, int month, char ret[static 32])
{
	snprintf(ret, 32, "%s:%04d-%02d", what, month / 12, month % 12 + 1);
}

static bool
get_up_to(struct store *s, int64_t *ret)
{
	char key[32];

	meta_key("up_to", s->month.number, key);
	return store_get_meta(s, key, ret);
}

/* A file that is younger than what the roll-ups know (one that was removed, or an old
 * copy put back) goes on behind that, so that its rows are not taken for known ones. */
static bool
number_on(struct store *s)
{
	int64_t up_to, last;

	if (!get_up_to(s, &up_to)) {
		memcpy(s->month.db.why, s->db.why, sizeof(s->db.why));
		store_close_ledger(s);
		return false;
	}
	if (!month_last(&s->month, &last))
		return false;
	if (last >= up_to)
		return true;
	log_warn("%s/ledger-%04d-%02d.db lacks %lld requests that the roll-ups have",
	    s->dir, s->month.number / 12, s->month.number % 12 + 1,
	    (long long)(up_to - last));
	s->month.next_seq = up_to + 1;
	return true;
}

bool
store_use_month(struct store *s, int number)
{
	if (s->month.number == number)
		return true;
	store_leave_month(s);
	if (month_open(&s->month, s->dir, number) && number_on(s)) {
		s->month.slim = s->slim;
		return true;
	}
	month_close(&s->month);
	return false;
}

/* How far the sums have come, and the latest moment that a row of this month counts at:
 * budgets that are new look into no month that ends before. */
static bool
put_up_to(struct store *s, int64_t up_to)
{
	char key[32];
	int64_t counted_ms;

	meta_key("counted", s->month.number, key);
	if (!store_get_meta(s, key, &counted_ms))
		return false;
	if (s->counted_ms > counted_ms && !store_put_meta(s, key, s->counted_ms))
		return false;
	meta_key("up_to", s->month.number, key);
	return store_put_meta(s, key, up_to);
}

/* ---- what is made of rows ---- */

static void
begin_sums(struct store *s)
{
	s->counted_ms = 0;
	rollup_begin(&s->rollup);
	budget_begin(&s->budget);
}

static bool
add_to_sums(struct store *s, const struct slot *slot)
{
	for (unsigned i = 0; i < slot->attempts; i++) {
		if (s->counted_ms < budget_at_ms(&slot->attempt[i]))
			s->counted_ms = budget_at_ms(&slot->attempt[i]);
	}
	budget_add(&s->budget, slot);
	return rollup_add(&s->rollup, slot);
}

static bool
flush_sums(struct store *s, int64_t up_to)
{
	return rollup_flush(&s->rollup) && budget_flush(&s->budget) &&
	       put_up_to(s, up_to);
}

/* ---- roll-ups that were missed ---- */

struct replay {
	struct store *store;
	int64_t last;
	unsigned requests;
};

static bool
replay_one(void *arg, int64_t seq, const struct slot *slot)
{
	struct replay *r = arg;

	r->last = seq;
	r->requests++;
	return add_to_sums(r->store, slot);
}

static bool
replay_month(struct store *s, int64_t up_to)
{
	struct replay r = {.store = s};
	struct db *db = &s->db;

	begin_sums(s);
	if (db_exec(db, "BEGIN IMMEDIATE") &&
	    month_each(&s->month, up_to, replay_one, &r) && flush_sums(s, r.last) &&
	    db_exec(db, "COMMIT")) {
		log_warn(
		    "%u requests of %04d-%02d were missing in the roll-ups and are "
		    "added",
		    r.requests, s->month.number / 12, s->month.number % 12 + 1);
		return true;
	}
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool
store_months(struct store *s, struct months *ret)
{
	return months_list(s->env, s->dir, ret);
}

/* After a power cut the rows of the last batches may be there without their roll-ups:
 * the two are two files. */
static bool
replay_all(struct store *s, char ret_why[static STORE_WHY])
{
	int64_t up_to, last;
	struct months m;

	if (!store_months(s, &m))
		return fail("the folder", s->dir, strerror(errno), ret_why);
	for (unsigned i = 0; i < m.count; i++) {
		if (!store_use_month(s, m.number[i]) || !month_last(&s->month, &last))
			return fail_month(s, m.number[i], ret_why);
		if (!get_up_to(s, &up_to) || (last > up_to && !replay_month(s, up_to)))
			return fail("the roll-ups in", s->dir, s->db.why, ret_why);
		if (!store_catch_up_corrections(s, ret_why))
			return false;
	}
	return true;
}

/* ---- life ---- */

bool
store_open(struct env *env, const char *dir, struct store **ret,
    char ret_why[static STORE_WHY])
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->env = env;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	/* SQLite counts its memory under a lock that every malloc takes; nobody reads
	 * it. Refused, and as good, when SQLite is in use already. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (!store_use_ledger(s)) {
		fail("ledger.db in", s->dir, s->db.why, ret_why);
	} else if (!replay_all(s, ret_why)) {
		/* it has said why */
	} else {
		*ret = s;
		return true;
	}
	if (s->db.newer || s->month.db.newer) {
		size_t n = strlen(ret_why);

		n += (size_t)snprintf(ret_why + n, STORE_WHY - n, "; ");
		if (n < STORE_WHY)
			upgrade_way_back(env, dir, ret_why + n, STORE_WHY - n);
	}
	store_close(s);
	return false;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_adopt_free(s);
	store_leave_month(s);
	db_leave(&s->db);
	store_close_ledger(s);
	fold_fini(&s->fold);
	xfree(s->seq);
	xfree(s);
}

/* ---- one batch ---- */

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
	month_close(&s->month);
	return false;
}

static bool
add_rollups(struct store *s, const struct slot *const *slot, unsigned count)
{
	int64_t up_to, last;

	if (!get_up_to(s, &up_to))
		return false;
	last = up_to;
	begin_sums(s);
	for (unsigned i = 0; i < count; i++) {
		if (!in_month(s, slot[i]) || s->seq[i] <= up_to)
			continue;
		if (!add_to_sums(s, slot[i]))
			return false;
		if (s->seq[i] > last)
			last = s->seq[i];
	}
	return flush_sums(s, last);
}

static bool
commit_rollups(struct store *s, const struct slot *const *slot, unsigned count)
{
	if (db_exec(&s->db, "BEGIN IMMEDIATE") && add_rollups(s, slot, count) &&
	    db_exec(&s->db, "COMMIT"))
		return true;
	sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	store_close_ledger(s);
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
		if (!store_use_ledger(s))
			return fail("ledger.db in", s->dir, s->db.why, ret_why);
		if (!store_use_month(s, m) || !commit_rows(s, slot, count))
			return fail_month(s, m, ret_why);
		if (!commit_rollups(s, slot, count))
			return fail("the roll-ups in", s->dir, s->db.why, ret_why);
	}
	return true;
}

void
store_slim(struct store *s, bool slim)
{
	s->slim = s->month.slim = slim;
}

void
store_checkpoint(struct store *s)
{
	db_checkpoint(&s->db);
	db_checkpoint(&s->month.db);
}

void
store_rest(struct store *s)
{
	db_rest(&s->db);
	db_rest(&s->month.db);
}
