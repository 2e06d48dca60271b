/* metrics.h: everything that is counted, in Prometheus' text form. */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include "base/buf.h"
#include "report.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_text(struct report *r, struct buf *ret);

#endif
