/* loop.c: epoll, a heap of timers, and what is put off to the end of the turn. */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/env.h"
#include "base/mem.h"

#define BATCH 256

/* Of what defers itself over and over, so that descriptors get their turn. */
#define DEFERRED_PER_TURN 4096U

/* A place for a watch; events carry its index and generation, never a pointer. */
struct slot {
	struct watch *watch; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

#define NO_SLOT UINT32_MAX

struct loop {
	struct env *env;
	int epoll_fd;
	int64_t now_ns;
	struct slot *slots;
	uint32_t slot_count, free_slot;
	struct timer **heap; /* from 1; the earliest first */
	uint32_t timers, heap_cap;
	TAILQ_HEAD(deferred_list, deferred) deferred;
	struct epoll_event events[BATCH];
};

struct loop *
loop_new(struct env *env)
{
	struct loop *l;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->env = env;
	l->epoll_fd = fd;
	l->now_ns = env->mono_ns(env);
	l->free_slot = NO_SLOT;
	TAILQ_INIT(&l->deferred);
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	(void)close(l->epoll_fd);
	xfree(l->slots);
	xfree(l->heap);
	xfree(l);
}

static uint32_t
take_slot(struct loop *l)
{
	uint32_t i = l->free_slot;

	if (i != NO_SLOT) {
		l->free_slot = l->slots[i].next_free;
		return i;
	}
	i = l->slot_count++;
	/* Room doubles at powers of two. */
	if ((i & (i - 1)) == 0)
		l->slots = xrealloc(
		    l->slots, (i == 0 ? 1 : 2 * (size_t)i) * sizeof(*l->slots));
	l->slots[i] = (struct slot){.generation = 1};
	return i;
}

static void
give_slot(struct loop *l, uint32_t i)
{
	struct slot *s = &l->slots[i];

	s->watch = NULL;
	/* Events already fetched for this slot no longer match.
	 * 0 is what idle watches hold. */
	if (++s->generation == 0)
		s->generation = 1;
	s->next_free = l->free_slot;
	l->free_slot = i;
}

static bool
control(const struct loop *l, int op, const struct watch *w, uint32_t events)
{
	struct epoll_event e = {
	    .events = events,
	    .data.u64 = (uint64_t)w->generation << 32 | w->slot,
	};

	return epoll_ctl(l->epoll_fd, op, w->fd, &e) == 0;
}

bool
loop_watch(struct loop *l, struct watch *w, int fd, uint32_t epoll_events)
{
	uint32_t i = take_slot(l);

	w->fd = fd;
	w->slot = i;
	w->generation = l->slots[i].generation;
	if (!control(l, EPOLL_CTL_ADD, w, epoll_events)) {
		give_slot(l, i);
		w->fd = -1;
		w->generation = 0;
		return false;
	}
	l->slots[i].watch = w;
	return true;
}

bool
loop_rewatch(struct loop *l, struct watch *w, uint32_t epoll_events)
{
	assert(w->generation != 0 && l->slots[w->slot].watch == w);
	return control(l, EPOLL_CTL_MOD, w, epoll_events);
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	if (w->fd < 0 || w->generation == 0)
		return;
	assert(l->slots[w->slot].watch == w);
	/* It may fail for a descriptor that a library
	 * closed under us: then it is gone. */
	(void)control(l, EPOLL_CTL_DEL, w, 0);
	give_slot(l, w->slot);
	w->fd = -1;
	w->generation = 0;
}

static void
place(struct loop *l, uint32_t i, struct timer *t)
{
	l->heap[i] = t;
	t->heap_index = i;
}

/* Moves the timer from the hole at `i` to where it belongs. */
static void
sift(struct loop *l, uint32_t i, struct timer *t)
{
	while (i > 1 && t->due_ns < l->heap[i / 2]->due_ns) {
		place(l, i, l->heap[i / 2]);
		i /= 2;
	}
	for (;;) {
		uint32_t child = 2 * i;

		if (child < l->timers &&
		    l->heap[child + 1]->due_ns < l->heap[child]->due_ns)
			child++;
		if (child > l->timers || t->due_ns <= l->heap[child]->due_ns)
			break;
		place(l, i, l->heap[child]);
		i = child;
	}
	place(l, i, t);
}

void
loop_timer(struct loop *l, struct timer *t, int64_t due_ns)
{
	t->due_ns = due_ns;
	if (t->heap_index == 0) {
		if (l->timers + 1 >= l->heap_cap) {
			l->heap_cap = l->heap_cap == 0 ? 64 : 2 * l->heap_cap;
			l->heap =
			    xrealloc(l->heap, l->heap_cap * sizeof(struct timer *));
		}
		t->heap_index = ++l->timers;
	}
	sift(l, t->heap_index, t);
}

void
loop_timer_stop(struct loop *l, struct timer *t)
{
	uint32_t hole = t->heap_index;
	struct timer *last;

	if (hole == 0)
		return;
	last = l->heap[l->timers--];
	if (last != t)
		sift(l, hole, last);
	t->heap_index = 0;
}

void
loop_defer(struct loop *l, struct deferred *d)
{
	if (d->queued)
		return;
	d->queued = true;
	TAILQ_INSERT_TAIL(&l->deferred, d, link);
}

void
loop_defer_cancel(struct loop *l, struct deferred *d)
{
	if (!d->queued)
		return;
	d->queued = false;
	TAILQ_REMOVE(&l->deferred, d, link);
}

/* Rounded up: to wake a moment before a timer is due would mean to spin until it is. */
static int
wait_ms(const struct loop *l, int64_t max_wait_ns)
{
	int64_t wait = max_wait_ns;

	if (!TAILQ_EMPTY(&l->deferred))
		return 0;
	if (l->timers > 0) {
		int64_t left = l->heap[1]->due_ns - l->env->mono_ns(l->env);

		if (left < 0)
			left = 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	if (wait < 0)
		return -1;
	wait = wait / NS_PER_MS + (wait % NS_PER_MS != 0);
	return wait < INT_MAX ? (int)wait : INT_MAX;
}

static void
call_watches(struct loop *l, int ready)
{
	for (int i = 0; i < ready; i++) {
		uint64_t data = l->events[i].data.u64;
		const struct slot *s = &l->slots[(uint32_t)data];

		if (s->watch != NULL && s->generation == (uint32_t)(data >> 32))
			s->watch->on_ready(s->watch, l->events[i].events);
	}
}

/* At most as many as are armed now: one that re-arms itself for now waits a turn. */
static void
call_timers(struct loop *l)
{
	for (uint32_t n = l->timers; n > 0 && l->timers > 0; n--) {
		struct timer *t = l->heap[1];

		if (t->due_ns > l->now_ns)
			break;
		loop_timer_stop(l, t);
		t->on_due(t);
	}
}

void
loop_act(struct loop *l)
{
	for (unsigned n = 0; n < DEFERRED_PER_TURN; n++) {
		struct deferred *d = TAILQ_FIRST(&l->deferred);

		if (d == NULL)
			break;
		loop_defer_cancel(l, d);
		d->run(d);
	}
}

void
loop_turn(struct loop *l, int64_t max_wait_ns)
{
	int ready = epoll_wait(l->epoll_fd, l->events, BATCH, wait_ms(l, max_wait_ns));

	/* A signal is no event; anything else is our own bug. */
	assert(ready >= 0 || errno == EINTR);
	l->now_ns = l->env->mono_ns(l->env);
	call_watches(l, ready);
	call_timers(l);
	loop_act(l);
}

int64_t
loop_now(const struct loop *l)
{
	return l->now_ns;
}
