/* counter.h: one writer a worker, summed by the report thread on request. */
#ifndef CORE_COUNTER_H
#define CORE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/sets.h"

#define COUNTER_LATENCY_BUCKETS 20
#define COUNTER_TENTHS          10

struct counters {
#define COUNTER(name, help) _Atomic uint64_t name;
#include "core/counter.def"
	_Atomic uint64_t outcome[OUT_COUNT];
	_Atomic uint64_t tokens[TOKEN_COUNT];
	/* microseconds that frugald itself added: 2^i .. 2^(i+1) */
	_Atomic uint64_t added_us[COUNTER_LATENCY_BUCKETS];
	/* the same in milliseconds: to the upstream's first byte, and in all */
	_Atomic uint64_t ttft_ms[COUNTER_LATENCY_BUCKETS];
	_Atomic uint64_t total_ms[COUNTER_LATENCY_BUCKETS];
	_Atomic uint64_t cost_pusd[TIER_COUNT]; /* by the tier that answered */
	_Atomic uint64_t live_requests;
	/* what the classifier said of requests: tenths of [0, 1] */
	_Atomic uint64_t class[CLASS_COUNT];
	_Atomic uint64_t complexity[COUNTER_TENTHS], confidence[COUNTER_TENTHS];
};

/* One writer: a plain load and store, no locked instruction. */
static inline void
counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(
	    c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

#define count(w, name) counter_add(&(w)->counters->name, 1)

#endif
