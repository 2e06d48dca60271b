/* libs: base core config parse relay meter */
/* test_wrong_prices.c: what gateways bill wrongly, each from an answer to an amount by
 * the price book that is shipped. Amounts are worked out by hand, in dollars for a
 * million tokens, which are pico-dollars for one millionth of a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "config/prices.h"
#include "embed.h"
#include "stage/meter.h"
#include "tap_run.h"

#define AT(hour, minute) \
	(INT64_C(1795478400) + (hour)*3600 + (minute)*60) /* 2026-11-24 */

static struct price_book *book;

static int
read_book(void **state)
{
	struct diag *d = diag_new();

	(void)state;
	book = price_book_parse(
	    str_make(embed_prices_yaml, embed_prices_yaml_len), "prices.yaml", d);
	diag_free(d);
	return book == NULL;
}

static int
free_book(void **state)
{
	(void)state;
	price_book_free(book);
	return 0;
}

static struct usage
told(const struct answer_reader *reader, bool stream, const char *answer)
{
	struct run r;
	struct usage u;

	run_begin(&r, reader, stream, false);
	run_text(&r, str_of(answer), strlen(answer), 1);
	u = r.tap.usage;
	assert_true(r.tap.usage_seen);
	run_end(&r);
	return u;
}

/* In pico-dollars; -1: unpriced. */
static int64_t
bill_at(const char *provider, const char *model, int64_t at_s, struct usage u,
    const char *tier)
{
	const struct price_row *row =
	    price_book_find(book, str_of(provider), str_of(model), at_s);
	struct pusd amount;

	assert_non_null(row);
	return price_cost(row, &u, str_of(tier), 1000000, &amount) ? amount.v : -1;
}

static int64_t
bill(const char *provider, const char *model, struct usage u)
{
	return bill_at(provider, model, AT(12, 0), u, "");
}

#define CHAT(usage)                                                             \
	"{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{" \
	"\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{" usage "}}"
#define MESSAGE(usage)                                                      \
	"{\"id\":\"m\",\"type\":\"message\",\"model\":\"c\",\"content\":[{" \
	"\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":\"end_turn\","  \
	"\"usage\":{" usage "}}"

/* gateways.md 4.3 no. 25: $0.764 instead of $0.185 */
static void
test_cached_tokens_of_gemini_are_part_of_the_prompt(void **state)
{
	struct usage u = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":180000,\"completion_tokens\":1000,\"total_tokens\":"
		 "181000,\"prompt_tokens_details\":{\"cached_tokens\":170000}"));

	(void)state;
	/* 10,000 × 1.25 + 170,000 × 0.125 + 1,000 × 10 */
	assert_int_equal(bill("google", "google/gemini-2.5-pro", u), 43750000000);
}

/* gateways.md 4.3 no. 26: reads and writes of the cache, by their time to live */
static void
test_cache_prices(void **state)
{
	struct usage anthropic = told(&anthropic_answer, false,
	    MESSAGE("\"input_tokens\":10,\"cache_read_input_tokens\":1000,"
		    "\"cache_creation_input_tokens\":500,\"cache_creation\":{"
		    "\"ephemeral_5m_input_tokens\":200,\"ephemeral_1h_input_tokens\":"
		    "300},\"output_tokens\":5"));
	struct usage openai = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":1510,\"completion_tokens\":5,\"total_tokens\":1515,"
		 "\"prompt_tokens_details\":{\"cached_tokens\":1000,"
		 "\"cache_write_tokens\":500}"));

	(void)state;
	/* 10 × 2 + 1,000 × 0.2 + 200 × 2.5 + 300 × 4 + 5 × 10 */
	assert_int_equal(
	    bill("anthropic", "anthropic/claude-sonnet-5", anthropic), 1970000000);
	/* 10 × 0.2 + 1,000 × 0.02 + 500 × 0.25 + 5 × 1.2 */
	assert_int_equal(bill("openai", "openai/gpt-5.6-luna", openai), 153000000);
}

/* gateways.md 4.3 no. 28: $1.16 were booked of about $185 */
static void
test_a_price_that_is_missing_is_not_0(void **state)
{
	struct usage u = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":1000,\"completion_tokens\":5,\"total_tokens\":1005,"
		 "\"prompt_tokens_details\":{\"audio_tokens\":1}"));

	(void)state;
	/* luna hears nothing */
	assert_int_equal(bill("openai", "openai/gpt-5.6-luna", u), -1);
	assert_null(
	    price_book_find(book, STR("openai"), STR("openai/of-tomorrow"), AT(12, 0)));
	assert_null(
	    price_book_find(book, STR("nobody"), STR("nobody/model"), AT(12, 0)));
}

/* gateways.md 4.3 no. 29: DeepSeek's peaks are from 1 to 4 and from 6 to 10, UTC */
static void
test_peak_and_off_peak(void **state)
{
	static const struct {
		int64_t at_s;
		bool peak;
	} rows[] = {{AT(0, 59), false}, {AT(1, 0), true}, {AT(3, 59), true},
	    {AT(4, 0), false}, {AT(6, 0), true}, {AT(9, 59), true}, {AT(10, 0), false},
	    {AT(23, 59), false}};
	struct usage u = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":1000,\"completion_tokens\":100,\"total_tokens\":"
		 "1100,\"prompt_cache_hit_tokens\":900,\"prompt_cache_miss_tokens\":"
		 "100"));

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		int64_t got = bill_at(
		    "deepseek", "deepseek/deepseek-v4-pro", rows[i].at_s, u, "");

		/* 100 × 0.66 + 900 × 0.022 + 100 × 1.98; twice that at the peak */
		assert_int_equal(got, rows[i].peak ? 567600000 : 283800000);
	}
	/* before there were any */
	assert_string_equal(price_book_find(book, STR("deepseek"),
				STR("deepseek/deepseek-v4-pro"), AT(2 - 24 * 150, 0))
				->id,
	    "deepseek/deepseek-v4-pro/first");
}

/* gateways.md 4.3 no. 30: told as a sum and by lifetime, at the begin of a stream and
 * at its end, beside the input tokens */
static void
test_cache_creation_is_counted_once(void **state)
{
#define TWICE                                                      \
	"\"input_tokens\":10,\"cache_read_input_tokens\":1000,"    \
	"\"cache_creation_input_tokens\":500,\"cache_creation\":{" \
	"\"ephemeral_5m_input_tokens\":500,\"ephemeral_1h_input_tokens\":0},"
	struct usage u = told(&anthropic_answer, true,
	    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"
	    "\"id\":\"m\",\"model\":\"c\",\"usage\":{" TWICE
	    "\"output_tokens\":1}}}\n\n"
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n"
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
	    "\"stop_reason\":\"end_turn\"},\"usage\":{" TWICE
	    "\"output_tokens\":5}}\n\n"
	    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");

	(void)state;
	/* 10 × 2 + 1,000 × 0.2 + 500 × 2.5 + 5 × 10 */
	assert_int_equal(bill("anthropic", "anthropic/claude-sonnet-5", u), 1520000000);
}

/* gateways.md 4.3 no. 31: `cost` has `upstream_inference_cost` in it, and both are what
 * somebody else reckons: tokens are what is billed */
static void
test_costs_that_are_told_are_not_added(void **state)
{
	struct usage plain = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105"));
	struct usage costs = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105,"
		 "\"cost\":0.95,\"cost_details\":{\"upstream_inference_cost\":0.9}"));

	(void)state;
	assert_int_equal(bill("openai", "openai/gpt-5.6-luna", costs), 26000000);
	assert_memory_equal(plain.tokens, costs.tokens, sizeof(plain.tokens));
	assert_int_equal(costs.calls, -1);
}

static void
test_searches_have_a_fee(void **state)
{
	struct usage u = told(&anthropic_answer, false,
	    MESSAGE("\"input_tokens\":10,\"output_tokens\":5,\"server_tool_use\":{"
		    "\"web_search_requests\":2,\"web_fetch_requests\":7}"));
	struct usage grok = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
		 "\"num_sources_used\":3"));

	(void)state;
	assert_int_equal(u.calls, 2);
	/* 10 × 2 + 5 × 10, and 2 × $0.01; half of the tokens only in a batch */
	assert_int_equal(
	    bill("anthropic", "anthropic/claude-sonnet-5", u), 20070000000);
	assert_int_equal(
	    bill_at("anthropic", "anthropic/claude-sonnet-5", AT(12, 0), u, "batch"),
	    20035000000);
	/* whose fee the book does not know */
	assert_int_equal(grok.calls, 3);
	assert_int_equal(bill("x-ai", "x-ai/grok-4.5", grok), -1);
}

static void
test_a_request_has_a_fee(void **state)
{
	struct usage u = told(&openai_answer, false,
	    CHAT("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105"));

	(void)state;
	/* 105 × 1, and $0.012 */
	assert_int_equal(bill("perplexity", "perplexity/sonar", u), 12105000000);
}

/* ---- which row ---- */

static const char *
key(const char *provider, const char *id, const char *name)
{
	return price_book_key(book, provider, id, str_of(name));
}

static void
test_names(void **state)
{
	(void)state;
	/* the catalogue's id, where the seller has it, whatever it calls the model */
	assert_string_equal(
	    key("openai", "openai/gpt-5.6-luna", "gpt-4"), "openai/gpt-5.6-luna");
	/* dated, worldwide and regional: the longest that fits */
	assert_string_equal(key("aws", "anthropic/claude-sonnet-5",
				"global.anthropic.claude-sonnet-5-20260901-v1:0"),
	    "aws/global.anthropic.claude-sonnet-5-v1:0");
	assert_string_equal(key("aws", "anthropic/claude-sonnet-5",
				"us.anthropic.claude-sonnet-5-v1:0"),
	    "aws/regional.anthropic.claude-sonnet-5-v1:0");
	assert_string_equal(key("aws", "me/own", "my-own"), "me/own");
}

/* The rows that are cut out of a book's text are those that the whole book would give,
 * for all that it has, and no more than a few. */
static void
test_some_of_it(void **state)
{
	struct str text = str_make(embed_prices_yaml, embed_prices_yaml_len);

	(void)state;
	for (size_t i = 0; i < price_book_count(book); i += 7) {
		const struct price_row *row = price_book_at(book, i), *same;
		const struct price_wish wish[] = {
		    {.provider = str_of(row->provider), .model = str_of(row->model)},
		    {.id = str_of(row->id)}};

		for (size_t w = 0; w < nitems(wish); w++) {
			struct diag *d = diag_new();
			struct price_book *some =
			    price_book_parse_some(text, "some", &wish[w], 1, d);

			assert_non_null(some);
			assert_in_range(price_book_count(some), 1, 12);
			assert_string_equal(
			    price_book_version(some), price_book_version(book));
			same = price_book_at(some, 0);
			for (size_t k = 0; strcmp(same->id, row->id) != 0; k++) {
				assert_true(k < price_book_count(some));
				same = price_book_at(some, k);
			}
			assert_memory_equal(
			    &same->kinds, &row->kinds, sizeof(row->kinds));
			assert_memory_equal(&same->tier, &row->tier, sizeof(row->tier));
			assert_int_equal(same->call_pusd, row->call_pusd);
			price_book_free(some);
			diag_free(d);
		}
	}
}

static void
reads(const char *rows, const char *finding)
{
	struct diag *d = diag_new();
	struct price_book *b;
	struct buf text;
	size_t n;
	const struct diag_finding *f;

	buf_init(&text, 4096);
	buf_printf(&text, "version: 1\nprices:\n%s", rows);
	b = price_book_parse(buf_str(&text), "book.yaml", d);
	f = diag_findings(d, &n);
	if ((b == NULL) != (finding != NULL))
		fail_msg("%s: %s", rows, n > 0 ? f[0].text : "fine");
	if (finding != NULL && strstr(f[0].text, finding) == NULL)
		fail_msg("%s: %s", rows, f[0].text);
	price_book_free(b);
	buf_fini(&text);
	diag_free(d);
}

#define ROW(id, more)  \
	"  - {id: " id \
	", provider: p, model: p/m, usd_per_million: {input: \"1\"}" more "}\n"

static void
test_hours_and_fees_that_are_none(void **state)
{
	(void)state;
	reads(ROW("a", "") ROW("b", ", hours: \"16:30-00:30\""), NULL);
	reads(ROW("a", ", hours: \"01:00-04:00\"") ROW("b", ", hours: \"04:00-10:00\""),
	    NULL);
	reads(ROW("a", ", hours: \"22:00-02:00\"") ROW("b", ", hours: \"01:00-03:00\""),
	    "are in force at the same time");
	reads(ROW("a", ", hours: \"01:00-04:00\"") ROW("b", ", hours: \"03:59-10:00\""),
	    "are in force at the same time");
	reads(ROW("a", ", from: 2026-01-01") ROW("b", ", to: 2026-01-02"),
	    "are in force at the same time");
	reads(ROW("a", ", hours: \"1-4\""), "hours: '1-4' does not fit");
	reads(ROW("a", ", hours: \"24:01-04:00\""), "does not fit");
	reads(ROW("a", ", hours: \"04:00-04:00\""), "does not fit");
	reads(ROW("a", ", fees: {web_serch: \"0.01\"}"), "did you mean 'web_search'");
	reads(ROW("a", ", fees: {request: free}"), "request: 'free' is not an amount");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cached_tokens_of_gemini_are_part_of_the_prompt),
	    cmocka_unit_test(test_cache_prices),
	    cmocka_unit_test(test_a_price_that_is_missing_is_not_0),
	    cmocka_unit_test(test_peak_and_off_peak),
	    cmocka_unit_test(test_cache_creation_is_counted_once),
	    cmocka_unit_test(test_costs_that_are_told_are_not_added),
	    cmocka_unit_test(test_searches_have_a_fee),
	    cmocka_unit_test(test_a_request_has_a_fee),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_some_of_it),
	    cmocka_unit_test(test_hours_and_fees_that_are_none),
	};

	return cmocka_run_group_tests(tests, read_book, free_book);
}
