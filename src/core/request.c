/* request.c: the life of a request: admitted, walked through steps.def, ended once. */
#include "core/request.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "core/worker.h"

/* Everything of a request but its body and relay; a hostile one meets OUT_too_large. */
#define REQUEST_MEM_MAX (4U << 20)

typedef enum next step_fn(struct request *);

static const struct {
	const char *name;
	step_fn *run;
} steps[] = {
#define STEP(name, what) {#name, name##_step},
#include "core/steps.def"
};

static void
on_later(struct deferred *d)
{
	struct request *r = container_of(d, struct request, later);

	if (r->client_gone && r->live != NULL)
		attempt_end(r->live, r->outcome);
	else
		request_run(r);
}

/* Grace is over: the attempt is billed, the client gets the error event. */
static void
on_cut(struct deferred *d)
{
	struct request *r = container_of(d, struct request, cut);

	if (r->live == NULL)
		return;
	attempt_end(r->live, OUT_shutdown);
}

struct request *
request_new(struct worker *w)
{
	struct arena *mem = arena_new(REQUEST_MEM_MAX);
	struct request *r = arena_alloc(mem, sizeof(*r));

	r->mem = mem;
	r->worker = w;
	r->snap = snapshot_ref(w->snap);
	r->outlook = outlook_take(w->shared->outlook);
	r->id = id_take(&w->ids, w->env);
	r->start_ns = w->env->mono_ns(w->env);
	r->start_wall_ms = env_wall_ms(w->env);
	r->refs = 1;
	r->later.run = on_later;
	r->cut.run = on_cut;
	r->retry_after_ms = -1;
	r->min_quality = -1;
	r->max_cost_usd = -1;
	buf_init(&r->in.body, (size_t)r->snap->limits.body_bytes);
	relay_init(r);
	TAILQ_INSERT_TAIL(&w->requests, r, link);
	w->live++;
	count(w, requests);
	return r;
}

const char *
request_id_text(struct request *r)
{
	char id[ID_TEXT_BYTES];

	id_format(r->id, id);
	return arena_join(r->mem, "req_", id);
}

/* Log line and counters; money was settled by attempt_end() long before. */
static void
report_end(struct request *r)
{
	struct worker *w = r->worker;
	struct buf line;

	counter_add(&w->counters->outcome[r->outcome], 1);
	atomic_store_explicit(
	    &w->counters->live_requests, w->live, memory_order_relaxed);
	if (w->log == NULL)
		return;
	buf_init(&line, 16384);
	log_request(r, &line);
	if (!log_ring_put(w->log, buf_str(&line)))
		count(w, log_lines_dropped);
	buf_fini(&line);
}

static void
free_attempt(struct attempt *a)
{
	if (a == NULL)
		return;
	tap_fini(&a->tap);
	buf_fini(&a->error_body);
}

/* The only end: the client side and every attempt are done. */
static void
request_end(struct request *r)
{
	struct worker *w = r->worker;

	assert(r->live == NULL);
	/* The client left, or we stopped, between two attempts:
	 * what was settled is booked. */
	if (r->slot != NULL)
		meter_close(r, r->outcome);
	limit_over(r);
	TAILQ_REMOVE(&w->requests, r, link);
	w->live--;
	report_end(r);
	loop_defer_cancel(w->loop, &r->later);
	loop_defer_cancel(w->loop, &r->cut);
	if (r->kept != r->last)
		free_attempt(r->kept);
	free_attempt(r->last);
	reader_free(r->reader);
	buf_fini(&r->in.body);
	buf_fini(&r->relay.whole);
	buf_fini(&r->kept_whole);
	ring_fini(&r->relay.ring);
	outlook_release(r->outlook);
	snapshot_unref(r->snap);
	arena_free(r->mem);
}

void
request_unref(struct request *r)
{
	assert(r->refs > 0);
	if (--r->refs == 0)
		request_end(r);
}

void
request_run(struct request *r)
{
	enum next next = NEXT;

	if (r->running)
		return; /* a step asked from inside: the loop below goes on by itself */
	r->running = true;
	while (next == NEXT && r->step < nitems(steps)) {
		next = steps[r->step].run(r);
		trace(&r->worker->shared->trace, step, "%s: %s", steps[r->step].name,
		    next == NEXT   ? "next"
		    : next == WAIT ? "wait"
				   : outcome_name(r->outcome));
		if (next == NEXT)
			r->step++;
	}
	r->running = false;
	if (next == END)
		r->step = nitems(steps);
}

void
request_resume_later(struct request *r)
{
	if (!r->running)
		loop_defer(r->worker->loop, &r->later);
}

enum next
request_fail(struct request *r, enum outcome o)
{
	if (r->outcome != OUT_unset)
		return END;
	r->outcome = o;
	r->step = nitems(steps);
	/* Before the client knows: what it asks next finds the place free. */
	if (r->live == NULL)
		limit_over(r);
	if (r->in.conn != NULL && !r->client_gone && !r->relay.begun)
		edge_reply_error(r);
	return END;
}

enum next
request_fail_text(
    struct request *r, enum outcome o, const char *param, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->fail_text = arena_str(r->mem, str_of(text));
	r->fail_param = param;
	return request_fail(r, o);
}

void
request_client_gone(struct request *r, enum outcome o)
{
	if (r->client_gone)
		return;
	r->client_gone = true;
	if (r->outcome == OUT_unset)
		r->outcome = o;
	r->step = nitems(steps);
	if (o == OUT_client_gone)
		count(r->worker, client_gone);
	else
		count(r->worker, client_stalled);
	if (r->live != NULL)
		loop_defer(r->worker->loop, &r->later);
}

void
request_client_done(struct request *r)
{
	r->in.conn = NULL;
	if (r->live != NULL && !r->live->upstream_done)
		request_client_gone(r, OUT_client_gone);
	request_unref(r);
}
