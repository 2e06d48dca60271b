/* check_view.c: what a policy means: who sees what, and who is there for what. */
#include <stdio.h>

#include "check.h"
#include "check_why.h"
#include "figures.h"
#include "table.h"

/* May a provider of this model see the class? */
static bool
sees(const struct model *m, const struct data_class *d)
{
	for (unsigned i = 0; i < m->ats; i++) {
		if ((d->providers >> m->at[i].provider->index & 1) != 0)
			return true;
	}
	return false;
}

static const char *
places(struct cli *c, const struct model *m)
{
	const char *all = "";

	for (unsigned i = 0; i < m->ats; i++)
		all = arena_printf(
		    c->mem, "%s%s%s", all, i == 0 ? "" : ", ", m->at[i].provider->name);
	return all;
}

/* ---- data classes ---- */

static const char *
who_sees(struct cli *c, const struct snapshot *s, const struct data_class *d)
{
	const char *all = "";

	for (unsigned i = 0; i < s->model_count; i++) {
		if (sees(&s->models[i], d))
			all = arena_printf(c->mem, "%s%s%s", all,
			    all[0] == '\0' ? "" : ", ", s->models[i].name);
	}
	return all[0] == '\0' ? "nobody" : all;
}

static bool
served_behind(const struct route *r, const struct data_class *d)
{
	for (unsigned i = 0; i < r->candidates; i++) {
		if (sees(r->candidate[i], d))
			return true;
	}
	return false;
}

/* Routes on which a request of the class finds nobody. */
static const char *
dead_routes(struct cli *c, const struct snapshot *s, const struct data_class *d)
{
	const char *all = "";

	for (unsigned i = 0; i < s->route_count; i++) {
		if (!served_behind(&s->routes[i], d))
			all = arena_printf(c->mem, "%s%s%s", all,
			    all[0] == '\0' ? "" : ", ", s->routes[i].name);
	}
	return all;
}

static void
put_data(struct cli *c, const struct snapshot *s, struct buf *ret)
{
	struct table *t = table_new(c->mem);

	if (s->data_class_count == 0)
		return;
	table_column(t, "data class", false);
	table_column(t, "models that may see it", false);
	table_column(t, "refused (403) on routes", false);
	for (unsigned i = 0; i < s->data_class_count; i++) {
		table_cell(t, "%s", s->data_classes[i].name);
		table_cell(t, "%s", who_sees(c, s, &s->data_classes[i]));
		table_cell(t, "%s", dead_routes(c, s, &s->data_classes[i]));
	}
	buf_add(ret, "\n");
	table_print(t, terminal_width(), ret);
}

/* ---- routes ---- */

static const char *
mode_text(struct cli *c, const struct route *r)
{
	if (r->mode == MODE_canary)
		return arena_printf(c->mem, "canary %u%%", r->canary_percent);
	return mode_name(r->mode);
}

static void
put_candidate(struct cli *c, const struct snapshot *s, const struct meaning *found,
    unsigned at, unsigned i, struct table *t)
{
	const struct route *r = &s->routes[at];
	const struct model *m = r->candidate[i];
	double chosen = (double)found->chosen[at][i] / found->asked[at];
	const char *never = found->second[at][i] > 0 ? "second" : "never";

	table_cell(t, "%s", i == 0 ? r->name : "");
	table_cell(t, "%s", i == 0 ? mode_text(c, r) : "");
	table_cell(t, "%s%s", m->name, m == r->baseline ? " *" : "");
	table_cell(t, "%s", chosen > 0 ? figure_share(c->mem, chosen) : never);
	table_cell(t, "%s", tier_name(m->tier));
	table_cell(t, "%s", places(c, m));
}

static bool
by_hours(const struct snapshot *s, const struct meaning *m)
{
	for (unsigned i = 0; i < s->route_count && i < MEANING_ROUTES; i++) {
		if (m->asked[i] > GRID_CELLS)
			return true;
	}
	return false;
}

static void
put_routes(
    struct cli *c, const struct snapshot *s, const struct meaning *m, struct buf *ret)
{
	static const char *const titles[] = {
	    "route", "mode", "candidate", "first choice", "tier", "at"};
	struct table *t = table_new(c->mem);

	if (s->route_count == 0)
		return;
	for (size_t i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], i == 3);
	for (unsigned i = 0; i < s->route_count && i < MEANING_ROUTES; i++) {
		for (unsigned k = 0; k < s->routes[i].candidates; k++)
			put_candidate(c, s, m, i, k, t);
	}
	buf_add(ret, "\n");
	table_print(t, terminal_width(), ret);
	buf_printf(ret,
	    "* baseline. First choice: of %d kinds of request (task class × "
	    "complexity), everybody healthy%s.\n",
	    (int)GRID_CELLS,
	    by_hours(s, m) ? "; where a rule has hours, at every minute of a week"
			   : "");
}

/* ---- what cannot be chosen ---- */

static bool
on_a_route(const struct snapshot *s, const struct model *m)
{
	for (unsigned i = 0; i < s->route_count; i++) {
		for (unsigned k = 0; k < s->routes[i].candidates; k++) {
			if (s->routes[i].candidate[k] == m)
				return true;
		}
	}
	return false;
}

static void
put_idle(const struct snapshot *s, const struct meaning *m, unsigned i, struct buf *ret)
{
	const struct route *r = &s->routes[i];

	if (why_nobody_may(s, r, NULL))
		buf_printf(ret,
		    "%s: warning: route '%s': no key may use it; name it in `may_use` "
		    "of a team and of its keys\n",
		    s->path, r->name);
	for (unsigned k = 0; k < r->candidates; k++) {
		if (m->why[i][k] != NULL)
			buf_printf(ret, "%s: warning: route '%s': '%s' %s\n", s->path,
			    r->name, r->candidate[k]->name, m->why[i][k]);
	}
}

static void
put_warnings(const struct snapshot *s, const struct meaning *m, struct buf *ret)
{
	for (unsigned i = 0; i < s->route_count && i < MEANING_ROUTES; i++)
		put_idle(s, m, i, ret);
	for (unsigned i = 0; i < s->model_count; i++) {
		if (!on_a_route(s, &s->models[i]))
			buf_printf(ret,
			    "%s: warning: model '%s' is on no route: it serves only "
			    "whom asks for it by name\n",
			    s->path, s->models[i].name);
	}
}

void
meaning_text(
    struct cli *c, const struct snapshot *s, const struct meaning *m, struct buf *ret)
{
	struct buf warnings;

	put_data(c, s, ret);
	put_routes(c, s, m, ret);
	meaning_budgets(c, s, ret);
	buf_init(&warnings, ret->max);
	put_warnings(s, m, &warnings);
	if (warnings.len > 0)
		buf_printf(ret, "\n%s", warnings.p);
	buf_fini(&warnings);
}

/* ---- JSON ---- */

static void
json_data(const struct snapshot *s, const struct data_class *d, struct json *j)
{
	json_object_begin(j, NULL);
	json_str(j, "name", str_of(d->name));
	json_array_begin(j, "models");
	for (unsigned i = 0; i < s->model_count; i++) {
		if (sees(&s->models[i], d))
			json_str(j, NULL, str_of(s->models[i].name));
	}
	json_array_end(j);
	json_array_begin(j, "refused_on_routes");
	for (unsigned i = 0; i < s->route_count; i++) {
		if (!served_behind(&s->routes[i], d))
			json_str(j, NULL, str_of(s->routes[i].name));
	}
	json_array_end(j);
	json_object_end(j);
}

static void
json_route(const struct route *r, const struct meaning *m, unsigned at, struct json *j)
{
	json_object_begin(j, NULL);
	json_str(j, "name", str_of(r->name));
	json_str(j, "mode", str_of(mode_name(r->mode)));
	json_str(j, "baseline", str_of(r->baseline->name));
	json_array_begin(j, "candidates");
	for (unsigned i = 0; i < r->candidates; i++) {
		json_object_begin(j, NULL);
		json_str(j, "model", str_of(r->candidate[i]->name));
		json_num(j, "first_choice", (double)m->chosen[at][i] / m->asked[at], 3);
		json_num(
		    j, "second_choice", (double)m->second[at][i] / m->asked[at], 3);
		if (m->why[at][i] != NULL)
			json_str(j, "why", str_of(m->why[at][i]));
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

void
meaning_json(const struct snapshot *s, const struct meaning *m, struct json *j)
{
	json_array_begin(j, "data_classes");
	for (unsigned i = 0; i < s->data_class_count; i++)
		json_data(s, &s->data_classes[i], j);
	json_array_end(j);
	json_array_begin(j, "routes");
	for (unsigned i = 0; i < s->route_count && i < MEANING_ROUTES; i++)
		json_route(&s->routes[i], m, i, j);
	json_array_end(j);
}
