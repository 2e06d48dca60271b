/* query.h: the thread that reads the ledger; a bounded queue before it. */
#ifndef REPORT_QUERY_H
#define REPORT_QUERY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "ask.h"
#include "base/buf.h"
#include "base/str.h"

struct query;
struct report;

/* One question; owned by the queue until `done`. */
struct query_job {
	TAILQ_ENTRY(query_job) link;
	char *target;
	struct scope scope; /* its strings are the job's */
	/* On the query thread; then the job belongs to the callee. */
	void (*done)(struct query_job *j);
	void *arg;
	int64_t asked_ms, asked_ns; /* when it was put; wall clock, monotonic */
	int64_t due_ns;             /* the query thread's: not before */
	int status;
	bool text;
	struct buf body;
};

/* `scope` NULL: everything. */
struct query_job *query_job_new(struct str target, const struct scope *scope,
    void (*done)(struct query_job *), void *arg);
void query_job_free(struct query_job *j); /* takes NULL */

struct query *query_new(struct report *r, const char *state_dir);
bool query_start(struct query *q);
/* Answers what waits with 503, ends the thread; what is put later is refused. */
void query_stop(struct query *q);
void query_free(struct query *q); /* takes NULL */
/* Any thread. False: the queue is full, the job is still the caller's. */
bool query_put(struct query *q, struct query_job *j) MUST_CHECK;

#endif
