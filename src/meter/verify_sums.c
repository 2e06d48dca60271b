/* verify_sums.c: roll-ups and budgets, made again from the rows and held against what
 * the ledger keeps. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rollup_cell.h"
#include "verify.h"

#define KEYS     "hour,team,key,route,class,model,provider,tier,tags"
#define KEY_OF   9
#define KEY_TEXT 240
#define COLUMNS  (KEY_OF + ROLLUP_MEASURES)

/* ---- begin ---- */

/* Roll-ups are made again by the code that makes them, in a file of its own that nobody
 * else sees. */
static bool
open_scratch(struct verify *v)
{
	struct db *db = &v->scratch;

	if (sqlite3_open_v2("", &db->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK)
		return verify_fail(v, db, "a temporary file");
	if (!db_exec(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
			 "PRAGMA cache_size=-65536;") ||
	    !db_migrate(db, "main", &schema_ledger) ||
	    !rollup_open_wide(&v->rollup, db) || !db_exec(db, "BEGIN"))
		return verify_fail(v, db, "a temporary file");
	return true;
}

bool
verify_sums_begin(struct verify *v)
{
	if (!budget_kept_open(&v->kept, v->env, &v->sums))
		return verify_fail(v, &v->sums, "ledger.db");
	budget_sums_init(&v->spent, v->kept.rule, v->kept.rules);
	return open_scratch(v);
}

bool
verify_sums_add(struct verify *v, const struct month_scan *s)
{
	for (unsigned i = 0; i < s->attempts_seen; i++) {
		int64_t at = budget_at_ms(month_scan_attempt(s, i));

		if (v->counted_ms < at)
			v->counted_ms = at;
	}
	budget_sums_add(&v->spent, &s->slot);
	return rollup_add(&v->rollup, &s->slot) ||
	       verify_fail(v, &v->scratch, "a temporary file");
}

/* ---- roll-ups ---- */

static bool
has_text(sqlite3_stmt *q, int i)
{
	return sqlite3_column_type(q, i) == SQLITE_TEXT ||
	       sqlite3_column_type(q, i) == SQLITE_BLOB;
}

/* < 0: the first one comes before. */
static int
order(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
	size_t na, nb;
	int c;

	if (!has_text(a, i) && !has_text(b, i)) {
		int64_t x = sqlite3_column_int64(a, i), y = sqlite3_column_int64(b, i);

		return (x > y) - (x < y);
	}
	na = (size_t)sqlite3_column_bytes(a, i);
	nb = (size_t)sqlite3_column_bytes(b, i);
	c = na == 0 || nb == 0 ? 0
			       : memcmp(sqlite3_column_blob(a, i),
				     sqlite3_column_blob(b, i), na < nb ? na : nb);
	return c != 0 ? c : (na > nb) - (na < nb);
}

static int
order_keys(sqlite3_stmt *a, sqlite3_stmt *b)
{
	int c = 0;

	for (int i = 0; c == 0 && i < KEY_OF; i++)
		c = order(a, b, i);
	return c;
}

static void
print_cell(sqlite3_stmt *q, int i, char ret[static 96])
{
	if (sqlite3_column_type(q, i) == SQLITE_BLOB)
		snprintf(ret, 96, "%d bytes", sqlite3_column_bytes(q, i));
	else
		snprintf(ret, 96, "%.95s", (const char *)sqlite3_column_text(q, i));
}

static void
print_key(const struct verify *v, sqlite3_stmt *q, char ret[static KEY_TEXT])
{
	char tags[48];

	snprintf(tags, sizeof(tags), "%.47s", (const char *)sqlite3_column_text(q, 8));
	for (char *p = tags; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	snprintf(ret, KEY_TEXT, "%s %lld, team %.40s, key %.40s, model %.40s%s%s",
	    v->unit, (long long)sqlite3_column_int64(q, 0), sqlite3_column_text(q, 1),
	    sqlite3_column_text(q, 2), sqlite3_column_text(q, 5),
	    tags[0] != '\0' ? ", " : "", tags);
}

/* Columns that a later release has added: of older rows they say less than the rows. */
static bool
is_later(const char *column)
{
	static const char *const later[] = {"gone_hi", "gone_lo", "escalated_hi",
	    "escalated_lo", "bias_hi", "bias_lo", "var_hi", "var_lo",
	    "compared_requests", "served", "price", "sessions"};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (strcmp(column, later[i]) == 0)
			return true;
	}
	return false;
}

static void
compare_cells(struct verify *v, sqlite3_stmt *kept, sqlite3_stmt *made)
{
	bool old = sqlite3_column_int64(kept, 0) <= v->old_hour;
	char key[KEY_TEXT], was[96], is[96];

	v->ret->rollups++;
	for (int i = KEY_OF; i < COLUMNS; i++) {
		const char *column = sqlite3_column_name(kept, i);

		if (order(kept, made, i) == 0 || (old && is_later(column)))
			continue;
		print_key(v, kept, key);
		print_cell(kept, i, was);
		print_cell(made, i, is);
		verify_tell(v, was, is, "ledger.db, roll-up of %s: %s", key, column);
	}
}

static void
lone_cell(struct verify *v, sqlite3_stmt *q, bool kept)
{
	char key[KEY_TEXT];

	v->ret->rollups++;
	print_key(v, q, key);
	verify_tell(v, kept ? "it is there" : "nothing",
	    kept ? "nothing" : "it is there", "ledger.db, roll-up of %s", key);
}

bool
verify_walk(struct verify *v, sqlite3_stmt *kept, sqlite3_stmt *made)
{
	bool k, m;

	if (!db_step(&v->sums, kept, &k) || !db_step(&v->scratch, made, &m))
		return false;
	while (k || m) {
		int c = !k ? 1 : !m ? -1 : order_keys(kept, made);

		if (c == 0)
			compare_cells(v, kept, made);
		else
			lone_cell(v, c < 0 ? kept : made, c < 0);
		if (c <= 0 && !db_step(&v->sums, kept, &k))
			return false;
		if (c >= 0 && !db_step(&v->scratch, made, &m))
			return false;
	}
	return true;
}

bool
verify_rollups(struct verify *v)
{
	static const char sql[] =
	    "SELECT " KEYS "," ROLLUP_COLUMNS
	    " FROM rollup WHERE hour>=?1 AND hour<?2 ORDER BY " KEYS;
	sqlite3_stmt *kept = NULL, *made = NULL;
	int64_t from = month_begin_ms(v->number) / ROLLUP_HOUR_MS;
	int64_t to = month_begin_ms(v->number + 1) / ROLLUP_HOUR_MS;
	bool ok = rollup_flush(&v->rollup) && db_prepare(&v->sums, sql, &kept) &&
		  db_prepare(&v->scratch, sql, &made);

	if (ok) {
		sqlite3_bind_int64(kept, 1, from);
		sqlite3_bind_int64(kept, 2, to);
		sqlite3_bind_int64(made, 1, INT64_MIN);
		sqlite3_bind_int64(made, 2, INT64_MAX);
		ok = verify_walk(v, kept, made);
	}
	sqlite3_finalize(kept);
	sqlite3_finalize(made);
	ok = ok && db_exec(&v->scratch, "DELETE FROM rollup");
	return ok || verify_fail(v, &v->sums, "the roll-ups");
}

bool
verify_rollups_gone(struct verify *v, int64_t from_hour, int64_t to_hour)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(
		&v->sums, "SELECT COUNT(*) FROM rollup WHERE hour>=?1 AND hour<?2", &q))
		return verify_fail(v, &v->sums, "the roll-ups");
	sqlite3_bind_int64(q, 1, from_hour);
	sqlite3_bind_int64(q, 2, to_hour);
	ok = db_step(&v->sums, q, &row);
	if (ok)
		v->ret->skipped[VERIFY_rollup_rows] +=
		    (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok || verify_fail(v, &v->sums, "the roll-ups");
}

/* ---- budgets ---- */

/* What the ledger has of an entry; 0 where it has nothing. */
static bool
written_of(struct verify *v, const struct budget_entry *e, struct pusd_sum *ret)
{
	sqlite3_stmt *q = v->kept.get;
	bool row;

	sqlite3_bind_int64(q, 1, v->kept.id[e->rule]);
	db_text(q, 2, str_of(e->value));
	sqlite3_bind_int64(q, 3, e->period_ms);
	*ret = (struct pusd_sum){0};
	if (!db_step(&v->sums, q, &row))
		return false;
	if (row)
		*ret = pusd_sum_join(
		    sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1));
	sqlite3_reset(q);
	return true;
}

static void
compare_budget(struct verify *v, const struct budget_entry *e, struct pusd_sum written)
{
	const struct budget *rule = &v->kept.rule[e->rule];
	bool gone = v->gone_until_ms > 0 &&
		    (rule->per == PER_all || e->period_ms < v->gone_until_ms);
	char was[PUSD_TEXT_BYTES], is[PUSD_TEXT_BYTES];

	if (gone)
		v->ret->skipped[VERIFY_budget_rows]++;
	else
		v->ret->budgets++;
	/* With rows that are gone it can only have been more. */
	if (written.v == e->spent.v || (gone && written.v > e->spent.v))
		return;
	pusd_sum_format(written, was);
	pusd_sum_format(e->spent, is);
	verify_tell(v, was, is, "ledger.db, budget %s%s%s, period from %lld",
	    rule->name, e->value[0] != '\0' ? ", " : "", e->value,
	    (long long)e->period_ms);
}

static bool
is_kept(const struct verify *v, const struct budget_entry *e)
{
	return e->period_ms >=
	       budget_kept_from_ms(&v->kept.rule[e->rule], v->counted_ms);
}

static int
rule_of(const struct verify *v, int64_t id)
{
	for (unsigned i = 0; i < v->kept.rules; i++) {
		if (v->kept.id[i] == id)
			return (int)i;
	}
	return -1;
}

/* Sums that no row has brought about. */
static bool
verify_extra(struct verify *v)
{
	sqlite3_stmt *q;
	bool row = true, ok;

	if (!db_prepare(&v->sums,
		"SELECT rule, value, period_ms, spent_hi, spent_lo FROM budget", &q))
		return false;
	while ((ok = db_step(&v->sums, q, &row)) && row) {
		struct budget_entry e = {.period_ms = sqlite3_column_int64(q, 2)};
		int rule = rule_of(v, sqlite3_column_int64(q, 0));

		str_copy(e.value, sizeof(e.value),
		    str_of((const char *)sqlite3_column_text(q, 1)));
		if (rule < 0) {
			verify_tell(v, "it is there", "no such budget",
			    "ledger.db, sum of budget number %lld",
			    (long long)sqlite3_column_int64(q, 0));
			continue;
		}
		e.rule = (unsigned)rule;
		if (is_kept(v, &e) && !budget_sums_find(&v->spent, &e))
			compare_budget(v, &e,
			    pusd_sum_join(sqlite3_column_int64(q, 3),
				sqlite3_column_int64(q, 4)));
	}
	sqlite3_finalize(q);
	return ok;
}

bool
verify_budgets(struct verify *v)
{
	struct pusd_sum written;

	for (size_t i = 0; i < v->spent.entries; i++) {
		const struct budget_entry *e = &v->spent.entry[i];

		if (!is_kept(v, e))
			continue;
		if (!written_of(v, e, &written))
			return verify_fail(v, &v->sums, "the budgets");
		compare_budget(v, e, written);
	}
	return verify_extra(v) || verify_fail(v, &v->sums, "the budgets");
}
