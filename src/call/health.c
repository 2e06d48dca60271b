/* health.c: a breaker that opens on a provider's
 * own faults, and counts who is inside. */
#include "health.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"
#include "backoff.h"
#include "fault.h"

/* Opens on so many faults within the window,
 * when they are at least every second answer. */
#define WINDOW_S       10
#define FAULTS_TO_OPEN 5U
#define OPEN_FIRST_MS  5000
#define OPEN_MOST_MS   60000
/* Without a Retry-After. */
#define COOL_FIRST_MS 1000
#define COOL_MOST_MS  30000
#define KEY_FIRST_MS  10000
#define KEY_MOST_MS   120000

/* Of calls within the window. With few of them a fifth is none,
 * and one a second is no load. */
#define REPEATS_PERCENT 20U
#define REPEATS_FREE    10U

#define TTFT_SAMPLES 15
/* Times say nothing of now when there was none for so long: who was avoided for being
 * slow is tried again. */
#define TTFT_FRESH_NS (300 * NS_PER_S)

struct second {
	int64_t at_s;
	unsigned ended, faults;
	unsigned first, repeats; /* begun */
};

struct health {
	/* read by every worker before each attempt */
	_Atomic int32_t inflight_shared;
	_Atomic int64_t open_until_ns_shared; /* 0: the breaker is closed */
	_Atomic int64_t cool_until_ns_shared;
	_Atomic int64_t key_until_ns_shared[PROVIDER_KEYS_MAX];
	_Atomic int64_t ttft_ms_shared, ttft_least_ms_shared; /* -1: unknown */
	_Atomic int64_t ttft_ns_shared; /* when the last one was measured */
	atomic_bool probing_shared;
	_Atomic uint64_t served_shared, faults_shared;

	pthread_mutex_t lock; /* of the rest, a few hundred nanoseconds an attempt */
	struct second window[WINDOW_S];
	unsigned opened, cooled, key_failed[PROVIDER_KEYS_MAX]; /* in a row */
	int32_t ttft[TTFT_SAMPLES];
	unsigned ttfts;
};

struct health *
health_new(void)
{
	struct health *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	atomic_store(&h->ttft_ms_shared, -1);
	atomic_store(&h->ttft_least_ms_shared, -1);
	return h;
}

void
health_free(struct health *h)
{
	if (h == NULL)
		return;
	pthread_mutex_destroy(&h->lock);
	xfree(h);
}

/* ---- places ---- */

bool
health_enter(struct health *h, int32_t max_inflight)
{
	int32_t n = atomic_load_explicit(&h->inflight_shared, memory_order_relaxed);

	do {
		if (max_inflight > 0 && n >= max_inflight)
			return false;
	} while (!atomic_compare_exchange_weak(&h->inflight_shared, &n, n + 1));
	return true;
}

void
health_leave(struct health *h)
{
	atomic_fetch_sub(&h->inflight_shared, 1);
}

/* ---- the breaker ---- */

static bool
probe_is_due(const struct health *h, int64_t now_ns)
{
	return now_ns >= atomic_load(&h->open_until_ns_shared) &&
	       now_ns >= atomic_load(&h->cool_until_ns_shared);
}

bool
health_available(const struct health *h, int64_t now_ns)
{
	if (!probe_is_due(h, now_ns))
		return false;
	return atomic_load(&h->open_until_ns_shared) == 0 ||
	       !atomic_load(&h->probing_shared);
}

bool
health_claim(struct health *h, int64_t now_ns, bool last, bool *ret_probe)
{
	bool due = probe_is_due(h, now_ns);

	if (due && atomic_load(&h->open_until_ns_shared) == 0)
		return true;
	if (!due && !last)
		return false;
	if (atomic_exchange(&h->probing_shared, true))
		return false;
	/* Another probe may have ended in between, and opened it again. */
	if (!last && !probe_is_due(h, now_ns)) {
		atomic_store(&h->probing_shared, false);
		return false;
	}
	*ret_probe = true;
	return true;
}

static struct second *
second_of(struct health *h, int64_t now_s)
{
	struct second *s = &h->window[now_s % WINDOW_S];

	if (s->at_s != now_s)
		*s = (struct second){.at_s = now_s};
	return s;
}

static struct second
window_sum(const struct health *h, int64_t now_s)
{
	struct second sum = {.at_s = now_s};

	for (size_t i = 0; i < WINDOW_S; i++) {
		const struct second *s = &h->window[i];

		if (now_s - s->at_s >= WINDOW_S)
			continue;
		sum.ended += s->ended;
		sum.faults += s->faults;
		sum.first += s->first;
		sum.repeats += s->repeats;
	}
	return sum;
}

static bool
too_many_faults(const struct health *h, int64_t now_s)
{
	struct second sum = window_sum(h, now_s);

	return sum.faults >= FAULTS_TO_OPEN && 2 * sum.faults >= sum.ended;
}

/* A spread that every daemon and moment has of its own; it needs no secret. */
static uint64_t
draw(const struct health *h, int64_t now_ns)
{
	int64_t seed[2] = {now_ns, (int64_t)atomic_load(&h->faults_shared)};

	return hash_stable(str_make((const char *)seed, sizeof(seed)));
}

static int64_t
wait_ns(const struct health *h, int64_t first_ms, int64_t most_ms, unsigned failures,
    int64_t now_ns)
{
	return backoff_ms(first_ms, most_ms, failures, draw(h, now_ns)) * NS_PER_MS;
}

static void
open_locked(struct health *h, int64_t now_ns)
{
	int64_t ns = wait_ns(h, OPEN_FIRST_MS, OPEN_MOST_MS, h->opened++, now_ns);

	atomic_store(&h->open_until_ns_shared, now_ns + ns);
}

static void
close_locked(struct health *h)
{
	for (size_t i = 0; i < WINDOW_S; i++)
		h->window[i].ended = h->window[i].faults = 0;
	h->opened = 0;
	atomic_store(&h->open_until_ns_shared, 0);
}

void
health_probe_over(struct health *h, enum fault f, int64_t now_ns)
{
	int64_t until;

	pthread_mutex_lock(&h->lock);
	until = atomic_load(&h->open_until_ns_shared);
	if (f == FAULT_alive || f == FAULT_key)
		close_locked(h);
	if (f == FAULT_alive)
		atomic_store(&h->cool_until_ns_shared, 0);
	/* One that was let in while it is open or cools down leaves it so. */
	if (f == FAULT_provider && until != 0 && now_ns >= until)
		open_locked(h, now_ns);
	atomic_store(&h->probing_shared, false);
	pthread_mutex_unlock(&h->lock);
}

/* Once it is open, the probe decides: what began before says nothing new, be it a long
 * answer or one that never came. */
static void
note_fault_locked(struct health *h, int64_t now_ns)
{
	int64_t now_s = now_ns / NS_PER_S;
	struct second *s = second_of(h, now_s);

	s->ended++;
	s->faults++;
	if (atomic_load(&h->open_until_ns_shared) == 0 && too_many_faults(h, now_s))
		open_locked(h, now_ns);
}

static void
note_alive_locked(struct health *h, int64_t now_ns)
{
	second_of(h, now_ns / NS_PER_S)->ended++;
	h->cooled = 0;
}

static void
cool_locked(struct health *h, int64_t now_ns, int64_t retry_after_ms)
{
	int64_t until = now_ns;

	if (retry_after_ms >= 0)
		until += retry_after_ms * NS_PER_MS;
	else
		until += wait_ns(h, COOL_FIRST_MS, COOL_MOST_MS, h->cooled++, now_ns);
	if (until > atomic_load(&h->cool_until_ns_shared))
		atomic_store(&h->cool_until_ns_shared, until);
}

/* ---- the retry budget ---- */

bool
health_begin(struct health *h, bool repeat, int64_t now_ns)
{
	int64_t now_s = now_ns / NS_PER_S;
	struct second *now;
	bool may = true;

	pthread_mutex_lock(&h->lock);
	now = second_of(h, now_s);
	if (repeat) {
		struct second sum = window_sum(h, now_s);

		may = sum.repeats < REPEATS_FREE ||
		      (sum.repeats + 1) * 100 <= sum.first * REPEATS_PERCENT;
	}
	if (!repeat)
		now->first++;
	else if (may)
		now->repeats++;
	pthread_mutex_unlock(&h->lock);
	return may;
}

/* ---- time to first byte ---- */

static void
note_ttft_locked(struct health *h, int64_t now_ns, int64_t ttft_ms)
{
	int32_t sorted[TTFT_SAMPLES],
	    v = ttft_ms < INT32_MAX ? (int32_t)ttft_ms : INT32_MAX;
	unsigned n;

	if (now_ns - atomic_load(&h->ttft_ns_shared) > TTFT_FRESH_NS)
		h->ttfts = 0;
	atomic_store(&h->ttft_ns_shared, now_ns);
	h->ttft[h->ttfts++ % TTFT_SAMPLES] = v;
	n = h->ttfts < TTFT_SAMPLES ? h->ttfts : TTFT_SAMPLES;
	for (unsigned i = 0; i < n; i++) {
		unsigned at = i;

		for (; at > 0 && sorted[at - 1] > h->ttft[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = h->ttft[i];
	}
	atomic_store(&h->ttft_ms_shared, sorted[n / 2]);
	atomic_store(&h->ttft_least_ms_shared, sorted[0]);
}

static int64_t
fresh_ttft_ms(const struct health *h, const _Atomic int64_t *ms, int64_t now_ns)
{
	int64_t at = atomic_load_explicit(&h->ttft_ns_shared, memory_order_relaxed);

	return now_ns - at > TTFT_FRESH_NS
		   ? -1
		   : atomic_load_explicit(ms, memory_order_relaxed);
}

int64_t
health_ttft_ms(const struct health *h, int64_t now_ns)
{
	return fresh_ttft_ms(h, &h->ttft_ms_shared, now_ns);
}

int64_t
health_ttft_least_ms(const struct health *h, int64_t now_ns)
{
	return fresh_ttft_ms(h, &h->ttft_least_ms_shared, now_ns);
}

void
health_report(struct health *h, enum outcome o, int64_t now_ns, int64_t retry_after_ms,
    int64_t ttft_ms)
{
	enum fault f = fault_of(o);

	pthread_mutex_lock(&h->lock);
	if (f == FAULT_alive) {
		atomic_fetch_add(&h->served_shared, 1);
		note_alive_locked(h, now_ns);
	} else if (f == FAULT_provider) {
		atomic_fetch_add(&h->faults_shared, 1);
		note_fault_locked(h, now_ns);
	}
	/* 503 and 529 may come with Retry-After, too. */
	if (f == FAULT_rate || (f == FAULT_provider && retry_after_ms >= 0))
		cool_locked(h, now_ns, retry_after_ms);
	if (ttft_ms >= 0)
		note_ttft_locked(h, now_ns, ttft_ms);
	pthread_mutex_unlock(&h->lock);
}

/* ---- keys ---- */

static uint64_t
rank_of_key(uint64_t draw, unsigned key)
{
	uint64_t both[2] = {draw, key};

	return hash_stable(str_make((const char *)both, sizeof(both)));
}

static int64_t
key_until_ns(const struct health *p, const struct health *m, unsigned key)
{
	int64_t there =
	    atomic_load_explicit(&p->key_until_ns_shared[key], memory_order_relaxed);
	int64_t here =
	    atomic_load_explicit(&m->key_until_ns_shared[key], memory_order_relaxed);

	return there > here ? there : here;
}

bool
health_key(const struct health *p, const struct health *m, unsigned keys, uint64_t draw,
    int64_t now_ns, unsigned *ret_key)
{
	int64_t soonest = INT64_MAX;
	uint64_t highest = 0;
	bool any = keys == 0;

	*ret_key = 0;
	for (unsigned i = 0; i < keys; i++) {
		int64_t until = key_until_ns(p, m, i);
		uint64_t rank = rank_of_key(draw, i);

		if (until <= now_ns && (!any || rank > highest)) {
			any = true;
			highest = rank;
			*ret_key = i;
		}
		if (!any && until < soonest) {
			soonest = until;
			*ret_key = i;
		}
	}
	return any;
}

int64_t
health_keys_wait_ms(
    const struct health *p, const struct health *m, unsigned keys, int64_t now_ns)
{
	int64_t until;
	unsigned key;

	if (health_key(p, m, keys, 0, now_ns, &key))
		return 0;
	until = key_until_ns(p, m, key);
	return (until - now_ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* Without a word of the provider's. */
static int64_t
key_rest_ns(struct health *h, unsigned key, enum fault f, int64_t now_ns)
{
	unsigned failed = h->key_failed[key]++;

	if (f == FAULT_rate)
		return wait_ns(h, COOL_FIRST_MS, COOL_MOST_MS, failed, now_ns);
	return wait_ns(h, KEY_FIRST_MS, KEY_MOST_MS, failed, now_ns);
}

void
health_key_report(struct health *h, unsigned key, enum outcome o, int64_t now_ns,
    int64_t retry_after_ms)
{
	enum fault f = fault_of(o);
	int64_t rest;

	if (key >= PROVIDER_KEYS_MAX ||
	    (f != FAULT_key && f != FAULT_rate && f != FAULT_alive))
		return;
	pthread_mutex_lock(&h->lock);
	if (f == FAULT_alive) {
		h->key_failed[key] = 0;
		atomic_store(&h->key_until_ns_shared[key], 0);
	} else {
		rest = key_rest_ns(h, key, f, now_ns);
		if (retry_after_ms >= 0)
			rest = retry_after_ms * NS_PER_MS;
		atomic_store(&h->key_until_ns_shared[key], now_ns + rest);
	}
	pthread_mutex_unlock(&h->lock);
}

void
health_keys_forget(struct health *h)
{
	pthread_mutex_lock(&h->lock);
	memset(h->key_failed, 0, sizeof(h->key_failed));
	for (size_t i = 0; i < PROVIDER_KEYS_MAX; i++)
		atomic_store(&h->key_until_ns_shared[i], 0);
	pthread_mutex_unlock(&h->lock);
}

/* ---- for people ---- */

struct health_view
health_look(const struct health *h, int64_t now_ns)
{
	int64_t open = atomic_load(&h->open_until_ns_shared);
	int64_t cool = atomic_load(&h->cool_until_ns_shared);
	int64_t until = open > cool ? open : cool;
	struct health_view v = {
	    .inflight = atomic_load(&h->inflight_shared),
	    .served = atomic_load(&h->served_shared),
	    .faults = atomic_load(&h->faults_shared),
	};

	if (until > now_ns)
		v.wait_ms = (until - now_ns) / NS_PER_MS + 1;
	v.open = open > now_ns;
	v.half_open = open != 0 && !v.open;
	v.cooling = cool > now_ns;
	return v;
}
