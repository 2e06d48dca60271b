/* queue.h: how long a request would wait at a local machine: from our own calls there,
 * and from what its server tells of itself. By name, shared by all workers. */
#ifndef CALL_QUEUE_H
#define CALL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TOLD_MODELS 8
#define TOLD_NAME   64

/* What one poll has learned; -1: not told. */
struct told {
	int32_t running, waiting; /* requests of everybody */
	int32_t slots;            /* that it answers at the same time */
	double kv_share;          /* of its KV cache in use, [0, 1] */
	int64_t tokens;           /* that it gave out since it began */
	/* It loads models when they are asked for; these it has loaded. */
	bool on_demand;
	unsigned models;
	char model[TOLD_MODELS][TOLD_NAME];
};
#define TOLD_NOTHING        \
	((struct told){     \
	    .running = -1,  \
	    .waiting = -1,  \
	    .slots = -1,    \
	    .kv_share = -1, \
	    .tokens = -1,   \
	})

struct queue;
struct queue *queue_new(void);
void queue_free(struct queue *q); /* takes NULL */

/* Our own limit, as the policy says; 0: none. */
void queue_limit(struct queue *q, int32_t max_inflight);

/* A call of ours begins. Gives how often the machine has to turn over before that call
 * has its answer: 1 when it begins at once. */
double queue_enter(struct queue *q, int64_t now_ns);
/* It ends. `took_ms` of one that was served, else -1; `turns` of queue_enter(). */
void queue_leave(struct queue *q, double turns, int64_t took_ms, int64_t now_ns);

/* A poll has come back; what it tells holds for `fresh_ns`. */
void queue_told(
    struct queue *q, const struct told *t, int64_t fresh_ns, int64_t now_ns);
/* A poll has failed; what the last one told grows old. */
void queue_untold(struct queue *q);

/* Would the machine have to load the model first? False when nobody tells. */
bool queue_cold(struct queue *q, const char *model, int64_t now_ns);
/* Such a call has got its first byte. */
void queue_warmed(struct queue *q, int64_t ttft_ms);

/* Expected time until a place is free, and the longest of the last five seconds; -1:
 * unknown. At most SIGNAL_MS_MAX. */
void queue_wait(struct queue *q, int64_t now_ns, int32_t *ret_ms, int32_t *ret_high_ms);

#endif
