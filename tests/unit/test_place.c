/* libs: base config core parse auth budget call meter route */
/* test_place.c: providers of one model that cost the same share the sessions by their
 * weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/request.h"

#define POLICY   "tests/table/route.yaml"
#define SESSIONS 20000
#define NOON     1795608000

struct world {
	struct snapshot *snap;
	struct task task;
	struct verdict verdict;
	struct principal who;
	struct session_view session;
	struct route_input in;
	const char *down;
};

static struct signal
signal_of(void *arg, const struct candidate *c)
{
	const struct world *w = arg;
	const char *name = c->model->at[c->at].provider->name;
	bool down = w->down != NULL && str_is(str_of(name), w->down);

	return (struct signal){
	    .up = !down, .ttft_ms = -1, .wait_ms = -1, .wait_high_ms = -1};
}

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	struct diag *d = diag_new();

	w->snap = snapshot_load(env_system(), POLICY, d);
	diag_free(d);
	assert_non_null(w->snap);
	w->task = (struct task){.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .messages = 1,
	    .text_bytes = 4000};
	w->verdict = (struct verdict){
	    .class = CLASS_chat, .complexity = 0.2F, .confidence = 0.92F};
	w->who = (struct principal){.key_name = "local", .team_name = ""};
	w->session.complexity = -1;
	w->in = (struct route_input){.snap = w->snap,
	    .task = &w->task,
	    .verdict = &w->verdict,
	    .who = &w->who,
	    .session = &w->session,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .wall_s = NOON,
	    .signal = signal_of,
	    .signal_arg = w};
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

/* The provider that a session of this draw is asked at first. */
static const char *
first(struct world *w, const char *model, uint64_t draw)
{
	struct plan plan;
	const struct candidate *c = &plan.candidate[0];

	w->task.model = str_of(model);
	w->in.draw = draw;
	assert_true(plan_build(&w->in, &plan));
	return c->model->at[c->at].provider->name;
}

static unsigned
count(struct world *w, const char *model, const char *provider)
{
	unsigned n = 0;

	for (uint64_t draw = 1; draw <= SESSIONS; draw++)
		n += str_is(str_of(first(w, model, draw)), provider) ? 1 : 0;
	return n;
}

static void
test_by_weight(void **state)
{
	static const char *const models[] = {"shared", "fleet", "unsaid"};

	/* named, of a route, and as the baseline of one that is bypassed */
	for (size_t i = 0; i < nitems(models); i++)
		assert_in_range(count(*state, models[i], "us"), SESSIONS * 74 / 100,
		    SESSIONS * 76 / 100);
	assert_in_range(
	    count(*state, "racks", "rack"), SESSIONS * 49 / 100, SESSIONS * 51 / 100);
}

/* As listed, whatever the draw; and the cheaper one, whatever its weight. */
static void
test_no_draw(void **state)
{
	assert_int_equal(count(*state, "luna", "us"), SESSIONS);
	assert_int_equal(count(*state, "uneven", "eu"), SESSIONS);
}

/* Who is down takes only its own sessions along, and they come back. */
static void
test_others_stay(void **state)
{
	struct world *w = *state;

	for (uint64_t draw = 1; draw <= 1000; draw++) {
		const char *was, *is;

		w->down = NULL;
		was = first(w, "shared", draw);
		w->down = "us";
		is = first(w, "shared", draw);
		assert_string_equal(is, "east");
		w->down = "east";
		assert_string_equal(first(w, "shared", draw), "us");
		w->down = NULL;
		assert_string_equal(first(w, "shared", draw), was);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_by_weight),
	    CASE(test_no_draw),
	    CASE(test_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
