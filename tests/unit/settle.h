/* settle.h: one attempt, what its provider answered, and its bill. */
#ifndef SETTLE_H
#define SETTLE_H

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

static inline int
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

static inline int
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
static inline void
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

static inline const struct slot_attempt *
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

static inline void
expect(const struct slot_attempt *s, enum basis basis, int64_t in, int64_t out,
    int64_t list)
{
	assert_string_equal(basis_name(s->basis), basis_name(basis));
	assert_int_equal(s->tokens[TOKEN_input_uncached], in);
	assert_int_equal(s->tokens[TOKEN_output], out);
	assert_int_equal(s->list_pusd, list);
	assert_int_equal(s->amount_pusd, list / 10 * 9);
}

#define with_bench(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
