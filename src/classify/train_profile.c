/* train_profile.c: how the finished weights judge the labelled requests of the training
 * set: what the daemon compares its traffic with. Sets of questions are no traffic. */
#include "core/request.h"
#include "lesson.h"

/* The sums that classify() makes, from the row as the fitting has it. */
static void
sum_words(const struct trainer *t, uint32_t row, float ret[HEAD_COUNT])
{
	const struct classifier *m = t->model;
	uint32_t salt = form_salt(form_in(t, row));

	for (unsigned h = 0; h < HEAD_COUNT; h++)
		ret[h] = 0;
	for (size_t i = t->x.begin[row]; i < t->x.begin[row + 1]; i++) {
		const int8_t *plain = m->row[t->x.bucket[i]],
			     *salted = m->row[t->x.bucket[i] ^ salt];

		for (unsigned h = 0; h < HEAD_COUNT; h++)
			ret[h] += (float)(h < HEAD_above_local ? salted : plain)[h] *
				  t->x.value[i];
	}
	for (unsigned h = 0; h < HEAD_COUNT; h++)
		ret[h] *= m->scale[h];
}

static float
confidence_in(const struct trainer *t, uint32_t row)
{
	size_t from = t->heard_begin[row], to = t->heard_begin[row + 1];
	uint32_t unknown = 0;

	for (size_t i = from; i < to; i++) {
		uint32_t bit = t->heard.bit[i];

		unknown += (t->model->vocabulary[bit / 8] >> bit % 8 & 1U) == 0;
	}
	return confidence_of((uint32_t)(to - from), unknown);
}

static void
judge(const struct trainer *t, uint32_t row, struct verdict *ret)
{
	struct scores s;

	sum_words(t, row, s.words);
	for (unsigned i = 0; i < SURFACE_COUNT; i++)
		s.surface[i] =
		    t->surface[(size_t)row * SURFACE_COUNT + i] * t->spread[i] +
		    t->mean[i];
	scores_judge(t->model, &s, ret);
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
