/* tier_trees.c: trees decide on top of the sums: which tier is needed hangs on
 * what comes together, as a long text and a short question. */
#include <string.h>

#include "base/mem.h"
#include "lesson.h"

struct tiers {
	struct trainer *t;
	uint32_t rows;
	uint32_t *row; /* labelled requests, by number */
	float *x, *label, *weight, *start;
};

static void
collect(struct tiers *w)
{
	const struct trainer *t = w->t;

	w->row = xcalloc(t->count, sizeof(*w->row));
	for (uint32_t r = 0; r < t->count; r++) {
		if (t->lesson[r].tier >= 0)
			w->row[w->rows++] = r;
	}
	w->x = xcalloc((size_t)w->rows * TREE_INPUTS + 1, sizeof(float));
	w->label = xcalloc(w->rows + 1, sizeof(float));
	w->weight = xcalloc(w->rows + 1, sizeof(float));
	w->start = xcalloc(w->rows + 1, sizeof(float));
}

/* Of head `h`; hints and logits are of weights that have not seen the request. */
static void
fill(struct tiers *w, unsigned h)
{
	const struct trainer *t = w->t;

	for (uint32_t i = 0; i < w->rows; i++) {
		uint32_t r = w->row[i];
		float surface[SURFACE_COUNT], hint[HINT_COUNT];

		for (unsigned k = 0; k < SURFACE_COUNT; k++)
			surface[k] =
			    t->surface[(size_t)r * SURFACE_COUNT + k] * t->spread[k] +
			    t->mean[k];
		memcpy(hint, t->outcome + (size_t)r * 2, 2 * sizeof(float));
		memcpy(hint + HINT_class, t->class_p + (size_t)r * CLASS_COUNT,
		    CLASS_COUNT * sizeof(float));
		w->start[i] = 0;
		tree_inputs(surface, hint, t->tier[(size_t)r * 2 + h],
		    w->x + (size_t)i * TREE_INPUTS);
		w->label[i] = t->lesson[r].tier > (int)h;
	}
}

static void
grow(struct tiers *w, unsigned without, struct tree ret[TREES])
{
	struct grove g = {.rows = w->rows,
	    .inputs = TREE_INPUTS,
	    .x = w->x,
	    .label = w->label,
	    .weight = w->weight,
	    .start = w->start,
	    .seed = w->t->o.seed};

	for (uint32_t i = 0; i < w->rows; i++)
		w->weight[i] = w->t->fold[w->row[i]] != without;
	trees_grow(&g, ret);
}

/* The logits of requests that `part` has not seen. */
static void
correct(struct tiers *w, unsigned h, unsigned fold, const struct tree part[TREES])
{
	for (uint32_t i = 0; i < w->rows; i++) {
		if (w->t->fold[w->row[i]] == fold)
			w->t->tier[(size_t)w->row[i] * 2 + h] =
			    trees_sum(part, w->x + (size_t)i * TREE_INPUTS);
	}
}

void
train_tier_trees(struct trainer *t)
{
	struct tiers w = {.t = t};
	struct tree *part = xcalloc(TREES, sizeof(*part));

	collect(&w);
	for (unsigned h = 0; h < 2 && w.rows > 0; h++) {
		fill(&w, h);
		for (unsigned k = 0; k < FOLDS; k++) {
			grow(&w, k, part);
			correct(&w, h, k, part);
		}
		grow(&w, FOLDS, t->model->tier_tree[h]);
	}
	xfree(part);
	xfree(w.row);
	xfree(w.x);
	xfree(w.label);
	xfree(w.weight);
	xfree(w.start);
}
