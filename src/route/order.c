/* order.c: from numbers to an order: who serves, who follows if that fails, and why. */
#include "work.h"

#include <math.h>
#include <string.h>

bool
meets(const struct work *w, const struct option *o)
{
	return w->plan->floor < 0 || o->c.success >= w->plan->floor - NEARLY;
}

bool
refuses_below(const struct work *w)
{
	return w->route != NULL && w->route->on_below == BELOW_refuse;
}

static enum group
group_of(const struct option *o, bool good)
{
	if (!o->c.signal.up)
		return good ? GROUP_unhealthy : GROUP_both;
	if (!good)
		return GROUP_below;
	return o->busy ? GROUP_busy : GROUP_good;
}

/* Groups of those that are in; counts of each. */
static void
sort_into_groups(struct work *w, unsigned ret[static GROUP_both + 1])
{
	memset(ret, 0, (GROUP_both + 1) * sizeof(*ret));
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		bool good = meets(w, o) || w->pin != NULL;

		if (o->out)
			continue;
		if (!good && refuses_below(w)) {
			put_out(o, REASON_out_quality);
			continue;
		}
		o->group = group_of(o, good);
		ret[o->group]++;
	}
}

/* A queue that is too long only counts where somebody else would do as well. */
static bool
heed_queues(struct work *w)
{
	bool queue = false, room = false;

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		bool good = !o->out && o->group == GROUP_good;

		queue |= good && o->queued;
		room |= good && !o->queued;
	}
	for (unsigned i = 0; i < w->count; i++)
		w->option[i].busy = w->option[i].queued && queue && room;
	return queue && room;
}

static bool
leads(const struct option *o, const struct option *before)
{
	if (o->c.signal.up != before->c.signal.up)
		return o->c.signal.up;
	if (o->busy != before->busy)
		return !o->busy;
	return o->place < before->place;
}

/* Of late, else as a rule at this hour. */
static int32_t
ttft_ms(const struct work *w, const struct candidate *c)
{
	double ms = c->signal.ttft_ms;

	if (ms < 0)
		ms = pace_of(w, c, PACE_ttft_p50);
	return ms < 0 || ms > INT32_MAX ? INT32_MAX : (int32_t)ms;
}

/* What a model is judged by: its first provider
 * that may serve, a healthy one if any. */
static void
lead_of_models(struct work *w)
{
	for (unsigned i = 0, end; i < w->count; i = end) {
		const struct option *lead = NULL;
		double usd;
		int32_t ms;

		for (end = i;
		     end < w->count && w->option[end].order == w->option[i].order;
		     end++) {
			const struct option *o = &w->option[end];

			if (!o->out && (lead == NULL || leads(o, lead)))
				lead = o;
		}
		if (lead == NULL)
			continue;
		usd = lead->c.cost_usd < 0 ? INFINITY : lead->c.cost_usd;
		ms = ttft_ms(w, &lead->c);
		for (unsigned k = i; k < end; k++) {
			w->option[k].model_cost_usd = usd;
			w->option[k].model_ttft_ms = ms;
		}
	}
}

/* Does `a` stand before `b`? */
static bool
before(const struct work *w, const struct option *a, const struct option *b)
{
	bool by_success = (w->route != NULL && w->route->goal == GOAL_best) ||
			  a->group == GROUP_below || a->group == GROUP_both;

	if (a->group != b->group)
		return a->group < b->group;
	if (isinf(a->model_cost_usd) != isinf(b->model_cost_usd))
		return isinf(b->model_cost_usd);
	if (w->hurry && a->c.takes_ms != b->c.takes_ms)
		return a->c.takes_ms < b->c.takes_ms;
	if (by_success && differ(a->c.success, b->c.success))
		return a->c.success > b->c.success;
	if (differ(a->model_cost_usd, b->model_cost_usd))
		return a->model_cost_usd < b->model_cost_usd;
	if (a->model_ttft_ms != b->model_ttft_ms)
		return a->model_ttft_ms < b->model_ttft_ms;
	return a->order != b->order ? a->order < b->order : a->place < b->place;
}

static void
line_up(struct work *w)
{
	w->lined = 0;
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		unsigned at = w->lined;

		if (o->out)
			continue;
		for (; at > 0 && before(w, o, w->line[at - 1]); at--)
			w->line[at] = w->line[at - 1];
		w->line[at] = o;
		w->lined++;
	}
}

unsigned
to_front(struct work *w, const struct model *m)
{
	bool waits = w->route->switches == SWITCH_never;
	unsigned n = 0;

	for (unsigned i = 0; i < w->lined; i++) {
		struct option *o = w->line[i];

		if (o->c.model != m || !o->c.signal.up || (o->busy && !waits))
			continue;
		for (unsigned k = i; k > n; k--)
			w->line[k] = w->line[k - 1];
		w->line[n++] = o;
	}
	return n;
}

static enum reason
reason_behind(const struct option *o)
{
	if (o->group == GROUP_unhealthy || o->group == GROUP_both)
		return REASON_last_health;
	if (o->group == GROUP_below)
		return REASON_last_quality;
	if (o->busy)
		return REASON_last_wait;
	return o->c.cost_usd < 0 ? REASON_last_unpriced : REASON_next;
}

static bool
unsure(const struct work *w)
{
	if (w->route == NULL)
		return false;
	/* Nothing is classified then, and nothing is saved: ask whom it may concern. */
	if (w->in->task->endpoint == EP_count_tokens)
		return true;
	return (double)w->in->verdict->confidence < w->route->unsure_below;
}

/* May the session stay where it is, though others may be better? */
static bool
may_stay(const struct work *w)
{
	for (unsigned i = 0; w->stay != NULL && i < w->lined; i++) {
		const struct option *o = w->line[i];

		if (o->c.model == w->stay && o->c.signal.up)
			return o->group == GROUP_good || w->plan->below_quality ||
			       w->route->switches == SWITCH_never;
	}
	return false;
}

/* Who stands first, and why. */
static enum reason
choose_first(struct work *w)
{
	struct plan *p = w->plan;

	if (w->route == NULL)
		return REASON_named;
	if (w->pin != NULL)
		return REASON_pinned;
	if (w->hurry)
		return REASON_fastest;
	if (may_stay(w)) {
		p->stayed = to_front(w, w->stay) > 0;
		return REASON_stayed;
	}
	if (unsure(w) && to_front(w, w->route->baseline) > 0) {
		p->unsure = w->in->task->endpoint == EP_generate;
		return REASON_baseline;
	}
	return REASON_chosen;
}

static enum reason
arrange(struct work *w)
{
	w->plan->stayed = false;
	w->plan->unsure = false;
	lead_of_models(w);
	line_up(w);
	return choose_first(w);
}

bool
order(struct work *w)
{
	unsigned groups[GROUP_both + 1];
	enum reason first;

	sort_into_groups(w, groups);
	if (left_in(w) == 0)
		return refuse(w, OUT_below_quality, NULL,
		    "no model that may serve this request is good enough: the floor is "
		    "%.3f, and route '%s' says on_below_quality: refuse",
		    w->plan->floor, w->route->name);
	w->plan->below_quality = groups[GROUP_good] == 0 && groups[GROUP_below] > 0;
	first = arrange(w);
	if (heed_queues(w)) {
		w->spilled = w->line[0];
		sort_into_groups(w, groups);
		first = arrange(w);
		if (w->line[0] == w->spilled)
			w->spilled = NULL;
	}
	for (unsigned i = 0; i < w->lined; i++)
		w->line[i]->c.reason = reason_behind(w->line[i]);
	if (w->line[0]->c.signal.up || w->pin != NULL)
		w->line[0]->c.reason = first;
	w->plan->decided = w->line[0]->c.model;
	w->plan->usable = w->lined;
	return true;
}

/* ---- modes that do not act ---- */

/* A limit that the client or its team has set holds in every mode. */
static bool
baseline_may(const struct work *w, const struct option *o)
{
	if (o->c.model != w->route->baseline || o->walled)
		return false;
	if (!o->out)
		return true;
	if (o->c.reason == REASON_out_cost || o->c.reason == REASON_out_unpriced)
		return w->max_cost_param == NULL && w->terms.max_per_request.v <= 0;
	return o->c.reason != REASON_out_pin;
}

static void
forget_refusal(struct plan *p)
{
	p->refusal = OUT_unset;
	p->refusal_param = NULL;
	p->refusal_text[0] = '\0';
}

/* The decision stays on record, behind those that serve. */
static void
book_decision(struct work *w)
{
	for (unsigned i = 0; i < w->lined; i++) {
		struct option *o = w->line[i];

		if (o->c.model == w->route->baseline)
			continue;
		put_out(o, o->c.model == w->plan->decided ? REASON_out_recorded
							  : REASON_out_mode);
	}
}

/* Into front[from, n), by place. */
static void
insert(struct option **front, unsigned from, unsigned n, struct option *o)
{
	for (; n > from && o->place < front[n - 1]->place; n--)
		front[n] = front[n - 1];
	front[n] = o;
}

bool
order_baseline(struct work *w, bool decided)
{
	struct option *front[MODEL_PROVIDERS_MAX];
	unsigned n = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		unsigned from = n;

		for (unsigned i = 0; i < w->count; i++) {
			struct option *o = &w->option[i];

			if (baseline_may(w, o) && o->c.signal.up == (pass == 0))
				insert(front, from, n++, o);
		}
	}
	if (n == 0)
		return decided; /* a wall or a pin has taken it */
	if (w->plan->mode == MODE_bypass)
		w->plan->decided = w->route->baseline; /* nothing was to be decided */
	else if (!decided)
		w->plan->decided = NULL; /* it would have been refused */
	book_decision(w);
	forget_refusal(w->plan);
	w->plan->below_quality = false;
	w->plan->unsure = false;
	w->spilled = NULL;
	for (unsigned i = 0; i < n; i++) {
		front[i]->out = false;
		front[i]->c.reason =
		    front[i]->c.signal.up ? REASON_baseline : REASON_last_health;
		w->line[i] = front[i];
	}
	w->lined = n;
	w->plan->usable = n;
	return true;
}

/* ---- the plan ---- */

void
order_emit(struct work *w)
{
	struct plan *p = w->plan;

	for (unsigned i = 0; i < w->lined && p->count < CANDIDATES_MAX; i++) {
		if (w->line[i]->out)
			continue;
		if (w->line[i] == w->spilled)
			p->spilled = p->count;
		p->candidate[p->count++] = w->line[i]->c;
	}
	p->usable = p->count;
	p->keeps_cache = p->usable > 0 && at_session(w, &p->candidate[0]);
	for (unsigned i = 0; i < w->count && p->count < CANDIDATES_MAX; i++) {
		if (w->option[i].out && w->option[i].c.reason == REASON_out_recorded)
			p->candidate[p->count++] = w->option[i].c;
	}
	for (unsigned i = 0; i < w->count && p->count < CANDIDATES_MAX; i++) {
		if (w->option[i].out && w->option[i].c.reason != REASON_out_recorded)
			p->candidate[p->count++] = w->option[i].c;
	}
}
