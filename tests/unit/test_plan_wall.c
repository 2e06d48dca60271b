/* libs: base config core parse auth budget call meter route */
/* test_plan_wall.c: whatever picks a model, it picks none from outside the wall; not
 * when everybody inside is out of service either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/request.h"

#define POLICY "tests/table/route.yaml"
#define NOON   1795608000

struct world {
	struct snapshot *snap;
	const struct data_class *wall;
	unsigned plans, served;
};

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	struct diag *d = diag_new();

	w->snap = snapshot_load(env_system(), POLICY, d);
	diag_free(d);
	assert_non_null(w->snap);
	w->wall = snapshot_data_class(w->snap, STR("confidential"));
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	snapshot_unref(w->snap);
	test_free(w);
	return 0;
}

static bool
inside(const struct world *w, const struct provider *p)
{
	return (w->wall->providers >> p->index & 1) != 0;
}

/* Nobody inside is to be had. */
static struct signal
signal_of(void *arg, const struct candidate *c)
{
	return (struct signal){.up = !inside(arg, c->model->at[c->at].provider),
	    .ttft_ms = -1,
	    .wait_ms = -1,
	    .wait_high_ms = -1};
}

/* ---- everything that can sway a plan ---- */

struct sway {
	const struct model *session;
	unsigned bound, loop, sure, complexity, tag, bypass, draw, limits, endpoint;
};

/* Counts through all combinations like the wheels of a mileage counter. */
static unsigned
turn(unsigned *wheel, unsigned positions)
{
	unsigned at = *wheel % positions;

	*wheel /= positions;
	return at;
}

static struct sway
sway_at(const struct world *w, unsigned n)
{
	struct sway s = {0};
	unsigned m = turn(&n, w->snap->model_count + 1);

	s.session = m == w->snap->model_count ? NULL : &w->snap->models[m];
	s.bound = turn(&n, 5);
	s.loop = turn(&n, 2);
	s.sure = turn(&n, 2);
	s.complexity = turn(&n, 2);
	s.tag = turn(&n, 2);
	s.bypass = turn(&n, 2);
	s.draw = turn(&n, 2);
	s.limits = turn(&n, 2);
	s.endpoint = turn(&n, 2);
	return s;
}

static unsigned
sways(const struct world *w)
{
	return (w->snap->model_count + 1) * 5 * 256;
}

static void
check_plan(struct world *w, const struct plan *p)
{
	w->plans++;
	w->served += p->usable > 0;
	for (unsigned i = 0; i < p->count; i++) {
		const struct candidate *c = &p->candidate[i];
		bool in = inside(w, c->model->at[c->at].provider);

		if (in || (i >= p->usable && c->reason == REASON_out_wall))
			continue;
		fail_msg("%s: %s at %s may not see it: %s", p->asked, c->model->name,
		    c->model->at[c->at].provider->name, reason_name(c->reason));
	}
}

static void
ask(struct world *w, const char *name, const struct sway *s)
{
	struct task task = {.dialect = &dialect_openai,
	    .endpoint = s->endpoint ? EP_count_tokens : EP_generate,
	    .model = str_of(name),
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .text_bytes = 400,
	    .bound = (enum bound_kind)s->bound,
	    .open_tool_call = s->loop};
	struct verdict verdict = {.class = CLASS_chat,
	    .complexity = s->complexity ? 0.95F : 0.0F,
	    .confidence = s->sure ? 0.9F : 0.1F};
	struct principal who = {.key_name = "local", .team_name = ""};
	struct session_view session = {.known = s->session != NULL,
	    .model = s->session,
	    .provider = s->session != NULL ? s->session->at[0].provider : NULL,
	    .complexity = 0.5F};
	struct tag tag = {.name = STR("pipeline"), .value = STR("nightly")};
	struct route_input in = {.snap = w->snap,
	    .task = &task,
	    .verdict = &verdict,
	    .who = &who,
	    .session = &session,
	    .tags = &tag,
	    .tag_count = s->tag,
	    .data = w->wall,
	    .min_quality = s->limits ? 0.99 : -1,
	    .max_cost_usd = s->limits ? 1 : -1,
	    .bypass_mode = s->bypass ? MODE_bypass : MODE_COUNT,
	    .wall_s = NOON,
	    .hours_s = NOON,
	    .signal = signal_of,
	    .signal_arg = w,
	    .draw = s->draw ? 5 : 50};
	struct plan p;

	(void)plan_build(&in, &p);
	check_plan(w, &p);
}

static void
test_nobody_outside(void **state)
{
	struct world *w = *state;

	for (unsigned n = 0; n < sways(w); n++) {
		struct sway s = sway_at(w, n);

		for (unsigned i = 0; i < w->snap->route_count; i++)
			ask(w, w->snap->routes[i].name, &s);
		for (unsigned i = 0; i < w->snap->model_count; i++)
			ask(w, w->snap->models[i].name, &s);
		ask(w, "gpt-4o-mini", &s);
	}
	print_message("%u plans, %u served\n", w->plans, w->served);
	/* It would be easy to keep a wall by serving nobody. */
	assert_true(w->served > w->plans / 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nobody_outside, set_up, tear_down),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
