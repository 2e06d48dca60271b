/* libs: base core config auth meter budget */
/* test_hold.c: the most that an attempt can
 * cost is never less than what it may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/request.h"

#define PPM     1000000
#define CONTEXT 100000

/* ---- tokens of the prompt: a line per kind of part ---- */

static void
test_input_bound(void **state)
{
	static const struct {
		const char *what;
		struct task task;
		int64_t want;
	} rows[] = {
	    {"nothing", {0}, 0},
	    {"text: a token a byte at most", {.text_bytes = 4000}, 4000},
	    {"framing of a message", {.text_bytes = 10, .messages = 3}, 10 + 3 * 16},
	    {"framing of tools", {.text_bytes = 10, .tools = 2}, 10 + 2 * 32 + 2560},
	    {"a field that nobody knows", {.body_bytes = 9000, .text_bytes = 4000},
		9000},
	    {"data within a part",
		{.body_bytes = 9000,
		    .text_bytes = 70,
		    .opaque_bytes = 8000,
		    .images = 1},
		1000 + 10000},
	    {"data without a part",
		{.body_bytes = 9000, .text_bytes = 70, .opaque_bytes = 8000}, 9000},
	    {"never less than the text that is known",
		{.body_bytes = 100, .text_bytes = 70, .opaque_bytes = 99, .images = 1},
		70 + 10000},
	    {"an image", {.images = 1}, 10000},
	    {"images, whatever their bytes", {.images = 3, .opaque_bytes = 999999},
		30000},
	    {"audio: by its bytes", {.audios = 1, .opaque_bytes = 80000}, 10000},
	    {"bytes that are no audio", {.opaque_bytes = 80000}, 0},
	    {"a document: the whole context", {.files = 1}, CONTEXT},
	    {"a file's id", {.text_bytes = 4, .bound = BOUND_file}, CONTEXT},
	    {"what the provider keeps", {.text_bytes = 4, .bound = BOUND_state},
		CONTEXT},
	    {"signed thinking is text", {.text_bytes = 4, .bound = BOUND_signature}, 4},
	    {"encrypted reasoning, too", {.text_bytes = 4, .bound = BOUND_encrypted},
		4},
	    {"more than the context", {.text_bytes = 900000}, CONTEXT},
	    {"everything",
		{.text_bytes = 100,
		    .messages = 2,
		    .tools = 1,
		    .images = 1,
		    .audios = 1,
		    .opaque_bytes = 800},
		100 + 32 + 32 + 2560 + 10000 + 100},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		int64_t got = hold_input_bound(&rows[i].task, CONTEXT);

		if (got != rows[i].want)
			fail_msg("%s: %lld, not %lld", rows[i].what, (long long)got,
			    (long long)rows[i].want);
	}
}

/* ---- money ---- */

static struct price_row
row(int64_t input, int64_t write_5m, int64_t write_1h, int64_t output)
{
	struct price_row r = {.id = "x"};

	for (size_t i = 0; i < TOKEN_COUNT; i++)
		r.kinds.pusd[i] = -1;
	r.kinds.pusd[TOKEN_input_uncached] = input;
	r.kinds.pusd[TOKEN_cache_read] = input / 10;
	r.kinds.pusd[TOKEN_cache_write_5m] = write_5m;
	r.kinds.pusd[TOKEN_cache_write_1h] = write_1h;
	r.kinds.pusd[TOKEN_output] = output;
	return r;
}

static const struct provider plain = {.contract_ppm = PPM};
static const struct provider half_price = {.contract_ppm = PPM / 2};
static const struct model luna = {.name = "luna",
    .context = CONTEXT,
    .max_output = 2000,
    .at = {{.provider = &plain}, {.provider = &half_price}},
    .ats = 2};

/* Of a prompt of 1,000 bytes; -1: unpriced. */
static int64_t
most(const struct price_row *r, int64_t n, int64_t max_output, int64_t contract_ppm)
{
	const struct provider p = {.contract_ppm = contract_ppm};
	const struct model m = {.name = "luna",
	    .context = CONTEXT,
	    .max_output = 2000,
	    .at[0].provider = &p,
	    .ats = 1};
	const struct candidate c = {
	    .model = &m, .price = r, .contract_ppm = contract_ppm};
	struct task t = {.text_bytes = 1000, .n = n, .best_of = 1};
	struct pusd ret = {-7};
	bool ok = hold_worst_case(&t, &c, max_output, &ret);

	if (!ok)
		assert_int_equal(ret.v, -7);
	return ok ? ret.v : -1;
}

static void
test_money(void **state)
{
	struct price_row usual = row(100, -1, -1, 500);
	struct price_row writes = row(100, 125, 200, 500);
	struct price_row half = row(100, -1, -1, -1);
	struct price_row none = row(-1, -1, -1, 500);

	(void)state;
	/* the answer's bound: the request's, else the model's */
	assert_int_equal(most(&usual, 1, 10, PPM), 1000 * 100 + 10 * 500);
	assert_int_equal(most(&usual, 1, -1, PPM), 1000 * 100 + 2000 * 500);
	assert_int_equal(most(&usual, 1, 0, PPM), 1000 * 100);
	/* each choice has it */
	assert_int_equal(most(&usual, 3, 10, PPM), 1000 * 100 + 3 * 10 * 500);
	/* writing to the cache is dearer than not having one */
	assert_int_equal(most(&writes, 1, 10, PPM), 1000 * 200 + 10 * 500);
	/* at contract terms */
	assert_int_equal(
	    most(&usual, 1, 10, 880000), (1000 * 100 + 10 * 500) * 88 / 100);
	/* unpriced is not free */
	assert_int_equal(most(NULL, 1, 10, PPM), -1);
	assert_int_equal(most(&half, 1, 10, PPM), -1);
	assert_int_equal(most(&none, 1, 10, PPM), -1);
}

static void
test_best_of(void **state)
{
	struct price_row r = row(100, -1, -1, 500);
	const struct candidate c = {.model = &luna, .price = &r, .contract_ppm = PPM};
	struct task t = {.n = 2, .best_of = 5};
	struct pusd ret;

	(void)state;
	assert_true(hold_worst_case(&t, &c, 10, &ret));
	assert_int_equal(ret.v, 5 * 10 * 500);
}

/* What may be served for what is asked: a line per question. */
static void
test_service_tiers(void **state)
{
	static const struct {
		const char *what, *asked, *rule, *account;
		int64_t percent;
	} rows[] = {
	    {"priority costs twice as much", "priority", NULL, NULL, 200},
	    {"a rule's word counts like the client's", "", "priority", NULL, 200},
	    {"a rule's word stands over the client's", "priority", "default", NULL,
		100},
	    {"no word: whatever the account is set to", "", NULL, NULL, 200},
	    {"auto is no word", "auto", NULL, NULL, 200},
	    {"the account is known: standard", "", NULL, "standard", 100},
	    {"the account is known: priority", "auto", NULL, "priority", 200},
	    {"what is asked for counts, not the account", "priority", NULL, "standard",
		200},
	    {"default is the standard tier", "default", NULL, NULL, 100},
	    {"so is standard_only", "standard_only", NULL, NULL, 100},
	    {"flex may be served at the full price", "flex", NULL, NULL, 100},
	    {"who knows what this is", "express", NULL, NULL, 200},
	};
	struct price_row r = row(100, -1, -1, 500);

	(void)state;
	r.services = 2;
	r.service[0].name = "flex";
	r.service[0].ppm = PPM / 2;
	r.service[1].name = "priority";
	r.service[1].ppm = 2 * PPM;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct provider p = {
		    .contract_ppm = PPM, .default_tier = rows[i].account};
		const struct model m = {.context = CONTEXT,
		    .max_output = 2000,
		    .at[0].provider = &p,
		    .ats = 1};
		const struct candidate c = {.model = &m,
		    .price = &r,
		    .contract_ppm = PPM,
		    .service = rows[i].rule};
		const struct task t = {.text_bytes = 1000,
		    .n = 1,
		    .best_of = 1,
		    .service_tier = str_of(rows[i].asked)};
		struct pusd ret;

		assert_true(hold_worst_case(&t, &c, 10, &ret));
		if (ret.v != (1000 * 100 + 10 * 500) * rows[i].percent / 100)
			fail_msg("%s: %lld", rows[i].what, (long long)ret.v);
	}
}

/* A long prompt is charged as a whole at its tier's price, so it is held so. */
static void
test_tiers(void **state)
{
	struct price_row r = row(100, -1, -1, 500);

	(void)state;
	r.tiers = 1;
	r.tier[0].above = 999;
	r.tier[0].kinds = row(200, -1, -1, 900).kinds;
	assert_int_equal(most(&r, 1, 10, PPM), 1000 * 200 + 10 * 900);
	r.tier[0].above = 1000;
	assert_int_equal(most(&r, 1, 10, PPM), 1000 * 100 + 10 * 500);
}

/* What does not fit is no bound. */
static void
test_overflow(void **state)
{
	struct price_row r = row(INT64_MAX, -1, -1, INT64_MAX);

	(void)state;
	assert_int_equal(most(&r, 128, 1000000, PPM), -1);
}

/* ---- the row of attempt.def ---- */

static void
test_step(void **state)
{
	struct price_row r = row(100, -1, -1, 500);
	struct candidate c = {.model = &luna,
	    .at = 1,
	    .price = &r,
	    .contract_ppm = PPM / 2,
	    .max_output = 10};
	struct snapshot snap = {0};
	struct request req = {.snap = &snap,
	    .task = {.endpoint = EP_generate,
		.max_output = -1,
		.n = 1,
		.best_of = 1,
		.text_bytes = 1000}};
	const struct provider none = {0};
	struct attempt a = {.request = &req, .candidate = &c, .provider = &none};

	(void)state;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_false(a.unpriced);
	assert_int_equal(a.at_most.v, (1000 * 100 + 10 * 500) / 2);
	/* the client's own maximum rules */
	req.task.max_output = 20;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, (1000 * 100 + 20 * 500) / 2);
	c.price = NULL;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_true(a.unpriced);
	/* counting tokens costs nothing */
	a = (struct attempt){.request = &req, .candidate = &c, .provider = &none};
	req.task.endpoint = EP_count_tokens;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_false(a.unpriced);
	assert_int_equal(a.at_most.v, 0);
}

/* Two attempts of which each alone is within the team's limit. */
static void
test_limit_of_a_request(void **state)
{
	const struct price_row row = {.tiers = 1,
	    .tier[0].kinds.pusd = {[TOKEN_input_uncached] = 100,
		[TOKEN_cache_write_5m] = -1,
		[TOKEN_cache_write_1h] = -1,
		[TOKEN_output] = 500}};
	const struct model m = {
	    .context = CONTEXT, .max_output = 4000, .at[0].provider = &plain, .ats = 1};
	struct candidate c = {
	    .model = &m, .price = &row, .contract_ppm = PPM, .max_output = 10};
	struct team team = {.terms = {.max_per_request = {200000}, .max_output = -1}};
	struct snapshot snap = {0};
	struct request req = {.snap = &snap,
	    .task = {.endpoint = EP_generate,
		.max_output = -1,
		.n = 1,
		.best_of = 1,
		.text_bytes = 1000},
	    .who.team = &team};
	const struct provider none = {0};
	struct attempt a = {.request = &req, .candidate = &c, .provider = &none};

	(void)state;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, 105000);
	req.cost.v = 95000; /* all of it */
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.max_output, 10);
	req.cost.v = 95001;
	assert_int_equal(attempt_hold(&a), END);
	assert_int_equal(a.outcome, OUT_quota);
	/* where we may, the answer is made shorter */
	c.max_output = 100;
	req.cost.v = 91000;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_in_range(a.max_output, 16, 18);
	assert_true(a.at_most.v <= 200000 - 91000);
	/* half a JSON text is worth nothing */
	req.task.needs = 1U << CAP_json_schema;
	assert_int_equal(attempt_hold(&a), END);
	req.task.needs = 0;
	req.task.max_output = 100; /* not what the client asks for */
	assert_int_equal(attempt_hold(&a), END);
	req.task.max_output = -1;
	team.terms.max_per_request.v = 0; /* none */
	assert_int_equal(attempt_hold(&a), NEXT);
	team.terms.max_per_request.v = 200000;
	req.cost.v = 0;
	c.price = NULL; /* nobody knows */
	assert_int_equal(attempt_hold(&a), END);
	req.task.endpoint = EP_count_tokens;
	assert_int_equal(attempt_hold(&a), NEXT);
}

/* Its tokens cost nothing, its hours do: until the nearest deadline, else ten times as
 * long as is expected. */
static void
test_a_machine_by_the_hour(void **state)
{
	const struct price_row none = {.id = "local"};
	struct provider rack = {.local = true, .usd_per_hour = {3600000}, .places = 2};
	const struct model m = {.context = 1000, .max_output = 10, .ats = 1};
	struct candidate c = {
	    .model = &m, .price = &none, .contract_ppm = PPM, .machine_s = 3};
	struct snapshot snap = {0};
	struct request req = {
	    .snap = &snap, .task = {.max_output = -1, .n = 1, .best_of = 1}};
	struct attempt a = {.request = &req, .candidate = &c, .provider = &rack};

	(void)state;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, 30 * 1000 / 2);
	rack.timeouts.total_ms = 60000;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, 60 * 1000 / 2);
	snap.limits.request_ms = 20000;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, 20 * 1000 / 2);
	req.deadline_ms = 8000;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_int_equal(a.at_most.v, 8 * 1000 / 2);
	assert_false(a.unpriced);
	/* Nobody knows how long. */
	a = (struct attempt){.request = &req, .candidate = &c, .provider = &rack};
	req.deadline_ms = snap.limits.request_ms = rack.timeouts.total_ms = 0;
	c.machine_s = 0;
	assert_int_equal(attempt_hold(&a), NEXT);
	assert_true(a.unpriced);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_input_bound),
	    cmocka_unit_test(test_money),
	    cmocka_unit_test(test_best_of),
	    cmocka_unit_test(test_service_tiers),
	    cmocka_unit_test(test_tiers),
	    cmocka_unit_test(test_overflow),
	    cmocka_unit_test(test_step),
	    cmocka_unit_test(test_limit_of_a_request),
	    cmocka_unit_test(test_a_machine_by_the_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
