/* libs: base core parse relay */
/* test_tap.c: what goes out at once, what never, what waits for the bill; and what the
 * tap knows when an answer does not end as it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "tap_run.h"

#define CHUNK(delta)                                                                  \
	"data: "                                                                      \
	"{\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":" delta \
	"}]}\n\n"
#define FINISH                                                                  \
	"data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_" \
	"reason\":\"stop\"}]}\n\n"
#define TOLD        "\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11"
#define USAGE(told) "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{" told "}}\n\n"
#define HELLO                                              \
	CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") \
	CHUNK("{\"content\":\"Hi\\n\"}")
#define DONE "data: [DONE]\n\n"

#define START                                                                          \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":" \
	"\"msg_1\",\"model\":\"c-1\",\"usage\":{\"input_tokens\":12,\"output_"         \
	"tokens\":1}}}\n\n"
#define DELTA(text)                                                            \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\"," \
	"\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}}\n\n"
#define LAST                                                                         \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_" \
	"reason\":\"end_turn\"},\"usage\":{\"output_tokens\":30}}\n\n"
#define STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

/* What comes out of a stream, whole and in all pieces. */
struct want {
	const struct answer_reader *answer;
	bool usage_wanted;
	struct str in;
	const char *out, *last; /* `last` with the cost that run_again() uses */
};

static void
assert_str(struct str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

/* Leaves the run of the whole text in `ret`; run_end() it. */
static void
check(const struct want *w, struct run *ret)
{
	run_begin(ret, w->answer, true, w->usage_wanted);
	run_text(ret, w->in, 0, 1U << 20);
	assert_str(buf_str(&ret->out), w->out);
	assert_str(tap_terminal(&ret->tap, "0.000123000000"), w->last);
	run_in_pieces(ret, w->in);
}

static void
test_terminal_waits(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR(HELLO FINISH USAGE(TOLD) DONE),
	    .out = HELLO FINISH,
	    .last = DONE};
	struct run r;

	(void)state;
	check(&w, &r);
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
	check(&w, &r);
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
	check(&w, &r);
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
	check(&w, &r);
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
	check(&w, &r);
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
	check(&several, &r);
	run_end(&r);
	check(&within, &r);
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
	check(&w, &r);
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
	check(&w, &r);
	assert_false(r.tap.terminal);
	assert_false(r.tap.usage_seen); /* it says nothing */
	assert_true(r.tap.usage.inconsistent);
	run_end(&r);
}

/* ---- ends that are none ---- */

static void
test_end_without_blank_line(void **state)
{
	struct want done = {.answer = &openai_answer,
	    .in = STR(HELLO "data: [DONE]"),
	    .out = HELLO,
	    .last = DONE};
	struct want line = {.answer = &openai_answer,
	    .in = STR(HELLO "data: {\"choices\":[]}\n"),
	    .out = HELLO "data: {\"choices\":[]}\n\n",
	    .last = ""};
	struct want carriage = {.answer = &openai_answer,
	    .in = STR("data: {}\r"),
	    .out = "data: {}\r\n\n",
	    .last = ""};
	struct run r;

	(void)state;
	check(&done, &r);
	assert_false(r.tap.broken);
	run_end(&r);
	check(&line, &r);
	assert_false(r.tap.broken);
	run_end(&r);
	check(&carriage, &r);
	run_end(&r);
}

static void
test_end_within_an_event(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR(HELLO "data: {\"choices\":[{\"delta\":{\"content\":\"lost"),
	    .out = HELLO,
	    .last = ""};
	struct want comment = {.answer = &openai_answer,
	    .in = STR(HELLO ": pi"),
	    .out = HELLO,
	    .last = ""};
	struct run r;

	(void)state;
	check(&w, &r);
	assert_true(r.tap.broken);
	assert_false(r.tap.finished);
	run_end(&r);
	check(&comment, &r);
	assert_false(r.tap.broken);
	run_end(&r);
}

/* The output of message_start is a placeholder: no bill rests on it. */
static void
test_cut_anthropic(void **state)
{
	struct want w = {.answer = &anthropic_answer,
	    .in = STR(START DELTA("Twelve bytes")),
	    .out = START DELTA("Twelve bytes"),
	    .last = ""};
	struct run r;

	(void)state;
	check(&w, &r);
	assert_false(r.tap.usage_seen);
	assert_int_equal(r.tap.usage.tokens[TOKEN_input_uncached], 12);
	assert_int_equal(tap_output_seen(&r.tap, 5), 3);
	assert_int_equal(tap_output_seen(&r.tap, 0), 12);
	run_end(&r);
}

static void
test_not_json(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR("data: Internal Server Error\n\ndata: {\"a\":}\n\n" HELLO),
	    .out = "data: Internal Server Error\n\ndata: {\"a\":}\n\n" HELLO,
	    .last = ""};
	struct run r;

	(void)state;
	check(&w, &r);
	assert_true(r.tap.broken);
	assert_int_equal(r.tap.events, 1);
	run_end(&r);
}

/* ---- errors inside a 200 ---- */

static void
check_error(const struct answer_reader *answer, struct str in, const char *out,
    const char *says)
{
	struct want w = {.answer = answer, .in = in, .out = out, .last = ""};
	struct run r;

	check(&w, &r);
	assert_true(r.tap.failed);
	assert_str(buf_str(&r.tap.error), says);
	run_end(&r);
}

static void
test_errors(void **state)
{
	(void)state;
	check_error(&openai_answer,
	    STR(HELLO "data: {\"error\":{\"message\":\"no \\\"luck\\\"\",\"code\":502}}"
		      "\n\n" HELLO DONE),
	    HELLO, "no \"luck\"");
	check_error(&openai_answer, STR("data: {\"error\":\"out of memory\"}\n\n" DONE),
	    "", "out of memory");
	check_error(&anthropic_answer,
	    STR(START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
		      "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n" STOP),
	    START, "Overloaded");
	check_error(&anthropic_answer, STR("event: error\ndata: {}\n\n"), "", "");
}

static void
test_no_error(void **state)
{
	struct want w = {.answer = &openai_answer,
	    .in = STR("data: {\"error\":null,\"choices\":[]}\n\n"),
	    .out = "data: {\"error\":null,\"choices\":[]}\n\n",
	    .last = ""};
	struct run r;

	(void)state;
	check(&w, &r);
	assert_false(r.tap.failed);
	run_end(&r);
}

/* ---- long events ---- */

/* `usage` stands behind `filler` bytes of text in one event. */
static void
check_long(size_t filler, bool passes)
{
	struct buf in;
	struct run r;

	buf_init(&in, 1U << 20);
	buf_add(&in, HELLO "data: {\"choices\":[],\"x\":\"");
	while (filler-- > 0)
		buf_add(&in, "y");
	buf_add(&in, "\",\"usage\":{" TOLD "}}\n\n" DONE);
	run_begin(&r, &openai_answer, true, false);
	run_text(&r, buf_str(&in), 0, 1U << 20);
	assert_int_equal(r.out.len, passes ? in.len - strlen(DONE) : sizeof(HELLO) - 1);
	assert_memory_equal(r.out.p, in.p, r.out.len);
	assert_int_equal(r.tap.usage.tokens[TOKEN_output], 2);
	assert_true(r.tap.usage_seen);
	assert_false(r.tap.broken);
	run_in_pieces(&r, buf_str(&in));
	run_end(&r);
	buf_fini(&in);
}

static void
test_long_events(void **state)
{
	size_t around =
	    sizeof("data: {\"choices\":[],\"x\":\"\",\"usage\":{" TOLD "}}\n\n") - 1;

	(void)state;
	check_long(TAP_EVENT_MAX - around, false);
	check_long(TAP_EVENT_MAX - around + 1, true);
	check_long(3 * TAP_EVENT_MAX, true);
}

/* An event that is too long to wait is cut: what follows must stand alone. */
static void
test_long_event_cut(void **state)
{
	struct buf in;
	struct run r;

	(void)state;
	buf_init(&in, 1U << 20);
	buf_add(&in, "data: {\"x\":\"");
	for (size_t i = 0; i < 2 * TAP_EVENT_MAX; i++)
		buf_add(&in, "y");
	run_begin(&r, &openai_answer, true, false);
	run_text(&r, buf_str(&in), 0, 1000);
	assert_int_equal(r.out.len, in.len + 2);
	assert_memory_equal(r.out.p + in.len, "\n\n", 2);
	assert_true(r.tap.broken);
	run_end(&r);
	buf_fini(&in);
}

/* ---- bodies ---- */

static void
check_body(struct str body, bool broken, struct run *ret)
{
	run_begin(ret, &openai_answer, false, false);
	run_text(ret, body, 0, 1U << 20);
	assert_int_equal(ret->tap.broken, broken);
	assert_int_equal(ret->out.len, body.len);
	assert_memory_equal(buf_str(&ret->out).p, body.p, body.len);
	run_in_pieces(ret, body);
}

#define BODY(content, usage)                                                        \
	"{\"id\":\"c1\",\"choices\":[{\"message\":{\"content\":\"" content "\"}}]," \
	"\"usage\":{" usage "}}"

static void
test_bodies(void **state)
{
	struct run r;

	(void)state;
	check_body(STR(BODY("Hi", TOLD)), false, &r);
	assert_true(r.tap.usage_seen);
	assert_int_equal(r.tap.output_bytes, 2);
	run_end(&r);
	check_body(STR(""), true, &r);
	run_end(&r);
	check_body(STR("<html>"), true, &r);
	run_end(&r);
	check_body(STR(BODY("Hi", TOLD) "x"), true, &r);
	run_end(&r);
	check_body(STR("{\"error\":{\"message\":\"no\"}}"), false, &r);
	assert_true(r.tap.failed);
	run_end(&r);
}

/* A body that is cut in the middle of its text has still given that text. */
static void
test_text_under_way(void **state)
{
	struct str body = STR(BODY("0123456789", ""));
	struct run r;

	(void)state;
	run_begin(&r, &openai_answer, false, false);
	run_piece(&r, body.p, body.len - strlen("6789\"}}],\"usage\":{}}"));
	assert_int_equal(tap_output_seen(&r.tap, 1), 6);
	assert_false(r.tap.usage_seen);
	run_end(&r);
}

/* Usage with more in it than is kept is still counted. */
static void
test_long_usage(void **state)
{
	struct buf body;
	struct run r;

	(void)state;
	buf_init(&body, 1U << 20);
	buf_add(&body, "{\"usage\":{\"prompt_tokens\":9,\"x\":[");
	for (size_t i = 0; i < 1000; i++)
		buf_printf(&body, "%s%zu", i == 0 ? "" : ",", i);
	buf_add(&body, "],\"completion_tokens\":2}}");
	check_body(buf_str(&body), false, &r);
	assert_true(r.tap.usage_seen);
	assert_int_equal(r.tap.raw_usage.len, 0);
	run_end(&r);
	buf_fini(&body);
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
	    cmocka_unit_test(test_end_without_blank_line),
	    cmocka_unit_test(test_end_within_an_event),
	    cmocka_unit_test(test_cut_anthropic),
	    cmocka_unit_test(test_not_json),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_no_error),
	    cmocka_unit_test(test_long_events),
	    cmocka_unit_test(test_long_event_cut),
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_text_under_way),
	    cmocka_unit_test(test_long_usage),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_given_together),
	    cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
