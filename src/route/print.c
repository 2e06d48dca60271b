/* print.c: a plan for people, for programs and
 * for a header; all from the same numbers. */
#include "work.h"

#include <stdio.h>

/* The walls keep from sight what they put out: nothing was reckoned for it. */
static bool
reckoned(const struct candidate *c)
{
	return c->success > 0;
}

/* ---- text ---- */

/* ".885" */
static const char *
share(double v, char buf[static 16])
{
	snprintf(buf, 16, "%.3f", v);
	return buf[0] == '0' ? buf + 1 : buf;
}

/* "$0.000 865": groups of three make small amounts comparable. */
static const char *
dollars(double usd, char buf[static 32])
{
	int64_t micro = (int64_t)(usd * 1e6 + 0.5);

	if (usd < 0)
		return "unpriced";
	snprintf(buf, 32, "$%lld.%03lld %03lld", (long long)(micro / 1000000),
	    (long long)(micro / 1000 % 1000), (long long)(micro % 1000));
	return buf;
}

static void
text_head(const struct plan *p, const struct verdict *v, struct buf *ret)
{
	const struct candidate *c = p->count > 0 ? &p->candidate[0] : NULL;
	char a[16], b[16], d[16];

	buf_printf(ret, "asked    \"%s\"", p->asked);
	if (p->route != NULL)
		buf_printf(
		    ret, " → route %s · mode %s", p->route->name, mode_name(p->mode));
	if (p->route != NULL && p->mode == MODE_canary)
		buf_printf(ret, " %u %%", p->route->canary_percent);
	if (p->data != NULL)
		buf_printf(ret, " · data %s", p->data->name);
	buf_printf(ret, "\nread     %s %s · complexity %s · confidence %s",
	    class_name(v->class), share((double)v->class_p[v->class], a),
	    share((double)v->complexity, b), share((double)v->confidence, d));
	if (c != NULL && c->input_tokens > 0)
		buf_printf(ret, " · about %.0f tokens in, %.0f of them probably cached",
		    c->input_tokens, c->cached_tokens);
	buf_add(ret, "\n");
	for (size_t i = 0; i < nitems(v->reasons) && v->reasons[i] != NULL; i++)
		buf_printf(ret, "%s%s", i == 0 ? "         " : ", ", v->reasons[i]);
	buf_add(ret, v->reasons[0] != NULL ? "\n" : "");
}

/* What the chosen one is the best at. */
static void
text_goal(const struct plan *p, struct buf *ret)
{
	const struct route *r = p->route;
	char a[16];

	if (r->goal == GOAL_best)
		buf_add(ret, "CHOSEN: the best");
	else
		buf_add(ret, "CHOSEN: the cheapest");
	if (r->goal == GOAL_best && r->max_cost.v > 0)
		buf_printf(ret, " below $%g", (double)r->max_cost.v / 1e12);
	if (p->below_quality)
		buf_add(ret, ", though below the floor");
	else if (r->keep_quality >= 0 &&
		 p->floor <= r->keep_quality * p->baseline_success + 1e-9)
		buf_printf(ret, " that keeps %g %% of %s's %s", r->keep_quality * 100,
		    p->baseline->name, share(p->baseline_success, a));
	else if (p->floor >= 0)
		buf_printf(ret, " above %s", share(p->floor, a));
}

static void
text_verdict(const struct plan *p, const struct candidate *c, struct buf *ret)
{
	char a[16];

	if (c->reason == REASON_chosen)
		text_goal(p, ret);
	else
		buf_add(ret, reason_text(c->reason));
	if (c->reason == REASON_out_rule)
		buf_printf(ret, " (rule %d)", c->rule + 1);
	if (c->reason == REASON_out_quality || c->reason == REASON_last_quality)
		buf_printf(ret, " by %s", share(p->floor - c->success, a));
}

static void
text_candidate(const struct plan *p, unsigned i, struct buf *ret)
{
	const struct candidate *c = &p->candidate[i];
	char who[96], number[16] = "-", success[16], floor[16], cost[32];

	snprintf(who, sizeof(who), "%s @ %s%s%s", c->model->name,
	    c->model->at[c->at].provider->name, c->service != NULL ? " " : "",
	    c->service != NULL ? c->service : "");
	if (i < p->usable)
		snprintf(number, sizeof(number), "%u", i + 1);
	buf_printf(ret, "%2s  %-24s %7s  %5s  %13s   ", number, who,
	    reckoned(c) ? share(c->success, success) : "-",
	    p->floor >= 0 ? share(p->floor, floor) : "-",
	    reckoned(c) ? dollars(c->cost_usd, cost) : "-");
	text_verdict(p, c, ret);
	buf_add(ret, "\n");
}

static const char *
second_of(const struct plan *p)
{
	return p->candidate[p->escalate_to].model->name;
}

/* Who serves, and what is expected of that. */
static void
text_choice(const struct plan *p, double *ret_success, double *ret_usd, struct buf *ret)
{
	const struct candidate *c = &p->candidate[0];

	buf_add(ret, c->model->name);
	*ret_success = c->success;
	*ret_usd = c->cost_usd;
	if (p->escalate_to == 0)
		return;
	buf_printf(ret, ", then %s when its answer fails,", second_of(p));
	*ret_success = p->cascade_success;
	*ret_usd = p->cascade_cost_usd;
}

/* Less than that is nothing to speak of. */
#define LEAST_CACHE_USD 0.00005

static void
text_cache(const struct plan *p, struct buf *ret)
{
	if (p->switch_usd >= LEAST_CACHE_USD)
		buf_printf(ret, "; %s $%.4f of cache",
		    p->keeps_cache ? "keeps" : "gives up", p->switch_usd);
}

static void
text_why(const struct plan *p, struct buf *ret)
{
	const struct candidate *c = &p->candidate[0];
	char amount[32];
	double saved, success, usd;

	buf_add(ret, "why      ");
	if (p->route == NULL) {
		buf_printf(ret, "the client named %s\n", c->model->name);
		return;
	}
	text_choice(p, &success, &usd, ret);
	saved = p->baseline_cost_usd - usd;
	if (c->model != p->baseline && usd >= 0 && p->baseline_cost_usd >= 0)
		buf_printf(ret, " instead of %s: %s %s", p->baseline->name,
		    dollars(saved < 0 ? -saved : saved, amount),
		    saved < 0 ? "dearer" : "cheaper");
	buf_printf(ret, ", success %+.3f to the baseline's %.3f",
	    success - p->baseline_success, p->baseline_success);
	buf_add(ret, p->pinned ? "; pinned by the history" : "");
	buf_add(ret, p->stayed ? "; the session stays" : "");
	text_cache(p, ret);
	buf_add(ret, p->unsure ? "; the classifier is unsure" : "");
	buf_add(ret, p->below_quality ? "; NOBODY MEETS THE FLOOR" : "");
	if (p->decided != NULL && p->decided != c->model)
		buf_printf(ret, "; %s would be chosen", p->decided->name);
	buf_add(ret, "\n");
}

void
plan_text(const struct plan *p, const struct verdict *v, struct buf *ret)
{
	text_head(p, v, ret);
	if (p->count > 0)
		buf_printf(ret, "\n%2s  %-24s %7s  %5s  %13s   %s\n", "#", "candidate",
		    "success", "floor", "expected cost", "verdict");
	for (unsigned i = 0; i < p->count; i++)
		text_candidate(p, i, ret);
	buf_add(ret, "\n");
	if (p->count > 0 && p->usable > 0)
		text_why(p, ret);
	else
		buf_printf(ret, "refused  %d %s: %s\n", outcome_row(p->refusal)->http,
		    outcome_row(p->refusal)->code, p->refusal_text);
}

/* ---- JSON ---- */

/* An estimate: a decimal string with nine places, or null. */
static void
json_usd(struct json *j, const char *key, double usd)
{
	char text[32];

	if (usd < 0) {
		json_put_null(j, key);
		return;
	}
	snprintf(text, sizeof(text), "%.9f", usd);
	json_str(j, key, str_of(text));
}

static void
json_share(struct json *j, const char *key, double v)
{
	if (v < 0)
		json_put_null(j, key);
	else
		json_num(j, key, v, 4);
}

static void
json_name(struct json *j, const char *key, const struct model *m)
{
	if (m == NULL)
		json_put_null(j, key);
	else
		json_str(j, key, str_of(m->name));
}

static void
json_candidate(const struct candidate *c, struct json *j)
{
	json_object_begin(j, NULL);
	json_str(j, "model", str_of(c->model->name));
	json_str(j, "provider", str_of(c->model->at[c->at].provider->name));
	if (c->service != NULL)
		json_str(j, "service_tier", str_of(c->service));
	json_share(j, "success", reckoned(c) ? c->success : -1);
	json_usd(j, "cost_usd", reckoned(c) ? c->cost_usd : -1);
	json_str(j, "reason", str_of(reason_name(c->reason)));
	if (c->reason == REASON_out_rule)
		json_int(j, "rule", c->rule + 1);
	json_object_end(j);
}

static void
json_verdict(const struct verdict *v, struct json *j)
{
	json_str(j, "class", str_of(class_name(v->class)));
	json_num(j, "complexity", (double)v->complexity, 3);
	json_num(j, "confidence", (double)v->confidence, 3);
}

static void
json_refusal(const struct plan *p, struct json *j)
{
	json_object_begin(j, "refused");
	json_int(j, "status", outcome_row(p->refusal)->http);
	json_str(j, "code", str_of(outcome_row(p->refusal)->code));
	json_str(j, "text", str_of(p->refusal_text));
	json_object_end(j);
}

static void
json_cascade(const struct plan *p, struct json *j)
{
	if (p->escalate_to == 0)
		return;
	json_object_begin(j, "cascade");
	json_str(j, "then", str_of(second_of(p)));
	json_share(j, "success", p->cascade_success);
	json_usd(j, "cost_usd", p->cascade_cost_usd);
	json_object_end(j);
}

static void
json_members(const struct plan *p, const struct verdict *v, struct json *j)
{
	json_str(j, "asked", str_of(p->asked));
	if (p->route != NULL)
		json_str(j, "route", str_of(p->route->name));
	json_str(j, "mode", str_of(mode_name(p->mode)));
	if (p->data != NULL)
		json_str(j, "data", str_of(p->data->name));
	json_verdict(v, j);
	json_share(j, "floor", p->floor);
	json_name(j, "baseline", p->baseline);
	json_share(j, "baseline_success", p->baseline_success);
	json_usd(j, "baseline_cost_usd", p->baseline_cost_usd);
	json_name(j, "decided", p->decided);
	json_bool(j, "below_quality", p->below_quality);
	json_bool(j, "unsure", p->unsure);
	json_bool(j, "pinned", p->pinned);
	json_bool(j, "stayed", p->stayed);
	json_cascade(p, j);
	json_usd(j, "switch_usd", p->switch_usd);
	json_bool(j, "keeps_cache", p->keeps_cache);
	if (p->usable == 0)
		json_refusal(p, j);
	json_int(j, "usable", p->usable);
	json_array_begin(j, "candidates");
	for (unsigned i = 0; i < p->count; i++)
		json_candidate(&p->candidate[i], j);
	json_array_end(j);
}

void
plan_json(const struct plan *p, const struct verdict *v, struct json *j)
{
	json_object_begin(j, "plan");
	json_members(p, v, j);
	json_object_end(j);
}

const char *
plan_line(const struct plan *p, const struct verdict *v, struct arena *mem)
{
	struct json j;
	struct buf out;
	const char *line;

	buf_init(&out, 8192);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_members(p, v, &j);
	json_object_end(&j);
	line = j.full ? "{}" : arena_str(mem, buf_str(&out));
	buf_fini(&out);
	return line;
}
