/* view.c: a plan as it is told: numbers and names, without the policy behind them. */
#include "work.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)16 << 10)

static struct str
name_of(const char *name)
{
	return str_of(name == NULL ? "" : name);
}

/* The walls keep from sight what they put out: nothing was reckoned for it. */
static void
view_candidate(const struct candidate *c, struct view_candidate *ret)
{
	const struct provider *p = c->model->at[c->at].provider;

	*ret = (struct view_candidate){
	    .model = str_of(c->model->name),
	    .provider = str_of(p->name),
	    .region = name_of(p->region),
	    .service = name_of(c->service),
	    .success = c->success > 0 ? c->success : -1,
	    .cost_usd = c->cost_usd,
	    .input_tokens = c->success > 0 ? c->input_tokens : -1,
	    .cached_tokens = c->success > 0 ? c->cached_tokens : -1,
	    .output_tokens = c->success > 0 ? c->output_tokens : -1,
	    .signal = c->signal,
	    .takes_ms = c->takes_ms > 0 ? c->takes_ms : -1,
	    .reason = c->reason,
	    .rule = c->reason == REASON_out_rule ? c->rule : -1,
	};
}

/* ".885" */
static const char *
share(double v, char ret[static 16])
{
	snprintf(ret, 16, "%.3f", v);
	return ret[0] == '0' ? ret + 1 : ret;
}

/* What the chosen one is the best at. */
static const char *
goal_of(const struct plan *p, struct arena *mem)
{
	const struct route *r = p->route;
	const char *best = "the cheapest";
	char a[16];

	if (r->goal == GOAL_best)
		best = r->max_cost.v > 0 ? arena_printf(mem, "the best below $%g",
					       (double)r->max_cost.v / 1e12)
					 : "the best";
	if (p->below_quality)
		return arena_printf(mem, "%s, though below the floor", best);
	if (r->keep_quality >= 0 && p->baseline != NULL &&
	    p->floor <= r->keep_quality * p->baseline_success + NEARLY)
		return arena_printf(mem, "%s that keeps %g %% of %s's %s", best,
		    r->keep_quality * 100, p->baseline->name,
		    share(p->baseline_success, a));
	return p->floor >= 0
		   ? arena_printf(mem, "%s above %s", best, share(p->floor, a))
		   : best;
}

static void
view_route(const struct plan *p, struct arena *mem, struct plan_view *ret)
{
	if (p->route == NULL)
		return;
	ret->route = str_of(p->route->name);
	if (p->mode == MODE_canary)
		ret->canary_percent = p->route->canary_percent;
	if (p->usable > 0)
		ret->goal = str_of(goal_of(p, mem));
}

static const char *
pin_of(const struct task *t)
{
	switch (t->bound) {
	case BOUND_signature:
		return "signed content";
	case BOUND_encrypted:
		return "encrypted reasoning";
	case BOUND_file:
		return "a file of the provider's";
	case BOUND_state:
		return "a state of the provider's";
	default:
		return t->open_tool_call ? "an open tool call" : NULL;
	}
}

static void
view_session(const struct route_input *in, struct plan_view *ret)
{
	const struct session_view *s = in->session;

	ret->session_told = true;
	ret->session = in->draw;
	ret->pin = pin_of(in->task);
	ret->canary_acts = in->draw % 100 < ret->canary_percent;
	if (s == NULL || !s->known)
		return;
	ret->idle_ms = s->idle_ms;
	ret->turn = s->turns + 1U;
	if (s->model != NULL)
		ret->session_model = str_of(s->model->name);
	if (s->provider == NULL)
		return;
	ret->session_provider = str_of(s->provider->name);
	if (s->cached_tokens > 0)
		ret->warm =
		    outlook_warmth(outlook_provider(in->outlook, s->provider->name),
			s->hour ? WARM_hour : WARM_minutes, s->idle_ms);
}

/* Of those that name the class that holds. */
static const char *
data_of(const struct route_input *in, const struct plan *p)
{
	const struct principal *who = in->who;

	if (p->data == NULL)
		return NULL;
	if (who->key != NULL && who->key->data == p->data)
		return "key";
	if (who->team != NULL && who->team->data == p->data)
		return "team";
	return p->data == in->data ? "header" : "route";
}

static void
view_rules(const struct route_input *in, const struct route *r, struct arena *mem,
    struct plan_view *ret)
{
	struct buf text;

	if (r == NULL || r->rule_count == 0)
		return;
	buf_init(&text, TEXT_MAX);
	rules_text(in, r, &text);
	ret->rules = str_of(arena_str(mem, buf_str(&text)));
	buf_fini(&text);
}

static void
view_verdict(const struct verdict *v, struct plan_view *ret)
{
	ret->class_name = str_of(class_name(v->class));
	if (v->class_p[v->class] > 0)
		ret->class_p = (double)v->class_p[v->class];
	ret->complexity = (double)v->complexity;
	ret->confidence = (double)v->confidence;
	memcpy(ret->reasons, v->reasons, sizeof(ret->reasons));
}

void
plan_view(const struct plan *p, const struct verdict *v, const struct route_input *in,
    struct arena *mem, struct plan_view *ret)
{
	*ret = (struct plan_view){
	    .asked = str_of(p->asked),
	    .mode = str_of(mode_name(p->mode)),
	    .data = name_of(p->data != NULL ? p->data->name : NULL),
	    .baseline = name_of(p->baseline != NULL ? p->baseline->name : NULL),
	    .decided = name_of(p->decided != NULL ? p->decided->name : NULL),
	    .idle_ms = -1,
	    .warm = -1,
	    .class_p = -1,
	    .count = p->count,
	    .usable = p->usable,
	    .floor = p->floor,
	    .baseline_success = p->baseline_success,
	    .baseline_cost_usd = p->baseline_cost_usd,
	    .escalate_to = p->escalate_to,
	    .cascade_success = p->cascade_success,
	    .cascade_cost_usd = p->cascade_cost_usd,
	    .switch_usd = p->switch_usd,
	    .keeps_cache = p->keeps_cache,
	    .spilled = p->spilled,
	    .below_quality = p->below_quality,
	    .unsure = p->unsure,
	    .pinned = p->pinned,
	    .stayed = p->stayed,
	    .refusal = p->refusal,
	    .refusal_text = str_of(p->refusal_text),
	};
	view_route(p, mem, ret);
	view_verdict(v, ret);
	if (in != NULL) {
		view_session(in, ret);
		ret->data_of = data_of(in, p);
		view_rules(in, p->route, mem, ret);
	}
	for (unsigned i = 0; i < p->count; i++)
		view_candidate(&p->candidate[i], &ret->candidate[i]);
}
