/* attempt.c: calls to upstreams, one after another,
 * until one answers; each is settled once. */
#include "core/request.h"

#include <assert.h>

#include "core/worker.h"

typedef enum next attempt_fn(struct attempt *);

static const struct {
	const char *name;
	attempt_fn *run;
} rows[] = {
#define ATTEMPT(name, folder, what) {#name, attempt_##name},
#include "core/attempt.def"
};

static void
on_wake(struct deferred *d)
{
	attempt_resume(container_of(d, struct attempt, wake));
}

/* A new attempt at a candidate of the plan;
 * the request's reference is dropped by attempt_end(). */
static struct attempt *
begin(struct request *r, const struct candidate *c, bool fresh)
{
	struct attempt *a = arena_alloc(r->mem, sizeof(*a));

	a->request = r;
	a->number = r->attempts++;
	a->candidate = c;
	a->provider = c->model->at[c->at].provider;
	a->fresh_connection = fresh;
	a->slot_index = -1;
	a->retry_after_ms = -1;
	a->live = true;
	a->wake.run = on_wake;
	a->start_ns = r->worker->env->mono_ns(r->worker->env);
	buf_init(&a->error_body, 65536);
	tap_init(&a->tap, r->worker->taps, a->provider->dialect, r->task.stream,
	    r->task.usage_wanted);
	if (r->plan->route != NULL && r->plan->route->response_model_requested)
		a->tap.model_as = str_make(r->in.body.p + r->task.model_at.start,
		    r->task.model_at.end - r->task.model_at.start);
	usage_unknown(&a->usage);
	relay_reset(r);
	r->live = a;
	r->refs++;
	count(r->worker, attempts);
	if (a->number > 0 && (r->last == NULL || r->last->outcome != OUT_escalated))
		count(r->worker, fallbacks);
	return a;
}

/* What a cascade keeps may still have to serve. */
static void
drop_last(struct request *r)
{
	if (r->last == NULL || r->last == r->kept)
		return;
	tap_fini(&r->last->tap);
	buf_fini(&r->last->error_body);
}

/* Keeps what the answer to the client may have to say; the one before it is forgotten,
 * but a failure that reached a provider is not hidden by one that did not. */
static void
keep_last(struct request *r, struct attempt *a)
{
	if (r->last != NULL && r->last->sent && !a->sent && !a->accepted) {
		tap_fini(&a->tap);
		buf_fini(&a->error_body);
		return;
	}
	drop_last(r);
	r->last = a;
}

void
attempt_end(struct attempt *a, enum outcome o)
{
	struct request *r = a->request;
	struct worker *w = r->worker;

	assert(a->live);
	a->live = false;
	a->outcome = o;
	a->end_ns = w->env->mono_ns(w->env);
	loop_timer_stop(w->loop, &a->deadline);
	loop_defer_cancel(w->loop, &a->wake);
	call_cancel(a);
	meter_settle(a);
	limit_attempt_over(a);
	if (o == OUT_served)
		route_note(a);
	call_leave(a);
	r->live = NULL;
	if (o != OUT_served && o != OUT_escalated)
		count(w, attempts_failed);
	trace(&w->shared->trace, attempt, "%u %s at %s: %s", a->number,
	    a->candidate->model->name, a->provider->name, outcome_name(o));
	keep_last(r, a);
	if (a->accepted || r->client_gone) {
		limit_over(r);
		meter_close(r, o);
		relay_finish(r, o);
	}
	request_resume_later(r);
	request_unref(r);
}

void
attempt_resume(struct attempt *a)
{
	enum next next = NEXT;

	while (a->live && next == NEXT && a->row < nitems(rows)) {
		next = rows[a->row].run(a);
		trace(&a->request->worker->shared->trace, attempt, "%u %s: %s",
		    a->number, rows[a->row].name,
		    next == NEXT   ? "next"
		    : next == WAIT ? "wait"
				   : outcome_name(a->outcome));
		if (next == NEXT)
			a->row++;
		if (next == NEXT && a->accepted)
			request_resume_later(a->request);
	}
	if (a->live && next == END)
		attempt_end(a, a->outcome);
}

/* The bill is in a->outcome and the slot when the upstream has ended, so the row only
 * waits for that end. */
enum next
attempt_settle(struct attempt *a)
{
	return a->upstream_done ? END : WAIT;
}

/* ---- serve ---- */

/* The next of the plan that budgets leave. */
static const struct candidate *
next_of_plan(struct request *r)
{
	while (r->after_cap != CAP_nobody && r->next_candidate < r->plan->usable) {
		const struct candidate *c = &r->plan->candidate[r->next_candidate++];

		if (r->after_cap == CAP_others || c->model->at[c->at].provider->local)
			return c;
	}
	return NULL;
}

/* A budget may have room for another one. */
static bool
may_follow(const struct request *r, const struct attempt *last)
{
	return outcome_row(last->outcome)->again ||
	       (last->outcome == OUT_quota && r->capped != NULL);
}

/* May the failed attempt be followed by another, and by which candidate? NULL: no. */
static const struct candidate *
next_candidate(struct request *r, bool *ret_fresh)
{
	const struct attempt *last = r->last;
	unsigned most = r->plan->route != NULL ? (unsigned)r->plan->route->max_attempts
					       : SLOT_ATTEMPTS;

	/* Whom the gate kept out was not called. */
	unsigned calls = r->slot != NULL ? r->slot->attempts : 0;

	*ret_fresh = false;
	if (calls >= SLOT_ATTEMPTS)
		return NULL;
	if (last != NULL && last->outcome == OUT_escalated &&
	    r->next_candidate < r->plan->escalate_to)
		r->next_candidate = r->plan->escalate_to;
	if (last != NULL && !may_follow(r, last))
		return NULL;
	if (last != NULL && last->outcome == OUT_stale && !r->stale_retried) {
		r->stale_retried = true;
		*ret_fresh = true;
		count(r->worker, stale_connections);
		assert(last->candidate != NULL);
		return last->candidate;
	}
	if (calls >= most)
		return NULL;
	/* Once for each: the next attempt takes another, or is kept out. */
	if (last != NULL && last->number + 1 == r->attempts && call_other_key(last)) {
		assert(last->candidate != NULL);
		return last->candidate;
	}
	return next_of_plan(r);
}

static enum next
give_up(struct request *r)
{
	const struct attempt *last = r->last;
	enum outcome o = last != NULL ? last->outcome : OUT_no_candidate;

	if (r->slot != NULL)
		meter_close(r, o);
	if (last == NULL || (!last->sent && last->error_text[0] == '\0'))
		return request_fail(r, o);
	return request_fail_text(r, o, NULL, "%s%s%s (model %s at %s)",
	    outcome_row(o)->text, last->error_text[0] != '\0' ? ": " : "",
	    last->error_text, last->candidate->model->name, last->provider->name);
}

/* Nobody did better than the first of the cascade: a poor answer is better than none.
 */
static enum next
serve_kept(struct request *r)
{
	struct attempt *a = r->kept;

	drop_last(r);
	r->last = a;
	if (a->content_type[0] == '\0')
		str_copy(
		    a->content_type, sizeof(a->content_type), STR("application/json"));
	a->accepted = true;
	a->outcome = OUT_served;
	if (a->slot_index >= 0)
		slot_attempt_served(r->slot, a->slot_index);
	count(r->worker, escalations_failed);
	relay_restore(r);
	route_note(a);
	limit_over(r);
	meter_close(r, OUT_served);
	relay_finish(r, OUT_served);
	return NEXT;
}

enum next
serve_step(struct request *r)
{
	const struct candidate *c;
	bool fresh;

	for (;;) {
		if (r->live != NULL)
			return r->live->accepted ? NEXT : WAIT;
		if (r->last != NULL && r->last->accepted)
			return NEXT; /* answered and settled in one go */
		c = next_candidate(r, &fresh);
		if (c == NULL)
			return r->kept != NULL ? serve_kept(r) : give_up(r);
		attempt_resume(begin(r, c, fresh));
	}
}
