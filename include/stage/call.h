/* call.h: speaks libcurl so that nobody else does:
 * attempts, deadlines, health, addresses. */
#ifndef STAGE_CALL_H
#define STAGE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"
#include "core/sets.h"

struct attempt;
struct call; /* a worker's share: curl multi, share, connection cache */
struct env;
struct provider;
struct queue;
struct signal;
struct snapshot;
struct worker;

/* NULL: libcurl has no memory for it. */
struct call *call_new(struct worker *w);
void call_free(struct call *c); /* takes NULL; no attempt may be live */
/* A new snapshot is in force: providers' addresses, TLS warm-up. */
void call_adopt(struct call *c, const struct snapshot *s);

/* Takes an accepted answer's bytes again after a pause. Deferred; any time. */
void call_unpause(struct attempt *a);
/* Stops an attempt's transfer and gives its handle back; not from a curl callback. */
void call_cancel(struct attempt *a);

/* Has the attempt met a limit or a refusal of its key only,
 * and its provider another key that may do? */
bool call_other_key(const struct attempt *a);

/* ---- health, shared by all workers, kept by name across reloads ---- */

struct health;
struct fleet_shared; /* all of them */

struct fleet_shared *fleet_new(void);
void fleet_free(struct fleet_shared *f); /* takes NULL */
/* Points every provider and (model, provider) of a fresh snapshot at
 * its health, made when the name is new; also sets
 * provider->dialect. Before the snapshot is published. */
bool fleet_bind(struct fleet_shared *f, struct snapshot *s);

/* Of the candidate's model at its provider. Where the tier of service that a rule asks
 * for has no room, the usual one may have some: it has a health of its own. */
struct candidate;
struct health *health_of(const struct candidate *c);
/* Breaker: closed, open until a time, or half-open (one probe at a time). */
bool health_available(const struct health *h, int64_t now_ns);
/* Takes a place below max_inflight (0: no limit); false: none is free. */
bool health_enter(struct health *h, int32_t max_inflight);
void health_leave(struct health *h);
/* What an attempt's end says of the provider; `retry_after_ms` -1: not said. */
void health_report(struct health *h, enum outcome o, int64_t now_ns,
    int64_t retry_after_ms, int64_t ttft_ms);
/* Median time to first byte of the last answers; -1: there was none for five minutes.
 */
int64_t health_ttft_ms(const struct health *h, int64_t now_ns);
/* What a plan sees of a candidate at this moment. */
struct signal health_signal(const struct candidate *c, int64_t now_ns);

/* ---- local machines, each with its queue; kept by name as well ---- */

/* -1: unknown, or not told by a poll that is fresh. */
struct machine {
	int32_t inflight;         /* calls of ours */
	int32_t running, waiting; /* requests of everybody */
	int32_t slots;            /* that it answers at the same time */
	double kv_share;          /* of its KV cache in use, [0, 1] */
	double tokens_per_s;      /* given out between the last two polls */
	double utilisation;       /* share of its places in use, of the last minutes */
	int64_t service_ms;       /* that an answer takes, once it is begun */
	int32_t wait_ms, wait_high_ms; /* as in struct signal */
	int64_t cold_starts; /* calls for which it had to load their model first */
	int64_t cold_ms;     /* to the first byte of the last of them */
	uint64_t polls, polls_failed;
	int64_t age_ms; /* of the last poll that came back */
};
void machine_look(struct queue *q, int64_t now_ns, struct machine *ret);
/* Has it loaded the model of this name? 1, 0, or -1. */
int machine_loaded(struct queue *q, const char *model, int64_t now_ns);

/* Asks local machines that have `poll` for their queues, on a thread that begins with
 * the first of them; `addresses` must outlive it. */
struct addresses_shared;
struct poller;
struct poller *poller_new(struct env *env, struct addresses_shared *addresses);
/* This snapshot is in force; takes over the reference. One thread calls this. */
void poller_publish(struct poller *s, struct snapshot *snap);
/* Ends the thread, and what it asks with it; takes NULL. */
void poller_free(struct poller *s);

/* What GET /admin/fleet answers. */
void fleet_json(struct fleet_shared *f, int64_t now_ns, struct json *j);

/* ---- addresses: workers never resolve ---- */

struct addresses_shared;
/* Starts the resolver thread. NULL: there is none to be had. */
struct addresses_shared *addresses_new(struct env *env);
void addresses_free(struct addresses_shared *a); /* stops the thread; takes NULL */
/* Who is told of new answers; once, before the workers start. */
void addresses_attach(
    struct addresses_shared *a, struct worker *const *workers, unsigned count);
/* From now on keep these names fresh; waits at most `wait_ms` for the first answers. */
void addresses_want(struct addresses_shared *a, const struct snapshot *s, int wait_ms);
/* Look up again soon: a connect failed. */
void addresses_nudge(struct addresses_shared *a, const char *host);

#endif
