/* libs: base cli */
/* test_figures.c: numbers, days and columns as the command line shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "figures.h"
#include "table.h"
#include "when.h"

#define ARENA_BYTES ((size_t)1 << 20)

static const char *
money(struct arena *mem, const char *decimal, unsigned places)
{
	struct pusd_sum v;

	if (!figure_read(str_of(decimal), &v))
		return "no number";
	return figure_money(mem, v, places);
}

static void
test_money(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);

	(void)state;
	assert_string_equal(money(mem, "4680.254000000000", 2), "4,680.25");
	assert_string_equal(money(mem, "0", 2), "0.00");
	assert_string_equal(money(mem, "999", 2), "999.00");
	assert_string_equal(money(mem, "1000", 2), "1,000.00");
	assert_string_equal(money(mem, "123456789012.5", 1), "123,456,789,012.5");
	assert_string_equal(money(mem, "-1234.5", 2), "-1,234.50");
	assert_string_equal(money(mem, "0.000000000001", 12), "0.000000000001");
	/* half to even, once */
	assert_string_equal(money(mem, "0.125", 2), "0.12");
	assert_string_equal(money(mem, "0.375", 2), "0.38");
	assert_string_equal(money(mem, "999.995", 2), "1,000.00");
	assert_string_equal(money(mem, "", 2), "no number");
	assert_string_equal(money(mem, "-", 2), "no number");
	assert_string_equal(money(mem, "1.2.3", 2), "no number");
	assert_string_equal(money(mem, "1e3", 2), "no number");
	assert_string_equal(money(mem, "0.0000000000001", 2), "no number");
	assert_string_equal(money(mem, "999999999999999999999999999", 2), "no number");
	arena_free(mem);
}

static unsigned
places(const char *decimal)
{
	struct pusd_sum v = {.v = 0};

	assert_true(figure_read(str_of(decimal), &v));
	return figure_places(v);
}

static void
test_places(void **state)
{
	(void)state;
	assert_int_equal(places("12775.94"), 2);
	assert_int_equal(places("100"), 2);
	assert_int_equal(places("99.99"), 4);
	assert_int_equal(places("-250"), 2);
	assert_int_equal(places("0.000854"), 6);
}

static void
test_counts_and_shares(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);

	(void)state;
	assert_string_equal(figure_count(mem, 0), "0");
	assert_string_equal(figure_count(mem, 999), "999");
	assert_string_equal(figure_count(mem, 1234567), "1,234,567");
	assert_string_equal(figure_count(mem, INT64_MIN), "-9,223,372,036,854,775,808");
	assert_string_equal(figure_share(mem, 0), "0 %");
	assert_string_equal(figure_share(mem, 0.0000001), "< 0.1 %");
	assert_string_equal(figure_share(mem, 0.019), "1.9 %");
	assert_string_equal(figure_share(mem, 0.0996), "10 %");
	assert_string_equal(figure_share(mem, 1), "100 %");
	assert_string_equal(figure_share(mem, -0.05), "-5.0 %");
	assert_string_equal(figure_ms(mem, 412), "412 ms");
	assert_string_equal(figure_ms(mem, 3949), "3.9 s");
	assert_string_equal(figure_span(mem, 40), "40 s");
	assert_string_equal(figure_span(mem, 7199), "119 min");
	assert_string_equal(figure_span(mem, 93784), "26 h 3 min");
	assert_string_equal(figure_span(mem, 200000), "2 d 7 h");
	arena_free(mem);
}

static void
test_spans_and_days(void **state)
{
	char text[WHEN_TEXT];
	int64_t a = -7, b = -7;

	(void)state;
	assert_true(when_span(STR("90d"), &a));
	assert_int_equal(a, 90 * 86400);
	assert_true(when_span(STR("30m"), &a));
	assert_int_equal(a, 1800);
	a = -7;
	assert_false(when_span(STR("0h"), &a));
	assert_false(when_span(STR("h"), &a));
	assert_false(when_span(STR("5"), &a));
	assert_false(when_span(STR("5w"), &a));
	assert_false(when_span(STR("-5h"), &a));
	assert_false(when_span(STR("99999999999999999999h"), &a));
	assert_false(when_span(STR("3661d"), &a));
	assert_int_equal(a, -7);
	assert_true(when_time(STR("2026-11-24"), &a));
	when_put_time(a, text);
	assert_string_equal(text, "2026-11-24T00:00:00Z");
	assert_true(when_time(STR("2024-02-29T23:59:58Z"), &a));
	when_put_time(a, text);
	assert_string_equal(text, "2024-02-29T23:59:58Z");
	a = -7;
	assert_false(when_time(STR("2026-02-29"), &a));
	assert_false(when_time(STR("2026-11-24T24:00:00Z"), &a));
	assert_false(when_time(STR("2026-13-01"), &a));
	assert_false(when_time(STR("26-11-24"), &a));
	assert_false(when_month(STR("2026-13"), &a, &b));
	assert_false(when_month(STR("2026-11-01"), &a, &b));
	assert_int_equal(a, -7);
	assert_true(when_month(STR("2026-12"), &a, &b));
	when_put_day(a, text);
	assert_string_equal(text, "2026-12-01");
	when_put_day(b, text);
	assert_string_equal(text, "2027-01-01");
}

static void
test_text(void **state)
{
	static const char turned[] = {'\xE2', '\x80', '\xAE', 'x'};
	struct arena *mem = arena_new(ARENA_BYTES);

	(void)state;
	assert_int_equal(text_columns(STR("abc")), 3);
	assert_int_equal(text_columns(STR("über")), 4);
	assert_int_equal(text_columns(STR("日本")), 4);
	assert_int_equal(text_columns(STR("e\xCC\x81")), 1); /* e and an accent */
	assert_int_equal(text_columns(STR("\xFF\x1B")), 2);
	assert_string_equal(text_shown(mem, STR("a\x1B[2Jb"), 80), "a?[2Jb");
	assert_string_equal(text_shown(mem,
				STR("a\xC2\x9B"
				    "b"),
				80),
	    "a??b");
	assert_string_equal(text_shown(mem, STR("\xFFx\xE2\x80"), 80), "?x??");
	/* U+202E turns what follows around. */
	assert_string_equal(
	    text_shown(mem, str_make(turned, sizeof(turned)), 80), "???x");
	assert_string_equal(text_shown(mem, STR("abcdef"), 6), "abcdef");
	assert_string_equal(text_shown(mem, STR("abcdef"), 5), "abcd…");
	assert_string_equal(text_shown(mem, STR("日本語"), 5), "日本…");
	assert_string_equal(text_shown(mem, STR("日本語"), 4), "日…");
	arena_free(mem);
}

static const char *
table_text(struct arena *mem, unsigned width)
{
	struct table *t = table_new(mem);
	const char *text;
	struct buf out;

	table_column(t, "name", false);
	table_column(t, "n", true);
	table_column(t, "empty", false);
	table_column(t, "last", false);
	for (int i = 0; i < 2; i++) {
		table_cell(t, "%s", i == 0 ? "über" : "b");
		table_cell(t, "%d", i == 0 ? 5 : 1000);
		table_cell(t, "%s", "");
		table_cell(t, "%s", i == 0 ? "x" : "yy");
	}
	buf_init(&out, 4096);
	table_print(t, width, &out);
	text = arena_str(mem, buf_str(&out));
	buf_fini(&out);
	return text;
}

static void
test_table(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);

	(void)state;
	assert_string_equal(table_text(mem, 80), "name     n  last\n"
						 "über     5  x\n"
						 "b     1000  yy\n");
	assert_string_equal(table_text(mem, 16), table_text(mem, 80));
	/* from the right, and never the first */
	assert_string_equal(
	    table_text(mem, 15), "name     n\nüber     5\nb     1000\n");
	assert_string_equal(table_text(mem, 9), "name\nüber\nb\n");
	assert_string_equal(table_text(mem, 3), "na…\nüb…\nb\n");
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_money),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_counts_and_shares),
	    cmocka_unit_test(test_spans_and_days),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
