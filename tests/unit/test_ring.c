/* libs: base */
/* test_ring.c: bytes come out as they went in, whatever the pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ring.h"

static void
test_small_until_needed(void **state)
{
	struct ring r;
	char bytes[5000] = {0};

	(void)state;
	ring_init(&r, 60000);
	assert_int_equal(r.max, 65536);
	assert_null(r.p);
	assert_int_equal(ring_peek(&r).len, 0);
	assert_true(ring_write(&r, NULL, 0));
	assert_null(r.p);
	assert_true(ring_write(&r, bytes, 1));
	assert_int_equal(r.cap, RING_MIN);
	assert_true(ring_write(&r, bytes, 5000));
	assert_int_equal(r.cap, 8192);
	ring_relax(&r);
	assert_int_equal(r.cap, 8192);
	assert_int_equal(ring_read(&r, bytes, 5000), 5000);
	assert_int_equal(ring_read(&r, bytes, 5000), 1);
	ring_relax(&r);
	assert_null(r.p);
	assert_int_equal(ring_room(&r), 65536);
	assert_true(ring_write(&r, bytes, 1));
	ring_fini(&r);
	ring_fini(&r);
}

static void
test_all_or_nothing(void **state)
{
	static char bytes[8193];
	struct ring r;

	(void)state;
	ring_init(&r, 1);
	assert_int_equal(r.max, RING_MIN);
	ring_init(&r, 8192);
	assert_false(ring_write(&r, bytes, 8193));
	assert_null(r.p);
	assert_true(ring_write(&r, bytes, 8192));
	assert_int_equal(ring_room(&r), 0);
	assert_false(ring_write(&r, bytes, 1));
	assert_true(ring_write(&r, bytes, 0));
	assert_int_equal(r.len, 8192);
	ring_fini(&r);
}

static void
test_order_through_wraps_and_growth(void **state)
{
	struct ring r;
	char in[3000], out[3000];
	unsigned char next_in = 0, next_out = 0;
	uint32_t random = 1;

	(void)state;
	ring_init(&r, 32768);
	for (int step = 0; step < 20000; step++) {
		size_t n;

		random = random * 1664525U + 1013904223U;
		n = (random >> 8) % sizeof(in);
		for (size_t i = 0; i < n; i++)
			in[i] = (char)(next_in + i);
		if (ring_write(&r, in, n))
			next_in = (unsigned char)(next_in + n);
		else
			assert_true(n > ring_room(&r));
		random = random * 1664525U + 1013904223U;
		n = ring_read(&r, out, (random >> 8) % sizeof(out));
		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)out[i], next_out++);
		if (r.len > 0)
			assert_int_equal((unsigned char)ring_peek(&r).p[0], next_out);
		assert_true(r.cap == 0 ? r.head == 0 : r.head < r.cap);
		ring_relax(&r);
	}
	ring_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small_until_needed),
	    cmocka_unit_test(test_all_or_nothing),
	    cmocka_unit_test(test_order_through_wraps_and_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
