/* events.c: what became of requests for a budget's sake, counted by the hour until the
 * ledger takes it. */
#include "accounts.h"

#include "base/mem.h"

#define HOUR_MS 3600000LL

static const char *const names[] = {
    [BUDGET_refused] = "refused",
    [BUDGET_downgraded] = "downgraded",
    [BUDGET_local_only] = "local_only",
    [BUDGET_overrun] = "overrun",
    [BUDGET_warned] = "warned",
};
_Static_assert(nitems(names) == BUDGET_EVENTS, "a word for each");

const char *
budget_event_name(enum budget_event e)
{
	return names[e];
}

static struct refusal_count *
find_locked(struct budgets *b, const struct refusal_count *like)
{
	struct str bytes =
	    str_make((const char *)like, offsetof(struct refusal_count, count));
	uint64_t hash = hash_stable(bytes);
	struct refusal_count *c;

	for (unsigned i = 0; i < b->counted; i++) {
		if (b->count_hash[i] == hash &&
		    memcmp(&b->counts[i], like, bytes.len) == 0)
			return &b->counts[i];
	}
	if (b->counted == COUNTS_MAX)
		return NULL;
	if (b->counts == NULL)
		b->counts = xcalloc(COUNTS_MAX, sizeof(b->counts[0]));
	c = &b->counts[b->counted];
	*c = *like;
	c->count = 0;
	b->count_hash[b->counted++] = hash;
	return c;
}

void
event_count_locked(struct budgets *b, enum budget_event e, const char *name,
    const struct budget_who *who)
{
	struct refusal_count like, *c;

	b->events[e]++;
	memset(&like, 0, sizeof(like));
	like.hour = b->now_ms / HOUR_MS;
	str_copy(like.kind, sizeof(like.kind), str_of(names[e]));
	str_copy(like.name, sizeof(like.name), str_of(name));
	if (who != NULL) {
		str_copy(like.team, sizeof(like.team), who->team);
		str_copy(like.key, sizeof(like.key), who->key);
	}
	c = find_locked(b, &like);
	/* Nobody has fetched them for long: what they tell gets coarser. */
	if (c == NULL)
		c = &b->counts[COUNTS_MAX - 1];
	c->count++;
}

void
budgets_count(struct budgets *b, const struct budget_who *who,
    const struct budget_refusal *why, enum budget_event e)
{
	const struct budget *rule = why->budget;
	struct kept_rule *k = NULL;
	struct account *a = NULL;

	pthread_mutex_lock(&b->lock);
	if (rule != NULL)
		k = kept_find_locked(b, rule->name);
	if (k != NULL)
		a = account_find_locked(
		    b, k, account_hash(b, why->value), why->value, k->period_ms);
	if (a != NULL && e == BUDGET_refused)
		a->refused++;
	else if (a != NULL && e != BUDGET_overrun && e != BUDGET_warned)
		a->downgraded++;
	event_count_locked(b, e, rule != NULL ? rule->name : "", who);
	pthread_mutex_unlock(&b->lock);
}

unsigned
budgets_take_refusals(struct budgets *b, struct refusal_count *ret, unsigned cap)
{
	unsigned n;

	pthread_mutex_lock(&b->lock);
	n = b->counted < cap ? b->counted : cap;
	if (n == 0) {
		pthread_mutex_unlock(&b->lock);
		return 0;
	}
	memcpy(ret, b->counts, n * sizeof(*ret));
	b->counted -= n;
	memmove(b->counts, b->counts + n, b->counted * sizeof(*ret));
	memmove(
	    b->count_hash, b->count_hash + n, b->counted * sizeof(b->count_hash[0]));
	pthread_mutex_unlock(&b->lock);
	return n;
}

void
budgets_status_get(struct budgets *b, struct budgets_status *ret)
{
	pthread_mutex_lock(&b->lock);
	*ret = (struct budgets_status){.accounts = b->accounts,
	    .rules = b->by_places,
	    .grants = b->grants,
	    .refusals = b->refusals};
	memcpy(ret->events, b->events, sizeof(ret->events));
	pthread_mutex_unlock(&b->lock);
}
