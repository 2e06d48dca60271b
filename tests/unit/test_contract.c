/* libs: base config core budget meter */
/* test_contract.c: which price and which discount are in force, and that they are
 * kept. */
#include "policy.h"

#include <string.h>

#include "config/contract.h"
#include "config/kept.h"
#include "stage/meter.h"

#define DAY(n) (INT64_C(1767225600) + (n)*INT64_C(86400)) /* 2026-01-01 and n days */

#define BOOK                                                                     \
	"version: 1\n"                                                           \
	"source: \"public, 2026-01-01\"\n"                                       \
	"prices:\n"                                                              \
	"  - {id: sol/first, provider: openai, model: openai/gpt-5.6-sol, to: "  \
	"2026-07-01, usd_per_million: {input: \"4\", output: \"20\"}}\n"         \
	"  - {id: sol/july, provider: openai, model: openai/gpt-5.6-sol, from: " \
	"2026-07-01, usd_per_million: {input: \"5\", output: \"25\"}}\n"
#define LUNA                                                                 \
	"version: 1\n"                                                       \
	"prices: [{id: luna, provider: openai, model: openai/gpt-5.6-luna, " \
	"usd_per_million: {input: \"0.1\", output: \"0.5\"}}]\n"

/* The small policy, with `more` at its first provider. */
static void
put_policy(struct buf *yaml, const char *more)
{
	const char *text = SMALL_POLICY, *at = strstr(text, "region: us}");

	buf_init(yaml, 8192);
	buf_printf(yaml, "prices: book.yaml\n%.*sregion: us, %s%s", (int)(at - text),
	    text, more, at + strlen("region: us"));
}

static struct snapshot *
with(struct fake_env *f, const char *more)
{
	struct diag *d = diag_new();
	struct snapshot *s;
	struct buf yaml;

	put_world(f);
	fake_env_put(f, "book.yaml", STR(BOOK), 0600);
	fake_env_put(f, "luna.yaml", STR(LUNA), 0600);
	put_policy(&yaml, more);
	/* it warns that luna is unpriced */
	s = snapshot_parse(fake_env(f), buf_str(&yaml), "policy.yaml", d);
	assert_non_null(s);
	diag_free(d);
	buf_fini(&yaml);
	return s;
}

#define SOL "openai/gpt-5.6-sol"

static void
expect(const struct snapshot *s, const char *id, int64_t at_s, const char *list,
    const char *row, int64_t ppm)
{
	const struct model *m =
	    snapshot_model(s, strcmp(id, SOL) == 0 ? STR("sol") : STR("luna"));
	struct contract_price x = contract_price(s, m, 0, at_s);

	assert_string_equal(x.list == NULL ? "-" : x.list->id, list);
	assert_string_equal(x.row == NULL ? "-" : x.row->id, row);
	assert_int_equal(x.ppm, ppm);
}

static void
test_dated_discounts(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = with(f,
	    "discount: 5%, contract: [{from: 2026-03-01, discount: 12%}, {from: "
	    "2026-07-01, to: 2026-10-01, discount: 15%}]");

	(void)state;
	expect(s, SOL, 0, "sol/first", "sol/first", 950000);
	expect(s, SOL, DAY(59) - 1, "sol/first", "sol/first", 950000);
	expect(s, SOL, DAY(59), "sol/first", "sol/first", 880000);
	expect(s, SOL, DAY(181) - 1, "sol/first", "sol/first", 880000);
	expect(s, SOL, DAY(181), "sol/july", "sol/july", 850000);
	/* behind the last term it is again as without a date */
	expect(s, SOL, DAY(273), "sol/july", "sol/july", 950000);
	snapshot_unref(s);
	fake_env_free(f);
}

static void
test_fixed_prices(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = with(f, "discount: 5%, prices: fixed.yaml, contract: "
				     "[{from: 2026-07-01, prices: luna.yaml}]");

	(void)state;
	/* the fixed price has its own days, and no discount goes off it */
	expect(s, SOL, DAY(-1), "sol/first", "sol/first", 950000);
	expect(s, SOL, DAY(0), "sol/first", "contract:sol/2026", 1000000);
	expect(s, SOL, DAY(181), "sol/july", "sol/july", 950000);
	/* where the public book has none it is the list price, too */
	expect(s, "openai/gpt-5.6-luna", DAY(0), "-", "-", 950000);
	expect(s, "openai/gpt-5.6-luna", DAY(181), "contract:luna", "contract:luna",
	    1000000);
	snapshot_unref(s);
	fake_env_free(f);
}

/* A term that does not name prices leaves those that have no date. */
static void
test_term_without_prices(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = with(
	    f, "prices: fixed.yaml, contract: [{from: 2026-03-01, discount: 30%}]");

	(void)state;
	expect(s, SOL, DAY(80), "sol/first", "contract:sol/2026", 1000000);
	expect(s, SOL, DAY(400), "sol/july", "sol/july", 700000);
	snapshot_unref(s);
	fake_env_free(f);
}

static void
test_kept(void **state)
{
	struct fake_env *f = fake_env_new(1), *empty = fake_env_new(1);
	struct snapshot *s = with(f, "prices: fixed.yaml, contract: [{from: "
				     "2026-03-01, prices: luna.yaml}]"),
			*made;
	struct snapshot_texts t = snapshot_texts(s);
	struct kept_part part[KEPT_PARTS], read[KEPT_PARTS];
	struct price_book *book[4];
	struct diag *d = diag_new();
	struct buf basis;

	(void)state;
	made = snapshot_rebuild(fake_env(empty), &t, d);
	assert_non_null(made);
	assert_string_equal(made->canonical, s->canonical);
	assert_true(str_eq(made->contracts_text, s->contracts_text));
	expect(made, SOL, DAY(3), "sol/first", "contract:sol/2026", 1000000);
	expect(made, "openai/gpt-5.6-luna", DAY(99), "contract:luna", "contract:luna",
	    1000000);

	buf_init(&basis, 4096);
	kept_parts(s, part);
	kept_print(part, &basis);
	assert_true(kept_read(buf_str(&basis), read));
	assert_true(
	    hash_sha256_eq(&read[KEPT_contracts].hash, &part[KEPT_contracts].hash));
	assert_string_equal(read[KEPT_contracts].kind, "contracts");

	assert_int_equal(contract_books(t.contracts, book, 4), 2);
	assert_string_equal(price_book_at(book[0], 0)->id, "contract:sol/2026");
	price_book_free(book[0]);
	price_book_free(book[1]);

	/* what was not kept cannot be made again */
	t.contracts.len -= 3;
	assert_null(snapshot_rebuild(fake_env(empty), &t, d));
	buf_fini(&basis);
	diag_free(d);
	snapshot_unref(made);
	snapshot_unref(s);
	fake_env_free(f);
	fake_env_free(empty);
}

/* A crash leaves the slot alone: its two amounts are by both prices. */
static void
test_estimate(void **state)
{
	struct slot_attempt a = {.contract_ppm = 1000000,
	    .price_input_pusd = 4000000,
	    .price_output_pusd = 20000000,
	    .fixed_input = 3000001,
	    .fixed_output = 11000001,
	    .input_estimate = 10,
	    .output_seen = 2,
	    .machine_pusd = 0};

	(void)state;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a.tokens[k] = -1;
	settle_by_basis(&a, BASIS_partial);
	assert_int_equal(a.list_pusd, 80000000);
	assert_int_equal(a.amount_pusd, 52000000);
	a.fixed_output = PRICE_NONE;
	settle_by_basis(&a, BASIS_partial);
	assert_int_equal(a.unpriced, 1);
	assert_int_equal(a.amount_pusd, -1);
}

/* A model of no catalogue has the price of the name that its provider knows it by; what
 * is built in is read no further than that. */
static void
test_by_name(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;
	struct contract_price x;

	(void)state;
	put_world(f);
	s = good_policy(f,
	    STR("version: 1\n"
		"providers: {aws: {api: openai, url: 'https://a.example/v1', region: "
		"eu, discount: 10%}}\n"
		"models:\n"
		"  sonnet: {is: anthropic/claude-sonnet-5, at: [{provider: aws, as: "
		"global.anthropic.claude-sonnet-5-v1:0}]}\n"
		"  pro: {at: [{provider: aws, as: 'amazon.nova-pro-v1:0'}], context: "
		"300000, tier: small, quality: {default: 0.7}}\n"
		"routes: {auto: {candidates: [pro, sonnet], baseline: sonnet}}\n"));
	x = contract_price(s, &s->models[0], 0, DAY(90));
	assert_string_equal(x.row->model, "aws/global.anthropic.claude-sonnet-5-v1:0");
	x = contract_price(s, &s->models[1], 0, DAY(90));
	assert_string_equal(x.row->model, "aws/amazon.nova-pro-v1:0");
	assert_int_equal(x.ppm, 900000);
	assert_in_range(price_book_count(s->prices), 2, 20);
	snapshot_unref(s);
	fake_env_free(f);
}

static void
finds(struct buf found, const char *text)
{
	if (strstr(found.p, text) == NULL)
		fail_msg("no '%s' in: %s", text, found.p);
	buf_fini(&found);
}

static void
refuses(const char *more, const char *finding)
{
	struct fake_env *f = fake_env_new(1);
	struct buf yaml;

	put_world(f);
	fake_env_put(f, "book.yaml", STR(BOOK), 0600);
	fake_env_put(f, "long.yaml",
	    STR("version: 1\nprices: [{id: "
		"a-name-that-the-ledger-would-cut-off-in-the-middle, provider: openai, "
		"model: m, usd_per_million: {input: '1'}}]\n"),
	    0600);
	put_policy(&yaml, more);
	finds(bad_policy(f, buf_str(&yaml)), finding);
	buf_fini(&yaml);
	fake_env_free(f);
}

static void
test_mistakes(void **state)
{
	(void)state;
	refuses("contract: {from: 2026-01-01}", "contract: expected a list");
	refuses("contract: [x]", "contract: expected terms");
	refuses("contract: [{discount: 5%}]", "from");
	refuses("contract: [{from: 2026-02-01, to: 2026-02-01}]", "to: the day is not");
	refuses("contract: [{from: 2026-02-01}, {from: 2026-01-01}]", "sort the terms");
	refuses("contract: [{from: 2026-02-01, to: 2026-04-01}, {from: 2026-03-01}]",
	    "begins before the one above ends");
	refuses("contract: [{from: 2026-02-01, discount: 101%}]", "discount: '101%'");
	refuses("prices: none.yaml", "'none.yaml' cannot be read");
	refuses("prices: long.yaml", "is longer than 46 characters");
	refuses("contract: [{from: 2026-02-01, prices: none.yaml}]",
	    "'none.yaml' cannot be read");
	refuses("commitment: {from: 2026-02-01}", "commitment: how much?");
	refuses("credits: {usd: 5, from: 2026-02-01, to: 2026-01-01}",
	    "credits: `to` is not after");
	refuses("local: true, allow_private: false, prices: fixed.yaml",
	    "a machine of your own costs no tokens");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dated_discounts),
	    cmocka_unit_test(test_fixed_prices),
	    cmocka_unit_test(test_term_without_prices),
	    cmocka_unit_test(test_by_name),
	    cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_estimate),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
