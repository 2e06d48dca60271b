/* deadline.c: one timer for each attempt, at the nearest of its deadlines; re-armed
 * when it fires rather than for every byte. */
#include "core/worker.h"
#include "transfer.h"

/* A paused upstream is looked at again so often, should a wake have been lost. */
#define RECHECK_NS NS_PER_S

struct due {
	int64_t at_ns;
	enum outcome outcome; /* OUT_unset: not a fault, something to do */
};

static void
take(struct due *d, int64_t at_ns, enum outcome o)
{
	if (at_ns < d->at_ns)
		*d = (struct due){.at_ns = at_ns, .outcome = o};
}

/* A limit of 0 is none. */
static void
take_limit(struct due *d, int64_t from_ns, int32_t limit_ms, enum outcome o)
{
	if (limit_ms > 0)
		take(d, from_ns + limit_ms * NS_PER_MS, o);
}

/* The client's own deadline only tightens the operator's. */
static int32_t
request_ms(const struct request *r)
{
	int32_t limit_ms = r->snap->limits.request_ms;

	if (r->deadline_ms > 0 && (limit_ms <= 0 || r->deadline_ms < limit_ms))
		return (int32_t)r->deadline_ms;
	return limit_ms;
}

/* The cheap tier has a deadline of its own, and leaves time for the usual one. */
static void
take_first_byte(struct due *d, const struct attempt *a)
{
	const struct timeouts *t = &a->provider->timeouts;
	const struct request *r = a->request;
	const struct candidate *c = a->candidate;
	bool flex = asks_flex(c);

	take_limit(d, a->connected_ns,
	    flex && t->flex_first_byte_ms > 0 ? t->flex_first_byte_ms
					      : t->first_byte_ms,
	    OUT_slow_first_byte);
	if (flex && r->deadline_ms > 0)
		take(d, r->start_ns + (r->deadline_ms - c->spare_ms) * NS_PER_MS,
		    OUT_slow_first_byte);
}

static struct due
nearest(const struct attempt *a, int64_t now)
{
	const struct timeouts *t = &a->provider->timeouts;
	const struct request *r = a->request;
	const struct attempt_io *io = a->io;
	struct due d = {.at_ns = INT64_MAX};

	if (io->linger_ns != 0)
		take(&d, io->linger_ns, OUT_unset);
	if (io->accept_by_ns != 0)
		take(&d, io->accept_by_ns, OUT_unset);
	if (!a->sent)
		take_limit(&d, a->start_ns, t->connect_ms, OUT_slow_connect);
	else if (a->last_byte_ns == 0)
		take_first_byte(&d, a);
	else if (!a->paused)
		take_limit(&d, a->last_byte_ns, t->idle_ms, OUT_stalled);
	else
		take(&d, now + RECHECK_NS,
		    OUT_unset); /* the client's pace, the edge's clock */
	take_limit(&d, a->start_ns, t->total_ms, OUT_too_long);
	take_limit(&d, r->start_ns, request_ms(r), OUT_too_long);
	return d;
}

int64_t
deadline_left_ms(const struct request *r, int64_t now_ns)
{
	int32_t limit_ms = request_ms(r);

	if (limit_ms <= 0)
		return INT64_MAX;
	return limit_ms - (now_ns - r->start_ns) / NS_PER_MS;
}

static void
expire(struct attempt *a, enum outcome o)
{
	if (!a->accepted) {
		judge_fault(a, o, "");
		judge_later(a);
		return;
	}
	judge_ended(a, o);
}

static void
on_due(struct timer *t)
{
	struct attempt *a = container_of(t, struct attempt, deadline);
	int64_t now = loop_now(a->request->worker->loop);
	struct due d = nearest(a, now);

	if (!a->live || a->upstream_done)
		return;
	if (d.at_ns <= now && d.outcome != OUT_unset) {
		expire(a, d.outcome);
		return;
	}
	if (a->io->linger_ns != 0 && a->io->linger_ns <= now) {
		judge_ended(a, OUT_unset);
		return;
	}
	if (a->io->accept_by_ns != 0 && a->io->accept_by_ns <= now) {
		a->io->accept_by_ns = 0;
		a->io->accept_now = true;
		judge_later(a);
	}
	if (a->paused)
		call_unpause(a);
	deadline_arm(a);
}

void
deadline_arm(struct attempt *a)
{
	struct worker *w = a->request->worker;
	struct due d = nearest(a, loop_now(w->loop));

	a->deadline.on_due = on_due;
	if (d.at_ns < INT64_MAX)
		loop_timer(w->loop, &a->deadline, d.at_ns);
}
