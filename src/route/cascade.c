/* cascade.c: ask a cheap model first and a better one only when the answer of the first
 * fails cheap signs (src/call/check.c), where that is expected to be better than asking
 * one model alone.
 *
 * With d, the share of the cheap model's bad answers that the signs find:
 *
 *     cost    = c1 + (1 - p1) d c2
 *     success = p1 + (1 - p1) d p2
 *
 * A good answer that is taken for a bad one is not reckoned with; it costs money, never
 * quality. */
#include "work.h"

/* The signs find refusals, cuts, broken JSON and empty answers, not wrong ones: half is
 * what is assumed until it is measured. */
#define DETECTED 0.5

struct pair {
	const struct option *first, *second; /* NULL: nobody */
	double cost_usd, success;
};

/* An answer can be held back and judged, and any model may give it. */
static bool
may_cascade(const struct work *w)
{
	const struct plan *p = w->plan;
	const struct task *t = w->in->task;

	if (w->route == NULL || !w->route->cascade)
		return false;
	if (t->endpoint != EP_generate || (t->needs & 1U << CAP_stream) != 0)
		return false;
	if (t->open_tool_call || t->bound != BOUND_none || w->pin != NULL)
		return false;
	/* Not where the session stays, nor where the classifier is unsure; and a guess
	 * is no reason to think that two are good enough where nobody is. */
	return !p->below_quality && w->line[0]->c.reason == REASON_chosen;
}

/* Of each model that could be asked the option by which it is judged; gives the number.
 */
static unsigned
leads(const struct work *w, const struct option *ret[static MODELS_MAX])
{
	uint64_t seen = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < w->lined; i++) {
		const struct option *o = w->line[i];
		uint64_t bit = UINT64_C(1) << o->c.model->index;

		if ((seen & bit) != 0)
			continue;
		seen |= bit;
		if (o->c.signal.up && !o->busy && o->c.cost_usd >= 0)
			ret[n++] = o;
	}
	return n;
}

static struct pusd
worst_case(const struct work *w, const struct candidate *c)
{
	const struct task *t = w->in->task;
	int64_t max = t->max_output >= 0 ? t->max_output : c->max_output;
	struct pusd most = {INT64_MAX};

	(void)hold_worst_case(t, c, max, &most);
	return most;
}

/* Both may be paid for: together they keep the limits that each of them keeps. */
static bool
within_limits(const struct work *w, const struct pair *p)
{
	const struct candidate *a = &p->first->c, *b = &p->second->c;
	struct pusd limit = w->terms.max_per_request;
	int64_t max_output = b->max_output;
	int64_t deadline_ms = w->in->deadline_ms;
	struct pusd left;

	if (deadline_ms > 0 && (int64_t)a->takes_ms + b->takes_ms > deadline_ms)
		return false;
	if (w->max_cost_usd >= 0 && a->cost_usd + b->cost_usd > w->max_cost_usd)
		return false;
	if (limit.v <= 0)
		return true;
	left.v = limit.v - worst_case(w, a).v;
	return left.v > 0 && hold_fit(w->in->task, b, left, &max_output);
}

static struct pair
pair_of(const struct option *a, const struct option *b)
{
	double asked = (1 - a->c.success) * DETECTED;

	return (struct pair){.first = a,
	    .second = b,
	    .cost_usd = a->c.cost_usd + asked * b->c.cost_usd,
	    .success = a->c.success + asked * b->c.success};
}

/* By the route's goal: cheaper at the floor, or likelier to succeed. */
static bool
better(const struct work *w, const struct pair *p, const struct pair *than)
{
	if (w->plan->floor >= 0 && p->success < w->plan->floor - NEARLY)
		return false;
	if (w->route->goal == GOAL_best)
		return differ(p->success, than->success) && p->success > than->success;
	return differ(p->cost_usd, than->cost_usd) && p->cost_usd < than->cost_usd;
}

static bool
cheap_and_better(const struct option *a, const struct option *b)
{
	return a->c.success < b->c.success && a->c.cost_usd < b->c.cost_usd &&
	       differ(a->c.cost_usd, b->c.cost_usd);
}

/* The second is in the plan behind all options of the first. */
static bool
leaves_room(const struct work *w, const struct option *first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->lined; i++)
		n += w->line[i]->c.model == first->c.model;
	return n < CANDIDATES_MAX;
}

/* The best of all, or whoever stands first alone. */
static struct pair
best_pair(const struct work *w)
{
	const struct option *lead[MODELS_MAX], *alone = w->line[0];
	unsigned n = leads(w, lead);
	struct pair best = {.cost_usd = alone->c.cost_usd, .success = alone->c.success};

	for (unsigned i = 0; i < n * n && alone->c.cost_usd >= 0; i++) {
		struct pair p = pair_of(lead[i / n], lead[i % n]);

		if (cheap_and_better(p.first, p.second) && better(w, &p, &best) &&
		    leaves_room(w, p.first) && within_limits(w, &p))
			best = p;
	}
	return best;
}

void
cascade(struct work *w)
{
	struct plan *p = w->plan;
	struct pair best;

	if (!may_cascade(w))
		return;
	best = best_pair(w);
	if (best.first == NULL)
		return;
	w->line[0]->c.reason = REASON_next;
	(void)to_front(w, best.second->c.model);
	p->escalate_to = to_front(w, best.first->c.model);
	p->cascade_success = best.success;
	p->cascade_cost_usd = best.cost_usd;
	p->decided = best.first->c.model;
	for (unsigned i = 0; i < p->escalate_to; i++)
		w->line[i]->c.reason = REASON_next;
	w->line[0]->c.reason = REASON_first;
	w->line[p->escalate_to]->c.reason = REASON_escalate;
}
