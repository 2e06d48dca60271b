/* train_fit.c: the three models, each fitted without a part of the prompts to judge
 * that part, then on all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/request.h"
#include "lesson.h"

struct stage {
	struct trainer *t;
	struct problem p;
	float *weight;
	float requests;           /* what a labelled request counts */
	bool even;                /* every row counts 1 */
	uint32_t most;            /* questions of a source that are used; 0: all */
	const float *form_weight; /* FORM_COUNT; NULL: all the same */
	bool (*known)(const struct lesson *l);
	const char *name;
};

static void
stage_init(struct stage *s, struct trainer *t, const char *name, unsigned heads)
{
	*s = (struct stage){.t = t, .name = name};
	s->weight = xcalloc(t->count, sizeof(float));
	s->requests = 1;
	s->p = (struct problem){.x = &t->x,
	    .heads = heads,
	    .weight = s->weight,
	    .l2_words = t->o.l2_words,
	    .l2_dense = t->o.l2_surface,
	    .rounds = t->o.rounds,
	    .what = name,
	    .say = t->o.say,
	    .arg = t->o.arg};
}

/* Questions of one source are alike: of a large one some are enough to know its kind of
 * work. 0: this one is not needed. */
static float
share_of(const struct stage *s, uint32_t row)
{
	const struct lesson *l = &s->t->lesson[row];
	uint32_t each;

	if (l->tier >= 0 && s->form_weight == NULL)
		return s->requests;
	if (s->form_weight != NULL)
		return s->form_weight[form_in(s->t, row)];
	if (s->most == 0)
		return 1;
	each = 1 + s->t->of_source[l->source % LESSON_SOURCES] / s->most;
	return hash_mix(row) % each == 0 ? 1 : 0;
}

/* `without` FOLDS: with all. */
static void
use(struct stage *s, unsigned without)
{
	const struct trainer *t = s->t;

	for (uint32_t r = 0; r < t->count; r++)
		s->weight[r] = s->known(&t->lesson[r]) && t->fold[r] != without
				   ? (s->even ? 1 : t->weight[r] * share_of(s, r))
				   : 0;
}

/* Logits of the prompts outside, by fold, into `ret`; then the weights of all. The
 * search begins where the last one ended: the folds are much alike. */
static void
fit_folds(struct stage *s, float *w, float *ret)
{
	struct trainer *t = s->t;
	size_t size = fit_size(&s->p);
	char name[64];
	float *part = xcalloc(size, sizeof(float));

	s->p.what = name;
	for (unsigned k = 0; k < FOLDS; k++) {
		snprintf(name, sizeof(name), "%s, without part %u of %u", s->name,
		    k + 1, FOLDS);
		memset(part, 0, size * sizeof(float));
		use(s, k);
		fit(&s->p, part);
		for (uint32_t r = 0; r < t->count; r++) {
			if (t->fold[r] == k)
				fit_logits(
				    &s->p, part, r, ret + (size_t)r * s->p.heads);
		}
	}
	snprintf(name, sizeof(name), "%s", s->name);
	memcpy(w, part, size * sizeof(float));
	use(s, FOLDS);
	fit(&s->p, w);
	xfree(part);
	xfree(s->weight);
}

/* ---- kinds of work ---- */

static bool
class_known(const struct lesson *l)
{
	return l->class >= 0;
}

void
train_classes(struct trainer *t)
{
	float *label = xcalloc((size_t)t->count * CLASS_COUNT, sizeof(float));
	struct stage s;

	stage_init(&s, t, "kinds of work", CLASS_COUNT);
	for (uint32_t r = 0; r < t->count; r++) {
		if (t->lesson[r].class >= 0)
			label[(size_t)r * CLASS_COUNT + (size_t)t->lesson[r].class] = 1;
	}
	s.known = class_known;
	s.requests = t->o.requests;
	s.most = 500;
	s.p.label = label;
	s.p.softmax = true;
	s.p.l2_words = t->o.l2_class;
	s.p.dense = t->surface;
	s.p.dense_count = SURFACE_COUNT;
	fit_folds(&s, t->class_w, t->class_p);
	for (uint32_t r = 0; r < t->count; r++) {
		float p[CLASS_COUNT];

		softmax(t->class_p + (size_t)r * CLASS_COUNT, p);
		memcpy(t->class_p + (size_t)r * CLASS_COUNT, p, sizeof(p));
	}
	xfree(label);
}

/* ---- what models of each tier can do ---- */

static bool
outcome_known(const struct lesson *l)
{
	return l->small >= 0 || l->frontier >= 0;
}

/* Mean and spread of (already centred) value `i` over the prompts of which `in` is set,
 * as those of the value itself. */
static void
centre_again(const struct trainer *t, const bool *in, unsigned i, struct centre *ret)
{
	double sum = 0, squares = 0, n = 0;
	float mean = 0, spread = 1;

	for (uint32_t r = 0; r < t->count; r++) {
		double v = t->surface[(size_t)r * SURFACE_COUNT + i];

		if (!in[r])
			continue;
		n++;
		sum += v;
		squares += v * v;
	}
	if (n > 0 && i != SURFACE_bias) {
		mean = (float)(sum / n);
		spread = (float)sqrt(fmax(0, squares / n - sum / n * sum / n));
	}
	if (!(spread > 1e-3F))
		spread = 1;
	ret->mean[i] = t->mean[i] + t->spread[i] * mean;
	ret->spread[i] = t->spread[i] * spread;
}

static void
recentred(const struct trainer *t, uint32_t row, const struct centre *to,
    unsigned count, float *ret)
{
	const float *from = t->surface + (size_t)row * SURFACE_COUNT;

	for (unsigned i = 0; i < count; i++)
		ret[i] =
		    (from[i] * t->spread[i] + t->mean[i] - to->mean[i]) / to->spread[i];
}

/* Each form has columns of its own, by its own means and spreads: over labelled
 * requests, too, whose outcomes are not known but are judged. */
static float *
by_form(struct trainer *t)
{
	size_t width = (size_t)FORM_COUNT * OUTCOME_SURFACES;
	float *dense = xcalloc((size_t)t->count * width, sizeof(float));
	bool *in = xcalloc(t->count, sizeof(*in));

	for (unsigned k = 0; k < FORM_COUNT; k++) {
		for (uint32_t r = 0; r < t->count; r++)
			in[r] = form_in(t, r) == k;
		for (unsigned i = 0; i < OUTCOME_SURFACES; i++)
			centre_again(t, in, i, &t->form[k]);
	}
	for (uint32_t r = 0; r < t->count; r++) {
		enum form form = form_in(t, r);

		recentred(t, r, &t->form[form], OUTCOME_SURFACES,
		    dense + (size_t)r * width + form * OUTCOME_SURFACES);
	}
	xfree(in);
	return dense;
}

/* Each form has rows of its own: the same prompts with other buckets. */
static uint16_t *
salted_buckets(const struct trainer *t)
{
	uint16_t *ret = xcalloc(t->x.begin[t->count], sizeof(*ret));

	for (uint32_t r = 0; r < t->count; r++) {
		uint32_t salt = form_salt(form_in(t, r));

		for (size_t i = t->x.begin[r]; i < t->x.begin[r + 1]; i++)
			ret[i] = (uint16_t)(t->x.bucket[i] ^ salt);
	}
	return ret;
}

/* Penalties are against the sum over prompts: a form weighs as much as it has prompts,
 * whatever its sources weigh. */
static void
weigh_forms(const struct trainer *t, float ret[FORM_COUNT])
{
	double sum[FORM_COUNT] = {0}, n[FORM_COUNT] = {0};

	for (uint32_t r = 0; r < t->count; r++) {
		enum form form = form_in(t, r);

		if (!outcome_known(&t->lesson[r]))
			continue;
		sum[form] += t->weight[r];
		n[form]++;
	}
	for (unsigned k = 0; k < FORM_COUNT; k++)
		ret[k] = sum[k] > 0 ? (float)(n[k] / sum[k]) : 1;
}

void
train_outcomes(struct trainer *t)
{
	float *label = xcalloc((size_t)t->count * 2, sizeof(float));
	float *dense = by_form(t), form_weight[FORM_COUNT];
	struct sparse salted = t->x;
	struct stage s;

	salted.bucket = salted_buckets(t);
	stage_init(&s, t, "outcomes", 2);
	weigh_forms(t, form_weight);
	s.form_weight = form_weight;
	for (uint32_t r = 0; r < t->count; r++) {
		label[(size_t)r * 2] = t->lesson[r].small;
		label[(size_t)r * 2 + 1] = t->lesson[r].frontier;
	}
	s.known = outcome_known;
	s.p.x = &salted;
	s.p.label = label;
	s.p.dense = dense;
	s.p.dense_count = FORM_COUNT * OUTCOME_SURFACES;
	fit_folds(&s, t->outcome_w, t->outcome);
	xfree(salted.bucket);
	xfree(dense);
	xfree(label);
}

/* ---- which tier is needed ---- */

static bool
tier_known(const struct lesson *l)
{
	return l->tier >= 0;
}

static float *
with_hints(struct trainer *t)
{
	size_t width = SURFACE_COUNT + HINT_COUNT;
	float *dense = xcalloc((size_t)t->count * width, sizeof(float));
	bool *in = xcalloc(t->count, sizeof(*in));

	for (uint32_t r = 0; r < t->count; r++)
		in[r] = tier_known(&t->lesson[r]);
	for (unsigned i = 0; i < SURFACE_COUNT; i++)
		centre_again(t, in, i, &t->tiers);
	for (uint32_t r = 0; r < t->count; r++) {
		float *to = dense + (size_t)r * width;

		recentred(t, r, &t->tiers, SURFACE_COUNT, to);
		memcpy(
		    to + SURFACE_COUNT, t->outcome + (size_t)r * 2, 2 * sizeof(float));
		memcpy(to + SURFACE_COUNT + HINT_class,
		    t->class_p + (size_t)r * CLASS_COUNT, CLASS_COUNT * sizeof(float));
	}
	xfree(in);
	return dense;
}

void
train_tiers(struct trainer *t)
{
	float *label = xcalloc((size_t)t->count * 2, sizeof(float));
	float *dense = with_hints(t);
	struct stage s;

	stage_init(&s, t, "tiers", 2);
	for (uint32_t r = 0; r < t->count; r++) {
		label[(size_t)r * 2] = t->lesson[r].tier > 0;
		label[(size_t)r * 2 + 1] = t->lesson[r].tier > 1;
	}
	s.known = tier_known;
	s.even = true;
	s.p.label = label;
	s.p.dense = dense;
	s.p.dense_count = SURFACE_COUNT + HINT_COUNT;
	s.p.l2_words = t->o.l2_tier_words;
	s.p.l2_dense = t->o.l2_tier_surface;
	fit_folds(&s, t->tier_w, t->tier);
	train_tier_trees(t);
	xfree(dense);
	xfree(label);
}
