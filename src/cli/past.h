/* past.h: what a decision of the past was made from, as GET
 * /v1/requests/ID?format=input answers. */
#ifndef CLI_PAST_H
#define CLI_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct past_cell {
	struct str cell;
	double value, samples;
};

/* All in the arena. */
struct past {
	struct str asked, class_name, key, team, tags, decision, plan;
	struct str policy, catalogue, prices, contracts;
	double complexity, confidence;
	int64_t start_ms, session;
	struct past_cell *cell;
	unsigned cells;
};

/* False: it is no such answer. */
bool past_read(struct str json, struct arena *mem, struct past *ret) MUST_CHECK;

#endif
