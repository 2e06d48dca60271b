/* table.c: rules by name, and their accounts by value and period. */
#include "accounts.h"

#include "base/mem.h"

/* So many old accounts go for each new one, so that no grant waits for a great sweep.
 */
#define SWEEP_STEP 4

struct kept_rule *
kept_find_locked(const struct budgets *b, const char *name)
{
	uint64_t hash = hash_stable(str_of(name));
	struct kept_rule *k = b->rules[hash % RULE_BUCKETS];

	while (k != NULL && (k->hash != hash || strcmp(k->name, name) != 0))
		k = k->next;
	return k;
}

struct kept_rule *
kept_add_locked(struct budgets *b, const char *name)
{
	struct kept_rule *k = xcalloc(1, sizeof(*k)), **bucket;

	str_copy(k->name, sizeof(k->name), str_of(name));
	k->hash = hash_stable(str_of(k->name));
	bucket = &b->rules[k->hash % RULE_BUCKETS];
	k->next = *bucket;
	*bucket = k;
	TAILQ_INIT(&k->accounts);
	return k;
}

void
kept_period_locked(struct budgets *b, struct kept_rule *k, const struct budget *rule)
{
	bool same = rule->per == PER_all ||
		    (b->now_ms >= k->period_ms && b->now_ms < k->resets_ms);

	if (k->resets_ms != 0 && same)
		return;
	k->period_ms = budget_period_ms(rule, b->now_ms);
	k->resets_ms = budget_resets_ms(rule, b->now_ms);
}

uint64_t
account_hash(const struct budgets *b, const char *value)
{
	return hash_sip(b->key, str_of(value));
}

static struct account_bucket *
bucket_of(const struct budgets *b, const struct kept_rule *k, uint64_t hash)
{
	return &b->buckets[(hash ^ k->hash) % ACCOUNT_BUCKETS];
}

struct account *
account_find_locked(const struct budgets *b, const struct kept_rule *k, uint64_t hash,
    const char *value, int64_t period_ms)
{
	struct account *a;

	LIST_FOREACH(a, bucket_of(b, k, hash), in_bucket)
	{
		if (a->rule == k && a->hash == hash && a->period_ms == period_ms &&
		    strcmp(a->value, value) == 0)
			return a;
	}
	return NULL;
}

static void
unlink_locked(struct budgets *b, struct account *a)
{
	LIST_REMOVE(a, in_bucket);
	TAILQ_REMOVE(&a->rule->accounts, a, in_rule);
	b->accounts--;
}

static void
sweep_rule_locked(struct budgets *b, struct kept_rule *k, unsigned most)
{
	struct account *a;

	while (most-- > 0 && (a = TAILQ_FIRST(&k->accounts)) != NULL && a->live == 0 &&
	       a->resets_ms >= 0 && a->resets_ms <= b->now_ms) {
		unlink_locked(b, a);
		xfree(a);
	}
}

struct account *
account_add_locked(struct budgets *b, struct kept_rule *k, uint64_t hash,
    const char *value, int64_t period_ms)
{
	size_t len = strlen(value);
	struct account *a = xcalloc(1, sizeof(*a) + len + 1);

	sweep_rule_locked(b, k, SWEEP_STEP);
	a->rule = k;
	a->hash = hash;
	a->period_ms = period_ms;
	a->resets_ms = k->resets_ms;
	memcpy(a->value, value, len + 1);
	LIST_INSERT_HEAD(bucket_of(b, k, hash), a, in_bucket);
	TAILQ_INSERT_TAIL(&k->accounts, a, in_rule);
	b->accounts++;
	return a;
}

bool
account_room_locked(struct budgets *b, unsigned wanted)
{
	if (b->accounts + wanted <= ACCOUNTS_MAX)
		return true;
	if (b->now_ms < b->sweep_ms)
		return false;
	for (unsigned i = 0; i < RULE_BUCKETS; i++) {
		for (struct kept_rule *k = b->rules[i]; k != NULL; k = k->next)
			sweep_rule_locked(b, k, ACCOUNTS_MAX);
	}
	b->sweep_ms = b->now_ms + 1000;
	return b->accounts + wanted <= ACCOUNTS_MAX;
}

void
accounts_drop_locked(struct budgets *b, struct kept_rule *k)
{
	struct account *a;

	while ((a = TAILQ_FIRST(&k->accounts)) != NULL) {
		unlink_locked(b, a);
		if (a->live == 0)
			xfree(a);
		else
			a->orphan = true;
	}
}
