/* yardstick.h: what requests of the ledger would have cost at a model that is named. */
#ifndef REPORT_YARDSTICK_H
#define REPORT_YARDSTICK_H

#include "books.h"
#include "core/request.h"
#include "facts.h"

struct yardstick_run;

/* At a model of `snap`, which outlives it. NULL: the books' `why`. */
struct yardstick_run *yardstick_new(
    struct books *b, const struct snapshot *snap, const struct model *m);
void yardstick_free(struct yardstick_run *y); /* takes NULL */

/* Puts that model's cost in the place of the baseline's, with what was expected of its
 * answers and what it cost on that day. What cannot be known is not compared. */
void yardstick_apply(struct yardstick_run *y, const struct fact *f, struct sums *sums);

#endif
