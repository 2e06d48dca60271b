/* budget_kept.c: rules and sums of budgets as tables of ledger.db. */
#include "budget_kept.h"

#include <stdio.h>

#include "base/env.h"
#include "base/mem.h"
#include "config/zone.h"

#define RULES_BYTES (16U << 20)
#define ZONE_BYTES  (64U << 10)
/* Some milliseconds: no commit waits for longer. */
#define PRUNE_STEP "1000"

/* ---- rules ---- */

static bool
zone_load(struct env *env, struct arena *mem, struct budget *b)
{
	char path[128];
	struct buf file;
	bool ok;

	b->clock = NULL;
	if (b->zone == NULL || str_is(str_of(b->zone), "UTC"))
		return true;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.90s", b->zone);
	buf_init(&file, ZONE_BYTES);
	ok = env->read_file(env, path, ZONE_BYTES, &file);
	if (ok)
		b->clock = zone_parse(buf_str(&file), mem);
	buf_fini(&file);
	return ok && b->clock != NULL;
}

static const char *
copy_text(struct arena *mem, const char *text)
{
	return text == NULL ? NULL : arena_str(mem, str_of(text));
}

bool
budget_copy(
    struct env *env, const struct budget *from, struct arena *mem, struct budget *ret)
{
	*ret = *from;
	ret->name = copy_text(mem, from->name);
	ret->value = copy_text(mem, from->value);
	ret->tag = copy_text(mem, from->tag);
	ret->zone = copy_text(mem, from->zone);
	return zone_load(env, mem, ret);
}

static const char *
text_at(sqlite3_stmt *q, int i)
{
	return (const char *)sqlite3_column_text(q, i);
}

static void
take_rule(struct budget_kept *k, sqlite3_stmt *q)
{
	struct budget b = {
	    .name = text_at(q, 1),
	    .scope = (enum budget_scope)sqlite3_column_int(q, 2),
	    .value = text_at(q, 3),
	    .tag = text_at(q, 4),
	    .per = (enum budget_per)sqlite3_column_int(q, 5),
	    .zone = text_at(q, 6),
	};

	if (b.scope > SCOPE_tag || b.per > PER_month ||
	    (b.scope == SCOPE_tag && b.tag == NULL) || k->rules == BUDGETS_MAX ||
	    !budget_copy(k->env, &b, k->mem, &k->rule[k->rules]))
		return;
	k->id[k->rules++] = sqlite3_column_int64(q, 0);
}

static bool
load_rules(struct budget_kept *k)
{
	sqlite3_stmt *q;
	bool row = true, ok;

	if (!db_prepare(k->db,
		"SELECT id, name, scope, value, tag, per, zone FROM budget_rule"
		" ORDER BY id",
		&q))
		return false;
	while ((ok = db_step(k->db, q, &row)) && row)
		take_rule(k, q);
	sqlite3_finalize(q);
	return ok;
}

bool
budget_kept_open(struct budget_kept *k, struct env *env, struct db *db)
{
	*k = (struct budget_kept){.env = env, .db = db};
	k->mem = arena_new(RULES_BYTES);
	k->rule = xcalloc(BUDGETS_MAX, sizeof(*k->rule));
	k->id = xcalloc(BUDGETS_MAX, sizeof(*k->id));
	if (!load_rules(k))
		return false;
	budget_sums_init(&k->sums, k->rule, k->rules);
	return db_prepare(db,
		   "SELECT spent_hi, spent_lo, at_ms FROM budget WHERE rule=?1 AND"
		   " value=?2 AND period_ms=?3",
		   &k->get) &&
	       db_prepare(db,
		   "INSERT OR REPLACE INTO"
		   " budget(rule,value,period_ms,spent_hi,spent_lo,at_ms)"
		   " VALUES(?1,?2,?3,?4,?5,?6)",
		   &k->put);
}

void
budget_kept_close(struct budget_kept *k)
{
	sqlite3_finalize(k->get);
	sqlite3_finalize(k->put);
	budget_sums_fini(&k->sums);
	xfree(k->rule);
	xfree(k->id);
	arena_free(k->mem);
	*k = (struct budget_kept){0};
}

/* ---- sums ---- */

static bool
put_entry(struct budget_kept *k, int64_t id, const struct budget_entry *e)
{
	struct pusd_sum spent = e->spent;
	int64_t at_ms = e->at_ms, hi, lo;
	bool row;

	sqlite3_bind_int64(k->get, 1, id);
	db_text(k->get, 2, str_of(e->value));
	sqlite3_bind_int64(k->get, 3, e->period_ms);
	if (!db_step(k->db, k->get, &row))
		return false;
	if (row) {
		spent.v += pusd_sum_join(
		    sqlite3_column_int64(k->get, 0), sqlite3_column_int64(k->get, 1))
			       .v;
		if (at_ms < sqlite3_column_int64(k->get, 2))
			at_ms = sqlite3_column_int64(k->get, 2);
	}
	sqlite3_reset(k->get);
	pusd_sum_split(spent, &hi, &lo);
	sqlite3_bind_int64(k->put, 1, id);
	db_text(k->put, 2, str_of(e->value));
	sqlite3_bind_int64(k->put, 3, e->period_ms);
	sqlite3_bind_int64(k->put, 4, hi);
	sqlite3_bind_int64(k->put, 5, lo);
	sqlite3_bind_int64(k->put, 6, at_ms);
	return db_run(k->db, k->put);
}

bool
budget_put(struct budget_kept *k, const struct budget_sums *s, const int64_t *id)
{
	for (size_t i = 0; i < s->entries; i++) {
		if (!put_entry(k, id[s->entry[i].rule], &s->entry[i]))
			return false;
	}
	return true;
}

void
budget_begin(struct budget_kept *k)
{
	budget_sums_clear(&k->sums);
}

void
budget_add(struct budget_kept *k, const struct slot *s)
{
	budget_sums_add(&k->sums, s);
}

bool
budget_flush(struct budget_kept *k)
{
	return budget_put(k, &k->sums, k->id);
}

/* ---- rules that come and go ---- */

static bool
run_with_id(struct budget_kept *k, const char *sql, int64_t id, int64_t below_ms)
{
	sqlite3_stmt *q;
	bool ok;

	if (!db_prepare(k->db, sql, &q))
		return false;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, below_ms);
	ok = db_run(k->db, q);
	sqlite3_finalize(q);
	return ok;
}

bool
budget_drop(struct budget_kept *k, int64_t id)
{
	return run_with_id(k, "DELETE FROM budget WHERE rule=?1 AND ?2=0", id, 0) &&
	       run_with_id(k, "DELETE FROM budget_rule WHERE id=?1 AND ?2=0", id, 0);
}

static void
bind_text(sqlite3_stmt *q, int i, const char *text)
{
	if (text == NULL)
		sqlite3_bind_null(q, i);
	else
		db_text(q, i, str_of(text));
}

bool
budget_make(struct budget_kept *k, const struct budget *rule, int64_t *ret_id)
{
	sqlite3_stmt *q;
	bool ok;

	if (!db_prepare(k->db,
		"INSERT INTO budget_rule(name,scope,value,tag,per,zone)"
		" VALUES(?1,?2,?3,?4,?5,?6)",
		&q))
		return false;
	db_text(q, 1, str_of(rule->name));
	sqlite3_bind_int(q, 2, (int)rule->scope);
	bind_text(q, 3, rule->value);
	bind_text(q, 4, rule->tag);
	sqlite3_bind_int(q, 5, (int)rule->per);
	bind_text(q, 6, rule->zone);
	ok = db_run(k->db, q);
	sqlite3_finalize(q);
	*ret_id = sqlite3_last_insert_rowid(k->db->handle);
	return ok;
}

bool
budget_prune(struct budget_kept *k, int64_t at_ms, bool *ret_more)
{
	*ret_more = false;
	for (unsigned i = 0; i < k->rules; i++) {
		int64_t from = budget_kept_from_ms(&k->rule[i], at_ms);

		if (from == INT64_MIN)
			continue;
		if (!run_with_id(k,
			"DELETE FROM budget WHERE rule=?1 AND (value,period_ms) IN"
			" (SELECT value,period_ms FROM budget WHERE rule=?1 AND"
			" period_ms<?2 LIMIT " PRUNE_STEP ")",
			k->id[i], from))
			return false;
		*ret_more |= sqlite3_changes(k->db->handle) > 0;
	}
	return true;
}
