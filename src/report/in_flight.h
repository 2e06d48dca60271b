/* in_flight.h: which requests are under way: their workers are asked, nobody else may
 * look at them. */
#ifndef REPORT_IN_FLIGHT_H
#define REPORT_IN_FLIGHT_H

#include <stdint.h>

#include "ask.h"

struct report;

/* A tag that requests of a run have. */
struct run_tag {
	char name[ASK_NAME], value[ASK_NAME];
};

/* How many requests with all these tags, of those that `scope` sees, are not settled
 * yet. Waits for the workers, a quarter of a second at most; -1: one has not answered.
 * Not on a worker. */
int64_t in_flight_count(struct report *r, const struct run_tag *tags, unsigned count,
    const struct scope *scope);

#endif
