/* classifier_measure.c: areas under curves. */
#include "classifier_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BINS 15

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

/* Labels are single floats: a smaller mean gap is one of rounding. */
#define LEAST_GAP 1e-6

static double
gain_of(const struct sample *s)
{
	return (double)s->strong - (double)s->weak;
}

/* The curve of recovery over calls to the strong model: lines between points. */
struct curve {
	double total, calls, before, area;
	double reached[2]; /* calls at 50 % and 80 %; below 0: not yet */
};

/* A line: so many more calls gain so much. */
static void
line(struct curve *c, double calls, double gain)
{
	static const double target[2] = {0.5, 0.8};
	double now = c->before + gain / c->total;

	c->area += calls * (c->before + now) / 2;
	for (unsigned i = 0; i < 2; i++) {
		if (c->reached[i] >= 0 || now < target[i] - 1e-12)
			continue;
		c->reached[i] =
		    c->calls + calls * (target[i] - c->before) / (now - c->before);
	}
	c->calls += calls;
	c->before = now;
}

/* Of sorted samples; that of row r counts times[r], NULL: once. The sum of them is n.
 */
static struct recovery
recovery_of(const struct sample *s, const uint32_t *times, size_t n)
{
	struct curve c = {.reached = {-1, -1}};

	for (size_t i = 0; i < n; i++)
		c.total += gain_of(&s[i]) * (times == NULL ? 1 : times[s[i].row]);
	if (!(c.total > LEAST_GAP * (double)n))
		return (struct recovery){NAN, NAN, NAN};
	for (size_t i = 0, end; i < n; i = end) {
		double gain = 0, calls = 0;

		for (end = i; end < n && s[end].score == s[i].score; end++) {
			double many = times == NULL ? 1 : times[s[end].row];

			gain += many * gain_of(&s[end]);
			calls += many;
		}
		if (calls > 0)
			line(&c, calls, gain);
	}
	return (struct recovery){c.area / (double)n, 100 * c.reached[0] / (double)n,
	    100 * c.reached[1] / (double)n};
}

struct recovery
measure_recovery(struct sample *s, size_t n)
{
	qsort(s, n, sizeof(*s), by_score);
	return recovery_of(s, NULL, n);
}

/* ---- ranges ---- */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct range
middle(double *got, size_t n)
{
	if (n < MEASURE_ROUNDS - MEASURE_ROUNDS / 40)
		return (struct range){NAN, NAN};
	qsort(got, n, sizeof(*got), by_value);
	return (struct range){got[n / 40], got[n - 1 - n / 40]};
}

/* Below n. */
static size_t
draw(uint64_t *seed, size_t n)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)((*seed >> 33) % n);
}

struct range
measure_interval(struct sample *s, size_t n, uint64_t seed)
{
	uint32_t *times = xcalloc(n + 1, sizeof(*times));
	double got[MEASURE_ROUNDS];
	size_t count = 0;

	qsort(s, n, sizeof(*s), by_score);
	for (unsigned round = 0; round < MEASURE_ROUNDS; round++) {
		double apgr;

		memset(times, 0, n * sizeof(*times));
		for (size_t i = 0; i < n; i++)
			times[draw(&seed, n)]++;
		apgr = recovery_of(s, times, n).apgr;
		if (!isnan(apgr))
			got[count++] = apgr;
	}
	xfree(times);
	return middle(got, count);
}

struct range
measure_random(const struct sample *s, size_t n, uint64_t seed)
{
	struct sample *own = xcalloc(n + 1, sizeof(*own));
	double got[MEASURE_ROUNDS];
	size_t count = 0;

	memcpy(own, s, n * sizeof(*own));
	for (unsigned round = 0; round < MEASURE_ROUNDS; round++) {
		double apgr;

		for (size_t i = n; i > 0; i--) {
			size_t other = draw(&seed, i);
			struct sample was = own[i - 1];

			own[i - 1] = own[other];
			own[other] = was;
			own[i - 1].score = -(float)i; /* as it lies: no ties */
		}
		apgr = recovery_of(own, NULL, n).apgr;
		if (!isnan(apgr))
			got[count++] = apgr;
	}
	xfree(own);
	return middle(got, count);
}

/* ---- predictions ---- */

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
