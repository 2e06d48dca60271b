/* hist.h: mergeable histograms with a relative error of at most 1/16, for percentiles
 * without rows. */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Log-linear buckets: 8 steps per power of two, 0 .. 2^40. */
#define HIST_BUCKETS 304

struct hist {
	uint64_t count[HIST_BUCKETS];
	uint64_t n;
};

/* Negative values count as 0, values beyond the last bucket in the last. */
void hist_add(struct hist *h, int64_t value);
void hist_merge(struct hist *into, const struct hist *from);

/* The middle of the bucket that holds the q-quantile, 0 < q <= 1; -1 when empty. */
int64_t hist_quantile(const struct hist *h, double q);

/* Standard deviation over mean; -1 when empty or all are 0. */
double hist_cv(const struct hist *h);

/* Sparse and versioned; a few bytes for a few distinct values. */
void hist_pack(const struct hist *h, struct buf *ret);
bool hist_unpack(struct str packed, struct hist *ret);
/* The same as unpack and merge, for many of them; false leaves `into` alone. */
bool hist_merge_packed(struct hist *into, struct str packed);

#endif
