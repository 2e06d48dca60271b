/* slots.c: one page of a mapped file for each request in flight. The page cache
 * outlives kill -9, so what was written here is never lost to it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"
#include "slots_file.h"
#include "stage/meter.h"

/* Indices from one thread to another; both sides only ever add. */
struct queue {
	_Atomic uint32_t head, tail;
	uint32_t mask;
	uint32_t *index;
};

/* What one worker has: a stack of free slots, so that the same few pages stay warm, and
 * the two queues to and from the ledger thread. */
struct share {
	uint32_t *stack;
	uint32_t free;
	struct queue closed;   /* worker -> ledger */
	struct queue released; /* ledger -> worker */
};

struct slots {
	struct env *env;
	struct env_map map;
	char path[4096];
	unsigned count, workers;
	struct share *share;
	int wake_fd;
	_Atomic bool sleeping;
	_Atomic uint32_t in_use;
};

static void
queue_init(struct queue *q, unsigned at_least)
{
	uint32_t cap = 1;

	while (cap < at_least)
		cap *= 2;
	q->mask = cap - 1;
	q->index = xcalloc(cap, sizeof(*q->index));
}

static void
queue_put(struct queue *q, uint32_t index)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	q->index[tail & q->mask] = index; /* never full: as long as the share */
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
}

static bool
queue_get(struct queue *q, uint32_t *ret)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&q->tail, memory_order_acquire))
		return false;
	*ret = q->index[head & q->mask];
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

static uint32_t
index_of(const struct slots *s, const struct slot *slot)
{
	return (uint32_t)(((const char *)slot - (const char *)s->map.p) / SLOT_BYTES) -
	       1;
}

static void
share_out(struct slots *s)
{
	s->share = xcalloc(s->workers, sizeof(*s->share));
	for (unsigned w = 0; w < s->workers; w++) {
		struct share *h = &s->share[w];
		unsigned from = w * s->count / s->workers;
		unsigned to = (w + 1) * s->count / s->workers;

		h->stack = xcalloc(to - from, sizeof(*h->stack));
		for (unsigned i = to; i > from; i--)
			h->stack[h->free++] = i - 1;
		queue_init(&h->closed, to - from);
		queue_init(&h->released, to - from);
	}
}

struct slots *
slots_create(struct env *env, const char *state_dir, unsigned count, unsigned workers)
{
	struct slots *s = xcalloc(1, sizeof(*s));
	char id[ID_TEXT_BYTES];
	int saved;

	s->env = env;
	s->count = count < workers ? workers : count;
	s->workers = workers;
	id_format(id_new(env), id);
	snprintf(s->path, sizeof(s->path), "%s/" SLOTS_PREFIX "%s", state_dir, id);
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd >= 0 && env->map_create(env, s->path,
				   ((size_t)s->count + 1) * SLOT_BYTES, &s->map)) {
		slots_file_init(s->map.p, s->count);
		share_out(s);
		return s;
	}
	saved = errno;
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	xfree(s);
	errno = saved;
	return NULL;
}

void
slots_close(struct slots *s)
{
	bool all_free;

	if (s == NULL)
		return;
	all_free = atomic_load(&s->in_use) == 0;
	s->env->map_close(s->env, &s->map);
	if (all_free)
		s->env->remove_file(s->env, s->path);
	for (unsigned w = 0; w < s->workers; w++) {
		xfree(s->share[w].stack);
		xfree(s->share[w].closed.index);
		xfree(s->share[w].released.index);
	}
	xfree(s->share);
	close(s->wake_fd);
	xfree(s);
}

/* ---- the worker's side ---- */

struct slot *
slot_open(struct slots *s, unsigned worker, const struct slot_request *intent)
{
	struct share *h = &s->share[worker];
	struct slot *slot;
	uint32_t i;

	while (queue_get(&h->released, &i))
		h->stack[h->free++] = i;
	if (h->free == 0)
		return NULL;
	slot = slots_file_at(s->map.p, h->stack[--h->free]);
	slot->outcome = OUT_unset;
	slot->attempts = 0;
	slot->raw_usage_len = 0;
	slot->worker = (uint16_t)worker;
	slot->end_ms = 0;
	slot->request = *intent;
	slot->crc = hash_crc32c(0, &slot->request, sizeof(slot->request));
	atomic_store_explicit(&slot->state, SLOT_open, memory_order_release);
	atomic_fetch_add_explicit(&s->in_use, 1, memory_order_relaxed);
	return slot;
}

int
slot_attempt_open(struct slot *s, const struct slot_attempt *intent)
{
	int i = s->attempts;

	if (i >= SLOT_ATTEMPTS)
		return -1;
	s->attempt[i] = *intent;
	s->attempt[i].sent = 0;
	s->attempt[i].closed = 0;
	/* kill -9 stops us between two stores at most: the count comes last. */
	atomic_thread_fence(memory_order_release);
	s->attempts = (uint16_t)(i + 1);
	return i;
}

void
slot_attempt_close(struct slot *s, int attempt, const struct slot_attempt *result,
    struct str raw_usage)
{
	struct slot_attempt *a = &s->attempt[attempt], done;

	if (a->closed)
		return;
	/* One that failed before may have left its own. */
	s->raw_usage_len = 0;
	if (raw_usage.len > 0 && raw_usage.len <= SLOT_RAW_USAGE) {
		memcpy(s->raw_usage, raw_usage.p, raw_usage.len);
		s->raw_usage_len = (uint16_t)raw_usage.len;
	}
	done = *result;
	done.closed = 0;
	*a = done;
	atomic_thread_fence(memory_order_release);
	a->closed = 1;
}

void
slot_close(struct slots *s, struct slot *slot, enum outcome outcome, int64_t end_ms)
{
	uint64_t one = 1;

	slot->outcome = (uint16_t)outcome;
	slot->end_ms = end_ms;
	atomic_store_explicit(&slot->state, SLOT_closed, memory_order_release);
	queue_put(&s->share[slot->worker].closed, index_of(s, slot));
	if (atomic_exchange(&s->sleeping, false) &&
	    write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is awake */
}

unsigned
slots_in_use(const struct slots *s)
{
	return atomic_load_explicit(&s->in_use, memory_order_relaxed);
}

/* ---- the ledger thread's side ---- */

static bool
anything_closed(struct slots *s)
{
	for (unsigned w = 0; w < s->workers; w++) {
		struct queue *q = &s->share[w].closed;

		if (atomic_load(&q->head) != atomic_load(&q->tail))
			return true;
	}
	return false;
}

void
slots_wait(struct slots *s, int timeout_ms)
{
	struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
	uint64_t n;

	atomic_store(&s->sleeping, true);
	/* Looked at after the flag: a close before
	 * it is seen here, one after it wakes us. */
	if (!anything_closed(s))
		poll(&p, 1, timeout_ms);
	atomic_store(&s->sleeping, false);
	if (read(s->wake_fd, &n, sizeof(n)) < 0)
		return; /* nobody had to wake us */
}

void
slots_wake(struct slots *s)
{
	uint64_t one = 1;

	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: awake already */
}

unsigned
slots_take(struct slots *s, struct slot **ret, unsigned cap)
{
	unsigned n = 0;
	uint32_t i;

	for (unsigned w = 0; w < s->workers; w++) {
		while (n < cap && queue_get(&s->share[w].closed, &i))
			ret[n++] = slots_file_at(s->map.p, i);
	}
	return n;
}

void
slots_release(struct slots *s, struct slot *const *slot, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned worker = slot[i]->worker;

		atomic_store_explicit(&slot[i]->state, SLOT_free, memory_order_release);
		atomic_fetch_sub_explicit(&s->in_use, 1, memory_order_relaxed);
		queue_put(&s->share[worker].released, index_of(s, slot[i]));
	}
}
