/* zone.h: local time of a place, from the time zone files of the system (RFC 8536),
 * without the C library's global zone. Immutable once made. */
#ifndef CONFIG_ZONE_H
#define CONFIG_ZONE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct zone;

/* From the bytes of a TZif file; lives in `mem`. NULL: they are not one. */
const struct zone *zone_parse(struct str tzif, struct arena *mem);

/* Seconds that local time is ahead of UTC at a moment; `z` NULL: UTC, 0. */
int32_t zone_offset_s(const struct zone *z, int64_t utc_s);

#endif
