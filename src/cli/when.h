/* when.h: spans and days, as people type and read them. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

/* "90s", "30m", "24h", "90d": seconds, at most ten years. False leaves `*ret` alone. */
bool when_span(struct str s, int64_t *ret_s) MUST_CHECK;

/* "2026-11-24" or "2026-11-24T08:00:00Z", UTC. */
bool when_time(struct str s, int64_t *ret_s) MUST_CHECK;

/* "2026-11": its first second and the next month's. */
bool when_month(struct str s, int64_t *ret_from_s, int64_t *ret_to_s) MUST_CHECK;

#define WHEN_TEXT 24
/* "2026-11-24" and "2026-11-24T08:00:00Z". */
void when_put_day(int64_t utc_s, char ret[static WHEN_TEXT]);
void when_put_time(int64_t utc_s, char ret[static WHEN_TEXT]);

/* The first second of the UTC month that holds `utc_s`. */
int64_t when_month_start(int64_t utc_s);

#endif
