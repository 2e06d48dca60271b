/* libs: base config core parse */
/* test_parse_error.c: our errors as both APIs write them, and what the errors of
 * providers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/mem.h"
#include "core/request.h"

/* ---- ours ---- */

static void
test_openai_form(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	dialect_openai.write_error(&out, outcome_row(OUT_bad_request),
	    "messages[0].role: expected a \"string\"", "messages[0].role", "req_1");
	assert_string_equal(out.p,
	    "{\"error\":{\"message\":\"messages[0].role: expected a \\\"string\\\"\","
	    "\"type\":\"invalid_request_error\",\"param\":\"messages[0].role\","
	    "\"code\":"
	    "\"invalid_request\"}}");
	buf_clear(&out);
	dialect_azure.write_error(&out, outcome_row(OUT_not_found), NULL, NULL, NULL);
	assert_string_equal(out.p,
	    "{\"error\":{\"message\":\"there is nothing at this path\",\"type\":"
	    "\"invalid_request_error\",\"param\":null,\"code\":\"not_found\"}}");
	buf_clear(&out);
	dialect_openai.write_stream_error(
	    &out, outcome_row(OUT_cut), "it\nbroke", "req_1");
	assert_string_equal(out.p,
	    "data: {\"error\":{\"message\":\"it\\nbroke\",\"type\":\"upstream_error\","
	    "\"param\":null,\"code\":\"upstream_cut\"}}\n\n");
	buf_fini(&out);
}

static void
test_anthropic_form(void **state)
{
	static const struct {
		enum outcome outcome;
		const char *type;
	} rows[] = {
	    {OUT_bad_json, "invalid_request_error"},
	    {OUT_unauthenticated, "authentication_error"},
	    {OUT_quota, "billing_error"},
	    {OUT_not_permitted, "permission_error"},
	    {OUT_not_found, "not_found_error"},
	    {OUT_bad_method, "invalid_request_error"},
	    {OUT_too_large, "request_too_large"},
	    {OUT_provider_rate, "rate_limit_error"},
	    {OUT_overloaded, "overloaded_error"},
	    {OUT_no_candidate, "api_error"},
	    {OUT_internal, "api_error"},
	    {OUT_slow_first_byte, "timeout_error"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < nitems(rows); i++) {
		char want[256];

		snprintf(want, sizeof(want),
		    "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"m\"},"
		    "\"request_id\":\"req_1\"}",
		    rows[i].type);
		buf_clear(&out);
		dialect_anthropic.write_error(
		    &out, outcome_row(rows[i].outcome), "m", "model", "req_1");
		assert_string_equal(out.p, want);
	}
	buf_clear(&out);
	dialect_anthropic.write_stream_error(
	    &out, outcome_row(OUT_shutdown), NULL, NULL);
	assert_string_equal(out.p,
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
	    "\"overloaded_error\",\"message\":\"frugald is shutting down and the "
	    "answer "
	    "was cut\"}}\n\n");
	buf_fini(&out);
}

/* ---- theirs ---- */

struct row {
	int status;
	const char *body;
	enum outcome outcome;
	const char *message;
};

static void
check(const struct dialect *d, const struct row *rows, size_t count)
{
	struct buf message;

	buf_init(&message, 2048);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(rows[i].body);
		char *body = xmemdup(rows[i].body, len);
		enum outcome o;

		buf_clear(&message);
		o = d->read_error(rows[i].status, str_make(body, len), &message);
		xfree(body);
		if (o != rows[i].outcome || !str_is(buf_str(&message), rows[i].message))
			fail_msg("%d %s\n  is   %s: %s\n  not  %s: %s", rows[i].status,
			    rows[i].body, outcome_name(o), message.p,
			    outcome_name(rows[i].outcome), rows[i].message);
	}
	buf_fini(&message);
}

static const struct row openai_rows[] = {
    {400,
	"{\"error\":{\"message\":\"This model's maximum context length is "
	"128000 "
	"tokens.\",\"type\":\"invalid_request_error\",\"param\":\"messages\","
	"\"code\":\"context_length_exceeded\"}}",
	OUT_context_length, "This model's maximum context length is 128000 tokens."},
    {401,
	"{\"error\":{\"message\":\"Incorrect API key "
	"provided\",\"type\":\"invalid_request_error\",\"param\":null,"
	"\"code\":\"invalid_api_key\"}}",
	OUT_provider_key, "Incorrect API key provided"},
    {404,
	"{\"error\":{\"message\":\"The model `x` does not exist\",\"type\":"
	"\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}"
	"}",
	OUT_provider_error, "The model `x` does not exist"},
    {429,
	"{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\","
	"\"param\":null,\"code\":\"rate_limit_exceeded\"}}",
	OUT_provider_rate, "Rate limit reached"},
    {429,
	"{\"error\":{\"message\":\"You exceeded your current quota, please "
	"check\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":"
	"\"insufficient_quota\"}}",
	OUT_provider_quota, "You exceeded your current quota, please check"},
    {400,
	"{\"error\":{\"message\":\"Unsupported parameter: "
	"'max_tokens'\",\"type\":"
	"\"invalid_request_error\",\"param\":\"max_tokens\",\"code\":"
	"\"unsupported_parameter\"}}",
	OUT_provider_refused, "Unsupported parameter: 'max_tokens'"},
    {500, "{\"error\":{\"message\":\"The server had an error\"}}", OUT_provider_error,
	"The server had an error"},
    {503, "{\"error\":{\"message\":\"Slow down\",\"code\":\"slow_down\"}}",
	OUT_provider_rate, "Slow down"},
    /* Azure */
    {400,
	"{\"error\":{\"message\":\"The response was filtered\",\"type\":null,"
	"\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,"
	"\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
	OUT_provider_refused, "The response was filtered"},
    {401,
	"{\"error\":{\"code\":\"401\",\"message\":\"Access denied due to "
	"invalid "
	"subscription key\"}}",
	OUT_provider_key, "Access denied due to invalid subscription key"},
    {404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"gone\"}}",
	OUT_provider_error, "gone"},
    /* Gemini: an array, and numbers as codes */
    {429,
	"[{\"error\":{\"code\":429,\"message\":\"You exceeded your current "
	"quota\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
	OUT_provider_rate, "You exceeded your current quota"},
    {400,
	"[{\n \"error\": {\"code\": 400, \"message\": \"API key not valid.\", "
	"\"status\": \"INVALID_ARGUMENT\"}}\n]",
	OUT_provider_key, "API key not valid."},
    {400,
	"[{\"error\":{\"code\":400,\"message\":\"The input token count "
	"(2000000) "
	"exceeds the maximum\",\"status\":\"INVALID_ARGUMENT\"}}]",
	OUT_context_length, "The input token count (2000000) exceeds the maximum"},
    /* vLLM: no "error"; llama.cpp; Ollama; FastAPI; Mistral */
    {400,
	"{\"object\":\"error\",\"message\":\"This model's maximum context "
	"length "
	"is 4096 tokens\",\"type\":\"BadRequestError\",\"param\":null,\"code\":"
	"400}",
	OUT_context_length, "This model's maximum context length is 4096 tokens"},
    {400,
	"{\"error\":{\"code\":400,\"message\":\"too "
	"long\",\"type\":\"exceed_context_size_error\",\"n_ctx\":4096}}",
	OUT_context_length, "too long"},
    {503,
	"{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":"
	"\"unavailable_error\"}}",
	OUT_provider_error, "Loading model"},
    {404, "{\"error\":\"model \\\"x\\\" not found, try pulling it first\"}",
	OUT_provider_error, "model \"x\" not found, try pulling it first"},
    {422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}",
	OUT_provider_refused, "field required"},
    {404, "{\"detail\":\"Not Found\"}", OUT_provider_error, "Not Found"},
    {402, "{\"error\":{\"message\":\"Insufficient Balance\",\"code\":402}}",
	OUT_provider_quota, "Insufficient Balance"},
    {413, "{\"message\":\"Request Entity Too Large\"}", OUT_context_length,
	"Request Entity Too Large"},
    /* no JSON, or not all of it */
    {502, "<html><body>Bad gateway</body></html>", OUT_provider_error, ""},
    {503, "upstream connect error\n", OUT_provider_error, "upstream connect error"},
    {500, "", OUT_provider_error, ""},
    {400, "{\"error\":{\"message\":\"cut off\",\"ty", OUT_provider_refused, "cut off"},
    {400, "{\"error\":{\"message\":\"cut of", OUT_provider_refused, ""},
    {400, "{\"error\":{\"message\":[1],\"code\":{}}}", OUT_provider_refused, ""},
    {302, "{}", OUT_provider_error, ""},
    {408, "{}", OUT_provider_error, ""},
};

static void
test_openai_reads(void **state)
{
	(void)state;
	check(&dialect_openai, openai_rows, nitems(openai_rows));
	check(&dialect_azure, openai_rows, nitems(openai_rows));
}

static void
test_anthropic_reads(void **state)
{
#define ANTHROPIC(type, message)                                                      \
	"{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"" message \
	"\"},\"request_id\":\"req_1\"}"
	static const struct row rows[] = {
	    {400,
		ANTHROPIC("invalid_request_error",
		    "prompt is too long: 210000 tokens > 200000 maximum"),
		OUT_context_length,
		"prompt is too long: 210000 tokens > 200000 maximum"},
	    {400,
		ANTHROPIC("invalid_request_error",
		    "input length and `max_tokens` exceed context limit: 1 + 2 > 3"),
		OUT_context_length,
		"input length and `max_tokens` exceed context limit: 1 + 2 > 3"},
	    {400,
		ANTHROPIC("invalid_request_error",
		    "Your credit balance is too low to access the Anthropic API."),
		OUT_provider_quota,
		"Your credit balance is too low to access the Anthropic API."},
	    {400, ANTHROPIC("invalid_request_error", "messages: at least one"),
		OUT_provider_refused, "messages: at least one"},
	    {401, ANTHROPIC("authentication_error", "invalid x-api-key"),
		OUT_provider_key, "invalid x-api-key"},
	    {402, ANTHROPIC("billing_error", "b"), OUT_provider_quota, "b"},
	    {403, ANTHROPIC("permission_error", "p"), OUT_provider_key, "p"},
	    {404, ANTHROPIC("not_found_error", "model: x"), OUT_provider_error,
		"model: x"},
	    {413, ANTHROPIC("request_too_large", "r"), OUT_context_length, "r"},
	    {429, ANTHROPIC("rate_limit_error", "l"), OUT_provider_rate, "l"},
	    {500, ANTHROPIC("api_error", "Internal server error"), OUT_provider_error,
		"Internal server error"},
	    {504, ANTHROPIC("timeout_error", "t"), OUT_provider_error, "t"},
	    {529, ANTHROPIC("overloaded_error", "Overloaded"), OUT_provider_rate,
		"Overloaded"},
	    /* a gateway in between blames its own upstream's credentials */
	    {502, ANTHROPIC("authentication_error", "a"), OUT_provider_error, "a"},
	};

	(void)state;
	check(&dialect_anthropic, rows, nitems(rows));
}

/* At most a KiB, and never half a character. */
static void
test_long_message(void **state)
{
	struct buf body, message;

	(void)state;
	buf_init(&body, 1 << 20);
	buf_init(&message, 2048);
	buf_add(&body, "{\"error\":{\"message\":\"xx");
	for (int i = 0; i < 30000; i++)
		buf_add(&body, "\xE2\x82\xAC");
	buf_add(&body, "\"}}");
	assert_int_equal(dialect_openai.read_error(400, buf_str(&body), &message),
	    OUT_provider_refused);
	assert_int_equal(message.len, 2 + 340 * 3);
	buf_fini(&body);
	buf_fini(&message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_openai_form),
	    cmocka_unit_test(test_anthropic_form),
	    cmocka_unit_test(test_openai_reads),
	    cmocka_unit_test(test_anthropic_reads),
	    cmocka_unit_test(test_long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
