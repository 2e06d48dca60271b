/* libs: base core config parse relay budget meter */
/* test_settle.c: the bill of an attempt, whatever way it ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/request.h"
#include "core/worker.h"
#include "fake_env.h"
#include "tap_run.h"

/* 2,000 in, 200 read from the cache, 8,000 out, in pico-dollars a token; 10 % off.
 * Expected: 100 in, 50 out; 4 bytes a token. */
static const struct price_row row = {
    .id = "openai/luna/2026-01-01",
    .kinds.pusd = {2000, 200, -1, -1, -1, -1, 8000, -1},
    .service = {{"flex", 500000}},
    .services = 1,
};

struct bench {
	struct fake_env *fake;
	struct counters counters;
	struct ledger *ledger;
	struct shared shared;
	struct worker worker;
	struct model model;
	struct provider provider;
	struct candidate candidate;
	struct plan plan;
	struct request request;
	struct attempt attempt;
	struct slot slot;
};

static int
set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->fake = fake_env_new(1);
	b->worker = (struct worker){.env = fake_env(b->fake),
	    .shared = &b->shared,
	    .counters = &b->counters,
	    .taps = taps_new()};
	b->model.name = "luna";
	b->provider = (struct provider){
	    .name = "openai", .contract_ppm = 900000, .bytes_per_token_milli = 4000};
	b->candidate = (struct candidate){
	    .model = &b->model, .price = &row, .list = &row, .contract_ppm = 900000};
	b->request.worker = &b->worker;
	b->request.plan = &b->plan;
	b->request.slot = &b->slot;
	b->request.task.stream = true;
	b->attempt = (struct attempt){.request = &b->request,
	    .candidate = &b->candidate,
	    .provider = &b->provider,
	    .slot_index = 0,
	    .start_ns = NS_PER_S};
	b->slot.attempts = 1;
	b->slot.attempt[0] = (struct slot_attempt){.contract_ppm = 900000,
	    .price_input_pusd = 2000,
	    .price_output_pusd = 8000,
	    .input_estimate = 100,
	    .expected_output = 50};
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;

	tap_fini(&b->attempt.tap);
	taps_free(b->worker.taps);
	fake_env_free(b->fake);
	xfree(b);
	return 0;
}

/* What the upstream gave; NULL: not a byte of an answer. */
static void
answer(struct bench *b, const struct answer_reader *reader, const char *text)
{
	static struct dialect dialect;
	struct attempt *a = &b->attempt;
	struct buf out;

	dialect.answer = reader;
	tap_init(&a->tap, b->worker.taps, &dialect, b->request.task.stream, false);
	buf_init(&out, 1 << 20);
	if (text != NULL) {
		a->first_byte = true;
		assert_true(tap_feed(&a->tap, text, strlen(text), run_out, &out));
	}
	buf_fini(&out);
}

static const struct slot_attempt *
settle(struct bench *b, enum outcome o, int status)
{
	struct attempt *a = &b->attempt;

	a->outcome = o;
	a->http_status = status;
	a->sent = true;
	a->end_ns = 2 * NS_PER_S;
	meter_settle(a);
	assert_int_equal(b->slot.attempt[0].closed, 1);
	assert_int_equal(b->slot.attempt[0].outcome, o);
	assert_int_equal(b->slot.attempt[0].amount_pusd, a->amount.v);
	assert_int_equal(b->slot.attempt[0].basis, a->basis);
	return &b->slot.attempt[0];
}

static void
expect(const struct slot_attempt *s, enum basis basis, int64_t in, int64_t out,
    int64_t list)
{
	assert_string_equal(basis_name(s->basis), basis_name(basis));
	assert_int_equal(s->tokens[TOKEN_input_uncached], in);
	assert_int_equal(s->tokens[TOKEN_output], out);
	assert_int_equal(s->list_pusd, list);
	assert_int_equal(s->amount_pusd, list / 10 * 9);
}

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

/* ---- a machine that is paid by the hour ---- */

/* $1.90 an hour, four places; the attempt took a second. */
static void
by_the_hour(struct bench *b)
{
	b->provider.local = true;
	b->provider.usd_per_hour.v = 1900000000000;
	b->provider.places = 4;
	b->provider.contract_ppm = 1000000;
	b->candidate.price = b->candidate.list = price_local();
	b->slot.attempt[0].price_input_pusd = 0;
	b->slot.attempt[0].price_output_pusd = 0;
	b->slot.attempt[0].contract_ppm = 1000000;
	b->slot.attempt[0].machine_pusd = 777;
}

static void
test_machine(void **state)
{
	struct bench *b = *state;
	const struct slot_attempt *s;

	by_the_hour(b);
	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	s = settle(b, OUT_served, 200);
	assert_int_equal(s->basis, BASIS_reported);
	assert_int_equal(s->total_ms, 1000);
	assert_int_equal(s->list_pusd, 0);
	assert_int_equal(s->amount_pusd, 131944444); /* 1.9e12 / 3600 / 4 */
	assert_int_equal(s->at_most_pusd, 131944444);
	assert_int_equal(b->request.cost.v, 131944444);
	assert_int_equal(s->unpriced, 0);
}

/* Cut off, it has worked all the same; refused, it has not. */
static void
test_machine_by_basis(void **state)
{
	struct bench *b = *state;

	by_the_hour(b);
	answer(b, &openai_answer, CHUNK("{\"content\":\"twelve bytes\"}"));
	assert_int_equal(settle(b, OUT_cut, 200)->amount_pusd, 131944444);
	assert_int_equal(b->slot.attempt[0].basis, BASIS_partial);
	b->slot.attempt[0].closed = 0;
	assert_int_equal(settle(b, OUT_provider_error, 500)->amount_pusd, 0);
	assert_int_equal(b->slot.attempt[0].basis, BASIS_none);
	b->slot.attempt[0].closed = 0;
	b->provider.usd_per_hour.v = 0;
	assert_int_equal(settle(b, OUT_cut, 200)->amount_pusd, 0);
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

#define with_bench(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_bench(test_served),
	    with_bench(test_a_second_time_changes_nothing),
	    with_bench(test_told_before_the_client_left),
	    with_bench(test_the_service_tier_that_was_told),
	    with_bench(test_machine),
	    with_bench(test_machine_by_basis),
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
