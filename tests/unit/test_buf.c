/* libs: base */
/* test_buf.c: growth, the NUL, the ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"

static void
test_grows_and_ends_in_nul(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (size_t i = 0; i < 10000; i++) {
		assert_true(buf_append(&b, "ab", 2));
		assert_int_equal(b.p[b.len], '\0');
	}
	assert_int_equal(b.len, 20000);
	assert_true(b.cap <= 100001);
	assert_memory_equal(b.p + 19998, "ab", 3);
	buf_fini(&b);
	assert_null(b.p);
	buf_fini(&b);
}

static void
test_ceiling_is_exact_and_changes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_false(buf_append(&b, "123456", 6));
	assert_null(b.p);
	assert_true(buf_append(&b, "12345", 5));
	assert_false(buf_append(&b, "6", 1));
	assert_string_equal(b.p, "12345");
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_true(buf_append(&b, NULL, 0));
	assert_true(str_is(buf_str(&b), "12345"));
	assert_int_equal(b.cap, 6);
	buf_fini(&b);
}

static void
test_unlimited(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_true(buf_append_str(&b, STR("x")));
	assert_false(buf_reserve(&b, SIZE_MAX - 1));
	buf_fini(&b);
}

static void
test_text(void **state)
{
	struct buf b;
	char want[1001];

	(void)state;
	buf_init(&b, 2000);
	assert_true(str_is(buf_str(&b), ""));
	buf_add(&b, "n=");
	buf_printf(&b, "%d", 42);
	assert_string_equal(b.p, "n=42");
	buf_clear(&b);
	assert_string_equal(b.p, "");
	memset(want, 'q', 1000);
	want[1000] = '\0';
	buf_printf(&b, "%s", want);
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows_and_ends_in_nul),
	    cmocka_unit_test(test_ceiling_is_exact_and_changes_nothing),
	    cmocka_unit_test(test_unlimited),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
