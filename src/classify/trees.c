/* trees.c: what boosted trees say of one prompt. */
#include "trees.h"

float
trees_sum(const struct tree tree[TREES], const float *inputs)
{
	float sum = 0;

	for (unsigned t = 0; t < TREES; t++) {
		const struct tree *x = &tree[t];
		unsigned node = 0;

		for (unsigned d = 0; d < TREE_DEPTH; d++)
			node = 2 * node + 1 + (inputs[x->input[node]] > x->at[node]);
		sum += x->leaf[node - TREE_NODES];
	}
	return sum;
}
