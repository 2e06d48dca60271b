/* test_route_step.c: the step gathers what a plan
 * depends on, and an answer is remembered. */
#include "policy.h"

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
	    w->f, STR(SMALL_POLICY
		      "  other: {candidates: [qwen, luna, sol], baseline: sol}\n"));
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

	session_look(
	    w->shared.sessions, r->session_view.id, r->snap, r->start_wall_ms, &v);
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

/* Between look and claim, where the step reads the clock, another worker is faster. */
struct rival {
	struct env env;
	struct world *w;
	const struct request *request;
	unsigned looks;
};

static int64_t
on_clock(struct env *env)
{
	struct rival *rival = container_of(env, struct rival, env);
	struct world *w = rival->w;
	const struct model *sol = snapshot_model(w->worker.snap, STR("sol"));

	if (rival->looks++ == 1)
		assert_ptr_equal(
		    session_claim(w->shared.sessions, rival->request->session_view.id,
			w->worker.snap, sol, 0),
		    sol);
	return NS_PER_S;
}

static void
test_lost_claim(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);
	struct rival rival = {.env = *w->worker.env, .w = w};

	rival.env.mono_ns = on_clock;
	rival.request = r;
	w->worker.env = &rival.env;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
	assert_true(r->plan->stayed);
	assert_true(r->session_view.known);
	w->worker.env = fake_env(w->f);
	assert_ptr_equal(remembered(w, r).model, snapshot_model(r->snap, STR("sol")));
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

/* What a client asks beside the conversation does not move it. */
static void
test_note_only_of_the_conversation(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);
	uint64_t session;

	r->verdict.complexity = 0.05F;
	assert_int_equal(route_step(r), NEXT);
	session = r->session;
	answer(r, "luna", 10, -1, -1);
	r = request(w);
	r->task.model = STR("sol"); /* named */
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->session == session);
	answer(r, "sol", 10, -1, -1);
	r = request(w);
	r->task.model = STR("other"); /* another route has a life of its own */
	r->verdict.complexity = 0.9F;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
	assert_false(r->session_view.known);
	answer(r, "sol", 10, -1, -1);
	r = request(w);
	r->verdict.complexity = 0.05F;
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->plan->stayed);
	assert_string_equal(first(r), "luna");
	assert_int_equal(r->session_view.turns, 1);
}

static struct request *
in_session(struct world *w, uint64_t first_turn, uint32_t tools)
{
	struct request *r = request(w);

	r->in.header[HDR_x_session_id] = "one agent";
	r->task.first_turn_hash = first_turn;
	r->task.tools = tools;
	r->verdict.complexity = 0.05F;
	return r;
}

/* An agent, its title calls and its sub-agents have one session id; each has a model of
 * its own, and inside its tool loop the agent goes on with the one that it had. */
static void
test_conversations_of_a_session(void **state)
{
	struct world *w = *state;
	struct request *r = in_session(w, 1, 9);

	assert_int_equal(route_step(r), NEXT);
	answer(r, "sol", 4000, -1, -1);
	r = in_session(w, 2, 0); /* a title: without tools */
	assert_int_equal(route_step(r), NEXT);
	assert_false(r->session_view.known);
	answer(r, "qwen", 10, -1, -1);
	r = in_session(w, 3, 4); /* a sub-agent: another first turn */
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol"); /* as long as nothing else is known */
	answer(r, "luna", 10, -1, -1);
	r = in_session(w, 1, 10); /* a tool more changes nothing */
	r->task.open_tool_call = true;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "sol");
	assert_int_equal(r->session_view.cached_tokens, 4000);
	r = in_session(w, 3, 4);
	r->task.open_tool_call = true;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "luna");
	r = in_session(w, 2, 0);
	r->task.open_tool_call = true;
	assert_int_equal(route_step(r), NEXT);
	assert_string_equal(first(r), "qwen");
	/* A client that cuts off its first turns is still in its session. */
	r = in_session(w, 4, 9);
	assert_int_equal(route_step(r), NEXT);
	assert_true(r->session_view.known);
}

/* Counting tokens is no turn of a conversation. */
static void
test_count_is_no_turn(void **state)
{
	struct world *w = *state;
	struct request *r = request(w);

	assert_int_equal(route_step(r), NEXT);
	r->task.endpoint = EP_count_tokens;
	answer(r, "luna", 10, -1, -1);
	assert_int_equal(remembered(w, r).turns, 0);
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
	    CASE(test_lost_claim),
	    CASE(test_bypass),
	    CASE(test_session_header),
	    CASE(test_note),
	    CASE(test_note_in_a_loop),
	    CASE(test_note_only_of_the_conversation),
	    CASE(test_conversations_of_a_session),
	    CASE(test_count_is_no_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
