/* learn_cost.h: by how much answers of a model cost more than was expected of each.
 * Ledger thread only. */
#ifndef METER_LEARN_COST_H
#define METER_LEARN_COST_H

#include "stage/meter.h"

/* Logarithmic: a step is 9 %, from 1/256 to 256 times what was expected. */
#define COST_STEPS 8
#define COST_BINS  (16 * COST_STEPS)

/* Of a model; zeroed: nothing was seen. */
struct learn_cost {
	float weight, all, bin[COST_BINS]; /* as struct pace_hist */
};

/* What was published before goes on. */
void cost_begin(struct learn_cost *c, const struct outlook_mean *p99);
/* Of an attempt whose usage came; tells nothing where no cost was expected. */
void cost_learn(struct learn_cost *c, const struct slot_attempt *a);
/* The factor that 99 of 100 stay below, and of how many samples. */
struct outlook_mean cost_p99(const struct learn_cost *c);

#endif
