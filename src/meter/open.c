/* open.c: the row `slot` of attempt.def:
 * the intent stands in the file before anything is sent. */
#include <string.h>

#include "core/request.h"
#include "core/worker.h"

/* Cut at a whole character: what a client wrote is shown to people later. */
static void
text_into(char *dst, size_t cap, struct str src)
{
	size_t at = 0, n = str_copy(dst, cap, src);

	while (at < n) {
		size_t len = str_utf8(str_make(dst + at, n - at));

		if (len == 0 && n - at < 4)
			break; /* cut in the middle */
		at += len == 0 ? 1 : len;
	}
	memset(dst + at, 0, cap - at);
}

static void
name_into(char *dst, size_t cap, const char *src)
{
	text_into(dst, cap, str_of(src == NULL ? "" : src));
}

static const struct tag *
find_tag(const struct request *r, const char *name)
{
	for (unsigned i = 0; i < r->tag_count; i++) {
		if (str_is(r->tags[i].name, name))
			return &r->tags[i];
	}
	return NULL;
}

/* Tags on their way into a slot. */
struct tags_at {
	struct slot_request *slot;
	size_t bytes;
	unsigned count;
};

static void
put_tag(struct tags_at *at, const struct tag *t)
{
	struct slot_request *s = at->slot;
	char *p = s->tags + at->bytes;

	/* parse_tags() has seen to it that there is room. */
	if (at->count == nitems(s->tag_source) ||
	    at->bytes + t->name.len + t->value.len + 2 > sizeof(s->tags))
		return;
	s->tag_source[at->count++] = (uint8_t)t->source;
	memcpy(p, t->name.p, t->name.len);
	p[t->name.len] = '=';
	memcpy(p + t->name.len + 1, t->value.p, t->value.len);
	p[t->name.len + 1 + t->value.len] = '\n';
	at->bytes += t->name.len + t->value.len + 2;
}

/* In the order in which they are declared, so that the same tags are one roll-up. */
static void
fill_tags_of(const struct request *r, enum tag_depth depth, struct tags_at *at)
{
	for (unsigned i = 0; i < r->snap->tag_count; i++) {
		const struct tag_name *n = &r->snap->tags[i];
		const struct tag *t = n->depth == depth ? find_tag(r, n->name) : NULL;

		if (t != NULL)
			put_tag(at, t);
	}
}

static void
fill_tags(const struct request *r, struct slot_request *s)
{
	struct tags_at at = {.slot = s};

	fill_tags_of(r, TAG_rollup, &at);
	s->rollup_tags_len = (uint16_t)at.bytes;
	fill_tags_of(r, TAG_index, &at);
	fill_tags_of(r, TAG_store, &at);
	s->tags_len = (uint16_t)at.bytes;
}

/* An estimate in dollars; -1: unknown, or no number that could be one. */
static int64_t
pusd_of(double usd)
{
	return usd >= 0 && usd < 1e6 ? (int64_t)(usd * (double)PUSD_PER_USD) : -1;
}

/* A share of a whole; all of it where that is not known. */
static uint32_t
ppm_of(double part, double whole)
{
	return whole > 0 && part >= 0 && part < whole ? (uint32_t)(part / whole * 1e6)
						      : 1000000;
}

static int64_t
tokens_of(double expected)
{
	return expected > 0 && expected < 1e12 ? (int64_t)expected : 0;
}

static void
fill_decision(const struct request *r, struct slot_request *s)
{
	const struct plan *p = r->plan;

	name_into(s->route, sizeof(s->route), p->route != NULL ? p->route->name : "");
	name_into(s->asked, sizeof(s->asked), p->asked);
	name_into(s->mode, sizeof(s->mode), mode_name(p->mode));
	name_into(s->data, sizeof(s->data), p->data != NULL ? p->data->name : "");
	name_into(s->baseline, sizeof(s->baseline),
	    p->baseline != NULL ? p->baseline->name : "");
	name_into(
	    s->decided, sizeof(s->decided), p->decided != NULL ? p->decided->name : "");
	s->baseline_pusd = pusd_of(p->baseline_cost_usd);
	s->baseline_output_ppm = ppm_of(p->baseline_output_usd, p->baseline_cost_usd);
	s->baseline_samples = (uint32_t)p->baseline_samples;
	s->baseline_success = (float)p->baseline_success;
	s->below_quality = p->below_quality;
	s->unsure = p->unsure;
	s->pinned = p->pinned;
	s->plan_len = (uint16_t)plan_pack(p, s->plan, sizeof(s->plan));
	s->decision_len = (uint16_t)r->decision_len;
	memcpy(s->decision, r->decision, r->decision_len);
}

static void
fill_request(const struct request *r, struct slot_request *s)
{
	s->id = r->id;
	s->start_ms = r->start_wall_ms;
	name_into(s->key, sizeof(s->key), r->who.key_name);
	name_into(s->team, sizeof(s->team), r->who.team_name);
	text_into(s->user, sizeof(s->user), r->task.user);
	name_into(s->class_name, sizeof(s->class_name), class_name(r->verdict.class));
	text_into(s->path, sizeof(s->path), r->in.path);
	name_into(s->policy, sizeof(s->policy), r->snap->short_hash);
	name_into(s->basis, sizeof(s->basis), r->snap->basis);
	name_into(s->classifier, sizeof(s->classifier),
	    classifier_version(r->snap->classifier));
	s->session = r->session;
	s->rules = r->snap->rules;
	name_into(
	    s->budget, sizeof(s->budget), r->capped != NULL ? r->capped->name : "");
	s->outlook = r->outlook != NULL ? r->outlook->number : 0;
	s->complexity = r->verdict.complexity;
	s->confidence = r->verdict.confidence;
	s->stream = r->task.stream;
	if (r->who.team != NULL && r->who.team->terms.frontier_at_most >= 0)
		s->shares |= 1U << SHARE_team;
	if (r->who.key != NULL && r->who.key->terms.frontier_at_most >= 0)
		s->shares |= 1U << SHARE_key;
	fill_decision(r, s);
	fill_tags(r, s);
}

/* No longer than a maximum of ours, which a limit may have lowered since the plan was
 * reckoned. */
static int64_t
expected_output(const struct attempt *a)
{
	const struct task *t = &a->request->task;
	int64_t expected = tokens_of(a->candidate->output_tokens);
	int64_t most = a->max_output * (t->n > t->best_of ? t->n : t->best_of);

	return t->max_output < 0 && a->max_output >= 0 && expected > most ? most
									  : expected;
}

/* Is this where the session's last turn was answered? */
static void
fill_warmth(const struct attempt *a, struct slot_attempt *s)
{
	const struct session_view *v = &a->request->session_view;
	double cached = (double)v->cached_tokens, all = a->candidate->input_tokens;

	s->warm_idle_ms = -1;
	s->warm_tokens = -1;
	if (!v->known || v->model != a->candidate->model || v->provider != a->provider)
		return;
	s->warm_idle_ms = v->idle_ms < INT32_MAX ? (int32_t)v->idle_ms : INT32_MAX;
	s->warm_kind = v->hour ? WARM_hour : WARM_minutes;
	cached = cached < all ? cached : all;
	s->warm_tokens = cached < INT32_MAX ? (int32_t)cached : INT32_MAX;
}

/* Of a crash nobody knows when it was: then the expected time counts. */
static int64_t
expected_machine(const struct attempt *a)
{
	const struct provider *p = a->provider;
	struct pusd cost;
	double ms = a->candidate->machine_s * 1000;

	return p->local && ms > 0 && ms < INT32_MAX &&
		       price_machine(p->usd_per_hour, (int64_t)ms, p->places, &cost)
		   ? cost.v
		   : 0;
}

static void
fill_attempt(const struct attempt *a, struct slot_attempt *s)
{
	const struct candidate *c = a->candidate;

	name_into(s->model, sizeof(s->model), c->model->name);
	name_into(s->provider, sizeof(s->provider), a->provider->name);
	name_into(s->region, sizeof(s->region), a->provider->region);
	name_into(s->price_id, sizeof(s->price_id), c->price_id);
	s->tier = (uint8_t)c->model->tier;
	s->unbilled = a->request->task.endpoint == EP_count_tokens;
	s->tiered = c->service != NULL;
	s->start_ms = env_wall_ms(a->request->worker->env);
	s->input_estimate = tokens_of(c->input_tokens);
	if (a->request->task.opaque_bytes == 0)
		s->text_bytes = (int64_t)a->request->task.text_bytes;
	s->expected_output = expected_output(a);
	s->granted_ms = a->grant.at_ms;
	s->calls = -1;
	fill_warmth(a, s);
	s->machine_pusd = expected_machine(a);
	s->expected_usd = (float)c->cost_usd;
	s->at_most_pusd = a->unpriced ? -1 : a->at_most.v;
	price_note(&(struct contract_price){c->list, c->price, c->contract_ppm}, s);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		s->tokens[k] = -1;
	s->reasoning = -1;
}

enum next
attempt_slot(struct attempt *a)
{
	struct request *r = a->request;
	struct slot_request intent = {0};
	struct slot_attempt attempt = {0};

	if (r->slot == NULL) {
		fill_request(r, &intent);
		if (ledger_accepts(r->worker->shared->ledger))
			r->slot = slot_open(
			    r->worker->shared->slots, r->worker->index, &intent);
	}
	a->outcome = OUT_no_slot;
	if (r->slot == NULL)
		return END;
	fill_attempt(a, &attempt);
	a->slot_index = slot_attempt_open(r->slot, &attempt);
	return a->slot_index < 0 ? END : NEXT;
}
