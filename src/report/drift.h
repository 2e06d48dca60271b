/* drift.h: is traffic still like the requests that the classifier was trained on? By
 * the population stability index, PSI = Σ (a - e) ln(a / e) over the bins of a figure,
 * e the shares in the training set, a those of traffic. */
#ifndef REPORT_DRIFT_H
#define REPORT_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/counter.h"
#include "core/request.h"

enum figure { FIGURE_class, FIGURE_complexity, FIGURE_confidence, FIGURE_COUNT };
#define DRIFT_BINS CLASS_COUNT /* the most that a figure has */

/* Fewer requests, in traffic or in the training set, are not judged: of 500 and 200
 * alike ones the PSI of twelve bins is about 0.08 by chance. */
#define DRIFT_LEAST         500U
#define DRIFT_LEAST_TRAINED 200U
/* Behind so many others a request weighs half. By requests and not by time, so that
 * what a PSI is made of is the same in a busy hour and in a quiet night. */
#define DRIFT_HALF 2000.0
/* A share is never taken for less: an empty bin has no logarithm. */
#define DRIFT_FLOOR 0.0005
#define DRIFT_MOVED 0.25 /* beyond: it has moved */
#define DRIFT_BACK  0.1  /* below: it is stable, or again so */

/* What all workers have counted since the start. */
struct drift_sums {
	uint64_t bin[FIGURE_COUNT][DRIFT_BINS];
	uint64_t words, unknown_words;
};
void drift_sums_add(struct drift_sums *to, struct counters *from);
uint64_t drift_sums_requests(const struct drift_sums *s);

struct drift_event {
	enum figure figure;
	bool moved; /* else: it is back */
	double psi;
	int64_t at_ms; /* whoever asked */
	char text[512];
};

#define DRIFT_EVENTS 8U /* are kept */
struct drift {
	char weights[16];
	struct profile profile;
	struct drift_sums last;
	bool begun;        /* `last` has what other weights judged before */
	uint64_t requests; /* judged by these weights */
	/* the window: sums whose parts weigh the less, the longer they are past */
	double bin[FIGURE_COUNT][DRIFT_BINS], words, unknown_words;
	double psi[FIGURE_COUNT];     /* NaN: not judged */
	bool moved[FIGURE_COUNT];     /* said so, and not yet that it is back */
	uint64_t moves[FIGURE_COUNT]; /* events since the start */
	struct drift_event event[DRIFT_EVENTS]; /* number i at i % DRIFT_EVENTS */
	uint64_t events;
};

const char *figure_name(enum figure f);
unsigned figure_bins(enum figure f);
/* "translation", "0.3-0.4" */
const char *figure_bin_name(enum figure f, unsigned bin, char room[static 16]);
const uint32_t *figure_profile(const struct profile *p, enum figure f);

/* `now` and `trained` are amounts, whose sums are not 0. */
double psi(const double *now, const uint32_t *trained, unsigned bins);

/* Other weights: all but the events begins anew, at the next drift_take(). `d` zeroed
 * before the first time. */
void drift_begin(struct drift *d, const struct profile *p, const char *weights);
/* Takes in what was counted since the last time, judges, and gives the number of events
 * that are new: the last ones in `d`. */
unsigned drift_take(struct drift *d, const struct drift_sums *sums, int64_t now_ms);
/* Requests in the window, rounded. */
uint64_t drift_window(const struct drift *d, enum figure f);

#endif
