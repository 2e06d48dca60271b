/* test_route_step.c: the step gathers what a plan depends on, and an answer is
 * remembered. */
#include "policy.h"

#include <pthread.h>
#include <string.h>

#include "core/request.h"
#include "core/worker.h"

struct world {
	struct fake_env *f;
	struct shared shared;
	struct worker worker;
	struct fleet_shared *fleet;
	struct request *r; /* of the case; the last of several */
};

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->f = fake_env_new(1);
	w->shared.env = fake_env(w->f);
	w->shared.sessions = sessions_open(fake_env(w->f), "sessions");
	w->shared.bypass = bypass_open(fake_env(w->f), "bypass");
	w->worker.shared = &w->shared;
	w->worker.env = fake_env(w->f);
	w->worker.snap = good_policy(
	    w->f, STR(SMALL_POLICY "  steady: {candidates: [qwen, luna, sol], "
				   "baseline: sol, switch: never}\n"));
	w->fleet = fleet_new();
	assert_true(fleet_bind(w->fleet, w->worker.snap));
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	if (w->r != NULL)
		arena_free(w->r->mem);
	sessions_close(w->shared.sessions);
	bypass_close(w->shared.bypass);
	snapshot_unref(w->worker.snap);
	fleet_free(w->fleet);
	fake_env_free(w->f);
	test_free(w);
	return 0;
}

/* An easy request for route auto. */
static struct request *
new_request(struct world *w, struct arena *mem)
{
	struct request *r = arena_alloc(mem, sizeof(*r));

	r->mem = mem;
	r->worker = &w->worker;
	r->snap = w->worker.snap;
	r->start_wall_ms = env_wall_ms(w->worker.env);
	r->min_quality = -1;
	r->max_cost_usd = -1;
	r->who = (struct principal){.key_name = "local", .team_name = ""};
	r->task = (struct task){.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .model = STR("auto"),
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .text_bytes = 400,
	    .prefix_hash = 7};
	r->verdict = (struct verdict){.class = CLASS_chat, .confidence = 0.9F};
	return r;
}

/* The one before is freed. */
static struct request *
request(struct world *w)
{
	if (w->r != NULL)
		arena_free(w->r->mem);
	w->r = new_request(w, arena_new(1 << 20));
	return w->r;
}

static const char *
first(const struct request *r)
{
	return r->plan->candidate[0].model->name;
}

static void
answer(struct request *r, const char *model, int64_t input, int64_t read, int64_t wrote)
{
	struct candidate c = {.model = snapshot_model(r->snap, str_of(model))};
	struct attempt a = {
	    .request = r, .candidate = &c, .provider = c.model->at[0].provider};

	usage_unknown(&a.usage);
	a.usage.tokens[TOKEN_input_uncached] = input;
	a.usage.tokens[TOKEN_cache_read] = read;
	a.usage.tokens[TOKEN_cache_write_5m] = wrote;
	route_note(&a);
}

static struct session_view
remembered(struct world *w, const struct request *r)
{
	struct session_view v;

	session_look(w->shared.sessions, r->session, r->snap, r->start_wall_ms, &v);
	return v;
}

static void
test_plans(void **state)
{
	struct request *r = request(*state);

	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(r->plan->asked, "auto");
	assert_string_equal(first(r), "qwen");
	assert_int_equal(r->outcome, OUT_unset);
}

static void
test_refuses(void **state)
{
	struct request *r = request(*state);

	r->task.needs = 1U << CAP_audio;
	assert_int_equal(route_step(r), END);
	assert_int_equal(r->outcome, OUT_missing_capability);
	assert_string_equal(r->fail_param, "messages");
	assert_string_equal(r->fail_text, r->plan->refusal_text);
}

static void
test_header_limits(void **state)
{
	struct request *r = request(*state);

	r->min_quality = 0.99;
	assert_int_equal(route_step(r), NEXT);
	assert_string_not_equal(first(r), "qwen");
}

/* Nothing was answered yet, but the next request knows where the first went. */
static void
test_claim(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);

	r->verdict.complexity = 0.9F;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
	r = request(w);
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->plan->stayed);
	assert_string_equal(first(r), "sol");
	/* it is not forced on a request that it is too weak for */
	r = request(w);
	r->task.prefix_hash = 8;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "qwen");
	r = request(w);
	r->task.prefix_hash = 8;
	r->verdict.complexity = 0.9F;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
}

/* ---- two first requests at the same time ---- */

#define ROUNDS 2000

struct racer {
	struct world *w;
	pthread_barrier_t *start;
	float complexity;
	const struct model *got[ROUNDS];
	pthread_t thread;
};

static void *
race(void *arg)
{
	struct racer *racer = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct arena *mem = arena_new(1 << 20);
		struct request *r = new_request(racer->w, mem);

		r->task.model = STR("steady");
		r->task.prefix_hash = 1000 + i;
		r->verdict.complexity = racer->complexity;
		pthread_barrier_wait(racer->start);
		if (route_step(r) == NEXT)
			racer->got[i] = r->plan->candidate[0].model;
		arena_free(mem);
	}
	return NULL;
}

static void
test_race(void **state)
{
	struct racer *racers = test_calloc(2, sizeof(*racers));
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++) {
		racers[i].w = *state;
		racers[i].start = &start;
		racers[i].complexity = i == 0 ? 0.0F : 0.9F;
		assert_int_equal(
		    pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(racers[i].thread, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_non_null(racers[0].got[i]);
		assert_ptr_equal(racers[0].got[i], racers[1].got[i]);
	}
	pthread_barrier_destroy(&start);
	test_free(racers);
}

static void
test_bypass(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);

	assert_true(bypass_set(
	    w->shared.bypass, "auto", r->start_wall_ms + 1000, "for a test"));
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
	assert_int_equal(r->plan->mode, MODE_bypass);
	fake_env_advance(w->f, NS_PER_S);
	r = request(w);
	r->task.prefix_hash = 8;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "qwen");
}

static void
test_session_header(void **state)
{
	static const enum header_id ids[] = {HDR_x_frugald_session, HDR_x_session_id,
	    HDR_x_claude_code_session_id, HDR_session_id};
	struct world *w = *state;
	uint64_t named, free;
	struct request *r = request(w);

	assert_int_equal(route_step(r), NEXT);
	free = r->session;
	r = request(w);
	named = session_id(&r->task, "local", STR("s1"));
	assert_true(free != named);
	for (size_t i = 0; i < nitems(ids); i++) {
		r = request(w);
		r->in.header[ids[i]] = "s1";
		/* what stands behind it in rank counts no more */
		if (i + 1 < nitems(ids))
			r->in.header[ids[i + 1]] = "s2";
		r->task.prompt_cache_key = STR("s3");
		assert_int_equal(route_step(r), NEXT);
		assert_true(r->session == named);
	}
	r = request(w);
	r->in.header[HDR_x_session_id] = "";
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->session == free);
}

static void
test_note(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);
	struct session_view v;

	r->verdict.complexity = 0.05F;
	assert_int_equal(route_step(r), NEXT);
	/* a provider that caches by itself tells of no writing */
	answer(r, "luna", 1500, 500, -1);
	v = remembered(w, r);
	assert_string_equal(v.model->name, "luna");
	assert_string_equal(v.provider->name, "openai");
	assert_int_equal(v.turns, 1);
	assert_int_equal(v.cached_tokens, 2000);
	assert_float_equal(v.complexity, 0.05, 1e-6);
	answer(r, "luna", 700, -1, -1); /* too short to be kept */
	assert_int_equal(remembered(w, r).cached_tokens, 0);
	/* one that tells keeps what it says */
	answer(r, "luna", 5000, 300, 40);
	assert_int_equal(remembered(w, r).cached_tokens, 340);
	answer(r, "luna", 5000, 0, 0);
	assert_int_equal(remembered(w, r).cached_tokens, 0);
}

/* A tool's result is no task of its own: the one that began the loop goes on. */
static void
test_note_in_a_loop(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);

	r->verdict.complexity = 0.05F;
	assert_int_equal(route_step(r), NEXT);
	answer(r, "luna", 10, -1, -1);
	r = request(w);
	r->task.open_tool_call = true;
	r->verdict.complexity = 0.8F;
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->plan->pinned);
	assert_string_equal(first(r), "luna");
	answer(r, "luna", 10, -1, -1);
	assert_float_equal(remembered(w, r).complexity, 0.05, 1e-6);
}

/* Counting tokens is no turn of a conversation. */
static void
test_count_is_no_turn(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);

	r->task.endpoint = EP_count_tokens;
	answer(r, "luna", 10, -1, -1);
	r->session = session_id(&r->task, "local", str_make("", 0));
	assert_false(remembered(w, r).known);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_plans),
	    CASE(test_refuses),
	    CASE(test_header_limits),
	    CASE(test_claim),
	    CASE(test_race),
	    CASE(test_bypass),
	    CASE(test_session_header),
	    CASE(test_note),
	    CASE(test_note_in_a_loop),
	    CASE(test_count_is_no_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
