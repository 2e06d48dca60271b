/* libs: base */
/* test_map.c: against a plain array, through many puts and removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/map.h"

#define KEYS 500

static struct str
key_of(unsigned i, char text[static 16])
{
	return str_make(text, (size_t)snprintf(text, 16, "k%u", i));
}

static void
test_put_get_remove(void **state)
{
	struct map *m = map_new();
	int one, two;

	(void)state;
	assert_null(map_get(m, STR("a")));
	assert_true(map_put(m, STR("a"), &one));
	assert_false(map_put(m, STR("a"), &two));
	assert_ptr_equal(map_get(m, STR("a")), &one);
	assert_true(map_put(m, STR(""), &two));
	assert_ptr_equal(map_get(m, str_of(NULL)), &two);
	assert_true(map_put(m, STR("a\0b"), &two));
	assert_int_equal(map_count(m), 3);
	assert_ptr_equal(map_remove(m, STR("a")), &one);
	assert_null(map_remove(m, STR("a")));
	assert_null(map_get(m, STR("a")));
	assert_int_equal(map_count(m), 2);
	map_free(m);
	map_free(NULL);
}

static void
test_against_an_array(void **state)
{
	struct map *m = map_new();
	bool there[KEYS] = {false};
	char values[KEYS], text[16];
	uint32_t random = 1;
	size_t count = 0;

	(void)state;
	for (int step = 0; step < 50000; step++) {
		unsigned i;

		random = random * 1664525U + 1013904223U;
		i = (random >> 8) % KEYS;
		if ((random & 1U << 30) != 0) {
			assert_int_equal(
			    map_put(m, key_of(i, text), &values[i]), !there[i]);
			count += !there[i];
			there[i] = true;
		} else {
			assert_ptr_equal(map_remove(m, key_of(i, text)),
			    there[i] ? &values[i] : NULL);
			count -= there[i];
			there[i] = false;
		}
		assert_int_equal(map_count(m), count);
	}
	for (unsigned i = 0; i < KEYS; i++)
		assert_ptr_equal(
		    map_get(m, key_of(i, text)), there[i] ? &values[i] : NULL);
	map_free(m);
}

static void
test_iteration_meets_each_once(void **state)
{
	struct map *m = map_new();
	unsigned seen[KEYS] = {0};
	char text[16];
	struct str key;
	size_t iter = 0, n = 0;
	void *value;

	(void)state;
	for (unsigned i = 0; i < KEYS; i++)
		assert_true(map_put(m, key_of(i, text), &seen[i]));
	for (; map_next(m, &iter, &key, &value); n++) {
		unsigned *counter = value;

		assert_true(str_eq(key, key_of((unsigned)(counter - seen), text)));
		++*counter;
	}
	assert_int_equal(n, KEYS);
	for (unsigned i = 0; i < KEYS; i++)
		assert_int_equal(seen[i], 1);
	map_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put_get_remove),
	    cmocka_unit_test(test_against_an_array),
	    cmocka_unit_test(test_iteration_meets_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
