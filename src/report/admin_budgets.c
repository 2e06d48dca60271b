/* admin_budgets.c: GET /admin/budgets: each cap, what is spent and held of it, and what
 * became of requests for its sake. */
#include "admin_call.h"

#include "caps.h"
#include "core/worker.h"

void
admin_put_budgets(struct report *r, const struct snapshot *snap, struct json *j)
{
	struct books b = {.env = r->env, .budgets = r->o.shared->budgets};
	const struct scope everything = {.all = true};

	caps_json(&b, snap, NULL, &everything, j);
}

void
admin_get_budgets(struct admin_call *c)
{
	struct report *r = c->report;
	struct snapshot *snap = report_snapshot(r);
	struct budgets_status st;
	struct json j;

	budgets_status_get(r->o.shared->budgets, &st);
	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	json_int(&j, "rules", st.rules);
	json_int(&j, "accounts", st.accounts);
	json_int(&j, "accounts_max", ACCOUNTS_MAX);
	json_object_begin(&j, "since_start");
	json_int(&j, "grants", (int64_t)st.grants);
	for (int e = 0; e < BUDGET_EVENTS; e++)
		json_int(
		    &j, budget_event_name((enum budget_event)e), (int64_t)st.events[e]);
	json_object_end(&j);
	admin_put_budgets(r, snap, &j);
	json_object_end(&j);
	snapshot_unref(snap);
}
