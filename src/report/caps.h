/* caps.h: budgets and what is used of them, as far as somebody may see them. */
#ifndef REPORT_CAPS_H
#define REPORT_CAPS_H

#include "ask.h"
#include "base/json.h"
#include "books.h"

struct snapshot;

/* The member `budgets` of the object that is open, the most used share first; from the
 * ledger, what was spent most, where no daemon tells. Null where no policy is known.
 * `ask` NULL: no filter. */
void caps_json(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct json *j);

#endif
