/* verify.c: reads all that the ledger keeps, reckons everything again that can be, and
 * tells what does not come out. Writes nothing: a daemon may run beside it. One reading
 * transaction of ledger.db says how far its sums have come; rows up to there were
 * committed before. */
#include "verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"

/* So many findings of SQLite about one file are told. */
#define INTEGRITY_SQL "PRAGMA integrity_check(20)"

void
verify_tell(
    struct verify *v, const char *written, const char *computed, const char *where, ...)
{
	struct verify_finding f;
	va_list ap;

	va_start(ap, where);
	vsnprintf(f.where, sizeof(f.where), where, ap);
	va_end(ap);
	snprintf(f.written, sizeof(f.written), "%s", written);
	snprintf(f.computed, sizeof(f.computed), "%s", computed);
	v->ret->differences++;
	v->each(v->arg, &f);
}

bool
verify_fail(struct verify *v, const struct db *db, const char *what)
{
	if (v->why[0] == '\0')
		snprintf(v->why, 256, "%.80s in %.60s: %.100s", what, v->dir, db->why);
	return false;
}

const char *
verify_skip_text(enum verify_skip s)
{
	static const char *const text[] = {
#define VERIFY_SKIP(name, words) words,
#include "core/verify.def"
	};

	return text[s];
}

/* ---- files ---- */

/* What SQLite itself says of a file. */
static bool
check_file(struct verify *v, struct db *db, const char *file)
{
	sqlite3_stmt *q;
	bool row = true, ok;

	if (!db_prepare(db, INTEGRITY_SQL, &q))
		return verify_fail(v, db, file);
	while ((ok = db_step(db, q, &row)) && row) {
		const char *text = (const char *)sqlite3_column_text(q, 0);

		if (strcmp(text, "ok") != 0)
			verify_tell(v, text, "ok", "%s, structure", file);
	}
	sqlite3_finalize(q);
	v->ret->files++;
	return ok || verify_fail(v, db, file);
}

static bool
get_version(struct verify *v, struct db *db, const char *file, int64_t *ret)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(db, "PRAGMA user_version", &q))
		return verify_fail(v, db, file);
	ok = db_step(db, q, &row);
	if (ok)
		*ret = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok || verify_fail(v, db, file);
}

static bool
has_newest_schema(struct verify *v, struct db *db, const char *file, size_t newest)
{
	int64_t version = 0;

	if (!get_version(v, db, file, &version))
		return false;
	if (version == (int64_t)newest)
		return true;
	snprintf(v->why, 256,
	    "%s in %.80s has schema version %lld, this frugald knows %zu: %s", file,
	    v->dir, (long long)version, newest,
	    version < (int64_t)newest ? "start it once, so that it brings it forward"
				      : "use the newer frugald");
	return false;
}

/* ---- one month ---- */

static bool
read_rows(struct verify *v, struct month_scan *s)
{
	bool row;

	if (!month_scan_open(s, &v->month, 0))
		return verify_fail(v, &v->month, v->file);
	for (;;) {
		if (!month_scan_next(s, &row)) {
			/* Whatever follows cannot be trusted: told, and left there. */
			verify_tell(v, v->month.why, "", "%s, after request %lld",
			    v->file, (long long)s->seq);
			return true;
		}
		if (!row)
			return true;
		if (s->old)
			v->old_hour = s->slot.end_ms / ROLLUP_HOUR_MS;
		for (unsigned i = 0; i < s->attempts_seen; i++)
			verify_attempt(v, s, i);
		v->ret->requests++;
		if (s->seq > v->up_to)
			v->ret->waiting++;
		else if (!verify_sums_add(v, s))
			return false;
	}
}

bool
verify_meta(struct verify *v, const char *what, int64_t *ret)
{
	char key[40];
	sqlite3_stmt *q;
	bool row, ok;

	snprintf(
	    key, sizeof(key), "%s:%04d-%02d", what, v->number / 12, v->number % 12 + 1);
	if (!db_prepare(&v->sums, "SELECT value FROM meta WHERE key=?1", &q))
		return verify_fail(v, &v->sums, "ledger.db");
	db_text(q, 1, str_of(key));
	ok = db_step(&v->sums, q, &row);
	*ret = ok && row ? sqlite3_column_int64(q, 0) : 0;
	sqlite3_finalize(q);
	return ok || verify_fail(v, &v->sums, "ledger.db");
}

/* A daemon is just making the file: no sum knows it. */
static bool
is_being_made(struct verify *v)
{
	int64_t version = 0;

	return v->up_to == 0 && get_version(v, &v->month, v->file, &version) &&
	       version < (int64_t)schema_month.steps;
}

static bool
verify_rows(struct verify *v)
{
	struct month_scan *s = xcalloc(1, sizeof(*s));
	bool ok = check_file(v, &v->month, v->file) && read_rows(v, s) &&
		  verify_corrections_add(v) && verify_rollups(v);

	month_scan_close(s);
	xfree(s);
	return ok;
}

static bool
with_month(struct verify *v, int number, bool (*work)(struct verify *v))
{
	char path[4096];
	bool ok;

	v->number = number;
	v->old_hour = INT64_MIN;
	v->unit = "hour";
	snprintf(v->file, sizeof(v->file), "ledger-%04d-%02d.db", number / 12 % 10000,
	    number % 12 + 1);
	month_path(v->dir, number, path, sizeof(path));
	ok = (db_open_reader(&v->month, path) || verify_fail(v, &v->month, v->file)) &&
	     verify_meta(v, "up_to", &v->up_to);
	if (ok && !is_being_made(v))
		ok = has_newest_schema(v, &v->month, v->file, schema_month.steps) &&
		     (db_exec(&v->month, "BEGIN") ||
			 verify_fail(v, &v->month, v->file)) &&
		     work(v);
	db_close(&v->month);
	return ok;
}

/* ---- all of it ---- */

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Until when rows are gone: the last month that the sums know and no file has. */
static bool
find_gone(struct verify *v, const struct months *n)
{
	sqlite3_stmt *q;
	bool row = true, ok = true;

	if (!db_prepare(&v->sums, "SELECT key FROM meta WHERE key GLOB 'up_to:*'", &q))
		return verify_fail(v, &v->sums, "ledger.db");
	while ((ok = ok && db_step(&v->sums, q, &row)) && row) {
		char name[32];
		int month;

		snprintf(name, sizeof(name), "ledger-%.7s.db",
		    (const char *)sqlite3_column_text(q, 0) + 6);
		month = month_parse(str_of(name));
		if (month == 0 || bsearch(&month, n->number, n->count,
				      sizeof(n->number[0]), by_number) != NULL)
			continue;
		ok = verify_rollups_gone(v, month_begin_ms(month) / ROLLUP_HOUR_MS,
		    month_begin_ms(month + 1) / ROLLUP_HOUR_MS);
		if (v->gone_until_ms < month_begin_ms(month + 1))
			v->gone_until_ms = month_begin_ms(month + 1);
	}
	sqlite3_finalize(q);
	return ok || verify_fail(v, &v->sums, "ledger.db");
}

static bool
open_sums(struct verify *v)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/ledger.db", v->dir);
	if (v->env->file_size(v->env, path) < 0) {
		snprintf(v->why, 256,
		    "there is no ledger.db in %.120s; is this a state folder of "
		    "frugald?",
		    v->dir);
		return false;
	}
	return (db_open_reader(&v->sums, path) ||
		   verify_fail(v, &v->sums, "ledger.db")) &&
	       has_newest_schema(v, &v->sums, "ledger.db", schema_ledger.steps) &&
	       (db_exec(&v->sums, "BEGIN") || verify_fail(v, &v->sums, "ledger.db")) &&
	       check_file(v, &v->sums, "ledger.db");
}

static bool
verify_all(struct verify *v)
{
	struct months n = {.count = 0};

	if (!open_sums(v) || !verify_sums_begin(v))
		return false;
	if (!months_list(v->env, v->dir, &n)) {
		snprintf(v->why, 256, "the folder %.120s cannot be read: %s", v->dir,
		    strerror(errno));
		return false;
	}
	qsort(n.number, n.count, sizeof(n.number[0]), by_number);
	if (!find_gone(v, &n))
		return false;
	for (unsigned i = 0; i < n.count; i++) {
		if (!with_month(v, n.number[i], verify_corrections_take))
			return false;
	}
	for (unsigned i = 0; i < n.count; i++) {
		if (!with_month(v, n.number[i], verify_rows))
			return false;
	}
	return verify_budgets(v) && verify_days(v);
}

bool
ledger_verify(struct env *env, const char *state_dir,
    void (*each)(void *arg, const struct verify_finding *f), void *arg,
    struct verify_report *ret, char ret_why[static 256])
{
	struct verify v = {.env = env,
	    .dir = state_dir,
	    .each = each,
	    .arg = arg,
	    .ret = ret,
	    .why = ret_why};
	bool ok;

	*ret = (struct verify_report){0};
	ret_why[0] = '\0';
	v.forces = map_new();
	v.price = xcalloc(VERIFY_PRICES, sizeof(*v.price));
	ok = verify_all(&v);
	budget_sums_fini(&v.spent);
	budget_kept_close(&v.kept);
	rollup_close(&v.rollup);
	db_close(&v.scratch);
	db_close(&v.sums);
	verify_corrections_free(&v);
	verify_prices_free(&v);
	return ok;
}
