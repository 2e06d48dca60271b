/* store_budget.c: budgets that are new in a policy are derived from the rows that are
 * in, a stretch at a time, and then kept with every batch; those that are gone are
 * dropped.
 *
 * What is derived covers the rows up to `up_to` of each month, and it is written in a
 * transaction of its own between two batches: a row is either in what was derived or is
 * added with its batch, never both. */
#include <stdio.h>

#include "base/env.h"
#include "base/mem.h"
#include "month_scan.h"
#include "store_file.h"

#define ADOPT_BYTES (16U << 20)
#define MONTHS_MAX  1200

struct adopt_month {
	int number;
	int64_t seq; /* read up to here */
};

struct store_adopt {
	struct arena *mem;
	struct budget *rule; /* all that shall be in force */
	unsigned rules;
	bool begun;
	struct budget *fresh; /* those of them that the ledger does not have */
	int64_t *from_ms, *id;
	unsigned fresh_count;
	struct budget_sums sums; /* of those */
	struct adopt_month month[MONTHS_MAX];
	unsigned months;
};

static void
forget(struct store_adopt *a)
{
	budget_sums_fini(&a->sums);
	xfree(a->fresh);
	xfree(a->from_ms);
	xfree(a->id);
	a->fresh = NULL;
	a->from_ms = a->id = NULL;
	a->fresh_count = a->months = 0;
	a->begun = false;
}

void
store_adopt_free(struct store *s)
{
	if (s->adopt == NULL)
		return;
	forget(s->adopt);
	xfree(s->adopt->rule);
	arena_free(s->adopt->mem);
	xfree(s->adopt);
	s->adopt = NULL;
}

bool
store_rules_want(struct store *s, const struct budget *rule, unsigned count)
{
	struct store_adopt *a = xcalloc(1, sizeof(*a));

	store_adopt_free(s);
	s->adopt = a;
	a->mem = arena_new(ADOPT_BYTES);
	a->rule = xcalloc(count + 1, sizeof(*a->rule));
	for (; a->rules < count; a->rules++) {
		if (!budget_copy(s->env, &rule[a->rules], a->mem, &a->rule[a->rules])) {
			store_adopt_free(s);
			return false;
		}
	}
	return true;
}

/* ---- begin ---- */

static bool
is_there(const struct budget *in, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		if (str_is(str_of(in[i].name), name))
			return true;
	}
	return false;
}

/* The latest moment that any row counts at. */
static bool
counted(struct store *s, int64_t *ret_ms)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(
		&s->db, "SELECT MAX(value) FROM meta WHERE key GLOB 'counted:*'", &q))
		return false;
	ok = db_step(&s->db, q, &row);
	if (ok)
		*ret_ms = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok;
}

static bool
begin(struct store *s, struct store_adopt *a)
{
	int64_t at_ms;

	if (!counted(s, &at_ms))
		return false;
	a->fresh = xcalloc(a->rules + 1, sizeof(*a->fresh));
	a->from_ms = xcalloc(a->rules + 1, sizeof(*a->from_ms));
	a->id = xcalloc(a->rules + 1, sizeof(*a->id));
	for (unsigned i = 0; i < a->rules; i++) {
		if (is_there(s->budget.rule, s->budget.rules, a->rule[i].name))
			continue;
		a->from_ms[a->fresh_count] = budget_kept_from_ms(&a->rule[i], at_ms);
		a->fresh[a->fresh_count++] = a->rule[i];
	}
	budget_sums_init(&a->sums, a->fresh, a->fresh_count);
	a->sums.from_ms = a->from_ms;
	a->begun = true;
	return true;
}

/* ---- rows ---- */

static struct adopt_month *
progress_of(struct store_adopt *a, int number)
{
	for (unsigned i = 0; i < a->months; i++) {
		if (a->month[i].number == number)
			return &a->month[i];
	}
	if (a->months == MONTHS_MAX)
		return NULL;
	a->month[a->months] = (struct adopt_month){.number = number};
	return &a->month[a->months++];
}

/* May a row of a month whose last one counts at `counted_ms` (0: not known) belong to
 * a period that is asked for? */
static bool
matters(const struct store_adopt *a, int number, int64_t counted_ms)
{
	int64_t end = month_begin_ms(number + 1);

	for (unsigned i = 0; i < a->fresh_count; i++) {
		if (a->from_ms[i] <= (counted_ms > 0 ? counted_ms : end))
			return true;
	}
	return false;
}

static const char months_sql[] =
    "SELECT u.key, u.value, c.value FROM meta u LEFT JOIN meta c ON"
    " c.key='counted:'||substr(u.key,7) WHERE u.key GLOB 'up_to:*' ORDER BY u.key";

static int
number_of(const char *key)
{
	char name[32];

	/* "up_to:2026-11" */
	snprintf(name, sizeof(name), "ledger-%.7s.db", key + 6);
	return month_parse(str_of(name));
}

/* A month with rows that are still to be read; `*ret` NULL: none. */
static bool
next_month(struct store *s, struct adopt_month **ret, int64_t *ret_up_to)
{
	struct store_adopt *a = s->adopt;
	sqlite3_stmt *q;
	bool row = true, ok;

	*ret = NULL;
	if (!db_prepare(&s->db, months_sql, &q))
		return false;
	while (*ret == NULL && (ok = db_step(&s->db, q, &row)) && row) {
		int number = number_of((const char *)sqlite3_column_text(q, 0));
		struct adopt_month *m;

		*ret_up_to = sqlite3_column_int64(q, 1);
		if (number == 0 || !matters(a, number, sqlite3_column_int64(q, 2)))
			continue;
		m = progress_of(a, number);
		if (m != NULL && m->seq < *ret_up_to)
			*ret = m;
	}
	sqlite3_finalize(q);
	return *ret != NULL || ok;
}

static bool
read_some(struct month_scan *scan, struct store_adopt *a, struct adopt_month *m,
    int64_t up_to, unsigned rows)
{
	bool row = true;

	for (unsigned n = 0; n < rows && m->seq < up_to; n++) {
		if (!month_scan_next(scan, &row))
			return false;
		if (!row || scan->seq > up_to) {
			m->seq = up_to;
			return true;
		}
		budget_sums_add(&a->sums, &scan->slot);
		m->seq = scan->seq;
	}
	return true;
}

static bool
read_month(struct store *s, struct adopt_month *m, int64_t up_to, unsigned rows)
{
	struct month_scan *scan = xcalloc(1, sizeof(*scan));
	struct db db = {0};
	char path[4096];
	bool ok = true;

	month_path(s->dir, m->number, path, sizeof(path));
	if (s->env->file_size(s->env, path) < 0) {
		m->seq = up_to; /* gone, and with it what was spent then */
	} else {
		ok = db_open_reader(&db, path) && month_scan_open(scan, &db, m->seq) &&
		     read_some(scan, s->adopt, m, up_to, rows);
		month_scan_close(scan);
		db_close(&db);
	}
	if (!ok)
		snprintf(s->db.why, sizeof(s->db.why), "%.200s", db.why);
	xfree(scan);
	return ok;
}

/* ---- in force ---- */

static bool
drop_gone(struct store *s, const struct store_adopt *a)
{
	sqlite3_stmt *q;
	bool row = true, ok;

	if (!db_prepare(&s->db, "SELECT id, name FROM budget_rule", &q))
		return false;
	while ((ok = db_step(&s->db, q, &row)) && row) {
		const char *name = (const char *)sqlite3_column_text(q, 1);

		if (is_there(a->rule, a->rules, name) &&
		    !is_there(a->fresh, a->fresh_count, name))
			continue;
		ok = budget_drop(&s->budget, sqlite3_column_int64(q, 0));
		if (!ok)
			break;
	}
	sqlite3_finalize(q);
	return ok;
}

static bool
put_fresh(struct store *s, struct store_adopt *a)
{
	for (unsigned i = 0; i < a->fresh_count; i++) {
		if (!budget_make(&s->budget, &a->fresh[i], &a->id[i]))
			return false;
	}
	return budget_put(&s->budget, &a->sums, a->id);
}

static bool
finish(struct store *s, struct store_adopt *a)
{
	bool ok = db_exec(&s->db, "BEGIN IMMEDIATE") && drop_gone(s, a) &&
		  put_fresh(s, a) && db_exec(&s->db, "COMMIT");

	if (!ok)
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	/* The rules are read anew with the file. */
	store_close_ledger(s);
	return ok && store_use_ledger(s);
}

enum store_rules
store_rules_go(struct store *s, unsigned rows)
{
	struct store_adopt *a = s->adopt;
	struct adopt_month *m = NULL;
	int64_t up_to;
	bool ok;

	if (a == NULL)
		return RULES_in;
	if (!store_use_ledger(s))
		return RULES_failed;
	ok = (a->begun || begin(s, a)) &&
	     (a->fresh_count == 0 || next_month(s, &m, &up_to));
	if (ok && m != NULL) {
		ok = read_month(s, m, up_to, rows);
		if (ok)
			return RULES_more;
	}
	if (ok && finish(s, a)) {
		store_adopt_free(s);
		return RULES_in;
	}
	forget(a);
	return RULES_failed;
}

/* ---- what was spent ---- */

bool
store_spent(struct store *s, int64_t *ret_counted_ms,
    void (*each)(void *arg, const struct store_spent *spent), void *arg)
{
	const struct budget_kept *k = &s->budget;
	sqlite3_stmt *q;
	bool row = true, ok;

	if (!store_use_ledger(s) || !counted(s, ret_counted_ms) ||
	    !db_prepare(&s->db,
		"SELECT rule, value, period_ms, spent_hi, spent_lo FROM budget"
		" ORDER BY at_ms DESC",
		&q))
		return false;
	while ((ok = db_step(&s->db, q, &row)) && row) {
		struct store_spent e = {
		    .value = (const char *)sqlite3_column_text(q, 1),
		    .period_ms = sqlite3_column_int64(q, 2),
		    .spent = pusd_sum_join(
			sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4)),
		};
		unsigned i = 0;

		while (i < k->rules && k->id[i] != sqlite3_column_int64(q, 0))
			i++;
		if (i == k->rules)
			continue;
		e.name = k->rule[i].name;
		each(arg, &e);
	}
	sqlite3_finalize(q);
	return ok;
}

bool
store_prune(struct store *s, bool *ret_more)
{
	int64_t at_ms;
	bool ok;

	*ret_more = false;
	if (!store_use_ledger(s))
		return false;
	ok = counted(s, &at_ms) && db_exec(&s->db, "BEGIN IMMEDIATE") &&
	     budget_prune(&s->budget, at_ms, ret_more) && db_exec(&s->db, "COMMIT");
	if (!ok) {
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
		store_close_ledger(s);
	}
	return ok;
}

bool
store_add_refusals(struct store *s, const struct refusal_count *r, unsigned count)
{
	sqlite3_stmt *q = NULL;
	bool ok = store_use_ledger(s) && db_exec(&s->db, "BEGIN IMMEDIATE") &&
		  db_prepare(&s->db,
		      "INSERT INTO refusal(hour,team,key,name,kind,count)"
		      " VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET"
		      " count=count+excluded.count",
		      &q);

	for (unsigned i = 0; ok && i < count; i++) {
		sqlite3_bind_int64(q, 1, r[i].hour);
		db_text(q, 2, str_of(r[i].team));
		db_text(q, 3, str_of(r[i].key));
		db_text(q, 4, str_of(r[i].name));
		db_text(q, 5, str_of(r[i].kind));
		sqlite3_bind_int64(q, 6, (int64_t)r[i].count);
		ok = db_run(&s->db, q);
	}
	sqlite3_finalize(q);
	ok = ok && db_exec(&s->db, "COMMIT");
	if (!ok && s->db.handle != NULL) {
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
		store_close_ledger(s);
	}
	return ok;
}
