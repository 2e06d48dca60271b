/* metrics_budgets.c: what became of requests for the sake of budgets, and how much is
 * spent of those that the policy names. Those with an account for each user, session or
 * tag are not told one by one: their names are the clients'. */
#include <inttypes.h>

#include "core/request.h"
#include "core/worker.h"
#include "metrics.h"

/* So many are told, those of the daemon first, then teams, keys, …. */
#define BUDGETS_TOLD 128U

static void
one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	metrics_head(b, name, type, help);
	buf_printf(b, "frugald_%s %" PRIu64 "\n", name, v);
}

enum part { PART_cap, PART_spent, PART_held };

static void
put_part(
    struct buf *b, struct budgets *budgets, const struct snapshot *snap, enum part part)
{
	static const char *const names[] = {
	    "budget_cap_usd", "budget_spent_usd", "budget_held_usd"};
	static const char *const help[] = {"cap of a budget of the policy",
	    "spent within its period", "set aside for attempts under way"};
	unsigned told = 0;

	metrics_head(b, names[part], "gauge", help[part]);
	for (unsigned i = 0; i < snap->budget_count && told < BUDGETS_TOLD; i++) {
		const struct budget *rule = &snap->budgets[i];
		char usd[PUSD_TEXT_BYTES];
		struct budget_line l;

		if (rule->value == NULL && rule->scope != SCOPE_daemon)
			continue;
		budgets_look(budgets, rule, rule->value == NULL ? "" : rule->value, &l);
		pusd_sum_format(part == PART_cap     ? l.cap
				: part == PART_spent ? l.spent
						     : l.held,
		    usd);
		buf_printf(b, "frugald_%s{budget=\"", names[part]);
		metrics_label(b, rule->name);
		buf_printf(b, "\"} %s\n", usd);
		told++;
	}
}

void
metrics_budgets(struct buf *b, const struct shared *s, const struct snapshot *snap)
{
	struct budgets_status st;

	if (s->budgets == NULL)
		return;
	budgets_status_get(s->budgets, &st);
	metrics_head(b, "budget_events_total", "counter",
	    "what became of requests for the sake of budgets since the start");
	for (int e = 0; e < BUDGET_EVENTS; e++)
		buf_printf(b, "frugald_budget_events_total{event=\"%s\"} %" PRIu64 "\n",
		    budget_event_name((enum budget_event)e), st.events[e]);
	one(b, "budget_grants_total", "counter",
	    "attempts for which money was set aside", st.grants);
	one(b, "budget_grants_refused_total", "counter",
	    "attempts that a budget had no room for", st.refusals);
	one(b, "budget_accounts", "gauge", "accounts that are kept", st.accounts);
	one(b, "budget_accounts_max", "gauge",
	    "above so many accounts in force a new one is refused", ACCOUNTS_MAX);
	put_part(b, s->budgets, snap, PART_cap);
	put_part(b, s->budgets, snap, PART_spent);
	put_part(b, s->budgets, snap, PART_held);
}
