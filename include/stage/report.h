/* report.h: what people and machines see: one log line a request, metrics, the admin
 * port, cost summaries. */
#ifndef STAGE_REPORT_H
#define STAGE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/money.h"
#include "base/str.h"
#include "core/sets.h"

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

/* What keys have spent of late; a worker's own, filled by log_request(). */
struct recent;
struct recent *recent_new(void);
void recent_free(struct recent *r); /* takes NULL */

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

/* ---- replay: the ledger's requests under another policy ---- */

/* A model has evidence for a kind of request from so many answers on. */
#define REPLAY_EVIDENCE 20

#define REPLAY_PLACES_MAX 1024

struct replay_options {
	const char *state_dir;
	const struct snapshot *fresh; /* the other policy; outlives the call */
	int64_t from_ms, to_ms;       /* of the requests' ends; to exclusive */
	const char *team, *key, *route, *model; /* only these; NULL: all */
	uint64_t seed;                          /* of the intervals */
	/* A machine of `fresh` that was not there then: its provider's name, NULL:
	 * none; requests that it answers at a time, and how fast each. */
	const char *added;
	unsigned places;
	double tokens_per_s;
};

/* Money is dollars; shares are of the requests, in [0, 1]. "was": as the ledger has it;
 * "is": under the other policy. */
enum replay_figure {
	REPLAY_cost_was,
	REPLAY_cost_is,
	REPLAY_saved,       /* was - is */
	REPLAY_saved_share, /* of what it was */
	REPLAY_success_was, /* expected success, the mean */
	REPLAY_success_is,
	REPLAY_tier_was, /* shares of answers by tier */
	REPLAY_tier_is = REPLAY_tier_was + TIER_COUNT,
	REPLAY_refused = REPLAY_tier_is + TIER_COUNT, /* of what was served then */
	REPLAY_changed,                               /* another first choice */
	REPLAY_switched_was, /* turns that left their session's model */
	REPLAY_switched_is,
	REPLAY_lost_was, /* prompt caches left behind by that, dollars */
	REPLAY_lost_is,
	REPLAY_FIGURES
};

/* With its 95 % interval. */
struct replay_estimate {
	double value, low, high;
};

#define REPLAY_NOTE  160
#define REPLAY_NOTES 24

/* Requests that are of one kind, and what they cost. */
struct replay_note {
	char what[REPLAY_NOTE];
	int64_t requests;
	struct pusd_sum booked;
};

struct replay_notes {
	struct replay_note note[REPLAY_NOTES]; /* most requests first; the last is the
						  rest when there are more kinds */
	unsigned count;
};

/* What the added machine would have answered; hours of the day are UTC. */
struct replay_local {
	int64_t requests;
	int64_t spilled; /* chosen for it, but all places were taken */
	double busy_s;   /* of all places together */
	int64_t requests_by_hour[24];
	double busy_by_hour_s[24];
};

struct replay_result {
	int64_t requests; /* in the ledger, as they were asked for */
	int64_t compared; /* of them; the others are in `lacking` */
	int64_t changed, refused, unpriced;
	int64_t first_ms, last_ms; /* ends of the first and last; 0: none */
	unsigned groups;           /* of sessions that the intervals rest on */
	struct pusd_sum booked;    /* of what was compared */
	struct replay_estimate figure[REPLAY_FIGURES];
	/* Shares of requests and of the new cost whose model has answered enough
	 * requests of that kind and complexity to know what they cost. */
	double covered_requests, covered_cost;
	struct replay_notes lacking;  /* could not be decided again, by why */
	struct replay_notes refusals; /* refused now, by outcome */
	struct replay_notes moves;    /* "luna -> qwen" */
	struct replay_local local;    /* of `added` */
	int64_t wall_ns;              /* how long it took */
};

/* Reads the ledger only; a daemon may run on it meanwhile. False: `ret_why`. */
bool replay_run(struct env *env, const struct replay_options *o,
    struct replay_result *ret, char ret_why[static 256]);

#endif
