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
};

/* Of calls sent to the strong model: the mean share of the gap between the two that is
 * recovered (apgr; random: 0.5), and the percentage of calls that recovers 50 % and
 * 80 % of it. NaN where the strong one is no better. Sorts the samples. */
struct recovery {
	double apgr, cpt50, cpt80;
};
struct recovery measure_recovery(struct sample *s, size_t n);
/* 95 % of draws with replacement; the same for the same seed. */
void measure_interval(const struct sample *s, size_t n, uint64_t seed, double ret[2]);

/* Of p for the weak model's answers: area under the ROC curve (soft labels count as
 * weighted pairs), and the mean distance of prediction from outcome in 15 bins. */
double measure_auc(struct sample *s, size_t n); /* sorts */
double measure_ece(const struct sample *s, size_t n);

#endif
