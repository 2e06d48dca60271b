/* budget.h: money set aside before an attempt is sent. */
#ifndef STAGE_BUDGET_H
#define STAGE_BUDGET_H

#include <stdbool.h>

#include "base/money.h"
#include "config/prices.h"
#include "core/sets.h"

struct task;
struct candidate;

/* The most that an attempt can cost: (input bound × the dearest of uncached and
 * cache-write price + output bound × output price) × the dearest tier of service that
 * may be served for what is asked × contract. `max_output` -1: none is set, the
 * model's own counts. False: unpriced. */
bool hold_worst_case(const struct task *task, const struct candidate *c,
    int64_t max_output, struct pusd *ret);

/* Can the worst case be kept below `most`, by a maximum of ours where the client named
 * none? Lowers `*max_output` (-1: none was set) to the one that does. */
bool hold_fit(const struct task *task, const struct candidate *c, struct pusd most,
    int64_t *max_output);

/* Upper bound of the tokens of the prompt: every byte of text a token at most, opaque
 * parts by their bounds, what we cannot see the whole context. */
int64_t hold_input_bound(const struct task *task, int64_t context);

#endif
