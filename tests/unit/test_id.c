/* libs: base fake */
/* test_id.c: spelling, order, what is no id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/id.h"
#include "fake_env.h"

static void
test_spelling(void **state)
{
	static const struct {
		struct id id;
		const char *want;
	} rows[] = {
	    {{0, 0}, "00000000000000000000000000"},
	    {{0, 1}, "00000000000000000000000001"},
	    {{0, UINT64_MAX}, "0000000000000FZZZZZZZZZZZZ"},
	    {{1, 0}, "0000000000000G000000000000"},
	    {{UINT64_MAX, UINT64_MAX}, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
	    /* The example of the specification: 01ARZ3NDEK is 1469922850259 ms. */
	    {{1469922850259U << 16 | 0xd5de, 0x4c2f2a6c1c7f8c5bU}, NULL},
	};
	char text[ID_TEXT_BYTES];
	struct id back;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		id_format(rows[i].id, text);
		if (rows[i].want != NULL)
			assert_string_equal(text, rows[i].want);
		else
			assert_memory_equal(text, "01ARZ3NDEK", 10);
		assert_true(id_parse(str_of(text), &back));
		assert_true(id_eq(back, rows[i].id));
	}
	assert_true(id_parse(STR("7zzzzzzzzzzzzzzzzzzzzzzzzz"), &back));
	assert_true(back.hi == UINT64_MAX && back.lo == UINT64_MAX);
}

static void
test_what_is_no_id(void **state)
{
	static const char *const bad[] = {"", "0", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
	    "0000000000000000000000000", "000000000000000000000000000",
	    "0000000000000000000000000I", "0000000000000000000000000l",
	    "0000000000000000000000000O", "U0000000000000000000000000",
	    "000000000000-0000000000000", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ"};
	struct id id = {3, 4};

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++)
		assert_false(id_parse(str_of(bad[i]), &id));
	assert_false(id_parse(str_make("0000000000000000000000000\0", 26), &id));
	assert_true(id.hi == 3 && id.lo == 4);
}

static void
test_new_ids_sort_by_time(void **state)
{
	struct fake_env *f = fake_env_new(1);
	char earlier[ID_TEXT_BYTES], later[ID_TEXT_BYTES];

	(void)state;
	id_format(id_new(fake_env(f)), earlier);
	for (int i = 0; i < 1000; i++) {
		struct id id;

		fake_env_advance(f, NS_PER_MS);
		id = id_new(fake_env(f));
		id_format(id, later);
		assert_true(strcmp(earlier, later) < 0);
		assert_int_equal(id_ms(id), env_wall_ms(fake_env(f)));
		memcpy(earlier, later, sizeof(earlier));
	}
	fake_env_free(f);
}

static void
test_same_millisecond_still_differs(void **state)
{
	struct fake_env *f = fake_env_new(2);
	struct id a = id_new(fake_env(f)), b = id_new(fake_env(f));

	(void)state;
	assert_false(id_eq(a, b));
	assert_int_equal(id_ms(a), id_ms(b));
	fake_env_free(f);
}

/* More than one stock holds. */
static void
test_from_a_stock(void **state)
{
	struct fake_env *f = fake_env_new(3);
	struct id_stock stock = {.left = 0};
	struct id last = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct id id = id_take(&stock, fake_env(f));

		assert_int_equal(id_ms(id), env_wall_ms(fake_env(f)));
		assert_int_not_equal(id.lo, last.lo);
		last = id;
	}
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spelling),
	    cmocka_unit_test(test_what_is_no_id),
	    cmocka_unit_test(test_new_ids_sort_by_time),
	    cmocka_unit_test(test_same_millisecond_still_differs),
	    cmocka_unit_test(test_from_a_stock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
