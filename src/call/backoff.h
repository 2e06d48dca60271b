/* backoff.h: how long to leave somebody alone. Pure. */
#ifndef CALL_BACKOFF_H
#define CALL_BACKOFF_H

#include <stdint.h>

/* `first_ms` doubled with each of `failures` before, at most `most_ms`, spread by ±20 %
 * with the random bits `draw`, so that many daemons do not come back together. */
int64_t backoff_ms(int64_t first_ms, int64_t most_ms, unsigned failures, uint64_t draw);

#endif
