/* health.h: what gate.c needs of health.c beyond stage/call.h. */
#ifndef CALL_HEALTH_H
#define CALL_HEALTH_H

#include "config/snapshot.h"
#include "fault.h"
#include "stage/call.h"

struct health *health_new(void);
void health_free(struct health *h); /* takes NULL */

/* May an attempt begin? `last`: there is nobody else to ask, so it may,
 * one at a time, even while the breaker is open. `*ret_probe`: it is a
 * probe; health_probe_over() when it ends. */
bool health_claim(struct health *h, int64_t now_ns, bool last, bool *ret_probe);

/* The probe has ended, and it alone decides; after health_report().
 * An answer closes the breaker. So does one about our key (401, 402, 403): what had
 * opened it, no connection, no answer or a 5xx, is gone, and the key has a rest of its
 * own; else a wrong key would look like a provider out of service for as long as it is
 * wrong. A rate limit (429) does not: who may send less than one at a time is not to be
 * sent all. The cool-down passes, and the next probe follows. A fault opens it again,
 * for longer; what says nothing (the client left) leaves it to the next probe. */
void health_probe_over(struct health *h, enum fault f, int64_t now_ns);

/* The retry budget. A call begins; `repeat`: of a request that has already met a fault
 * of this provider. False: within ten seconds repeats are a fifth of the others, and
 * ten: one more would add to the load of what is ill. Like Finagle's RetryBudget and
 * Envoy's budget_percent. */
bool health_begin(struct health *h, bool repeat, int64_t now_ns);

/* ---- a provider's keys ---- */

/* A key that is refused rests at the provider `p`, one that is limited at the model
 * there, `m`: each key has an account and limits of its own. */

/* One of the `keys` keys that do not rest, the same for the same `draw`: each has its
 * share of all draws, and what one loses while it rests is spread over the others
 * (rendezvous hashing, Thaler and Ravishankar 1998). False: all rest, `*ret_key` is the
 * one that is ready first. */
bool health_key(const struct health *p, const struct health *m, unsigned keys,
    uint64_t draw, int64_t now_ns, unsigned *ret_key);
/* Until the first of them is ready; 0: one is. */
int64_t health_keys_wait_ms(
    const struct health *p, const struct health *m, unsigned keys, int64_t now_ns);
/* What an attempt's end says of the key there. */
void health_key_report(struct health *h, unsigned key, enum outcome o, int64_t now_ns,
    int64_t retry_after_ms);
/* New keys may have come with a reload. */
void health_keys_forget(struct health *h);

/* The shortest of those of which health_ttft_ms() is the median. */
int64_t health_ttft_least_ms(const struct health *h, int64_t now_ns);

struct health_view {
	bool open;    /* for some time yet, after faults */
	bool cooling; /* for some time yet, at its own wish */
	bool half_open;
	int32_t inflight;
	int64_t wait_ms; /* until it is tried again */
	uint64_t served, faults;
};
struct health_view health_look(const struct health *h, int64_t now_ns);

#endif
