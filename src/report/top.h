/* top.h: what runs right now, and who spends. */
#ifndef REPORT_TOP_H
#define REPORT_TOP_H

#include "base/buf.h"
#include "books.h"

struct snapshot;

/* The object of GET /admin/top. False: it does not fit. Waits for the workers. */
bool top_json(struct books *b, const struct snapshot *snap, struct buf *ret) MUST_CHECK;

#endif
