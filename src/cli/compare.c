/* compare.c: old beside new: what another policy would have decided. */
#include "compare.h"

#include <stdio.h>

#include "table.h"
#include "verb.h"

#define MEM_MAX ((size_t)1 << 20)
#define WIDTH   200U

/* ".885"; -1: "-" */
static const char *
share(struct arena *mem, double v)
{
	const char *text = arena_printf(mem, "%.3f", v);

	if (v < 0)
		return "-";
	return text[0] == '0' ? text + 1 : text;
}

/* "$0.000 865" */
static const char *
dollars(struct arena *mem, double usd)
{
	int64_t micro = (int64_t)(usd * 1e6 + 0.5);

	if (usd < 0)
		return "unpriced";
	return arena_printf(mem, "$%lld.%03lld %03lld", (long long)(micro / 1000000),
	    (long long)(micro / 1000 % 1000), (long long)(micro % 1000));
}

static const char *
who(struct arena *mem, const struct view_candidate *c)
{
	return arena_printf(mem, "%.*s @ %.*s%s%.*s", (int)c->model.len, c->model.p,
	    (int)c->provider.len, c->provider.p, c->service.len > 0 ? " " : "",
	    (int)c->service.len, c->service.p);
}

static const struct view_candidate *
first(const struct plan_view *v)
{
	return v->usable > 0 ? &v->candidate[0] : NULL;
}

/* ---- what serves ---- */

static void
row(struct table *t, const char *what, const char *then, const char *now)
{
	table_cell(t, "%s", what);
	table_cell(t, "%s", then);
	table_cell(t, "%s", now);
}

static const char *
served_by(struct arena *mem, const struct plan_view *v)
{
	if (v->usable == 0)
		return arena_printf(mem, "refused %d %s", outcome_row(v->refusal)->http,
		    outcome_row(v->refusal)->code);
	return who(mem, first(v));
}

static const char *
goes_to(struct arena *mem, const struct plan_view *v)
{
	if (v->route.len == 0)
		return "the model that the client named";
	return arena_printf(mem, "%.*s, %.*s", (int)v->route.len, v->route.p,
	    (int)v->mode.len, v->mode.p);
}

static const char *
cost_of(struct arena *mem, const struct plan_view *v)
{
	return v->usable == 0 ? "-" : dollars(mem, first(v)->cost_usd);
}

static const char *
success_of(struct arena *mem, const struct plan_view *v)
{
	return share(mem, v->usable == 0 ? -1 : first(v)->success);
}

static const char *
why(const struct plan_view *v)
{
	return v->usable == 0 ? "" : reason_text(first(v)->reason);
}

static void
put_summary(struct arena *mem, const struct compared *a, const struct compared *b,
    struct buf *ret)
{
	const struct plan_view *x = a->view, *y = b->view;
	struct table *t = table_new(mem);

	table_column(t, "", false);
	table_column(t, a->name, false);
	table_column(t, b->name, false);
	row(t, "route", goes_to(mem, x), goes_to(mem, y));
	row(t, "serves", served_by(mem, x), served_by(mem, y));
	row(t, "because", why(x), why(y));
	row(t, "success", success_of(mem, x), success_of(mem, y));
	row(t, "floor", share(mem, x->floor), share(mem, y->floor));
	row(t, "expected cost", cost_of(mem, x), cost_of(mem, y));
	row(t, "baseline's cost", dollars(mem, x->baseline_cost_usd),
	    dollars(mem, y->baseline_cost_usd));
	table_print(t, WIDTH, ret);
}

/* ---- every candidate ---- */

static const struct view_candidate *
find(const struct plan_view *v, const struct view_candidate *c)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct view_candidate *o = &v->candidate[i];

		if (str_eq(o->model, c->model) && str_eq(o->provider, c->provider) &&
		    str_eq(o->service, c->service))
			return o;
	}
	return NULL;
}

static const char *
place(struct arena *mem, const struct plan_view *v, const struct view_candidate *c)
{
	long i = c == NULL ? -1 : c - v->candidate;

	return i >= 0 && i < (long)v->usable ? arena_printf(mem, "%ld", i + 1) : "-";
}

static const char *
cost(struct arena *mem, const struct view_candidate *c)
{
	return c == NULL || c->success <= 0 ? "-" : dollars(mem, c->cost_usd);
}

static const char *
verdict(const struct view_candidate *c)
{
	return c == NULL ? "no candidate" : reason_text(c->reason);
}

/* One of the two may be missing. */
static void
put_candidate(struct arena *mem, struct table *t, const struct plan_view *x,
    const struct view_candidate *then, const struct plan_view *y,
    const struct view_candidate *now)
{
	table_cell(t, "%s", place(mem, x, then));
	table_cell(t, "%s", place(mem, y, now));
	table_cell(t, "%s", who(mem, now != NULL ? now : then));
	table_cell(t, "%s", cost(mem, then));
	table_cell(t, "%s", cost(mem, now));
	table_cell(t, "%s", verdict(then));
	table_cell(t, "%s", verdict(now));
}

static void
put_candidates(struct arena *mem, const struct plan_view *x, const struct plan_view *y,
    struct buf *ret)
{
	static const char *const titles[] = {
	    "then", "now", "candidate", "cost then", "cost now", "then", "now"};
	struct table *t = table_new(mem);

	for (size_t i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], i == 3 || i == 4);
	for (unsigned k = 0; k < y->count; k++)
		put_candidate(
		    mem, t, x, find(x, &y->candidate[k]), y, &y->candidate[k]);
	for (unsigned i = 0; i < x->count; i++) {
		if (find(y, &x->candidate[i]) == NULL)
			put_candidate(mem, t, x, &x->candidate[i], y, NULL);
	}
	table_print(t, WIDTH, ret);
}

static bool
same_choice(const struct plan_view *x, const struct plan_view *y)
{
	const struct view_candidate *a = first(x), *b = first(y);

	if (a == NULL || b == NULL)
		return a == b && x->refusal == y->refusal;
	return str_eq(a->model, b->model) && str_eq(a->provider, b->provider) &&
	       str_eq(a->service, b->service);
}

void
compare_text(const struct compared *then, const struct compared *now, struct buf *ret)
{
	struct arena *mem = arena_new(MEM_MAX);

	put_summary(mem, then, now, ret);
	buf_add(ret, "\n");
	put_candidates(mem, then->view, now->view, ret);
	if (now->view->usable == 0)
		buf_printf(ret, "\nrefused  %.*s\n", (int)now->view->refusal_text.len,
		    now->view->refusal_text.p);
	buf_add(ret, same_choice(then->view, now->view) ? "\nthe same choice\n"
							: "\nANOTHER CHOICE\n");
	arena_free(mem);
}

void
compare_json(const struct compared *then, const struct compared *now, struct json *j)
{
	json_object_begin(j, NULL);
	json_str(j, "object", STR("frugald.comparison"));
	json_bool(j, "same_choice", same_choice(then->view, now->view));
	json_str(j, "then_policy", str_of(then->name));
	plan_json(then->view, "then", j);
	json_str(j, "now_policy", str_of(now->name));
	plan_json(now->view, "now", j);
	json_object_end(j);
}
