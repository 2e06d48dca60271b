/* libs: base call */
/* test_health_keys.c: several keys of one provider: each has its share of the sessions,
 * and one that is refused rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/env.h"
#include "health.h"

#define S     NS_PER_S
#define START (1000 * S)

static int
set_up(void **state)
{
	*state = health_new();
	return 0;
}

static int
tear_down(void **state)
{
	health_free(*state);
	return 0;
}

#define KEYS  3
#define DRAWS 3000

/* How many of many draws each key gets. */
static void
count_keys(const struct health *h, int64_t now, unsigned ret[static KEYS])
{
	unsigned key;

	memset(ret, 0, KEYS * sizeof(ret[0]));
	for (uint64_t draw = 1; draw <= DRAWS; draw++) {
		assert_true(health_key(h, h, KEYS, draw, now, &key));
		ret[key]++;
	}
}

static void
test_keys_in_turn(void **state)
{
	struct health *h = *state;
	unsigned before[KEYS], after[KEYS], key, same;

	count_keys(h, START, before);
	for (unsigned i = 0; i < KEYS; i++)
		assert_in_range(
		    before[i], DRAWS / KEYS * 9 / 10, DRAWS / KEYS * 11 / 10);
	/* who has one keeps it, also when another rests */
	for (uint64_t draw = 1; draw <= DRAWS; draw++) {
		assert_true(health_key(h, h, KEYS, draw, START, &key));
		if (key == 1)
			continue;
		health_key_report(h, 1, OUT_provider_key, START, 60000);
		assert_true(health_key(h, h, KEYS, draw, START, &same));
		assert_int_equal(same, key);
		health_keys_forget(h);
	}
	/* what the one that rests would get is shared by the others */
	health_key_report(h, 1, OUT_provider_key, START, 60000);
	count_keys(h, START, after);
	assert_int_equal(after[1], 0);
	assert_in_range(after[0], before[0] + before[1] / 3, before[0] + before[1]);
	assert_in_range(after[2], before[2] + before[1] / 3, before[2] + before[1]);
}

static void
test_keys_rest(void **state)
{
	struct health *h = *state;
	unsigned key = 9;

	assert_true(health_key(h, h, 0, 7, START, &key));
	assert_int_equal(key, 0);
	health_key_report(h, 0, OUT_provider_key, START, -1);
	assert_true(health_key(h, h, 2, 7, START, &key));
	assert_int_equal(key, 1);
	health_key_report(h, 1, OUT_provider_quota, START, 60000);
	assert_false(health_key(h, h, 2, 7, START, &key));
	assert_int_equal(key, 0); /* ready first */
	assert_true(health_key(h, h, 2, 7, START + 13 * S, &key));
	assert_int_equal(key, 0);
	health_keys_forget(h);
	assert_true(health_key(h, h, 2, 7, START, &key));
	/* who uses it says nothing of it */
	health_key_report(h, 0, OUT_client_gone, START, -1);
	assert_true(health_key(h, h, 1, 7, START, &key));
}

/* One that is refused again and again rests for longer and longer; the other's first
 * refusal is a first one. */
static void
test_each_key_counts_its_own_failures(void **state)
{
	struct health *h = *state;
	unsigned key;

	for (int i = 0; i < 6; i++)
		health_key_report(h, 0, OUT_provider_key, START, -1);
	assert_false(health_key(h, h, 1, 7, START + 60 * S, &key));
	health_key_report(h, 1, OUT_provider_key, START, -1);
	assert_true(health_key(h, h, 2, 7, START + 16 * S, &key));
	assert_int_equal(key, 1);
	/* and one that works is no word for the other */
	health_key_report(h, 1, OUT_served, START, -1);
	health_key_report(h, 0, OUT_provider_key, START + 200 * S, -1);
	assert_false(health_key(h, h, 1, 7, START + 260 * S, &key));
	/* those that a reload brings may be others */
	health_keys_forget(h);
	health_key_report(h, 0, OUT_provider_key, START, -1);
	assert_true(health_key(h, h, 1, 7, START + 16 * S, &key));
}

/* A limit is the model's and the key's: others of either go on. */
static void
test_limits_of_keys(void **state)
{
	struct health *p = *state, *m = health_new(), *other = health_new();
	unsigned key;

	assert_int_equal(health_keys_wait_ms(p, m, 0, START), 0);
	health_key_report(m, 0, OUT_provider_rate, START, 7000);
	assert_true(health_key(p, m, 2, 7, START, &key));
	assert_int_equal(key, 1);
	assert_int_equal(health_keys_wait_ms(p, m, 2, START), 0);
	assert_true(health_key(p, other, 1, 7, START, &key));
	/* the other one does not work at all */
	health_key_report(p, 1, OUT_provider_key, START, 60000);
	assert_false(health_key(p, m, 2, 7, START, &key));
	assert_int_equal(key, 0);
	assert_int_equal(health_keys_wait_ms(p, m, 2, START), 7000);
	assert_int_equal(health_keys_wait_ms(p, m, 2, START + 7 * S - 1), 1);
	assert_true(health_key(p, m, 2, 7, START + 7 * S, &key));
	/* not told for how long: a second */
	health_key_report(other, 0, OUT_provider_rate, START, -1);
	assert_in_range(health_keys_wait_ms(p, other, 1, START), 800, 1200);
	health_free(other);
	health_free(m);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_keys_in_turn),
	    CASE(test_keys_rest),
	    CASE(test_each_key_counts_its_own_failures),
	    CASE(test_limits_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
