/* loop.h: one epoll set, watches, timers and a deferred list; a worker's heart. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/util.h"

struct env;
struct loop;

/* Embedded in what it watches. A watch that was removed in this turn is never called,
 * even when its event was already fetched. */
struct watch {
	int fd;                    /* -1: not watched */
	uint32_t slot, generation; /* the loop's own */
	void (*on_ready)(struct watch *w, uint32_t epoll_events);
};

/* Embedded; zeroed means idle. */
struct timer {
	int64_t due_ns;      /* monotonic */
	uint32_t heap_index; /* the loop's own; 0: not armed */
	void (*on_due)(struct timer *t);
};

/* Embedded; runs once at the end of the turn, never inside a library's callback. */
struct deferred {
	TAILQ_ENTRY(deferred) link;
	bool queued;
	void (*run)(struct deferred *d);
};

/* NULL when no epoll descriptor can be had. */
struct loop *loop_new(struct env *env);
void loop_free(struct loop *l); /* takes NULL */

bool loop_watch(
    struct loop *l, struct watch *w, int fd, uint32_t epoll_events) MUST_CHECK;
bool loop_rewatch(struct loop *l, struct watch *w, uint32_t epoll_events) MUST_CHECK;
/* Call before the descriptor is closed. Takes an idle watch. */
void loop_unwatch(struct loop *l, struct watch *w);

/* Arms or re-arms. */
void loop_timer(struct loop *l, struct timer *t, int64_t due_ns);
void loop_timer_stop(struct loop *l, struct timer *t);

/* Queued once however often it is asked for. */
void loop_defer(struct loop *l, struct deferred *d);
void loop_defer_cancel(struct loop *l, struct deferred *d);

/* One turn: wait for events (at most `max_wait_ns`; < 0: no limit
 * of the caller's), call watches, due timers, then everything
 * deferred (also what that defers, bounded). */
void loop_turn(struct loop *l, int64_t max_wait_ns);

/* What was deferred since the turn, without waiting for the next one. */
void loop_act(struct loop *l);

/* The monotonic time at which this turn woke; cheap. */
int64_t loop_now(const struct loop *l);

#endif
