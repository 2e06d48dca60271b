/* worker.h: one thread's world. */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/env.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/trace.h"
#include "core/counter.h"
#include "core/sets.h"

struct addresses_shared;
struct budgets;
struct bypass_shared;
struct call;
struct ci_desk;
struct ci_keys;
struct edge;
struct edge_shared;
struct fleet_shared;
struct ledger;
struct limits_shared;
struct log_ring;
struct recent;
struct outlook;
struct outlook_shared;
struct parse_shared;
struct report;
struct request;
struct sessions_shared;
struct slots;
struct snapshot;
struct taps;

/* What all threads share; owned by main, constant
 * while workers run, each part with its own rules. */
struct shared {
	struct env *env;
	struct trace trace;
	const char *version;
	struct edge_shared *edge;
	struct parse_shared *parse;
	struct fleet_shared *fleet;
	struct addresses_shared *addresses;
	struct sessions_shared *sessions;
	struct bypass_shared *bypass;
	struct budgets *budgets;
	struct ci_keys *ci_keys;
	struct ci_desk *ci_desk;
	struct limits_shared *limits;
	struct slots *slots;
	struct ledger *ledger;
	struct outlook_shared *outlook;
	struct report *report;
	int64_t start_wall_ms;
};

TAILQ_HEAD(request_list, request);

struct worker {
	unsigned index;
	const struct shared *shared;
	struct env *env;
	struct loop *loop;
	struct mailbox *mailbox;
	struct watch mail;
	struct edge *edge;
	struct call *call;
	struct taps *taps;
	struct snapshot *snap;
	const struct outlook *outlook;
	struct id_stock ids;
	struct counters *counters; /* written by this worker, read by report */
	struct log_ring *log;      /* finished requests, to the log writer */
	struct recent *recent;     /* what keys have spent of late */
	struct request_list requests;
	unsigned live; /* requests */
	bool draining, stop;
	int64_t drain_deadline_ns;
	pthread_t thread;
};

/* NULL: `ret_why` says what. Does not start the thread. */
struct worker *worker_new(const struct shared *s, unsigned index, struct snapshot *snap,
    char ret_why[static 256]);
bool worker_start(struct worker *w);
void worker_join(struct worker *w);
void worker_free(struct worker *w); /* takes NULL */

/* Any thread: from now on requests are admitted
 * under `snap`, whose reference this takes. */
void worker_publish(struct worker *w, struct snapshot *snap);
/* Any thread: no new requests, running ones may end until `grace_ms`, then they are cut
 * with an error event; the thread ends when all is done. */
void worker_drain(struct worker *w, int grace_ms);

#endif
