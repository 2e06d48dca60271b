/* check_grid.c: plans for every kind of request,
 * so that a policy shows what it does. */
#include <string.h>

#include "check.h"
#include "check_why.h"
#include "offline.h"

/* A prompt of a page; what a request needs beyond that, no candidate lacks. */
#define TEXT_BYTES 2000

static void
ask_for(struct offline_request *r, enum task_class class, unsigned step)
{
	r->verdict = (struct verdict){.class = class,
	    .complexity = (float)step / (GRID_STEPS - 1),
	    .confidence = 1};
	r->verdict.class_p[class] = 1;
}

/* Whom a live route would take; NULL: nobody. */
static const struct model *
first_choice(const struct plan *p)
{
	if (p->decided != NULL)
		return p->decided;
	return p->usable > 0 ? p->candidate[0].model : NULL;
}

/* `weight`: in how many minutes of the week. */
static void
count_choice(
    const struct route *route, const struct model *m, unsigned weight, unsigned *chosen)
{
	for (unsigned i = 0; i < route->candidates; i++) {
		if (route->candidate[i] == m)
			chosen[i] += weight;
	}
}

/* What is found out of one route. */
struct found {
	const struct route *route;
	unsigned *chosen, *second;
	struct why why[MODELS_MAX];
};

static void
fill_cells(
    struct offline *off, struct offline_request *r, struct found *f, unsigned weight)
{
	for (unsigned cell = 0; cell < GRID_CELLS; cell++) {
		ask_for(r, (enum task_class)(cell / GRID_STEPS), cell % GRID_STEPS);
		(void)offline_plan(off, r);
		count_choice(f->route, first_choice(&r->plan), weight, f->chosen);
		if (r->plan.escalate_to > 0)
			count_choice(f->route,
			    r->plan.candidate[r->plan.escalate_to].model, weight,
			    f->second);
		why_count(f->route, &r->plan, first_choice(&r->plan), f->why);
	}
}

/* ---- hours ---- */

/* Monday, 5 January 2026, 00:00 UTC: a week without a change of clocks, and always the
 * same, so that a policy means the same whenever it is asked. Prices are today's. */
#define WEEK_BEGIN 1767571200
#define MINUTE_S   60

static bool
has_hours(const struct route *route)
{
	for (unsigned i = 0; i < route->rule_count; i++) {
		if (route->rules[i].has_hours)
			return true;
	}
	return false;
}

static bool
same_rules_hold(const struct route *route, int64_t a_s, int64_t b_s)
{
	for (unsigned i = 0; i < route->rule_count; i++) {
		const struct rule *rule = &route->rules[i];

		if (rule_hours_hold(rule, a_s) != rule_hours_hold(rule, b_s))
			return false;
	}
	return true;
}

/* Hours may begin at any minute, but between two changes every minute is alike. */
static void
fill_week(struct offline *off, struct offline_request *r, struct found *f)
{
	unsigned begin = 0;

	for (unsigned minute = 1; minute <= WEEK_MINUTES; minute++) {
		int64_t at_s = WEEK_BEGIN + (int64_t)minute * MINUTE_S;

		r->hours_s = WEEK_BEGIN + (int64_t)begin * MINUTE_S;
		if (minute < WEEK_MINUTES &&
		    same_rules_hold(f->route, r->hours_s, at_s))
			continue;
		fill_cells(off, r, f, minute - begin);
		begin = minute;
	}
}

static void
fill_route(
    struct offline *off, struct offline_request *r, struct found *f, unsigned *asked)
{
	r->task.model = str_of(f->route->name);
	*asked = GRID_CELLS;
	why_begin(f->route, f->why);
	if (has_hours(f->route)) {
		fill_week(off, r, f);
		*asked *= WEEK_MINUTES;
	} else {
		fill_cells(off, r, f, 1);
	}
}

/* The dialect in which most of its candidates are asked: a request comes in one, and
 * only those who speak it can serve it. */
static const struct dialect *
dialect_of(const struct route *route)
{
	const struct dialect *best = NULL;
	unsigned most = 0;

	for (unsigned i = 0; i < route->candidates; i++) {
		const struct dialect *d = route->candidate[i]->at[0].provider->dialect;
		unsigned count = 0;

		for (unsigned k = 0; k < route->candidates; k++)
			count += dialect_same(
			    d, route->candidate[k]->at[0].provider->dialect);
		if (count > most) {
			most = count;
			best = d;
		}
	}
	return best;
}

static void
say_why(
    struct cli *c, const struct snapshot *s, const struct found *f, const char **ret)
{
	for (unsigned i = 0; i < f->route->candidates; i++) {
		if (f->chosen[i] + f->second[i] == 0 ||
		    why_nobody_may(s, f->route, f->route->candidate[i]))
			ret[i] = why_text(c, s, f->route, i, &f->why[i]);
	}
}

bool
meaning_find(struct cli *c, struct snapshot *s, struct meaning *ret)
{
	struct offline *off = offline_new(c->env, s);
	struct offline_request *r = arena_alloc(c->mem, sizeof(*r));
	struct found f;

	memset(ret, 0, sizeof(*ret));
	if (off == NULL)
		return false;
	for (unsigned i = 0; i < s->route_count && i < MEANING_ROUTES; i++) {
		*r = (struct offline_request){.dialect = dialect_of(&s->routes[i])};
		r->task = (struct task){.dialect = r->dialect,
		    .endpoint = EP_generate,
		    .max_output = -1,
		    .n = 1,
		    .best_of = 1,
		    .messages = 1,
		    .turns = 1,
		    .text_bytes = TEXT_BYTES};
		f = (struct found){.route = &s->routes[i],
		    .chosen = ret->chosen[i],
		    .second = ret->second[i]};
		fill_route(off, r, &f, &ret->asked[i]);
		say_why(c, s, &f, ret->why[i]);
	}
	offline_free(off);
	return true;
}
