/* gate.h: GET /v1/costs/gate: has a run cost more than it may? */
#ifndef REPORT_GATE_H
#define REPORT_GATE_H

#include "ask.h"
#include "base/buf.h"
#include "base/str.h"
#include "books.h"

struct snapshot;

/* In the place of a status: not all that it asks about is in yet; ask again in a
 * moment. */
#define GATE_NOT_YET 0

/* The answer to the query behind '?': 200 at most the cap, 412 above it, 503 when rows
 * are still missing after the time that it may wait; 400. `snap` NULL: which tags there
 * are is not known. */
int gate_answer(struct books *b, const struct snapshot *snap, struct str query,
    const struct scope *scope, struct buf *ret);

#endif
