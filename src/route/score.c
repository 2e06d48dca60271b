/* score.c: how likely each candidate answers well, and the yardstick.
 *
 * Success is the two-parameter item-response curve (Birnbaum 1968, in Lord and Novick,
 * Statistical Theories of Mental Test Scores, ch. 17):
 *
 *     p(m, x) = 1 / (1 + exp(-(logit q + a (0.5 - x))))
 *
 * q: the model's quality for the task class, which is its expected success at
 * complexity 0.5; x: the request's complexity; a: the model's discrimination. At x =
 * 0.5 it is q itself; each step of 1/a in complexity moves the odds by a factor of e.
 */
#include "work.h"

double
success_of(const struct model *m, enum task_class c, double complexity)
{
	double q = m->quality[c];

	q = q < 0.001 ? 0.001 : q > 0.999 ? 0.999 : q;
	return 1 /
	       (1 + exp(-(log(q / (1 - q)) + m->discrimination * (0.5 - complexity))));
}

static void
fill(const struct work *w, struct candidate *c, bool as_if)
{
	const struct verdict *v = w->in->verdict;

	c->success = success_of(c->model, v->class, (double)v->complexity);
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
