/* latency.c: who is too slow for the route's limits or the request's deadline, by what
 * was learned of this hour of the day and by the times of the last minutes. */
#include "work.h"

/* Of so many sessions one is let by what was learned, so that somebody who has become
 * fast is found out. */
#define LET_BY 64
/* Before anything is known of a place: what there is to be left for a call there. */
#define GUESS_TTFT_MS 5000.0
#define GUESS_RATE    20.0
/* A deadline is far away when it leaves so many times what a call takes. */
#define FAR 10

/* ---- how fast ---- */

/* A cheap tier of which nothing is known is no faster than the usual one. */
double
pace_of(const struct work *w, const struct candidate *c, enum pace_value v)
{
	const struct outlook *o = w->in->outlook;
	double tier = -1;

	if (c->service != NULL)
		tier =
		    outlook_pace(o, c->model->at[c->at].tier_place, w->in->wall_s, v);
	return tier >= 0 ? tier
			 : outlook_pace(o, c->model->at[c->at].place, w->in->wall_s, v);
}

/* Milliseconds until the whole answer is here, in nine of ten cases; -1: unknown. Where
 * all answers come in one piece, their rate has the first byte in it. */
static double
takes_ms(const struct work *w, const struct candidate *c)
{
	double first = pace_of(w, c, PACE_ttft_p90),
	       rate = pace_of(w, c, PACE_rate_p10);

	if (rate <= 0)
		return -1;
	return (first > 0 ? first : 0) + output_estimate(w, c) * 1000 / rate +
	       (c->signal.wait_ms > 0 ? c->signal.wait_ms : 0);
}

static double
takes_or_guess_ms(const struct work *w, const struct candidate *c)
{
	double ms = takes_ms(w, c);

	return ms >= 0 ? ms : GUESS_TTFT_MS + output_estimate(w, c) * 1000 / GUESS_RATE;
}

bool
flex_has_time(const struct work *w, const struct candidate *c)
{
	const struct route_input *in = w->in;
	struct candidate usual = *c;

	usual.service = NULL;
	return w->acts && w->service == NULL && in->deadline_ms > 0 &&
	       in->task->service_tier.len == 0 && in->task->endpoint == EP_generate &&
	       FAR * takes_or_guess_ms(w, &usual) <= (double)in->deadline_ms;
}

/* ---- gates ---- */

typedef bool slow_fn(const struct work *w, const struct option *o);

static bool
let_by(const struct work *w)
{
	return w->in->draw % LET_BY == LET_BY - 1;
}

/* A tier of service that was not asked of late is judged by the usual one, which stands
 * behind it. */
static int32_t
ttft_of_late(const struct work *w, const struct option *o)
{
	const struct option *next = o + 1;

	if (o->c.signal.ttft_ms >= 0 || o->c.service == NULL ||
	    next == w->option + w->count || next->c.model != o->c.model ||
	    next->c.at != o->c.at)
		return o->c.signal.ttft_ms;
	return next->c.signal.ttft_ms;
}

/* Either is reason enough: that it is slow right now, or as a rule at this hour. */
static bool
slow_to_begin(const struct work *w, const struct option *o)
{
	double most = w->route->max_ttft_ms;

	return ttft_of_late(w, o) > most ||
	       (!let_by(w) && pace_of(w, &o->c, PACE_ttft_p50) > most);
}

static bool
slow_to_go_on(const struct work *w, const struct option *o)
{
	double rate = pace_of(w, &o->c, PACE_rate_p50);

	return !let_by(w) && rate >= 0 && rate < w->route->min_tokens_per_s;
}

/* The cheap tier must leave time to ask once more without it. */
static bool
late(const struct work *w, const struct option *o)
{
	int64_t ms = (o->c.takes_ms > 0 ? o->c.takes_ms : 0) + (int64_t)o->c.spare_ms;

	return ms > w->in->deadline_ms;
}

/* Slow is better than nobody: when all are, it is no reason, and the answer is false.
 */
static bool
narrow(struct work *w, slow_fn *slow, enum reason why)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		o->slow = !o->out && (asks_flex(&o->c) || !settled(w, o)) && slow(w, o);
		n += o->slow;
	}
	if (n > 0 && n == left_in(w))
		return false;
	for (unsigned i = 0; i < w->count; i++) {
		if (w->option[i].slow)
			put_out(&w->option[i], why);
	}
	return true;
}

static int32_t
whole_ms(double ms)
{
	return ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
}

static void
reckon(struct work *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct candidate *c = &w->option[i].c, usual = *c;

		if (w->option[i].out)
			continue;
		c->takes_ms = whole_ms(takes_ms(w, c));
		usual.service = NULL;
		if (asks_flex(c))
			c->spare_ms = whole_ms(takes_or_guess_ms(w, &usual));
	}
}

static bool
in_time(struct work *w)
{
	reckon(w);
	if (narrow(w, late, REASON_out_deadline))
		return true;
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (!o->out && asks_flex(&o->c))
			put_out(o, REASON_out_deadline);
	}
	return false;
}

void
latency_gates(struct work *w)
{
	const struct route_input *in = w->in;

	if (w->route != NULL && w->route->max_ttft_ms > 0)
		(void)narrow(w, slow_to_begin, REASON_out_latency);
	if (w->route != NULL && w->route->min_tokens_per_s > 0)
		(void)narrow(w, slow_to_go_on, REASON_out_slow);
	if (in->deadline_ms > 0 && in->task->endpoint == EP_generate)
		w->hurry = !in_time(w);
}
