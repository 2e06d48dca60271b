/* libs: base */
/* test_hist.c: the promised error, merging, and packed bytes from a stranger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hist.h"

static void
test_relative_error(void **state)
{
	(void)state;
	for (int64_t v = 0; v < INT64_C(1) << 40; v += 1 + v / 97) {
		struct hist h = {0};
		int64_t got, off;

		hist_add(&h, v);
		got = hist_quantile(&h, 0.5);
		off = got > v ? got - v : v - got;
		assert_true(off * 16 <= v);
	}
}

static void
test_edges(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), -1);
	hist_add(&h, -5);
	hist_add(&h, INT64_MIN);
	assert_int_equal(hist_quantile(&h, 1), 0);
	hist_add(&h, INT64_MAX);
	hist_add(&h, INT64_C(1) << 40);
	hist_add(&h, (INT64_C(1) << 40) - 1);
	assert_int_equal(h.count[HIST_BUCKETS - 1], 3);
	assert_int_equal(h.n, 5);
}

static void
test_quantiles(void **state)
{
	struct hist h = {0};

	(void)state;
	for (int v = 0; v < 8; v++)
		for (int i = 0; i < 100; i++)
			hist_add(&h, v);
	assert_int_equal(hist_quantile(&h, 0.001), 0);
	assert_int_equal(hist_quantile(&h, 0.125), 0);
	assert_int_equal(hist_quantile(&h, 0.126), 1);
	assert_int_equal(hist_quantile(&h, 0.5), 3);
	assert_int_equal(hist_quantile(&h, 0.99), 7);
	assert_int_equal(hist_quantile(&h, 1), 7);
}

static void
test_merge_is_adding(void **state)
{
	struct hist a = {0}, b = {0}, both = {0};

	(void)state;
	for (int64_t v = 1; v < 1000000; v = v * 3 + 1) {
		hist_add(v % 2 == 0 ? &a : &b, v);
		hist_add(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void
test_pack_and_back(void **state)
{
	struct hist h = {0}, back;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	hist_pack(&h, &b);
	assert_int_equal(b.len, 1);
	assert_true(hist_unpack(buf_str(&b), &back));
	assert_memory_equal(&h, &back, sizeof(h));
	for (int i = 0; i < 50; i++)
		hist_add(&h, 1200);
	buf_clear(&b);
	hist_pack(&h, &b);
	assert_int_equal(b.len, 3);
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		h.n += UINT64_C(1) << i % 55;
		h.count[i] += UINT64_C(1) << i % 55;
	}
	buf_clear(&b);
	hist_pack(&h, &b);
	assert_true(hist_unpack(buf_str(&b), &back));
	assert_memory_equal(&h, &back, sizeof(h));
	for (size_t cut = 0; cut < b.len; cut++)
		if (hist_unpack(str_make(b.p, cut), &back))
			assert_true(back.n < h.n);
	buf_fini(&b);
}

static void
test_hostile_bytes(void **state)
{
	static const struct str bad[] = {
	    {"", 0},
	    {"\x02", 1},             /* another version */
	    {"\x01\x05", 2},         /* no count */
	    {"\x01\x05\x00", 3},     /* a bucket that counts nothing */
	    {"\x01\xB0\x02\x01", 4}, /* bucket 304 */
	    {"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x01", 12}, /* a huge gap */
	    {"\x01\x05\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 12}, /* over 64 bits */
	    {"\x01\x05\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13},
	    {"\x01\x05\xFF", 3},
	    /* The sum does not fit. */
	    {"\x01\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00\x01", 14},
	};
	struct hist h = {.n = 77};
	char bytes[40];
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(hist_unpack(bad[i], &h));
		assert_int_equal(h.n, 77);
	}
	assert_true(hist_unpack(str_make("\x01\xAF\x02\x01", 4), &h));
	assert_int_equal(h.count[303], 1);
	bytes[0] = 1;
	for (int round = 0; round < 100000; round++) {
		for (size_t i = 1; i < sizeof(bytes); i++) {
			random = random * 1664525U + 1013904223U;
			bytes[i] = (char)(random >> 24);
		}
		if (hist_unpack(str_make(bytes, 1 + random % sizeof(bytes)), &h))
			(void)hist_quantile(&h, 0.5);
	}
}

/* Without the way over a second histogram, to the same result. */
static void
test_packed_ones_are_added(void **state)
{
	struct hist a = {0}, b = {0}, whole;
	struct buf packed;

	(void)state;
	for (int64_t v = 0; v < 100000; v += 77) {
		hist_add(v % 2 == 0 ? &a : &b, v);
		hist_add(&b, v * v);
	}
	whole = a;
	hist_merge(&whole, &b);
	buf_init(&packed, 65536);
	hist_pack(&b, &packed);
	/* A damaged one changes nothing, wherever it breaks off. */
	for (size_t cut = 0; cut < packed.len; cut++) {
		struct hist before = a, into = a;

		if (!hist_merge_packed(&into, str_make(packed.p, cut)))
			assert_memory_equal(&into, &before, sizeof(into));
	}
	assert_true(hist_merge_packed(&a, buf_str(&packed)));
	assert_memory_equal(&a, &whole, sizeof(a));
	buf_fini(&packed);
}

/* 1, 1, 1, 5: mean 2, standard deviation the root of 3. */
static void
test_variation(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_true(hist_cv(&h) < 0);
	for (int i = 0; i < 3; i++)
		hist_add(&h, 1);
	assert_true(hist_cv(&h) == 0);
	hist_add(&h, 5);
	assert_true(hist_cv(&h) > 0.866 && hist_cv(&h) < 0.867);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_relative_error),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_quantiles),
	    cmocka_unit_test(test_merge_is_adding),
	    cmocka_unit_test(test_pack_and_back),
	    cmocka_unit_test(test_hostile_bytes),
	    cmocka_unit_test(test_packed_ones_are_added),
	    cmocka_unit_test(test_variation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
