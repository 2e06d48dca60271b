/* libs: base fake */
/* test_loop.c: watches, timers and deferred work, with a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/env.h"
#include "base/loop.h"
#include "fake_env.h"

struct fixture {
	struct fake_env *fake;
	struct loop *loop;
};

static int
set_up(void **state)
{
	static struct fixture f;

	f.fake = fake_env_new(3);
	f.loop = loop_new(fake_env(f.fake));
	*state = &f;
	return f.loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	loop_free(NULL);
	fake_env_free(f->fake);
	return 0;
}

/* Everything that a test needs to know of one watch, timer or deferred. */
struct probe {
	struct watch watch;
	struct timer timer;
	struct deferred deferred;
	struct loop *loop;
	struct probe *victim;
	unsigned calls;
	uint32_t events;
	int64_t again_ns; /* the timer re-arms itself so much later; -1: not */
	unsigned again;   /* the deferred defers itself so often */
	char **log;
	char name;
};

static void
on_ready(struct watch *w, uint32_t events)
{
	struct probe *p = container_of(w, struct probe, watch);

	p->calls++;
	p->events = events;
	if (p->victim != NULL)
		loop_unwatch(p->loop, &p->victim->watch);
}

static struct probe
watch_eventfd(struct loop *l)
{
	return (struct probe){
	    .watch = {.fd = -1, .on_ready = on_ready},
	    .loop = l,
	};
}

static int
signalled(void)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
test_watch(void **state)
{
	struct fixture *f = *state;
	struct probe p = watch_eventfd(f->loop);
	int fd = signalled();

	assert_true(loop_watch(f->loop, &p.watch, fd, EPOLLIN));
	loop_turn(f->loop, 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(p.events, EPOLLIN);
	assert_true(loop_rewatch(f->loop, &p.watch, EPOLLIN | EPOLLOUT));
	loop_turn(f->loop, -1);
	assert_int_equal(p.calls, 2);
	assert_int_equal(p.events, EPOLLIN | EPOLLOUT);
	loop_unwatch(f->loop, &p.watch);
	assert_int_equal(p.watch.fd, -1);
	loop_unwatch(f->loop, &p.watch);
	loop_turn(f->loop, 0);
	assert_int_equal(p.calls, 2);
	(void)close(fd);
	/* What cannot be watched leaves the watch idle. */
	assert_false(loop_watch(f->loop, &p.watch, fd, EPOLLIN));
	assert_int_equal(p.watch.fd, -1);
	loop_unwatch(f->loop, &p.watch);
}

/* Both events are fetched in one batch; whoever comes first removes the other. */
static void
test_removed_in_this_turn_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct probe a = watch_eventfd(f->loop), b = watch_eventfd(f->loop);
	int fa = signalled(), fb = signalled();

	a.victim = &b;
	b.victim = &a;
	assert_true(loop_watch(f->loop, &a.watch, fa, EPOLLIN));
	assert_true(loop_watch(f->loop, &b.watch, fb, EPOLLIN));
	loop_turn(f->loop, 0);
	assert_int_equal(a.calls + b.calls, 1);
	loop_unwatch(f->loop, &a.watch);
	loop_unwatch(f->loop, &b.watch);
	(void)close(fa);
	(void)close(fb);
}

struct replacer {
	struct watch watch;
	struct loop *loop;
	struct probe *old, *fresh;
	int fd; /* for the fresh one: not ready */
};

static void
on_ready_replace(struct watch *w, uint32_t events)
{
	struct replacer *r = container_of(w, struct replacer, watch);

	(void)events;
	if (r->old->watch.fd < 0)
		return;
	loop_unwatch(r->loop, &r->old->watch);
	assert_true(loop_watch(r->loop, &r->fresh->watch, r->fd, EPOLLIN));
}

/* The fresh watch takes the slot for which an event was already fetched. */
static void
test_slot_reused_in_this_turn(void **state)
{
	struct fixture *f = *state;
	struct probe old = watch_eventfd(f->loop), fresh = watch_eventfd(f->loop);
	struct replacer r = {
	    .watch = {.fd = -1, .on_ready = on_ready_replace},
	    .loop = f->loop,
	    .old = &old,
	    .fresh = &fresh,
	    .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	int fr = signalled(), fo = signalled();

	assert_true(loop_watch(f->loop, &r.watch, fr, EPOLLIN));
	assert_true(loop_watch(f->loop, &old.watch, fo, EPOLLIN));
	loop_turn(f->loop, 0);
	/* epoll reports in the order of readiness: the replacer was first. */
	assert_int_equal(old.calls, 0);
	assert_int_equal(fresh.watch.slot, old.watch.slot);
	assert_int_equal(fresh.calls, 0);
	assert_int_equal(eventfd_write(r.fd, 1), 0);
	loop_turn(f->loop, 0);
	assert_int_equal(fresh.calls, 1);
	loop_unwatch(f->loop, &fresh.watch);
	loop_unwatch(f->loop, &r.watch);
	(void)close(fr);
	(void)close(fo);
	(void)close(r.fd);
}

static void
test_many_watches(void **state)
{
	struct fixture *f = *state;
	static struct probe probes[600];
	int fds[600];

	for (size_t i = 0; i < nitems(probes); i++) {
		probes[i] = watch_eventfd(f->loop);
		fds[i] = signalled();
		assert_true(loop_watch(f->loop, &probes[i].watch, fds[i], EPOLLIN));
	}
	/* A turn takes 256 at most; nobody starves. */
	for (int turn = 0; turn < 3; turn++)
		loop_turn(f->loop, 0);
	for (size_t i = 0; i < nitems(probes); i++) {
		assert_true(probes[i].calls >= 1);
		loop_unwatch(f->loop, &probes[i].watch);
		(void)close(fds[i]);
	}
}

static void
on_due(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->calls++;
	if (p->log != NULL)
		*(*p->log)++ = p->name;
	if (p->victim != NULL)
		loop_timer_stop(p->loop, &p->victim->timer);
	if (p->again_ns >= 0)
		loop_timer(p->loop, t, loop_now(p->loop) + p->again_ns);
}

static struct probe
timed(struct loop *l)
{
	return (struct probe){.timer.on_due = on_due, .loop = l, .again_ns = -1};
}

static void
test_timers_in_order(void **state)
{
	struct fixture *f = *state;
	static struct probe t[200];
	static const int64_t step = NS_PER_MS;
	int64_t start = loop_now(f->loop);

	for (size_t i = 0; i < nitems(t); i++) {
		t[i] = timed(f->loop);
		loop_timer(
		    f->loop, &t[i].timer, start + (int64_t)(i * 77 % 200) * step);
	}
	/* Every third is moved, every fifth stopped. */
	for (size_t i = 0; i < nitems(t); i += 3)
		loop_timer(
		    f->loop, &t[i].timer, start + (int64_t)(i * 31 % 200) * step);
	for (size_t i = 0; i < nitems(t); i += 5) {
		loop_timer_stop(f->loop, &t[i].timer);
		loop_timer_stop(f->loop, &t[i].timer);
		assert_int_equal(t[i].timer.heap_index, 0);
	}
	for (int64_t now = 0; now < 200; now++) {
		loop_turn(f->loop, 0);
		assert_true(loop_now(f->loop) == start + now * step);
		for (size_t i = 0; i < nitems(t); i++) {
			bool due = t[i].timer.due_ns <= loop_now(f->loop) && i % 5 != 0;

			assert_int_equal(t[i].calls, due ? 1 : 0);
		}
		fake_env_advance(f->fake, step);
	}
}

static void
test_due_together_fire_by_time(void **state)
{
	struct fixture *f = *state;
	struct probe t[4];
	char text[5] = "", *end = text;
	static const int64_t due[4] = {30, 10, 40, 20};

	for (size_t i = 0; i < 4; i++) {
		t[i] = timed(f->loop);
		t[i].log = &end;
		t[i].name = (char)('a' + (int)i);
		loop_timer(f->loop, &t[i].timer, loop_now(f->loop) + due[i]);
	}
	/* The first to fire stops the last. */
	t[1].victim = &t[2];
	fake_env_advance(f->fake, 100);
	loop_turn(f->loop, -1);
	assert_string_equal(text, "bda");
}

static void
test_rearmed_for_now_waits_a_turn(void **state)
{
	struct fixture *f = *state;
	struct probe t = timed(f->loop);

	t.again_ns = 0;
	loop_timer(f->loop, &t.timer, loop_now(f->loop));
	loop_turn(f->loop, -1);
	assert_int_equal(t.calls, 1);
	loop_turn(f->loop, -1);
	assert_int_equal(t.calls, 2);
	loop_timer_stop(f->loop, &t.timer);
}

static void
run(struct deferred *d)
{
	struct probe *p = container_of(d, struct probe, deferred);

	p->calls++;
	if (p->victim != NULL)
		loop_defer_cancel(p->loop, &p->victim->deferred);
	if (p->again > 0) {
		p->again--;
		loop_defer(p->loop, d);
	}
}

static void
test_deferred(void **state)
{
	struct fixture *f = *state;
	struct probe a = {.deferred.run = run, .loop = f->loop, .again = 3};
	struct probe b = {.deferred.run = run, .loop = f->loop};
	struct probe c = {.deferred.run = run, .loop = f->loop};

	a.victim = &c;
	loop_defer(f->loop, &a.deferred);
	loop_defer(f->loop, &a.deferred);
	loop_defer(f->loop, &b.deferred);
	loop_defer(f->loop, &c.deferred);
	assert_int_equal(a.calls, 0);
	/* No wait, although nothing else will ever happen. */
	loop_turn(f->loop, -1);
	assert_int_equal(a.calls, 4);
	assert_int_equal(b.calls, 1);
	assert_int_equal(c.calls, 0);
	loop_defer_cancel(f->loop, &c.deferred);
	loop_defer(f->loop, &c.deferred);
	loop_turn(f->loop, -1);
	assert_int_equal(c.calls, 1);
}

static void
test_deferring_for_ever_ends_the_turn(void **state)
{
	struct fixture *f = *state;
	struct probe a = {.deferred.run = run, .loop = f->loop, .again = UINT32_MAX};
	unsigned after_one;

	loop_defer(f->loop, &a.deferred);
	loop_turn(f->loop, -1);
	after_one = a.calls;
	assert_true(after_one > 0);
	loop_turn(f->loop, -1);
	assert_true(a.calls > after_one);
	loop_defer_cancel(f->loop, &a.deferred);
}

/* With the real clock: never early, so that a
 * turn that was meant for a timer runs it. */
static void
test_wakes_for_the_timer(void **state)
{
	struct loop *l = loop_new(env_system());
	struct probe t = timed(l);
	int64_t due;

	(void)state;
	assert_non_null(l);
	due = env_system()->mono_ns(env_system()) + NS_PER_MS + 1;
	loop_timer(l, &t.timer, due);
	loop_turn(l, -1);
	assert_int_equal(t.calls, 1);
	assert_true(loop_now(l) >= due);
	loop_free(l);
}

#define with_loop(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_loop(test_watch),
	    with_loop(test_removed_in_this_turn_is_not_called),
	    with_loop(test_slot_reused_in_this_turn),
	    with_loop(test_many_watches),
	    with_loop(test_timers_in_order),
	    with_loop(test_due_together_fire_by_time),
	    with_loop(test_rearmed_for_now_waits_a_turn),
	    with_loop(test_deferred),
	    with_loop(test_deferring_for_ever_ends_the_turn),
	    with_loop(test_wakes_for_the_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
