/* libs: base config core budget */
/* test_limit_attempt.c: how many tokens are set aside for an attempt, and which maximum
 * is told to the provider where the client named none. */
#include "limit_scene.h"

#include "core/worker.h"

#define TPM 10000

struct bench {
	struct scene *scene;
	struct fake_env *fake;
	struct shared shared;
	struct worker worker;
	struct request request;
	struct model model;
	struct candidate candidate;
	struct attempt attempt;
};

static int
begin(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	void *scene;

	(void)set_up(&scene);
	b->scene = scene;
	b->scene->key[0].terms.tpm = TPM;
	bind(b->scene);
	b->fake = fake_env_new(1);
	b->shared.limits = b->scene->l;
	b->worker = (struct worker){.env = fake_env(b->fake), .shared = &b->shared};
	b->request.worker = &b->worker;
	b->request.mem = arena_new(1 << 20);
	b->request.who = (struct principal){.key = &b->scene->key[0],
	    .team = &b->scene->team[0],
	    .key_name = "a",
	    .team_name = "t"};
	b->request.limits.limited =
	    limit_who_make(&b->request.who, &b->request.limits.who);
	b->model.max_output = 128000;
	b->candidate.model = &b->model;
	*state = b;
	return 0;
}

static int
finish(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	arena_free(b->request.mem);
	fake_env_free(b->fake);
	(void)tear_down(&scene);
	xfree(b);
	return 0;
}

struct wish {
	const char *what;
	int64_t used;            /* of the limit, by others */
	int64_t named;           /* by the client; -1: nothing */
	int64_t route, n, input; /* the route's maximum, -1: none */
	double expected;         /* tokens of the answer */
};

/* False: refused. */
static bool
attempt(struct bench *b, const struct wish *w)
{
	struct limit_taken others = {.n = w->used};
	struct limit_state *s = &b->request.limits;
	struct limit_refusal why;
	int64_t now = b->worker.env->mono_ns(b->worker.env);

	fake_env_advance(b->fake, 100 * S);
	now += 100 * S;
	if (w->used > 0)
		assert_true(
		    limit_hold(b->scene->l, &s->who, now, &others, s->room, &why));
	/* As the row `limit` leaves it. */
	s->room[LIMIT_tokens] = (struct limit_room){TPM, TPM - w->used, 0};
	b->request.task = (struct task){
	    .max_output = w->named, .n = w->n, .best_of = 1, .messages = 1};
	b->candidate.input_tokens = (double)w->input;
	b->candidate.output_tokens = w->expected;
	b->attempt = (struct attempt){.request = &b->request,
	    .candidate = &b->candidate,
	    .max_output = w->route,
	    .end_ns = now};
	return limit_attempt(&b->attempt);
}

#define FRAME 8 /* of one message */

static void
test_held(void **state)
{
	static const struct {
		struct wish wish;
		int64_t tokens, max; /* -1: nothing is told */
	} rows[] = {
	    {{"as the client says", 0, 500, -1, 1, 92, 100}, 600, -1},
	    {{"for each answer", 0, 500, -1, 3, 92, 100}, 1600, -1},
	    {{"the route's", 0, -1, 500, 1, 92, 100}, 600, 500},
	    {{"half of what is left", 0, -1, -1, 1, 92, 100}, 5050, 4950},
	    {{"half of that, for the next", 5000, -1, -1, 1, 92, 100}, 2550, 2450},
	    {{"a longer prompt", 5000, -1, -1, 1, 3992, 100}, 4500, 500},
	    {{"four times what is expected", 7000, -1, -1, 1, 92, 600}, 2500, 2400},
	    {{"but a quarter of the limit", 0, -1, -1, 1, 1992, 90000}, 6000, 4000},
	    {{"also for each answer", 0, -1, -1, 4, 1992, 100}, 6000, 1000},
	    {{"all of it", 0, 9900, -1, 1, 92, 100}, 10000, -1},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		const struct attempt *a = &b->attempt;

		if (!attempt(b, &rows[i].wish))
			fail_msg("%s: %s", rows[i].wish.what, b->request.fail_text);
		if (a->tokens.n != rows[i].tokens ||
		    (rows[i].max >= 0 ? a->max_output != rows[i].max
				      : a->max_output != rows[i].wish.route))
			fail_msg("%s: %lld tokens, maximum %lld", rows[i].wish.what,
			    (long long)a->tokens.n, (long long)a->max_output);
		limit_attempt_over(&b->attempt);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		struct wish wish;
		enum outcome outcome;
	} rows[] = {
	    {{"more than is left", 9500, 500, -1, 1, 92, 100}, OUT_limited},
	    {{"not worth asking", 7000, -1, -1, 1, 1500, 600}, OUT_limited},
	    {{"more than the limit", 0, 9901, -1, 1, 92, 100}, OUT_too_large},
	    {{"a prompt that is", 0, -1, -1, 1, 9990, 100}, OUT_too_large},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		b->request.retry_after_ms = -1;
		if (attempt(b, &rows[i].wish) || b->attempt.outcome != rows[i].outcome)
			fail_msg("%s: %s", rows[i].wish.what,
			    outcome_name(b->attempt.outcome));
		assert_int_equal(b->attempt.tokens.n, 0);
		assert_true((b->request.retry_after_ms > 0) ==
			    (rows[i].outcome == OUT_limited));
		limit_attempt_over(&b->attempt); /* nothing was taken */
	}
}

/* What was left when the request came may be gone when its attempt is to be sent. */
static void
test_others_were_faster(void **state)
{
	const struct wish w = {"", 6000, -1, -1, 1, 92, 100};
	struct bench *b = *state;
	struct limit_state *s = &b->request.limits;

	assert_true(attempt(b, &w));
	limit_attempt_over(&b->attempt);
	b->attempt = (struct attempt){
	    .request = &b->request, .candidate = &b->candidate, .max_output = -1};
	s->room[LIMIT_tokens].left = TPM;
	assert_true(limit_attempt(&b->attempt));
	assert_int_equal(b->attempt.tokens.n, 2050);
	assert_int_equal(b->attempt.max_output, 1950);
}

/* Of a call of a tool, or of an answer that has a form, half is worth nothing. */
static void
test_never_cut_short(void **state)
{
	static const struct task forms[] = {
	    {.max_output = -1, .n = 1, .best_of = 1, .tools = 1},
	    {.max_output = -1, .n = 1, .best_of = 1, .needs = 1U << CAP_json_schema},
	    {.max_output = -1, .n = 1, .best_of = 1, .format_at = {10, 20}},
	};
	struct bench *b = *state;

	b->request.limits.room[LIMIT_tokens] = (struct limit_room){TPM, TPM, 0};
	b->candidate.output_tokens = 100;
	for (size_t i = 0; i < nitems(forms); i++) {
		b->request.task = forms[i];
		b->attempt = (struct attempt){.request = &b->request,
		    .candidate = &b->candidate,
		    .max_output = -1};
		assert_false(limit_attempt(&b->attempt));
		assert_int_equal(b->attempt.outcome, OUT_too_large);
		b->attempt.max_output = 500; /* the route's */
		assert_true(limit_attempt(&b->attempt));
		assert_int_equal(b->attempt.max_output, 500);
		limit_attempt_over(&b->attempt);
	}
}

static void
test_what_is_settled(void **state)
{
	const struct wish w = {"", 0, 900, -1, 1, 92, 100};
	struct bench *b = *state;
	int64_t used[LIMIT_KINDS];

	assert_true(attempt(b, &w));
	usage_unknown(&b->attempt.usage);
	b->attempt.usage.tokens[TOKEN_input_uncached] = 50;
	b->attempt.usage.tokens[TOKEN_cache_read] = 30;
	b->attempt.usage.tokens[TOKEN_output] = 20;
	b->attempt.basis = BASIS_partial;
	limit_attempt_over(&b->attempt);
	limit_attempt_over(&b->attempt); /* changes nothing */
	limit_use(b->scene->l, b->scene->key[0].limit,
	    b->worker.env->mono_ns(b->worker.env), used);
	assert_int_equal(used[LIMIT_tokens], 100);
	/* counting tokens uses none */
	b->request.task.endpoint = EP_count_tokens;
	b->attempt = (struct attempt){.request = &b->request};
	assert_true(limit_attempt(&b->attempt));
	assert_int_equal(b->attempt.tokens.n, 0);
}

int
main(void)
{
#define HERE(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
	    HERE(test_held),
	    HERE(test_refused),
	    HERE(test_others_were_faster),
	    HERE(test_never_cut_short),
	    HERE(test_what_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
