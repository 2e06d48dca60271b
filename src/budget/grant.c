/* grant.c: the row `hold` of attempt.def: what an attempt may cost is set aside in
 * every budget on its path, or it is not sent. */
#include <stdio.h>
#include <time.h>

#include "core/request.h"
#include "core/worker.h"

/* Of a machine that is paid by the hour and has no deadline, so many times the time
 * that is expected is set aside. */
#define MACHINE_TIMES 10

/* The plan has put out who costs too much alone; here is what attempts cost together:
 * what those before have cost, or may have, is no longer there. */
static bool
within_limit(struct attempt *a)
{
	const struct request *r = a->request;
	struct terms terms = auth_terms(&r->who);
	wide left;

	if (terms.max_per_request.v <= 0)
		return true;
	left = terms.max_per_request.v - r->cost.v;
	return left > 0 && hold_fit(&r->task, a->candidate,
			       (struct pusd){(int64_t)left}, &a->max_output);
}

/* ---- what it may cost ---- */

/* The nearest of the deadlines that are set; 0: none is. */
static int64_t
longest_ms(const struct attempt *a)
{
	const struct request *r = a->request;
	const int64_t limits[] = {
	    a->provider->timeouts.total_ms, r->snap->limits.request_ms, r->deadline_ms};
	int64_t least = 0;

	for (size_t i = 0; i < nitems(limits); i++) {
		if (limits[i] > 0 && (least == 0 || limits[i] < least))
			least = limits[i];
	}
	return least;
}

/* A machine of ours costs its hours, whatever it says in them. */
static bool
machine_at_most(const struct attempt *a, struct pusd *ret)
{
	const struct provider *p = a->provider;
	double expected_ms = a->candidate->machine_s * 1000 * MACHINE_TIMES;
	int64_t ms = longest_ms(a);

	if (ms == 0 && expected_ms > 0 && expected_ms < INT32_MAX)
		ms = (int64_t)expected_ms;
	return ms > 0 && price_machine(p->usd_per_hour, ms, p->places, ret);
}

static bool
machine_is_paid(const struct attempt *a)
{
	return a->provider->local && a->provider->usd_per_hour.v > 0;
}

static int64_t
max_output(const struct attempt *a)
{
	const struct task *t = &a->request->task;

	return t->max_output >= 0 ? t->max_output : a->max_output;
}

/* What 99 of 100 such answers stay below; never more than they can cost. */
static struct pusd
expected(const struct attempt *a)
{
	const struct candidate *c = a->candidate;
	double p99 = outlook_cost_p99(a->request->outlook, c->model->name);
	double pusd = c->cost_usd * p99 * PUSD_PER_USD;

	if (c->cost_usd < 0 || !(pusd < (double)a->at_most.v))
		return a->at_most;
	return (struct pusd){(int64_t)pusd};
}

static void
reckon(struct attempt *a, struct budget_need *ret)
{
	const struct request *r = a->request;

	if (machine_is_paid(a))
		a->unpriced = !machine_at_most(a, &a->at_most);
	else
		a->unpriced = !hold_worst_case(
		    &r->task, a->candidate, max_output(a), &a->at_most);
	ret->unpriced = a->unpriced;
	ret->worst_case = a->at_most;
	if (!machine_is_paid(a) && !a->unpriced)
		a->unpriced =
		    !hold_warm(&r->task, a->candidate, max_output(a), &ret->worst_case);
	ret->expected = expected(a);
}

/* ---- whose money ---- */

static void
whose(const struct request *r, struct budget_who *ret)
{
	*ret = (struct budget_who){.team = str_of(r->who.team_name),
	    .key = str_of(r->who.key_name),
	    .user = r->task.user,
	    .session = r->session,
	    .tags = r->tags,
	    .tag_count = r->tag_count};
}

/* ---- an answer that fits ---- */

static bool
shorten(struct attempt *a, const struct budget_refusal *why)
{
	wide room;

	if (why->budget == NULL || !why->budget->fit_output || why->needed.v < 0 ||
	    machine_is_paid(a) || !hold_may_shorten(&a->request->task))
		return false;
	room = why->budget->cap.v - why->spent.v - why->held.v;
	if (room <= 0 || room >= why->needed.v)
		return false;
	return hold_fit(&a->request->task, a->candidate, (struct pusd){(int64_t)room},
	    &a->max_output);
}

/* What was set aside for holds only as long as no answer is longer: where nobody has
 * named a maximum, ours is sent. Not where the window ends before it. */
static void
send_bound(struct attempt *a)
{
	const struct model *m = a->candidate->model;
	const struct task *t = &a->request->task;

	if (a->grant.count == 0 || t->max_output >= 0 || a->max_output >= 0 ||
	    a->provider->local ||
	    hold_input_bound(t, m->context) + m->max_output > m->context)
		return;
	a->max_output = m->max_output;
}

/* ---- when it does not fit ---- */

static const char *
resets_text(const struct budget_refusal *why, char ret[static 32])
{
	time_t at = (time_t)(why->resets_ms / 1000);
	struct tm t;

	if (why->resets_ms < 0 || gmtime_r(&at, &t) == NULL ||
	    strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
		return "never";
	return ret;
}

static void
explain(struct attempt *a, const struct budget_refusal *why)
{
	char cap[PUSD_TEXT_BYTES], spent[PUSD_TEXT_BYTES], held[PUSD_TEXT_BYTES];
	char needed[PUSD_TEXT_BYTES], resets[32];
	bool one =
	    why->budget != NULL && why->value[0] != '\0' && why->budget->value == NULL;

	if (why->budget == NULL) {
		snprintf(a->error_text, sizeof(a->error_text),
		    "more accounts of budgets are in use than are kept; a new one has "
		    "no room");
		return;
	}
	pusd_sum_round(why->budget->cap, 2, cap);
	pusd_sum_round(why->spent, 6, spent);
	pusd_sum_round(why->held, 6, held);
	if (why->needed.v < 0)
		snprintf(needed, sizeof(needed), "an unknown price");
	else
		pusd_sum_round((struct pusd_sum){why->needed.v}, 6, needed);
	snprintf(a->error_text, sizeof(a->error_text),
	    "budget `%s`%s%s: cap %s USD, spent %s, held %s, needed %s; resets: %s",
	    why->budget->name, one ? " of " : "", one ? why->value : "", cap, spent,
	    held, needed, resets_text(why, resets));
}

/* May another candidate of the plan follow? */
static bool
others_follow(const struct request *r)
{
	for (unsigned i = r->next_candidate; i < r->plan->usable; i++) {
		const struct candidate *c = &r->plan->candidate[i];

		if (r->after_cap == CAP_others ||
		    (r->after_cap == CAP_local && c->model->at[c->at].provider->local))
			return true;
	}
	return false;
}

static void
refused(
    struct attempt *a, const struct budget_who *who, const struct budget_refusal *why)
{
	static const enum cap_follows follows[] = {[EXHAUSTED_refuse] = CAP_nobody,
	    [EXHAUSTED_downgrade] = CAP_others,
	    [EXHAUSTED_local_only] = CAP_local};
	struct request *r = a->request;
	enum cap_follows f =
	    why->budget == NULL ? CAP_nobody : follows[why->budget->on_exhausted];

	explain(a, why);
	r->capped = why->budget;
	if (f > r->after_cap)
		r->after_cap = f;
	if (r->cap_why == NULL)
		r->cap_why = arena_alloc(r->mem, sizeof(*r->cap_why));
	*r->cap_why = *why;
	if (!others_follow(r))
		budgets_count(r->worker->shared->budgets, who, why,
		    r->kept != NULL ? BUDGET_downgraded : BUDGET_refused);
}

/* Another one than was decided may be asked, because of a budget. */
static void
follows_cap(struct request *r, const struct budget_who *who)
{
	if (r->cap_why == NULL || r->cap_told)
		return;
	r->cap_told = true;
	budgets_count(r->worker->shared->budgets, who, r->cap_why,
	    r->after_cap == CAP_local ? BUDGET_local_only : BUDGET_downgraded);
}

static bool
grant(struct attempt *a)
{
	struct request *r = a->request;
	struct budgets *b;
	struct budget_refusal why;
	struct budget_need need;
	struct budget_who who;

	reckon(a, &need);
	if (r->snap->budget_count == 0)
		return true;
	b = r->worker->shared->budgets;
	whose(r, &who);
	/* Each budget that asks for it may shorten the answer further. */
	for (unsigned i = 0; i < BUDGET_PATH_MAX; i++) {
		if (budgets_grant(b, r->snap, &who, &need, &a->grant, &why)) {
			follows_cap(r, &who);
			send_bound(a);
			return true;
		}
		if (!shorten(a, &why))
			break;
		reckon(a, &need);
	}
	refused(a, &who, &why);
	return false;
}

/* The most that the attempt can cost is booked beside what it did cost. */
enum next
attempt_hold(struct attempt *a)
{
	a->max_output = a->candidate->max_output;
	if (a->request->task.endpoint == EP_count_tokens)
		return NEXT;
	a->outcome = OUT_quota;
	if (!within_limit(a) || !limit_attempt(a) || !grant(a))
		return END;
	return NEXT;
}
