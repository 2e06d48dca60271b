/* libs: base */
/* test_arena.c: alignment, zeroes, the ceiling. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

static void
test_pieces_are_aligned_zeroed_and_apart(void **state)
{
	struct arena *a = arena_new(1 << 20);
	unsigned char *pieces[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		pieces[i] = arena_alloc(a, i);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], (unsigned char)i);
	arena_free(a);
	arena_free(NULL);
}

static void
test_large_pieces_leave_the_room_of_small_ones(void **state)
{
	struct arena *a = arena_new(1 << 20);
	char *first = arena_alloc(a, 16), *large = arena_alloc(a, 100000);
	char *second = arena_alloc(a, 16);

	(void)state;
	memset(large, 1, 100000);
	/* Still in the first chunk. */
	assert_true(second > first && second - first < 4096);
	arena_free(a);
}

static void
test_ceiling(void **state)
{
	struct arena *a = arena_new(1024);
	void *p = arena_try(a, 1000);

	(void)state;
	assert_non_null(p);
	assert_int_equal(arena_used(a), 1008);
	p = arena_try(a, 17);
	assert_null(p);
	p = arena_try(a, SIZE_MAX);
	assert_null(p);
	assert_int_equal(arena_used(a), 1008);
	p = arena_try(a, 16);
	assert_non_null(p);
	p = arena_try(a, 1);
	assert_null(p);
	/* Also nothing has to lie somewhere. */
	p = arena_try(a, 0);
	assert_null(p);
	arena_free(a);
}

static void
test_unlimited_does_not_overflow(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);
	void *p = arena_try(a, SIZE_MAX - 3);

	(void)state;
	assert_null(p);
	arena_free(a);
}

static void
test_text(void **state)
{
	struct arena *a = arena_new(100000);
	char long_text[5000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_string_equal(arena_str(a, str_make("abcdef", 3)), "abc");
	assert_string_equal(arena_str(a, str_of(NULL)), "");
	assert_string_equal(arena_printf(a, "%d-%s", 5, "z"), "5-z");
	assert_string_equal(arena_printf(a, "%s", long_text), long_text);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces_are_aligned_zeroed_and_apart),
	    cmocka_unit_test(test_large_pieces_leave_the_room_of_small_ones),
	    cmocka_unit_test(test_ceiling),
	    cmocka_unit_test(test_unlimited_does_not_overflow),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
