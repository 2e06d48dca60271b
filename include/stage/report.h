/* report.h: what people and machines see: one log line a request, metrics, the admin
 * port, cost summaries. */
#ifndef STAGE_REPORT_H
#define STAGE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct env;
struct principal;
struct request;
struct shared;
struct snapshot;
struct worker;

/* ---- the log: a bounded ring per worker; a writer thread; never blocks ---- */

struct log_ring;
struct log_ring *log_ring_new(void);
void log_ring_free(struct log_ring *l); /* takes NULL */
/* Worker only; false: full, the line is dropped. */
bool log_ring_put(struct log_ring *l, struct str line);
/* The line of a finished request: JSON, no newline inside, never prompts or keys.
 * Nothing when the policy says `log: none`. Also books times and cost in the worker's
 * counters (docs/api.md says what they measure). */
void log_request(struct request *r, struct buf *ret);

/* ---- the report thread (log), the query thread, the admin port's own ---- */

struct report;
struct report_options {
	const struct shared *shared;
	struct worker *const *workers;
	unsigned worker_count;
	struct snapshot *snap; /* takes a reference */
	/* asked by POST /admin/reload, on the admin port's thread: only notes it */
	bool (*reload)(void *arg, struct buf *ret_text);
	void *reload_arg;
};
/* Binds the admin port, which answers from here on. NULL: `ret_why` says what. */
struct report *report_new(const struct report_options *o, char ret_why[static 256]);
/* Starts the threads; false: there are none to be had. */
bool report_start(struct report *r);
void report_publish(struct report *r, struct snapshot *snap); /* takes the reference */
void report_ready(struct report *r, bool ready);              /* /readyz */
/* Writes what the log still holds, ends the threads. */
void report_stop(struct report *r);
void report_free(struct report *r); /* takes NULL */

/* ---- queries: SQL on the query thread; the answer comes back to the worker ---- */

/* GET /v1/costs/summary, /v1/requests/{id} and the like for `who` only. `done` runs on
 * the asking worker with status and JSON. False: the queue is full. */
typedef void report_done_fn(void *arg, int status, struct str json);
bool report_query(struct report *rep, struct worker *w, struct str target,
    const struct principal *who, report_done_fn *done, void *arg);

/* ---- without a daemon: for the command line ---- */

/* Answers "/v1/costs/summary?…" and "/v1/requests/ID[?format=text|input]" over all
 * scopes from the ledger in `state_dir`, which is only read; a daemon may run on it
 * meanwhile. Gives the HTTP status, the answer or its error object in `ret_body`. */
int report_offline(
    struct env *env, const char *state_dir, struct str target, struct buf *ret_body);

#endif
