/* queue.c: how long a request would wait at a local machine.
 *
 * With K places, L requests there and S for the time that one takes, the next one waits
 *
 *     max(0, L + 1 - K) * S / K
 *
 * for those before it. L are our own calls and, where the server tells, everybody's:
 * its count at the poll, corrected by what we have begun and ended since. K is what the
 * server tells, else max_inflight, else 1. One that tells its queue but not its places
 * (vLLM) has room as long as nobody waits and its KV cache is not full; then K is what
 * it runs. Our own max_inflight holds besides: the longer of both waits counts. */
#include "queue.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/request.h"

/* The time of an answer is the mean of about so many. */
#define SERVICES 16U
#define HIGH_S   5
/* New requests do not fit into the KV cache above this, or soon throw others out. */
#define KV_FULL 0.95
/* The share of time in use forgets so. */
#define UTILISATION_S 300.0

struct queue {
	pthread_mutex_t lock;
	int32_t max_inflight; /* 0: no limit */
	int32_t inflight;     /* calls of ours */
	double service_ms;
	unsigned services; /* that it was learned from, up to SERVICES */
	struct told told;
	int64_t told_ns, fresh_until_ns; /* 0: never */
	int32_t inflight_then;           /* at the poll */
	double tokens_per_s;             /* -1: unknown */
	uint64_t polls, failed;
	int64_t cold_starts, cold_ms; /* the last one's */
	struct {
		int64_t at_s;
		int32_t wait_ms;
	} high[HIGH_S + 1]; /* the longest wait of each second */
	double used;        /* share of its places, by and by forgotten */
	int64_t used_ns;
};

struct queue *
queue_new(void)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	pthread_mutex_init(&q->lock, NULL);
	q->told = TOLD_NOTHING;
	q->tokens_per_s = -1;
	q->cold_ms = -1;
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	pthread_mutex_destroy(&q->lock);
	xfree(q);
}

void
queue_limit(struct queue *q, int32_t max_inflight)
{
	pthread_mutex_lock(&q->lock);
	q->max_inflight = max_inflight;
	pthread_mutex_unlock(&q->lock);
}

/* ---- who is there ---- */

static bool
told_locked(const struct queue *q, int64_t now_ns)
{
	return q->told_ns != 0 && now_ns <= q->fresh_until_ns && q->told.running >= 0;
}

/* Requests at the machine, whoever sent them. */
static int32_t
load_locked(const struct queue *q, int64_t now_ns)
{
	int64_t all;

	if (!told_locked(q, now_ns))
		return q->inflight;
	all = (int64_t)q->told.running + q->inflight - q->inflight_then;
	if (q->told.waiting > 0)
		all += q->told.waiting;
	if (all < q->inflight)
		return q->inflight;
	return all < INT32_MAX ? (int32_t)all : INT32_MAX;
}

/* So many requests it answers at the same time; 0: as many as come. */
static int32_t
places_locked(const struct queue *q, int64_t now_ns)
{
	if (!told_locked(q, now_ns))
		return q->max_inflight > 0 ? q->max_inflight : 1;
	if (q->told.slots > 0)
		return q->told.slots;
	if (q->told.waiting <= 0 && q->told.kv_share < KV_FULL)
		return 0;
	return q->told.running > 0 ? q->told.running : 1;
}

/* In units of one answer's time. */
static double
turns_before(int32_t load, int32_t places)
{
	if (places <= 0 || load < places)
		return 0;
	return ((double)load + 1 - places) / places;
}

static double
turns_locked(const struct queue *q, int64_t now_ns)
{
	double there = turns_before(load_locked(q, now_ns), places_locked(q, now_ns));
	double ours = turns_before(q->inflight, q->max_inflight);

	return there > ours ? there : ours;
}

/* ---- the wait ---- */

static int32_t
saturated(double ms)
{
	return ms < SIGNAL_MS_MAX ? (int32_t)ms : SIGNAL_MS_MAX;
}

static int32_t
wait_locked(const struct queue *q, int64_t now_ns)
{
	double turns = turns_locked(q, now_ns);

	if (turns <= 0)
		return 0;
	return q->services > 0 ? saturated(ceil(turns * q->service_ms)) : -1;
}

/* Before and after every change: what it was until now, and what it is from now on. */
static void
note_locked(struct queue *q, int64_t now_ns)
{
	int64_t now_s = now_ns / NS_PER_S;
	int32_t wait_ms = wait_locked(q, now_ns);
	size_t i = (size_t)(now_s % (HIGH_S + 1));

	if (q->high[i].at_s != now_s) {
		q->high[i].at_s = now_s;
		q->high[i].wait_ms = wait_ms;
	}
	if (wait_ms > q->high[i].wait_ms)
		q->high[i].wait_ms = wait_ms;
}

static int32_t
high_locked(const struct queue *q, int64_t now_ns, int32_t wait_ms)
{
	int64_t now_s = now_ns / NS_PER_S;

	for (size_t i = 0; i <= HIGH_S; i++) {
		if (now_s - q->high[i].at_s <= HIGH_S && q->high[i].wait_ms > wait_ms)
			wait_ms = q->high[i].wait_ms;
	}
	return wait_ms;
}

void
queue_wait(struct queue *q, int64_t now_ns, int32_t *ret_ms, int32_t *ret_high_ms)
{
	pthread_mutex_lock(&q->lock);
	*ret_ms = wait_locked(q, now_ns);
	*ret_high_ms = high_locked(q, now_ns, *ret_ms);
	pthread_mutex_unlock(&q->lock);
}

/* ---- how much of it is in use ---- */

static double
level_locked(const struct queue *q, int64_t now_ns)
{
	int32_t load = load_locked(q, now_ns), places = places_locked(q, now_ns);

	if (load == 0 || (places > 0 && load >= places))
		return load == 0 ? 0 : 1;
	if (places > 0)
		return (double)load / places;
	return q->told.kv_share >= 0 ? q->told.kv_share : 1;
}

/* Before every change. */
static void
use_locked(struct queue *q, int64_t now_ns)
{
	double kept = exp(-(double)(now_ns - q->used_ns) / (UTILISATION_S * NS_PER_S));

	q->used = q->used * kept + level_locked(q, now_ns) * (1 - kept);
	q->used_ns = now_ns;
}

static void
change_begins_locked(struct queue *q, int64_t now_ns)
{
	if (q->used_ns == 0)
		q->used_ns = now_ns;
	use_locked(q, now_ns);
	note_locked(q, now_ns);
}

/* ---- our own calls ---- */

double
queue_enter(struct queue *q, int64_t now_ns)
{
	double turns;

	pthread_mutex_lock(&q->lock);
	change_begins_locked(q, now_ns);
	turns = 1 + turns_locked(q, now_ns);
	q->inflight++;
	note_locked(q, now_ns);
	pthread_mutex_unlock(&q->lock);
	return turns;
}

/* A call that had others before it took their time, too. */
static void
learn_locked(struct queue *q, double service_ms)
{
	if (q->services < SERVICES)
		q->services++;
	q->service_ms += (service_ms - q->service_ms) / q->services;
}

void
queue_leave(struct queue *q, double turns, int64_t took_ms, int64_t now_ns)
{
	pthread_mutex_lock(&q->lock);
	change_begins_locked(q, now_ns);
	q->inflight--;
	if (took_ms >= 0)
		learn_locked(q, (double)took_ms / turns);
	note_locked(q, now_ns);
	pthread_mutex_unlock(&q->lock);
}

/* ---- what is told ---- */

static double
rate_locked(const struct queue *q, const struct told *t, int64_t now_ns)
{
	int64_t ns = now_ns - q->told_ns;

	if (q->told_ns == 0 || ns <= 0 || q->told.tokens < 0 ||
	    t->tokens < q->told.tokens) /* it has begun anew */
		return -1;
	return (double)(t->tokens - q->told.tokens) * NS_PER_S / (double)ns;
}

void
queue_told(struct queue *q, const struct told *t, int64_t fresh_ns, int64_t now_ns)
{
	pthread_mutex_lock(&q->lock);
	change_begins_locked(q, now_ns);
	q->tokens_per_s = rate_locked(q, t, now_ns);
	q->told = *t;
	q->told_ns = now_ns;
	q->fresh_until_ns = now_ns + fresh_ns;
	q->inflight_then = q->inflight;
	q->polls++;
	note_locked(q, now_ns);
	pthread_mutex_unlock(&q->lock);
}

void
queue_untold(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->polls++;
	q->failed++;
	pthread_mutex_unlock(&q->lock);
}

/* ---- models that are loaded on demand ---- */

/* Ollama calls a model without a tag "NAME:latest". */
static bool
is_model(const char *told, const char *name)
{
	size_t len = strlen(name);

	return strncmp(told, name, len) == 0 &&
	       (told[len] == '\0' || strcmp(told + len, ":latest") == 0);
}

static bool
has_locked(const struct queue *q, const char *name)
{
	for (unsigned i = 0; i < q->told.models; i++) {
		if (is_model(q->told.model[i], name))
			return true;
	}
	return false;
}

bool
queue_cold(struct queue *q, const char *model, int64_t now_ns)
{
	bool cold;

	pthread_mutex_lock(&q->lock);
	cold = q->told_ns != 0 && now_ns <= q->fresh_until_ns && q->told.on_demand &&
	       !has_locked(q, model);
	pthread_mutex_unlock(&q->lock);
	return cold;
}

void
queue_warmed(struct queue *q, int64_t ttft_ms)
{
	pthread_mutex_lock(&q->lock);
	q->cold_starts++;
	q->cold_ms = ttft_ms;
	pthread_mutex_unlock(&q->lock);
}

/* ---- for people ---- */

void
machine_look(struct queue *q, int64_t now_ns, struct machine *ret)
{
	const struct told *t = &q->told;
	bool fresh;

	pthread_mutex_lock(&q->lock);
	change_begins_locked(q, now_ns);
	fresh = q->told_ns != 0 && now_ns <= q->fresh_until_ns;
	*ret = (struct machine){
	    .inflight = q->inflight,
	    .running = fresh ? t->running : -1,
	    .waiting = fresh ? t->waiting : -1,
	    .slots = fresh ? t->slots : -1,
	    .kv_share = fresh ? t->kv_share : -1,
	    .tokens_per_s = fresh ? q->tokens_per_s : -1,
	    .utilisation = q->used,
	    .service_ms = q->services > 0 ? (int64_t)q->service_ms : -1,
	    .cold_starts = q->cold_starts,
	    .cold_ms = q->cold_ms,
	    .polls = q->polls,
	    .polls_failed = q->failed,
	    .age_ms = q->told_ns != 0 ? (now_ns - q->told_ns) / NS_PER_MS : -1,
	};
	ret->wait_ms = wait_locked(q, now_ns);
	ret->wait_high_ms = high_locked(q, now_ns, ret->wait_ms);
	pthread_mutex_unlock(&q->lock);
}

int
machine_loaded(struct queue *q, const char *model, int64_t now_ns)
{
	int loaded = -1;

	pthread_mutex_lock(&q->lock);
	if (q->told_ns != 0 && now_ns <= q->fresh_until_ns &&
	    (q->told.on_demand || q->told.models > 0))
		loaded = has_locked(q, model);
	pthread_mutex_unlock(&q->lock);
	return loaded;
}
