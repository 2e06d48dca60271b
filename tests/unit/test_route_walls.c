/* libs: base config core parse auth budget call meter route */
/* test_route_walls.c: every case of tests/table/route.tbl once more: behind a data wall
 * nobody outside is called, and no header lets anybody in. */
#include "route_case.h"

/* ---- every case once more, behind a wall ---- */

static bool
is_inside(const struct data_class *wall, const struct candidate *c)
{
	return (wall->providers >> c->model->at[c->at].provider->index & 1) != 0;
}

static void
take_down(struct bench *b, const struct data_class *wall, struct request_case *c)
{
	for (unsigned i = 0; i < b->snap->model_count; i++) {
		const struct model *m = &b->snap->models[i];

		for (unsigned k = 0; k < m->ats; k++)
			c->signal[i][k].up &=
			    (wall->providers >> m->at[k].provider->index & 1) == 0;
	}
}

/* Whatever a case is about: nobody outside is called when all inside are down. */
static void
run_walled(struct bench *b, struct str name, struct str request, struct str want)
{
	const struct data_class *wall =
	    snapshot_data_class(b->snap, STR("confidential"));
	struct request_case c;
	struct plan plan;

	(void)want;
	b->cases++;
	read_request(b, request, &c);
	(void)plan_build(&c.in, &plan);
	for (unsigned i = 0; i < plan.usable; i++) {
		if (!is_inside(wall, &plan.candidate[i]))
			b->outside |= UINT64_C(1) << plan.candidate[i].reason;
	}
	c.in.data = wall;
	take_down(b, wall, &c);
	(void)plan_build(&c.in, &plan);
	for (unsigned i = 0; i < plan.count; i++) {
		const struct candidate *o = &plan.candidate[i];

		if (is_inside(wall, o) || (i >= plan.usable && o->cost_usd < 0 &&
					      o->reason == REASON_out_wall))
			continue;
		fail_msg("%s:%u: %.*s: %s at %s is outside: %s", TABLE, b->line,
		    (int)name.len, name.p, o->model->name,
		    o->model->at[o->at].provider->name, reason_name(o->reason));
	}
}

/* ---- headers only tighten ---- */

/* Where the plan has not let it in for good: a header does not let it in either. */
static bool
may_serve(const struct plan *p, const struct candidate *c)
{
	static const uint64_t for_now =
	    UINT64_C(1) << REASON_out_latency | UINT64_C(1) << REASON_out_slow |
	    UINT64_C(1) << REASON_out_deadline | UINT64_C(1) << REASON_out_share |
	    UINT64_C(1) << REASON_out_mode | UINT64_C(1) << REASON_out_recorded;

	for (unsigned i = 0; p->usable > 0 && i < p->count; i++) {
		const struct candidate *o = &p->candidate[i];

		if (o->model == c->model && o->at == c->at &&
		    (o->service == NULL) == (c->service == NULL))
			return i < p->usable || (for_now >> o->reason & 1) != 0;
	}
	return false;
}

static void
check_tighter(struct bench *b, const struct request_case *c, const struct plan *was,
    const char *by)
{
	struct plan is;

	(void)plan_build(&c->in, &is);
	if (is.usable > 0 && is.floor < was->floor)
		fail_msg("%s:%u: %s lowers the floor", TABLE, b->line, by);
	for (unsigned i = 0; i < is.usable; i++) {
		const struct candidate *o = &is.candidate[i];

		if (!may_serve(was, o))
			fail_msg("%s:%u: %s lets %s at %s in", TABLE, b->line, by,
			    o->model->name, o->model->at[o->at].provider->name);
	}
}

static void
run_tightened(struct bench *b, struct str name, struct str request, struct str want)
{
	struct request_case c;
	struct plan was;

	(void)name;
	(void)want;
	b->cases++;
	read_request(b, request, &c);
	/* A header that is there already is not one that is added. */
	if (c.in.data != NULL || c.in.min_quality >= 0 || c.in.max_cost_usd >= 0 ||
	    c.in.deadline_ms > 0)
		return;
	(void)plan_build(&c.in, &was);
	for (unsigned i = 0; i < b->snap->data_class_count; i++) {
		c.in.data = &b->snap->data_classes[i];
		check_tighter(b, &c, &was, "x-frugald-data");
	}
	c.in.data = NULL;
	c.in.min_quality = 0.99;
	check_tighter(b, &c, &was, "x-frugald-min-quality");
	c.in.min_quality = -1;
	c.in.max_cost_usd = 0.005;
	check_tighter(b, &c, &was, "x-frugald-max-cost-usd");
	c.in.max_cost_usd = 1e6;
	check_tighter(b, &c, &was, "a large x-frugald-max-cost-usd");
}

/* Rules, cascades, spill-over, flex, sessions, pins, aliases, fallback, modes, weights,
 * deadlines, goals: every way in which a model is picked has cases here, and picks one
 * outside when there is no wall. */
static void
test_walled(void **state)
{
	static const enum reason ways[] = {REASON_chosen, REASON_next, REASON_named,
	    REASON_baseline, REASON_pinned, REASON_stayed, REASON_last_quality,
	    REASON_last_health, REASON_last_unpriced, REASON_first, REASON_escalate,
	    REASON_fastest};
	struct bench b = {0};

	(void)state;
	each_case(&b, run_walled);
	for (size_t i = 0; i < nitems(ways); i++) {
		if ((b.outside >> ways[i] & 1) == 0)
			fail_msg("no case has somebody outside who is '%s'",
			    reason_name(ways[i]));
	}
}

static void
test_headers_only_tighten(void **state)
{
	struct bench b = {0};

	(void)state;
	each_case(&b, run_tightened);
	assert_true(b.cases >= 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walled),
	    cmocka_unit_test(test_headers_only_tighten),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
