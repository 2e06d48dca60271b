/* libs: base core classify */
/* test_trees.c: trees learn what no sum of values says, the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "trees.h"

#define ROWS   400U
#define INPUTS 3U

struct data {
	float x[ROWS][INPUTS], label[ROWS], weight[ROWS], start[ROWS];
	struct grove g;
};

/* Either of two, but not both; the third says nothing. */
static void
either(struct data *d)
{
	memset(d, 0, sizeof(*d));
	for (unsigned r = 0; r < ROWS; r++) {
		d->x[r][0] = (float)(r % 2);
		d->x[r][1] = (float)(r / 2 % 2);
		d->x[r][2] = (float)(r * 7 % 11);
		d->label[r] = r % 2 != r / 2 % 2 ? 1.0F : 0.0F;
		d->weight[r] = 1;
	}
	d->g = (struct grove){.rows = ROWS,
	    .inputs = INPUTS,
	    .x = &d->x[0][0],
	    .label = d->label,
	    .weight = d->weight,
	    .start = d->start,
	    .seed = 7};
}

static void
test_either_of_two(void **state)
{
	static struct data d;
	static struct tree tree[TREES];

	(void)state;
	either(&d);
	trees_grow(&d.g, tree);
	for (unsigned r = 0; r < ROWS; r++) {
		float logit = trees_sum(tree, d.x[r]);

		assert_true(d.label[r] > 0 ? logit > 1 : logit < -1);
	}
}

static void
test_rows_without_weight_teach_nothing(void **state)
{
	static struct data d;
	static struct tree with[TREES], without[TREES];

	(void)state;
	either(&d);
	for (unsigned r = 0; r < ROWS; r += 3)
		d.weight[r] = 0;
	trees_grow(&d.g, with);
	for (unsigned r = 0; r < ROWS; r += 3)
		d.label[r] = 1 - d.label[r];
	trees_grow(&d.g, without);
	assert_memory_equal(with, without, sizeof(with));
}

static void
test_the_same_from_the_same(void **state)
{
	static struct data d;
	static struct tree once[TREES], again[TREES];

	(void)state;
	either(&d);
	trees_grow(&d.g, once);
	trees_grow(&d.g, again);
	assert_memory_equal(once, again, sizeof(once));
	d.g.seed = 8;
	trees_grow(&d.g, again);
	assert_memory_not_equal(once, again, sizeof(once));
}

/* All alike: no cut is found, and nothing is added. */
static void
test_nothing_to_learn(void **state)
{
	static struct data d;
	static struct tree tree[TREES];

	(void)state;
	either(&d);
	for (unsigned r = 0; r < ROWS; r++) {
		d.label[r] = 0.5F;
		d.x[r][0] = d.x[r][1] = d.x[r][2] = 3;
	}
	trees_grow(&d.g, tree);
	assert_true(trees_sum(tree, d.x[0]) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_either_of_two),
	    cmocka_unit_test(test_rows_without_weight_teach_nothing),
	    cmocka_unit_test(test_the_same_from_the_same),
	    cmocka_unit_test(test_nothing_to_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
