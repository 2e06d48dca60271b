/* train_surface.c: the two outcomes by counts alone: what classify_surface() tells. */
#include <string.h>

#include "base/mem.h"
#include "lesson.h"

static void
fill(const struct trainer *t, float *dense, float *label, float *weight)
{
	for (uint32_t r = 0; r < t->count; r++) {
		const struct lesson *l = &t->lesson[r];

		memcpy(dense + (size_t)r * OUTCOME_SURFACES,
		    t->surface + (size_t)r * SURFACE_COUNT,
		    OUTCOME_SURFACES * sizeof(float));
		label[(size_t)r * 2] = l->small;
		label[(size_t)r * 2 + 1] = l->frontier;
		weight[r] = l->small >= 0 || l->frontier >= 0 ? t->weight[r] : 0;
	}
}

void
train_surface(struct trainer *t)
{
	size_t n = t->count;
	float *dense = xcalloc(n * OUTCOME_SURFACES, sizeof(float));
	float *label = xcalloc(n * 2, sizeof(float));
	float *weight = xcalloc(n, sizeof(float));
	struct sparse no_words = {
	    .rows = t->count, .begin = xcalloc(n + 1, sizeof(size_t))};
	struct problem p = {.x = &no_words,
	    .dense = dense,
	    .dense_count = OUTCOME_SURFACES,
	    .heads = 2,
	    .label = label,
	    .weight = weight,
	    .l2_dense = t->o.l2_surface,
	    .rounds = t->o.rounds,
	    .what = "outcomes by counts alone",
	    .say = t->o.say,
	    .arg = t->o.arg};
	float *w = xcalloc(fit_size(&p), sizeof(float));

	fill(t, dense, label, weight);
	fit(&p, w);
	for (unsigned h = 0; h < 2; h++)
		uncentre(t->mean, t->spread,
		    w + (size_t)BUCKETS * 2 + (size_t)h * OUTCOME_SURFACES,
		    OUTCOME_SURFACES, t->model->surface_only[h]);
	xfree(w);
	xfree(no_words.begin);
	xfree(weight);
	xfree(label);
	xfree(dense);
}
