/* replay_judge.c: one request of the ledger, decided again: its input as it was, the
 * other policy, and what its session has become under that. */
#include "replay_judge.h"

#include "base/hash.h"

struct judge {
	struct replay_bench *b;
	const struct replay_row *row;
	const struct replay_world *world;
	struct arena *mem;
	struct replay_verdict *ret;
	struct route_input *in;
	struct session_view was;     /* the session as the ledger's policy saw it */
	struct session_view session; /* as the other one sees it */
	struct packed_candidate option[CANDIDATES_MAX];
	unsigned options;
	struct plan plan;
	struct route_input moved; /* before the added machine */
	bool other_session;       /* it was answered elsewhere before */
};

/* ---- the input ---- */

static struct decision_row
decision_row(const struct replay_row *row)
{
	return (struct decision_row){.asked = str_of(row->asked),
	    .class_name = str_of(row->class_name),
	    .key = str_of(row->key),
	    .team = str_of(row->team),
	    .tags = str_make(row->tags, row->tags_len),
	    .complexity = row->complexity,
	    .confidence = row->confidence,
	    .start_ms = row->start_ms,
	    .session = row->session,
	    .decision = str_make(row->decision, row->decision_len),
	    .plan = str_make(row->plan, row->plan_len)};
}

/* Each route has its own part of a session, and so has what is asked without tools. */
static uint64_t
session_part(const struct judge *j)
{
	const struct asked asked = snapshot_resolve(j->in->snap, j->in->task->model);
	uint64_t part[3] = {j->row->session, 0, j->in->task->tools > 0};

	if (asked.route == NULL)
		return 0;
	part[1] = asked.route->index + 1;
	return hash_stable(str_make((const char *)part, sizeof(part)));
}

static bool
lacking(struct judge *j, const char *why)
{
	j->ret->lacks = why;
	return false;
}

static bool
read_input(struct judge *j)
{
	const struct decision_row row = decision_row(j->row);

	if (row.decision.len == 0)
		return lacking(j, "what they were decided from is not kept (older "
				  "release, keep: slim)");
	j->world = replay_world_of(j->b->worlds, j->row->policy, j->row->basis);
	if (j->world->old == NULL)
		return lacking(j, j->world->why);
	j->in = decision_unpack(&row, j->world->old, j->mem);
	if (j->in == NULL)
		return lacking(
		    j, "what they were decided from does not fit their policy");
	j->was = *j->in->session;
	j->in = decision_move(j->in, j->world->fresh, j->mem);
	if (j->in == NULL)
		return lacking(j, "the other policy does not have the data class or "
				  "the team that they "
				  "name");
	j->session = *j->in->session;
	j->in->session = &j->session;
	j->options = plan_unpack(row.plan, j->option, CANDIDATES_MAX);
	j->in->outlook = replay_outlook_at(j->b->outlook, j->row->outlook);
	return true;
}

/* ---- was it the same decision? ---- */

static const struct model *
old_model(const struct judge *j, const struct packed_candidate *c)
{
	const struct snapshot *old = j->world->old;

	if (c->model >= old->model_count || c->at >= old->models[c->model].ats)
		return NULL;
	return &old->models[c->model];
}

static bool
same_choice(const struct judge *j, const struct candidate *is)
{
	const struct packed_candidate *was = &j->option[0];
	const struct model *m = old_model(j, was);

	return j->options > 0 && m != NULL && strcmp(m->name, is->model->name) == 0 &&
	       strcmp(m->at[was->at].provider->name,
		   is->model->at[is->at].provider->name) == 0 &&
	       was->by_rule == (is->service != NULL);
}

/* ---- prices ---- */

/* Both NULL: it is not served there. */
static struct contract_price
price_in(const struct snapshot *s, const struct provider *p, const struct model *m,
    int64_t at_s)
{
	for (unsigned i = 0; i < m->ats; i++) {
		if (m->at[i].provider == p)
			return price_for(s, m, i, at_s);
	}
	return (struct contract_price){0};
}

/* What this answer costs by one price book of what it costs by the other. */
static double
scale_of(const struct judge *j, const struct candidate *is)
{
	const struct replay_row *row = j->row;
	const struct snapshot *old = j->world->old;
	const struct model *m = snapshot_model(old, str_of(row->model));
	const struct provider *p = snapshot_provider(old, str_of(row->provider));
	const struct provider *q = is->model->at[is->at].provider;
	struct str tier = str_of(row->service_tier);
	struct contract_price then;
	struct pusd was, now;

	if (j->world->same_prices || m == NULL || p == NULL || is->price == NULL ||
	    strcmp(m->name, is->model->name) != 0 || strcmp(p->name, q->name) != 0)
		return 1;
	then = price_in(old, p, m, row->start_ms / 1000);
	if (then.row == NULL ||
	    !price_cost(then.row, &row->usage, tier, then.ppm, &was) ||
	    !price_cost(is->price, &row->usage, tier, is->contract_ppm, &now) ||
	    was.v <= 0)
		return 1;
	return (double)now.v / (double)was.v;
}

/* What the prompt cache that a session has at a place is worth to its next turn: it
 * would be read at a lower price than computed anew. */
static double
cache_worth(
    const struct judge *j, const struct snapshot *s, const struct session_view *v)
{
	struct contract_price price;
	const struct price_kinds *k;
	double warm;

	if (!v->known || v->model == NULL || v->provider == NULL)
		return 0;
	price = price_in(s, v->provider, v->model, j->row->start_ms / 1000);
	if (price.row == NULL)
		return 0;
	k = price_kinds_for(price.row, v->cached_tokens);
	if (k->pusd[TOKEN_cache_read] < 0 || k->pusd[TOKEN_input_uncached] < 0)
		return 0;
	warm = outlook_warmth(outlook_provider(j->in->outlook, v->provider->name),
	    v->hour ? WARM_hour : WARM_minutes, v->idle_ms);
	return (double)v->cached_tokens * warm *
	       (double)(k->pusd[TOKEN_input_uncached] - k->pusd[TOKEN_cache_read]) /
	       (double)PUSD_PER_USD * (double)price.ppm / 1e6;
}

/* ---- the facts ---- */

static double
usd_of(struct pusd_sum v)
{
	return (double)v.v / (double)PUSD_PER_USD;
}

static void
fact_then(struct judge *j, struct replay_fact *f)
{
	const struct replay_row *row = j->row;
	const struct packed_candidate *first = &j->option[0];
	const struct model *m = j->options > 0 ? old_model(j, first) : NULL;

	f->session = row->session;
	f->class = j->in->verdict->class;
	f->complexity = row->complexity;
	f->booked_usd = usd_of(row->booked);
	f->counts_only = j->in->task->endpoint != EP_generate;
	f->tier_was = row->tier < TIER_COUNT ? row->tier : TIER_frontier;
	f->success_was = m != NULL ? first->success : 0;
	j->ret->model_was = -1;
	if (m != NULL && j->world->model[m->index] != NULL)
		j->ret->model_was = (int)j->world->model[m->index]->index;
	if (m == NULL || !j->was.known || j->was.model == NULL || j->was.model == m)
		return;
	f->switched_was = true;
	f->lost_was_usd = cache_worth(j, j->world->old, &j->was);
}

/* What the answer tells of what its model costs. */
static void
fact_evidence(const struct judge *j, struct replay_fact *f)
{
	const struct replay_row *row = j->row;

	f->model_was = -1;
	f->planned_usd = f->answer_usd = -1;
	if (row->outcome != OUT_served)
		return;
	for (unsigned i = 0; i < j->options; i++) {
		const struct packed_candidate *o = &j->option[i];
		const struct model *m = old_model(j, o);

		if (m == NULL || strcmp(m->name, row->model) != 0 ||
		    strcmp(m->at[o->at].provider->name, row->provider) != 0)
			continue;
		if (j->world->model[m->index] != NULL)
			f->model_was = (int)j->world->model[m->index]->index;
		if (row->basis_of_cost == BASIS_reported && !row->unpriced)
			f->answer_usd = (double)row->amount_pusd / (double)PUSD_PER_USD;
		f->planned_usd = o->cost_usd;
		return;
	}
}

static void
fact_now(struct judge *j, struct replay_fact *f)
{
	const struct candidate *first = &j->plan.candidate[0];
	const struct session_view *s = j->in->session;

	f->changed = !same_choice(j, first);
	f->modelled = f->changed || j->other_session;
	f->scale = f->modelled ? 1 : scale_of(j, first);
	f->expected_usd = first->cost_usd;
	f->model_is = (int)first->model->index;
	f->tier_is = f->changed ? first->model->tier : f->tier_was;
	f->success_is = first->success;
	j->ret->unpriced = j->row->unpriced || (f->modelled && first->cost_usd < 0);
	if (!s->known || s->model == NULL || s->model == first->model)
		return;
	f->switched_is = true;
	f->lost_is_usd = cache_worth(j, j->in->snap, s);
}

/* What this turn leaves behind for the next one of its session. */
static void
note_session(struct judge *j, const struct replay_fact *f)
{
	const struct candidate *first = &j->plan.candidate[0];
	struct replay_turn turn = {0};
	double tokens = (double)session_prefix(&j->row->usage);

	if (f->counts_only)
		return;
	if (f->refused) {
		turn.model = j->in->session->model;
		turn.provider = j->in->session->provider;
		turn.cached_tokens = j->in->session->cached_tokens;
	} else if (f->modelled) {
		if (j->row->input_estimate > 0)
			tokens *= first->input_tokens / (double)j->row->input_estimate;
		turn.model = first->model;
		turn.provider = first->model->at[first->at].provider;
		turn.cached_tokens = tokens < 1e9 ? (int64_t)tokens : 0;
	}
	replay_session_note(j->b->sessions, session_part(j), j->row->end_ms, &turn);
}

/* ---- a machine that was not there ---- */

static bool
at_added(const struct judge *j, const struct candidate *c)
{
	return c->model->at[c->at].provider == j->b->added;
}

/* Nothing waits: who finds no place goes on to the next candidate. */
static struct signal
signal_added(void *arg, const struct candidate *c)
{
	const struct judge *j = arg;
	struct signal s = SIGNAL_UNKNOWN;

	if (!at_added(j, c))
		return j->moved.signal(j->moved.signal_arg, c);
	s.up = replay_places_free(&j->b->places, j->row->start_ms);
	return s;
}

static void
add_machine(struct judge *j)
{
	if (j->b->added == NULL)
		return;
	j->moved = *j->in;
	j->in->signal = signal_added;
	j->in->signal_arg = j;
}

/* It answers, or would if it had a place. */
static void
use_machine(struct judge *j)
{
	const struct plan *p = &j->plan;

	if (j->b->added == NULL || j->in->task->endpoint != EP_generate)
		return;
	if (at_added(j, &p->candidate[0]) && p->candidate[0].signal.up) {
		replay_places_take(&j->b->places, j->row->start_ms,
		    (int64_t)(p->candidate[0].output_tokens / j->b->tokens_per_s * 1e3),
		    j->b->local);
		return;
	}
	for (unsigned i = 0; i < p->usable; i++) {
		const struct candidate *c = &p->candidate[i];

		if (at_added(j, c) && !c->signal.up && c->success >= p->floor) {
			j->b->local->spilled++;
			return;
		}
	}
}

void
replay_judge(struct replay_bench *b, const struct replay_row *row, struct arena *mem,
    struct replay_verdict *ret)
{
	struct judge j;
	struct replay_fact *f = &ret->fact;

	*ret = (struct replay_verdict){.fact = {.model_is = -1, .scale = 1}};
	j.b = b;
	j.row = row;
	j.mem = mem;
	j.ret = ret;
	if (!read_input(&j))
		return;
	j.other_session = replay_session_look(
	    b->sessions, session_part(&j), row->start_ms, &j.session);
	fact_then(&j, f);
	fact_evidence(&j, f);
	add_machine(&j);
	if (plan_build(j.in, &j.plan)) {
		fact_now(&j, f);
		use_machine(&j);
	} else {
		f->refused = f->changed = true;
		ret->refusal = j.plan.refusal;
		ret->unpriced = row->unpriced;
	}
	note_session(&j, f);
}
