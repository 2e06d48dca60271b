/* libs: base */
/* test_str.c: slices at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void
test_equality(void **state)
{
	(void)state;
	assert_true(str_eq(STR("ab"), STR("ab")));
	assert_false(str_eq(STR("ab"), STR("aB")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq(str_of(NULL), STR("")));
	assert_true(str_is(STR("ab"), "ab"));
	assert_true(str_starts(STR("abc"), STR("")));
	assert_true(str_starts(STR("abc"), STR("abc")));
	assert_false(str_starts(STR("abc"), STR("abcd")));
}

static void
test_case_is_ascii_only(void **state)
{
	(void)state;
	assert_true(str_case_eq(STR("X-Request-ID"), STR("x-request-id")));
	assert_false(str_case_eq(STR("a@"), STR("a`")));
	assert_false(str_case_eq(STR("[z"), STR("{z")));
	assert_false(str_case_eq(STR("\xC3\x84"), STR("\xC3\xA4")));
	assert_false(str_case_eq(STR("a"), STR("ab")));
	assert_true(str_case_eq(STR(""), str_of(NULL)));
}

static void
test_skip_and_trim(void **state)
{
	(void)state;
	assert_true(str_is(str_skip(STR("abc"), 1), "bc"));
	assert_true(str_is(str_skip(STR("abc"), 3), ""));
	assert_true(str_is(str_skip(STR("abc"), SIZE_MAX), ""));
	assert_int_equal(str_skip(str_of(NULL), 5).len, 0);
	assert_true(str_is(str_trim(STR(" \t\r\na b\n ")), "a b"));
	assert_true(str_is(str_trim(STR(" \n ")), ""));
	assert_true(str_is(str_trim(STR("")), ""));
	assert_true(str_is(str_trim(STR("\va\v")), "\va\v"));
}

static void
test_split(void **state)
{
	struct str rest = STR("a,,b,"), part;
	static const char *const want[] = {"a", "", "b", ""};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(str_split(&rest, ',', &part));
		assert_true(str_is(part, want[i]));
	}
	assert_false(str_split(&rest, ',', &part));
	assert_false(str_split(&rest, ',', &part));
	rest = STR("");
	assert_true(str_split(&rest, ',', &part));
	assert_int_equal(part.len, 0);
	assert_false(str_split(&rest, ',', &part));
}

static void
test_numbers(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0",
	    "18446744073709551616", "99999999999999999999", "1e3"};
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(str_to_u64(str_of(bad[i]), &v));
		assert_int_equal(v, 7);
	}
	assert_true(str_to_u64(STR("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_to_u64(STR("0"), &v));
	assert_true(v == 0);
	assert_true(str_to_u64(str_make("123", 2), &v));
	assert_true(v == 12);
}

static void
test_glob(void **state)
{
	(void)state;
	assert_true(str_glob(STR("gpt-4*"), STR("gpt-4o")));
	assert_true(str_glob(STR("gpt-4*"), STR("gpt-4")));
	assert_false(str_glob(STR("gpt-4*"), STR("gpt-3")));
	assert_true(str_glob(STR("*"), STR("")));
	assert_true(str_glob(STR("a"), STR("a")));
	assert_false(str_glob(STR("a"), STR("ab")));
	/* A star elsewhere is a star. */
	assert_false(str_glob(STR("a*b"), STR("axb")));
	assert_true(str_glob(STR("a*b"), STR("a*b")));
	assert_false(str_glob(STR(""), STR("a")));
}

static void
test_copy(void **state)
{
	char dst[4] = "zzz";

	(void)state;
	assert_int_equal(str_copy(dst, 0, STR("abc")), 0);
	assert_string_equal(dst, "zzz");
	assert_int_equal(str_copy(dst, sizeof(dst), STR("abcdef")), 3);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), str_of(NULL)), 0);
	assert_string_equal(dst, "");
	assert_int_equal(str_copy(dst, 1, STR("x")), 0);
	assert_string_equal(dst, "");
}

static void
test_utf8(void **state)
{
	static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF",
	    "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
	    "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3(",
	    "\xE2(\xA1", "\xE2\x82(", "\xF0(\x8C\xBC", "\xF0\x90(\xBC", "\xFF", "\xFE"};
	static const char *const good[] = {"a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
	    "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
	    "\xF4\x8F\xBF\xBF"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(str_utf8(str_of(bad[i])), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(str_utf8(str_of(good[i])), strlen(good[i]));
	assert_int_equal(str_utf8(STR("\0")), 1);
	assert_int_equal(str_utf8(STR("")), 0);
	assert_int_equal(str_utf8(STR("\xC3\xA4z")), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equality),
	    cmocka_unit_test(test_case_is_ascii_only),
	    cmocka_unit_test(test_skip_and_trim),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_glob),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
