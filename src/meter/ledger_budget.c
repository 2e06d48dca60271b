/* ledger_budget.c: budgets start with what the rows say, and rows that no grant has
 * charged are charged when they are booked. */
#include "ledger_budget.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "budget_kept.h"
#include "store.h"

/* Some 50 ms: so long a batch waits at most. */
#define ROWS_A_STEP 20000
#define PRUNE_NS    (3600 * NS_PER_S)

void
ledger_budgets_init(struct ledger_budgets *b, struct env *env, struct store *store)
{
	*b = (struct ledger_budgets){.env = env, .store = store};
	pthread_mutex_init(&b->mutex, NULL);
	b->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	b->refusal = xcalloc(REFUSALS_MAX, sizeof(*b->refusal));
}

void
ledger_budgets_fini(struct ledger_budgets *b)
{
	if (b->env == NULL)
		return;
	snapshot_unref(b->in);
	snapshot_unref(b->next);
	snapshot_unref(b->asked_shared);
	xfree(b->since);
	xfree(b->refusal);
	if (b->done_fd >= 0)
		close(b->done_fd);
	pthread_mutex_destroy(&b->mutex);
	*b = (struct ledger_budgets){0};
}

/* ---- main ---- */

void
ledger_budgets_ask(struct ledger_budgets *b, struct snapshot *snap, uint32_t generation)
{
	pthread_mutex_lock(&b->mutex);
	snapshot_unref(b->asked_shared);
	b->asked_shared = snapshot_ref(snap);
	b->asked_generation_shared = generation;
	b->published_shared = false;
	pthread_mutex_unlock(&b->mutex);
}

static bool
is_done(struct ledger_budgets *b, uint32_t generation, bool give_up)
{
	bool done;

	pthread_mutex_lock(&b->mutex);
	done = b->done_shared >= generation;
	if (!done && give_up)
		b->published_shared = true;
	pthread_mutex_unlock(&b->mutex);
	return done;
}

bool
ledger_budgets_wait(struct ledger_budgets *b, uint32_t generation, int wait_ms)
{
	struct pollfd p = {.fd = b->done_fd, .events = POLLIN};
	int64_t until = env_mono_ms(b->env) + wait_ms, left = wait_ms;
	uint64_t n;

	while (left > 0 && !is_done(b, generation, false)) {
		if (poll(&p, 1, (int)left) > 0 && read(b->done_fd, &n, sizeof(n)) < 0)
			break; /* it tells nothing: look once more, below */
		left = until - env_mono_ms(b->env);
	}
	return is_done(b, generation, true);
}

/* ---- what was spent, into the accounts ---- */

struct spent {
	struct store_spent *at;
	size_t count, room;
};

static void
collect(void *arg, const struct store_spent *e)
{
	struct spent *s = arg;

	if (s->count == s->room) {
		s->room = s->room == 0 ? 256 : s->room * 2;
		s->at = xrealloc(s->at, s->room * sizeof(*s->at));
	}
	s->at[s->count] = *e;
	s->at[s->count].name = xstrdup(e->name);
	s->at[s->count++].value = xstrdup(e->value);
}

static void
free_spent(struct spent *s)
{
	for (size_t i = 0; i < s->count; i++) {
		xfree((void *)(uintptr_t)s->at[i].name);
		xfree((void *)(uintptr_t)s->at[i].value);
	}
	xfree(s->at);
}

static void
add_spent(struct ledger_budgets *b, const struct spent *s, uint32_t before)
{
	const struct snapshot *snap = b->in;
	struct map *fresh = map_new();

	/* Those that the accounts have had all along know it already. */
	for (unsigned i = 0; i < snap->budget_count; i++) {
		if (b->since[i] > before)
			map_put(fresh, str_of(snap->budgets[i].name),
			    (void *)(uintptr_t)&snap->budgets[i]);
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct budget *rule = map_get(fresh, str_of(s->at[i].name));

		if (rule != NULL)
			budgets_add(b->budgets, rule, s->at[i].value,
			    s->at[i].period_ms, s->at[i].spent);
	}
	map_free(fresh);
}

static void
take_since(struct ledger_budgets *b)
{
	unsigned n = b->in->budget_count;

	xfree(b->since);
	b->since = xcalloc(n + 1, sizeof(*b->since));
	b->newest = 0;
	for (unsigned i = 0; i < n; i++) {
		b->since[i] = budgets_since(b->budgets, b->in->budgets[i].name);
		if (b->since[i] > b->newest)
			b->newest = b->since[i];
	}
}

/* All or nothing: nothing fails once the first account has got its sum. */
static bool
put_in_force(struct ledger_budgets *b)
{
	uint32_t before = b->generation;
	struct spent s = {0};
	int64_t counted_ms;
	uint64_t one = 1;
	bool ok = store_spent(b->store, &counted_ms, collect, &s);

	if (ok) {
		snapshot_unref(b->in);
		b->in = b->next;
		b->next = NULL;
		b->generation = b->next_generation;
		take_since(b);
		budgets_not_before(b->budgets, counted_ms);
		add_spent(b, &s, before);
		pthread_mutex_lock(&b->mutex);
		b->done_shared = b->generation;
		pthread_mutex_unlock(&b->mutex);
		ok = write(b->done_fd, &one, sizeof(one)) > 0 || ok;
	}
	free_spent(&s);
	return ok;
}

/* ---- between two batches ---- */

static void
take_asked(struct ledger_budgets *b)
{
	pthread_mutex_lock(&b->mutex);
	if (b->asked_shared != NULL) {
		snapshot_unref(b->next);
		b->next = b->asked_shared;
		b->next_generation = b->asked_generation_shared;
		b->asked_shared = NULL;
		b->wanted = false;
	}
	pthread_mutex_unlock(&b->mutex);
}

enum budgets_step
ledger_budgets_go(struct ledger_budgets *b)
{
	take_asked(b);
	if (b->next == NULL)
		return BUDGETS_idle;
	if (!b->wanted &&
	    !store_rules_want(b->store, b->next->budgets, b->next->budget_count))
		return BUDGETS_failed;
	b->wanted = true;
	switch (store_rules_go(b->store, ROWS_A_STEP)) {
	case RULES_more:
		return BUDGETS_more;
	case RULES_failed:
		return BUDGETS_failed;
	case RULES_in:
		break;
	}
	return put_in_force(b) ? BUDGETS_idle : BUDGETS_failed;
}

bool
ledger_budgets_ready(struct ledger_budgets *b)
{
	enum budgets_step step = BUDGETS_more;
	bool must;

	pthread_mutex_lock(&b->mutex);
	must = b->published_shared && (b->asked_shared != NULL || b->next != NULL);
	pthread_mutex_unlock(&b->mutex);
	while (must && step == BUDGETS_more)
		step = ledger_budgets_go(b);
	return step != BUDGETS_failed;
}

void
ledger_budgets_charge(struct ledger_budgets *b, const struct slot *s)
{
	struct tag tag[SLOT_TAGS];
	struct budget_who who;
	char value[BUDGET_VALUE];

	if (b->in == NULL || s->request.rules >= b->newest)
		return;
	budget_row_who(&s->request, tag, &who);
	for (unsigned i = 0; i < b->in->budget_count; i++) {
		const struct budget *rule = &b->in->budgets[i];

		if (s->request.rules >= b->since[i] || !budget_value(rule, &who, value))
			continue;
		for (unsigned n = 0; n < s->attempts; n++) {
			const struct slot_attempt *a = &s->attempt[n];
			struct pusd charge =
			    budget_charge(a->amount_pusd, a->at_most_pusd);
			int64_t at = budget_at_ms(a);

			if (charge.v <= 0)
				continue;
			budgets_add(b->budgets, rule, value, budget_period_ms(rule, at),
			    (struct pusd_sum){charge.v});
		}
	}
}

/* ---- now and then ---- */

void
ledger_budgets_keep(struct ledger_budgets *b)
{
	int64_t now = b->env->mono_ns(b->env);
	bool more;

	if (b->budgets == NULL)
		return;
	if (b->refusals == 0)
		b->refusals =
		    budgets_take_refusals(b->budgets, b->refusal, REFUSALS_MAX);
	/* What cannot be written is tried again. */
	if (b->refusals > 0 && store_add_refusals(b->store, b->refusal, b->refusals))
		b->refusals = 0;
	if (b->pruned_ns == 0 || now - b->pruned_ns >= PRUNE_NS) {
		/* The next time goes on with it. */
		if (store_prune(b->store, &more) && !more)
			b->pruned_ns = now;
	}
}
