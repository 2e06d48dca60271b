/* train_trees.c: trees are grown one behind the other, each towards what those before
 * it got wrong. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lexicon.h"
#include "trees.h"

#define PARTS       32U
#define RATE        0.06F
#define LEAF_L2     5.0
#define LEAF_LEAST  3.0  /* of the second derivatives: some dozen rows */
#define ROW_SHARE   180U /* of 256 */
#define INPUT_SHARE 100U

struct grower {
	const struct grove *g;
	float (*cut)[PARTS]; /* of each input, ascending; INFINITY behind the last */
	uint8_t *part;       /* rows * inputs */
	float *logit;
	double *slope, *bend; /* first and second derivatives */
	uint8_t *node;        /* where the row is; 255: not seen by this tree */
	bool *seen_input;
	uint32_t tree;
};

static int
ascending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Cuts between as many rows each as can be. */
static void
find_cuts(struct grower *w, unsigned input, float *sorted)
{
	uint32_t n = 0;
	unsigned cuts = 0;

	for (uint32_t r = 0; r < w->g->rows; r++) {
		if (w->g->weight[r] > 0)
			sorted[n++] = w->g->x[(size_t)r * w->g->inputs + input];
	}
	qsort(sorted, n, sizeof(*sorted), ascending);
	for (unsigned i = 1; i < PARTS && n > 0; i++) {
		float v = sorted[(size_t)n * i / PARTS];

		if (v < sorted[n - 1] && (cuts == 0 || v > w->cut[input][cuts - 1]))
			w->cut[input][cuts++] = v;
	}
	/* What few rows have lies beyond the last part: whether they have it at all. */
	if (cuts == 0 && n > 0 && sorted[0] < sorted[n - 1])
		w->cut[input][cuts++] = sorted[0];
	while (cuts < PARTS)
		w->cut[input][cuts++] = INFINITY;
	for (uint32_t r = 0; r < w->g->rows; r++) {
		float v = w->g->x[(size_t)r * w->g->inputs + input];
		uint8_t p = 0;

		while (v > w->cut[input][p])
			p++;
		w->part[(size_t)r * w->g->inputs + input] = p;
	}
}

static void
derive(struct grower *w)
{
	for (uint32_t r = 0; r < w->g->rows; r++) {
		double p = 1 / (1 + exp(-(double)w->logit[r]));
		bool in = w->g->weight[r] > 0 &&
			  (hash_mix(r * 2654435761U ^ w->g->seed ^ w->tree * 40503U) &
			      255U) < ROW_SHARE;

		w->slope[r] = w->g->weight[r] * (p - w->g->label[r]);
		w->bend[r] = w->g->weight[r] * p * (1 - p);
		w->node[r] = in ? 0 : 255;
	}
	for (unsigned i = 0; i < w->g->inputs; i++)
		w->seen_input[i] = (hash_mix((i + 1) * 2246822519U ^ w->g->seed ^
					     w->tree * 3266489917U) &
				       255U) < INPUT_SHARE;
}

struct sums {
	double slope, bend;
};

static double
worth(struct sums s)
{
	return s.slope * s.slope / (s.bend + LEAF_L2);
}

/* The best cut of a node, by input and part; false: none is better than no cut. */
struct split {
	double gain;
	unsigned input, part;
};

static void
try_input(struct grower *w, unsigned node, unsigned input, struct split *best)
{
	struct sums part[PARTS] = {{0, 0}}, all = {0, 0}, left = {0, 0};

	for (uint32_t r = 0; r < w->g->rows; r++) {
		struct sums *s = &part[w->part[(size_t)r * w->g->inputs + input]];

		if (w->node[r] != node)
			continue;
		s->slope += w->slope[r];
		s->bend += w->bend[r];
	}
	for (unsigned p = 0; p < PARTS; p++) {
		all.slope += part[p].slope;
		all.bend += part[p].bend;
	}
	for (unsigned p = 0; p + 1 < PARTS; p++) {
		struct sums right;
		double gain;

		left.slope += part[p].slope;
		left.bend += part[p].bend;
		right = (struct sums){all.slope - left.slope, all.bend - left.bend};
		if (left.bend < LEAF_LEAST || right.bend < LEAF_LEAST)
			continue;
		gain = worth(left) + worth(right) - worth(all);
		if (gain > best->gain)
			*best = (struct split){gain, input, p};
	}
}

static void
split_node(struct grower *w, unsigned node, struct tree *ret)
{
	struct split best = {1e-6, 0, PARTS - 1};

	for (unsigned i = 0; i < w->g->inputs; i++) {
		if (w->seen_input[i])
			try_input(w, node, i, &best);
	}
	ret->input[node] = (uint8_t)best.input;
	/* Without a cut all go to the first child. */
	ret->at[node] = w->cut[best.input][best.part];
	if (best.part == PARTS - 1)
		ret->at[node] = 1e5F;
	for (uint32_t r = 0; r < w->g->rows; r++) {
		if (w->node[r] == node)
			w->node[r] =
			    (uint8_t)(2 * node + 1 +
				      (w->part[(size_t)r * w->g->inputs + best.input] >
					  best.part));
	}
}

static void
fill_leaves(const struct grower *w, struct tree *ret)
{
	struct sums leaf[TREE_LEAVES] = {{0, 0}};

	for (uint32_t r = 0; r < w->g->rows; r++) {
		if (w->node[r] == 255)
			continue;
		leaf[w->node[r] - TREE_NODES].slope += w->slope[r];
		leaf[w->node[r] - TREE_NODES].bend += w->bend[r];
	}
	for (unsigned i = 0; i < TREE_LEAVES; i++)
		ret->leaf[i] =
		    -RATE * (float)(leaf[i].slope / (leaf[i].bend + LEAF_L2));
}

static void
grow_one(struct grower *w, struct tree *ret)
{
	*ret = (struct tree){0};
	derive(w);
	for (unsigned node = 0; node < TREE_NODES; node++)
		split_node(w, node, ret);
	fill_leaves(w, ret);
	for (uint32_t r = 0; r < w->g->rows; r++) {
		const float *x = w->g->x + (size_t)r * w->g->inputs;
		unsigned node = 0;

		while (node < TREE_NODES)
			node = 2 * node + 1 + (x[ret->input[node]] > ret->at[node]);
		w->logit[r] += ret->leaf[node - TREE_NODES];
	}
}

void
trees_grow(const struct grove *g, struct tree ret[TREES])
{
	struct grower w = {.g = g,
	    .cut = xcalloc(g->inputs, sizeof(*w.cut)),
	    .part = xcalloc((size_t)g->rows * g->inputs, 1),
	    .logit = xcalloc(g->rows, sizeof(float)),
	    .slope = xcalloc(g->rows, sizeof(double)),
	    .bend = xcalloc(g->rows, sizeof(double)),
	    .node = xcalloc(g->rows, 1),
	    .seen_input = xcalloc(g->inputs, sizeof(bool))};
	float *sorted = xcalloc(g->rows, sizeof(float));

	memcpy(w.logit, g->start, g->rows * sizeof(float));
	for (unsigned i = 0; i < g->inputs; i++)
		find_cuts(&w, i, sorted);
	for (w.tree = 0; w.tree < TREES; w.tree++)
		grow_one(&w, &ret[w.tree]);
	xfree(sorted);
	xfree(w.cut);
	xfree(w.part);
	xfree(w.logit);
	xfree(w.slope);
	xfree(w.bend);
	xfree(w.node);
	xfree(w.seen_input);
}
