/* classifier_measure.h: how well scores order prompts; definitions of RouteLLM
 * (arXiv 2406.18665, section 3.2). */
#ifndef CLI_CLASSIFIER_MEASURE_H
#define CLI_CLASSIFIER_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* What one prompt is worth at a weak and at a strong model, and what was predicted. */
struct sample {
	float score;        /* the higher, the more the strong model is needed */
	float weak, strong; /* 0..1 */
	float p;            /* that the weak one answers well */
	uint32_t row;       /* its number, from 0, in whatever order they lie */
};

/* Of calls sent to the strong model: the mean share of the gap between the two that is
 * recovered (apgr; random: 0.5), and the percentage of calls that recovers 50 % and
 * 80 % of it. Prompts of one score count as their mean. NaN where the strong one is no
 * better. Sorts the samples. */
struct recovery {
	double apgr, cpt50, cpt80;
};
struct recovery measure_recovery(struct sample *s, size_t n);

/* The middle 95 % of APGR, each of MEASURE_ROUNDS; the same for the same seed. */
#define MEASURE_ROUNDS 1000
struct range {
	double low, high;
};
/* Over draws of n prompts with replacement: what another set of this kind may give. By
 * row: other scores of the same prompts get the same draws. NaN where more than one
 * draw in 40 has no gap. Sorts. */
struct range measure_interval(struct sample *s, size_t n, uint64_t seed);
/* Over random orders of these prompts: what is no better than chance. */
struct range measure_random(const struct sample *s, size_t n, uint64_t seed);

/* Of p for the weak model's answers: area under the ROC curve (soft labels count as
 * weighted pairs), and the mean distance of prediction from outcome in 15 bins. NaN
 * (the area) where every outcome is good or none is. */
double measure_auc(struct sample *s, size_t n); /* sorts */
double measure_ece(const struct sample *s, size_t n);

#endif
