/* drift_watch.h: looks at what the classifier says of traffic, now and then. */
#ifndef REPORT_DRIFT_WATCH_H
#define REPORT_DRIFT_WATCH_H

#include <pthread.h>

#include "base/json.h"
#include "base/loop.h"
#include "drift.h"

struct report;
struct snapshot;

struct drift_watch {
	pthread_mutex_t mutex; /* of `drift_shared` */
	struct drift drift_shared;
	struct timer look;
};

/* Before the threads start. */
void drift_watch_init(struct report *r);
/* With the report's loop. */
void drift_watch_start(struct report *r);
void drift_watch_fini(struct report *r);
/* Report thread: another policy is in force. */
void drift_watch_use(struct report *r, const struct snapshot *snap);

/* Any thread: looks, and copies what there is. */
void drift_watch_look(struct report *r, struct drift *ret);

/* drift_show.c: for /metrics and GET /admin/classifier. */
void drift_metrics(struct report *r, struct buf *ret);
void drift_json(struct report *r, struct json *j);

#endif
