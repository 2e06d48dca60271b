/* metrics.h: everything that is counted, in Prometheus' text form. */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include "base/buf.h"
#include "report.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The lines of HELP and TYPE; `name` without "frugald_". */
void metrics_head(struct buf *b, const char *name, const char *type, const char *help);
/* What may stand between the quotes of a label. */
void metrics_label(struct buf *b, const char *text);
struct snapshot;
/* Of local machines. */
void metrics_machines(struct buf *b, const struct snapshot *s, int64_t now_ns);
struct shared;
/* Of the limits of keys and teams. */
void metrics_limits(
    struct buf *b, const struct shared *shared, const struct snapshot *s);
/* ---- metrics_budgets.c ---- */
void metrics_budgets(
    struct buf *b, const struct shared *s, const struct snapshot *snap);
void metrics_text(struct report *r, struct buf *ret);

#endif
