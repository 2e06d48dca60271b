/* libs: base config core parse */
/* test_reader_fault.c: bodies that are refused: with which words, and blaming which
 * field; the same wherever they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "read_body.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

struct row {
	const char *body, *want;
};

static void
check(const struct parse_shared *shared, const struct dialect *d, const struct row *row)
{
	struct str body = str_of(row->body);
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t cut = 0; cut < body.len; cut++) {
		struct body_read b;

		body_read(&b, shared, d, body, 0, cut);
		buf_clear(&out);
		print_read(&out, &b);
		body_read_end(&b);
		if (strcmp(out.p, row->want) != 0)
			fail_msg("%s cut at %zu\n  is   %s\n  not  %s", row->body, cut,
			    out.p, row->want);
	}
	buf_fini(&out);
}

static void
check_all(const struct dialect *d, const struct row *rows, size_t count)
{
	struct parse_shared *shared = parse_shared_new();

	for (size_t i = 0; i < count; i++)
		check(shared, d, &rows[i]);
	parse_shared_free(shared);
}

static void
test_openai(void **state)
{
	static const struct row rows[] = {
	    {"{\"model\":3," HI "}",
		"bad_request model: model: expected a string of 1 to 256 printable "
		"bytes"},
	    {"{\"model\":\"\"," HI "}",
		"bad_request model: model: expected a string of 1 to 256 printable "
		"bytes"},
	    {"{\"model\":\"a\\nb\"," HI "}",
		"bad_request model: model: expected a string of 1 to 256 printable "
		"bytes"},
	    {"{" HI "}",
		"bad_request model: model: missing; name a model, an alias or a route"},
	    {"{\"model\":\"a\"}",
		"bad_request messages: messages: missing; at least one is wanted"},
	    {"{\"model\":\"a\",\"messages\":[]}",
		"bad_request messages: messages: missing; at least one is wanted"},
	    {"{\"model\":\"a\",\"messages\":{}}",
		"bad_request messages: messages: expected an array with at least one "
		"message"},
	    {"{\"model\":\"a\",\"messages\":[{},\"x\"]}",
		"bad_request messages[1]: messages[1]: expected an object"},
	    {"{\"model\":\"a\",\"messages\":[{},{\"role\":1}]}",
		"bad_request messages[1].role: messages[1].role: expected a string"},
	    {"{\"stream\":\"true\"," HI "}",
		"bad_request stream: stream: expected true or false"},
	    {"{\"stream_options\":[]," HI "}",
		"bad_request stream_options: stream_options: expected an object"},
	    {"{\"stream_options\":{\"include_usage\":1}," HI "}",
		"bad_request stream_options.include_usage: "
		"stream_options.include_usage: expected true or false"},
	    {"{\"max_tokens\":9223372036854775808," HI "}",
		"bad_request max_tokens: max_tokens: expected a positive whole number "
		"below 2^53"},
	    {"{\"max_tokens\":-1," HI "}",
		"bad_request max_tokens: max_tokens: expected a positive whole number "
		"below 2^53"},
	    {"{\"max_completion_tokens\":0," HI "}",
		"bad_request max_completion_tokens: max_completion_tokens: expected a "
		"positive whole number below 2^53"},
	    {"{\"max_tokens\":1.5," HI "}",
		"bad_request max_tokens: max_tokens: expected a positive whole number "
		"below 2^53"},
	    {"{\"max_tokens\":\"10\"," HI "}",
		"bad_request max_tokens: max_tokens: expected a positive whole number "
		"below 2^53"},
	    {"{\"n\":1000000," HI "}",
		"bad_request n: n: expected a whole number from 1 to 128"},
	    {"{\"tools\":{}," HI "}", "bad_request tools: tools: expected an array"},
	    {"{\"tools\":[1]," HI "}",
		"bad_request tools[0]: tools[0]: expected an object"},
	};

	(void)state;
	check_all(&dialect_openai, rows, nitems(rows));
	check_all(&dialect_azure, rows, nitems(rows));
}

static void
test_anthropic(void **state)
{
	static const struct row rows[] = {
	    {"{\"model\":\"a\"," HI "}",
		"bad_request max_tokens: max_tokens: missing; this API wants the most "
		"that may be generated"},
	    {"{\"model\":\"a\",\"max_tokens\":-1," HI "}",
		"bad_request max_tokens: max_tokens: expected a positive whole number "
		"below 2^53"},
	};

	(void)state;
	check_all(&dialect_anthropic, rows, nitems(rows));
}

/* Keys that matter, twice; others may repeat. */
static void
test_twice(void **state)
{
	static const struct row rows[] = {
	    {"{\"model\":\"a\",\"model\":\"b\"," HI "}",
		"bad_request model: model: a key that stands twice, at byte 19 of the "
		"body"},
	    {"{\"model\":\"a\",\"mo\\u0064el\":\"b\"," HI "}",
		"bad_request model: model: a key that stands twice, at byte 24 of the "
		"body"},
	    {"{\"model\":\"a\"," HI ",\"stream_options\":{\"include_usage\":true,"
	     "\"include_usage\":false}}",
		"bad_request stream_options.include_usage: "
		"stream_options.include_usage: a key that stands twice, at byte 110 of "
		"the body"},
	    {"{\"messages\":[{},{\"role\":\"user\",\"role\":\"system\"}]}",
		"bad_request messages[1].role: messages[1].role: a key that stands "
		"twice, at byte 36 of the body"},
	    {"{\"messages\":[{\"content\":\"a\",\"content\":\"b\"}]}",
		"bad_request messages[0].content: messages[0].content: a key that "
		"stands twice, at byte 36 of the body"},
	    {"{\"x\":1,\"x\":2}",
		"bad_request model: model: missing; name a model, an alias or a route"},
	};

	(void)state;
	check_all(&dialect_openai, rows, nitems(rows));
}

static void
test_not_json(void **state)
{
	static const struct row rows[] = {
	    {"{\"model\":\"a\",\"messages\":[",
		"bad_json -: the body is not valid JSON: the end of the text too early "
		"at byte 25"},
	    {"{\"model\":\"a\"," HI "}x",
		"bad_json -: the body is not valid JSON: a syntax error at byte 57"},
	    {"[]", "bad_json -: the body is not valid JSON: a syntax error at byte 0"},
	    {"{\"t\":NaN}",
		"bad_json -: the body is not valid JSON: a syntax error at byte 5"},
	    {"\xEF\xBB\xBF{}",
		"bad_json -: the body is not valid JSON: text that is not UTF-8 at "
		"byte 0"},
	    {"{\"temperature\":1e999," HI "}",
		"bad_request -: the body: a number out of range at byte 20"},
	    {"{\"n\":1e999," HI "}",
		"bad_request n: n: a number out of range, at byte 10 of the body"},
	    {"{\"messages\":[{},{\"content\":\"a\xC0\xAF\"}]}",
		"bad_json messages[1].content: messages[1].content: text that is not "
		"UTF-8, at byte 29 of the body"},
	    {"{\"messages\":[{\"content\":[{\"text\":\"\\ud800\"}]}]}",
		"bad_json messages[0].content[0].text: messages[0].content[0].text: "
		"text that is not UTF-8, at byte 40 of the body"},
	    {"{\"messages\":[{\"\xFF\":1}]}",
		"bad_json messages[0]: messages[0]: text that is not UTF-8, at byte 15 "
		"of the body"},
	};

	(void)state;
	check_all(&dialect_openai, rows, nitems(rows));
}

/* Deeper than the scanner's frames, and a name that no error should echo. */
static void
test_extremes(void **state)
{
	struct parse_shared *shared = parse_shared_new();
	struct body_read b;
	struct buf body;

	(void)state;
	buf_init(&body, 2 << 20);
	buf_add(&body, "{\"model\":\"m\",\"messages\":");
	for (int i = 0; i < 100000; i++)
		buf_add(&body, "[");
	body_read(&b, shared, &dialect_openai, buf_str(&body), 0, 0);
	assert_int_equal(b.outcome, OUT_bad_request);
	assert_string_equal(b.fault.param, "messages[0]");
	body_read_end(&b);

	buf_clear(&body);
	buf_add(&body, "{\"model\":\"");
	for (int i = 0; i < 1000000; i++)
		buf_add(&body, "m");
	buf_add(&body, "\"," HI "}");
	body_read(&b, shared, &dialect_openai, buf_str(&body), 0, 0);
	assert_int_equal(b.outcome, OUT_bad_request);
	assert_true(strlen(b.fault.text) < 200);
	body_read_end(&b);
	buf_fini(&body);
	parse_shared_free(shared);
}

/* What a client may repeat a million times must not fill the request's arena. */
static void
test_many(void **state)
{
	static const char *const repeat[] = {
	    "{\"type\":\"text\",\"text\":\"a\"},",
	    "{\"type\":\"\\u0074ext\",\"text\":\"\\u0061\"},",
	};
	struct parse_shared *shared = parse_shared_new();
	struct body_read b;
	struct buf body;

	(void)state;
	buf_init(&body, 64 << 20);
	for (size_t k = 0; k < nitems(repeat); k++) {
		buf_clear(&body);
		buf_add(&body, "{\"model\":\"m\",\"modalities\":[");
		for (int i = 0; i < 400000; i++)
			buf_add(&body, "\"audio\",");
		buf_add(&body, "1],\"messages\":[{\"role\":\"user\",\"content\":[");
		for (int i = 0; i < 400000; i++)
			buf_add(&body, repeat[k]);
		buf_add(&body, "{}]}]}");
		body_read(&b, shared, &dialect_openai, buf_str(&body), 0, 0);
		assert_int_equal(b.outcome, OUT_served);
		assert_true(b.prompt.truncated);
		assert_int_equal(b.task.text_bytes, 400000);
		assert_true(arena_used(b.mem) < 1 << 20);
		body_read_end(&b);
	}
	buf_fini(&body);
	parse_shared_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_openai),
	    cmocka_unit_test(test_anthropic),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_not_json),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
