/* recent.h: what each key has spent in the last minute and hour: a worker's own. */
#ifndef REPORT_RECENT_H
#define REPORT_RECENT_H

#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "stage/report.h"

struct recent_sum {
	int64_t requests, refused;
	struct pusd_sum spent;
};

/* Of a request that has ended; `spent` is for all of its attempts. Of so many keys
 * that there is no room only "" is known. */
void recent_add(struct recent *r, struct str key, struct str team, int64_t mono_ns,
    struct pusd_sum spent, bool refused);

struct recent_line {
	const char *key, *team; /* the window's own */
	struct recent_sum minute, hour;
};
typedef void recent_fn(void *arg, const struct recent_line *l);
/* Keys that had a request within the hour. */
void recent_each(const struct recent *r, int64_t mono_ns, recent_fn *each, void *arg);

#endif
