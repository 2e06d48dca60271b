/* libs: base core config parse relay budget meter */
/* test_settle_prices.c: bills by what is not the public price list: contracts, fees of
 * searches, machines that are paid by the hour. */
#include "settle.h"

/* Both amounts by their own row: one's own price is not added to the list's. */
static void
test_a_price_of_the_contract(void **state)
{
	static const struct price_row own = {
	    .id = "contract:luna", .kinds.pusd = {1000, -1, -1, -1, -1, -1, 4000, -1}};
	struct bench *b = *state;
	const struct slot_attempt *s;

	b->candidate.price = &own;
	b->candidate.contract_ppm = 1000000;
	answer(b, &openai_answer, HELLO FINISH USAGE(TOLD) DONE);
	s = settle(b, OUT_served, 200);
	assert_int_equal(s->list_pusd, 34000);
	assert_int_equal(s->amount_pusd, 17000);
}

static void
test_searches(void **state)
{
	static const struct price_row searching = {.id = "searching",
	    .kinds.pusd = {2000, -1, -1, -1, -1, -1, 8000, -1},
	    .call_pusd = 1000000};
	struct bench *b = *state;
	const struct slot_attempt *s;

	b->candidate.price = b->candidate.list = &searching;
	answer(b, &openai_answer,
	    HELLO FINISH USAGE(TOLD ",\"server_tool_use\":{\"web_search_requests\":3}")
		DONE);
	s = settle(b, OUT_served, 200);
	assert_int_equal(s->calls, 3);
	assert_int_equal(s->list_pusd, 34000 + 3000000);
	assert_int_equal(s->amount_pusd, (34000 + 3000000) / 10 * 9);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_bench(test_a_price_of_the_contract),
	    with_bench(test_searches),
	    with_bench(test_machine),
	    with_bench(test_machine_by_basis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
