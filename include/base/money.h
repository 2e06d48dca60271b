/* money.h: pico-dollars, so that adding money to tokens does not compile. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

#define PUSD_PER_USD 1000000000000LL

/* An amount of one row. int64 ends at $9.22 M. */
struct pusd {
	int64_t v;
};

/* A sum of rows, a cap, or an unrounded line;
 * in pico-dollars unless a comment says else. */
__extension__ typedef __int128 wide;
struct pusd_sum {
	wide v;
};

static inline void
pusd_sum_add(struct pusd_sum *s, struct pusd a)
{
	s->v += a.v;
}

/* num / den, rounded once, half to even;
 * false when it does not fit in a row. den > 0. */
bool pusd_divide(wide num, int64_t den, struct pusd *ret) MUST_CHECK;

/* "0.000854585600": a decimal string with 12 places; the buffer holds any sum. */
#define PUSD_TEXT_BYTES 56
void pusd_format(struct pusd a, char ret[static PUSD_TEXT_BYTES]);
void pusd_sum_format(struct pusd_sum a, char ret[static PUSD_TEXT_BYTES]);

/* With `places` 0..12 digits behind the point, rounded half to even; for people. */
void pusd_sum_round(
    struct pusd_sum a, unsigned places, char ret[static PUSD_TEXT_BYTES]);

/* "12", "0.20", "4000.5": at most 12 places, no sign, no exponent. False on anything
 * else or when it does not fit; `*ret` is then untouched. */
bool pusd_parse(struct str decimal, struct pusd *ret) MUST_CHECK;

/* A sum split for SQL, where SUM() of int64 overflows: v == hi * PUSD_PER_USD + lo,
 * 0 <= lo < PUSD_PER_USD. */
void pusd_sum_split(struct pusd_sum a, int64_t *ret_hi, int64_t *ret_lo);
struct pusd_sum pusd_sum_join(int64_t hi, int64_t lo);

#endif
