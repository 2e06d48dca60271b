/* rules.c: the budgets of the policy as they were published, and the clock that never
 * goes back. */
#include "accounts.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"

#define BEHIND_MS 60000

struct budgets *
budgets_new(struct env *env)
{
	struct budgets *b = xcalloc(1, sizeof(*b));

	b->env = env;
	env->random(env, b->key, sizeof(b->key));
	pthread_mutex_init(&b->lock, NULL);
	b->buckets = xcalloc(ACCOUNT_BUCKETS, sizeof(b->buckets[0]));
	return b;
}

void
budgets_free(struct budgets *b)
{
	if (b == NULL)
		return;
	for (unsigned i = 0; i < RULE_BUCKETS; i++) {
		struct kept_rule *k = b->rules[i], *next;

		for (; k != NULL; k = next) {
			next = k->next;
			accounts_drop_locked(b, k);
			xfree(k);
		}
	}
	pthread_mutex_destroy(&b->lock);
	xfree(b->by_place);
	xfree(b->buckets);
	xfree(b->counts);
	xfree(b);
}

/* ---- the clock ---- */

bool
budgets_clock_locked(struct budgets *b, int64_t wall_ms)
{
	bool behind = wall_ms < b->now_ms - BEHIND_MS,
	     tell = behind && !b->clock_behind;

	if (wall_ms > b->now_ms)
		b->now_ms = wall_ms;
	if (behind || wall_ms >= b->now_ms)
		b->clock_behind = behind;
	return tell;
}

void
budgets_log_behind(int64_t wall_ms, int64_t now_ms)
{
	log_warn("the clock is %" PRId64
		 " s behind what budgets have seen of it: their periods go on from "
		 "there, so that none begins twice; set the clock right",
	    (now_ms - wall_ms) / 1000);
}

void
budgets_not_before(struct budgets *b, int64_t at_ms)
{
	pthread_mutex_lock(&b->lock);
	if (at_ms > b->now_ms)
		b->now_ms = at_ms;
	pthread_mutex_unlock(&b->lock);
}

/* ---- rules ---- */

static void
publish_rule_locked(struct budgets *b, const struct budget *rule, unsigned place)
{
	struct kept_rule *k = kept_find_locked(b, rule->name);

	if (k == NULL)
		k = kept_add_locked(b, rule->name);
	if (k->since == 0)
		k->since = b->generation;
	k->in = b->generation;
	k->cap = rule->cap;
	k->warns = rule->warns;
	memcpy(k->warn_ppm, rule->warn_ppm, sizeof(k->warn_ppm));
	k->hold = rule->hold;
	k->resets_ms = 0; /* the files of zones may have changed */
	kept_period_locked(b, k, rule);
	b->by_place[place] = k;
}

uint32_t
budgets_publish(struct budgets *b, const struct snapshot *snap)
{
	uint32_t generation;

	pthread_mutex_lock(&b->lock);
	generation = ++b->generation;
	(void)budgets_clock_locked(b, env_wall_ms(b->env));
	b->newest = snap;
	b->by_places = snap->budget_count;
	b->by_place =
	    xrealloc(b->by_place, (snap->budget_count + 1) * sizeof(b->by_place[0]));
	for (unsigned i = 0; i < snap->budget_count; i++)
		publish_rule_locked(b, &snap->budgets[i], i);
	for (unsigned i = 0; i < RULE_BUCKETS; i++) {
		for (struct kept_rule *k = b->rules[i]; k != NULL; k = k->next) {
			if (k->since == 0 || k->in == generation)
				continue;
			k->since = 0;
			accounts_drop_locked(b, k);
		}
	}
	pthread_mutex_unlock(&b->lock);
	return generation;
}

uint32_t
budgets_since(struct budgets *b, const char *name)
{
	const struct kept_rule *k;
	uint32_t since;

	pthread_mutex_lock(&b->lock);
	k = kept_find_locked(b, name);
	since = k == NULL ? 0 : k->since;
	pthread_mutex_unlock(&b->lock);
	return since;
}

struct kept_rule *
kept_in_force_locked(
    struct budgets *b, const struct snapshot *snap, const struct budget *rule)
{
	struct kept_rule *k;

	if (snap == b->newest && (size_t)(rule - snap->budgets) < b->by_places)
		return b->by_place[rule - snap->budgets];
	k = kept_find_locked(b, rule->name);
	if (k == NULL || k->since == 0 || (snap->rules != 0 && k->since > snap->rules))
		return NULL;
	return k;
}
