/* classifier_measure.c: areas under curves. */
#include "classifier_measure.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define DRAWS 200
#define BINS  15

static int
by_score(const void *a, const void *b)
{
	float x = ((const struct sample *)a)->score,
	      y = ((const struct sample *)b)->score;

	return x > y ? -1 : x < y;
}

static int
by_p(const void *a, const void *b)
{
	float x = ((const struct sample *)a)->p, y = ((const struct sample *)b)->p;

	return x < y ? -1 : x > y;
}

/* The curve of recovery, point by point: between two points it is a line. */
struct curve {
	double total, n, done, before, area;
	double reached[2]; /* calls at 50 % and 80 %; below 0: not yet */
};

static void
step(struct curve *c, double calls, double gain)
{
	static const double target[2] = {0.5, 0.8};
	double now;

	c->done += gain;
	now = c->done / c->total;
	c->area += (c->before + now) / 2;
	for (unsigned i = 0; i < 2; i++) {
		if (c->reached[i] >= 0 || now < target[i] - 1e-12)
			continue;
		c->reached[i] = calls + (target[i] - c->before) / (now - c->before);
	}
	c->before = now;
}

struct recovery
measure_recovery(struct sample *s, size_t n)
{
	struct curve c = {.n = (double)n, .reached = {-1, -1}};

	for (size_t i = 0; i < n; i++)
		c.total += (double)s[i].strong - (double)s[i].weak;
	if (!(c.total > 0))
		return (struct recovery){NAN, NAN, NAN};
	qsort(s, n, sizeof(*s), by_score);
	for (size_t i = 0, end; i < n; i = end) {
		double gain = 0;

		/* Prompts of one score have no order: each counts as their mean. */
		for (end = i; end < n && s[end].score == s[i].score; end++)
			gain += (double)s[end].strong - (double)s[end].weak;
		for (size_t k = i; k < end; k++)
			step(&c, (double)k, gain / (double)(end - i));
	}
	return (struct recovery){
	    c.area / c.n, 100 * c.reached[0] / c.n, 100 * c.reached[1] / c.n};
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void
measure_interval(const struct sample *s, size_t n, uint64_t seed, double ret[2])
{
	struct sample *drawn = xcalloc(n + 1, sizeof(*drawn));
	double got[DRAWS];

	for (unsigned d = 0; d < DRAWS; d++) {
		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			drawn[i] = s[(seed >> 33) % n];
		}
		got[d] = measure_recovery(drawn, n).apgr;
	}
	qsort(got, DRAWS, sizeof(got[0]), by_value);
	ret[0] = got[DRAWS / 40];
	ret[1] = got[DRAWS - 1 - DRAWS / 40];
	xfree(drawn);
}

double
measure_auc(struct sample *s, size_t n)
{
	double good = 0, bad, below = 0, area = 0;

	qsort(s, n, sizeof(*s), by_p);
	for (size_t i = 0; i < n; i++)
		good += (double)s[i].weak;
	bad = (double)n - good;
	for (size_t i = 0, end; i < n; i = end) {
		double here = 0, other;

		for (end = i; end < n && s[end].p == s[i].p; end++)
			here += (double)s[end].weak;
		other = (double)(end - i) - here;
		area += here * (below + other / 2);
		below += other;
	}
	return good > 0 && bad > 0 ? area / (good * bad) : NAN;
}

double
measure_ece(const struct sample *s, size_t n)
{
	double off[BINS] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++) {
		int bin = (int)(s[i].p * BINS);

		off[bin < BINS ? bin : BINS - 1] += (double)s[i].p - (double)s[i].weak;
	}
	for (unsigned b = 0; b < BINS; b++)
		sum += fabs(off[b]);
	return n > 0 ? sum / (double)n : NAN;
}
