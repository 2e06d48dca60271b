/* pack.c: a plan as packed numbers;
 * the policy that is kept by hash gives the names back. */
#include <string.h>

#include "core/request.h"

/* model; at and flags; reason; rule: a byte each; success in 1/65535; cost as a float;
 * times to the first byte, of waiting now and of late in 16 bits each. The first byte
 * of all says the form; rows of the first release have no such byte, no flags and no
 * times, those of the second a first byte's time in 32 bits. */
#define FORM         0x83
#define FORM_second  0x82
#define BYTES        16
#define BYTES_second 14
#define BYTES_first  10
#define UNKNOWN_MS   UINT16_MAX
_Static_assert(sizeof(((struct slot_request *)0)->plan) >= 1 + CANDIDATES_MAX * BYTES,
    "a slot holds a whole plan");
_Static_assert(FORM_second >= MODELS_MAX, "no plan of the first release begins so");
_Static_assert(SIGNAL_MS_MAX < UNKNOWN_MS, "unknown is no time");

#define AT_MASK      0x0F
#define FLAG_by_rule 0x40
#define FLAG_up      0x80
_Static_assert(MODEL_PROVIDERS_MAX <= AT_MASK, "flags stand above");

static void
pack_ms(int32_t ms, uint8_t *ret)
{
	uint16_t v =
	    ms < 0 ? UNKNOWN_MS : (uint16_t)(ms < SIGNAL_MS_MAX ? ms : SIGNAL_MS_MAX);

	memcpy(ret, &v, sizeof(v));
}

static int32_t
unpack_ms(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v == UNKNOWN_MS ? -1 : v;
}

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
	pack_ms(c->signal.ttft_ms, ret + 10);
	pack_ms(c->signal.wait_ms, ret + 12);
	pack_ms(c->signal.wait_high_ms, ret + 14);
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
unpack_candidate(const char *p, size_t bytes)
{
	uint16_t success;
	float cost;
	struct packed_candidate c = {.model = (uint8_t)p[0],
	    .at = (uint8_t)p[1] & AT_MASK,
	    .reason = (uint8_t)p[2],
	    .rule = (int)(uint8_t)p[3] - 1,
	    .by_rule = ((uint8_t)p[1] & FLAG_by_rule) != 0,
	    .up = bytes == BYTES_first || ((uint8_t)p[1] & FLAG_up) != 0,
	    .ttft_ms = -1,
	    .wait_ms = -1,
	    .wait_high_ms = -1};

	memcpy(&success, p + 4, sizeof(success));
	memcpy(&cost, p + 6, sizeof(cost));
	c.success = success / 65535.0;
	c.cost_usd = (double)cost;
	if (bytes == BYTES_second)
		memcpy(&c.ttft_ms, p + 10, sizeof(c.ttft_ms));
	if (bytes != BYTES)
		return c;
	c.ttft_ms = unpack_ms(p + 10);
	c.wait_ms = unpack_ms(p + 12);
	c.wait_high_ms = unpack_ms(p + 14);
	return c;
}

unsigned
plan_unpack(struct str packed, struct packed_candidate *ret, unsigned cap)
{
	uint8_t form = packed.len > 0 ? (uint8_t)packed.p[0] : 0;
	size_t bytes = form == FORM          ? BYTES
		       : form == FORM_second ? BYTES_second
					     : BYTES_first;
	struct str rest = str_skip(packed, bytes == BYTES_first ? 0 : 1);
	unsigned n = (unsigned)(rest.len / bytes);

	if (rest.len % bytes != 0 || n > cap)
		return 0;
	for (unsigned i = 0; i < n; i++)
		ret[i] = unpack_candidate(rest.p + i * bytes, bytes);
	return n;
}
