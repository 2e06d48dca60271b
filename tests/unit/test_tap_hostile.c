/* libs: base core parse relay */
/* test_tap_hostile.c: what is no JSON, or hardly, as a body and as an event: it passes
 * unchanged, it is known for what it is, and nothing breaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/env.h"
#include "tap_run.h"

#define SUITE FRUGALD_SOURCE_DIR "/../shared/suites/JSONTestSuite/test_parsing/"

struct counts {
	unsigned files, refused;
};

/* The root of an answer is an object. */
static bool
may_pass(const char *name, struct str text)
{
	text = str_trim(text);
	return name[0] == 'y' && text.len > 0 && text.p[0] == '{';
}

static void
as_body(const struct answer_reader *a, const char *name, struct str text)
{
	struct run r;

	run_begin(&r, a, false, false);
	run_text(&r, text, 0, 1U << 20);
	if (r.tap.broken == may_pass(name, text))
		fail_msg("%s as a body: broken is %d", name, r.tap.broken);
	assert_int_equal(r.out.len, text.len);
	if (text.len < 10000)
		run_in_pieces(&r, text);
	run_end(&r);
}

/* Every line of it becomes a line of the event's data. */
static void
as_event(const struct answer_reader *a, const char *name, struct str text)
{
	struct run r;
	struct buf wire;

	buf_init(&wire, 1U << 20);
	buf_add(&wire, "data: ");
	for (size_t i = 0; i < text.len; i++) {
		assert_true(buf_append(&wire, text.p + i, 1));
		if (text.p[i] == '\n' || text.p[i] == '\r')
			buf_add(&wire, "data: ");
	}
	buf_add(&wire, "\n\n");
	run_begin(&r, a, true, false);
	run_text(&r, buf_str(&wire), 0, 1U << 20);
	if (name[0] == 'n' && text.len > 0 && !r.tap.broken)
		fail_msg("%s as an event: not broken", name);
	assert_int_equal(r.out.len, wire.len);
	assert_memory_equal(r.out.p, wire.p, wire.len);
	if (wire.len < 10000)
		run_in_pieces(&r, buf_str(&wire));
	run_end(&r);
	buf_fini(&wire);
}

static void
on_file(void *arg, const char *name)
{
	struct counts *c = arg;
	struct env *env = env_system();
	char path[512];
	struct buf text;

	snprintf(path, sizeof(path), "%s%s", SUITE, name);
	buf_init(&text, 1U << 20);
	assert_true(env->read_file(env, path, 1U << 20, &text));
	as_body(&openai_answer, name, buf_str(&text));
	as_body(&anthropic_answer, name, buf_str(&text));
	as_event(&openai_answer, name, buf_str(&text));
	as_event(&anthropic_answer, name, buf_str(&text));
	buf_fini(&text);
	c->files++;
	c->refused += name[0] == 'n';
}

static void
test_json_suite(void **state)
{
	struct env *env = env_system();
	struct counts c = {0};

	(void)state;
	if (!env->list_dir(env, SUITE, on_file, &c))
		skip();
	assert_int_equal(c.files, 318);
	assert_int_equal(c.refused, 188);
}

/* Where a number, a text or an object is expected, anything may stand. */
static void
test_odd_values(void **state)
{
	static const char *const values[] = {"null", "true", "-1", "1.5", "1e400",
	    "99999999999999999999", "\"\"", "\"7\"", "\"x\"", "[]", "{}", "[1,2]",
	    "{\"message\":{}}", "\"\\u0000\\ud83d\\ude00\""};
	static const char *const members[] = {"id", "model", "usage", "error",
	    "choices", "service_tier", "type", "message", "delta", "content",
	    "stop_reason", "content_block", "x_groq", "obfuscation"};
	char text[256];
	struct run r;

	(void)state;
	for (size_t i = 0; i < nitems(members); i++) {
		for (size_t j = 0; j < nitems(values); j++) {
			snprintf(text, sizeof(text), "data: {\"%s\":%s}\n\n",
			    members[i], values[j]);
			run_begin(&r, &openai_answer, true, i & 1);
			run_text(&r, str_of(text), 0, 1U << 20);
			run_in_pieces(&r, str_of(text));
			run_end(&r);
			run_begin(&r, &anthropic_answer, true, i & 1);
			run_text(&r, str_of(text), 0, 1U << 20);
			run_in_pieces(&r, str_of(text));
			run_end(&r);
		}
	}
}

static void
check_counts(const char *usage, int64_t input, int64_t output, bool inconsistent)
{
	struct buf body;
	struct run r;

	buf_init(&body, 4096);
	buf_printf(&body, "{\"usage\":%s}", usage);
	run_begin(&r, &openai_answer, false, false);
	run_text(&r, buf_str(&body), 0, 1U << 20);
	assert_int_equal(r.tap.usage.tokens[TOKEN_input_uncached], input);
	assert_int_equal(r.tap.usage.tokens[TOKEN_output], output);
	assert_int_equal(r.tap.usage.inconsistent, inconsistent);
	assert_int_equal(r.tap.usage_seen, input >= 0 && output >= 0);
	run_end(&r);
	buf_fini(&body);
}

/* What is no count is not taken for 0. */
static void
test_odd_counts(void **state)
{
	(void)state;
	check_counts("{\"prompt_tokens\":0,\"completion_tokens\":0}", 0, 0, false);
	check_counts(
	    "{\"prompt_tokens\":1e3,\"completion_tokens\":2.0}", 1000, 2, false);
	check_counts(
	    "{\"prompt_tokens\":\"12\",\"completion_tokens\":3}", 12, 3, false);
	check_counts("{\"prompt_tokens\":null,\"completion_tokens\":3}", -1, 3, true);
	check_counts("{\"prompt_tokens\":-4,\"completion_tokens\":3}", -1, 3, true);
	check_counts("{\"prompt_tokens\":4.5,\"completion_tokens\":3}", -1, 3, true);
	check_counts("{\"prompt_tokens\":4}", 4, -1, true);
	check_counts("{\"prompt_tokens\":4,\"total_tokens\":9}", 4, 5, false);
	check_counts(
	    "{\"prompt_tokens\":9999999999999,\"completion_tokens\":1}", -1, 1, true);
	check_counts("{}", -1, -1, true);
	check_counts("[]", -1, -1, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_suite),
	    cmocka_unit_test(test_odd_values),
	    cmocka_unit_test(test_odd_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
