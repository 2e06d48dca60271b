/* machines.h: what is known of each local machine, for programs. */
#ifndef REPORT_MACHINES_H
#define REPORT_MACHINES_H

#include <stdint.h>

#include "base/json.h"

struct snapshot;

/* The member `machines` of the object that is open; what nobody knows is null. */
void machines_json(const struct snapshot *s, int64_t now_ns, struct json *j);

#endif
