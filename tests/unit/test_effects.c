/* libs: base cli */
/* test_effects.c: why two bills differ: the parts add up to the last pico-dollar, and
 * each says what it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/effects.h"

#define USD PUSD_PER_USD

static void
check_sums(const struct effects *m, size_t count, const struct effects *all)
{
	wide volume = 0, mix = 0, price = 0;

	for (size_t i = 0; i < count; i++) {
		assert_true(m[i].volume.v + m[i].mix.v + m[i].price.v ==
			    m[i].cost[1].v - m[i].cost[0].v);
		volume += m[i].volume.v;
		mix += m[i].mix.v;
		price += m[i].price.v;
	}
	assert_true(
	    volume == all->volume.v && mix == all->mix.v && price == all->price.v);
	assert_true(all->volume.v + all->mix.v + all->price.v ==
		    all->cost[1].v - all->cost[0].v);
}

static void
test_only_more(void **state)
{
	struct effects all,
	    m[] = {
		{.model = "a", .tokens = {100, 150}, .cost = {{10 * USD}, {15 * USD}}},
		{.model = "b", .tokens = {200, 300}, .cost = {{2 * USD}, {3 * USD}}}};

	(void)state;
	effects_split(m, 2, &all);
	check_sums(m, 2, &all);
	assert_true(all.volume.v == 6 * USD && all.mix.v == 0 && all.price.v == 0);
}

static void
test_only_other_models(void **state)
{
	struct effects all,
	    m[] = {{.model = "a", .tokens = {100, 0}, .cost = {{10 * USD}, {0}}},
		{.model = "b", .tokens = {100, 200}, .cost = {{1 * USD}, {2 * USD}}}};

	(void)state;
	effects_split(m, 2, &all);
	check_sums(m, 2, &all);
	assert_true(all.volume.v == 0 && all.mix.v == -9 * USD && all.price.v == 0);
}

static void
test_only_the_price(void **state)
{
	struct effects all,
	    m[] = {
		{.model = "a", .tokens = {100, 100}, .cost = {{10 * USD}, {8 * USD}}},
		{.model = "b", .tokens = {7, 7}, .cost = {{USD}, {USD}}}};

	(void)state;
	effects_split(m, 2, &all);
	check_sums(m, 2, &all);
	assert_true(all.volume.v == 0 && all.mix.v == 0 && all.price.v == -2 * USD);
}

/* A model that was not there before is another mix; a first bill is all volume. */
static void
test_new_ones(void **state)
{
	struct effects all,
	    m[] = {{.model = "a", .tokens = {100, 50}, .cost = {{10 * USD}, {5 * USD}}},
		{.model = "b", .tokens = {0, 50}, .cost = {{0}, {1 * USD}}}};
	struct effects first[] = {
	    {.model = "a", .tokens = {0, 50}, .cost = {{0}, {5 * USD}}}};

	(void)state;
	effects_split(m, 2, &all);
	check_sums(m, 2, &all);
	assert_true(all.volume.v == 0 && all.mix.v == -4 * USD && all.price.v == 0);
	effects_split(first, 1, &all);
	check_sums(first, 1, &all);
	assert_true(all.volume.v == 5 * USD);
	effects_split(first, 0, &all);
	assert_true(all.volume.v == 0);
}

/* Whatever the numbers are, nothing is lost by rounding. */
static void
test_exact(void **state)
{
	uint64_t seed = 88172645463325252ULL;
	struct effects m[7], all;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < 7; i++) {
			m[i] = (struct effects){.model = "m"};
			for (int k = 0; k < 2; k++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				m[i].tokens[k] =
				    (int64_t)(seed % 5 == 0 ? 0 : seed % 1000000007);
				m[i].cost[k].v = (wide)(seed >> 3);
			}
		}
		effects_split(m, 7, &all);
		check_sums(m, 7, &all);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_only_more),
	    cmocka_unit_test(test_only_other_models),
	    cmocka_unit_test(test_only_the_price),
	    cmocka_unit_test(test_new_ones),
	    cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
