/* trees.h: boosted trees: what a weighted sum of values cannot say, as "long, but the
 * question is a short one". */
#ifndef CLASSIFY_TREES_H
#define CLASSIFY_TREES_H

#include <stdint.h>

#define TREE_DEPTH  3U
#define TREE_NODES  7U
#define TREE_LEAVES 8U
#define TREES       160U

/* Node i has the children 2 i + 1 (at most `at`) and 2 i + 2 (more). */
struct tree {
	uint8_t input[TREE_NODES], spare;
	float at[TREE_NODES];
	float leaf[TREE_LEAVES];
};

/* What is added to the logit of `inputs`. */
float trees_sum(const struct tree tree[TREES], const float *inputs);

/* Rows to learn from. */
struct grove {
	uint32_t rows;
	unsigned inputs;     /* at most 255 */
	const float *x;      /* rows * inputs */
	const float *label;  /* 0 to 1 */
	const float *weight; /* 0: left out */
	const float *start;  /* logits that the trees add to */
	uint32_t seed;       /* of which rows and inputs each tree sees */
};

/* Gradient boosting of the logistic loss (Friedman 2001; second order as in Chen and
 * Guestrin 2016), over values cut into at most 32 parts. The same from the same rows.
 */
void trees_grow(const struct grove *g, struct tree ret[TREES]);

#endif
