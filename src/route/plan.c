/* plan.c: the decision, from everything that it depends on: walls first, then numbers,
 * then what narrows, then the order, then the mode. */
#include "work.h"

static bool
acts(const struct route_input *in, const struct route *r, enum route_mode mode)
{
	if (mode == MODE_canary)
		return in->draw % 100 < r->canary_percent;
	return mode == MODE_live;
}

static void
set_mode(struct work *w)
{
	const struct route_input *in = w->in;

	w->plan->mode = w->route != NULL ? w->route->mode : MODE_live;
	if (w->route != NULL && in->bypass_mode != MODE_COUNT)
		w->plan->mode = in->bypass_mode;
	w->acts = w->route == NULL || acts(in, w->route, w->plan->mode);
	w->as_if = !w->acts;
}

static bool
decide(struct work *w)
{
	bool ok = gates(w) && order(w);

	if (!ok && w->acts)
		return false;
	if (w->acts)
		cascade(w);
	return w->acts ? ok : order_baseline(w, ok);
}

bool
plan_build(const struct route_input *in, struct plan *ret)
{
	/* Not cleared: the options are made one by one. */
	struct option option[OPTIONS_MAX], *line[OPTIONS_MAX];
	struct work w = {.in = in, .plan = ret, .option = option, .line = line};
	bool ok;

	*ret = (struct plan){.floor = -1,
	    .baseline_success = -1,
	    .baseline_cost_usd = -1,
	    .max_output = -1,
	    .mode = MODE_live};
	if (!admit(&w))
		return false;
	set_mode(&w);
	w.rule = rule_of(&w);
	if (w.rule != NULL && w.acts)
		w.service = w.rule->service_tier;
	ok = walls(&w);
	if (ok) {
		score(&w);
		ok = decide(&w);
	}
	if (!ok)
		w.lined = 0;
	order_emit(&w);
	return ok;
}
