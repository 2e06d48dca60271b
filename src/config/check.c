/* check.c: what no single part of the policy can see. */
#include "build.h"

#include "value.h"

static void
check_prices(struct build *b, const struct model *m, struct diag_place at)
{
	for (unsigned i = 0; i < m->ats; i++) {
		const struct provider *p = m->at[i].provider;

		if (p->local || contract_price(b->s, m, i, b->now_s).row != NULL)
			continue;
		diag_warning(b->r.d, at,
		    "model '%s' has no price at '%s': its requests will be unpriced; "
		    "add a row to your price book (key `prices`), or set the "
		    "provider's `book`",
		    m->name, p->name);
	}
}

static void
check_retirement(struct build *b, const struct model *m, struct diag_place at)
{
	const char *day = m->catalogue->retires;
	int64_t retires_s;

	if (day != NULL && value_time(str_of(day), &retires_s) && retires_s <= b->now_s)
		diag_warning(b->r.d, at,
		    "model '%s': its vendor turned it off on %s; replace it, or "
		    "correct the catalogue",
		    m->name, day);
}

/* A wall around everything that could serve:
 * every request of the class would get 403. */
static void
check_walls(struct build *b)
{
	for (unsigned i = 0; i < b->s->route_count; i++) {
		const struct route *r = &b->s->routes[i];
		bool served = r->data == NULL || r->candidates == 0;

		for (unsigned c = 0; c < r->candidates && !served; c++) {
			for (unsigned p = 0; p < r->candidate[c]->ats; p++) {
				unsigned index = r->candidate[c]->at[p].provider->index;

				served =
				    served || (r->data->providers >> index & 1) != 0;
			}
		}
		if (!served)
			diag_error(b->r.d,
			    node_place(draft_route(b->c, i)->draft.node, "data"),
			    "route '%s': no candidate is served behind the wall '%s'; "
			    "add a candidate there, or another data class",
			    r->name, r->data->name);
	}
}

static void
check_providers(struct build *b)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < b->s->model_count; i++) {
		for (unsigned k = 0; k < b->s->models[i].ats; k++)
			used |= 1U << b->s->models[i].at[k].provider->index;
	}
	for (unsigned i = 0; i < b->s->provider_count; i++) {
		if ((used >> i & 1) == 0)
			diag_warning(b->r.d,
			    draft_provider(b->c, i)->draft.node->key_at,
			    "no model is served at provider '%s'; name it in a model's "
			    "`at`, or remove it",
			    b->s->providers[i].name);
	}
}

static void
check_goal(struct build *b, const struct route_draft *d, const struct route *r)
{
	if (r->goal == GOAL_best && r->keep_quality >= 0)
		diag_warning(b->r.d, node_place(d->draft.node, "keep_quality"),
		    "keep_quality means nothing with goal: best; remove one of them");
	if (r->min_quality > 0 && r->on_below == BELOW_refuse && r->min_quality >= 1)
		diag_warning(b->r.d, node_place(d->draft.node, "min_quality"),
		    "no model is expected to succeed always: everything would be "
		    "refused; lower it");
}

/* Shares are kept for so many at most. */
static void
check_shares(struct build *b)
{
	unsigned count = 0;

	for (unsigned i = 0; i < b->s->team_count; i++)
		count += b->s->teams[i].terms.frontier_at_most >= 0;
	for (unsigned i = 0; i < b->s->key_count; i++)
		count += b->s->keys[i].terms.frontier_at_most >= 0;
	if (count > SHARES_MAX)
		diag_error(b->r.d, node_place(b->root, "teams"),
		    "%u teams and keys have frontier_at_most, at most %d may; set it "
		    "on teams instead of their keys",
		    count, SHARES_MAX);
}

/* A row names the policy and the prices that it was decided and billed by. */
static void
check_ledger(struct build *b)
{
	const struct ledger_terms *l = &b->s->ledger;

	if (l->keep_months == 0 ||
	    (l->keep_days > 0 && l->keep_days <= l->keep_months * 28))
		return;
	diag_error(b->r.d, node_place(node_get(b->root, "ledger"), "keep_months"),
	    "keep_months: %d, but rows are kept %s; they would outlive the policies "
	    "and "
	    "prices that explain them: keep_days may be up to %d then",
	    l->keep_months, l->keep_days == 0 ? "for good" : "longer",
	    l->keep_months * 28);
}

void
check_whole(struct build *b)
{
	/* What follows from a name that is wrong would only hide it. */
	if (diag_errors(b->r.d) > 0)
		return;
	for (unsigned i = 0; i < b->s->model_count; i++) {
		struct diag_place at = draft_model(b->c, i)->draft.node->key_at;

		check_prices(b, &b->s->models[i], at);
		check_retirement(b, &b->s->models[i], at);
	}
	for (unsigned i = 0; i < b->s->route_count; i++)
		check_goal(b, draft_route(b->c, i), &b->s->routes[i]);
	check_walls(b);
	check_providers(b);
	check_shares(b);
	check_ledger(b);
}
