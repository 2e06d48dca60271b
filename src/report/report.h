/* report.h: what the parts of the report share. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/env.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "drift_watch.h"
#include "log.h"
#include "stage/report.h"

struct admin;
struct query;

struct report {
	struct report_options o;
	struct env *env;
	struct loop *loop; /* the report thread's */
	struct mailbox *mailbox;
	struct watch mail;
	struct timer flush, limits;
	struct log_writer log;
	struct drift_watch drift;
	struct snapshot *log_snap; /* whose `log` is in use; one reference */
	pthread_t thread;
	bool started, stop;
	pthread_mutex_t mutex; /* of snap_shared */
	struct snapshot *snap_shared;
	_Atomic bool ready_shared;
	_Atomic uint64_t log_dropped_shared;
	struct admin *admin;
	struct query *query;
};

/* limit_watch.c, on the report thread. */
void limit_watch_start(struct report *r);

/* Any thread: one reference to the snapshot in force. */
struct snapshot *report_snapshot(struct report *r);

#endif
