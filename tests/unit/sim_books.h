/* sim_books.h: budgets in the simulation of the ledger: attempts are granted and
 * settled, policies come and go, and after each event accounts, tables and rows say the
 * same. */
#ifndef UNIT_SIM_BOOKS_H
#define UNIT_SIM_BOOKS_H

#include <stdlib.h>

#include "books.h"
#include "sim_truth.h"

#define USERS_DRAWN 3U

/* Whose: as some_request() has it, but for user, session and tag. */
struct sim_whose {
	char user[8], tag[8];
	struct tag tags[1];
	struct budget_who who;
};

static inline void
sim_whose(struct sim_whose *w, unsigned n)
{
	snprintf(w->user, sizeof(w->user), "u%u", n % USERS_DRAWN);
	snprintf(w->tag, sizeof(w->tag), "c%u", n % 2);
	w->tags[0] = (struct tag){STR("commit"), str_of(w->tag), TAG_by_key};
	w->who = (struct budget_who){.team = STR("web"),
	    .key = STR("laptop"),
	    .user = str_of(w->user),
	    .session = 1 + n % 2,
	    .tags = w->tags,
	    .tag_count = 1};
}

static inline void
sim_sign(struct slot_request *r, unsigned n, uint32_t rules)
{
	struct sim_whose w = {.user = ""};

	sim_whose(&w, n);
	snprintf(r->user, sizeof(r->user), "%s", w.user);
	r->session = w.who.session;
	r->rules = rules;
	r->tags_len = (uint16_t)snprintf(
	    r->tags, sizeof(r->tags), "app=shop\ncommit=%s\n", w.tag);
	r->rollup_tags_len = 9;
}

static inline int64_t
sim_grant(struct book *k, struct truth *t, struct truth_attempt *a)
{
	struct budget_need need = {.worst_case = {10000000}, .expected = {-1}};
	struct budget_refusal why;
	struct sim_whose w = {.user = ""};

	sim_whose(&w, t->whose);
	if (!budgets_grant(k->b, t->snap, &w.who, &need, &a->grant, &why))
		abort();
	return a->grant.at_ms;
}

/* All that a process holds is gone with it. */
static inline void
sim_forget_grants(struct book *k, struct truths *t)
{
	for (unsigned i = 0; k->b != NULL && i < t->count; i++) {
		for (unsigned n = 0; n < t->of[i].attempts; n++)
			budgets_settle(
			    k->b, &t->of[i].attempt[n].grant, (struct pusd){0});
	}
}

/* ---- do they say the same? ---- */

struct sim_sums {
	struct budget_sums all;
	int64_t counted_ms;
};

/* In its own words: rows of all months, as SQL tells them. */
static inline void
sim_add_row(struct sim_sums *s, sqlite3_stmt *q, unsigned rule)
{
	const struct budget *b = &book_rules[rule];
	int64_t at = sqlite3_column_int64(q, 4);
	int64_t period = budget_period_ms(b, at);
	char value[64] = "";
	size_t i = 0;

	if (b->scope == SCOPE_team)
		snprintf(value, sizeof(value), "%s", "web");
	if (b->scope == SCOPE_user)
		snprintf(value, sizeof(value), "%s", sqlite3_column_text(q, 0));
	if (b->scope == SCOPE_session)
		snprintf(value, sizeof(value), "%016llx",
		    (unsigned long long)sqlite3_column_int64(q, 1));
	if (b->scope == SCOPE_tag)
		snprintf(value, sizeof(value), "c%u",
		    strstr((const char *)sqlite3_column_text(q, 2), "c1") != NULL);
	while (i < s->all.entries &&
	       (s->all.entry[i].rule != rule || s->all.entry[i].period_ms != period ||
		   strcmp(s->all.entry[i].value, value) != 0))
		i++;
	if (i == s->all.entries) {
		s->all.entry = xrealloc(s->all.entry, (i + 1) * sizeof(*s->all.entry));
		s->all.entry[i] =
		    (struct budget_entry){.rule = rule, .period_ms = period};
		memcpy(s->all.entry[i].value, value, sizeof(value));
		s->all.entries++;
	}
	s->all.entry[i].spent.v += sqlite3_column_int64(q, 3);
	if (s->counted_ms < at)
		s->counted_ms = at;
}

static inline void
sim_add_month(void *arg, const char *name)
{
	static const char sql[] =
	    "SELECT u.text, r.session, CASE r.tagset WHEN 0 THEN r.tags ELSE g.text"
	    " END, ifnull(a.amount_pusd, ifnull(a.at_most_pusd, 0)),"
	    " ifnull(a.granted_ms, a.start_ms) FROM request r"
	    " JOIN attempt a ON a.request=r.seq JOIN name u ON u.id=r.user"
	    " LEFT JOIN name g ON g.id=r.tagset";
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *q = NULL;

	if (!str_starts(str_of(name), STR("ledger-")) || strlen(name) != 17)
		return;
	snprintf(path, sizeof(path), STATE "/%.17s", name);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK) {
		while (sqlite3_step(q) == SQLITE_ROW) {
			for (unsigned i = 0; i < BOOK_RULES; i++)
				sim_add_row(arg, q, i);
		}
	}
	if (q == NULL || sqlite3_finalize(q) != SQLITE_OK)
		abort();
	sqlite3_close(db);
}

static inline int
sim_rule_number(const char *name)
{
	for (unsigned i = 0; i < BOOK_RULES; i++) {
		if (strcmp(book_rules[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static inline wide
sim_kept(sqlite3 *db, const char *name, const char *value, int64_t period, bool *there)
{
	sqlite3_stmt *q = NULL;
	wide v = 0;

	if (sqlite3_prepare_v2(db,
		"SELECT spent_hi, spent_lo FROM budget JOIN budget_rule ON id=rule"
		" WHERE name=?1 AND budget.value=?2 AND period_ms=?3",
		-1, &q, NULL) != SQLITE_OK)
		abort();
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, period);
	*there = sqlite3_step(q) == SQLITE_ROW;
	if (*there)
		v = pusd_sum_join(
		    sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1))
			.v;
	sqlite3_finalize(q);
	return v;
}

/* What requests that still run have spent already, in grants of that rule. */
static inline wide
sim_running(const struct truths *t, const struct budget *rule, const char *value,
    int64_t period, uint32_t since)
{
	wide sum = 0;

	for (unsigned i = 0; i < t->count; i++) {
		const struct truth *r = &t->of[i];
		char mine[BUDGET_VALUE];
		struct sim_whose w = {.user = ""};

		sim_whose(&w, r->whose);
		if ((r->fate != FATE_live && r->fate != FATE_closed) ||
		    r->snap->rules < since || !budget_value(rule, &w.who, mine) ||
		    strcmp(mine, value) != 0)
			continue;
		for (unsigned n = 0; n < r->attempts; n++) {
			if (r->attempt[n].closed && r->attempt[n].at_ms > 0 &&
			    budget_period_ms(rule, r->attempt[n].at_ms) == period)
				sum += r->attempt[n].amount;
		}
	}
	return sum;
}

/* Every sum of the rows is in the table, unless its period is long over. */
static inline void
sim_check_table(struct truths *t, sqlite3 *db, const struct snapshot *snap,
    const struct sim_sums *s)
{
	for (size_t i = 0; i < s->all.entries; i++) {
		const struct budget_entry *e = &s->all.entry[i];
		const struct budget *rule = &book_rules[e->rule];
		bool in = false, there;
		wide kept;

		for (unsigned n = 0; n < snap->budget_count; n++)
			in |= strcmp(snap->budgets[n].name, rule->name) == 0;
		if (!in || e->spent.v == 0 ||
		    e->period_ms < budget_kept_from_ms(rule, s->counted_ms))
			continue;
		kept = sim_kept(db, rule->name, e->value, e->period_ms, &there);
		if (kept != e->spent.v)
			wrong(t, "%s %s: %lld in the table, %lld in the rows",
			    rule->name, e->value, (long long)kept,
			    (long long)e->spent.v);
	}
}

/* And every account has what the table has, and what is not booked yet. */
static inline void
sim_check_accounts(struct truths *t, sqlite3 *db, struct book *k)
{
	struct budget_line line[64];
	unsigned n = budgets_list(
	    k->b, k->snap, env_wall_ms(k->p->env), line, sizeof(line) / sizeof(*line));

	for (unsigned i = 0; i < n; i++) {
		const struct budget *rule = &book_rules[sim_rule_number(line[i].name)];
		bool there;
		wide kept = sim_kept(
		    db, line[i].name, line[i].value, line[i].period_ms, &there);
		wide runs = sim_running(t, rule, line[i].value, line[i].period_ms,
		    budgets_since(k->b, line[i].name));

		if (line[i].spent.v != kept + runs)
			wrong(t, "%s %s: the account says %lld, the ledger %lld + %lld",
			    line[i].name, line[i].value, (long long)line[i].spent.v,
			    (long long)kept, (long long)runs);
	}
}

/* When all that is closed is in, and the budgets of `k->snap` are in force. */
static inline void
sim_check_books(struct truths *t, struct book *k)
{
	struct sim_sums s = {.counted_ms = 0};
	sqlite3 *db;

	if (!k->p->env->list_dir(k->p->env, STATE, sim_add_month, &s) ||
	    sqlite3_open_v2(STATE "/ledger.db", &db, SQLITE_OPEN_READWRITE, NULL) !=
		SQLITE_OK)
		abort();
	sim_check_table(t, db, k->snap, &s);
	sim_check_accounts(t, db, k);
	sqlite3_close(db);
	xfree(s.all.entry);
}

static inline void
sim_found(void *arg, const struct verify_finding *f)
{
	struct truths *t = arg;

	wrong(t, "the audit: %.100s: %.30s, not %.30s", f->where, f->written,
	    f->computed);
}

/* The auditor of the product has nothing to say either. */
static inline void
sim_verify(struct truths *t, struct env *env)
{
	struct verify_report r;
	char why[256];

	if (!ledger_verify(env, STATE, sim_found, t, &r, why))
		wrong(t, "the audit: %.150s", why);
}

#endif
