/* libs: base config core parse */
/* test_endpoint.c: the data plane's paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/dialect.h"

static const struct {
	const char *method, *path, *dialect, *tail, *tags;
	enum endpoint endpoint;
	enum outcome outcome;
} rows[] = {
    {"POST", "/v1/chat/completions", "openai", "", "", EP_generate, OUT_served},
    {"POST", "/chat/completions", "openai", "", "", EP_generate, OUT_served},
    {"POST", "/v1/messages", "anthropic", "", "", EP_generate, OUT_served},
    {"POST", "/messages", "anthropic", "", "", EP_generate, OUT_served},
    {"POST", "/v1/messages/count_tokens", "anthropic", "", "", EP_count_tokens,
	OUT_served},
    {"GET", "/v1/models", "openai", "", "", EP_models, OUT_served},
    {"GET", "/v1/models/a", "openai", "a", "", EP_model, OUT_served},
    {"GET", "/v1/models/meta/llama:8b", "openai", "meta/llama:8b", "", EP_model,
	OUT_served},
    {"GET", "/v1/requests/req_1", "openai", "req_1", "", EP_request, OUT_served},
    {"GET", "/v1/costs/summary", "openai", "", "", EP_costs_summary, OUT_served},
    {"GET", "/v1/costs/gate", "openai", "", "", EP_costs_gate, OUT_served},
    {"POST", "/v1/costs/gate", "openai", "", "", EP_none, OUT_bad_method},
    /* below tags, which may say anything that a path may */
    {"POST", "/t/run=184,job=e2e/v1/messages", "anthropic", "", "run=184,job=e2e",
	EP_generate, OUT_served},
    {"POST", "/t/a=b/chat/completions", "openai", "", "a=b", EP_generate, OUT_served},
    {"POST", "/t/a=b", "openai", "", "", EP_none, OUT_not_found},
    /* escapes are the tags' own business; elsewhere a path has none */
    {"POST", "/t/run=a%2Fb/v1/chat/completions", "openai", "", "run=a%2Fb", EP_generate,
	OUT_served},
    {"GET", "/t/run=1%/v1/models", "openai", "", "run=1%", EP_models, OUT_served},
    {"GET", "/t/run=1/v1/costs/summary", "openai", "", "run=1", EP_costs_summary,
	OUT_served},
    {"POST", "/t/run=1/v1/messages/count_tokens", "anthropic", "", "run=1",
	EP_count_tokens, OUT_served},
    {"POST", "/t/run=1/v1/%6dessages", "openai", "", "run=1", EP_none, OUT_not_found},
    {"POST", "/t/run=1 2/v1/messages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/t/run=1//v1/messages", "openai", "", "run=1", EP_none, OUT_not_found},
    {"POST", "/t//v1/messages", "openai", "", "", EP_none, OUT_not_found},
    /* a method that the path does not take */
    {"GET", "/v1/chat/completions", "openai", "", "", EP_none, OUT_bad_method},
    {"DELETE", "/v1/messages", "anthropic", "", "", EP_none, OUT_bad_method},
    {"POST", "/v1/models/a", "openai", "a", "", EP_none, OUT_bad_method},
    {"post", "/v1/messages", "anthropic", "", "", EP_none, OUT_bad_method},
    /* nothing is there; the error has the form of the nearest API */
    {"POST", "/v1/route", "openai", "", "", EP_generate, OUT_served},
    {"POST", "/v1/route/chat/completions", "openai", "", "", EP_generate, OUT_served},
    {"POST", "/t/a=1/route/messages", "anthropic", "", "a=1", EP_generate, OUT_served},
    {"GET", "/v1/route", "openai", "", "", EP_none, OUT_bad_method},
    {"POST", "/v1/route/auto", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/messages/batches", "anthropic", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/embeddings", "openai", "", "", EP_none, OUT_not_found},
    {"GET", "/v1/models/", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/v1/messages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "*", "openai", "", "", EP_none, OUT_not_found},
    /* one way to write a path: no escapes, dots, doubled slashes, blanks */
    {"POST", "/v1//messages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/./messages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/x/../messages", "openai", "", "", EP_none, OUT_not_found},
    {"GET", "/v1/models/..", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/%6dessages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1\\messages", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "/v1/messages?x=1", "openai", "", "", EP_none, OUT_not_found},
    {"GET", "/v1/models/a b", "openai", "", "", EP_none, OUT_not_found},
    {"GET", "/v1/models/\xC3\xA4", "openai", "", "", EP_none, OUT_not_found},
    {"POST", "http://127.0.0.1/v1/messages", "openai", "", "", EP_none, OUT_not_found},
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct endpoint_found f;
		bool found =
		    endpoint_match(str_of(rows[i].method), str_of(rows[i].path), &f);

		if (found != (rows[i].outcome == OUT_served) ||
		    f.outcome != rows[i].outcome || f.endpoint != rows[i].endpoint ||
		    !str_is(f.tail, rows[i].tail) ||
		    !str_is(f.path_tags, rows[i].tags) ||
		    !str_is(str_of(f.dialect->name), rows[i].dialect))
			fail_msg("%s %s: %s, endpoint %d, %s, tail '%.*s', tags '%.*s'",
			    rows[i].method, rows[i].path, outcome_name(f.outcome),
			    (int)f.endpoint, f.dialect->name, (int)f.tail.len, f.tail.p,
			    (int)f.path_tags.len, f.path_tags.p);
	}
}

static void
test_dialects(void **state)
{
	(void)state;
	assert_ptr_equal(dialect_find(STR("openai")), &dialect_openai);
	assert_ptr_equal(dialect_find(STR("azure")), &dialect_azure);
	assert_ptr_equal(dialect_find(STR("anthropic")), &dialect_anthropic);
	assert_null(dialect_find(STR("OpenAI")));
	assert_null(dialect_find(STR("")));
	assert_true(dialect_same(&dialect_openai, &dialect_azure));
	assert_false(dialect_same(&dialect_openai, &dialect_anthropic));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_dialects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
