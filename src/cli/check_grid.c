/* check_grid.c: plans for every kind of request,
 * so that a policy shows what it does. */
#include <string.h>

#include "check.h"
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

static void
count_choice(const struct route *route, const struct model *m, unsigned *chosen)
{
	for (unsigned i = 0; i < route->candidates; i++)
		chosen[i] += route->candidate[i] == m;
}

/* Monday, 5 January 2026, 00:00 UTC: a week without a change of clocks, always the
 * same, so that a policy means the same whenever it is asked. */
#define WEEK_BEGIN 1767571200
#define HOUR_S     3600

static bool
has_hours(const struct route *route)
{
	for (unsigned i = 0; i < route->rule_count; i++) {
		if (route->rules[i].has_hours)
			return true;
	}
	return false;
}

static void
fill_hour(struct offline *off, struct offline_request *r, const struct route *route,
    unsigned *chosen)
{
	for (unsigned cell = 0; cell < GRID_CELLS; cell++) {
		ask_for(r, (enum task_class)(cell / GRID_STEPS), cell % GRID_STEPS);
		(void)offline_plan(off, r);
		count_choice(route, first_choice(&r->plan), chosen);
	}
}

static void
fill_route(struct offline *off, struct offline_request *r, const struct route *route,
    unsigned *chosen, unsigned *asked)
{
	unsigned hours = has_hours(route) ? WEEK_HOURS : 1;

	r->task.model = str_of(route->name);
	for (unsigned h = 0; h < hours; h++) {
		r->wall_s = WEEK_BEGIN + (int64_t)h * HOUR_S;
		fill_hour(off, r, route, chosen);
	}
	*asked = hours * GRID_CELLS;
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

bool
meaning_find(struct cli *c, struct snapshot *s, struct meaning *ret)
{
	struct offline *off = offline_new(c->env, s);
	struct offline_request *r = arena_alloc(c->mem, sizeof(*r));

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
		fill_route(off, r, &s->routes[i], ret->chosen[i], &ret->asked[i]);
	}
	offline_free(off);
	return true;
}
