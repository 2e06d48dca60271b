/* score.c: the numbers of each candidate, and the yardstick. */
#include "work.h"

static void
fill(const struct work *w, struct candidate *c, bool as_if)
{
	c->success = success_of(&w->evidence, c->model);
	cost_fill(w, c, as_if);
}

/* ---- the yardstick ---- */

/* Whether or not the baseline may or can serve now: at its first provider that may, as
 * if the session had run there. */
static void
score_baseline(struct work *w)
{
	const struct model *b = w->route != NULL ? w->route->baseline : w->named;
	struct candidate c = {
	    .model = b, .service = w->service, .max_output = w->plan->max_output};
	unsigned place = MODEL_PROVIDERS_MAX;

	for (unsigned i = 0; i < w->count; i++) {
		const struct option *o = &w->option[i];

		if (o->c.model != b || o->out || o->place >= place)
			continue;
		place = o->place;
		c.at = o->c.at;
	}
	fill(w, &c, true);
	w->plan->baseline = b;
	w->plan->baseline_success = c.success;
	w->plan->baseline_cost_usd = c.cost_usd;
	w->plan->baseline_output_usd = c.output_usd;
	w->plan->baseline_samples =
	    length_samples(w->in->outlook, b, w->in->verdict->class);
}

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

static void
set_floor(struct work *w)
{
	const struct route *r = w->route;
	double floor = w->in->min_quality;

	if (r != NULL && r->min_quality >= 0)
		floor = larger(floor, r->min_quality);
	if (r != NULL && r->keep_quality >= 0)
		floor = larger(floor, r->keep_quality * w->plan->baseline_success);
	w->plan->floor = floor < 0 ? -1 : floor;
}

void
score(struct work *w)
{
	evidence_of(w->in->verdict, &w->evidence);
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (!o->out)
			fill(w, &o->c, w->as_if);
	}
	w->plan->switch_usd = switch_cost(w);
	places(w);
	score_baseline(w);
	set_floor(w);
}

bool
plan_yardstick(
    const struct route_input *in, const struct model *m, struct yardstick *ret)
{
	struct plan plan = {.max_output = -1};
	struct work w = {.in = in, .plan = &plan};
	struct candidate c = {.model = m};

	/* For the maximum of its route and team; who may not ask is not asked. */
	(void)admit(&w);
	c.max_output = plan.max_output;
	cost_fill(&w, &c, true);
	*ret = (struct yardstick){.cost_usd = c.cost_usd,
	    .output_usd = c.output_usd,
	    .samples = length_samples(in->outlook, m, in->verdict->class)};
	return c.cost_usd >= 0;
}
