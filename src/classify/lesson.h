/* lesson.h: the training set in memory, and what is made of it on the way. */
#ifndef CLASSIFY_LESSON_H
#define CLASSIFY_LESSON_H

#include "fit.h"
#include "model.h"

/* Parts of the training set that take turns at being judged by weights of the others.
 */
#define FOLDS 5U

/* What a value is usually. */
struct centre {
	float mean[SURFACE_COUNT], spread[SURFACE_COUNT];
};

struct trainer {
	struct train_options o;
	struct lexicon lexicon;
	uint8_t once[VOCABULARY_BYTES], twice[VOCABULARY_BYTES];

	uint32_t count, room; /* lessons */
	size_t token_room;
	struct lesson *lesson;
	uint8_t *fold;  /* the same for prompts that begin alike */
	float *surface; /* count * SURFACE_COUNT, later centred */
	struct sparse x;
	uint32_t of_source[LESSON_SOURCES];
	struct heard heard;  /* words of labelled requests, one after the other */
	size_t *heard_begin; /* of each lesson, and the end of the last */

	float mean[SURFACE_COUNT], spread[SURFACE_COUNT];
	/* the same of each form, for outcomes, and of labelled requests, for tiers */
	struct centre form[FORM_COUNT], tiers;
	float *weight; /* by source: count */
	/* by weights that have not seen the prompt */
	float *class_p; /* count * CLASS_COUNT */
	float *outcome; /* count * 2: logits */
	float *tier;    /* count * 2: logits */
	float *class_w, *outcome_w, *tier_w;
	struct classifier *model;
};

/* lesson.c */
enum form form_in(const struct trainer *t, uint32_t row);
void lessons_finish(struct trainer *t);
/* train_fit.c: fill the members above. */
void train_classes(struct trainer *t);
void train_outcomes(struct trainer *t);
void train_tiers(struct trainer *t);
/* train_surface.c: the baseline of classify_surface(), into `t->model`. */
void train_surface(struct trainer *t);
/* train_stack.c: `t->tier` becomes what trees make of it; and trees that tell labelled
 * requests from questions of sets. Both are in `t->model`. */
void train_tier_trees(struct trainer *t);
void train_traffic(struct trainer *t);
/* train_write.c: `t->model` from all of it. */
void train_round(struct trainer *t);
/* Weights of centred values as weights of the values; the constant takes the rest. */
void uncentre(
    const float *mean, const float *spread, const float *w, unsigned count, float *ret);
void train_calibrate(struct trainer *t);
/* train_profile.c: into `t->model`, when all else is there. */
void train_profile(struct trainer *t);

#endif
