/* gates.c: what narrows the candidate set for
 * this moment: pins, rules, latency, cost. */
#include "work.h"

static bool
known_session(const struct work *w)
{
	const struct session_view *s = w->in->session;

	return s != NULL && s->known && s->model != NULL;
}

static bool
is_candidate(const struct work *w, const struct model *m)
{
	for (unsigned i = 0; i < w->count; i++) {
		if (w->option[i].c.model == m)
			return true;
	}
	return false;
}

/* ---- pins ---- */

/* The model that made what the history carries; when nobody knows, the baseline is the
 * best guess. NULL: free. */
static const struct model *
pin_of(const struct work *w)
{
	const struct task *t = w->in->task;
	const struct model *m = NULL;

	if (w->route == NULL)
		return NULL;
	if (known_session(w) && is_candidate(w, w->in->session->model))
		m = w->in->session->model;
	if (t->bound != BOUND_none && m == NULL)
		m = w->route->baseline;
	if (t->bound == BOUND_none && !t->open_tool_call)
		return NULL;
	/* Where the baseline serves anyway, the decision is only booked: let it be the
	 * one that a session without pins would have got. */
	return !w->acts && m == w->route->baseline ? NULL : m;
}

static const struct model *
stay_of(const struct work *w)
{
	if (w->route == NULL || !w->acts || !known_session(w))
		return NULL;
	if (w->route->switches == SWITCH_any_turn)
		return NULL;
	if (w->route->switches == SWITCH_new_task &&
	    task_is_new(w->in->session, w->in->task, w->in->verdict))
		return NULL;
	return w->in->session->model;
}

/* Files and states lie at a provider, not only at a model. */
static bool
at_other_provider(const struct work *w, const struct option *o)
{
	enum bound_kind b = w->in->task->bound;

	if ((b != BOUND_file && b != BOUND_state) || !known_session(w) ||
	    w->in->session->provider == NULL)
		return false;
	return o->c.model->at[o->c.at].provider != w->in->session->provider;
}

/* Why the only model that may go on cannot. */
static bool
refuse_pin(struct work *w)
{
	enum outcome o = OUT_no_candidate;
	const char *why = "is not available";

	for (unsigned i = 0; i < w->count; i++) {
		if (w->option[i].c.model != w->pin)
			continue;
		why = reason_text(w->option[i].c.reason);
		if (w->option[i].c.reason == REASON_out_wall)
			o = OUT_data_policy;
		else if (w->option[i].c.reason == REASON_out_context)
			o = OUT_context_length;
		else if (w->option[i].walled)
			o = OUT_missing_capability;
	}
	return refuse(w, o, "messages",
	    "this conversation %s the model '%s', which cannot go on (%s); begin a new "
	    "conversation",
	    w->in->task->bound != BOUND_none ? "carries content that is bound to"
					     : "is inside a tool call of",
	    w->pin->name, why);
}

static bool
pin_gate(struct work *w)
{
	w->pin = pin_of(w);
	w->stay = stay_of(w);
	if (w->pin == NULL)
		return true;
	w->plan->pinned = true;
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (!o->out && (o->c.model != w->pin || at_other_provider(w, o)))
			put_out(o, REASON_out_pin);
	}
	return left_in(w) > 0 || refuse_pin(w);
}

bool
settled(const struct work *w, const struct option *o)
{
	if (w->pin != NULL)
		return o->c.model == w->pin;
	return w->stay != NULL && o->c.model == w->stay &&
	       w->route->switches == SWITCH_never;
}

/* ---- rules ---- */

static bool
rule_gate(struct work *w)
{
	const struct rule *r = w->rule;
	int index;

	if (r == NULL)
		return true;
	index = (int)(r - w->route->rules);
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		uint64_t bit = UINT64_C(1) << o->c.model->index;

		if (o->out || settled(w, o))
			continue;
		if ((r->avoid & bit) == 0 && (r->use == 0 || (r->use & bit) != 0))
			continue;
		put_out(o, REASON_out_rule);
		o->c.rule = index;
	}
	if (left_in(w) > 0)
		return true;
	return refuse(w, OUT_not_permitted, NULL,
	    "rule %d of route '%s' (line %u of the policy) leaves no model that may "
	    "serve this request",
	    index + 1, w->route->name, r->at.line);
}

/* ---- signals ---- */

static void
take_signals(struct work *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct candidate *c = &w->option[i].c;

		if (w->option[i].out)
			continue;
		c->signal = w->in->signal == NULL ? SIGNAL_UNKNOWN
						  : w->in->signal(w->in->signal_arg, c);
	}
}

/* ---- queues of local machines ---- */

/* Above the limit requests go elsewhere. They come back once it was below the limit for
 * some seconds, or is half as long: else each answer that ends would call one back, and
 * each that begins send one away. */
static bool
too_long(const struct signal *s, int32_t max_wait_ms)
{
	if (s->wait_ms > max_wait_ms)
		return true;
	return s->wait_high_ms > max_wait_ms && 2 * s->wait_ms > max_wait_ms;
}

/* Nobody is put out by it: who has nobody else to turn to waits. order.c sees to it. */
static void
wait_gate(struct work *w)
{
	if (w->route == NULL || w->route->max_wait_ms <= 0)
		return;
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		o->queued = !o->out && too_long(&o->c.signal, w->route->max_wait_ms);
	}
}

/* ---- cost ---- */

static void
worst_case_gate(struct work *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (o->out || hold_fit(w->in->task, &o->c, w->terms.max_per_request,
				  &o->c.max_output))
			continue;
		put_out(o, o->c.price == NULL ? REASON_out_unpriced : REASON_out_cost);
	}
}

static bool
refuse_worst_case(struct work *w)
{
	const struct team *team = w->in->who->team;
	struct pusd limit = w->terms.max_per_request;
	bool of_team = team != NULL && team->terms.max_per_request.v == limit.v;
	char most[PUSD_TEXT_BYTES], what[80], by[80];

	pusd_sum_round((struct pusd_sum){limit.v}, 6, most);
	return refuse(w, OUT_quota, "max_tokens",
	    "in the worst case every model of %s costs more than the $%s that one "
	    "request of %s may; ask for a shorter answer (max_tokens)",
	    subject(w, what), most, whose(of_team, w, by));
}

static bool
refuse_cost(struct work *w)
{
	char what[80];

	return refuse(w, OUT_quota, w->max_cost_param,
	    "every candidate of %s that may serve this request is expected to cost "
	    "more than the limit of $%.*f",
	    subject(w, what), w->max_cost_usd < 0.000001 ? 12 : 6, w->max_cost_usd);
}

static bool
cost_gate(struct work *w)
{
	if (w->in->task->endpoint == EP_count_tokens)
		return true;
	for (unsigned i = 0; w->max_cost_usd >= 0 && i < w->count; i++) {
		struct option *o = &w->option[i];

		if (o->out)
			continue;
		if (o->c.cost_usd < 0)
			put_out(o, REASON_out_unpriced);
		else if (o->c.cost_usd > w->max_cost_usd)
			put_out(o, REASON_out_cost);
	}
	if (left_in(w) == 0)
		return refuse_cost(w);
	if (w->terms.max_per_request.v <= 0)
		return true;
	worst_case_gate(w);
	return left_in(w) > 0 || refuse_worst_case(w);
}

bool
gates(struct work *w)
{
	take_signals(w);
	if (!pin_gate(w) || !rule_gate(w))
		return false;
	latency_gates(w);
	wait_gate(w);
	if (!cost_gate(w))
		return false;
	share_gate(w);
	return true;
}
