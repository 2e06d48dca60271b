/* settle.c: what an attempt cost, by the provider's usage or by its basis. */
#include <math.h>
#include <stdio.h>

#include "core/request.h"
#include "core/worker.h"

#define PPM 1000000LL

static int64_t
known(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

/* Input tokens of all kinds that the provider has told; -1: none. */
static int64_t
told_input(const struct slot_attempt *a)
{
	int64_t sum = -1;

	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (k == TOKEN_output || k == TOKEN_audio_output || a->tokens[k] < 0)
			continue;
		sum = known(sum) + a->tokens[k];
	}
	return sum;
}

/* An estimate by two prices: the book's row may be gone when a crash is recovered. */
static void
estimate(struct slot_attempt *a)
{
	wide sum = (wide)known(a->tokens[TOKEN_input_uncached]) * a->price_input_pusd +
		   (wide)known(a->tokens[TOKEN_output]) * a->price_output_pusd;
	struct pusd list, amount;

	a->list_pusd = -1;
	a->amount_pusd = -1;
	a->unpriced = 1;
	if (a->price_input_pusd < 0 || a->price_output_pusd < 0)
		return;
	if (!pusd_divide(sum, 1, &list) ||
	    !pusd_divide(sum * a->contract_ppm, PPM, &amount))
		return;
	a->list_pusd = list.v;
	a->amount_pusd = amount.v;
	a->unpriced = 0;
}

void
settle_by_basis(struct slot_attempt *a, enum basis basis)
{
	a->basis = (uint8_t)basis;
	if (basis == BASIS_none || a->unbilled) {
		a->list_pusd = 0;
		a->amount_pusd = 0;
		a->unpriced = 0;
		return;
	}
	if (told_input(a) < 0)
		a->tokens[TOKEN_input_uncached] = a->input_estimate;
	if (a->tokens[TOKEN_output] < 0 || a->tokens[TOKEN_output] < a->output_seen)
		a->tokens[TOKEN_output] =
		    basis == BASIS_partial ? a->output_seen : a->expected_output;
	estimate(a);
}

/* ---- of a live attempt ---- */

static void
name_into(char *dst, size_t cap, const char *src)
{
	str_copy(dst, cap, str_of(src == NULL ? "" : src));
}

/* The bill by what the provider reported. False: a kind has no price. */
static bool
settle_reported(const struct attempt *a, struct slot_attempt *s)
{
	const struct price_row *row = a->candidate->price;
	struct str tier = str_of(a->tap.service_tier);
	struct pusd list, amount;

	s->basis = BASIS_reported;
	if (row == NULL || !price_cost(row, &a->tap.usage, tier, PPM, &list) ||
	    !price_cost(row, &a->tap.usage, tier, a->provider->contract_ppm, &amount))
		return false;
	s->list_pusd = list.v;
	s->amount_pusd = amount.v;
	return true;
}

static enum basis
basis_of(const struct attempt *a)
{
	enum basis b = outcome_row(a->outcome)->basis;

	if (!a->sent || a->http_status >= 300)
		return BASIS_none;
	if (b == BASIS_none)
		return b;
	return a->first_byte ? BASIS_partial : BASIS_unknown;
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
	s->http_status = (int16_t)a->http_status;
	s->sent = a->sent;
	s->first_byte = a->first_byte;
	s->connect_ms = span_ms(a->start_ns, a->connected_ns);
	s->ttft_ms = span_ms(a->start_ns, a->first_byte_ns);
	s->total_ms = span_ms(a->start_ns, a->end_ns);
	s->reasoning = a->tap.usage.reasoning;
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
		counter_add(&w->counters->tokens[k], (uint64_t)known(s->tokens[k]));
	if (s->unpriced)
		count(w, unpriced_attempts);
	if (s->usage_inconsistent)
		count(w, usage_inconsistent);
	if (s->sent && s->http_status < 300 && s->basis != BASIS_reported)
		count(w, usage_missing);
}

void
meter_settle(struct attempt *a)
{
	struct request *r = a->request;
	struct slot_attempt s;

	if (a->slot_index < 0)
		return; /* it never came so far that it could cost anything */
	s = r->slot->attempt[a->slot_index];
	fill_result(a, &s);
	if (!a->tap.usage_seen || s.unbilled || basis_of(a) == BASIS_none) {
		settle_by_basis(&s, basis_of(a));
	} else if (!settle_reported(a, &s)) {
		s.unpriced = 1;
		s.list_pusd = -1;
		s.amount_pusd = -1;
	}
	a->usage = a->tap.usage;
	a->basis = (enum basis)s.basis;
	a->list.v = s.list_pusd;
	a->amount.v = s.amount_pusd;
	a->unpriced = s.unpriced;
	r->unpriced |= s.unpriced != 0;
	if (!s.unpriced)
		pusd_sum_add(&r->cost, a->amount);
	count_settled(r->worker, &s);
	slot_attempt_close(r->slot, a->slot_index, &s, buf_str(&a->tap.raw_usage));
}

void
meter_close(struct request *r, enum outcome o)
{
	if (r->slot == NULL)
		return;
	slot_close(r->worker->shared->slots, r->slot, o, env_wall_ms(r->worker->env));
	r->slot = NULL;
}
