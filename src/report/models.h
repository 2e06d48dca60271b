/* models.h: what a key may name as `model`. */
#ifndef REPORT_MODELS_H
#define REPORT_MODELS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct principal;
struct snapshot;

/* GET /v1/models: routes, models and exact aliases. */
void models_list(
    const struct snapshot *s, const struct principal *who, struct buf *ret);
/* GET /v1/models/NAME, patterns of aliases included; false: not for this key. */
bool models_one(const struct snapshot *s, const struct principal *who, struct str name,
    struct buf *ret) MUST_CHECK;

#endif
