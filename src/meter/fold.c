/* fold.c: a day is folded once it is over, some cells at a time, so that no commit
 * waits for it. Until all of it is in, it is not marked as done; a trigger takes the
 * mark away when an hour of it changes after all. */
#include "fold.h"

#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/util.h"
#include "rollup_cell.h"
#include "store_file.h"

#define HOUR_MS 3600000LL
#define DAY_H   24
/* After midnight requests of before may still be on their way. */
#define GRACE_MS (2 * HOUR_MS)
/* How often it is looked for days that are over. */
#define EACH_MS (10 * 60000LL)
/* Cells of a step: some milliseconds. */
#define CELLS "200"
#define NAMES 8 /* team, key, route, class, model, provider, tier, tags */

#define KEY "team,key,route,class,model,provider,tier,tags"

static const char next_hour_sql[] = "SELECT MIN(hour) FROM rollup WHERE hour>=?1";
static const char done_sql[] = "SELECT whole FROM rollup_done WHERE day=?1";
static const char cells_sql[] =
    "SELECT hour," KEY "," ROLLUP_COLUMNS " FROM rollup WHERE (hour," KEY
    ")>(?1,?2,?3,?4,?5,?6,?7,?8,?9) AND hour<?10 ORDER BY hour," KEY " LIMIT " CELLS;
static const char get_sql[] =
    "SELECT " ROLLUP_COLUMNS " FROM rollup_day WHERE day=?1 AND team=?2 AND key=?3 AND"
    " route=?4 AND class=?5 AND model=?6 AND provider=?7 AND tier=?8 AND tags=?9";
static const char put_sql[] =
    "INSERT OR REPLACE INTO rollup_day(day," KEY "," ROLLUP_COLUMNS
    ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,"
    "?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37,?38,?39,?40,"
    "?41,?42,?43,?44,?45,?46,?47,?48,?49,?50,?51,?52)";
_Static_assert(1 + NAMES + ROLLUP_MEASURES == 52, "put_sql has a place for each");

static void
forget(struct fold *f)
{
	for (size_t i = 0; i < NAMES; i++) {
		xfree(f->after[i]);
		f->after[i] = NULL;
	}
	f->day = 0;
}

void
fold_fini(struct fold *f)
{
	forget(f);
}

/* ---- which day ---- */

/* One number, -1: none, or NULL. */
static bool
one(struct db *db, const char *sql, int64_t bound, int64_t *ret)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(db, sql, &q))
		return false;
	sqlite3_bind_int64(q, 1, bound);
	ok = db_step(db, q, &row);
	*ret = ok && row && sqlite3_column_type(q, 0) != SQLITE_NULL
		   ? sqlite3_column_int64(q, 0)
		   : -1;
	sqlite3_finalize(q);
	return ok;
}

static bool
run(struct db *db, const char *sql, int64_t bound)
{
	sqlite3_stmt *q;
	bool ok;

	if (!db_prepare(db, sql, &q))
		return false;
	sqlite3_bind_int64(q, 1, bound);
	ok = db_run(db, q);
	sqlite3_finalize(q);
	return ok;
}

/* Days whose hours have been removed go, too. */
static bool
drop_old(struct db *db, int64_t first_hour)
{
	int64_t day = first_hour < 0 ? INT64_MAX : first_hour / DAY_H;

	return run(db, "DELETE FROM rollup_done WHERE day<?1", day) &&
	       run(db,
		   "DELETE FROM rollup_day WHERE day<?1 AND day=(SELECT MIN(day) FROM"
		   " rollup_day)",
		   day);
}

/* Begins the next day that is over and not done; `f->day` 0: there is none. */
static bool
find_day(struct fold *f, struct db *db, int64_t wall_ms)
{
	int64_t until = (wall_ms - GRACE_MS) / HOUR_MS / DAY_H * DAY_H, hour, done;

	for (;;) {
		if (!one(db, next_hour_sql, f->from_hour, &hour))
			return false;
		if (f->from_hour == 0 && !drop_old(db, hour))
			return false;
		if (hour < 0 || hour >= until)
			return true;
		f->from_hour = (hour / DAY_H + 1) * DAY_H;
		if (!one(db, done_sql, hour / DAY_H, &done))
			return false;
		if (done <= 0)
			break;
	}
	f->day = hour / DAY_H;
	f->hour = f->day * DAY_H; /* all names and tiers come after these */
	for (size_t i = 0; i < NAMES; i++)
		f->after[i] = xstrdup("");
	return run(db, "DELETE FROM rollup_day WHERE day=?1", f->day) &&
	       run(db, "INSERT OR REPLACE INTO rollup_done VALUES(?1,0)", f->day);
}

/* ---- its cells ---- */

static void
bind_after(const struct fold *f, sqlite3_stmt *q)
{
	sqlite3_bind_int64(q, 1, f->hour);
	/* Copied: they change while the statement runs. */
	for (int i = 0; i < NAMES; i++)
		sqlite3_bind_text(q, 2 + i, f->after[i], -1, SQLITE_TRANSIENT);
	/* The tier is a number, and none is less than -1. */
	sqlite3_bind_int64(q, 8, f->after[6][0] == '\0' ? -1 : f->after[6][0] - '0');
	sqlite3_bind_int64(q, 10, (f->day + 1) * DAY_H);
}

static void
note_after(struct fold *f, sqlite3_stmt *row)
{
	f->hour = sqlite3_column_int64(row, 0);
	for (int i = 0; i < NAMES; i++) {
		xfree(f->after[i]);
		f->after[i] = xmemdup(sqlite3_column_text(row, 1 + i),
		    (size_t)sqlite3_column_bytes(row, 1 + i));
	}
}

struct folder {
	struct db *db;
	sqlite3_stmt *cells, *get, *put;
	struct rollup_cell *hour, *day;
};

static void
bind_key(sqlite3_stmt *q, int64_t day, sqlite3_stmt *row)
{
	sqlite3_bind_int64(q, 1, day);
	for (int i = 0; i < NAMES; i++)
		sqlite3_bind_value(q, 2 + i, sqlite3_column_value(row, 1 + i));
}

static bool
add_cell(struct folder *w, int64_t day)
{
	bool row, ok;

	rollup_cell_zero(w->day);
	if (!rollup_cell_read(w->cells, 1 + NAMES, w->hour))
		return false;
	bind_key(w->get, day, w->cells);
	if (!db_step(w->db, w->get, &row))
		return false;
	ok = !row || rollup_cell_read(w->get, 0, w->day);
	sqlite3_reset(w->get);
	if (!ok)
		return false;
	rollup_cell_add(w->day, w->hour);
	bind_key(w->put, day, w->cells);
	rollup_cell_bind(w->put, 2 + NAMES, w->day);
	return db_run(w->db, w->put);
}

/* `*ret_cells` of them were added. */
static bool
add_cells(struct fold *f, struct folder *w, unsigned *ret_cells)
{
	bool row;

	if (!db_prepare(w->db, cells_sql, &w->cells) ||
	    !db_prepare(w->db, get_sql, &w->get) ||
	    !db_prepare(w->db, put_sql, &w->put))
		return false;
	bind_after(f, w->cells);
	while (db_step(w->db, w->cells, &row)) {
		if (!row)
			return true;
		if (!add_cell(w, f->day))
			return false;
		(*ret_cells)++;
		note_after(f, w->cells);
	}
	return false;
}

static bool
go_on(struct fold *f, struct db *db)
{
	struct folder w = {.db = db,
	    .hour = xcalloc(1, sizeof(struct rollup_cell)),
	    .day = xcalloc(1, sizeof(struct rollup_cell))};
	unsigned cells = 0;
	bool ok = add_cells(f, &w, &cells);

	sqlite3_finalize(w.cells);
	sqlite3_finalize(w.get);
	sqlite3_finalize(w.put);
	xfree(w.hour);
	xfree(w.day);
	if (!ok || cells > 0)
		return ok;
	/* Not where an hour has changed meanwhile: then it is made again. */
	ok = run(db, "UPDATE rollup_done SET whole=1 WHERE day=?1", f->day);
	if (ok && sqlite3_changes(db->handle) == 0)
		f->from_hour = f->day * DAY_H;
	forget(f);
	return ok;
}

bool
fold_step(struct fold *f, struct db *db, int64_t wall_ms, bool *ret_more)
{
	bool ok;

	*ret_more = false;
	/* A clock that was set back is no reason to wait for long. */
	if (f->day == 0 && wall_ms < f->due_ms && f->due_ms - wall_ms <= EACH_MS)
		return true;
	ok =
	    db_exec(db, "BEGIN IMMEDIATE") && (f->day != 0 || find_day(f, db, wall_ms));
	*ret_more = ok && f->day != 0;
	ok = ok && (f->day == 0 || go_on(f, db)) && db_exec(db, "COMMIT");
	if (!ok) {
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
		forget(f);
	}
	if (!ok || !*ret_more) {
		f->from_hour = 0;
		f->due_ms = wall_ms + EACH_MS;
	}
	return ok;
}

bool
store_fold(struct store *s)
{
	bool more;

	if (store_use_ledger(s) &&
	    fold_step(&s->fold, &s->db, env_wall_ms(s->env), &more))
		return more;
	store_close_ledger(s);
	return false;
}
