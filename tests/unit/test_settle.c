/* libs: base core config parse relay budget meter */
/* test_settle.c: the bill of an attempt, whatever way it ended. */
#include "settle.h"

/* ---- with usage ---- */

static void
test_served(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	expect(settle(b, OUT_served, 200), BASIS_reported, 9, 2, 34000);
	assert_int_equal(b->request.cost.v, 30600);
	assert_int_equal(b->counters.tokens[TOKEN_output], 2);
	assert_int_equal(b->counters.usage_missing, 0);
	assert_string_equal(b->slot.raw_usage, "{" TOLD "}");
	assert_string_equal(b->slot.attempt[0].served_model, "m-1");
	assert_int_equal(b->slot.attempt[0].total_ms, 1000);
}

static void
test_a_second_time_changes_nothing(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	settle(b, OUT_served, 200);
	b->attempt.outcome = OUT_cut;
	b->attempt.tap.usage_seen = false;
	meter_settle(&b->attempt);
	assert_int_equal(b->slot.attempt[0].outcome, OUT_served);
	assert_int_equal(b->slot.attempt[0].list_pusd, 34000);
	assert_int_equal(b->request.cost.v, 30600);
	assert_int_equal(b->counters.tokens[TOKEN_output], 2);
}

/* The client left when all had been told: the bill is the provider's. */
static void
test_told_before_the_client_left(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD));
	expect(settle(b, OUT_client_gone, 200), BASIS_reported, 9, 2, 34000);
}

static void
test_the_service_tier_that_was_told(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer,
	    HELLO FINISH
	    "data: {\"service_tier\":\"flex\",\"choices\":[],\"usage\":{" TOLD
	    "}}\n\n" DONE);
	expect(settle(b, OUT_served, 200), BASIS_reported, 9, 2, 17000);
}

static void
test_unpriced(void **state)
{
	struct bench *b = *state;
	const struct slot_attempt *s;

	b->candidate.price = NULL;
	b->slot.attempt[0].price_input_pusd = -1;
	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	s = settle(b, OUT_served, 200);
	assert_int_equal(s->basis, BASIS_reported);
	assert_int_equal(s->tokens[TOKEN_output], 2); /* known all the same */
	assert_int_equal(s->amount_pusd, -1);
	assert_int_equal(s->unpriced, 1);
	assert_true(b->request.unpriced);
	assert_int_equal(b->request.cost.v, 0);
	assert_int_equal(b->counters.unpriced_attempts, 1);
}

/* ---- without ---- */

static void
test_cut_before_the_usage(void **state)
{
	struct bench *b = *state;

	/* 12 bytes of text are 3 tokens. */
	answer(b, &openai_answer, CHUNK("{\"content\":\"twelve bytes\"}"));
	expect(settle(b, OUT_cut, 200), BASIS_partial, 100, 3, 224000);
	assert_int_equal(b->counters.usage_missing, 1);
}

/* Anthropic tells the prompt at the begin, and 1 token of output that is none. */
static void
test_a_placeholder_is_no_usage(void **state)
{
	struct bench *b = *state;

	answer(b, &anthropic_answer, START DELTA("sixteen bytes!!!") DELTA("four"));
	expect(settle(b, OUT_client_gone, 200), BASIS_partial, 12, 5, 64000);
}

static void
test_the_cached_prompt_is_billed_as_such(void **state)
{
	struct bench *b = *state;
	const struct slot_attempt *s;

	answer(b, &anthropic_answer,
	    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"
	    "\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":9000,\"output_"
	    "tokens\":1}}}\n\n" DELTA("four"));
	s = settle(b, OUT_stalled, 200);
	expect(s, BASIS_partial, 10, 1, 10 * 2000 + 9000 * 200 + 8000);
	assert_int_equal(s->tokens[TOKEN_cache_read], 9000);
}

/* Usage in every event, cumulative: not the last word when the answer breaks off. */
static void
test_usage_of_a_moment(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer,
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"four\"}}],"
	    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":"
	    "10}"
	    "}\n\n" CHUNK("{\"content\":\"and sixteen more\"}"));
	expect(settle(b, OUT_cut, 200), BASIS_partial, 9, 5, 58000);
}

static void
test_no_answer(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, NULL);
	expect(settle(b, OUT_no_answer, 0), BASIS_unknown, 100, 50, 600000);
}

/* It answered 200; what, nobody can read: it has made an answer all the same. */
static void
test_an_answer_that_cannot_be_read(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, CHUNK("{\"content\":\"four\"}") "data: <html>\n\n");
	expect(settle(b, OUT_bad_answer, 200), BASIS_unknown, 100, 50, 600000);
}

static void
test_more_than_expected(void **state)
{
	struct bench *b = *state;

	b->slot.attempt[0].expected_output = 1;
	answer(b, &openai_answer, CHUNK("{\"content\":\"twelve bytes\"}"));
	expect(settle(b, OUT_bad_answer, 200), BASIS_unknown, 100, 3, 224000);
}

/* The tier that was asked for counts when none was told; by rule before by client. */
static void
test_an_estimate_by_service_tier(void **state)
{
	struct bench *b = *state;

	b->request.task.service_tier = STR("flex");
	answer(b, &openai_answer, NULL);
	expect(settle(b, OUT_slow_first_byte, 0), BASIS_unknown, 100, 50, 300000);
}

static void
test_a_rules_service_tier(void **state)
{
	struct bench *b = *state;

	b->request.task.service_tier = STR("flex");
	b->candidate.service = "default";
	answer(b, &openai_answer, NULL);
	expect(settle(b, OUT_slow_first_byte, 0), BASIS_unknown, 100, 50, 600000);
}

/* ---- for nothing ---- */

static void
test_never_so_far(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, NULL);
	b->attempt.slot_index = -1;
	b->attempt.outcome = OUT_busy;
	meter_settle(&b->attempt);
	assert_int_equal(b->attempt.basis, BASIS_none);
	assert_int_equal(b->slot.attempt[0].closed, 0);
}

static void
test_not_sent(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, NULL);
	b->attempt.outcome = OUT_client_gone;
	meter_settle(&b->attempt);
	expect(&b->slot.attempt[0], BASIS_none, -1, -1, 0);
	assert_int_equal(b->slot.attempt[0].unpriced, 0);
}

static void
test_an_error_status(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, NULL);
	expect(settle(b, OUT_provider_error, 500), BASIS_none, -1, -1, 0);
	assert_int_equal(b->counters.usage_missing, 0);
}

static void
test_an_error_instead_of_an_answer(void **state)
{
	struct bench *b = *state;

	answer(b, &openai_answer, "data: {\"error\":{\"message\":\"no\"}}\n\n");
	expect(settle(b, OUT_provider_error, 200), BASIS_none, -1, -1, 0);
}

static void
test_counting_tokens(void **state)
{
	struct bench *b = *state;

	b->slot.attempt[0].unbilled = 1;
	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	settle(b, OUT_served, 200);
	assert_int_equal(b->slot.attempt[0].amount_pusd, 0);
	assert_int_equal(b->slot.attempt[0].unpriced, 0);
	assert_int_equal(b->slot.attempt[0].basis, BASIS_none); /* no estimate */
	assert_int_equal(b->counters.usage_missing, 0);
}

/* ---- every outcome ---- */

/* Once sent and not refused by the provider nothing is free, whoever gave up. */
static void
test_no_outcome_is_free_once_sent(void **state)
{
	for (int o = OUT_unset; o < OUT_COUNT; o++) {
		struct bench *b = *state;

		answer(b, &openai_answer, CHUNK("{\"content\":\"four\"}"));
		settle(b, (enum outcome)o, 200);
		assert_true(b->slot.attempt[0].amount_pusd > 0);
		assert_int_not_equal(b->slot.attempt[0].basis, BASIS_none);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* docs/money.md says of each outcome what outcome.def says. */
static void
test_the_manual_knows_every_outcome(void **state)
{
	struct env *env = env_system();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_true(
	    env->read_file(env, FRUGALD_SOURCE_DIR "/docs/money.md", 1 << 20, &b));
	for (int o = OUT_unset + 1; o < OUT_COUNT; o++) {
		char want[128];

		snprintf(want, sizeof(want), "\n| `%s` | %s |",
		    outcome_name((enum outcome)o),
		    basis_name(outcome_row((enum outcome)o)->basis));
		if (strstr(b.p, want) == NULL)
			fail_msg("docs/money.md has no line '%s …'", want + 1);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_bench(test_served),
	    with_bench(test_a_second_time_changes_nothing),
	    with_bench(test_told_before_the_client_left),
	    with_bench(test_the_service_tier_that_was_told),
	    with_bench(test_unpriced),
	    with_bench(test_cut_before_the_usage),
	    with_bench(test_a_placeholder_is_no_usage),
	    with_bench(test_the_cached_prompt_is_billed_as_such),
	    with_bench(test_usage_of_a_moment),
	    with_bench(test_no_answer),
	    with_bench(test_an_answer_that_cannot_be_read),
	    with_bench(test_more_than_expected),
	    with_bench(test_an_estimate_by_service_tier),
	    with_bench(test_a_rules_service_tier),
	    with_bench(test_never_so_far),
	    with_bench(test_not_sent),
	    with_bench(test_an_error_status),
	    with_bench(test_an_error_instead_of_an_answer),
	    with_bench(test_counting_tokens),
	    with_bench(test_no_outcome_is_free_once_sent),
	    cmocka_unit_test(test_the_manual_knows_every_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
