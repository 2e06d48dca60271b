/* accounts.c: money is set aside in all budgets of a path or in none. What can be
 * reckoned without the lock is. */
#include "accounts.h"

#include "path.h"

/* One budget of a path, while the lock is held. */
struct stake {
	const struct path_entry *entry;
	uint64_t hash;
	struct kept_rule *rule;
	struct account *account; /* NULL: there is none yet */
	struct pusd need;
};

static struct pusd
need_of(const struct kept_rule *k, const struct budget_need *need)
{
	if (need->unpriced)
		return (struct pusd){0};
	if (k->hold == HOLD_expected && need->expected.v >= 0 &&
	    need->expected.v < need->worst_case.v)
		return need->expected;
	return need->worst_case;
}

static int
strictness(const struct budget *rule)
{
	switch (rule->on_exhausted) {
	case EXHAUSTED_refuse:
		return 2;
	case EXHAUSTED_local_only:
		return 1;
	case EXHAUSTED_downgrade:
		break;
	}
	return 0;
}

static wide
room_of(const struct stake *s)
{
	wide used = 0;

	if (s->account != NULL)
		used = s->account->spent.v + s->account->held.v;
	return s->rule->cap.v - used;
}

/* The one of those without room that a refusal names; NULL: all have. */
static const struct stake *
without_room(const struct stake *s, unsigned count, bool unpriced)
{
	const struct stake *worst = NULL;

	for (const struct stake *end = s + count; s < end; s++) {
		int more;

		if (!unpriced && (s->need.v == 0 || s->need.v <= room_of(s)))
			continue;
		more = worst == NULL ? 1
				     : strictness(s->entry->rule) -
					   strictness(worst->entry->rule);
		if (more > 0 || (more == 0 && room_of(s) - s->need.v <
						  room_of(worst) - worst->need.v))
			worst = s;
	}
	return worst;
}

static void
tell_why(const struct stake *s, bool unpriced, struct budget_refusal *ret)
{
	*ret = (struct budget_refusal){.budget = s->entry->rule,
	    .needed = {unpriced ? -1 : s->need.v},
	    .resets_ms = s->rule->resets_ms};
	if (s->account != NULL) {
		ret->spent = s->account->spent;
		ret->held = s->account->held;
	}
	memcpy(ret->value, s->entry->value, sizeof(ret->value));
}

/* With the account each, where there is one; gives the number that are in force. */
static unsigned
stakes_locked(struct budgets *b, const struct snapshot *snap, const struct path *path,
    const struct budget_need *need, struct stake *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < path->count; i++) {
		const struct path_entry *e = &path->at[i];
		struct stake *s = &ret[n];

		s->rule = kept_in_force_locked(b, snap, e->rule);
		if (s->rule == NULL)
			continue;
		kept_period_locked(b, s->rule, e->rule);
		s->entry = e;
		s->hash = account_hash(b, e->value);
		s->account = account_find_locked(
		    b, s->rule, s->hash, e->value, s->rule->period_ms);
		s->need = need_of(s->rule, need);
		n++;
	}
	return n;
}

static unsigned
missing(const struct stake *s, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += s[i].account == NULL;
	return n;
}

static void
hold_locked(struct budgets *b, struct stake *s, unsigned count, struct grant *ret)
{
	for (unsigned i = 0; i < count; i++, s++) {
		if (s->account == NULL)
			s->account = account_add_locked(
			    b, s->rule, s->hash, s->entry->value, s->rule->period_ms);
		pusd_sum_add(&s->account->held, s->need);
		s->account->live++;
		ret->account[i] = s->account;
		ret->held[i] = s->need;
	}
	ret->count = count;
	ret->at_ms = count > 0 ? b->now_ms : 0;
	b->grants += count > 0;
}

static bool
grant_locked(struct budgets *b, struct stake *s, unsigned count,
    const struct budget_need *need, struct grant *ret, struct budget_refusal *ret_why)
{
	const struct stake *worst = without_room(s, count, need->unpriced);

	if (worst != NULL) {
		tell_why(worst, need->unpriced, ret_why);
		b->refusals++;
		return false;
	}
	if (!account_room_locked(b, missing(s, count))) {
		*ret_why = (struct budget_refusal){
		    .needed = need->worst_case, .resets_ms = -1};
		b->refusals++;
		return false;
	}
	hold_locked(b, s, count, ret);
	return true;
}

bool
budgets_grant(struct budgets *b, const struct snapshot *snap,
    const struct budget_who *who, const struct budget_need *need, struct grant *ret,
    struct budget_refusal *ret_why)
{
	struct stake stakes[BUDGET_PATH_MAX];
	struct path path;
	bool tell, ok;
	int64_t wall_ms, now_ms;
	unsigned count;

	path_find(snap, who, &path);
	ret->count = 0;
	ret->at_ms = 0;
	if (path.count == 0)
		return true;
	if (path.too_many) {
		*ret_why = (struct budget_refusal){
		    .needed = need->worst_case, .resets_ms = -1};
		return false;
	}
	wall_ms = env_wall_ms(b->env);
	pthread_mutex_lock(&b->lock);
	tell = budgets_clock_locked(b, wall_ms);
	count = stakes_locked(b, snap, &path, need, stakes);
	ok = grant_locked(b, stakes, count, need, ret, ret_why);
	now_ms = b->now_ms;
	pthread_mutex_unlock(&b->lock);
	if (tell)
		budgets_log_behind(wall_ms, now_ms);
	return ok;
}
