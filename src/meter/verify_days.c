/* verify_days.c: roll-ups of days are made again from those of their hours, by the code
 * that makes them, and held against what the ledger keeps. */
#include "fold.h"
#include "rollup_cell.h"
#include "verify.h"

#define KEY     "team,key,route,class,model,provider,tier,tags"
#define COLUMNS (9 + ROLLUP_MEASURES)
#define DAY_MS  86400000LL

static const char hours_sql[] = "SELECT hour," KEY "," ROLLUP_COLUMNS
				" FROM rollup WHERE hour>=?1*24 AND hour<?1*24+24";
static const char put_sql[] =
    "INSERT INTO rollup(hour," KEY "," ROLLUP_COLUMNS
    ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,"
    "?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37,?38,?39,?40,"
    "?41,?42,?43,?44,?45,?46,?47,?48,?49,?50,?51,?52)";
_Static_assert(COLUMNS == 52, "put_sql has a place for each");
static const char day_sql[] = "SELECT day," KEY "," ROLLUP_COLUMNS
			      " FROM rollup_day WHERE day=?1 ORDER BY day," KEY;

static bool
copy_hours(struct verify *v, int64_t day)
{
	sqlite3_stmt *get = NULL, *put = NULL;
	bool ok = db_prepare(&v->sums, hours_sql, &get) &&
		  db_prepare(&v->scratch, put_sql, &put);
	bool row = false;

	if (ok)
		sqlite3_bind_int64(get, 1, day);
	while (ok && (ok = db_step(&v->sums, get, &row)) && row) {
		for (int i = 0; i < COLUMNS; i++)
			sqlite3_bind_value(put, i + 1, sqlite3_column_value(get, i));
		ok = db_run(&v->scratch, put);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(put);
	return ok;
}

static bool
make(struct verify *v, int64_t day)
{
	struct fold f = {.from_hour = 0};
	bool more = true, ok = true;

	while (ok && more)
		ok = fold_step(&f, &v->scratch, (day + 2) * DAY_MS, &more);
	fold_fini(&f);
	return ok;
}

static bool
compare(struct verify *v, int64_t day)
{
	sqlite3_stmt *kept = NULL, *made = NULL;
	bool ok = db_prepare(&v->sums, day_sql, &kept) &&
		  db_prepare(&v->scratch, day_sql, &made);

	if (ok) {
		sqlite3_bind_int64(kept, 1, day);
		sqlite3_bind_int64(made, 1, day);
		ok = verify_walk(v, kept, made);
	}
	sqlite3_finalize(kept);
	sqlite3_finalize(made);
	return ok;
}

bool
verify_days(struct verify *v)
{
	sqlite3_stmt *q;
	bool row = false, ok = db_exec(&v->scratch, "COMMIT");

	if (!ok || !db_prepare(&v->sums,
		       "SELECT day FROM rollup_done WHERE whole=1 ORDER BY day", &q))
		return verify_fail(v, &v->sums, "the roll-ups of days");
	v->unit = "day";
	v->old_hour = INT64_MIN; /* both are made of the same hours */
	while (ok && (ok = db_step(&v->sums, q, &row)) && row) {
		int64_t day = sqlite3_column_int64(q, 0);

		ok = db_exec(&v->scratch, "DELETE FROM rollup; DELETE FROM rollup_day;"
					  "DELETE FROM rollup_done;") &&
		     copy_hours(v, day) && make(v, day) && compare(v, day);
	}
	sqlite3_finalize(q);
	return ok || verify_fail(v, &v->sums, "the roll-ups of days");
}
