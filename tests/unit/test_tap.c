/* libs: base core parse relay */
/* test_tap.c: what of a stream goes out at once,
 * what never, what waits for the bill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tap_run.h"

static void
test_terminal_waits(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR(HELLO FINISH USAGE(TOLD) DONE),
	    .out = HELLO FINISH,
	    .last = DONE};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_true(r.tap.terminal);
	assert_true(r.tap.finished);
	assert_true(r.tap.usage_seen);
	assert_false(r.tap.broken);
	assert_int_equal(r.tap.events, 1);
	assert_int_equal(r.tap.output_bytes, 3);
	assert_string_equal(r.tap.model, "m-1");
	assert_string_equal(r.tap.response_id, "c1");
	assert_str(buf_str(&r.tap.raw_usage), "{" TOLD "}");
	run_end(&r);
}

static void
test_anthropic(void **state)
{
	struct want w = {.answer = &anthropic_answer,
	    .in = STR(
		START DELTA("a") DELTA("b\\u00e9") "event: ping\ndata: "
						   "{\"type\":\"ping\"}\n\n" LAST STOP),
	    .out = START DELTA("a") DELTA("b\\u00e9") "event: ping\ndata: "
						      "{\"type\":\"ping\"}\n\n" LAST,
	    .last = STOP};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_true(r.tap.usage_seen);
	assert_int_equal(r.tap.events, 2);
	assert_int_equal(r.tap.output_bytes, 4);
	assert_int_equal(r.tap.usage.tokens[TOKEN_input_uncached], 12);
	assert_int_equal(r.tap.usage.tokens[TOKEN_output], 30);
	assert_str(buf_str(&r.tap.raw_usage),
	    "{\"input_tokens\":12,\"output_tokens\":1}\n{\"output_tokens\":30}");
	run_end(&r);
}

static void
test_line_ends_are_kept(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR("\xEF\xBB\xBF: hello\r\n\r\ndata:{\"choices\":[{\"delta\":{"
		      "\"content\":\"x\"}}]}\r\rdata: {\"choices\":[],\"usage\":{" TOLD
		      "}}\r\n\r\nretry: 5\r\n\r\ndata:[DONE]\r\n\r\n"),
	    .out = "\xEF\xBB\xBF: hello\r\n\r\ndata:{\"choices\":[{\"delta\":{"
		   "\"content\":\"x\"}}]}\r\rretry: 5\r\n\r\n",
	    .last = "data:[DONE]\r\n\r\n"};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_int_equal(r.tap.events, 1);
	run_end(&r);
}

static void
test_nothing_behind_the_terminal(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR(HELLO DONE ": bye\n\n" HELLO "data: [DONE]"),
	    .out = HELLO,
	    .last = DONE};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_int_equal(r.tap.events, 1);
	assert_false(r.tap.usage_seen);
	run_end(&r);
}

/* ---- usage that is wanted ---- */

static void
test_cost(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .in = STR(HELLO FINISH USAGE(TOLD) ": ping\n\n" DONE),
	    .out = HELLO FINISH,
	    .last = USAGE(TOLD ",\"cost_usd\":\"0.000123000000\"") ": ping\n\n" DONE};
	struct run r;

	(void)state;
	run_check(&w, &r);
	/* a second look is the same */
	assert_str(tap_terminal(&r.tap, NULL), w.last);
	run_end(&r);
}

static void
test_unpriced(void **state)
{
	struct run r;

	(void)state;
	run_begin(&r, &openai_answer, true, true);
	run_text(&r, STR(HELLO FINISH USAGE(TOLD) DONE), 0, 7);
	assert_str(tap_terminal(&r.tap, NULL), USAGE(TOLD) DONE);
	run_end(&r);
}

static void
test_cost_in_odd_places(void **state)
{
	struct want several = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .in = STR("event: x\ndata: {\"choices\":[],\ndata: \"usage\":{\ndata:} \r\n"
		      "data:}\n: note\n\n" DONE),
	    .out = "",
	    .last =
		"event: x\ndata: {\"choices\":[],\ndata: \"usage\":{\n"
		"data:\"cost_usd\":\"0.000123000000\"} \r\ndata:}\n: note\n\n" DONE};
	struct want within = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .in = STR("data: {\"choices\":[{\"delta\":{\"content\":\".\"},\"finish_"
		      "reason\":\"stop\"}],\"usage\":{" TOLD " },\"x\":{}}\n\n" DONE),
	    .out = "",
	    .last = "data: {\"choices\":[{\"delta\":{\"content\":\".\"},\"finish_"
		    "reason\":\"stop\"}],\"usage\":{" TOLD
		    " ,\"cost_usd\":\"0.000123000000\"},\"x\":{}}\n\n" DONE};
	struct run r;

	(void)state;
	run_check(&several, &r);
	run_end(&r);
	run_check(&within, &r);
	assert_true(r.tap.usage_seen);
	run_end(&r);
}

/* Usage that was not the last word goes out as it came, in its place. */
static void
test_withheld_only_until_the_next(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .in = STR(HELLO USAGE(TOLD) CHUNK("{\"content\":\"more\"}") FINISH),
	    .out = HELLO USAGE(TOLD) CHUNK("{\"content\":\"more\"}") FINISH,
	    .last = ""};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_true(r.tap.usage_seen);
	run_end(&r);
}

/* Without [DONE] the usage is still given, at the end. */
static void
test_usage_without_terminal(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .in = STR(HELLO FINISH USAGE("")),
	    .out = HELLO FINISH,
	    .last = USAGE("\"cost_usd\":\"0.000123000000\"")};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_false(r.tap.terminal);
	assert_false(r.tap.usage_seen); /* it says nothing */
	assert_true(r.tap.usage.inconsistent);
	run_end(&r);
}

/* ---- the model's name ---- */

#define NAMED(name, text)                                                        \
	"data: {\"model\":" name ",\"choices\":[{\"delta\":{\"content\":\"" text \
	"\"}}]}\n\n"
#define NAMED_USAGE(name, more) \
	"data: {\"choices\":[],\"usage\":{" TOLD more "},\"model\":" name "}\r\n\r\n"

static void
test_model_as_asked(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .model_as = STR("\"auto\""),
	    .in = STR(NAMED("\"m-1-2026-11-01\"", "a") NAMED("\"m-1-2026-11-01\"", "b")
		    NAMED("null", "c") FINISH NAMED_USAGE("\"m-1\"", "") DONE),
	    .out =
		NAMED("\"auto\"", "a") NAMED("\"auto\"", "b") NAMED("null", "c") FINISH,
	    .last = NAMED_USAGE("\"auto\"", ",\"cost_usd\":\"0.000123000000\"") DONE};
	struct want before = {.answer = &openai_answer,
	    .usage_wanted = true,
	    .model_as = STR("\"a-much-longer-name-than-it-was\""),
	    .in = STR("data: {\"model\":\"m\",\ndata: \"usage\":{" TOLD "}}\n\n" DONE),
	    .out = "",
	    .last =
		"data: {\"model\":\"a-much-longer-name-than-it-was\",\n"
		"data: \"usage\":{" TOLD ",\"cost_usd\":\"0.000123000000\"}}\n\n" DONE};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_string_equal(r.tap.model, "m-1-2026-11-01");
	assert_int_equal(r.tap.events, 3);
	run_end(&r);
	run_check(&before, &r);
	run_end(&r);
}

static void
test_model_of_a_body(void **state)
{
	struct str body = STR("{\"id\":\"c\",\"model\":\"m-1\",\"choices\":[]}");
	struct run r;

	(void)state;
	run_begin(&r, &openai_answer, false, false);
	r.tap.model_as = STR("\"auto\"");
	run_text(&r, body, 0, 3);
	assert_int_equal(r.tap.model_at, strlen("{\"id\":\"c\",\"model\":"));
	assert_int_equal(r.tap.model_end, r.tap.model_at + strlen("\"m-1\""));
	assert_int_equal(r.out.len, body.len);
	run_end(&r);
}

/* Usage that comes before anything is not the bill of a stream that was cut. */
static void
test_early_usage(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR(USAGE(TOLD) CHUNK("{\"content\":\"x\"}")),
	    .out = CHUNK("{\"content\":\"x\"}"),
	    .last = ""};
	struct run r;

	(void)state;
	run_check(&w, &r);
	assert_false(r.tap.usage_seen);
	assert_int_equal(r.tap.usage.tokens[TOKEN_input_uncached], 9);
	run_end(&r);
	w.in = STR(USAGE(TOLD) DONE);
	w.out = "";
	w.last = DONE;
	run_check(&w, &r);
	assert_true(r.tap.usage_seen);
	run_end(&r);
}

/* ---- the way out ---- */

static bool
refuse(void *arg, const char *p, size_t len)
{
	(void)p;
	(void)len;
	return (*(int *)arg)-- > 0;
}

static void
test_refused(void **state)
{
	struct str in = STR(HELLO USAGE(TOLD) HELLO FINISH);
	struct run r;

	(void)state;
	for (int times = 0; times < 3; times++) {
		int left = times;

		run_begin(&r, &openai_answer, true, true);
		assert_false(tap_feed(&r.tap, in.p, in.len, refuse, &left) &&
			     tap_feed(&r.tap, in.p, in.len, refuse, &left));
		run_end(&r);
	}
}

/* A read of many events is handed on in one piece. */
static void
test_given_together(void **state)
{
	struct str in = STR(HELLO HELLO ": ping\n\n" HELLO FINISH);
	struct run r;
	int left = 1;

	(void)state;
	run_begin(&r, &openai_answer, true, false);
	assert_true(tap_feed(&r.tap, in.p, in.len, refuse, &left));
	assert_int_equal(left, 0);
	run_end(&r);
}

static void
test_nothing(void **state)
{
	struct tap t = {0};
	struct run r;

	(void)state;
	tap_fini(&t);
	taps_free(NULL);
	run_begin(&r, &openai_answer, true, false);
	assert_true(tap_feed(&r.tap, "", 0, run_out, &r.out));
	assert_true(tap_end(&r.tap, run_out, &r.out));
	assert_str(tap_terminal(&r.tap, "1"), "");
	assert_int_equal(tap_output_seen(&r.tap, 4), 0);
	assert_false(r.tap.broken);
	run_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_terminal_waits),
	    cmocka_unit_test(test_anthropic),
	    cmocka_unit_test(test_line_ends_are_kept),
	    cmocka_unit_test(test_nothing_behind_the_terminal),
	    cmocka_unit_test(test_cost),
	    cmocka_unit_test(test_unpriced),
	    cmocka_unit_test(test_cost_in_odd_places),
	    cmocka_unit_test(test_withheld_only_until_the_next),
	    cmocka_unit_test(test_usage_without_terminal),
	    cmocka_unit_test(test_model_as_asked),
	    cmocka_unit_test(test_model_of_a_body),
	    cmocka_unit_test(test_early_usage),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_given_together),
	    cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
