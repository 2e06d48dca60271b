/* budget_checks.h: is a grant right, is a refusal, is every account what lists and sums
 * say? */
#ifndef UNIT_BUDGET_CHECKS_H
#define UNIT_BUDGET_CHECKS_H

#include "budget/accounts.h"
#include "budget_world.h"

/* Does the model, too, find that this rule cannot give what is asked for? */
static inline bool
would_pass(struct sim *s, const struct one *o, unsigned rule, wide sums[static 2])
{
	const struct budget *r = &s->now->rule[rule];

	truth_sums(&s->t, s->now, rule, o->who, sums, never_back(s));
	if (!o->need.unpriced && need_of(r, &o->need) == 0)
		return false; /* what costs nothing always fits */
	return o->need.unpriced || sums[0] + sums[1] + need_of(r, &o->need) > r->cap.v;
}

static inline void
check_grant(struct sim *s, struct one *o)
{
	unsigned n = 0;
	wide sums[2];

	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		if (!on_path(s->now, i, o->under, o->who))
			continue;
		if (would_pass(s, o, i, sums))
			wrong(&s->t, "a grant passes the cap of '%s'",
			    s->now->rule[i].name);
		n++;
	}
	if (o->grant.count != n)
		wrong(
		    &s->t, "%u accounts hold, and %u budgets apply", o->grant.count, n);
}

/* That which is told is the strictest of those that cannot give it. */
static inline void
check_strictest(struct sim *s, const struct one *o, const struct budget_refusal *why)
{
	static const int strict[] = {[EXHAUSTED_refuse] = 2,
	    [EXHAUSTED_local_only] = 1,
	    [EXHAUSTED_downgrade] = 0};
	wide sums[2];

	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		if (on_path(s->now, i, o->under, o->who) && would_pass(s, o, i, sums) &&
		    strict[s->now->rule[i].on_exhausted] >
			strict[why->budget->on_exhausted])
			wrong(&s->t, "'%s' is stricter than '%s'", s->now->rule[i].name,
			    why->budget->name);
	}
}

static inline void
check_refusal(struct sim *s, const struct one *o, const struct budget_refusal *why)
{
	int rule = why->budget == NULL ? -1 : rule_named(s->now, why->budget->name);
	const struct budget *r = &s->now->rule[rule < 0 ? 0 : rule];
	wide sums[2];
	int64_t begin, next;

	if (rule < 0 || !on_path(s->now, (unsigned)rule, o->under, o->who)) {
		wrong(&s->t, "refused for no budget on the path");
		return;
	}
	if (!would_pass(s, o, (unsigned)rule, sums))
		wrong(&s->t, "a false refusal by '%s'", r->name);
	if (why->spent.v != sums[0] || why->held.v != sums[1])
		wrong(&s->t, "a refusal by '%s' tells other sums", r->name);
	if (why->needed.v != (o->need.unpriced ? -1 : need_of(r, &o->need)))
		wrong(&s->t, "a refusal tells another need");
	calendar_period(
	    &calendars[s->now->zone[rule]], r->per, never_back(s), &begin, &next);
	if (why->resets_ms != next)
		wrong(&s->t, "'%s' resets at %lld, not at %lld", r->name,
		    (long long)next, (long long)why->resets_ms);
	if (o->under == s->now)
		check_strictest(s, o, why);
}

/* ---- every account ---- */

/* The account itself, in any period; false: there is none. */
static inline bool
look(struct sim *s, unsigned rule, unsigned who, int64_t at_ms, wide ret[static 2])
{
	const struct budget *r = &s->now->rule[rule];
	const struct kept_rule *k = kept_find_locked(s->b, r->name);
	char value[BUDGET_VALUE];
	const struct account *a;

	ret[0] = ret[1] = 0;
	if (k == NULL || !budget_value(r, &askers[who], value))
		return false;
	a = account_find_locked(s->b, k, account_hash(s->b, value), value,
	    begin_of(&s->t, s->now, rule, at_ms));
	if (a == NULL)
		return false;
	ret[0] = a->spent.v;
	ret[1] = a->held.v;
	return true;
}

static inline void
check_account(struct sim *s, unsigned rule, unsigned who, int64_t at_ms)
{
	wide sums[2], found[2];

	truth_sums(&s->t, s->now, rule, who, sums, at_ms);
	(void)look(s, rule, who, at_ms, found);
	if (found[0] != sums[0] || found[1] != sums[1])
		wrong(&s->t, "'%s' of asker %u: spent %lld, held %lld, not %lld, %lld",
		    s->now->rule[rule].name, who, (long long)sums[0],
		    (long long)sums[1], (long long)found[0], (long long)found[1]);
}

/* The first asker of this account; others share it. */
static inline bool
is_first(const struct budget *r, unsigned who)
{
	for (unsigned i = 0; i < who; i++) {
		if (same_account(r, i, who))
			return false;
	}
	return applies(r, who);
}

/* Of a period that is over only what is held is promised, and what was spent since. */
static inline void
check_held(struct sim *s, unsigned rule, const struct one *o)
{
	wide sums[2], found[2];

	truth_sums(&s->t, s->now, rule, o->who, sums, o->at_ms);
	if (!look(s, rule, o->who, o->at_ms, found) || found[1] != sums[1])
		wrong(&s->t, "'%s' of a period that is over holds %lld, not %lld",
		    s->now->rule[rule].name, (long long)sums[1], (long long)found[1]);
}

/* All accounts of now, and that of a live hold, whose period may be over. */
static inline void
check(struct sim *s)
{
	const struct one *o = some(s, HELD);

	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		for (unsigned who = 0; who < ASKERS; who++) {
			if (is_first(&s->now->rule[i], who))
				check_account(s, i, who, never_back(s));
		}
		if (o != NULL && on_path(s->now, i, o->under, o->who))
			check_held(s, i, o);
	}
}

/* What people are told is what there is, and no more. */
static inline void
check_list(struct sim *s)
{
	struct budget_line lines[RULES_MAX * ASKERS + 1];
	unsigned n = budgets_list(
	    s->b, &s->now->snap, wall_ms(s), lines, RULES_MAX * ASKERS + 1);
	wide sums[2], expected = 0, told = 0;

	s->t.at_ms = never_back(s);
	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		for (unsigned who = 0; who < ASKERS; who++) {
			if (!is_first(&s->now->rule[i], who))
				continue;
			truth_sums(&s->t, s->now, i, who, sums, never_back(s));
			expected += sums[0] + sums[1];
		}
	}
	for (unsigned i = 0; i < n; i++) {
		int rule = rule_named(s->now, lines[i].name);

		told += lines[i].spent.v + lines[i].held.v;
		if (rule < 0)
			wrong(&s->t, "'%s' is told, which is gone", lines[i].name);
		else if (lines[i].cap.v != s->now->rule[rule].cap.v ||
			 lines[i].period_ms !=
			     begin_of(&s->t, s->now, (unsigned)rule, never_back(s)))
			wrong(&s->t, "'%s' has another cap or period", lines[i].name);
	}
	if (told != expected)
		wrong(&s->t, "all accounts have %lld, not %lld", (long long)expected,
		    (long long)told);
}

#endif
