/* learn_cost.c: a histogram, in which old samples fade, of what answers cost as a
 * multiple of what was expected of each: what is held for them where a budget holds the
 * expected. */
#include "learn_cost.h"

#include <math.h>

#include "base/util.h"

#define LEAST (1 / 256.0F)
#define SHARE 0.99F
/* What so many samples ago was counts half. */
#define HALF_SAMPLES 4000.0
#define WEIGHT_MOST  1e6F
/* Before anything was seen, that many answers count as having cost so much. */
#define PRIOR_SAMPLES 1.0F
#define PRIOR_FACTOR  ((float)COST_PRIOR)
/* After a restart the quantile alone is known; it counts as so many samples, of which
 * few enough lie at it to keep it where it was. */
#define RESTART_SAMPLES 400.0F
#define RESTART_AT      0.015F

static int
bin_of(float factor)
{
	float at = factor <= LEAST ? 0 : log2f(factor / LEAST) * COST_STEPS;

	return at < COST_BINS ? (int)at : COST_BINS - 1;
}

static void
put(struct learn_cost *c, float factor, float weight)
{
	c->bin[bin_of(factor)] += weight;
	c->all += weight;
}

static void
prepare(struct learn_cost *c)
{
	if (c->weight > 0)
		return;
	c->weight = 1;
	put(c, PRIOR_FACTOR, PRIOR_SAMPLES);
}

void
cost_begin(struct learn_cost *c, const struct outlook_mean *p99)
{
	float n = p99->samples < RESTART_SAMPLES ? p99->samples : RESTART_SAMPLES;

	*c = (struct learn_cost){0};
	if (n <= 0)
		return;
	prepare(c);
	put(c, p99->mean, n * RESTART_AT);
	put(c, p99->mean / 2, n * (1 - RESTART_AT));
}

static void
scale(struct learn_cost *c, float by)
{
	c->all = 0;
	for (size_t i = 0; i < COST_BINS; i++) {
		c->bin[i] *= by;
		c->all += c->bin[i];
	}
	c->weight *= by;
}

void
cost_learn(struct learn_cost *c, const struct slot_attempt *a)
{
	float expected = a->expected_usd * (float)PUSD_PER_USD;

	if (!(expected > 0) || a->amount_pusd < 0)
		return;
	prepare(c);
	put(c, (float)a->amount_pusd / expected, c->weight);
	c->weight *= (float)exp2(1 / HALF_SAMPLES);
	if (c->weight > WEIGHT_MOST)
		scale(c, 1 / c->weight);
}

/* The upper end of the step in which it lies: rather too much. */
struct outlook_mean
cost_p99(const struct learn_cost *c)
{
	float below = 0;
	int i = 0;

	if (c->all <= 0)
		return (struct outlook_mean){0};
	while (i < COST_BINS - 1 && below + c->bin[i] < SHARE * c->all)
		below += c->bin[i++];
	return (struct outlook_mean){.mean = LEAST * exp2f((float)(i + 1) / COST_STEPS),
	    .samples = c->all / c->weight};
}
