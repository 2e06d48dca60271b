/* fit.h: linear models with a penalty, by L-BFGS: the same from the same rows. */
#ifndef CLASSIFY_FIT_H
#define CLASSIFY_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prompts as vectors: sparse by bucket, of length 1. */
struct sparse {
	uint32_t rows;
	size_t *begin; /* of each row, and the end of the last */
	uint16_t *bucket;
	float *value;
};

struct problem {
	const struct sparse *x;
	const float *dense; /* rows * dense_count; the first of a row is 1 */
	unsigned dense_count;
	unsigned heads;
	bool softmax;        /* labels are a distribution over the heads; else each is a
				probability of its own */
	const float *label;  /* rows * heads; below 0: not known */
	const float *weight; /* of rows; 0: left out */
	float l2_words, l2_dense;
	unsigned rounds;
	const char *what; /* for progress */
	void (*say)(void *arg, const char *line);
	void *arg;
};

/* Weights: bucket by bucket, `heads` each; then head by head, `dense_count` each. */
size_t fit_size(const struct problem *p);
/* From what is in `w` to the best. */
void fit(const struct problem *p, float *w);
/* The logits of a row. */
void fit_logits(const struct problem *p, const float *w, uint32_t row, float *ret);

#endif
