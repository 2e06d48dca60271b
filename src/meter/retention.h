/* retention.h: when to look for what need not be kept any longer. */
#ifndef METER_RETENTION_H
#define METER_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "config/snapshot.h"

struct store;

/* Ledger thread only. */
struct retention {
	int64_t due_ns;
	int64_t apart_ns; /* wall clock − monotonic, when it was last due */
	bool going;
};

void retention_init(struct retention *r, struct env *env);
/* Once an hour, and then a step at each turn. */
void retention_turn(struct retention *r, struct env *env, struct store *store,
    const struct ledger_terms *terms);

#endif
