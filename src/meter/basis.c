/* basis.c: what an attempt is booked at when its provider has not said what it cost. */
#include "stage/meter.h"

#define PPM 1000000LL

/* Input tokens of all kinds that the provider has told; -1: none. */
static int64_t
told_input(const struct slot_attempt *a)
{
	int64_t sum = -1;

	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (k == TOKEN_output || k == TOKEN_audio_output || a->tokens[k] < 0)
			continue;
		sum = usage_known(sum) + a->tokens[k];
	}
	return sum;
}

static int64_t
told(uint32_t fixed)
{
	return fixed == PRICE_NONE ? -1 : (int64_t)fixed - 1;
}

/* Prompt and answer; -1: one of them has no price. */
static wide
by_two(const struct slot_attempt *a, int64_t input, int64_t output)
{
	if (input < 0 || output < 0)
		return -1;
	return (wide)usage_known(a->tokens[TOKEN_input_uncached]) * input +
	       (wide)usage_known(a->tokens[TOKEN_output]) * output;
}

/* An estimate by two prices: the book's row may be gone when a crash is recovered. */
static void
estimate(struct slot_attempt *a)
{
	wide sum = by_two(a, a->price_input_pusd, a->price_output_pusd), own = sum;
	struct pusd list, amount;

	a->list_pusd = -1;
	a->amount_pusd = -1;
	a->unpriced = 1;
	if (a->fixed_input > 0)
		own = by_two(a, told(a->fixed_input), told(a->fixed_output));
	if (sum < 0 || own < 0)
		return;
	if (!pusd_divide(sum, 1, &list) ||
	    !pusd_divide(
		own * a->contract_ppm + (wide)a->machine_pusd * PPM, PPM, &amount))
		return;
	a->list_pusd = list.v;
	a->amount_pusd = amount.v;
	a->unpriced = 0;
}

void
settle_by_basis(struct slot_attempt *a, enum basis basis)
{
	a->basis = (uint8_t)(a->unbilled ? BASIS_none : basis);
	if (a->basis == BASIS_none) {
		a->list_pusd = 0;
		a->amount_pusd = 0;
		a->unpriced = 0;
		return;
	}
	if (told_input(a) < 0)
		a->tokens[TOKEN_input_uncached] = a->input_estimate;
	if (a->tokens[TOKEN_output] < a->output_seen)
		a->tokens[TOKEN_output] = a->output_seen;
	if (basis == BASIS_unknown && a->tokens[TOKEN_output] < a->expected_output)
		a->tokens[TOKEN_output] = a->expected_output;
	estimate(a);
}
