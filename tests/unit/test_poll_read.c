/* libs: base call */
/* test_poll_read.c: what servers tell of themselves, as they write it and as nobody
 * should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/util.h"
#include "poll_read.h"
#include "queue.h"

/* The names are not told: "" and false. */
struct page_case {
	enum poll_page page;
	const char *body;
	bool any;
	int32_t running, waiting, slots;
	double kv_share;
	int64_t tokens;
};

#define NOTHING false, -1, -1, -1, -1, -1

static const struct page_case cases[] = {
    {PAGE_vllm_metrics,
	"# HELP vllm:num_requests_running Number of requests\n"
	"# TYPE vllm:num_requests_running gauge\n"
	"vllm:num_requests_running{engine=\"0\",model_name=\"qwen\"} 3.0\n"
	"vllm:num_requests_running{engine=\"1\",model_name=\"qwen\"} 2.0\r\n"
	"vllm:num_requests_waiting{engine=\"0\",model_name=\"qwen\"} 4.0 "
	"1712345678901\n"
	"vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 4.0\n"
	"vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n"
	"vllm:kv_cache_usage_perc{engine=\"1\"} 0.5\n"
	"vllm:generation_tokens_total{engine=\"0\"} 1.5e+06\n"
	"vllm:generation_tokens_total{engine=\"1\"} 7\n",
	true, 5, 4, -1, 0.5, 1500007},
    {PAGE_vllm_metrics, "vllm:gpu_cache_usage_perc 0.75", true, -1, -1, -1, 0.75, -1},
    {PAGE_vllm_metrics, "vllm:num_requests_running{a=\"}\\\"} 9\"} 1\n", true, 1, -1,
	-1, -1, -1},
    {PAGE_vllm_metrics, "llamacpp:requests_processing 1\n", NOTHING},
    {PAGE_vllm_metrics, "<html>vllm:num_requests_running 1</html>\n", NOTHING},
    {PAGE_vllm_metrics, "", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running NaN\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running +Inf\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running -1\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 1e300\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 1e999\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 0x10\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 1,5\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 1e\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running{a=\"b 1\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 2147483648\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:num_requests_running 2147483647\n", true, 2147483647, -1,
	-1, -1, -1},
    /* Half a sum is none; the others hold. */
    {PAGE_vllm_metrics,
	"vllm:num_requests_running{e=\"0\"} 1\nvllm:num_requests_running{e=\"1\"} NaN\n"
	"vllm:num_requests_waiting 2\n",
	true, -1, 2, -1, -1, -1},
    {PAGE_vllm_metrics,
	"vllm:num_requests_waiting{e=\"0\"} 2147483647\n"
	"vllm:num_requests_waiting{e=\"1\"} 1\n",
	NOTHING},
    {PAGE_vllm_metrics, "vllm:kv_cache_usage_perc 1.5\n", NOTHING},
    {PAGE_vllm_metrics, "vllm:generation_tokens_total 9e15\n", true, -1, -1, -1, -1,
	9000000000000000},
    {PAGE_llamacpp_metrics,
	"llamacpp:tokens_predicted_total 42\nllamacpp:kv_cache_usage_ratio 0.1\n"
	"llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\n",
	true, 2, 1, -1, 0.1, 42},
    {PAGE_llamacpp_metrics, "{\"error\":{\"code\":501}}", NOTHING},
    {PAGE_llamacpp_slots,
	"[{\"id\":0,\"is_processing\":true},{\"id\":1,\"is_processing\":false}]", true,
	1, -1, 2, -1, -1},
    {PAGE_llamacpp_slots, "[{\"id\":0,\"state\":1},{\"id\":1,\"state\":0}]", true, 1,
	-1, 2, -1, -1},
    {PAGE_llamacpp_slots, "[{\"id\":0,\"is_processing\":true},7]", NOTHING},
    {PAGE_llamacpp_slots, "[{\"id\":0,\"is_processing\":1}]", NOTHING},
    {PAGE_llamacpp_slots, "[]", NOTHING},
    {PAGE_llamacpp_slots, "{\"error\":{\"code\":501}}", NOTHING},
    {PAGE_llamacpp_slots, "[{\"is_processing\":true}", NOTHING},
    {PAGE_llamacpp_slots, "", NOTHING},
};

static void
test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct page_case *c = &cases[i];
		struct told t = TOLD_NOTHING;

		if (poll_read(c->page, str_of(c->body), &t) != c->any ||
		    t.running != c->running || t.waiting != c->waiting ||
		    t.slots != c->slots || t.tokens != c->tokens || t.on_demand ||
		    t.kv_share < c->kv_share || t.kv_share > c->kv_share)
			fail_msg("%s: running %d, waiting %d, slots %d, kv %g, tokens "
				 "%lld",
			    c->body, t.running, t.waiting, t.slots, t.kv_share,
			    (long long)t.tokens);
	}
}

/* Either of two pages will do, and one does not undo the other. */
static void
test_both_pages(void **state)
{
	struct told t = TOLD_NOTHING;

	(void)state;
	assert_true(
	    poll_read(PAGE_llamacpp_slots, STR("[{\"is_processing\":true}]"), &t));
	assert_false(poll_read(PAGE_llamacpp_metrics, STR("not found"), &t));
	assert_int_equal(t.slots, 1);
	assert_true(
	    poll_read(PAGE_llamacpp_metrics, STR("llamacpp:requests_deferred 3"), &t));
	assert_int_equal(t.slots, 1);
	assert_int_equal(t.running, 1);
	assert_int_equal(t.waiting, 3);
}

/* ---- Ollama ---- */

static void
test_models(void **state)
{
	struct told t = TOLD_NOTHING;

	(void)state;
	assert_true(poll_read(PAGE_ollama_ps,
	    STR("{\"models\":[{\"name\":\"qwen3:32b\",\"size\":1},"
		"{\"name\":\"phi4:latest\"}]}"),
	    &t));
	assert_true(t.on_demand);
	assert_int_equal(t.models, 2);
	assert_string_equal(t.model[0], "qwen3:32b");
	assert_string_equal(t.model[1], "phi4:latest");
	assert_int_equal(t.running, -1);
	t = TOLD_NOTHING;
	assert_true(poll_read(PAGE_ollama_ps, STR("{\"models\":[]}"), &t));
	assert_true(t.on_demand);
	assert_int_equal(t.models, 0);
}

static const char long_name[] =
    "{\"models\":[{\"name\":\"ok\"},{\"name\":\""
    "0123456789012345678901234567890123456789012345678901234567890123\"}]}";

static const char *const no_models[] = {
    "",
    "[]",
    "{}",
    "{\"models\":null}",
    "{\"models\":{}}",
    "{\"models\":[{\"name\":7}]}",
    "{\"models\":[\"qwen\"]}",
    "{\"models\":[{\"name\":\"a\\u0000b\"}]}",
    "{\"models\":[{},{},{},{},{},{},{},{},{}]}",
    long_name,
};

static void
test_no_models(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(no_models); i++) {
		struct told t = TOLD_NOTHING;

		if (poll_read(PAGE_ollama_ps, str_of(no_models[i]), &t) ||
		    t.on_demand || t.models != 0 || t.model[0][0] != '\0')
			fail_msg("%s is told", no_models[i]);
	}
}

/* Brackets without end are refused before they use up the stack. */
static void
test_deep(void **state)
{
	static char deep[200000];
	struct told t = TOLD_NOTHING;

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_false(poll_read(PAGE_llamacpp_slots, str_make(deep, sizeof(deep)), &t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_both_pages),
	    cmocka_unit_test(test_models),
	    cmocka_unit_test(test_no_models),
	    cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
