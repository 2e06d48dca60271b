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

static void
put_line(struct json *j, const struct budget *rule, const struct budget_line *l,
    int64_t now_ms)
{
	static const char *const pers[] = {"all", "hour", "day", "week", "month"};
	char resets[DATE_TEXT_BYTES];

	json_object_begin(j, NULL);
	put_scope(j, rule, l->value);
	json_str(j, "per", str_of(pers[rule->per]));
	json_str(j, "name", str_of(rule->name));
	json_pusd_sum(j, "cap_usd", l->cap);
	json_pusd_sum(j, "spent_usd", l->spent);
	json_pusd_sum(j, "held_usd", l->held);
	json_pusd_sum(
	    j, "left_usd", (struct pusd_sum){l->cap.v - l->spent.v - l->held.v});
	if (l->resets_ms < 0) {
		json_put_null(j, "resets_at");
	} else {
		date_format_s(l->resets_ms, resets);
		json_str(j, "resets_at", str_of(resets));
	}
	put_burn(j, l, now_ms);
	json_int(j, "refused", (int64_t)l->refused);
	json_int(j, "downgraded", (int64_t)l->downgraded);
	json_int(j, "overruns", (int64_t)l->overruns);
	json_object_end(j);
}

/* Of whose money nothing was spent yet there is no account. */
static void
put_untouched(struct json *j, const struct budget *rule, int64_t now_ms)
{
	struct budget_line l = {.cap = rule->cap,
	    .period_ms = budget_period_ms(rule, now_ms),
	    .resets_ms = budget_resets_ms(rule, now_ms)};

	if (rule->value != NULL)
		str_copy(l.value, sizeof(l.value), str_of(rule->value));
	put_line(j, rule, &l, now_ms);
}

struct told {
	bool rule[BUDGETS_MAX]; /* by index: it has an account */
	unsigned lines;
};

static void
put_accounts(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct told *t, struct json *j)
{
	struct budget_line *line = xcalloc(LOOKED_AT, sizeof(*line));
	int64_t now_ms = env_wall_ms(b->env);
	unsigned n = budgets_list(b->budgets, snap, now_ms, line, LOOKED_AT);

	for (unsigned i = 0; i < n; i++) {
		const struct budget *rule = rule_of(snap, line[i].name);

		if (rule == NULL)
			continue; /* of an older policy, with a hold that is live */
		t->rule[rule->index] = true;
		if (t->lines == LINES_MAX || !visible(rule, line[i].value, ask, scope))
			continue;
		put_line(j, rule, &line[i], now_ms);
		t->lines++;
	}
	xfree(line);
}

void
caps_json(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct json *j)
{
	struct told t = {.lines = 0};

	if (b->budgets == NULL || snap == NULL) {
		json_put_null(j, "budgets");
		return;
	}
	json_array_begin(j, "budgets");
	put_accounts(b, snap, ask, scope, &t, j);
	for (unsigned i = 0; i < snap->budget_count && t.lines < LINES_MAX; i++) {
		const struct budget *rule = &snap->budgets[i];
		const char *value = rule->value == NULL ? "" : rule->value;

		if (t.rule[rule->index] ||
		    (rule->value == NULL && rule->scope != SCOPE_daemon) ||
		    !visible(rule, value, ask, scope))
			continue;
		put_untouched(j, rule, env_wall_ms(b->env));
		t.lines++;
	}
	json_array_end(j);
}
