/* drift_watch.c: the report thread sums up the workers' counters now and then, so that
 * a change is told also where nobody asks for it. */
#include "drift_watch.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"

#define LOOK_EVERY_NS (10 * NS_PER_S)

/* The texts of the last `events`, while nobody waits for us. */
static void
tell(const struct drift *d, unsigned events)
{
	for (uint64_t i = d->events - events; i < d->events; i++) {
		const struct drift_event *e = &d->event[i % DRIFT_EVENTS];

		if (e->moved)
			log_warn("%s", e->text);
		else
			log_info("%s", e->text);
	}
}

void
drift_watch_look(struct report *r, struct drift *ret)
{
	struct drift_sums sums = {0};
	unsigned events;

	/* Within the lock: sums of two threads must not come in the wrong order. */
	pthread_mutex_lock(&r->drift.mutex);
	for (unsigned i = 0; i < r->o.worker_count; i++)
		drift_sums_add(&sums, r->o.workers[i]->counters);
	events = drift_take(&r->drift.drift_shared, &sums, env_wall_ms(r->env));
	*ret = r->drift.drift_shared;
	pthread_mutex_unlock(&r->drift.mutex);
	tell(ret, events);
}

static void
on_look(struct timer *t)
{
	struct report *r = container_of(t, struct report, drift.look);
	struct drift *d = xcalloc(1, sizeof(*d));

	drift_watch_look(r, d);
	xfree(d);
	loop_timer(r->loop, t, r->env->mono_ns(r->env) + LOOK_EVERY_NS);
}

void
drift_watch_use(struct report *r, const struct snapshot *snap)
{
	const char *weights = classifier_version(snap->classifier);

	pthread_mutex_lock(&r->drift.mutex);
	if (strcmp(r->drift.drift_shared.weights, weights) != 0)
		drift_begin(&r->drift.drift_shared,
		    classifier_profile(snap->classifier), weights);
	pthread_mutex_unlock(&r->drift.mutex);
}

void
drift_watch_init(struct report *r)
{
	pthread_mutex_init(&r->drift.mutex, NULL);
	r->drift.look.on_due = on_look;
	drift_watch_use(r, r->o.snap);
}

void
drift_watch_start(struct report *r)
{
	loop_timer(r->loop, &r->drift.look, r->env->mono_ns(r->env) + LOOK_EVERY_NS);
}

void
drift_watch_fini(struct report *r)
{
	pthread_mutex_destroy(&r->drift.mutex);
}
