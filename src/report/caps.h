/* caps.h: budgets of the running daemon, as far as somebody may see them. */
#ifndef REPORT_CAPS_H
#define REPORT_CAPS_H

#include "ask.h"
#include "base/json.h"
#include "books.h"

struct snapshot;

/* The member `budgets` of the object that is open, the most used share first; null
 * where no daemon tells. `ask` NULL: no filter. */
void caps_json(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct json *j);

#endif
