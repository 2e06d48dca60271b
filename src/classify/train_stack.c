/* train_stack.c: trees on top of what all sums say: which tier is needed hangs on what
 * comes together, as a long text and a short question; and so does what traffic looks
 * like. */
#include <string.h>

#include "base/mem.h"
#include "lesson.h"

struct stack {
	struct trainer *t;
	uint32_t rows;
	uint32_t *row; /* prompts, by number */
	float *x, *label, *weight, *start;
};

static bool
has_tier(const struct trainer *t, uint32_t row)
{
	return t->lesson[row].tier >= 0;
}

static bool
is_free(const struct trainer *t, uint32_t row)
{
	return form_in(t, row) == FORM_free;
}

static void
stack_init(struct stack *s, struct trainer *t,
    bool (*wanted)(const struct trainer *t, uint32_t row))
{
	*s = (struct stack){.t = t, .row = xcalloc(t->count, sizeof(*s->row))};
	for (uint32_t r = 0; r < t->count; r++) {
		if (wanted(t, r))
			s->row[s->rows++] = r;
	}
	s->x = xcalloc((size_t)s->rows * TREE_INPUTS + 1, sizeof(float));
	s->label = xcalloc(s->rows + 1, sizeof(float));
	s->weight = xcalloc(s->rows + 1, sizeof(float));
	s->start = xcalloc(s->rows + 1, sizeof(float));
}

static void
stack_fini(struct stack *s)
{
	xfree(s->row);
	xfree(s->x);
	xfree(s->label);
	xfree(s->weight);
	xfree(s->start);
}

/* Hints are of weights that have not seen the prompt. */
static void
fill(struct stack *s, uint32_t i, float logit)
{
	const struct trainer *t = s->t;
	uint32_t r = s->row[i];
	float surface[SURFACE_COUNT], hint[HINT_COUNT];

	for (unsigned k = 0; k < SURFACE_COUNT; k++)
		surface[k] = t->surface[(size_t)r * SURFACE_COUNT + k] * t->spread[k] +
			     t->mean[k];
	memcpy(hint, t->outcome + (size_t)r * 2, 2 * sizeof(float));
	memcpy(hint + HINT_class, t->class_p + (size_t)r * CLASS_COUNT,
	    CLASS_COUNT * sizeof(float));
	tree_inputs(surface, hint, logit, s->x + (size_t)i * TREE_INPUTS);
}

static void
grow(struct stack *s, struct tree ret[TREES])
{
	struct grove g = {.rows = s->rows,
	    .inputs = TREE_INPUTS,
	    .x = s->x,
	    .label = s->label,
	    .weight = s->weight,
	    .start = s->start,
	    .seed = s->t->o.seed};

	trees_grow(&g, ret);
}

/* ---- tiers ---- */

static void
grow_without(struct stack *s, unsigned fold, struct tree ret[TREES])
{
	for (uint32_t i = 0; i < s->rows; i++)
		s->weight[i] = s->t->fold[s->row[i]] != fold;
	grow(s, ret);
}

/* The logits of requests that `part` has not seen. */
static void
correct(struct stack *s, unsigned h, unsigned fold, const struct tree part[TREES])
{
	for (uint32_t i = 0; i < s->rows; i++) {
		if (s->t->fold[s->row[i]] == fold)
			s->t->tier[(size_t)s->row[i] * 2 + h] =
			    trees_sum(part, s->x + (size_t)i * TREE_INPUTS);
	}
}

void
train_tier_trees(struct trainer *t)
{
	struct stack s;
	struct tree *part = xcalloc(TREES, sizeof(*part));

	stack_init(&s, t, has_tier);
	for (unsigned h = 0; h < 2 && s.rows > 0; h++) {
		for (uint32_t i = 0; i < s.rows; i++) {
			fill(&s, i, t->tier[(size_t)s.row[i] * 2 + h]);
			s.label[i] = t->lesson[s.row[i]].tier > (int)h;
		}
		for (unsigned k = 0; k < FOLDS; k++) {
			grow_without(&s, k, part);
			correct(&s, h, k, part);
		}
		grow_without(&s, FOLDS, t->model->tier_tree[h]);
	}
	xfree(part);
	stack_fini(&s);
}

/* ---- traffic ---- */

void
train_traffic(struct trainer *t)
{
	struct stack s;
	double sum[2] = {0, 0};

	stack_init(&s, t, is_free);
	for (uint32_t i = 0; i < s.rows; i++) {
		uint32_t r = s.row[i];
		bool traffic = has_tier(t, r);

		fill(&s, i, 0);
		s.label[i] = traffic;
		s.weight[i] = t->weight[r];
		sum[traffic] += t->weight[r];
	}
	/* Both weigh the same in all. */
	for (uint32_t i = 0; i < s.rows; i++)
		s.weight[i] *= (float)(s.rows / 2.0 / sum[s.label[i] > 0]);
	grow(&s, t->model->traffic_tree);
	stack_fini(&s);
}
