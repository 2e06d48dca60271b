/* id.h: 128-bit ids that sort by time (ULID, github.com/ulid/spec). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

struct env;

struct id {
	uint64_t hi, lo;
};

#define ID_TEXT_BYTES 27 /* 26 Crockford base-32 digits and a NUL */

/* 48 bits of wall-clock milliseconds, 80 random bits. */
struct id id_new(struct env *env);

/* Random bits in stock, so that one getrandom(2) does for many ids. Of one thread;
 * begins zeroed. */
struct id_stock {
	uint64_t random[64];
	unsigned left;
};
struct id id_take(struct id_stock *s, struct env *env);

static inline bool
id_eq(struct id a, struct id b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

/* When it was made: wall clock, milliseconds. */
static inline int64_t
id_ms(struct id id)
{
	return (int64_t)(id.hi >> 16);
}

void id_format(struct id id, char ret[static ID_TEXT_BYTES]);

/* Most significant byte first, as the ledger keeps ids. */
void id_bytes(struct id id, uint8_t ret[static 16]);

/* Takes 26 digits, upper or lower case; false leaves `*ret` alone. */
bool id_parse(struct str s, struct id *ret) MUST_CHECK;

#endif
