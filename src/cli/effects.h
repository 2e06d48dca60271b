/* effects.h: why two bills differ: more tokens, other models, or another price. */
#ifndef CLI_EFFECTS_H
#define CLI_EFFECTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/money.h"

/* A model on both bills. */
struct effects {
	const char *model;
	int64_t requests[2], tokens[2];
	struct pusd_sum cost[2];
	/* Parts of cost[1] - cost[0]; their sum is exactly that. */
	struct pusd_sum volume, mix, price;
};

/* Fills the parts, and `ret` with the sums.
 *
 * With q tokens and cost c of a model, Q all tokens, on the first bill (0) and the
 * second (1):  volume = c0 (Q1/Q0 - 1), what all tokens together would have changed;
 * mix = c0 (q1/q0 - Q1/Q0), what a model's share of them did (all of c1, where it was
 * not on the first bill); price = c1 - c0 q1/q0, what the cost of a token of that model
 * did: prices, terms, caches, shares of input and output. */
void effects_split(struct effects *m, size_t count, struct effects *ret);

#endif
