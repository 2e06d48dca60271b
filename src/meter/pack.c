/* pack.c: a plan as packed numbers;
 * the policy that is kept by hash gives the names back. */
#include <string.h>

#include "core/request.h"

/* model; at and flags; reason; rule: a byte each; success in 1/65535; cost as a float;
 * time to first byte. The first byte of all is FORM; rows of the first release have no
 * such byte, no flags and no time. */
#define FORM        0x82
#define BYTES       14
#define BYTES_FIRST 10
_Static_assert(sizeof(((struct slot_request *)0)->plan) >= 1 + CANDIDATES_MAX * BYTES,
    "a slot holds a whole plan");
_Static_assert(FORM >= MODELS_MAX, "no plan of the first release begins so");

#define AT_MASK      0x0F
#define FLAG_by_rule 0x40
#define FLAG_up      0x80
_Static_assert(MODEL_PROVIDERS_MAX <= AT_MASK, "flags stand above");

static void
pack_candidate(const struct candidate *c, uint8_t *ret)
{
	uint16_t success = (uint16_t)(c->success * 65535.0 + 0.5);
	float cost = (float)c->cost_usd;

	ret[0] = (uint8_t)c->model->index;
	ret[1] = (uint8_t)(c->at | (c->service != NULL ? FLAG_by_rule : 0) |
			   (c->signal.up ? FLAG_up : 0));
	ret[2] = (uint8_t)c->reason;
	ret[3] = (uint8_t)(c->rule + 1);
	memcpy(ret + 4, &success, sizeof(success));
	memcpy(ret + 6, &cost, sizeof(cost));
	memcpy(ret + 10, &c->signal.ttft_ms, 4);
}

size_t
plan_pack(const struct plan *p, uint8_t *ret, size_t cap)
{
	size_t n = 1;

	if (p->count == 0 || cap == 0)
		return 0;
	ret[0] = FORM;
	for (unsigned i = 0; i < p->count && n + BYTES <= cap; i++) {
		pack_candidate(&p->candidate[i], ret + n);
		n += BYTES;
	}
	return n;
}

static struct packed_candidate
unpack_candidate(const char *p, bool first_form)
{
	uint16_t success;
	float cost;
	struct packed_candidate c = {.model = (uint8_t)p[0],
	    .at = (uint8_t)p[1] & AT_MASK,
	    .reason = (uint8_t)p[2],
	    .rule = (int)(uint8_t)p[3] - 1,
	    .by_rule = ((uint8_t)p[1] & FLAG_by_rule) != 0,
	    .up = first_form || ((uint8_t)p[1] & FLAG_up) != 0,
	    .ttft_ms = -1};

	memcpy(&success, p + 4, sizeof(success));
	memcpy(&cost, p + 6, sizeof(cost));
	if (!first_form)
		memcpy(&c.ttft_ms, p + 10, sizeof(c.ttft_ms));
	c.success = success / 65535.0;
	c.cost_usd = (double)cost;
	return c;
}

unsigned
plan_unpack(struct str packed, struct packed_candidate *ret, unsigned cap)
{
	bool first_form = packed.len == 0 || (uint8_t)packed.p[0] != FORM;
	size_t bytes = first_form ? BYTES_FIRST : BYTES;
	struct str rest = str_skip(packed, first_form ? 0 : 1);
	unsigned n = (unsigned)(rest.len / bytes);

	if (rest.len % bytes != 0 || n > cap)
		return 0;
	for (unsigned i = 0; i < n; i++)
		ret[i] = unpack_candidate(rest.p + i * bytes, first_form);
	return n;
}
