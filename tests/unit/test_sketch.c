/* libs: base */
/* test_sketch.c: how many different things; merging, and packed bytes from a stranger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/sketch.h"

static void
add(struct sketch *s, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		sketch_add(s, hash_stable(str_make((const char *)&i, sizeof(i))));
}

/* Five standard errors at most; the numbers are always the same ones. */
static void
near(const struct sketch *s, int64_t count)
{
	int64_t got = sketch_count(s), off = got > count ? got - count : count - got;

	if (off > 2 + count / 3)
		fail_msg("%lld is not near %lld", (long long)got, (long long)count);
}

static void
test_counts_what_is_different(void **state)
{
	static const uint64_t counts[] = {0, 1, 10, 200, 600, 700, 5000, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct sketch s = {{0}}, again;

		add(&s, 0, counts[i]);
		near(&s, (int64_t)counts[i]);
		again = s;
		add(&again, 0, counts[i]); /* the same ones */
		assert_memory_equal(&again, &s, sizeof(s));
	}
}

static void
test_merged_and_packed_it_is_the_same(void **state)
{
	struct sketch a = {{0}}, b = {{0}}, whole = {{0}};
	struct buf packed;

	(void)state;
	add(&a, 0, 3000);
	add(&b, 2000, 2040);
	add(&b, 9000, 9040);
	add(&whole, 0, 3000);
	add(&whole, 9000, 9040);
	buf_init(&packed, 4096);
	sketch_pack(&b, &packed);
	assert_true(packed.len < 170);
	assert_true(sketch_merge_packed(&a, buf_str(&packed)));
	assert_memory_equal(&a, &whole, sizeof(a));
	buf_clear(&packed);
	sketch_pack(&whole, &packed);
	assert_int_equal(packed.len, 257);
	b = (struct sketch){{0}};
	assert_true(sketch_merge_packed(&b, buf_str(&packed)));
	assert_memory_equal(&b, &whole, sizeof(b));
	buf_clear(&packed);
	sketch_pack(&(struct sketch){{0}}, &packed);
	assert_int_equal(packed.len, 0);
	buf_fini(&packed);
}

static void
test_hostile_bytes(void **state)
{
	static const struct str bad[] = {
	    {"x", 1}, {"p\x01", 2}, {"p\x01\x3A", 3}, {"a\x01", 2}, {"p\x01\xFF", 3}};
	struct sketch s = {{[7] = 3}}, before = s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(sketch_merge_packed(&s, bad[i]));
		assert_memory_equal(&s, &before, sizeof(s));
	}
	assert_true(sketch_merge_packed(&s, str_make("p\xFF\x05", 3)));
	assert_int_equal(s.rank[255], 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts_what_is_different),
	    cmocka_unit_test(test_merged_and_packed_it_is_the_same),
	    cmocka_unit_test(test_hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
