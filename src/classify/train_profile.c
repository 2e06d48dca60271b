/* train_profile.c: how the labelled requests of the training set are judged: what the
 * daemon compares its traffic with. Sets of questions are no traffic. */
#include <string.h>

#include "core/request.h"
#include "lesson.h"

static float
confidence_in(const struct trainer *t, uint32_t row)
{
	size_t from = t->heard_begin[row], to = t->heard_begin[row + 1];
	uint32_t unknown = 0;

	for (size_t i = from; i < to; i++) {
		uint32_t bit = t->heard.bit[i];

		unknown +=
		    ((unsigned)t->model->vocabulary[bit / 8] >> bit % 8 & 1U) == 0;
	}
	return confidence_of((uint32_t)(to - from), unknown);
}

/* By weights that have not seen the request: the finished ones are surer of it than of
 * any traffic. */
static void
judge(const struct trainer *t, uint32_t row, struct verdict *ret)
{
	struct scores s = {.form = form_in(t, row)};

	for (unsigned i = 0; i < SURFACE_COUNT; i++)
		s.surface[i] =
		    t->surface[(size_t)row * SURFACE_COUNT + i] * t->spread[i] +
		    t->mean[i];
	memcpy(s.class_p, t->class_p + (size_t)row * CLASS_COUNT, sizeof(s.class_p));
	memcpy(s.logit + HEAD_small, t->outcome + (size_t)row * 2, 2 * sizeof(float));
	memcpy(
	    s.logit + HEAD_above_local, t->tier + (size_t)row * 2, 2 * sizeof(float));
	*ret = (struct verdict){0};
	scores_conclude(t->model, &s, ret);
	ret->confidence = confidence_in(t, row);
}

void
train_profile(struct trainer *t)
{
	struct profile *p = &t->model->profile;
	struct verdict v;

	*p = (struct profile){0};
	for (uint32_t r = 0; r < t->count; r++) {
		if (t->lesson[r].tier < 0)
			continue;
		judge(t, r, &v);
		p->requests++;
		p->class[v.class]++;
		p->complexity[profile_bin(v.complexity)]++;
		p->confidence[profile_bin(v.confidence)]++;
	}
}
