/* contracts.h: GET /v1/contracts: how much of what was promised to a provider, or given
 * by it, is spent. */
#ifndef REPORT_CONTRACTS_H
#define REPORT_CONTRACTS_H

#include "ask.h"
#include "base/buf.h"
#include "books.h"

struct snapshot;

/* 200; 404 for who may not see all; 500, 504. `snap` NULL: the policy is not known. */
int contracts_answer(struct books *b, const struct snapshot *snap,
    const struct scope *scope, struct buf *ret);

#endif
