/* libs: base core parse relay */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tap_run.h"

static struct str
out(const struct run *r)
{
	return buf_str(&r->out);
}

#define assert_str(got, want)                            \
	do {                                             \
		struct str s_ = (got);                   \
		assert_int_equal(s_.len, strlen(want));  \
		assert_memory_equal(s_.p, want, s_.len); \
	} while (0)

/* ---- OpenAI ---- */

#define CHUNK(delta)                                                                  \
	"data: "                                                                      \
	"{\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":" delta \
	"}]}\n\n"
#define FINISH                                                                     \
	"data: "                                                                   \
	"{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":" \
	"\"stop\"}]}\n\n"
#define USAGE(body) "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{" body "}}\n\n"
#define SOME_USAGE \
	USAGE("\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11")
#define HELLO                                              \
	CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") \
	CHUNK("{\"content\":\"Hi\\n\"}")

static void
test_stream(void **state)
{
	struct run r;

	(void)state;
	run_begin(&r, &openai_answer, true, false);
	run_text(&r, STR(HELLO FINISH SOME_USAGE "data: [DONE]\n\n"), 0, 100000);
	assert_str(out(&r), HELLO FINISH);
	assert_str(tap_terminal(&r.tap, "0.5"), "data: [DONE]\n\n");
	assert_true(r.tap.terminal);
	assert_true(r.tap.finished);
	assert_true(r.tap.usage_seen);
	assert_false(r.tap.broken);
	assert_false(r.tap.usage.inconsistent);
	assert_int_equal(r.tap.events, 1);
	assert_int_equal(r.tap.output_bytes, 3);
	assert_string_equal(r.tap.model, "m-1");
	assert_string_equal(r.tap.response_id, "c1");
	assert_string_equal(r.tap.finish, "stop");
	assert_int_equal(r.tap.usage.tokens[TOKEN_input_uncached], 9);
	assert_int_equal(r.tap.usage.tokens[TOKEN_output], 2);
	assert_int_equal(r.tap.usage.tokens[TOKEN_cache_read], -1);
	assert_str(buf_str(&r.tap.raw_usage),
	    "{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}");
	run_end(&r);
}

static void
test_cost_in_usage(void **state)
{
	struct run r;

	(void)state;
	run_begin(&r, &openai_answer, true, true);
	run_text(
	    &r, STR(HELLO FINISH SOME_USAGE ": ping\n\ndata: [DONE]\n\n"), 0, 100000);
	assert_str(out(&r), HELLO FINISH);
	assert_str(tap_terminal(&r.tap, "0.5"),
	    USAGE("\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,"
		  "\"cost_usd\":\"0.5\"") ": ping\n\ndata: [DONE]\n\n");
	run_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_cost_in_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
