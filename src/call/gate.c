/* gate.c: may this attempt begin, is there room for it;
 * and what its end says of whom. */
#include "fault.h"
#include "health.h"
#include "queue.h"
#include "transfer.h"

#include "core/worker.h"

struct health *
health_of(const struct candidate *c)
{
	return c->service != NULL ? c->model->at[c->at].tier_health
				  : c->model->at[c->at].health;
}

static struct health *
health_at(const struct attempt *a)
{
	return health_of(a->candidate);
}

struct signal
health_signal(const struct candidate *c, int64_t now_ns)
{
	const struct provider *p = c->model->at[c->at].provider;
	const struct health *m = health_of(c);
	struct signal s = SIGNAL_UNKNOWN;
	int64_t ttft = health_ttft_ms(m, now_ns);

	s.up = health_available(p->health, now_ns) && health_available(m, now_ns);
	s.ttft_ms = (int32_t)(ttft < SIGNAL_MS_MAX ? ttft : SIGNAL_MS_MAX);
	if (p->queue != NULL)
		queue_wait(p->queue, now_ns, &s.wait_ms, &s.wait_high_ms);
	return s;
}

/* One that cannot even begin to answer before the deadline would cost something, and
 * give nothing: after another, the time left must be more than its shortest first byte
 * of late. A first one is always asked, so that times are measured anew. */
static bool
in_time(struct attempt *a, int64_t now)
{
	int64_t least_ms =
	    a->request->called ? health_ttft_least_ms(health_at(a), now) : 0;
	int64_t left_ms = deadline_left_ms(a->request, now);

	if (left_ms > 0 && left_ms > least_ms)
		return true;
	str_copy(a->error_text, sizeof(a->error_text),
	    STR("the deadline (limits.request or x-frugald-deadline) leaves too little "
		"time to ask this one"));
	return false;
}

static bool
admitted(struct attempt *a, int64_t now)
{
	/* Whoever has nobody else to ask asks, one at a time: better than no answer,
	 * and as good a probe as any. */
	bool last = a->request->next_candidate >= a->request->plan->usable;
	const struct provider *p = a->provider;
	/* A prompt cache is the key's organisation's: a session keeps its key. */
	uint64_t draw = a->request->session;

	if (!health_key(p->health, health_at(a), p->keys, draw, now, &a->io->key) &&
	    !last)
		return false;
	return health_claim(p->health, now, last, &a->io->probe_provider) &&
	       health_claim(health_at(a), now, last, &a->io->probe_model);
}

static bool
has_room(struct attempt *a)
{
	const struct model *m = a->candidate->model;

	a->entered_model = health_enter(m->health, m->max_inflight);
	if (!a->entered_model)
		return false;
	a->entered_provider =
	    health_enter(a->provider->health, a->provider->max_inflight);
	return a->entered_provider;
}

static uint32_t
bit_of(const struct attempt *a)
{
	return UINT32_C(1) << a->provider->index;
}

/* An outage is not to multiply the load of the provider that has it. Other providers
 * are what fallback is for, and what was no fault (a rate limit, a dead kept
 * connection) may be mended by the next attempt: neither needs the budget. */
static bool
in_budget(struct attempt *a, int64_t now)
{
	bool repeat = (a->request->failed_at & bit_of(a)) != 0;

	if (health_begin(a->provider->health, repeat, now))
		return true;
	count(a->request->worker, retries_refused);
	str_copy(a->error_text, sizeof(a->error_text),
	    STR("its retry budget is spent: of the calls of the last ten seconds too "
		"many repeated failed ones"));
	return false;
}

/* The client is told how long, and by whose wish. */
static enum outcome
refusal(struct attempt *a, int64_t now)
{
	struct health_view p = health_look(a->provider->health, now);
	struct health_view m = health_look(health_at(a), now);
	bool rate = m.cooling && !p.open && !m.open;

	a->retry_after_ms = p.wait_ms > m.wait_ms ? p.wait_ms : m.wait_ms;
	return rate ? OUT_provider_rate : OUT_unhealthy;
}

static void
stand_in_line(struct attempt *a, int64_t now)
{
	const struct candidate *c = a->candidate;
	struct queue *q = a->provider->queue;

	a->io->admitted = true;
	if (q == NULL)
		return;
	a->io->turns = queue_enter(q, now);
	a->io->cold = queue_cold(q, c->model->at[c->at].name, now);
}

enum next
attempt_gate(struct attempt *a)
{
	struct worker *w = a->request->worker;
	int64_t now = w->env->mono_ns(w->env);

	a->io = arena_alloc(a->request->mem, sizeof(*a->io));
	a->io->attempt = a;
	a->io->call = w->call;
	a->outcome = OUT_unset;
	if (!in_time(a, now))
		a->outcome = OUT_too_long;
	else if (!admitted(a, now))
		a->outcome = refusal(a, now);
	else if (!has_room(a))
		a->outcome = OUT_busy;
	else if (!in_budget(a, now))
		a->outcome = OUT_unhealthy;
	else
		stand_in_line(a, now);
	return a->io->admitted ? NEXT : END;
}

/* A rate limit is the model's, and that a tier of service keeps one waiting the tier's;
 * all else is also the provider's. */
static bool
is_of_provider(const struct attempt *a)
{
	if (a->candidate->service != NULL && a->outcome == OUT_slow_first_byte)
		return false;
	return fault_of(a->outcome) != FAULT_rate;
}

/* A 429 is the limit of one account. Not a 529, which says that the provider is too
 * busy, and not what a tier of service has no room for. */
static bool
limits_key(const struct attempt *a)
{
	return fault_of(a->outcome) == FAULT_rate && a->http_status == 429 &&
	       a->candidate->service == NULL && a->provider->keys > 1;
}

/* Until one of the keys is ready for this model; 0: one is. */
static int64_t
keys_wait_ms(const struct attempt *a, int64_t now)
{
	const struct provider *p = a->provider;

	return health_keys_wait_ms(p->health, health_at(a), p->keys, now);
}

static void
report_key(const struct attempt *a, enum fault f, int64_t now)
{
	int64_t retry_ms = a->retry_after_ms;
	unsigned key = a->io->key;

	if (f == FAULT_key || f == FAULT_alive)
		health_key_report(a->provider->health, key, a->outcome, now, retry_ms);
	if (limits_key(a) || f == FAULT_alive)
		health_key_report(health_at(a), key, a->outcome, now, retry_ms);
}

static void
report(struct attempt *a, int64_t now)
{
	enum fault f = fault_of(a->outcome);
	int64_t ttft_ms = -1, retry_ms = a->retry_after_ms;

	if (a->first_byte)
		ttft_ms = (a->first_byte_ns - a->start_ns) / NS_PER_MS;
	report_key(a, f, now);
	/* The limit of one key leaves the model to the others. */
	if (limits_key(a))
		retry_ms = keys_wait_ms(a, now);
	health_report(health_at(a), a->outcome, now, retry_ms, ttft_ms);
	if (!is_of_provider(a))
		return;
	health_report(a->provider->health, a->outcome, now, -1, ttft_ms);
	if (f == FAULT_provider)
		a->request->failed_at |= bit_of(a);
}

static void
probes_over(struct attempt *a, int64_t now)
{
	enum fault f = a->io->admitted ? fault_of(a->outcome) : FAULT_nothing;

	if (a->io->probe_provider)
		health_probe_over(
		    a->provider->health, is_of_provider(a) ? f : FAULT_nothing, now);
	if (a->io->probe_model)
		health_probe_over(health_at(a), f, now);
}

static void
leave_line(const struct attempt *a, int64_t now)
{
	struct queue *q = a->provider->queue;
	bool served = a->outcome == OUT_served || a->outcome == OUT_escalated;

	if (q == NULL)
		return;
	queue_leave(
	    q, a->io->turns, served ? (a->end_ns - a->start_ns) / NS_PER_MS : -1, now);
	if (a->io->cold && a->first_byte)
		queue_warmed(q, (a->first_byte_ns - a->start_ns) / NS_PER_MS);
}

void
call_leave(struct attempt *a)
{
	struct worker *w = a->request->worker;
	int64_t now = w->env->mono_ns(w->env);

	if (a->entered_provider)
		health_leave(a->provider->health);
	if (a->entered_model)
		health_leave(a->candidate->model->health);
	if (a->io == NULL)
		return;
	if (a->io->admitted) {
		leave_line(a, now);
		report(a, now);
	}
	probes_over(a, now);
	if (a->io->origin != NULL && !a->sent && fault_of(a->outcome) == FAULT_provider)
		addresses_nudge(w->shared->addresses, a->io->origin->host);
}

bool
call_other_key(const struct attempt *a)
{
	struct env *env = a->request->worker->env;

	if (!a->sent || (!limits_key(a) && fault_of(a->outcome) != FAULT_key))
		return false;
	return a->provider->keys > 1 && keys_wait_ms(a, env->mono_ns(env)) == 0;
}
