/* libs: base */
/* test_json.c: commas, escapes, numbers, the ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/json.h"

static void
test_commas(void **state)
{
	struct buf b;
	struct json j;

	(void)state;
	buf_init(&b, 1000);
	json_init(&j, &b);
	json_object_begin(&j, NULL);
	json_int(&j, "a", INT64_MIN);
	json_array_begin(&j, "b");
	json_array_end(&j);
	json_array_begin(&j, "c");
	json_bool(&j, NULL, true);
	json_put_null(&j, NULL);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_object_begin(&j, NULL);
	json_bool(&j, "x", false);
	json_object_end(&j);
	json_array_end(&j);
	json_raw(&j, "d", STR("[1,2]"));
	json_object_end(&j);
	assert_string_equal(b.p,
	    "{\"a\":-9223372036854775808,\"b\":[],\"c\":[true,null,{},{\"x\":false}],"
	    "\"d\":[1,2]}");
	assert_false(j.full);
	assert_int_equal(j.depth, 0);
	buf_fini(&b);
}

static void
test_escapes(void **state)
{
	static const struct {
		struct str in;
		const char *want;
	} rows[] = {
	    {{"", 0}, "\"\""},
	    {{NULL, 0}, "\"\""},
	    {{"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
	    {{"\0\x01\x1f\n\r\t\x7f", 7}, "\"\\u0000\\u0001\\u001f\\n\\r\\t\x7f\""},
	    {{"\xC3\xA4\xF0\x9F\x98\x80", 6}, "\"\xC3\xA4\xF0\x9F\x98\x80\""},
	    {{"x\xC3", 2}, "\"x\xEF\xBF\xBD\""},
	    {{"\xED\xA0\x80y", 4}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\""},
	    {{"\xC0\xAF", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	    {{"\xE2\x82\"", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\""},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct buf b;
		struct json j;

		buf_init(&b, 1000);
		json_init(&j, &b);
		json_str(&j, NULL, rows[i].in);
		assert_string_equal(b.p, rows[i].want);
		buf_fini(&b);
	}
}

static void
test_numbers(void **state)
{
	static const struct {
		double v;
		int digits;
		const char *want;
	} rows[] = {
	    {0.1, 17, "0.1"},
	    {1.0 / 3, 4, "0.3333"},
	    {1.0 / 3, 17, "0.3333333333333333"},
	    {5e-324, 17, "4.94065645841247e-324"},
	    {0.1 + 0.2, 17, "0.30000000000000004"},
	    {100, 3, "100"},
	    {1e300, 17, "1e+300"},
	    {-2.5, 6, "-2.5"},
	    {0, 6, "0"},
	    {NAN, 6, "null"},
	    {INFINITY, 6, "null"},
	    {-INFINITY, 6, "null"},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct buf b;
		struct json j;

		buf_init(&b, 1000);
		json_init(&j, &b);
		json_num(&j, NULL, rows[i].v, rows[i].digits);
		assert_string_equal(b.p, rows[i].want);
		buf_fini(&b);
	}
}

static void
test_money(void **state)
{
	struct buf b;
	struct json j;

	(void)state;
	buf_init(&b, 1000);
	json_init(&j, &b);
	json_object_begin(&j, NULL);
	json_pusd(&j, "a", (struct pusd){.v = 854585600});
	json_pusd_sum(&j, "b", (struct pusd_sum){.v = (wide)INT64_MIN * 10});
	json_object_end(&j);
	assert_string_equal(
	    b.p, "{\"a\":\"0.000854585600\",\"b\":\"-92233720.368547758080\"}");
	buf_fini(&b);
}

static void
test_ceiling(void **state)
{
	struct buf b;
	struct json j;

	(void)state;
	buf_init(&b, 8);
	json_init(&j, &b);
	json_array_begin(&j, NULL);
	json_str(&j, NULL, STR("much too long"));
	assert_true(j.full);
	/* Nothing more comes, not even what would still fit. */
	json_int(&j, NULL, 1);
	json_array_end(&j);
	assert_string_equal(b.p, "[");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commas),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_money),
	    cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
