/* settle.c: the bill of a live attempt, by the provider's usage or by its basis. */
#include <string.h>

#include "core/request.h"
#include "core/worker.h"

#define PPM 1000000LL

static void
name_into(char *dst, size_t cap, const char *src)
{
	str_copy(dst, cap, str_of(src == NULL ? "" : src));
}

/* A machine of ours costs its hours, whatever it says in them. */
static void
price_hours(const struct attempt *a, struct slot_attempt *s)
{
	const struct provider *p = a->provider;
	struct pusd amount = {0};

	s->unpriced = !price_machine(
	    p->usd_per_hour, usage_known(s->total_ms), p->places, &amount);
	s->list_pusd = s->unpriced ? -1 : 0;
	s->amount_pusd = s->unpriced ? -1 : amount.v;
	/* No hold can bound it. */
	if (s->at_most_pusd < s->amount_pusd)
		s->at_most_pusd = s->amount_pusd;
}

/* The bill of the tokens in `s` by the price row. */
static void
price_tokens(const struct attempt *a, struct str tier, struct slot_attempt *s)
{
	const struct candidate *c = a->candidate;
	struct usage u = {.reasoning = s->reasoning, .calls = s->calls};
	struct pusd list, amount;

	if (a->provider->local) {
		price_hours(a, s);
		return;
	}
	memcpy(u.tokens, s->tokens, sizeof(u.tokens));
	s->unpriced = c->price == NULL || !price_cost(c->list, &u, tier, PPM, &list) ||
		      !price_cost(c->price, &u, tier, c->contract_ppm, &amount);
	s->list_pusd = s->unpriced ? -1 : list.v;
	s->amount_pusd = s->unpriced ? -1 : amount.v;
}

/* Is the usage that came the last word? Some providers count in every event of a
 * stream; what came before an answer broke off is not all that was made. */
static bool
usage_is_final(const struct tap *t)
{
	return t->usage_seen && (!t->stream || t->finished || t->terminal);
}

/* outcome.def's basis; but what was not sent costs nothing, nor does what the provider
 * itself called an error; and whatever we give up later than that is not free. */
static enum basis
basis_of(const struct attempt *a)
{
	enum basis b = outcome_row(a->outcome)->basis;

	if (!a->sent || a->http_status >= 300)
		return BASIS_none;
	if (b == BASIS_none && a->tap.failed)
		return BASIS_none;
	if (b == BASIS_unknown)
		return b;
	return a->first_byte ? BASIS_partial : BASIS_unknown;
}

/* An estimate takes the service tier that was asked for when none was told. */
static void
settle_estimated(const struct attempt *a, enum basis basis, struct slot_attempt *s)
{
	struct str tier = str_of(a->tap.service_tier);

	settle_by_basis(s, basis);
	if (basis == BASIS_none || s->unbilled)
		return;
	if (tier.len == 0 && a->candidate->service != NULL)
		tier = str_of(a->candidate->service);
	else if (tier.len == 0)
		tier = a->request->task.service_tier;
	price_tokens(a, tier, s);
}

/* Finish reasons, whatever the API. Others (refusals, filters, pauses) say nothing. */
static enum answer_length
length_of(const struct attempt *a)
{
	static const struct {
		const char *word;
		enum answer_length length;
	} words[] = {{"stop", LENGTH_whole}, {"tool_calls", LENGTH_whole},
	    {"function_call", LENGTH_whole}, {"end_turn", LENGTH_whole},
	    {"tool_use", LENGTH_whole}, {"stop_sequence", LENGTH_whole},
	    {"length", LENGTH_least}, {"max_tokens", LENGTH_least}};
	const struct task *t = &a->request->task;

	for (size_t i = 0; t->n <= 1 && t->best_of <= 1 && i < nitems(words); i++) {
		if (strcmp(a->tap.finish, words[i].word) == 0)
			return words[i].length;
	}
	return LENGTH_unknown;
}

static int32_t
span_ms(int64_t from_ns, int64_t to_ns)
{
	return from_ns == 0 || to_ns < from_ns
		   ? -1
		   : (int32_t)((to_ns - from_ns) / NS_PER_MS);
}

static void
fill_result(const struct attempt *a, struct slot_attempt *s)
{
	s->outcome = (uint16_t)a->outcome;
	s->flaw = (uint8_t)a->flaw;
	s->http_status = (int16_t)a->http_status;
	s->sent = a->sent;
	s->first_byte = a->first_byte;
	s->connect_ms = span_ms(a->start_ns, a->connected_ns);
	s->ttft_ms = span_ms(a->start_ns, a->first_byte_ns);
	s->total_ms = span_ms(a->start_ns, a->end_ns);
	s->reasoning = a->tap.usage.reasoning;
	s->calls =
	    a->tap.usage.calls < INT32_MAX ? (int32_t)a->tap.usage.calls : INT32_MAX;
	s->length = (uint8_t)length_of(a);
	s->usage_inconsistent = a->tap.usage.inconsistent;
	s->output_seen =
	    tap_output_seen(&a->tap, a->provider->bytes_per_token_milli / 1000.0);
	memcpy(s->tokens, a->tap.usage.tokens, sizeof(s->tokens));
	name_into(s->served_model, sizeof(s->served_model), a->tap.model);
	name_into(s->service_tier, sizeof(s->service_tier), a->tap.service_tier);
}

static void
count_settled(struct worker *w, const struct slot_attempt *s)
{
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		counter_add(
		    &w->counters->tokens[k], (uint64_t)usage_known(s->tokens[k]));
	if (s->unpriced)
		count(w, unpriced_attempts);
	if (s->usage_inconsistent)
		count(w, usage_inconsistent);
	if (s->sent && s->http_status < 300 && !s->unbilled &&
	    s->basis != BASIS_reported)
		count(w, usage_missing);
}

/* What was set aside is given back but for what was spent. */
static void
end_hold(struct attempt *a, struct pusd spent)
{
	(void)budgets_settle(a->request->worker->shared->budgets, &a->grant, spent);
}

void
meter_settle(struct attempt *a)
{
	struct request *r = a->request;
	struct slot_attempt s;

	if (a->slot_index < 0) {
		/* It never came so far that it could cost anything. */
		a->basis = BASIS_none;
		end_hold(a, (struct pusd){0});
		return;
	}
	s = r->slot->attempt[a->slot_index];
	if (s.closed) {
		end_hold(a, budget_charge(s.amount_pusd, s.at_most_pusd));
		return;
	}
	fill_result(a, &s);
	if (!usage_is_final(&a->tap) || s.unbilled || basis_of(a) == BASIS_none) {
		settle_estimated(a, basis_of(a), &s);
	} else {
		s.basis = BASIS_reported;
		price_tokens(a, str_of(a->tap.service_tier), &s);
	}
	a->usage = a->tap.usage;
	memcpy(a->usage.tokens, s.tokens, sizeof(s.tokens));
	a->basis = (enum basis)s.basis;
	a->list.v = s.list_pusd;
	a->amount.v = s.amount_pusd;
	a->unpriced = s.unpriced;
	r->unpriced |= s.unpriced != 0;
	if (!s.unpriced)
		pusd_sum_add(&r->cost, a->amount);
	count_settled(r->worker, &s);
	slot_attempt_close(r->slot, a->slot_index, &s, buf_str(&a->tap.raw_usage));
	end_hold(a, budget_charge(s.amount_pusd, s.at_most_pusd));
}

void
meter_close(struct request *r, enum outcome o)
{
	if (r->slot == NULL)
		return;
	slot_close(r->worker->shared->slots, r->slot, o, env_wall_ms(r->worker->env));
	r->slot = NULL;
}
