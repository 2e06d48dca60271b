/* replay_places.h: the places of a machine that was not there: which of the ledger's
 * requests it would have had time for. */
#ifndef REPORT_REPLAY_PLACES_H
#define REPORT_REPLAY_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "stage/report.h"

struct replay_places {
	unsigned count;
	int64_t until_ms[REPLAY_PLACES_MAX]; /* taken until then */
};

/* Is a place free at that moment? Nothing waits for one. */
bool replay_places_free(const struct replay_places *p, int64_t at_ms);
/* Takes the place that is free longest, for `busy_ms`, and books it. */
void replay_places_take(
    struct replay_places *p, int64_t at_ms, int64_t busy_ms, struct replay_local *ret);

#endif
