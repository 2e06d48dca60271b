/* spend.c: holds end, and what was spent counts in the periods in which it was granted.
 */
#include "accounts.h"

#include "base/log.h"
#include "base/mem.h"

#define PPM 1000000

/* What people are to know of an account, told without the lock. */
struct news {
	unsigned count;
	struct {
		const char *name;
		char value[BUDGET_VALUE];
		struct pusd_sum spent, cap;
		int32_t mark_ppm; /* 0: an overrun */
		struct pusd over;
	} at[BUDGET_PATH_MAX * 2];
};

static void
note(struct news *news, const struct account *a, int32_t mark_ppm, struct pusd over)
{
	if (news == NULL || news->count == nitems(news->at))
		return;
	news->at[news->count].name = a->rule->name;
	str_copy(news->at[news->count].value, BUDGET_VALUE, str_of(a->value));
	news->at[news->count].spent = a->spent;
	news->at[news->count].cap = a->rule->cap;
	news->at[news->count].mark_ppm = mark_ppm;
	news->at[news->count++].over = over;
}

static void
tell_news(const struct news *news)
{
	char spent[PUSD_TEXT_BYTES], cap[PUSD_TEXT_BYTES], over[PUSD_TEXT_BYTES];

	for (unsigned i = 0; i < news->count; i++) {
		const char *value = news->at[i].value;

		pusd_sum_round(news->at[i].spent, 2, spent);
		pusd_sum_round(news->at[i].cap, 2, cap);
		if (news->at[i].mark_ppm != 0) {
			log_warn("budget %s%s%s: %d %% of %s USD are spent (%s)",
			    news->at[i].name, value[0] != '\0' ? " " : "", value,
			    news->at[i].mark_ppm / (PPM / 100), cap, spent);
			continue;
		}
		pusd_format(news->at[i].over, over);
		log_warn("budget %s%s%s: an answer cost %s USD more than was set aside "
			 "for it; spent are %s of %s",
		    news->at[i].name, value[0] != '\0' ? " " : "", value, over, spent,
		    cap);
	}
}

/* Only the highest of the marks that are passed at once is told. */
static void
marks_locked(struct budgets *b, struct account *a, struct news *news)
{
	const struct kept_rule *k = a->rule;
	bool fresh = false;

	while (a->marks < k->warns &&
	       a->spent.v * PPM >= k->cap.v * k->warn_ppm[a->marks]) {
		a->marks++;
		fresh = true;
	}
	if (!fresh || news == NULL)
		return;
	note(news, a, k->warn_ppm[a->marks - 1], (struct pusd){0});
	event_count_locked(b, BUDGET_warned, k->name, NULL);
}

/* A budget of expected costs lets single answers cost more; people are told when that
 * has broken the cap. */
static struct pusd
overrun_locked(struct budgets *b, struct account *a, struct pusd held,
    struct pusd amount, struct news *news)
{
	struct pusd over = {amount.v - held.v};
	bool worst_case = a->rule->hold == HOLD_worst_case;

	if (over.v <= 0)
		return (struct pusd){0};
	a->overruns++;
	event_count_locked(b, BUDGET_overrun, a->rule->name, NULL);
	if (worst_case ||
	    (a->spent.v > a->rule->cap.v && a->spent.v - amount.v <= a->rule->cap.v))
		note(news, a, 0, over);
	return worst_case ? over : (struct pusd){0};
}

static struct pusd
settle_locked(struct budgets *b, struct account *a, struct pusd held,
    struct pusd amount, struct news *news)
{
	struct pusd over = {0};

	a->held.v -= held.v;
	pusd_sum_add(&a->spent, amount.v >= 0 ? amount : held);
	a->live--;
	if (a->orphan) {
		if (a->live == 0)
			xfree(a);
		return over;
	}
	if (amount.v >= 0)
		over = overrun_locked(b, a, held, amount, news);
	marks_locked(b, a, news);
	return over;
}

struct pusd
budgets_settle(struct budgets *b, struct grant *g, struct pusd amount)
{
	struct pusd most = {0}, over;
	struct news news;

	if (g->count == 0)
		return most;
	news.count = 0;
	pthread_mutex_lock(&b->lock);
	for (unsigned i = 0; i < g->count; i++) {
		over = settle_locked(b, g->account[i], g->held[i], amount, &news);
		if (over.v > most.v)
			most = over;
	}
	pthread_mutex_unlock(&b->lock);
	memset(g, 0, sizeof(*g));
	tell_news(&news);
	return most;
}

/* ---- out of the ledger ---- */

struct pusd
budget_charge(int64_t amount_pusd, int64_t at_most_pusd)
{
	return (struct pusd){amount_pusd >= 0 ? amount_pusd : at_most_pusd};
}

void
budgets_add(struct budgets *b, const struct budget *rule, const char *value,
    int64_t period_ms, struct pusd_sum spent)
{
	struct kept_rule *k;
	struct account *a = NULL;
	struct news news;
	uint64_t hash;
	bool fresh = false;

	news.count = 0;
	pthread_mutex_lock(&b->lock);
	/* The ledger may have seen a later clock than any grant. */
	if (period_ms > b->now_ms)
		b->now_ms = period_ms;
	k = kept_find_locked(b, rule->name);
	if (k != NULL && k->since != 0) {
		kept_period_locked(b, k, rule);
		hash = account_hash(b, value);
		a = account_find_locked(b, k, hash, value, period_ms);
		fresh = a == NULL;
		/* Of what is over nobody asks any more. */
		if (fresh && period_ms == k->period_ms)
			a = account_add_locked(b, k, hash, value, period_ms);
	}
	if (a != NULL) {
		a->spent.v += spent.v;
		/* Marks passed before a restart were told then. */
		marks_locked(b, a, fresh ? NULL : &news);
	}
	pthread_mutex_unlock(&b->lock);
	tell_news(&news);
}
