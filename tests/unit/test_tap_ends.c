/* libs: base core parse relay */
/* test_tap_ends.c: answers that are cut, no JSON, too long, or errors; and bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tap_run.h"

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
	run_check(&done, &r);
	assert_false(r.tap.broken);
	run_end(&r);
	run_check(&line, &r);
	assert_false(r.tap.broken);
	run_end(&r);
	run_check(&carriage, &r);
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
	run_check(&w, &r);
	assert_true(r.tap.broken);
	assert_false(r.tap.finished);
	run_end(&r);
	run_check(&comment, &r);
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
	run_check(&w, &r);
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
	run_check(&w, &r);
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

	run_check(&w, &r);
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
	run_check(&w, &r);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
