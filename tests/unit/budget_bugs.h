/* budget_bugs.h: bugs that the simulation must find. They are planted around calls of
 * the product, never in it. */
#ifndef UNIT_BUDGET_BUGS_H
#define UNIT_BUDGET_BUGS_H

#include "budget_truth.h"

enum bug {
	BUG_none,
	BUG_settle_twice,
	BUG_forget_hold,
	BUG_roll_back_late,
	BUG_reopen_period,
	BUG_not_all_or_none,
	BUG_spent_only,
	BUG_reload_forgets_holds,
	BUG_crash_loses_hold,
	BUG_settle_in_todays_period,
	BUG_late_charge_lost,
	BUG_disconnect_is_free,
};

/* What the planted bugs have to know. */
struct bugs {
	enum bug now;
	unsigned seen;         /* occasions so far */
	struct grant owed;     /* to be rolled back, later */
	struct grant lost[64]; /* whose end was forgotten */
	unsigned losses;
	struct policy copy; /* in which a bug grants */
};

static inline bool
occasion(struct bugs *g, enum bug which)
{
	return g->now == which && ++g->seen > 2;
}

/* Nobody ends it while the simulation runs. */
static inline void
lose(struct bugs *g, struct grant *x)
{
	if (g->losses < sizeof(g->lost) / sizeof(g->lost[0]))
		g->lost[g->losses++] = *x;
	*x = (struct grant){0};
}

/* Before the budgets are freed. */
static inline void
bugs_end(struct bugs *g, struct budgets *b)
{
	(void)budgets_settle(b, &g->owed, (struct pusd){0});
	while (g->losses > 0)
		(void)budgets_settle(b, &g->lost[--g->losses], (struct pusd){0});
}

/* As if one rule were not there. */
static inline const struct snapshot *
without(struct bugs *g, const struct snapshot *s, const struct budget *gone)
{
	unsigned n = 0;

	g->copy.snap = *s;
	for (unsigned i = 0; i < s->budget_count; i++) {
		if (s->budgets + i != gone)
			g->copy.rule[n++] = s->budgets[i];
	}
	g->copy.snap.budgets = g->copy.rule;
	g->copy.snap.budget_count = n;
	return &g->copy.snap;
}

/* As if one cap were higher for a moment. */
static inline bool
grant_above(struct bugs *g, struct budgets *b, const struct snapshot *s, struct one *o,
    struct budget_refusal *why)
{
	struct policy *p = &g->copy;
	bool granted;

	p->snap = o->by->snap;
	memcpy(p->rule, o->by->rule, sizeof(p->rule));
	p->rule[rule_named(o->by, why->budget->name)].cap.v += why->held.v;
	p->snap.budgets = p->rule;
	(void)budgets_publish(b, &p->snap);
	granted = budgets_grant(b, s, &askers[o->who], &o->need, &o->grant, why);
	(void)budgets_publish(b, &o->by->snap);
	return granted;
}

static inline bool
grant(struct bugs *g, struct budgets *b, const struct snapshot *s, struct one *o,
    struct budget_refusal *ret)
{
	const struct budget_who *who = &askers[o->who];
	struct budget_refusal other;
	struct grant left = {0};
	wide cap;

	(void)budgets_settle(b, &g->owed, (struct pusd){0});
	if (budgets_grant(b, s, who, &o->need, &o->grant, ret))
		return true;
	if (ret->budget == NULL || ret->needed.v < 0)
		return false;
	cap = ret->budget->cap.v;
	if (occasion(g, BUG_not_all_or_none) || occasion(g, BUG_roll_back_late)) {
		(void)budgets_grant(
		    b, without(g, s, ret->budget), who, &o->need, &left, &other);
		if (g->now == BUG_roll_back_late)
			g->owed = left;
		else
			lose(g, &left);
	}
	if (g->now == BUG_spent_only && ret->spent.v + ret->needed.v <= cap)
		return grant_above(g, b, s, o, ret);
	return false;
}

/* Charges `amount` to all accounts on the path, in the period of `at_ms`. */
static inline void
charge(struct budgets *b, const struct policy *p, unsigned who, int64_t at_ms,
    int64_t amount)
{
	char value[BUDGET_VALUE];

	for (unsigned i = 0; i < p->snap.budget_count; i++) {
		if (budget_value(&p->rule[i], &askers[who], value))
			budgets_add(b, &p->rule[i], value,
			    budget_period_ms(&p->rule[i], at_ms),
			    (struct pusd_sum){amount});
	}
}

static inline struct pusd
settle(struct bugs *g, struct budgets *b, const struct policy *now, struct one *o,
    int64_t wall_ms)
{
	struct pusd amount = {o->amount}, none = {0};

	if (o->grant.count == 0)
		return budgets_settle(b, &o->grant, amount);
	if (occasion(g, BUG_settle_twice))
		charge(b, now, o->who, o->at_ms, o->amount);
	if (occasion(g, BUG_forget_hold)) {
		lose(g, &o->grant);
		return none;
	}
	if (g->now == BUG_settle_in_todays_period) {
		charge(b, now, o->who, wall_ms, o->amount);
		return budgets_settle(b, &o->grant, none);
	}
	if (g->now == BUG_disconnect_is_free && o->amount < o->need.worst_case.v / 2)
		return budgets_settle(b, &o->grant, none);
	return budgets_settle(b, &o->grant, amount);
}

#endif
