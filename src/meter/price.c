/* price.c: tokens times prices, in integers, rounded once. */
#include "stage/meter.h"

#define PPM         1000000LL
#define MS_PER_HOUR 3600000LL
/* A line without its factors; whatever they are, more is not an amount of one row, and
 * twice that times two factors of 10^8 stays below 2^127. */
#define LINE_MAX   ((wide)INT64_MAX * 100)
#define FACTOR_MAX 100000000LL

static const struct price_row local_row = {
    .id = "local",
    .provider = "local",
    .model = "",
    .to_s = INT64_MAX,
};

const struct price_row *
price_local(void)
{
	return &local_row;
}

struct contract_price
price_for(const struct snapshot *s, const struct model *m, unsigned at, int64_t at_s)
{
	if (m->at[at].provider->local)
		return (struct contract_price){&local_row, &local_row, PPM};
	return contract_price(s, m, at, at_s);
}

bool
price_machine(struct pusd per_hour, int64_t ms, int32_t places, struct pusd *ret)
{
	return pusd_divide(
	    (wide)per_hour.v * ms, MS_PER_HOUR * (places > 0 ? places : 1), ret);
}

const struct price_kinds *
price_kinds_for(const struct price_row *row, int64_t input_tokens)
{
	const struct price_kinds *k = &row->kinds;

	for (unsigned i = 0; i < row->tiers; i++) {
		if (input_tokens > row->tier[i].above)
			k = &row->tier[i].kinds;
	}
	return k;
}

static int64_t
service_ppm(const struct price_row *row, struct str tier)
{
	for (unsigned i = 0; i < row->services; i++) {
		if (str_is(tier, row->service[i].name))
			return row->service[i].ppm;
	}
	return PPM;
}

bool
price_cost(const struct price_row *row, const struct usage *u, struct str service_tier,
    int64_t contract_ppm, struct pusd *ret)
{
	const struct price_kinds *k = price_kinds_for(row, usage_input(u));
	int64_t service = service_ppm(row, service_tier);
	wide sum = 0, fees = row->request_pusd;

	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		if (u->tokens[i] <= 0)
			continue;
		if (k->pusd[i] < 0)
			return false;
		sum += (wide)u->tokens[i] * k->pusd[i];
		if (sum > LINE_MAX)
			return false;
	}
	if (u->calls > 0) {
		if (row->call_pusd < 0)
			return false;
		fees += (wide)u->calls * row->call_pusd;
	}
	if (fees > LINE_MAX || service < 0 || service > FACTOR_MAX ||
	    contract_ppm < 0 || contract_ppm > FACTOR_MAX)
		return false;
	return pusd_divide((sum * service + fees * PPM) * contract_ppm, PPM * PPM, ret);
}

static uint32_t
fixed(int64_t pusd)
{
	return pusd < 0 || pusd >= PRICE_NONE - 1 ? PRICE_NONE : (uint32_t)pusd + 1;
}

void
price_note(const struct contract_price *p, struct slot_attempt *a)
{
	const struct price_kinds *k;

	a->contract_ppm = (int32_t)p->ppm;
	a->price_input_pusd = -1;
	a->price_output_pusd = -1;
	a->fixed_input = a->fixed_output = 0;
	if (p->row == NULL)
		return;
	k = price_kinds_for(p->list, a->input_estimate);
	a->price_input_pusd = k->pusd[TOKEN_input_uncached];
	a->price_output_pusd = k->pusd[TOKEN_output];
	if (p->row == p->list)
		return;
	k = price_kinds_for(p->row, a->input_estimate);
	a->fixed_input = fixed(k->pusd[TOKEN_input_uncached]);
	a->fixed_output = fixed(k->pusd[TOKEN_output]);
}
