/* list.c: accounts in force, for people. */
#include "accounts.h"

/* So many buckets are looked at before others get the lock. */
#define BUCKETS_AT_ONCE 2048

static double
share_of_cap(const struct budget_line *l)
{
	double used = (double)(l->spent.v + l->held.v);

	if (l->cap.v <= 0)
		return used > 0 ? 1e300 : 1;
	return used / (double)l->cap.v;
}

static void
insert(
    struct budget_line *ret, unsigned *count, unsigned cap, const struct budget_line *l)
{
	double share = share_of_cap(l);
	unsigned at;

	if (cap == 0 || (*count == cap && share <= share_of_cap(&ret[cap - 1])))
		return;
	if (*count < cap)
		(*count)++;
	for (at = *count - 1; at > 0 && share > share_of_cap(&ret[at - 1]); at--)
		ret[at] = ret[at - 1];
	ret[at] = *l;
}

static void
line_locked(const struct account *a, struct budget_line *ret)
{
	*ret = (struct budget_line){.name = a->rule->name,
	    .cap = a->rule->cap,
	    .spent = a->spent,
	    .held = a->held,
	    .period_ms = a->period_ms,
	    .resets_ms = a->resets_ms,
	    .refused = a->refused,
	    .downgraded = a->downgraded,
	    .overruns = a->overruns};
	str_copy(ret->value, sizeof(ret->value), str_of(a->value));
}

unsigned
budgets_list(struct budgets *b, const struct snapshot *snap, int64_t wall_ms,
    struct budget_line *ret, unsigned cap)
{
	struct budget_line line;
	unsigned count = 0;

	pthread_mutex_lock(&b->lock);
	if (wall_ms > b->now_ms)
		b->now_ms = wall_ms;
	for (unsigned i = 0; i < snap->budget_count; i++) {
		struct kept_rule *k = kept_find_locked(b, snap->budgets[i].name);

		if (k != NULL)
			kept_period_locked(b, k, &snap->budgets[i]);
	}
	for (unsigned i = 0; i < ACCOUNT_BUCKETS; i++) {
		struct account *a;

		LIST_FOREACH(a, &b->buckets[i], in_bucket)
		{
			if (a->period_ms != a->rule->period_ms)
				continue;
			line_locked(a, &line);
			insert(ret, &count, cap, &line);
		}
		if (i % BUCKETS_AT_ONCE == BUCKETS_AT_ONCE - 1) {
			pthread_mutex_unlock(&b->lock);
			pthread_mutex_lock(&b->lock);
		}
	}
	pthread_mutex_unlock(&b->lock);
	return count;
}

void
budgets_look(struct budgets *b, const struct budget *rule, const char *value,
    struct budget_line *ret)
{
	const struct account *a = NULL;
	struct kept_rule *k;

	*ret =
	    (struct budget_line){.name = rule->name, .cap = rule->cap, .resets_ms = -1};
	str_copy(ret->value, sizeof(ret->value), str_of(value));
	pthread_mutex_lock(&b->lock);
	k = kept_find_locked(b, rule->name);
	if (k != NULL && k->since != 0) {
		(void)budgets_clock_locked(b, env_wall_ms(b->env));
		kept_period_locked(b, k, rule);
		ret->name = k->name;
		ret->cap = k->cap;
		ret->period_ms = k->period_ms;
		ret->resets_ms = k->resets_ms;
		a = account_find_locked(
		    b, k, account_hash(b, ret->value), ret->value, k->period_ms);
	}
	if (a != NULL)
		line_locked(a, ret);
	pthread_mutex_unlock(&b->lock);
}
