/* caps.c: what is spent and held of each cap, what is left, when it begins anew, and
 * whether it is spent faster than time goes. */
#include "caps.h"

#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/request.h"
#include "dates.h"

#define LINES_MAX 100U
/* Accounts that are looked at for them: of others than oneself, too. */
#define LOOKED_AT 4096U

static const struct budget *
rule_of(const struct snapshot *s, const char *name)
{
	for (unsigned i = 0; i < s->budget_count; i++) {
		if (strcmp(s->budgets[i].name, name) == 0)
			return &s->budgets[i];
	}
	return NULL;
}

/* A team's or key's own; everything for the admin plane. */
static bool
visible(const struct budget *rule, const char *value, const struct ask *ask,
    const struct scope *who)
{
	bool team = rule->scope == SCOPE_team, key = rule->scope == SCOPE_key;

	if (!who->all && !(key && scope_sees(who, str_of(value), STR(""))) &&
	    !(team && who->team != NULL && strcmp(value, who->team) == 0))
		return false;
	for (unsigned i = 0; ask != NULL && i < ask->filters; i++) {
		enum dim by = ask->filter[i].by.dim;

		if ((by == DIM_team || by == DIM_key) &&
		    ((by == DIM_team ? !team : !key) ||
			strcmp(ask->filter[i].value, value) != 0))
			return false;
	}
	return true;
}

static void
put_scope(struct json *j, const struct budget *rule, const char *value)
{
	static const char *const words[] = {
	    "daemon", "team", "key", "user", "session", "tag"};
	char text[BUDGET_NAME + BUDGET_VALUE + 8];

	if (rule->scope == SCOPE_daemon)
		snprintf(text, sizeof(text), "daemon");
	else if (rule->scope == SCOPE_tag)
		snprintf(text, sizeof(text), "tag.%s:%s", rule->tag, value);
	else
		snprintf(text, sizeof(text), "%s:%s", words[rule->scope], value);
	json_str(j, "scope", str_of(text));
}

struct told {
	const struct snapshot *snap;
	const struct ask *ask;
	const struct scope *scope;
	struct json *j;
	int64_t now_ms;
	bool live;              /* a daemon is asked */
	bool rule[BUDGETS_MAX]; /* by index: told of, or not to be */
	unsigned lines;
};

/* Spent share of the cap over passed share of the time: above 1 it ends too early. */
static void
put_burn(struct json *j, const struct budget_line *l, int64_t now_ms)
{
	double span = (double)(l->resets_ms - l->period_ms);
	double passed = (double)(now_ms - l->period_ms) / span;

	if (l->resets_ms < 0 || l->cap.v <= 0 || passed <= 0)
		json_put_null(j, "burn");
	else
		json_num(j, "burn", (double)l->spent.v / (double)l->cap.v / passed, 3);
}

/* What only a daemon knows is null where none is asked. */
static void
put_held(struct json *j, const struct budget_line *l, bool live)
{
	if (live)
		json_pusd_sum(j, "held_usd", l->held);
	else
		json_put_null(j, "held_usd");
	json_pusd_sum(
	    j, "left_usd", (struct pusd_sum){l->cap.v - l->spent.v - l->held.v});
}

static void
put_counts(struct json *j, const struct budget_line *l, bool live)
{
	const struct {
		const char *key;
		uint64_t count;
	} counts[] = {{"refused", l->refused}, {"downgraded", l->downgraded},
	    {"overruns", l->overruns}};

	for (size_t i = 0; i < nitems(counts); i++) {
		if (live)
			json_int(j, counts[i].key, (int64_t)counts[i].count);
		else
			json_put_null(j, counts[i].key);
	}
}

static void
put_line(struct told *t, const struct budget *rule, const struct budget_line *l)
{
	static const char *const pers[] = {"all", "hour", "day", "week", "month"};
	struct json *j = t->j;
	char resets[DATE_TEXT_BYTES];

	json_object_begin(j, NULL);
	put_scope(j, rule, l->value);
	json_str(j, "per", str_of(pers[rule->per]));
	json_str(j, "name", str_of(rule->name));
	json_pusd_sum(j, "cap_usd", l->cap);
	json_pusd_sum(j, "spent_usd", l->spent);
	put_held(j, l, t->live);
	if (l->resets_ms < 0) {
		json_put_null(j, "resets_at");
	} else {
		date_format_s(l->resets_ms, resets);
		json_str(j, "resets_at", str_of(resets));
	}
	put_burn(j, l, t->now_ms);
	put_counts(j, l, t->live);
	json_object_end(j);
	t->lines++;
}

/* Of one that it was not told of yet, and whose it may be shown to. */
static void
take(struct told *t, const struct budget *rule, const struct budget_line *l)
{
	t->rule[rule->index] = true;
	if (t->lines < LINES_MAX && visible(rule, l->value, t->ask, t->scope))
		put_line(t, rule, l);
}

/* Of whose money nothing was spent yet there is no account. */
static void
take_untouched(struct told *t, const struct budget *rule)
{
	struct budget_line l = {.cap = rule->cap,
	    .period_ms = budget_period_ms(rule, t->now_ms),
	    .resets_ms = budget_resets_ms(rule, t->now_ms)};

	if (rule->value != NULL)
		str_copy(l.value, sizeof(l.value), str_of(rule->value));
	take(t, rule, &l);
}

static void
take_accounts(struct told *t, struct books *b)
{
	struct budget_line *line = xcalloc(LOOKED_AT, sizeof(*line));
	unsigned n = budgets_list(b->budgets, t->snap, t->now_ms, line, LOOKED_AT);

	for (unsigned i = 0; i < n; i++) {
		const struct budget *rule = rule_of(t->snap, line[i].name);

		if (rule != NULL) /* else of an older policy, with a live hold */
			take(t, rule, &line[i]);
	}
	xfree(line);
}

static const char *
value_of(const struct budget *rule)
{
	return rule->value == NULL ? "" : rule->value;
}

/* Of a budget with an account, or whose name says whose it is. */
static bool
take_one(struct told *t, struct books *b, const struct budget *rule, const char *value)
{
	struct budget_line l;

	budgets_look(b->budgets, rule, value, &l);
	if (l.spent.v == 0 && l.held.v == 0 && l.refused == 0)
		return false;
	take(t, rule, &l);
	return true;
}

/* Nobody who asks for the own budgets has all accounts gone through. */
static void
take_own(struct told *t, struct books *b)
{
	for (unsigned i = 0; i < t->snap->budget_count; i++) {
		const struct budget *rule = &t->snap->budgets[i];
		const char *own = NULL;

		if (rule->scope == SCOPE_key)
			own = t->scope->key;
		else if (rule->scope == SCOPE_team)
			own = t->scope->team;
		if (own != NULL && own[0] != '\0' &&
		    (rule->value == NULL || strcmp(rule->value, own) == 0))
			(void)take_one(t, b, rule, own);
	}
}

/* What the ledger has summed up, of the periods that are running. */
static void
take_kept(struct told *t, struct books *b)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q = NULL;
	bool row;

	if (db != NULL && books_has(db, "budget", "spent_hi"))
		q = books_prepare(b, db,
		    "SELECT r.name,b.value,b.period_ms,b.spent_hi,b.spent_lo FROM"
		    " budget b JOIN budget_rule r ON r.id=b.rule"
		    " ORDER BY b.spent_hi DESC,b.spent_lo DESC");
	while (q != NULL && books_step(b, q, &row) && row) {
		char name[BUDGET_NAME];
		const struct budget *rule;
		struct budget_line l = {.period_ms = sqlite3_column_int64(q, 2)};

		str_copy(name, sizeof(name), books_text(q, 0));
		rule = rule_of(t->snap, name);
		if (rule == NULL || l.period_ms != budget_period_ms(rule, t->now_ms))
			continue;
		str_copy(l.value, sizeof(l.value), books_text(q, 1));
		l.cap = rule->cap;
		l.spent = pusd_sum_join(
		    sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4));
		l.resets_ms = budget_resets_ms(rule, t->now_ms);
		take(t, rule, &l);
	}
	sqlite3_finalize(q);
}

void
caps_json(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct json *j)
{
	struct told t = {.snap = snap,
	    .ask = ask,
	    .scope = scope,
	    .j = j,
	    .now_ms = env_wall_ms(b->env),
	    .live = b->budgets != NULL};

	if (snap == NULL) {
		json_put_null(j, "budgets");
		return;
	}
	json_array_begin(j, "budgets");
	if (!t.live)
		take_kept(&t, b);
	else if (scope->all)
		take_accounts(&t, b);
	else
		take_own(&t, b);
	for (unsigned i = 0; i < snap->budget_count; i++) {
		const struct budget *rule = &snap->budgets[i];

		/* Others may have used so much more that it is not among them. */
		if (!t.rule[rule->index] &&
		    (rule->value != NULL || rule->scope == SCOPE_daemon) &&
		    !(t.live && take_one(&t, b, rule, value_of(rule))))
			take_untouched(&t, rule);
	}
	json_array_end(j);
}
